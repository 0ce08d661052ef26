"""The hour in figures, above the map, and the marks on the timeline."""

from typing import Any

import numpy as np

from peerflex.runs.manifest import Manifest
from peerflex.runs.session import Session
from peerflex.runs.studio.deliver import Bundled
from peerflex.runs.studio.facts import Fact
from peerflex.runs.studio.grid_map import GridMap
from peerflex.runs.studio.words import fixed, kilo, percent
from peerflex.runs.wires import Wires

BEYOND, CHANGED = 0, 1


class HourMap(Bundled, GridMap):
    """A map that is coloured in one message with all else of the hour."""


def map_of(manifest: Manifest, wires: Wires, title: str = "Network") -> HourMap:
    """Return a map of a run's network with the limits of its DSO."""
    dso = manifest.scenario["dso"]
    low, high = dso["voltage_pu"]
    return HourMap(wires, (float(low), float(high)), float(dso["loading"]), title)


def facts_of(session: Session, step: int) -> list[Fact]:
    """Return the figures of a step that matter most.

    Raises:
        InputError: if the step is not logged.
    """
    hour: dict[str, Any] = session.rows("hours", step, step).to_pylist()[0]

    def of(column: str) -> Any:
        return hour.get(column, np.nan)  # older logs lack some

    limits = session.manifest.scenario["dso"]
    low, high = limits["voltage_pu"]
    v_low, v_high, loading = of("lowest_voltage_pu"), of("highest_voltage_pu"), of("highest_loading")
    facts = [
        Fact("loading", "Highest loading", percent(loading), "%", _at(hour, "highest_loading_branch"),
             _mark(loading > limits["loading"])),
        Fact("voltage-low", "Lowest voltage", fixed(v_low, 4), "pu", _at(hour, "lowest_voltage_bus"),
             _mark(v_low < low)),
        Fact("voltage-high", "Highest voltage", fixed(v_high, 4), "pu", _at(hour, "highest_voltage_bus"),
             _mark(v_high > high)),
        Fact("violations", "Beyond limits", str(of("violations")), "elements", "", _mark(of("violations") > 0)),
        Fact("p2p", "Traded by peers", kilo(of("p2p_mwh")), "kWh", f"{of('trades')} trades"),
        Fact("price", "Price between peers", fixed(of("p2p_price_eur_per_mwh"), 2), "EUR/MWh"),
        Fact("flex", "Flexibility", kilo(of("lfm_mwh")), "kWh", f"{fixed(of('lfm_cost_eur'), 3)} EUR"),
        Fact("exchange", "From upstream", kilo(of("exchange_mwh")), "kWh"),
    ]  # fmt: skip
    shed = of("shed_mwh") + of("lost_generation_mwh")
    if shed > 0:
        facts.append(Fact("shed", "Taken off", kilo(shed), "kWh", "", _mark(True)))
    if not np.isnan(of("extreme_hz")):
        facts.append(Fact("frequency", "Frequency, farthest off", fixed(of("extreme_hz") * 1000, 1), "mHz"))
    return facts


def marks_of(session: Session) -> list[tuple[int, int]]:
    """Return the steps with something beyond its limits, and those at which something changed."""
    violations = session.rows("hours")["violations"].to_numpy()
    changes = session.manifest.scenario.get("changes", ())
    changed = [round(each["hour"] * 3600 / session.manifest.step_seconds) for each in changes]
    return [*((int(step), BEYOND) for step in np.flatnonzero(violations)), *((step, CHANGED) for step in changed)]


def _at(hour: dict[str, Any], column: str) -> str:
    return f"at {hour[column]}" if hour.get(column) else ""


def _mark(beyond: bool) -> str:
    return "studio-beyond" if beyond else ""
