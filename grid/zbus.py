"""The fast power flow: pandapower's admittance matrix, factorised once, and the Z-bus fixed point."""

from typing import Any

import numpy as np
from scipy.sparse.linalg import splu

from peerflex.core.arrays import Floats
from peerflex.grid.compiled import Compiled, Complexes

STEP_PU = 1e-10
"""Converged when no voltage moves more than this in an iteration. Steps shrink by a factor; one that gets here within
MAX_ITERATIONS is below 0.9, so that the error left is below 1e-9 pu."""
MAX_ITERATIONS = 200


class Zbus:
    """Solves V = w + Y_LL^-1 conj(S / V), w the voltages without any injection.

    Exact for constant power at every row and given voltage at the slack rows; see Chen et al., "Distribution
    system power flow analysis: a rigid approach", IEEE Trans. Power Delivery 6 (1991), and Bolognani & Zampieri,
    IEEE Trans. Power Systems 31 (2016), for when it converges. Every solution starts from w: no memory.
    """

    def __init__(self, wires: Compiled) -> None:
        self._wires = wires
        self._inner = np.setdiff1d(np.arange(wires.n_rows), wires.slack)
        inner_rows = wires.y_bus[self._inner]
        self._slack_rows = wires.y_bus[wires.slack]
        # next to a tree there is nothing for SuperLU's dense blocks to gain: without them a solve takes half the time
        self._lu: Any = splu(inner_rows[:, self._inner].tocsc(), permc_spec="MMD_AT_PLUS_A", relax=1, panel_size=1)
        self._idle: Complexes = self._lu.solve(-(inner_rows[:, wires.slack] @ wires.slack_v))

    def voltages(self, injected_pu: Complexes, limit: int = MAX_ITERATIONS) -> tuple[Complexes, int, Floats]:
        """Return (voltages, iterations, largest power mismatch in pu) for injections ``(rows,)`` or ``(rows, steps)``.

        The mismatch (one number, or ``(steps,)``) is infinite where there is no solution within ``limit`` iterations.
        """
        power = injected_pu[self._inner].conj()
        idle = self._idle if power.ndim == 1 else self._idle[:, None]
        v: Complexes = idle
        iterations = 0
        with np.errstate(all="ignore"):
            while iterations < limit:
                last, iterations = v, iterations + 1
                v = idle + self._lu.solve(power / last.conj())
                moved = np.abs(v - last)
                if moved.max() <= STEP_PU:
                    break
            mismatch = (np.abs(power) * moved / np.abs(last)).max(axis=0)
        solved = moved.max(axis=0) <= STEP_PU
        return self._with_slack(v), iterations, np.where(solved, mismatch, np.inf)

    def _with_slack(self, v: Complexes) -> Complexes:
        everywhere = np.empty((self._wires.n_rows, *v.shape[1:]), dtype=np.complex128)
        everywhere[self._inner] = v
        everywhere[self._wires.slack] = self._wires.slack_v.reshape(-1, *[1] * (v.ndim - 1))
        return everywhere

    def exchange_mva(self, v: Complexes, injected_pu: Complexes) -> Complexes:
        """Return what the upstream grid gives (p + jq) for solved voltages, summed over its connections."""
        slack = self._wires.slack
        given: Complexes = v[slack] * (self._slack_rows @ v).conj() - injected_pu[slack]
        total: Complexes = given.sum(axis=0) * self._wires.base_mva
        return total
