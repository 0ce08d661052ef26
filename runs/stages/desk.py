"""The market of one hour as the DSO's service sees it: bids, trades and the flow they lead to, each on demand."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from peerflex.agents.dispatch import Dispatch, dispatch
from peerflex.core.arrays import Bools, Floats, add_up, floats
from peerflex.core.last_resort import Dues
from peerflex.core.network import GridState, Injections, Limits
from peerflex.core.people import PeerState, PeerTable, Plan
from peerflex.core.protocols import Grid
from peerflex.core.record import Event
from peerflex.core.streams import stream
from peerflex.core.trade import MarketResult, Orders, Signal, TradeTerms
from peerflex.markets.tradable import clear_tradable
from peerflex.markets.two_sessions import Position
from peerflex.markets.wishes import with_wishes
from peerflex.runs.stages import bidding, knowledge
from peerflex.runs.stages.mediation import as_bid
from peerflex.runs.stages.network_tariff import at_the_tariff, dues

if TYPE_CHECKING:
    from peerflex.runs.model import AreaModel


DRAWS: Final = "market"
"""The random stream that a market draws from."""

EARLY_DRAWS: Final = "market.day-ahead"
"""The same of the first of two sessions, so that the second does not draw its numbers again."""


@dataclass(slots=True)
class Count:
    """How often bids were asked for at a desk, how many came in all, how often the market cleared and flows were
    solved."""

    asked: int = 0
    bids: int = 0
    clearings: int = 0
    flows: int = 0


@dataclass(slots=True)
class HourDesk:
    """One hour's market, open for the DSO's service (``core.protocols.Desk``). ``open_desk`` makes it.

    ``forecast_state`` is what the DSO expects before it hears of any schedule. ``beside`` are orders that are in every
    plan: the TSO's. ``standing_mw`` ``(peers,)`` is what peers sold before they trade: it flows whatever they trade.
    ``position`` is what of it they sold in a session before this one, which they order no more (None: nothing),
    ``activated`` says how much of each order flexibility has taken (None: of none).
    ``dues`` is what the DSO pays and charges by rule, published before anybody bids (None: nothing).
    The market ``draws`` from a random stream of that name. ``rejected`` is what was wrong with the bids asked for last;
    ``count`` goes on in desks made of this one.
    """

    model: "AreaModel"
    step: int
    state: PeerState
    measured: GridState | None
    base: knowledge.Base
    forecast: knowledge.Base
    dso_forecast: Injections
    forecast_state: GridState
    signal: Signal
    beside: Orders
    standing_mw: Floats
    position: Position | None = None
    activated: Callable[[Orders], Floats] | None = None
    dues: Dues | None = None
    draws: str = DRAWS
    rejected: tuple[Event, ...] = ()
    count: Count = field(default_factory=Count)

    @property
    def clearings(self) -> int:
        return self.count.clearings

    @property
    def flows(self) -> int:
        return self.count.flows

    @property
    def peers(self) -> PeerTable:
        return self.model.peers

    @property
    def grid(self) -> Grid:
        return self.model.dso.grid

    @property
    def limits(self) -> Limits:
        return self.model.dso.limits

    @property
    def two_sessions(self) -> bool:
        return len(self.model.area.sessions) > 1

    def bids(self, called_share: Floats) -> Plan:
        """Ask every behaviour, and whoever else has orders for this hour."""
        model, area = self.model, self.model.area
        tariffs, relief = model.supplier.offer_eur_per_mwh(len(self.peers)), self.signal.relief
        seen = knowledge.observe(
            area, self.step, self.state, self.forecast, relief, self.measured, tariffs, called_share
        )
        plan, self.rejected = bidding.ask(area, self.step, seen, self.forecast)
        plan = replace(plan, orders=as_bid(model, plan.orders, self.signal))
        if self.position is not None:
            activated_mw = floats(len(plan.orders)) if self.activated is None else self.activated(plan.orders)
            left = self.position.left(plan.orders, activated_mw, *tariffs, self.step * area.step_s, area.step_s)
            plan = replace(plan, orders=left)
        if self.dues is not None:
            moved_mw = None if self.position is None else self.position.moved_mw
            plan = replace(plan, orders=at_the_tariff(plan, self.dues, moved_mw))
        if len(self.beside):
            plan = replace(plan, orders=Orders.join([plan.orders, self.beside]))
        self.count.asked += 1
        self.count.bids += int(np.count_nonzero(self.peers.trade[plan.orders.peer]))
        return plan

    def trade(self, plan: Plan, terms: TradeTerms) -> MarketResult:
        """Clear the market on the given terms."""
        self.count.clearings += 1
        if self.position is not None and terms.headroom is not None:
            terms = replace(terms, headroom=self.position.left_of(terms.headroom))
        area = self.model.area
        signal = Signal(self.signal.relief, self.signal.at_risk, with_wishes(terms, area.wishes))
        rng = stream(area.seed, self.draws, self.step)
        return clear_tradable(area.market, plan.orders, self.peers.trade, signal, rng)

    def flow(self, plan: Plan, result: MarketResult, reactive_mvar: Floats) -> GridState:
        """Solve the DSO's model of the network for the schedules that the trades lead to."""
        self.count.flows += 1
        area = self.model.area
        announced = self.scheduled(plan, moved(plan.orders, result, len(self.peers)) + self.standing_mw)
        expected = knowledge.dso_expects(area, self.dso_forecast, self.base, announced.injection_mw, reactive_mvar)
        return self.model.dso.expects(expected)

    def scheduled(self, plan: Plan, change_mw: Floats) -> Dispatch:
        """Return what peers announce to do: their plan, and what they sold of their assets beside it."""
        forecast = self.forecast
        load_mw = forecast.load_mw if plan.load_mw is None else plan.load_mw
        return self._dispatch(load_mw, plan.pv_mw, plan, change_mw, forecast)

    def delivered(self, plan: Plan, change_mw: Floats) -> Dispatch:
        """Return what peers then really do: sun and load are not as forecast.

        What waits for a trade is done as traded, as far as the sun lets it.
        """
        base, forecast = self.base, self.forecast
        planned_mw = forecast.load_mw if plan.load_mw is None else plan.load_mw
        load_mw = base.load_mw - (forecast.load_mw - planned_mw)
        pv_mw = base.pv_mw - (forecast.pv_mw - plan.pv_mw)
        waits = (planned_mw == 0.0) & (forecast.load_mw > 0.0)
        load_mw = np.where(waits, 0.0, load_mw)
        waits = (plan.pv_mw == 0.0) & (forecast.pv_mw > 0.0)
        pv_mw = np.where(waits, 0.0, pv_mw)
        return self._dispatch(load_mw, pv_mw, plan, change_mw, base)

    def failing(self) -> Bools:
        """Return which peers will not move what they sold; it happens in the step, so nobody may know it before.

        A draw for each peer, in their order: whoever else is there or fails, a peer draws the same.
        """
        area = self.model.area
        if not any(area.fails):
            return np.zeros(len(self.peers), dtype=np.bool_)
        chance = np.array([*area.fails, 0.0])[self.peers.behaviour]  # -1, a customer only, finds the last
        fails: Bools = stream(area.seed, "peers.failing", self.step).random(len(chance)) < chance
        return fails

    def _dispatch(
        self, load_mw: Floats, pv_mw: Floats, plan: Plan, change_mw: Floats, there: knowledge.Base
    ) -> Dispatch:
        spare_load_mw = knowledge.MOST_OF_WAITING_LOAD * np.maximum(there.load_mw - load_mw, 0.0)
        spare_pv_mw = np.maximum(there.pv_mw - pv_mw, 0.0)
        return dispatch(
            self.peers,
            self.state,
            load_mw,
            pv_mw,
            plan.battery_mw,
            change_mw,
            self.model.area.hours,
            spare_load_mw,
            spare_pv_mw,
        )


def open_desk(
    model: "AreaModel",
    step: int,
    state: PeerState,
    measured: GridState | None,
    request_mw: float,
    forecast_state: GridState | None = None,
) -> HourDesk:
    """Return the desk of a step: everyone has observed, the DSO has spoken, the TSO (if any) requests ``request_mw``.

    The DSO forecasts every bus with its own error and solves its own model, unless ``forecast_state`` is known.
    """
    area, tso = model.area, model.tso
    base = knowledge.actual(area, step)
    late = area.sessions[-1] == "intraday"
    forecast = knowledge.own_forecast(area, step, base) if late else knowledge.day_ahead(area, step, base)
    dso_forecast = knowledge.dso_forecast(area, step, base)
    expected = model.dso.expects(dso_forecast) if forecast_state is None else forecast_state
    signal = model.dso.signal(expected, measured)
    beside = Orders.empty() if tso is None else tso.orders(request_mw, step * area.step_s, area.step_s)
    nothing = floats(len(model.peers))
    return HourDesk(
        model,
        step,
        state,
        measured,
        base,
        forecast,
        dso_forecast,
        expected,
        signal,
        beside,
        standing_mw=nothing,
        dues=dues(area, model.dso.view(expected), step),
    )


def sold(orders: Orders, result: MarketResult, n_peers: int) -> Floats:
    """Return what each peer sold (positive) or bought; shape ``(peers,)``."""
    return add_up(orders.peer, orders.side * result.accepted_mw, n_peers)


def moved(orders: Orders, result: MarketResult, n_peers: int) -> Floats:
    """Return what of that moves assets."""
    return add_up(orders.peer, orders.side * result.accepted_mw * orders.dispatchable, n_peers)
