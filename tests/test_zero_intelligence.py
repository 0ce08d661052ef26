"""Zero intelligence with a budget constraint: what a truthful peer offers, at any price that is no loss."""

from typing import cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peerflex.agents.truthful import Truthful
from peerflex.agents.zero_intelligence import ZeroIntelligence
from peerflex.core.streams import stream
from peerflex.core.trade import Orders
from peerflex.core.units import BUY, SELL
from tests.test_agents_behaviours import observation
from tests.test_docs_worked import household, rows

RETAIL, FEED_IN = 320.0, 80.0


class Drawn:
    """A generator that always draws the same number."""

    def __init__(self, u: float) -> None:
        self.u = u

    def random(self, size: int) -> np.ndarray:
        return np.full(size, self.u)


def orders(seed: int, draw: int = 1, n: int = 8) -> tuple[Orders, Orders]:
    """Return what random peers offer without intelligence, and what they would offer truthfully."""
    seen = observation(seed, n=n)
    parameters = {"flexible_load_share": 0.3}
    drawn = ZeroIntelligence(**parameters).bid(seen, stream(draw, "test")).orders
    return drawn, Truthful(**parameters).bid(seen, stream(draw, "test")).orders


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), draw=st.integers(0, 10**6))
def test_it_offers_what_a_truthful_peer_does_and_never_at_a_loss(seed: int, draw: int) -> None:
    drawn, true = orders(seed, draw)
    for column in ("peer", "side", "quantity_mw", "dispatchable"):
        np.testing.assert_array_equal(getattr(drawn, column), getattr(true, column))
    gain = drawn.side * (drawn.price_eur_per_mwh - true.price_eur_per_mwh)
    assert (gain >= 0).all()


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), draw=st.integers(0, 10**6))
def test_no_price_leaves_the_tariffs_unless_the_true_one_does(seed: int, draw: int) -> None:
    drawn, true = orders(seed, draw)
    inside = (true.price_eur_per_mwh >= FEED_IN) & (true.price_eur_per_mwh <= RETAIL)
    prices = drawn.price_eur_per_mwh
    assert ((prices >= FEED_IN) & (prices <= RETAIL))[inside].all()
    np.testing.assert_array_equal(prices[~inside], true.price_eur_per_mwh[~inside])


def test_prices_are_uniform_over_the_whole_band() -> None:
    """Against the uniform distribution by the Kolmogorov-Smirnov statistic (1 % point: 1.63 / sqrt n)."""
    drawn, _ = orders(1, n=4000)
    own = drawn.take(~drawn.dispatchable)
    for side in (SELL, BUY):
        u = np.sort((own.price_eur_per_mwh[own.side == side] - FEED_IN) / (RETAIL - FEED_IN))
        distance = np.abs(u - (np.arange(len(u)) + 0.5) / len(u)).max()
        assert len(u) > 500
        assert distance < 1.63 / np.sqrt(len(u))


def test_every_hour_is_drawn_anew() -> None:
    first, _ = orders(1, draw=1)
    second, _ = orders(1, draw=2)
    assert (first.price_eur_per_mwh != second.price_eur_per_mwh).any()


def test_the_example_of_the_page() -> None:
    """docs/economics/zero-intelligence.md: the household of the truthful peer, and u = 0.25 for every order."""
    behaviour = ZeroIntelligence(flexible_load_share=0.3)
    offers = rows(behaviour.bid(household(1, 3, 4), cast(np.random.Generator, Drawn(0.25))))
    assert offers == [
        pytest.approx((SELL, 2.0, 140.0, False)),
        pytest.approx((SELL, 3.8, 245.39, True), rel=1e-4),
        pytest.approx((BUY, 5.0, 155.0, True)),
        pytest.approx((SELL, 0.3, 520.0, True)),
        pytest.approx((BUY, 3.0, -1.0, True)),
    ]
