"""Negotiation with concession: the example of its page, the DSO's terms, and what is lost on the way."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peerflex.core.arrays import add_up
from peerflex.core.streams import stream
from peerflex.core.trade import Charges, MarketResult, Orders, Signal, TradeTerms, free_terms
from peerflex.core.units import BUY, SELL
from peerflex.markets.double_auction import UniformPriceDoubleAuction
from peerflex.markets.negotiation import Negotiation
from tests.contracts import NO_SIGNAL, book, books, check_market

pytestmark = pytest.mark.once

PAIR = book((SELL, 0.004, 60), (BUY, 0.003, 160))


def clear(market: Negotiation, orders: Orders, terms: TradeTerms, seed: int = 1) -> MarketResult:
    return market.clear(orders, Signal(np.zeros(1), np.zeros(1, dtype=np.bool_), terms), stream(seed, "market"))


def test_example_of_the_page() -> None:
    result = check_market(Negotiation(rounds=10), PAIR)
    np.testing.assert_allclose(result.accepted_mw, 0.003)
    assert result.trades.price_eur_per_mwh == pytest.approx([124])
    assert (result.rounds, result.messages) == (9, 18)


@pytest.mark.parametrize(
    ("concession", "greed"),
    [(1.0, [0.75, 0.5, 0.25, 0]), (0.5, [0.9375, 0.75, 0.4375, 0]), (2.0, [0.5, 0.29, 0.13, 0])],
)
def test_greed_falls_to_nothing_early_or_late(concession: float, greed: list[float]) -> None:
    market = Negotiation(rounds=4, concession=concession)
    assert [market.greed(each) for each in range(1, 5)] == pytest.approx(greed, abs=5e-3)


@pytest.mark.parametrize("gain", [30.0, 55.0, 56.0, 200.0, 499.0])
def test_two_meet_in_the_first_round_in_which_their_gain_covers_their_greed(gain: float) -> None:
    market = Negotiation(rounds=10)
    result = check_market(market, book((SELL, 0.004, 1), (BUY, 0.004, 1 + gain)))
    first = next(each for each in range(1, 11) if gain * (1 - market.greed(each)) >= 500 * market.greed(each) - 1e-9)
    assert result.rounds == first


def test_a_limit_beyond_the_range_is_what_its_owner_asks() -> None:
    result = check_market(Negotiation(), book((SELL, 0.004, 600), (BUY, 0.004, 700)))
    assert 600 <= result.trades.price_eur_per_mwh[0] <= 700


def test_what_is_left_meets_others_in_later_rounds() -> None:
    orders = book((SELL, 0.010, 60), *((BUY, 0.001, 300) for _ in range(10)))
    result = check_market(Negotiation(rounds=40), orders)
    np.testing.assert_allclose(result.accepted_mw, orders.quantity_mw)
    assert len(result.trades) == 10


@settings(max_examples=60, deadline=None)
@given(orders=books())
def test_it_keeps_the_contract_whatever_is_lost(orders: Orders) -> None:
    market = Negotiation(
        rounds=7, concession=0.3, loss=0.4, latency="exponential", latency_s=300, highest_eur_per_mwh=90
    )
    check_market(market, orders)


@pytest.mark.parametrize("bad", [{"loss": 1.0}, {"latency_s": 3600.0}])
def test_who_does_not_hear_the_other_in_time_does_not_trade(bad: dict[str, float]) -> None:
    result = check_market(Negotiation(**bad), PAIR)
    assert len(result.trades) == 0
    assert (result.rounds, result.messages) == (20, 40)


def test_a_peer_that_meets_itself_serves_itself_without_a_word() -> None:
    result = check_market(Negotiation(loss=1.0), replace(PAIR, peer=np.array([0, 0])))
    np.testing.assert_allclose(result.accepted_mw, 0.003)
    assert len(result.trades) == 0
    assert (result.rounds, result.messages) == (1, 0)


def test_it_finds_most_of_the_gain_and_more_with_time() -> None:
    share = {rounds: np.mean([efficiency(rounds, seed) for seed in range(20)]) for rounds in (20, 100)}
    assert share[20] >= 0.85
    assert share[100] >= 0.97


def efficiency(rounds: int, seed: int, n: int = 60) -> float:
    rng = stream(seed, "test")
    side = np.where(np.arange(n) % 2, SELL, BUY)
    price = np.where(side == SELL, rng.uniform(40, 200, n), rng.uniform(60, 320, n))
    orders = book(*zip(side.tolist(), rng.uniform(0.001, 0.01, n), price, strict=True))
    found, best = (
        -(orders.side * orders.price_eur_per_mwh * market.clear(orders, SILENT, rng).accepted_mw).sum()
        for market in (Negotiation(rounds=rounds), UniformPriceDoubleAuction())
    )
    return float(found / best)


SILENT = replace(NO_SIGNAL, terms=free_terms(60))
TWO_PLACES = np.array([0, 1])


def terms(money: bool, gain: float = 1.0, cost: float = 1.0, pair: float | None = None) -> TradeTerms:
    """Return terms for the pair of the page: the seller at place 0, the buyer at 1."""
    charges = None if pair is None else Charges(np.array([-5.0, 10.0]), np.full((2, 2), pair))
    return TradeTerms(
        TWO_PLACES, np.zeros((2, 2), dtype=np.bool_), np.full((2, 2), gain), np.full((2, 2), cost), money, charges
    )


def test_blocked_pairs_do_not_talk() -> None:
    orders = book(*[(SELL, 0.004, 60), (BUY, 0.004, 160)] * 10)
    blocked = np.array([[False, True], [True, False]])
    two = replace(terms(money=False), place=np.arange(20) // 2 % 2, blocked=blocked)
    result = clear(Negotiation(rounds=50), orders, two)
    assert len(result.trades) > 5
    assert (two.place[result.trades.seller] == two.place[result.trades.buyer]).all()
    none = clear(Negotiation(), orders, replace(two, blocked=np.ones((2, 2), dtype=np.bool_)))
    assert len(none.trades) == 0
    assert none.messages == 0


def test_terms_in_money_move_the_limits_and_the_dso_pays_what_they_change() -> None:
    # limits in the pair: the seller 60 * 0.5 = 30, the buyer 160 * 0.75 = 120; greed 0.2 in round 8 is too much
    trades = clear(Negotiation(rounds=10), PAIR, terms(money=True, gain=0.75, cost=0.5)).trades
    asked, offered = 30 + 0.1 * (500 - 30), 120 - 0.1 * 120
    assert trades.price_eur_per_mwh == pytest.approx([(asked + offered) / 2])
    assert trades.seller_premium_eur_per_mwh == pytest.approx([-30 + 60])
    assert trades.buyer_premium_eur_per_mwh == pytest.approx([120 - 160])


def test_terms_in_words_move_who_deals_and_no_money() -> None:
    trades = clear(Negotiation(rounds=10), PAIR, terms(money=False, gain=0.75, cost=0.5)).trades
    assert trades.price_eur_per_mwh == pytest.approx([92.5])
    assert not trades.seller_premium_eur_per_mwh.any()
    assert not trades.buyer_premium_eur_per_mwh.any()
    dear = replace(PAIR, price_eur_per_mwh=np.array([160.0, 150]))
    assert len(clear(Negotiation(), dear, terms(money=True, cost=0.5)).trades) == 1
    assert len(clear(Negotiation(), dear, terms(money=False, cost=0.5)).trades) == 0  # nobody loses for a word


def test_charges_come_off_before_the_factors_and_those_of_pairs_after() -> None:
    # the seller is paid 5 for injecting, the buyer 10 for taking off; the pair is charged 20
    trades = clear(Negotiation(rounds=1), PAIR, terms(money=True, gain=0.5, pair=20.0)).trades
    assert trades.price_eur_per_mwh == pytest.approx([((60 - 5) + (0.5 * (160 + 10) - 20)) / 2])
    assert trades.seller_premium_eur_per_mwh == pytest.approx([5])
    assert trades.buyer_premium_eur_per_mwh == pytest.approx([0.5 * 170 - 20 - 160])


@settings(max_examples=100, deadline=None)
@given(orders=books(), seed=st.integers(0, 1000), money=st.booleans())
def test_nobody_loses_on_any_terms(orders: Orders, seed: int, money: bool) -> None:
    rng = stream(seed, "test")
    blocked, factors = rng.random((4, 4)) < 0.3, rng.uniform(0.5, 1.5, (2, 4, 4))
    charges = Charges(rng.uniform(-20, 20, 4), rng.uniform(0, 20, (4, 4)))
    any_terms = TradeTerms(rng.integers(0, 4, 40), blocked, *factors, money, charges)
    result = clear(Negotiation(rounds=5), orders, any_terms, seed)
    trades = result.trades
    paid_to_seller = trades.price_eur_per_mwh + trades.seller_premium_eur_per_mwh
    paid_by_buyer = trades.price_eur_per_mwh - trades.buyer_premium_eur_per_mwh
    assert (paid_to_seller >= orders.price_eur_per_mwh[trades.sell_order] - 1e-9).all()
    assert (paid_by_buyer <= orders.price_eur_per_mwh[trades.buy_order] + 1e-9).all()
    assert not blocked[any_terms.place[trades.seller], any_terms.place[trades.buyer]].any()
    assert (add_up(trades.sell_order, trades.quantity_mw, len(orders)) <= orders.quantity_mw + 1e-12).all()
    assert abs((orders.side * result.accepted_mw).sum()) <= 1e-12
