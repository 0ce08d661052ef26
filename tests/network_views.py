"""What a DSO's incentive may know, made by hand: of slopes alone, or of a grid and what is injected."""

from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from peerflex.core.arrays import Ints, floats
from peerflex.core.network import BranchTable, BusTable, GridState, Injections, Limits, Sensitivities
from peerflex.core.protocols import Grid, NetworkView


@dataclass(frozen=True)
class Said:
    """A grid that knows the slopes of its branches and nothing else."""

    slopes: Sensitivities

    @property
    def buses(self) -> BusTable:
        raise NotImplementedError

    @property
    def branches(self) -> BranchTable:
        raise NotImplementedError

    def solve(self, injections: Injections) -> GridState:
        raise NotImplementedError

    def loss_slopes(self, state: GridState) -> Any:
        raise NotImplementedError

    def sensitivities(self, state: GridState, branches: Ints, buses: Ints) -> Sensitivities:
        assert len(branches) == len(self.slopes.branch)
        return self.slopes


def view_of_slopes(slopes: Sensitivities, bus_of_peer: Ints) -> NetworkView:
    """Return the view of a network all of whose branches are at risk."""
    n_branches, n_buses = slopes.by_mw.shape
    buses, branches = floats(n_buses), floats(n_branches)
    loading = np.ones(n_branches)
    state = GridState(
        buses, buses, buses, buses, buses, loading, branches, 0.0, 0.0, 0.0, method="zbus", iterations=1, deviation_pu=0
    )
    limits = Limits(buses, buses, branches)
    return NetworkView(Said(slopes), limits, state, bus_of_peer, np.ones(len(bus_of_peer), dtype=np.bool_), 0.0)


def view_of_grid(
    grid: object,
    injections: Injections,
    bus_of_peer: Ints,
    v_pu: tuple[float, float] = (0.9, 1.1),
    loss_eur_per_mwh: float = 90.0,
) -> NetworkView:
    """Return the view of a network with the same limits everywhere and these injections in the forecast."""
    grid = cast(Grid, grid)  # a grid made by hand need not know what it is not asked
    n = len(grid.buses)
    limits = Limits(np.full(n, v_pu[0]), np.full(n, v_pu[1]), np.ones(len(grid.branches)))
    trade = np.ones(len(bus_of_peer), dtype=np.bool_)
    return NetworkView(grid, limits, grid.solve(injections), bus_of_peer, trade, loss_eur_per_mwh)
