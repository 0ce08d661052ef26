"""What mediators change in an hour: orders before peers trade, offers of flexibility after it, and what they keep."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from peerflex.agents.mediator import MediatorSettings
from peerflex.core.arrays import Bools, Floats, Ints, add_up, floats
from peerflex.core.protocols import FlexMarket
from peerflex.core.record import Agreement, Mediation
from peerflex.core.trade import FlexOffers, FlexResult, MarketResult, Orders, Signal
from peerflex.core.units import KW_PER_MW
from peerflex.markets.leftovers import flex_offers
from peerflex.markets.pools import Pools

if TYPE_CHECKING:
    from peerflex.runs.model import AreaModel


def as_bid(model: "AreaModel", orders: Orders, signal: Signal) -> Orders:
    """Return the orders that peers, or mediators for them, bring to the market between peers."""
    for mediator in model.mediators:
        orders = mediator.trade(orders, signal.relief[model.peers.bus])
    return orders


def as_offered(model: "AreaModel", agreed: Agreement, signal: Signal) -> FlexOffers:
    """Return what is offered to the flexibility market after trades: what they left, and what mediators resell."""
    peers, orders = model.peers, agreed.plan.orders
    offers = flex_offers(orders, agreed.result, peers.bus, peers.least_share, agreed.plan.closed)
    if model.area.network_tariff is not None:  # it is not charged on activations
        offers = replace(offers, price_eur_per_mwh=offers.cost_eur_per_mwh)
    for mediator in model.mediators:
        if mediator.settings.resells:
            offers = FlexOffers.join([offers, mediator.resales(orders, agreed.result, peers.bus)])
        offers = mediator.offer(offers, signal.relief[peers.bus], model.area.tariffs.interface_eur_per_mwh)
    return offers


def taken_mw(orders: Orders, offers: FlexOffers, result: FlexResult) -> Floats:
    """Return how much of each order was activated ``(orders,)``; what undoes an order's trade is none of it."""
    return add_up(offers.order, np.where(undoes(orders, offers), 0.0, result.accepted_mw), len(orders))


def undoes(orders: Orders, offers: FlexOffers) -> Bools:
    """Return which offers are to undo a trade ``(offers,)``."""
    against: Bools = offers.side != orders.side[offers.order]
    return against


def mediation(
    model: "AreaModel", orders: Orders, result: MarketResult, offers: FlexOffers, flex: FlexResult, paid_mw: Floats
) -> Mediation | None:
    """Return who owes a mediator what, and what the market operator noticed; None if there is nothing of the kind.

    ``paid_mw`` ``(offers,)`` is what of the activations is settled: all, or what was delivered.
    """
    least_mw = getattr(model.area.flex_market, "least_offer_kw", 0.0) / KW_PER_MW
    monitor = model.area.monitor
    if not (model.mediators or least_mw or monitor):
        return None
    found = Mediation(
        fee_eur_per_h=_fees(model, orders, result, offers, flex, paid_mw),
        rejected=int(np.count_nonzero(shown(model, offers).quantity_mw < least_mw)),
    )
    if monitor is None:
        return found
    undone_mw = float(flex.accepted_mw[undoes(orders, offers)].sum())
    excess, flagged = monitor.look(offers, sellers(model, offers), flex, undone_mw)
    return replace(found, ask_excess_eur_per_mwh=excess, flagged=flagged)


def sellers(model: "AreaModel", offers: FlexOffers) -> Ints:
    """Return who offers each ``(offers,)``: the peer, or (below 0) the mediator that sells for it."""
    mediator = np.full(len(model.peers), -1)
    for row, each in enumerate(model.mediators):
        if each.settings.sells_flexibility:
            mediator[each.settings.member] = row
    of_offer = mediator[offers.peer]
    return np.where(of_offer >= 0, -1 - of_offer, offers.peer)


def pooled(market: FlexMarket, mediators: tuple[MediatorSettings, ...]) -> FlexMarket:
    """Return the flexibility market, seen through the pools of mediators if any of them pools."""
    if not any(each.class_eur_per_mwh for each in mediators):
        return market
    n = len(mediators[0].member)
    mediator, width = np.full(n, -1), floats(n)
    for row, each in enumerate(mediators):
        mediator[each.member], width[each.member] = row, each.class_eur_per_mwh
    return Pools(market, mediator, width)


def pools(model: "AreaModel", offers: FlexOffers) -> Ints:
    """Return the row in which the flexibility market sees each offer ``(offers,)``."""
    market = model.fmo.market
    return market.pool_of(offers) if isinstance(market, Pools) else np.arange(len(offers))


def shown(model: "AreaModel", offers: FlexOffers) -> FlexOffers:
    """Return the offers as the flexibility market sees them."""
    market = model.fmo.market
    return market.seen(offers) if isinstance(market, Pools) else offers


def _fees(
    model: "AreaModel", orders: Orders, result: MarketResult, offers: FlexOffers, flex: FlexResult, paid_mw: Floats
) -> Floats:
    """Return what each peer pays its mediator ``(peers,)``: the fee, and what an aggregator is paid beyond its asks.

    Where asks are not looked at it may be paid less than it asked: it then hands on what it is paid.
    """
    n = len(model.peers)
    traded_mw, activated_mw = add_up(orders.peer, result.accepted_mw, n), add_up(offers.peer, flex.accepted_mw, n)
    beyond = np.maximum(offers.side * (flex.price_eur_per_mwh - offers.price_eur_per_mwh), 0.0) * paid_mw
    beyond_eur_per_h, owed = add_up(offers.peer, beyond, n), floats(n)
    for settings in (each.settings for each in model.mediators):
        moved_mw = traded_mw + activated_mw * settings.sells_flexibility
        kept = beyond_eur_per_h * (settings.role == "aggregator" and not flex.energy_stays)
        owed += settings.member * (settings.fee_eur_per_mwh * moved_mw + kept)
    return owed
