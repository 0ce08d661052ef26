"""Weights by how near limits are: the example of the page, what they share with the preference, and real hours."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from peerflex.core.arrays import Floats, Ints
from peerflex.core.errors import InputError
from peerflex.core.network import GridState, Injections, Limits, Sensitivities
from peerflex.core.parties import Reason
from peerflex.core.trade import TradeTerms
from peerflex.grid.connections import base_case
from peerflex.markets.bilateral import BilateralEquilibrium
from peerflex.markets.incentives import TradePreference
from peerflex.markets.registry import INCENTIVES
from peerflex.markets.weights import ConstraintWeights
from peerflex.runs.area.components import make
from peerflex.runs.model import AreaModel
from tests.areas import street
from tests.grid_rival import opened
from tests.network_views import view_of_grid
from tests.test_docs_worked import EVENING, Feeder
from tests.test_places import of_pairs

A, B, C = range(3)  # peers at the buses 0, 1 and 2 of the page's feeder


@dataclass(frozen=True)
class Street(Feeder):
    """The page's feeder, which also says how many MW at a bus lift its voltage by 1 pu."""

    def sensitivities(self, state: GridState, branches: Ints, buses: Ints) -> Sensitivities:
        slopes = super().sensitivities(state, branches, buses)
        own = slopes.by_mw[len(branches) + np.arange(len(buses)), buses]
        with np.errstate(divide="ignore"):
            per_unit = np.concatenate([np.full(len(branches), 0.1), np.where(own > 0, 1 / own, np.nan)])
        return replace(slopes, mw_per_unit=per_unit)


def said(of: ConstraintWeights, low_pu: float = 0.95, injections: Injections = EVENING) -> TradeTerms:
    return of.before(view_of_grid(Street(), injections, np.arange(3), (low_pu, 2 - low_pu)))


def factors(terms: TradeTerms) -> tuple[Floats, Floats]:
    return of_pairs(terms, terms.gain_factor), of_pairs(terms, terms.cost_factor)


def test_a_branch_on_the_page() -> None:
    gain, cost = factors(said(ConstraintWeights()))
    assert gain[C, A] == gain[B, A] == pytest.approx(1.2**0.5) == pytest.approx(1.0954, abs=5e-5)
    assert cost[C, A] == pytest.approx(0.8**0.5) == pytest.approx(0.8944, abs=5e-5)
    assert gain[B, C] == cost[B, C] == 1.0


def test_a_voltage_on_the_page() -> None:
    gain, cost = factors(said(ConstraintWeights(), low_pu=0.96))
    assert gain[C, A] == pytest.approx(1.2**0.625) == pytest.approx(1.1207, abs=5e-5)
    assert gain[B, A] == pytest.approx(1.2**0.55) == pytest.approx(1.1055, abs=5e-5)
    assert gain[B, C] == pytest.approx(0.8**0.075) == pytest.approx(0.9834, abs=5e-5)
    assert cost[B, C] == pytest.approx(1.2**0.075) == pytest.approx(1.0138, abs=5e-5)
    np.testing.assert_array_equal(
        factors(said(ConstraintWeights(voltage=False), low_pu=0.96)), factors(said(ConstraintWeights()))
    )


def test_a_high_voltage_turns_the_weights_round() -> None:
    noon = Injections(-EVENING.p_mw, EVENING.q_mvar)
    gain, cost = factors(said(ConstraintWeights(), 0.96, noon))
    evening = factors(said(ConstraintWeights(), 0.96))
    np.testing.assert_allclose(gain, evening[1])
    np.testing.assert_allclose(cost, evening[0])


def test_with_nothing_at_risk_nothing_is_said() -> None:
    terms = said(ConstraintWeights(), injections=Injections(np.zeros(3), np.zeros(3)))
    assert (terms.gain_factor == 1).all()
    assert (terms.cost_factor == 1).all()


def test_beyond_their_limits_branches_count_as_in_a_preference() -> None:
    """On a radial network without losses, where all that is at risk is at its limit."""
    network = opened("bundled", "case69")
    grid, loads, peers = network.linear(), base_case(network.connections, 69), np.arange(69)
    grid = network.with_ratings(np.full(68, 0.2)).linear()
    view = view_of_grid(grid, loads, peers)
    weighed, preferred = (
        each.before(view) for each in (ConstraintWeights(at_risk_loading=1.0), TradePreference(at_risk_loading=1.0))
    )
    assert len(view.at_risk(1.0)) > 5
    for ours, theirs in zip(factors(weighed), factors(preferred), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9)


@given(
    weight=st.floats(0, 0.9),
    at_risk=st.floats(0.1, 1.2),
    drawn=st.lists(st.floats(-0.12, 0.12), min_size=2, max_size=2),
)
def test_the_opposite_trade_has_the_factors_exchanged(weight: float, at_risk: float, drawn: list[float]) -> None:
    gain, cost = factors(
        said(ConstraintWeights(weight, at_risk), 0.96, Injections(np.array([0.0, *drawn]), np.zeros(3)))
    )
    np.testing.assert_array_equal(gain, cost.T)
    assert (gain > 0).all()
    np.testing.assert_array_equal(np.diag(gain), 1)
    if weight == 0.0:
        np.testing.assert_array_equal(gain, 1)


@given(load=st.floats(0.05, 0.12), more=st.floats(0, 0.05))
def test_weights_grow_with_the_loading_and_without_a_jump(load: float, more: float) -> None:
    def gain(of_mw: float) -> float:
        drawn = Injections(np.array([0.0, 0.0, -of_mw]), np.zeros(3))
        return float(factors(said(ConstraintWeights(voltage=False), injections=drawn))[0][C, A])

    assert gain(load + more) >= gain(load)
    assert gain(load + 1e-7) == pytest.approx(gain(load), abs=1e-5)


def test_limits_that_are_not_there_say_nothing() -> None:
    view = view_of_grid(Street(), EVENING, np.arange(3), (0.96, 1.04))
    none = Limits(np.full(3, -np.inf), np.full(3, np.inf), np.full(2, np.inf))
    assert (ConstraintWeights().before(replace(view, limits=none)).gain_factor == 1).all()


def test_voltages_of_a_real_network_weigh() -> None:
    """case33bw has 0.913 pu at bus 17 as it comes: with no limit for branches, sales to that end lose."""
    network = opened("bundled", "case33bw")
    view = view_of_grid(network.ac, base_case(network.connections, 33), np.arange(33), (0.9, 1.1))
    terms = ConstraintWeights().before(replace(view, limits=replace(view.limits, loading=np.full(32, np.inf))))
    gain = factors(terms)[0]
    assert gain[0].argmin() == view.forecast.v_pu.argmin() == 17
    assert gain[0, 17] < gain[0, 8] < gain[0, 0] == 1.0


def test_money_balances_in_real_hours() -> None:
    area = street(steps=20, market=BilateralEquilibrium())
    area = replace(area, peers=replace(area.peers, bus=np.arange(len(area.peers)) % 2))
    incentive = ConstraintWeights(at_risk_loading=0.1, money=True)
    model, paid = AreaModel(replace(area, dso=replace(area.dso, incentive=incentive))), 0
    for _ in range(area.steps):
        model.step()  # raises if energy or money does not balance
        assert model.record is not None
        paid += int((model.record.ledger.reason == Reason.INCENTIVE.value).sum())
    assert paid > 0


@pytest.mark.parametrize("wrong", [{"weight": 1}, {"weight": -0.1}, {"at_risk_loading": 0}])
def test_parameters_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError, match=next(iter(wrong))):
        make(INCENTIVES, "constraint-weights", wrong, "market.incentive")
