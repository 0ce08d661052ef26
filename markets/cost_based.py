"""Cost-based flexibility: what an audit finds, and a regulated margin, whatever is asked."""

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from peerflex.core.trade import FlexNeed, FlexOffers, FlexResult
from peerflex.markets.lfm import LocalFlexibilityMarket


@dataclass(frozen=True, slots=True)
class CostBased:
    """The DSO dispatches by audited cost and pays it with a margin that allows a return (EUniversal D5.3, 2022,
    section 2.1.4).

    The program is that of the local flexibility market at ``FlexOffers.cost_eur_per_mwh``; asks are not looked at.
    Upward energy is paid its cost and the margin, downward energy pays its value less the margin; what upward exceeds
    downward goes to the supplier at the interface price. MW, EUR/MWh; cost in EUR per hour. Promise: what a peer asks
    changes neither what is activated nor what it is paid.
    """

    administered: ClassVar[bool] = True
    heeds_blocks: ClassVar[bool] = True

    margin_eur_per_mwh: Annotated[
        float, Field(ge=0, le=500, description="regulated margin on the audited cost of each MWh moved, EUR/MWh")
    ] = 10.0
    interface_eur_per_mwh: Annotated[
        float,
        Field(ge=-500, le=5000, description="price of the residual; lies between all downward and all upward costs"),
    ] = 200.0

    def clear(self, need: FlexNeed, offers: FlexOffers) -> FlexResult:
        audited = replace(offers, price_eur_per_mwh=offers.cost_eur_per_mwh)
        result = LocalFlexibilityMarket(interface_eur_per_mwh=self.interface_eur_per_mwh).clear(need, audited)
        return replace(
            result,
            price_eur_per_mwh=offers.cost_eur_per_mwh + offers.side * self.margin_eur_per_mwh,
            cost_eur_per_h=result.cost_eur_per_h + self.margin_eur_per_mwh * float(np.sum(result.accepted_mw)),
        )
