"""The rule-of-thumb prosumer: own use first, then the battery, then trade; and it heeds the DSO."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field

from peerflex.agents.battery import own_limits_mw
from peerflex.agents.flexible import FlexibleAssets
from peerflex.agents.orders import energy, orders_for
from peerflex.core.arrays import Floats
from peerflex.core.people import Observation, Plan

Voltage = Annotated[float, Field(ge=0.7, le=1.3, description="Voltage in pu")]


@dataclass(frozen=True, slots=True)
class Prosumer(FlexibleAssets):
    """How a household with PV and a battery would do it without a computer.

    PV covers the own load; a surplus charges the battery, a deficit discharges it; only the rest is traded,
    at a price between feed-in and retail that depends on how greedy the peer is at the moment (drawn anew
    each hour, up to ``greed`` of the tariff spread). What the battery has left is offered as well.

    A peer that heeds the DSO does not charge where more injection is wanted (``relief`` > 0, or its own
    voltage was low) and does not discharge where less is wanted.
    """

    greed: Annotated[float, Field(ge=0, le=1, description="Largest share of the tariff spread asked as a margin")] = 0.5
    heeds_dso: Annotated[bool, Field(description="Whether the peer follows the DSO's signal and its own voltage")] = (
        True
    )
    low_voltage_pu: Voltage = 0.95
    high_voltage_pu: Voltage = 1.05

    def bid(self, seen: Observation, rng: np.random.Generator) -> Plan:
        may_give, may_take = self._restraint(seen)
        discharge_mw, charge_mw = own_limits_mw(seen)
        surplus_mw = seen.pv_mw - seen.load_mw
        battery_mw = np.clip(-surplus_mw, -charge_mw * may_take, discharge_mw * may_give)

        spread = seen.retail_eur_per_mwh - seen.feed_in_eur_per_mwh
        margin = spread * rng.uniform(0.0, self.greed, size=len(seen.peer))
        net = energy(
            surplus_mw + battery_mw,
            ask=seen.feed_in_eur_per_mwh + margin,
            bid=seen.retail_eur_per_mwh - margin,
        )
        movable = self.flexibility(seen, battery_mw, may_give, may_take)
        return Plan(battery_mw=battery_mw, pv_mw=seen.pv_mw, orders=orders_for(seen, [net, *movable]))

    def _restraint(self, seen: Observation) -> tuple[Floats, Floats]:
        """Return how far (0 to 1) each peer lets its battery give and take; NaN voltage says nothing."""
        if not self.heeds_dso:
            return np.ones(len(seen.peer)), np.ones(len(seen.peer))
        wants_more = (seen.relief > 0) | (seen.voltage_pu < self.low_voltage_pu)
        wants_less = (seen.relief < 0) | (seen.voltage_pu > self.high_voltage_pu)
        return np.where(wants_less, 0.0, 1.0), np.where(wants_more, 0.0, 1.0)
