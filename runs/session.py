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
from peerflex.core.types import GridState, HourRecord, PeerState
from peerflex.runs.build import Built, build
from peerflex.runs.manifest import PART_STEPS, Status, describe
from peerflex.runs.model import AreaModel
from peerflex.runs.plugins import Registry
from peerflex.runs.reader import Run, open_run
from peerflex.runs.writer import RunWriter
from peerflex.scenarios.load import LoadedScenario, restore_scenario

if TYPE_CHECKING:
    from peerflex.runs.cosim import Coupling


@dataclass(frozen=True, slots=True)
class Carried:
    """All that one step leaves to the next: what peers have, and what the wires were last measured to do."""

    peers: PeerState
    measured: GridState


class Driver(Protocol):
    """What simulates the next step: Mesa in process, or the co-simulation."""

    def step(self) -> HourRecord: ...

    def close(self) -> None: ...


class InProcess:
    """The plain driver: one step of the Mesa model is one step of the run."""

    def __init__(self, model: AreaModel) -> None:
        self.model = model

    def step(self) -> HourRecord:
        self.model.step()
        assert self.model.record is not None
        return self.model.record

    def close(self) -> None:
        """Nothing is open."""


class Session:
    """A run with a cursor. Use it in a ``with`` block: the log is closed whatever happens."""

    def __init__(
        self, built: Built, writer: RunWriter, driver: str, carried: Carried | None, coupling: "Coupling | None" = None
    ) -> None:
        self.built = built
        self.model = AreaModel(built.area)
        self._writer = writer
        if carried is not None:
            self.model.restore(writer.next_step, carried.peers, carried.measured)
        self.model.on_record = self._log
        self._driver = _driver(driver, self.model, coupling)

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
        built = build(loaded, registry)
        area, scenario = built.area, loaded.scenario
        groups = ("customers", *area.behaviour_names)
        manifest = describe(
            scenario.model_dump(mode="json"),
            seed=scenario.seed,
            steps=area.steps,
            step_seconds=area.step_s,
            start=scenario.time.start,
            driver=driver,
            peers=area.peers,
            peer_groups=tuple(groups[int(kind) + 1] for kind in area.peers.behaviour),
            buses=area.grid.buses,
            branches=area.grid.branches,
            coupled=coupling is not None,
            part_steps=part_steps,
        )
        inputs = {path.as_posix(): loaded.base / path for path in loaded.inputs}
        plugins = {f"plugins/{path.name}": path for path in registry.files}
        return cls(built, RunWriter.create(folder, manifest, inputs | plugins), driver, None, coupling)

    @classmethod
    def resume(cls, folder: Path, registry: Registry, coupling: "Coupling | None" = None) -> Self:
        """Go on with a run that was stopped, from the end of its last whole part.

        Raises:
            InputError: if the run is done, altered, or needs simulators or plugins that are not given.
        """
        run = open_run(folder)
        if run.manifest.coupled and coupling is None:
            raise InputError(
                str(folder), "other simulators were coupled to this run", "Resume it from Python, with their coupling."
            )
        built = build(restored(run), registry)
        writer, carried, _ = RunWriter.resume(folder, Carried)
        return cls(built, writer, run.manifest.driver, carried, coupling)

    @property
    def cursor(self) -> int:
        """The step that comes next."""
        return self._writer.next_step

    @property
    def steps(self) -> int:
        return self.built.area.steps

    @property
    def folder(self) -> Path:
        return self._writer.folder

    def step(self) -> HourRecord:
        """Simulate the next step and log it.

        Raises:
            SimulationError: if it fails; the log holds every step before it.
        """
        if self.cursor >= self.steps:
            raise InputError(str(self.folder), "the run is at its end", "Begin a longer one with --hours.")
        try:
            return self._driver.step()
        except SimulationError:
            raise
        except Exception as error:
            raise SimulationError(f"step {self.cursor}: {type(error).__name__}: {error}") from error

    def advance(self) -> Iterator[HourRecord]:
        """Simulate to the end, one record at a time."""
        while self.cursor < self.steps:
            yield self.step()

    def close(self, status: Status) -> Run:
        """End the simulators and the log, and return the run."""
        self._driver.close()
        self.model.close()
        self._writer.close(status)
        return open_run(self.folder, check=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        done = self.cursor >= self.steps
        self.close("done" if done else "running" if kind in (None, KeyboardInterrupt) else "failed")

    def _log(self, record: HourRecord) -> None:
        self._writer.append(record, Carried(record.decision.peers, record.state))


def restored(run: Run) -> LoadedScenario:
    """Return the scenario of a run, its files taken from the copies in the run's own folder."""
    return restore_scenario(run.manifest.scenario, run.folder / "inputs", f"{run.folder}/manifest.json")


def _driver(name: str, model: AreaModel, coupling: "Coupling | None") -> Driver:
    if name == "mesa":
        if coupling is not None:
            raise InputError("driver", "'mesa' cannot couple other simulators", "Use the driver 'mosaik'.")
        return InProcess(model)
    from peerflex.runs.cosim import CoSimulation

    return CoSimulation(model, coupling)
