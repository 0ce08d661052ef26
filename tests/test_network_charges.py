"""Exact network charges: optimal within the limits, reached by a market that knows nothing of the network."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from peerflex.core.arrays import Floats, Ints, add_up, floats
from peerflex.core.network import BranchTable, BusTable, GridState, Injections, Sensitivities
from peerflex.core.people import PeerTable, Plan
from peerflex.core.protocols import Grid
from peerflex.core.trade import Orders
from peerflex.core.units import BUY
from peerflex.grid.factors import Factors
from peerflex.markets import network_charges
from peerflex.markets.idle import NoService
from peerflex.markets.net_positions import NetPositions, NetProgram, solve_net_positions
from peerflex.markets.network_charges import NetworkCharges
from peerflex.markets.network_rows import Near, NetworkRows, network_rows
from tests.elastic_desk import (
    CASES,
    S1,
    S2,
    S3,
    Given,
    agree,
    day_desk,
    desks,
)


class Recorder:
    """Keeps the positions that the service found, to hold the market against."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.found: list[NetPositions] = []
        monkeypatch.setattr(network_charges, "solve_net_positions", self.solve)

    def solve(self, program: NetProgram) -> NetPositions | None:
        found = solve_net_positions(program)
        if found is not None:
            self.found.append(found)
        return found


@pytest.mark.parametrize("reactive_range", [None, (-0.3, 0.4)], ids=["P", "P and Q"])
@pytest.mark.parametrize("case", CASES)
def test_charges_alone_lead_to_the_constrained_dispatch(
    case: str, reactive_range: tuple[float, float] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The market knows no limit; it ends where the program with limits ends, and the AC flow keeps every limit."""
    recorder, desk = Recorder(monkeypatch), desks()[case]
    before = agree(desks()[case], NoService()).expected
    assert max(before.loading.max() - desk.limits.loading[0], 0.95 - before.v_pu.min()) > 1e-3, "congested otherwise"
    agreed = agree(desk, NetworkCharges(reactive_range=reactive_range))
    result, orders = agreed.result, agreed.plan.orders
    rows = orders.quantity_mw > 1e-9
    assert np.abs(result.accepted_mw[rows] - recorder.found[-1].quantity_mw).max() <= 1e-4
    assert agreed.effort.settled
    state = desk.grid.solve(desk.injections(orders, result.accepted_mw, agreed.reactive_mvar))
    assert state.loading.max() <= desk.limits.loading[0] + 1e-6
    assert state.v_pu.min() >= desk.limits.v_min_pu[0] - 1e-6
    assert state.v_pu.max() <= 1.05 + 1e-6
    assert abs((orders.side * result.accepted_mw).sum()) <= 1e-9
    binding = max(state.loading.max() - desk.limits.loading[0], desk.limits.v_min_pu[0] - state.v_pu.min())
    assert binding >= -5e-4, "and no more is given up than needed"


def test_an_uncongested_hour_takes_one_clearing_and_one_flow() -> None:
    desk = day_desk(12, Factors())
    free = agree(day_desk(12, Factors()), NoService())
    agreed = agree(desk)
    assert (agreed.effort.settled, agreed.effort.clearings, agreed.effort.flows) == (True, 1, 1)
    np.testing.assert_array_equal(agreed.result.accepted_mw, free.result.accepted_mw)
    assert agreed.terms.charges is None
    assert not agreed.reactive_mvar.any()


@dataclass
class CountingGrid:
    """An AC model that counts how often it is solved."""

    of: Grid
    solved: int = field(default=0)

    @property
    def buses(self) -> BusTable:
        return self.of.buses

    @property
    def branches(self) -> BranchTable:
        return self.of.branches

    def solve(self, injections: Injections) -> GridState:
        self.solved += 1
        return self.of.solve(injections)

    def sensitivities(self, state: GridState, branches: Ints, buses: Ints) -> Sensitivities:
        return self.of.sensitivities(state, branches, buses)


@pytest.mark.parametrize("case", CASES)
def test_at_most_four_flows_an_hour_honestly_counted(case: str) -> None:
    desk = desks()[case]
    grid = CountingGrid(desk.grid)
    desk.grid = grid
    agreed = agree(desk)
    assert agreed.effort.flows == agreed.effort.clearings == grid.solved <= 4


def test_the_days_of_the_study_need_what_an_independent_prototype_found() -> None:
    """Scenarios 1 to 3 of Marques et al. (2023): hours, flows, and 6.06 MWh of extra flexibility in scenario 3."""
    congested, flows, extra_mwh = [0, 0, 0], [], [0.0, 0.0, 0.0]
    for scenario, factors in enumerate((S1, S2, S3)):
        for hour in range(1, 25):
            agreed = agree(day_desk(hour, factors))
            orders, effort = agreed.plan.orders, agreed.effort
            assert effort.settled
            congested[scenario] += effort.flows > 1
            flows.append(effort.flows)
            extra_mwh[scenario] += float((orders.extra * (orders.quantity_mw - agreed.result.accepted_mw)).sum())
    assert congested == [2, 19, 6]
    assert (sum(flows), max(flows)) == (112, 3)
    assert extra_mwh[2] == pytest.approx(6.06, abs=0.01)


def test_reactive_power_is_worth_load() -> None:
    """With loads' reactive power at the DSO's call, scenario 3 needs no extra flexibility at all."""
    desk = day_desk(20, S3)
    agreed = agree(desk, NetworkCharges(reactive_range=(-0.3, 0.4)))
    orders, accepted = agreed.plan.orders, agreed.result.accepted_mw
    assert (orders.extra * (orders.quantity_mw - accepted)).sum() <= 1e-6
    taken_mw = add_up(orders.peer, (orders.side == BUY) * accepted, len(desk.peers))
    asked = agreed.reactive_mvar
    assert (asked > 0.01).any()
    assert not asked[taken_mw == 0].any(), "only loads are asked"
    assert (asked <= (0.4 + 0.3) * taken_mw + 1e-9).all()
    assert (asked >= -1e-9).all(), "they take 0.4 by themselves, the most they may"


@pytest.mark.parametrize(("case", "excess"), [("S2, load", 0.3), ("S3", 0.02)])
def test_leaving_out_reactive_power_breaks_it(case: str, excess: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a load takes it takes with its reactive power: charges for its active power alone do not keep the limits."""
    right = network_charges._charges

    def wrong(book: Any, peers: PeerTable, rows: NetworkRows, found: NetPositions) -> Floats:
        return right(book, replace(peers, tan_phi=floats(len(peers))), rows, found)

    assert agree(desks()[case]).effort.settled
    monkeypatch.setattr(network_charges, "_charges", wrong)
    desk = desks()[case]
    state = agree(desk, NetworkCharges(rounds=1)).expected
    assert max(state.loading.max() - 1.0, 0.95 - state.v_pu.min()) > excess


def test_what_lies_across_is_the_second_order_of_a_loading() -> None:
    """A circle through the sensitivities is nearer to the AC loading than a line, by far, for reactive power."""
    desk = day_desk(20, S1)
    plan = desk.bids(floats(len(desk.peers)))
    result = desk.trade(plan, desk.signal.terms)
    transformer, bus = desk.grid.branches.name.index("T1"), desk.grid.buses.name.index("1")
    state = desk.flow(plan, result, floats(len(desk.peers)))
    near = Near(np.arange(len(desk.grid.branches)) == transformer, np.zeros(len(desk.grid.buses), dtype=np.bool_))
    rows = network_rows(desk.grid, state, desk.limits, near)
    at = desk.injections(plan.orders, result.accepted_mw, floats(len(desk.peers)))
    less = 6.0 * (np.arange(len(desk.grid.buses)) == bus)
    real = desk.grid.solve(replace(at, q_mvar=at.q_mvar + less)).loading[transformer]
    along, across = rows.value_mw + rows.by_mvar[:, bus] * 6.0
    rating = desk.grid.branches.rating_mva[transformer]
    assert abs(np.hypot(along, across) / rating - real) < 0.25 * abs(abs(along) / rating - real)


def test_a_limit_that_nobody_can_keep_is_kept_as_far_as_it_goes() -> None:
    """A load that does not trade: all flexibility there is is used, and the hour says that it did not settle."""
    plain, desk = day_desk(20, S3), day_desk(20, S3)
    heavy = int(desk.peers.bus[21])
    desk.grid, plain.grid = Given(desk.grid, heavy, -3.0, -1.2), Given(plain.grid, heavy, -3.0, -1.2)
    before, agreed = agree(plain, NoService()), agree(desk)
    assert not agreed.effort.settled
    assert agreed.effort.flows <= 4
    assert before.expected.v_pu.min() < agreed.expected.v_pu.min() < 0.95
    orders, behind = agreed.plan.orders, 21
    assert agreed.result.accepted_mw[(orders.peer == behind) & (orders.side == BUY)].sum() <= 1e-6
    assert np.isfinite(agreed.result.accepted_mw).all()


def test_a_network_that_collapses_is_relieved_or_left_to_the_log() -> None:
    """So heavy a load that some of it has to be taken off for any flow: the state says so, and nothing raises."""
    desk = day_desk(20, Factors(line_impedance=12.0))
    agreed = agree(desk)
    assert agreed.effort.flows <= 7
    assert agreed.effort.settled == (not agreed.expected.shed_mw.any() and agreed.expected.v_pu.min() >= 0.95 - 1e-6)


class Silent:
    """Nobody bids."""

    def bid(self, seen: Any, rng: np.random.Generator) -> Any:
        nothing = floats(len(seen.peer))
        return Plan(nothing, nothing, Orders.empty(), nothing)


def test_without_orders_there_is_nothing_to_charge() -> None:
    desk = day_desk(20, S3, load=Silent(), source=Silent())
    desk.grid = Given(desk.grid, 37, -8.0, -3.0)
    agreed = agree(desk)
    assert (agreed.effort.settled, agreed.effort.flows) == (False, 1)
