"""A street of 200 houses as a pandapower file, and a month of its meters, as a user might bring both."""

import re
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandapower
import pandas as pd

from peerflex.core.streams import stream
from peerflex.runs.area.build import Built, build
from peerflex.runs.area.plugins import registry
from peerflex.scenarios.load import load_scenario
from peerflex.scenarios.meters import kinds as kinds
from peerflex.scenarios.meters.findings import Kind

TITLES = {kind.title.lower(): kind.title for kind in vars(kinds).values() if isinstance(kind, Kind)}
HOUSES = 200
FEEDERS = 10
START = datetime(2016, 3, 14)


def street_network(houses: int = HOUSES) -> Any:
    """Return feeders of 20 houses behind one transformer: loads 'house 1', 'house 2', ... of 2 to 4 kW."""
    net = pandapower.create_empty_network()
    top = pandapower.create_bus(net, 20.0, name="top", geodata=(0.0, 0.0))
    low = pandapower.create_bus(net, 0.4, name="low", geodata=(0.0, -1.0))
    pandapower.create_ext_grid(net, top)
    pandapower.create_transformer(net, top, low, std_type="0.63 MVA 20/0.4 kV", name="transformer")
    number = np.arange(1, houses + 1)
    geo = [(int(n % FEEDERS), -2.0 - n // FEEDERS) for n in number]
    buses = pandapower.create_buses(net, houses, 0.4, name=[f"post {n}" for n in number], geodata=geo)
    before = np.where(number > FEEDERS, buses - FEEDERS, low)
    pandapower.create_lines(net, before, buses, 0.02, "NAYY 4x150 SE", name=[f"cable {n}" for n in number])
    power_mw = 1e-3 * (2 + number % 3)
    names = [f"house {n}" for n in number]
    pandapower.create_loads(net, buses, p_mw=power_mw, q_mvar=0.2 * power_mw, name=names)
    return net


def street_meters(net: Any, days: int = 28, step_minutes: int = 60) -> pd.DataFrame:
    """Return a column a house in kW, a few tenths of its load in the network, with an evening peak and some noise."""
    steps = days * 24 * 60 // step_minutes
    times = pd.date_range(START, periods=steps, freq=f"{step_minutes}min")
    hour = times.hour.to_numpy() + times.minute.to_numpy() / 60
    day = 0.25 + 0.6 * np.exp(-(((hour - 19) / 3) ** 2))
    noise = stream(1, "tests.street").uniform(0.8, 1.2, (steps, len(net.load)))
    return pd.DataFrame(day[:, None] * noise * net.load.p_mw.to_numpy() * 1e3, index=times, columns=list(net.load.name))


def save(net: Any, folder: Path) -> Path:
    path = folder / "street.json"
    pandapower.to_json(net, str(path))
    return path


def wide(frame: pd.DataFrame, path: Path, sep: str = ",", decimal: str = ".") -> Path:
    frame.round(6).to_csv(path, sep=sep, decimal=decimal, index_label="time", date_format="%Y-%m-%dT%H:%M")
    return path


def long(frame: pd.DataFrame) -> pd.DataFrame:
    """Return one row a value: time (text), meter, value."""
    texts = frame.round(6).set_axis(frame.index.strftime("%Y-%m-%dT%H:%M")).rename_axis("time")
    return texts.reset_index().melt("time", var_name="meter", value_name="kW")


def built(folder: Path) -> Built:
    return build(load_scenario(str(folder / "scenario.yaml")), registry())


def reported(folder: Path) -> dict[str, list[str]]:
    """Return the findings of a report: 'where: what' by the heading of their kind, without Markdown."""
    text = (folder / "report.md").read_text(encoding="utf-8")
    found: dict[str, list[str]] = {}
    for part in text.split("\n## ")[1:]:
        heading = re.sub(r" \(\d+\)$", "", part.splitlines()[0])
        lines = [line for line in part.splitlines() if line.startswith("- ")]
        found[TITLES.get(heading.lower(), heading)] = [
            re.sub(r"\\(.)", r"\1", line[2:].replace("**", "")) for line in lines
        ]
        assert heading == "Which meter is which load" or "\nDone: " in part, heading
        assert heading == "Which meter is which load" or "\nTo do: " in part, heading
    return found
