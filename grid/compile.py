"""From a pandapower network to arrays: buses, branches, and pandapower's own admittance matrix."""

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from peerflex.core.arrays import Ints
from peerflex.core.errors import InputError
from peerflex.core.network import BusTable
from peerflex.grid.branches import read_branches
from peerflex.grid.compiled import Compiled
from peerflex.grid.gates import choose_engine, refuse_islands
from peerflex.grid.layout import place_buses
from peerflex.grid.names import name_of, unique_names

RUNPP = {"numba": False, "calculate_voltage_angles": True, "trafo_model": "t", "trafo_loading": "current"}
"""The flow that everything here follows; numba would take 6 s to compile in every process."""

_EXTRAS = ("profiles", "loadcases")
_NOT_INJECTED_HERE = ("load", "sgen", "storage", "asymmetric_load", "asymmetric_sgen")


@dataclass(frozen=True, slots=True)
class Origin:
    """The pandapower index of every bus ``(buses,)`` and of every branch ``(branches,)`` in the table of its kind."""

    bus: Ints
    branch: Ints


def bare_network(net: Any) -> str:
    """Return the JSON text of the network without loads and generation, results and profiles.

    Generators keep their voltage and lose their power. The text, not the object, is what every solver starts
    from, so that a network from the cache and a fresh one are the same to the last bit.
    """
    import pandapower

    bare = copy.deepcopy(pandapower.pandapowerNet({name: part for name, part in net.items() if name not in _EXTRAS}))
    for name in _NOT_INJECTED_HERE:
        bare[name] = bare[name].iloc[:0]
    bare.gen["p_mw"] = 0.0
    pandapower.toolbox.clear_result_tables(bare)
    return str(pandapower.to_json(bare))


def compile_network(bare: Any, net: Any, where: str) -> tuple[Compiled, Origin]:
    """Return the arrays of a bare network, and which pandapower elements its buses and branches are.

    Raises InputError for what cannot be solved rightly: see ``grid.gates``. Buses that nothing feeds and nothing
    hangs on are left out, and so are branches that are out of service or open at both ends.
    """
    import pandapower

    engine = choose_engine(net, where)
    try:
        pandapower.runpp(bare, **RUNPP)
        inner = bare._ppc["internal"]
        y_bus = csr_array(inner["Ybus"])
    except Exception as error:  # pandapower has no common error; whatever it is, the file is at fault
        raise InputError(
            where, f"pandapower finds no flow even without load ({error})", "Run pandapower.diagnostic on the network."
        ) from None
    lookup = bare._pd2ppc_lookups["bus"]
    in_service = bare.bus.index[bare.bus.in_service].to_numpy()
    rows = lookup[in_service]
    alive = (rows >= 0) & (rows < y_bus.shape[0])
    refuse_islands(net, frozenset(in_service[~alive].tolist()), where)
    bus_index, row = in_service[alive], rows[alive].astype(np.int64)

    edge_from, edge_to = inner["branch"][:, :2].real.astype(np.int64).T
    r, x = inner["branch"][:, 2:4].real.T
    ratio = np.where(inner["branch"][:, 8].real == 0, 1.0, inner["branch"][:, 8].real)
    branches, branch_index, edge, from_scale, to_scale = read_branches(bare, bus_index)
    slack = np.unique(inner["ref"]).astype(np.int64)
    wires = Compiled(
        buses=BusTable(
            unique_names(name_of(bare.bus.name[index], "bus", index) for index in bus_index),
            bare.bus.vn_kv[bus_index].to_numpy(dtype=float),
            *place_buses(bare, bus_index, row, slack, edge_from, edge_to),
        ),
        branches=branches,
        engine=engine,
        base_mva=float(inner["baseMVA"]),
        row=row,
        slack=slack,
        slack_v=inner["V"][slack],
        regulated=np.unique(inner["pv"]).astype(np.int64),
        fixed_pu=-(inner["bus"][:, 2] + 1j * inner["bus"][:, 3]) / float(inner["baseMVA"]),
        y_bus=y_bus,
        y_from=csr_array(inner["Yf"])[edge],
        y_to=csr_array(inner["Yt"])[edge],
        from_scale=from_scale,
        to_scale=to_scale,
        edge_from=edge_from,
        edge_to=edge_to,
        edge_x_pu=np.where(x == 0, np.abs(r), x) * ratio,
        edge_z_pu=np.hypot(r, x),
        edge=edge,
    )
    return wires, Origin(bus_index.astype(np.int64), branch_index)
