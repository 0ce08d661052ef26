"""The local flexibility market: the cheapest activations that keep the DSO's limits."""

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from peerflex.core.arrays import Bools, Floats, floats
from peerflex.core.trade import FlexNeed, FlexOffers, FlexResult
from peerflex.markets.idle import nothing_activated
from peerflex.markets.linear import Program, solve

VIOLATION_TOLERANCE = 1e-7
"""A limit missed by less (per unit of voltage or of rating) is kept: cleared rows sit exactly at their limit."""


@dataclass(frozen=True, slots=True)
class LocalFlexibilityMarket:
    """A linear program over offers ``u`` (upward) and ``d`` (downward), after EUniversal D5.3 (2022), chapter 5:

    ``min sum(p u) - sum(p d) - interface * (sum(u) - sum(d))`` subject to ``0 <= u, d <= quantity`` and every row of
    the need, ``lower <= value + by_mw @ change <= upper``, loading and voltage alike. Upward offers are paid,
    downward ones pay; what upward exceeds downward goes to the supplier at the interface price, or must be nothing
    (``residual='balanced'``). If the limits cannot all be kept, first the sum of missing MW is made least, then the
    cost.

    As every eligible price lies on its side of the interface price, no activation earns the DSO money: nothing
    is activated, at no cost, when no row is violated. MW, EUR/MWh; cost in EUR per hour.
    """

    pricing: Annotated[Literal["pay-as-bid"], Field(description="each activation is settled at its own price")] = (
        "pay-as-bid"
    )
    residual: Annotated[
        Literal["interface", "balanced"],
        Field(description="upward less downward goes to the supplier at the interface price, or must be zero"),
    ] = "interface"
    interface_eur_per_mwh: Annotated[
        float,
        Field(ge=-500, le=5000, description="price of the residual; lies between all downward and all upward prices"),
    ] = 200.0

    def clear(self, need: FlexNeed, offers: FlexOffers) -> FlexResult:
        excess = np.maximum(need.value - need.upper, need.lower - need.value)
        if not (excess > VIOLATION_TOLERANCE).any():
            return nothing_activated(need, offers)

        takers = np.flatnonzero(eligible(offers, self.interface_eur_per_mwh) & (offers.quantity_mw > 0))
        side, quantity = offers.side[takers], offers.quantity_mw[takers]
        effect = need.by_mw[:, offers.bus[takers]] * side
        binding = np.flatnonzero(_can_bind(need, effect, quantity))
        # rows in MW: coefficients near one, slack in MW and multipliers in EUR/MWh
        known = np.isfinite(need.mw_per_unit) & (need.mw_per_unit > 0)
        scale = np.where(known, need.mw_per_unit, 1.0)[binding]
        program = Program(
            cost=side * (offers.price_eur_per_mwh[takers] - self.interface_eur_per_mwh),
            most=quantity,
            rows=effect[binding] * scale[:, None],
            lower=(need.lower - need.value)[binding] * scale,
            upper=(need.upper - need.value)[binding] * scale,
            balance=side.astype(np.float64) if self.residual == "balanced" else None,
        )
        solution = solve(program)

        accepted, missing, multiplier = floats(len(offers)), floats(len(need)), floats(len(need))
        accepted[takers] = solution.value
        change = offers.side * accepted
        # where no injection at the element itself acts on it, no number of MW describes what is missing
        missing[binding] = np.where((solution.missing > 0) & ~known[binding], np.inf, solution.missing)
        multiplier[binding] = solution.multiplier
        cost = change * (offers.price_eur_per_mwh - self.interface_eur_per_mwh)
        return FlexResult(
            accepted_mw=accepted,
            price_eur_per_mwh=offers.price_eur_per_mwh,
            residual_mw=float(change.sum()),
            cost_eur_per_h=float(cost.sum()),
            missing_mw=missing,
            multiplier_eur_per_mwh=multiplier,
        )


def eligible(offers: FlexOffers, interface_eur_per_mwh: float) -> Bools:
    """Return which offers may take part: upward at the interface price or above, downward at it or below."""
    wrong_side_eur_per_mwh = offers.side * (interface_eur_per_mwh - offers.price_eur_per_mwh)
    return np.asarray(wrong_side_eur_per_mwh <= 0)


def _can_bind(need: FlexNeed, effect: Floats, quantity: Floats) -> Bools:
    """Return the rows that some choice of activations could push over a limit, or that are over one already."""
    reach = effect * quantity
    highest = need.value + np.maximum(reach, 0).sum(axis=1)
    lowest = need.value + np.minimum(reach, 0).sum(axis=1)
    return np.asarray((highest > need.upper) | (lowest < need.lower))
