"""What peers have left after trading goes to the flexibility market."""

import numpy as np

from peerflex.core.arrays import Ints
from peerflex.core.trade import FlexOffers, MarketResult, Orders
from peerflex.core.units import QUANTITY_TOLERANCE_MW


def flex_offers(orders: Orders, result: MarketResult, bus_of_peer: Ints) -> FlexOffers:
    """Return what dispatchable orders have left: a sale as an upward offer, a purchase as a downward one.

    Place and price stay: what the energy costs or is worth to a peer does not depend on who takes it. An order with a
    slope is offered at the price of the first MW that is left, the least that any of it costs.
    ``bus_of_peer`` has shape ``(peers,)``.
    """
    left_mw = orders.quantity_mw - result.accepted_mw
    rows = np.flatnonzero(orders.dispatchable & (left_mw > QUANTITY_TOLERANCE_MW))
    peer = orders.peer[rows]
    return FlexOffers(
        order=rows,
        peer=peer,
        bus=bus_of_peer[peer],
        side=orders.side[rows],
        quantity_mw=left_mw[rows],
        price_eur_per_mwh=orders.price_eur_per_mwh[rows]
        + orders.side[rows] * orders.slope_eur_per_mwh2[rows] * result.accepted_mw[rows],
    )
