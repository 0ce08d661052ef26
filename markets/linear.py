"""The linear program of a flexibility market, in which columns may be whole, and HiGHS to solve it."""

import threading
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from peerflex.core.arrays import Bools, Floats, floats
from peerflex.core.errors import SimulationError
from peerflex.core.units import QUANTITY_TOLERANCE_MW

INFINITY = float("inf")
EXACT: Final = {"mip_rel_gap": 0.0, "mip_abs_gap": 1e-9, "mip_feasibility_tolerance": QUANTITY_TOLERANCE_MW}
"""A search ends with the best there is, to a billionth of an EUR or MW per hour."""
SEARCH_TOLERANCE_MW: Final = 1e-7
"""What a search may miss beyond the least: with less, near its feasibility tolerance, HiGHS loses its own solution."""
SEMI_CONTINUOUS: Final = 2

_OF_THREAD = threading.local()


@dataclass(frozen=True, slots=True)
class Program:
    """``min cost x`` with ``least <= x <= most``, ``lower <= rows x <= upper`` and, if given, ``balance x == 0``.

    ``cost`` in EUR/MWh, ``least`` (None: 0), ``most``, ``lower`` and ``upper`` in MW; ``rows`` has shape
    ``(rows, columns)``. Where ``whole``, ``x`` may be 0 as well: that takes a search, of at most ``nodes`` nodes.
    """

    cost: Floats
    most: Floats
    rows: Floats
    lower: Floats
    upper: Floats
    balance: Floats | None
    least: Floats | None = None
    whole: Bools | None = None
    nodes: int = 0

    @property
    def lowest(self) -> Floats:
        """The least of each column, 0 where it may be 0."""
        if self.least is None:
            return floats(len(self.cost))
        return self.least if self.whole is None else np.where(self.whole, 0.0, self.least)


class CutShortError(Exception):
    """A search found nothing within the nodes it may take."""


@dataclass(frozen=True, slots=True)
class Solution:
    """``value`` per column and ``missing`` MW per row; in EUR/MWh, what one more MW of its bound adds to the cost:
    ``dual`` per row, ``balance_dual`` of the balance (0: there is none). A search that was ended
    has not ``proved`` that there is nothing better.
    """

    value: Floats
    missing: Floats
    dual: Floats
    balance_dual: float
    proved: bool = True

    @property
    def multiplier(self) -> Floats:
        """What one MW of relief is worth per row, EUR/MWh (>= 0)."""
        return np.abs(self.dual)


def solve(program: Program) -> Solution:
    """Return the cheapest solution; if there is none, the cheapest of those that miss the least MW in all.

    The solver is cleared before each run: no basis is carried over, so the answer depends on the arguments alone.

    Raises:
        CutShortError: if a search finds nothing in the nodes that it may take.
        SimulationError: if no solution keeps the balance.
    """
    return _require(find(program))


def find(program: Program) -> Solution | None:
    """Return the same, or None if no solution keeps the balance."""
    cheapest = _run(program, program.cost, 0.0, most_missing_mw=0.0)
    if cheapest is None:
        least = _run(program, floats(len(program.cost)), 1.0, most_missing_mw=INFINITY)
        if least is None:
            return None
        rounding_mw = QUANTITY_TOLERANCE_MW if program.whole is None else SEARCH_TOLERANCE_MW
        budget_mw = float(least.missing.sum()) + rounding_mw
        cheapest = _run(program, program.cost, 0.0, most_missing_mw=budget_mw)
        if cheapest is None and program.whole is not None:
            return replace(least, proved=False)
        cheapest = _require(cheapest)
        cheapest = replace(cheapest, proved=cheapest.proved and least.proved)
    return cheapest


def _require(solution: Solution | None) -> Solution:
    if solution is None:
        raise SimulationError("flexibility market: HiGHS finds a program infeasible that has a solution")
    return solution


def _run(program: Program, cost: Floats, missing_cost: float, most_missing_mw: float) -> Solution | None:
    """Return the solution for one objective, None if no solution misses so little."""
    from highspy import HighsModelStatus, SolutionStatus

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
    ended = status == HighsModelStatus.kSolutionLimit
    if ended and solver.getInfo().primal_solution_status != SolutionStatus.kSolutionStatusFeasible.value:
        raise CutShortError
    if status != HighsModelStatus.kOptimal and not ended:
        raise SimulationError(f"flexibility market: HiGHS stopped with '{solver.modelStatusToString(status)}'")
    solution = solver.getSolution()
    columns, dual = (np.array(each, dtype=np.float64) for each in (solution.col_value, solution.row_dual))
    columns[columns < QUANTITY_TOLERANCE_MW] = 0.0
    return Solution(
        value=np.clip(columns[:n], program.lowest, program.most),
        missing=columns[n : n + n_rows] + columns[n + n_rows :],
        dual=dual[:n_rows],
        balance_dual=0.0 if program.balance is None else float(dual[n_rows + 1]),
        proved=not ended,
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
    if program.whole is None:
        solver.setOptionValue("presolve", "off")  # two to three times faster without, from 50 to 100 000 nonzeros
    else:
        # nodes are counted and seconds are not, on one thread: a search ends alike on every machine
        for name, value in {**EXACT, "mip_max_nodes": program.nodes, "parallel": "off", "random_seed": 0}.items():
            solver.setOptionValue(name, value)
    solver.setOptionValue("primal_feasibility_tolerance", QUANTITY_TOLERANCE_MW)
    solver.passModel(  # all at once, as arrays: their numbers are not turned into Python's one by one
        n + slacks,
        n_rows + others,
        len(row),
        MatrixFormat.kRowwise.value,
        ObjSense.kMinimize.value,
        0.0,  # constant of the objective
        np.concatenate([cost, np.full(slacks, missing_cost)]),
        np.concatenate([floats(n) if program.least is None else program.least, floats(slacks)]),
        np.concatenate([program.most, np.full(slacks, INFINITY)]),
        np.concatenate([program.lower, floats(others)]),
        np.concatenate([program.upper, [most_missing_mw, 0.0][:others]]),
        row.searchsorted(np.arange(n_rows + others)).astype(np.int32),
        column.astype(np.int32),
        matrix[row, column],
        _kinds(program, n + slacks),
    )
    return solver


def _kinds(program: Program, n_columns: int) -> "np.typing.NDArray[np.int32]":
    """Return whether a column is continuous (0), or 0 or else from its least to its most (2)."""
    kinds = np.zeros(n_columns, dtype=np.int32)
    if program.whole is not None:
        kinds[: len(program.whole)][program.whole] = SEMI_CONTINUOUS
    return kinds


def _cleared() -> Any:
    """Return this thread's HiGHS without model, basis or options: making one takes as long as a small program."""
    from highspy import Highs

    if not hasattr(_OF_THREAD, "solver"):
        _OF_THREAD.solver = Highs()
    _OF_THREAD.solver.clear()
    return _OF_THREAD.solver
