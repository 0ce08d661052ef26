"""Games of bilateral trading to try solvers on."""

import numpy as np

from peerflex.core.arrays import Bools
from peerflex.markets.game import Game, Side

PLACES = 7


def side_of(rng: np.random.Generator, sign: int, n: int, low: float, high: float) -> Side:
    most = rng.uniform(0.02, 0.2, n)
    return Side(sign * rng.uniform(low, high, n), 5 / most, most, rng.integers(0, PLACES, n))


def game_of(seed: int, kind: str) -> Game:
    """Draw a game: all 'alike', one-way 'tree' of zones, 'blocked', 'weighted' or 'charged' pairs, or also 'curved'."""
    rng = np.random.default_rng(seed)
    sellers, buyers = (int(n) for n in rng.integers(1, 22, 2))
    if rng.random() < 0.5:  # willing sellers, as published
        sides = side_of(rng, 1, sellers, 45, 55), side_of(rng, -1, buyers, 5, 15)
    else:
        sides = side_of(rng, -1, sellers, 40, 120), side_of(rng, 1, buyers, 60, 140)
    blocked, gain, cost = np.zeros((PLACES, PLACES), dtype=np.bool_), np.ones((PLACES,) * 2), np.ones((PLACES,) * 2)
    if kind == "tree":
        blocked = ~towards_the_root(rng)
    elif kind == "blocked":
        blocked = (rng.random((PLACES, PLACES)) < 0.6) & ~np.eye(PLACES, dtype=np.bool_)
    elif kind in ("weighted", "curved"):
        helped = rng.integers(0, 6, (PLACES, PLACES)) * ~np.eye(PLACES, dtype=np.bool_)
        gain, cost = 1.2**helped * 0.8**helped.T, 1.2**helped.T * 0.8**helped
    charge = rng.uniform(-5, 20, (PLACES, PLACES)) * (rng.random((PLACES, PLACES)) < 0.7) if "charged" in kind else None
    return Game(*sides, blocked, gain, cost, 0.1 if "curved" in kind else 0.0, charge)


def towards_the_root(rng: np.random.Generator) -> Bools:
    """Return who may sell to whom if every line of a random tree of places is at risk from import."""
    upstream = np.eye(PLACES, dtype=np.bool_)
    for place in range(1, PLACES):
        upstream[place] |= upstream[rng.integers(0, place)]
    return upstream
