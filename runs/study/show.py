"""A study in the terminal: every figure with its spread, print beside ours, criteria, and what they are worth."""

import math

from rich.markup import escape
from rich.table import Table

from peerflex.runs import show
from peerflex.runs.study.before import cells_in_words
from peerflex.runs.study.by_scenario import by_scenario
from peerflex.runs.study.means import means
from peerflex.runs.study.page import cells, columns, miss_in_words, misses
from peerflex.runs.study.result import StudyResult
from peerflex.runs.study.robustness import SURVIVAL, claims, in_one_line, survivors
from peerflex.runs.study.show_designs import show_designs
from peerflex.scenarios.study_schema import Kpi


def show_study(result: StudyResult) -> None:
    """Print figures, the published table, criteria, robustness, and one line on the configuration.

    Of one seed beside print this would be hundreds of lines: only what they add up to is printed, and where they are.
    """
    if result.designs:
        show_designs(result)
        return
    printed = columns(result)
    if printed and by_scenario(result):
        _show_summary(result)
        return
    others = [kpi for kpi in result.study.kpis if kpi.hours is None and kpi not in printed]
    if others:
        _show_rows(result, others)
    if any(kpi.interval == "mean" for kpi in result.study.kpis):
        _show_means(result)
    for point in (each for each in result.measured.points if each not in result.variations):
        if printed:
            _show_published(result, point)
    for row in misses(result):
        show.say(f"outside the band: {miss_in_words(row)}")
    if printed:
        show.say(cells_in_words(result))
    if result.closest is not None:
        show.say(result.closest.in_words)
    if result.criteria:
        _show_criteria(result)
    if result.variations:
        _show_robustness(result)
    show.say(result.frozen.in_words)


def _show_rows(result: StudyResult, kpis: list[Kpi]) -> None:
    title = f"{result.study.name}, seeds {result.study.seeds}: median, and 5th to 95th percentile"
    table = Table("figure", title=title, title_justify="left", box=None, pad_edge=False)
    for name in ("median", "low", "high"):
        table.add_column(name, justify="right", no_wrap=True)
    for kpi in kpis:
        hour = "" if kpi.hour is None else f" in hour {kpi.hour}"
        table.add_row(f"{kpi.name}{hour} ({kpi.unit})")
        for row in result.rows:
            if (row.kpi, row.hour) == (kpi.name, kpi.hour) and row.point not in result.variations:
                figures = (_figure(value) for value in (row.median, row.low, row.high))
                table.add_row(f"  {_place(row.scenario, row.point)}", *figures)
    show.CONSOLE.print(table, "")


def _show_means(result: StudyResult) -> None:
    title = f"{result.study.name}, seeds {result.study.seeds}: mean, and its 95 % interval over the seeds"
    table = Table("figure", title=title, title_justify="left", box=None, pad_edge=False)
    for name in ("mean", "low", "high"):
        table.add_column(name, justify="right", no_wrap=True)
    found = [row for row in means(result.measured) if row.point not in result.variations]
    for kpi in dict.fromkeys((row.kpi, row.hour, row.unit) for row in found):
        table.add_row(f"{kpi[0]}{'' if kpi[1] is None else f' in hour {kpi[1]}'} ({kpi[2]})")
        for row in found:
            if (row.kpi, row.hour, row.unit) == kpi:
                figures = (_figure(None if math.isnan(value) else value) for value in (row.mean, row.low, row.high))
                table.add_row(f"  {_place(row.scenario, row.point)}", *figures)
    show.CONSOLE.print(table, "")


def _show_published(result: StudyResult, point: str) -> None:
    at = f" at {point}" if point else ""
    title = f"{result.study.name}{at}, seeds {result.study.seeds}: published; median [5 %, 95 %]; percentile; verdict"
    table = Table("scenario", title=escape(title), title_justify="left", box=None, pad_edge=False)
    for kpi in columns(result):
        hour = "" if kpi.hour is None else f"\nhour {kpi.hour}"
        table.add_column(f"{kpi.name}{hour}\n({kpi.unit})", overflow="fold")
    for case in result.study.scenarios:
        found = [cells(result, case.name, point, kpi) for kpi in columns(result)]
        texts = ["\n".join("\n".join(filter(None, cell)) for cell in each) for each in found]
        table.add_row(case.name, *map(escape, texts), end_section=True)
        table.add_row()
    show.CONSOLE.print(table)


def _show_summary(result: StudyResult) -> None:
    show.say(result.study.title or result.study.name)
    show.say(cells_in_words(result))
    judged = [each for each in result.criteria if each.point not in result.variations]
    if judged:
        show.say(f"{len(judged) - len(result.broken)} of {len(judged)} criteria hold")
    for each in result.broken:
        at = f" at {each.point}" if each.point else ""
        show.say(f"does not hold: {each.name}{at}: {each.statement}")
    if result.variations:
        show.say(in_one_line(result))
        show.say(f"what breaks under which variation: {result.folder / 'robustness.md'}")
    show.say(f"tables of every scenario, misses with reasons, and notes: {result.folder / 'table.md'}")
    show.say(result.frozen.in_words)


def _show_criteria(result: StudyResult) -> None:
    table = Table(title="Criteria", title_justify="left", box=None, pad_edge=False)
    for name in ("criterion", "what"):
        table.add_column(name, overflow="fold")
    for name in ("required", "measured", "holds"):
        table.add_column(name, justify="right", no_wrap=True)
    for each in result.criteria:
        if each.point not in result.variations:
            figures = (_figure(value) for value in (each.required, each.measured))
            table.add_row(
                _place(each.name, each.point), escape(each.statement), *figures, "yes" if each.holds else "NO"
            )
    show.CONSOLE.print(table, "")


def _show_robustness(result: StudyResult) -> None:
    table = Table("verdict", title="Robustness", title_justify="left", box=None, pad_edge=False)
    for name in SURVIVAL[1:]:
        table.add_column(name, overflow="fold")
    for claim in claims(result):
        table.add_row(*map(escape, claim))
    show.CONSOLE.print(table, "")
    show.say(survivors(result))


def _place(name: str, point: str) -> str:
    return escape(f"{name}\n    {point}" if point else name)  # a list among swept values is not markup


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
