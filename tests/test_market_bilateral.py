"""The market of bilateral trading: the examples of its page, number by number, and the contract on the DSO's terms."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peerflex.core.streams import stream
from peerflex.core.trade import MarketResult, Orders, Signal, TradeTerms, free_terms
from peerflex.core.units import BUY, SELL
from peerflex.markets.bilateral import BilateralEquilibrium
from peerflex.markets.pool import BilateralPool
from tests.contracts import EDGE_BOOKS, book, books, check_market
from tests.games import PLACES, towards_the_root

pytestmark = pytest.mark.once

KW = 1e-3

FOUR = book((SELL, 0.01, 10), (SELL, 0.01, 20), (BUY, 0.01, 30), (BUY, 0.01, 26))
"""A, B, C and D of the page; A and C are at place 0, B and D at place 1."""


def clear(market: BilateralEquilibrium, terms: TradeTerms, orders: Orders = FOUR) -> MarketResult:
    return market.clear(orders, Signal(np.zeros(1), np.zeros(1, dtype=np.bool_), terms), stream(1, "market"))


def two_places(blocked: list[list[int]], helped: list[list[int]], money: bool = False) -> TradeTerms:
    h = np.array(helped)
    gain, cost = 1.2**h * 0.8**h.T, 1.2**h.T * 0.8**h
    return TradeTerms(np.array([0, 1, 0, 1]), np.array(blocked, dtype=np.bool_), gain, cost, money)


NOTHING = [[0, 0], [0, 0]]
SOLD_TO_D, SOLD_TO_C = [[0, 1], [0, 0]], [[0, 0], [1, 0]]


@pytest.mark.parametrize("solver", ["by-shape", "generic"])
@pytest.mark.parametrize(
    ("blocked", "accepted_kw", "price", "gain"),
    [
        (NOTHING, [5.75, 0.75, 4.25, 2.25], 21.5, 56.75),
        (SOLD_TO_D, [5, 1.5, 5, 1.5], np.nan, 54.5),
        (SOLD_TO_C, [5.75, 0.75, 4.25, 2.25], 21.5, 56.75),
    ],
    ids=["free", "A not to D", "B not to C"],
)
def test_example_of_the_page(
    blocked: list[list[int]], accepted_kw: list[float], price: float, gain: float, solver: str
) -> None:
    market = BilateralEquilibrium(curvature_eur_per_mwh=20, solver=solver)  # type: ignore[arg-type]
    result = clear(market, two_places(blocked, NOTHING))
    assert result.accepted_mw / KW == pytest.approx(accepted_kw)
    assert result.price_eur_per_mwh == pytest.approx(price, nan_ok=True)
    assert result.objective_eur_per_h / KW == pytest.approx(gain)
    assert abs(result.gap) <= 1e-8
    if np.isnan(price):
        assert sorted(result.trades.price_eur_per_mwh) == pytest.approx([20, 23])


@pytest.mark.parametrize("money", [False, True])
def test_weighted_example_of_the_page(money: bool) -> None:
    terms = two_places(NOTHING, SOLD_TO_C, money)
    market = BilateralEquilibrium(curvature_eur_per_mwh=20, pair_curvature_eur_per_mwh=0)
    result = clear(market, terms)
    assert result.accepted_mw / KW == pytest.approx([3.6, 3.6, 6.4, 0.8])
    by_pair = np.lexsort((result.trades.buyer, result.trades.seller))
    trades = result.trades.take(by_pair)
    assert trades.quantity_mw / KW == pytest.approx([2.8, 0.8, 3.6])
    assert trades.price_eur_per_mwh == pytest.approx([17.2, 19.2, 23.2])
    assert trades.seller_premium_eur_per_mwh == pytest.approx(np.array([0, -2, 4]) * money)
    assert trades.buyer_premium_eur_per_mwh == pytest.approx(np.array([0, -5.2, 6]) * money)
    paid = trades.quantity_mw * (trades.seller_premium_eur_per_mwh + trades.buyer_premium_eur_per_mwh)
    assert paid.sum() / KW == pytest.approx(30.24 * money)
    # the pair curvature of the default moves this by a few watts
    curved = clear(BilateralEquilibrium(curvature_eur_per_mwh=20), terms)
    np.testing.assert_allclose(curved.accepted_mw, result.accepted_mw, atol=0.01 * KW)


def test_the_objection_of_the_page() -> None:
    orders = book((SELL, 0.01, 50), (SELL, 0.01, 46), (BUY, 0.01, 10))
    assert not len(clear(BilateralEquilibrium(), free_terms(3), orders).trades)
    result = clear(BilateralEquilibrium(reading="willingness-to-sell"), free_terms(3), orders)
    assert result.accepted_mw / KW == pytest.approx([9, 1, 10])
    assert result.price_eur_per_mwh == pytest.approx(-45.5)
    x = result.accepted_mw / KW
    loss = (orders.side * orders.price_eur_per_mwh * x + 0.5 * x**2 / 2).sum()
    assert loss == pytest.approx(441.5)


@settings(max_examples=60, deadline=None)
@given(orders=books())
def test_without_terms_it_is_the_pool(orders: Orders) -> None:
    result, pool = check_market(BilateralEquilibrium(), orders), check_market(BilateralPool(), orders)
    size = max(orders.quantity_mw.sum(), 1e-3)
    np.testing.assert_allclose(result.accepted_mw, pool.accepted_mw, atol=1e-8 * size)
    if min(len(result.trades), len(pool.trades)):
        assert result.price_eur_per_mwh == pytest.approx(pool.price_eur_per_mwh, abs=1e-6)


def test_the_rounding_of_a_large_order_is_no_trade_of_small_ones() -> None:
    """A buyer of 1 MW finds no seller; the 0.15 kW beside it once brought a trade of 2e-16 MW, far below its cost."""
    n, free = 4, free_terms(10)
    orders = Orders.plain(
        peer=np.array([3, 3, 3, 0]),
        side=np.array([BUY, SELL, BUY, SELL]),
        quantity_mw=np.array([1.0, 0.003, 0.003, 0.003]),
        price_eur_per_mwh=np.array([0.0, 0.0, 0.5, 50.0]),
        dispatchable=np.zeros(n, dtype=np.bool_),
        start_s=np.zeros(n, dtype=np.int64),
        duration_s=np.full(n, 3600),
    )
    place = np.random.default_rng(0).integers(0, PLACES, 10)
    one = np.ones((PLACES, PLACES))
    blocked = ~towards_the_root(np.random.default_rng(0))
    terms = replace(free, place=place, blocked=blocked, gain_factor=one, cost_factor=one)
    result = clear(BilateralEquilibrium(), terms, orders)
    assert len(result.trades) == 0
    assert result.accepted_mw == pytest.approx([0, 0.00015, 0.00015, 0], rel=1e-9)


@settings(max_examples=30, deadline=None)
@given(orders=books(12), seed=st.integers(0, 2**32 - 1))
def test_blocked_peers_keep_the_contract_of_every_market(orders: Orders, seed: int) -> None:
    terms = replace(free_terms(10), place=np.random.default_rng(seed).integers(0, PLACES, 10))
    one = np.ones((PLACES, PLACES))
    tree = replace(terms, blocked=~towards_the_root(np.random.default_rng(seed)), gain_factor=one, cost_factor=one)
    result = clear(BilateralEquilibrium(), tree, orders)
    trades = result.trades
    assert not tree.blocked[tree.place[trades.seller], tree.place[trades.buyer]].any()
    assert (trades.seller != trades.buyer).all()
    assert (trades.price_eur_per_mwh >= orders.price_eur_per_mwh[trades.sell_order] - 1e-6).all()
    assert (trades.price_eur_per_mwh <= orders.price_eur_per_mwh[trades.buy_order] + 1e-6).all()


@pytest.mark.parametrize("reading", ["costs-and-values", "willingness-to-sell"])
def test_a_peer_on_both_sides_serves_itself_without_a_trade(reading: str) -> None:
    orders = replace(book((SELL, 0.01, 10), (BUY, 0.01, 90)), peer=np.zeros(2, dtype=np.int64))
    if reading == "willingness-to-sell":
        orders = replace(orders, price_eur_per_mwh=orders.price_eur_per_mwh[::-1])
    result = clear(BilateralEquilibrium(reading=reading), free_terms(1), orders)  # type: ignore[arg-type]
    assert result.accepted_mw / KW == pytest.approx([10, 10])
    assert not len(result.trades)


@pytest.mark.parametrize("orders", list(EDGE_BOOKS.values()), ids=list(EDGE_BOOKS))
@pytest.mark.parametrize("solver", ["by-shape", "generic"])
def test_edges_of_a_book_on_weighted_terms(orders: Orders, solver: str) -> None:
    helped = np.array([[0, 2], [0, 0]])
    gain, cost = 1.2**helped * 0.8**helped.T, 1.2**helped.T * 0.8**helped
    terms = TradeTerms(np.arange(9) % 2, np.zeros((2, 2), dtype=np.bool_), gain, cost, money=True)
    result = clear(BilateralEquilibrium(solver=solver), terms, orders)  # type: ignore[arg-type]
    assert abs(result.gap) <= 1e-8
    sides = np.bincount(orders.side + 1, result.accepted_mw, 3)
    assert sides[0] == pytest.approx(sides[2], abs=1e-12)
