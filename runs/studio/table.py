"""A table of texts: fast to fill, readable by keyboard and screen reader, and markup in names stays text."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Self

from nicegui.element import Element
from nicegui.events import GenericEventArguments

from peerflex.runs.studio.deliver import Bundled

MOST_ROWS: Final = 200
"""Rows that are shown of a longer table; its CSV has all."""


@dataclass(frozen=True, slots=True)
class Column:
    """The head of a column; ``number`` columns are aligned right; ``width`` is relative to that of the others."""

    title: str
    unit: str = ""
    number: bool = False
    width: float = 1.0


def number(title: str, unit: str = "", width: float = 1.0) -> Column:
    """Return the head of a column of numbers."""
    return Column(title, unit, number=True, width=width)


class TextTable(Bundled, Element, component="table.js"):
    """A table; with ``action``, a button in each row hands its id to ``on_pick``."""

    def __init__(
        self, label: str, testid: str, columns: Sequence[Column], empty: str, action: str | None = None
    ) -> None:
        super().__init__()
        self._props["label"] = label
        self._props["testid"] = testid
        self._props["columns"] = [asdict(column) for column in columns]
        self._props["empty"] = empty
        if action:
            self._props["action"] = action

    def show(
        self,
        step: int,
        rows: Sequence[Sequence[str]],
        ids: Sequence[Any] | None = None,
        marks: Sequence[str] = (),
        note: str = "",
        more: Sequence[tuple[Column, Sequence[str]]] = (),
    ) -> None:
        """Fill it with texts, in the order of the columns; ``ids`` are handed to ``on_pick``, ``marks`` are classes.

        ``more`` are columns on the right, each with its texts row by row; one without any text is left out.
        """
        said = [(column, texts) for column, texts in more if any(texts)]
        head = [[*row, *(texts[place] for _, texts in said)] for place, row in enumerate(rows[:MOST_ROWS])]
        content = {
            "step": step,
            "rows": head,
            "ids": list(range(len(head)) if ids is None else ids[:MOST_ROWS]),
            "marks": list(marks[:MOST_ROWS]),
            "count": len(rows),
            "note": note,
            "more": [asdict(column) for column, _ in said],
        }
        self.run_method("show", content)

    def on_pick(self, handler: Callable[[Any], Any]) -> Self:
        """Call ``handler`` with the id of a row whose button is pressed."""

        def picked(event: GenericEventArguments) -> Any:
            return handler(event.args)

        self.on("pick", picked)
        return self
