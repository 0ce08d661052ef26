"""One hour, from bid to wire: the page to read first.

``decide`` is steps 1 to 7 (observe, signal, bid, trade, check, flexibility, deliver); the grid's answer is
step 8; ``conclude`` is steps 9 and 10 (settle, record). The Mesa driver does the three in a row; in the
co-simulation the market, the grid and the meter are simulators of their own and do one each.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from peerflex.core.arrays import Floats
from peerflex.core.frequency import FrequencyState
from peerflex.core.network import GridState, Injections
from peerflex.core.people import PeerState
from peerflex.core.record import Decision, HourRecord
from peerflex.core.regulation import NO_REGULATION
from peerflex.core.trade import Orders
from peerflex.grid.limits import find_violations
from peerflex.markets.meter import metered_mw
from peerflex.markets.settlement import check_balance, settle
from peerflex.runs import frequency as respond
from peerflex.runs import incidents, knowledge, messages
from peerflex.runs.area import Area
from peerflex.runs.desk import Count, HourDesk, moved, open_desk, sold

if TYPE_CHECKING:
    from peerflex.runs.model import AreaModel


def decide(model: "AreaModel", step: int, state: PeerState, measured: GridState | None) -> Decision:
    """Return all that is decided in a step, from what peers carry and what the grid was last measured to do."""
    area, peers, tso = model.area, model.peers, model.tso

    # 1 observe, 2 signal. The TSO takes part with what the last step's frequency makes it want.
    request_mw = 0.0 if tso is None else tso.request_mw(step, model.frequency)
    desk = open_desk(model, step, state, measured, request_mw)

    # 3 bid, 4 trade, 5 check, 6 flexibility, in the order of the design. One call per kind of behaviour, one market;
    # the DSO's service may ask for more of each, and the DSO buys what its limits need of what peers have left.
    # An order that is dispatchable moves an asset; any other energy flows anyway.
    bargain = area.sequence(model, desk)
    agreed, offers, bought = bargain.agreed, bargain.offers, bargain.bought
    plan, result = agreed.plan, agreed.result
    orders = plan.orders
    traded_mw, moved_mw = sold(orders, result, len(peers)), moved(orders, result, len(peers))
    flex_mw = bargain.activated_mw(len(peers))

    # 7 deliver: scheduled is what forecasts and contracts promise, delivered what then really happens.
    failing = desk.failing()
    undelivered_mw = float(np.abs(moved_mw[failing]).sum())
    lfm_undelivered_mw = float(bought.result.accepted_mw[failing[offers.peer]].sum())
    scheduled = desk.scheduled(plan, moved_mw + flex_mw)
    delivered = desk.delivered(plan, np.where(failing, 0.0, moved_mw + flex_mw))
    load_mvar = knowledge.load_mvar(area, desk.base, delivered.injection_mw, agreed.reactive_mvar)
    regulation = NO_REGULATION if tso is None else tso.regulation(request_mw, orders, result)
    if regulation.contracted_mw:
        regulation = respond.with_change(
            area, regulation, desk.scheduled(plan, moved_mw).injection_mw, _without_tso_mw(desk)
        )
    return Decision(
        step=step,
        outlook=model.dso.outlook(desk.forecast_state, agreed.expected),
        signal=replace(desk.signal, terms=agreed.terms),
        orders=orders,
        result=result,
        need=bought.need,
        offers=offers,
        flex=bought.result,
        load_mw=delivered.load_mw,
        load_mvar=load_mvar,
        pv_mw=delivered.pv_mw,
        battery_mw=delivered.battery_mw,
        contracted_mw=traded_mw + flex_mw,
        scheduled_mw=scheduled.injection_mw,
        peers=delivered.after,
        injections=knowledge.by_bus(area, delivered.injection_mw, -load_mvar),
        messages=messages.said(model, desk, bargain, regulation),
        events=(
            *(area.changed if step == area.since else ()),
            *desk.rejected,
            *incidents.of_service(agreed, model.dso.limits, None if tso is None else tso.peer),
            *incidents.of_regulation(regulation),
            *incidents.of_flexibility(area, offers, bought),
            *incidents.of_sequence(bargain),
            *incidents.of_failing(undelivered_mw, lfm_undelivered_mw),
        ),
        effort=agreed.effort,
        regulation=regulation,
        undelivered_mw=undelivered_mw + lfm_undelivered_mw,
        lfm_undelivered_mw=lfm_undelivered_mw,
    )


def _without_tso_mw(desk: HourDesk) -> Floats:
    """Return what peers would announce to inject in the same step if the TSO did not take part ``(peers,)``.

    It is what a contract is measured against; nobody acts on it, and its effort is not the step's.
    """
    apart = replace(desk, beside=Orders.empty(), rejected=(), count=Count())
    agreed = desk.model.area.service.agree(apart, desk.signal)
    moved_mw = moved(agreed.plan.orders, agreed.result, len(desk.peers))
    return apart.scheduled(agreed.plan, moved_mw).injection_mw


def conclude(
    area: Area,
    decision: Decision,
    external: Injections,
    state: GridState,
    diagnostic: GridState | None,
    last: FrequencyState | None,
) -> HourRecord:
    """Return the whole record of a step: what the meters saw, who owes whom, which limits were not kept.

    ``last`` is what the frequency did in the step before, None if there was none.

    Raises:
        SimulationError: if energy or money does not balance.
    """
    peers_mw, external_mw = metered_mw(decision, external, state, area.peers.bus)
    ledger = settle(decision, peers_mw, external_mw, state, area.tariffs, area.hours)
    answer = respond.frequency(area, decision, peers_mw, last)
    deviation_mw = respond.feeder_deviation_mw(area, decision, peers_mw)
    check_balance(ledger, peers_mw, external_mw, state, area.hours, where=f"step {decision.step}")
    return HourRecord(
        decision=decision,
        state=state,
        metered_mw=peers_mw,
        diagnostic=diagnostic,
        external=external_mw,
        violations=find_violations(state, area.limits),
        ledger=ledger,
        messages=(*decision.messages, *messages.metered(len(area.peers))),
        events=(*decision.events, *incidents.of_physics(area, state), *incidents.of_frequency(answer)),
        delivered_mw=respond.delivered_mw(decision.regulation, deviation_mw),
        frequency=answer,
        beyond_mw=respond.beyond_mw(area, decision, peers_mw),
    )
