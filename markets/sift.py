"""What agents send may be nonsense: a market sees only orders that a peer could mean and keep."""

import numpy as np

from peerflex.core.arrays import Bools, Floats, add_up
from peerflex.core.record import Event
from peerflex.core.trade import Orders
from peerflex.core.units import BUY, QUANTITY_TOLERANCE_MW, SELL

LOWEST_PRICE_EUR_PER_MWH = -10_000.0
HIGHEST_PRICE_EUR_PER_MWH = 10_000.0
"""Twice the widest limits of the European day-ahead markets: beyond them a price is a typing error."""

SLACK = 1 + 1e-9
"""Sums of a peer's own orders may exceed what it can do by rounding."""


def sift(
    orders: Orders, n_peers: int, start_s: int, duration_s: int, most_mw: Floats
) -> tuple[Orders, tuple[Event, ...]]:
    """Return the orders that make sense for this delivery period, and one event per kind of nonsense found.

    ``most_mw``, shape ``(peers,)``, is the most power each peer could physically give or take; a peer whose orders
    of one side add up to more loses all of that side, because nobody can tell which part of it was meant. Nothing
    raises: a rejected order does not trade and its energy is settled with the supplier.
    """
    if len({len(getattr(orders, column)) for column in Orders.__slots__}) > 1:
        what = "columns of unequal length: no row of the orders can be read"
        return Orders.empty(), (Event("orders-rejected", "orders", what, "all orders are dropped"),)

    known = (orders.peer >= 0) & (orders.peer < n_peers)
    quantity, price = orders.quantity_mw, orders.price_eur_per_mwh
    doubts: list[tuple[str, Bools]] = [
        ("the peer does not exist", ~known),
        ("the side is neither +1 (sell) nor -1 (buy)", (orders.side != SELL) & (orders.side != BUY)),
        ("the quantity is not a finite number >= 0 MW", ~_amount(quantity)),
        ("the price is not a finite number", ~np.isfinite(price)),
        (
            "slope, premium or penalty is not a finite number >= 0",
            ~(
                _amount(orders.slope_eur_per_mwh2)
                & _amount(orders.premium_eur_per_mwh)
                & _amount(orders.penalty_eur_per_mwh)
            ),
        ),
        (
            f"the price is beyond {LOWEST_PRICE_EUR_PER_MWH:g} to {HIGHEST_PRICE_EUR_PER_MWH:g} EUR/MWh",
            (price < LOWEST_PRICE_EUR_PER_MWH) | (price > HIGHEST_PRICE_EUR_PER_MWH),
        ),
        (
            f"the delivery is not from {start_s} s for {duration_s} s",
            (orders.start_s != start_s) | (orders.duration_s != duration_s),
        ),
    ]
    good = np.ones(len(orders), dtype=np.bool_)
    events: list[Event] = []
    for what, wrong in doubts:
        events += _rejection(orders, what, good & wrong)
        good &= ~wrong
    too_much = _beyond_physics(orders, good, most_mw)
    events += _rejection(orders, "the peer could not deliver or take what it offers in all", too_much)
    good &= ~too_much
    return (orders if good.all() else orders.take(good)), tuple(events)


def _amount(column: Floats) -> Bools:
    """Return which values are finite and not below 0."""
    good: Bools = np.isfinite(column) & (column >= 0)
    return good


def _beyond_physics(orders: Orders, good: Bools, most_mw: Floats) -> Bools:
    """Return which good rows belong to a peer and side that offer more in all than the peer can do."""
    beyond = np.zeros(len(orders), dtype=np.bool_)
    for side in (SELL, BUY):
        rows = np.flatnonzero(good & (orders.side == side))
        peer = orders.peer[rows]
        total_mw = add_up(peer, orders.quantity_mw[rows], len(most_mw))
        beyond[rows] = (total_mw > most_mw * SLACK + QUANTITY_TOLERANCE_MW)[peer]
    return beyond


def _rejection(orders: Orders, what: str, wrong: Bools) -> list[Event]:
    count = int(np.count_nonzero(wrong))
    if not count:
        return []
    peers = np.unique(orders.peer[wrong])
    named = ", ".join(str(peer) for peer in peers[:5]) + (", ..." if len(peers) > 5 else "")
    consequence = f"{count} of {len(orders)} orders dropped; their energy is settled with the supplier"
    return [Event("orders-rejected", f"orders of peer {named}", what, consequence)]
