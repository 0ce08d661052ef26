"""The figures a study reports of a run: closing figures, or one hour of the table ``hours``."""

import math
from collections.abc import Callable

import numpy as np

from peerflex.core.arrays import Floats
from peerflex.core.errors import InputError
from peerflex.core.units import SECONDS_PER_HOUR
from peerflex.runs.kpis import KPIS, Column, Seen, figure
from peerflex.runs.reader import Run
from peerflex.runs.table_hours import HOURS
from peerflex.scenarios.hints import nearest
from peerflex.scenarios.study import LoadedStudy
from peerflex.scenarios.study_schema import Kpi

_CLOSING = {kpi.name: kpi for kpi in KPIS}
_HOURLY = tuple(column.name for column in HOURS.columns if column.kind in ("float", "int"))
_COUNTS = tuple(column.name for column in HOURS.columns if column.kind == "int")


def check_kpis(loaded: LoadedStudy) -> None:
    """Refuse a figure that no run of the study will have, before anything is simulated.

    Raises:
        InputError: if a KPI is no closing figure, or its hour no column of ``hours`` or beyond the horizon.
    """
    for row, kpi in enumerate(loaded.study.kpis):
        where = f"{loaded.origin}: kpis.{row}"
        if kpi.hour is None:
            if kpi.name not in _CLOSING:
                raise InputError(
                    f"{where}.name", f"a run has no closing figure {kpi.name!r}", nearest(kpi.name, list(_CLOSING))
                )
            continue
        if kpi.name not in _HOURLY:
            what = f"an hour has no figure {kpi.name!r} (no number in the table hours)"
            raise InputError(f"{where}.name", what, nearest(kpi.name, _HOURLY))
        for variant in (*loaded.variants, *loaded.varied):
            hours = variant.loaded.scenario.time.hours
            if kpi.hour >= hours:
                what = f"{kpi.hour} is beyond the {hours} hours of scenario {variant.case!r}"
                raise InputError(f"{where}.hour", what, f"Hours count from 0: the last is {hours - 1}.")


def figures_of(seen: Seen, steps_per_hour: int, kpis: tuple[Kpi, ...]) -> tuple[float, ...]:
    """Return the figures of a run in memory, NaN where one does not exist."""
    return tuple(
        figure(_CLOSING[kpi.name], seen)
        if kpi.hour is None
        else of_hour(_part(seen.hours, kpi.hour * steps_per_hour, steps_per_hour), kpi.name)
        for kpi in kpis
    )


def figures_of_run(run: Run, kpis: tuple[Kpi, ...]) -> tuple[float, ...]:
    """Return the figures of a logged run, NaN where one does not exist."""
    closing = run.kpis
    return tuple(closing[kpi.name] if kpi.hour is None else _logged_hour(run, kpi.name, kpi.hour) for kpi in kpis)


def _logged_hour(run: Run, name: str, hour: int) -> float:
    steps = SECONDS_PER_HOUR // run.manifest.step_seconds
    rows = run.rows("hours", hour * steps, hour * steps + steps - 1)
    return of_hour(lambda column: np.asarray(rows[column].to_numpy(), dtype=np.float64), name)


def _part(column: Column, first: int, steps: int) -> Column:
    return lambda name: column(name)[first : first + steps]


def of_hour(column: Column, name: str) -> float:
    """Return a column's figure for the hour that its rows (the steps of the hour) make up.

    Energies, money and counts add up, extremes stay extremes, the P2P price is averaged by volume, anything else by
    time. What is not a number is left out.
    """
    values = column(name)
    if name == "p2p_price_eur_per_mwh":
        volume = float(np.nansum(column("p2p_mwh")))
        return float(np.nansum(values * column("p2p_mwh"))) / volume if volume else math.nan
    there = values[~np.isnan(values)]
    if not there.size:
        return math.nan
    return float(_summary(name)(there))


def _summary(name: str) -> Callable[[Floats], np.float64]:
    if "lowest" in name or "highest" in name:
        return np.min if "lowest" in name else np.max
    if name in _COUNTS or (name.endswith(("_mwh", "_mvarh", "_eur")) and "_per_" not in name):
        return np.sum
    return np.mean
