"""Explicit service by a clock: the page's example, and that it does what the flexibility market does, a step dearer."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from peerflex.core.arrays import add_up
from peerflex.core.trade import FlexNeed, FlexOffers
from peerflex.core.units import UP
from peerflex.markets.capacity_clock import CapacityClock
from peerflex.markets.lfm import LocalFlexibilityMarket
from tests.contracts import flex_cases, need
from tests.test_market_lfm import BALANCED, FEEDER, OFFERS

STEP = 5.0


def test_example_of_the_page() -> None:
    result = CapacityClock().clear(FEEDER, OFFERS)
    np.testing.assert_allclose(result.accepted_mw, [0.01, 0.01, 0.02, 0], atol=1e-9)
    np.testing.assert_allclose(result.price_eur_per_mwh, [252.5, 222.5, 147.5, 190.0])
    assert result.cost_eur_per_h == pytest.approx(1.80)
    assert BALANCED.clear(FEEDER, OFFERS).cost_eur_per_h == pytest.approx(1.70)
    assert result.residual_mw == pytest.approx(0.0, abs=1e-15)
    np.testing.assert_allclose(result.multiplier_eur_per_mwh, [105, 0])
    assert not result.missing_mw.any()


def test_what_the_dso_will_not_pay_for_stays_missing() -> None:
    result = CapacityClock(most_eur_per_mwh=100).clear(FEEDER, OFFERS)
    np.testing.assert_allclose(result.accepted_mw, [0, 0.01, 0.01, 0], atol=1e-9)
    np.testing.assert_allclose(result.missing_mw, [0.01, 0], atol=1e-9)


@pytest.mark.once
@settings(max_examples=150, deadline=None)
@given(case=flex_cases())
def test_nobody_loses_and_no_limit_is_broken_for_another(case: tuple[FlexNeed, FlexOffers]) -> None:
    limits, offered = case
    result = CapacityClock().clear(limits, offered)
    moved = result.accepted_mw > 0
    assert (offered.side * (result.price_eur_per_mwh - offered.price_eur_per_mwh))[moved].min(initial=0.0) >= -1e-9
    assert abs(result.residual_mw) <= 1e-12
    change = add_up(offered.bus, offered.side * result.accepted_mw, limits.by_mw.shape[1])
    value = limits.value + (limits.by_mw * change).sum(axis=1)
    over, before = (np.maximum(each - limits.upper, limits.lower - each) for each in (value, limits.value))
    assert (over <= np.maximum(before, 0.0) + 1e-6).all()
    assert (over * limits.mw_per_unit <= result.missing_mw + 1e-6).all()


@pytest.mark.once
@settings(max_examples=100, deadline=None)
@given(case=flex_cases())
def test_one_limit_is_relieved_as_far_as_the_flexibility_market_would_at_a_step_more(
    case: tuple[FlexNeed, FlexOffers],
) -> None:
    """Against the cheapest balanced activations, where pairs alone can do it and effects are all or nothing."""
    everything, offered = case
    if not len(everything):
        return
    one = need(
        np.array([1.3]), np.ones(1), -np.array([np.arange(everything.by_mw.shape[1]) % 2 / 0.1]), np.full(1, 0.1)
    )
    cheapest = LocalFlexibilityMarket(residual="balanced", interface_eur_per_mwh=200)
    fair = offered.take(offered.side * (offered.price_eur_per_mwh - 200) >= 0)
    least, found = cheapest.clear(one, fair), CapacityClock(STEP, 600).clear(one, fair)
    assert found.missing_mw[0] == pytest.approx(least.missing_mw[0], abs=1e-6)
    relieved_mw = 0.03 - found.missing_mw[0]
    assert least.cost_eur_per_h - 1e-6 <= found.cost_eur_per_h
    dearest = float(found.multiplier_eur_per_mwh[0])
    assert found.cost_eur_per_h <= dearest * relieved_mw + 1e-6
    if least.missing_mw[0] < 1e-9:
        assert dearest <= least.multiplier_eur_per_mwh[0] + STEP + 1e-6


def test_sides_are_paired_whatever_their_order() -> None:
    rows = np.array([2, 0, 3, 1])
    shuffled = CapacityClock().clear(FEEDER, OFFERS.take(rows))
    np.testing.assert_allclose(shuffled.accepted_mw, CapacityClock().clear(FEEDER, OFFERS).accepted_mw[rows], atol=1e-9)


def test_without_two_sides_nothing_can_be_agreed() -> None:
    lonely = replace(OFFERS, side=np.full(4, UP))
    result = CapacityClock().clear(FEEDER, lonely)
    assert not result.accepted_mw.any()
    assert result.missing_mw[0] == pytest.approx(0.02)
    nobody = OFFERS.take(np.zeros(0, dtype=np.int64))
    assert CapacityClock().clear(FEEDER, nobody).missing_mw[0] == pytest.approx(0.02)
