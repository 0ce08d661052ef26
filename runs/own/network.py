"""A network of the user's own: copied into the scenario's folder, mended where that is safe, and everything said."""

import copy
import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from peerflex.core.arrays import Bools
from peerflex.core.errors import InputError
from peerflex.core.people import Connections
from peerflex.grid.connections import base_case, read_connections
from peerflex.grid.gates import choose_engine
from peerflex.grid.names import name_of
from peerflex.grid.network import Network, open_network
from peerflex.grid.own import CONNECTED, dark_buses, save_network
from peerflex.grid.sources import read_network
from peerflex.scenarios.meters import kinds as kinds
from peerflex.scenarios.meters.findings import Finding, Kind, listed, printable
from peerflex.scenarios.meters.match import Places

LOADS = ("load", "asymmetric_load")
GENERATORS = ("sgen", "asymmetric_sgen", "gen")
BEYOND_BELIEF = 1000
"""A rating of so many times everything in the network is a placeholder, like the 99999 kA of some test networks."""

RESERVED = "scale"
"""A file with one column of this name scales every load."""


@dataclass(frozen=True, slots=True)
class OwnNetwork:
    """The network as its copy has it: how a scenario names it, what is connected, and what a meter may be called."""

    source: str
    file: str
    connections: Connections
    places: Places
    findings: tuple[Finding, ...]


def take_network(path: Path, folder: Path) -> OwnNetwork:
    """Copy a pandapower (.json) or MATPOWER (.m, .mat) network into a folder; a mended one as pandapower JSON.

    Raises:
        InputError: if peerflex cannot use the network: the reasons of ``grid.gates``, or nothing is connected.
    """
    source = "matpower" if path.suffix.lower() in (".m", ".mat") else "pandapower"
    try:
        net = read_network(source, str(path.absolute()))
        choose_engine(net, str(path))
        dark = dark_buses(net)
        net, findings = _mended(net, dark)
    except (KeyError, AttributeError, TypeError, ValueError, IndexError) as error:  # tables that are no tables
        what = f"is no whole network ({type(error).__name__}: {printable(error)})"
        raise InputError(str(path), what, "Save it again with pandapower.to_json.") from None
    mended = bool(findings)
    file = "grid.json" if mended else f"grid{path.suffix.lower()}"
    if mended:
        source = "pandapower"
        save_network(net, folder / file)
    else:
        shutil.copyfile(path, folder / file)
    network = _opened(source, file, folder, path)
    if not len(network.connections):
        what = "no load or generator is in service and supplied"
        raise InputError(str(path), what, "Add loads: they are the customers.")
    findings += _found_in(net, network, dark)
    return OwnNetwork(source, file, network.connections, _places(net, dark), tuple(findings))


def _opened(source: str, file: str, folder: Path, path: Path) -> Network:
    """Return the network of the copy; what is wrong with it is said of the user's own file."""
    try:
        return open_network(source, file, base=folder)
    except InputError as error:
        where = error.problem.where.replace(f"grid {source} {file!r}", str(path))
        raise InputError(where, error.problem.what, error.problem.remedy) from None


def _mended(given: Any, dark: frozenset[int]) -> tuple[Any, list[Finding]]:
    """Return the network with all changed that can be without a doubt, and what was."""
    net = copy.deepcopy(given)
    findings: list[Finding] = []
    for kind in CONNECTED:
        table = net[kind]
        for name in (column for column in table if column.startswith("p_") and column.endswith("_mw")):
            broken = ~np.isfinite(table[name].to_numpy(dtype=float))
            if broken.any():
                findings.append(_of(kinds.NO_POWER, net, kind, broken, name))
                table.loc[broken, name] = 0.0
        active = table.in_service.to_numpy(dtype=bool)
        buses = (
            (kinds.NO_BUS, ~table.bus.isin(net.bus.index).to_numpy()),
            (kinds.NOT_SUPPLIED, table.bus.isin(dark | _off(net)).to_numpy()),
        )
        for what, where in buses:
            if (active & where).any():
                findings.append(_of(what, net, kind, active & where, "bus"))
                table.loc[active & where, "in_service"] = False
        renamed = [_clean(name) for name in table["name"]]
        changed = np.array([new is not old for new, old in zip(renamed, table["name"], strict=True)], dtype=bool)
        if changed.any():
            findings.append(_of(kinds.RENAMED, net, kind, changed, "name"))
            table["name"] = np.array(renamed, dtype=object)
    return net, findings


def _off(net: Any) -> frozenset[int]:
    return frozenset(net.bus.index[~net.bus.in_service.to_numpy(dtype=bool)])


def _clean(name: Any) -> Any:
    """Return the name as a line of a CSV file can hold it; the same object if it is fine."""
    if not isinstance(name, str) or not name:
        return name
    text = printable(name)
    if text == RESERVED:
        return f"{RESERVED} load"
    return name if text == name else text or None


def _of(kind: Kind, net: Any, table: str, rows: Bools, column: str) -> Finding:
    """Return a finding about some rows of a table of the network: their names, and what their column says."""
    found = net[table][rows]
    names = [name_of(name, table, index) for index, name in found["name"].items()]
    values = sorted({str(value) for value in found[column]})
    said = f": {column} {listed(values)}" if column != "name" else ""
    return Finding(kind, f"net.{table}", f"{int(rows.sum())} ({listed(names, 20)}){said}")


def _found_in(net: Any, network: Network, dark: frozenset[int]) -> list[Finding]:
    """Return what a user should know of a network that is used as it is."""
    found = []

    def say(kind: Kind, where: str, names: list[str]) -> None:
        if names:
            found.append(Finding(kind, where, f"{len(names)} ({listed(names)})"))

    say(kinds.DEAD_BUSES, "net.bus", [name_of(net.bus.name[bus], "bus", bus) for bus in sorted(dark)])
    for kind in (*LOADS, *GENERATORS):
        active = net[kind][net[kind].in_service]
        names = [name_of(name, kind, index) for index, name in active["name"].items()]
        given = [name == name and name is not None and str(name) != "" for name in active["name"]]
        say(kinds.NO_NAME, f"net.{kind}", [name for name, has in zip(names, given, strict=True) if not has])
        say(kinds.SAME_NAME, f"net.{kind}", [name for name, count in Counter(names).items() if count > 1])
        if kind.startswith("asymmetric"):
            say(kinds.ONE_PHASE, f"net.{kind}", names)
    supplies = int(net.ext_grid.in_service.sum())
    if supplies > 1:
        found.append(Finding(kinds.SEVERAL_SUPPLIES, "net.ext_grid", f"{supplies} are in service"))
    if net.storage.in_service.any():
        found.append(Finding(kinds.LITTLE, "net.storage", f"{int(net.storage.in_service.sum())} in service"))
    branches = network.wires.branches
    load_mw = network.connections.load_mw.sum() + network.connections.pv_mw.sum()
    unrated = np.flatnonzero(~(branches.rating_mva < BEYOND_BELIEF * load_mw))
    say(kinds.NO_RATING, "net.line, net.trafo", [branches.name[row] for row in unrated])
    places = net.bus.geo if "geo" in net.bus else [None] * len(net.bus)
    without = sum(not (isinstance(place, str) and place) for place in places)
    if without:
        found.append(Finding(kinds.NO_PLACE, "net.bus.geo", f"{without} of {len(net.bus)} buses"))
    if network.year is not None:
        found.append(Finding(kinds.OWN_YEAR, "net.profiles", f"{len(network.year)} quarters of an hour"))
    return [*found, _base_state(network)]


def _base_state(network: Network) -> Finding:
    """Return what the wires do with the file's own loads."""
    state = network.ac.solve(base_case(network.connections, len(network.ac.buses)))
    low, high = int(state.v_pu.argmin()), int(state.v_pu.argmax())
    names = network.ac.buses.name
    what = f"{network.connections.load_mw.sum():.4g} MW of load, {network.connections.pv_mw.sum():.4g} MW of generation"
    what += f"; voltage {state.v_pu[low]:.4f} pu ({printable(names[low])}) to {state.v_pu[high]:.4f} pu"
    what += f" ({printable(names[high])})"
    if len(state.loading):
        most = int(state.loading.argmax())
        what += f"; highest loading {100 * state.loading[most]:.1f} % ({printable(network.ac.branches.name[most])})"
    if state.shed_mw.any():
        what += f"; {abs(state.shed_mw).sum():.4g} MW had to be taken off for a solution"
    return Finding(kinds.STRAINED, "power flow", what)


def _places(net: Any, dark: frozenset[int]) -> Places:
    """Return what a meter can be named after, with rows of the connections in the order of the network's."""
    connections, _ = read_connections(net, {int(bus): int(bus) for bus in net.bus.index})
    rows_at: dict[int, list[int]] = {}
    for row, bus in enumerate(connections.bus.tolist()):
        rows_at.setdefault(bus, []).append(row)
    off = dark | _off(net)
    served = {kind: net[kind][net[kind].in_service & ~net[kind].bus.isin(off)] for kind in (*LOADS, *GENERATORS)}
    n_loads = sum(len(served[kind]) for kind in LOADS)
    generators = [
        (printable(name_of(name, kind, index)), rows_at[int(bus)][0])
        for kind in GENERATORS
        for index, name, bus in served[kind][["name", "bus"]].itertuples()
    ]
    buses = net.bus["name"][net.bus.in_service].items()
    dark_names = {
        printable(name_of(name, kind, index))
        for kind in LOADS
        for index, name in net[kind].drop(served[kind].index)["name"].items()
    }
    return Places(
        loads=tuple((connections.name[row], row) for row in range(n_loads)),
        generators=tuple(generators),
        buses=tuple((name_of(name, "bus", bus), tuple(rows_at.get(int(bus), ()))) for bus, name in buses),
        dark=frozenset(dark_names),
        generating=frozenset(range(n_loads, len(connections))),
    )
