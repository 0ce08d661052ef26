"""The published table beside ours: what print says, our median and band, where print stands in it, the verdict."""

from collections.abc import Iterator

from peerflex.runs.study_result import StudyResult
from peerflex.runs.study_verdicts import Row
from peerflex.scenarios.study_schema import Kpi

CALIBRATED = "calibrated"


def columns(result: StudyResult) -> tuple[Kpi, ...]:
    """Return the KPIs of which somebody printed a value."""
    printed = {(each.kpi, each.hour) for each in result.study.published}
    return tuple(kpi for kpi in result.study.kpis if (kpi.name, kpi.hour) in printed)


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


def table_page(result: StudyResult) -> str:
    """Return ``table.md``."""
    study = result.study
    lines = [f"# {study.title or study.name}", ""]
    lines += [f"Seeds {study.seeds} ({len(study.seed_range)}); {result.frozen.in_words}.", ""]
    lines += ["A cell is: published; our median [5 %, 95 %]; percentile of the published value; verdict.", ""]
    for point in (each for each in result.measured.points if each not in result.variations):
        lines += [f"## {point}", ""] if point else []
        lines += [*_table(result, point), ""]
    lines += _others(result)
    if result.closest is not None:
        lines += [f"## Closest draw, seed {result.closest.seed}", "", f"{_sentence(result.closest.in_words)}.", ""]
        lines += [*_header(result), *(_line(name, texts) for name, texts in closest_cells(result)), ""]
    lines += _list("Published values outside the band", [miss_in_words(row) for row in misses(result)])
    lines += _list("Calibrated", study.calibrated)
    lines += _list("Not matched", study.not_matched)
    lines += _list("Notes", study.notes)
    return "\n".join(lines)


def miss_in_words(row: Row) -> str:
    """Return one sentence on a published value that is not matched."""
    at = f" at {row.point}" if row.point else ""
    hour = "" if row.hour is None else f" in hour {row.hour}"
    calibrated = f" ({CALIBRATED})" if row.in_sample else ""
    why = row.explanation or "No explanation is given."
    return f"{row.scenario}{at}, {row.kpi}{hour} = {number(row.published)}{calibrated}: {row.reason}. {why}"


def _table(result: StudyResult, point: str) -> list[str]:
    lines = _header(result)
    for case in result.study.scenarios:
        found = [cells(result, case.name, point, kpi) for kpi in columns(result)]
        lines.append(_line(case.name, ["<br>".join("; ".join(filter(None, cell)) for cell in each) for each in found]))
    return lines


def _others(result: StudyResult) -> list[str]:
    """Return the table of the figures that nobody printed, without those at variations."""
    kpis = [kpi for kpi in result.study.kpis if kpi not in columns(result)]
    points = [each for each in result.measured.points if each not in result.variations]
    if not kpis or not result.study.published:
        return []
    lines = [
        "## Other figures: our median [5 %, 95 %]",
        "",
        _line("scenario", [f"{kpi.name} ({kpi.unit})" for kpi in kpis]),
    ]
    lines.append(_line("---", ["---"] * len(kpis)))
    for case in result.study.scenarios:
        for point in points:
            found = [cells(result, case.name, point, kpi)[0][1] for kpi in kpis]
            lines.append(_line(f"{case.name} {point}".strip(), found))
    return [*lines, ""]


def _header(result: StudyResult) -> list[str]:
    names = [kpi.name if kpi.hour is None else f"{kpi.name}, hour {kpi.hour}" for kpi in columns(result)]
    titles = [f"{name} ({kpi.unit})" for name, kpi in zip(names, columns(result), strict=True)]
    return [_line("scenario", titles), _line("---", ["---"] * len(titles))]


def _line(first: str, others: list[str]) -> str:
    return "| " + " | ".join([first, *others]) + " |"


def _list(title: str, texts: list[str] | tuple[str, ...]) -> list[str]:
    return [f"## {title}", "", *(f"- {text}" for text in texts), ""] if texts else []


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
