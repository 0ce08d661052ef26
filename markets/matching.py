"""From accepted quantities to trades: who sells to whom, by a stated rule."""

from dataclasses import dataclass

import numpy as np

from peerflex.core.arrays import Floats, Ints, Rows, add_up, floats
from peerflex.core.trade import NAN, MarketResult, Orders, Trades
from peerflex.core.units import BUY, SELL

CRUMB = 1e-12
"""A piece below this fraction of the whole volume is rounding of the running sums, not a trade."""


def match(orders: Orders, accepted_mw: Floats, price_eur_per_mwh: float) -> MarketResult:
    """Return the market's result: the trades, all at one price, for what was accepted of every order.

    The rule: accepted sales in order of rising price, accepted purchases in order of falling price, equal prices
    in order of their row; then both queues are served from the front. In a single-price market who trades with
    whom moves no money, so any rule would do; this one is stable and gives fewer trades than orders.

    A peer served by its own asset (its battery, say, at the price the market found) is accepted on both sides, but
    that is no trade and no money moves.

    ``accepted_mw`` has shape ``(orders,)``; what is sold and what is bought must add up to the same. The result's
    ``accepted_mw`` is the sum of each order's trades and own supply: the market nets to zero exactly, and an order
    may exceed what was asked for by the rounding of the running sums (1e-16 of the volume).
    """
    pairs = pair(orders, accepted_mw)
    return settle_pairs(orders, pairs, np.full(len(pairs), price_eur_per_mwh), price_eur_per_mwh)


@dataclass(frozen=True, slots=True)
class Pairs(Rows):
    """Who is served by whom, and how much: rows of the orders, and MW."""

    sell_order: Ints
    buy_order: Ints
    quantity_mw: Floats


def pair(orders: Orders, accepted_mw: Floats) -> Pairs:
    """Return the pairs that the rule of ``match`` makes of what was accepted of every order."""
    sells = _queue(orders, accepted_mw, SELL)
    buys = _queue(orders, accepted_mw, BUY)
    if not (len(sells) and len(buys)):
        return Pairs.empty()
    first, second, quantity = serve(accepted_mw[sells], accepted_mw[buys])
    return Pairs(sells[first], buys[second], quantity)


def settle_pairs(
    orders: Orders,
    pairs: Pairs,
    price_eur_per_mwh: Floats,
    cleared_eur_per_mwh: float = NAN,
    fee_eur_per_mwh: Floats | None = None,
) -> MarketResult:
    """Return the market's result for pairs, each at its own price and with its own fee of the mediator (or none).

    ``cleared_eur_per_mwh`` is the price that cleared, if there is one for all. A peer that meets itself is accepted on
    both sides, and is no trade.
    """
    none = floats(len(pairs))
    trades = Trades(
        seller=orders.peer[pairs.sell_order],
        buyer=orders.peer[pairs.buy_order],
        sell_order=pairs.sell_order,
        buy_order=pairs.buy_order,
        quantity_mw=pairs.quantity_mw,
        price_eur_per_mwh=price_eur_per_mwh,
        seller_premium_eur_per_mwh=none,
        buyer_premium_eur_per_mwh=none,
        fee_eur_per_mwh=none if fee_eur_per_mwh is None else fee_eur_per_mwh,
    )
    sold = add_up(pairs.sell_order, pairs.quantity_mw, len(orders))
    bought = add_up(pairs.buy_order, pairs.quantity_mw, len(orders))
    cleared = cleared_eur_per_mwh if len(pairs) else NAN
    return MarketResult(sold + bought, cleared, trades.take(trades.seller != trades.buyer))


def serve(sold_mw: Floats, bought_mw: Floats) -> tuple[Ints, Ints, Floats]:
    """Return the pieces in which two queues serve each other from the front: place in either queue, and MW.

    The longer queue is served in part; pieces that are rounding are left out. Neither queue may be empty.
    """
    sold, bought = np.cumsum(sold_mw), np.cumsum(bought_mw)
    volume = min(sold[-1], bought[-1])
    ends = np.minimum(np.sort(np.concatenate([sold, bought])), volume)
    starts = np.concatenate([floats(1), ends[:-1]])
    quantity = ends - starts
    real = quantity > CRUMB * volume
    middle = (starts + quantity / 2)[real]
    return np.searchsorted(sold, middle), np.searchsorted(bought, middle), quantity[real]


def nothing_traded(orders: Orders) -> MarketResult:
    """Return the result of a market in which no order trades; there is no price (NaN)."""
    return MarketResult(floats(len(orders)), float("nan"), Trades.empty())


def _queue(orders: Orders, accepted_mw: Floats, side: int) -> Ints:
    rows = np.flatnonzero((orders.side == side) & (accepted_mw > 0))
    return rows[np.argsort(side * orders.price_eur_per_mwh[rows], kind="stable")]
