"""The peer without intelligence: a truthful peer's orders at prices drawn by chance, but never at a loss."""

from dataclasses import dataclass, replace

import numpy as np

from peerflex.agents.truthful import Truthful
from peerflex.core.people import Observation, Plan
from peerflex.core.units import SELL


@dataclass(frozen=True, slots=True)
class ZeroIntelligence(Truthful):
    """Zero intelligence with a budget constraint (Gode and Sunder, Journal of Political Economy 101, 1993, section II).

    What is offered is what a truthful peer offers. The price is drawn uniformly, for every order and step anew, between
    the order's cost and the retail tariff, or between the feed-in tariff and its value. An order whose cost or value is
    beyond that tariff is priced as it is.
    """

    def bid(self, seen: Observation, rng: np.random.Generator) -> Plan:
        plan = Truthful.bid(self, seen, rng)
        orders, limit = plan.orders, plan.orders.price_eur_per_mwh
        row = np.searchsorted(seen.peer, orders.peer)  # peers are seen in rising order
        far = np.where(
            orders.side == SELL,
            np.maximum(limit, seen.retail_eur_per_mwh[row]),
            np.minimum(limit, seen.feed_in_eur_per_mwh[row]),
        )
        drawn = limit + (far - limit) * rng.random(len(orders))
        return replace(plan, orders=replace(orders, price_eur_per_mwh=drawn))
