"""The merit order of a book: the most that can trade, whose orders that is, and the prices that clear it."""

from dataclasses import dataclass

import numpy as np

from peerflex.core.arrays import Floats, add_up
from peerflex.core.trade import Orders
from peerflex.core.units import BUY, QUANTITY_TOLERANCE_MW, SELL


@dataclass(frozen=True, slots=True)
class MeritOrder:
    """What trades where supply meets demand: ``accepted_mw`` ``(orders,)``, as much sold as bought.

    Every price from ``lowest`` to ``highest`` (EUR/MWh) clears the market: no order that trades loses by it and none
    that is left out would gain.
    """

    accepted_mw: Floats
    lowest_eur_per_mwh: float
    highest_eur_per_mwh: float


def merit_order(orders: Orders) -> MeritOrder | None:
    """Return the largest volume for which the last buyer values the energy at the last seller's cost or above.

    Orders at the margin of the longer side are rationed pro rata to their quantity, those of equal price alike. None
    where nothing trades.
    """
    levels, level = np.unique(orders.price_eur_per_mwh, return_inverse=True)
    sells = orders.side == SELL
    offered = add_up(level, np.where(sells, orders.quantity_mw, 0), len(levels))
    wanted = add_up(level, np.where(sells, 0, orders.quantity_mw), len(levels))
    supply = np.cumsum(offered)  # offered at this price level or below
    demand = np.cumsum(wanted[::-1])[::-1]  # wanted at this price level or above
    volume = float(np.minimum(supply, demand).max(initial=0.0))
    if volume <= QUANTITY_TOLERANCE_MW:
        return None

    last_sell = int(np.argmax(supply >= volume))
    last_buy = int(np.flatnonzero(demand >= volume)[-1])
    share_sold = _share(supply, offered, last_sell, volume, SELL)
    share_bought = _share(demand, wanted, last_buy, volume, BUY)
    accepted = orders.quantity_mw * np.where(sells, share_sold[level], share_bought[level])

    # an order left wanting at the margin bounds the price from its own side
    dearest_left_buy = int(np.count_nonzero(demand > volume + QUANTITY_TOLERANCE_MW)) - 1
    cheapest_left_sell = int(np.count_nonzero(supply <= volume + QUANTITY_TOLERANCE_MW))
    lowest = levels[max(last_sell, dearest_left_buy)]
    highest = levels[min(last_buy, cheapest_left_sell)]
    return MeritOrder(accepted, float(lowest), float(highest))


def _share(running: Floats, here: Floats, last: int, volume: float, side: int) -> Floats:
    """Return the share of each price level that trades: 1 before the last level, pro rata there, 0 behind it."""
    before = side * np.arange(len(here)) < side * last
    share = np.where(before, 1.0, 0.0)
    share[last] = max(0.0, 1 - (running[last] - volume) / here[last])
    return share
