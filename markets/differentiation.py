"""The published heuristic: trades that harm the network are made dearer, round by round, then flexibility is called."""

import math
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Final, Literal

import numpy as np
from pydantic import Field

from peerflex.core.arrays import Floats, add_up, floats, ints
from peerflex.core.network import GridState
from peerflex.core.people import PeerTable, Plan
from peerflex.core.protocols import Desk
from peerflex.core.record import Agreement, Effort
from peerflex.core.regulation import TSO
from peerflex.core.trade import FIRM_EUR_PER_MWH, MarketResult, Signal
from peerflex.core.units import BUY, SELL
from peerflex.markets.penalties import Coordinates, Map, Trouble, by_common_path, find_trouble, on_feeder, uses

SERVED_MW: Final = 1e-6
"""A firm order that misses less (a watt) is served."""


@dataclass(frozen=True, slots=True)
class ProductDifferentiation:
    """The models P2P_Cong, P2P_Volt (with and without reactive power control) and P2P_Full of J. Marques, T. Soares and
    H. Morais (2023), section 3, figures 2, 3 and 5: one loop, told apart by what it looks at and whom it calls.

    The market clears, the DSO solves its flow. If a limit is exceeded, trades that add to it are charged, on top of
    what they were charged before, and the market clears again; after ``iterations`` clearings the DSO calls on
    ``flexibility_step`` more of what peers have, forgets all charges and begins anew, until limits are kept and every
    firm order is served, or everything was called. Nothing is called or charged in an hour that needs nothing.
    """

    sets_terms: ClassVar[bool] = True
    """What it says are terms of trade: it needs a market that heeds them."""

    asks_for_more: ClassVar[bool] = True
    """It has peers bid anew, with more than they offer of themselves."""

    keeps: Annotated[
        Literal["all", "congestion", "voltage"],
        Field(description="which limits it looks at: P2P_Cong, P2P_Volt, or all"),
    ] = "all"
    congestion_eur_per_mwh_km: Annotated[
        float,
        Field(gt=0, le=10_000, description="what a round adds to a trade per km, for each overloaded branch it uses"),
    ] = 5.0
    voltage_eur_per_mwh: Annotated[
        float,
        Field(
            gt=0,
            le=10_000,
            description="what a round adds to a trade that weighs on the worst voltage with all of its path",
        ),
    ] = 10.0
    iterations: Annotated[
        int, Field(ge=1, le=1000, description="clearings of the market before more flexibility is called")
    ] = 10
    calls: Annotated[
        Literal["loads", "sources"], Field(description="who is called: P2P_Cong and P2P_Volt loads, P2P_Full sources")
    ] = "loads"
    offered_share: Annotated[
        float, Field(ge=0, le=1, description="what share of their load or generation peers offer of themselves")
    ] = 0.3
    flexibility_step: Annotated[float, Field(gt=0, le=1, description="what a call adds to that share")] = 0.05
    reactive_control: Annotated[
        bool, Field(description="before calling for voltage's sake, have peers on the feeder change reactive power")
    ] = False
    least_tan_phi: Annotated[
        float,
        Field(ge=-2, le=2, description="reactive per active power that peers are taken to; below 0: capacitive load"),
    ] = -0.3
    withdraws_request: Annotated[
        bool, Field(description="whether the TSO's request is withdrawn when the DSO has to call (P2P_Full)")
    ] = True
    coordinates: Annotated[Coordinates, Field(description="unit of the network's coordinates")] = "km"
    money: Annotated[bool, Field(description="whether the DSO collects the charges, or they only steer")] = False

    def agree(self, desk: Desk, signal: Signal) -> Agreement:
        where = Map(desk.grid, signal.terms, desk.peers.bus, self.coordinates)
        agreed = self._negotiate(desk, where, desk.bids(floats(len(desk.peers))), called_share=0.0)
        callable_peers = self._callable(agreed.plan, len(desk.peers))
        for share in self._shares():
            if agreed.effort.settled:
                break
            plan = desk.bids(share * callable_peers)
            if self.withdraws_request:
                plan = _without_request(plan, desk.peers)
            agreed = self._negotiate(desk, where, plan, share)
        return agreed

    def _shares(self) -> list[float]:
        """Return the shares called one after the other."""
        steps = math.ceil((1.0 - self.offered_share) / self.flexibility_step - 1e-9)
        shares = (self.offered_share + self.flexibility_step * step for step in range(1, steps + 1))
        return [min(round(share, 9), 1.0) for share in shares]

    def _callable(self, plan: Plan, n_peers: int) -> Floats:
        """Return 1 for the peers that have something to call on, 0 for the others ``(peers,)``."""
        side, orders = BUY if self.calls == "loads" else SELL, plan.orders
        found = floats(n_peers)
        found[orders.peer[orders.extra & (orders.side == side)]] = 1.0
        return found

    def _negotiate(self, desk: Desk, where: Map, plan: Plan, called_share: float) -> Agreement:
        """Return what the peers and the DSO come to with these bids, without any charges to begin with."""
        terms, silent = where.said, floats(len(desk.peers))
        charge: Floats | None = None
        for _ in range(self.iterations):
            if charge is not None:
                terms = where.charged(charge, self.money)
            result = desk.trade(plan, terms)
            state = desk.flow(plan, result, silent)
            trouble = self._trouble(desk, state)
            more = self._penalty(desk, where, state, trouble)
            if not more.any():  # nothing is wrong, or nothing that the market could be told apart by
                break
            charge = more if charge is None else charge + more
        reactive_mvar = silent
        if self.reactive_control and trouble.voltage_only:
            reactive_mvar, state = self._change_reactive(desk, where, plan, result, state, trouble)
        settled = not self._trouble(desk, state) and _firm_served(plan, result)
        effort = Effort(settled, desk.clearings, desk.flows, called_share)
        return Agreement(plan, result, terms, reactive_mvar, state, effort)

    def _trouble(self, desk: Desk, state: GridState) -> Trouble:
        return find_trouble(state, desk.limits, congestion=self.keeps != "voltage", voltage=self.keeps != "congestion")

    def _penalty(self, desk: Desk, where: Map, state: GridState, trouble: Trouble) -> Floats:
        """Return what one round adds to the charge of each pair of places, EUR/MWh; nothing where nothing is wrong."""
        if not trouble:
            return floats(0)
        charge = floats(len(where.bus), len(where.bus))
        if len(trouble.branches):
            overloaded = desk.grid.sensitivities(state, trouble.branches, ints(0))
            count = uses(overloaded, where.bus).sum(axis=0)
            charge += self.congestion_eur_per_mwh_km * where.distance_km * count
        if trouble.voltage:
            resistance, _ = where.common_path(trouble.bus)
            charge += self.voltage_eur_per_mwh * by_common_path(resistance, where.bus, trouble.low)
        return charge

    def _change_reactive(
        self, desk: Desk, where: Map, plan: Plan, result: MarketResult, state: GridState, trouble: Trouble
    ) -> tuple[Floats, GridState]:
        """Return the reactive power that peers give beside their own ``(peers,)``, and the state that it leads to.

        One after the other goes to the least ``tan_phi``, the one with most effect on the voltage first, until limits
        are kept: loads on the feeder if the voltage is low, sun and wind if it is high.
        """
        peers, orders = desk.peers, plan.orders
        given_mw = add_up(orders.peer, orders.side * result.accepted_mw * orders.dispatchable, len(peers))
        _, reactance = where.common_path(trouble.bus)
        side = given_mw < 0.0 if trouble.low else (given_mw > 0.0) & (peers.pv_mw > 0.0)
        impact = reactance[peers.bus] * np.abs(given_mw)
        rows = np.flatnonzero(side & on_feeder(reactance)[peers.bus] & (peers.tan_phi > self.least_tan_phi))
        reactive_mvar = floats(len(peers))
        for peer in rows[np.argsort(-impact[rows], kind="stable")]:
            reactive_mvar[peer] = (self.least_tan_phi - peers.tan_phi[peer]) * given_mw[peer]
            state = desk.flow(plan, result, reactive_mvar)
            if not self._trouble(desk, state):
                break
        return reactive_mvar, state


def _firm_served(plan: Plan, result: MarketResult) -> bool:
    """Return whether every order that is not flexible at all was accepted in full."""
    firm = plan.orders.premium_eur_per_mwh >= FIRM_EUR_PER_MWH
    return bool((result.accepted_mw[firm] >= plan.orders.quantity_mw[firm] - SERVED_MW).all())


def _without_request(plan: Plan, peers: PeerTable) -> Plan:
    """Return the plan with orders of nothing for those of the TSO: rows stay what they were."""
    of_tso = np.array([name == TSO for name in peers.name])
    quantity_mw = np.where(of_tso[plan.orders.peer], 0.0, plan.orders.quantity_mw)
    return replace(plan, orders=replace(plan.orders, quantity_mw=quantity_mw))
