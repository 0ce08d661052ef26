"""One logged hour computed again, with everything at hand that its log does not hold."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from peerflex.core.errors import InputError
from peerflex.core.network import GridState
from peerflex.core.people import PeerState
from peerflex.core.record import Decision, HourRecord
from peerflex.runs.area.area import Area
from peerflex.runs.area.plugins import Registry
from peerflex.runs.log.front_page import restored
from peerflex.runs.log.reader import Run, open_run
from peerflex.runs.simulation import Carried, Simulation
from peerflex.runs.views.log import hour_of

if TYPE_CHECKING:
    from peerflex.runs.model import AreaModel


@dataclass(frozen=True, slots=True)
class Moment:
    """A step as it was decided: ``state``, ``measured`` and the ``model`` are those at its beginning."""

    step: int
    area: Area
    model: "AreaModel"
    state: PeerState
    measured: GridState | None
    record: HourRecord

    @property
    def decision(self) -> Decision:
        return self.record.decision


def moment(folder: Path | Run, step: int, registry: Registry) -> Moment:
    """Return a logged step, simulated again from the last end of a whole part before it; nothing is written.

    Raises:
        InputError: if the run has no such step, or cannot be simulated again here.
        SimulationError: if a step fails.
    """
    run = folder if isinstance(folder, Run) else open_run(folder)
    if run.manifest.coupled:
        what = "other simulators were coupled to this run, and they cannot go on in the middle"
        raise InputError(str(run.folder), what, "Look at its log instead.")
    if not 0 <= step < run.finished_steps:
        hour, last = (hour_of(run.manifest, each) for each in (step, run.finished_steps - 1))
        remedy = f"Choose one from 0 to {last:g}." if run.finished_steps else "Simulate one first."
        raise InputError(str(run.folder), f"no step that begins at hour {hour:g} is logged", remedy)
    carried, first = run.carried_before(step, Carried)
    simulation = Simulation(restored(run, registry), registry, first=first, carried=carried)
    for _ in range(first, step):
        simulation.step()
    simulation.adopt_due()
    model = simulation.model
    state, measured, frequency, readings_mw = model.state, model.measured, model.frequency, model.readings_mw
    record = simulation.step()
    model.restore(step, state, measured, frequency, readings_mw)
    return Moment(step, simulation.built.area, model, state, measured, record)
