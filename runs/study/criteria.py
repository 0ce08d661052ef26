"""Whether a study's criteria hold, point by point."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from peerflex.runs.study.frozen import FrozenStatus
from peerflex.runs.study.verdicts import Measured, Row
from peerflex.scenarios.study_schema import Coverage, Criterion, HourSet, Study

CALIBRATED: Final = "calibrated"


@dataclass(frozen=True, slots=True)
class Judged:
    """A criterion at a point of the sweep. ``measured`` is None where nothing could be measured.

    ``calibrated``: parameters were chosen so that it holds, so that it proves nothing.
    """

    name: str
    point: str
    required: float
    measured: float | None
    holds: bool
    statement: str
    calibrated: bool = False


def criteria(measured: Measured, rows: tuple[Row, ...]) -> tuple[Judged, ...]:
    """Return every criterion and every coverage at every point of the study."""
    study, points = measured.study, measured.points
    return (
        *(_judged(measured, criterion, point) for criterion in study.criteria for point in points),
        *(_covered(rows, coverage, point) for coverage in study.coverage for point in points),
        *(_by_hour(measured, hours, point) for hours in study.hour_sets for point in points),
        *(_matched(row) for row in rows if row.must_match),
    )


def frozen_criterion(status: FrozenStatus) -> tuple[Judged, ...]:
    """Return the one criterion that test seeds bring with them: the configuration is the one that was frozen."""
    if status.used == "none":
        return ()
    same = status.as_committed
    return (Judged("frozen", "", 1.0, float(same), same, "test seeds are simulated with the configuration frozen"),)


def _judged(measured: Measured, criterion: Criterion, point: str) -> Judged:
    def seeds(*cases: str) -> list[float]:
        figures = [measured.seeds(case, point, criterion.kpi, criterion.hour) for case in cases]
        return [float(value) for value in np.sum(figures, axis=0)]

    of, other = seeds(criterion.of, *criterion.of_plus), criterion.against
    against = seeds(other, *criterion.against_plus) if isinstance(other, str) else [other] * len(of)
    value, holds = criterion.judge(of, against)
    found = value if np.isfinite(value) else None
    statement = _statement(measured.study, criterion)
    return Judged(criterion.name, point, criterion.required, found, holds, statement, criterion.in_sample)


def _statement(study: Study, criterion: Criterion) -> str:
    hour = "" if criterion.hour is None else f" in hour {study.in_print(criterion.of, criterion.hour)}"
    than = {"less": "less than", "greater": "greater than", "within": "as"}[criterion.comparison]
    of = " + ".join((criterion.of, *criterion.of_plus))
    other = " + ".join((f"{criterion.against}", *criterion.against_plus))
    if criterion.times != 1:
        other = f"{criterion.times:g} x " + (f"({other})" if criterion.against_plus else other)
    margins = [f"{criterion.tolerance:g}"] * (criterion.tolerance > 0) + [f"{criterion.relative:.3g} of it"] * (
        criterion.relative > 0
    )
    by = {"less": ", by more than ", "greater": ", by more than ", "within": ", to within "}[criterion.comparison]
    margin = by + " + ".join(margins) if margins else ""
    if criterion.where_above is not None:
        margin += f", where that is above {criterion.where_above:g}"
    skipped = ", of seeds that have both" if criterion.missing == "skip" else ""
    measured = f"{criterion.statistic}{skipped}{_no_evidence(criterion.in_sample)}"
    return f"{criterion.kpi}{hour} of {of} {than} {other}{margin}, {measured}"


def _no_evidence(in_sample: bool) -> str:
    return f" ({CALIBRATED}: no evidence)" if in_sample else ""


def _covered(rows: tuple[Row, ...], coverage: Coverage, point: str) -> Judged:
    tested = [
        row
        for row in rows
        if row.point == point and row.published is not None and coverage.counts(row.scenario, row.kpi, row.in_sample)
    ]
    matched = sum(row.verdict == "matched" for row in tested)
    statement = f"published values matched, of {len(tested)} not calibrated with, in {', '.join(coverage.scenarios)}"
    if coverage.kpis is not None:
        statement += f", of {', '.join(coverage.kpis)}"
    return Judged(coverage.name, point, coverage.required, float(matched), matched >= coverage.required, statement)


def _by_hour(measured: Measured, told: HourSet, point: str) -> Judged:
    """Return how many hours are told right, in the seed that has fewest."""
    hours = measured.study.hours_of(told.kpi)
    seeds = np.array([measured.seeds(told.scenario, point, told.kpi, hour) for hour in hours]).T
    wrong = max((told.wrong_hours(list(seed), hours) for seed in seeds), key=len)
    right = len(hours) - len(wrong)
    when = f"above {told.threshold:g}" if told.when == "above" else "highest"
    statement = (
        f"hours of {len(hours)} told right: {told.kpi} of {told.scenario} is {when} in hours {ranges(told.hours)}"
    )
    if wrong:
        statement += f"; not so in {ranges(wrong)}"
    statement += _no_evidence(told.in_sample)
    return Judged(told.name, point, told.required, float(right), right >= told.required, statement, told.in_sample)


def ranges(hours: Sequence[int]) -> str:
    """Return hours in words: 1 to 3, 5."""
    words: list[str] = []
    for hour in sorted(hours):
        first, _, last = words[-1].partition(" to ") if words else ("", "", "")
        if words and hour == int(last or first) + 1:
            words[-1] = f"{first} to {hour}"
        else:
            words.append(str(hour))
    return ", ".join(words)


def _matched(row: Row) -> Judged:
    """Return a published value that must match as a criterion; 1 if it does."""
    hour = "" if row.hour_in_print is None else f" in hour {row.hour_in_print}"
    name = f"match-{row.scenario}-{row.kpi.replace('_', '-')}{hour.replace(' in hour ', '-hour-')}"
    statement = f"{row.kpi}{hour} of {row.scenario} is {row.as_printed} in print: {row.reason}"
    statement += _no_evidence(row.in_sample)
    holds = row.verdict == "matched"
    return Judged(name, row.point, 1.0, float(holds), holds, statement, row.in_sample)
