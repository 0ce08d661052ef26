"""The examples worked by hand in docs/economics of behaviours, batteries and the DSO, number by number."""

from dataclasses import dataclass, replace

import mesa
import numpy as np
import pytest

from peerflex.agents.battery import charge_limit_mw
from peerflex.agents.dispatch import dispatch
from peerflex.agents.dso import DSO
from peerflex.agents.fmo import FMO, Procurement
from peerflex.agents.prosumer import Prosumer
from peerflex.agents.truthful import Truthful
from peerflex.core.arrays import Floats, Ints
from peerflex.core.network import BranchTable, BusTable, GridState, Injections, Limits, Sensitivities
from peerflex.core.people import Observation, PeerState, PeerTable, Plan
from peerflex.core.protocols import Behaviour, Grid
from peerflex.core.streams import stream
from peerflex.core.trade import FlexOffers
from peerflex.core.units import BUY, SELL
from peerflex.markets.idle import NoIncentive
from peerflex.markets.lfm import LocalFlexibilityMarket

KW = 1e-3


def household(load_kw: float, pv_kw: float, stored_kwh: float, relief: float = 0.0) -> Observation:
    """Return the household of the pages: 10 kWh, 5 kW, 0.95 one way, tariffs 320 and 80."""
    one = [load_kw * KW, pv_kw * KW, stored_kwh * KW, 10 * KW, 5 * KW, 0.95, 0.0, 0.0, np.nan, np.nan, np.nan, relief]
    one += [320.0, 80.0, pv_kw * KW, np.nan, np.nan, 0.0, 0.0]
    return Observation(np.zeros(1, dtype=np.int64), *(np.array([value]) for value in one), start_s=0, duration_s=3600)


def plan(behaviour: Behaviour, seen: Observation) -> Plan:
    return behaviour.bid(seen, stream(1, "test"))


def rows(of: Plan) -> list[tuple[int, float, float, bool]]:
    """Return the orders as (side, kW, EUR/MWh, dispatchable)."""
    orders = of.orders
    columns = (orders.side, orders.quantity_mw / KW, orders.price_eur_per_mwh, orders.dispatchable)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def test_truthful() -> None:
    offers = rows(plan(Truthful(flexible_load_share=0.3), household(1, 3, 4)))
    assert offers == [
        pytest.approx((SELL, 2.0, 80.0, False)),
        pytest.approx((SELL, 3.8, 220.53, True), rel=1e-4),
        pytest.approx((BUY, 5.0, 180.0, True)),
        pytest.approx((SELL, 0.3, 520.0, True)),
        pytest.approx((BUY, 3.0, -1.0, True)),
    ]
    with_both = replace(household(1, 3, 4), generator_mw=np.array([6 * KW]), boiler_mw=np.array([2 * KW]))
    assert rows(plan(Truthful(), with_both))[-2:] == [
        pytest.approx((SELL, 6.0, 200.0, True)),
        pytest.approx((BUY, 2.0, 100.0, True)),
    ]


@pytest.mark.parametrize(
    ("relief", "battery_kw", "sold_kw", "up_kw", "down_kw"),
    [(0.0, -2.0, 0.0, 5.8, 3.0), (1.0, 0.0, 2.0, 3.8, 0.0), (-1.0, -2.0, 0.0, 0.0, 3.0)],
)
def test_prosumer_by_day(relief: float, battery_kw: float, sold_kw: float, up_kw: float, down_kw: float) -> None:
    done = plan(Prosumer(), household(1, 3, 4, relief))
    offers = rows(done)
    assert done.battery_mw == pytest.approx([battery_kw * KW])
    assert sum(kw for side, kw, _, moves in offers if side == SELL and not moves) == pytest.approx(sold_kw)
    assert sum(kw for side, kw, _, moves in offers if side == SELL and moves) == pytest.approx(up_kw)
    assert sum(kw for side, kw, price, moves in offers if side == BUY and moves and price > 0) == pytest.approx(down_kw)


def test_prosumer_in_the_evening() -> None:
    done = plan(Prosumer(), household(4, 0, 2))
    side, kw, price, moves = rows(done)[0]
    assert done.battery_mw == pytest.approx([1.9 * KW])
    assert (side, kw, moves) == (BUY, pytest.approx(2.1), False)
    assert 200 <= price <= 320


def test_battery() -> None:
    battery = np.full(2, 10 * KW), np.full(2, 5 * KW), np.full(2, 0.9)
    nobody = np.zeros(2, dtype=np.int64)
    done = dispatch(
        PeerTable(
            ("Anna", "Ben"),
            nobody,
            nobody,
            np.zeros(2),
            *battery,
            *(np.zeros(2),) * 4,
            np.ones(2, dtype=np.bool_),
            *(np.zeros(2),) * 5,
        ),
        PeerState(np.array([2, 9]) * KW),
        load_mw=np.array([4, 0]) * KW,
        pv_mw=np.array([0, 6]) * KW,
        battery_mw=np.zeros(2),
        change_mw=np.array([3, -4]) * KW,
        hours=1.0,
    )
    assert done.battery_mw / KW == pytest.approx([1.8, -1.111], abs=5e-4)
    assert done.load_mw / KW == pytest.approx([2.8, 0])
    assert done.pv_mw / KW == pytest.approx([0, 3.111], abs=5e-4)
    assert done.injection_mw / KW == pytest.approx([-1, 2])
    assert done.after.soc_mwh / KW == pytest.approx([0, 10])
    quarter = charge_limit_mw(np.array([9 * KW]), battery[1][:1], battery[0][:1], battery[2][:1], 0.25)
    assert quarter / KW == pytest.approx([4.444], abs=5e-4)


def state_of(injections: Injections, v_pu: Floats, loading: Floats, flow_mw: Floats) -> GridState:
    p_mw, q_mvar = injections.p_mw, injections.q_mvar
    exchange = -float(p_mw.sum())
    angle = np.zeros(len(p_mw))
    return GridState(v_pu, angle, p_mw, q_mvar, angle, loading, flow_mw, 0.0, exchange, 0.0, "linear", 0, 0.0)


@dataclass(frozen=True)
class Feeder:
    """Bus 0, a line, bus 1, a line, bus 2; 0.1 MVA each, as in docs/economics/dso-signal.md."""

    buses = BusTable(("0", "1", "2"), np.full(3, 0.4), np.zeros(3), np.zeros(3))
    branches = BranchTable(("first", "second"), ("line",) * 2, np.array([0, 1]), np.array([1, 2]), np.full(2, 0.1))

    def solve(self, injections: Injections) -> GridState:
        _, p1, p2 = injections.p_mw
        flow = -np.array([p1 + p2, p2])
        v1 = 1 + 0.2 * (p1 + p2)
        return state_of(injections, np.array([1.0, v1, v1 + 0.3 * p2]), np.abs(flow) / 0.1, flow)

    def sensitivities(self, state: GridState, branches: Ints, buses: Ints) -> Sensitivities:
        of_branch = np.array([[0, -10.0, -10.0], [0, 0, -10.0]])[branches]
        of_bus = np.array([[0, 0, 0], [0, 0.2, 0.2], [0, 0.2, 0.5]])[buses]
        by_mw = np.concatenate([of_branch, of_bus])
        value = np.concatenate([state.flow_mw[branches] / 0.1, state.v_pu[buses]])
        return Sensitivities(branches, buses, value, by_mw, np.zeros_like(by_mw), np.full(len(value), 0.1))


def dso(grid: Grid, low_pu: float, high_pu: float) -> DSO:
    n = len(grid.buses)
    limits = Limits(np.full(n, low_pu), np.full(n, high_pu), np.ones(len(grid.branches)))
    return DSO(
        mesa.Model(),
        grid,
        limits,
        at_risk=0.8,
        publishes=True,
        incentive=NoIncentive(),
        bus_of_peer=np.zeros(0, np.int64),
        may_trade=np.zeros(0, np.bool_),
        loss_eur_per_mwh=90.0,
    )


def at(*p_mw: float) -> Injections:
    return Injections(np.array(p_mw), np.zeros(len(p_mw)))


EVENING, NOON = at(0, -0.04, -0.05), at(0, 0.04, 0.05)


@pytest.mark.parametrize(
    ("band", "expected", "measured", "relief"),
    [
        ((0.95, 1.05), EVENING, None, [0, 1, 1]),
        ((0.96, 1.04), EVENING, None, [0, 0.713, 1]),
        ((0.95, 1.05), NOON, None, [0, -1, -1]),
        ((0.95, 1.05), EVENING, at(0, 0.04, 0.06), [0, -1, -1]),
    ],
    ids=["evening", "narrow band", "noon", "evening after noon"],
)
def test_dso_signal(
    band: tuple[float, float], expected: Injections, measured: Injections | None, relief: list[float]
) -> None:
    feeder = Feeder()
    state = None if measured is None else feeder.solve(measured)
    signal = dso(feeder, *band).signal(feeder.solve(expected), state)
    assert signal.relief == pytest.approx(relief, abs=5e-4)
    assert signal.at_risk.tolist() == [True, False]


@dataclass(frozen=True)
class Curve:
    """Bus 1 at ``V = 1 + p - 2 p^2`` behind a line without a rating: docs/economics/flexibility-procurement.md."""

    buses = BusTable(("0", "1"), np.full(2, 0.4), np.zeros(2), np.zeros(2))
    branches = BranchTable(("line",), ("line",), np.array([0]), np.array([1]), np.array([np.inf]))

    def solve(self, injections: Injections) -> GridState:
        p = injections.p_mw[1]
        return state_of(injections, np.array([1.0, 1 + p - 2 * p**2]), np.zeros(1), np.array([-p]))

    def sensitivities(self, state: GridState, branches: Ints, buses: Ints) -> Sensitivities:
        assert branches.tolist() == []
        assert buses.tolist() == [1]
        slope = 1 - 4 * state.p_mw[1]
        by_mw = np.array([[0.0, slope]])
        return Sensitivities(branches, buses, state.v_pu[buses], by_mw, np.zeros((1, 2)), np.array([1 / slope]))


def bought(offered_mw: float) -> Procurement:
    one, upward = np.ones(1, dtype=np.int64), np.array([SELL])
    offers = FlexOffers(
        0 * one, 0 * one, one, upward, np.array([offered_mw]), np.array([250.0]), np.zeros(1), np.array([250.0])
    )
    fmo = FMO(mesa.Model(), LocalFlexibilityMarket(interface_eur_per_mwh=200), rounds=10)
    return fmo.procure(dso(Curve(), 0.95, 1.05), Curve().solve(at(0, -0.06)), offers)


def test_flexibility_procurement() -> None:
    done = bought(0.02)
    assert done.kept
    assert done.rounds == 2
    assert done.result.accepted_mw == pytest.approx([0.014204], abs=5e-7)
    assert done.result.cost_eur_per_h == pytest.approx(0.7102, abs=5e-5)
    # the rows of both rounds: what each asked for by itself
    asked = (done.need.lower - done.need.value) / done.need.by_mw[:, 1]
    assert asked == pytest.approx([0.013879, 0.014204], abs=5e-7)


def test_flexibility_procurement_without_enough_offers() -> None:
    done = bought(0.01)
    assert not done.kept
    assert done.result.accepted_mw == pytest.approx([0.01])
    assert done.result.missing_mw.max() == pytest.approx(0.004175, abs=5e-7)
