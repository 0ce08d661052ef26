"""Proofs that a game is solved, which trust no solver: a bound on the optimum, and what each peer could still gain."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from peerflex.core.arrays import Floats, Ints, add_up
from peerflex.markets.game import Equilibrium, Game, Side
from peerflex.markets.pairs import components, least_seller_dual, mirrored, pair_price, restricted

PAIRS_AT_A_TIME = 1_000_000
TINY = float(np.finfo(np.float64).tiny)
ROUNDING = 1e-9
"""A capacity exceeded by less than this fraction is kept: sums of many trades round."""
LEAST_TURNOVER = 1e-6
"""Gaps are relative to the optimum, but at least to this fraction of what could change hands at the largest price."""
LEAST_TRADE = 1e-2
"""A peer's gain is relative to its turnover, but at least to that of this fraction of its order."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """What the trades reach, the bound that no trades can exceed (EUR/h), and their distance relative to the bound."""

    primal_eur_per_h: float
    dual_eur_per_h: float
    gap: float


def certify(game: Game, found: Equilibrium) -> Certificate:
    """Return the value of the trades beside the bound that their duals prove.

    Trades that break a block or a capacity have the value of minus infinity. The bound is the Lagrangian dual in
    closed form: ``sum_i conj_i(lambda_i) + sum_j conj_j(mu_j)``, with ``conj(u) = max(u x - a x**2 / 2)`` over
    ``0 <= x <= most``, plus ``max(0, w_ij - lambda_i - mu_j)**2 / (2 eps)`` of every allowed pair. Without a pair
    curvature ``lambda_i + mu_j >= w_ij`` must hold instead; where it does not, the sellers' duals are raised until it
    does. So it is a bound whatever the duals are. Memory is bounded: pairs by blocks, or places.
    """
    primal, dual = _value(game, found), _bound(game, found.seller_dual, found.buyer_dual)
    turnover = _largest(game) * min(float(game.sellers.most_mw.sum()), float(game.buyers.most_mw.sum()))
    scale = max(abs(dual), LEAST_TURNOVER * turnover, TINY)
    return Certificate(primal, dual, (dual - primal) / scale)


def unilateral_gain(game: Game, found: Equilibrium) -> tuple[Floats, Floats]:
    """Return what each seller and each buyer could gain by trading other quantities alone, relative to its turnover.

    Prices are the multipliers of reciprocity (``pairs.pair_price``); every peer may trade any quantities with anyone
    not blocked, within its capacity, and bears half of each pair's curvature. Its best answer is computed exactly
    (``_best``). Shapes ``(sellers,)``, ``(buyers,)``; 0 at an equilibrium.
    """
    other_way = replace(
        found,
        seller=found.buyer,
        buyer=found.seller,
        seller_dual=found.buyer_dual,
        buyer_dual=found.seller_dual,
    )
    return _gain_of_sellers(game, found), _gain_of_sellers(mirrored(game), other_way)


def _value(game: Game, found: Equilibrium) -> float:
    """Return the objective of the trades, from the trades alone."""
    seller, buyer, traded = found.seller, found.buyer, found.quantity_mw
    sold, bought = add_up(seller, traded, len(game.sellers)), add_up(buyer, traded, len(game.buyers))
    broken = game.blocked[game.sellers.place[seller], game.buyers.place[buyer]].any() or (traded < 0).any()
    for side, total in ((game.sellers, sold), (game.buyers, bought)):
        broken = broken or (total > side.most_mw * (1 + ROUNDING)).any()
    if broken:
        return float("-inf")
    of_seller, of_buyer = components(game, seller, buyer)
    curved = (game.sellers.curvature * sold**2).sum() + (game.buyers.curvature * bought**2).sum()
    curved += game.pair_curvature * (traded**2).sum()
    return float(((of_seller + of_buyer) * traded).sum() - curved / 2)


def _bound(game: Game, seller_dual: Floats, buyer_dual: Floats) -> float:
    """Return the dual objective; who offers nothing can trade nothing and needs no dual."""
    sells, buys = game.sellers.most_mw > 0, game.buyers.most_mw > 0
    if not (sells.all() and buys.all()):
        game = restricted(game, np.flatnonzero(sells), np.flatnonzero(buys))
        seller_dual, buyer_dual = seller_dual[sells], buyer_dual[buys]
    seller_dual, buyer_dual = np.maximum(seller_dual, 0), np.maximum(buyer_dual, 0)
    of_pairs = 0.0
    if game.pair_curvature > 0:
        for rows, value in _blocks(game):
            slack = np.maximum(value - seller_dual[rows, None] - buyer_dual, 0)
            of_pairs += float((slack**2).sum()) / (2 * game.pair_curvature)
    else:
        seller_dual = np.maximum(seller_dual, least_seller_dual(game, buyer_dual))
    return of_pairs + float(_conjugate(game.sellers, seller_dual).sum() + _conjugate(game.buyers, buyer_dual).sum())


def _conjugate(side: Side, dual: Floats) -> Floats:
    """Return the most that a side gets of ``dual`` per MWh: ``max(dual x - a x**2 / 2)`` over its capacity."""
    best = np.clip(dual / side.curvature, 0, side.most_mw)
    return dual * best - side.curvature * best**2 / 2


def _largest(game: Game) -> float:
    """Return the largest price, cost of curvature included, that anybody has in mind, in EUR/MWh."""
    sides = game.sellers, game.buyers
    return max(float((np.abs(x.value_eur_per_mwh) + x.curvature * x.most_mw).max(initial=0.0)) for x in sides)


def _blocks(game: Game) -> Iterator[tuple[Ints, Floats]]:
    """Yield rows of sellers and the value of their pairs ``(rows, buyers)``, minus infinity where blocked."""
    buyers = np.arange(len(game.buyers))
    rows_at_a_time = max(1, PAIRS_AT_A_TIME // max(len(buyers), 1))
    for start in range(0, len(game.sellers), rows_at_a_time):
        rows = np.arange(start, min(start + rows_at_a_time, len(game.sellers)))
        block = restricted(game, rows, buyers)
        yield rows, np.where(block.allowed(), block.pair_value(), -np.inf)


def _gain_of_sellers(game: Game, found: Equilibrium) -> Floats:
    """A seller's margin in a pair is its component and the price: ``(dual + value of the pair - other dual) / 2``."""
    sellers, seller, buyer, traded = game.sellers, found.seller, found.buyer, found.quantity_mw
    best = [
        _best(game, rows, (found.seller_dual[rows, None] + value - found.buyer_dual) / 2)
        for rows, value in _blocks(game)
    ]
    of_seller, _ = components(game, seller, buyer)
    price = pair_price(game, found, seller, buyer)
    sold = add_up(seller, traded, len(sellers))
    margin = (of_seller + price) * traded - game.pair_curvature * traded**2 / 4
    has = add_up(seller, margin, len(sellers)) - sellers.curvature * sold**2 / 2
    turnover = add_up(seller, np.maximum(np.abs(price), np.abs(of_seller)) * traded, len(sellers))
    least = np.maximum(LEAST_TRADE * _largest(game) * sellers.most_mw, TINY)
    return (np.concatenate([*best, np.zeros(0)]) - has) / np.maximum(turnover, least)


def _best(game: Game, rows: Ints, margin: Floats) -> Floats:
    """Return the most that sellers can get if every buyer takes anything at a margin ``(rows, buyers)`` in EUR/MWh.

    Their problem is ``max sum_j m_j t_j - a x**2 / 2 - eps sum_j t_j**2 / 4``, ``x = sum_j t_j <= most``. With a worth
    ``u`` of the next unit, ``t_j = 2 max(0, m_j - u) / eps`` and ``x = min(u / a, most)``: with the k best buyers,
    ``u`` is the larger of ``S_k / (k + eps / 2a)`` and ``(S_k - eps most / 2) / k`` (``S_k``: the sum of their
    margins), and the largest over all k is the one that fits. Without pair curvature ``u`` is the best margin.
    """
    sellers, half = restricted(game, rows, np.arange(0)).sellers, game.pair_curvature / 2
    if half <= 0:
        return _conjugate(sellers, np.maximum(margin.max(axis=1, initial=0.0), 0))
    total = np.cumsum(-np.sort(-margin, axis=1), axis=1)
    k = np.arange(1, margin.shape[1] + 1)
    free = total / (k + (half / sellers.curvature)[:, None])
    full = (total - half * sellers.most_mw[:, None]) / k
    worth = np.maximum(np.maximum(free, full).max(axis=1, initial=0.0), 0)
    slack = np.maximum(margin - worth[:, None], 0)
    best: Floats = _conjugate(sellers, worth) + (slack**2).sum(axis=1) / (2 * half)
    return best
