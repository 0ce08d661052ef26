"""A desk made by hand: two feeders without losses, elastic peers and a bilateral market, for services of the DSO."""

from dataclasses import dataclass, field, replace

import numpy as np

from peerflex.agents.elastic import ElasticLoad, ElasticSource
from peerflex.core.arrays import Floats, Ints, add_up, floats, ints
from peerflex.core.network import BranchTable, BusTable, GridState, Injections, Limits, Sensitivities
from peerflex.core.people import Observation, PeerTable, Plan
from peerflex.core.streams import stream
from peerflex.core.trade import MarketResult, Orders, Signal, TradeTerms, free_terms
from peerflex.markets.bilateral import BilateralEquilibrium

HOUR_S = 3600


@dataclass(frozen=True)
class Comb:
    """Bus 0 supplies the feeders 0 - 1 - 2 and 0 - 3; ``v = 1 + R p + X q`` with the common paths' R and X, X = R / 2.

    Buses 0, 1 and 2 are the corners of a triangle of 3, 4 and 5 km; bus 3 is 2 km south of bus 0.
    """

    rating_mva: tuple[float, float, float] = (np.inf, np.inf, np.inf)

    buses = BusTable(("0", "1", "2", "3"), np.full(4, 11.0), np.array([0.0, 3, 3, 0]), np.array([0.0, 0, 4, -2]))
    behind = np.array([[0, 1, 1, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    resistance = np.array([[0, 0, 0, 0], [0, 0.02, 0.02, 0], [0, 0.02, 0.05, 0], [0, 0, 0, 0.04]])

    @property
    def branches(self) -> BranchTable:
        ends = np.array([0, 1, 0]), np.array([1, 2, 3])
        return BranchTable(("first", "second", "other"), ("line",) * 3, *ends, np.array(self.rating_mva))

    def solve(self, injections: Injections) -> GridState:
        p, q = injections.p_mw, injections.q_mvar
        flow = -(self.behind * p).sum(axis=1)
        v = 1 + (self.resistance * (p + q / 2)).sum(axis=1)
        loading = np.abs(flow) / self.rating_mva
        return GridState(v, np.zeros(4), p, q, np.zeros(4), loading, flow, 0.0, -float(p.sum()), 0.0, "zbus", 1, 0.0)

    def sensitivities(self, state: GridState, branches: Ints, buses: Ints) -> Sensitivities:
        rating = np.array(self.rating_mva)
        by_mw = np.concatenate([-self.behind[branches] / rating[branches, None], self.resistance[buses]])
        by_mvar = np.concatenate([np.zeros((len(branches), 4)), self.resistance[buses] / 2])
        value = np.concatenate([(state.flow_mw / rating)[branches], state.v_pu[buses]])
        with np.errstate(divide="ignore"):
            own = 1 / self.resistance[buses, buses]
        return Sensitivities(branches, buses, value, by_mw, by_mvar, np.concatenate([rating[branches], own]))


@dataclass(frozen=True)
class Person:
    """A load or a source of ``mw``: the marginal value or cost of its first MW, and how far it goes to the last.

    ``kind`` is 'load' (tan phi 0.4), 'sun' or 'engine' (0), or 'tso' (a load that orders at one price).
    """

    name: str
    kind: str
    bus: int
    mw: float
    marginal: float
    rise: float = 1.0


@dataclass
class HandDesk:
    """``core.protocols.Desk`` for some persons; it writes down what shares were called."""

    grid: Comb
    persons: tuple[Person, ...]
    load: ElasticLoad = field(default_factory=lambda: ElasticLoad(extra="on-call"))
    source: ElasticSource = field(default_factory=ElasticSource)
    v_pu: tuple[float, float] = (0.9, 1.1)
    market: BilateralEquilibrium = field(default_factory=BilateralEquilibrium)
    clearings: int = 0
    flows: int = 0
    called: list[float] = field(default_factory=list)

    @property
    def limits(self) -> Limits:
        return Limits(np.full(4, self.v_pu[0]), np.full(4, self.v_pu[1]), np.ones(3))

    @property
    def peers(self) -> PeerTable:
        def mw(*kinds: str) -> Floats:
            return np.array([each.mw if each.kind in kinds else 0.0 for each in self.persons])

        n, nan = len(self.persons), np.full(len(self.persons), np.nan)
        kind = np.array([each.kind for each in self.persons])
        return PeerTable(
            name=tuple(each.name for each in self.persons),
            bus=np.array([each.bus for each in self.persons]),
            behaviour=np.where(kind == "load", 0, 1),
            pv_mw=mw("sun"),
            battery_mwh=floats(n),
            battery_mw=floats(n),
            battery_efficiency=np.ones(n),
            generator_mw=mw("engine"),
            boiler_mw=floats(n),
            up_eur_per_mwh=nan,
            down_eur_per_mwh=nan,
            trade=np.ones(n, dtype=np.bool_),
            tan_phi=np.where(kind == "load", 0.4, 0.0),
            marginal_eur_per_mwh=np.array([each.marginal for each in self.persons]),
            marginal_rise_eur_per_mwh=np.array([each.rise for each in self.persons]),
            least_mw=floats(n),
            least_share=floats(n),
        )

    def signal(self) -> Signal:
        return Signal(floats(4), np.zeros(3, dtype=np.bool_), free_terms(len(self.persons)))

    def bids(self, called_share: Floats) -> Plan:
        self.called.append(float(called_share.max()))
        peers = self.peers
        loads = np.array([row for row, each in enumerate(self.persons) if each.kind == "load"], dtype=np.int64)
        sources = np.array([row for row, each in enumerate(self.persons) if each.kind in ("sun", "engine")], np.int64)
        rng = stream(1, "desk")
        plans = [
            self.load.bid(self._seen(peers, loads, called_share), rng),
            self.source.bid(self._seen(peers, sources, called_share), rng),
        ]
        nothing = floats(len(peers))
        orders = Orders.join([*(plan.orders for plan in plans), self._request()])
        return Plan(nothing, nothing, orders, load_mw=nothing)

    def trade(self, plan: Plan, terms: TradeTerms) -> MarketResult:
        self.clearings += 1
        return self.market.clear(plan.orders, replace(self.signal(), terms=terms), stream(1, "market"))

    def flow(self, plan: Plan, result: MarketResult, reactive_mvar: Floats) -> GridState:
        self.flows += 1
        peers, orders = self.peers, plan.orders
        given = add_up(orders.peer, orders.side * result.accepted_mw, len(peers))
        q = peers.tan_phi * given + reactive_mvar
        return self.grid.solve(Injections(add_up(peers.bus, given, 4), add_up(peers.bus, q, 4)))

    def _request(self) -> Orders:
        """Return what the TSO asks for, at one price."""
        rows = [(row, each) for row, each in enumerate(self.persons) if each.kind == "tso"]
        return Orders.plain(
            peer=np.array([row for row, _ in rows], dtype=np.int64),
            side=np.full(len(rows), -1),
            quantity_mw=np.array([each.mw for _, each in rows], dtype=np.float64),
            price_eur_per_mwh=np.array([each.marginal for _, each in rows], dtype=np.float64),
            dispatchable=np.ones(len(rows), dtype=np.bool_),
            start_s=ints(len(rows)),
            duration_s=np.full(len(rows), HOUR_S),
        )

    def _seen(self, peers: PeerTable, rows: Ints, called_share: Floats) -> Observation:
        size = np.array([self.persons[row].mw for row in rows])
        is_load = peers.behaviour[rows] == 0
        none, nan = floats(len(rows)), np.full(len(rows), np.nan)
        return Observation(
            peer=rows,
            load_mw=np.where(is_load, size, 0.0),
            pv_mw=peers.pv_mw[rows],
            soc_mwh=none,
            battery_mwh=none,
            battery_mw=none,
            battery_efficiency=none,
            generator_mw=peers.generator_mw[rows],
            boiler_mw=none,
            up_eur_per_mwh=nan,
            down_eur_per_mwh=nan,
            voltage_pu=nan,
            relief=none,
            retail_eur_per_mwh=none,
            feed_in_eur_per_mwh=none,
            installed_mw=peers.pv_mw[rows],
            marginal_eur_per_mwh=peers.marginal_eur_per_mwh[rows],
            marginal_rise_eur_per_mwh=peers.marginal_rise_eur_per_mwh[rows],
            least_mw=none,
            called_share=called_share[rows],
            start_s=0,
            duration_s=HOUR_S,
        )
