"""The generic way to solve a game: its quadratic program over the pairs that may trade, by an interior point method."""

from typing import Any

import numpy as np

from peerflex.core.arrays import Floats, Ints, add_up
from peerflex.core.errors import SimulationError
from peerflex.markets.game import Equilibrium, Game
from peerflex.markets.pairs import components, least_buyer_dual, least_seller_dual, nothing_agreed

TOLERANCE = 1e-13
CRUMB = 1e-10
"""A trade below this fraction of the largest order, and below its multiplier, is a crumb of the solver."""
MOST_PAIRS = 2_000_000
"""A program of more pairs does not fit into a common machine's memory."""


def solve_generic(game: Game) -> Equilibrium:
    """Return the equilibrium of any game, by Clarabel (Goulart and Chen 2024), on one thread.

    Only pairs that may trade and are worth it (``w_ij > 0``) are variables. Afterwards trades are cut to the
    capacities, positions added up from them, and duals, without pair curvature, tightened to the least feasible ones.

    Raises:
        SimulationError: if there are too many pairs, or Clarabel reaches no solution.
    """
    seller, buyer = np.nonzero(game.allowed() & (game.pair_value() > 0))
    if not len(seller):
        return nothing_agreed(game)
    if len(seller) > MOST_PAIRS:
        raise SimulationError(
            f"bilateral trading: {len(seller)} pairs could trade, more than the generic solver takes ({MOST_PAIRS})"
        )
    n_sellers, n_buyers = len(game.sellers), len(game.buyers)
    traded, seller_dual, buyer_dual = _run(game, seller, buyer)
    traded = traded / np.maximum(1, add_up(seller, traded, n_sellers) / game.sellers.most_mw)[seller]
    traded = traded / np.maximum(1, add_up(buyer, traded, n_buyers) / game.buyers.most_mw)[buyer]
    if game.pair_curvature == 0:
        seller_dual = least_seller_dual(game, buyer_dual)
        buyer_dual = least_buyer_dual(game, seller_dual)
    real = traded > 0
    return Equilibrium(
        sold_mw=add_up(seller, traded, n_sellers),
        bought_mw=add_up(buyer, traded, n_buyers),
        seller=seller[real],
        buyer=buyer[real],
        quantity_mw=traded[real],
        seller_dual=seller_dual,
        buyer_dual=buyer_dual,
        solver="generic",
    )


def _run(game: Game, seller: Ints, buyer: Ints) -> tuple[Floats, Floats, Floats]:
    """Return what the pairs trade (MW) and the duals of both sides (EUR/MWh), all >= 0.

    Columns are what each peer trades and what each pair trades, in units of the largest order, so that tolerances
    mean the same in kW and in MW. Rows: each peer's position is the sum of its pairs; capacities; signs.
    """
    import clarabel
    from scipy.sparse import csc_array, diags_array, eye_array, hstack, vstack

    n, pairs = len(game.sellers) + len(game.buyers), len(seller)
    most = np.concatenate([game.sellers.most_mw, game.buyers.most_mw])
    curvature = np.concatenate([game.sellers.curvature, game.buyers.curvature, np.full(pairs, game.pair_curvature)])
    value = sum(components(game, seller, buyer))
    unit_mw, money = float(most.max()), float(np.maximum(np.max(value), np.max(curvature[:n] * most)))
    peers = np.concatenate([seller, len(game.sellers) + buyer])
    member = csc_array((np.ones(2 * pairs), (peers, np.tile(np.arange(pairs), 2))), shape=(n, pairs))
    one, none = eye_array(n, format="csc"), csc_array((n, pairs))
    signs = hstack([none.T, -eye_array(pairs, format="csc")])
    rows = vstack([hstack([one, -member]), hstack([one, none]), signs], format="csc")
    solution = clarabel.DefaultSolver(
        diags_array(curvature * unit_mw / money, format="csc"),
        np.concatenate([np.zeros(n), -value / money]),
        rows,
        np.concatenate([np.zeros(n), most / unit_mw, np.zeros(pairs)]),
        [clarabel.ZeroConeT(n), clarabel.NonnegativeConeT(n + pairs)],
        _settings(),
    ).solve()
    # the certificate says how good an almost solved program is
    if solution.status not in (clarabel.SolverStatus.Solved, clarabel.SolverStatus.AlmostSolved):
        raise SimulationError(f"bilateral trading: Clarabel stopped with '{solution.status}'")
    traded, dual, idle = np.array(solution.x)[n:], -np.array(solution.z)[:n], np.array(solution.z)[2 * n :]
    traded = np.where(traded > np.minimum(idle, CRUMB), traded, 0.0) * unit_mw  # an interior point is never quite 0
    dual = np.maximum(dual, 0.0) * money
    return traded, dual[: len(game.sellers)], dual[len(game.sellers) :]


def _settings() -> Any:
    import clarabel

    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.max_threads, settings.direct_solve_method = 1, "qdldl"  # the same bits on any number of cores
    settings.tol_gap_rel = settings.tol_feas = TOLERANCE
    settings.tol_gap_abs = TOLERANCE * TOLERANCE  # a small market is not solved because its sums are small
    return settings
