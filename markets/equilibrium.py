"""One function that solves a game of bilateral trading, by the method its shape allows, and checks what comes out."""

from dataclasses import replace

import numpy as np

from peerflex.core.arrays import Floats, Ints, floats
from peerflex.core.errors import SimulationError
from peerflex.markets.certificate import Certificate, certify
from peerflex.markets.dual_newton import solve_dual_newton
from peerflex.markets.game import Equilibrium, Game
from peerflex.markets.generic_qp import solve_generic
from peerflex.markets.matching import CRUMB
from peerflex.markets.pairs import agreed, least_buyer_dual, least_seller_dual, nothing_agreed, restricted
from peerflex.markets.pool import solve_pool
from peerflex.markets.zone_tree import solve_zone_tree

LARGEST_GAP = 1e-8
"""A result proven to be within this fraction of the optimum stands; any other is solved again, generically."""


def solve(game: Game, by_shape: bool = True) -> Equilibrium:
    """Return the variational equilibrium of a game.

    By its shape: a pair curvature, the dual Newton; all pairs alike, the pool; pairs blocked and nothing else, the tree
    of zones, if they form one; anything else, or ``by_shape=False``, the generic program. What the first three return
    must pass the certificate, else the generic program solves the game again and ``solver`` names both.

    Raises:
        SimulationError: if it comes to the generic program and that fails.
    """
    return solve_certified(game, by_shape)[0]


def solve_certified(game: Game, by_shape: bool = True) -> tuple[Equilibrium, Certificate]:
    """Return the same, and the certificate of it."""
    sellers, buyers = np.flatnonzero(game.sellers.most_mw > 0), np.flatnonzero(game.buyers.most_mw > 0)
    if len(sellers) == len(game.sellers) and len(buyers) == len(game.buyers):
        return _solve(game, by_shape)
    found = _widened(game, sellers, buyers, _solve(restricted(game, sellers, buyers), by_shape)[0])
    return found, certify(game, found)


def _solve(game: Game, by_shape: bool) -> tuple[Equilibrium, Certificate]:
    if not least_seller_dual(game, floats(len(game.buyers))).any():
        return _certified(game, nothing_agreed(game))
    found = _structured(game) if by_shape else None
    if found is None:
        return _certified(game, solve_generic(game))
    found, certificate = _certified(game, found)
    if abs(certificate.gap) <= LARGEST_GAP:
        return found, certificate
    try:
        again, better = _certified(game, solve_generic(game))
    except SimulationError:
        if np.isfinite(certificate.gap):  # proven less closely than wanted, and logged with its gap
            return found, certificate
        raise
    if abs(certificate.gap) <= abs(better.gap):
        return found, certificate
    return replace(again, solver=f"{again.solver} after {found.solver}"), better


def _certified(game: Game, found: Equilibrium) -> tuple[Equilibrium, Certificate]:
    found = without_crumbs(game, found)
    return found, certify(game, found)


def without_crumbs(game: Game, found: Equilibrium) -> Equilibrium:
    """Return the equilibrium without trades that are rounding; positions are the sums of what is left."""
    real = found.quantity_mw > CRUMB * found.quantity_mw.sum()
    trades = found.seller[real], found.buyer[real], found.quantity_mw[real]
    return agreed(game, trades, found.seller_dual, found.buyer_dual, found.solver)


def _structured(game: Game) -> Equilibrium | None:
    """Return what the method for the game's shape finds, None if there is no such method."""
    if game.pair_curvature > 0:
        return solve_dual_newton(game)
    if game.all_alike:
        return solve_pool(game)
    return None if game.weighted else solve_zone_tree(game)


def _widened(game: Game, sellers: Ints, buyers: Ints, found: Equilibrium) -> Equilibrium:
    """Return the equilibrium among the given rows as one of the whole game; the other rows offer nothing.

    They trade nothing, at duals at which nobody would want to trade with them.
    """
    bought_mw, buyer_dual = _scatter(len(game.buyers), buyers, found.bought_mw, found.buyer_dual)
    sold_mw, seller_dual = _scatter(len(game.sellers), sellers, found.sold_mw, found.seller_dual)
    least = least_buyer_dual(restricted(game, sellers, np.arange(len(game.buyers))), found.seller_dual)
    buyer_dual = np.where(game.buyers.most_mw > 0, buyer_dual, least)
    least = least_seller_dual(game, buyer_dual)
    seller_dual = np.where(game.sellers.most_mw > 0, seller_dual, least)
    seller, buyer = sellers[found.seller], buyers[found.buyer]
    return Equilibrium(sold_mw, bought_mw, seller, buyer, found.quantity_mw, seller_dual, buyer_dual, found.solver)


def _scatter(n: int, rows: Ints, *columns: Floats) -> tuple[Floats, ...]:
    wide = tuple(floats(n) for _ in columns)
    for to, column in zip(wide, columns, strict=True):
        to[rows] = column
    return wide
