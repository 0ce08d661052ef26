"""What there is to draw over time: columns of the table ``hours``, their units, and the limits beside them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from peerflex.core.arrays import Floats, Ints
from peerflex.core.frequency import STANDARD_RANGE_HZ
from peerflex.core.units import KW_PER_MW

_PERCENT: Final = 100.0
_MILLI: Final = 1000.0
BUCKETS: Final = 600
"""More steps than two in each of these are thinned out: about as many as a chart is pixels wide."""


@dataclass(frozen=True, slots=True)
class Curve:
    """A column of ``hours`` and what it is called."""

    column: str
    label: str


@dataclass(frozen=True, slots=True)
class Limit:
    """A level that is marked, in the unit of the picture."""

    value: float
    label: str


@dataclass(frozen=True, slots=True)
class Picture:
    """One chart: ``quantity`` in ``unit``, which is the columns' times ``scale``.

    With ``from_zero`` the axis begins at zero, with ``band`` what lies between the first two curves is filled.
    """

    key: str
    title: str
    quantity: str
    unit: str
    scale: float
    curves: tuple[Curve, ...]
    limits: tuple[Limit, ...] = ()
    from_zero: bool = False
    band: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(curve.column for curve in self.curves)


def pictures(scenario: Mapping[str, Any]) -> tuple[Picture, ...]:
    """Return the pictures of a run of this scenario (as in its manifest); frequency only if it is simulated."""
    dso, tariffs = scenario["dso"], scenario["tariffs"]
    low, high = (float(limit) for limit in dso["voltage_pu"])
    loading = _PERCENT * float(dso["loading"])
    found = (
        Picture(
            "prices", "Prices of energy", "price", "EUR/MWh", 1.0,
            (Curve("p2p_price_eur_per_mwh", "trades of peers, on average"),
             Curve("clearing_price_eur_per_mwh", "price that cleared")),
            (Limit(float(tariffs["retail_eur_per_mwh"]), "retail"),
             Limit(float(tariffs["feed_in_eur_per_mwh"]), "feed-in")),
        ),
        Picture(
            "volumes", "Energy of each step", "energy", "kWh", KW_PER_MW,
            (Curve("load_mwh", "load"), Curve("pv_mwh", "PV and generators"), Curve("p2p_mwh", "traded by peers"),
             Curve("lfm_mwh", "flexibility")),
            from_zero=True,
        ),
        Picture(
            "voltage", "Voltage band", "voltage", "pu", 1.0,
            (Curve("lowest_voltage_pu", "lowest"), Curve("highest_voltage_pu", "highest")),
            (Limit(low, "lower limit"), Limit(high, "upper limit")), band=True,
        ),
        Picture(
            "loading", "Highest loading of a line or transformer", "loading", "% of rating", _PERCENT,
            (Curve("highest_loading", "highest"),), (Limit(loading, "limit"),), from_zero=True,
        ),
    )  # fmt: skip
    return (*found, FREQUENCY) if scenario.get("frequency") else found


FREQUENCY: Final = Picture(
    "frequency", "Frequency, deviation from nominal", "deviation", "mHz", _MILLI,
    (Curve("extreme_hz", "farthest in the step"), Curve("quasi_steady_hz", "at its end")),
    (Limit(_MILLI * STANDARD_RANGE_HZ, "standard range"), Limit(-_MILLI * STANDARD_RANGE_HZ, "standard range")),
)  # fmt: skip


def drawn_rows(columns: list[Floats], buckets: int = BUCKETS) -> Ints:
    """Return which rows to draw so that no extreme and no gap of any column is lost; all if there are few.

    The rows are cut into ``buckets`` stretches; of each the first row, the least and the greatest value of every
    column and its first gap are kept. The last row is.
    """
    n = len(columns[0]) if columns else 0
    if n <= 2 * buckets:
        return np.arange(n)
    begins = np.linspace(0, n, buckets + 1).astype(np.int64)[:-1]
    stretch = np.repeat(np.arange(buckets), np.diff([*begins, n]))
    kept = [begins, np.array([n - 1])]
    for column in columns:
        gap = np.isnan(column)
        lowest = np.minimum.reduceat(np.where(gap, np.inf, column), begins)
        highest = np.maximum.reduceat(np.where(gap, -np.inf, column), begins)
        kept += [_first(column == lowest[stretch], stretch), _first(column == highest[stretch], stretch)]
        kept.append(_first(gap, stretch))
    return np.unique(np.concatenate(kept))


def _first(there: np.ndarray[Any, np.dtype[np.bool_]], stretch: Ints) -> Ints:
    """Return the first row of every stretch for which something is true."""
    rows = np.flatnonzero(there)
    return rows[np.unique(stretch[rows], return_index=True)[1]]
