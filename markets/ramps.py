"""Excess supply as a function of the price: ramps of orders, added, clipped at zero and searched, all exactly."""

from dataclasses import dataclass

import numpy as np

from peerflex.core.arrays import Floats, floats
from peerflex.markets.game import Game

SAME_VOLUME = 1e-12
"""Excess supplies below this fraction of what the function spans are nothing: their prices clear alike."""


@dataclass(frozen=True, slots=True)
class Excess:
    """A rising, piecewise linear function of the price, constant beyond its ends.

    ``excess_mw`` holds its values at the rising prices ``at`` (EUR/MWh); shapes ``(points,)``, one at least.
    """

    at: Floats
    excess_mw: Floats

    def clearing(self) -> float:
        """Return the price without excess; the middle of an interval of these."""
        slack = SAME_VOLUME * (self.excess_mw[-1] - self.excess_mw[0])
        lowest = self._price_at(-slack, int(np.searchsorted(self.excess_mw, -slack, "left")))
        highest = self._price_at(slack, int(np.searchsorted(self.excess_mw, slack, "right")))
        return (lowest + highest) / 2

    def exports(self, price: float) -> "Excess":
        """Return the excess supply if it is above 0, which it is beyond the given clearing price, else 0."""
        later = self.at > price
        above = np.maximum(self.excess_mw[later], 0)
        return Excess(np.concatenate([[price], self.at[later]]), np.concatenate([floats(1), above]))

    def imports(self, price: float) -> "Excess":
        """Return the excess supply if it is below 0, which it is up to the given clearing price, else 0."""
        before = self.at < price
        below = np.minimum(self.excess_mw[before], 0)
        return Excess(np.concatenate([self.at[before], [price]]), np.concatenate([below, floats(1)]))

    def _price_at(self, level_mw: float, k: int) -> float:
        """Return where the function passes the level, between its points ``k - 1`` and ``k``, or its nearest end."""
        if k in (0, len(self.at)):
            return float(self.at[min(k, len(self.at) - 1)])
        rise, run = self.excess_mw[k] - self.excess_mw[k - 1], self.at[k] - self.at[k - 1]
        return float(self.at[k - 1] + (level_mw - self.excess_mw[k - 1]) / rise * run)


def excess_of(game: Game) -> Excess:
    """Return the excess supply of a game's orders at one price for all.

    A seller sells ``clip((value + price) / curvature, 0, most)``, a buyer buys ``clip((value - price) / curvature, 0,
    most)``; what the first sells and what the second does not buy rise with the price by ``1 / curvature``.
    """
    sellers, buyers = game.sellers, game.buyers
    width_of_seller, width_of_buyer = sellers.curvature * sellers.most_mw, buyers.curvature * buyers.most_mw
    start = np.concatenate([-sellers.value_eur_per_mwh, buyers.value_eur_per_mwh - width_of_buyer])
    end = start + np.concatenate([width_of_seller, width_of_buyer])
    slope = 1 / np.concatenate([sellers.curvature, buyers.curvature])
    at, slope = np.concatenate([start, end]), np.concatenate([slope, -slope])
    order = np.argsort(at, kind="stable")
    at = at[order]
    rises = np.maximum(np.cumsum(slope[order])[:-1], 0) * np.diff(at)
    begin = -float(buyers.most_mw.sum())
    return Excess(at, begin + np.concatenate([floats(1), np.cumsum(rises)])) if len(at) else NOTHING


def total(parts: list[Excess]) -> Excess:
    """Return the sum of functions; nothing is offered if there are none."""
    if len(parts) <= 1:
        return parts[0] if parts else NOTHING
    at = np.unique(np.concatenate([part.at for part in parts]))
    return Excess(at, sum((np.interp(at, part.at, part.excess_mw) for part in parts), start=floats(len(at))))


NOTHING = Excess(floats(1), floats(1))
