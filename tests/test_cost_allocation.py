"""Exogenous cost allocation: the examples of the page, the rules on real networks, and the money in a real hour."""

from dataclasses import dataclass, replace
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from peerflex.core.arrays import Floats
from peerflex.core.errors import InputError
from peerflex.core.network import GridState, Injections
from peerflex.core.parties import Reason, Role
from peerflex.core.streams import stream
from peerflex.core.trade import Signal, TradeTerms
from peerflex.core.units import BUY, SELL
from peerflex.grid.connections import base_case
from peerflex.markets.allocation import CostAllocation, electrical_distance
from peerflex.markets.bilateral import BilateralEquilibrium
from peerflex.markets.registry import INCENTIVES
from peerflex.runs.area.components import make
from peerflex.runs.model import AreaModel
from tests.areas import street
from tests.contracts import book
from tests.desks import Comb
from tests.grid_rival import opened
from tests.network_views import view_of_grid

RULES = ("uniform", "distance", "zone", "losses")
COMB = Comb((1.0, 1.0, 1.0))
QUIET = Injections(np.zeros(4), np.zeros(4))


def charged(of: CostAllocation, grid: object = COMB, injections: Injections = QUIET) -> Floats:
    """Return what each pair of buses is charged in a network with a peer at every bus."""
    terms = of.before(view_of_grid(grid, injections, np.arange(len(injections.p_mw))))
    assert terms.charges is not None
    return terms.charges.pair_eur_per_mwh[np.ix_(terms.place, terms.place)]


# The page.


def test_distance_on_the_page() -> None:
    assert charged(CostAllocation("distance", 9.0)) == pytest.approx(
        np.array([[0, 2, 5, 4], [2, 0, 3, 6], [5, 3, 0, 9], [4, 6, 9, 0]])
    )


def test_zones_on_the_page() -> None:
    assert charged(CostAllocation("zone", 4.0)) == pytest.approx(
        np.array([[0, 4, 4, 4], [4, 0, 0, 8], [4, 0, 0, 8], [4, 8, 8, 0]])
    )
    assert charged(CostAllocation("zone", 4.0, ("second",)))[:, 2] == pytest.approx([4, 4, 0, 4])


@dataclass(frozen=True)
class Lossy(Comb):
    """The same wires, of which the first loses 5 % of the square of what it carries."""

    def loss_slopes(self, state: GridState) -> Floats:
        slope: Floats = -2 * 0.05 * state.flow_mw[0] * self.behind[0]
        return slope


def test_losses_on_the_page() -> None:
    drawn = Injections(np.array([0.0, -2.0, 0.0, 0.0]), np.zeros(4))
    charge = charged(CostAllocation("losses"), Lossy(COMB.rating_mva), drawn)
    assert charge[0, 1] == pytest.approx(18.0)
    assert charge[1, 0] == pytest.approx(-18.0)
    assert charge[1, 2] == charge[0, 3] == 0.0


def cleared(terms: TradeTerms) -> list[tuple[int, int, float, float]]:
    """Return the trades of the page's three peers: who sells to whom, kW, and what the DSO pays the buyer."""
    orders = replace(book((SELL, 0.01, 20), (SELL, 0.01, 25), (BUY, 0.01, 60)), peer=np.arange(3))
    signal = Signal(np.zeros(4), np.zeros(3, dtype=np.bool_), terms)
    market = BilateralEquilibrium(curvature_eur_per_mwh=0.01, pair_curvature_eur_per_mwh=0.001)
    trades = market.clear(orders, signal, stream(1, "market")).trades
    assert (trades.seller_premium_eur_per_mwh == 0).all()
    columns = trades.seller, trades.buyer, 1e3 * trades.quantity_mw, trades.buyer_premium_eur_per_mwh
    return list(zip(*(column.tolist() for column in columns), strict=True))


def test_a_charge_by_distance_makes_the_neighbour_the_better_seller() -> None:
    view = view_of_grid(COMB, QUIET, np.array([3, 1, 2]))
    assert cleared(CostAllocation(rate_eur_per_mwh=0.0).before(view)) == [(0, 2, pytest.approx(10), 0.0)]
    assert cleared(CostAllocation(rate_eur_per_mwh=9.0).before(view)) == [(1, 2, pytest.approx(10), -3.0)]


# What every rule promises.


@pytest.mark.parametrize("rule", RULES)
@given(rate=st.floats(0.01, 1000), factor=st.floats(0, 9), drawn=st.lists(st.floats(-1, 1), min_size=4, max_size=4))
def test_charges_are_homogeneous_and_nothing_at_one_bus(
    rule: str, rate: float, factor: float, drawn: list[float]
) -> None:
    view = view_of_grid(Lossy(COMB.rating_mva), Injections(np.array(drawn), np.zeros(4)), np.array([0, 1, 1, 2, 3, 3]))
    more = replace(view, loss_eur_per_mwh=factor * view.loss_eur_per_mwh)
    once = make(INCENTIVES, "cost-allocation", {"rule": rule, "rate_eur_per_mwh": rate}, "x").before(view)
    often = CostAllocation(rule, factor * rate).before(more)  # type: ignore[arg-type]
    pair = once.charges.pair_eur_per_mwh
    np.testing.assert_allclose(often.charges.pair_eur_per_mwh, factor * pair, rtol=1e-12, atol=1e-9)
    assert once.place.tolist() == [0, 1, 1, 2, 3, 3]
    assert not np.diag(pair).any()
    assert not once.charges.injection_eur_per_mwh.any()
    assert not once.blocked.any()
    assert (once.gain_factor == 1).all()
    sign = -1 if rule == "losses" else 1
    np.testing.assert_array_equal(pair, sign * pair.T)


def test_every_rule_is_tested() -> None:
    rule = CostAllocation.__annotations__["rule"]
    assert get_args(get_args(rule)[0]) == RULES


@pytest.mark.parametrize("name", ["case33bw", "case69"])
def test_marginal_losses_are_those_of_the_flow(name: str) -> None:
    network = opened("bundled", name)
    grid, loads, step = network.ac, base_case(network.connections, len(network.ac.buses)), 1e-4
    slope = grid.loss_slopes(grid.solve(loads))
    for bus in (1, 17, 30):
        lost = []
        for change in (step, -step):
            p_mw = loads.p_mw.copy()
            p_mw[bus] += change
            lost.append(grid.solve(Injections(p_mw, loads.q_mvar)).loss_mw)
        assert slope[bus] == pytest.approx((lost[0] - lost[1]) / (2 * step), abs=1e-6)
    assert slope[network.slack_bus] == 0.0
    assert not network.linear().loss_slopes(network.linear().solve(loads)).any()


def test_distance_in_a_radial_network_adds_up_along_the_path() -> None:
    """case33bw is a tree with lines of many X/R: on a path distances add up in resistance and reactance alike."""
    grid = opened("bundled", "case33bw").ac
    slopes = grid.sensitivities(
        grid.solve(Injections(np.zeros(33), np.zeros(33))), np.zeros(0, np.int64), np.arange(33)
    )
    distance = electrical_distance(grid, tuple(range(33)))
    for part in (slopes.by_mw, slopes.by_mvar):
        own = np.diag(part)
        path = own[:, None] + own - part - part.T
        assert path[0, 17] == pytest.approx(path[0, 5] + path[5, 17], rel=1e-9)
        assert (path <= distance + 1e-12).all()
    assert (distance <= distance[0, 17] + distance[0, :, None]).all()


def test_feeders_part_at_the_first_fork() -> None:
    """Of case69, the lines to buses 3, 27 and 35 part from the third bus; behind them are 45, 8 and 12 buses."""
    network = opened("bundled", "case69")
    grid = network.with_ratings(np.ones(len(network.ac.branches))).ac
    zone = charged(CostAllocation("zone", 1.0), grid, Injections(np.zeros(69), np.zeros(69)))
    assert sorted(np.unique(zone)) == [0, 1, 2]
    on_none = np.flatnonzero(zone.max(axis=1) == 1)
    assert 0 in on_none
    sizes = sorted({int((zone[bus] == 0).sum()) for bus in range(69) if bus not in on_none})
    assert sum(sizes) + len(on_none) == 69
    assert len(sizes) == 3


# Money.


@pytest.mark.parametrize(("rule", "money"), [("uniform", True), ("distance", True), ("zone", False)])
def test_charges_are_paid_to_the_dso_in_real_hours(rule: str, money: bool) -> None:
    area = street(steps=14, market=BilateralEquilibrium())
    area = replace(area, peers=replace(area.peers, bus=np.arange(len(area.peers)) % 2))
    incentive = make(INCENTIVES, "cost-allocation", {"rule": rule, "rate_eur_per_mwh": 15, "money": money}, "x")
    if rule == "zone":
        incentive = replace(incentive, borders=("street",))
    incentive.check(area.grid, "x")
    model = AreaModel(replace(area, dso=replace(area.dso, incentive=incentive)))
    across = 0.0
    for _ in range(area.steps):
        model.step()  # raises if energy or money does not balance
        record = model.record
        assert record is not None
        trades, ledger, n = record.decision.result.trades, record.ledger, len(area.peers)
        apart = area.peers.bus[trades.seller] != area.peers.bus[trades.buyer]
        owed_eur = 15.0 * float(trades.quantity_mw[apart].sum())
        across += owed_eur
        paid = ledger.take(ledger.reason == Reason.INCENTIVE.value)
        assert -float(paid.amount_eur.sum()) == pytest.approx(owed_eur * money, abs=1e-12)
        assert (paid.taker == Role.DSO.party(n)).all()
        assert not paid.energy_mwh.any()
    assert across > 0.0


# What is refused.


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ({"rule": "zone", "borders": ["nowhere"]}, "borders"),
        ({"rule": "distance", "borders": ["first"]}, "borders"),
        ({"rule": "other"}, "rule"),
        ({"rate_eur_per_mwh": -1}, "rate_eur_per_mwh"),
    ],
)
def test_what_means_nothing_is_refused(wrong: dict[str, object], where: str) -> None:
    with pytest.raises(InputError, match=where):
        make(INCENTIVES, "cost-allocation", wrong, "market.incentive").check(COMB, "market.incentive")


def test_rules_that_need_voltages_are_refused_in_linear_physics() -> None:
    linear = opened("bundled", "case69").linear()
    for rule in ("distance", "losses"):
        with pytest.raises(InputError, match="linear physics"):
            CostAllocation(rule).check(linear, "market.incentive")  # type: ignore[arg-type]
    CostAllocation("uniform").check(linear, "market.incentive")


def test_zones_without_anything_behind_a_border_are_refused() -> None:
    with pytest.raises(InputError, match="nothing lies behind"):
        CostAllocation("zone").check(Comb(), "market.incentive")  # no branch has a rating
