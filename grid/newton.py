"""pandapower's Newton-Raphson: the rival that the engine is checked against, and the way out where it cannot."""

import warnings
from functools import cached_property
from typing import Any

import numpy as np

from peerflex.core.arrays import Floats
from peerflex.core.network import GridState
from peerflex.grid.compile import RUNPP, Origin
from peerflex.grid.compiled import Compiled
from peerflex.grid.state import Flow

_MAX_ITERATIONS = 20
_TOLERANCE_MVA = 1e-10
"""pandapower's own 1e-8 MVA leaves 1e-7 pu in weak low-voltage grids."""


class Newton:
    """Power flows by ``pandapower.runpp`` on the bare network of a compiled one; pandapower loads at first use."""

    def __init__(self, wires: Compiled, bare_json: str, origin: Origin, file_rating_mva: Floats | None = None) -> None:
        self._wires = wires
        self._json = bare_json
        self._origin = origin
        self._file_rating_mva = wires.branches.rating_mva if file_rating_mva is None else file_rating_mva

    def on(self, wires: Compiled) -> "Newton":
        """Return the same for wires with other ratings; pandapower goes on with those of the file."""
        return Newton(wires, self._json, self._origin, self._file_rating_mva)

    @cached_property
    def _net(self) -> Any:
        import pandapower

        net = pandapower.from_json_string(self._json, convert=False)
        pandapower.create_loads(net, self._origin.bus, p_mw=0.0, q_mvar=0.0)
        return net

    def _run(self, p_mw: Floats, q_mvar: Floats) -> bool:
        """Solve for injections per bus from a fresh start; False if there is no solution."""
        import pandapower

        self._net.load["p_mw"] = -p_mw
        self._net.load["q_mvar"] = -q_mvar
        try:
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # a singular matrix is an answer here
                pandapower.runpp(self._net, max_iteration=_MAX_ITERATIONS, tolerance_mva=_TOLERANCE_MVA, **RUNPP)
        except (pandapower.LoadflowNotConverged, ArithmeticError, ValueError, RuntimeError):
            return False
        return bool(np.isfinite(self._net._ppc["internal"]["V"]).all())

    def flow(self, p_mw: Floats, q_mvar: Floats) -> Flow | None:
        """Return the power flow for injections per bus, or None if pandapower finds none."""
        if not self._run(p_mw, q_mvar):
            return None
        wires, results = self._wires, self._net
        v = results._ppc["internal"]["V"]
        left = v * (wires.y_bus @ v).conj() - wires.on_rows(p_mw, q_mvar)
        free = np.setdiff1d(np.arange(wires.n_rows), np.concatenate([wires.slack, wires.regulated]))
        upstream, regulated_mvar = self._generators()
        upstream += complex(results.res_ext_grid.p_mw.sum(), results.res_ext_grid.q_mvar.sum())
        mismatch = float(np.abs(left[free]).max(initial=0.0))
        return Flow("newton", v, upstream, regulated_mvar, int(results._ppc["iterations"]), mismatch)

    def _generators(self) -> tuple[complex, Floats]:
        """Return what generators at the supply give (p + jq, MVA), and what the others add in Mvar per bus."""
        running = self._net.gen.in_service
        gen, result = self._net.gen[running], self._net.res_gen[running]
        at_supply = np.isin(self._net._pd2ppc_lookups["bus"][gen.bus.to_numpy(np.int64)], self._wires.slack)
        order = np.argsort(self._origin.bus)
        place = order[np.searchsorted(self._origin.bus, gen.bus[~at_supply], sorter=order)]
        added = np.bincount(place, weights=result.q_mvar[~at_supply], minlength=len(self._origin.bus))
        return complex(result.p_mw[at_supply].sum(), result.q_mvar[at_supply].sum()), added.astype(np.float64)

    def deviation(self, state: GridState) -> tuple[float, float]:
        """Return how far ``state`` is from ``runpp`` at the same injections: (largest |dv| in pu, largest |dloading|).

        Read from pandapower's own result tables, not from its voltages, so that the reading is checked, too. Both
        are infinite if pandapower finds no flow.
        """
        if not self._run(state.p_mw, state.q_mvar):
            return np.inf, np.inf
        v_pu = self._net.res_bus.vm_pu[self._origin.bus].to_numpy(dtype=float)
        return float(np.abs(state.v_pu - v_pu).max()), max(map(float, self._loading_deviations(state)), default=0.0)

    def _loading_deviations(self, state: GridState) -> list[np.float64]:
        """Return the largest difference of loading for each kind of branch (a three-winding transformer is one)."""
        kinds, deviations = np.array(self._wires.branches.kind), []
        for kind in sorted(set(self._wires.branches.kind)):
            rated = np.isfinite(self._wires.branches.rating_mva) & np.isfinite(self._file_rating_mva)
            rows = np.flatnonzero((kinds == kind) & rated)
            in_file = self._wires.branches.rating_mva[rows] / self._file_rating_mva[rows]
            element = self._origin.branch[rows]
            theirs = self._net[f"res_{kind}"].loading_percent.reindex(range(int(element.max(initial=0)) + 1)) / 100
            ours = np.zeros(len(theirs))
            np.maximum.at(ours, element, state.loading[rows] * in_file)
            deviations.append(np.abs(ours[element] - theirs.to_numpy(dtype=float)[element]).max(initial=0.0))
        return deviations
