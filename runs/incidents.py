"""What is out of the ordinary in a step, each with its defined consequence."""

import numpy as np

from peerflex.agents.fmo import Procurement
from peerflex.core.network import GridState
from peerflex.core.record import Event
from peerflex.core.trade import FlexOffers
from peerflex.core.units import QUANTITY_TOLERANCE_MW
from peerflex.markets.idle import NoFlexMarket
from peerflex.markets.lfm import eligible
from peerflex.runs.area import Area


def of_flexibility(area: Area, offers: FlexOffers, bought: Procurement) -> tuple[Event, ...]:
    """Name the offers that could not take part, and the places where a limit could not be relieved."""
    if isinstance(area.flex_market, NoFlexMarket):
        return ()
    need, missing = bought.need, bought.result.missing_mw
    outside = int(np.count_nonzero(~eligible(offers, area.tariffs.interface_eur_per_mwh))) if len(need) else 0
    ineligible = Event(
        "offers-ineligible",
        "flexibility market",
        f"{outside} offers are priced on the wrong side of the interface price",
        "they take no part in this clearing",
    )
    unsettled = Event(
        "flexibility-unsettled",
        "flexibility market",
        f"limits still violated in the DSO's model after {bought.rounds} rounds",
        "the last clearing counts; what is left is a violation",
    )
    lacking: dict[tuple[bool, int], float] = {}
    for row in np.flatnonzero(missing > QUANTITY_TOLERANCE_MW):
        place = (bool(need.is_voltage[row]), int(need.element[row]))
        lacking[place] = max(lacking.get(place, 0.0), float(missing[row]))
    return (
        *((ineligible,) if outside else ()),
        *((unsettled,) if not bought.kept and not lacking else ()),
        *(
            Event(
                "flexibility-missing",
                _place(area, *place),
                f"{missing_mw:.6f} MW of relief missing",
                "the limit stays violated by what is missing",
            )
            for place, missing_mw in lacking.items()
        ),
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
