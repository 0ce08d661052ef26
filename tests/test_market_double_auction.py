"""The uniform-price double auction: the example of its page, rationing, and a rival in plain objects."""

import numpy as np
import pytest
from hypothesis import given, settings

from peerflex.core.streams import stream
from peerflex.core.trade import Orders
from peerflex.core.units import BUY, SELL
from peerflex.markets.double_auction import UniformPriceDoubleAuction
from tests.contracts import NO_SIGNAL, book, books, check_market

A, B, C = (SELL, 0.004, 10), (SELL, 0.003, 20), (SELL, 0.005, 35)
D, F = (BUY, 0.005, 50), (BUY, 0.002, 15)


@pytest.mark.parametrize(
    ("orders", "accepted_kw", "price"),
    [
        (book(A, B, C, D, (BUY, 0.004, 30), F), [4, 3, 0, 5, 2, 0], 30),  # E is left wanting: it sets the price
        (book(A, B, C, D, (BUY, 0.002, 30), F), [4, 3, 0, 5, 2, 0], 25),  # midway from B's cost to E's value
        (book(A, B, C, D, (BUY, 0.002, 30), (BUY, 0.002, 24)), [4, 3, 0, 5, 2, 0], 27),  # F bounds it from below
        (book(A, B, (SELL, 0.005, 28), D, (BUY, 0.002, 30), F), [4, 3, 0, 5, 2, 0], 24),  # C from above
    ],
)
def test_example_of_the_page(orders: Orders, accepted_kw: list[float], price: float) -> None:
    result = check_market(UniformPriceDoubleAuction(), orders)
    np.testing.assert_allclose(result.accepted_mw * 1000, accepted_kw, atol=1e-12)
    assert result.price_eur_per_mwh == pytest.approx(price)
    assert [tuple(pair) for pair in zip(result.trades.seller, result.trades.buyer, strict=True)] == [
        (0, 3),
        (1, 3),
        (1, 4),
    ]
    np.testing.assert_allclose(result.trades.quantity_mw * 1000, [4, 1, 2])


@pytest.mark.parametrize(("k", "price"), [(0.0, 20), (0.25, 22.5), (1.0, 30)])
def test_k_places_the_price_between_what_clears(k: float, price: float) -> None:
    result = check_market(UniformPriceDoubleAuction(k), book(A, B, C, D, (BUY, 0.002, 30), F))
    assert result.price_eur_per_mwh == pytest.approx(price)


def test_equal_prices_at_the_margin_are_rationed_pro_rata() -> None:
    orders = book((SELL, 0.003, 20), (BUY, 0.002, 40), (SELL, 0.001, 20), (BUY, 0.004, 10))
    result = check_market(UniformPriceDoubleAuction(), orders)
    np.testing.assert_allclose(result.accepted_mw * 1000, [1.5, 2, 0.5, 0])
    assert result.price_eur_per_mwh == 20


@pytest.mark.once
@settings(max_examples=200, deadline=None)
@given(orders=books())
def test_no_other_matching_trades_more_or_gains_more(orders: Orders) -> None:
    """Against a rival: two sorted queues of objects, traded from the front while value exceeds cost."""
    result = check_market(UniformPriceDoubleAuction(), orders)
    volume, welfare = greedy(orders)
    traded = result.accepted_mw
    assert traded[orders.side == SELL].sum() == pytest.approx(volume, abs=1e-9)
    assert -(orders.side * orders.price_eur_per_mwh * traded).sum() == pytest.approx(welfare, abs=1e-6)


def greedy(orders: Orders) -> tuple[float, float]:
    rows = range(len(orders))
    queue = {
        side: sorted(
            [[orders.price_eur_per_mwh[i], orders.quantity_mw[i]] for i in rows if orders.side[i] == side],
            reverse=side == BUY,
        )
        for side in (SELL, BUY)
    }
    volume = welfare = 0.0
    while queue[SELL] and queue[BUY] and queue[SELL][0][0] <= queue[BUY][0][0]:
        (cost, offered), (value, wanted) = queue[SELL][0], queue[BUY][0]
        traded = min(offered, wanted)
        volume, welfare = volume + traded, welfare + traded * (value - cost)
        for side in (SELL, BUY):
            queue[side][0][1] -= traded
            if queue[side][0][1] <= 0:
                queue[side].pop(0)
    return volume, welfare


def test_the_order_of_the_rows_only_orders_the_trades() -> None:
    rng = np.random.default_rng(7)
    n = 500
    orders = book(*zip(rng.choice([SELL, BUY], n), rng.uniform(0, 0.01, n), rng.integers(50, 90, n), strict=True))
    shuffled = rng.permutation(n)
    straight = UniformPriceDoubleAuction().clear(orders, NO_SIGNAL, stream(1, "market"))
    other = UniformPriceDoubleAuction().clear(orders.take(shuffled), NO_SIGNAL, stream(1, "market"))
    assert other.price_eur_per_mwh == straight.price_eur_per_mwh
    np.testing.assert_allclose(other.accepted_mw, straight.accepted_mw[shuffled], atol=1e-12)
