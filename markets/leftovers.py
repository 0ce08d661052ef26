"""What peers have left after trading goes to the flexibility market."""

from dataclasses import replace

import numpy as np

from peerflex.core.arrays import Floats, Ints
from peerflex.core.trade import FlexOffers, MarketResult, Orders
from peerflex.core.units import QUANTITY_TOLERANCE_MW


def left_after(orders: Orders, taken_mw: Floats) -> Orders:
    """Return what is left of every order; its price is that of the first MW that is left."""
    return replace(
        orders,
        quantity_mw=np.maximum(orders.quantity_mw - taken_mw, 0.0),
        price_eur_per_mwh=orders.price_eur_per_mwh + orders.side * orders.slope_eur_per_mwh2 * taken_mw,
    )


def flex_offers(
    orders: Orders, result: MarketResult, bus_of_peer: Ints, least_share_of_peer: Floats, closed: int = 0
) -> FlexOffers:
    """Return what dispatchable orders have left: a sale as an upward offer, a purchase as a downward one.

    Place and price stay: what the energy costs or is worth to a peer does not depend on who takes it. An order with a
    slope is offered at the price of the first MW that is left, the least that any of it costs.
    ``bus_of_peer`` and ``least_share_of_peer`` have shape ``(peers,)``; a peer's share is that of each of its offers.
    The last ``closed`` orders are offered no more.
    """
    left = left_after(orders, result.accepted_mw)
    rows = np.flatnonzero((orders.dispatchable & (left.quantity_mw > QUANTITY_TOLERANCE_MW))[: len(orders) - closed])
    peer = orders.peer[rows]
    return FlexOffers(
        order=rows,
        peer=peer,
        bus=bus_of_peer[peer],
        side=orders.side[rows],
        quantity_mw=left.quantity_mw[rows],
        price_eur_per_mwh=left.price_eur_per_mwh[rows],
        least_share=least_share_of_peer[peer],
        cost_eur_per_mwh=left.true_eur_per_mwh[rows],
    )
