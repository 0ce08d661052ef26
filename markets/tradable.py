"""Not every order is for other peers: providers of flexibility offer to the flexibility market only."""

from dataclasses import replace

import numpy as np

from peerflex.core.arrays import Bools, floats
from peerflex.core.protocols import Market
from peerflex.core.trade import MarketResult, Orders, Signal


def clear_tradable(
    market: Market, orders: Orders, may_trade: Bools, signal: Signal, rng: np.random.Generator
) -> MarketResult:
    """Clear the orders of the peers that trade (``may_trade`` ``(peers,)``); the others are accepted with nothing."""
    rows = np.flatnonzero(may_trade[orders.peer])
    if len(rows) == len(orders):
        return market.clear(orders, signal, rng)
    result = market.clear(orders.take(rows), signal, rng)
    accepted_mw = floats(len(orders))
    accepted_mw[rows] = result.accepted_mw
    trades = result.trades
    return replace(
        result,
        accepted_mw=accepted_mw,
        trades=replace(trades, sell_order=rows[trades.sell_order], buy_order=rows[trades.buy_order]),
    )
