"""``table.md``: print beside ours, what is missed and why, what was calibrated, and what is not matched."""

from peerflex.runs.study.before import cells_in_words, tallies
from peerflex.runs.study.by_scenario import by_scenario, scenario_tables
from peerflex.runs.study.page import cells, closest_cells, columns, miss_in_words, misses, number
from peerflex.runs.study.result import StudyResult
from peerflex.scenarios.study_schema import Kpi

TERMS = (
    "- published: as in print. ours: with as many decimals. difference: ours less published, as both are shown.",
    "- tolerance: how far ours may be from print and still be `matched`; `sign-only` says that the change against the"
    " first scenario has the sign of print.",
    "- evidence: `yes`, or `calibrated` if a parameter was chosen with it or it follows from what was: such a value"
    " proves nothing, whatever its verdict.",
    "- The last columns are scenarios that stand beside it, of which nothing is published.",
    "- state before: the same scenario without any service; what it matches, doing nothing matches.",
    "- Hours are as print counts them. There is one seed, so there are no bands.",
)


def table_page(result: StudyResult) -> str:
    """Return ``table.md``."""
    study = result.study
    lines = [f"# {study.title or study.name}", ""]
    lines += [f"Seeds {study.seeds} ({len(study.seed_range)}); {result.frozen.in_words}.", ""]
    if by_scenario(result):
        lines += [*TERMS, ""]
    else:
        lines += ["A cell is: published; our median [5 %, 95 %]; percentile of the published value; verdict.", ""]
    lines += [f"{_sentence(cells_in_words(result))}.", "", *_evidence(result)]
    for point in (each for each in result.measured.points if each not in result.variations):
        lines += [f"## {point}", ""] if point else []
        lines += _by_scenario(result, point) if by_scenario(result) else [*_table(result, point), ""]
    lines += _criteria(result)
    lines += _others(result)
    if result.closest is not None:
        lines += [f"## Closest draw, seed {result.closest.seed}", "", f"{_sentence(result.closest.in_words)}.", ""]
        lines += [*_header(result), *(_line(name, texts) for name, texts in closest_cells(result)), ""]
    outside = "Published values not matched" if by_scenario(result) else "Published values outside the band"
    lines += _list(outside, [miss_in_words(row) for row in misses(result)])
    lines += _list("Calibrated", study.calibrated)
    lines += _list("Not matched", study.not_matched)
    lines += _list("Notes", study.notes)
    return "\n".join(lines)


def _evidence(result: StudyResult) -> list[str]:
    """Return the evidence scenario by scenario, where some have a state before to compare with."""
    found = tallies(result)
    if all(each.state_before is None for each in found):
        return []
    lines = ["| scenario | evidence | matched | state before | matches of these |", "|---|---|---|---|---|"]
    for each in found:
        before = ["-", "-"] if each.state_before is None else [each.state_before, f"{each.before}"]
        lines.append(_line(each.scenario, [f"{each.values}", f"{each.matched}", *before]))
    return [*lines, ""]


def _by_scenario(result: StudyResult, point: str) -> list[str]:
    lines: list[str] = []
    for table in scenario_tables(result, point):
        lines += [f"## Scenario {table.scenario}", "", _line(table.header[0], list(table.header[1:]))]
        lines += [_line("---", ["---"] * (len(table.header) - 1))]
        lines += [*(_line(row[0], list(row[1:])) for row in table.rows), ""]
    return lines


def _criteria(result: StudyResult) -> list[str]:
    """Return the criteria as the study is, without those of variations."""
    judged = [each for each in result.criteria if each.point not in result.variations]
    if not judged:
        return []
    lines = ["## Criteria", "", "| criterion | what | required | measured | holds |", "|---|---|---|---|---|"]
    for each in judged:
        what = f"{each.statement} at {each.point}" if each.point else each.statement
        cells_of = [what, number(each.required), number(each.measured), "yes" if each.holds else "NO"]
        lines.append(_line(each.name, cells_of))
    return [*lines, ""]


def _table(result: StudyResult, point: str) -> list[str]:
    lines = _header(result)
    for case in result.study.scenarios:
        found = [cells(result, case.name, point, kpi) for kpi in columns(result)]
        lines.append(_line(case.name, ["<br>".join("; ".join(filter(None, cell)) for cell in each) for each in found]))
    return lines


def _others(result: StudyResult) -> list[str]:
    """Return the table of the figures that nobody printed (of one seed: of all), without those at variations."""
    printed = {(each.kpi, each.hour) for each in result.study.every_published}
    kpis = [
        kpi
        for kpi in result.study.kpis
        if kpi.hours is None and (by_scenario(result) or (kpi.name, kpi.hour) not in printed)
    ]
    points = [each for each in result.measured.points if each not in result.variations]
    if not kpis or not printed:
        return []
    lines = [
        "## Every scenario" if by_scenario(result) else "## Other figures: our median [5 %, 95 %]",
        "",
        _line("scenario", [f"{kpi.name} ({kpi.unit})" for kpi in kpis]),
    ]
    lines.append(_line("---", ["---"] * len(kpis)))
    for case in result.study.scenarios:
        for point in points:
            found = [_own(result, case.name, point, kpi) for kpi in kpis]
            lines.append(_line(f"{case.name} {point}".strip(), found))
    return [*lines, ""]


def _own(result: StudyResult, case: str, point: str, kpi: Kpi) -> str:
    if by_scenario(result):
        return number(float(result.measured.seeds(case, point, kpi.name, kpi.hour)[0]))
    return cells(result, case, point, kpi)[0][1]


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
