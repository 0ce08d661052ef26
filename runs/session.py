"""A session: a cursor over a run that can also simulate and log the next step.

Running, resuming, replaying (and later stepping, branching and the studio) are all this one object: what is
behind the cursor is read from the log, what is ahead is simulated and appended to it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from peerflex.core.errors import InputError, SimulationError
from peerflex.core.frequency import FrequencyState
from peerflex.core.network import GridState
from peerflex.core.people import PeerState
from peerflex.core.record import HourRecord
from peerflex.core.regulation import TSO
from peerflex.runs.build import Built, build
from peerflex.runs.manifest import PART_STEPS, Status, describe
from peerflex.runs.plugins import Registry
from peerflex.runs.reader import Run, open_run
from peerflex.runs.writer import RunWriter
from peerflex.scenarios.load import LoadedScenario, restore_scenario

if TYPE_CHECKING:
    import pandas as pd

    from peerflex.runs.cosim import Coupling
    from peerflex.runs.model import AreaModel


@dataclass(frozen=True, slots=True)
class Carried:
    """All that one step leaves to the next: what peers have, and what the wires and the frequency did."""

    peers: PeerState
    measured: GridState
    frequency: FrequencyState | None = None


class Driver(Protocol):
    """What simulates the next step: Mesa in process, or the co-simulation."""

    def step(self) -> HourRecord: ...

    def close(self) -> None: ...


class InProcess:
    """The plain driver: one step of the Mesa model is one step of the run."""

    def __init__(self, model: "AreaModel") -> None:
        self.model = model

    def step(self) -> HourRecord:
        self.model.step()
        assert self.model.record is not None
        return self.model.record

    def close(self) -> None:
        """Nothing is open."""


@dataclass(frozen=True, slots=True)
class _Live:
    """What can append: the area and its network, the model, what drives it, and the log it goes to."""

    built: Built
    model: "AreaModel"
    driver: Driver
    writer: RunWriter


class Session:
    """A run with a cursor. What is behind the cursor is read from the log; ``step`` at its end simulates.

    Use it in a ``with`` block: the log is closed whatever happens. ``record`` is the step just simulated, None
    after a step that was only read.
    """

    def __init__(self, folder: Path, live: _Live | None) -> None:
        self.folder = folder
        self.record: HourRecord | None = None
        self._live = live
        self._run = open_run(folder, check=live is None)
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
        built = build(loaded, registry)
        area, scenario = built.area, loaded.scenario
        groups, names = ("customers", *area.behaviour_names), area.peers.name
        manifest = describe(
            scenario.model_dump(mode="json"),
            seed=scenario.seed,
            steps=area.steps,
            step_seconds=area.step_s,
            start=scenario.time.start,
            driver=driver,
            peers=area.peers,
            peer_groups=tuple(
                TSO if name == TSO else groups[int(kind) + 1]
                for name, kind in zip(names, area.peers.behaviour, strict=True)
            ),
            buses=area.grid.buses,
            branches=area.grid.branches,
            coupled=coupling is not None,
            part_steps=part_steps,
        )
        inputs = {path.as_posix(): loaded.base / path for path in loaded.inputs}
        writer = RunWriter.create(folder, manifest, inputs | plugins)
        return cls(folder, _live(built, writer, driver, None, coupling))

    @classmethod
    def resume(cls, folder: Path, registry: Registry) -> Self:
        """Go on with a run that was stopped, from the end of its last whole part.

        Raises:
            InputError: if the run is done, altered, needs plugins that are not given, or other simulators took
                part: they can only begin at their beginning.
        """
        run = open_run(folder)
        if run.manifest.coupled:
            what = "other simulators were coupled to this run, and they cannot go on in the middle"
            raise InputError(str(folder), what, "Simulate it again from Python, with their coupling.")
        built = build(restored(run, registry), registry)
        writer, carried, _ = RunWriter.resume(folder, Carried)
        return cls(folder, _live(built, writer, run.manifest.driver, carried, None))

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
        return self._run.manifest.steps

    @property
    def logged(self) -> int:
        """How many steps there are to look at."""
        return self._run.finished_steps if self._live is None else self._live.writer.next_step

    @property
    def built(self) -> Built:
        """The area being simulated and its network."""
        return self._simulated.built

    @property
    def model(self) -> "AreaModel":
        """The Mesa model, as it is after the last simulated step."""
        return self._simulated.model

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

    def look(self, table: str) -> "pd.DataFrame":
        """Return a table's rows of the step behind the cursor."""
        return self.log.table(table, self.cursor - 1, self.cursor - 1)

    @property
    def log(self) -> Run:
        """Everything logged so far."""
        if self._live is not None:
            self._live.writer.flush()
            self._run = open_run(self.folder, check=False)
        return self._run

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
            self.record = self._simulate(self._simulated)
        self.cursor += 1

    def _simulate(self, live: _Live) -> HourRecord:
        try:
            return live.driver.step()
        except SimulationError as error:
            if str(error).startswith("step "):
                raise
            raise SimulationError(f"step {self.cursor}: {error}") from error
        except Exception as error:
            raise SimulationError(f"step {self.cursor}: {type(error).__name__}: {error}") from error

    def advance(self) -> Iterator[int]:
        """Step to the end; yields the cursor after each step."""
        while self.cursor < self.steps:
            self.step()
            yield self.cursor

    def close(self, status: Status) -> None:
        """End the simulators and the log."""
        if self._live is not None:
            self._live.driver.close()
            self._live.model.close()
            self._live.writer.close(status)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        stopped = kind is None or issubclass(kind, KeyboardInterrupt | InputError)
        self.close("done" if self.logged >= self.steps else "running" if stopped else "failed")


def restored(run: Run, registry: Registry | None = None) -> LoadedScenario:
    """Return the scenario of a run, its files taken from the copies in the run's own folder.

    Raises:
        InputError: if the run was made with plugins that the registry lacks: they are only run when named.
    """
    given = {path.name for path in registry.files} if registry is not None else None
    for name in run.manifest.inputs:
        kind, _, file = name.partition("plugins/")
        if given is not None and kind == "" and file not in given:
            option = f"--plugin {run.folder / 'inputs' / name}"
            raise InputError(str(run.folder), f"was made with the plugin {file}", f"If you trust it, add {option}")
    return restore_scenario(run.manifest.scenario, run.folder / "inputs", f"{run.folder}/manifest.json")


def _check_driver(name: str, coupling: "Coupling | None") -> None:
    if name not in ("mosaik", "mesa"):
        raise InputError("driver", f"there is no driver {name!r}", "Use 'mosaik' or 'mesa'.")
    if name == "mesa" and coupling is not None:
        raise InputError("driver", "'mesa' cannot couple other simulators", "Use the driver 'mosaik'.")


def _live(built: Built, writer: RunWriter, driver: str, carried: Carried | None, coupling: "Coupling | None") -> _Live:
    from peerflex.runs.model import AreaModel  # Mesa takes a second to import, and a replay needs none

    model = AreaModel(built.area)
    if carried is not None:
        model.restore(writer.next_step, carried.peers, carried.measured, carried.frequency)

    def log(record: HourRecord) -> None:
        writer.append(record, Carried(record.decision.peers, record.state, record.frequency))

    model.on_record = log
    return _Live(built, model, _driver(driver, model, coupling), writer)


def _driver(name: str, model: "AreaModel", coupling: "Coupling | None") -> Driver:
    if name == "mesa":
        return InProcess(model)
    from peerflex.runs.cosim import CoSimulation

    return CoSimulation(model, coupling)
