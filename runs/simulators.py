"""The three simulators of a run under mosaik: the market (the Mesa model), the grid and the meter.

Each carries whole columns in one entity. Buses and branches are child entities of the grid, there for other
mosaik simulators: a bus takes ``p_mw`` and ``q_mvar`` (positive: given to the network) or ``load_w``
(positive: taken, in watt) and shows ``v_pu``; a branch shows ``loading`` and ``flow_mw``. Their inputs are
sampled at the grid's step. All three are time-based: event-based stepping grows dearer with every hour.
"""

import asyncio
from collections.abc import Callable, Generator
from typing import Any

import mosaik_api_v3
import numpy as np

from peerflex.core.errors import SimulationError
from peerflex.core.network import GridState, Injections
from peerflex.core.record import Decision, HourRecord
from peerflex.runs.hour import conclude
from peerflex.runs.model import AreaModel

WATT_PER_MW = 1e6

NOT_YET_MEASURED = "not yet measured"
"""What the market hears of the grid in its first hour: mosaik takes None for a missing connection."""


def _meta(model: str, attributes: list[str], children: dict[str, list[str]] | None = None) -> dict[str, Any]:
    models = {model: {"public": True, "params": [], "attrs": attributes}}
    for name, attrs in (children or {}).items():
        models[name] = {"public": False, "params": [], "attrs": attrs}
    return {"type": "time-based", "api_version": "3.0", "models": models}


class MarketSimulator(mosaik_api_v3.Simulator):
    """Steps the Mesa model: it sees the grid's last state and says who injects what."""

    def __init__(self) -> None:
        super().__init__(_meta("Market", ["state", "decision", "injections"]))

    def init(self, sid: str, time_resolution: float, model: AreaModel, gate: asyncio.Semaphore) -> dict[str, Any]:
        self._model, self._gate = model, gate
        self._ticks = round(model.area.step_s / time_resolution)
        return dict(self.meta)

    def create(self, num: int, model: str) -> list[dict[str, Any]]:
        return [{"eid": "market", "type": model}]

    def step(self, time: int, inputs: dict[str, Any], max_advance: int) -> Generator[Any, Any, int]:
        yield self._gate.acquire()  # one pass an hour: whoever holds the run says when
        state = _only(inputs["market"]["state"])
        self._model.measured = state if isinstance(state, GridState) else None
        self._decision = self._model.decide()
        return time + self._ticks

    def get_data(self, outputs: dict[str, list[str]]) -> dict[str, Any]:
        return {"market": {"decision": self._decision, "injections": self._decision.injections}}


class GridSimulator(mosaik_api_v3.Simulator):
    """Answers the injections of an hour, and of whoever else is connected to its buses, with the state of the wires."""

    def __init__(self) -> None:
        buses = ["p_mw", "q_mvar", "load_w", "v_pu"]
        children = {"Bus": buses, "Branch": ["loading", "flow_mw"]}
        super().__init__(_meta("Grid", ["injections", "state", "answer"], children))

    def init(self, sid: str, time_resolution: float, model: AreaModel) -> dict[str, Any]:
        self._model = model
        self._ticks = round(model.area.step_s / time_resolution)
        return dict(self.meta)

    def create(self, num: int, model: str) -> list[dict[str, Any]]:
        buses = [{"eid": f"bus-{row}", "type": "Bus"} for row in range(len(self._model.area.grid.buses))]
        branches = [{"eid": f"branch-{row}", "type": "Branch"} for row in range(len(self._model.area.grid.branches))]
        return [{"eid": "grid", "type": model, "children": buses + branches}]

    def step(self, time: int, inputs: dict[str, Any], max_advance: int) -> int:
        ours: Injections = _only(inputs["grid"]["injections"])
        external = self._external({eid: values for eid, values in inputs.items() if eid != "grid"})
        together = Injections(ours.p_mw + external.p_mw, ours.q_mvar + external.q_mvar)
        self._state = self._model.area.grid.solve(together)
        diagnostic = self._model.area.diagnostic.solve(together) if self._model.area.diagnostic else None
        self._answer = (external, self._state, diagnostic)
        return time + self._ticks

    def _external(self, inputs: dict[str, dict[str, dict[str, float]]]) -> Injections:
        """Add up what other simulators say at the buses; a value that is not a number stops the run."""
        p_mw, q_mvar = np.zeros(len(self._model.area.grid.buses)), np.zeros(len(self._model.area.grid.buses))
        for eid, values in inputs.items():
            row = int(eid.removeprefix("bus-"))
            p_mw[row] += sum(values.get("p_mw", {}).values()) - sum(values.get("load_w", {}).values()) / WATT_PER_MW
            q_mvar[row] += sum(values.get("q_mvar", {}).values())
            if not np.isfinite(p_mw[row] + q_mvar[row]):
                sources = sorted({source for each in values.values() for source in each})
                raise SimulationError(
                    f"bus {self._model.area.grid.buses.name[row]}: no number from {', '.join(sources)}"
                )
        return Injections(p_mw, q_mvar)

    def get_data(self, outputs: dict[str, list[str]]) -> dict[str, Any]:
        return {eid: {attr: self._value(eid, attr) for attr in attrs} for eid, attrs in outputs.items()}

    def _value(self, eid: str, attr: str) -> Any:
        if eid == "grid":
            return self._answer if attr == "answer" else self._state
        column = {"v_pu": self._state.v_pu, "loading": self._state.loading, "flow_mw": self._state.flow_mw}
        return float(column[attr][int(eid.rpartition("-")[2])])  # plain float: it may cross to another process


class MeterSimulator(mosaik_api_v3.Simulator):
    """Settles and logs an hour in the same step in which the grid answered it."""

    def __init__(self) -> None:
        super().__init__(_meta("Meter", ["decision", "answer"]))

    def init(
        self, sid: str, time_resolution: float, model: AreaModel, record: Callable[[HourRecord], None]
    ) -> dict[str, Any]:
        self._model, self._record, self._last = model, record, model.frequency
        self._ticks = round(model.area.step_s / time_resolution)
        return dict(self.meta)

    def create(self, num: int, model: str) -> list[dict[str, Any]]:
        return [{"eid": "meter", "type": model}]

    def step(self, time: int, inputs: dict[str, Any], max_advance: int) -> int:
        decision: Decision = _only(inputs["meter"]["decision"])
        answer: tuple[Injections, GridState, GridState | None] = _only(inputs["meter"]["answer"])
        settled = conclude(self._model.area, decision, *answer, self._last)
        self._last = settled.frequency
        self._record(settled)
        return time + self._ticks

    def get_data(self, outputs: dict[str, list[str]]) -> dict[str, Any]:
        return {}


def _only(values: dict[str, Any]) -> Any:
    """Return the one value of an attribute that has exactly one source."""
    (value,) = values.values()
    return value
