"""Whether a study's criteria hold, point by point."""

from dataclasses import dataclass

import numpy as np

from peerflex.runs.study_frozen import FrozenStatus
from peerflex.runs.study_verdicts import Measured, Row
from peerflex.scenarios.study_criterion import Coverage, Criterion


@dataclass(frozen=True, slots=True)
class Judged:
    """A criterion at a point of the sweep. ``measured`` is None where nothing could be measured."""

    name: str
    point: str
    required: float
    measured: float | None
    holds: bool
    statement: str


def criteria(measured: Measured, rows: tuple[Row, ...]) -> tuple[Judged, ...]:
    """Return every criterion and every coverage at every point of the study."""
    study, points = measured.study, measured.points
    return (
        *(_judged(measured, criterion, point) for criterion in study.criteria for point in points),
        *(_covered(rows, coverage, point) for coverage in study.coverage for point in points),
    )


def frozen_criterion(status: FrozenStatus) -> tuple[Judged, ...]:
    """Return the one criterion that test seeds bring with them: the configuration is the one that was frozen."""
    if status.used == "none":
        return ()
    same = status.as_committed
    return (Judged("frozen", "", 1.0, float(same), same, "test seeds are simulated with the configuration frozen"),)


def _judged(measured: Measured, criterion: Criterion, point: str) -> Judged:
    def seeds(case: str) -> list[float]:
        return [float(value) for value in measured.seeds(case, point, criterion.kpi, criterion.hour)]

    of, other = seeds(criterion.of), criterion.against
    against = seeds(other) if isinstance(other, str) else [other] * len(of)
    value, holds = criterion.judge(of, against)
    found = value if np.isfinite(value) else None
    return Judged(criterion.name, point, criterion.required, found, holds, _statement(criterion))


def _statement(criterion: Criterion) -> str:
    hour = "" if criterion.hour is None else f" in hour {criterion.hour}"
    than = {"less": "less than", "greater": "greater than", "within": "as"}[criterion.comparison]
    other = f"{criterion.against}" if criterion.times == 1 else f"{criterion.times:g} x {criterion.against}"
    margins = [f"{criterion.tolerance:g}"] * (criterion.tolerance > 0) + [f"{criterion.relative:.3g} of it"] * (
        criterion.relative > 0
    )
    by = {"less": ", by more than ", "greater": ", by more than ", "within": ", to within "}[criterion.comparison]
    margin = by + " + ".join(margins) if margins else ""
    skipped = ", of seeds that have both" if criterion.missing == "skip" else ""
    return f"{criterion.kpi}{hour} of {criterion.of} {than} {other}{margin}, {criterion.statistic}{skipped}"


def _covered(rows: tuple[Row, ...], coverage: Coverage, point: str) -> Judged:
    tested = [
        row
        for row in rows
        if row.point == point and row.scenario in coverage.scenarios and row.published is not None and not row.in_sample
    ]
    matched = sum(row.verdict == "matched" for row in tested)
    statement = f"published values matched, of {len(tested)} not calibrated with, in {', '.join(coverage.scenarios)}"
    return Judged(coverage.name, point, coverage.required, float(matched), matched >= coverage.required, statement)
