"""A heat pump in a CSV file joins a bus of the 69-bus grid: mosaik-csv coupled to a run of peerflex.

``python couple_csv.py [--own-process]`` leaves the run in ``results/coupled`` or ``results/coupled-own-process``.
It needs ``pip install mosaik-csv``.
"""

import sys
from pathlib import Path
from typing import Any

from mosaik import AsyncWorld

from peerflex.runs.api import run
from peerflex.runs.area.build import build
from peerflex.runs.area.plugins import registry
from peerflex.runs.cosim import Coupling
from peerflex.runs.log.reader import Run
from peerflex.scenarios.load import load_scenario

SCENARIO = "case69-day"
SETTINGS = ["time.step_minutes=15", "reference=none"]
BUS = "61"  # the largest load of the feeder
HEAT_PUMP_MW = 0.2

IN_PROCESS = {"python": "mosaik_csv:CSV"}
OWN_PROCESS = {"cmd": f"{sys.executable} -m mosaik_csv %(addr)s"}


def write_heat_pump(path: Path, hours: int) -> None:
    """Write what a heat pump injects that runs in the first half of every hour (negative: it takes)."""
    quarters = [divmod(15 * quarter, 60) for quarter in range(4 * hours)]
    rows = [f"2016-07-04 {hour:02d}:{minute:02d}:00,{-HEAT_PUMP_MW * (minute < 30)}" for hour, minute in quarters]
    path.write_text("\n".join(["HeatPump", "Date,P", *rows]) + "\n")


def row_of(bus: str) -> int:
    """Return the row of a bus, which is also in the name of its entity."""
    return build(load_scenario(SCENARIO, SETTINGS), registry()).area.grid.buses.name.index(bus)


def csv_at_bus(csv_file: Path, simulator: dict[str, Any]) -> Coupling:
    """Return the coupling: mosaik-csv reads the file, its column P goes to the bus as ``p_mw``."""
    entity = f"bus-{row_of(BUS)}"

    async def connect(world: AsyncWorld, grid: Any) -> None:
        csv = await world.start("CSV", sim_start="2016-07-04 00:00:00", datafile=str(csv_file))
        pump = await csv.HeatPump()
        (bus,) = [child for child in grid.children if child.eid == entity]
        world.connect(pump, bus, ("P", "p_mw"))

    return Coupling({"CSV": simulator}, connect)


def main(out: Path, hours: int = 24, simulator: dict[str, Any] = IN_PROCESS) -> Run:
    """Simulate some hours of the day with the heat pump."""
    csv_file = out.with_suffix(".csv")
    csv_file.parent.mkdir(parents=True, exist_ok=True)
    write_heat_pump(csv_file, hours)
    return run(SCENARIO, hours=hours, settings=SETTINGS, out=out, coupling=csv_at_bus(csv_file, simulator))


if __name__ == "__main__":
    apart = "--own-process" in sys.argv
    folder = Path("results/coupled-own-process" if apart else "results/coupled")
    buses = main(folder, simulator=OWN_PROCESS if apart else IN_PROCESS).table("buses")
    print(buses.loc[buses["bus"] == BUS, ["time", "external_mw", "v_pu"]].head(4).to_string(index=False))
