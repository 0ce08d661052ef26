"""What every market must keep, whatever its rule: a new one, also of a plugin, is one line in the list of a test.

Use ``check_market`` on any order book and ``check_flex_market`` on any need and offers.
"""

from dataclasses import fields

import numpy as np
from hypothesis import strategies as st

from peerflex.core.arrays import Bools, Floats, Ints, Rows, add_up
from peerflex.core.protocols import FlexMarket, Market
from peerflex.core.streams import stream
from peerflex.core.trade import FlexNeed, FlexOffers, MarketResult, Orders, Signal, free_terms
from peerflex.core.units import BUY, DOWN, SELL, UP

HOUR_S = 3600
NO_SIGNAL = Signal(np.zeros(1), np.zeros(1, dtype=np.bool_), free_terms(40))


def book(*rows: tuple[int, float, float], dispatchable: bool = True) -> Orders:
    """Return orders from (side, quantity in MW, price); each is of a peer of its own."""
    n = len(rows)
    side, quantity, price = (np.array(column) for column in zip(*rows, strict=True)) if n else (np.zeros(0),) * 3
    return Orders.plain(
        peer=np.arange(n),
        side=side.astype(np.int64),
        quantity_mw=quantity.astype(np.float64),
        price_eur_per_mwh=price.astype(np.float64),
        dispatchable=np.full(n, dispatchable),
        start_s=np.zeros(n, dtype=np.int64),
        duration_s=np.full(n, HOUR_S, dtype=np.int64),
    )


@st.composite
def books(draw: st.DrawFn, most_orders: int = 30) -> Orders:
    """Draw a book with ties of price, empty orders, quantities over six decades, peers with several orders."""
    n = draw(st.integers(0, most_orders))
    quantity = st.one_of(st.just(0.0), st.just(0.003), st.floats(1e-6, 1.0))
    price = st.one_of(st.sampled_from([0.0, 50.0, 100.0]), st.floats(-100.0, 400.0))
    rows = draw(st.lists(st.tuples(st.sampled_from([SELL, BUY]), quantity, price), min_size=n, max_size=n))
    orders = book(*rows)
    peer = np.array(draw(st.lists(st.integers(0, 9), min_size=n, max_size=n)), dtype=np.int64)
    dispatchable = np.array(draw(st.lists(st.booleans(), min_size=n, max_size=n)), dtype=np.bool_)
    return Orders.plain(
        peer,
        orders.side,
        orders.quantity_mw,
        orders.price_eur_per_mwh,
        dispatchable,
        orders.start_s,
        orders.duration_s,
    )


EDGE_BOOKS = {
    "no orders": book(),
    "one order": book((SELL, 0.004, 60)),
    "sellers only": book((SELL, 0.004, 60), (SELL, 0.002, 10)),
    "buyers only": book((BUY, 0.004, 60), (BUY, 0.002, 10)),
    "nothing wanted": book((SELL, 0.004, 60), (BUY, 0.0, 90)),
    "nothing at all": book((SELL, 0.0, 60), (BUY, 0.0, 90)),
    "prices do not meet": book((SELL, 0.004, 90), (BUY, 0.004, 60)),
    "all alike": book(*[(SELL, 0.002, 70), (BUY, 0.003, 70)] * 4),
    "negative prices": book((SELL, 0.004, -20), (BUY, 0.004, -10)),
    "very unequal sizes": book((SELL, 1e-6, 10), (BUY, 50.0, 90), (SELL, 20.0, 40)),
}


def check_market(market: Market, orders: Orders) -> MarketResult:
    """Check one clearing against everything that holds for any market; return its result."""
    before = _copy(orders)
    result = market.clear(orders, NO_SIGNAL, stream(1, "market"))
    _same(orders, before)
    again = market.clear(orders, NO_SIGNAL, stream(1, "market"))
    _same(result.trades, again.trades)
    np.testing.assert_array_equal(result.accepted_mw, again.accepted_mw)

    trades, accepted = result.trades, result.accepted_mw
    rounding = 1e-12 * orders.quantity_mw.sum()
    assert accepted.shape == (len(orders),)
    assert (accepted >= 0).all()
    assert (accepted <= orders.quantity_mw + rounding).all()
    sold, bought = accepted[orders.side == SELL].sum(), accepted[orders.side == BUY].sum()
    assert abs(sold - bought) <= rounding

    assert (trades.quantity_mw > 0).all()
    by_order = add_up(trades.sell_order, trades.quantity_mw, len(orders))
    by_order += add_up(trades.buy_order, trades.quantity_mw, len(orders))
    # what is accepted and not traded is a peer's own supply: as much on its selling as on its buying side
    own = accepted - by_order
    assert (own >= -rounding).all()
    np.testing.assert_allclose(
        add_up(orders.peer, orders.side * own, int(orders.peer.max(initial=0)) + 1), 0, atol=rounding
    )
    assert (trades.seller != trades.buyer).all()
    np.testing.assert_array_equal(orders.side[trades.sell_order], SELL)
    np.testing.assert_array_equal(orders.side[trades.buy_order], BUY)
    np.testing.assert_array_equal(orders.peer[trades.sell_order], trades.seller)
    np.testing.assert_array_equal(orders.peer[trades.buy_order], trades.buyer)

    # individual rationality: nobody sells below cost or pays more than the energy is worth
    cent = 1e-9
    assert (trades.price_eur_per_mwh >= orders.price_eur_per_mwh[trades.sell_order] - cent).all()
    paid = trades.price_eur_per_mwh + trades.fee_eur_per_mwh
    assert (paid <= orders.price_eur_per_mwh[trades.buy_order] + cent).all()
    assert (trades.fee_eur_per_mwh >= -cent).all()  # the mediator adds nothing: it may keep something
    assert result.rounds >= 1
    assert result.messages >= 0
    assert len(trades) == 0 or np.isfinite(trades.price_eur_per_mwh).all()
    return result


def need(value: Floats, upper: Floats, by_mw: Floats, mw_per_unit: Floats, is_voltage: Bools | None = None) -> FlexNeed:
    """Return a need on branches (limits both ways), or with voltage rows between 0.95 and ``upper``."""
    rows = len(value)
    voltage = np.zeros(rows, dtype=np.bool_) if is_voltage is None else is_voltage
    return FlexNeed(voltage, np.arange(rows), value, np.where(voltage, 0.95, -upper), upper, by_mw, mw_per_unit)


def offers(bus: Ints, side: Ints, quantity_mw: Floats, price_eur_per_mwh: Floats) -> FlexOffers:
    """Return offers, each of a peer and an order of its own."""
    rows = np.arange(len(bus))
    return FlexOffers(rows, rows, bus, side, quantity_mw, price_eur_per_mwh, np.zeros(len(rows)), price_eur_per_mwh)


@st.composite
def flex_cases(draw: st.DrawFn) -> tuple[FlexNeed, FlexOffers]:
    """Draw a need with loading and voltage rows on a few buses, violated or not, and offers round 200 EUR/MWh."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    buses, rows, n = rng.integers(1, 7), rng.integers(0, 7), rng.integers(0, 25)
    rating_mva = rng.uniform(0.05, 0.5, rows)
    is_voltage = rng.random(rows) < 0.3
    by_mw = np.where(is_voltage[:, None], rng.uniform(0, 0.4, (rows, buses)), 0.0)
    by_mw += np.where(is_voltage[:, None], 0.0, -rng.integers(0, 2, (rows, buses)) / rating_mva[:, None])
    value = np.where(is_voltage, rng.uniform(0.94, 1.06, rows), rng.uniform(-1.1, 1.1, rows))
    upper = np.where(is_voltage, 1.05, 1.0)
    per_unit = np.where(is_voltage, 1 / np.maximum(by_mw.max(axis=1, initial=0.0), 0.1), rating_mva)
    side = rng.choice([UP, DOWN], n)
    price = 200 + side * rng.integers(-2, 20, n) * 10.0  # some on the wrong side of the interface price
    quantity = np.where(rng.random(n) < 0.1, 0.0, rng.uniform(0, 0.1, n))
    limits = need(value, upper, by_mw, per_unit, is_voltage)
    return limits, offers(rng.integers(0, buses, n), side, quantity, price)


def check_flex_market(market: FlexMarket, limits: FlexNeed, offered: FlexOffers) -> None:
    """Check one clearing against everything that holds for any flexibility market."""
    before = _copy(offered)
    result = market.clear(limits, offered)
    _same(offered, before)
    again = market.clear(limits, offered)
    np.testing.assert_array_equal(result.accepted_mw, again.accepted_mw)
    np.testing.assert_array_equal(result.missing_mw, again.missing_mw)

    accepted = result.accepted_mw
    assert accepted.shape == result.price_eur_per_mwh.shape == (len(offered),)
    assert result.missing_mw.shape == result.multiplier_eur_per_mwh.shape == (len(limits),)
    assert (accepted >= 0).all()
    assert (accepted <= offered.quantity_mw).all()
    assert (result.missing_mw >= 0).all()
    assert (result.multiplier_eur_per_mwh >= 0).all()
    assert abs(result.residual_mw - (offered.side * accepted).sum()) <= 1e-9
    assert result.cost_eur_per_h >= -1e-9
    violated = (limits.value > limits.upper + 1e-7) | (limits.value < limits.lower - 1e-7)
    if not violated.any():
        assert result.cost_eur_per_h == 0
        assert not accepted.any()
        assert not result.missing_mw.any()


def _copy(table: Rows) -> dict[str, Floats | Ints | Bools]:
    return {column.name: getattr(table, column.name).copy() for column in fields(table)}  # type: ignore[arg-type]


def _same(table: Rows, other: "Rows | dict[str, Floats | Ints | Bools]") -> None:
    for column in fields(table):  # type: ignore[arg-type]
        expected = other[column.name] if isinstance(other, dict) else getattr(other, column.name)
        np.testing.assert_array_equal(getattr(table, column.name), expected)
