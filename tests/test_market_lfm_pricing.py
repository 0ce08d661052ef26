"""Pay-as-cleared: every activation is settled at what it is worth at its place."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from peerflex.core.arrays import Floats, add_up
from peerflex.core.trade import FlexNeed, FlexOffers, FlexResult
from peerflex.core.units import DOWN, UP
from peerflex.markets.lfm import LocalFlexibilityMarket
from tests.contracts import check_flex_market, flex_cases, need, offers
from tests.test_market_lfm import FEEDER, MARKET, OFFERS

CLEARED = replace(MARKET, pricing="pay-as-cleared")
BALANCED = replace(CLEARED, residual="balanced")
BOTH = pytest.mark.parametrize("market", [CLEARED, BALANCED], ids=["interface", "balanced"])


def relief_mw(limits: FlexNeed, offered: FlexOffers, result: FlexResult) -> Floats:
    """Return what the offers relieve of each row, from where it was to the limit it ends at (below 0: room used)."""
    change = add_up(offered.bus, offered.side * result.accepted_mw, limits.by_mw.shape[1])
    after = limits.value + (limits.by_mw * change).sum(axis=1)
    upper = after > (limits.lower + limits.upper) / 2
    beyond = np.where(upper, limits.value - limits.upper, limits.lower - limits.value)
    return np.asarray(beyond * limits.mw_per_unit - result.missing_mw)


def test_example_of_the_page() -> None:
    """The first line pays 50 EUR/MWh to whoever relieves it: offer 2 gets 250, though it asks for 220."""
    result = CLEARED.clear(FEEDER, OFFERS)
    np.testing.assert_allclose(result.accepted_mw, [0.01, 0.01, 0, 0], atol=1e-9)
    np.testing.assert_allclose(result.price_eur_per_mwh, [250, 250, 150, 190])
    assert result.cost_eur_per_h == pytest.approx(0.02 * 50)


def test_example_of_the_page_in_strict_balance() -> None:
    """Bus 0 is worth 150, what the balance makes of 200; the first line adds 100 beyond it."""
    result = BALANCED.clear(FEEDER, OFFERS)
    np.testing.assert_allclose(result.accepted_mw, [0.01, 0.01, 0.02, 0], atol=1e-9)
    np.testing.assert_allclose(result.price_eur_per_mwh, [250, 250, 150, 190])
    assert result.cost_eur_per_h == pytest.approx(0.02 * 100)


def test_example_of_the_page_with_a_voltage() -> None:
    """A MW at bus 1 is worth 5 less than the interface, at bus 2 twice the 5 for the voltage and 10 for the line."""
    limits = need(
        value=np.array([-1.1, 1.06]),
        upper=np.array([1.0, 1.05]),
        by_mw=np.array([[0.0, 0.0, -10.0], [0.0, 0.1, 0.2]]),
        mw_per_unit=np.array([0.1, 5.0]),
        is_voltage=np.array([False, True]),
    )
    offered = offers(np.array([2, 2, 1]), np.full(3, DOWN), np.array([0.004, 0.2, 0.2]), np.array([190.0, 180, 195]))
    result = CLEARED.clear(limits, offered)
    np.testing.assert_allclose(result.accepted_mw, [0.004, 0.006, 0.08], atol=1e-9)
    np.testing.assert_allclose(result.price_eur_per_mwh, [180, 180, 195])
    np.testing.assert_allclose(result.multiplier_eur_per_mwh, [10, 10])
    assert result.cost_eur_per_h == pytest.approx(0.01 * 20 + 0.08 * 5)
    assert result.cost_eur_per_h == pytest.approx(10 * 0.01 + 10 * 0.05)


def test_where_relief_is_missing_the_dearest_activation_sets_the_price() -> None:
    """There is no price of scarcity: 0.01 MW is missing, and who gives the other 0.01 gets what the last one asks."""
    offered = offers(np.array([1, 2]), np.array([UP, UP]), np.array([0.004, 0.006]), np.array([230.0, 220.0]))
    result = CLEARED.clear(FEEDER, offered)
    np.testing.assert_allclose(result.missing_mw, [0.01, 0], atol=1e-8)
    np.testing.assert_allclose(result.price_eur_per_mwh, 230)


def test_where_the_price_is_not_unique_nobody_gets_less_than_its_bid() -> None:
    """Exactly what is needed is offered: any price from the dearest of these up to the next would do."""
    exact = replace(OFFERS, quantity_mw=np.array([0.01, 0.01, 0.05, 0.02]))
    result = CLEARED.clear(FEEDER, exact)
    np.testing.assert_allclose(result.accepted_mw, [0.01, 0.01, 0, 0], atol=1e-9)
    assert result.price_eur_per_mwh[0] == pytest.approx(result.price_eur_per_mwh[1])
    assert result.price_eur_per_mwh[0] >= 250


@pytest.mark.once
@BOTH
@settings(max_examples=120, deadline=None)
@given(case=flex_cases())
def test_places_are_paid_what_their_relief_is_worth(
    market: LocalFlexibilityMarket, case: tuple[FlexNeed, FlexOffers]
) -> None:
    limits, offered = case
    check_flex_market(market, limits, offered)
    result, bid = market.clear(limits, offered), replace(market, pricing="pay-as-bid").clear(limits, offered)
    np.testing.assert_array_equal(result.accepted_mw, bid.accepted_mw)
    assert result.cost_eur_per_h >= bid.cost_eur_per_h
    assert (offered.side * (result.price_eur_per_mwh - offered.price_eur_per_mwh) >= 0).all()
    worth = (result.multiplier_eur_per_mwh * relief_mw(limits, offered, result)).sum()
    assert result.cost_eur_per_h == pytest.approx(worth, rel=1e-6, abs=1e-4)
    active = result.accepted_mw > 0
    for bus in np.unique(offered.bus[active]):
        there = result.price_eur_per_mwh[active & (offered.bus == bus)]
        assert np.ptp(there) <= 1e-4
