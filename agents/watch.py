"""How near the wires are to their limits, and which of them deserve attention."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from peerflex.core.arrays import Floats, Ints
from peerflex.core.network import GridState, Limits


@dataclass(frozen=True, slots=True)
class Watch:
    """Branches and buses to look at, in rising order."""

    branches: Ints
    buses: Ints

    def __bool__(self) -> bool:
        return bool(self.branches.size or self.buses.size)

    def __or__(self, other: Self) -> "Watch":
        return Watch(np.union1d(self.branches, other.branches), np.union1d(self.buses, other.buses))


@dataclass(frozen=True, slots=True)
class Severity:
    """Share of its limit that every element uses: ``branch`` ``(branches,)``, ``bus`` ``(buses,)``; 1 is the limit."""

    branch: Floats
    bus: Floats

    def maximum(self, other: Self) -> "Severity":
        return Severity(np.fmax(self.branch, other.branch), np.fmax(self.bus, other.bus))

    def of(self, watch: Watch) -> Floats:
        """Return the shares of the watched rows, branches first."""
        return np.concatenate([self.branch[watch.branches], self.bus[watch.buses]])


def severity(state: GridState, limits: Limits) -> Severity:
    """Return the shares used in a state. Voltage is measured from the middle of its band; NaN uses nothing."""
    middle = (limits.v_min_pu + limits.v_max_pu) / 2
    half = (limits.v_max_pu - limits.v_min_pu) / 2
    shares = state.loading / limits.loading, np.abs(state.v_pu - middle) / half
    return Severity(*(np.fmax(share, 0.0) for share in shares))  # fmax passes over NaN


def worst(used: Severity, at_least: float, most: int | None) -> Watch:
    """Return the elements that use at least this share of their limit; the ``most`` worst of them if given."""
    branches, buses = np.flatnonzero(used.branch >= at_least), np.flatnonzero(used.bus >= at_least)
    watch = Watch(branches, buses)
    if most is None or branches.size + buses.size <= most:
        return watch
    order = np.argsort(-used.of(watch), kind="stable")[:most]
    return Watch(
        np.sort(branches[order[order < branches.size]]), np.sort(buses[order[order >= branches.size] - branches.size])
    )
