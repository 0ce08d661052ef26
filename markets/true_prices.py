"""Prices that do not know how far firm orders bid beyond what is true: a premium gives priority and is never money."""

from dataclasses import dataclass, replace

import numpy as np

from peerflex.core.arrays import Bools, Floats
from peerflex.core.trade import FIRM_EUR_PER_MWH, NAN
from peerflex.core.units import BUY, SELL
from peerflex.markets.game import Equilibrium, Game, Side
from peerflex.markets.pairs import components

SAME_PRICE_EUR_PER_MWH = 1e-6
"""Prices closer than this are one: the duals of one price round differently from pair to pair."""


def firm_part(premium_eur_per_mwh: Floats) -> Floats:
    """Return what of a premium only gives priority: all of it but the penalty of an extra order, which is asked for."""
    part: Floats = FIRM_EUR_PER_MWH * np.floor(np.maximum(premium_eur_per_mwh, 0.0) / FIRM_EUR_PER_MWH)
    return part


@dataclass(frozen=True, slots=True)
class TruePrices:
    """A game as it was bid, the same with ``true`` values, and who is firm in it ``(sellers,)``, ``(buyers,)``."""

    bid: Game
    true: Game
    firm_seller: Bools
    firm_buyer: Bools

    @classmethod
    def of(cls, game: Game, of_seller: Floats, of_buyer: Floats) -> "TruePrices":
        """Look at a game; ``(sellers,)`` and ``(buyers,)`` is what their bids have of priority alone, EUR/MWh."""
        true = replace(game, sellers=_less(game.sellers, of_seller), buyers=_less(game.buyers, of_buyer))
        return cls(game, true, of_seller > 0.0, of_buyer > 0.0)

    def settle(self, price_eur_per_mwh: Floats, found: Equilibrium) -> Floats:
        """Return the prices at which trades settle, made of those of the duals; both ``(trades,)``, EUR/MWh.

        Every order that is not firm stays content with what it trades. Without firm orders nothing changes.
        """
        if not (self.firm_seller.any() or self.firm_buyer.any()):
            return price_eur_per_mwh
        if self.bid.weighted:
            return self._of_pairs(price_eur_per_mwh, found)
        one = one_price(price_eur_per_mwh)
        if np.isnan(one):
            return self._of_zones(price_eur_per_mwh)
        return np.full(len(price_eur_per_mwh), self._of_zones(np.array([one])))

    def _range(self) -> tuple[float, float]:
        """Return the least and the most that the first or the last MW of any order truly costs or is worth."""
        ends = np.concatenate([*_curve(self.true.sellers, SELL), *_curve(self.true.buyers, BUY)])
        return float(ends.min()), float(ends.max())

    def _of_zones(self, price: Floats) -> Floats:
        """Keep a price that lies on the curve of an order that is not firm; else take the middle of where none does.

        Beyond all of these curves what is scarce decides: demand if a firm buyer is not served in full, supply if a
        firm seller is not.
        """
        low, high = self._range()
        sold = _curve(self.true.sellers.take(np.flatnonzero(~self.firm_seller)), SELL)
        bought = _curve(self.true.buyers.take(np.flatnonzero(~self.firm_buyer)), BUY)
        begins, ends = np.sort(np.concatenate([sold[0], bought[0]])), np.sort(np.concatenate([sold[1], bought[1]]))
        steps = np.sort(np.concatenate([begins, ends]))
        below = np.searchsorted(steps, price + SAME_PRICE_EUR_PER_MWH, "right")
        above = np.searchsorted(steps, price - SAME_PRICE_EUR_PER_MWH, "left")
        on_curve = np.searchsorted(begins, price, "left") > np.searchsorted(ends, price, "right")
        between = (np.append(low, steps)[below] + np.append(steps, high)[above]) / 2
        served_up_to = _curve(self.bid.buyers.take(np.flatnonzero(self.firm_buyer)), BUY)[0].min(initial=np.inf)
        sold_from = _curve(self.bid.sellers.take(np.flatnonzero(self.firm_seller)), SELL)[1].max(initial=-np.inf)
        between = np.where((below == len(steps)) & (price > served_up_to), high, between)
        between = np.where((above == 0) & (price < sold_from), low, between)
        return np.where(on_curve, price, between)

    def _of_pairs(self, price: Floats, found: Equilibrium) -> Floats:
        """Bring the price of each trade with a firm side into the range, and to where its other side is content."""
        low, high = self._range()
        firm_seller, firm_buyer = self.firm_seller[found.seller], self.firm_buyer[found.buyer]
        of_seller, of_buyer = components(self.true, found.seller, found.buyer)
        sellers, buyers = self.true.sellers.take(found.seller), self.true.buyers.take(found.buyer)
        pays_anyway = np.where(firm_buyer, low, of_buyer - buyers.curvature * buyers.most_mw)
        takes_anyway = np.where(firm_seller, high, sellers.curvature * sellers.most_mw - of_seller)
        within = np.clip(price, np.minimum(low, pays_anyway), np.maximum(high, takes_anyway))
        return np.where(firm_seller | firm_buyer, within, price)


def one_price(price_eur_per_mwh: Floats) -> float:
    """Return the median price if all prices are one, else NaN."""
    ranked, n = np.sort(price_eur_per_mwh), len(price_eur_per_mwh)
    if ranked[-1] - ranked[0] > SAME_PRICE_EUR_PER_MWH:
        return NAN
    return float((ranked[(n - 1) // 2] + ranked[n // 2]) / 2)


def _less(side: Side, eur_per_mwh: Floats) -> Side:
    return replace(side, value_eur_per_mwh=side.value_eur_per_mwh - eur_per_mwh)


def _curve(side: Side, sells_or_buys: int) -> tuple[Floats, Floats]:
    """Return the lower and the upper end of what each order of a side costs or is worth, EUR/MWh; shapes ``(n,)``."""
    run = side.curvature * side.most_mw
    if sells_or_buys == SELL:
        return -side.value_eur_per_mwh, run - side.value_eur_per_mwh
    return side.value_eur_per_mwh - run, side.value_eur_per_mwh
