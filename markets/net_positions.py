"""What everybody sells and buys if the network's limits count: a small quadratic program over the orders."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from peerflex.core.arrays import Floats, Ints, add_up

TOLERANCE = 1e-11
"""Relative to the largest order and to the largest price."""


@dataclass(frozen=True, slots=True)
class NetProgram:
    """Orders ``x`` in MW ``(orders,)`` and reactive power ``r`` in Mvar ``(takers,)`` maximise

    ``sum(value x - slope x**2 / 2) - sum(effort (r - aim)**2 / 2) - dearest * sum(beyond)`` with ``sum(side x) = 0``
    and ``0 <= x <= most``. What the network carries, ``base + by_order @ x + by_mvar @ r`` ``(rows,)`` in MW, is
    limited: the first rows are what branches carry along their flow, the next as many what they carry across it, with
    ``along**2 + across**2 <= (radius + beyond)**2``; for the others ``lower - beyond <= carried <= upper + beyond``.
    ``beyond >= 0`` has one entry a branch and one each of the others.

    ``value`` is in EUR/MWh (a seller's is its cost, below 0), ``slope`` > 0. A taker is a load that can give reactive
    power in proportion to what it takes: ``low * taken <= r <= high * taken``, where ``taken`` is the sum of its orders
    (``taker`` is the row of each order's taker, -1: none) and ``effort`` in EUR/h per Mvar**2. So there is always a
    solution, whose x is unique.
    """

    side: Ints
    value_eur_per_mwh: Floats
    slope_eur_per_mwh2: Floats
    most_mw: Floats
    base_mw: Floats
    radius_mva: Floats
    lower_mw: Floats
    upper_mw: Floats
    by_order: Floats
    by_mvar: Floats
    taker: Ints
    low: Floats
    high: Floats
    aim_mvar: Floats
    effort: Floats
    dearest_eur_per_mwh: float


@dataclass(frozen=True, slots=True)
class NetPositions:
    """The solution and its multipliers: ``price`` of the balance, ``row`` of what each row carries (above 0: less of it
    would be worth something, below 0: more).

    ``beyond_mw`` is what the limits are exceeded by. ``taken_eur_per_mwh`` ``(takers,)`` is what the reactive power
    that comes with a taker's next MW is worth.
    """

    quantity_mw: Floats
    reactive_mvar: Floats
    beyond_mw: Floats
    price_eur_per_mwh: float
    row_eur_per_mwh: Floats
    taken_eur_per_mwh: Floats


def solve_net_positions(program: NetProgram) -> NetPositions | None:
    """Return the solution by Clarabel (Goulart and Chen 2024) on one thread, None if it does not get there.

    None also if there is nothing to decide: no order, or no row.
    """
    import clarabel

    n, m, k = len(program.side), len(program.low), len(program.base_mw)
    circles, bands = len(program.radius_mva), len(program.lower_mw)
    if not (n and k):
        return None
    unit_mw = float(program.most_mw.max())
    money = float(np.abs(program.value_eur_per_mwh).max() + (program.slope_eur_per_mwh2 * program.most_mw).max())
    limited = circles + bands
    quadratic = np.concatenate([program.slope_eur_per_mwh2, program.effort, np.zeros(k + limited)]) * unit_mw / money
    dearest = np.full(limited, program.dearest_eur_per_mwh)
    linear = np.concatenate([-program.value_eur_per_mwh, -program.effort * program.aim_mvar, np.zeros(k), dearest])
    radius = np.stack([program.radius_mva, np.zeros(circles), np.zeros(circles)], axis=1).ravel()
    nothing = np.zeros(limited + 2 * m + n)
    limits = [program.base_mw, program.upper_mw, -program.lower_mw, nothing, program.most_mw, radius]
    every = np.arange(len(quadratic))
    solution = clarabel.DefaultSolver(
        _matrix(every, every, quadratic, (len(every), len(every))),
        linear / money,
        _rows(program),
        np.concatenate([np.zeros(1), *limits]) / unit_mw,
        [
            clarabel.ZeroConeT(1 + k),
            clarabel.NonnegativeConeT(2 * bands + limited + 2 * m + 2 * n),
            *[clarabel.SecondOrderConeT(3)] * circles,
        ],
        _settings(),
    ).solve()
    if solution.status not in (clarabel.SolverStatus.Solved, clarabel.SolverStatus.AlmostSolved):
        return None
    x, z = np.array(solution.x) * unit_mw, np.array(solution.z) * money
    row, reactive_mvar = -z[1 : 1 + k], x[n : n + m]
    # What one more Mvar of each taker is worth: above 0 it gives the most it may, below 0 the least.
    mvar = -(row[:, None] * program.by_mvar).sum(axis=0) - program.effort * (reactive_mvar - program.aim_mvar)
    return NetPositions(
        quantity_mw=np.clip(x[:n], 0.0, program.most_mw),
        reactive_mvar=reactive_mvar,
        beyond_mw=np.maximum(x[n + m + k :], 0.0),
        price_eur_per_mwh=-float(z[0]),
        row_eur_per_mwh=row,
        taken_eur_per_mwh=np.where(mvar > 0, program.high, program.low) * mvar,
    )


def _rows(program: NetProgram) -> Any:
    """Return the rows over the columns x, r, carried and beyond.

    First the balance and what each row carries (all equal); then the upper and the lower limits of the bands,
    ``beyond >= 0``, the most and the least reactive power of the takers, ``x >= 0`` and ``x <= most``; at last the
    circles, each three rows: radius, along, across.
    """
    n, m, k = len(program.side), len(program.low), len(program.base_mw)
    circles, bands = len(program.radius_mva), len(program.lower_mw)
    orders, takers, rows = np.arange(n), np.arange(m), np.arange(k)
    reactive, carried, beyond = n + takers, n + m + rows, n + m + k + np.arange(circles + bands)
    network = 1 + rows
    upper = 1 + k + np.arange(bands)
    lower = upper + bands
    excess = 1 + k + 2 * bands + np.arange(circles + bands)
    most = 1 + k + 3 * bands + circles + takers
    least = most + m
    sign = 1 + k + 3 * bands + circles + 2 * m + orders
    circle = 1 + k + 3 * bands + circles + 2 * m + 2 * n + 3 * np.arange(circles)
    takes = np.flatnonzero(program.taker >= 0)
    taker = program.taker[takes]
    entries = [
        _entries(np.zeros(n, dtype=np.int64), orders, program.side),
        _entries(np.repeat(network, n), np.tile(orders, k), -program.by_order.ravel()),
        _entries(np.repeat(network, m), np.tile(reactive, k), -program.by_mvar.ravel()),
        _entries(network, carried, 1.0),
        _entries(upper, carried[2 * circles :], 1.0),
        _entries(upper, beyond[circles:], -1.0),
        _entries(lower, carried[2 * circles :], -1.0),
        _entries(lower, beyond[circles:], -1.0),
        _entries(excess, beyond, -1.0),
        _entries(most, reactive, 1.0),
        _entries(most[taker], takes, -program.high[taker]),
        _entries(least, reactive, -1.0),
        _entries(least[taker], takes, program.low[taker]),
        _entries(sign, orders, -1.0),
        _entries(sign + n, orders, 1.0),
        _entries(circle, beyond[:circles], -1.0),
        _entries(circle + 1, carried[:circles], -1.0),
        _entries(circle + 2, carried[circles : 2 * circles], -1.0),
    ]
    row, column, value = (np.concatenate(part) for part in zip(*entries, strict=True))
    height = 1 + k + 3 * bands + circles + 2 * m + 2 * n + 3 * circles
    return _matrix(row, column, value, (height, n + m + k + circles + bands))


def _entries(row: Ints, column: Ints, value: Floats | Ints | float) -> tuple[Ints, Ints, Floats]:
    return row, column, np.broadcast_to(np.asarray(value, dtype=np.float64), row.shape)


def _matrix(row: Ints, column: Ints, value: Floats, shape: tuple[int, int]) -> Any:
    """Return a sparse matrix in columns; no two entries are at one place."""
    from scipy.sparse import csc_array

    order = np.lexsort((row, column))
    starts = np.concatenate([[0], np.cumsum(add_up(column, np.ones(len(column)), shape[1]).astype(np.int64))])
    return csc_array((value[order], row[order], starts), shape=shape)


def _settings() -> Any:
    import clarabel

    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.max_threads, settings.direct_solve_method = 1, "qdldl"  # the same bits on any number of cores
    settings.tol_gap_rel = settings.tol_gap_abs = settings.tol_feas = TOLERANCE
    return settings
