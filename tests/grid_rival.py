"""What pandapower itself says of a network, to hold against the engine."""

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pandapower

from peerflex.core.types import GridState, Injections
from peerflex.grid.connections import base_case
from peerflex.grid.network import Network, open_network


def open_saved(net: Any, folder: Path) -> Network:
    """Open a pandapower network the way a user does: from a file."""
    stored = copy.deepcopy(net)
    stored.pop("profiles", None)
    pandapower.to_json(stored, str(folder / "net.json"))
    return open_network("pandapower", "net.json", base=folder)


def file_loads(network: Network) -> Injections:
    return base_case(network.connections, len(network.ac.buses))


def compare(net: Any, network: Network, state: GridState) -> tuple[float, float]:
    """Return (largest |dv|, largest |dloading|) against ``runpp`` on the file's own elements, never on ours."""
    net.storage["in_service"] = False
    pandapower.runpp(net, numba=False, tolerance_mva=1e-10)
    named = {name: index for index, name in net.bus.name.items()}
    assert len(named) == len(net.bus), "the comparison goes by name"
    buses = [named[name] for name in network.ac.buses.name]
    dv = np.abs(net.res_bus.vm_pu[buses].to_numpy() - state.v_pu).max()

    deviation = 0.0
    for kind in ("line", "trafo"):
        by_name = dict(zip(net[kind].name, net[f"res_{kind}"].loading_percent / 100, strict=True))
        ours = {
            name: loading
            for name, its_kind, loading in zip(
                network.ac.branches.name, network.ac.branches.kind, state.loading, strict=True
            )
            if its_kind == kind
        }
        assert set(ours) <= set(by_name)
        assert len(ours) == int((net[f"res_{kind}"].i_from_ka > 0).sum()) if kind == "line" else True
        deviation = max([deviation, *(abs(by_name[name] - loading) for name, loading in ours.items())])
    return float(dv), deviation


def name_everything(net: Any) -> Any:
    """Give buses and branches names of their own, so that a comparison can go by name."""
    for kind in ("bus", "line", "trafo"):
        net[kind]["name"] = [f"{kind}-{index}" for index in net[kind].index]
    return net
