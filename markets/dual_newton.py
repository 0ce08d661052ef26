"""Bilateral trading with a curvature on every pair: Newton's method on the dual, piece by piece quadratic."""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import lapack

from peerflex.core.arrays import Bools, Floats, floats
from peerflex.markets.game import Equilibrium, Game
from peerflex.markets.pairs import restricted
from peerflex.markets.pool import solve_pool

FIRST_CURVATURE = 0.003
"""What the first pair curvature would take off the median pair, if orders of mean size traded with one peer only."""
REDUCTION = 10.0
"""From one pair curvature to the next."""
ROUGH, EXACT, ROUNDING = 0.03, 1e-13, 1e-15
"""Imbalances, in largest orders, at which to go on to the next curvature and to stop; and the rounding of a dual, in
best prices: over the curvature, that is an imbalance which no step can mend."""
MOST_STEPS, MOST_TRIALS = 200, 30
ORIGIN_DIGITS, MOST_PIECES = 6, 4
"""The duals, in best prices, near which the last piece is solved; and pieces tried, where rounding had hidden some."""
DAMPING, LEAST_DAMPING, LAST_DAMPING = 0.1, 1e-10, 1e-13
"""What holds the prices of full and of idle orders, which may be open: per unit of imbalance, at least, and last."""


def solve_dual_newton(game: Game) -> Equilibrium:
    """Solve a game whose pair curvature ``eps`` is above 0: its trades are unique.

    The duals ``lambda_i, mu_j``, the surplus that each side keeps of the next unit, minimise

    ``sum_i conj_i(lambda_i) + sum_j conj_j(mu_j) + sum_ij max(0, w_ij - lambda_i - mu_j)**2 / (2 eps)``

    which is convex, smooth to the first derivative and quadratic in pieces. The gradient is each order's imbalance:
    what it would trade at its dual less what its pairs trade. Newton's method with a line search ends after finitely
    many steps (semismooth: Qi and Sun, Math. Programming 58, 1993); it begins at the one price that would clear if all
    pairs were alike, with a larger ``eps``, where pieces are few, and follows the solution down. A step eliminates the
    larger side and factorises a matrix of the smaller.

    The last bits of a step depend on the machine's linear algebra. Those of the result do not: it is computed afresh,
    by plain elimination, from the piece in which the steps ended. If they have not ended after ``MOST_STEPS``, the
    duals are what they are: ``markets.certificate`` bounds what is missing. Orders of nothing have no dual (0).
    """
    value = np.where(game.allowed(), game.pair_value(), -np.inf)
    worth = (value > 0) & (game.sellers.most_mw > 0)[:, None] & (game.buyers.most_mw > 0)
    sellers, buyers = np.flatnonzero(worth.any(axis=1)), np.flatnonzero(worth.any(axis=0))
    traded, seller_dual, buyer_dual = floats(*worth.shape), floats(len(game.sellers)), floats(len(game.buyers))
    if len(sellers):
        part, inner = restricted(game, sellers, buyers), np.ix_(sellers, buyers)
        value = np.where(worth, value, -np.inf)[inner]
        traded[inner], seller_dual[sellers], buyer_dual[buyers] = _solve(value, part)
    row, column = np.nonzero(traded)
    return Equilibrium(
        sold_mw=traded.sum(axis=1),
        bought_mw=traded.sum(axis=0),
        seller=row,
        buyer=column,
        quantity_mw=traded[row, column],
        seller_dual=seller_dual,
        buyer_dual=buyer_dual,
        solver="dual-newton",
    )


def _solve(value: Floats, game: Game) -> tuple[Floats, Floats, Floats]:
    """Return trades and duals of a game whose pairs have a value, or minus infinity where they may not trade."""
    sellers, buyers, eps = game.sellers, game.buyers, game.pair_curvature
    most = sellers.most_mw, buyers.most_mw
    price, power = float(value.max()), max(float(most[0].max()), float(most[1].max()))
    sides = [(sellers.curvature * power / price, most[0] / power), (buyers.curvature * power / price, most[1] / power)]
    fewer_sellers = len(sellers) < len(buyers)
    (curvature, capacity), (other_curvature, other_capacity) = sides[::-1] if fewer_sellers else sides
    problem = _Dual(
        (value.T.copy() if fewer_sellers else value) / price,
        np.concatenate([curvature, other_curvature]),
        np.concatenate([capacity, other_capacity]),
        floats(len(sellers) + len(buyers)),
    )
    alike = solve_pool(game)
    duals = (alike.buyer_dual, alike.seller_dual) if fewer_sellers else (alike.seller_dual, alike.buyer_dual)
    typical = float(np.median(value[np.isfinite(value)])) / price
    at = _follow(problem, eps * power / price, np.concatenate(duals) / price, typical)
    traded, dual = at.slack / at.eps * power, np.maximum(at.dual, 0) * price
    larger, smaller = dual[: len(curvature)], dual[len(curvature) :]
    if fewer_sellers:
        return _within(traded.T, *most), smaller, larger
    return _within(traded, *most), larger, smaller


def _within(traded: Floats, most_sold: Floats, most_bought: Floats) -> Floats:
    """Return the trades less the last bits by which they exceed an order."""
    sold: Floats = traded * (most_sold / np.maximum(traded.sum(axis=1), most_sold))[:, None]
    bought: Floats = sold * (most_bought / np.maximum(sold.sum(axis=0), most_bought))
    return bought


@dataclass(frozen=True, slots=True)
class _Point:
    """Duals ``(n + m,)`` at a pair curvature; ``slack`` ``(n, m)`` is what their pairs are worth beyond them, or 0.

    ``free`` orders are neither full nor idle; ``full`` ones trade all they have.
    """

    dual: Floats
    eps: float
    slack: Floats
    imbalance: Floats
    free: Bools
    full: Bools

    def same_piece(self, other: "_Point") -> bool:
        return np.array_equal(self.slack > 0, other.slack > 0) and np.array_equal(self.free, other.free)

    @property
    def worst(self) -> float:
        return float(np.abs(self.imbalance).max())


@dataclass(frozen=True, slots=True)
class _Dual:
    """The dual function, scaled. ``beyond`` ``(n, m)``, with the larger side in its rows, is what pairs are worth
    beyond the duals ``origin``; this and the others have shape ``(n + m,)``.

    Close to the solution an origin nearby saves the digits that large values of pairs would cost their trades.
    """

    beyond: Floats
    curvature: Floats
    most: Floats
    origin: Floats

    def at(self, move: Floats, eps: float) -> _Point:
        """Return the point at some way ``(n + m,)`` from the origin."""
        n, dual = len(self.beyond), self.origin + move
        slack = self.beyond - move[:n, None]
        slack -= move[n:]
        np.maximum(slack, 0, out=slack)
        wanted = dual / self.curvature
        full = wanted >= self.most
        imbalance = np.minimum(np.maximum(wanted, 0), self.most)
        imbalance[:n] -= slack.sum(axis=1) / eps
        imbalance[n:] -= slack.sum(axis=0) / eps
        return _Point(dual, eps, slack, imbalance, (wanted > 0) & ~full, full)

    def lowered(self, at: _Point) -> _Point:
        """Return a point that is no higher: no dual below 0, and orders that no pair pays at the best pair's worth.

        A step there is as long as such an order is steep: a small one would take for ever.
        """
        n, active = len(self.beyond), at.slack > 0
        unpaid = ~np.concatenate([active.any(axis=1), active.any(axis=0)]) & (at.dual > 0)
        if not unpaid.any():
            return at if (at.dual >= 0).all() else self.at(np.maximum(at.dual, 0) - self.origin, at.eps)
        move, least = np.maximum(at.dual, 0) - self.origin, -self.origin
        best = np.maximum((self.beyond - move[n:]).max(axis=1), least[:n])
        move[:n] = np.where(unpaid[:n], np.minimum(move[:n], best), move[:n])
        best = np.maximum((self.beyond - move[:n, None]).max(axis=0), least[n:])
        move[n:] = np.where(unpaid[n:], np.minimum(move[n:], best), move[n:])
        return self.at(move, at.eps)

    def value(self, at: _Point) -> float:
        kept = np.clip(at.dual / self.curvature, 0, self.most)
        of_pairs = float((at.slack * at.slack).sum()) / (2 * at.eps)
        return float((kept * (at.dual - self.curvature * kept / 2)).sum()) + of_pairs

    def diagonal(self, active: Floats, at: _Point, damping: float, least: float) -> Floats:
        """Return ``eps`` times the second derivatives; damped where the price of a full or idle order could run."""
        pairs = np.concatenate([active.sum(axis=1), active.sum(axis=0)])
        bend = at.eps / self.curvature
        return pairs + np.where(at.free | (pairs == 0), bend, damping * bend + least * pairs)

    def step(self, at: _Point) -> Floats:
        """Return Newton's step ``(n + m,)``."""
        n, (_, m) = len(self.beyond), self.beyond.shape
        active = (at.slack > 0).astype(np.float64)
        diagonal = self.diagonal(active, at, DAMPING * min(1.0, at.worst), LEAST_DAMPING)
        ratio = active / diagonal[:n, None]
        reduced = -(active.T @ ratio)
        reduced.flat[:: m + 1] += diagonal[n:]
        wanted = -at.eps * at.imbalance
        factor, trouble = lapack.dpotrf(reduced, lower=1)
        if trouble:
            return wanted / (2 * diagonal)  # the gradient, scaled
        second = lapack.dpotrs(factor, wanted[n:] - ratio.T @ wanted[:n], lower=1)[0]
        return np.concatenate([wanted[:n] / diagonal[:n] - ratio @ second, second])

    def nearby(self, origin: Floats) -> "_Dual":
        """Return the same function, from another origin."""
        n, less = len(self.beyond), self.origin - origin
        return _Dual(self.beyond + less[:n, None] + less[n:], self.curvature, self.most, origin)

    def solved(self, at: _Point) -> _Point:
        """Return the minimum of the piece that a point is in, with the same bits on any machine.

        Of several, it is the one closest to the origin.
        """
        n, (_, m) = len(self.beyond), self.beyond.shape
        active = (at.slack > 0).astype(np.float64)
        diagonal = self.diagonal(active, at, 0.0, LAST_DAMPING)
        worth = np.where(active > 0, self.beyond, 0)
        wanted = np.concatenate([worth.sum(axis=1), worth.sum(axis=0)])
        wanted -= at.eps * np.where(at.full, self.most, np.where(at.free, self.origin / self.curvature, 0))
        ratio = active / diagonal[:n, None]
        reduced = -np.einsum("ij,ik->jk", active, ratio)
        reduced.flat[:: m + 1] += diagonal[n:]
        second = _eliminate(reduced, wanted[n:] - (ratio * wanted[:n, None]).sum(axis=0))
        first = wanted[:n] / diagonal[:n] - (ratio * second).sum(axis=1)
        return self.at(np.concatenate([first, second]), at.eps)


def _eliminate(matrix: Floats, wanted: Floats) -> Floats:
    """Solve a symmetric, positive definite system by Gauss's elimination, element by element."""
    rows = np.column_stack([matrix, wanted])
    for k in range(len(rows) - 1):
        rows[k + 1 :, k + 1 :] -= (rows[k + 1 :, k] / rows[k, k])[:, None] * rows[k, k + 1 :]
    found = np.zeros(len(rows))
    for k in range(len(rows) - 1, -1, -1):
        found[k] = (rows[k, -1] - (rows[k, k + 1 : -1] * found[k + 1 :]).sum()) / rows[k, k]
    return found


def _follow(problem: _Dual, eps: float, start: Floats, typical: float) -> _Point:
    """Return the minimum at a pair curvature, coming from duals and from a larger one for pairs worth ``typical``."""
    n, m = problem.beyond.shape
    at = problem.lowered(problem.at(start, max(eps, FIRST_CURVATURE * typical * n / float(problem.most.mean()))))
    exact = EXACT + ROUNDING * float(np.sqrt(n + m)) / eps
    for _ in range(MOST_STEPS):
        if at.eps > eps and at.worst < ROUGH:
            at = problem.at(at.dual, max(eps, at.eps / REDUCTION))
        elif at.eps == eps and at.worst <= exact:
            break
        at = _search(problem, at, problem.step(at))
        at = problem.lowered(at)
    return _finish(problem, at)


def _finish(problem: _Dual, at: _Point) -> _Point:
    """Return the minimum near a point with all its digits: the same for any point that differs in its last bits."""
    problem = problem.nearby(np.round(at.dual, ORIGIN_DIGITS))
    at = best = problem.at(at.dual - problem.origin, at.eps)
    for _ in range(MOST_PIECES):
        before, at = at, problem.solved(at)
        best = at if at.worst <= best.worst else best
        if at.worst <= EXACT and at.same_piece(before):
            break
        problem = problem.nearby(at.dual)
    return best


def _search(problem: _Dual, at: _Point, step: Floats) -> _Point:
    """Return a point along the step that is lower, and where the slope has changed.

    The slope of a convex function rises along the step: where it goes up its zero is bracketed, and approached by
    chords and halves.
    """
    slope = low_slope = float((at.imbalance * step).sum())
    low, length = 0.0, min(1.0, 2 / float(np.abs(step).max(initial=1e-300)))
    high, high_slope = np.inf, np.inf
    for trial in range(MOST_TRIALS):
        to = problem.at(at.dual + length * step, at.eps)
        now = float((to.imbalance * step).sum())
        if now <= 0 and (high == np.inf or now >= slope / 2):
            break
        if 0 < now <= -slope / 2 and problem.value(to) <= problem.value(at):
            break
        if now > 0:
            high, high_slope = length, now
        else:
            low, low_slope = length, now
        share = 0.5 if trial % 3 == 2 else min(max(low_slope / (low_slope - high_slope), 0.05), 0.95)
        length = low + (high - low) * share
    return to
