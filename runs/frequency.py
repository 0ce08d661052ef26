"""The frequency of an hour: what disturbs the area, what peers deliver to the TSO, and what became of both."""

import math

import numpy as np

from peerflex.core.arrays import Floats
from peerflex.core.frequency import AT_REST, FrequencyState, Services, Standing, TimedEvents
from peerflex.core.record import Decision
from peerflex.core.regulation import Regulation, System
from peerflex.core.units import QUANTITY_TOLERANCE_MW
from peerflex.grid.frequency import respond, system_imbalance_mw
from peerflex.runs.area import Area


def feeder_deviation_mw(area: Area, decision: Decision, metered_mw: Floats) -> float:
    """Return what all peers below the upstream bus gave beyond their schedules (> 0: more), as metered.

    It is how far the upstream exchange is off, but for losses: the DSO buys those as they come. Coupled simulators
    announce nothing, and are the supplier's to forecast.
    """
    below = area.peers.bus != area.upstream_bus
    return float((metered_mw - decision.scheduled_mw)[below].sum())


def delivered_mw(regulation: Regulation, deviation_mw: float) -> float:
    """Return how much of the contracted regulation the upstream meter sees (signed as it): less what is missing.

    What is missing is what the feeder deviates against the contract; more than was contracted is not regulation.
    """
    contracted_mw = regulation.contracted_mw
    missing_mw = max(-math.copysign(1.0, contracted_mw) * deviation_mw, 0.0)
    there_mw = max(abs(contracted_mw) - missing_mw, 0.0)
    return math.copysign(there_mw, contracted_mw) if there_mw else 0.0


def frequency(area: Area, decision: Decision, metered_mw: Floats, last: FrequencyState | None) -> FrequencyState | None:
    """Return what the frequency does in a step that begins where the last one ended; None without a ``system``.

    The imbalance is what the system's events make it, and for the whole step what all feeders deviate. What the TSO
    contracted for the step is ramped to from what it contracted for the last. A collapsed area has been restored by
    the next step: it begins at rest, and what still disturbs it strikes anew.
    """
    system = area.system
    if system is None:
        return None
    start = AT_REST if last is None else last.end
    begin_s, hours_s = float(decision.step * area.step_s), float(area.step_s)
    deviation_mw = feeder_deviation_mw(area, decision, metered_mw)
    standing_mw = system_imbalance_mw(_standing_mw(system, begin_s), deviation_mw, system.feeders)
    bought_mw = system.feeders * decision.regulation.contracted_mw
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
