"""Writing orders: the few shapes that every behaviour needs."""

import numpy as np

from peerflex.core.types import Floats, Ints, Observation, Orders
from peerflex.core.units import BUY, QUANTITY_TOLERANCE_MW, SELL


def orders_for(
    seen: Observation, side: int | Ints, quantity_mw: Floats, price_eur_per_mwh: Floats, *, dispatchable: bool
) -> Orders:
    """Return one order for each peer of the observation whose quantity is more than nothing."""
    rows = np.flatnonzero(quantity_mw > QUANTITY_TOLERANCE_MW)
    n = rows.size
    return Orders(
        peer=seen.peer[rows],
        side=np.broadcast_to(np.asarray(side, dtype=np.int64), quantity_mw.shape)[rows].copy(),
        quantity_mw=quantity_mw[rows],
        price_eur_per_mwh=np.broadcast_to(price_eur_per_mwh, quantity_mw.shape)[rows].copy(),
        dispatchable=np.full(n, dispatchable),
        start_s=np.full(n, seen.start_s, dtype=np.int64),
        duration_s=np.full(n, seen.duration_s, dtype=np.int64),
    )


def net_orders(seen: Observation, net_mw: Floats, ask: Floats, bid: Floats) -> Orders:
    """Return the orders for energy that flows anyway: a surplus is sold at ``ask``, a deficit bought at ``bid``."""
    side = np.where(net_mw > 0, SELL, BUY)
    return orders_for(seen, side, np.abs(net_mw), np.where(net_mw > 0, ask, bid), dispatchable=False)
