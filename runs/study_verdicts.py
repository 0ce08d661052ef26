"""What a study says: every figure's spread over the seeds, its verdict against print, and whether criteria hold.

A figure's band is from its 5th to its 95th percentile over the seeds (linear between ranks). The verdicts:

* ``not-published``: nobody printed the figure.
* ``matched``: the published value is within the band.
* ``sign-only``: it is outside, but the direction is as printed. Where the study's first scenario has a published value
  of the same figure too, direction means more or less than in that scenario (median of the differences seed by
  seed, against the difference in print); elsewhere it is the sign of the median against the sign in print.
* ``not-matched``: neither, or no seed has the figure.
* ``contradicts-print``: reserved for published values that contradict the text of their own source; nothing in a
  study file can say so yet, and it is never given.

Seeds without the figure (no trade has no price; a failed run has nothing) are left out of spread and verdict, and
the reason says how many. In criteria they count as not satisfied. In a sweep every point is compared on its own.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from peerflex.core.arrays import Floats
from peerflex.scenarios.study import Variant
from peerflex.scenarios.study_schema import Criterion, Kpi, Published, Study

Verdict = Literal["matched", "sign-only", "not-matched", "contradicts-print", "not-published"]

BAND = (5, 95)
"""Percentiles over the seeds."""


@dataclass(frozen=True, slots=True)
class Measured:
    """The figures of all runs: ``values`` has shape ``(variants, seeds, kpis)``, NaN where a run has no such figure."""

    study: Study
    variants: tuple[Variant, ...]
    values: Floats

    def seeds(self, case: str, point: str, kpi: str, hour: int | None) -> Floats:
        """Return a figure in the order of the seeds."""
        row = next(i for i, each in enumerate(self.variants) if (each.case, each.point) == (case, point))
        column = next(i for i, each in enumerate(self.study.kpis) if (each.name, each.hour) == (kpi, hour))
        values: Floats = self.values[row, :, column]
        return values


@dataclass(frozen=True, slots=True)
class Row:
    """A figure of a scenario at a point of the sweep ('' without one), compared with one published value if any.

    ``low``, ``median`` and ``high`` are over the seeds; ``percentile`` is where the published value stands among
    them (0 to 100, ties counted half). ``in_sample``: parameters were calibrated with the published value.
    """

    scenario: str
    point: str
    kpi: str
    hour: int | None
    unit: str
    published: float | None
    median: float | None
    low: float | None
    high: float | None
    percentile: float | None
    in_sample: bool
    verdict: Verdict
    reason: str
    source: str | None


@dataclass(frozen=True, slots=True)
class Judged:
    """A criterion at a point of the sweep. ``measured`` is None where nothing could be measured."""

    name: str
    point: str
    required: float
    measured: float | None
    holds: bool
    statement: str


def rows(measured: Measured) -> tuple[Row, ...]:
    """Return every figure of every variant, in the order of the study file."""
    return tuple(
        _row(measured, variant, kpi, published)
        for variant in measured.variants
        for kpi in measured.study.kpis
        for published in (*_published(measured.study, variant.case, kpi),) or (None,)
    )


def criteria(measured: Measured) -> tuple[Judged, ...]:
    """Return every criterion at every point of the sweep."""
    points = dict.fromkeys(variant.point for variant in measured.variants)
    return tuple(_judged(measured, criterion, point) for criterion in measured.study.criteria for point in points)


def _published(study: Study, case: str, kpi: Kpi) -> Iterator[Published]:
    for each in study.published:
        if (each.scenario, each.kpi, each.hour) == (case, kpi.name, kpi.hour):
            yield each


def _row(measured: Measured, variant: Variant, kpi: Kpi, published: Published | None) -> Row:
    seeds = measured.seeds(variant.case, variant.point, kpi.name, kpi.hour)
    found = seeds[np.isfinite(seeds)]
    low, median, high = spread(found)
    verdict: Verdict = "not-published"
    reason = "nothing to compare with"
    if published is not None:
        verdict, reason = compare(published.value, seeds, _baseline(measured, variant, kpi))
    if 0 < len(found) < len(seeds):
        reason += f"; {len(seeds) - len(found)} of {len(seeds)} seeds have no such figure"
    return Row(
        scenario=variant.case,
        point=variant.point,
        kpi=kpi.name,
        hour=kpi.hour,
        unit=kpi.unit,
        published=published.value if published else None,
        median=median,
        low=low,
        high=high,
        percentile=percentile(published.value, found) if published and found.size else None,
        in_sample=published is not None and published.in_sample,
        verdict=verdict,
        reason=reason,
        source=published.source if published else None,
    )


def spread(found: Floats) -> tuple[float, float, float] | tuple[None, None, None]:
    """Return low, median and high of a figure, None without any."""
    if not found.size:
        return None, None, None
    low, median, high = (float(value) for value in np.percentile(found, (BAND[0], 50, BAND[1])))
    return low, median, high


def percentile(value: float, found: Floats) -> float:
    """Return the share of the figures below a value in percent; of equal ones, half."""
    return float(100 * (np.mean(found < value) + 0.5 * np.mean(found == value)))


@dataclass(frozen=True, slots=True)
class Baseline:
    """The same figure of the study's first scenario: its name, its published value and its seeds."""

    case: str
    value: float
    seeds: Floats


def _baseline(measured: Measured, variant: Variant, kpi: Kpi) -> Baseline | None:
    first = measured.study.scenarios[0].name
    published = next(_published(measured.study, first, kpi), None)
    if variant.case == first or published is None:
        return None
    return Baseline(first, published.value, measured.seeds(first, variant.point, kpi.name, kpi.hour))


def compare(published: float, seeds: Floats, baseline: Baseline | None) -> tuple[Verdict, str]:
    """Return the verdict on a published value, and why; NaN among the seeds is no figure."""
    low, median, high = spread(seeds[np.isfinite(seeds)])
    if low is None or median is None or high is None:
        return "not-matched", "no seed has the figure"
    if low <= published <= high:
        return "matched", "within the band of the seeds"
    side = "above" if published > high else "below"
    simulated, printed, what = median, published, "the sign"
    if baseline is not None:
        differences = seeds - baseline.seeds
        _, difference, _ = spread(differences[np.isfinite(differences)])
        if difference is None:
            return "not-matched", f"published is {side} the band; {baseline.case} has no figure to compare with"
        simulated, printed, what = difference, published - baseline.value, f"the direction against {baseline.case}"
    if np.sign(simulated) == np.sign(printed):
        return "sign-only", f"published is {side} the band; {what} is as printed"
    return "not-matched", f"published is {side} the band; {what} is not as printed"


def _judged(measured: Measured, criterion: Criterion, point: str) -> Judged:
    def seeds(case: str) -> list[float]:
        return [float(value) for value in measured.seeds(case, point, criterion.kpi, criterion.hour)]

    of, other = seeds(criterion.of), criterion.against
    against = seeds(other) if isinstance(other, str) else [other] * len(of)
    value, holds = criterion.judge(of, against)
    hour = "" if criterion.hour is None else f" in hour {criterion.hour}"
    than = {"less": "less than", "greater": "greater than", "within": "as"}[criterion.comparison]
    statement = f"{criterion.kpi}{hour} of {criterion.of} {than} {other}, {criterion.statistic}"
    return Judged(criterion.name, point, criterion.required, value if np.isfinite(value) else None, holds, statement)
