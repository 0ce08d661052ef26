"""A desk without an hour round it: elastic peers of the 37-bus network or of case33bw, one market, one AC model."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from peerflex.agents.elastic import ElasticLoad, ElasticSource
from peerflex.core.arrays import Bools, Floats, Ints, add_up, floats
from peerflex.core.network import BranchTable, BusTable, GridState, Injections, Limits, Sensitivities
from peerflex.core.people import Observation, PeerTable, Plan
from peerflex.core.protocols import Grid
from peerflex.core.record import Agreement
from peerflex.core.streams import stream
from peerflex.core.trade import MarketResult, Orders, Signal, TradeTerms, free_terms
from peerflex.grid.factors import Factors
from peerflex.grid.limits import uniform_limits
from peerflex.grid.network import open_network
from peerflex.markets.bilateral import BilateralEquilibrium
from peerflex.markets.idle import NoService
from peerflex.markets.network_charges import NetworkCharges
from peerflex.scenarios.calibrated_day import read_day
from tests.grid_rival import opened


@dataclass(slots=True)
class ElasticDesk:
    """What ``core.protocols.Desk`` asks for. Peers take and give what they traded, reactive power with it."""

    peers: PeerTable
    grid: Grid
    limits: Limits
    load_mw: Floats
    pv_mw: Floats
    load: Any = field(default_factory=ElasticLoad)
    source: Any = field(default_factory=ElasticSource)
    market: Any = field(default_factory=BilateralEquilibrium)
    clearings: int = field(default=0)
    flows: int = field(default=0)

    @property
    def signal(self) -> Signal:
        return Signal(
            floats(len(self.grid.buses)), np.zeros(len(self.grid.branches), bool), free_terms(len(self.peers))
        )

    def bids(self, called_share: Floats) -> Plan:
        loads = self.load_mw > 0
        orders = [
            behaviour.bid(self._seen(np.flatnonzero(rows), called_share), stream(1, "test")).orders
            for behaviour, rows in ((self.load, loads), (self.source, ~loads))
        ]
        nothing = floats(len(self.peers))
        return Plan(nothing, nothing, Orders.join(orders), nothing)

    def trade(self, plan: Plan, terms: TradeTerms) -> MarketResult:
        self.clearings += 1
        result: MarketResult = self.market.clear(plan.orders, replace(self.signal, terms=terms), stream(1, "market"))
        return result

    def flow(self, plan: Plan, result: MarketResult, reactive_mvar: Floats) -> GridState:
        self.flows += 1
        return self.grid.solve(self.injections(plan.orders, result.accepted_mw, reactive_mvar))

    def injections(self, orders: Orders, accepted_mw: Floats, reactive_mvar: Floats) -> Injections:
        """Return what every bus is given: reactive power goes with all active power, a load's 0.4 included."""
        n, peers = len(self.grid.buses), self.peers
        given_mw = add_up(orders.peer, orders.side * accepted_mw, len(peers))
        given_mvar = peers.tan_phi * given_mw + reactive_mvar
        return Injections(add_up(peers.bus, given_mw, n), add_up(peers.bus, given_mvar, n))

    def _seen(self, rows: Ints, called_share: Floats) -> Observation:
        peers, nothing = self.peers, floats(len(rows))
        return Observation(
            peer=rows,
            load_mw=self.load_mw[rows],
            pv_mw=self.pv_mw[rows],
            soc_mwh=nothing,
            battery_mwh=nothing,
            battery_mw=nothing,
            battery_efficiency=nothing,
            generator_mw=peers.generator_mw[rows],
            boiler_mw=nothing,
            up_eur_per_mwh=nothing,
            down_eur_per_mwh=nothing,
            voltage_pu=nothing,
            relief=nothing,
            retail_eur_per_mwh=nothing,
            feed_in_eur_per_mwh=nothing,
            installed_mw=peers.pv_mw[rows],
            marginal_eur_per_mwh=peers.marginal_eur_per_mwh[rows],
            marginal_rise_eur_per_mwh=peers.marginal_rise_eur_per_mwh[rows],
            least_mw=peers.least_mw[rows],
            called_share=called_share[rows],
            start_s=0,
            duration_s=3600,
        )


def elastic_peers(bus: Ints, tan_phi: Floats, first: Floats, rise: Floats, **sizes: Floats) -> PeerTable:
    """Return peers with a marginal value or cost; ``sizes`` are pv_mw, generator_mw, least_mw (0 if not given)."""
    n, nothing = len(bus), floats(len(bus))
    return PeerTable(
        name=tuple(f"peer {row}" for row in range(n)),
        bus=bus,
        behaviour=np.zeros(n, dtype=np.int64),
        pv_mw=sizes.get("pv_mw", nothing),
        battery_mwh=nothing,
        battery_mw=nothing,
        battery_efficiency=np.ones(n),
        generator_mw=sizes.get("generator_mw", nothing),
        boiler_mw=nothing,
        up_eur_per_mwh=nothing,
        down_eur_per_mwh=nothing,
        trade=np.ones(n, dtype=np.bool_),
        tan_phi=tan_phi,
        marginal_eur_per_mwh=first,
        marginal_rise_eur_per_mwh=rise,
        least_mw=sizes.get("least_mw", nothing),
        least_share=nothing,
    )


def day_desk(hour: int, factors: Factors, **changes: Any) -> ElasticDesk:
    """Return the calibrated day's units at an hour (1 to 24) in the 37-bus network, by factors."""
    network, day = open_network("bundled", "rbts2", factors=factors), read_day()
    units = day.units()
    kind = np.array(units.kind)
    load, weather = kind == "load", (kind == "pv") | (kind == "wind")
    size = units.most_mw.max(axis=0)
    bus = np.array([network.ac.buses.name.index(node) for node in units.node])
    rise = np.where(load, day.number("load_slope_eur_per_mwh"), units.cost_eur_per_mwh2[0] * size)
    peers = elastic_peers(
        bus,
        units.tan_phi,
        units.cost_eur_per_mwh,
        rise,
        pv_mw=np.where(weather, size, 0.0),
        generator_mw=np.where(load | weather, 0.0, size),
        least_mw=np.where(load | weather, 0.0, units.least_mw[0]),
    )
    load_mw = floats(len(units))
    load_mw[load] = day.base_load_mw()[hour - 1]
    pv_mw = np.where(weather, units.most_mw[hour - 1], 0.0)
    limits = uniform_limits(network.ac.buses, network.ac.branches, 0.95, 1.05, 1.0)
    return ElasticDesk(peers, network.ac, limits, load_mw, pv_mw, **changes)


def feeder_desk(seed: int, v_min_pu: float = 0.94, loading: float = 0.6, **changes: Any) -> ElasticDesk:
    """Return a desk on case33bw: its loads are elastic, a third of them beside sun of random size, and a supplier.

    Ratings are 5 MVA on every branch. Reactive power goes with active power as it does in the file (a supply: none).
    """
    network, rng = opened("bundled", "case33bw"), stream(seed, "test.feeder")
    ac = network.with_ratings(np.full(len(network.ac.branches), 5.0)).ac
    there = network.connections
    sun = rng.random(len(there)) < 1 / 3
    bus = np.concatenate([there.bus, there.bus[sun], [network.ac.buses.name.index(_slack(network))]])
    n, k = len(there), int(sun.sum())
    load_mw = np.concatenate([there.load_mw * rng.uniform(1.0, 2.5, n), floats(k + 1)])
    pv_mw = np.concatenate([floats(n), rng.uniform(0.0, 0.8, k), floats(1)])
    generator_mw = np.concatenate([floats(n + k), [10.0]])
    first = np.concatenate([rng.uniform(80, 140, n), rng.uniform(0, 20, k), [50.0]])
    rise = np.concatenate([rng.uniform(40, 100, n), rng.uniform(1, 20, k), [3.0]])
    tan_phi = np.concatenate([there.load_mvar / there.load_mw, np.full(k, 0.2), [0.0]])
    limits = uniform_limits(ac.buses, ac.branches, v_min_pu, 1.05, loading)
    peers = elastic_peers(bus, tan_phi, first, rise, pv_mw=pv_mw, generator_mw=generator_mw)
    return ElasticDesk(peers, ac, limits, load_mw, pv_mw, **changes)


def _slack(network: Any) -> str:
    """Return the name of the bus whose voltage no injection moves."""
    every = np.arange(len(network.ac.buses))
    state = network.ac.solve(Injections(floats(len(every)), floats(len(every))))
    moved: Bools = np.isnan(network.ac.sensitivities(state, every[:0], every).mw_per_unit)
    return str(network.ac.buses.name[int(np.flatnonzero(moved)[0])])


S1, S2, S3 = Factors(trafo_rating=1 / 3), Factors(line_rating=0.5), Factors(line_impedance=3.0)
CONGESTED = {"S1": (20, S1), "S2, generation": (1, S2), "S2, load": (20, S2), "S3": (20, S3)}
FEEDERS = (1, 4, 5)
"""Seeds whose feeder is congested, by load."""


def desks() -> dict[str, ElasticDesk]:
    feeders = {f"feeder {seed}": feeder_desk(seed) for seed in FEEDERS}
    return {name: day_desk(hour, factors) for name, (hour, factors) in CONGESTED.items()} | feeders


CASES = list(desks())


def agree(desk: ElasticDesk, service: NetworkCharges | NoService | None = None) -> Agreement:
    return (service or NetworkCharges()).agree(desk, desk.signal)


def welfare_eur_per_h(agreed: Agreement) -> float:
    """Return what everybody's trades are worth, by their own prices and slopes."""
    orders, x = agreed.plan.orders, agreed.result.accepted_mw
    return float((-orders.side * orders.price_eur_per_mwh * x - orders.slope_eur_per_mwh2 * x**2 / 2).sum())


def rent_eur_per_h(agreed: Agreement) -> float:
    """Return what the DSO collects."""
    trades = agreed.result.trades
    paid = trades.seller_premium_eur_per_mwh + trades.buyer_premium_eur_per_mwh
    return -float((trades.quantity_mw * paid).sum())


@dataclass
class Given:
    """An AC model with something injected at a bus beside all trades."""

    of: Grid
    bus: int
    p_mw: float
    q_mvar: float

    @property
    def buses(self) -> BusTable:
        return self.of.buses

    @property
    def branches(self) -> BranchTable:
        return self.of.branches

    def solve(self, injections: Injections) -> GridState:
        here = np.arange(len(self.buses)) == self.bus
        return self.of.solve(Injections(injections.p_mw + here * self.p_mw, injections.q_mvar + here * self.q_mvar))

    def sensitivities(self, state: GridState, branches: Ints, buses: Ints) -> Sensitivities:
        return self.of.sensitivities(state, branches, buses)
