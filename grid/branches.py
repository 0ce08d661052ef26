"""Lines and transformers of a pandapower network: names, ends, ratings, and how current loads them."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from peerflex.core.arrays import Floats, Ints
from peerflex.core.network import BranchTable
from peerflex.grid.names import name_of, unique_names

_F_BUS, _T_BUS, _BASE_KV = 0, 1, 9  # columns of pandapower's internal tables


@dataclass(frozen=True, slots=True)
class _Rated:
    """Branches of one kind; ``kv_from``, ``kv_to`` are nominal voltages for the rating, NaN where an end has none."""

    kind: str
    names: list[str]
    element: Ints
    internal: Ints
    from_index: Ints
    to_index: Ints
    rating_mva: Floats
    kv_from: Floats
    kv_to: Floats


def read_branches(net: Any, bus_index: Ints) -> tuple[BranchTable, Ints, Ints, Floats, Floats]:
    """Return (branches, pandapower index, edge, from_scale, to_scale) of a network that ``runpp`` has just solved.

    The scales are loading per unit of current at either end, as pandapower defines loading: the larger of
    both ends against ``max_i_ka`` x ``df`` x ``parallel`` for a line, against ``sn_mva`` x ``df`` x ``parallel`` at
    the transformer's own nominal voltages for a transformer. A transformer with three windings is three
    branches (hv, mv, lv) that meet in its star point, each rated at its own terminal only; the hv winding stands
    between hv and mv bus in the table, the others between hv bus and their own.
    """
    inner, spans = net._ppc["internal"], net._pd2ppc_lookups["branch"]
    readers = {"line": _lines, "trafo": _trafos, "trafo3w": _windings}
    kinds = [read(net, spans[kind][0]) for kind, read in readers.items() if kind in spans]

    position = np.full(int(net.bus.index.max()) + 1, -1, dtype=np.int64)
    position[bus_index] = np.arange(len(bus_index))
    edge_of = np.where(inner["branch_is"], np.cumsum(inner["branch_is"]) - 1, -1)
    if not kinds:
        nothing, no_rows = np.zeros(0), np.zeros(0, np.int64)
        return BranchTable((), (), no_rows, no_rows, nothing), no_rows, no_rows, nothing, nothing

    names = [name for kind in kinds for name in kind.names]
    labels = [kind.kind for kind in kinds for _ in kind.names]
    edge = np.concatenate([edge_of[kind.internal] for kind in kinds])
    start = np.concatenate([position[kind.from_index] for kind in kinds])
    end = np.concatenate([position[kind.to_index] for kind in kinds])
    # an end that hangs open at a bus without voltage is shown at the other one
    start, end = np.where(start < 0, end, start), np.where(end < 0, start, end)
    kept = np.flatnonzero((edge >= 0) & (start >= 0))
    edge, rating = edge[kept], np.concatenate([kind.rating_mva for kind in kinds])[kept]

    def scale(own_kv: Floats, side: int) -> Floats:
        base_kv = inner["bus"][inner["branch"][edge, side].real.astype(np.int64), _BASE_KV].real
        loading: Floats = np.nan_to_num(float(inner["baseMVA"]) * own_kv[kept] / base_kv / rating)
        return loading

    table = BranchTable(
        unique_names(names[row] for row in kept), tuple(labels[row] for row in kept), start[kept], end[kept], rating
    )
    from_scale = scale(np.concatenate([kind.kv_from for kind in kinds]), _F_BUS)
    element = np.concatenate([kind.element for kind in kinds])[kept]
    return table, element, edge, from_scale, scale(np.concatenate([kind.kv_to for kind in kinds]), _T_BUS)


def _limit(rating: Any) -> Floats:
    """Return the ratings, infinite where there is none."""
    values = np.asarray(rating, dtype=float)
    return np.where(values > 0, values, np.inf)


def _named(table: Any, kind: str) -> list[str]:
    return [name_of(name, kind, index) for index, name in table.name.items()]


def _index(table: Any) -> Ints:
    return np.asarray(table.index, dtype=np.int64)


def _lines(net: Any, first: int) -> _Rated:
    line = net.line
    kv = net.bus.vn_kv[line.from_bus].to_numpy(dtype=float)
    rating = _limit(
        np.sqrt(3) * kv * line.max_i_ka.to_numpy(float) * line.df.to_numpy(float) * line.parallel.to_numpy()
    )
    ends = line.from_bus.to_numpy(np.int64), line.to_bus.to_numpy(np.int64)
    return _Rated("line", _named(line, "line"), _index(line), first + np.arange(len(line)), *ends, rating, kv, kv)


def _trafos(net: Any, first: int) -> _Rated:
    trafo = net.trafo
    rating = _limit(trafo.sn_mva.to_numpy(float) * trafo.df.to_numpy(float) * trafo.parallel.to_numpy())
    ends = trafo.hv_bus.to_numpy(np.int64), trafo.lv_bus.to_numpy(np.int64)
    own_kv = trafo.vn_hv_kv.to_numpy(float), trafo.vn_lv_kv.to_numpy(float)
    return _Rated("trafo", _named(trafo, "trafo"), _index(trafo), first + np.arange(len(trafo)), *ends, rating, *own_kv)


def _windings(net: Any, first: int) -> _Rated:
    trafo = net.trafo3w
    n, none = len(trafo), np.full(len(trafo), np.nan)
    bus = {side: trafo[f"{side}_bus"].to_numpy(np.int64) for side in ("hv", "mv", "lv")}
    kv = {side: trafo[f"vn_{side}_kv"].to_numpy(float) for side in ("hv", "mv", "lv")}
    return _Rated(
        "trafo3w",
        [f"{name} {side}" for side in ("hv", "mv", "lv") for name in _named(trafo, "trafo3w")],
        np.tile(_index(trafo), 3),
        first + np.arange(3 * n),
        np.concatenate([bus["hv"], bus["hv"], bus["hv"]]),
        np.concatenate([bus["mv"], bus["mv"], bus["lv"]]),
        _limit(np.concatenate([trafo[f"sn_{side}_mva"].to_numpy(float) for side in ("hv", "mv", "lv")])),
        np.concatenate([kv["hv"], none, none]),
        np.concatenate([none, kv["mv"], kv["lv"]]),
    )
