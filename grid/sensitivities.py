"""How loadings and voltages move with the injection at every bus, exactly, at an AC operating point."""

from itertools import product
from typing import Any

import numpy as np
from scipy.sparse import csc_array
from scipy.sparse.linalg import splu

from peerflex.core.arrays import Floats, Ints
from peerflex.core.network import Sensitivities
from peerflex.grid.compiled import Compiled, Complexes, Sparse

_ROUNDING = 1e-13
"""Of the voltage across a branch: a current that this alone would drive is none."""


class AcSlopes:
    """Sensitivities of one network: the pattern of its Jacobian is found once, the values at each operating point.

    With mismatch equations f(x) = s, x the angles and magnitudes, a quantity g(x) moves by dg/ds = J^-T dg/dx (the
    adjoint: one transposed solve a row, however many the buses); J as in R. D. Zimmerman, "AC power flows,
    generalized OPF costs and their derivatives using complex matrix notation", MATPOWER Technical Note 2, 2010.
    Where |V| is held (slack, generators) Q moves nothing, at the slack P neither.
    """

    def __init__(self, wires: Compiled) -> None:
        self._wires = wires
        angle_rows = np.setdiff1d(np.arange(wires.n_rows), wires.slack)
        size_rows = np.setdiff1d(angle_rows, wires.regulated)
        # Position of each row's angle and magnitude among the unknowns (and of its P and Q among the equations); what
        # is held goes to one position more, which nobody reads.
        self._n = len(angle_rows) + len(size_rows)
        self._angle, self._size = np.full(wires.n_rows, self._n), np.full(wires.n_rows, self._n)
        self._angle[angle_rows] = np.arange(len(angle_rows))
        self._size[size_rows] = len(angle_rows) + np.arange(len(size_rows))
        self._find_pattern()
        self._y_from, self._y_to = (self._at_ends(y) for y in (wires.y_from, wires.y_to))

    def _at_ends(self, y: Sparse) -> tuple[Complexes, Complexes]:
        """Return what a branch's from-end and to-end voltage add to a current; both ends may be one row."""
        wires, each = self._wires, np.arange(len(self._wires.edge))
        start, end = wires.edge_from[wires.edge], wires.edge_to[wires.edge]
        return np.asarray(y[each, start]), np.where(start == end, 0.0, np.asarray(y[each, end]))

    def _find_pattern(self) -> None:
        """Say where each value that ``_jacobian`` computes goes in the sparse matrix, in columns."""
        y, n_rows = self._wires.y_bus.tocoo(), self._wires.n_rows
        off = y.row != y.col
        every = np.arange(n_rows)  # the diagonal first, there or not
        self._i, self._j = np.concatenate([every, y.row[off]]), np.concatenate([every, y.col[off]])
        self._y = np.concatenate([self._wires.y_bus.diagonal(), y.data[off]])
        rows, columns, values = [], [], []
        for block, (unknown, equation) in enumerate(product((self._angle, self._size), repeat=2)):
            row, column = equation[self._i], unknown[self._j]
            kept = np.flatnonzero((row < self._n) & (column < self._n))
            rows.append(row[kept])
            columns.append(column[kept])
            values.append(kept + block * len(self._i))
        row, column = np.concatenate(rows), np.concatenate(columns)
        order = np.lexsort((row, column))
        self._values, self._indices = np.concatenate(values)[order], row[order].astype(np.int32)
        self._starts = np.searchsorted(column[order], np.arange(self._n + 1)).astype(np.int32)

    def _derivatives(self, v: Complexes) -> tuple[Complexes, Complexes]:
        """Return what each angle and each magnitude does to each row's P + jQ, where they are in the pattern."""
        by_size = v[self._i] * (self._y * v[self._j]).conj()
        by_angle = -1j * by_size
        injected = v * (self._wires.y_bus @ v).conj()
        by_angle[: len(v)] += 1j * injected
        by_size[: len(v)] += injected
        by_size /= np.abs(v)[self._j]
        return by_angle, by_size

    def _jacobian(self, by_angle: Complexes, by_size: Complexes) -> Sparse:
        """Return d(P, Q) / d(angle, magnitude), sparse, in columns."""
        blocks = np.concatenate([by_angle.real, by_angle.imag, by_size.real, by_size.imag])
        return csc_array((blocks[self._values], self._indices, self._starts), shape=(self._n, self._n))

    def at(self, v: Complexes, branches: Ints, buses: Ints) -> Sensitivities:
        """Return the sensitivities of signed loadings (``branches``) and voltages (``buses``) to P and Q at every bus.

        ``v`` ``(rows,)`` solves the power flow. The signed loading is the loading times the sign of the active flow at
        the from-bus; where no current flows its slope is taken along active power, as any active flow would have it.
        """
        wires, n_branches, n_buses = self._wires, len(branches), len(buses)
        gradient = np.zeros((self._n + 1, n_branches + n_buses))
        loading = self._loading_gradients(v, branches, gradient)
        gradient[self._size[wires.row[buses]], n_branches + np.arange(n_buses)] = 1.0

        lu: Any = splu(self._jacobian(*self._derivatives(v)))
        adjoint: Floats = np.zeros_like(gradient)
        adjoint[: self._n] = lu.solve(gradient[: self._n], "T")
        by_mw, by_mvar = (
            np.ascontiguousarray(adjoint[place[wires.row]].T) / wires.base_mva for place in (self._angle, self._size)
        )
        own = by_mw[n_branches + np.arange(n_buses), buses]
        return Sensitivities(
            branch=branches,
            bus=buses,
            value=np.concatenate([loading, np.abs(v[wires.row[buses]])]),
            by_mw=by_mw,
            by_mvar=by_mvar,
            mw_per_unit=np.concatenate([wires.branches.rating_mva[branches], _reciprocal(own)]),
        )

    def losses(self, v: Complexes) -> Floats:
        """Return the MW lost per MW injected at each bus ``(buses,)``: what all rows together inject more."""
        by_angle, by_size = self._derivatives(v)
        gradient = np.zeros(self._n + 1)
        np.add.at(gradient, self._angle[self._j], by_angle.real)
        np.add.at(gradient, self._size[self._j], by_size.real)
        lu: Any = splu(self._jacobian(by_angle, by_size))
        adjoint = np.zeros(self._n + 1)
        adjoint[: self._n] = lu.solve(gradient[: self._n], "T")
        slopes: Floats = adjoint[self._angle[self._wires.row]]
        return slopes

    def _loading_gradients(self, v: Complexes, branches: Ints, gradient: Floats) -> Floats:
        """Return the signed loading of the branches, and fill in their columns of ``gradient`` (unknowns, columns)."""
        wires, edge = self._wires, self._wires.edge[branches]
        start, end = wires.edge_from[edge], wires.edge_to[edge]
        (from_start, from_end), (to_start, to_end) = (
            (at_start[branches], at_end[branches]) for at_start, at_end in (self._y_from, self._y_to)
        )
        v_from, v_to = v[start], v[end]
        i_from, i_to = from_start * v_from + from_end * v_to, to_start * v_from + to_end * v_to
        from_scale, to_scale = wires.from_scale[branches], wires.to_scale[branches]
        at_from = np.abs(i_from) * from_scale >= np.abs(i_to) * to_scale

        scale = np.where(at_from, from_scale, to_scale)
        current = np.where(at_from, i_from, i_to)
        # without current: the direction it would take if active power flowed, towards the to-bus
        idle = np.where(at_from, v_from / np.abs(v_from), -v_to / np.abs(v_to))
        size = np.abs(current)
        flows = size * wires.edge_z_pu[edge] > _ROUNDING
        sign = np.where(flows & ((v_from * i_from.conj()).real < 0), -1.0, 1.0)
        unit = np.where(flows, current / np.where(flows, size, 1.0), idle)
        column = np.arange(len(branches))
        for row, voltage, slope in (
            (start, v_from, np.where(at_from, from_start, to_start)),
            (end, v_to, np.where(at_from, from_end, to_end)),
        ):
            moved = sign * scale * unit.conj() * slope * voltage
            gradient[self._angle[row], column] += -moved.imag
            gradient[self._size[row], column] += moved.real / np.abs(voltage)
        return sign * scale * size


def no_sensitivities(branches: Ints, buses: Ints, n_buses: int) -> Sensitivities:
    """Return what can be said of a grid without a solution: no value, and nothing that moves it."""
    n_rows = len(branches) + len(buses)
    nothing, unknown = np.zeros((n_rows, n_buses)), np.full(n_rows, np.nan)
    return Sensitivities(branches, buses, unknown, nothing, nothing, unknown)


def _reciprocal(slope: Floats) -> Floats:
    return np.where(slope == 0, np.nan, 1.0 / np.where(slope == 0, 1.0, slope))
