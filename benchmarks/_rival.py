"""mosaik-pandapower-2 stepping a bare grid with the injections of our own hours, and the contest of the two.

The rival runs as it runs by itself (with numba), fed by one mosaik simulator at the buses that have any injection;
nobody trades, nothing is settled or logged, no result is asked for. Rounds, the sides in turn, the first not counted;
times without set-up. Before each turn the other side's garbage is collected and its objects are frozen, so that neither
pays for looking through them. The voltages at the end of every round are compared.
"""

import asyncio
import gc
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import mosaik_api_v3
import numpy as np
from mosaik import AsyncWorld

from peerflex.core.record import HourRecord
from peerflex.core.units import SECONDS_PER_HOUR
from peerflex.grid.sources import read_network
from peerflex.runs.area.plugins import registry
from peerflex.runs.session import Session
from peerflex.scenarios.load import load_scenario

AGREE_PU = 1e-6


class Feeder(mosaik_api_v3.Simulator):
    """Says at every hour what is injected at each bus, and looks at the clock."""

    def __init__(self) -> None:
        models = {"Bus": {"public": True, "params": [], "attrs": ["p_mw", "q_mvar"]}}
        super().__init__({"api_version": "3.0", "type": "time-based", "models": models})

    def init(self, sid: str, time_resolution: float, records: list[HourRecord], buses: list[int], clock: list[float]):
        self._records, self._buses, self._clock = records, buses, clock
        return self.meta

    def create(self, num: int, model: str) -> list[dict[str, str]]:
        return [{"eid": f"bus-{bus}", "type": model} for bus in self._buses]

    def step(self, time: int, inputs: dict[str, Any], max_advance: int) -> int:
        self._clock.append(perf_counter())
        self._now = self._records[time // SECONDS_PER_HOUR].decision.injections
        return time + SECONDS_PER_HOUR

    def get_data(self, outputs: dict[str, list[str]]) -> dict[str, dict[str, float]]:
        values = {eid: int(eid.removeprefix("bus-")) for eid in outputs}
        return {
            eid: {"p_mw": float(self._now.p_mw[bus]), "q_mvar": float(self._now.q_mvar[bus])}
            for eid, bus in values.items()
        }


SIMULATORS = {
    "Feeder": {"python": "_rival:Feeder"},
    "Grid": {"python": "mosaik_components.pandapower:Simulator"},
}


async def rival(records: list[HourRecord], bus_names: tuple[str, ...]) -> tuple[list[float], np.ndarray]:
    """Return the seconds of every hour but the first, and the voltages of the last, on the bare 69 buses."""
    network = read_network("bundled", "case69")
    network["load"] = network.load.iloc[:0]
    loaded = [record.decision.injections for record in records]
    buses = np.flatnonzero(sum(np.abs(each.p_mw) + np.abs(each.q_mvar) for each in loaded)).tolist()
    world, clock = AsyncWorld(SIMULATORS, time_resolution=1.0, skip_greetings=True), []
    feeder = await world.start("Feeder", records=records, buses=buses, clock=clock)
    pandapower = await world.start("Grid", step_size=SECONDS_PER_HOUR)
    sources = await feeder.Bus.create(len(buses))
    grid = await pandapower.Grid(net=network)
    places = {child.eid: child for child in grid.children}
    names = {name: index for index, name in network.bus.name.items()}
    for source, bus in zip(sources, buses, strict=True):
        place = places[f"Bus-{names[bus_names[bus]]}"]
        world.connect(source, place, ("p_mw", "P_gen[MW]"), ("q_mvar", "Q_gen[MVar]"))
    await world.run(until=len(records) * SECONDS_PER_HOUR, print_progress=False)
    clock.append(perf_counter())
    await world.shutdown()
    voltages = network.res_bus.vm_pu[[names[name] for name in bus_names]].to_numpy()
    return list(np.diff(clock)[1:]), voltages


def contest(scenario: str, what: str, hours: int, rounds: int, required: float, settings: tuple[str, ...] = ()) -> int:
    """Let both sides simulate the same hours in turn, print both and the ratio; 1 if it is below ``required``.

    In linear physics the voltages to compare are solved after the clock has stopped.
    """
    ours_ms, rival_ms, worst_ms, apart_pu = [], [], [], 0.0
    loaded = load_scenario(scenario, ["reference=none", *settings], seed=1, hours=hours * (rounds + 1))
    with (
        tempfile.TemporaryDirectory() as scratch,
        Session.begin(loaded, registry([]), Path(scratch) / "run", "mosaik") as session,
    ):
        bus_names = session.built.area.grid.buses.name
        for _ in range(rounds + 1):
            seconds, records = [], []
            _tidy()
            for _ in range(hours):
                start = perf_counter()
                session.step()
                seconds.append(perf_counter() - start)
                records.append(session.record)
            _tidy()
            theirs, voltages = asyncio.run(rival(records, bus_names))
            last = session.built.network.ac.solve(records[-1].decision.injections)
            apart_pu = max(apart_pu, float(np.abs(last.v_pu - voltages).max()))
            ours_ms.append(1e3 * sum(seconds) / len(seconds))
            worst_ms.append(1e3 * max(seconds))
            rival_ms.append(1e3 * sum(theirs) / len(theirs))
    if apart_pu > AGREE_PU:
        raise SystemExit(f"the two sides disagree by {apart_pu:.1e} pu")
    ratio = median(theirs / ours for theirs, ours in zip(rival_ms[1:], ours_ms[1:], strict=True))
    print(f"workload   {what}, rounds of {hours} hours, the sides in turn; mean hour of a round, median of {rounds}")
    print(
        f"peerflex   {median(ours_ms[1:]):6.2f} ms an hour, all in (longest of a round {median(worst_ms[1:]):.1f} ms)"
    )
    print(f"rival      {median(rival_ms[1:]):6.2f} ms an hour, bare grid in mosaik-pandapower-2")
    print(f"ratio      {ratio:.1f} times (required: {required:g}), voltages within {apart_pu:.0e} pu")
    return int(ratio < required)


def _tidy() -> None:
    gc.collect()
    gc.freeze()
