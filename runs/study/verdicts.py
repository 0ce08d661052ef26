"""What a study says: every figure's spread over the seeds, its verdict against print, and whether criteria hold.

A figure's band is from its 5th to its 95th percentile over the seeds (linear between ranks), both included. The
verdicts:

* ``not-published``: nobody printed the figure.
* ``matched``: the published value is within the band, or no further from it than the study allows (``tolerance``).
* ``sign-only``: it is outside, but the direction is as printed. Where the study's first scenario has a published value
  of the same figure too, direction means more or less than in that scenario (median of the differences seed by
  seed, against the difference in print); elsewhere a median below 0 where print is below 0, since most figures
  cannot be below 0 and that they are above says nothing. What is no larger than the tolerance has no direction.
* ``not-matched``: neither, or no seed has the figure.
* ``contradicts-print``: reserved for published values that contradict the text of their own source; nothing in a
  study file can say so yet, and it is never given.

Seeds without the figure (no trade has no price; a failed run has nothing) are left out of spread and verdict, and
the reason says how many. In criteria they count as not satisfied, unless one says ``missing: skip``. Where print says
``infeasible``, the verdict is ``matched`` if at least half of the runs that ended have no such figure, and their share
in percent is the percentile. In a sweep every point is compared on its own.
"""

from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Literal

import numpy as np

from peerflex.core.arrays import Bools, Floats
from peerflex.runs.study.source import ELEMENTS
from peerflex.scenarios.study import Variant
from peerflex.scenarios.study_schema import INFEASIBLE, Kpi, Published, Study

Verdict = Literal["matched", "sign-only", "not-matched", "contradicts-print", "not-published"]

BAND = (5, 95)
"""Percentiles over the seeds."""

HALF = 0.5

ROUNDING = 1e-9
"""Relative difference that is rounding of binary numbers, no difference: 0.04 is not outside [0.04 - 8e-15, ...]."""


@dataclass(frozen=True)
class Measured:
    """The figures of all runs: ``values`` has shape ``(variants, seeds, kpis)``, NaN where a run has no such figure.

    ``did_end`` ``(variants, seeds)`` says which runs did not fail.
    """

    study: Study
    variants: tuple[Variant, ...]
    values: Floats
    did_end: Bools

    @property
    def points(self) -> tuple[str, ...]:
        """The points of the sweep, or the study as it is ('') and its variations."""
        return tuple(dict.fromkeys(variant.point for variant in self.variants))

    def seeds(self, case: str, point: str, kpi: str, hour: int | None) -> Floats:
        """Return a figure in the order of the seeds."""
        values: Floats = self.values[self._rows[case, point], :, self._columns[kpi, hour]]
        return values

    def printed(self, case: str, kpi: str, hour: int | None) -> tuple[Published, ...]:
        """Return what is published of a figure of a scenario."""
        return tuple(self._published.get((case, kpi, hour), ()))

    def ended(self, case: str, point: str) -> Bools:
        """Return which runs did not fail, in the order of the seeds."""
        ended: Bools = self.did_end[self._rows[case, point]]
        return ended

    @cached_property
    def _rows(self) -> dict[tuple[str, str], int]:
        return {(each.case, each.point): row for row, each in enumerate(self.variants)}

    @cached_property
    def _columns(self) -> dict[tuple[str, int | None], int]:
        return {(each.name, each.hour): column for column, each in enumerate(self.study.every_kpi)}

    @cached_property
    def _published(self) -> dict[tuple[str, str, int | None], list[Published]]:
        found: dict[tuple[str, str, int | None], list[Published]] = {}
        for each in self.study.every_published:
            found.setdefault((each.scenario, each.kpi, each.hour), []).append(each)
        return found


@dataclass(frozen=True, slots=True)
class Row:
    """A figure of a scenario at a point of the sweep ('' without one), compared with one published value if any.

    ``low``, ``median`` and ``high`` are over the seeds; ``difference`` is the median less the published value, and
    ``percentile`` where the published value stands among
    them (0 to 100, ties counted half). ``in_sample``: parameters were calibrated with the published value.
    ``explanation`` is the study's own word on a published value that is not matched. ``hour`` counts from 0 in the
    run, ``hour_in_print`` as tables do; ``tolerance`` and ``decimals`` are those of the published value.
    """

    scenario: str
    point: str
    kpi: str
    hour: int | None
    unit: str
    published: float | str | None
    median: float | None
    low: float | None
    high: float | None
    percentile: float | None
    difference: float | None
    missing: int
    in_sample: bool
    must_match: bool
    verdict: Verdict
    reason: str
    explanation: str | None
    source: str | None
    hour_in_print: int | None
    tolerance: float | None
    decimals: int | None

    @property
    def as_printed(self) -> str:
        """The published value with the decimals it has in print; '-' for none."""
        if self.published is None or isinstance(self.published, str):
            return self.published or "-"
        return f"{self.published:.{self.decimals or 0}f}"


def rows(measured: Measured) -> tuple[Row, ...]:
    """Return every figure of every variant, in the order of the study file."""
    return tuple(
        _row(measured, variant, kpi, published)
        for variant in measured.variants
        for kpi in measured.study.every_kpi
        for published in measured.printed(variant.case, kpi.name, kpi.hour) or (None,)
    )


def _row(measured: Measured, variant: Variant, kpi: Kpi, published: Published | None) -> Row:
    seeds = measured.seeds(variant.case, variant.point, kpi.name, kpi.hour)
    found = seeds[np.isfinite(seeds)]
    low, median, high = spread(found)
    verdict: Verdict = "not-published"
    reason, place = "nothing to compare with", None
    printed = published.value if published else None
    if isinstance(printed, str):
        missing = np.isnan(seeds[measured.ended(variant.case, variant.point)])
        verdict, reason, place = compare_infeasible(missing)
    elif published is not None and printed is not None:
        verdict, reason = compare(printed, seeds, _baseline(measured, variant, kpi), published.tolerance, kpi.unit)
        if verdict == "sign-only" and kpi.measured in ELEMENTS:  # a number in a name has no direction
            verdict, reason = "not-matched", "another element"
        place = percentile(printed, found) if found.size else None
    if 0 < len(found) < len(seeds):
        reason += f"; {len(seeds) - len(found)} of {len(seeds)} seeds have no such figure"
    return Row(
        scenario=variant.case,
        point=variant.point,
        kpi=kpi.name,
        hour=kpi.hour,
        unit=kpi.unit,
        published=printed,
        median=median,
        low=low,
        high=high,
        percentile=place,
        difference=None if median is None or not isinstance(printed, float) else _difference(median, printed),
        missing=len(seeds) - len(found),
        in_sample=published is not None and published.in_sample,
        must_match=published is not None and published.must_match,
        verdict=verdict,
        reason=reason,
        explanation=published.explanation if published and verdict != "matched" else None,
        source=published.source if published else None,
        hour_in_print=None if kpi.hour is None else measured.study.in_print(variant.case, kpi.hour),
        tolerance=published.tolerance if published else None,
        decimals=_decimals(published) if published else None,
    )


def _decimals(published: Published) -> int | None:
    """Return how many decimals a published number has, in print or (if nobody says) in the study file."""
    if published.decimals is not None or isinstance(published.value, str):
        return published.decimals
    return max(0, -int(Decimal(repr(published.value)).normalize().as_tuple().exponent))


def _difference(median: float, printed: float) -> float:
    return 0.0 if np.isclose(median, printed, rtol=ROUNDING, atol=ROUNDING) else median - printed


def spread(found: Floats) -> tuple[float, float, float] | tuple[None, None, None]:
    """Return low, median and high of a figure, None without any."""
    if not found.size:
        return None, None, None
    low, median, high = (float(value) for value in np.percentile(found, (BAND[0], 50, BAND[1])))
    return low, median, high


def percentile(value: float, found: Floats) -> float:
    """Return the share of the figures below a value in percent; of equal ones (up to rounding), half."""
    equal = np.isclose(found, value, rtol=ROUNDING, atol=0.0)
    return float(100 * (np.mean((found < value) & ~equal) + HALF * np.mean(equal)))


@dataclass(frozen=True, slots=True)
class Baseline:
    """The same figure of the study's first scenario: its name, its published value and its seeds."""

    case: str
    value: float
    seeds: Floats


def _baseline(measured: Measured, variant: Variant, kpi: Kpi) -> Baseline | None:
    first = measured.study.scenarios[0].name
    published = next(iter(measured.printed(first, kpi.name, kpi.hour)), None)
    if variant.case == first or published is None or published.value == INFEASIBLE:
        return None
    return Baseline(first, float(published.value), measured.seeds(first, variant.point, kpi.name, kpi.hour))


def compare(
    published: float, seeds: Floats, baseline: Baseline | None, tolerance: float = 0.0, unit: str = ""
) -> tuple[Verdict, str]:
    """Return the verdict on a published value, and why; NaN among the seeds is no figure.

    ``tolerance`` (in ``unit``) is how far from the band it may be and still match.
    """
    low, median, high = spread(seeds[np.isfinite(seeds)])
    if low is None or median is None or high is None:
        return "not-matched", "no seed has the figure"
    slack = ROUNDING * abs(published)
    if low - slack <= published <= high + slack:
        return "matched", "within the band of the seeds" if len(seeds) > 1 else "equal to ours"
    if low - slack - tolerance <= published <= high + slack + tolerance:
        return "matched", f"within {tolerance:g}{_spoken(unit)}, as the study allows"
    band = "the band" if len(seeds) > 1 else "ours"
    side = f"above {band}" if published > high else f"below {band}"
    simulated, printed, what, least = median, published, "the sign", tolerance
    if baseline is not None:
        differences = seeds - baseline.seeds
        _, difference, _ = spread(differences[np.isfinite(differences)])
        if difference is None:
            return "not-matched", f"published is {side}; {baseline.case} has no figure to compare with"
        simulated, printed, what = difference, published - baseline.value, f"the direction against {baseline.case}"
        least = max(tolerance, ROUNDING * abs(median))
    elif simulated >= 0 and printed >= 0:
        return "not-matched", f"published is {side}; that both are above 0 says nothing"
    if _direction(simulated, least) == _direction(printed, least):
        return "sign-only", f"published is {side}; {what} is as printed"
    return "not-matched", f"published is {side}; {what} is not as printed"


def _direction(value: float, least: float) -> float:
    """Return the sign of a value, 0 if it is so small that it says nothing."""
    return float(np.sign(value)) if abs(value) > least else 0.0


def _spoken(unit: str) -> str:
    """Return a unit as one speaks of differences: those of percentages are points."""
    return {"1": "", "%": " points"}.get(unit, f" {unit}".rstrip())


def compare_infeasible(missing: Bools) -> tuple[Verdict, str, float | None]:
    """Return the verdict on print that says infeasible, why, and the percentage of runs (that ended) that say so."""
    if not missing.size:
        return "not-matched", "no run ended", None
    share = float(np.mean(missing))
    reason = f"{np.count_nonzero(missing)} of {missing.size} runs are infeasible"
    return "matched" if share >= HALF else "not-matched", reason, 100 * share
