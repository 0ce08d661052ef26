"""The Mesa model: the agents of an area, the columns they read, and one step of the clock."""

from collections.abc import Callable
from dataclasses import replace

import mesa
import numpy as np

from peerflex.agents.dso import DSO
from peerflex.agents.fmo import FMO
from peerflex.agents.mediator import Mediator
from peerflex.agents.peer import Peer
from peerflex.agents.supplier import Supplier
from peerflex.agents.tso import TSO
from peerflex.core.arrays import Floats
from peerflex.core.frequency import FrequencyState
from peerflex.core.network import GridState, Injections
from peerflex.core.people import PeerState
from peerflex.core.record import Decision, Event, HourRecord
from peerflex.core.units import KW_PER_MW
from peerflex.runs.area.area import Area
from peerflex.runs.hour import conclude, decide
from peerflex.runs.stages.history import readings_after
from peerflex.runs.stages.mediation import pooled


class AreaModel(mesa.Model):
    """Peers, DSO, FMO, supplier and TSO of one area.

    ``step()`` simulates one step in process and keeps it in ``record``. The co-simulation calls ``decide`` and
    ``remember`` instead and lets the grid answer elsewhere. ``hour`` counts the steps decided; Mesa's own
    ``steps`` also counts a step that failed. ``with_people`` False leaves the peers' own agents out, for those who only
    want the figures: the columns decide, an agent is a view of its row. ``readings_mw`` ``(steps, peers)`` are the
    meter readings that baselines are made of, the latest last; None where nobody needs them.
    """

    def __init__(self, area: Area, with_people: bool = True) -> None:
        super().__init__(seed=area.seed)
        self.hour = 0
        self.state = area.start
        self.measured: GridState | None = None
        self.frequency: FrequencyState | None = None
        self.readings_mw: Floats | None = None
        self.decision: Decision | None = None
        self.record: HourRecord | None = None
        self.on_record: Callable[[HourRecord], None] | None = None
        self.people = [Peer(self, row) for row in range(len(area.peers) if with_people else 0)]
        self._govern(area)

    def _govern(self, area: Area) -> None:
        """Take the columns of an area, and appoint everybody who is no peer by its settings."""
        self.area = area
        self.peers = area.peers
        self.behaviour_names = area.behaviour_names
        self.supplier = Supplier(self, area.tariffs)
        settings = area.dso
        self.dso = DSO(
            self,
            settings.grid,
            area.limits,
            settings.at_risk,
            settings.publishes,
            settings.incentive,
            area.peers.bus,
            area.peers.trade,
            area.tariffs.wholesale_eur_per_mwh,
        )
        self.mediators = tuple(Mediator(self, each) for each in area.mediators)
        self.fmo = FMO(self, pooled(area.flex_market, area.mediators), area.dso.lfm_rounds)
        buyer = area.tso
        self.tso = None if buyer is None else TSO(self, buyer.need, buyer.bid, buyer.peer)

    def adopt(self, area: Area) -> None:
        """Go on in an area that became different: same peers, other rules. What no longer fits a battery is lost."""
        for agent in (self.supplier, self.dso, self.fmo, self.tso, *self.mediators):
            if agent is not None:
                agent.remove()
        kept_mwh = np.minimum(self.state.soc_mwh, area.peers.battery_mwh)
        lost_mwh = float((self.state.soc_mwh - kept_mwh).sum())
        if lost_mwh > 0.0:
            what = f"{lost_mwh * KW_PER_MW:.6f} kWh no longer fit into batteries that became smaller"
            lost = Event("energy-lost", "batteries", what, "in nobody's account")
            area = replace(area, changed=(*area.changed, lost))
        self.state = PeerState(kept_mwh)
        self._govern(area)

    def restore(
        self,
        hour: int,
        state: PeerState,
        measured: GridState | None,
        frequency: FrequencyState | None = None,
        readings_mw: Floats | None = None,
    ) -> None:
        """Go on from the start of step ``hour`` with what was carried there."""
        self.hour, self.state, self.measured, self.frequency = hour, state, measured, frequency
        self.readings_mw = readings_mw

    def decide(self) -> Decision:
        """Decide the next step, on what peers carry and the last grid state they were shown."""
        self.decision = decide(self, self.hour, self.state, self.measured)
        self.state = self.decision.peers
        self.hour += 1
        return self.decision

    def remember(self, record: HourRecord) -> None:
        """Keep the record of the step that was decided, and hand it on to whoever listens."""
        self.record, self.frequency = record, record.frequency
        self.readings_mw = readings_after(self.area, self.readings_mw, record)
        if self.on_record is not None:
            self.on_record(record)

    def step(self) -> None:
        """Simulate one step in process; past the horizon nothing happens any more."""
        if self.hour >= self.area.steps:
            self.running = False
            return
        area, decision = self.area, self.decide()
        nothing = np.zeros(len(area.grid.buses))
        state = area.grid.solve(decision.injections)
        diagnostic = area.diagnostic.solve(decision.injections) if area.diagnostic else None
        external = Injections(nothing, nothing)
        self.remember(conclude(area, decision, external, state, diagnostic, self.frequency))
        self.measured = state

    def close(self) -> None:
        """Let go of the model: Mesa keeps a counter for every model ever made, and the model with it."""
        self.remove_all_agents()
        mesa.Agent._ids.pop(self, None)
