"""``peerflex explain``: a question about a logged hour, and its answer as lines of text."""

from pathlib import Path
from typing import TYPE_CHECKING

from peerflex.runs.area.plugins import Registry, registry
from peerflex.runs.log.reader import Run, open_run

if TYPE_CHECKING:
    from peerflex.runs.session import Session


def explain_command(folder: Path, hour: float, what: str, which: str, plugins: list[Path]) -> None:
    """Print why something in an hour of a run is as it is.

    Raises:
        InputError: if the run has no such hour, or the hour nothing of the kind.
    """
    from peerflex.runs.show import say

    say("\n".join(explain_lines(folder, hour, what, which, registry(plugins))))


def explain_lines(run: "Path | Run | Session", hour: float, what: str, which: str, known: Registry) -> list[str]:
    """Return the same as lines. A session is written down first: an hour is computed again from its log.

    ``hour`` is when the step begins, in hours from the scenario's start; ``what`` one of ``explain_types.KINDS``,
    ``which`` its number or name.
    """
    from peerflex.runs.explain.text import lines
    from peerflex.runs.explain.types import Question
    from peerflex.runs.explain.why import explain
    from peerflex.runs.moment import moment
    from peerflex.runs.session import Session
    from peerflex.runs.views.log import steps_before

    if isinstance(run, Session):
        run.flush()
        run = run.folder
    opened = open_run(run) if isinstance(run, Path) else run
    return lines(explain(moment(opened, steps_before(opened.manifest, hour), known), Question(what, which)))
