"""How long bilateral equilibria take by their shape: one price, one price a zone, Newton on the dual.

Run ``python benchmarks/equilibrium.py [REPEATS]``. Workload: sellers at 45 to 55 EUR/MWh and buyers at 5 to 15, willing
to trade as in EUniversal D5.3, curvature 5 EUR/MWh, on a random radial grid of 69 places with 17 branches at risk, that
is 18 zones; orders of 60 kW in the median. Weighted pairs have factors of 1.2 and 0.8 a branch and a pair curvature of
0.1 EUR/MWh per MW for 70 peers, in proportion for more. The rival is Clarabel on the same quadratic program, pair
curvature included, as ``markets.generic_qp`` calls it, at the sizes that it can do.

Everything runs on one thread, the rival too. Exits with 1 if a median is over its budget.
"""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from time import perf_counter

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np

from peerflex.core.streams import stream
from peerflex.core.trade import Orders, Signal, free_terms
from peerflex.core.units import BUY, SELL
from peerflex.markets.dual_newton import solve_dual_newton
from peerflex.markets.game import Equilibrium, Game, Side
from peerflex.markets.generic_qp import solve_generic
from peerflex.markets.pool import BilateralPool, solve_pool
from peerflex.markets.zone_tree import solve_zone_tree

PLACES, AT_RISK, CURVATURE = 69, 17, 5.0
SAME_MW = 1e-5


@dataclass(frozen=True, slots=True)
class Case:
    """One shape at one size; ``budget_ms`` or 0; ``compared`` whether the rival can do it in seconds."""

    name: str
    work: Callable[[], Equilibrium | None]
    game: Game
    budget_ms: float
    compared: bool


def harm() -> np.ndarray:
    """Return how many branches at risk a sale from one place to another loads further ``(places, places)``."""
    rng = stream(1, "benchmark grid")
    behind = np.eye(PLACES, dtype=np.int64)
    for place in range(PLACES - 1, 0, -1):
        behind[int(rng.integers(max(0, place - 4), place))] += behind[place]
    lines = behind[rng.choice(np.arange(1, PLACES), AT_RISK, replace=False)]
    return (lines[:, None, :] > lines[:, :, None]).sum(axis=0)


def game_of(peers: int, kind: str) -> Game:
    rng = stream(peers, "benchmark")

    def side(low: float, high: float) -> Side:
        most = 0.06 * rng.lognormal(0, 1, peers // 2)
        value = rng.uniform(low, high, peers // 2)
        return Side(value, CURVATURE / most, most, rng.integers(0, PLACES, peers // 2))

    harmed = harm()
    blocked, ones = harmed > 0, np.ones(harmed.shape)
    gain = 1.2**harmed.T * 0.8**harmed
    if kind == "weighted":
        return Game(side(45, 55), side(-15, -5), blocked & False, gain, gain.T, 0.1 * peers / 70)
    return Game(side(45, 55), side(-15, -5), blocked & (kind == "blocked"), ones, ones)


def market_of(game: Game) -> tuple[Orders, Signal]:
    """Return a game of equal pairs as the orders of a market: what sellers are willing to take is a cost below 0."""
    sides, n = (game.sellers, game.buyers), len(game.sellers) + len(game.buyers)
    price = np.concatenate([-sides[0].value_eur_per_mwh, sides[1].value_eur_per_mwh])
    side = np.concatenate([np.full(len(sides[0]), SELL), np.full(len(sides[1]), BUY)])
    most, zero = np.concatenate([one.most_mw for one in sides]), np.zeros(n, dtype=np.int64)
    orders = Orders.plain(np.arange(n), side, most, price, np.ones(n, dtype=np.bool_), zero, zero + 3600)
    return orders, Signal(np.zeros(1), np.zeros(1, dtype=np.bool_), free_terms(n))


def cases() -> list[Case]:
    found = []
    for peers, budget_ms in ((500, 0.0), (2_000, 2.0)):
        game = game_of(peers, "free")
        orders, signal = market_of(game)
        market = BilateralPool(CURVATURE)

        def clear(market: BilateralPool = market, orders: Orders = orders, signal: Signal = signal) -> None:
            market.clear(orders, signal, stream(1, "market"))

        found.append(Case(f"one price, {peers} peers", clear, game, budget_ms, peers <= 500))
    for peers, budget_ms in ((70, 0.0), (500, 0.0), (20_000, 200.0)):
        game = game_of(peers, "blocked")
        name = f"18 zones, {peers} peers"
        found.append(Case(name, lambda game=game: solve_zone_tree(game), game, budget_ms, peers <= 500))
    for peers, budget_ms in ((70, 10.0), (500, 300.0)):
        game = game_of(peers, "weighted")
        found.append(
            Case(f"weighted pairs, {peers} peers", lambda game=game: solve_dual_newton(game), game, budget_ms, True)
        )
    return found


def agree(case: Case) -> bool:
    """Whether both sides find the same positions, to 1e-5 MW."""
    found, rival = case.work() or solve_pool(case.game), solve_generic(case.game)
    sold, bought = np.abs(found.sold_mw - rival.sold_mw).max(), np.abs(found.bought_mw - rival.bought_mw).max()
    return max(float(sold), float(bought)) <= SAME_MW


def milliseconds(work: Callable[[], object]) -> float:
    start = perf_counter()
    work()
    return 1000 * (perf_counter() - start)


def main(repeats: int) -> int:
    ours: dict[str, list[float]] = {}
    rivals: dict[str, list[float]] = {}
    todo = cases()
    for case in todo:
        if case.compared and not agree(case):
            print(f"{case.name}: the two sides disagree")
            return 1
    for _ in range(repeats):
        for case in todo:
            ours.setdefault(case.name, []).append(milliseconds(case.work))
            if case.compared:
                rivals.setdefault(case.name, []).append(milliseconds(lambda game=case.game: solve_generic(game)))
    print(
        f"medians of {repeats} interleaved rounds, ms{'':14s} ours  (lowest to highest)    budget     Clarabel  ratio"
    )
    slow = False
    for case in todo:
        mine, budget = ours[case.name], case.budget_ms
        line = f"{case.name:34s} {median(mine):12.2f}  ({min(mine):.2f} to {max(mine):.2f})".ljust(70)
        line += f"{budget:10.0f}" if budget else f"{'-':>10s}"
        if case.compared:
            other = median(rivals[case.name])
            line += f" {other:12.1f} {other / median(mine):6.0f}"
        slow |= 0 < budget < median(mine)
        print(line)
    return int(slow)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 5))
