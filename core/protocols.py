"""The seams: what a new behaviour, market or grid has to answer. Plain classes satisfy them; nothing to inherit."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from peerflex.core.arrays import Bools, Floats, Ints, ints
from peerflex.core.network import BranchTable, BusTable, GridState, Injections, Limits, Sensitivities
from peerflex.core.people import Observation, PeerTable, Plan
from peerflex.core.record import Agreement
from peerflex.core.trade import FlexNeed, FlexOffers, FlexResult, MarketResult, Orders, Signal, TradeTerms


class Behaviour(Protocol):
    """How a kind of peer decides: one call an hour for all peers of the kind."""

    def bid(self, seen: Observation, rng: np.random.Generator) -> Plan: ...


class Market(Protocol):
    """How orders become trades.

    A market may say more of itself by class variables: ``heeds_terms`` (what the DSO says about trades),
    ``heeds_slopes`` (prices that change with every MW), ``true_prices`` (firm orders are served first, and settled at
    true prices), ``without_mediator`` (peers talk to each other alone), ``bilateral`` (they agree in pairs, whoever
    finds them), ``hybrid`` (an auction and pairs). One that depends on who is where has a method ``among(peers, grid,
    where)`` that returns it with that.
    """

    def clear(self, orders: Orders, signal: Signal, rng: np.random.Generator) -> MarketResult: ...


class FlexMarket(Protocol):
    """How a need and the offers become activations.

    A market may say more of itself by class variables: ``heeds_blocks`` (the least share of an offer), ``among_peers``
    (peers serve the need among themselves), ``administered`` (the DSO calls by a rule of its own, so that it may be a
    last resort). One whose rule depends on who is in which group has a method ``with_members(peers, names, where)``
    that returns it with that, and one by which the DSO pays whatever is activated ``standing_eur_per_h(peers)``.
    """

    def clear(self, need: FlexNeed, offers: FlexOffers) -> FlexResult: ...


class Grid(Protocol):
    """What the wires answer. ``solve`` never raises for an operating point: trouble is in the state.

    A network is told from another by its hash, so that what never changes in it is computed once.
    """

    def __hash__(self) -> int: ...

    @property
    def buses(self) -> BusTable: ...

    @property
    def branches(self) -> BranchTable: ...

    def solve(self, injections: Injections) -> GridState: ...

    def sensitivities(self, state: GridState, branches: Ints, buses: Ints) -> Sensitivities: ...

    def loss_slopes(self, state: GridState) -> Floats:
        """Return the MW lost in the network per MW injected at each bus ``(buses,)``; 0 without a solution."""
        ...


@dataclass(frozen=True, slots=True)
class NetworkView:
    """A network before anybody trades, as its DSO believes it to be: what an incentive may know.

    ``forecast`` is the state that the DSO expects. ``bus_of_peer`` and ``may_trade`` have shape ``(peers,)``. A MWh
    lost costs the DSO ``loss_eur_per_mwh``.
    """

    grid: Grid
    limits: Limits
    forecast: GridState
    bus_of_peer: Ints
    may_trade: Bools
    loss_eur_per_mwh: float

    def at_risk(self, share: float) -> Ints:
        """Return the branches that the forecast loads to at least this share of their limit; none without a solution.

        An infinite share is that of an incentive that speaks for no branch.
        """
        if self.forecast.method == "dark":
            return ints(0)
        return np.flatnonzero(self.forecast.loading >= share * self.limits.loading)


class Incentive(Protocol):
    """What the DSO says about trades before they are made.

    It speaks for branches loaded to at least the share ``at_risk_loading`` of their limit in the DSO's forecast
    (infinite: for none in particular). A branch or voltage without a limit is one it has nothing to say about. An
    incentive may say more of itself by class variables: ``binds_orders`` (it needs no market that heeds terms), and
    ``check(grid, where)`` raises InputError if it does not fit a network.
    """

    @property
    def at_risk_loading(self) -> float: ...

    def before(self, view: NetworkView) -> TradeTerms: ...


class NetworkTariff(Protocol):
    """What the DSO charges for using the network, by time and place, published before anybody bids.

    ``rates`` returns EUR/MWh per bus ``(buses,)``: what withdrawal pays, and what injection is paid (at most as much).
    ``hour_of_day`` is when the step begins, 0 to 24.
    """

    def rates(self, view: NetworkView, hour_of_day: float) -> tuple[Floats, Floats]: ...


class Desk(Protocol):
    """The market of one hour as a service of the DSO sees it: whatever it may ask for, and the wires as it believes
    them to be. Every answer is computed anew and counted (``clearings``, ``flows``).

    ``bids`` are made anew for what share of their load or generation the DSO calls on (``called_share`` ``(peers,)``;
    0: it does not call). ``flow`` is what trades and reactive power (``(peers,)``) lead to.
    """

    @property
    def peers(self) -> PeerTable: ...

    @property
    def grid(self) -> Grid: ...

    @property
    def limits(self) -> Limits: ...

    @property
    def clearings(self) -> int: ...

    @property
    def flows(self) -> int: ...

    def bids(self, called_share: Floats) -> Plan: ...

    def trade(self, plan: Plan, terms: TradeTerms) -> MarketResult: ...

    def flow(self, plan: Plan, result: MarketResult, reactive_mvar: Floats) -> GridState: ...


class Service(Protocol):
    """How trades and wires come to terms before flexibility is bought."""

    def agree(self, desk: Desk, signal: Signal) -> Agreement: ...
