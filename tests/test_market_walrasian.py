"""Walrasian price adjustment: the example of its page, the uniform-price auction as its known result, its limits."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peerflex.core.trade import Orders
from peerflex.core.units import BUY, SELL
from peerflex.markets.double_auction import UniformPriceDoubleAuction
from peerflex.markets.walrasian import WalrasianAuction
from tests.contracts import book, books, check_market

KW = 1e-3
PAGE = book(
    (SELL, 0.004, 10), (SELL, 0.003, 20), (SELL, 0.005, 35), (BUY, 0.005, 50), (BUY, 0.004, 30), (BUY, 0.002, 15)
)


def test_example_of_the_page() -> None:
    """25, 26, 28 are called too low; 32 is too high; 30 too low, 31 too high."""
    result = check_market(WalrasianAuction(first_eur_per_mwh=25, tick_eur_per_mwh=1), PAGE)
    assert result.accepted_mw / KW == pytest.approx([4, 3, 0, 5, 2, 0])
    assert result.price_eur_per_mwh == 30
    assert (result.rounds, result.messages) == (6, 72)


@pytest.mark.parametrize(("wanted_kw", "price"), [(2, 25), (1.9, 20)])
def test_it_stops_where_the_sides_meet(wanted_kw: float, price: float) -> None:
    quantity = PAGE.quantity_mw.copy()
    quantity[4] = wanted_kw * KW
    result = check_market(
        WalrasianAuction(first_eur_per_mwh=25, tick_eur_per_mwh=1), replace(PAGE, quantity_mw=quantity)
    )
    assert result.price_eur_per_mwh == price
    assert result.accepted_mw[4] / KW == pytest.approx(wanted_kw)
    assert (result.rounds == 1) == (wanted_kw == 2)


def on_ticks(orders: Orders) -> Orders:
    return replace(orders, price_eur_per_mwh=np.round(orders.price_eur_per_mwh, 3))


@pytest.mark.once
@settings(max_examples=100, deadline=None)
@given(orders=books(), first=st.sampled_from([-50.0, 0.0, 50.0, 200.0, 5000.0]))
def test_volume_and_price_are_those_of_the_uniform_price_auction(orders: Orders, first: float) -> None:
    orders = on_ticks(orders)
    low, high = (check_market(UniformPriceDoubleAuction(k), orders) for k in (0.0, 1.0))
    result = check_market(WalrasianAuction(first_eur_per_mwh=first), orders)
    sold = orders.side == SELL
    volume = low.accepted_mw[sold].sum()
    assert result.accepted_mw[sold].sum() == pytest.approx(volume, abs=1e-8 * orders.quantity_mw.sum() + 1e-9)
    if volume > 1e-8:
        assert low.price_eur_per_mwh - 1e-9 <= result.price_eur_per_mwh <= high.price_eur_per_mwh + 1e-9


@pytest.mark.once
@settings(max_examples=100, deadline=None)
@given(orders=books())
def test_whom_the_price_suits_best_is_served_first(orders: Orders) -> None:
    """Nobody a tick or more better than the price goes short while somebody at the price trades."""
    orders = on_ticks(orders)
    result = check_market(WalrasianAuction(), orders)
    gain = orders.side * (result.price_eur_per_mwh - orders.price_eur_per_mwh)
    for side in (SELL, BUY):
        own = orders.side == side
        short = own & (gain > 0.0015) & (result.accepted_mw < orders.quantity_mw * (1 - 1e-6) - 1e-9)
        marginal = own & (gain < 0.0005) & (result.accepted_mw > 1e-6)
        assert not (short.any() and marginal.any())


def test_slopes_are_answered_with_quantities() -> None:
    """(p - 10) / 2 = (30 - p) / 3 at p = 18: 4 MW."""
    orders = replace(book((SELL, 9, 10), (BUY, 9, 30)), slope_eur_per_mwh2=np.array([2.0, 3.0]))
    result = check_market(WalrasianAuction(), orders)
    assert result.price_eur_per_mwh == pytest.approx(18, abs=0.001)
    assert result.accepted_mw == pytest.approx([4, 4], abs=0.001)


def test_of_the_longer_side_the_keen_are_served_and_the_others_share() -> None:
    orders = book((SELL, 0.004, 20), (BUY, 0.002, 60), (BUY, 0.003, 40), (BUY, 0.001, 40))
    result = check_market(WalrasianAuction(), orders)
    assert result.price_eur_per_mwh == 40
    assert result.accepted_mw / KW == pytest.approx([4, 2, 1.5, 0.5])


@pytest.mark.parametrize("rounds", [1, 3, 10])
def test_stopped_early_it_trades_what_the_shorter_side_wants(rounds: int) -> None:
    orders = book((SELL, 0.004, 20), (BUY, 0.002, 250), (BUY, 0.003, 240.5))
    result = check_market(WalrasianAuction(most_rounds=rounds), orders)
    assert result.rounds <= rounds + 1
    assert result.accepted_mw[0] == pytest.approx(0.004)
    assert 200 <= result.price_eur_per_mwh <= 240.5


@pytest.mark.parametrize("price", [-10_000.0, 9999.999])
def test_the_furthest_prices_are_found(price: float) -> None:
    result = check_market(WalrasianAuction(), book((SELL, 0.004, price), (BUY, 0.004, price)))
    assert result.accepted_mw / KW == pytest.approx([4, 4])
    assert result.rounds <= 60


def test_one_sided_books_end() -> None:
    result = check_market(WalrasianAuction(), book((BUY, 0.004, 1e6)))
    assert not len(result.trades)
    assert result.rounds <= 30
