"""A session: a cursor over a run that can also simulate and log the next step.

Running, resuming, replaying, stepping, branching and the studio are all this one object: what is behind the cursor is
read from the log, what is ahead is simulated and appended to it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import pyarrow as pa

from peerflex.core.errors import InputError
from peerflex.core.record import HourRecord
from peerflex.runs.area.build import Built
from peerflex.runs.area.plugins import Registry
from peerflex.runs.log.front_page import front_page, restored
from peerflex.runs.log.log import Log
from peerflex.runs.log.manifest import PART_STEPS, Manifest, Status
from peerflex.runs.log.reader import Run, open_run
from peerflex.runs.log.writer import RunWriter
from peerflex.runs.simulation import Carried, Simulation
from peerflex.runs.views.log import hour_of
from peerflex.scenarios.load import LoadedScenario

if TYPE_CHECKING:
    import pandas as pd

    from peerflex.runs.cosim import Coupling
    from peerflex.runs.model import AreaModel


@dataclass(frozen=True, slots=True)
class _Live:
    """What can append: what simulates, and the log it goes to."""

    simulation: Simulation
    writer: RunWriter

    def step(self) -> HourRecord:
        record = self.simulation.step()
        self.writer.append(record, Carried.after(record, self.simulation.model.readings_mw))
        return record


class Session:
    """A run with a cursor. What is behind the cursor is read from the log; ``step`` at its end simulates.

    Use it in a ``with`` block: the log is closed whatever happens. ``record`` is the step just simulated, None
    after a step that was only read.
    """

    def __init__(self, folder: Path, live: _Live | None) -> None:
        self.folder = folder
        self.record: HourRecord | None = None
        self._live = live
        self._log = Log(open_run(folder, check=live is None), None if live is None else live.writer)
        self.cursor = 0 if live is None else live.writer.next_step

    @classmethod
    def begin(
        cls,
        loaded: LoadedScenario,
        registry: Registry,
        folder: Path,
        driver: str = "mosaik",
        coupling: "Coupling | None" = None,
        part_steps: int = PART_STEPS,
    ) -> Self:
        """Begin a run in a new folder; ``part_steps`` is how many steps may be lost when it is killed.

        Raises:
            InputError: if the folder exists, or the scenario cannot be built.
        """
        _check_driver(driver, coupling)
        plugins = {f"plugins/{path.name}": path for path in registry.files}
        if len(plugins) < len(registry.files):
            raise InputError("--plugin", "two files have the same name", "Rename one: the run keeps a copy of each.")
        simulation = Simulation(loaded, registry, driver, coupling)
        manifest = front_page(simulation, driver, part_steps, coupled=coupling is not None)
        inputs = {path.as_posix(): loaded.base / path for path in loaded.inputs}
        try:
            writer = RunWriter.create(folder, manifest, inputs | plugins)
        except InputError:
            simulation.close()
            raise
        return cls(folder, _Live(simulation, writer))

    @classmethod
    def resume(cls, folder: Path, registry: Registry) -> Self:
        """Go on with a run that was stopped, from the end of its last whole part.

        Raises:
            InputError: if the run is done, altered, needs plugins that are not given, or other simulators took
                part: they can only begin at their beginning.
        """
        run = open_run(folder)
        _check_alone(run)
        loaded = restored(run, registry)
        writer, carried, step = RunWriter.resume(folder, Carried)
        simulation = Simulation(loaded, registry, run.manifest.driver, None, step, carried)
        return cls(folder, _Live(simulation, writer))

    @classmethod
    def branch(
        cls, parent: Path, registry: Registry, folder: Path, step: int, change: Mapping[str, Any] | None = None
    ) -> Self:
        """Begin a run in a new folder that shares the steps before ``step`` with a parent, and goes on otherwise.

        Whole parts are copied; what is behind them is simulated again, as when a run is resumed. Without a change it
        becomes, byte for byte, what the parent is.

        Raises:
            InputError: if the parent has no such step, cannot be gone on with, or cannot change so.
        """
        run = open_run(parent)
        _check_alone(run)
        if not 0 <= step <= run.finished_steps or step >= run.manifest.steps:
            hour, last = (
                hour_of(run.manifest, each) for each in (step, min(run.finished_steps, run.manifest.steps - 1))
            )
            raise InputError(str(parent), f"no branch can begin at hour {hour:g}", f"Choose one from 0 to {last:g}.")
        carried, first = run.carried_before(step, Carried)
        simulation = Simulation(restored(run, registry), registry, run.manifest.driver, None, first, carried)
        parents = (*run.manifest.parents, f"{run.folder.resolve().name}@{step}")
        try:
            if change is not None:
                simulation.change(change, step)
            manifest = front_page(simulation, run.manifest.driver, run.manifest.part_steps, parents=parents)
            writer = RunWriter.branch(run, folder, manifest, first)
        except InputError:
            simulation.close()
            raise
        session = cls(folder, _Live(simulation, writer))
        while session.cursor < step:
            session.step()
        return session

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open a logged run to look at; nothing is simulated.

        Raises:
            InputError: if the folder is no run or was altered.
        """
        return cls(folder, None)

    @property
    def steps(self) -> int:
        """The horizon."""
        return self.manifest.steps

    @property
    def logged(self) -> int:
        """How many steps there are to look at."""
        return self._log.finished_steps

    @property
    def finished_steps(self) -> int:
        """The same, as runs on disk call it."""
        return self.logged

    @property
    def manifest(self) -> Manifest:
        return self._log.manifest

    @property
    def live(self) -> bool:
        """Whether steps can be appended."""
        return self._live is not None

    @property
    def built(self) -> Built:
        """The area being simulated, as it stands now, and its network."""
        return self._simulated.simulation.built

    @property
    def model(self) -> "AreaModel":
        """The Mesa model, as it is after the last simulated step."""
        return self._simulated.simulation.model

    @property
    def _simulated(self) -> _Live:
        if self._live is None:
            raise InputError(
                str(self.folder), "this run is only looked at", "Go on with: peerflex run --resume FOLDER."
            )
        return self._live

    def seek(self, step: int) -> None:
        """Put the cursor behind ``step`` steps, forwards or back, as far as there is a log."""
        if not 0 <= step <= self.logged:
            raise InputError(str(self.folder), f"step {step} is not logged", f"Choose one from 0 to {self.logged}.")
        self.cursor, self.record = step, None

    def rows(self, name: str, first: int = 0, last: int | None = None) -> pa.Table:
        """Return a table, its steps ``first`` to ``last`` (inclusive; None: to the end), written or still in hand."""
        return self._log.rows(name, first, last)

    def table(self, name: str, first: int = 0, last: int | None = None) -> "pd.DataFrame":
        """Return the same as pandas."""
        return self.rows(name, first, last).to_pandas()  # type: ignore[no-any-return]

    def look(self, table: str) -> "pd.DataFrame":
        """Return a table's rows of the step behind the cursor."""
        return self.table(table, self.cursor - 1, self.cursor - 1)

    @property
    def log(self) -> Run:
        """Everything logged so far, on disk."""
        self.flush()
        return open_run(self.folder, check=False)

    def flush(self) -> None:
        """Write what is in hand."""
        if self._live is not None:
            self._live.writer.flush()

    def change(self, document: Mapping[str, Any]) -> None:
        """Change the scenario from the next simulated step on: ``document`` is written as one that extends it.

        It becomes a part of the run's scenario, so that the run can be verified, resumed and branched as any other.

        Raises:
            InputError: if the cursor is not at the end of the log, or the scenario cannot change so.
        """
        live = self._simulated
        if self.cursor != self.logged or self.cursor >= self.steps:
            what = f"step {self.cursor} is simulated already"
            raise InputError(str(self.folder), what, "Go to the end of what is simulated, or branch from here.")
        live.simulation.change(document)
        live.writer.rewrite(live.simulation.loaded.scenario.model_dump(mode="json"))

    def step(self) -> None:
        """Move the cursor one step: read it if it is logged, simulate and log it if not.

        Raises:
            InputError: at the end of the run, or of a log that is only looked at.
            SimulationError: if the step fails; the log holds every step before it.
        """
        self.record = None
        if self.cursor >= self.logged:
            if self.cursor >= self.steps:
                raise InputError(str(self.folder), "the run is at its end", "Begin a longer one with --hours.")
            self.record = self._simulated.step()
        self.cursor += 1

    def advance(self) -> Iterator[int]:
        """Step to the end; yields the cursor after each step."""
        while self.cursor < self.steps:
            self.step()
            yield self.cursor

    def close(self, status: Status) -> None:
        """End the simulators and the log."""
        if self._live is not None:
            self._live.simulation.close()
            self._live.writer.close(status)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        stopped = kind is None or issubclass(kind, KeyboardInterrupt | InputError)
        self.close("done" if self.logged >= self.steps else "running" if stopped else "failed")


def _check_alone(run: Run) -> None:
    if run.manifest.coupled:
        what = "other simulators were coupled to this run, and they cannot go on in the middle"
        raise InputError(str(run.folder), what, "Simulate it again from Python, with their coupling.")


def _check_driver(name: str, coupling: "Coupling | None") -> None:
    if name not in ("mosaik", "mesa"):
        raise InputError("driver", f"there is no driver {name!r}", "Use 'mosaik' or 'mesa'.")
    if name == "mesa" and coupling is not None:
        raise InputError("driver", "'mesa' cannot couple other simulators", "Use the driver 'mosaik'.")
