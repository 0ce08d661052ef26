"""The k-double auction in pairs: the merit order trades, every pair at a price between its own ask and bid."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field

from peerflex.core.trade import MarketResult, Orders, Signal
from peerflex.markets.matching import nothing_traded, pair, settle_pairs
from peerflex.markets.merit_order import merit_order


@dataclass(frozen=True, slots=True)
class PairwiseDoubleAuction:
    """The k-double auction of two (Chatterjee and Samuelson, Operations Research 31, 1983), for every pair of a book.

    The merit order trades, as in the uniform-price auction (``markets.merit_order``): the cheapest seller with the
    dearest buyer, and so on. Each pair settles at ``ask + k * (bid - ask)``.

    Promised: individual rationality, a budget that is exactly balanced, the largest gain from trade of the prices that
    were bid, and no meaning in the order of rows but between equal prices. Not promised: truthfulness, nor one price
    for all. The random stream is not used.
    """

    k: Annotated[
        float,
        Field(
            ge=0, le=1, description="position of a pair's price between the seller's ask (0) and the buyer's bid (1)"
        ),
    ] = 0.5

    def clear(self, orders: Orders, signal: Signal, rng: np.random.Generator) -> MarketResult:
        found = merit_order(orders)
        if found is None:
            return nothing_traded(orders)
        pairs = pair(orders, found.accepted_mw)
        ask, bid = orders.price_eur_per_mwh[pairs.sell_order], orders.price_eur_per_mwh[pairs.buy_order]
        return settle_pairs(orders, pairs, np.clip(ask + self.k * (bid - ask), ask, bid))
