"""Sharing rules: what a community makes and uses itself is divided at a rate between the tariffs, not by bids."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field

from peerflex.core.arrays import Bools
from peerflex.core.trade import MarketResult, Orders, Signal
from peerflex.core.units import BUY, QUANTITY_TOLERANCE_MW, SELL
from peerflex.markets.matching import match, nothing_traded

Retail = Annotated[float, Field(ge=-500, le=5000, description="what the supplier sells at; the scenario's tariff")]
FeedIn = Annotated[float, Field(ge=-500, le=5000, description="what the supplier buys at; the scenario's tariff")]
PositiveFeedIn = Annotated[
    float, Field(gt=0, le=5000, description="what the supplier buys at, above 0; the scenario's tariff")
]


@dataclass(frozen=True, slots=True)
class MidMarketRate:
    """The mid-market rate (Long, Wu, Zhang, Thomas, Cheng and Jenkins, IEEE PES General Meeting 2017): energy shared
    within the community costs the mean of the retail and the feed-in tariff.

    Whom the rate suits takes part, the longer side in proportion to its orders; what is left goes to the supplier at
    the tariffs, which makes the paper's three average prices. Bids do not move the rate.

    Promised: individual rationality, budget balance, no gain from a misstated price, no meaning in the order of rows.
    Not promised: efficiency. The random stream is not used.
    """

    retail_eur_per_mwh: Retail = 320.0
    feed_in_eur_per_mwh: FeedIn = 80.0

    def clear(self, orders: Orders, signal: Signal, rng: np.random.Generator) -> MarketResult:
        return _shared(orders, (self.retail_eur_per_mwh + self.feed_in_eur_per_mwh) / 2)


@dataclass(frozen=True, slots=True)
class SupplyDemandRatio:
    """The supply-demand ratio (Liu, Yu, Wang, Li, Ma and Lei, IEEE Trans. Power Systems 32, 2017): the rate falls
    from the retail tariff, with nothing to share, to the feed-in tariff where supply covers all demand.

    The ratio is of all orders that some rate between the tariffs would suit. Who takes part and what is left: as with
    the mid-market rate. Bids move the rate only by being in that range or not.

    Promised: individual rationality, budget balance, no meaning in the order of rows. Not promised: efficiency,
    truthfulness (whoever withholds supply raises the rate). The random stream is not used.
    """

    retail_eur_per_mwh: Retail = 320.0
    feed_in_eur_per_mwh: PositiveFeedIn = 80.0

    def clear(self, orders: Orders, signal: Signal, rng: np.random.Generator) -> MarketResult:
        supply_mw = _sum(orders, _suits(orders, self.retail_eur_per_mwh) & (orders.side == SELL))
        demand_mw = _sum(orders, _suits(orders, self.feed_in_eur_per_mwh) & (orders.side == BUY))
        if min(supply_mw, demand_mw) <= QUANTITY_TOLERANCE_MW:
            return nothing_traded(orders)
        return _shared(orders, self.rate(supply_mw / demand_mw))

    def rate(self, ratio: float) -> float:
        """Return the internal selling price, EUR/MWh, at a ratio of supply to demand."""
        retail, feed_in = self.retail_eur_per_mwh, self.feed_in_eur_per_mwh
        if ratio >= 1.0:
            return feed_in
        return retail * feed_in / ((retail - feed_in) * ratio + feed_in)


def _shared(orders: Orders, rate_eur_per_mwh: float) -> MarketResult:
    """Return the trades of all whom the rate suits, the longer side pro rata to the quantity of its orders."""
    suits, sells = _suits(orders, rate_eur_per_mwh), orders.side == SELL
    offered_mw, wanted_mw = _sum(orders, suits & sells), _sum(orders, suits & ~sells)
    volume_mw = min(offered_mw, wanted_mw)
    if volume_mw <= QUANTITY_TOLERANCE_MW:
        return nothing_traded(orders)
    share = np.where(sells, volume_mw / offered_mw, volume_mw / wanted_mw)
    return match(orders, np.where(suits, orders.quantity_mw * share, 0.0), rate_eur_per_mwh)


def _suits(orders: Orders, rate_eur_per_mwh: float) -> Bools:
    suits: Bools = orders.side * (rate_eur_per_mwh - orders.price_eur_per_mwh) >= 0
    return suits


def _sum(orders: Orders, rows: Bools) -> float:
    return float(orders.quantity_mw[rows].sum())
