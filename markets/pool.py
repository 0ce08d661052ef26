"""The single-price bilateral pool: what bilateral negotiation ends in when every pair is as good as any other."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from peerflex.core.arrays import Floats, floats
from peerflex.core.trade import MarketResult, Orders, Signal
from peerflex.core.units import QUANTITY_TOLERANCE_MW, SELL
from peerflex.markets.game import Equilibrium, Game
from peerflex.markets.matching import match, nothing_traded, serve
from peerflex.markets.pairs import agreed

SAME_VOLUME = 1e-12
"""Prices whose excess supply differs by less than this fraction of all orders clear alike."""


@dataclass(frozen=True, slots=True)
class BilateralPool:
    """The variational equilibrium of bilateral trading among equal pairs (Le Cadre et al. 2020, EJOR 282; EUniversal
    D5.3, 2022, chapter 5), with sellers' costs and buyers' values.

    Each order carries a quadratic term: a sale of ``x`` out of ``Q`` at price ``p`` costs ``p x + a x**2 / 2`` and a
    purchase is worth ``p x - a x**2 / 2``, with ``a = curvature / Q``. The equilibrium is the joint optimum, in which
    one price ``L`` clears: a seller sells ``Q * clip((L - p) / curvature, 0, 1)``, a buyer buys
    ``Q * clip((p - L) / curvature, 0, 1)``. Found exactly from the sorted breakpoints in O(N log N). Where an
    interval of prices clears, its middle is taken.

    Net positions are unique; who trades with whom is not and follows the rule of ``markets.matching``.
    All orders are of one delivery period and finite; EUR/MWh and MW. The random stream is not used.
    """

    bilateral: ClassVar[bool] = True
    """Peers agree in pairs, not through an auction."""

    curvature_eur_per_mwh: Annotated[
        float,
        Field(ge=0.01, le=1000, description="rise of the marginal cost from the first to the last unit of an order"),
    ] = 5.0

    def clear(self, orders: Orders, signal: Signal, rng: np.random.Generator) -> MarketResult:
        quantity, ask, width = orders.quantity_mw, orders.price_eur_per_mwh, self.curvature_eur_per_mwh
        sells = orders.side == SELL
        supply, demand = float(quantity[sells].sum()), float(quantity[~sells].sum())
        if min(supply, demand) <= QUANTITY_TOLERANCE_MW:
            return nothing_traded(orders)
        start = np.where(sells, ask, ask - width)
        price = clearing_price(start, np.full(len(start), width), quantity / width, supply, demand)
        accepted = quantity * np.clip(orders.side * (price - ask) / width, 0, 1)
        sold, bought = float(accepted[sells].sum()), float(accepted[~sells].sum())
        volume = min(sold, bought)
        if volume <= QUANTITY_TOLERANCE_MW:
            return nothing_traded(orders)
        accepted = accepted * np.where(sells, volume / sold, volume / bought)  # the last bits of the price's rounding
        return match(orders, accepted, price)


def solve_pool(game: Game) -> Equilibrium:
    """Return the equilibrium of a game whose pairs are all alike (``Game.all_alike``), without pair curvature.

    One price ``L`` clears. A seller keeps ``max(0, value + L)`` of the next unit, a buyer ``max(0, value - L)``, and
    each trades ``clip(that / curvature, 0, most)``. Trades follow the rule of ``markets.matching``. Both sides must
    offer something.
    """
    sellers, buyers = game.sellers, game.buyers
    cost, worth = -sellers.value_eur_per_mwh, buyers.value_eur_per_mwh
    of_seller, of_buyer = sellers.curvature * sellers.most_mw, buyers.curvature * buyers.most_mw
    price = clearing_price(
        start=np.concatenate([cost, worth - of_buyer]),
        width=np.concatenate([of_seller, of_buyer]),
        slope=1 / np.concatenate([sellers.curvature, buyers.curvature]),
        supply=float(sellers.most_mw.sum()),
        demand=float(buyers.most_mw.sum()),
    )
    seller_dual, buyer_dual = np.maximum(price - cost, 0), np.maximum(worth - price, 0)
    sold = np.minimum(seller_dual / sellers.curvature, sellers.most_mw)
    bought = np.minimum(buyer_dual / buyers.curvature, buyers.most_mw)
    volume = min(float(sold.sum()), float(bought.sum()))
    sold, bought = (side * (volume / side.sum() if volume > 0 else 0.0) for side in (sold, bought))
    sells, buys = np.argsort(cost, kind="stable"), np.argsort(-worth, kind="stable")
    first, second, quantity = serve(sold[sells], bought[buys])
    return agreed(game, (sells[first], buys[second], quantity), seller_dual, buyer_dual, "pool")


def clearing_price(start: Floats, width: Floats, slope: Floats, supply: float, demand: float) -> float:
    """Return the price in EUR/MWh at which the ramps of all orders add up to the demand.

    What a buyer does not buy and what a seller sells both rise with the price, by ``slope`` (MW per EUR/MWh) from
    ``start`` to ``start + width`` (EUR/MWh): so excess supply is the sum of all ramps less the whole demand (MW).
    Of an interval of such prices the middle is returned.
    """
    at = np.concatenate([start, start + width])
    slope = np.concatenate([slope, -slope])
    order = np.argsort(at, kind="stable")
    at = at[order]
    rises = np.cumsum(slope[order])[:-1] * np.diff(at)
    ramp = np.maximum.accumulate(np.concatenate([floats(1), np.cumsum(rises)]))

    def price_of(level: float, k: int) -> float:
        k = min(max(k, 1), len(at) - 1)
        rise = ramp[k] - ramp[k - 1]
        return float(at[k] if rise <= 0 else at[k - 1] + (level - ramp[k - 1]) / rise * (at[k] - at[k - 1]))

    slack = SAME_VOLUME * (supply + demand)
    low, high = demand - min(slack, demand / 2), demand + min(slack, supply / 2)
    lowest = price_of(low, int(np.searchsorted(ramp, low, "left")))
    highest = price_of(high, int(np.searchsorted(ramp, high, "right")))
    return (lowest + highest) / 2
