"""The least duals that support a game, found place by place, against every pair."""

import numpy as np
import pytest

from peerflex.core.arrays import Floats
from peerflex.markets.game import Game
from peerflex.markets.pairs import least_buyer_dual, least_seller_dual
from tests.games import game_of


def least_by_pairs(game: Game, buyer_dual: Floats) -> Floats:
    worth = np.where(game.allowed(), game.pair_value() - buyer_dual, -np.inf)
    return np.maximum(worth.max(axis=1), 0.0)


@pytest.mark.parametrize("kind", ["alike", "tree", "blocked", "weighted"])
@pytest.mark.parametrize("seed", range(25))
def test_least_duals_are_those_of_every_pair(kind: str, seed: int) -> None:
    game = game_of(seed, kind)
    rng = np.random.default_rng(seed)
    dual = rng.uniform(0, 30, len(game.buyers))
    assert least_seller_dual(game, dual) == pytest.approx(least_by_pairs(game, dual), rel=1e-12, abs=1e-12)
    dual = rng.uniform(0, 30, len(game.sellers))
    worth = np.where(game.allowed(), game.pair_value() - dual[:, None], -np.inf)
    assert least_buyer_dual(game, dual) == pytest.approx(np.maximum(worth.max(axis=0), 0), rel=1e-12, abs=1e-12)
