"""A network as arrays: what the solvers need to know of it, without pandapower."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from peerflex.core.arrays import Floats, Ints
from peerflex.core.network import BranchTable, BusTable

Complexes = npt.NDArray[np.complex128]
Sparse = Any
"""A scipy sparse array: its stubs cannot tell a product with a vector from one with a matrix."""
Arrays = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Compiled:
    """pandapower's own admittance matrix and what it takes to read buses and branches from it.

    A *row* is a node of the admittance matrix: several buses that closed switches join share one, and open line
    ends and star points have one without any bus. An *edge* is any series element between two rows; the
    branches of the table are those edges that have a name and a rating.

    engine: 'zbus' where the fixed point is exact, 'newton' where only ``runpp`` is.
    base_mva: the base power of everything per unit here.
    row ``(buses,)``: row of each bus. slack ``(slacks,)``: rows whose voltage ``slack_v`` is given.
    regulated: rows whose voltage magnitude is held by a generator.
    fixed_pu ``(rows,)``: what the network's own elements (wards, motors) inject.
    y_bus ``(rows, rows)``; y_from, y_to ``(branches, rows)``: current into each end of a branch.
    from_scale, to_scale ``(branches,)``: loading per unit of current at either end.
    edge_from, edge_to ``(edges,)``: rows; edge_x_pu, edge_z_pu: series reactance (with tap ratio), |impedance|.
    edge ``(branches,)``: the edge of each branch.
    """

    buses: BusTable
    branches: BranchTable
    engine: str
    base_mva: float
    row: Ints
    slack: Ints
    slack_v: Complexes
    regulated: Ints
    fixed_pu: Complexes
    y_bus: Sparse
    y_from: Sparse
    y_to: Sparse
    from_scale: Floats
    to_scale: Floats
    edge_from: Ints
    edge_to: Ints
    edge_x_pu: Floats
    edge_z_pu: Floats
    edge: Ints

    @property
    def n_rows(self) -> int:
        return len(self.fixed_pu)

    def with_ratings(self, rating_mva: Floats) -> "Compiled":
        """Return the same wires with other branch ratings, infinite for none.

        A branch that had no rating is rated at the nominal voltages of its ends.
        """
        before = self.branches.rating_mva
        rated = np.isfinite(before)

        def rescaled(scale: Floats) -> Floats:
            per_mva = np.where(rated, scale * np.where(rated, before, 1.0), self.base_mva)
            return np.nan_to_num(per_mva / rating_mva)

        return replace(
            self,
            branches=replace(self.branches, rating_mva=rating_mva),
            from_scale=rescaled(self.from_scale),
            to_scale=rescaled(self.to_scale),
        )

    def on_rows(self, p_mw: Floats, q_mvar: Floats) -> Complexes:
        """Return what is injected at each row, per unit, the network's own elements included.

        Arguments are ``(buses,)`` or ``(buses, steps)``; the answer has rows instead of buses.
        """
        injected = np.zeros((self.n_rows, *p_mw.shape[1:]), dtype=np.complex128)
        np.add.at(injected, self.row, (p_mw + 1j * q_mvar) / self.base_mva)
        return injected + self.fixed_pu.reshape(-1, *[1] * (p_mw.ndim - 1))


_BUS_COLUMNS = ("vn_kv", "x", "y")
_BRANCH_COLUMNS = ("from_bus", "to_bus", "rating_mva")
_PLAIN: tuple[str, ...] = ("row", "slack", "slack_v", "regulated", "fixed_pu", "from_scale", "to_scale")
_PLAIN += ("edge_from", "edge_to", "edge_x_pu", "edge_z_pu", "edge")
_SPARSE = ("y_bus", "y_from", "y_to")


def to_arrays(compiled: Compiled) -> Arrays:
    """Return the whole as named arrays of plain kinds, to be saved without pickle."""
    arrays: Arrays = {name: getattr(compiled, name) for name in _PLAIN}
    for name in _SPARSE:
        matrix = getattr(compiled, name)
        arrays |= {f"{name}.data": matrix.data, f"{name}.indices": matrix.indices, f"{name}.indptr": matrix.indptr}
    arrays |= {f"buses.{name}": getattr(compiled.buses, name) for name in _BUS_COLUMNS}
    arrays |= {f"branches.{name}": getattr(compiled.branches, name) for name in _BRANCH_COLUMNS}
    arrays["buses.name"] = np.array(compiled.buses.name, dtype=np.str_)
    arrays["branches.name"] = np.array(compiled.branches.name, dtype=np.str_)
    arrays["branches.kind"] = np.array(compiled.branches.kind, dtype=np.str_)
    arrays["engine"] = np.array(compiled.engine)
    arrays["base_mva"] = np.array(compiled.base_mva)
    return arrays


def from_arrays(arrays: Arrays) -> Compiled:
    """Return what ``to_arrays`` took apart; KeyError or ValueError if it is not whole."""

    def words(name: str) -> tuple[str, ...]:
        return tuple(str(word) for word in arrays[name])

    def sparse(name: str, n_rows: int) -> Sparse:
        parts = (arrays[f"{name}.data"], arrays[f"{name}.indices"], arrays[f"{name}.indptr"])
        return csr_array(parts, shape=(n_rows, len(arrays["fixed_pu"])))

    n_rows, n_branches = len(arrays["fixed_pu"]), len(arrays["edge"])
    return Compiled(
        buses=BusTable(words("buses.name"), *(arrays[f"buses.{name}"] for name in _BUS_COLUMNS)),
        branches=BranchTable(
            words("branches.name"), words("branches.kind"), *(arrays[f"branches.{name}"] for name in _BRANCH_COLUMNS)
        ),
        engine=str(arrays["engine"]),
        base_mva=float(arrays["base_mva"]),
        y_bus=sparse("y_bus", n_rows),
        y_from=sparse("y_from", n_branches),
        y_to=sparse("y_to", n_branches),
        **{name: arrays[name] for name in _PLAIN},
    )
