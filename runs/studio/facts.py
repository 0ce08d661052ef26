"""Figures with their names and units, side by side."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from nicegui.element import Element

from peerflex.runs.studio.deliver import Bundled


@dataclass(frozen=True, slots=True)
class Fact:
    """A figure as it is shown; ``key`` names it for tests and styles, ``mark`` is a class ('beyond': over a limit)."""

    key: str
    name: str
    value: str
    unit: str = ""
    note: str = ""
    mark: str = ""


class Facts(Bundled, Element, component="facts.js"):
    """A list of figures."""

    def __init__(self, label: str, testid: str) -> None:
        super().__init__()
        self._props["label"] = label
        self._props["testid"] = testid

    def show(self, step: int, facts: Sequence[Fact]) -> None:
        self.run_method("show", {"step": step, "facts": [asdict(fact) for fact in facts]})
