"""Figures that a study makes of what runs measured: changes, ratios, factors and floors."""

from collections.abc import Sequence

import numpy as np

from peerflex.core.arrays import Floats
from peerflex.scenarios.study import Variant
from peerflex.scenarios.study_schema import Kpi


def derived(kpis: Sequence[Kpi], variants: Sequence[Variant], values: Floats) -> Floats:
    """Return the figures of ``kpis`` from what was measured, both ``(variants, seeds, kpis)``.

    max(times * (measured - measured of change_from) / per, at_least), all at the same point and in the same seed;
    ``per`` is the KPI as the study reports it (with ``change_from``, in that scenario). What cannot be told is NaN, as
    is the change of a whole run from one of another length.
    """
    found = values.copy()
    place = {(each.name, each.hour): column for column, each in enumerate(kpis)}
    row_of = {(each.case, each.point): row for row, each in enumerate(variants)}
    for column, kpi in enumerate(kpis):
        own = [row_of[kpi.change_from or each.case, each.point] for each in variants]
        figure = values[:, :, column]
        if kpi.change_from is not None:
            figure = figure - figure[own]
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
