"""What is out of the ordinary in a step, each with its defined consequence."""

import numpy as np

from peerflex.agents.fmo import Procurement
from peerflex.core.types import Event, GridState
from peerflex.core.units import QUANTITY_TOLERANCE_MW
from peerflex.runs.area import Area


def of_flexibility(area: Area, bought: Procurement) -> tuple[Event, ...]:
    """Name the places where the flexibility market could not relieve a limit, one event an element."""
    need, missing = bought.need, bought.result.missing_mw
    return tuple(
        Event(
            "flexibility-missing",
            _place(area, bool(need.is_voltage[row]), int(need.element[row])),
            f"{missing[row]:.6f} MW of relief missing",
            "the limit stays violated by what is missing",
        )
        for row in np.flatnonzero(missing > QUANTITY_TOLERANCE_MW)
    )


def of_physics(area: Area, state: GridState) -> tuple[Event, ...]:
    """Say where load was taken off because the flow had no solution, or that nothing could be supplied."""
    if state.method == "dark":
        return (Event("no-solution", "area", "no power flow with any load", "nothing is supplied in this step"),)
    return tuple(
        Event(
            "load-shed",
            area.grid.buses.name[bus],
            f"{state.shed_mw[bus]:.6f} MW taken off",
            "settled as imbalance of the parties at the bus",
        )
        for bus in np.flatnonzero(np.abs(state.shed_mw) > QUANTITY_TOLERANCE_MW)
    )


def _place(area: Area, is_voltage: bool, element: int) -> str:
    return area.grid.buses.name[element] if is_voltage else area.grid.branches.name[element]
