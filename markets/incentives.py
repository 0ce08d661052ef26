"""What the DSO says about trades before they are made: pairs it blocks, or pairs it would rather see."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field

from peerflex.core.arrays import ints
from peerflex.core.protocols import NetworkView
from peerflex.core.trade import TradeTerms, free_terms
from peerflex.markets.places import find_places

AtRiskLoading = Annotated[
    float, Field(gt=0, le=2, description="share of its limit from which a branch is at risk in the DSO's forecast")
]
LeastEffect = Annotated[
    float,
    Field(
        gt=0,
        lt=1,
        description="a trade that changes what a branch carries by this share of its power or less leaves it alone",
    ),
]
LEAST_EFFECT = 0.3
"""Between what must not count and what must. Losses alone scatter the effects on one side of a branch: on case69 and
case33bw as they come (0.91 pu at the end) by up to 0.18, at one and a half times their load (0.86 pu) by 0.33. And
active power moves little what a branch with much reactive power carries: SimBench's MV grids have 0.4 to 0.7.
"""


@dataclass(frozen=True, slots=True)
class TradeBlocking:
    """No pair may trade that would load a branch at risk further (EUniversal D5.3, 2022, section 5.4.2.3).

    Pairs at one bus may always trade. See ``markets.places`` for when a trade loads a branch: losses and meshes scatter
    effects, and up to ``least_effect`` of a permitted trade may still load a branch at risk in AC physics.
    """

    at_risk_loading: AtRiskLoading = 0.8
    least_effect: LeastEffect = LEAST_EFFECT

    def before(self, view: NetworkView) -> TradeTerms:
        branches = view.at_risk(self.at_risk_loading)
        if not branches.size:
            return free_terms(len(view.bus_of_peer))
        places = find_places(view.grid.sensitivities(view.forecast, branches, ints(0)), self.least_effect)
        ones = np.ones(places.harmed.shape)
        return TradeTerms(places.of_bus[view.bus_of_peer], places.harmed > 0, ones, ones, money=False)


@dataclass(frozen=True, slots=True)
class TradePreference:
    """Trades that unload branches at risk gain, those that load them lose (EUniversal D5.3, 2022, section 5.4.2.4).

    For every branch at risk that a trade helps, what it gives to a side counts ``1 + weight`` times and what it costs
    ``1 - weight`` times; for every branch that it harms, the other way round. That D5.3's one factor W = 0.2 is meant
    so is our reading: no other keeps the volume it reports for branches above 100 %.
    """

    weight: Annotated[float, Field(ge=0, lt=1, description="change of a trade's worth per branch at risk")] = 0.2
    at_risk_loading: AtRiskLoading = 0.8
    money: Annotated[
        bool, Field(description="whether the DSO pays (and charges) what its weights change, or only steers")
    ] = False
    least_effect: LeastEffect = LEAST_EFFECT

    def before(self, view: NetworkView) -> TradeTerms:
        branches = view.at_risk(self.at_risk_loading)
        if not branches.size:
            return free_terms(len(view.bus_of_peer))
        places = find_places(view.grid.sensitivities(view.forecast, branches, ints(0)), self.least_effect)
        more, less = 1.0 + self.weight, 1.0 - self.weight
        gain_factor = more**places.helped * less**places.harmed
        blocked = np.zeros(places.harmed.shape, dtype=np.bool_)
        # Who helps where the opposite trade harms: what one gains by, the other is charged by.
        return TradeTerms(places.of_bus[view.bus_of_peer], blocked, gain_factor, gain_factor.T, self.money)
