"""The markets of an area that has none: everything goes to and comes from the supplier."""

from dataclasses import dataclass

import numpy as np

from peerflex.core.arrays import floats
from peerflex.core.protocols import Desk, NetworkView
from peerflex.core.record import Agreement, Effort
from peerflex.core.trade import FlexNeed, FlexOffers, FlexResult, MarketResult, Orders, Signal, TradeTerms, free_terms
from peerflex.markets.matching import nothing_traded


@dataclass(frozen=True, slots=True)
class NoMarket:
    """No peer-to-peer trade."""

    def clear(self, orders: Orders, signal: Signal, rng: np.random.Generator) -> MarketResult:
        return nothing_traded(orders)


@dataclass(frozen=True, slots=True)
class NoIncentive:
    """The DSO has no say in who trades with whom."""

    @property
    def at_risk_loading(self) -> float:
        return float("inf")

    def before(self, view: NetworkView) -> TradeTerms:
        return free_terms(len(view.bus_of_peer))


@dataclass(frozen=True, slots=True)
class NoService:
    """Peers bid and trade once; the DSO looks at what that leads to, and answers nothing."""

    def agree(self, desk: Desk, signal: Signal) -> Agreement:
        nothing = floats(len(desk.peers))
        plan = desk.bids(nothing)
        result = desk.trade(plan, signal.terms)
        expected = desk.flow(plan, result, nothing)
        return Agreement(plan, result, signal.terms, nothing, expected, Effort(True, desk.clearings, desk.flows))


@dataclass(frozen=True, slots=True)
class NoFlexMarket:
    """No flexibility market: nothing is activated, and nobody asks what is missing."""

    def clear(self, need: FlexNeed, offers: FlexOffers) -> FlexResult:
        return nothing_activated(need, offers)


def nothing_activated(need: FlexNeed, offers: FlexOffers) -> FlexResult:
    """Return the result of a flexibility market that activates nothing and misses nothing."""
    return FlexResult(
        accepted_mw=floats(len(offers)),
        price_eur_per_mwh=offers.price_eur_per_mwh,
        residual_mw=0.0,
        cost_eur_per_h=0.0,
        missing_mw=floats(len(need)),
        multiplier_eur_per_mwh=floats(len(need)),
    )
