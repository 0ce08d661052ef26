"""McAfee's auction: the examples of its page, the least valuable trade, and nobody gains by another price."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from peerflex.core.arrays import Bools, Floats, add_up
from peerflex.core.streams import stream
from peerflex.core.trade import MarketResult, Orders
from peerflex.core.units import BUY, SELL
from peerflex.markets.double_auction import UniformPriceDoubleAuction
from peerflex.markets.mcafee import McAfeeAuction
from tests.contracts import NO_SIGNAL, book, books, check_market

pytestmark = pytest.mark.once

UNIT_MW = 0.002
BOOKS, TRADERS = 1000, 5
NUDGE = 1e-6
"""EUR/MWh by which a report goes beyond a rival's price."""


def units(asks: Floats | list[float], bids: Floats | list[float]) -> Orders:
    """Return a book of single units of equal size: the sellers first."""
    return book(*[(SELL, UNIT_MW, price) for price in asks], *[(BUY, UNIT_MW, price) for price in bids])


def clear(orders: Orders) -> MarketResult:
    return McAfeeAuction().clear(orders, NO_SIGNAL, stream(1, "market"))


def gains(result: MarketResult, true_price: Floats) -> Floats:
    """Return what each order gains in EUR/h by its true price; every order is of a peer of its own."""
    trades, n = result.trades, len(true_price)
    sold = trades.quantity_mw * (trades.price_eur_per_mwh - true_price[trades.sell_order])
    paid = trades.price_eur_per_mwh + trades.fee_eur_per_mwh
    bought = trades.quantity_mw * (true_price[trades.buy_order] - paid)
    return add_up(trades.sell_order, sold, n) + add_up(trades.buy_order, bought, n)


def welfare(orders: Orders, result: MarketResult) -> float:
    return float(-(orders.side * orders.price_eur_per_mwh * result.accepted_mw).sum())


def test_the_least_valuable_pair_steps_back() -> None:
    result = check_market(McAfeeAuction(), units([10, 20, 30, 60], [70, 50, 40, 25]))  # 42.5 is no price for the third
    np.testing.assert_allclose(result.accepted_mw / UNIT_MW, [1, 1, 0, 0, 1, 1, 0, 0])
    np.testing.assert_allclose(result.trades.price_eur_per_mwh, 30)
    np.testing.assert_allclose(result.trades.fee_eur_per_mwh, 10)
    assert np.isnan(result.price_eur_per_mwh)


def test_a_price_from_behind_the_margin_serves_all() -> None:
    result = check_market(McAfeeAuction(), units([10, 20, 30, 45], [70, 50, 40, 25]))
    np.testing.assert_allclose(result.accepted_mw / UNIT_MW, [1, 1, 1, 0, 1, 1, 1, 0])
    assert result.price_eur_per_mwh == 35
    assert not result.trades.fee_eur_per_mwh.any()


def test_orders_of_unequal_size_step_back_and_the_longer_side_is_cut() -> None:
    orders = book(
        (SELL, 0.004, 10), (SELL, 0.003, 20), (SELL, 0.005, 35), (BUY, 0.005, 50), (BUY, 0.004, 30), (BUY, 0.002, 15)
    )  # fmt: skip
    result = check_market(McAfeeAuction(), orders)
    np.testing.assert_allclose(result.accepted_mw * 1000, [4, 0, 0, 4, 0, 0], atol=1e-12)
    np.testing.assert_allclose(result.trades.price_eur_per_mwh, 20)
    np.testing.assert_allclose(result.trades.fee_eur_per_mwh, 10)


@pytest.mark.parametrize(("asks", "bids"), [([10], [90]), ([10, 20], [90, 80]), ([10], [90, 80])])
def test_where_a_queue_ends_nobody_is_there_to_set_a_price(asks: list[float], bids: list[float]) -> None:
    result = check_market(McAfeeAuction(), units(asks, bids))
    assert result.accepted_mw.sum() == pytest.approx(2 * UNIT_MW * (min(len(asks), len(bids)) - 1))


@settings(max_examples=50, deadline=None)
@given(orders=books())
def test_the_mediator_never_pays(orders: Orders) -> None:
    result = check_market(McAfeeAuction(), orders)
    assert (result.trades.fee_eur_per_mwh >= 0).all()


def mcafee(asks: Floats, bids: Floats) -> tuple[Bools, Floats, Floats]:
    """The rival, of single units and many books at once ``(books, traders)``, as the paper says it.

    Returns who trades (sellers, then buyers) and, by book, what sellers get and buyers pay.
    """
    s, b = np.sort(asks), -np.sort(-bids)
    efficient = (s <= b).sum(axis=1)
    row, traders = np.arange(len(s)), s.shape[1]
    last = np.maximum(efficient, 1) - 1
    behind = np.minimum(efficient, traders - 1)
    price = (s[row, behind] + b[row, behind]) / 2
    all_trade = (efficient > 0) & (efficient < traders) & (s[row, last] <= price) & (price <= b[row, last])
    number = np.where(all_trade, efficient, last)
    rank = np.concatenate([_rank(asks), _rank(-bids)], axis=1)
    gets, pays = np.where(all_trade, price, s[row, last]), np.where(all_trade, price, b[row, last])
    return rank < number[:, None], gets, pays


def _rank(values: Floats) -> Floats:
    """Return each value's place in its row, equal ones in order of column."""
    return np.argsort(np.argsort(values, axis=1, kind="stable"), axis=1, kind="stable")


def random_units() -> tuple[Floats, Floats]:
    """Return asks and bids of many books ``(books, traders)``: half of them in steps of 10, so that prices tie."""
    rng = stream(6, "books of single units")
    asks, bids = rng.uniform(0, 100, (2, BOOKS, TRADERS))
    asks[: BOOKS // 2], bids[: BOOKS // 2] = asks[: BOOKS // 2].round(-1), bids[: BOOKS // 2].round(-1)
    return asks, bids


def test_single_units_trade_as_the_paper_says() -> None:
    asks, bids = random_units()
    trades, gets, pays = mcafee(asks, bids)
    for each in range(BOOKS):
        result = clear(units(asks[each], bids[each]))
        np.testing.assert_array_equal(result.accepted_mw > 0, trades[each])
        np.testing.assert_allclose(result.trades.price_eur_per_mwh, gets[each])
        np.testing.assert_allclose(result.trades.price_eur_per_mwh + result.trades.fee_eur_per_mwh, pays[each])


def test_single_units_lose_at_most_the_least_valuable_trade() -> None:
    for asks, bids in zip(*random_units(), strict=True):
        worth = np.maximum(-np.sort(-bids) - np.sort(asks), -1.0)
        worth = worth[worth >= 0]  # of each efficient trade, the best first
        traded = welfare(units(asks, bids), clear(units(asks, bids))) / UNIT_MW
        assert traded >= worth[:-1].sum() - 1e-9


def test_no_trader_of_a_single_unit_gains_by_any_other_price() -> None:
    """Every trader of every book reports just beyond each rival's price, on both sides of it, a grid, and far away."""
    asks, bids = random_units()
    true = np.concatenate([asks, bids], axis=1)
    honest, tried = _gain(true, *mcafee(asks, bids)), 0
    for trader in range(2 * TRADERS):
        rivals = np.delete(true, trader, axis=1)
        everywhere = [np.full(BOOKS, price) for price in (-500.0, *np.arange(0.0, 101.0, 5.0), 500.0)]
        for report in (*(rivals + NUDGE).T, *(rivals - NUDGE).T, *rivals.T, *everywhere):
            tried += BOOKS
            told = true.copy()
            told[:, trader] = report
            told_gain = _gain(true, *mcafee(told[:, :TRADERS], told[:, TRADERS:]))
            assert (told_gain[:, trader] <= honest[:, trader] + 1e-9).all()
    print(f"{tried} misreports in {BOOKS} books of {2 * TRADERS} traders, and nobody gains by one")
    assert tried == 500_000


def _gain(true: Floats, trades: Bools, gets: Floats, pays: Floats) -> Floats:
    """Return each trader's gain at its true price, by book ``(books, traders)``."""
    sellers, buyers = np.hsplit(true, 2)
    return trades * np.concatenate([gets[:, None] - sellers, buyers - pays[:, None]], axis=1)


def test_no_peer_of_one_order_gains_by_another_price_whatever_the_sizes() -> None:
    rng = stream(6, "books of any sizes")
    for _ in range(BOOKS):
        n = int(rng.integers(3, 9))
        sizes = rng.choice([0.001, 0.002, 0.003, 0.004], n) if rng.random() < 0.5 else rng.uniform(0.001, 0.005, n)
        orders = book(*zip(rng.choice([SELL, BUY], n), sizes, rng.uniform(0, 100, n).round(0), strict=True))
        true = orders.price_eur_per_mwh
        honest = gains(clear(orders), true)
        for liar, beside, by in rng.integers([0, 0, -1], [n, n, 2], (4, 3)):
            told = true.copy()
            told[liar] = true[beside] + by * NUDGE
            lied = gains(clear(replace(orders, price_eur_per_mwh=told)), true)
            assert lied[liar] <= honest[liar] + 1e-12


def test_the_loss_that_the_page_states() -> None:
    """Of twenty orders a side, uniform prices: the share of the gain from trade that is lost, mean of 300 books."""
    rng, lost = stream(6, "loss"), {"equal": 0.0, "unequal": 0.0}
    for _ in range(300):
        asks, bids = rng.uniform(0, 100, (2, 20))
        sizes = rng.uniform(0.001, 0.005, 40)
        for name, orders in (
            ("equal", units(asks, bids)),
            ("unequal", replace(units(asks, bids), quantity_mw=sizes)),
        ):
            most = welfare(orders, UniformPriceDoubleAuction().clear(orders, NO_SIGNAL, stream(1, "market")))
            lost[name] += (1 - welfare(orders, clear(orders)) / most) / 300
    assert lost["equal"] == pytest.approx(0.004, abs=0.0005)
    assert lost["unequal"] == pytest.approx(0.045, abs=0.005)
