"""Blocks of flexibility, activated at their least or more or not at all: by hand, and against every choice of them."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from peerflex.core.arrays import Floats
from peerflex.core.trade import FlexNeed, FlexOffers
from peerflex.core.units import DOWN
from peerflex.markets import linear
from peerflex.markets.blocks import solve_whole
from peerflex.markets.lfm import LocalFlexibilityMarket
from peerflex.markets.linear import Program, find, solve
from tests.contracts import check_flex_market, flex_cases, need, offers
from tests.test_market_lfm import BALANCED, FEEDER, MARKET, OFFERS, excess_pu

pytestmark = pytest.mark.once

MW = 1e-8
"""Rounding of two programs, each to 1e-9 MW."""


def with_least(offered: FlexOffers, *share: float) -> FlexOffers:
    return replace(offered, least_share=np.array(share))


@st.composite
def block_cases(draw: st.DrawFn) -> tuple[FlexNeed, FlexOffers]:
    """Draw a need and offers, at most six of them blocks."""
    limits, offered = draw(flex_cases())
    least = np.zeros(len(offered))
    first = least[:6]
    first[:] = draw(st.lists(st.sampled_from([0.0, 0.3, 0.7, 1.0]), min_size=len(first), max_size=len(first)))
    return limits, replace(offered, least_share=least)


@st.composite
def programs(draw: st.DrawFn) -> tuple[Program, Floats]:
    """Draw a program and the least of its columns."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rows, columns = int(rng.integers(1, 4)), int(rng.integers(1, 6))
    most = np.round(rng.uniform(0.1, 1, columns), 1)
    program = Program(
        cost=np.round(rng.uniform(0, 5, columns), 1),
        most=most,
        rows=np.round(rng.normal(0, 1, (rows, columns)), 1),
        lower=np.full(rows, -np.inf),
        upper=np.round(rng.uniform(-1.5, 0.4, rows), 1),
        balance=rng.choice([-1.0, 1.0], columns) if rng.random() < 0.4 else None,
    )
    return program, most * rng.choice([0.0, 0.4, 1.0], columns)


def test_example_of_the_page() -> None:
    """Offer 2 alone is not enough, and offer 1 comes whole, with 0.03 MW: then nothing else is needed."""
    result = MARKET.clear(FEEDER, with_least(OFFERS, 1, 0, 0, 0))
    np.testing.assert_allclose(result.accepted_mw, [0.03, 0, 0, 0], atol=1e-9)
    assert result.cost_eur_per_h == pytest.approx(0.03 * 50)
    assert result.multiplier_eur_per_mwh[0] == pytest.approx(0, abs=1e-9)


def test_example_of_the_page_with_a_least_of_half() -> None:
    """From 0.015 MW on: offer 2 gives the 0.005 MW beside it."""
    result = MARKET.clear(FEEDER, with_least(OFFERS, 0.5, 0, 0, 0))
    np.testing.assert_allclose(result.accepted_mw, [0.015, 0.005, 0, 0], atol=1e-9)
    assert result.cost_eur_per_h == pytest.approx(0.015 * 50 + 0.005 * 20)
    assert result.multiplier_eur_per_mwh[0] == pytest.approx(20)


def test_a_block_at_the_price_of_a_smaller_one_is_not_settled_below_its_bid() -> None:
    """The line is worth 20 EUR/MWh once the block is there; the block still gets the 250 that it asks for."""
    cleared = replace(MARKET, pricing="pay-as-cleared")
    result = cleared.clear(FEEDER, with_least(OFFERS, 0.5, 0, 0, 0))
    np.testing.assert_allclose(result.price_eur_per_mwh, [250, 220, 150, 190])


def test_a_block_too_large_for_its_balance_is_left_and_relief_is_missing() -> None:
    """0.03 MW up need as much down; 0.005 MW are offered there."""
    small = replace(OFFERS.take(np.array([0, 2])), quantity_mw=np.array([0.03, 0.005]))
    result = BALANCED.clear(FEEDER, with_least(small, 1, 0))
    assert not result.accepted_mw.any()
    assert result.missing_mw[0] == pytest.approx(0.02)


@pytest.mark.parametrize("market", [MARKET, BALANCED], ids=["interface", "balanced"])
@settings(max_examples=40, deadline=None)
@given(case=block_cases())
def test_blocks_come_whole_and_limits_are_kept(
    market: LocalFlexibilityMarket, case: tuple[FlexNeed, FlexOffers]
) -> None:
    limits, offered = case
    check_flex_market(market, limits, offered)
    result = market.clear(limits, offered)
    least, accepted = offered.least_share * offered.quantity_mw, result.accepted_mw
    assert ((accepted == 0) | (accepted >= least - MW)).all()
    assert excess_pu(limits, offered, result) <= 1e-6
    assert not result.cut_short


LOST = (
    Program(
        cost=np.array([0.7, 2.0, 1.6, 3.4, 1.1]),
        most=np.array([0.5, 0.8, 0.2, 0.3, 0.5]),
        rows=np.array([[-1.0, 1.7, 0.3, 0.0, 0.5]]),
        lower=np.array([-np.inf]),
        upper=np.array([-1.0]),
        balance=np.array([1.0, -1.0, -1.0, -1.0, -1.0]),
    ),
    np.array([0.0, 0.0, 0.0, 0.0, 0.5]),
)
"""Of the 0.56 MW that HiGHS finds to be the least missing, it finds 0.56 MW and a billionth to be too little."""


def test_a_search_that_loses_its_own_solution_counts_with_its_least_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linear, "SEARCH_TOLERANCE_MW", 1e-9)
    found = solve_whole(*LOST)
    assert found.cut_short
    assert found.solution.missing.sum() == pytest.approx(0.56)


@settings(max_examples=100, deadline=None)
@given(case=programs())
@example(case=LOST)
def test_no_choice_of_blocks_is_better(case: tuple[Program, Floats]) -> None:
    program, least = case
    found = solve_whole(program, least)
    assert not found.cut_short
    ways = [(False, True) if each > 0 else (True,) for each in least]
    best = (np.inf, np.inf)
    for taken in product(*ways):
        chosen = np.array(taken)
        one = find(replace(program, least=np.where(chosen, least, 0.0), most=np.where(chosen, program.most, 0.0)))
        if one is not None:
            best = min(best, (round(float(one.missing.sum()), 7), float((program.cost * one.value).sum())))
    missing, cost = found.solution.missing.sum(), (program.cost * found.solution.value).sum()
    assert missing == pytest.approx(best[0], abs=2e-7)
    assert cost == pytest.approx(best[1], abs=1e-5)


def test_without_a_least_the_answer_is_the_same_to_the_last_bit() -> None:
    """Also with a least that the answer keeps: no search is made."""
    plain, kept = MARKET.clear(FEEDER, OFFERS), MARKET.clear(FEEDER, with_least(OFFERS, 0.3, 1, 1, 1))
    assert plain.accepted_mw.tobytes() == kept.accepted_mw.tobytes()
    assert plain.multiplier_eur_per_mwh.tobytes() == kept.multiplier_eur_per_mwh.tobytes()


def large(balance: Floats | None = None) -> tuple[Program, Floats]:
    """Return a program of many whole blocks on ten rows, which no search ends soon."""
    rng = np.random.default_rng(0)
    rows = -rng.random((10, 40))
    program = Program(rng.random(40) + 1, np.ones(40), rows, np.full(10, -np.inf), 0.31 * rows.sum(axis=1), balance)
    return program, np.ones(40)


def test_a_search_that_is_ended_says_so_and_its_best_counts() -> None:
    program, least = large()
    found, again = (solve_whole(program, least, most_nodes=1) for _ in range(2))
    assert found.cut_short
    assert set(found.solution.value) == {0.0, 1.0}
    assert not found.solution.missing.any()
    assert again.solution.value.tobytes() == found.solution.value.tobytes()


def test_without_any_search_what_is_cheapest_in_part_is_left_out() -> None:
    program, least = large()
    relaxed, found = solve(program), solve_whole(program, least, most_nodes=0)
    assert found.cut_short
    np.testing.assert_allclose(found.solution.value, np.floor(relaxed.value + MW))
    assert found.solution.missing.sum() > 0


def test_without_any_search_no_block_is_taken_where_those_left_find_no_balance() -> None:
    program, least = large(balance=np.where(np.arange(40) % 2, 1.0, -1.3))
    found = solve_whole(program, least, most_nodes=0)
    assert found.cut_short
    assert not found.solution.value.any()


def test_a_voltage_is_lowered_by_whole_blocks() -> None:
    """0.05 MW less are needed: the two small blocks cost 0.70 EUR/h, the large one alone 0.72."""
    limits = need(np.array([1.06]), np.array([1.05]), np.array([[0.2]]), np.array([5.0]), np.array([True]))
    price = np.array([190.0, 190.0, 188.0])
    offered = offers(np.zeros(3, dtype=np.int64), np.full(3, DOWN), np.array([0.03, 0.04, 0.06]), price)
    np.testing.assert_allclose(MARKET.clear(limits, offered).accepted_mw, [0.01, 0.04, 0], atol=1e-9)
    result = MARKET.clear(limits, with_least(offered, 1, 1, 1))
    np.testing.assert_allclose(result.accepted_mw, [0.03, 0.04, 0], atol=1e-9)
    assert result.cost_eur_per_h == pytest.approx(0.07 * 10)
