"""Lossless linear power flow: flows by power transfer distribution factors (PTDF)."""

from copy import copy
from typing import Any, Self

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.linalg import splu

from peerflex.core.arrays import Floats, Ints, add_up, floats
from peerflex.core.network import BranchTable, BusTable, GridState, Injections, Sensitivities
from peerflex.grid.compiled import Compiled
from peerflex.grid.state import usable


class LinearGrid:
    """The linear ("DC") power flow of B. Stott, J. Jardim and O. Alsac, IEEE Trans. Power Systems 24(3), 2009.

    Flows split by series reactance (by |impedance| where a branch has no reactance); no losses, reactive power
    loads nothing, no voltages (NaN). In a radial grid a flow is what is injected behind the branch, whatever the
    impedances. Phase shifts and what the network's own elements take are left out. Loading is |flow| /
    ``rating_mva``. Satisfies ``core.protocols.Grid``.
    """

    def __init__(self, wires: Compiled) -> None:
        self._wires = wires
        edges = np.arange(len(wires.edge_x_pu))
        ends = np.concatenate([wires.edge_from, wires.edge_to])
        signs = np.repeat([1.0, -1.0], len(edges))
        incidence = csr_array((signs, (np.tile(edges, 2), ends)), shape=(len(edges), wires.n_rows))
        self._inner = np.setdiff1d(np.arange(wires.n_rows), wires.slack)
        flow_by_angle = csr_array(incidence.multiply(1.0 / wires.edge_x_pu[:, None]))[:, self._inner]
        susceptance = incidence[:, self._inner].T @ flow_by_angle
        self._lu: Any = splu(susceptance.tocsc(), permc_spec="MMD_AT_PLUS_A")
        self._from, self._to = wires.edge_from[wires.edge], wires.edge_to[wires.edge]
        self._susceptance = 1.0 / wires.edge_x_pu[wires.edge]

    def on(self, wires: Compiled) -> Self:
        """Return the same for wires with other ratings; nothing is factorised again."""
        other = copy(self)
        other._wires = wires
        return other

    @property
    def buses(self) -> BusTable:
        return self._wires.buses

    @property
    def branches(self) -> BranchTable:
        return self._wires.branches

    def solve(self, injections: Injections) -> GridState:
        """Return the linear state; a bus with an injection that is not a finite number injects nothing."""
        p_mw, q_mvar, finite = usable(injections)
        at_rows = add_up(self._wires.row, p_mw, self._wires.n_rows)
        angle = floats(self._wires.n_rows)
        angle[self._inner] = self._lu.solve(at_rows[self._inner])
        flow_mw = angle[self._from] * self._susceptance - angle[self._to] * self._susceptance
        unknown = np.full(len(p_mw), np.nan)
        asked_mw = np.where(np.isfinite(injections.p_mw), injections.p_mw, 0.0)
        return GridState(
            v_pu=unknown,
            angle_rad=unknown,
            p_mw=p_mw,
            q_mvar=q_mvar,
            shed_mw=p_mw - asked_mw,
            loading=np.abs(flow_mw) / self.branches.rating_mva,
            flow_mw=flow_mw,
            loss_mw=0.0,
            exchange_mw=-float(p_mw.sum()),
            exchange_mvar=-float(q_mvar.sum()),
            method="linear" if finite.all() else "linear+shed",
            iterations=1,
            deviation_pu=0.0,
        )

    def ptdf(self, branches: Ints) -> Floats:
        """Return the flow in MW from the from-bus of each branch per MW injected at each bus ``(branches, buses)``."""
        wires, column = self._wires, np.arange(len(branches))
        edge = wires.edge[branches]
        by_angle = np.zeros((wires.n_rows, len(branches)))
        by_angle[wires.edge_from[edge], column] = 1.0 / wires.edge_x_pu[edge]
        by_angle[wires.edge_to[edge], column] = -1.0 / wires.edge_x_pu[edge]
        factors = np.zeros_like(by_angle)
        factors[self._inner] = self._lu.solve(by_angle[self._inner], "T")
        return np.ascontiguousarray(factors[wires.row].T)

    def sensitivities(self, state: GridState, branches: Ints, buses: Ints) -> Sensitivities:
        """Return PTDF over rating for the branches. Linear physics knows no voltage: those rows are NaN and 0."""
        rating_mva = self.branches.rating_mva[branches]
        own = state.method == "linear"  # a flow of this physics, which need not be solved again
        flow_mw = (state if own else self.solve(Injections(state.p_mw, state.q_mvar))).flow_mw[branches]
        no_voltage = np.full(len(buses), np.nan)
        by_mw = np.concatenate([self.ptdf(branches) / rating_mva[:, None], np.zeros((len(buses), len(self.buses)))])
        return Sensitivities(
            branch=branches,
            bus=buses,
            value=np.concatenate([flow_mw / rating_mva, no_voltage]),
            by_mw=by_mw,
            by_mvar=np.zeros_like(by_mw),
            mw_per_unit=np.concatenate([rating_mva, no_voltage]),
        )

    def loss_slopes(self, state: GridState) -> Floats:
        """Nothing is lost in this physics, wherever it is injected."""
        return floats(len(self.buses))
