"""McAfee's double auction: telling the truth is best, at the cost of the least valuable trade."""

from dataclasses import dataclass

import numpy as np

from peerflex.core.arrays import Floats, Ints, floats
from peerflex.core.trade import MarketResult, Orders, Signal
from peerflex.core.units import BUY, QUANTITY_TOLERANCE_MW, SELL
from peerflex.markets.matching import CRUMB, nothing_traded, pair, serve, settle_pairs


@dataclass(frozen=True, slots=True)
class McAfeeAuction:
    """The dominant-strategy double auction (McAfee, Journal of Economic Theory 56, 1992, section 2), with the trade
    reduction of Huang, Scheller-Wolf and Sycara (Computational Intelligence 18, 2002) for quantities of any size.

    Orders stand in a queue a side, the best price first, equal prices in order of row. The last pair that gains from
    trade is the margin, of ask ``s`` and bid ``b``. Where as much is offered as wanted up to it, and the mean ``p`` of
    the first ask and the first bid behind it lies in ``[s, b]``, all up to the margin trade at ``p``. Otherwise the two
    orders at the margin do not trade: those before them do, buyers pay ``b``, sellers get ``s`` and the mediator keeps
    the difference. The longer side is cut pro rata to quantity, so that no price moves anybody's share.

    Promised: individual rationality, a budget that is never negative, and, if each peer has one order whose quantity is
    what it is, that no price but the true one is ever better; with equal quantities at most the least valuable trade
    is lost. Not promised: efficiency elsewhere, or truthful quantities. The random stream is not used.
    """

    def clear(self, orders: Orders, signal: Signal, rng: np.random.Generator) -> MarketResult:
        sells, buys = _queue(orders, SELL), _queue(orders, BUY)
        if not (len(sells) and len(buys)):
            return nothing_traded(orders)
        ask, bid = orders.price_eur_per_mwh[sells], orders.price_eur_per_mwh[buys]
        offered, wanted = orders.quantity_mw[sells], orders.quantity_mw[buys]
        first, second, _ = serve(offered, wanted)
        gaining = int(np.count_nonzero(ask[first] <= bid[second]))
        if not gaining:
            return nothing_traded(orders)
        k, m = int(first[gaining - 1]), int(second[gaining - 1])  # the orders at the margin

        price = _price_behind(ask, bid, k, m)
        closed = abs(offered[: k + 1].sum() - wanted[: m + 1].sum()) <= CRUMB * min(offered.sum(), wanted.sum())
        if closed and ask[k] <= price <= bid[m]:
            pays_seller, pays_buyer, n_sells, n_buys = price, price, k + 1, m + 1
        else:
            pays_seller, pays_buyer, n_sells, n_buys = float(ask[k]), float(bid[m]), k, m
            price = float("nan")
        accepted = _share_alike(orders, sells[:n_sells], buys[:n_buys])
        pairs = pair(orders, accepted)
        fee = np.full(len(pairs), pays_buyer - pays_seller)
        return settle_pairs(orders, pairs, np.full(len(pairs), pays_seller), price, fee)


def _queue(orders: Orders, side: int) -> Ints:
    rows = np.flatnonzero((orders.side == side) & (orders.quantity_mw > QUANTITY_TOLERANCE_MW))
    return rows[np.argsort(side * orders.price_eur_per_mwh[rows], kind="stable")]


def _price_behind(ask: Floats, bid: Floats, k: int, m: int) -> float:
    """Return the mean of the first ask and the first bid behind the margin; NaN where a queue ends there."""
    if k + 1 == len(ask) or m + 1 == len(bid):
        return float("nan")
    return float(ask[k + 1] + bid[m + 1]) / 2


def _share_alike(orders: Orders, sells: Ints, buys: Ints) -> Floats:
    """Return what trades of every order if these do: the shorter side in full, the longer one pro rata."""
    accepted = floats(len(orders))
    offered, wanted = float(orders.quantity_mw[sells].sum()), float(orders.quantity_mw[buys].sum())
    for rows, total in ((sells, offered), (buys, wanted)):
        accepted[rows] = orders.quantity_mw[rows] * (min(offered, wanted) / total if total else 0.0)
    return accepted
