"""The local flexibility market: a feeder solved by hand, and an independent solver on random cases."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from scipy.optimize import linprog

from peerflex.core.arrays import add_up
from peerflex.core.trade import FlexNeed, FlexOffers, FlexResult
from peerflex.core.units import DOWN, UP
from peerflex.markets.lfm import LocalFlexibilityMarket, eligible
from tests.contracts import check_flex_market, flex_cases, need, offers

MARKET = LocalFlexibilityMarket(interface_eur_per_mwh=200)
BALANCED = replace(MARKET, residual="balanced")

# a feeder of two lines of 0.1 MVA, 0 - 1 - 2; the first carries 0.12 MW from the source, the second 0.09
FEEDER = need(
    value=np.array([1.2, 0.9]),
    upper=np.ones(2),
    by_mw=np.array([[0.0, -10.0, -10.0], [0.0, 0.0, -10.0]]),
    mw_per_unit=np.full(2, 0.1),
)
OFFERS = offers(
    bus=np.array([1, 2, 0, 1]),
    side=np.array([UP, UP, DOWN, DOWN]),
    quantity_mw=np.array([0.03, 0.01, 0.05, 0.02]),
    price_eur_per_mwh=np.array([250.0, 220.0, 150.0, 190.0]),
)


def excess_pu(limits: FlexNeed, offered: FlexOffers, result: FlexResult) -> float:
    """Return the worst violation after the activations, beyond what is reported missing."""
    change = add_up(offered.bus, offered.side * result.accepted_mw, limits.by_mw.shape[1])
    value = limits.value + (limits.by_mw * change).sum(axis=1)
    over = np.maximum(value - limits.upper, limits.lower - value) - result.missing_mw / limits.mw_per_unit
    return float(over.max(initial=0.0))


def test_example_of_the_page() -> None:
    result = MARKET.clear(FEEDER, OFFERS)
    np.testing.assert_allclose(result.accepted_mw, [0.01, 0.01, 0, 0], atol=1e-9)
    assert result.residual_mw == pytest.approx(0.02)
    assert result.cost_eur_per_h == pytest.approx(0.01 * 250 + 0.01 * 220 - 0.02 * 200)
    np.testing.assert_allclose(result.multiplier_eur_per_mwh, [50, 0], atol=1e-9)
    assert not result.missing_mw.any()


def test_example_of_the_page_in_strict_balance() -> None:
    """What goes up must come down: at the source, where it does no harm, for 150 EUR/MWh."""
    result = BALANCED.clear(FEEDER, OFFERS)
    np.testing.assert_allclose(result.accepted_mw, [0.01, 0.01, 0.02, 0], atol=1e-9)
    assert result.residual_mw == pytest.approx(0, abs=1e-9)
    assert result.cost_eur_per_h == pytest.approx(0.01 * 250 + 0.01 * 220 - 0.02 * 150)
    np.testing.assert_allclose(result.multiplier_eur_per_mwh, [100, 0], atol=1e-9)


def test_example_of_the_page_with_too_few_offers() -> None:
    """Only 0.01 MW of the 0.02 needed is offered: all of it is taken, 0.01 MW is missing on the first line."""
    few = OFFERS.take(np.array([1, 2]))
    result = MARKET.clear(FEEDER, few)
    np.testing.assert_allclose(result.accepted_mw, [0.01, 0], atol=1e-9)
    np.testing.assert_allclose(result.missing_mw, [0.01, 0], atol=1e-8)
    assert result.cost_eur_per_h == pytest.approx(0.01 * 20, abs=1e-6)


def test_least_missing_comes_before_least_cost() -> None:
    """The dear offer relieves both lines, the cheap one only the first: missing MW decide."""
    both = replace(FEEDER, value=np.array([1.2, 1.2]))
    offered = offers(np.array([1, 2]), np.array([UP, UP]), np.array([0.02, 0.01]), np.array([210.0, 400.0]))
    result = MARKET.clear(both, offered)
    np.testing.assert_allclose(result.accepted_mw, [0.01, 0.01], atol=1e-8)
    np.testing.assert_allclose(result.missing_mw, [0, 0.01], atol=1e-8)


def test_reverse_flow_and_voltage_are_relieved_downwards() -> None:
    """PV lifts bus 2 to 1.06 pu and loads line 1 to -1.1: 0.05 MW less for the voltage is enough for both."""
    limits = need(
        value=np.array([-1.1, 1.06]),
        upper=np.array([1.0, 1.05]),
        by_mw=np.array([[0.0, 0.0, -10.0], [0.0, 0.1, 0.2]]),
        mw_per_unit=np.array([0.1, 5.0]),
        is_voltage=np.array([False, True]),
    )
    offered = offers(np.array([2, 1]), np.array([DOWN, DOWN]), np.array([0.2, 0.2]), np.array([180.0, 195.0]))
    result = MARKET.clear(limits, offered)
    # at bus 1 an MW costs 5 and relieves half: bus 2 (20 per MW) only as far as the line needs it
    np.testing.assert_allclose(result.accepted_mw, [0.01, 0.08], atol=1e-9)
    assert result.cost_eur_per_h == pytest.approx(0.01 * 20 + 0.08 * 5)
    assert result.residual_mw == pytest.approx(-0.09)
    assert excess_pu(limits, offered, result) < 1e-9


def test_no_offers_at_all() -> None:
    result = MARKET.clear(FEEDER, FlexOffers.empty())
    np.testing.assert_allclose(result.missing_mw, [0.02, 0], atol=1e-9)
    assert result.cost_eur_per_h == 0


def test_a_place_no_injection_acts_on_is_missing_without_measure() -> None:
    source = need(np.array([1.06]), np.array([1.05]), np.zeros((1, 3)), np.array([np.nan]), np.array([True]))
    assert MARKET.clear(source, OFFERS).missing_mw[0] == np.inf


def test_prices_on_the_wrong_side_of_the_interface_take_no_part() -> None:
    """Otherwise a downward bid above an upward one would be traded for its own sake, at a gain of the DSO."""
    wrong = replace(OFFERS, price_eur_per_mwh=np.array([199.0, 200.0, 200.0, 201.0]))
    np.testing.assert_array_equal(eligible(wrong, 200.0), [False, True, True, False])
    assert MARKET.clear(FEEDER, wrong).accepted_mw[[0, 3]].sum() == 0


@pytest.mark.once
@pytest.mark.parametrize("market", [MARKET, BALANCED], ids=["interface", "balanced"])
@settings(max_examples=120, deadline=None)
@given(case=flex_cases())
def test_an_independent_solver_agrees(market: LocalFlexibilityMarket, case: tuple[FlexNeed, FlexOffers]) -> None:
    limits, offered = case
    check_flex_market(market, limits, offered)
    result = market.clear(limits, offered)
    missing_mw, cost = two_phases(market, limits, offered)
    assert excess_pu(limits, offered, result) <= 1e-6
    assert result.missing_mw.sum() == pytest.approx(missing_mw, abs=1e-7)
    assert result.cost_eur_per_h == pytest.approx(cost, abs=1e-4)


def two_phases(market: LocalFlexibilityMarket, limits: FlexNeed, offered: FlexOffers) -> tuple[float, float]:
    """The same two phases for scipy, dense and unscaled, with the offers of every row and every limit."""
    n, rows = len(offered), len(limits)
    effect = np.array([[limits.by_mw[r, b] for b in offered.bus] for r in range(rows)]).reshape(rows, n) * offered.side
    a_ub = np.block([[effect, -np.eye(rows)], [-effect, -np.eye(rows)]])
    b_ub = np.concatenate([limits.upper - limits.value, limits.value - limits.lower])
    a_eq = (
        np.concatenate([offered.side.astype(float), np.zeros(rows)])[None, :] if market.residual == "balanced" else None
    )
    b_eq = None if a_eq is None else np.zeros(1)
    margin = offered.side * (offered.price_eur_per_mwh - market.interface_eur_per_mwh)
    most = np.where(margin >= 0, offered.quantity_mw, 0.0)
    bounds = [*((0, q) for q in most), *((0, None) for _ in range(rows))]
    weight = np.concatenate([np.zeros(n), limits.mw_per_unit])
    if n + rows == 0:
        return 0.0, 0.0
    first = linprog(weight, a_ub, b_ub, a_eq, b_eq, bounds)
    assert first.status == 0
    second = linprog(
        np.concatenate([margin, np.zeros(rows)]),
        np.vstack([a_ub, weight]),
        [*b_ub, first.fun + 1e-9],
        a_eq,
        b_eq,
        bounds,
    )
    assert second.status == 0
    return first.fun, second.fun


def test_rows_that_cannot_bind_change_nothing() -> None:
    rng = np.random.default_rng(5)
    idle = need(rng.uniform(-0.5, 0.5, 40), np.ones(40), rng.uniform(-2, 2, (40, 3)), np.full(40, 0.1))
    columns = ("is_voltage", "element", "value", "lower", "upper", "by_mw", "mw_per_unit")
    more = FlexNeed(*(np.concatenate([getattr(FEEDER, name), getattr(idle, name)]) for name in columns))
    np.testing.assert_array_equal(MARKET.clear(more, OFFERS).accepted_mw, MARKET.clear(FEEDER, OFFERS).accepted_mw)


@pytest.mark.slow
def test_ten_thousand_offers_on_a_hundred_lines() -> None:
    rng = np.random.default_rng(11)
    buses, rows, n = 500, 100, 10_000
    by_mw = np.where(rng.random((rows, buses)) < 0.1, -1 / 0.4, 0.0)
    limits = need(rng.uniform(0.7, 1.05, rows), np.ones(rows), by_mw, np.full(rows, 0.4))
    side = rng.choice([UP, DOWN], n)
    price = 200 + side * rng.uniform(0, 100, n)
    offered = offers(rng.integers(0, buses, n), side, rng.uniform(0, 0.01, n), price)
    check_flex_market(MARKET, limits, offered)
    result = MARKET.clear(limits, offered)
    assert excess_pu(limits, offered, result) <= 1e-6
    assert result.cost_eur_per_h == pytest.approx(two_phases(MARKET, limits, offered)[1], rel=1e-6)
