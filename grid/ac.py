"""The AC grid: the fast engine where it is exact and converges, else pandapower's Newton, else load is shed."""

from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np

from peerflex.core.arrays import Bools, Floats, Ints
from peerflex.core.network import BranchTable, BusTable, GridState, Injections, Sensitivities
from peerflex.grid.compiled import Compiled, Complexes
from peerflex.grid.newton import Newton
from peerflex.grid.sensitivities import AcSlopes, no_sensitivities
from peerflex.grid.shedding import farthest_first, shed
from peerflex.grid.state import Flow, branch_columns, dark, state_of, usable
from peerflex.grid.zbus import Zbus

_BATCH_ITERATIONS = 40
_BATCH_VALUES = 20_000  # voltages in work at a time: what stays in a processor's cache


@dataclass(frozen=True, slots=True)
class GridStates:
    """Many steps at once; shapes ``(steps, buses)``, ``(steps, branches)`` and ``(steps,)``, as in ``GridState``.

    ``solved`` is False for a step whose state had load taken off or is dark.
    """

    v_pu: Floats
    loading: Floats
    flow_mw: Floats
    loss_mw: Floats
    exchange_mw: Floats
    solved: Bools


_STATES = tuple(field.name for field in fields(GridStates))


class AcGrid:
    """Balanced AC power flow with constant power at every bus. Satisfies ``core.protocols.Grid``.

    ``solve`` never raises for an operating point. A bus with an injection that is not a finite number is taken
    to inject nothing, and the step counts as one with load shed.
    """

    def __init__(self, wires: Compiled, newton: Newton, zbus: Zbus | None = None) -> None:
        self._wires = wires
        self._newton = newton
        self._zbus = zbus or (Zbus(wires) if wires.engine == "zbus" else None)
        # slopes are often asked for right after the state, and the same state again where nothing moved meanwhile
        self._last: tuple[tuple[bytes, bytes], GridState, Flow] | None = None

    def on(self, wires: Compiled, newton: Newton) -> "AcGrid":
        """Return the same for wires with other ratings; nothing is factorised again."""
        return AcGrid(wires, newton, self._zbus)

    @property
    def buses(self) -> BusTable:
        return self._wires.buses

    @property
    def branches(self) -> BranchTable:
        return self._wires.branches

    def _flow(self, p_mw: Floats, q_mvar: Floats) -> Flow | None:
        if self._zbus is not None:
            injected = self._wires.on_rows(p_mw, q_mvar)
            v, iterations, mismatch = self._zbus.voltages(injected)
            if np.isfinite(mismatch):
                exchange = complex(self._zbus.exchange_mva(v, injected))
                return Flow("zbus", v, exchange, np.zeros(len(p_mw)), iterations, float(mismatch))
        return self._newton.flow(p_mw, q_mvar)

    def solve(self, injections: Injections) -> GridState:
        """Return the state of the grid with the given injections; see ``GridState.method`` for how it was found."""
        asked = injections.p_mw.tobytes(), injections.q_mvar.tobytes()
        if self._last is not None and self._last[0] == asked:
            return self._last[1]
        p_mw, q_mvar, finite = usable(injections)
        asked_mw = p_mw if finite.all() else np.where(np.isfinite(injections.p_mw), injections.p_mw, 0.0)
        flow = self._flow(p_mw, q_mvar)
        shed_any = not finite.all()
        if flow is None:
            relieved = shed(self._shedding_order, p_mw, q_mvar, self._flow)
            if relieved is None:
                return dark(self._wires, asked_mw)
            flow, off = relieved
            p_mw, q_mvar, shed_any = np.where(off, 0.0, p_mw), np.where(off, 0.0, q_mvar), True
        method = f"{flow.method}+shed" if shed_any else flow.method
        state = state_of(self._wires, flow, p_mw, q_mvar, p_mw - asked_mw, method)
        self._last = asked, state, flow
        return state

    @cached_property
    def _shedding_order(self) -> Ints:
        return farthest_first(self._wires)

    def solve_batch(self, p_mw: Floats, q_mvar: Floats) -> GridStates:
        """Return the states of many steps at once; ``p_mw`` and ``q_mvar`` have shape ``(steps, buses)``.

        The same answers as ``solve`` step by step, within the engine's tolerance. Steps that the engine does not
        solve at once are given to ``solve``.
        """
        size = max(1, _BATCH_VALUES // self._wires.n_rows)
        parts = [
            self._solve_part(p_mw[first : first + size], q_mvar[first : first + size])
            for first in range(0, len(p_mw), size)
        ]
        return GridStates(*(np.concatenate([getattr(part, name) for part in parts]) for name in _STATES))

    def _solve_part(self, p_mw: Floats, q_mvar: Floats) -> GridStates:
        steps, n_branches = len(p_mw), len(self.branches)
        v_pu, loading, flow_mw = np.zeros(p_mw.shape), np.zeros((steps, n_branches)), np.zeros((steps, n_branches))
        states = GridStates(v_pu, loading, flow_mw, np.zeros(steps), np.zeros(steps), np.zeros(steps, dtype=np.bool_))
        if self._zbus is not None:
            injected = self._wires.on_rows(p_mw.T, q_mvar.T)
            v, _, mismatch = self._zbus.voltages(injected, _BATCH_ITERATIONS)
            loading, flow_mw = branch_columns(self._wires, v)
            exchange_mw = self._zbus.exchange_mva(v, injected).real
            states = GridStates(
                np.abs(v[self._wires.row]).T,
                loading.T,
                flow_mw.T,
                p_mw.sum(axis=1) + exchange_mw,
                exchange_mw,
                np.isfinite(mismatch),
            )
        for step in np.flatnonzero(~states.solved):
            one = self.solve(Injections(p_mw[step], q_mvar[step]))
            states.v_pu[step], states.loading[step], states.flow_mw[step] = one.v_pu, one.loading, one.flow_mw
            states.loss_mw[step], states.exchange_mw[step] = one.loss_mw, one.exchange_mw
            states.solved[step] = one.method in ("zbus", "newton")
        return states

    def sensitivities(self, state: GridState, branches: Ints, buses: Ints) -> Sensitivities:
        """Return exact AC sensitivities at the injections of ``state``, solved in this grid.

        ``state`` may come from another grid (the real one, seen by a DSO whose own model is this): its injections
        count, not its voltages. Without a solution there is nothing to say: all sensitivities are 0.
        """
        v = self._voltages(state)
        return no_sensitivities(branches, buses, len(self.buses)) if v is None else self._slopes.at(v, branches, buses)

    def loss_slopes(self, state: GridState) -> Floats:
        """Return the exact marginal losses in MW per MW injected at each bus, at the injections of ``state``."""
        v = self._voltages(state)
        return np.zeros(len(self.buses)) if v is None else self._slopes.losses(v)

    def _voltages(self, state: GridState) -> Complexes | None:
        if self._last is not None and self._last[1] is state:
            return self._last[2].v
        flow = self._flow(state.p_mw, state.q_mvar)
        return None if flow is None else flow.v

    @cached_property
    def _slopes(self) -> AcSlopes:
        return AcSlopes(self._wires)
