"""When the wires cannot carry what is asked: load is taken off in a stated order until they can."""

from collections.abc import Callable

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from peerflex.core.arrays import Bools, Floats, Ints
from peerflex.grid.compiled import Compiled
from peerflex.grid.state import Flow


def farthest_first(wires: Compiled) -> Ints:
    """Return all buses, the electrically farthest from the upstream grid first.

    Far is the sum of |impedance| (per unit) along the shortest path; of two equally far the later row goes first.
    """
    ends = np.concatenate([wires.edge_from, wires.edge_to]), np.concatenate([wires.edge_to, wires.edge_from])
    between = csr_array(_shortest(np.tile(wires.edge_z_pu, 2), ends), shape=(wires.n_rows, wires.n_rows))
    distance = dijkstra(between, indices=wires.slack, min_only=True)[wires.row]
    return np.lexsort((np.arange(len(distance)), distance))[::-1].astype(np.int64)


def _shortest(length: Floats, ends: tuple[Ints, Ints]) -> tuple[Floats, tuple[Ints, Ints]]:
    """Return one edge, the shortest, for each pair of rows: a sparse matrix would add parallel ones up."""
    by_pair = np.lexsort((length, ends[1], ends[0]))
    start, end = ends[0][by_pair], ends[1][by_pair]
    first = np.ones(len(by_pair), dtype=bool)
    first[1:] = (start[1:] != start[:-1]) | (end[1:] != end[:-1])
    # scipy takes a stored 0 for no edge
    return np.maximum(length[by_pair][first], 1e-12), (start[first], end[first])


def shed(
    order: Ints, p_mw: Floats, q_mvar: Floats, solve: Callable[[Floats, Floats], Flow | None]
) -> tuple[Flow, Bools] | None:
    """Return (the flow, which buses are off) with as few buses off as lead to a flow, or None if none does.

    Buses that take power go off in ``order``, whole, active and reactive together; generation stays on. The
    number is found by bisection, for which taking more load off must never lose a flow that fewer had.
    """
    takes = (p_mw < 0) | ((p_mw == 0) & (q_mvar < 0))
    candidates = order[takes[order]]

    def attempt(count: int) -> tuple[Flow | None, Bools]:
        off = np.zeros(len(p_mw), dtype=np.bool_)
        off[candidates[:count]] = True
        return solve(np.where(off, 0.0, p_mw), np.where(off, 0.0, q_mvar)), off

    too_few, enough = 0, len(candidates)
    best, best_off = attempt(enough)
    if best is None or not enough:
        return None
    while enough - too_few > 1:
        count = (too_few + enough) // 2
        flow, off = attempt(count)
        if flow is None:
            too_few = count
        else:
            enough, best, best_off = count, flow, off
    return best, best_off
