"""Pay-as-bid and the k-double auction in pairs: the examples of their pages, and what both promise."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peerflex.core.arrays import Floats, add_up
from peerflex.core.protocols import Market
from peerflex.core.streams import stream
from peerflex.core.trade import MarketResult, Orders
from peerflex.core.units import BUY, SELL
from peerflex.markets.double_auction import UniformPriceDoubleAuction
from peerflex.markets.k_double_auction import PairwiseDoubleAuction
from peerflex.markets.mcafee import McAfeeAuction
from peerflex.markets.pay_as_bid import PayAsBidAuction
from tests.contracts import NO_SIGNAL, book, books, check_market

pytestmark = pytest.mark.once

PAGE = book(
    (SELL, 0.004, 10), (SELL, 0.003, 20), (SELL, 0.005, 35), (BUY, 0.005, 50), (BUY, 0.004, 30), (BUY, 0.002, 15)
)
PAIRS = [(0, 3), (1, 3), (1, 4)]


def pairs_of(result: MarketResult) -> list[tuple[int, int]]:
    return [(int(seller), int(buyer)) for seller, buyer in zip(result.trades.seller, result.trades.buyer, strict=True)]


def test_the_pay_as_bid_example_of_the_page() -> None:
    result = check_market(PayAsBidAuction(), PAGE)
    trades = result.trades
    np.testing.assert_allclose(result.accepted_mw * 1000, [4, 3, 0, 5, 2, 0], atol=1e-12)
    assert pairs_of(result) == PAIRS
    np.testing.assert_allclose(trades.quantity_mw * 1000, [4, 1, 2])
    np.testing.assert_allclose(trades.price_eur_per_mwh, [10, 20, 20])
    np.testing.assert_allclose(trades.fee_eur_per_mwh, [40, 30, 10])
    assert (trades.quantity_mw * trades.fee_eur_per_mwh).sum() == pytest.approx(0.21)
    assert np.isnan(result.price_eur_per_mwh)


@pytest.mark.parametrize(
    ("k", "prices"), [(0.0, [10, 20, 20]), (0.25, [20, 27.5, 22.5]), (0.5, [30, 35, 25]), (1.0, [50, 50, 30])]
)
def test_the_pairwise_example_of_the_page(k: float, prices: list[float]) -> None:
    result = check_market(PairwiseDoubleAuction(k), PAGE)
    assert pairs_of(result) == PAIRS
    np.testing.assert_allclose(result.trades.price_eur_per_mwh, prices)
    assert not result.trades.fee_eur_per_mwh.any()


@pytest.mark.parametrize("market", [PayAsBidAuction(), PairwiseDoubleAuction(0.3)], ids=["pay-as-bid", "pairwise"])
@settings(max_examples=100, deadline=None)
@given(orders=books())
def test_the_same_orders_trade_as_at_one_price_and_all_gains_are_paid_out(market: Market, orders: Orders) -> None:
    result, uniform = check_market(market, orders), check_market(UniformPriceDoubleAuction(), orders)
    np.testing.assert_array_equal(result.accepted_mw, uniform.accepted_mw)
    trades = result.trades
    ask, bid = orders.price_eur_per_mwh[trades.sell_order], orders.price_eur_per_mwh[trades.buy_order]
    share = 0.0 if isinstance(market, PayAsBidAuction) else 0.3
    np.testing.assert_allclose(trades.price_eur_per_mwh, ask + share * (bid - ask), atol=1e-9)
    kept = bid - ask if isinstance(market, PayAsBidAuction) else 0 * bid
    np.testing.assert_allclose(trades.fee_eur_per_mwh, kept, atol=1e-9)


@pytest.mark.parametrize(
    "market", [PayAsBidAuction(), PairwiseDoubleAuction(), McAfeeAuction()], ids=["pay-as-bid", "pairwise", "mcafee"]
)
@settings(max_examples=100, deadline=None)
@given(orders=books(), seed=st.integers(0, 999))
def test_the_order_of_the_rows_only_orders_the_trades(market: Market, orders: Orders, seed: int) -> None:
    """Ties aside: prices are made different, by less than any other difference counts."""
    distinct = replace(orders, price_eur_per_mwh=orders.price_eur_per_mwh + 1e-3 * np.arange(len(orders)))
    shuffled = stream(seed, "shuffle").permutation(len(orders))
    straight = market.clear(distinct, NO_SIGNAL, stream(1, "market"))
    other = market.clear(distinct.take(shuffled), NO_SIGNAL, stream(1, "market"))
    np.testing.assert_allclose(other.accepted_mw, straight.accepted_mw[shuffled], atol=1e-12)
    np.testing.assert_allclose(earned(other), earned(straight), atol=1e-9)


def earned(result: MarketResult) -> Floats:
    """Return what each of ten peers earns in EUR/h (below 0: pays)."""
    trades = result.trades
    paid = trades.quantity_mw * (trades.price_eur_per_mwh + trades.fee_eur_per_mwh)
    got = trades.quantity_mw * trades.price_eur_per_mwh
    return add_up(trades.seller, got, 10) - add_up(trades.buyer, paid, 10)
