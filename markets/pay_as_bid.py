"""The pay-as-bid auction: whoever trades pays what it bid or gets what it asked, and the mediator keeps the rest."""

from dataclasses import dataclass

import numpy as np

from peerflex.core.trade import MarketResult, Orders, Signal
from peerflex.markets.matching import nothing_traded, pair, settle_pairs
from peerflex.markets.merit_order import merit_order


@dataclass(frozen=True, slots=True)
class PayAsBidAuction:
    """The discriminatory double auction (Nicolaisen, Petrov and Tesfatsion, IEEE T. Evol. Comput. 5, 2001, compare it).

    The merit order trades, as in the uniform-price auction (``markets.merit_order``). A seller gets its own price, a
    buyer pays its own, and the difference is the mediator's fee.

    Promised: individual rationality, a budget that is never negative, the largest gain from trade of the prices that
    were bid, and no meaning in the order of rows beyond who is paired with whom. Not promised: truthfulness. Whoever
    bids its true price gains nothing, so peers that think will shade. The random stream is not used.
    """

    def clear(self, orders: Orders, signal: Signal, rng: np.random.Generator) -> MarketResult:
        found = merit_order(orders)
        if found is None:
            return nothing_traded(orders)
        pairs = pair(orders, found.accepted_mw)
        ask, bid = orders.price_eur_per_mwh[pairs.sell_order], orders.price_eur_per_mwh[pairs.buy_order]
        return settle_pairs(orders, pairs, ask, fee_eur_per_mwh=bid - ask)
