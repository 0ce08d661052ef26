"""What a peer can do differently if it is paid: battery, flexible load, PV, generator and boiler, as dispatchable
offers."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field

from peerflex.agents.battery import own_limits_mw
from peerflex.agents.orders import Offers, downward, upward
from peerflex.core.arrays import Floats
from peerflex.core.people import Observation

CURTAILMENT_FEE_EUR_PER_MWH = 1.0
"""What curtailing PV must bring: below any ask, so that nobody curtails to let a neighbour's surplus through."""


@dataclass(frozen=True, slots=True)
class FlexibleAssets:
    """What moving its assets costs a peer: the part of a behaviour that offers them.

    Stored energy is worth ``stored_value_eur_per_mwh`` (midway between feed-in and retail unless given): discharging
    must earn it back with the losses and the wear, charging may cost at most what is left of it.
    """

    wear_eur_per_mwh: Annotated[
        float, Field(ge=0, le=500, description="Battery wear, EUR per MWh moved, added to what a movement must earn")
    ] = 10.0
    comfort_eur_per_mwh: Annotated[
        float,
        Field(ge=0, le=10_000, description="Comfort lost with flexible load, EUR/MWh on top of the retail price"),
    ] = 200.0
    stored_value_eur_per_mwh: Annotated[
        float | None,
        Field(
            ge=0, le=10_000, description="Value of stored energy, EUR/MWh; midway between feed-in and retail if absent"
        ),
    ] = None
    flexible_load_share: Annotated[
        float, Field(ge=0, le=1, description="Share of the load that the peer gives up if it is paid for the comfort")
    ] = 0.0
    generation_eur_per_mwh: Annotated[
        float, Field(ge=0, le=10_000, description="Fuel and upkeep of the generator, EUR/MWh: gas at 90 and 45 %")
    ] = 200.0
    heat_eur_per_mwh: Annotated[
        float, Field(ge=0, le=10_000, description="What a MWh in the boiler saves, EUR/MWh: gas at 90 and 90 %")
    ] = 100.0

    def flexibility(self, seen: Observation, battery_mw: Floats, may_give: Floats, may_take: Floats) -> list[Offers]:
        """Return what peers can still move beside their schedule ``battery_mw``; shapes ``(rows,)``.

        Upward: discharge more at its cost, then give up flexible load for the comfort lost. Downward: charge
        more at its value, then curtail PV for nothing (its energy costs nothing to make). A generator is started for
        its cost, a boiler for what the heat is worth. ``may_give`` and ``may_take`` (0 to 1) scale the two directions
        of battery, generator and boiler, for peers that hold back.
        """
        n, worth = len(seen.peer), self._stored_eur_per_mwh(seen)
        discharge_mw, charge_mw = own_limits_mw(seen)
        discharge_eur_per_mwh = worth / seen.battery_efficiency + self.wear_eur_per_mwh
        charge_eur_per_mwh = worth * seen.battery_efficiency - self.wear_eur_per_mwh
        return [
            upward((discharge_mw - battery_mw) * may_give, discharge_eur_per_mwh),
            downward((charge_mw + battery_mw) * may_take, charge_eur_per_mwh),
            upward(seen.load_mw * self.flexible_load_share, seen.retail_eur_per_mwh + self.comfort_eur_per_mwh),
            downward(seen.pv_mw, np.minimum(seen.feed_in_eur_per_mwh, 0.0) - CURTAILMENT_FEE_EUR_PER_MWH),
            upward(seen.generator_mw * may_give, np.full(n, self.generation_eur_per_mwh)),
            downward(seen.boiler_mw * may_take, np.full(n, self.heat_eur_per_mwh)),
        ]

    def _stored_eur_per_mwh(self, seen: Observation) -> Floats:
        if self.stored_value_eur_per_mwh is None:
            return (seen.retail_eur_per_mwh + seen.feed_in_eur_per_mwh) / 2
        return np.full(len(seen.peer), self.stored_value_eur_per_mwh)
