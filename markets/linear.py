"""The linear program of a flexibility market, and HiGHS to solve it."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from peerflex.core.arrays import Floats, floats
from peerflex.core.errors import SimulationError
from peerflex.core.units import QUANTITY_TOLERANCE_MW

INFINITY = float("inf")


@dataclass(frozen=True, slots=True)
class Program:
    """``min cost x`` with ``0 <= x <= most``, ``lower <= rows x <= upper`` and, if given, ``balance x == 0``.

    ``cost`` in EUR/MWh, ``most``, ``lower`` and ``upper`` in MW; ``rows`` has shape ``(rows, columns)``.
    """

    cost: Floats
    most: Floats
    rows: Floats
    lower: Floats
    upper: Floats
    balance: Floats | None


@dataclass(frozen=True, slots=True)
class Solution:
    """``value`` per column; ``missing`` MW and ``multiplier`` (EUR/MWh, >= 0) per row."""

    value: Floats
    missing: Floats
    multiplier: Floats


def solve(program: Program) -> Solution:
    """Return the cheapest solution; if there is none, the cheapest of those that miss the least MW in all.

    Each call has a solver of its own: no basis is carried over, so the answer depends on the arguments alone.
    """
    cheapest = _run(program, program.cost, 0.0, most_missing_mw=0.0)
    if cheapest is None:
        least = _require(_run(program, floats(len(program.cost)), 1.0, most_missing_mw=INFINITY))
        budget_mw = float(least.missing.sum()) + QUANTITY_TOLERANCE_MW
        cheapest = _require(_run(program, program.cost, 0.0, most_missing_mw=budget_mw))
    return cheapest


def _require(solution: Solution | None) -> Solution:
    if solution is None:
        raise SimulationError("flexibility market: HiGHS finds a program infeasible that has a solution")
    return solution


def _run(program: Program, cost: Floats, missing_cost: float, most_missing_mw: float) -> Solution | None:
    """Return the solution for one objective, None if no solution misses so little."""
    from highspy import HighsModelStatus

    n_rows, n = program.rows.shape
    solver = _loaded(program, cost, missing_cost, most_missing_mw)
    solver.run()
    status = solver.getModelStatus()
    if status == HighsModelStatus.kUnknown:  # large programs at the edge of feasibility: presolve decides them
        solver = _loaded(program, cost, missing_cost, most_missing_mw)
        solver.setOptionValue("presolve", "on")
        solver.run()
        status = solver.getModelStatus()
    if status in (HighsModelStatus.kInfeasible, HighsModelStatus.kUnboundedOrInfeasible):
        return None
    if status != HighsModelStatus.kOptimal:
        raise SimulationError(f"flexibility market: HiGHS stopped with '{solver.modelStatusToString(status)}'")
    solution = solver.getSolution()
    columns = np.array(solution.col_value, dtype=np.float64)
    columns[columns < QUANTITY_TOLERANCE_MW] = 0.0
    return Solution(
        value=np.minimum(columns[:n], program.most),
        missing=columns[n : n + n_rows] + columns[n + n_rows :],
        multiplier=np.abs(np.array(solution.row_dual, dtype=np.float64)[:n_rows]),
    )


def _loaded(program: Program, cost: Floats, missing_cost: float, most_missing_mw: float) -> Any:
    """Return HiGHS with the program: the columns, then per row what misses its upper and what its lower limit.

    Rows are those of the program, then the sum of all that is missing, then the balance.
    """
    from highspy import Highs, HighsLp, MatrixFormat

    n_rows, n = program.rows.shape
    row, column = np.nonzero(program.rows)
    each, slack = np.arange(n_rows), np.arange(n, n + 2 * n_rows)
    parts = [
        (row, column, program.rows[row, column]),
        (each, slack[:n_rows], np.full(n_rows, -1.0)),
        (each, slack[n_rows:], np.full(n_rows, 1.0)),
        (np.full(2 * n_rows, n_rows), slack, np.full(2 * n_rows, 1.0)),
    ]
    lower, upper = [*program.lower, 0.0], [*program.upper, most_missing_mw]
    if program.balance is not None:
        parts.append((np.full(n, n_rows + 1), np.arange(n), program.balance))
        lower, upper = [*lower, 0.0], [*upper, 0.0]
    rows, columns, values = (np.concatenate(pieces) for pieces in zip(*parts, strict=True))
    by_row = np.argsort(rows, kind="stable")

    lp = HighsLp()
    lp.num_col_, lp.num_row_ = n + 2 * n_rows, len(lower)
    lp.col_cost_ = np.concatenate([cost, np.full(2 * n_rows, missing_cost)])
    lp.col_lower_ = floats(n + 2 * n_rows)
    lp.col_upper_ = np.concatenate([program.most, np.full(2 * n_rows, INFINITY)])
    lp.row_lower_, lp.row_upper_ = np.array(lower), np.array(upper)
    lp.a_matrix_.format_ = MatrixFormat.kRowwise
    lp.a_matrix_.start_ = np.searchsorted(rows[by_row], np.arange(len(lower) + 1)).astype(np.int32)
    lp.a_matrix_.index_ = columns[by_row].astype(np.int32)
    lp.a_matrix_.value_ = values[by_row]
    solver = Highs()
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("solver", "simplex")
    solver.setOptionValue("presolve", "off")  # two to three times faster without, from 50 to 100 000 nonzeros
    solver.setOptionValue("primal_feasibility_tolerance", QUANTITY_TOLERANCE_MW)
    solver.passModel(lp)
    return solver
