"""The network tariff of a step: what each peer is charged, and what that makes of its orders."""

from dataclasses import replace

import numpy as np

from peerflex.core.arrays import Floats, add_up, floats
from peerflex.core.last_resort import Dues
from peerflex.core.people import Plan
from peerflex.core.protocols import NetworkView
from peerflex.core.trade import Orders
from peerflex.core.units import HOURS_PER_DAY, SECONDS_PER_HOUR, SELL
from peerflex.runs.area.area import Area


def dues(area: Area, view: NetworkView, step: int) -> Dues | None:
    """Return what the DSO pays and charges peers by rule in a step, None if nothing.

    Peers beyond the transformer do not use the network.
    """
    if area.network_tariff is None and area.standing_eur_per_h is None:
        return None
    n = len(area.peers)
    standing = floats(n) if area.standing_eur_per_h is None else area.standing_eur_per_h
    if area.network_tariff is None:
        return Dues(standing, floats(n), floats(n))
    hour = (area.first_hour + step * area.step_s / SECONDS_PER_HOUR) % HOURS_PER_DAY
    withdrawal, injection = area.network_tariff.rates(view, hour)
    inside = np.arange(n) < n - area.n_beyond
    bus = area.peers.bus
    return Dues(standing, np.where(inside, withdrawal[bus], 0.0), np.where(inside, injection[bus], 0.0))


def at_the_tariff(plan: Plan, due: Dues, moved_mw: Floats | None = None) -> Orders:
    """Return the orders of a plan as peers bid them who are charged the network tariff on what their meter sees.

    Energy that flows anyway is charged whoever buys it: its price stays. Moving an asset changes the meter: a sale
    saves or earns the tariff of its place, so it asks that much less, and a purchase costs it. What may take the meter
    from withdrawal to injection, or back, is bid as if it were all on the side that is worse for the peer.
    ``moved_mw`` ``(peers,)`` is what assets move already. What is taken off is a premium, so that true prices stay what
    they are.
    """
    orders, n = plan.orders, len(plan.pv_mw)
    assert plan.load_mw is not None  # the plan of all peers
    net_mw = plan.pv_mw + plan.battery_mw - plan.load_mw + (0.0 if moved_mw is None else moved_mw)
    sale, moves_mw = orders.side == SELL, np.where(orders.dispatchable, orders.quantity_mw, 0.0)
    highest_mw = net_mw + add_up(orders.peer, np.where(sale, moves_mw, 0.0), n)
    lowest_mw = net_mw - add_up(orders.peer, np.where(sale, 0.0, moves_mw), n)
    of_sale: Floats = np.where(highest_mw <= 0.0, due.withdrawal_eur_per_mwh, due.injection_eur_per_mwh)
    of_purchase = np.where(lowest_mw >= 0.0, due.injection_eur_per_mwh, due.withdrawal_eur_per_mwh)
    rate = np.where(sale, of_sale[orders.peer], of_purchase[orders.peer]) * orders.dispatchable
    return replace(
        orders,
        price_eur_per_mwh=orders.price_eur_per_mwh - rate,
        premium_eur_per_mwh=orders.premium_eur_per_mwh + orders.side * rate,
    )
