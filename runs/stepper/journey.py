"""Where a person stands in a run, and how they get on: forwards, back, or over to another future."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from peerflex.core.errors import InputError, SimulationError
from peerflex.grid.network import Network
from peerflex.runs.area.plugins import Registry
from peerflex.runs.session import Session
from peerflex.runs.show import CONSOLE
from peerflex.runs.stepper.patience import Patience
from peerflex.runs.stepper.until import Condition
from peerflex.runs.views import hour_of

LONG = 4
"""From this many steps on, a bar shows how far they are."""

Stop = Literal["there", "found", "interrupted"]
"""Why hours stopped going by: as far as asked, what was waited for, or Ctrl-C."""


class Journey:
    """A session that may be replaced by another: resumed, branched, opened. ``parent`` is what was branched from.

    Use it in a ``with`` block: whatever was simulated is then on disk, come what may.
    """

    def __init__(self, session: Session, parts: Registry) -> None:
        self.session, self.parts = session, parts
        self.parent: Path | None = None
        self._open = ExitStack()
        self._open.enter_context(session)

    @property
    def shown(self) -> int:
        """The step that is looked at.

        Raises:
            InputError: before the first.
        """
        if self.session.cursor == 0:
            raise InputError("hour 0", "nothing has happened yet", "Go on with: next")
        return self.session.cursor - 1

    @property
    def hour(self) -> float:
        """How many hours have gone by."""
        return hour_of(self.session.manifest, self.session.cursor)

    def go(self, until: int, found: Condition | None = None, seen: Callable[[int], None] | None = None) -> Stop:
        """Go on until that many steps have gone by, or ``found`` holds; ``seen`` is told every step.

        Raises:
            InputError: if there is nothing to go on with.
            SimulationError: if a step fails; everything before it can be looked at.
        """
        self._check_ahead()
        until = until if self.session.live else min(until, self.session.logged)
        steps = until - self.session.cursor
        with Patience() as patience, _Bar(steps if seen is None else 0) as bar:
            while self.session.cursor < until:
                self._step()
                bar()
                if seen is not None:
                    seen(self.shown)
                if found is not None and found(self.session, self.shown):
                    return "found"
                if patience.over:
                    return "interrupted"
        return "there"

    def change(self, document: Mapping[str, Any]) -> None:
        """Change the scenario from the next step on.

        Raises:
            InputError: if the next step is simulated already, or the scenario cannot change so.
        """
        where, other = f"hour {self.hour:g}", "or take another future from here with: branch KEY=VALUE"
        if self.session.cursor < self.session.logged:
            raise InputError(where, "what comes next is simulated already", f"Go to its end with: goto end, {other}.")
        self._check_ahead()
        with Patience():  # wholly or not at all
            self.session.change(document)

    def branch(self, folder: Path | None, change: Mapping[str, Any] | None) -> None:
        """Leave the run as it is, and go on in another future that begins here."""
        from peerflex.runs.api import branch_folder

        session = self.session
        session.flush()
        begun = folder or branch_folder(session.folder, hour_of(session.manifest, session.cursor))
        future = Session.branch(session.folder, self.parts, begun, session.cursor, change)
        self._go_over_to(future)
        self.parent = session.folder

    def resume(self) -> None:
        """Go on with the run that is looked at, up to where it stopped."""
        session = self.session
        if session.live:
            raise InputError(str(session.folder), "is being simulated already", "Go on with: next")
        reached = session.logged
        self._go_over_to(Session.resume(session.folder, self.parts))
        if self.session.cursor < reached:
            self.go(reached)

    def open(self, folder: Path) -> None:
        """Leave the run as it is, and look at another."""
        self.session.flush()  # it may be the same
        self._go_over_to(Session.open(folder))
        self.parent = None

    def leave(self) -> None:
        """Close the run: everything simulated is on disk, and a run that is done gets its picture."""
        before, network = self.session, self._network()
        self._open.close()
        self._finish(before, network)

    def _go_over_to(self, session: Session) -> None:
        before, network = self.session, self._network()
        self._open.close()
        self.session, self._open = session, ExitStack()
        self._open.enter_context(session)
        self._finish(before, network)

    def _network(self) -> Network | None:
        """Return the network of a run that has just been simulated to its end."""
        session = self.session
        return session.built.network if session.live and session.logged >= session.steps else None

    def _finish(self, session: Session, network: Network | None) -> None:
        if network is None:
            return
        from peerflex.runs.finish import finish
        from peerflex.runs.log.front_page import restored
        from peerflex.runs.log.reader import open_run

        run = open_run(session.folder, check=False)
        finish(run, restored(run), network, self.parts)

    def _check_ahead(self) -> None:
        session = self.session
        if session.cursor >= session.steps:
            remedy = "Look back with: goto HOUR. Another future begins there with: branch KEY=VALUE."
            raise InputError(str(session.folder), "the run is at its end", remedy)
        if not session.live and session.cursor >= session.logged:
            raise InputError(str(session.folder), "the log ends here", "Simulate on with: continue")

    def _step(self) -> None:
        try:
            self.session.step()
        except SimulationError as error:
            failed = self.session
            self._open.__exit__(type(error), error, error.__traceback__)
            self.session, self._open = Session.open(failed.folder), ExitStack()
            self.session.seek(self.session.logged)
            raise

    def __enter__(self) -> "Journey":
        return self

    def __exit__(self, *error: Any) -> None:
        self._open.__exit__(*error)


class _Bar:
    """A bar that is moved by calling it; none where it would say nothing."""

    def __init__(self, steps: int) -> None:
        shown = CONSOLE.is_terminal and steps >= LONG
        columns = (TextColumn("Ctrl-C stops"), BarColumn(bar_width=None), MofNCompleteColumn(), TimeRemainingColumn())
        self._progress = Progress(*columns, console=CONSOLE, transient=True, disable=not shown)
        self._task = self._progress.add_task("", total=steps)

    def __call__(self) -> None:
        self._progress.advance(self._task)

    def __enter__(self) -> "_Bar":
        self._progress.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._progress.stop()
