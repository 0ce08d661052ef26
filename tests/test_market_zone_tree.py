"""One price a zone: an example by hand, grids drawn at random, the generic program and the pool as rivals."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from peerflex.core.arrays import Bools, Floats, Ints, add_up
from peerflex.core.streams import stream
from peerflex.markets.certificate import certify, unilateral_gain
from peerflex.markets.game import Equilibrium, Game, Side
from peerflex.markets.generic_qp import solve_generic
from peerflex.markets.pool import solve_pool
from peerflex.markets.zone_tree import one_way_tree, solve_zone_tree

pytestmark = pytest.mark.once

READINGS = {"costs": ((-120, -40), (60, 140)), "willing": ((45, 55), (-15, -5)), "tied": ((50, 50), (-10, -10))}


def radial(rng: np.random.Generator, buses: int, at_risk: int, import_only: bool) -> tuple[Bools, int]:
    """Return who may sell to whom on a random radial grid, and its number of zones.

    A sale from bus i to bus j sends power along their path; a line at risk carries it only against its base flow.
    """
    parent = [int(rng.integers(max(0, bus - 4), bus)) for bus in range(1, buses)]
    behind = np.zeros((buses, buses), dtype=np.int64)  # [line into a bus, bus]
    for bus in range(buses):
        at = bus
        while at > 0:
            behind[at, bus] = 1
            at = parent[at - 1]
    lines = rng.choice(np.arange(1, buses), at_risk, replace=False)
    flow = np.ones(at_risk) if import_only else rng.choice([-1.0, 1.0], at_risk)
    added = (behind[lines][:, None, :] - behind[lines][:, :, None]) * flow[:, None, None]
    return ~(added > 0).any(axis=0), at_risk + 1


def blocked_game(
    seed: int, n: int, reading: str = "costs", buses: int = 40, at_risk: int = 12, decades: float = 1.0
) -> Game:
    rng = stream(seed, "zones")
    allowed, _ = radial(rng, buses, at_risk, import_only=bool(seed % 2))
    ranges = READINGS[reading]

    def side(count: int, low_high: tuple[int, int]) -> Side:
        most = 0.2 * 10 ** rng.uniform(-decades, 0, count)
        return Side(rng.uniform(*low_high, count), 5 / most, most, rng.integers(0, buses, count))

    ones = np.ones(allowed.shape)
    return Game(side(n, ranges[0]), side(n + 3, ranges[1]), ~allowed, ones, ones)


def solved(game: Game) -> Equilibrium:
    found = solve_zone_tree(game)
    assert found is not None
    return found


def game_in(allowed: list[list[int]], sellers: list[tuple[float, int]], buyers: list[tuple[float, int]]) -> Game:
    """Return a game of orders (value, place) of 10 kW and a curvature of 20 EUR/MWh from the first unit to the last."""

    def side(orders: list[tuple[float, int]]) -> Side:
        value, place = zip(*orders, strict=True)
        most = np.full(len(orders), 0.01)
        return Side(np.array(value, dtype=np.float64), 20 / most, most, np.array(place, dtype=np.int64))

    ones = np.ones((len(allowed), len(allowed)))
    return Game(side(sellers), side(buyers), ~np.array(allowed, dtype=np.bool_), ones, ones)


def test_two_zones_by_hand() -> None:
    """Place 1 may sell to place 0, not the other way.

    Place 0: cost 10, value 30. Place 1: cost 20, value 26. Together they would clear at 21.5 with a flow from 0 to 1,
    which is blocked. Apart, ``(p - 10) / 20 = (30 - p) / 20`` gives p = 20 and 5 kW, ``(p - 20) / 20 = (26 - p) / 20``
    gives p = 23 and 1.5 kW.
    """
    found = solved(game_in([[1, 0], [1, 1]], [(-10, 0), (-20, 1)], [(30, 0), (26, 1)]))
    np.testing.assert_allclose(found.sold_mw, [0.005, 0.0015])
    np.testing.assert_allclose(found.seller_dual, [10, 3])
    np.testing.assert_allclose(found.buyer_dual, [10, 3])


def test_a_flow_that_is_allowed_makes_one_price() -> None:
    found = solved(game_in([[1, 1], [0, 1]], [(-10, 0), (-20, 1)], [(30, 0), (26, 1)]))
    np.testing.assert_allclose(found.sold_mw, [0.00575, 0.00075])  # the same two places as one pool: 21.5
    np.testing.assert_allclose(found.seller_dual, [11.5, 1.5])


@pytest.mark.parametrize("seed", range(10))
def test_of_an_interval_of_prices_the_middle_is_taken(seed: int) -> None:
    """Sellers at 40 to 60, buyers at 80 to 100, as much on either side but for the rounding of the sums: 70."""
    game = game_in([[1, 1], [0, 1]], [(-40, 0)] * 9, [(100, seed % 2)] * 9)
    rng = stream(seed, "interval")
    most = rng.uniform(0.001, 0.1, 9)
    sides = [
        replace(side, most_mw=q, curvature=20 / q) for side, q in ((game.sellers, most), (game.buyers, most[::-1]))
    ]
    found = solved(replace(game, sellers=sides[0], buyers=sides[1]))
    np.testing.assert_allclose(found.seller_dual, 30)
    np.testing.assert_allclose(found.buyer_dual, 30)
    np.testing.assert_allclose(found.sold_mw, most)


def test_prices_of_zones_that_do_not_trade_are_their_own_if_they_fall_along_the_branch() -> None:
    """Alone, place 0 clears at 80 and place 1 at 40. Where place 1 may buy from place 0 that changes nothing; where it
    may sell to it, they meet: three sellers at 10 and seven at 40, seven buyers at 120 and three at 70."""
    sellers = [(-40.0, 0)] * 7 + [(-10.0, 1)] * 3
    buyers = [(120.0, 0)] * 7 + [(70.0, 1)] * 3
    alone = [40.0] * 7 + [30.0] * 3
    for allowed, dual in (([[1, 0], [0, 1]], alone), ([[1, 1], [0, 1]], alone), ([[1, 0], [1, 1]], None)):
        found = solved(game_in(allowed, sellers, buyers))
        together = solved(game_in([[1, 1], [1, 1]], sellers, buyers))
        np.testing.assert_allclose(found.seller_dual, together.seller_dual if dual is None else dual)


def test_trade_passes_through_a_zone_where_nobody_is() -> None:
    """Zones 1 and 2 sell to zones 3 and 4 through the empty zone 0: a tree with it, none without it."""
    allowed = np.eye(5, dtype=np.int64)
    allowed[[1, 2], 0] = allowed[0, [3, 4]] = 1
    allowed[np.ix_([1, 2], [3, 4])] = 1
    game = game_in(allowed.tolist(), [(-10, 1), (-20, 2)], [(30, 3), (26, 4)])
    np.testing.assert_allclose(solved(game).sold_mw, [0.00575, 0.00075])
    np.testing.assert_allclose(solved(game).bought_mw, [0.00425, 0.00225])
    assert one_way_tree(~game.blocked[1:, 1:]) is None


@pytest.mark.parametrize(
    "allowed",
    [
        [[1, 1, 0], [0, 1, 1], [0, 0, 1]],  # 0 to 1 and 1 to 2, but not 0 to 2
        [[1, 1, 1, 1], [0, 1, 0, 1], [0, 0, 1, 1], [0, 0, 0, 1]],  # two ways from 0 to 3
        [[1, 0, 1, 1, 0], [0, 1, 1, 1, 0], [0, 0, 1, 0, 0], [0, 0, 0, 1, 0], [0, 0, 0, 0, 1]],  # 0 and 1 to 2 and 3
        [[0, 1], [0, 1]],  # not within a place
    ],
    ids=["not transitive", "a ring", "a ring beside another part", "not reflexive"],
)
def test_other_relations_are_left_to_others(allowed: list[list[int]]) -> None:
    game = game_in(allowed, [(-10, 0)], [(30, 1)])
    assert solve_zone_tree(game) is None


def test_weights_and_pair_curvature_are_left_to_others() -> None:
    game = game_in([[1, 0], [1, 1]], [(-10, 0)], [(30, 1)])
    assert solve_zone_tree(replace(game, pair_curvature=0.1)) is None
    assert solve_zone_tree(replace(game, gain_factor=2 * game.gain_factor)) is None


@pytest.mark.parametrize("reading", READINGS)
def test_positions_are_those_of_the_generic_program(reading: str) -> None:
    for seed in range(25):
        game = blocked_game(seed, 2 + seed, reading)
        found, rival = solved(game), solve_generic(game)
        np.testing.assert_allclose(found.sold_mw, rival.sold_mw, rtol=0, atol=1e-5 * game.sellers.most_mw.min())
        np.testing.assert_allclose(found.bought_mw, rival.bought_mw, rtol=0, atol=1e-5 * game.buyers.most_mw.min())


@pytest.mark.parametrize("reading", READINGS)
def test_where_nothing_is_blocked_it_is_the_pool(reading: str) -> None:
    for seed in range(20):
        game = blocked_game(seed, 30, reading)
        game = replace(game, blocked=np.zeros_like(game.blocked))
        found, pool = solved(game), solve_pool(game)
        np.testing.assert_allclose(found.sold_mw, pool.sold_mw, atol=1e-13)
        np.testing.assert_allclose(found.seller_dual, pool.seller_dual, atol=1e-9)


@settings(max_examples=80, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    n=st.integers(1, 60),
    reading=st.sampled_from(list(READINGS)),
    at_risk=st.integers(0, 39),
    decades=st.sampled_from([0.0, 2.0, 6.0]),
)
@example(seed=8791, n=1, reading="costs", at_risk=1, decades=6.0)  # all trades together are worth 2e-5 EUR/h
def test_any_radial_grid_is_solved_and_proven(seed: int, n: int, reading: str, at_risk: int, decades: float) -> None:
    game = blocked_game(seed, n, reading, at_risk=at_risk, decades=decades)
    found = solved(game)
    proof = certify(game, found)
    apart_eur_per_h = abs(proof.dual_eur_per_h - proof.primal_eur_per_h)
    assert apart_eur_per_h <= max(1e-10 * abs(proof.dual_eur_per_h), 1e-12)
    check_trades(game, found)
    if decades < 6:
        assert max(gain.max() for gain in unilateral_gain(game, found)) <= 1e-8


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**31), buses=st.integers(2, 30), share=st.floats(0, 1), import_only=st.booleans())
def test_zones_of_a_radial_grid_are_its_parts(seed: int, buses: int, share: float, import_only: bool) -> None:
    allowed, zones = radial(stream(seed, "grid"), buses, int(share * (buses - 1)), import_only)
    tree = one_way_tree(allowed)
    assert tree is not None
    assert len(tree.parent) == zones
    assert tree.parent.count(-1) == 1
    assert sorted(tree.order) == list(range(zones))
    reach = np.eye(zones, dtype=np.bool_)
    for _ in range(zones):  # what the one-way branches of the tree alone allow
        for at, parent in enumerate(tree.parent):
            if parent >= 0:
                seller, buyer = (at, parent) if tree.exports[at] else (parent, at)
                reach[seller] |= reach[buyer]
    np.testing.assert_array_equal(reach[np.ix_(tree.zone, tree.zone)], allowed)


def test_grids_without_a_connection_are_a_forest() -> None:
    one, _ = radial(stream(1, "grid"), 9, 4, True)
    other, _ = radial(stream(2, "grid"), 7, 3, False)
    allowed = np.zeros((16, 16), dtype=np.bool_)
    allowed[:9, :9], allowed[9:, 9:] = one, other
    tree = one_way_tree(allowed)
    assert tree is not None
    assert tree.parent.count(-1) == 2
    game = blocked_game(4, 40, buses=16)
    game = replace(game, blocked=~allowed)
    found, rival = solved(game), solve_generic(game)
    np.testing.assert_allclose(found.sold_mw, rival.sold_mw, rtol=0, atol=1e-5 * game.sellers.most_mw.min())


@pytest.mark.parametrize("decades", [1.0, 6.0])
def test_twenty_thousand_peers_are_proven_too(decades: float) -> None:
    game = blocked_game(3, 10_000, buses=69, at_risk=17, decades=decades)
    found = solved(game)
    assert abs(certify(game, found).gap) <= 1e-12
    check_trades(game, found)


def test_the_same_bits_twice() -> None:
    game = blocked_game(8, 300)
    one, two = solved(game), solved(game)
    for name in ("sold_mw", "bought_mw", "seller", "buyer", "quantity_mw", "seller_dual", "buyer_dual"):
        assert getattr(one, name).tobytes() == getattr(two, name).tobytes()


def test_orders_of_nothing_trade_nothing() -> None:
    game = blocked_game(5, 20)
    most = game.sellers.most_mw.copy()
    most[::2] = 0
    found = solved(replace(game, sellers=replace(game.sellers, most_mw=most)))
    assert (found.sold_mw[::2] == 0).all()
    assert found.sold_mw.sum() > 0


def check_trades(game: Game, found: Equilibrium) -> None:
    """Trades are few, allowed, within every order, and what the positions say."""

    def added(rows: Ints, n: int) -> Floats:
        return add_up(rows, found.quantity_mw, n)

    assert not game.blocked[game.sellers.place[found.seller], game.buyers.place[found.buyer]].any()
    assert (found.quantity_mw > 0).all()
    assert len(found.seller) <= len(game.sellers) + len(game.buyers)
    np.testing.assert_array_equal(added(found.seller, len(game.sellers)), found.sold_mw)
    np.testing.assert_array_equal(added(found.buyer, len(game.buyers)), found.bought_mw)
    assert (found.sold_mw <= game.sellers.most_mw * (1 + 1e-12)).all()
    assert (found.bought_mw <= game.buyers.most_mw * (1 + 1e-12)).all()
