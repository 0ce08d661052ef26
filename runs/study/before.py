"""How many published values are matched, and how many of these would be if nothing had been done."""

from collections.abc import Sequence
from dataclasses import dataclass

from peerflex.runs.study.result import StudyResult
from peerflex.runs.study.verdicts import Row, compare


@dataclass(frozen=True, slots=True)
class Tally:
    """Published values of a scenario that nothing was calibrated with: how many there are and how many are matched.

    ``before`` of the matched ones are matched by the scenario ``state_before``, too (None without such a scenario).
    """

    scenario: str
    values: int
    matched: int
    state_before: str | None
    before: int | None


def tallies(result: StudyResult) -> tuple[Tally, ...]:
    """Return the evidence of every scenario that has any, as the study is."""
    point, found = result.measured.points[0], []
    for case in result.study.scenarios:
        rows = [row for row in evidence(result, point) if row.scenario == case.name]
        matched = [row for row in rows if row.verdict == "matched"]
        if rows:
            state = case.before
            before = None if state is None else sum(_matches(result, state, row) for row in matched)
            found.append(Tally(case.name, len(rows), len(matched), state, before))
    return tuple(found)


def evidence(result: StudyResult, point: str) -> list[Row]:
    """Return the published values that nothing was calibrated with, at a point."""
    return [row for row in result.rows if row.published is not None and not row.in_sample and row.point == point]


def _matches(result: StudyResult, case: str, row: Row) -> bool:
    """Return whether a scenario matches what is published of another."""
    if not isinstance(row.published, float):
        return False
    seeds = result.measured.seeds(case, row.point, row.kpi, row.hour)
    return compare(row.published, seeds, None, row.tolerance or 0.0)[0] == "matched"


def cells_in_words(result: StudyResult) -> str:
    """Return how many published values are matched, those calibrated with apart, and how many without any service."""
    point = result.measured.points[0]
    rows = [row for row in result.rows if row.published is not None and row.point == point]
    told = [
        f"{len(cells)} {name}: {_verdicts(cells)}"
        for cells, name in (
            (evidence(result, point), "not calibrated with"),
            ([row for row in rows if row.in_sample], "calibrated with, so no evidence"),
        )
    ]
    return f"of {len(rows)} published values {'; '.join(told)}{_before(tallies(result))}"


def _verdicts(rows: Sequence[Row]) -> str:
    cells = [row.verdict for row in rows]
    matched, sign = cells.count("matched"), cells.count("sign-only")
    return f"{matched} matched, {sign} sign-only, {len(cells) - matched - sign} not"


def _before(found: Sequence[Tally]) -> str:
    counted = [each for each in found if each.before is not None]
    if not counted:
        return ""
    matched, before = (sum(each.matched for each in found), sum(each.before or 0 for each in counted))
    return f"; of the {matched} matched that are evidence, {before} are also matched by the state before"
