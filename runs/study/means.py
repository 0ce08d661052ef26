"""Means over the seeds, and how far off they may be: seeds are the sample."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from peerflex.core.arrays import Floats
from peerflex.runs.study.verdicts import Measured

CONFIDENCE: Final = 0.95


@dataclass(frozen=True, slots=True)
class Mean:
    """A figure's mean over its ``seeds``, and the interval of 95 % confidence (NaN of fewer than two seeds)."""

    scenario: str
    point: str
    kpi: str
    hour: int | None
    unit: str
    seeds: int
    mean: float
    low: float
    high: float


def means(measured: Measured) -> tuple[Mean, ...]:
    """Return the figures that the study asks an interval of, of every variant; seeds without it are left out."""
    return tuple(_means(measured))


def _means(measured: Measured) -> Iterable[Mean]:
    for variant in measured.variants:
        for kpi in (each for each in measured.study.every_kpi if each.interval == "mean"):
            values = measured.seeds(variant.case, variant.point, kpi.name, kpi.hour)
            found = values[np.isfinite(values)]
            yield Mean(variant.case, variant.point, kpi.name, kpi.hour, kpi.unit, len(found), *mean_interval(found))


def mean_interval(values: Floats) -> tuple[float, float, float]:
    """Return the mean of a sample and the bounds of its 95 % interval by Student's t distribution.

    Of one value the bounds are NaN, of none all three.
    """
    from scipy.special import stdtrit

    n = len(values)
    if not n:
        return math.nan, math.nan, math.nan
    mean = float(np.mean(values))
    if n == 1:
        return mean, math.nan, math.nan
    half = float(stdtrit(n - 1, (1 + CONFIDENCE) / 2) * np.std(values, ddof=1) / math.sqrt(n))
    return mean, mean - half, mean + half
