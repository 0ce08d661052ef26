"""The hour in figures, above the map, and the marks on the timeline."""

from typing import Final

import numpy as np

from peerflex.core.units import SECONDS_PER_HOUR
from peerflex.runs.studio.deliver import Bundled
from peerflex.runs.studio.facts import Fact
from peerflex.runs.studio.grid_map import GridMap, Limits
from peerflex.runs.studio.words import fixed, kilo, percent
from peerflex.runs.views import Log, standing_at
from peerflex.runs.views.log import numbers, rows_at, words

BEYOND, CHANGED = 0, 1
_MILLI: Final = 1000


class HourMap(Bundled, GridMap):
    """A map that is coloured in one message with all else of the hour."""


def limits_at(log: Log, step: int) -> Limits:
    """Return the limits of the DSO as they stood in a step."""
    dso = standing_at(log, step).dso
    return Limits(dso.voltage_pu, dso.loading)


def facts_of(log: Log, step: int, limits: Limits) -> list[Fact]:
    """Return the figures of a step that matter most; those beyond its limits are marked.

    Raises:
        InputError: if the step is not logged.
    """
    hour = rows_at(log, "hours", step)

    def of(column: str) -> float:
        return float(numbers(hour, column)[0])  # older logs lack some: NaN

    def place(column: str) -> str:
        name = words(hour, column)[0]
        return f"at {name}" if name else ""

    low, high = limits.voltage_pu
    v_low, v_high, loading = of("lowest_voltage_pu"), of("highest_voltage_pu"), of("highest_loading")
    facts = [
        Fact("loading", "Highest loading", percent(loading), "%", place("highest_loading_branch"),
             _mark(loading > limits.loading)),
        Fact("voltage-low", "Lowest voltage", fixed(v_low, 4), "pu", place("lowest_voltage_bus"),
             _mark(v_low < low)),
        Fact("voltage-high", "Highest voltage", fixed(v_high, 4), "pu", place("highest_voltage_bus"),
             _mark(v_high > high)),
        Fact("violations", "Beyond limits", fixed(of("violations"), 0), "elements", "", _mark(of("violations") > 0)),
        Fact("p2p", "Traded by peers", kilo(of("p2p_mwh")), "kWh", f"{fixed(of('trades'), 0)} trades"),
        Fact("price", "Price between peers", fixed(of("p2p_price_eur_per_mwh"), 2), "EUR/MWh"),
        Fact("flex", "Flexibility", kilo(of("lfm_mwh")), "kWh", f"{fixed(of('lfm_cost_eur'), 3)} EUR"),
        Fact("exchange", "From upstream", kilo(of("exchange_mwh")), "kWh"),
    ]  # fmt: skip
    shed = np.nansum([of("shed_mwh"), of("lost_generation_mwh")])
    if shed > 0:
        facts.append(Fact("shed", "Taken off", kilo(float(shed)), "kWh", "", _mark(True)))
    if not np.isnan(of("extreme_hz")):
        facts.append(Fact("frequency", "Frequency, farthest off", fixed(of("extreme_hz") * _MILLI, 1), "mHz"))
    return facts


def marks_of(log: Log) -> list[tuple[int, int]]:
    """Return the steps with something beyond its limits, and those at which something changed."""
    violations = numbers(log.rows("hours"), "violations")
    changes = log.manifest.scenario.get("changes", ())
    changed = [round(each["hour"] * SECONDS_PER_HOUR / log.manifest.step_seconds) for each in changes]
    return [*((int(step), BEYOND) for step in np.flatnonzero(violations > 0)), *((step, CHANGED) for step in changed)]


def _mark(beyond: bool) -> str:
    return "studio-beyond" if beyond else ""
