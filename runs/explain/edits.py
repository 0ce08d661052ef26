"""Orders and terms of an hour with something taken out of them."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from peerflex.core.arrays import Ints, add_up, floats
from peerflex.core.network import Limits
from peerflex.core.protocols import Market
from peerflex.core.record import Agreement
from peerflex.core.trade import Charges, MarketResult, Orders, TradeTerms
from peerflex.core.units import QUANTITY_TOLERANCE_MW, SELL
from peerflex.markets.double_auction import UniformPriceDoubleAuction
from peerflex.markets.standing import Edit, held_by_order_mw
from peerflex.runs.explain.types import Element, Without

if TYPE_CHECKING:
    from peerflex.runs.moment import Moment

NO_MARKET = "there is no market between peers"
PROVIDERS = "its owner offers to the flexibility market only"
POSITION = "position of the price (k)"

NOBODY = -1
"""Row of an order that somebody would have who is not there."""


def edited(orders: Orders, without: Without, market: Market, envelopes: bool = False) -> Edit:
    """Return the orders that are left, and of which row each is (``NOBODY``: a partner that is not there).

    Where ``envelopes`` bind what moves an asset, no partner moves any: it would be cut.
    """
    price = orders.price_eur_per_mwh.copy()
    for row, instead in without.bids:
        price[row] = instead
    kept = np.ones(len(orders), dtype=np.bool_)
    kept[sorted(without.orders)] = False
    rows = np.flatnonzero(kept)
    there = replace(orders, price_eur_per_mwh=price)
    partners = [_partner(there, row, market) for row in sorted(without.partners)]
    if envelopes:
        partners = [replace(each, dispatchable=np.zeros(1, dtype=np.bool_)) for each in partners]
    origin = np.concatenate([rows, np.full(len(partners), NOBODY)])
    return Edit(Orders.join([there.take(rows), *partners]), origin)


def _partner(orders: Orders, row: int, market: Market) -> Orders:
    """Return an order of somebody who would take all that is offered at a row's price or a better one.

    It stands at the same place, and bids so far beyond that price that no curvature comes between them.
    """
    like, side = orders.take(np.array([row])), int(orders.side[row])
    all_mw = orders.quantity_mw[orders.side == side].sum()
    beyond = 1.0 + 2.0 * getattr(market, "curvature_eur_per_mwh", 0.0) + like.slope_eur_per_mwh2 * like.quantity_mw
    dearer = -1.0 if is_willingness(market) else 1.0
    nothing = floats(1)
    return replace(
        like,
        side=-like.side,
        quantity_mw=np.array([all_mw]),
        price_eur_per_mwh=like.price_eur_per_mwh + side * dearer * beyond,
        slope_eur_per_mwh2=nothing,
        premium_eur_per_mwh=nothing,
        penalty_eur_per_mwh=nothing,
    )


def in_rows_of(orders: Orders, edit: Edit, result: MarketResult) -> MarketResult:
    """Return the result of edited orders in rows of the orders as they were; trades with nobody are left out."""
    real, trades = edit.origin != NOBODY, result.trades
    sell_order, buy_order = edit.origin[trades.sell_order], edit.origin[trades.buy_order]
    trades = replace(trades, sell_order=sell_order, buy_order=buy_order)
    return replace(
        result,
        accepted_mw=add_up(edit.origin[real], result.accepted_mw[real], len(orders)),
        trades=trades.take((sell_order != NOBODY) & (buy_order != NOBODY)),
    )


def of_agreement(orders: Orders, agreed: Agreement) -> MarketResult:
    """Return what was agreed in rows of some orders of the same peers: other bids count by what their peers got."""
    bids, accepted_mw = agreed.plan.orders, agreed.result.accepted_mw
    if len(bids) == len(orders) and ((bids.quantity_mw == orders.quantity_mw) | (accepted_mw == 0.0)).all():
        return agreed.result
    trades = agreed.result.trades
    unknown = np.full(len(trades), NOBODY)
    return replace(
        agreed.result,
        accepted_mw=held_by_order_mw(orders, bids, agreed.result),
        trades=replace(trades, sell_order=unknown, buy_order=unknown),
    )


def is_willingness(market: Market) -> bool:
    """Whether prices are how much a peer wants to sell, and not what it costs (EUniversal D5.3)."""
    return bool(getattr(market, "reading", "") == "willingness-to-sell")


def worth_per_price(orders: Orders, market: Market) -> Ints:
    """Return +1 where the market takes an order's price for what a trade gives its owner, -1 for what it costs."""
    towards: Ints = orders.side if is_willingness(market) else -orders.side
    return towards


def with_rules(market: Market, rules: frozenset[str], before: Orders, after: Orders) -> Market:
    """Return the market without some of its rules.

    What it takes from the mean size of orders, its curvature of pairs, stays what it was with all of them.
    """
    if NO_MARKET in rules:
        return UniformPriceDoubleAuction()
    if POSITION in rules and isinstance(market, UniformPriceDoubleAuction):
        return replace(market, k=0.0 if market.k > 0.5 else 1.0)
    pairs = getattr(market, "pair_curvature_eur_per_mwh", 0.0)
    if not pairs or len(before) == len(after) or not len(after):
        return market
    return replace(market, pair_curvature_eur_per_mwh=pairs * _mean_mw(after) / _mean_mw(before))  # type: ignore[type-var]


def _mean_mw(orders: Orders) -> float:
    return float(orders.quantity_mw[orders.quantity_mw > QUANTITY_TOLERANCE_MW].mean())


def risky_branches(moment: "Moment") -> Ints:
    """Return the branches that the DSO's incentive speaks for (``agents.dso.DSO.signal``)."""
    dso = moment.model.dso
    return dso.view(moment.decision.outlook.forecast).at_risk(dso.incentive.at_risk_loading)


def said_terms(moment: "Moment", silent: frozenset[int]) -> TradeTerms:
    """Return what the DSO says before anybody trades if some branches had no limit to speak for."""
    dso = moment.model.dso
    limits = limits_without(dso.limits, frozenset((False, branch) for branch in silent))
    return dso.incentive.before(replace(dso.view(moment.decision.outlook.forecast), limits=limits))


def uncharged(terms: TradeTerms, peers: frozenset[int]) -> TradeTerms:
    """Return the terms without charges at the places of some peers."""
    if not peers or terms.charges is None:
        return terms
    places = np.unique(terms.place[sorted(peers)])
    injection, pair = terms.charges.injection_eur_per_mwh.copy(), terms.charges.pair_eur_per_mwh.copy()
    injection[places] = 0.0
    pair[places, :] = 0.0
    pair[:, places] = 0.0
    return replace(terms, charges=Charges(injection, pair))


def unbound(terms: TradeTerms, envelopes: frozenset[tuple[int, int]]) -> TradeTerms:
    """Return the terms without the envelopes of some peers, each in one direction (+1: to rise)."""
    if not envelopes or terms.headroom is None:
        return terms
    rise_mw, fall_mw = terms.headroom.rise_mw.copy(), terms.headroom.fall_mw.copy()
    for peer, side in envelopes:
        (rise_mw if side == SELL else fall_mw)[peer] = np.inf
    return replace(terms, headroom=replace(terms.headroom, rise_mw=rise_mw, fall_mw=fall_mw))


def limits_without(limits: Limits, elements: frozenset[Element]) -> Limits:
    """Return the limits without those of some elements."""
    low, high, loading = limits.v_min_pu.copy(), limits.v_max_pu.copy(), limits.loading.copy()
    for is_voltage, element in elements:
        if is_voltage:
            low[element], high[element] = -np.inf, np.inf
        else:
            loading[element] = np.inf
    return Limits(low, high, loading)
