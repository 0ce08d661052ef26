"""A street of elastic peers under a TSO, in a small synchronous area; and books that schemes can be tried on."""

from dataclasses import dataclass, field, replace

import numpy as np

from peerflex.agents.elastic import ElasticLoad, ElasticSource
from peerflex.agents.regulation import Bid, Need, NeedFromFrequency
from peerflex.core.arrays import Floats, Ints
from peerflex.core.frequency import FrequencyArea
from peerflex.core.network import BranchTable, BusTable, GridState, Injections, Limits, Sensitivities
from peerflex.core.people import PeerState, PeerTable, Plan, Profiles
from peerflex.core.protocols import Grid, Service
from peerflex.core.record import Agreement, HourRecord
from peerflex.core.regulation import TSO, System, SystemEvents
from peerflex.core.streams import stream
from peerflex.core.trade import MarketResult, Orders, Signal, TradeTerms, free_terms
from peerflex.core.units import BUY, SELL
from peerflex.markets.bilateral import BilateralEquilibrium
from peerflex.markets.idle import NoFlexMarket, NoService
from peerflex.markets.schemes import Scheme, coordinated
from peerflex.runs.area.area import Area, TsoSettings
from peerflex.runs.model import AreaModel
from tests.areas import HOUR_S, Street, street

SMALL = FrequencyArea(size_mw=300, inertia_s=3, fcr_mw=15, afrr_mw=20)
BID = Bid(most_mw=2.0, value_eur_per_mwh=150.0, fall_eur_per_mwh=1.0, down_eur_per_mwh=0.0, firm=False)
LOADS = 4


def events(*rows: tuple[float, float, float]) -> SystemEvents:
    """Return system events from (start in hours, end in hours, MW)."""
    start, end, change = (np.array(column) for column in zip(*rows, strict=True)) if rows else (np.zeros(0),) * 3
    return SystemEvents(start * HOUR_S, end * HOUR_S, change)


def regulated(
    *rows: tuple[float, float, float],
    steps: int = 6,
    need: Need | None = None,
    bid: Bid = BID,
    scheme: Scheme = "common",
    feeders: float = 4.0,
    frequency: FrequencyArea = SMALL,
    error: float = 0.0,
) -> Area:
    """Return four elastic loads of 1 MW and a generator at the end of a street, and the TSO at its head."""
    n = LOADS + 2
    generator, virtual = np.eye(n)[LOADS] * 6.0, np.eye(n)[LOADS + 1] * bid.most_mw
    flat, none = np.zeros(n), np.full(n, np.nan)
    load = np.array([1.0] * LOADS + [0.0, 0.0]) * np.ones((steps, 1))
    at_end = np.arange(n) <= LOADS
    peers = PeerTable(
        name=(*(f"house {row}" for row in range(LOADS)), "engine", TSO),
        bus=at_end.astype(np.int64),
        behaviour=np.array([0] * LOADS + [1, -1]),
        pv_mw=flat,
        battery_mwh=flat,
        battery_mw=flat,
        battery_efficiency=np.ones(n),
        generator_mw=generator + virtual,
        boiler_mw=virtual,
        up_eur_per_mwh=none,
        down_eur_per_mwh=none,
        trade=np.ones(n, dtype=np.bool_),
        tan_phi=flat,
        marginal_eur_per_mwh=none,
        marginal_rise_eur_per_mwh=none,
        least_mw=flat,
        least_share=flat,
    )
    grid = Street(rating_mw=50.0, pu_per_mw=1e-4)
    base = street(n, steps, market=BilateralEquilibrium(), flex_market=NoFlexMarket(), grid=grid)
    return replace(
        base,
        peers=peers,
        start=PeerState(flat),
        profiles=Profiles(load, 0 * load, 0 * load),
        behaviours=(ElasticLoad(118.0, 88.0), ElasticSource(20.0, 60.0)),
        behaviour_names=("loads", "engines"),
        service=coordinated(scheme, NoService(), n - 1),
        dso=replace(base.dso, grid=grid, forecast_error=0.0, publishes=False),
        forecast_error=error,
        upstream_bus=0,
        system=System(frequency, feeders, events(*rows), delay_s=30.0, ramp_s=270.0),
        tso=TsoSettings(need or NeedFromFrequency(0.8, feeders), bid, n - 1),
    )


def simulate(area: Area) -> list[HourRecord]:
    """Run in process."""
    model, records = AreaModel(area), []
    for _ in range(area.steps):
        model.step()
        assert model.record is not None
        records.append(model.record)
    model.close()
    return records


@dataclass(frozen=True)
class Chain:
    """Buses 0, 1 and 2 in a row, with two lines of given ratings; lossless, voltages do not move."""

    first_mw: float = 1000.0
    second_mw: float = 1000.0

    @property
    def buses(self) -> BusTable:
        return BusTable(("0", "1", "2"), np.full(3, 10.0), np.arange(3.0), np.zeros(3))

    @property
    def branches(self) -> BranchTable:
        rating = np.array([self.first_mw, self.second_mw])
        return BranchTable(("first", "second"), ("line",) * 2, np.array([0, 1]), np.array([1, 2]), rating)

    def solve(self, injections: Injections) -> GridState:
        _, at_1, at_2 = injections.p_mw
        flow, rating = -np.array([at_1 + at_2, at_2]), self.branches.rating_mva
        p, q, flat = injections.p_mw.copy(), injections.q_mvar.copy(), np.zeros(3)
        v, loading, up = np.ones(3), np.abs(flow) / rating, -float(p.sum())
        return GridState(v, flat, p, q, flat, loading, flow, 0.0, up, 0.0, "linear", 0, 0.0)

    def sensitivities(self, state: GridState, branches: Ints, buses: Ints) -> Sensitivities:
        rating = self.branches.rating_mva
        by_branch = (np.array([[0.0, -1.0, -1.0], [0.0, 0.0, -1.0]]) / rating[:, None])[branches]
        by_mw = np.concatenate([by_branch, np.zeros((len(buses), 3))])
        value = np.concatenate([(state.flow_mw / rating)[branches], state.v_pu[buses]])
        per_unit = np.concatenate([rating[branches], np.full(len(buses), np.nan)])
        return Sensitivities(branches, buses, value, by_mw, np.zeros_like(by_mw), per_unit)


@dataclass(slots=True)
class BookDesk:
    """A desk with one book of orders, whatever is called; the last peer is the TSO, at bus 0, others where ``bus`` says
    (at bus 1 if it does not).
    """

    orders: Orders
    bus: Floats | None = None
    grid: Grid = field(default_factory=Chain)
    limits: Limits = field(default_factory=lambda: Limits(np.full(3, 0.9), np.full(3, 1.1), np.ones(2)))
    clearings: int = 0
    flows: int = 0
    tso_row: int | None = None

    @property
    def tso(self) -> int:
        return int(self.orders.peer.max()) if self.tso_row is None else self.tso_row

    @property
    def peers(self) -> PeerTable:
        n = self.tso + 1
        flat = np.zeros(n)
        bus = np.append(np.ones(n - 1), 0.0) if self.bus is None else self.bus
        names = tuple(f"peer {row}" for row in range(n))
        behaviour = np.zeros(n, dtype=np.int64)
        return PeerTable(names, bus.astype(np.int64), behaviour, *(flat,) * 8, flat == 0, *(flat,) * 5)

    def bids(self, called_share: Floats) -> Plan:
        nothing = np.zeros(self.tso + 1)
        return Plan(nothing, nothing, self.orders, nothing)

    def trade(self, plan: Plan, terms: TradeTerms) -> MarketResult:
        self.clearings += 1
        signal = Signal(np.zeros(3), np.zeros(2, dtype=np.bool_), terms)
        return BilateralEquilibrium().clear(plan.orders, signal, stream(1, "market"))

    def flow(self, plan: Plan, result: MarketResult, reactive_mvar: Floats) -> GridState:
        self.flows += 1
        p_mw = np.zeros(3)
        np.add.at(p_mw, self.peers.bus[plan.orders.peer], plan.orders.side * result.accepted_mw)
        return self.grid.solve(Injections(p_mw, np.zeros(3)))


def agree(desk: BookDesk, scheme: Scheme, service: Service | None = None) -> Agreement:
    """Return what a scheme comes to on a desk."""
    n = desk.tso + 1
    signal = Signal(np.zeros(3), np.zeros(2, dtype=np.bool_), free_terms(n))
    return coordinated(scheme, service or NoService(), desk.tso).agree(desk, signal)


def elastic_book(rng: np.random.Generator, request_mw: float, value: float, fall: float = 10.0) -> Orders:
    """Return 3 to 8 sellers and as many buyers with sloped orders, and the TSO's (> 0: it buys) last."""
    n = int(rng.integers(3, 9))
    side = np.concatenate([np.full(n, SELL), np.full(n, BUY), [BUY if request_mw > 0 else SELL]])
    quantity = np.concatenate([rng.uniform(0.2, 3.0, 2 * n), [abs(request_mw)]])
    price = np.concatenate([rng.uniform(0, 60, n), rng.uniform(60, 150, n), [value]])
    slope = np.concatenate([rng.uniform(5, 60, 2 * n) / quantity[:-1], [fall / abs(request_mw)]])
    rows, flat = np.arange(2 * n + 1), np.zeros(2 * n + 1)
    return Orders(
        rows,
        side,
        quantity,
        price,
        np.ones(2 * n + 1, dtype=np.bool_),
        np.zeros(2 * n + 1, dtype=np.int64),
        np.full(2 * n + 1, HOUR_S),
        slope,
        flat,
        flat,
    )


def welfare(orders: Orders, accepted_mw: Floats) -> float:
    """Return what is bought is worth less what is sold costs, EUR/h, at true prices."""
    half = orders.slope_eur_per_mwh2 * accepted_mw / 2
    return -float((accepted_mw * (orders.side * orders.true_eur_per_mwh + half)).sum())
