"""Excess supply as a function of the price: ramps of orders, added, clipped at zero and searched, all exactly."""

from dataclasses import dataclass
from itertools import accumulate, pairwise

import numpy as np

from peerflex.core.arrays import Floats, Ints, add_up, floats
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
        lowest = self._price_at(-slack, int(self.excess_mw.searchsorted(-slack, "left")))
        highest = self._price_at(slack, int(self.excess_mw.searchsorted(slack, "right")))
        return (lowest + highest) / 2

    def exports(self, price: float) -> "Excess":
        """Return the excess supply if it is above 0, which it is beyond the given clearing price, else 0."""
        later = int(self.at.searchsorted(price, "right"))
        at, above = np.empty(len(self.at) - later + 1), floats(len(self.at) - later + 1)
        at[0], at[1:] = price, self.at[later:]
        np.maximum(self.excess_mw[later:], 0, out=above[1:])
        return Excess(at, above)

    def imports(self, price: float) -> "Excess":
        """Return the excess supply if it is below 0, which it is up to the given clearing price, else 0."""
        before = int(self.at.searchsorted(price, "left"))
        at, below = np.empty(before + 1), floats(before + 1)
        at[:-1], at[-1] = self.at[:before], price
        np.minimum(self.excess_mw[:before], 0, out=below[:-1])
        return Excess(at, below)

    def _price_at(self, level_mw: float, k: int) -> float:
        """Return where the function passes the level, between its points ``k - 1`` and ``k``, or its nearest end."""
        if k in (0, len(self.at)):
            return float(self.at[min(k, len(self.at) - 1)])
        rise, run = self.excess_mw[k] - self.excess_mw[k - 1], self.at[k] - self.at[k - 1]
        return float(self.at[k - 1] + (level_mw - self.excess_mw[k - 1]) / rise * run)


def excess_by_zone(game: Game, zone_of_seller: Ints, zone_of_buyer: Ints, n_zones: int) -> list[Excess]:
    """Return the excess supply of each zone's orders at one price for all of them.

    A seller sells ``clip((value + price) / curvature, 0, most)``, a buyer buys ``clip((value - price) / curvature, 0,
    most)``; what the first sells and what the second does not buy rise with the price by ``1 / curvature``.
    """
    sellers, buyers = game.sellers, game.buyers
    width_of_seller, width_of_buyer = sellers.curvature * sellers.most_mw, buyers.curvature * buyers.most_mw
    start = np.concatenate([-sellers.value_eur_per_mwh, buyers.value_eur_per_mwh - width_of_buyer])
    end = start + np.concatenate([width_of_seller, width_of_buyer])
    slope = 1 / np.concatenate([sellers.curvature, buyers.curvature])
    at, slope = np.concatenate([start, end]), np.concatenate([slope, -slope])
    zone = np.concatenate([zone_of_seller, zone_of_buyer, zone_of_seller, zone_of_buyer])
    order = np.lexsort((at, zone))
    at, slope, zone = at[order], slope[order], zone[order]
    spans = list(pairwise([0, *np.bincount(zone, minlength=n_zones).cumsum().tolist()]))
    rising = np.maximum(_running(slope, spans), 0)
    step = floats(len(at))
    step[1:] = np.where(zone[1:] == zone[:-1], rising[:-1] * (at[1:] - at[:-1]), 0)
    begin = -add_up(zone_of_buyer, buyers.most_mw, n_zones)
    excess_mw = begin[zone] + _running(step, spans)
    return [Excess(at[a:b], excess_mw[a:b]) if a < b else NOTHING for a, b in spans]


def _running(values: Floats, spans: list[tuple[int, int]]) -> Floats:
    """Return the running sums of the values, begun anew in every span."""
    all_values = values.tolist()
    return np.array([each for a, b in spans for each in accumulate(all_values[a:b])])


def total(parts: list[Excess]) -> Excess:
    """Return the sum of functions; nothing is offered if there are none."""
    if len(parts) <= 1:
        return parts[0] if parts else NOTHING
    at = np.concatenate([part.at for part in parts])
    at.sort()
    excess_mw = floats(len(at))
    for part in parts:
        excess_mw += np.interp(at, part.at, part.excess_mw)
    return Excess(at, excess_mw)


NOTHING = Excess(floats(1), floats(1))
