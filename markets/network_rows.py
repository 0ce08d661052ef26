"""The limits that count at an operating point of the network, in MW, and how peers move what they limit."""

from dataclasses import dataclass

import numpy as np

from peerflex.core.arrays import Bools, Floats, Ints, floats
from peerflex.core.network import GridState, Limits
from peerflex.core.people import PeerTable
from peerflex.core.protocols import Grid

BACK_OFF = 1e-5
"""Limits are drawn in by this much (per unit), so that what a linearisation misses is not a violation."""


@dataclass(frozen=True, slots=True)
class Near:
    """Elements near their limits: ``branch`` ``(branches,)`` and ``bus`` ``(buses,)``."""

    branch: Bools
    bus: Bools

    def __or__(self, other: "Near") -> "Near":
        return Near(self.branch | other.branch, self.bus | other.bus)

    def __len__(self) -> int:
        return int(np.count_nonzero(self.branch) + np.count_nonzero(self.bus))


@dataclass(frozen=True, slots=True)
class NetworkRows:
    """What is limited near a state: first what branches carry along their flow (MVA), then across it, then voltages.

    A branch may carry ``radius_mva`` ``(branches,)``, along and across together: its limit is a circle. A voltage,
    times the injection at its own bus that lifts it by 1 pu, stays from ``lower_mw`` to ``upper_mw`` ``(voltages,)``.
    ``branch`` and ``bus`` say which. ``value_mw`` ``(rows,)`` is what each row has at the state; ``by_mw`` and
    ``by_mvar`` ``(rows, buses)`` are how it moves per MW and Mvar injected.
    """

    branch: Ints
    bus: Ints
    value_mw: Floats
    radius_mva: Floats
    lower_mw: Floats
    upper_mw: Floats
    by_mw: Floats
    by_mvar: Floats

    def by_peer(self, peers: PeerTable) -> Floats:
        """Return the change per MW that each peer injects, its reactive power with it ``(rows, peers)``."""
        change: Floats = self.by_mw[:, peers.bus] + peers.tan_phi * self.by_mvar[:, peers.bus]
        return change


def excess(state: GridState, limits: Limits) -> float:
    """Return by how much the worst limit is exceeded, in per unit; infinite if not everybody can be served."""
    if state.method == "dark" or state.shed_mw.any():
        return float("inf")
    over = state.loading - limits.loading, limits.v_min_pu - state.v_pu, state.v_pu - limits.v_max_pu
    return float(np.fmax.reduce(np.concatenate(over), initial=0.0))  # passes over NaN: linear physics has no voltages


def slack(state: GridState, limits: Limits, branches: Ints, buses: Ints) -> float:
    """Return how far the farthest of these elements is from its nearest limit, in per unit; 0 of none."""
    v_pu = state.v_pu[buses]
    to_voltage = np.minimum(v_pu - limits.v_min_pu[buses], limits.v_max_pu[buses] - v_pu)
    to_loading = limits.loading[branches] - state.loading[branches]
    return float(np.concatenate([to_loading, to_voltage]).max(initial=0.0))


def near(state: GridState, limits: Limits, loading: float, voltage_pu: float) -> Near:
    """Return what uses at least the share ``loading`` of its limit, or is within ``voltage_pu`` of one."""
    low, high = state.v_pu < limits.v_min_pu + voltage_pu, state.v_pu > limits.v_max_pu - voltage_pu
    return Near(state.loading > loading * limits.loading, low | high)


def network_rows(grid: Grid, state: GridState, limits: Limits, near: Near) -> NetworkRows:
    """Return the rows of the given elements, linearised at a state.

    What a MW does along the flow a Mvar does across it, and the other way round, as a current turns with its power: so
    in a radial network without losses, and it is only the second order. Where reactive power loads nothing (linear
    physics) nothing is across. A voltage that no injection moves, such as the upstream grid's, is left out. Load that
    was taken off for a solution is put back in the value, as far as its active power goes.
    """
    branches, buses = np.flatnonzero(near.branch), np.flatnonzero(near.bus)
    n = len(branches)
    slopes = grid.sensitivities(state, branches, buses)
    movable = np.isfinite(slopes.mw_per_unit)
    buses, mw = buses[movable[n:]], slopes.mw_per_unit[movable]
    by_mw, by_mvar = slopes.by_mw[movable] * mw[:, None], slopes.by_mvar[movable] * mw[:, None]
    turns = by_mvar[:n].any(axis=1, keepdims=True)
    by_mw = np.concatenate([by_mw[:n], by_mvar[:n], by_mw[n:]])
    by_mvar = np.concatenate([by_mvar[:n], -by_mw[:n] * turns, by_mvar[n:]])
    value = slopes.value[movable] * mw
    return NetworkRows(
        branch=branches,
        bus=buses,
        value_mw=np.concatenate([value[:n], floats(n), value[n:]]) - (by_mw * state.shed_mw).sum(axis=1),
        radius_mva=(limits.loading[branches] - BACK_OFF) * mw[:n],
        lower_mw=(limits.v_min_pu[buses] + BACK_OFF) * mw[n:],
        upper_mw=(limits.v_max_pu[buses] - BACK_OFF) * mw[n:],
        by_mw=by_mw,
        by_mvar=by_mvar,
    )
