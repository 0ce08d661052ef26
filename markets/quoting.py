"""How the owners of orders quote in a continuous market: which price each quote states.

Margins are counted from the limit (a seller's cost, a buyer's value) towards the far end of the price range: the
highest price for sellers, the lowest for buyers. No quote is ever worse than its limit; where a limit is beyond the
range, quotes state the limit.
"""

from dataclasses import dataclass
from typing import Annotated, Literal, Protocol

import numpy as np
from pydantic import Field

from peerflex.core.arrays import Floats, Ints
from peerflex.core.errors import InputError
from peerflex.core.units import BUY, SELL

Lowest = Annotated[float, Field(ge=-5000, le=5000, description="low end of the price range: where buyers begin")]
Highest = Annotated[float, Field(ge=-5000, le=5000, description="high end of the price range: where sellers begin")]
Kind = Literal["limit", "conceding", "zero-intelligence", "zero-intelligence-plus"]

PERTURBATION = 0.05
"""How far a target lies beyond the price heard, at most: this share of it and this many EUR/MWh (Cliff and Bruten)."""


class Quoting(Protocol):
    """What a quote states at the moment it is sent, and what owners make of what all of them hear."""

    def price(self, order: int, quote: int) -> float: ...

    def hear(self, side: int, price_eur_per_mwh: float, paid_eur_per_mwh: float | None) -> None: ...


@dataclass(frozen=True, slots=True)
class Drawn:
    """Prices that listen to nobody: all of them are known beforehand."""

    prices: list[float]

    def price(self, order: int, quote: int) -> float:
        return self.prices[quote]

    def hear(self, side: int, price_eur_per_mwh: float, paid_eur_per_mwh: float | None) -> None:
        """Nobody listens."""


@dataclass(frozen=True, slots=True)
class Mixed:
    """Owners that quote each in their own way: ``kinds`` of the orders, and how all would be quoted in each.

    Who learns hears what everybody says, whatever way they quote.
    """

    kinds: list[Kind]
    of_kind: dict[Kind, Quoting]

    def price(self, order: int, quote: int) -> float:
        return self.of_kind[self.kinds[order]].price(order, quote)

    def hear(self, side: int, price_eur_per_mwh: float, paid_eur_per_mwh: float | None) -> None:
        for each in self.of_kind.values():
            each.hear(side, price_eur_per_mwh, paid_eur_per_mwh)


def quoting(kind: Kind, side: Ints, limit: Floats, far: Floats, quotes: int, rng: np.random.Generator) -> Quoting:
    """Return how orders are quoted, ``quotes`` times each; quote ``order * quotes + k`` is the order's k-th.

    ``side``, ``limit`` and ``far`` (the end of the range that each order begins from) have shape ``(orders,)``.

    - ``limit``: every quote states the limit.
    - ``conceding``: the k-th of K quotes has gone k/K of the way from the far end to the limit; the last states it.
    - ``zero-intelligence``: uniform between limit and far end, drawn anew each time: the constrained traders of Gode
      and Sunder (1993, Journal of Political Economy 101).
    - ``zero-intelligence-plus``: see ``ZeroIntelligencePlus``.
    """
    if kind == "zero-intelligence-plus":
        return ZeroIntelligencePlus(side, limit, far, rng)
    if kind == "limit":
        margin = np.zeros((len(limit), quotes))
    elif kind == "conceding":
        margin = np.broadcast_to(1 - np.arange(1, quotes + 1) / quotes, (len(limit), quotes))
    else:
        margin = rng.random((len(limit), quotes))
    return Drawn((limit[:, None] + margin * (far - limit)[:, None]).ravel().tolist())


def far_end(side: Ints, limit: Floats, lowest: float, highest: float) -> Floats:
    """Return the price from which each order begins ``(orders,)``: never worse for its owner than the limit."""
    return np.where(side == SELL, np.maximum(limit, highest), np.minimum(limit, lowest))


def check_range(lowest: float, highest: float) -> None:
    """Refuse a price range without prices in it."""
    if lowest >= highest:
        what = f"is {lowest:g}, not below highest_eur_per_mwh, {highest:g}"
        raise InputError("lowest_eur_per_mwh", what, "Lower it, or raise the other.")


class ZeroIntelligencePlus:
    """Owners that learn their margin from what they hear (Cliff and Bruten 1997, HP Laboratories HPL-97-91).

    After a trade, whoever would have got a better price raises its margin; of the side that did not shout, whoever
    asks for more than was paid lowers it. After a shout that nobody took, those of the same side who ask as much or
    more lower theirs. Each moves by the Widrow-Hoff rule with momentum: ``change = g * change + (1 - g) * b * (target -
    price)``; the target lies slightly beyond what was heard.

    Two things differ from the paper, because energy has limits of zero and below: margins are in EUR/MWh, not a factor
    of the limit, and the first is 5 to 35 % of the way to the far end. Prices are held as side * price, so that more
    is better for buyers as for sellers.
    """

    def __init__(self, side: Ints, limit: Floats, far: Floats, rng: np.random.Generator) -> None:
        n = len(side)
        self._side, self._rng = side, rng
        self._is = {SELL: side == SELL, BUY: side == BUY}
        self._floor, self._ceiling = side * limit, side * far
        self._asks = self._floor + rng.uniform(0.05, 0.35, n) * (self._ceiling - self._floor)
        self._momentum = rng.uniform(0.0, 0.1, n)
        self._rate = rng.uniform(0.1, 0.5, n) * (1 - self._momentum)
        self._change = np.zeros(n)

    def price(self, order: int, quote: int) -> float:
        return float(self._side[order] * self._asks[order])

    def hear(self, side: int, price_eur_per_mwh: float, paid_eur_per_mwh: float | None) -> None:
        heard = price_eur_per_mwh if paid_eur_per_mwh is None else paid_eur_per_mwh
        above = self._asks - heard * self._side
        first, second = self._rng.random((2, len(above)))
        beyond = PERTURBATION * (abs(heard) * first + second)
        if paid_eur_per_mwh is None:
            moves = self._is[side] & (above >= 0)
            error = -beyond - above
        else:
            raises = above <= 0
            moves = raises | self._is[-side]
            error = np.where(raises, beyond, -beyond) - above
        change = self._momentum * self._change + self._rate * error
        asks = np.minimum(np.maximum(self._asks + change, self._floor), self._ceiling)
        np.copyto(self._change, change, where=moves)
        np.copyto(self._asks, asks, where=moves)
