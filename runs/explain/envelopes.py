"""Operating envelopes as causes of a decision: how far the DSO lets trades raise and lower what a peer injects."""

from dataclasses import replace

import numpy as np

from peerflex.core.arrays import Floats, Ints, add_up, floats
from peerflex.core.units import BUY, QUANTITY_TOLERANCE_MW, SELL
from peerflex.markets.tradable import within
from peerflex.runs.explain.again import Again
from peerflex.runs.explain.text import power
from peerflex.runs.explain.types import Candidate, Figures, Without

LEAST_ENVELOPES, MOST_ENVELOPES = 2, 12
"""Envelopes of each direction that are looked at, those that cut most first: fewer where a clearing takes long."""


def envelopes(again: Again, peers: tuple[int, ...]) -> list[Candidate]:
    """Return the envelopes that cut orders: those of some peers first, then those that cut most, either way."""
    orders, n_peers, cut_mw = again.moment.decision.orders, len(again.moment.area.peers), _cut_mw(again)
    most = max(LEAST_ENVELOPES, MOST_ENVELOPES // max(again.moment.decision.effort.clearings, 1))
    found: list[tuple[int, int]] = []
    for side in (SELL, BUY):
        of_peer_mw = add_up(orders.peer, cut_mw * (orders.side == side), n_peers)
        rows = np.argsort(-of_peer_mw, kind="stable")
        rows = rows[of_peer_mw[rows] > QUANTITY_TOLERANCE_MW]
        asked = np.isin(rows, peers)
        found += [(int(peer), side) for peer in [*rows[asked], *rows[~asked][:most]]]
    return [_envelope(again, *each) for each in sorted(found, key=lambda each: each[0] not in peers)]


def no_partner_beyond(again: Again, row: int) -> list[Candidate]:
    """Return that an order has more than its envelope lets it move, if even without it nobody would take that."""
    orders, decided = again.moment.decision.orders, again.moment.decision.result
    if _cut_mw(again)[row] <= QUANTITY_TOLERANCE_MW:
        return []
    peer, side = int(orders.peer[row]), int(orders.side[row])
    free = again.trades(Without(unbound=frozenset({(peer, side)})))
    if free.accepted_mw[row] > decided.accepted_mw[row] + QUANTITY_TOLERANCE_MW:
        return []
    alone = _envelope(again, peer, side)
    takes = "buys" if side == SELL else "sells"
    why = f"{alone.because} And for more nobody else {takes} at its price or better."
    without = replace(alone.without, partners=frozenset({row}))
    otherwise = "Without this envelope, and if somebody took all there is at that price"
    return [replace(alone, name=f"{alone.name} and no partner", because=why, otherwise=otherwise, without=without)]


def _cut_mw(again: Again) -> Floats:
    """Return what envelopes take off each order ``(orders,)`` of peers that trade."""
    decision = again.moment.decision
    orders, headroom = decision.orders, decision.signal.terms.headroom
    if headroom is None:
        return floats(len(orders))
    cut_mw = floats(len(orders))
    for rows in _sessions(again):
        of_session = orders.take(rows)
        cut_mw[rows] = of_session.quantity_mw - within(of_session, headroom).quantity_mw
    return cut_mw * again.moment.area.peers.trade[orders.peer]


def _sessions(again: Again) -> list[Ints]:
    """Return the orders of each session: what one leaves is ordered again in the next."""
    n, early = len(again.moment.decision.orders), again.moment.decision.day_ahead
    return [np.arange(n - early), np.arange(n - early, n)]


def _envelope(again: Again, peer: int, side: int) -> Candidate:
    area, decision = again.moment.area, again.moment.decision
    orders, headroom = decision.orders, decision.signal.terms.headroom
    assert headroom is not None
    mine = orders.dispatchable & (orders.side == side) & (orders.peer == peer)
    asked_mw = max(float((orders.quantity_mw * mine)[rows].sum()) for rows in _sessions(again))
    sells = side == SELL
    room_mw = float((headroom.rise_mw if sells else headroom.fall_mw)[peer])
    name, bus = area.peers.name[peer], area.grid.buses.name[area.peers.bus[peer]]
    why = (
        f"So that every limit is kept whatever others trade, the DSO lets trades {'raise' if sells else 'lower'} what "
        f"{name} injects at bus {bus} by {power(room_mw)} at most; it would {'sell' if sells else 'buy'} "
        f"{power(asked_mw)} of what moves an asset."
    )
    return Candidate(
        "headroom",
        f"envelope of {name} {'upward' if sells else 'downward'}",
        why,
        "Without this envelope",
        Without(unbound=frozenset({(peer, side)})),
        Figures(asked_mw, room_mw, "MW"),
        "trade-terms",
    )
