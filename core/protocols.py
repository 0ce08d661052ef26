"""The seams: what a new behaviour, market or grid has to answer. Plain classes satisfy them; nothing to inherit."""

from typing import Protocol

import numpy as np

from peerflex.core.arrays import Ints
from peerflex.core.network import BranchTable, BusTable, GridState, Injections, Sensitivities
from peerflex.core.people import Observation, Plan
from peerflex.core.trade import FlexNeed, FlexOffers, FlexResult, MarketResult, Orders, Signal, TradeTerms


class Behaviour(Protocol):
    """How a kind of peer decides: one call an hour for all peers of the kind."""

    def bid(self, seen: Observation, rng: np.random.Generator) -> Plan: ...


class Market(Protocol):
    """How orders become trades."""

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
