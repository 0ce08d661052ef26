"""The peer with listed prices: what it can give and take is on a list, at a price of its own."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field

from peerflex.agents.orders import downward, orders_for, upward
from peerflex.core.arrays import floats
from peerflex.core.people import Observation, Plan


@dataclass(frozen=True, slots=True)
class Listed:
    """Offers the flexible share of its load or generation, and all of what it can start, at its listed prices.

    Upward: less load, then a generator; downward: less generation, then a boiler (as the bids of EUniversal D5.3,
    2022, section 5.4.1). A peer without a listed price for a direction offers nothing in it. Nothing moves unless
    somebody pays for it.
    """

    flexible_share: Annotated[
        float, Field(ge=0, le=1, description="share of its load, and of its generation, that a peer offers to drop")
    ] = 1.0

    def bid(self, seen: Observation, rng: np.random.Generator) -> Plan:
        up_mw = np.where(np.isnan(seen.up_eur_per_mwh), 0.0, self.flexible_share * seen.load_mw + seen.generator_mw)
        down_mw = np.where(np.isnan(seen.down_eur_per_mwh), 0.0, self.flexible_share * seen.pv_mw + seen.boiler_mw)
        offers = [upward(up_mw, seen.up_eur_per_mwh), downward(down_mw, seen.down_eur_per_mwh)]
        return Plan(battery_mw=floats(len(seen.peer)), pv_mw=seen.pv_mw, orders=orders_for(seen, offers))
