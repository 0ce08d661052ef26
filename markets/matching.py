"""From accepted quantities to trades: who sells to whom, by a stated rule."""

import numpy as np

from peerflex.core.arrays import Floats, Ints, add_up, floats
from peerflex.core.trade import MarketResult, Orders, Trades
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
    sells = _queue(orders, accepted_mw, SELL)
    buys = _queue(orders, accepted_mw, BUY)
    if not (len(sells) and len(buys)):
        return nothing_traded(orders)
    first, second, quantity = serve(accepted_mw[sells], accepted_mw[buys])
    sell_order, buy_order = sells[first], buys[second]
    trades = Trades(
        seller=orders.peer[sell_order],
        buyer=orders.peer[buy_order],
        sell_order=sell_order,
        buy_order=buy_order,
        quantity_mw=quantity,
        price_eur_per_mwh=np.full(len(quantity), price_eur_per_mwh),
        seller_premium_eur_per_mwh=floats(len(quantity)),
        buyer_premium_eur_per_mwh=floats(len(quantity)),
        fee_eur_per_mwh=floats(len(quantity)),
    )
    traded = add_up(sell_order, quantity, len(orders)) + add_up(buy_order, quantity, len(orders))
    return MarketResult(traded, price_eur_per_mwh, trades.take(trades.seller != trades.buyer))


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
