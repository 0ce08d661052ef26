"""A published table scenario by scenario, for studies of one seed: print, ours, their difference, and the verdict."""

from collections.abc import Iterator
from dataclasses import dataclass

from peerflex.runs.study.criteria import CALIBRATED
from peerflex.runs.study.page import number
from peerflex.runs.study.result import StudyResult
from peerflex.runs.study.verdicts import Row

UNIT_IN_NAMES = {"%": "percent"}
HEADER = ("figure", "published", "ours", "difference", "tolerance", "evidence", "verdict")


@dataclass(frozen=True, slots=True)
class ScenarioTable:
    """What is published of one scenario beside ours; the last columns are scenarios that stand beside it."""

    scenario: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def by_scenario(result: StudyResult) -> bool:
    """Return whether there are no bands to show: then every scenario has a table, its figures below each other."""
    return len(result.study.seed_range) == 1


def scenario_tables(result: StudyResult, point: str) -> Iterator[ScenarioTable]:
    """Yield a table for every scenario of which something is published."""
    for case in result.study.scenarios:
        rows = [row for row in result.rows if (row.scenario, row.point) == (case.name, point) and _printed(row)]
        beside = [each.name for each in result.study.scenarios if each.beside == case.name]
        if rows:
            lines = tuple((*_line(row), *(_ours(result, other, row) for other in beside)) for row in rows)
            yield ScenarioTable(case.name, (*HEADER, *beside), lines)


def _printed(row: Row) -> bool:
    return row.published is not None


def _line(row: Row) -> tuple[str, ...]:
    evidence = CALIBRATED if row.in_sample else "yes"
    tolerance = "-" if isinstance(row.published, str) else number(row.tolerance)
    return (label(row), row.as_printed, rounded(row.median, row), difference(row), tolerance, evidence, row.verdict)


def _ours(result: StudyResult, other: str, row: Row) -> str:
    return rounded(float(result.measured.seeds(other, row.point, row.kpi, row.hour)[0]), row)


def rounded(value: float | None, row: Row) -> str:
    """Return a figure of ours with as many decimals as print has; with four digits where print has no number."""
    if value is None or value != value or row.decimals is None:
        return number(value)
    return f"{round(value, row.decimals) + 0.0:.{row.decimals}f}"  # no minus zero


def difference(row: Row) -> str:
    """Return what ours is more than print, as the two are shown: nobody has to wonder about hidden digits."""
    if row.median is None or row.decimals is None or not isinstance(row.published, float):
        return "-"
    return rounded(float(rounded(row.median, row)) - float(row.as_printed), row)


def label(row: Row) -> str:
    """Return what a figure is called in a table, with its unit unless the name ends in it."""
    said = row.kpi.endswith(f"_{UNIT_IN_NAMES.get(row.unit, row.unit.lower())}")
    unit = "" if said or row.unit == "1" else f" ({row.unit})"
    hour = "" if row.hour_in_print is None else f", hour {row.hour_in_print}"
    return row.kpi + unit + hour
