"""Figures that a study makes of what runs measured: changes, ratios, factors and floors."""

from collections.abc import Mapping, Sequence

import numpy as np

from peerflex.core.arrays import Floats
from peerflex.scenarios.study import Variant
from peerflex.scenarios.study_figures import BEFORE
from peerflex.scenarios.study_schema import Kpi


def derived(
    kpis: Sequence[Kpi], variants: Sequence[Variant], values: Floats, before: Mapping[str, str] | None = None
) -> Floats:
    """Return the figures of ``kpis`` from what was measured, both ``(variants, seeds, kpis)``.

    max(times * (measured - measured of change_from) / per, at_least), all at the same point and in the same seed;
    ``per`` is the KPI as the study reports it (with ``change_from``, in that scenario). What cannot be told is NaN, as
    is the change of a whole run from one of another length. ``before`` names the scenario before each that has one.
    """
    found = values.copy()
    place = {(each.name, each.hour): column for column, each in enumerate(kpis)}
    row_of = {(each.case, each.point): row for row, each in enumerate(variants)}
    for column, kpi in enumerate(kpis):
        base = [_base(kpi, each.case, before or {}) for each in variants]
        own = [row_of[case or each.case, each.point] for case, each in zip(base, variants, strict=True)]
        figure = np.where(np.array([case is None for case in base])[:, None], np.nan, values[:, :, column])
        if kpi.change_from is not None:
            figure = figure - values[own, :, column]
            hours = np.array([each.loaded.scenario.time.hours for each in variants])
            figure = np.where((hours == hours[own])[:, None] | (kpi.hour is not None), figure, np.nan)
        if kpi.per is not None:
            divisor = found[own, :, place[kpi.per, kpi.hour]]
            figure = np.divide(figure, divisor, out=np.full(figure.shape, np.nan), where=divisor != 0.0)
        if kpi.times != 1.0:
            figure = kpi.times * figure
        if kpi.at_least is not None:
            figure = np.maximum(figure, kpi.at_least)
        found[:, :, column] = figure + 0.0  # no minus zero
    return found


def _base(kpi: Kpi, case: str, before: Mapping[str, str]) -> str | None:
    """Return the scenario whose figure is taken off, the scenario itself if none is; None if it has none before it."""
    return before.get(case) if kpi.change_from == BEFORE else kpi.change_from or case
