"""Why an offer of flexibility was activated, or was not: candidates from the flexibility market of the hour."""

import numpy as np

from peerflex.agents.watch import severity, worst
from peerflex.core.arrays import Floats
from peerflex.core.trade import FlexResult
from peerflex.core.units import QUANTITY_TOLERANCE_MW, UP
from peerflex.markets.idle import NoFlexMarket
from peerflex.markets.lfm import LocalFlexibilityMarket, eligible
from peerflex.runs.area.agreements import takes_energy
from peerflex.runs.explain.again import Again
from peerflex.runs.explain.flex_again import BALANCE, BLOCKS, NO_FLEX_MARKET, buys_untraded, expected, rows_of
from peerflex.runs.explain.text import CRUMB, money, power
from peerflex.runs.explain.types import SAME_EUR_PER_MWH, Candidate, Element, Figures, Outcome, Without

MOST_RIVALS = 16
MOST_IDLE = 3
MOST_NEAR = 50
"""Elements that are looked at for one that an offer moves, those nearest to their limits."""
MOVES = 0.05
"""Share of the largest effect of any bus from which an offer moves a limit."""


def offer_outcome(result: FlexResult, row: int) -> Outcome:
    return Outcome(float(result.accepted_mw[row]))


def of_offer(again: Again, row: int) -> list[Candidate]:
    """Return what may be why an offer was activated so far: limits, rivals, its price, its place, rules."""
    return _Offers(again, row).candidates()


class _Offers:
    """The offers and the need of an hour, seen from one offer."""

    def __init__(self, again: Again, row: int) -> None:
        moment = again.moment
        self.moment, self.area, self.row = moment, moment.area, row
        self.offers, self.need, self.result = moment.decision.offers, moment.decision.need, moment.decision.flex
        self.price = float(self.offers.price_eur_per_mwh[row])
        self.interface = self.area.tariffs.interface_eur_per_mwh
        self.activated: Floats = self.result.accepted_mw

    def candidates(self) -> list[Candidate]:
        if isinstance(self.area.flex_market, NoFlexMarket):
            return [self._nothing(*each, frozenset({NO_FLEX_MARKET})) for each in self._nearest_limits()]
        if not len(self.need):
            return [self._nothing(*each, frozenset()) for each in self._nearest_limits()]
        return [*self._limits(), *self._rivals(), *self._idle(), *self._own(), *self._balance(), *self._blocks()]

    def name(self, row: int) -> str:
        return f"offer {row} of {self.area.peers.name[self.offers.peer[row]]}"

    def element(self, element: Element) -> str:
        is_voltage, row = element
        return f"voltage at bus {self.area.grid.buses.name[row]}" if is_voltage else self.area.grid.branches.name[row]

    def _limits(self) -> list[Candidate]:
        """Return the limits of the need, those with a multiplier first; the others do not bind."""
        keys = zip(self.need.is_voltage.tolist(), self.need.element.tolist(), strict=True)
        found = []
        for element in dict.fromkeys(keys):
            rows = rows_of(self.need, frozenset({element}))
            multiplier = self.result.multiplier_eur_per_mwh[rows]
            best = rows[int(np.argmax(multiplier))]
            missing = float(self.result.missing_mw[rows].max())
            binds = multiplier.max() > 0.0 or missing > QUANTITY_TOLERANCE_MW
            found.append((not binds, -float(multiplier.max()), self._limit(element, best, idle=not binds)))
        return [each for *_, each in sorted(found, key=lambda each: each[:2])]

    def _limit(self, element: Element, row: int, *, idle: bool) -> Candidate:
        need, name = self.need, self.element(element)
        value, low, high = float(need.value[row]), float(need.lower[row]), float(need.upper[row])
        above = value > (low + high) / 2
        limit, by_mw = (high if above else low), float(need.by_mw[row, self.offers.bus[self.row]])
        unit, sensitivity, per = ("pu", by_mw, "pu/MW") if element[0] else ("%", by_mw * need.mw_per_unit[row], "MW/MW")
        helps = by_mw * self.offers.side[self.row] * (-1.0 if above else 1.0)
        effect = "does not move" if abs(sensitivity) < CRUMB else "relieves" if helps > 0 else "weighs on"
        told = (
            f"{value:.4f} pu against {limit:.4f} pu"
            if element[0]
            else f"{100 * value:.1f} % against {100 * limit:.0f} %"
        )
        worth = float(self.result.multiplier_eur_per_mwh[row])
        why = f"Before any activation the DSO expected {told} ({name}), and this offer {effect} it."
        if worth > 0.0:
            why = f"{why} The last MW of relief there cost {money(worth)}."
        figures = Figures(value, limit, unit, worth, sensitivity, per)
        without, otherwise = Without(limits=frozenset({element})), "Without this limit"
        return Candidate("limit", name, why, otherwise, without, figures, "flex-need", idle)

    def _rivals(self) -> list[Candidate]:
        """Return offers that were activated, the dearest first."""
        rows = np.flatnonzero(self.activated > QUANTITY_TOLERANCE_MW)
        rows = rows[rows != self.row]
        dear = (self.offers.side * (self.offers.price_eur_per_mwh - self.interface))[rows]
        rows = rows[np.argsort(-dear, kind="stable")][:MOST_RIVALS]
        return [self._offer(int(each), "Another offer is activated beside it or before it") for each in rows]

    def _idle(self) -> list[Candidate]:
        """Return offers that were not activated and are the farthest from it."""
        rows = np.flatnonzero(self.activated <= QUANTITY_TOLERANCE_MW)
        rows = rows[rows != self.row]
        dear = (self.offers.side * (self.offers.price_eur_per_mwh - self.interface))[rows]
        rows = rows[np.argsort(-dear, kind="stable")][:MOST_IDLE]
        return [self._offer(int(each), "It is not activated, and far from it", idle=True) for each in rows]

    def _offer(self, row: int, because: str, *, idle: bool = False) -> Candidate:
        way = "up" if self.offers.side[row] == UP else "down"
        price, done = float(self.offers.price_eur_per_mwh[row]), power(float(self.activated[row]))
        why = f"{because}: {self.name(row)}, {done} {way} at {money(price)}{self._settled(row)}."
        figures, without = Figures(price, self.price, "EUR/MWh"), Without(offers=frozenset({row}))
        return Candidate("offer", self.name(row), why, "Without this offer", without, figures, "flex-offer", idle)

    def _settled(self, row: int) -> str:
        """Return at what an offer is settled, where that is not its own price."""
        paid = float(self.result.price_eur_per_mwh[row])
        if abs(paid - float(self.offers.price_eur_per_mwh[row])) < SAME_EUR_PER_MWH:
            return ""
        return f" (settled at {money(paid)})"

    def _own(self) -> list[Candidate]:
        """Return its own price, its own place, and both."""
        row, side, active = self.row, int(self.offers.side[self.row]), self.activated
        figures = Figures(self.price, self.interface, "EUR/MWh")
        fits = bool(eligible(self.offers, self.interface)[row]) or not takes_energy(self.area.flex_market)
        if active[row] > QUANTITY_TOLERANCE_MW:
            far = float(np.abs(self.offers.price_eur_per_mwh).max() + abs(self.interface) + 1.0)
            dear = Without(offer_prices=frozenset({(row, self.interface + side * 3.0 * far)}))
            why = f"Its price of {money(self.price)}{self._settled(row)} is among the cheapest that do what is needed."
            return [
                Candidate(
                    "rule", f"price of {self.name(row)}", why, "At a far worse price", dear, figures, "flex-offer"
                )
            ]
        free = Without(offer_prices=frozenset({(row, self.interface)}))
        why = f"Its price of {money(self.price)} is dearer than what was activated"
        if self.offers.least_share[row] > 0:
            least_mw = float(self.offers.least_share[row] * self.offers.quantity_mw[row])
            why = f"Its price of {money(self.price)} is too dear for {power(least_mw)} or more, the least it gives"
        if not fits:
            why = f"Its price of {money(self.price)} is on the wrong side of the interface price, so it takes no part"
        otherwise = f"At the interface price, {money(self.interface)}"
        found = [Candidate("rule", f"price of {self.name(row)}", f"{why}.", otherwise, free, figures, "flex-offer")]
        same = np.flatnonzero((active > QUANTITY_TOLERANCE_MW) & (self.offers.side == side))
        if len(same):
            there = int(same[np.argmax(active[same])])
            bus = self.area.grid.buses.name[self.offers.bus[there]]
            moved = Without(stand_ins=frozenset({(row, int(self.offers.bus[there]))}))
            why = f"It is where it helps less than {self.name(there)} does at bus {bus}."
            found.append(
                Candidate("rule", f"place of {self.name(row)}", why, f"At bus {bus}", moved, Figures(), "flex-offer")
            )
            return found
        return [*found, *(self._nothing(*each, frozenset()) for each in self._nearest_limits())]

    def _balance(self) -> list[Candidate]:
        market = self.area.flex_market
        if not isinstance(market, LocalFlexibilityMarket) or market.residual != "balanced":
            return []
        without = Without(rules=frozenset({BALANCE}))
        return [Candidate("rule", BALANCE, f"In this market {BALANCE}.", "Without this rule", without)]

    def _blocks(self) -> list[Candidate]:
        if not self.offers.least_share.any():
            return []
        without = Without(rules=frozenset({BLOCKS}))
        return [Candidate("rule", BLOCKS, f"In this market {BLOCKS}.", "Without this rule", without)]

    def _nearest_limits(self) -> list[tuple[Element, int]]:
        """Return the element nearest to its limit of those that this offer moves from its bus, and that bus.

        If it moves none from there (beside the upstream grid, say), the bus is the one that moves the nearest most.
        """
        traded, dso = expected(self.moment), self.moment.model.dso
        if traded.method == "dark":
            return []
        used = severity(traded, dso.limits)
        watch = worst(used, 0.0, MOST_NEAR)
        slopes = dso.grid.sensitivities(traded, watch.branches, watch.buses)
        effect = np.nan_to_num(np.abs(slopes.by_mw)) * np.isfinite(slopes.mw_per_unit)[:, None]
        elements: list[Element] = [(False, row) for row in watch.branches.tolist()]
        elements += [(True, row) for row in watch.buses.tolist()]
        moved = np.flatnonzero(effect.max(axis=1) > 0.0)
        nearest = moved[np.argsort(-used.of(watch)[moved], kind="stable")].tolist()
        here = int(self.offers.bus[self.row])
        found = [(elements[row], here) for row in nearest if effect[row, here] > MOVES * effect[row].max()]
        elsewhere = [(elements[row], int(np.argmax(effect[row]))) for row in nearest[:1]]
        return found[:1] or elsewhere

    def _nothing(self, element: Element, bus: int, rules: frozenset[str]) -> Candidate:
        """Return that nothing called for this offer: a limit that it moves would have to be tighter."""
        (is_voltage, row), here = element, int(self.offers.bus[self.row])
        traded, limits = expected(self.moment), self.moment.model.dso.limits
        if is_voltage:
            value, low, high = float(traded.v_pu[row]), float(limits.v_min_pu[row]), float(limits.v_max_pu[row])
            figures = Figures(value, low if value < (low + high) / 2 else high, "pu")
        else:
            figures = Figures(float(traded.loading[row]), float(limits.loading[row]), "%")
        name = self.element(element)
        when = "Before" if buys_untraded(self.moment) else "After"
        why = f"{when} trading the DSO expected every limit to be kept, and buys nothing then."
        if rules:
            why = f"Nobody buys flexibility here, needed or not: {NO_FLEX_MARKET}."
        elif len(self.need):
            why = "No limit that was in need is one that this offer helps."
        otherwise, stand_ins = (
            f"If {name}, the nearest to its limit that it moves, needed all there is",
            frozenset[tuple[int, int]](),
        )
        if bus != here:
            why, stand_ins = f"{why} Where it is, it moves no limit.", frozenset({(self.row, bus)})
            otherwise = f"If {name} needed all there is, and it were at bus {self.area.grid.buses.name[bus]}"
        prices = frozenset[tuple[int, float]]()
        if (rules or takes_energy(self.area.flex_market)) and not eligible(self.offers, self.interface)[self.row]:
            prices = frozenset({(self.row, self.interface)})
            why = f"{why} Its price is on the wrong side of the interface price besides."
        without = Without(
            drawn_in=frozenset({(element, self.row)}),
            offer_prices=prices,
            stand_ins=stand_ins,
            rules=rules | {BALANCE},  # what one limit needs may not find its balance in the same hour
        )
        if rules:
            return Candidate("rule", NO_FLEX_MARKET, why, f"With one, and i{otherwise[1:]}", without, figures)
        return Candidate("rule", f"no need at {name}", why, otherwise, without, figures, "flex-need")
