"""The uniform-price double auction: the mediator collects all orders and finds the one price that clears them."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field

from peerflex.core.trade import MarketResult, Orders, Signal
from peerflex.markets.matching import match, nothing_traded
from peerflex.markets.merit_order import merit_order


@dataclass(frozen=True, slots=True)
class UniformPriceDoubleAuction:
    """The k-double auction (Wilson 1985; Satterthwaite and Williams 1989), sealed bids, one price for all.

    The merit order trades (``markets.merit_order``). Every price between its ``lowest`` and ``highest`` clears the
    market; the price is ``lowest + k * (highest - lowest)``.

    All orders are of one delivery period and finite; EUR/MWh and MW. The random stream is not used.
    """

    k: Annotated[
        float,
        Field(ge=0, le=1, description="position of the price between the lowest (0) and the highest (1) that clears"),
    ] = 0.5

    def clear(self, orders: Orders, signal: Signal, rng: np.random.Generator) -> MarketResult:
        found = merit_order(orders)
        if found is None:
            return nothing_traded(orders)
        lowest, highest = found.lowest_eur_per_mwh, found.highest_eur_per_mwh
        price = float(np.clip(lowest + self.k * (highest - lowest), lowest, highest))
        return match(orders, found.accepted_mw, price)
