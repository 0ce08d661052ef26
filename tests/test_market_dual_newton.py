"""The dual Newton: closed forms, the generic program as rival, games made to be hard, and bits that do not depend."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peerflex.core.arrays import Floats
from peerflex.core.streams import stream
from peerflex.markets import dual_newton
from peerflex.markets.certificate import certify, unilateral_gain
from peerflex.markets.dual_newton import solve_dual_newton
from peerflex.markets.game import Equilibrium, Game, Side
from peerflex.markets.generic_qp import solve_generic
from peerflex.markets.pool import solve_pool
from tests.test_market_zone_tree import blocked_game, solved

pytestmark = pytest.mark.once

READINGS = {"costs": ((-120, -40), (60, 140)), "willing": ((45, 55), (-15, -5)), "tied": ((50, 50), (-10, -10))}


def weighted_game(
    seed: int,
    sellers: int,
    buyers: int,
    reading: str = "willing",
    eps: float = 0.1,
    decades: float = 1.0,
    blocked: float = 0.0,
    levels: int = 5,
) -> Game:
    """Draw a game in which a sale from A to B unloads up to some lines and loads others, at a factor of 0.2 each."""
    rng = stream(seed, "weights")
    places = 12
    helped = rng.integers(0, levels, (places, places)) * ~np.eye(places, dtype=np.bool_)

    def side(count: int, low_high: tuple[int, int]) -> Side:
        most = 0.2 * 10 ** rng.uniform(-decades, 0, count)
        return Side(rng.uniform(*low_high, count), 5 / most, most, rng.integers(0, places, count))

    pairs = rng.random((places, places)) < blocked
    gain, cost = 1.2**helped * 0.8**helped.T, 1.2**helped.T * 0.8**helped
    return Game(side(sellers, READINGS[reading][0]), side(buyers, READINGS[reading][1]), pairs, gain, cost, eps)


def pair_of(value: float, most: tuple[float, float], eps: float) -> Game:
    """Return a game of one pair, of curvatures 4 and 6 EUR/MWh per MW."""
    here, one = np.zeros(1, dtype=np.int64), np.ones((1, 1))
    seller = Side(np.array([value - 100]), np.array([4.0]), np.array([most[0]]), here)
    buyer = Side(np.array([100.0]), np.array([6.0]), np.array([most[1]]), here)
    return Game(seller, buyer, one < 0, one, one, eps)


def same_positions(game: Game, found: Equilibrium, rival: Equilibrium, within: float = 1e-5) -> None:
    for position, other, side in (
        (found.sold_mw, rival.sold_mw, game.sellers),
        (found.bought_mw, rival.bought_mw, game.buyers),
    ):
        assert (np.abs(position - other) <= within * side.most_mw).all()


@pytest.mark.parametrize(
    ("value", "most", "traded"),
    [(24.0, (9.0, 9.0), 2.0), (24.0, (1.5, 9.0), 1.5), (24.0, (9.0, 1.0), 1.0), (0.0, (9, 9), 0), (-5.0, (9, 9), 0)],
)
def test_one_pair_in_closed_form(value: float, most: tuple[float, float], traded: float) -> None:
    """``w = (a + b + eps) t`` unless an order ends before: 24 = (4 + 6 + 2) 2."""
    found = solve_dual_newton(pair_of(value, most, 2.0))
    assert found.sold_mw == pytest.approx([traded], rel=1e-12)
    assert found.bought_mw == pytest.approx([traded], rel=1e-12)
    if traded:
        assert found.seller_dual + found.buyer_dual == pytest.approx([value - 2.0 * traded])
        assert found.seller_dual >= 4 * traded * (1 - 1e-9)
        assert found.buyer_dual >= 6 * traded * (1 - 1e-9)


def test_two_sellers_and_a_buyer_by_hand() -> None:
    """Pairs worth 30 and 18, all curvatures 1: ``w = t + y + t`` (seller, buyer, pair) in both, with ``y = t_1 + t_2``.

    3 t_1 + t_2 = 30 and t_1 + 3 t_2 = 18 give t_1 = 9, t_2 = 3 and y = 12.
    """
    one = np.ones((1, 1))
    sellers = Side(np.array([-10.0, -22.0]), np.ones(2), np.full(2, 50.0), np.zeros(2, dtype=np.int64))
    buyers = Side(np.array([40.0]), np.ones(1), np.full(1, 50.0), np.zeros(1, dtype=np.int64))
    found = solve_dual_newton(Game(sellers, buyers, one < 0, one, one, 1.0))
    assert found.quantity_mw == pytest.approx([9, 3], rel=1e-12)
    assert found.seller_dual == pytest.approx([9, 3], rel=1e-12)
    assert found.buyer_dual == pytest.approx([12], rel=1e-12)


@pytest.mark.parametrize("reading", READINGS)
def test_positions_are_those_of_the_generic_program(reading: str) -> None:
    for seed in range(20):
        game = weighted_game(seed, 1 + seed, 25 - seed, reading, blocked=0.3 * (seed % 2))
        same_positions(game, solve_dual_newton(game), solve_generic(game))


def zero_values(game: Game) -> Game:
    """Half of the buyers lose what the sellers ask: pairs worth exactly nothing, and less."""
    buyer = game.buyers.value_eur_per_mwh.copy()
    buyer[::2] = -game.sellers.value_eur_per_mwh.mean()
    ones = np.ones_like(game.gain_factor)
    return replace(game, buyers=replace(game.buyers, value_eur_per_mwh=buyer), gain_factor=ones, cost_factor=ones)


def short_side(game: Game) -> Game:
    buyers = game.buyers
    less = replace(buyers, most_mw=buyers.most_mw / 1000, curvature=buyers.curvature * 1000)
    return replace(game, buyers=less)


HARD = {
    "all pairs equal": weighted_game(1, 30, 30, "tied", levels=1),
    "all pairs equal and as much sold as bought": weighted_game(1, 30, 30, "tied", levels=1, decades=0.0),
    "short side sold out": short_side(weighted_game(2, 30, 20)),
    "one seller": weighted_game(3, 1, 40),
    "one seller beside far larger buyers": weighted_game(5, 1, 40, decades=6.0),
    "one buyer": weighted_game(4, 40, 1),
    "pairs worth nothing": zero_values(weighted_game(5, 20, 20, "tied")),
    "many pairs blocked": weighted_game(6, 30, 30, blocked=0.9),
    "pairs worth less than nothing": weighted_game(7, 30, 30, "costs", levels=9),
    "six decades": weighted_game(8, 25, 30, decades=6.0),
    "six decades of costs": weighted_game(9, 30, 30, "costs", decades=6.0),
    "little pair curvature": weighted_game(10, 30, 30, eps=1e-4),
    "little pair curvature, steps that overshot": weighted_game(1442504138, 26, 29, "costs", 1e-4, levels=9),
    "little pair curvature, duals that ran below 0": weighted_game(735544979, 30, 15, "willing", 1e-4, 6.0, 0.9, 9),
    "little pair curvature, a piece that comes and goes": weighted_game(1657046204, 26, 22, "costs", 1e-4, 0.0),
    "much pair curvature": weighted_game(11, 30, 30, eps=1e4),
}


@pytest.mark.parametrize("name", HARD)
def test_hard_games_are_proven(name: str) -> None:
    game = HARD[name]
    found = solve_dual_newton(game)
    assert len(found.quantity_mw)
    assert abs(certify(game, found).gap) <= 1e-8
    if "decades" not in name and "larger" not in name and "little" not in name:  # where the rival is exact enough
        same_positions(game, found, solve_generic(game))


@settings(max_examples=80, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    sellers=st.integers(1, 25),
    buyers=st.integers(1, 25),
    reading=st.sampled_from(list(READINGS)),
    eps=st.sampled_from([0.01, 0.1, 10.0]),
    decades=st.sampled_from([0.0, 1.0, 6.0]),
    blocked=st.sampled_from([0.0, 0.5]),
)
def test_any_game_is_proven_and_keeps_its_rules(
    seed: int, sellers: int, buyers: int, reading: str, eps: float, decades: float, blocked: float
) -> None:
    game = weighted_game(seed, sellers, buyers, reading, eps, decades, blocked)
    found = solve_dual_newton(game)
    assert abs(certify(game, found).gap) <= 1e-8
    assert not game.blocked[game.sellers.place[found.seller], game.buyers.place[found.buyer]].any()
    assert (found.quantity_mw > 0).all()
    assert found.sold_mw.sum() == pytest.approx(found.bought_mw.sum(), rel=1e-12)
    assert (found.sold_mw <= game.sellers.most_mw * (1 + 1e-12)).all()
    assert (found.bought_mw <= game.buyers.most_mw * (1 + 1e-12)).all()
    assert (found.seller_dual >= 0).all()
    assert (found.buyer_dual >= 0).all()
    if decades < 6:
        assert max(gain.max() for gain in unilateral_gain(game, found)) <= 1e-8


def test_with_less_pair_curvature_it_ends_where_the_exact_solvers_are() -> None:
    for seed in range(10):
        game = blocked_game(seed, 25, "willing")
        alike = replace(game, blocked=np.zeros_like(game.blocked))
        for exact, shape in ((solved(game), game), (solve_pool(alike), alike)):
            far, near = (solve_dual_newton(replace(shape, pair_curvature=eps)) for eps in (0.1, 0.001))
            miss = [np.abs(found.sold_mw - exact.sold_mw).max() for found in (far, near)]
            assert miss[1] <= max(miss[0] / 20, 1e-9)
            same_positions(shape, near, exact, within=1e-3)


def test_a_game_of_five_hundred_peers() -> None:
    game = weighted_game(12, 250, 250, eps=0.7)
    found = solve_dual_newton(game)
    assert abs(certify(game, found).gap) <= 1e-9
    assert (found.quantity_mw > 0).sum() < 0.2 * 250 * 250


def test_roles_may_be_exchanged() -> None:
    game = weighted_game(13, 12, 20)
    other = Game(game.buyers, game.sellers, game.blocked.T, game.gain_factor.T, game.cost_factor.T, game.pair_curvature)
    found, mirrored = solve_dual_newton(game), solve_dual_newton(other)
    np.testing.assert_allclose(found.sold_mw, mirrored.bought_mw, rtol=1e-12)


def bits(found: Equilibrium) -> list[bytes]:
    return [found.quantity_mw.tobytes(), found.seller_dual.tobytes(), found.buyer_dual.tobytes()]


@pytest.mark.parametrize("name", HARD)
def test_bits_do_not_depend_on_the_linear_algebra(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another processor, or another number of threads, rounds a factorisation otherwise: the result is the same."""
    game = HARD[name]
    expected = bits(solve_dual_newton(game))
    assert bits(solve_dual_newton(game)) == expected
    exact, rng = dual_newton.lapack.dpotrf, np.random.default_rng(1)

    def rounded_otherwise(matrix: Floats, lower: int) -> Any:
        factor, trouble = exact(matrix, lower=lower)
        return factor * (1 + 1e-15 * rng.standard_normal(factor.shape)), trouble

    monkeypatch.setattr(dual_newton.lapack, "dpotrf", rounded_otherwise)
    assert bits(solve_dual_newton(game)) == expected


def test_cut_short_it_says_what_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    """After too few steps trades still keep the rules, and the duals still bound what could be reached."""
    game = weighted_game(14, 30, 30)
    best = certify(game, solve_dual_newton(game))
    monkeypatch.setattr(dual_newton, "MOST_STEPS", 3)
    certificate = certify(game, solve_dual_newton(game))
    assert 1e-8 < certificate.gap < np.inf
    assert certificate.dual_eur_per_h >= best.primal_eur_per_h
    assert certificate.primal_eur_per_h <= best.dual_eur_per_h


def test_without_a_pair_worth_trading_nothing_is_traded() -> None:
    game = weighted_game(15, 5, 5)
    nothing = replace(game.buyers, most_mw=np.zeros(5))
    for idle in (replace(game, blocked=np.ones_like(game.blocked)), replace(game, buyers=nothing)):
        assert len(solve_dual_newton(idle).quantity_mw) == 0
