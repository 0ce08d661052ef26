"""Plain printing for a terminal of any width: nothing from a log can colour, move or break it."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from rich.table import Table
from rich.text import Text

from peerflex.core.record import Event
from peerflex.core.units import KW_PER_MW
from peerflex.runs.show import CONSOLE
from peerflex.runs.views import Log, events_at
from peerflex.runs.views.log import rows_at

HOUR: Final[tuple[tuple[str, int, str, Callable[[Any], str]], ...]] = (
    ("begins", 11, "time", lambda v: f"{v:%m-%d %H:%M}"),
    ("P2P kWh", 9, "p2p_mwh", lambda v: kilo(v, 1)),
    ("EUR/MWh", 7, "p2p_price_eur_per_mwh", lambda v: number(v, 1)),
    ("flex kWh", 9, "lfm_mwh", lambda v: kilo(v, 2) if v else ""),
    ("min pu", 6, "lowest_voltage_pu", lambda v: number(v, 4)),
    ("max pu", 6, "highest_voltage_pu", lambda v: number(v, 4)),
    ("broken", 6, "violations", lambda v: str(v) if v else ""),
    ("load %", 6, "highest_loading", lambda v: number(v * 100, 1)),
)
"""Title, width, column and form of what is printed of an hour; where the highest loading is follows behind."""

HOUR_HEAD: Final = " ".join(title.rjust(width) for title, width, _, _ in HOUR) + " at"
CHANGED: Final = "changed"
_NARROWEST: Final = 78
_LEAST_TEXT: Final = 16


def clean(text: str) -> str:
    """Return a text without anything that a terminal would act on."""
    return "".join(each if each.isprintable() or each == "\n" else "?" for each in text)


def say(*lines: str) -> None:
    """Print lines of plain text; in a file or a pipe a line stays one line."""
    for line in lines:
        CONSOLE.print(Text(clean(line)), soft_wrap=not CONSOLE.is_terminal)


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table; a column whose title begins with a space is of numbers, and is set to the right.

    Where the terminal is too narrow for the numbers, each row is a line of its own that says what is what.
    """
    say(title)
    body = [[clean(cell) for cell in row] for row in rows]
    if not body:
        return
    if _width(columns, body) > CONSOLE.width:
        names = [column.strip() for column in columns]
        say(*(", ".join(f"{name} {cell}" for name, cell in zip(names, row, strict=True) if cell) for row in body))
        return
    shown = Table(box=None, pad_edge=False, header_style="none")
    for column in columns:
        number = column.startswith(" ")
        shown.add_column(Text(column.strip()), justify="right" if number else "left", no_wrap=number, overflow="fold")
    for row in body:
        shown.add_row(*map(Text, row))
    CONSOLE.print(shown)


def _width(columns: Sequence[str], body: list[list[str]]) -> int:
    """Return how wide a table is at least: a last column of text may be broken, the others not."""
    widths = [max(map(len, cells)) for cells in zip(columns, *body, strict=True)]
    if not columns[-1].startswith(" "):
        widths[-1] = min(widths[-1], _LEAST_TEXT)
    return sum(widths) + 2 * (len(widths) - 1)


def number(value: float, digits: int) -> str:
    """Return a number, '' if there is none."""
    return "" if math.isnan(value) else f"{value:.{digits}f}"


def kilo(value: float, digits: int = 3) -> str:
    """Return MW as kW or MWh as kWh, '' if there is none."""
    return number(value * KW_PER_MW, digits)


def hour_row(log: Log, step: int) -> str:
    """Return what happened in a step: one line under ``HOUR_HEAD``, or a sentence where the terminal is narrow."""
    row = {
        key: math.nan if value is None else value for key, value in rows_at(log, "hours", step).to_pylist()[0].items()
    }
    texts = [form(row[column]) for _, _, column, form in HOUR]
    where = str(row["highest_loading_branch"])
    if CONSOLE.width >= _NARROWEST:
        cells = (text.rjust(width) for text, (_, width, _, _) in zip(texts, HOUR, strict=True))
        line = " ".join((*cells, ""))
        return line + _end(where, CONSOLE.width - len(line))
    said = (f" {text} {title}" for text, (title, _, _, _) in zip(texts[1:], HOUR[1:], strict=True) if text)
    return f"{texts[0]}:" + ";".join(said) + f" at {where}"


def _end(name: str, width: int) -> str:
    """Return as much of a name as there is room for: its end says most."""
    return name if len(name) <= width else ".." + name[len(name) + 2 - width :]


def say_head() -> None:
    """Print the heading of the hours, where they are a table."""
    if CONSOLE.width >= _NARROWEST:
        say(HOUR_HEAD)


def say_hour(log: Log, step: int) -> None:
    """Print a step, and below it what was out of the ordinary: one of a kind in full, more of them counted."""
    say(hour_row(log, step))
    events = events_at(log, step)
    kinds = Counter(event.kind for event in events if event.kind != CHANGED)
    for event in events:
        if kinds[event.kind] <= 1:
            say("  " + event_line(event))
    for kind, count in kinds.items():
        if count > 1:
            say(f"  {count} x {kind}: see them with events")


def event_line(event: Event) -> str:
    """Return an event as a sentence."""
    return f"{event.kind}: {event.where}: {event.what}; {event.consequence}"


def hour_rows(log: Log, steps: Iterable[int]) -> None:
    """Print steps, and below each what was out of the ordinary in it."""
    say_head()
    for step in steps:
        say_hour(log, step)
