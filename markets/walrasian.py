"""Walrasian price adjustment: an auctioneer calls prices, peers answer with quantities, until the two sides meet."""

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from peerflex.core.arrays import Bools, Floats, floats
from peerflex.core.trade import MarketResult, Orders, Signal
from peerflex.core.units import BUY, QUANTITY_TOLERANCE_MW, SELL
from peerflex.markets.matching import match, nothing_traded

FURTHEST = 10_000.0
"""No price beyond this, in EUR/MWh, is called, nor below its negative."""
FIRST_STEP = 1.0
"""EUR/MWh"""
DIGITS = 9
"""A tick may be as small as a millionth."""


@dataclass(frozen=True, slots=True)
class WalrasianAuction:
    """Tatonnement (Walras, Elements of Pure Economics, 1874; Joyce, Economic Inquiry 22, 1984): no trade before the
    price at which supply meets demand has been found by calling prices.

    The price rises where more is wanted than offered, else it falls, by a step that doubles until the longer side has
    changed; then the interval is halved. It ends when the sides differ by no more than ``tolerance``, when a tick
    higher the other side is longer, or after ``most_rounds``. Of the longer side those trade in full whom the price
    would still suit a tick worse, the others share what is left pro rata (all of it, if it is not enough for those).

    Promised: individual rationality at the last price, budget balance, no meaning in the order of rows; once prices are
    multiples of the tick and rounds suffice, the volume and a price of the uniform-price auction. Not promised:
    truthfulness. An order with a slope answers ``(price - limit) / slope``. The random stream is not used.
    """

    heeds_slopes: ClassVar[bool] = True

    first_eur_per_mwh: Annotated[float, Field(ge=-500, le=5000, description="the price that is called first")] = 200.0
    tick_eur_per_mwh: Annotated[float, Field(ge=1e-6, le=10, description="prices called are multiples of this")] = 0.001
    tolerance: Annotated[
        float,
        Field(ge=0, le=0.1, description="difference of supply and demand, as a share of the larger, that is none"),
    ] = 1e-9
    most_rounds: Annotated[int, Field(ge=1, le=10_000, description="prices called after which the last one holds")] = (
        200
    )

    def clear(self, orders: Orders, signal: Signal, rng: np.random.Generator) -> MarketResult:
        book = _Book(orders, self.tick_eur_per_mwh)
        called, last = self._called(book)
        met = [ticks for ticks, (offered, wanted) in called.items() if self._meet(offered, wanted)]
        best = met[-1] if met else max(last, key=lambda ticks: min(called[ticks]))
        (offered, wanted), answers = called[best], book.answers(best)
        longer = orders.side == (BUY if wanted > offered else SELL)
        keen = floats(len(orders))
        if not met:
            worse = best + (1 if wanted > offered else -1)
            keen = book.answers(worse)
            called.setdefault(worse, book.sums(keen))
        volume = min(offered, wanted)
        result = nothing_traded(orders)
        if volume > QUANTITY_TOLERANCE_MW:
            rationed = np.where(longer, _rationed(answers, keen, longer, volume), answers)
            result = match(orders, rationed, book.price(best))
        return replace(result, rounds=len(called), messages=2 * len(called) * book.owners)

    def _called(self, book: "_Book") -> tuple[dict[int, tuple[float, float]], list[int]]:
        """Return what is offered and wanted (MW) at each price (in ticks) that is called, in the order of the calls.

        And the last prices called at which demand and supply are longer, where there are such.
        """
        tick = self.tick_eur_per_mwh
        at, step, furthest = (round(x / tick) for x in (self.first_eur_per_mwh, FIRST_STEP, FURTHEST))
        step = max(step, 1)
        called: dict[int, tuple[float, float]] = {}
        low, high = (
            -furthest - 1,
            furthest + 1,
        )  # demand is longer at the one, supply at the other, or they are not called
        while high - low > 1 and len(called) < self.most_rounds:
            offered, wanted = called[at] = book.sums(book.answers(at))
            if self._meet(offered, wanted):
                break
            low, high = (at, high) if wanted > offered else (low, at)
            if low in called and high in called:
                at = (low + high) // 2
            else:
                at = min(low + step, furthest) if wanted > offered else max(high - step, -furthest)
                step *= 2
        return called, [ticks for ticks in (low, high) if ticks in called]

    def _meet(self, offered: float, wanted: float) -> bool:
        return abs(wanted - offered) <= self.tolerance * max(offered, wanted)


@dataclass(frozen=True, slots=True)
class _Book:
    """What the owners of orders answer to prices that are called in ticks."""

    orders: Orders
    tick_eur_per_mwh: float

    @property
    def owners(self) -> int:
        return len(np.unique(self.orders.peer[self.orders.quantity_mw > 0]))

    def price(self, ticks: int) -> float:
        """Return the price of some ticks: the decimal number, not a product that misses it by a bit."""
        return round(ticks * self.tick_eur_per_mwh, DIGITS)

    def answers(self, ticks: int) -> Floats:
        """Return what each order would trade at a price, in MW."""
        orders = self.orders
        gain, slope = orders.side * (self.price(ticks) - orders.price_eur_per_mwh), orders.slope_eur_per_mwh2
        ramp = np.divide(gain, slope, out=np.where(gain >= 0, np.inf, 0.0), where=slope > 0)
        return np.clip(ramp, 0.0, orders.quantity_mw)

    def sums(self, answers: Floats) -> tuple[float, float]:
        """Return what is offered and what is wanted in all, in MW."""
        sells = self.orders.side == SELL
        return float(answers[sells].sum()), float(answers[~sells].sum())


def _rationed(answers: Floats, keen: Floats, longer: Bools, volume_mw: float) -> Floats:
    """Return what the longer side trades: what it is keen on first, all alike pro rata where that is too much."""
    kept = np.where(longer, np.minimum(keen, answers), 0.0)
    if kept.sum() > volume_mw:
        return np.asarray(kept * (volume_mw / kept.sum()))
    rest = np.where(longer, answers, 0.0) - kept
    return np.asarray(kept + rest * ((volume_mw - kept.sum()) / max(rest.sum(), 1e-300)))
