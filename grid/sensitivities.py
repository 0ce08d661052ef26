"""How loadings and voltages move with the injection at every bus, exactly, at an AC operating point."""

from typing import Any

import numpy as np
from scipy.sparse import block_array, csr_array, diags_array
from scipy.sparse.linalg import splu

from peerflex.core.types import Floats, Ints, Sensitivities
from peerflex.grid.compiled import Compiled, Complexes, Sparse

_ROUNDING = 1e-13
"""Of the voltage across a branch: a current that this alone would drive is none."""


def ac_sensitivities(wires: Compiled, v: Complexes, branches: Ints, buses: Ints) -> Sensitivities:
    """Return the sensitivities of signed loadings (``branches``) and voltages (``buses``) to P and Q at every bus.

    ``v`` ``(rows,)`` solves the power flow. With mismatch equations f(x) = s, x the angles and magnitudes, a
    quantity g(x) moves by dg/ds = J^-T dg/dx (the adjoint: one transposed solve a row, however many the buses);
    J as in R. D. Zimmerman, "AC power flows, generalized OPF costs and their derivatives using complex matrix
    notation", MATPOWER Technical Note 2, 2010. Where |V| is held (slack, generators) Q moves nothing, at the
    slack P neither.

    The signed loading is the loading times the sign of the active flow at the from-bus; where no current flows
    its slope is taken along active power, as any active flow would have it.
    """
    angle_rows = np.setdiff1d(np.arange(wires.n_rows), wires.slack)
    size_rows = np.setdiff1d(angle_rows, wires.regulated)
    loading, by_angle, by_size = _loading_gradients(wires, v, branches)
    gradient = np.zeros((len(branches) + len(buses), len(angle_rows) + len(size_rows)))
    gradient[: len(branches), : len(angle_rows)] = by_angle[:, angle_rows]
    gradient[: len(branches), len(angle_rows) :] = by_size[:, size_rows]
    position = np.full(wires.n_rows, -1)
    position[size_rows] = np.arange(len(size_rows))
    place = position[wires.row[buses]]
    held = place < 0
    gradient[len(branches) + np.flatnonzero(~held), len(angle_rows) + place[~held]] = 1.0

    lu: Any = splu(_jacobian(wires, v, angle_rows, size_rows))
    adjoint: Floats = lu.solve(np.ascontiguousarray(gradient.T), "T").T
    by_p, by_q = np.zeros((len(gradient), wires.n_rows)), np.zeros((len(gradient), wires.n_rows))
    by_p[:, angle_rows] = adjoint[:, : len(angle_rows)]
    by_q[:, size_rows] = adjoint[:, len(angle_rows) :]
    by_mw, by_mvar = by_p[:, wires.row] / wires.base_mva, by_q[:, wires.row] / wires.base_mva
    own = by_mw[len(branches) + np.arange(len(buses)), buses]
    return Sensitivities(
        branch=branches,
        bus=buses,
        value=np.concatenate([loading, np.abs(v[wires.row[buses]])]),
        by_mw=by_mw,
        by_mvar=by_mvar,
        mw_per_unit=np.concatenate([wires.branches.rating_mva[branches], _reciprocal(own)]),
    )


def no_sensitivities(branches: Ints, buses: Ints, n_buses: int) -> Sensitivities:
    """Return what can be said of a grid without a solution: no value, and nothing that moves it."""
    n_rows = len(branches) + len(buses)
    nothing, unknown = np.zeros((n_rows, n_buses)), np.full(n_rows, np.nan)
    return Sensitivities(branches, buses, unknown, nothing, nothing, unknown)


def _reciprocal(slope: Floats) -> Floats:
    return np.where(slope == 0, np.nan, 1.0 / np.where(slope == 0, 1.0, slope))


def _jacobian(wires: Compiled, v: Complexes, angle_rows: Ints, size_rows: Ints) -> Sparse:
    """Return d(P at angle_rows, Q at size_rows) / d(angle, magnitude), sparse, in columns."""
    current: Complexes = wires.y_bus @ v
    by_polar = csr_array(diags_array(v) @ (wires.y_bus @ diags_array(v)).conj())  # v_i conj(Y_ij v_j)
    own = diags_array(v * current.conj())
    by_angle = csr_array(1j * (own - by_polar))
    by_size = csr_array((own + by_polar) @ diags_array(1.0 / np.abs(v)))
    return block_array(
        [
            [by_angle[angle_rows][:, angle_rows].real, by_size[angle_rows][:, size_rows].real],
            [by_angle[size_rows][:, angle_rows].imag, by_size[size_rows][:, size_rows].imag],
        ],
        format="csc",
    )


def _loading_gradients(wires: Compiled, v: Complexes, branches: Ints) -> tuple[Floats, Floats, Floats]:
    """Return (signed loading, its slope by angle, by magnitude) of the branches; slopes ``(branches, rows)``."""
    edge = wires.edge[branches]
    y_from, y_to = wires.y_from[branches], wires.y_to[branches]
    i_from, i_to = y_from @ v, y_to @ v
    from_scale, to_scale = wires.from_scale[branches], wires.to_scale[branches]
    at_from = np.abs(i_from) * from_scale >= np.abs(i_to) * to_scale

    scale = np.where(at_from, from_scale, to_scale)
    current = np.where(at_from, i_from, i_to)
    v_from, v_to = v[wires.edge_from[edge]], v[wires.edge_to[edge]]
    # without current: the direction it would take if active power flowed, towards the to-bus
    idle = np.where(at_from, v_from / np.abs(v_from), -v_to / np.abs(v_to))
    size = np.abs(current)
    flows = size * wires.edge_z_pu[edge] > _ROUNDING
    sign = np.where(flows & ((v_from * i_from.conj()).real < 0), -1.0, 1.0)
    unit = np.where(flows, current / np.where(flows, size, 1.0), idle)
    slope = diags_array(np.where(at_from, 1.0, 0.0)) @ y_from + diags_array(np.where(at_from, 0.0, 1.0)) @ y_to
    projected = diags_array(sign * scale * unit.conj()) @ slope
    by_angle = (projected @ diags_array(1j * v)).real.toarray()
    by_size = (projected @ diags_array(v / np.abs(v))).real.toarray()
    return sign * scale * size, by_angle, by_size
