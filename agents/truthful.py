"""The truthful peer: bids what things are worth to it, and leaves the battery to the market."""

from dataclasses import dataclass

import numpy as np

from peerflex.agents.flexible import FlexibleAssets
from peerflex.agents.orders import energy, orders_for
from peerflex.core.arrays import floats
from peerflex.core.people import Observation, Plan


@dataclass(frozen=True, slots=True)
class Truthful(FlexibleAssets):
    """Marginal costs and values as they are.

    A surplus is worth the feed-in tariff and a deficit the retail tariff, since those are what the peer
    would get or pay otherwise. The battery does nothing unless somebody pays for it.
    """

    def bid(self, seen: Observation, rng: np.random.Generator) -> Plan:
        everything = np.ones(len(seen.peer))
        battery_mw = floats(len(seen.peer))
        net = energy(seen.pv_mw - seen.load_mw, ask=seen.feed_in_eur_per_mwh, bid=seen.retail_eur_per_mwh)
        movable = self.flexibility(seen, battery_mw, may_give=everything, may_take=everything)
        return Plan(battery_mw=battery_mw, pv_mw=seen.pv_mw, orders=orders_for(seen, [net, *movable]))
