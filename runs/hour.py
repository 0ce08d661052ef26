"""One hour, from bid to wire: the page to read first.

``decide`` is steps 1 to 7 (observe, signal, bid, trade, check, flexibility, deliver); the grid's answer is
step 8; ``conclude`` is steps 9 and 10 (settle, record). The Mesa driver does the three in a row; in the
co-simulation the market, the grid and the meter are simulators of their own and do one each.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

from peerflex.core.frequency import FrequencyState
from peerflex.core.last_resort import LastResort
from peerflex.core.network import GridState, Injections
from peerflex.core.people import PeerState
from peerflex.core.record import Agreement, Decision, Event, HourRecord, Mediation
from peerflex.core.regulation import NO_REGULATION, Regulation
from peerflex.core.trade import Orders
from peerflex.grid.limits import find_violations
from peerflex.markets.meter import metered_mw
from peerflex.markets.responsibility import settled_mw
from peerflex.markets.settled import settled
from peerflex.markets.settlement import check_balance, settle
from peerflex.markets.wishes import preferred_mw
from peerflex.runs.area.area import Area
from peerflex.runs.stages import frequency as respond
from peerflex.runs.stages import history, incidents, knowledge, messages, remains
from peerflex.runs.stages.delivery import Delivery, deliver
from peerflex.runs.stages.desk import Count, HourDesk, moved, open_desk
from peerflex.runs.stages.last_resort import last_resort
from peerflex.runs.stages.mediation import mediation
from peerflex.runs.stages.sequences import Bargain

if TYPE_CHECKING:
    from peerflex.runs.model import AreaModel


def decide(model: "AreaModel", step: int, state: PeerState, measured: GridState | None) -> Decision:
    """Return all that is decided in a step, from what peers carry and what the grid was last measured to do."""
    area, tso = model.area, model.tso

    # 1 observe, 2 signal. The TSO takes part with what the last step's frequency makes it want.
    request_mw = 0.0 if tso is None else tso.request_mw(step, model.frequency)
    desk = open_desk(model, step, state, measured, request_mw)

    # 3 bid, 4 trade, 5 check, 6 flexibility, in the order of the design. One call per kind of behaviour, one market;
    # the DSO's service may ask for more of each, and the DSO buys what its limits need of what peers have left.
    # An order that is dispatchable moves an asset; any other energy flows anyway.
    bargain = area.sequence(model, desk)
    resort = last_resort(model, desk, bargain)

    # 7 deliver: announced is what forecasts and contracts promise, done what then really happens.
    delivery = deliver(desk, bargain, resort)
    agreed, offers, flex = bargain.agreed, bargain.offers, bargain.bought.result
    orders, result, done = agreed.plan.orders, agreed.result, delivery.done
    load_mvar = knowledge.load_mvar(area, desk.base, done.injection_mw, agreed.reactive_mvar)
    regulation = _regulation(desk, agreed, request_mw)
    paid_mw = settled_mw(area.responsibility, offers, flex, delivery.beyond_baseline_mw)
    mediated = mediation(model, orders, result, offers, flex, paid_mw)
    return Decision(
        step=step,
        outlook=model.dso.outlook(desk.forecast_state, agreed.expected),
        signal=replace(desk.signal, terms=agreed.terms),
        orders=orders,
        result=result,
        need=bargain.bought.need,
        offers=offers,
        flex=flex,
        load_mw=done.load_mw,
        load_mvar=load_mvar,
        pv_mw=done.pv_mw,
        battery_mw=done.battery_mw,
        contracted_mw=delivery.contracted_mw,
        scheduled_mw=delivery.announced_mw,
        baseline_mw=delivery.baseline_mw,
        history_baseline_mw=delivery.history_mw,
        peers=done.after,
        injections=knowledge.by_bus(area, done.injection_mw, -load_mvar),
        messages=messages.said(model, desk, bargain, resort, regulation),
        events=_events(desk, bargain, resort, delivery, regulation, mediated),
        effort=agreed.effort,
        regulation=regulation,
        undelivered_mw=delivery.trades_undelivered_mw + delivery.flex_undelivered_mw,
        lfm_undelivered_mw=delivery.lfm_undelivered_mw,
        last_resort=resort,
        dues=desk.dues,
        mediation=mediated,
        failing=delivery.failing if delivery.failing.any() else None,
        preferred_mw=preferred_mw(area.wishes, result.trades),
        day_ahead=len(orders) if area.sessions == ("day-ahead",) else agreed.plan.closed,
        beliefs=delivery.beliefs,
    )


def _events(
    desk: HourDesk,
    bargain: Bargain,
    resort: LastResort,
    delivery: Delivery,
    regulation: Regulation,
    mediated: Mediation | None,
) -> tuple[Event, ...]:
    """Return what is out of the ordinary in steps 1 to 7."""
    model, area = desk.model, desk.model.area
    tso = None if model.tso is None else model.tso.peer
    return (
        *(area.changed if desk.step == area.since else ()),
        *desk.rejected,
        *incidents.of_service(bargain.agreed, model.dso.limits, tso),
        *incidents.of_regulation(regulation),
        *incidents.of_flexibility(area, bargain.offers, bargain.bought),
        *history.of_history(area, bargain, delivery.history_mw),
        *incidents.of_mediation(mediated),
        *incidents.of_sequence(bargain),
        *incidents.of_last_resort(area, resort),
        *incidents.of_failing(delivery.trades_undelivered_mw, delivery.flex_undelivered_mw),
    )


def _regulation(desk: HourDesk, agreed: Agreement, request_mw: float) -> Regulation:
    """Return what the TSO asked for and got.

    A contract is measured against what peers would announce in the same step if the TSO did not take part; nobody acts
    on that, and its effort is not the step's.
    """
    model, orders = desk.model, agreed.plan.orders
    if model.tso is None:
        return NO_REGULATION
    regulation = model.tso.regulation(request_mw, orders, agreed.result)
    if not regulation.contracted_mw:
        return regulation
    moved_mw = moved(orders, agreed.result, len(desk.peers))
    apart = replace(desk, beside=Orders.empty(), rejected=(), count=Count())
    without = model.area.service.agree(apart, desk.signal)
    kept_mw = moved(without.plan.orders, without.result, len(desk.peers))
    return respond.with_change(
        model.area,
        regulation,
        desk.scheduled(agreed.plan, moved_mw).injection_mw,
        apart.scheduled(without.plan, kept_mw).injection_mw,
    )


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
    ledger = settle(
        decision, peers_mw, external_mw, state, area.tariffs, area.hours, area.responsibility, area.peers.trade
    )
    answer = respond.frequency(area, decision, peers_mw, last)
    deviation_mw = respond.feeder_deviation_mw(area, decision, peers_mw)
    check_balance(ledger, peers_mw, external_mw, state, area.hours, where=f"step {decision.step}")
    violations = find_violations(state, area.limits)
    causes = remains.causes(area, decision, external, violations)
    return HourRecord(
        decision=decision,
        state=state,
        metered_mw=peers_mw,
        diagnostic=diagnostic,
        external=external_mw,
        violations=violations,
        ledger=ledger,
        messages=(*decision.messages, *messages.metered(len(area.peers))),
        events=(
            *decision.events,
            *incidents.of_physics(area, state),
            *incidents.of_causes(causes),
            *incidents.of_frequency(answer),
        ),
        delivered_mw=respond.delivered_mw(decision.regulation, deviation_mw),
        frequency=answer,
        beyond_mw=respond.beyond_mw(area, decision, peers_mw),
        causes=causes,
        settled=settled(ledger, decision, area.tariffs, area.hours, area.responsibility),
    )
