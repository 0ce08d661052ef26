"""Obligation: whoever can help must, and is not paid for it."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from peerflex.core.arrays import floats, ints
from peerflex.core.trade import FlexNeed, FlexOffers, FlexResult
from peerflex.markets.idle import nothing_activated
from peerflex.markets.relief import in_turn, unbundled, violated


@dataclass(frozen=True, slots=True)
class Obligation:
    """Mandatory and unpaid (EUniversal D5.3, 2022, section 2.1.4): the DSO calls on what helps, at no price.

    ``sharing='least'`` moves the least MW in all: the most effective first. With ``'pro-rata'`` all who help the same
    limits give the same share of what they offer. Only the energy is settled, with the supplier: who takes less pays
    retail for less, who feeds in less is paid feed-in for less. If the limits cannot all be kept, first the sum of
    missing MW is made least. Promise: the DSO pays nothing, and asks change nothing. MW.
    """

    administered: ClassVar[bool] = True

    sharing: Annotated[
        Literal["least", "pro-rata"],
        Field(description="the least MW in all, or the same share of all who help the same limits"),
    ] = "least"

    def clear(self, need: FlexNeed, offers: FlexOffers) -> FlexResult:
        if not violated(need):
            return nothing_activated(need, offers)
        alike = np.full(len(offers), self.sharing == "pro-rata")
        called = in_turn(need, offers, offers.quantity_mw, ints(len(offers)), alike)
        return unbundled(offers, called, floats(len(offers)))
