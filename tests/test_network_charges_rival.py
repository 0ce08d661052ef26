"""Charges alone, without network rows, bring the bilateral market to the network-constrained dispatch of a rival."""

import numpy as np
import pytest

from peerflex.core.arrays import Floats, floats
from peerflex.core.record import Agreement
from peerflex.core.trade import Orders
from peerflex.markets import network_charges
from peerflex.markets.idle import NoService
from peerflex.markets.net_positions import NetPositions, NetProgram, solve_net_positions
from peerflex.markets.network_charges import NetworkCharges
from peerflex.markets.network_rows import BACK_OFF
from tests.elastic_desk import ElasticDesk, agree, feeder_desk
from tests.grid_rival import opened
from tests.qp_rival import Rows, dispatch, dispatch_in_circles

pytestmark = pytest.mark.once

SAME = 1e-4
"""Of an order's quantity."""
CASES = 24
RATING_MVA = 5.0


class Programs:
    """Keeps the programs that the service solved: the last one has the rows that its charges stand for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seen: list[NetProgram] = []
        monkeypatch.setattr(network_charges, "solve_net_positions", self.solve)

    def solve(self, program: NetProgram) -> NetPositions | None:
        self.seen.append(program)
        return solve_net_positions(program)


def congested(linear: bool) -> list[tuple[int, ElasticDesk]]:
    """Return feeders, drawn by seeds from 0, of which free trade breaks a limit: loadings alone, or voltages too."""
    found: list[tuple[int, ElasticDesk]] = []
    for seed in range(4 * CASES):
        rng = np.random.default_rng(seed)
        desk = feeder_desk(seed, v_min_pu=float(rng.uniform(0.93, 0.96)), loading=float(rng.uniform(0.3, 0.7)))
        if linear:
            desk.grid = (
                opened("bundled", "case33bw").with_ratings(np.full(len(desk.grid.branches), RATING_MVA)).linear()
            )
        state = agree(desk, NoService()).expected
        over = np.fmax.reduce([(state.loading - desk.limits.loading).max(), (desk.limits.v_min_pu - state.v_pu).max()])
        if over > 1e-3:
            found.append((seed, desk))
        if len(found) == CASES:
            return found
    raise AssertionError(f"only {len(found)} feeders are congested")


def off(agreed: Agreement, rows: Floats, positions: Floats) -> float:
    """Return how far the market is from positions of some orders, the largest share of an order."""
    quantity = agreed.plan.orders.quantity_mw[rows]
    return float((np.abs(agreed.result.accepted_mw[rows] - positions) / quantity).max())


def parts(orders: Orders, rows: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Return sides, values, slopes and sizes of some orders, all of which have slopes."""
    side, price = orders.side[rows], orders.price_eur_per_mwh[rows]
    return side, -side * price, orders.slope_eur_per_mwh2[rows], orders.quantity_mw[rows]


def below(desk: ElasticDesk) -> Floats:
    """Return by how much each branch's flow changes per MW injected at each bus, from the tree alone."""
    branches, n = desk.grid.branches, len(desk.grid.buses)
    supply = desk.peers.bus[-1]
    beyond: dict[int, list[tuple[int, int]]] = {bus: [] for bus in range(n)}
    for row, (one, other) in enumerate(zip(branches.from_bus, branches.to_bus, strict=True)):
        beyond[int(one)].append((row, int(other)))
        beyond[int(other)].append((row, int(one)))
    change = floats(len(branches), n)
    paths: list[tuple[int, list[int]]] = [(int(supply), [])]
    seen = set()
    while paths:
        bus, path = paths.pop()
        seen.add(bus)
        change[path, bus] = 1.0
        paths += [(other, [*path, row]) for row, other in beyond[bus] if other not in seen]
    assert len(seen) == n
    return change


def test_on_a_lossless_network_they_lead_to_the_constrained_dispatch() -> None:
    """Rows of the rival: every branch, both ways, from the tree; those of the market: none."""
    worst, binding = 0.0, 0
    for seed, desk in congested(linear=True):
        agreed = agree(desk)
        assert agreed.effort.settled, seed
        orders = agreed.plan.orders
        rows = np.flatnonzero(orders.quantity_mw > 1e-9)
        most_mw = (desk.limits.loading - BACK_OFF) * RATING_MVA
        by_order = (below(desk)[:, desk.peers.bus[orders.peer]] * orders.side)[:, rows]
        positions = dispatch(*parts(orders, rows), Rows(floats(len(most_mw)), by_order, -most_mw, most_mw))
        worst = max(worst, off(agreed, rows, positions))
        binding += int((np.abs(by_order @ positions) > most_mw - 1e-6).sum())
        assert agreed.terms.charges is not None
    print(f"{CASES} lossless feeders, {binding} limits bind: off by {worst:.1e} of an order")
    assert worst <= SAME
    assert binding >= CASES


def test_at_ac_sensitivities_they_lead_to_the_constrained_dispatch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of the rival: what each order does to loadings and voltages at the last AC state, reactive power with it."""
    drawn = congested(linear=False)
    programs, worst, binding, voltages = Programs(monkeypatch), 0.0, 0, 0
    for seed, desk in drawn:
        programs.seen.clear()
        agreed = agree(desk)
        assert agreed.effort.settled, seed
        orders = agreed.plan.orders
        rows, program = np.flatnonzero(orders.quantity_mw > 1e-9), programs.seen[-1]
        n = len(program.radius_mva)
        bands = slice(2 * n, None)
        limits = Rows(program.base_mw[bands], program.by_order[bands], program.lower_mw, program.upper_mw)
        base = np.stack([program.base_mw[:n], program.base_mw[n : 2 * n]], axis=1)
        by_order = np.stack([program.by_order[:n], program.by_order[n : 2 * n]], axis=1)
        positions = dispatch_in_circles(*parts(orders, rows), limits, (base, by_order, program.radius_mva))
        worst = max(worst, off(agreed, rows, positions))
        carried = np.hypot(*(base + by_order @ positions).T)
        voltage = limits.base_mw + limits.by_order @ positions
        low = int((voltage < limits.lower_mw + 1e-6 * np.abs(limits.lower_mw)).sum())
        binding, voltages = binding + int((carried > program.radius_mva - 1e-6).sum()) + low, voltages + low
    print(f"{CASES} AC feeders, {binding} limits bind, {voltages} of them voltages: off by {worst:.1e} of an order")
    assert worst <= SAME
    assert binding >= CASES
    assert voltages > 0
    assert binding > voltages


def test_without_its_rows_the_rival_is_the_free_market() -> None:
    """The two would not differ if the rows did not matter: free trade is far from the constrained dispatch."""
    _, desk = congested(linear=True)[0]
    free = agree(desk, NoService())
    orders = free.plan.orders
    rows, none = np.flatnonzero(orders.quantity_mw > 1e-9), floats(0)
    positions = dispatch(*parts(orders, rows), Rows(none, floats(0, len(rows)), none, none))
    assert off(free, rows, positions) <= SAME
    assert off(agree(desk, NetworkCharges()), rows, positions) > 0.01
