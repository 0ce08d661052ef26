"""What a network file says is connected, and its year of profiles where it brings one (SimBench)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from peerflex.core.arrays import Floats, Ints
from peerflex.core.network import Injections
from peerflex.core.people import Connections, Profiles
from peerflex.grid.compiled import Arrays, Sparse
from peerflex.grid.names import name_of, unique_names

_DEMAND = ("load", "asymmetric_load")
_GENERATION = ("sgen", "asymmetric_sgen", "gen")
_PHASES = ("a", "b", "c")


@dataclass(frozen=True, slots=True)
class Year:
    """A year of profiles by connection, kept small: few shapes, many connections that scale them.

    shapes: ``(steps, shapes)``, relative. load_mw, load_mvar, pv_mw: ``(connections, shapes)``, MW and Mvar per
    unit of shape. SimBench: 35136 steps of 15 minutes from 1 January 2016, 00:00.
    """

    shapes: Floats
    load_mw: Sparse
    load_mvar: Sparse
    pv_mw: Sparse

    def __len__(self) -> int:
        return len(self.shapes)

    def window(self, first: int, steps: int) -> Profiles:
        """Return ``steps`` quarters of an hour from ``first``; a window at the year's end is shorter."""
        shapes = self.shapes[first : first + steps].T
        return Profiles(
            *(np.ascontiguousarray((scale @ shapes).T) for scale in (self.load_mw, self.load_mvar, self.pv_mw))
        )


@dataclass(frozen=True, slots=True)
class _Element:
    """One load or generator in service; its file values are injections scaled by its profiles' shapes."""

    name: str
    bus: int
    demand: bool
    p_mw: float
    q_mvar: float
    p_shape: str
    q_shape: str


def _elements(net: Any, kinds: tuple[str, ...]) -> list[_Element]:
    found = []
    for kind in kinds:
        table = net[kind]
        table = table[table.in_service & table.bus.isin(net.bus.index[net.bus.in_service])]
        phases = kind.startswith("asymmetric")
        for index, row in table.iterrows():
            scaling = row.scaling if "scaling" in table and np.isfinite(row.scaling) else 1.0
            p_mw = sum(row[f"p_{phase}_mw"] for phase in _PHASES) if phases else row.p_mw
            q_mvar = sum(row[f"q_{phase}_mvar"] for phase in _PHASES) if phases else row.get("q_mvar", 0.0)
            shape = row.get("profile")
            shape = shape if isinstance(shape, str) else ""
            names = (f"{shape}_pload", f"{shape}_qload") if kind == "load" else (shape, shape)
            sign = -1.0 if kind in _DEMAND else 1.0
            found.append(
                _Element(
                    name_of(row["name"], kind, index),
                    int(row.bus),
                    kind in _DEMAND,
                    sign * p_mw * scaling,
                    sign * q_mvar * scaling,
                    *names,
                )
            )
    return found


def read_connections(net: Any, position: dict[int, int]) -> tuple[Connections, Year | None]:
    """Return the connections of a pandapower network, and their year if the network has ``net.profiles``.

    One row a load (``asymmetric_load`` summed over its phases); generators (PV, wind, any ``sgen`` or ``gen``)
    join the first load at their bus or make a row of their own, their reactive power counted in ``load_mvar``.
    A load below zero is generation and the other way round. Storage units in the file are not read: peers bring
    their own. ``position`` gives the row of the bus table for each bus index.
    """
    loads, generators = _elements(net, _DEMAND), _elements(net, _GENERATION)
    at_bus: dict[int, int] = {}
    rows: list[_Element] = []
    row_of: list[int] = []
    for element in (*loads, *generators):
        if element.demand or element.bus not in at_bus:
            row_of.append(len(rows))
            at_bus.setdefault(element.bus, len(rows))
            rows.append(element)
        else:
            row_of.append(at_bus[element.bus])
    elements, row = loads + generators, np.array(row_of, dtype=np.int64)
    p_mw = np.array([element.p_mw for element in elements])
    q_mvar = np.array([element.q_mvar for element in elements])

    def per_row(values: Floats) -> Floats:
        return np.bincount(row, weights=values, minlength=len(rows)).astype(np.float64)

    connections = Connections(
        name=unique_names([element.name for element in rows]),
        bus=np.array([position[element.bus] for element in rows], dtype=np.int64),
        load_mw=per_row(np.maximum(-p_mw, 0.0)),
        load_mvar=per_row(-q_mvar),
        pv_mw=per_row(np.maximum(p_mw, 0.0)),
    )
    return connections, _year(net, elements, row, len(rows))


def _year(net: Any, elements: list[_Element], row: Ints, n_rows: int) -> Year | None:
    profiles = net.get("profiles")
    if not profiles:
        return None
    tables = [profiles[kind] for kind in ("load", "renewables", "powerplants") if kind in profiles]
    column = {name: table[name].to_numpy(dtype=float) for table in tables for name in table if name != "time"}
    used = sorted({name for element in elements for name in (element.p_shape, element.q_shape)} & set(column))
    number = {name: place for place, name in enumerate(used)}
    steady = len(used)
    n_steps = len(tables[0])
    shapes = np.column_stack([*(column[name] for name in used), np.ones(n_steps)])

    def scale(values: Floats, names: list[str]) -> Sparse:
        places = (row, np.array([number.get(name, steady) for name in names], dtype=np.int64))
        return csr_array((values, places), shape=(n_rows, steady + 1))

    p_mw = np.array([element.p_mw for element in elements])
    q_mvar = np.array([element.q_mvar for element in elements])
    p_names = [element.p_shape for element in elements]
    return Year(
        shapes,
        load_mw=scale(np.maximum(-p_mw, 0.0), p_names),
        load_mvar=scale(-q_mvar, [element.q_shape for element in elements]),
        pv_mw=scale(np.maximum(p_mw, 0.0), p_names),
    )


def base_case(connections: Connections, n_buses: int) -> Injections:
    """Return the injections per bus that the connections' own values add up to."""
    p_mw, q_mvar = np.zeros(n_buses), np.zeros(n_buses)
    np.add.at(p_mw, connections.bus, connections.pv_mw - connections.load_mw)
    np.add.at(q_mvar, connections.bus, -connections.load_mvar)
    return Injections(p_mw, q_mvar)


_YEAR = ("load_mw", "load_mvar", "pv_mw")


def to_arrays(connections: Connections, year: Year | None) -> Arrays:
    """Return connections and year as named arrays, to be saved without pickle."""
    arrays: Arrays = {f"connections.{name}": getattr(connections, name) for name in ("bus", *_YEAR)}
    arrays["connections.name"] = np.array(connections.name, dtype=np.str_)
    if year is not None:
        arrays["year.shapes"] = year.shapes
        for name in _YEAR:
            scale = getattr(year, name).tocoo()
            arrays |= {f"year.{name}": scale.data, f"year.{name}.row": scale.row, f"year.{name}.shape": scale.col}
    return arrays


def from_arrays(arrays: Arrays) -> tuple[Connections, Year | None]:
    """Return what ``to_arrays`` took apart; KeyError or ValueError if it is not whole."""
    names = tuple(str(name) for name in arrays["connections.name"])
    connections = Connections(names, *(arrays[f"connections.{name}"] for name in ("bus", *_YEAR)))
    if "year.shapes" not in arrays:
        return connections, None
    shapes = arrays["year.shapes"]
    scales = (
        csr_array(
            (arrays[f"year.{name}"], (arrays[f"year.{name}.row"], arrays[f"year.{name}.shape"])),
            shape=(len(names), shapes.shape[1]),
        )
        for name in _YEAR
    )
    return connections, Year(shapes, *scales)
