"""A matrix of designs in the terminal."""

import math

from rich.table import Table

from peerflex.runs import show
from peerflex.runs.study.matrix import Matrix, matrix
from peerflex.runs.study.matrix_page import REINFORCEMENT, SHOWN, Shown, count_in_words, intervals, refusals
from peerflex.runs.study.page import number
from peerflex.runs.study.result import StudyResult

MOST_REASONS = 8
WIDTH = 10
"""Characters a column takes with the space before it."""


def show_designs(result: StudyResult) -> None:
    """Print the matrix of every grid, how many combinations are designs, why others are refused, and where it is."""
    table = matrix(result)
    for grid in table.grids:
        _show_grid(result, table, grid)
    for each in intervals(result):
        show.say(each)
    show.say(count_in_words(result))
    reasons = refusals(result)
    for count, why in reasons[:MOST_REASONS]:
        show.say(f"refused, {count}: {why}")
    if len(reasons) > MOST_REASONS:
        show.say(f"refused for other reasons, {sum(count for count, _ in reasons[MOST_REASONS:])}: see matrix.md")
    show.say(f"every figure: {result.folder / 'tables' / 'designs.csv'}; medians: {result.folder / 'matrix.md'}")
    show.say(f"Table 5 of D5.3 beside it: {result.folder / 'table5.md'}")
    show.say(result.frozen.in_words)


def _show_grid(result: StudyResult, table: Matrix, grid: str) -> None:
    asked = result.study.designs
    assert asked is not None
    title = f"{result.study.name} on {grid}, seeds {result.study.seeds}: medians"
    shown = _fitting(table, grid)
    lines = Table(title=title, title_justify="left", box=None, pad_edge=False, padding=(0, 1, 0, 0))
    lines.add_column("design", no_wrap=True)
    for each in shown:
        lines.add_column(each.header, justify="right", no_wrap=True)
    for design in table.on(grid):
        values = [table.median(grid, design.name, each.column) for each in shown]
        cells = (_cell(value, each.decimals) for value, each in zip(values, shown, strict=True))
        lines.add_row(design.name, *cells)
    show.CONSOLE.print(lines)
    if table.has(REINFORCEMENT):
        eur = number(table.median(grid, asked.unlimited, REINFORCEMENT))
        show.say(f"on {grid}, wires that bear {asked.unlimited} instead: {eur} EUR a year")
    show.say("")


def _fitting(table: Matrix, grid: str) -> list[Shown]:
    """Return the columns that fit the terminal beside the names."""
    there = [each for each in SHOWN if table.has(each.column)]
    room = show.CONSOLE.width - max(len(each.name) for each in table.on(grid))
    return there[: max(1, room // WIDTH)]


def _cell(value: float, decimals: int) -> str:
    return "-" if math.isnan(value) else f"{round(value, decimals) + 0.0:.{decimals}f}"
