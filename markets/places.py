"""Places: buses that are all the same to the branches at risk, and what a sale from one to another does to these."""

from dataclasses import dataclass

import numpy as np

from peerflex.core.arrays import Bools, Floats, Ints, ints
from peerflex.core.network import Sensitivities

COMPARED_AT_A_TIME = 1_000_000
"""Pairs of places, of so many branches at a time: all branches at once would take too much memory."""
WHOLE = 1e-9
"""Effects this near to whole numbers are those of a radial grid in linear physics."""


@dataclass(frozen=True, slots=True)
class Places:
    """``of_bus`` ``(buses,)`` is the place of each bus; ``harmed`` ``(places, places)`` counts branches at risk.

    ``harmed[A, B]`` of them are loaded further by a sale from A (rows) to B (columns), and ``helped`` unloaded.
    """

    of_bus: Ints
    harmed: Ints

    @property
    def helped(self) -> Ints:
        """What a sale does, the opposite sale undoes."""
        return self.harmed.T


def find_places(at_risk: Sensitivities, least_effect: float) -> Places:
    """Return the places of a grid whose branches at risk are the rows of ``at_risk``.

    A MW injected at a bus changes what a branch carries, in the direction of its flow, by an *effect* in MW; a sale
    changes it by the seller's effect less the buyer's. Effects of a branch that lie within ``least_effect`` of each
    other count as one *level*, and a sale harms the branch if the seller is on a higher level than the buyer.

    Comparing levels, not effects, is what makes a place of many buses, and the relation of places transitive: if A may
    sell to B and B to C, then A to C. In a radial grid there are two levels, before the branch and behind it: 0 and +-1
    without losses, scattered round that with them.
    """
    level = _levels(_effects(at_risk), least_effect)
    order = np.lexsort(level) if len(level) else np.arange(level.shape[1])
    ranked = level[:, order]
    begins = np.concatenate([[True], (ranked[:, 1:] != ranked[:, :-1]).any(axis=0)])
    of_bus = np.empty_like(order)
    of_bus[order] = np.cumsum(begins) - 1
    at = ranked[:, begins]
    n_branches, n_places = at.shape
    harmed = ints(n_places, n_places)
    some = max(1, COMPARED_AT_A_TIME // n_places**2)
    for first in range(0, n_branches, some):
        part = at[first : first + some]
        harmed += (part[:, :, None] > part[:, None, :]).sum(axis=0)
    return Places(of_bus, harmed)


def _effects(at_risk: Sensitivities) -> Floats:
    """Return the change in MW per MW injected ``(branches, buses)``; 0 where the slope is not a number."""
    with np.errstate(invalid="ignore"):
        effect = np.sign(at_risk.value)[:, None] * at_risk.by_mw * at_risk.mw_per_unit[:, None]
    return np.where(np.isfinite(effect), effect, 0.0)


def _levels(effect: Floats, widest: float) -> Ints:
    """Return the level of each effect, per row and from 0 up: cut at the widest gap until no level is too wide."""
    whole = np.rint(effect)
    if widest < 1.0 and np.abs(effect - whole).max(initial=0.0) < WHOLE:  # no losses, no meshes: nothing to cut
        levels: Ints = (whole - whole.min(axis=1, keepdims=True, initial=0.0)).astype(np.int64)
        return levels
    ranked = np.sort(effect, axis=1)
    gap = np.diff(ranked, axis=1)
    begins = np.zeros(effect.shape, dtype=np.bool_)
    begins[:, :1] = True
    while (cut := np.where(_width(ranked, begins)[:, 1:] > widest, gap, 0.0)).any():
        rows = np.flatnonzero(cut.any(axis=1))
        columns = cut[rows].argmax(axis=1)
        begins[rows, columns + 1] = True
        gap[rows, columns] = 0.0
    level = ints(*effect.shape)
    for row, column in np.argwhere(begins[:, 1:]):
        level[row] += effect[row] >= ranked[row, column + 1]
    return level


def _width(ranked: Floats, begins: Bools) -> Floats:
    """Return the width of the level that each of the rising values is in; ``begins`` marks each level's first."""
    ends = np.concatenate([begins[:, 1:], begins[:, :1]], axis=1)
    lowest = np.maximum.accumulate(np.where(begins, ranked, -np.inf), axis=1)
    highest = np.minimum.accumulate(np.where(ends, ranked, np.inf)[:, ::-1], axis=1)[:, ::-1]
    return highest - lowest
