"""The figures a study reports of a run: closing figures, or one hour of the table ``hours``; of all, or of groups."""

import math
from collections.abc import Callable

import numpy as np

from peerflex.core.arrays import Floats
from peerflex.core.errors import InputError
from peerflex.core.regulation import TSO
from peerflex.runs.kpis.bills import RECOVERY
from peerflex.runs.kpis.kpis import KPIS
from peerflex.runs.kpis.seen import Column
from peerflex.runs.log.table_hours import HOURS
from peerflex.runs.study.source import ELEMENTS, NUMBERS, Source
from peerflex.scenarios.hints import nearest
from peerflex.scenarios.study import LoadedStudy, Variant
from peerflex.scenarios.study_figures import BENEFIT_OF_GROUPS, BILL_OF_GROUPS, COST_OF_GROUPS
from peerflex.scenarios.study_schema import Kpi

_CLOSING = tuple(kpi.name for kpi in KPIS)
_HOURLY = (*NUMBERS, *ELEMENTS)
_COUNTS = tuple(column.name for column in HOURS.columns if column.kind == "int")
_EXTREME_OF = {
    "highest_loading_branch": "highest_loading",
    "lowest_voltage_bus": "lowest_voltage_pu",
    "highest_voltage_bus": "highest_voltage_pu",
}
"""Where an element is that of the step in which something is most extreme."""


def check_kpis(loaded: LoadedStudy) -> None:
    """Refuse a figure that no run of the study will have, before anything is simulated.

    Raises:
        InputError: if a KPI is no closing figure, its hour no column of ``hours`` or beyond every horizon, or a group
            is in no scenario; or if a picture's column is none.
    """
    variants = (*loaded.variants, *loaded.varied)
    for row, kpi in enumerate(loaded.study.kpis):
        where = f"{loaded.origin}: kpis.{row}"
        if kpi.groups is not None:
            _check_groups(kpi, variants, f"{where}.groups")
        elif kpi.hour is None and kpi.hours is None:
            if kpi.measured not in _CLOSING:
                what = f"a run has no closing figure {kpi.measured!r}"
                raise InputError(f"{where}.name", what, nearest(kpi.measured, _CLOSING))
        elif kpi.measured not in _HOURLY:
            what = f"an hour has no figure {kpi.measured!r} (no number in the table hours)"
            raise InputError(f"{where}.name", what, nearest(kpi.measured, _HOURLY))
        last = max((each.hour for each in kpi.each() if each.hour is not None), default=0)
        hours = max(variant.loaded.scenario.time.hours for variant in variants)
        if last >= hours:
            what = f"{last} is beyond the {hours} hours of the longest scenario"
            raise InputError(f"{where}.hour", what, f"Hours count from 0: the last is {hours - 1}.")
    for row, picture in enumerate(loaded.study.hourly):
        for column in () if picture.branch else picture.columns:
            if column not in NUMBERS:
                where, what = f"{loaded.origin}: hourly.{row}.columns", f"the table hours has no number {column!r}"
                raise InputError(where, what, nearest(column, NUMBERS))


def _check_groups(kpi: Kpi, variants: tuple[Variant, ...], where: str) -> None:
    known = {group.name for variant in variants for group in variant.loaded.scenario.peers}
    if any(variant.loaded.scenario.tso is not None for variant in variants):
        known.add(TSO)
    for group in kpi.groups or ():
        if group not in known:
            raise InputError(where, f"no scenario has a group {group!r}", nearest(group, sorted(known)))


def figures_of(source: Source, kpis: tuple[Kpi, ...]) -> tuple[float, ...]:
    """Return what is measured for every KPI, NaN where there is none."""
    return tuple(_figure(source, kpi) for kpi in kpis)


def _figure(source: Source, kpi: Kpi) -> float:
    if kpi.groups is not None:
        if kpi.measured == COST_OF_GROUPS:
            return _of_groups(source.cost_eur, kpi.groups)
        if kpi.measured == BENEFIT_OF_GROUPS:
            return _of_groups(lambda group: _benefit(source, group), kpi.groups)
        if kpi.measured == BILL_OF_GROUPS:
            return _of_groups(lambda group: _bill(source, group), kpi.groups)
        return _energy(source, kpi.groups, kpi.hour)
    if kpi.hour is None:
        return source.closing(kpi.measured)
    return of_hour(_part(source.hours, kpi.hour * source.steps_per_hour, source.steps_per_hour), kpi.measured)


def _energy(source: Source, groups: tuple[str, ...], hour: int | None) -> float:
    """Return what the meters of groups saw; groups that a scenario has not are left out, without any it is NaN."""
    first, steps = (0, None) if hour is None else (hour * source.steps_per_hour, source.steps_per_hour)

    def energy(group: str) -> float:
        values = source.energy_mwh(group)[first : None if steps is None else first + steps]
        return float(np.sum(values)) if values.size else math.nan

    return _of_groups(energy, groups)


def _benefit(source: Source, group: str) -> float:
    """Return what moving its assets is worth to a group, less what it paid."""
    return float(np.sum(source.private_eur(group))) - source.cost_eur(group)


def _bill(source: Source, group: str) -> float:
    """Return what a group paid, and what it pays of the cost of the DSO at the rate that recovers it from all."""
    return source.cost_eur(group) + source.closing(RECOVERY) * float(np.sum(source.withdrawn_mwh(group)))


def _of_groups(figure: Callable[[str], float], groups: tuple[str, ...]) -> float:
    """Return a figure of groups together; groups that a scenario has not are left out, without any it is NaN."""
    there = [value for value in map(figure, groups) if not math.isnan(value)]
    return math.fsum(there) if there else math.nan


def _part(column: Column, first: int, steps: int) -> Column:
    return lambda name: column(name)[first : first + steps]


def of_hour(column: Column, name: str) -> float:
    """Return a column's figure for the hour that its rows (the steps of the hour) make up.

    Energies, money and counts add up, extremes stay extremes, the P2P price is averaged by volume, anything else by
    time. An element is the one where it is most extreme. What is not a number is left out.
    """
    values = column(name)
    if name == "p2p_price_eur_per_mwh":
        volume = float(np.nansum(column("p2p_mwh")))
        return float(np.nansum(values * column("p2p_mwh"))) / volume if volume else math.nan
    if name in _EXTREME_OF:
        extreme = column(_EXTREME_OF[name])
        if np.isnan(extreme).all():
            return math.nan
        return float(values[np.nanargmin(extreme) if "lowest" in name else np.nanargmax(extreme)])
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
