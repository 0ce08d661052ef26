"""From the voltages a solver found to the state of the grid that everybody else reads."""

from dataclasses import dataclass

import numpy as np

from peerflex.core.arrays import Bools, Floats
from peerflex.core.network import GridState, Injections
from peerflex.grid.compiled import Compiled, Complexes


@dataclass(frozen=True, slots=True)
class Flow:
    """A power flow that ``method`` ('zbus' or 'newton') solved.

    ``v`` is the complex voltage of every row of the admittance matrix ``(rows,)``.

    ``exchange_mva`` (p + jq) is what the upstream grid gives, ``regulated_mvar`` ``(buses,)`` the reactive power
    that generators add to hold their voltage; ``deviation_pu`` the largest power mismatch left.
    """

    method: str
    v: Complexes
    exchange_mva: complex
    regulated_mvar: Floats
    iterations: int
    deviation_pu: float


def usable(injections: Injections) -> tuple[Floats, Floats, Bools]:
    """Return (p_mw, q_mvar, whether each bus was given as finite numbers); the others are taken as 0."""
    finite = np.isfinite(injections.p_mw) & np.isfinite(injections.q_mvar)
    if finite.all():
        return injections.p_mw, injections.q_mvar, finite
    return np.where(finite, injections.p_mw, 0.0), np.where(finite, injections.q_mvar, 0.0), finite


def branch_columns(wires: Compiled, v: Complexes) -> tuple[Floats, Floats]:
    """Return (loading, flow_mw) of every branch; ``v`` is ``(rows,)`` or ``(rows, steps)``, so is the answer."""
    current_from: Complexes = wires.y_from @ v
    current_to: Complexes = wires.y_to @ v
    column = (slice(None),) + (None,) * (v.ndim - 1)
    loading = np.maximum(np.abs(current_from) * wires.from_scale[column], np.abs(current_to) * wires.to_scale[column])
    flow = v[wires.edge_from[wires.edge]] * current_from.conj()
    return loading, flow.real * wires.base_mva


def state_of(wires: Compiled, flow: Flow, p_mw: Floats, q_mvar: Floats, shed_mw: Floats, method: str) -> GridState:
    """Return the state with the given injections (as really made) and the voltages of ``flow``."""
    loading, flow_mw = branch_columns(wires, flow.v)
    v = flow.v[wires.row]
    return GridState(
        v_pu=np.abs(v),
        angle_rad=np.angle(v),
        p_mw=p_mw,
        q_mvar=q_mvar + flow.regulated_mvar,
        shed_mw=shed_mw,
        loading=loading,
        flow_mw=flow_mw,
        loss_mw=float(p_mw.sum()) + flow.exchange_mva.real,
        exchange_mw=flow.exchange_mva.real,
        exchange_mvar=flow.exchange_mva.imag,
        method=method,
        iterations=flow.iterations,
        deviation_pu=flow.deviation_pu,
    )


def dark(wires: Compiled, asked_mw: Floats) -> GridState:
    """Return the state in which everything is off: no voltage, no flow, all that was asked taken off."""
    buses, branches = np.zeros(len(wires.buses)), np.zeros(len(wires.branches))
    return GridState(
        v_pu=buses,
        angle_rad=buses,
        p_mw=buses,
        q_mvar=buses,
        shed_mw=-asked_mw,
        loading=branches,
        flow_mw=branches,
        loss_mw=0.0,
        exchange_mw=0.0,
        exchange_mvar=0.0,
        method="dark",
        iterations=0,
        deviation_pu=0.0,
    )
