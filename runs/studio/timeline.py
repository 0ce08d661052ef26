"""The slider over the hours of a run."""

from collections.abc import Callable, Sequence
from typing import Any

from nicegui.element import Element
from nicegui.events import GenericEventArguments

from peerflex.runs.studio.deliver import Bundled


class Timeline(Bundled, Element, component="timeline.js"):
    """A slider from 0 (before the first step) to the horizon; it goes as far as there is a log.

    ``on_seek`` gets the number of steps to stand behind. The next position is asked for when the last is shown.
    """

    def __init__(self, end: int, on_seek: Callable[[int], Any]) -> None:
        super().__init__()
        self._props["end"] = end

        def sought(event: GenericEventArguments) -> Any:
            return on_seek(int(event.args))

        self.on("seek", sought)

    def show(self, cursor: int, logged: int, words: str, marks: Sequence[tuple[int, int]] | None) -> None:
        """Stand at ``cursor``, said in ``words``; ``marks`` are steps with 0: beyond limits, 1: changed."""
        content: dict[str, Any] = {"cursor": cursor, "logged": logged, "words": words}
        if marks is not None:
            content["marks"] = marks
        self.run_method("show", content)
