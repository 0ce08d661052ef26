"""Not every order is for other peers: providers offer flexibility only, and the DSO may limit what trades move."""

from dataclasses import replace

import numpy as np

from peerflex.core.arrays import Bools, Floats, Ints, floats
from peerflex.core.protocols import Market
from peerflex.core.trade import Headroom, MarketResult, Orders, Signal
from peerflex.core.units import BUY, SELL


def clear_tradable(
    market: Market, orders: Orders, may_trade: Bools, signal: Signal, rng: np.random.Generator
) -> MarketResult:
    """Clear the orders of the peers that trade (``may_trade`` ``(peers,)``), within the headroom of the DSO's terms.

    The others are accepted with nothing. Rows of the result are those of ``orders``.
    """
    allowed, tradable = orders, may_trade[orders.peer]
    if signal.terms.headroom is not None:
        allowed = within(orders, signal.terms.headroom)
        tradable = tradable & ((allowed.quantity_mw > 0.0) | (orders.quantity_mw == 0.0))
    rows = np.flatnonzero(tradable)
    if len(rows) == len(orders):
        return market.clear(allowed, signal, rng)
    result = market.clear(allowed.take(rows), signal, rng)
    accepted_mw = floats(len(orders))
    accepted_mw[rows] = result.accepted_mw
    trades = result.trades
    return replace(
        result,
        accepted_mw=accepted_mw,
        trades=replace(trades, sell_order=rows[trades.sell_order], buy_order=rows[trades.buy_order]),
    )


def within(orders: Orders, headroom: Headroom) -> Orders:
    """Return the orders, of each peer only so much as its headroom has: the best for a partner first.

    A peer's sales count alone against its rise, its purchases against its fall, whatever becomes of the others.
    """
    quantity_mw = orders.quantity_mw.copy()
    for side, most_mw in ((SELL, headroom.rise_mw), (BUY, headroom.fall_mw)):
        rows = np.flatnonzero(orders.dispatchable & (orders.side == side))
        rows = rows[np.lexsort((side * orders.price_eur_per_mwh[rows], orders.peer[rows]))]
        peer = orders.peer[rows]
        left_mw = most_mw[peer] - before(peer, quantity_mw[rows])
        quantity_mw[rows] = np.clip(left_mw, 0.0, quantity_mw[rows])
    return replace(orders, quantity_mw=quantity_mw)


def before(group: Ints, quantity: Floats) -> Floats:
    """Return what rows of the same group before each row add up to; rows of a group stand together."""
    total = np.cumsum(quantity) - quantity
    first = np.searchsorted(group, group)
    before: Floats = total - total[first]
    return before
