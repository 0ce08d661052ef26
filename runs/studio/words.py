"""Numbers and times as the studio writes them."""

import math
from collections.abc import Sequence
from datetime import datetime

from peerflex.core.units import KW_PER_MW
from peerflex.runs.log.manifest import Manifest
from peerflex.runs.views import hour_of, time_at

NONE = "-"
MOST_NAMES = 4


def fixed(value: float, digits: int = 1) -> str:
    """Return a number with so many digits behind the point, a dash for none."""
    return NONE if math.isnan(value) else f"{value + 0.0:.{digits}f}"


def kilo(value_m: float, digits: int = 2) -> str:
    """Return MW (or MWh) in kW (or kWh)."""
    return fixed(value_m * KW_PER_MW, digits)


def percent(share: float, digits: int = 1) -> str:
    return fixed(share * 100, digits)


def figure(value: float) -> str:
    """Return a number of any size in four digits or more."""
    if math.isnan(value):
        return NONE
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"


def some(names: Sequence[str]) -> str:
    """Return the first names in one line, the others counted."""
    return ", ".join(names[:MOST_NAMES]) + (f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else "")


def when(time: datetime) -> str:
    return f"{time:%a %Y-%m-%d %H:%M}"


def stands(manifest: Manifest, step: int) -> str:
    """Return which step is shown, in words."""
    if step < 0:
        return f"before the first hour, {when(manifest.start)}"
    return f"{when(time_at(manifest, step))}, hour {hour_of(manifest, step):g}"
