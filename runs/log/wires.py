"""Where buses and branches are, for whoever draws them: from the log, or from the network of an older one."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from peerflex.core.arrays import Floats, Ints
from peerflex.core.errors import InputError
from peerflex.runs.log.manifest import Manifest


@dataclass(frozen=True, slots=True)
class Wires:
    """A network to draw: bus columns ``(buses,)``, branch columns ``(branches,)``; no rating is infinite."""

    bus_names: tuple[str, ...]
    x: Floats
    y: Floats
    branch_names: tuple[str, ...]
    from_bus: Ints
    to_bus: Ints
    rating_mva: Floats


def wires_of(folder: Path, manifest: Manifest) -> Wires:
    """Return the network of a run.

    Raises:
        InputError: if the log is an older one without coordinates and its network cannot be built again, or if the
            columns do not fit each other.
    """
    if not manifest.bus_x:
        return _rebuilt(folder, manifest)
    n_buses, n_branches = len(manifest.buses), len(manifest.branches)
    ends = np.array([manifest.branch_from, manifest.branch_to], dtype=np.int64)
    fits = len(manifest.bus_x) == len(manifest.bus_y) == n_buses and ends.shape == (2, n_branches)
    if not fits or (n_branches and (ends.min() < 0 or ends.max() >= n_buses)):
        raise InputError(
            f"{folder}/manifest.json", "its buses and branches do not fit each other", "Restore it from a copy."
        )
    rating_mva = np.array([np.inf if mva is None else mva for mva in manifest.branch_rating_mva], dtype=np.float64)
    x, y = np.array(manifest.bus_x, dtype=np.float64), np.array(manifest.bus_y, dtype=np.float64)
    return Wires(manifest.buses, x, y, manifest.branches, ends[0], ends[1], rating_mva)


def _rebuilt(folder: Path, manifest: Manifest) -> Wires:
    from peerflex.grid.network import open_network
    from peerflex.scenarios.load import restore_scenario

    scenario = restore_scenario(manifest.scenario, folder / "inputs", f"{folder}/manifest.json").scenario
    grid = scenario.grid
    network = open_network(grid.source, grid.path or grid.code or "", base=folder / "inputs", seed=scenario.seed)
    buses, branches = network.wires.buses, network.wires.branches
    if len(buses) != len(manifest.buses) or len(branches) != len(manifest.branches):
        raise InputError(str(folder), "its network is not the one it was simulated on", "Simulate it again.")
    names = manifest.buses, manifest.branches
    return Wires(names[0], buses.x, buses.y, names[1], branches.from_bus, branches.to_bus, branches.rating_mva)
