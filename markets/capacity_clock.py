"""Explicit service: peers agree in pairs to relieve what the DSO names, at a price that rises until it is relieved."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Final, Self

import numpy as np
from pydantic import Field

from peerflex.core.arrays import Bools, Floats, Ints, floats
from peerflex.core.trade import FlexNeed, FlexOffers, FlexResult
from peerflex.core.units import DOWN, QUANTITY_TOLERANCE_MW, UP
from peerflex.markets.idle import nothing_activated
from peerflex.markets.lfm import VIOLATION_TOLERANCE

LEAST_RELIEF: Final = 1e-6
"""A pair that relieves less per MW does not relieve."""


@dataclass(frozen=True, slots=True)
class CapacityClock:
    """Bilateral trade of capacity with explicit service (EUniversal D5.3, 2022, section 4.1.5: conceptual model CM5).

    The DSO names each limit and how much relief it needs, and what it pays for a MWh of it: first nothing, then
    ``step_eur_per_mwh`` more with every tick until the limit is relieved or ``most_eur_per_mwh`` is reached (a
    descending-clock auction read upwards: Ausubel and Cramton, 2004). A peer that can give more and one that can take
    more agree with each other as soon as what both relieve together pays for what it costs them, the pair that gains
    most first; they share the gain in halves. As they move by the same amount, energy balances within every pair.

    Nobody tells its costs, and no one optimises: prices and agreements are all that is said. Promise: no peer loses,
    the DSO pays what its clock says, no limit is broken by relieving another. Dearer than the cheapest activations,
    by the clock's step and by what pairs keep of it. MW, EUR/MWh; cost in EUR per hour.
    """

    among_peers: ClassVar[bool] = True
    """The DSO's need is served by peers among themselves: explicit service."""

    step_eur_per_mwh: Annotated[float, Field(gt=0, le=1000, description="rise of the price of relief with a tick")] = (
        5.0
    )
    most_eur_per_mwh: Annotated[
        float, Field(gt=0, le=100_000, description="the most that the DSO pays for a MWh of relief")
    ] = 1000.0

    def clear(self, need: FlexNeed, offers: FlexOffers) -> FlexResult:
        call = Call.of(need, offers)
        if not call.unmet.any():
            return nothing_activated(need, offers)
        clock = floats(len(need))
        for _ in range(round(self.most_eur_per_mwh / self.step_eur_per_mwh)):
            if not call.unmet.any():
                break
            clock = np.where(call.unmet, clock + self.step_eur_per_mwh, clock)
            call.agree(clock)
        return call.result(clock)


@dataclass(slots=True)
class Call:
    """What is asked for, and what pairs have agreed so far. Rows are in MW where the need says how.

    ``effect`` ``(rows, offers)`` is what a MW of an offer changes, ``value`` ``(rows,)`` where the row stands,
    ``most_mw`` ``(ups, downs)`` what two could agree as things stand, if somebody has asked.
    """

    need: FlexNeed
    offers: FlexOffers
    effect: Floats
    value: Floats
    lower: Floats
    upper: Floats
    asked: Bools
    left_mw: Floats
    agreed_mw: Floats
    paid_eur_per_h: Floats
    most_mw: Floats | None = None

    @classmethod
    def of(cls, need: FlexNeed, offers: FlexOffers) -> Self:
        scale = np.where(np.isfinite(need.mw_per_unit) & (need.mw_per_unit > 0), need.mw_per_unit, 1.0)
        excess = np.maximum(need.value - need.upper, need.lower - need.value)
        return cls(
            need=need,
            offers=offers,
            effect=need.by_mw[:, offers.bus] * offers.side * scale[:, None],
            value=need.value * scale,
            lower=need.lower * scale,
            upper=need.upper * scale,
            asked=excess > VIOLATION_TOLERANCE,
            left_mw=offers.quantity_mw.copy(),
            agreed_mw=floats(len(offers)),
            paid_eur_per_h=floats(len(offers)),
        )

    @property
    def missing(self) -> Floats:
        """How far each row that was asked for is beyond its limit (> 0), in MW."""
        return np.where(self.asked, np.maximum(self.value - self.upper, self.lower - self.value), 0.0)

    @property
    def unmet(self) -> Bools:
        unmet: Bools = self.missing > QUANTITY_TOLERANCE_MW
        return unmet

    def agree(self, clock: Floats) -> None:
        """Have pairs agree at the prices of the clock until no two gain; who could not in its turn waits for a tick."""
        offers = self.offers
        ups, downs = (np.flatnonzero(offers.side == side) for side in (UP, DOWN))
        passed = np.zeros((len(ups), len(downs)), dtype=np.bool_)
        while passed.size and self.unmet.any():
            gain = (clock[:, None] * self._relief()).sum(axis=0) - offers.side * offers.price_eur_per_mwh
            gain = np.where(self.left_mw > QUANTITY_TOLERANCE_MW, gain, -np.inf)
            joint = np.where(passed, -np.inf, gain[ups][:, None] + gain[downs])
            if not joint.max() > 0.0:
                return
            if self.most_mw is None:
                self.most_mw = self._most_mw(ups, downs)
            can = self.most_mw > QUANTITY_TOLERANCE_MW
            able = np.where(can, joint, -np.inf)
            row = int(able.argmax())
            best = float(able.flat[row])
            if not best > 0.0:
                return
            first = np.arange(able.size).reshape(able.shape) < row
            passed |= ~can & ((joint > best) | (first & (joint == best)))
            up, down = np.unravel_index(row, able.shape)
            self._take(np.array([ups[up], downs[down]]), float(self.most_mw[up, down]), best)

    def _relief(self) -> Floats:
        """Return how much a MW of each offer relieves the rows that are not yet relieved ``(rows, offers)``."""
        towards = np.where(self.value > self.upper, -1.0, 1.0) * self.unmet
        relief: Floats = towards[:, None] * self.effect
        return relief

    def _most_mw(self, ups: Ints, downs: Ints) -> Floats:
        """Return how much each two can agree ``(ups, downs)``; 0 of those who relieve nothing together.

        They go on until one has no more, a limit is relieved, or another one is reached.
        """
        most = np.minimum.outer(self.left_mw[ups], self.left_mw[downs])
        helps = np.zeros(most.shape, dtype=np.bool_)
        above, below, missing = self.upper - self.value, self.value - self.lower, self.missing
        for row, (relief, effect) in enumerate(zip(self._relief(), self.effect, strict=True)):
            helped = np.add.outer(relief[ups], relief[downs]) > LEAST_RELIEF
            moves = np.add.outer(effect[ups], effect[downs])
            room = np.maximum(np.where(moves > 0, above[row], below[row]), 0.0)
            bound = helped | (np.abs(moves) > LEAST_RELIEF)
            size = np.where(helped, missing[row], room)
            most = np.minimum(most, np.divide(size, np.abs(moves), out=np.full(most.shape, np.inf), where=bound))
            helps |= helped
        return np.where(helps, most, 0.0)

    def _take(self, pair: Ints, most_mw: float, gain: float) -> None:
        share = self.offers.price_eur_per_mwh[pair] + self.offers.side[pair] * gain / 2
        self.left_mw[pair] -= most_mw
        self.agreed_mw[pair] += most_mw
        self.paid_eur_per_h[pair] += most_mw * share
        self.value = self.value + most_mw * self.effect[:, pair].sum(axis=1)
        self.most_mw = None

    def result(self, clock: Floats) -> FlexResult:
        offers, known = self.offers, np.isfinite(self.need.mw_per_unit) & (self.need.mw_per_unit > 0)
        accepted = np.minimum(self.agreed_mw, offers.quantity_mw)
        price = np.divide(self.paid_eur_per_h, accepted, out=offers.price_eur_per_mwh.copy(), where=accepted > 0)
        missing = np.where(self.unmet, self.missing, 0.0)
        return FlexResult(
            accepted_mw=accepted,
            price_eur_per_mwh=price,
            residual_mw=float((offers.side * accepted).sum()),
            cost_eur_per_h=float((offers.side * accepted * price).sum()),
            missing_mw=np.where((missing > 0) & ~known, np.inf, missing),
            multiplier_eur_per_mwh=clock,
        )
