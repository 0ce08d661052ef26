"""The published table beside ours: what print says, our median and band, where print stands in it, the verdict."""

from collections.abc import Iterator

from peerflex.runs.study.criteria import CALIBRATED
from peerflex.runs.study.result import StudyResult
from peerflex.runs.study.verdicts import Row
from peerflex.scenarios.study_schema import Kpi


def columns(result: StudyResult) -> tuple[Kpi, ...]:
    """Return the KPIs of which somebody printed a value."""
    printed = {(each.kpi, each.hour) for each in result.study.every_published}
    return tuple(kpi for kpi in result.study.every_kpi if (kpi.name, kpi.hour) in printed)


def cells(result: StudyResult, scenario: str, point: str, kpi: Kpi) -> list[tuple[str, str, str, str]]:
    """Return what there is to say of a figure, per published value: print, ours, percentile, verdict."""
    found = [row for row in result.rows if (row.scenario, row.point) == (scenario, point) and _is(row, kpi)]
    return [_cell(row) for row in found]


def _is(row: Row, kpi: Kpi) -> bool:
    return (row.kpi, row.hour) == (kpi.name, kpi.hour)


def _cell(row: Row) -> tuple[str, str, str, str]:
    ours = "none" if row.median is None else f"{number(row.median)} [{number(row.low)}, {number(row.high)}]"
    if row.missing and row.median is not None:
        ours += f", {row.missing} seeds have none"
    if row.published is None:
        return "-", ours, "", ""
    place = "" if row.percentile is None else f"P{row.percentile:.0f}"
    if isinstance(row.published, str) and row.percentile is not None:
        place = f"{row.published} in {row.percentile:.0f} %"
    return number(row.published), ours, place, f"{row.verdict} ({CALIBRATED})" if row.in_sample else row.verdict


def closest_cells(result: StudyResult) -> Iterator[tuple[str, list[str]]]:
    """Yield the closest draw scenario by scenario: its name and its figures in the order of the columns."""
    if result.closest is None:
        return
    point = result.measured.points[0]
    for case in result.study.scenarios:
        seeds = [result.measured.seeds(case.name, point, kpi.name, kpi.hour) for kpi in columns(result)]
        yield case.name, [number(float(values[result.closest.row])) for values in seeds]


def misses(result: StudyResult) -> list[Row]:
    """Return the published values outside the band, at every point that was asked for by itself."""
    return [
        row
        for row in result.rows
        if row.published is not None and row.verdict != "matched" and row.point not in result.variations
    ]


def number(value: float | str | None) -> str:
    """Return a figure with four digits; '-' for none."""
    if value is None or isinstance(value, str):
        return value or "-"
    return "-" if value != value else f"{value:.5g}" if abs(value) >= 1000 else f"{value:.4g}"


def miss_in_words(row: Row) -> str:
    """Return one sentence on a published value that is not matched."""
    at = f" at {row.point}" if row.point else ""
    hour = "" if row.hour_in_print is None else f" in hour {row.hour_in_print}"
    calibrated = f" ({CALIBRATED})" if row.in_sample else ""
    why = row.explanation or "No explanation is given."
    why = why[:1].upper() + why[1:]
    return f"{row.scenario}{at}, {row.kpi}{hour} = {row.as_printed}{calibrated}: {row.reason}. {why}"
