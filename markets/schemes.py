"""Who comes first, the TSO's purchase or the DSO's network: four schemes around any service of the DSO.

common: the TSO's order takes part with its value in one market with the network. tso-first: the TSO buys in a market
that knows no network; its purchase then stands, and the DSO makes the network fit around it. dso-first: peers and DSO
agree without the TSO; nobody goes back behind that, and the TSO buys, at a price of its own, what more there is.
iterative: the TSO names a quantity, the DSO answers with the price this makes, and they go on until price and value
meet. The kinds are those of H. Gerard, E. I. Rivero Puente, D. Six, "Coordination between transmission and
distribution system operators in the electricity sector: A conceptual framework", Utilities Policy 50, 2018, applied
to peers.

A scheme changes the bids that the service sees. What it returns is in rows of the bids as they were made, so that
value, cost and penalties are the same in all schemes.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from peerflex.core.arrays import Floats, Ints, add_up, floats
from peerflex.core.network import GridState, Limits
from peerflex.core.people import PeerTable, Plan
from peerflex.core.protocols import Desk, Grid, Service
from peerflex.core.record import Agreement
from peerflex.core.trade import NAN, MarketResult, Orders, Signal, TradeTerms, free_terms
from peerflex.core.units import QUANTITY_TOLERANCE_MW
from peerflex.markets.standing import Edit, bought_by, bounded, firm, price_of, settled_apart, without

Scheme = Literal["common", "tso-first", "dso-first", "iterative"]

ROUNDS = 20
"""Most answers of the DSO before an iterative TSO takes the best quantity it has seen."""

AGREED_EUR_PER_MWH = 1e-6
"""Price and value meet when they are this close."""


def coordinated(scheme: Scheme, service: Service, tso: int) -> Service:
    """Return the service under a scheme; ``tso`` is the row of the TSO among the peers."""
    if scheme == "tso-first":
        return TsoFirst(service, tso)
    if scheme == "dso-first":
        return DsoFirst(service, tso)
    return Iterative(service, tso) if scheme == "iterative" else service


@dataclass(slots=True)
class EditedDesk:
    """A desk whose plans are changed before the service sees them; all else is the desk's own."""

    desk: Desk
    edit: Callable[[Orders], Edit]
    _made: list[tuple[Plan, Plan, Ints]] = field(default_factory=list)

    @property
    def peers(self) -> PeerTable:
        return self.desk.peers

    @property
    def grid(self) -> Grid:
        return self.desk.grid

    @property
    def limits(self) -> Limits:
        return self.desk.limits

    @property
    def clearings(self) -> int:
        return self.desk.clearings

    @property
    def flows(self) -> int:
        return self.desk.flows

    def bids(self, called_share: Floats) -> Plan:
        plan = self.desk.bids(called_share)
        edit = self.edit(plan.orders)
        edited = replace(plan, orders=edit.orders)
        self._made.append((edited, plan, edit.origin))
        return edited

    def trade(self, plan: Plan, terms: TradeTerms) -> MarketResult:
        return self.desk.trade(plan, terms)

    def flow(self, plan: Plan, result: MarketResult, reactive_mvar: Floats) -> GridState:
        return self.desk.flow(plan, result, reactive_mvar)

    def agree(self, service: Service, signal: Signal) -> Agreement:
        """Return what the service comes to, in rows of the bids as they were made.

        A service may change bids again (withdraw a request), but not their rows: they are known by their peers.
        """
        agreed = service.agree(self, signal)
        for edited, plan, origin in self._made:
            if edited.orders.peer is agreed.plan.orders.peer:
                return replace(agreed, plan=plan, result=_in_rows_of(plan.orders, agreed.result, origin))
        return agreed


def _same_bids(orders: Orders, others: Orders) -> bool:
    return len(orders) == len(others) and bool((orders.quantity_mw == others.quantity_mw).all())


def _in_rows_of(orders: Orders, result: MarketResult, origin: Ints) -> MarketResult:
    """Return a result in rows of the orders; what the market maximised was about changed prices."""
    trades = result.trades
    return replace(
        result,
        objective_eur_per_h=NAN,
        accepted_mw=add_up(origin, result.accepted_mw, len(orders)),
        trades=replace(trades, sell_order=origin[trades.sell_order], buy_order=origin[trades.buy_order]),
    )


@dataclass(frozen=True, slots=True)
class TsoFirst:
    service: Service
    tso: int

    def agree(self, desk: Desk, signal: Signal) -> Agreement:
        plan = desk.bids(floats(len(desk.peers)))
        if not (plan.orders.peer == self.tso).any():
            return self.service.agree(desk, signal)
        blind = desk.trade(plan, free_terms(len(desk.peers)))
        bought_mw = bought_by(self.tso, plan.orders, blind)
        return EditedDesk(desk, lambda orders: firm(orders, self.tso, bought_mw)).agree(self.service, signal)


@dataclass(frozen=True, slots=True)
class DsoFirst:
    service: Service
    tso: int

    def agree(self, desk: Desk, signal: Signal) -> Agreement:
        asked = desk.bids(floats(len(desk.peers))).orders
        asked = asked.take(asked.peer == self.tso)
        first = EditedDesk(desk, lambda orders: without(orders, self.tso)).agree(self.service, signal)
        if not len(asked):
            return first
        bus, side, held = desk.peers.bus, int(asked.side[0]), (first.plan.orders, first.result)
        after = EditedDesk(desk, lambda orders: bounded(orders, bus, self.tso, side, *held)).agree(self.service, signal)
        if bought_by(self.tso, after.plan.orders, after.result) <= QUANTITY_TOLERANCE_MW:
            return replace(first, effort=replace(first.effort, clearings=desk.clearings, flows=desk.flows))
        if not _same_bids(first.plan.orders, after.plan.orders):  # more was called on: there is no first price to keep
            return after
        apart = settled_apart(after.plan.orders, self.tso, first.result, after.result, after.terms)
        return replace(after, result=apart)


@dataclass(frozen=True, slots=True)
class Iterative:
    service: Service
    tso: int

    def agree(self, desk: Desk, signal: Signal) -> Agreement:
        """Look for the quantity whose price is its value: by false position, in a bracket that only shrinks."""
        asked = desk.bids(floats(len(desk.peers))).orders
        asked = asked.take(asked.peer == self.tso)
        if not len(asked):
            return self.service.agree(desk, signal)
        wanted_mw, bracket = float(asked.quantity_mw[0]), Bracket()
        best = None
        for _ in range(ROUNDS):
            answer = self._answer(desk, signal, wanted_mw)
            there = bought_by(self.tso, answer.plan.orders, answer.result) >= wanted_mw - QUANTITY_TOLERANCE_MW
            dear = self._too_dear(asked, answer, wanted_mw) if there and answer.effort.settled else np.inf
            if dear <= AGREED_EUR_PER_MWH:
                best = answer
            if abs(dear) <= AGREED_EUR_PER_MWH or (dear < 0 and wanted_mw == asked.quantity_mw[0]):
                break
            bracket = bracket.after(wanted_mw, dear)
            wanted_mw = bracket.next_mw()
            if bracket.width_mw <= QUANTITY_TOLERANCE_MW:
                break
        return self._answer(desk, signal, 0.0) if best is None else best

    def _answer(self, desk: Desk, signal: Signal, wanted_mw: float) -> Agreement:
        return EditedDesk(desk, lambda orders: firm(orders, self.tso, wanted_mw)).agree(self.service, signal)

    def _too_dear(self, asked: Orders, answer: Agreement, wanted_mw: float) -> float:
        """Return by how much the price of the last MW is worse for the TSO than what it is worth."""
        side = int(asked.side[0])
        worth = float(asked.true_eur_per_mwh[0] + side * asked.slope_eur_per_mwh2[0] * wanted_mw)
        return side * (worth - price_of(self.tso, side, answer.result))


@dataclass(frozen=True, slots=True)
class Bracket:
    """Quantities known to be worth their price and too dear, and by how much (NaN: not known)."""

    low_mw: float = 0.0
    low: float = float("nan")
    high_mw: float = float("inf")
    high: float = float("nan")
    moved: int = 0

    @property
    def width_mw(self) -> float:
        return self.high_mw - self.low_mw

    def after(self, mw: float, dear: float) -> "Bracket":
        """Return the bracket with one end moved; what the other said counts half if it stays once more (Illinois)."""
        if dear > 0:
            return Bracket(self.low_mw, self.low / 2 if self.moved > 0 else self.low, mw, dear, moved=1)
        return Bracket(mw, dear, self.high_mw, self.high / 2 if self.moved < 0 else self.high, moved=-1)

    def next_mw(self) -> float:
        slope = self.high - self.low
        if not np.isfinite(slope):
            return (self.low_mw + self.high_mw) / 2
        return self.high_mw - self.high * self.width_mw / slope
