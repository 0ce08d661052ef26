"""What the DSO has to keep, and where it is not kept."""

import numpy as np

from peerflex.core.arrays import Bools, Floats, Ints
from peerflex.core.network import BranchTable, BusTable, GridState, Limits, Violations

TOLERANCE = 1e-6
"""Per unit: an excess up to this is what a cleared flexibility market may leave; no meter would see it."""


def uniform_limits(buses: BusTable, branches: BranchTable, v_min_pu: float, v_max_pu: float, loading: float) -> Limits:
    """Return the same voltage limits at every bus and the same loading limit for every branch."""
    return Limits(
        v_min_pu=np.full(len(buses), v_min_pu),
        v_max_pu=np.full(len(buses), v_max_pu),
        loading=np.full(len(branches), loading),
    )


def find_violations(state: GridState, limits: Limits) -> Violations:
    """Return every limit that is not kept: loadings, then low voltages, then high ones, each in table order.

    Linear states have no voltages, hence no violated ones.
    """
    parts = (
        _beyond(False, state.loading, limits.loading, state.loading - limits.loading),
        _beyond(True, state.v_pu, limits.v_min_pu, limits.v_min_pu - state.v_pu),
        _beyond(True, state.v_pu, limits.v_max_pu, state.v_pu - limits.v_max_pu),
    )
    columns = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Violations(*columns)


def _beyond(
    is_voltage: bool, value: Floats, limit: Floats, excess: Floats
) -> tuple[Bools, Ints, Floats, Floats, Floats]:
    element = np.flatnonzero(excess > TOLERANCE)  # NaN is never beyond
    return np.full(len(element), is_voltage), element, value[element], limit[element], excess[element]
