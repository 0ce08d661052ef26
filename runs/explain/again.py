"""The markets of an hour, cleared again with something taken out of it."""

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from peerflex.core.arrays import Floats, add_up
from peerflex.core.network import GridState, Injections, Limits
from peerflex.core.people import PeerTable, Plan
from peerflex.core.protocols import Grid
from peerflex.core.streams import stream
from peerflex.core.trade import FlexResult, MarketResult, Orders, Signal, TradeTerms
from peerflex.markets.schemes import EditedDesk
from peerflex.markets.tradable import clear_tradable
from peerflex.markets.wishes import with_wishes
from peerflex.runs.explain.edits import (
    PROVIDERS,
    edited,
    in_rows_of,
    limits_without,
    of_agreement,
    said_terms,
    unbound,
    uncharged,
    with_rules,
)
from peerflex.runs.explain.flex_again import flex_again
from peerflex.runs.explain.sessions import cleared_in_sessions, refuse_two_sessions
from peerflex.runs.explain.types import NOTHING, Without
from peerflex.runs.stages.desk import DRAWS, HourDesk, open_desk
from peerflex.runs.stages.sequences import FLEXIBILITY_STANDS, after_flexibility

if TYPE_CHECKING:
    from peerflex.runs.moment import Moment


@dataclass(slots=True)
class WatchedDesk:
    """A desk at which some limits are not there, and which keeps every state of the network that it showed."""

    desk: HourDesk
    limits: Limits
    states: list[GridState] = field(default_factory=list)

    @property
    def peers(self) -> PeerTable:
        return self.desk.peers

    @property
    def grid(self) -> Grid:
        return self.desk.grid

    @property
    def clearings(self) -> int:
        return self.desk.clearings

    @property
    def flows(self) -> int:
        return self.desk.flows

    def bids(self, called_share: Floats) -> Plan:
        return self.desk.bids(called_share)

    def trade(self, plan: Plan, terms: TradeTerms) -> MarketResult:
        return self.desk.trade(plan, terms)

    def flow(self, plan: Plan, result: MarketResult, reactive_mvar: Floats) -> GridState:
        self.states.append(self.desk.flow(plan, result, reactive_mvar))
        return self.states[-1]


@dataclass(slots=True)
class Again:
    """One hour to be decided again, as often as wanted. Every result is in rows of the hour's own orders and offers.

    Trades are cleared on the hour's orders and on the terms that the DSO had come to. Where that is not how they came
    about (a scheme between TSO and DSO bids for others, say), or where a limit is taken out, the DSO's service
    negotiates from the start. Nothing of it is written anywhere.
    """

    moment: "Moment"
    _direct: bool | None = field(default=None, init=False)
    _states: list[GridState] = field(default_factory=list, init=False)
    _trades: dict[Without, MarketResult] = field(default_factory=dict, init=False)
    _flex: dict[Without, FlexResult] = field(default_factory=dict, init=False)
    _flow: dict[Without, GridState] = field(default_factory=dict, init=False)

    @property
    def direct(self) -> bool:
        """Whether clearing the hour's orders on its last terms gives exactly what it decided."""
        if self._direct is None:
            again, decided = self._cleared(NOTHING), self.moment.decision.result
            self._direct = bool(
                np.array_equal(again.accepted_mw, decided.accepted_mw)
                and np.array_equal(again.trades.price_eur_per_mwh, decided.trades.price_eur_per_mwh)
            )
        return self._direct

    @property
    def negotiated(self) -> bool:
        """Whether the DSO's service answered more than once."""
        return self.moment.decision.effort.clearings > len(self.moment.area.sessions)

    @property
    def states(self) -> list[GridState]:
        """Every state of the network that the DSO's service looked at, in order."""
        if not self._states:
            refuse_two_sessions(self.moment.area.sessions)
            desk = self._desk()
            watched = WatchedDesk(desk, desk.limits)
            self.moment.area.service.agree(watched, desk.signal)
            self._states = watched.states
        return self._states

    def trades(self, without: Without = NOTHING) -> MarketResult:
        """Return what peers then trade."""
        if without not in self._trades:
            from_start = without.limits or (without.at_risk and self.negotiated) or not self.direct
            self._trades[without] = self._negotiated(without) if from_start else self._cleared(without)
        return self._trades[without]

    def flex(self, without: Without = NOTHING) -> FlexResult:
        """Return what the flexibility market then activates of the hour's offers."""
        if without not in self._flex:
            self._flex[without] = flex_again(self.moment, without)
        return self._flex[without]

    def flow(self, without: Without = NOTHING) -> GridState:
        """Return what the wires then do."""
        if without not in self._flow:
            decision, external = self.moment.decision, self.moment.record.external
            p_mw, q_mvar = decision.injections.p_mw + external.p_mw, decision.injections.q_mvar + external.q_mvar
            off = np.isin(np.arange(len(p_mw)), sorted(without.loads)) & (p_mw <= 0.0)
            injections = Injections(np.where(off, 0.0, p_mw), np.where(off, 0.0, q_mvar))
            self._flow[without] = self.moment.area.grid.solve(injections)
        return self._flow[without]

    def _cleared(self, without: Without) -> MarketResult:
        """Clear the hour's orders once, on the terms that stand."""
        moment, decision, area = self.moment, self.moment.decision, self.moment.area
        bound = decision.signal.terms.headroom is not None
        edit = edited(self._for_sale(decision.orders), without, area.market, envelopes=bound)
        terms = said_terms(moment, without.at_risk) if without.at_risk else decision.signal.terms
        may_trade = area.peers.trade | (PROVIDERS in without.rules)
        terms = with_wishes(unbound(uncharged(terms, without.uncharged), without.unbound), area.wishes)
        signal = Signal(decision.signal.relief, decision.signal.at_risk, terms)
        market = with_rules(area.market, without.rules, decision.orders, edit.orders)

        def clear(orders: Orders, draws: str = DRAWS) -> MarketResult:
            return clear_tradable(market, orders, may_trade, signal, stream(area.seed, draws, moment.step))

        if len(area.sessions) == 1:
            return in_rows_of(decision.orders, edit, clear(edit.orders))
        n_late = len(decision.orders) - decision.day_ahead
        early = min(without.partners, default=-1) >= n_late
        return in_rows_of(decision.orders, edit, cleared_in_sessions(edit, n_late, early, clear))

    def _negotiated(self, without: Without) -> MarketResult:
        """Let the DSO's service come to terms with the peers from the start."""
        refuse_two_sessions(self.moment.area.sessions)
        moment, orders, desk = self.moment, self.moment.decision.orders, self._desk()
        signal = desk.signal
        if without.at_risk:
            signal = replace(signal, terms=said_terms(moment, without.at_risk))
        signal = replace(signal, terms=unbound(signal.terms, without.unbound))
        watched = WatchedDesk(desk, limits_without(desk.limits, without.limits))
        bids = replace(without, partners=frozenset())  # only who is there can take part in a negotiation
        asked = EditedDesk(
            watched, lambda there: edited(self._for_sale(there), _in_rows(bids, orders, there), moment.area.market)
        )
        return of_agreement(orders, asked.agree(moment.area.service, signal))

    def _desk(self) -> HourDesk:
        """Return the desk of the hour as it was opened."""
        moment, request_mw = self.moment, self.moment.decision.regulation.request_mw
        forecast_state = moment.decision.outlook.forecast
        desk = open_desk(moment.model, moment.step, moment.state, moment.measured, request_mw, forecast_state)
        if not self._flexibility_stands:
            return desk
        offers, activated = moment.decision.offers, moment.decision.flex.accepted_mw
        return replace(desk, standing_mw=add_up(offers.peer, offers.side * activated, len(desk.peers)))

    @property
    def _flexibility_stands(self) -> bool:
        return self.moment.area.sequence in FLEXIBILITY_STANDS

    def _for_sale(self, orders: Orders) -> Orders:
        """Return what there was of orders when peers traded."""
        decision = self.moment.decision
        return after_flexibility(orders, decision.offers, decision.flex) if self._flexibility_stands else orders


def _in_rows(without: Without, orders: Orders, bids: Orders) -> Without:
    """Return the same in rows of other bids of the same peers: an order is known by its peer, side and price."""
    if len(bids) == len(orders):
        return without

    def found(row: int) -> list[int]:
        same = (bids.peer == orders.peer[row]) & (bids.side == orders.side[row])
        return np.flatnonzero(same & (bids.price_eur_per_mwh == orders.price_eur_per_mwh[row])).tolist()

    return replace(
        without,
        orders=frozenset(row for gone in without.orders for row in found(gone)),
        bids=frozenset((row, price) for bid, price in without.bids for row in found(bid)),
    )
