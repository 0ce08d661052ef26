"""What pandapower itself says of a network, to hold against the engine."""

import copy
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pandapower

from peerflex.core.network import GridState, Injections
from peerflex.grid.connections import base_case
from peerflex.grid.network import Network, open_network


def open_saved(net: Any, folder: Path) -> Network:
    """Open a pandapower network the way a user does: from a file."""
    stored = copy.deepcopy(net)
    stored.pop("profiles", None)
    pandapower.to_json(stored, str(folder / "net.json"))
    return open_network("pandapower", "net.json", base=folder)


@cache
def opened(source: str, name: str) -> Network:
    """Open a network once for many tests: it keeps no state."""
    return open_network(source, name)


@cache
def _multivoltage() -> Any:
    """Build it without the flow that comes with it: that would compile for seconds, and is compared with nothing."""
    with mock.patch("pandapower.networks.create_examples.runpp"):
        return pandapower.networks.example_multivoltage()


def multivoltage() -> Any:
    """Return pandapower's example of several voltages, with three windings and switches, as yet without a flow."""
    return copy.deepcopy(_multivoltage())


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

    deviations = []
    for kind in ("line", "trafo"):
        theirs = dict(zip(net[kind].name, net[f"res_{kind}"].loading_percent / 100, strict=True))
        rows = [row for row, its_kind in enumerate(network.ac.branches.kind) if its_kind == kind]
        assert len(rows) == int((net[f"res_{kind}"].iloc[:, 0].notna() & _alive(net, kind)).sum())
        deviations += [abs(theirs[network.ac.branches.name[row]] - state.loading[row]) for row in rows]
    return float(dv), float(max(deviations))


def _alive(net: Any, kind: str) -> Any:
    """Return which branches pandapower has voltage at: an open line end still counts, a dead line does not."""
    ends = ("vm_from_pu", "vm_to_pu") if kind == "line" else ("vm_hv_pu", "vm_lv_pu")
    return net[kind].in_service & (net[f"res_{kind}"][list(ends)].notna().any(axis=1))


def name_everything(net: Any) -> Any:
    """Give buses and branches names of their own, so that a comparison can go by name."""
    for kind in ("bus", "line", "trafo"):
        net[kind]["name"] = [f"{kind}-{index}" for index in net[kind].index]
    return net
