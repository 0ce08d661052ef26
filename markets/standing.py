"""Bids changed so that something stands: no purchase of the TSO, a firm one, or all that was agreed before it."""

from dataclasses import dataclass, replace

import numpy as np

from peerflex.core.arrays import Floats, Ints, add_up, ints
from peerflex.core.trade import FIRM_EUR_PER_MWH, NAN, MarketResult, Orders, Trades, TradeTerms
from peerflex.core.units import QUANTITY_TOLERANCE_MW, SELL
from peerflex.markets.bilateral import injection_charge


@dataclass(frozen=True, slots=True)
class Edit:
    """Changed orders, and of which row each was made."""

    orders: Orders
    origin: Ints


def without(orders: Orders, peer: int) -> Edit:
    """Return the orders of everybody else."""
    rows = np.flatnonzero(orders.peer != peer)
    return Edit(orders.take(rows), rows)


def firm(orders: Orders, peer: int, quantity_mw: float) -> Edit:
    """Return all orders, those of a peer (one, or none) for so much and before everybody else; nothing is none."""
    mine = orders.peer == peer
    rows = np.arange(len(orders)) if quantity_mw > QUANTITY_TOLERANCE_MW else np.flatnonzero(~mine)
    asked = replace(orders, quantity_mw=np.where(mine, quantity_mw, orders.quantity_mw))
    return Edit(_first(asked, mine.astype(np.float64)).take(rows), rows)


def bounded(orders: Orders, bus_of_peer: Ints, peer: int, side: int, agreed: Orders, result: MarketResult) -> Edit:
    """Return orders that do not go back behind what others agreed, now that a peer comes who is on ``side``.

    If it buys, others sell what they sold, and offer the rest; they buy at most what they bought. If it sells, the
    other way round. Others at its own bus keep to what they agreed: what they give from beyond the network changes
    nothing in it. So does energy that flows anyway. Of a peer's own orders, the best for its partner were agreed first.
    """
    other = orders.peer != peer
    beside = bus_of_peer[orders.peer] == bus_of_peer[peer]
    held_mw = np.where(other, held_by_order_mw(orders, agreed, result), 0.0)
    idle = other & (beside | ~orders.dispatchable)
    more = other & ~idle & (orders.side == -side)
    standing = _first(replace(orders, quantity_mw=held_mw), (more | idle).astype(np.float64))
    rest = replace(
        orders,
        quantity_mw=orders.quantity_mw - held_mw,
        price_eur_per_mwh=orders.price_eur_per_mwh + orders.side * orders.slope_eur_per_mwh2 * held_mw,
    )
    first = np.flatnonzero(held_mw > QUANTITY_TOLERANCE_MW)
    then = np.flatnonzero((rest.quantity_mw > QUANTITY_TOLERANCE_MW) & (more | ~other))
    return Edit(Orders.join([standing.take(first), rest.take(then)]), np.concatenate([first, then]))


def settled_apart(
    orders: Orders, peer: int, first: MarketResult, then: MarketResult, terms: TradeTerms
) -> MarketResult:
    """Return the trades of the first result at their prices, and what others changed since, traded with ``peer``.

    Both are in rows of the same orders; a peer that buys less than it had bought has sold the difference. It trades at
    the mean price of what ``peer`` trades then, and pays (or is paid) the charge of its place on the terms of then.
    """
    mine = orders.peer == peer
    own, side = int(np.flatnonzero(mine)[0]), int(orders.side[mine][0])
    more_mw = -side * orders.side * (then.accepted_mw - first.accepted_mw)
    rows = np.flatnonzero(~mine & (more_mw > QUANTITY_TOLERANCE_MW))
    if not len(rows) or then.accepted_mw[own] <= QUANTITY_TOLERANCE_MW:  # rounding of others is no trade with it
        return first
    nothing, itself, row = np.zeros(len(rows)), np.full(len(rows), peer), np.full(len(rows), own)
    charge = injection_charge(orders, rows, terms) if terms.money else nothing
    sells = side == SELL
    more = Trades(
        seller=itself if sells else orders.peer[rows],
        buyer=orders.peer[rows] if sells else itself,
        sell_order=row if sells else rows,
        buy_order=rows if sells else row,
        quantity_mw=more_mw[rows],
        price_eur_per_mwh=np.full(len(rows), price_of(peer, side, then)),
        seller_premium_eur_per_mwh=nothing if sells else -charge,
        buyer_premium_eur_per_mwh=charge if sells else nothing,
        fee_eur_per_mwh=nothing,
    )
    accepted_mw = first.accepted_mw.copy()
    accepted_mw[rows] -= side * orders.side[rows] * more_mw[rows]
    accepted_mw[own] = more_mw[rows].sum()
    return replace(first, accepted_mw=accepted_mw, price_eur_per_mwh=NAN, trades=Trades.join([first.trades, more]))


def price_of(peer: int, side: int, result: MarketResult) -> float:
    """Return what a peer pays (or gets) for a MWh all in, averaged over its trades on a side; NaN without any."""
    trades = result.trades
    of_buyer = trades.price_eur_per_mwh + trades.fee_eur_per_mwh - trades.buyer_premium_eur_per_mwh
    of_seller = trades.price_eur_per_mwh + trades.seller_premium_eur_per_mwh
    each, mine = (of_seller, trades.seller == peer) if side == SELL else (of_buyer, trades.buyer == peer)
    volume_mw = float(trades.quantity_mw[mine].sum())
    return float((each * trades.quantity_mw)[mine].sum()) / volume_mw if volume_mw > 0 else NAN


def bought_by(peer: int, orders: Orders, result: MarketResult) -> float:
    """Return how much of a peer's orders was accepted."""
    return float(result.accepted_mw[orders.peer == peer].sum())


def _first(orders: Orders, weight: Floats) -> Orders:
    """Return the orders with the price of those of weight 1 so far beyond the true one that they are served first."""
    premium = weight * FIRM_EUR_PER_MWH
    return replace(
        orders,
        price_eur_per_mwh=orders.price_eur_per_mwh - orders.side * premium,
        premium_eur_per_mwh=orders.premium_eur_per_mwh + premium,
    )


def held_by_order_mw(orders: Orders, agreed: Orders, result: MarketResult) -> Floats:
    """Return what each order holds of what its peer agreed on its side, the best prices first."""
    n = 2 * int(max(orders.peer.max(initial=0), agreed.peer.max(initial=0)) + 1)
    agreed_mw = add_up(_group(agreed), result.accepted_mw, n)
    group = _group(orders)
    row = np.lexsort((orders.side * orders.price_eur_per_mwh, group))
    upto_mw = np.cumsum(orders.quantity_mw[row])
    before_mw = upto_mw - orders.quantity_mw[row]
    begins = np.flatnonzero(np.diff(group[row], prepend=-1))
    length = np.diff(begins, append=len(row))
    before_mw = before_mw - np.repeat(before_mw[begins], length)
    held_mw = np.zeros(len(orders))
    held_mw[row] = np.clip(agreed_mw[group[row]] - before_mw, 0.0, orders.quantity_mw[row])
    return held_mw


def _group(orders: Orders) -> Ints:
    """Number each peer's sales and purchases apart."""
    return 2 * orders.peer + np.where(orders.side == SELL, 1, ints(len(orders)))
