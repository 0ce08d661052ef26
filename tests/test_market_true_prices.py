"""Prices of books with firm orders: the examples of the page, and that priority is worth nothing in money."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peerflex.core.arrays import Bools, Floats
from peerflex.core.streams import stream
from peerflex.core.trade import FIRM_EUR_PER_MWH, Charges, MarketResult, Orders, Signal, TradeTerms
from peerflex.core.units import BUY, QUANTITY_TOLERANCE_MW, SELL
from peerflex.markets.bilateral import BilateralEquilibrium
from peerflex.markets.equilibrium import solve_certified
from peerflex.markets.pairs import pair_price
from peerflex.runs.area.build import build
from peerflex.runs.area.plugins import registry
from peerflex.runs.model import AreaModel
from peerflex.scenarios.load import load_scenario

pytestmark = pytest.mark.once

FIRM = FIRM_EUR_PER_MWH
WIND = (SELL, 10.0, 2.0, 0.1, FIRM)
TSO = (BUY, 6.0, 1.0, 1 / 6, FIRM)
LOAD = (BUY, 4.0, 30.0, 2.5, 0.0)
"""The orders of the page."""


def orders_of(*rows: tuple[int, float, float, float, float]) -> Orders:
    """Return orders from (side, MW, true price, slope, premium), one of each peer, all dispatchable."""
    side, quantity, true, slope, premium = (np.array(column) for column in zip(*rows, strict=True))
    n, penalty = len(rows), np.where(premium < FIRM, premium, 0.0)
    starts, lasts = np.zeros(n, dtype=np.int64), np.full(n, 3600)
    price = true - side * premium
    return Orders(
        np.arange(n), side, quantity, price, np.ones(n, dtype=np.bool_), starts, lasts, slope, premium, penalty
    )


def terms_of(
    place: list[int],
    injection: list[float],
    *,
    pair: list[list[float]] | None = None,
    blocked: list[list[int]] | None = None,
    factor: float = 1.0,
) -> TradeTerms:
    """Return terms of two places that are money; ``factor`` is on gains and on costs across them."""
    across = np.where(np.eye(2) > 0, 1.0, factor)
    charges = Charges(np.array(injection), np.zeros((2, 2)) if pair is None else np.array(pair))
    forbidden = np.array(blocked or [[0, 0], [0, 0]], dtype=np.bool_)
    return TradeTerms(np.array(place, dtype=np.int64), forbidden, across, across, money=True, charges=charges)


def clear(orders: Orders, terms: TradeTerms | None = None) -> MarketResult:
    said = terms or terms_of([0] * len(orders), [0.0, 0.0])
    return BilateralEquilibrium().clear(orders, Signal(np.zeros(1), np.zeros(1, dtype=np.bool_), said), stream(1, "m"))


def firm_in(orders: Orders) -> Bools:
    firm: Bools = orders.premium_eur_per_mwh >= FIRM
    return firm


@pytest.mark.parametrize(
    ("rows", "accepted_mw", "price"),
    [
        ((WIND, TSO, LOAD), [10, 6, 4], 10.0),
        ((WIND, LOAD), [4, 4], 2.0),
        (((SELL, 6.0, 10.0, 1.0, 0.0), (BUY, 10.0, 40.0, 1.0, FIRM)), [6, 6], 40.0),
        (((SELL, 6.0, 10.0, 1.0, 0.0), (BUY, 5.0, 40.0, 1.0, FIRM)), [5, 5], 15.0),
        (((SELL, 6.0, 10.0, 1.0, 0.0), (BUY, 10.0, 40.0, 1.0, 100.0)), [6, 6], 134.0),
        (((SELL, 5.0, 10.0, 1.0, 0.0), (BUY, 5.0, 40.0, 1.0, FIRM)), [5, 5], 27.5),
        (((SELL, 5.0, 10.0, 1.0, FIRM), (BUY, 5.0, 40.0, 1.0, FIRM)), [5, 5], 25.0),
    ],
    ids=["all served", "supply left", "demand left", "on a curve", "penalty", "all served by a seller", "all firm"],
)
def test_examples_of_the_page(
    rows: tuple[tuple[int, float, float, float, float], ...], accepted_mw: list[float], price: float
) -> None:
    result = clear(orders_of(*rows))
    assert result.accepted_mw == pytest.approx(accepted_mw)
    assert result.price_eur_per_mwh == pytest.approx(price, abs=1e-6)
    assert result.trades.price_eur_per_mwh == pytest.approx(price, abs=1e-6)


def test_the_duals_alone_would_make_the_premium_the_price() -> None:
    orders = orders_of(WIND, TSO, LOAD)
    game = BilateralEquilibrium().game(orders, np.array([0]), np.array([1, 2]), terms_of([0, 0, 0], [0.0, 0.0]))
    found, _ = solve_certified(game)
    assert pair_price(game, found, found.seller, found.buyer) == pytest.approx((-4997 + 20) / 2)


def test_scarcity_of_an_offered_extra_order_beside_firm_ones_may_cost_its_penalty() -> None:
    """6 MW for a firm 2 MW and 4 of 8 MW that ask 100 more: 40 + 100 less 4 MW times 1."""
    rows = (SELL, 6.0, 10.0, 1.0, 0.0), (BUY, 2.0, 40.0, 1.0, FIRM), (BUY, 8.0, 40.0, 1.0, 100.0)
    result = clear(orders_of(*rows))
    assert result.accepted_mw == pytest.approx([6, 2, 4])
    assert result.price_eur_per_mwh == pytest.approx(136)


def test_a_place_where_injection_is_charged_shifts_the_range() -> None:
    """Wind pays 4 at its place, the load and the TSO at theirs are paid -6: the range is that of what they then bid."""
    result = clear(orders_of(WIND, TSO, LOAD), terms_of([0, 1, 1], [4.0, -6.0]))
    trades = result.trades
    assert result.price_eur_per_mwh == pytest.approx((0 - 6 + 20 - 6) / 2)
    assert trades.seller_premium_eur_per_mwh == pytest.approx(-4)
    assert trades.buyer_premium_eur_per_mwh == pytest.approx(-6)


def test_each_zone_has_a_price_of_its_own_truth() -> None:
    """Wind without enough load at place 0; at place 1 a firm load without enough supply. Nothing goes across."""
    orders = orders_of(WIND, LOAD, (SELL, 6.0, 10.0, 1.0, 0.0), (BUY, 10.0, 40.0, 1.0, FIRM))
    result = clear(orders, terms_of([0, 0, 1, 1], [0.0, 0.0], blocked=[[0, 1], [1, 0]]))
    assert sorted(result.trades.price_eur_per_mwh) == pytest.approx([2, 40])
    assert np.isnan(result.price_eur_per_mwh)


def test_money_of_a_factor_is_that_of_the_true_price() -> None:
    """A bug: a factor of 0.8 had the DSO take a fifth of the 5000 from a firm seller."""
    result = clear(orders_of(WIND, LOAD), terms_of([0, 1], [0.0, 0.0], factor=0.8))
    assert result.trades.seller_premium_eur_per_mwh == pytest.approx((0.8 - 1) * -2.0)
    assert result.trades.buyer_premium_eur_per_mwh == pytest.approx((0.8 - 1) * 30.0)
    assert result.trades.price_eur_per_mwh == pytest.approx(2.0)


def test_a_load_that_pays_a_charge_beside_the_price_of_firm_wind_does_not_lose() -> None:
    """Worth 8 to 7 EUR/MWh, and 6 are charged for wind from across: at a price of at most 1, though wind costs 2."""
    load = (BUY, 4.0, 8.0, 0.25, 0.0)
    result = clear(orders_of(WIND, load), terms_of([0, 1], [0.0, 0.0], pair=[[0.0, 6.0], [0.0, 0.0]]))
    assert result.accepted_mw == pytest.approx([4, 4])
    assert result.trades.price_eur_per_mwh == pytest.approx(1.0)
    assert result.trades.buyer_premium_eur_per_mwh == pytest.approx(-6.0)


def truth(orders: Orders, charge: Floats) -> tuple[float, float]:
    """Return the least and the most that anybody could justify as a price; a penalty that is asked for counts."""
    first = orders.price_eur_per_mwh + orders.side * np.where(firm_in(orders), orders.premium_eur_per_mwh, 0.0) + charge
    last = first + orders.side * orders.slope_eur_per_mwh2 * orders.quantity_mw
    return float(min(first.min(), last.min())), float(max(first.max(), last.max()))


@st.composite
def firm_books(draw: st.DrawFn) -> tuple[Orders, list[int], list[float]]:
    """Draw a book with firm, extra and plain orders, sizes that often meet exactly, places, and charges of these."""
    row = st.tuples(
        st.sampled_from([SELL, BUY]),
        st.sampled_from([1.0, 2.0, 3.0, 0.7]),
        st.sampled_from([-5.0, 0.0, 20.0, 50.0, 80.0]),
        st.sampled_from([0.25, 3.0, 10.0]),
        st.sampled_from([0.0, 0.0, 100.0, FIRM]),
    )
    rows = draw(st.lists(row, min_size=2, max_size=8))
    place = draw(st.lists(st.integers(0, 1), min_size=len(rows), max_size=len(rows)))
    return orders_of(*rows), place, draw(st.lists(st.sampled_from([0.0, -7.5, 12.0]), min_size=2, max_size=2))


@settings(max_examples=150, deadline=None)
@given(case=firm_books())
def test_one_price_is_true_and_everybody_who_is_not_firm_wants_just_what_it_trades(
    case: tuple[Orders, list[int], list[float]],
) -> None:
    orders, place, injection = case
    result, charge = clear(orders, terms_of(place, injection)), np.array(injection)[place]
    price = result.price_eur_per_mwh
    if not len(result.trades):
        return
    low, high = truth(orders, charge)
    assert low - 1e-6 <= price <= high + 1e-6
    wanted_mw = orders.side * (price - charge - orders.price_eur_per_mwh) / orders.slope_eur_per_mwh2
    plain = ~firm_in(orders)
    wanted_mw = np.clip(wanted_mw, 0.0, orders.quantity_mw)
    assert result.accepted_mw[plain] == pytest.approx(wanted_mw[plain], abs=1e-5)


@settings(max_examples=100, deadline=None)
@given(case=firm_books(), times=st.sampled_from([2.0, 3.0]))
def test_how_large_the_premium_is_changes_no_price(case: tuple[Orders, list[int], list[float]], times: float) -> None:
    orders, place, injection = case
    more = np.where(firm_in(orders), (times - 1.0) * FIRM, 0.0)
    louder = replace(
        orders,
        premium_eur_per_mwh=orders.premium_eur_per_mwh + more,
        price_eur_per_mwh=orders.price_eur_per_mwh - orders.side * more,
    )
    result, again = (clear(each, terms_of(place, injection)) for each in (orders, louder))
    assert again.accepted_mw == pytest.approx(result.accepted_mw, abs=1e-6)
    assert again.price_eur_per_mwh == pytest.approx(result.price_eur_per_mwh, abs=1e-5, nan_ok=True)


@settings(max_examples=100, deadline=None)
@given(case=firm_books(), pair=st.sampled_from([3.0, 40.0]), blocked=st.booleans(), factor=st.sampled_from([1.0, 0.8]))
def test_on_any_terms_nobody_who_is_not_firm_loses_and_no_price_comes_of_a_premium(
    case: tuple[Orders, list[int], list[float]], pair: float, blocked: bool, factor: float
) -> None:
    orders, place, injection = case
    across = [[0.0, pair], [-pair / 2, 0.0]]
    terms = terms_of(place, injection, pair=across, blocked=[[0, 0], [int(blocked), 0]], factor=factor)
    trades = clear(orders, terms).trades
    plain, price = ~firm_in(orders), trades.price_eur_per_mwh
    earns, pays = price + trades.seller_premium_eur_per_mwh, price - trades.buyer_premium_eur_per_mwh
    sells, buys = plain[trades.sell_order], plain[trades.buy_order]
    # the pair curvature of weighted terms is worth a cent or two to either side
    assert (earns >= orders.price_eur_per_mwh[trades.sell_order] - 0.05)[sells].all()
    assert (pays <= orders.price_eur_per_mwh[trades.buy_order] + 0.05)[buys].all()
    low, high = truth(orders, np.array(injection)[place])
    scale = max(abs(low), abs(high))
    assert (np.abs(price) <= scale + pair + 0.05).all()


@settings(max_examples=60, deadline=None)
@given(case=firm_books(), pair=st.sampled_from([0.0, 3.0]))
def test_without_firm_orders_prices_are_those_of_the_duals_bit_by_bit(
    case: tuple[Orders, list[int], list[float]], pair: float
) -> None:
    orders, place, injection = case
    rows = np.flatnonzero(~firm_in(orders))
    orders = replace(orders.take(rows), peer=np.arange(len(rows)))
    terms = terms_of([place[row] for row in rows], injection, pair=[[0.0, pair], [0.0, 0.0]])
    sells, buys = (
        np.flatnonzero((orders.side == side) & (orders.quantity_mw > QUANTITY_TOLERANCE_MW)) for side in (SELL, BUY)
    )
    found, _ = solve_certified(BilateralEquilibrium().game(orders, sells, buys, terms))
    result = clear(orders, terms)
    assert len(result.trades) == len(found.quantity_mw)
    if not len(found.quantity_mw):
        return
    dual = pair_price(BilateralEquilibrium().game(orders, sells, buys, terms), found, found.seller, found.buyer)
    if np.isnan(result.price_eur_per_mwh):
        np.testing.assert_array_equal(result.trades.price_eur_per_mwh, dual)
    else:
        assert result.price_eur_per_mwh == np.median(dual)


def test_regulation_of_scenario_4_costs_what_sun_and_loads_are_worth() -> None:
    """A bug: hours 9 to 16 settled at -2472 EUR/MWh, the middle of what firm orders bid and what loads would pay."""
    scenario = load_scenario("tso-dso-4", ["time.start=2023-06-21 08:00"], hours=8)
    model = AreaModel(build(scenario, registry()).area)
    for _ in range(8):
        model.step()
        assert model.record is not None
        decision = model.record.decision
        trades = decision.result.trades
        assert decision.result.price_eur_per_mwh == pytest.approx((-0.01 + 3.695) / 2, abs=0.01)
        assert (trades.price_eur_per_mwh == decision.result.price_eur_per_mwh).all()
        firm = firm_in(decision.orders)
        assert decision.result.accepted_mw[firm] == pytest.approx(decision.orders.quantity_mw[firm], abs=1e-6)
    model.close()
