"""The net positions of all orders within limits: optimal by every condition there is, and by another solver."""

import numpy as np
import pytest
from scipy.optimize import minimize

from peerflex.core.arrays import Floats, add_up
from peerflex.core.units import BUY, SELL
from peerflex.markets.net_positions import NetPositions, NetProgram, solve_net_positions

pytestmark = pytest.mark.once


def program_of(seed: int) -> NetProgram:
    """Draw a program: few or many limits, some that cannot be kept, orders of kW or of MW; every other has takers."""
    rng = np.random.default_rng(seed)
    n, circles, bands, m = (int(n) for n in rng.integers((2, 1, 0, 1), (60, 7, 7, 9)))
    m, k = m if seed % 2 else 0, 2 * circles + bands
    unit = 10.0 ** rng.uniform(-3, 1)
    side = np.where(rng.random(n) < 0.5, SELL, BUY)
    side[:2] = SELL, BUY
    most = unit * rng.uniform(0.05, 1.0, n)
    value = np.where(side == SELL, -rng.uniform(0, 70, n), rng.uniform(40, 220, n))
    effect = rng.uniform(-1, 1, (k, n)) * (rng.random((k, n)) < 0.6)
    effect[circles : 2 * circles] *= 0.3
    if bands > 1:
        effect[-1] = 0.99 * effect[-2]
    taker = np.where((side == BUY) & (rng.random(n) < 0.7) & (m > 0), rng.integers(0, max(m, 1), n), -1)
    base = rng.uniform(-1, 1, k) * unit
    upper = base[2 * circles :] + rng.uniform(-3 if seed % 3 == 0 else 0.1, 1.5, bands) * unit
    return NetProgram(
        side=side,
        value_eur_per_mwh=value,
        slope_eur_per_mwh2=rng.uniform(0.5, 100, n) / most,
        most_mw=most,
        base_mw=base,
        radius_mva=rng.uniform(0.3, 2.0, circles) * unit,
        lower_mw=upper - rng.uniform(0.3, 3, bands) * unit,
        upper_mw=upper,
        by_order=side * effect,
        by_mvar=rng.uniform(-0.5, 0.5, (k, m)),
        taker=taker,
        low=-rng.uniform(0, 0.3, m),
        high=rng.uniform(0, 0.7, m),
        aim_mvar=rng.uniform(0, 0.1, m) * unit,
        effort=np.full(m, 1.0 / unit),
        dearest_eur_per_mwh=1000.0,
    )


def solved(seed: int) -> tuple[NetProgram, NetPositions]:
    program = program_of(seed)
    found = solve_net_positions(program)
    assert found is not None
    return program, found


def carried(program: NetProgram, found: NetPositions) -> Floats:
    total: Floats = program.base_mw + (program.by_order * found.quantity_mw).sum(axis=1)
    return total + (program.by_mvar * found.reactive_mvar).sum(axis=1)


def over_mw(program: NetProgram, value: Floats) -> Floats:
    """Return how far each limit is exceeded (below 0: how far it is away), branches first."""
    n = len(program.radius_mva)
    circle = np.hypot(value[:n], value[n : 2 * n]) - program.radius_mva
    return np.concatenate([circle, np.maximum(value[2 * n :] - program.upper_mw, program.lower_mw - value[2 * n :])])


def size_eur_per_mwh(program: NetProgram, row: Floats) -> Floats:
    """Return what each limit costs, branches first."""
    n = len(program.radius_mva)
    return np.concatenate([np.hypot(row[:n], row[n : 2 * n]), np.abs(row[2 * n :])])


def taken(program: NetProgram, quantity_mw: Floats) -> Floats:
    rows = program.taker >= 0
    return add_up(program.taker[rows], quantity_mw[rows], len(program.low))


def margin_eur_per_mwh(program: NetProgram, found: NetPositions, brings: Floats) -> Floats:
    """Return what the first MW of each order is worth; ``brings`` is what comes with each taker's."""
    margin = program.value_eur_per_mwh + program.side * found.price_eur_per_mwh
    margin = margin - (found.row_eur_per_mwh[:, None] * program.by_order).sum(axis=0)
    total: Floats = margin + np.append(brings, 0.0)[program.taker]
    return total


def bound_eur_per_h(program: NetProgram, found: NetPositions) -> float:
    """Return what no positions can exceed, from the multipliers of balance and rows alone: the dual in closed form.

    Without the effort, which can only lower it: each MW that a taker takes brings its best reactive power.
    """
    row, n = found.row_eur_per_mwh, len(program.radius_mva)
    mvar = -(row[:, None] * program.by_mvar).sum(axis=0)
    margin = margin_eur_per_mwh(program, found, np.maximum(mvar * program.high, mvar * program.low))
    best = np.clip(margin / program.slope_eur_per_mwh2, 0.0, program.most_mw)
    of_orders = (margin * best - program.slope_eur_per_mwh2 * best**2 / 2).sum()
    at = np.where(row[2 * n :] > 0, program.upper_mw, program.lower_mw)
    of_limits = (np.hypot(row[:n], row[n : 2 * n]) * program.radius_mva).sum() + (row[2 * n :] * at).sum()
    return float(of_orders + of_limits - (row * program.base_mw).sum())


def reached_eur_per_h(program: NetProgram, found: NetPositions) -> float:
    """Return what the positions are worth, without the effort of reactive power."""
    x = found.quantity_mw
    worth = (program.value_eur_per_mwh * x - program.slope_eur_per_mwh2 * x**2 / 2).sum()
    return float(worth - program.dearest_eur_per_mwh * found.beyond_mw.sum())


@pytest.mark.parametrize("seed", range(80))
def test_net_positions_are_optimal(seed: int) -> None:
    """Karush, Kuhn and Tucker, each condition relative to the program's own unit: everything within 1e-6."""
    program, found = solved(seed)
    unit, money = program.most_mw.max(), np.abs(program.value_eur_per_mwh).max()
    x, row, total = found.quantity_mw, found.row_eur_per_mwh, taken(program, found.quantity_mw)
    cost = size_eur_per_mwh(program, row)

    # what is done is allowed
    assert abs((program.side * x).sum()) <= 1e-6 * unit
    assert ((x >= 0) & (x <= program.most_mw)).all()
    value = carried(program, found)
    over = over_mw(program, value)
    assert (over <= found.beyond_mw + 1e-6 * unit).all()
    assert (found.reactive_mvar <= program.high * total + 1e-6 * unit).all()
    assert (found.reactive_mvar >= program.low * total - 1e-6 * unit).all()

    # every order is content at its price: the market's, the charges, and what its reactive power is worth
    wanted = margin_eur_per_mwh(program, found, found.taken_eur_per_mwh) / program.slope_eur_per_mwh2
    assert np.abs(np.clip(wanted, 0.0, program.most_mw) - x).max() <= 1e-6 * unit

    # a limit costs something only where it binds, and no more than the dearest, which it costs where it is exceeded
    assert (cost <= program.dearest_eur_per_mwh * (1 + 1e-6)).all()
    assert np.abs(cost * (over - found.beyond_mw)).max() <= 1e-6 * unit * money
    assert (found.beyond_mw * (program.dearest_eur_per_mwh - cost)).max() <= 1e-6 * unit * money
    n = len(program.radius_mva)
    turned = row[:n] * value[n : 2 * n] - row[n : 2 * n] * value[:n]
    assert np.abs(turned).max() <= 1e-5 * unit * money, "a branch's multiplier points the way of its flow"

    # and a bound that trusts no solver: nothing else is worth more, but for the effort of reactive power
    could_be = np.maximum(program.high, -program.low) * taken(program, program.most_mw) + program.aim_mvar
    effort = (program.effort * could_be**2).sum() / 2
    gap = bound_eur_per_h(program, found) - reached_eur_per_h(program, found)
    assert -1e-6 * unit * money <= gap <= 1e-6 * unit * money + effort


def test_the_programs_drawn_try_everything() -> None:
    every = [solved(seed) for seed in range(80)]
    assert sum(bool((it.beyond_mw > 1e-3 * p.most_mw.max()).any()) for p, it in every) >= 5, "some cannot be kept"
    assert sum(bool((it.row_eur_per_mwh[: len(p.radius_mva)] > 1).any()) for p, it in every) >= 10
    assert sum(bool((it.row_eur_per_mwh[2 * len(p.radius_mva) :] < -1).any()) for p, it in every) >= 5
    assert sum(bool((it.taken_eur_per_mwh > 1).any()) for _, it in every) >= 10


@pytest.mark.parametrize("seed", range(0, 24, 2))
def test_another_solver_finds_nothing_better(seed: int) -> None:
    """Sequential least squares of SciPy, on the same program without reactive power, in units of its largest order."""
    program, found = solved(seed)
    n, unit = len(program.side), program.most_mw.max()
    limited = len(program.radius_mva) + len(program.lower_mw)
    dearest = np.full(limited, program.dearest_eur_per_mwh)
    linear = np.concatenate([-program.value_eur_per_mwh, dearest])
    quadratic = np.concatenate([program.slope_eur_per_mwh2 * unit, np.zeros(limited)])
    balance = np.concatenate([program.side, np.zeros(limited)]).astype(float)

    def room(x: Floats) -> Floats:
        value = program.base_mw + (program.by_order * x[:n]).sum(axis=1) * unit
        left: Floats = x[n:] - over_mw(program, value) / unit
        return left

    theirs = minimize(
        lambda x: float((linear * x + quadratic * x**2 / 2).sum()) / 100,
        x0=np.concatenate([np.zeros(n), 0.1 + np.maximum(-room(np.zeros(n + limited)), 0.0)]),
        jac=lambda x: (linear + quadratic * x) / 100,
        bounds=[(0.0, most) for most in program.most_mw / unit] + [(0.0, None)] * limited,
        constraints=[
            {"type": "eq", "fun": lambda x: float((balance * x).sum()), "jac": lambda x: balance},
            {"type": "ineq", "fun": room},
        ],
        method="SLSQP",
        options={"ftol": 1e-13, "maxiter": 500},
    )
    assert abs((balance * theirs.x).sum()) <= 1e-8
    assert room(theirs.x).min() >= -1e-7
    assert -reached_eur_per_h(program, found) / unit == pytest.approx(theirs.fun * 100, rel=1e-5, abs=1e-4)
