"""Nonsense is dropped, counted and explained; what makes sense passes untouched; what is left becomes flexibility."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peerflex.core.streams import stream
from peerflex.core.trade import Orders
from peerflex.core.units import BUY, DOWN, SELL, UP
from peerflex.markets.double_auction import UniformPriceDoubleAuction
from peerflex.markets.leftovers import flex_offers
from peerflex.markets.sift import sift
from tests.contracts import HOUR_S, NO_SIGNAL, book, books, check_market

pytestmark = pytest.mark.once

GOOD = book((SELL, 0.002, 80), (BUY, 0.003, 120), (SELL, 0.0, 60))
MOST = np.full(3, 0.003)


def changed(column: str, value: float) -> Orders:
    """Return the good orders with one value of the second row replaced."""
    values = getattr(GOOD, column).copy()
    values[1] = value
    return replace(GOOD, **{column: values})


def test_what_makes_sense_passes_untouched() -> None:
    kept, events = sift(GOOD, 3, 0, HOUR_S, MOST)
    assert kept is GOOD
    assert events == ()


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("peer", 3, "does not exist"),
        ("peer", -1, "does not exist"),
        ("side", 0, "neither +1"),
        ("quantity_mw", np.nan, "not a finite number >= 0"),
        ("quantity_mw", np.inf, "not a finite number >= 0"),
        ("quantity_mw", -0.001, "not a finite number >= 0"),
        ("quantity_mw", 0.0031, "could not deliver"),
        ("price_eur_per_mwh", np.nan, "not a finite number"),
        ("price_eur_per_mwh", -np.inf, "not a finite number"),
        ("price_eur_per_mwh", 1e5, "beyond -10000 to 10000"),
        ("start_s", HOUR_S, "not from 0 s"),
        ("duration_s", 900, "not from 0 s for 3600 s"),
    ],
)
def test_nonsense_is_dropped_and_said_once(column: str, value: float, said: str) -> None:
    kept, events = sift(changed(column, value), 3, 0, HOUR_S, MOST)
    np.testing.assert_array_equal(kept.peer, [0, 2])
    (event,) = events
    assert said in event.what
    assert "1 of 3 orders dropped" in event.consequence


def test_many_small_orders_do_not_pass_for_more_than_the_peer_has() -> None:
    orders = replace(book(*[(SELL, 0.001, 80)] * 4, (BUY, 0.003, 90)), peer=np.array([1, 1, 1, 1, 1]))
    kept, events = sift(orders, 3, 0, HOUR_S, MOST)
    np.testing.assert_array_equal(kept.side, [BUY])
    assert "4 of 5" in events[0].consequence


def test_columns_of_unequal_length_are_no_orders() -> None:
    kept, events = sift(replace(GOOD, side=GOOD.side[:2]), 3, 0, HOUR_S, MOST)
    assert len(kept) == 0
    assert len(events) == 1


ANY = st.floats(allow_nan=True, allow_infinity=True)


@settings(max_examples=150, deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.integers(-3, 5), st.integers(-2, 2), st.one_of(st.just(0.001), ANY), ANY, st.integers(-1, 1)),
        max_size=12,
    )
)
def test_a_market_clears_whatever_is_left_of_any_nonsense(rows: list[tuple[int, int, float, float, int]]) -> None:
    peer, side, quantity, price, start = (np.array(column) for column in zip(*rows, strict=True)) if rows else [[]] * 5
    n = len(rows)
    orders = Orders.plain(
        peer=np.array(peer, dtype=np.int64),
        side=np.array(side, dtype=np.int64),
        quantity_mw=np.array(quantity, dtype=np.float64),
        price_eur_per_mwh=np.array(price, dtype=np.float64),
        dispatchable=np.ones(n, dtype=np.bool_),
        start_s=np.array(start, dtype=np.int64),
        duration_s=np.full(n, HOUR_S, dtype=np.int64),
    )
    kept, events = sift(orders, 3, 0, HOUR_S, MOST)
    assert sum(int(event.consequence.split()[0]) for event in events) == n - len(kept)
    check_market(UniformPriceDoubleAuction(), kept)


@settings(max_examples=60, deadline=None)
@given(orders=books())
def test_traded_and_offered_as_flexibility_add_up_to_the_order(orders: Orders) -> None:
    result = UniformPriceDoubleAuction().clear(orders, NO_SIGNAL, stream(1, "market"))
    bus_of_peer = np.arange(10) * 7
    left = flex_offers(orders, result, bus_of_peer, np.zeros(10))
    used = result.accepted_mw.copy()
    used[left.order] += left.quantity_mw
    np.testing.assert_allclose(used[orders.dispatchable], orders.quantity_mw[orders.dispatchable], atol=2e-9)
    assert orders.dispatchable[left.order].all()
    np.testing.assert_array_equal(left.side, np.where(orders.side[left.order] == SELL, UP, DOWN))
    np.testing.assert_array_equal(left.price_eur_per_mwh, orders.price_eur_per_mwh[left.order])
    np.testing.assert_array_equal(left.bus, bus_of_peer[orders.peer[left.order]])
