"""One hour, from bid to wire: the page to read first.

``decide`` is steps 1 to 7 (observe, signal, bid, trade, check, flexibility, deliver); the grid's answer is
step 8; ``conclude`` is steps 9 and 10 (settle, record). The Mesa driver does the three in a row; in the
co-simulation the market, the grid and the meter are simulators of their own and do one each.
"""

from typing import TYPE_CHECKING

from peerflex.agents.dispatch import dispatch
from peerflex.core.arrays import add_up
from peerflex.core.network import GridState, Injections
from peerflex.core.people import PeerState
from peerflex.core.record import Decision, HourRecord
from peerflex.core.streams import stream
from peerflex.grid.limits import find_violations
from peerflex.markets.leftovers import flex_offers
from peerflex.markets.meter import metered_mw
from peerflex.markets.settlement import check_balance, settle
from peerflex.markets.tradable import clear_tradable
from peerflex.runs import bidding, incidents, knowledge, messages
from peerflex.runs.area import Area

if TYPE_CHECKING:
    from peerflex.runs.model import AreaModel


def decide(model: "AreaModel", step: int, state: PeerState, measured: GridState | None) -> Decision:
    """Return all that is decided in a step, from what peers carry and what the grid was last measured to do."""
    area, peers = model.area, model.peers
    base = knowledge.actual(area, step)
    forecast = knowledge.own_forecast(area, step, base)

    # 1 observe, 2 signal. The DSO forecasts every bus with its own error and solves its own model.
    dso_forecast = knowledge.dso_forecast(area, step, base)
    forecast_state = model.dso.expects(dso_forecast)
    signal = model.dso.signal(forecast_state, measured)
    seen = knowledge.observe(area, step, state, forecast, signal, measured, model.supplier)

    # 3 bid: one call per kind of behaviour.
    plan, rejected = bidding.ask(area, step, seen, forecast)
    orders = plan.orders

    # 4 trade. An order that is dispatchable moves an asset; any other energy flows anyway.
    result = clear_tradable(area.market, orders, peers.trade, signal, stream(area.seed, "market", step))
    sold_mw = orders.side * result.accepted_mw
    traded_mw = add_up(orders.peer, sold_mw, len(peers))
    moved_mw = add_up(orders.peer, sold_mw * orders.dispatchable, len(peers))

    # 5 check, 6 flexibility: the DSO tries the announced schedules and buys what its limits need from what is left.
    announced = dispatch(peers, state, forecast.load_mw, plan.pv_mw, plan.battery_mw, moved_mw, area.hours)
    expected = model.dso.expects(knowledge.dso_expects(area, dso_forecast, base, announced.injection_mw))
    offers = flex_offers(orders, result, peers.bus)
    bought = model.fmo.procure(model.dso, expected, offers)
    flex_mw = add_up(offers.peer, offers.side * bought.result.accepted_mw, len(peers))

    # 7 deliver: scheduled is what forecasts and contracts promise, delivered what then really happens.
    change_mw = moved_mw + flex_mw
    scheduled = dispatch(peers, state, forecast.load_mw, plan.pv_mw, plan.battery_mw, change_mw, area.hours)
    real_pv_mw = base.pv_mw - (forecast.pv_mw - plan.pv_mw)
    delivered = dispatch(peers, state, base.load_mw, real_pv_mw, plan.battery_mw, change_mw, area.hours)
    return Decision(
        step=step,
        outlook=model.dso.outlook(forecast_state, expected),
        signal=signal,
        orders=orders,
        result=result,
        need=bought.need,
        offers=offers,
        flex=bought.result,
        load_mw=delivered.load_mw,
        load_mvar=base.load_mvar,
        pv_mw=delivered.pv_mw,
        battery_mw=delivered.battery_mw,
        contracted_mw=traded_mw + flex_mw,
        scheduled_mw=scheduled.injection_mw,
        peers=delivered.after,
        injections=knowledge.by_bus(area, delivered.injection_mw, -base.load_mvar),
        messages=messages.said(model, orders, result, bought, measured),
        events=(*rejected, *incidents.of_flexibility(area, offers, bought)),
    )


def conclude(
    area: Area, decision: Decision, external: Injections, state: GridState, diagnostic: GridState | None
) -> HourRecord:
    """Return the whole record of a step: what the meters saw, who owes whom, which limits were not kept.

    Raises:
        SimulationError: if energy or money does not balance.
    """
    peers_mw, external_mw = metered_mw(decision, external, state, area.peers.bus)
    ledger = settle(decision, peers_mw, external_mw, state, area.tariffs, area.hours)
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
        events=(*decision.events, *incidents.of_physics(area, state)),
    )
