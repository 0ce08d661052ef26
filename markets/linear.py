"""The linear program of a flexibility market, and HiGHS to solve it."""

import threading
from dataclasses import dataclass
from typing import Any

import numpy as np

from peerflex.core.arrays import Floats, floats
from peerflex.core.errors import SimulationError
from peerflex.core.units import QUANTITY_TOLERANCE_MW

INFINITY = float("inf")

_OF_THREAD = threading.local()


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

    The solver is cleared before each run: no basis is carried over, so the answer depends on the arguments alone.
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
    # large programs at the edge of feasibility: presolve decides them
    if status in (HighsModelStatus.kUnknown, HighsModelStatus.kNotset):
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
    from highspy import MatrixFormat, ObjSense

    n_rows, n = program.rows.shape
    others = 1 if program.balance is None else 2
    each, slacks = np.arange(n_rows), 2 * n_rows
    matrix = floats(n_rows + others, n + slacks)
    matrix[:n_rows, :n] = program.rows
    matrix[each, n + each], matrix[each, n + n_rows + each] = -1.0, 1.0
    matrix[n_rows, n:] = 1.0
    if program.balance is not None:
        matrix[n_rows + 1, :n] = program.balance
    row, column = matrix.nonzero()

    solver = _cleared()
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("solver", "simplex")
    solver.setOptionValue("presolve", "off")  # two to three times faster without, from 50 to 100 000 nonzeros
    solver.setOptionValue("primal_feasibility_tolerance", QUANTITY_TOLERANCE_MW)
    solver.passModel(  # all at once, as arrays: their numbers are not turned into Python's one by one
        n + slacks,
        n_rows + others,
        len(row),
        MatrixFormat.kRowwise.value,
        ObjSense.kMinimize.value,
        0.0,  # constant of the objective
        np.concatenate([cost, np.full(slacks, missing_cost)]),
        floats(n + slacks),
        np.concatenate([program.most, np.full(slacks, INFINITY)]),
        np.concatenate([program.lower, floats(others)]),
        np.concatenate([program.upper, [most_missing_mw, 0.0][:others]]),
        row.searchsorted(np.arange(n_rows + others)).astype(np.int32),
        column.astype(np.int32),
        matrix[row, column],
        np.zeros(n + slacks, dtype=np.int32),  # all columns are continuous
    )
    return solver


def _cleared() -> Any:
    """Return this thread's HiGHS without model, basis or options: making one takes as long as a small program."""
    from highspy import Highs

    if not hasattr(_OF_THREAD, "solver"):
        _OF_THREAD.solver = Highs()
    _OF_THREAD.solver.clear()
    return _OF_THREAD.solver
