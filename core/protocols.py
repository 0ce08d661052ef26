"""The seams: what a new behaviour, market or grid has to answer. Plain classes satisfy them; nothing to inherit."""

from typing import Protocol

import numpy as np

from peerflex.core.arrays import Floats, Ints
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
    ``heeds_slopes`` (prices that change with every MW), ``without_mediator`` (peers talk to each other alone).
    """

    def clear(self, orders: Orders, signal: Signal, rng: np.random.Generator) -> MarketResult: ...


class Incentive(Protocol):
    """What the DSO says about trades before they are made, to keep its branches at risk from more load.

    Branches loaded to at least the share ``at_risk_loading`` of their limit in the DSO's forecast are at risk; their
    slopes are in ``at_risk`` (rows of branches only). ``bus_of_peer`` has shape ``(peers,)``.
    """

    @property
    def at_risk_loading(self) -> float: ...

    def before(self, at_risk: Sensitivities, bus_of_peer: Ints) -> TradeTerms: ...


class FlexMarket(Protocol):
    """How a need and the offers become activations."""

    def clear(self, need: FlexNeed, offers: FlexOffers) -> FlexResult: ...


class Grid(Protocol):
    """What the wires answer. ``solve`` never raises for an operating point: trouble is in the state."""

    @property
    def buses(self) -> BusTable: ...

    @property
    def branches(self) -> BranchTable: ...

    def solve(self, injections: Injections) -> GridState: ...

    def sensitivities(self, state: GridState, branches: Ints, buses: Ints) -> Sensitivities: ...


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
