"""What is out of the ordinary in a step, each with its defined consequence."""

import numpy as np

from peerflex.agents.fmo import Procurement
from peerflex.core.arrays import Ints
from peerflex.core.causes import MEANINGS, Cause
from peerflex.core.frequency import FrequencyState, SystemState
from peerflex.core.last_resort import LastResort
from peerflex.core.network import GridState, Limits
from peerflex.core.record import Agreement, Event, Mediation
from peerflex.core.regulation import Regulation
from peerflex.core.trade import FIRM_EUR_PER_MWH, FlexOffers
from peerflex.core.units import QUANTITY_TOLERANCE_MW
from peerflex.grid.limits import find_violations
from peerflex.markets.idle import NoFlexMarket
from peerflex.markets.lfm import eligible
from peerflex.runs.area.agreements import takes_energy
from peerflex.runs.area.area import Area
from peerflex.runs.stages.sequences import Bargain

NOTICEABLE_MW = 1e-6
"""What markets leave of an order below this is rounding of their solvers."""


def of_flexibility(area: Area, offers: FlexOffers, bought: Procurement) -> tuple[Event, ...]:
    """Name the offers that could not take part, and the places where a limit could not be relieved."""
    if isinstance(area.flex_market, NoFlexMarket):
        return ()
    need, missing = bought.need, bought.result.missing_mw
    outside = (
        int(np.count_nonzero(~eligible(offers, area.tariffs.interface_eur_per_mwh)))
        if len(need) and takes_energy(area.flex_market)
        else 0
    )
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
    cut_short = Event(
        "blocks-cut-short",
        "flexibility market",
        "the search for the cheapest blocks was ended before it was sure of them",
        "the best that it found are activated",
    )
    lacking: dict[tuple[bool, int], float] = {}
    for row in np.flatnonzero(missing > QUANTITY_TOLERANCE_MW):
        place = (bool(need.is_voltage[row]), int(need.element[row]))
        lacking[place] = max(lacking.get(place, 0.0), float(missing[row]))
    return (
        *((ineligible,) if outside else ()),
        *((cut_short,) if bought.result.cut_short else ()),
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


def of_service(agreed: Agreement, limits: Limits, tso: int | None) -> tuple[Event, ...]:
    """Say what is left where the DSO's service did not come to terms, and what firm energy found nobody.

    What the TSO (in row ``tso``) did not get is said elsewhere.
    """
    orders, accepted_mw = agreed.plan.orders, agreed.result.accepted_mw
    firm = (orders.premium_eur_per_mwh >= FIRM_EUR_PER_MWH) & (orders.peer != (-1 if tso is None else tso))
    lacking = np.where(firm, orders.quantity_mw - accepted_mw, 0.0)
    unserved_mw = float(lacking[lacking > NOTICEABLE_MW].sum())
    if agreed.effort.settled and not unserved_mw:
        return ()
    what = f"{unserved_mw:.6f} MW of firm orders found no partner"
    if agreed.effort.settled:
        return (Event("firm-unserved", "market", what, "what is not bought is not taken, what is not sold not given"),)
    broken = find_violations(agreed.expected, limits)
    what = f"{len(broken)} limits violated in the DSO's model, {what}"
    return (Event("service-unsettled", "market", what, "the last trades stand; what is left is a violation"),)


def of_sequence(bargain: Bargain) -> tuple[Event, ...]:
    """Say what was sold in both markets, and where they did not come to an end."""
    told = []
    if bargain.cut_mw > NOTICEABLE_MW:
        what = (
            f"{bargain.cut_mw:.6f} MW were offered as flexibility that no asset could deliver beside what is announced"
        )
        told.append(Event("offers-cut", "flexibility market", what, "its operator cuts the offers to what is possible"))
    twice_mw = bargain.sold_twice_mw()
    if twice_mw > NOTICEABLE_MW:
        what = f"{twice_mw:.6f} MW were sold to peers and to the flexibility market"
        told.append(Event("sold-twice", "markets", what, "an asset delivers once: what is missing is imbalance"))
    if not bargain.settled:
        what = f"peers and flexibility market still change their answers after {bargain.rounds} rounds"
        told.append(Event("sequence-unsettled", "markets", what, "the last answers stand"))
    return tuple(told)


def of_last_resort(area: Area, last: LastResort) -> tuple[Event, ...]:
    """Say what the DSO activated after both markets, and where that was not enough."""
    activated_mw, missing_mw = last.result.accepted_mw.sum(), last.result.missing_mw
    told = []
    if activated_mw > NOTICEABLE_MW:
        what = f"{activated_mw:.6f} MW were activated after both markets"
        told.append(Event("last-resort", "dso", what, "settled by the terms of the last resort"))
    rows = np.flatnonzero(missing_mw > QUANTITY_TOLERANCE_MW)
    if len(rows):
        row = rows[np.argmax(missing_mw[rows])]
        place = _place(area, bool(last.need.is_voltage[row]), int(last.need.element[row]))
        what = f"{missing_mw[row]:.6f} MW of relief missing, where most is, of what nobody has left to give"
        told.append(Event("last-resort-missing", place, what, "the limit stays violated by what is missing"))
    return tuple(told)


def of_failing(trades_mw: float, activations_mw: float) -> tuple[Event, ...]:
    """Say what failing peers did not move of what they sold."""
    if trades_mw + activations_mw <= NOTICEABLE_MW:
        return ()
    what = f"{trades_mw:.6f} MW of trades and {activations_mw:.6f} MW of activations were not delivered"
    return (Event("not-delivered", "peers", what, "the meters show it: settled as imbalance of those who failed"),)


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


def of_causes(causes: Ints) -> tuple[Event, ...]:
    """Say why limits were not kept, where the DSO did not expect it; what it did expect is said elsewhere."""
    if not len(causes):
        return ()
    unforeseen = (cause for cause in Cause if cause < Cause.NOT_OFFERED and (causes == cause).any())
    return tuple(
        Event(
            "limits-not-kept",
            cause.label,
            f"{_limits(int(np.count_nonzero(causes == cause)))} would have been kept, but {MEANINGS[cause]}",
            "the limits stay violated in this step",
        )
        for cause in unforeseen
    )


def _limits(count: int) -> str:
    return "1 limit" if count == 1 else f"{count} limits"


def of_regulation(regulation: Regulation) -> tuple[Event, ...]:
    """Say what the TSO asked for and nobody sold: too dear, or not there."""
    missing_mw = abs(regulation.request_mw) - abs(regulation.contracted_mw)
    if missing_mw <= NOTICEABLE_MW:
        return ()
    what = f"{missing_mw:.6f} MW of the {abs(regulation.request_mw):.6f} MW that the TSO requested were not sold to it"
    return (Event("regulation-missing", "tso", what, "the automatic reserves carry what is missing"),)


def of_frequency(state: FrequencyState | None) -> tuple[Event, ...]:
    """Name the limits of the system operation guideline that were passed, and the reserves that were exhausted."""
    if state is None:
        return ()
    where, extreme = "frequency", f"{1000 * state.extreme_hz:+.1f} mHz {state.extreme_at_s:.0f} s into the step"
    told: list[Event] = []
    if state.fcr_saturated:
        what = f"all of the containment reserve was called for {state.fcr_saturated_s:.0f} s"
        told += [Event("fcr-saturated", where, what, "only load that gives way and the restoration reserve still help")]
    if state.afrr_saturated:
        what = f"all of the restoration reserve was called for {state.afrr_saturated_s:.0f} s"
        told += [Event("afrr-saturated", where, what, "frequency does not come back; containment reserve stays called")]
    if state.sheds_load:
        what = f"{extreme}: automatic demand disconnection would have begun"
        told += [Event("load-shedding-limit", where, what, "no load is taken off here; the area is simulated on")]
    if state.collapsed:
        what = f"out of bounds {state.held_s:.0f} s into the step"
        told += [Event("frequency-collapse", where, what, "nothing is activated any more; restored by the next step")]
    elif state.system_state is not SystemState.NORMAL:
        kind = f"frequency-{state.system_state.name.lower()}"
        what = f"{extreme}, {state.seconds_outside:.0f} s outside the standard range"
        told += [
            Event(kind, where, what, "a system state of the guideline: what a TSO may then order is not simulated")
        ]
    return tuple(told)


def of_mediation(found: Mediation | None) -> tuple[Event, ...]:
    """Name the offers that were too small for the flexibility market, and that its monitor flagged the step."""
    if found is None:
        return ()
    where, told = "flexibility market", []
    if found.rejected:
        what = f"{found.rejected} offers are smaller than it admits"
        told.append(Event("offers-too-small", where, what, "they take no part in this clearing"))
    if found.flagged:
        what = "its monitor flags what was activated"
        told.append(Event("flagged", where, what, "nothing by itself: it is for those who look into it"))
    return tuple(told)


def _place(area: Area, is_voltage: bool, element: int) -> str:
    return area.grid.buses.name[element] if is_voltage else area.grid.branches.name[element]
