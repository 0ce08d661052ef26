"""The truthful peer: bids what things are worth to it, and leaves the battery to the market."""

from dataclasses import dataclass

import numpy as np

from peerflex.agents.flexible import Comfort, Costs, FlexibleLoadShare, Generation, Heat, StoredValue, Wear, flexibility
from peerflex.agents.orders import energy, orders_for
from peerflex.core.arrays import floats
from peerflex.core.people import Observation, Plan


@dataclass(frozen=True, slots=True)
class Truthful:
    """Marginal costs and values as they are.

    A surplus is worth the feed-in tariff and a deficit the retail tariff, since those are what the peer
    would get or pay otherwise. The battery does nothing unless somebody pays for it.
    """

    wear_eur_per_mwh: Wear = 10.0
    comfort_eur_per_mwh: Comfort = 200.0
    stored_value_eur_per_mwh: StoredValue = None
    flexible_load_share: FlexibleLoadShare = 0.0
    generation_eur_per_mwh: Generation = 200.0
    heat_eur_per_mwh: Heat = 100.0

    def bid(self, seen: Observation, rng: np.random.Generator) -> Plan:
        costs = Costs(
            wear=self.wear_eur_per_mwh,
            comfort=self.comfort_eur_per_mwh,
            stored_value=self.stored_value_eur_per_mwh,
            generation=self.generation_eur_per_mwh,
            heat=self.heat_eur_per_mwh,
        )
        everything = np.ones(len(seen.peer))
        battery_mw = floats(len(seen.peer))
        net = energy(seen.pv_mw - seen.load_mw, ask=seen.feed_in_eur_per_mwh, bid=seen.retail_eur_per_mwh)
        movable = flexibility(
            seen, costs, battery_mw, self.flexible_load_share, may_give=everything, may_take=everything
        )
        return Plan(battery_mw=battery_mw, pv_mw=seen.pv_mw, orders=orders_for(seen, [net, *movable]))
