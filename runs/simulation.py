"""What simulates the next step: the model, what drives it, and the changes that become due on the way."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Protocol

from peerflex.core.arrays import Floats
from peerflex.core.errors import InputError, SimulationError
from peerflex.core.frequency import FrequencyState
from peerflex.core.network import GridState
from peerflex.core.people import PeerState
from peerflex.core.record import HourRecord
from peerflex.runs.area.area import Area
from peerflex.runs.area.build import Built, build
from peerflex.runs.area.plugins import Registry
from peerflex.scenarios.changes import hour_of, said, standing, steps_of_changes, with_change
from peerflex.scenarios.load import LoadedScenario

if TYPE_CHECKING:
    from peerflex.runs.cosim import Coupling
    from peerflex.runs.model import AreaModel


@dataclass(frozen=True, slots=True)
class Carried:
    """All that one step leaves to the next: what peers have, and what the wires, the frequency and meters did."""

    peers: PeerState
    measured: GridState
    frequency: FrequencyState | None = None
    readings_mw: Floats | None = None

    @classmethod
    def after(cls, record: HourRecord, readings_mw: Floats | None) -> "Carried":
        """Return what a step leaves to the next, the meter readings that the model then keeps included."""
        return cls(record.decision.peers, record.state, record.frequency, readings_mw)


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


class Simulation:
    """A scenario on its way: ``step`` simulates the next step under the rules that then hold.

    It begins with step ``first``, on what was ``carried`` there (None: the start of the scenario). ``loaded`` is the
    scenario with all its changes, ``built`` the area as it stands now.

    Raises:
        InputError: if the scenario, or what it changes into, cannot be built.
    """

    def __init__(
        self,
        loaded: LoadedScenario,
        registry: Registry,
        driver: str = "mesa",
        coupling: "Coupling | None" = None,
        first: int = 0,
        carried: Carried | None = None,
    ) -> None:
        from peerflex.runs.model import AreaModel  # Mesa takes a second to import, and a replay needs none

        self.loaded, self._registry = loaded, registry
        self.built = build(standing(loaded, first - 1), registry)
        self._due = self._changes(loaded, first)
        self.model = AreaModel(self.built.area)
        if carried is not None:
            self.model.restore(first, carried.peers, carried.measured, carried.frequency, carried.readings_mw)
        self._driver = _driver(driver, self.model, coupling)

    def step(self) -> HourRecord:
        """Simulate the next step.

        Raises:
            SimulationError: if it fails.
        """
        self.adopt_due()
        step = self.model.hour
        try:
            return self._driver.step()
        except SimulationError as error:
            if str(error).startswith("step "):
                raise
            raise SimulationError(f"step {step}: {error}") from error
        except Exception as error:
            raise SimulationError(f"step {step}: {type(error).__name__}: {error}") from error

    def adopt_due(self) -> None:
        """Let what changes at the beginning of the next step change."""
        if self.model.hour in self._due:
            self.built = self._due.pop(self.model.hour)
            self.model.adopt(self.built.area)

    def change(self, document: Mapping[str, Any], step: int | None = None) -> None:
        """Change the scenario from a step on (None: the next one), or not at all.

        Raises:
            InputError: if what it leads to cannot be built, or has other peers or wires.
        """
        loaded = with_change(self.loaded, self.model.hour if step is None else step, document)
        self._due, self.loaded = self._changes(loaded, self.model.hour), loaded

    def close(self) -> None:
        """End the simulators and let go of the model."""
        self._driver.close()
        self.model.close()

    def _changes(self, loaded: LoadedScenario, first: int) -> dict[int, Built]:
        """Return the areas that the scenario changes into, by the step at whose beginning it does."""
        due = {}
        for step in steps_of_changes(loaded.scenario):
            if step >= first:
                then = standing(loaded, step)
                after = build(then, self._registry, self.built.draw)
                where = f"{loaded.origin}: changes at hour {hour_of(loaded.scenario, step):g}"
                _check_same_place(self.built, after, where)
                _check_same_groups(self.built.area, after.area, then.scenario.agents, where)
                due[step] = replace(after, area=replace(after.area, since=step, changed=said(loaded, step)))
        return due


def _check_same_place(before: Built, after: Built, where: str) -> None:
    """Refuse a change in the middle of a run that leaves other peers, buses or branches than before it."""
    for what, name in (("peers", "peers"), ("buses", "grid.buses"), ("branches", "grid.branches")):
        mine, other = (attrgetter(name)(built.area).name for built in (before, after))
        if mine != other:
            message = f"leads to other {what} ({len(other)} instead of {len(mine)}) in the middle of the run"
            raise InputError(where, message, "Simulate another scenario with it instead.")


def _check_same_groups(before: Area, after: Area, agents: Mapping[str, str], where: str) -> None:
    """Refuse a change that puts peers into other groups: the log says once to which each belongs, and what it owns."""
    both = zip(after.peers.name, before.peers.behaviour, after.peers.behaviour, strict=True)
    moved = [name for name, was, now in both if was != now and name not in agents]
    if moved or before.behaviour_names != after.behaviour_names:
        what = "leads to other groups of peers in the middle of the run"
        whom = f" (of {moved[0]}, and {len(moved) - 1} more)" if moved else ""
        remedy = "Let single peers bid as another group with agents, or simulate another scenario."
        raise InputError(where, what + whom, remedy)


def _driver(name: str, model: "AreaModel", coupling: "Coupling | None") -> Driver:
    if name == "mesa":
        return InProcess(model)
    from peerflex.runs.cosim import CoSimulation

    return CoSimulation(model, coupling)
