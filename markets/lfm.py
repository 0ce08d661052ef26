"""The local flexibility market: the cheapest activations that keep the DSO's limits."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from peerflex.core.arrays import Bools, Floats, Ints, floats
from peerflex.core.trade import FlexNeed, FlexOffers, FlexResult
from peerflex.core.units import KW_PER_MW
from peerflex.markets.blocks import solve_whole
from peerflex.markets.idle import nothing_activated
from peerflex.markets.linear import Program, Solution

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

    ``pricing='pay-as-cleared'`` settles an activation at the price of its place (Bohn, Caramanis and Schweppe, 1984):
    the interface price and what one MW there is worth to all rows and to the balance, by the program's multipliers.
    Promise: nobody is settled at less than its bid. The DSO pays as much as with pay-as-bid or more.

    Offers with a ``least_share`` are activated to it or more, or not at all (``markets.blocks``).
    """

    heeds_blocks: ClassVar[bool] = True

    pricing: Annotated[
        Literal["pay-as-bid", "pay-as-cleared"],
        Field(description="each activation is settled at its own price, or at what it is worth at its place"),
    ] = "pay-as-bid"
    residual: Annotated[
        Literal["interface", "balanced"],
        Field(description="upward less downward goes to the supplier at the interface price, or must be zero"),
    ] = "interface"
    least_offer_kw: Annotated[float, Field(ge=0, le=100_000, description="offers of less are not admitted")] = 0.0
    interface_eur_per_mwh: Annotated[
        float,
        Field(ge=-500, le=5000, description="price of the residual; lies between all downward and all upward prices"),
    ] = 200.0

    def clear(self, need: FlexNeed, offers: FlexOffers) -> FlexResult:
        excess = np.maximum(need.value - need.upper, need.lower - need.value)
        if not (excess > VIOLATION_TOLERANCE).any():
            return nothing_activated(need, offers)

        admitted = (offers.quantity_mw > 0) & (offers.quantity_mw >= self.least_offer_kw / KW_PER_MW)
        takers = np.flatnonzero(eligible(offers, self.interface_eur_per_mwh) & admitted)
        side, quantity = offers.side[takers], offers.quantity_mw[takers]
        effect = need.by_mw[:, offers.bus[takers]] * side
        binding = np.flatnonzero(can_bind(need, effect, quantity))
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
        activated = solve_whole(program, (offers.least_share * offers.quantity_mw)[takers])
        solution = activated.solution

        accepted, missing, multiplier = floats(len(offers)), floats(len(need)), floats(len(need))
        accepted[takers] = solution.value
        change = offers.side * accepted
        # where no injection at the element itself acts on it, no number of MW describes what is missing
        missing[binding] = np.where((solution.missing > 0) & ~known[binding], np.inf, solution.missing)
        multiplier[binding] = solution.multiplier
        price = offers.price_eur_per_mwh
        if self.pricing == "pay-as-cleared":
            price = price.copy()
            price[takers] = self._cleared(program, solution, side, offers.price_eur_per_mwh[takers])
        cost = change * (price - self.interface_eur_per_mwh)
        return FlexResult(
            accepted_mw=accepted,
            price_eur_per_mwh=price,
            residual_mw=float(change.sum()),
            cost_eur_per_h=float(cost.sum()),
            missing_mw=missing,
            multiplier_eur_per_mwh=multiplier,
            cut_short=activated.cut_short,
        )

    def _cleared(self, program: Program, solution: Solution, side: Ints, bid_eur_per_mwh: Floats) -> Floats:
        """Return the price of each offer's place where it is activated, its own where it is not."""
        worth = (program.rows * solution.dual[:, None]).sum(axis=0) * side + solution.balance_dual
        # an activated offer's bid is never worse than its place's price, but for the solver's rounding
        gain = np.maximum(side * (self.interface_eur_per_mwh + worth - bid_eur_per_mwh), 0.0)
        return np.asarray(np.where(solution.value > 0, bid_eur_per_mwh + side * gain, bid_eur_per_mwh))


def eligible(offers: FlexOffers, interface_eur_per_mwh: float) -> Bools:
    """Return which offers may take part: upward at the interface price or above, downward at it or below."""
    wrong_side_eur_per_mwh = offers.side * (interface_eur_per_mwh - offers.price_eur_per_mwh)
    return np.asarray(wrong_side_eur_per_mwh <= 0)


def can_bind(need: FlexNeed, effect: Floats, quantity: Floats) -> Bools:
    """Return the rows that some choice of activations could push over a limit, or that are over one already."""
    reach = effect * quantity
    highest = need.value + np.maximum(reach, 0).sum(axis=1)
    lowest = need.value + np.minimum(reach, 0).sum(axis=1)
    return np.asarray((highest > need.upper) | (lowest < need.lower))
