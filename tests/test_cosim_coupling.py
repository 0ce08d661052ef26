"""Other mosaik simulators join at a bus: in process and in a process of their own, and failures are told."""

import sys
from pathlib import Path
from typing import Any

import mosaik_api_v3
import numpy as np
import pytest
from mosaik import AsyncWorld

from peerflex.core.errors import SimulationError
from peerflex.core.parties import Role
from peerflex.core.record import HourRecord
from peerflex.runs.cosim import CoSimulation, Coupling
from peerflex.runs.model import AreaModel
from tests.areas import street

START = "2016-07-04 00:00:00"


@pytest.fixture
def heat_pump_csv(tmp_path: Path) -> Path:
    """Return a heat pump's meter in 15-minute steps: 1 kW in even hours, 3 kW in odd ones, given as injection."""
    lines = ["HeatPump", "Date,P"]
    for quarter in range(4 * 7):
        power_mw = -0.003 if quarter // 4 % 2 else -0.001
        lines.append(f"2016-07-04 {quarter // 4:02d}:{quarter % 4 * 15:02d}:00,{power_mw}")
    path = tmp_path / "heat-pump.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def csv_at_end_bus(path: Path, simulator: dict[str, Any]) -> Coupling:
    async def connect(world: AsyncWorld, grid: Any) -> None:
        csv = await world.start("CSV", sim_start=START, datafile=str(path))
        pump = await csv.HeatPump()
        (end,) = [child for child in grid.children if child.eid == "bus-1"]
        world.connect(pump, end, ("P", "p_mw"))

    return Coupling({"CSV": simulator}, connect)


def simulate(coupling: Coupling | None, steps: int = 6) -> list[HourRecord]:
    driver = CoSimulation(AreaModel(street(6, steps)), coupling, time_limit_s=60)
    try:
        return [driver.step() for _ in range(steps)]
    finally:
        driver.close()


IN_PROCESS = {"python": "mosaik_csv:CSV"}
OWN_PROCESS = {"cmd": f"{sys.executable} -m mosaik_csv %(addr)s"}


@pytest.mark.once
@pytest.mark.parametrize("simulator", [IN_PROCESS, OWN_PROCESS], ids=["in process", "own process"])
def test_a_csv_at_a_bus_is_on_the_wires_and_on_a_bill(heat_pump_csv: Path, simulator: dict[str, Any]) -> None:
    coupled, alone = simulate(csv_at_end_bus(heat_pump_csv, simulator)), simulate(None)
    drawn = [record.external.p_mw[1] for record in coupled]
    assert drawn == pytest.approx([-0.001, -0.003] * 3)
    first, base = coupled[0], alone[0]
    assert first.state.p_mw[1] == pytest.approx(base.state.p_mw[1] - 0.001)
    others = Role.OTHERS.party(6)
    bill = first.ledger.take(first.ledger.taker == others)
    assert bill.energy_mwh == pytest.approx([0.001])
    assert bill.amount_eur == pytest.approx([0.32])
    # From the second hour on the market has seen what the pump did to the wires.
    assert np.isfinite([record.metered_mw.sum() for record in coupled]).all()


def test_houses_of_another_simulator_give_watts(tmp_path: Path) -> None:
    """mosaik-householdsim says W, positive for load; a bus takes that as ``load_w``."""
    profiles = tmp_path / "houses.data"
    quarters = "\n".join(f"2016-07-04 {q // 4:02d}:{q % 4 * 15:02d},{500 + 100 * (q // 4)},2000" for q in range(28))
    profiles.write_text(
        "# meta\n"
        '{"start_date": "2016-07-04 00:00", "resolution": 15, "unit": "W", "num_profiles": 2}\n'
        '# id_list\n{"street": ["head", "end"]}\n'
        f"# attrs\nnum_hh,1,1\nnum_residents,2,3\n# profiles\n{quarters}\n"
    )

    async def connect(world: AsyncWorld, grid: Any) -> None:
        simulator = await world.start("Households")
        houses = await simulator.ResidentialLoads(sim_start=START, profile_file=str(profiles), grid_name="street")
        for house, bus in zip(houses.children, grid.children[:2], strict=True):
            world.connect(house, bus, ("P_out", "load_w"))

    records = simulate(Coupling({"Households": {"python": "mosaik_components.household:Simulator"}}, connect), 3)
    assert [record.external.p_mw.tolist() for record in records] == [
        pytest.approx([-(500 + 100 * hour) / 1e6, -2000 / 1e6]) for hour in range(3)
    ]


class Eager(mosaik_api_v3.Simulator):
    """Needs nothing from anybody; ``stepped_s`` is when it did its steps."""

    stepped_s: list[int]

    def __init__(self) -> None:
        model = {"public": True, "params": [], "attrs": ["P"]}
        super().__init__({"type": "time-based", "api_version": "3.0", "models": {"Load": model}})
        Eager.stepped_s = []

    def create(self, num: int, model: str) -> list[dict[str, Any]]:
        return [{"eid": "load", "type": model}]

    def step(self, time: int, inputs: dict[str, Any], max_advance: int) -> int:
        Eager.stepped_s.append(time)
        return time + 900

    def get_data(self, outputs: dict[str, list[str]]) -> dict[str, Any]:
        return {"load": {"P": -0.001}}


def test_a_simulator_that_waits_for_nobody_is_kept_from_running_ahead() -> None:
    async def connect(world: AsyncWorld, grid: Any) -> None:
        load = await (await world.start("Eager")).Load()
        world.connect(load, grid.children[1], ("P", "p_mw"))

    driver = CoSimulation(AreaModel(street(6, 48)), Coupling({"Eager": {"python": f"{__name__}:Eager"}}, connect))
    try:
        for hour in range(3):
            assert driver.step().external.p_mw[1] == pytest.approx(-0.001)
            assert Eager.stepped_s[-1] <= (hour + 1) * 3600 + 900
    finally:
        driver.close()


def test_a_value_that_is_no_number_stops_the_run_and_names_its_source(heat_pump_csv: Path) -> None:
    heat_pump_csv.write_text(heat_pump_csv.read_text().replace("-0.003", "nan"))
    with pytest.raises(SimulationError, match=r"bus end: no number from CSV"):
        simulate(csv_at_end_bus(heat_pump_csv, IN_PROCESS))


def test_a_simulator_in_its_own_process_that_dies_is_reported(tmp_path: Path) -> None:
    script = tmp_path / "dying.py"
    script.write_text(
        "import os, mosaik_api_v3\n"
        "class Dying(mosaik_api_v3.Simulator):\n"
        "    def __init__(self):\n"
        "        load = {'public': True, 'params': [], 'attrs': ['P']}\n"
        "        super().__init__({'type': 'time-based', 'models': {'Load': load}})\n"
        "    def init(self, sid, time_resolution): return self.meta\n"
        "    def create(self, num, model): return [{'eid': 'load', 'type': model}]\n"
        "    def step(self, time, inputs, max_advance):\n"
        "        if time >= 7200: raise RuntimeError('out of petrol')\n"
        "        return time + 3600\n"
        "    def get_data(self, outputs): return {'load': {'P': -0.001}}\n"
        "mosaik_api_v3.start_simulation(Dying(), 'dying')\n"
    )

    async def connect(world: AsyncWorld, grid: Any) -> None:
        load = await (await world.start("Dying")).Load()
        (end,) = [child for child in grid.children if child.eid == "bus-1"]
        world.connect(load, end, ("P", "p_mw"))

    dying = Coupling({"Dying": {"cmd": f"{sys.executable} {script} %(addr)s"}}, connect)
    with pytest.raises(SimulationError, match="step 2"):
        simulate(dying)


def test_a_simulator_that_hangs_runs_into_the_time_limit(tmp_path: Path) -> None:
    driver = CoSimulation(AreaModel(street(6, 4)), None, time_limit_s=0.2)
    driver._gate.acquire = lambda: __import__("asyncio").sleep(30)  # type: ignore[method-assign,assignment]
    with pytest.raises(SimulationError, match="no answer within"):
        driver.step()
    driver.close()
