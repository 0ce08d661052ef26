"""The frequency of an hour: what disturbs the area, what peers deliver to the TSO, and what became of both."""

import math
from dataclasses import replace

import numpy as np

from peerflex.core.arrays import Floats
from peerflex.core.frequency import AT_REST, FrequencyState, Services, Standing, TimedEvents
from peerflex.core.record import Decision
from peerflex.core.regulation import Regulation, System
from peerflex.core.units import QUANTITY_TOLERANCE_MW
from peerflex.grid.frequency import respond, system_imbalance_mw
from peerflex.runs.area.area import Area


def feeder_deviation_mw(area: Area, decision: Decision, metered_mw: Floats) -> float:
    """Return what all peers below the upstream bus gave beyond their schedules (> 0: more), as metered.

    It is how far the upstream exchange is off, but for losses: the DSO buys those as they come. Coupled simulators
    announce nothing, and are the supplier's to forecast.
    """
    below = area.peers.bus != area.upstream_bus
    return float((metered_mw - decision.scheduled_mw)[below].sum())


def with_change(area: Area, regulation: Regulation, with_tso_mw: Floats, without_mw: Floats) -> Regulation:
    """Return regulation with what the schedules of peers below the upstream bus change for it; both ``(peers,)``."""
    below = area.peers.bus != area.upstream_bus
    reference_mw = float(without_mw[below].sum())
    return replace(regulation, reference_mw=reference_mw, change_mw=float(with_tso_mw[below].sum()) - reference_mw)


def delivered_mw(regulation: Regulation, deviation_mw: float) -> float:
    """Return how much of the contracted regulation the upstream meter sees (signed as it): less what is missing.

    What is missing is what the feeder deviates against the contract; more than was contracted is not regulation.
    """
    missing_mw = max(-math.copysign(1.0, regulation.contracted_mw) * deviation_mw, 0.0)
    return regulation.towards_mw(regulation.change_mw, missing_mw)


def beyond_mw(area: Area, decision: Decision, metered_mw: Floats) -> float:
    """Return what peers beyond the transformer inject, as metered: at the upstream bus, with nothing of their own there
    but what they trade (suppliers, the TSO's virtual load). It passes the interface to the grid above, and no wire.
    """
    if area.upstream_bus < 0:
        return 0.0
    peers, profiles = area.peers, area.profiles
    here = (peers.bus == area.upstream_bus) & (peers.pv_mw == 0.0) & (peers.battery_mwh == 0.0)
    here &= (peers.generator_mw > 0.0) & (profiles.load_mw[decision.step] == 0.0)
    return float(metered_mw[here].sum())


def frequency(area: Area, decision: Decision, metered_mw: Floats, last: FrequencyState | None) -> FrequencyState | None:
    """Return what the frequency does in a step that begins where the last one ended; None without a ``system``.

    The imbalance is what the system's events make it, and for the whole step what all feeders deviate. What peers
    plan to deliver to the TSO in the step is ramped to from what they planned in the last. A collapsed area has been
    restored by the next step: it begins at rest, and what still disturbs it strikes anew.
    """
    system = area.system
    if system is None:
        return None
    start = AT_REST if last is None else last.end
    begin_s, hours_s = float(decision.step * area.step_s), float(area.step_s)
    deviation_mw = feeder_deviation_mw(area, decision, metered_mw)
    standing_mw = system_imbalance_mw(_standing_mw(system, begin_s), deviation_mw, system.feeders)
    bought_mw = system.feeders * decision.regulation.planned_mw
    return respond(
        system.area,
        _events(system, begin_s, hours_s, standing_mw - start.imbalance_mw),
        _service(system, bought_mw, start),
        hours_s,
        start,
    )


def _standing_mw(system: System, at_s: float) -> float:
    """Return the imbalance of the events that began before a moment and have not ended before it."""
    events = system.events
    return float(events.change_mw[(events.start_s < at_s) & (events.end_s >= at_s)].sum())


def _events(system: System, begin_s: float, length_s: float, step_mw: float) -> TimedEvents:
    """Return what changes in a step: the feeders' part at its start, events where they begin and end."""
    events = system.events
    at_s = np.concatenate([[0.0], events.start_s - begin_s, events.end_s - begin_s])
    change_mw = np.concatenate([[step_mw], events.change_mw, -events.change_mw])
    inside = (at_s >= 0.0) & (at_s < length_s)
    inside[0] = abs(step_mw) > QUANTITY_TOLERANCE_MW
    return TimedEvents(at_s[inside], change_mw[inside])


def _service(system: System, bought_mw: float, start: Standing) -> Services:
    change_mw = bought_mw - start.p2p_mw
    if abs(change_mw) <= QUANTITY_TOLERANCE_MW:
        return Services.empty()
    return Services(np.array([change_mw]), np.zeros(1), np.array([system.delay_s]), np.array([system.ramp_s]))
