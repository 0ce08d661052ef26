"""A bilateral market whose pairs are charged: proofs, a rival, and what charges on pairs are in special cases."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from peerflex.core.arrays import Floats
from peerflex.core.trade import FIRM_EUR_PER_MWH
from peerflex.markets.certificate import certify
from peerflex.markets.equilibrium import solve
from peerflex.markets.game import Game, Side


def charged_game(seed: int, tiny: float = 1.0, sellers: int = 28, buyers: int = 45) -> Game:
    """Draw a market of the size of the 37-bus network: firm orders, slopes, and charges of some rounds on pairs.

    Half of the orders are ``tiny`` beside the others, as sun is in the evening.
    """
    rng, places = np.random.default_rng(seed), 38
    firm_buyer, firm_seller = rng.random(buyers) < 0.4, rng.random(sellers) < 0.1

    def side(n: int, first: Floats, rise: float) -> Side:
        most = rng.uniform(0.05, 1.0, n) * np.where(rng.random(n) < 0.5, 1.0, tiny)
        return Side(first, rise / most, most, rng.integers(0, places, n))

    sold = side(sellers, rng.uniform(-60, 0, sellers) + FIRM_EUR_PER_MWH * firm_seller, rise=5.0)
    bought = side(buyers, rng.uniform(40, 118, buyers) + FIRM_EUR_PER_MWH * firm_buyer, rise=30.0)
    at = rng.uniform(-4, 4, (2, places))
    km = np.hypot(at[0][:, None] - at[0], at[1][:, None] - at[1])
    charge = 5.0 * km * rng.integers(0, 4, (places, places))
    one = np.ones((places, places))
    return Game(sold, bought, one < 0, one, one, pair_curvature=0.02, pair_charge=charge)


@pytest.mark.once
@settings(max_examples=30, deadline=None)
@example(4685, 1.0)
@example(0, 0.005)
@given(st.integers(0, 2**31), st.sampled_from([1.0, 0.005]))
def test_a_charged_market_is_proven_and_agrees_with_a_generic_program(seed: int, tiny: float) -> None:
    game = charged_game(seed, tiny)
    found, rival = solve(game), solve(game, by_shape=False)
    assert found.solver == "dual-newton"
    assert abs(certify(game, found).gap) <= 1e-8
    assert found.sold_mw == pytest.approx(rival.sold_mw, abs=2e-5)
    assert found.bought_mw == pytest.approx(rival.bought_mw, abs=2e-5)


def test_charges_on_pairs_that_are_a_sellers_and_a_buyers_are_charges_on_injections() -> None:
    """With ``pair[A, B] = s_A - s_B`` a bilateral market knows no difference (equation 3 and a locational price)."""
    rng = np.random.default_rng(4)
    game = charged_game(4)
    price = rng.uniform(-20, 20, 38)
    pairs = replace(game, pair_charge=price[:, None] - price[None, :])
    placed = replace(
        game,
        pair_charge=None,
        sellers=replace(game.sellers, value_eur_per_mwh=game.sellers.value_eur_per_mwh - price[game.sellers.place]),
        buyers=replace(game.buyers, value_eur_per_mwh=game.buyers.value_eur_per_mwh + price[game.buyers.place]),
    )
    one, other = solve(pairs), solve(placed)
    assert one.sold_mw == pytest.approx(other.sold_mw, abs=1e-9)
    assert one.bought_mw == pytest.approx(other.bought_mw, abs=1e-9)


def test_no_charge_is_no_difference() -> None:
    game = charged_game(5)
    free = replace(game, pair_charge=None, pair_curvature=0.0)
    idle = replace(free, pair_charge=np.zeros((38, 38)))
    assert free.all_alike
    assert idle.all_alike
    assert not game.all_alike
    np.testing.assert_array_equal(solve(free).sold_mw, solve(idle).sold_mw)
