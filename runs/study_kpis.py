"""The figures a study reports, taken from the log of a run: closing figures, or one hour of the table ``hours``."""

from typing import TYPE_CHECKING

from peerflex.core.errors import InputError
from peerflex.core.units import SECONDS_PER_HOUR
from peerflex.runs.kpis import KPIS
from peerflex.runs.reader import Run
from peerflex.runs.table_hours import HOURS
from peerflex.scenarios.hints import nearest
from peerflex.scenarios.study import LoadedStudy, Variant
from peerflex.scenarios.study_schema import Kpi

if TYPE_CHECKING:
    import pandas as pd

_WHOLE_RUN = tuple(kpi.name for kpi in KPIS)
_HOURLY = tuple(column.name for column in HOURS.columns if column.kind in ("float", "int"))
_COUNTS = tuple(column.name for column in HOURS.columns if column.kind == "int")


def check_kpis(loaded: LoadedStudy, variants: tuple[Variant, ...]) -> None:
    """Refuse a figure that no run of the study will have, before anything is simulated.

    Raises:
        InputError: if a KPI is no closing figure, or its hour no column of ``hours`` or beyond the horizon.
    """
    for row, kpi in enumerate(loaded.study.kpis):
        where = f"{loaded.origin}: kpis.{row}"
        if kpi.hour is None:
            if kpi.name not in _WHOLE_RUN:
                raise InputError(
                    f"{where}.name", f"a run has no closing figure {kpi.name!r}", nearest(kpi.name, _WHOLE_RUN)
                )
            continue
        if kpi.name not in _HOURLY:
            what = f"an hour has no figure {kpi.name!r} (no number in the table hours)"
            raise InputError(f"{where}.name", what, nearest(kpi.name, _HOURLY))
        for variant in variants:
            hours = variant.load().scenario.time.hours
            if kpi.hour >= hours:
                what = f"{kpi.hour} is beyond the {hours} hours of scenario {variant.case!r}"
                raise InputError(f"{where}.hour", what, f"Hours count from 0: the last is {hours - 1}.")


def figures_of(run: Run, kpis: tuple[Kpi, ...]) -> tuple[float, ...]:
    """Return the figures of a finished run, NaN where one does not exist."""
    closing = run.kpis
    return tuple(closing[kpi.name] if kpi.hour is None else _in_hour(run, kpi.name, kpi.hour) for kpi in kpis)


def _in_hour(run: Run, name: str, hour: int) -> float:
    steps = SECONDS_PER_HOUR // run.manifest.step_seconds
    return of_hour(run.table("hours", hour * steps, hour * steps + steps - 1), name)


def of_hour(rows: "pd.DataFrame", name: str) -> float:
    """Return a column's figure for the hour that the rows of ``hours`` (its steps) make up.

    Energies, money and counts add up, extremes stay extremes, the P2P price is averaged by volume, anything else by
    time.
    """
    column = rows[name]
    if name == "p2p_price_eur_per_mwh":
        volume = float(rows["p2p_mwh"].sum())
        return float((column * rows["p2p_mwh"]).sum()) / volume if volume else float("nan")
    if "lowest" in name or "highest" in name:
        return float(column.min() if "lowest" in name else column.max())
    if name in _COUNTS or (name.endswith(("_mwh", "_mvarh", "_eur")) and "_per_" not in name):
        return float(column.sum(min_count=1))
    return float(column.mean())
