"""Why load was taken off at a bus: the physics of the hour."""

import numpy as np

from peerflex.core.network import GridState
from peerflex.core.units import QUANTITY_TOLERANCE_MW
from peerflex.runs.explain.again import Again
from peerflex.runs.explain.text import power
from peerflex.runs.explain.types import Candidate, Figures, Outcome, Without

MOST_LOADS = 4
"""Buses whose load is looked at, the largest first: each takes a search for the flow that is just possible."""


def shed_outcome(state: GridState, bus: int) -> Outcome:
    return Outcome(float(state.shed_mw[bus]))


def of_shed(again: Again, bus: int) -> list[Candidate]:
    """Return what may be why load was taken off at a bus: loads at other buses, and that it is far from the supply."""
    moment = again.moment
    buses, state = moment.area.grid.buses, moment.record.state
    if abs(state.shed_mw[bus]) <= QUANTITY_TOLERANCE_MW:
        return []
    asked_mw = moment.decision.injections.p_mw + moment.record.external.p_mw
    loads = np.flatnonzero(asked_mw < 0.0)
    loads = loads[loads != bus]
    loads = loads[np.argsort(asked_mw[loads], kind="stable")]
    found = [_load(again, int(row), float(-asked_mw[row])) for row in loads[:MOST_LOADS]]
    found += [_load(again, int(row), float(-asked_mw[row]), idle=True) for row in loads[MOST_LOADS:][-1:]]
    why = (
        f"Load is taken off bus by bus, the electrically farthest from the supply first; bus {buses.name[bus]} is "
        "one of those that were needed for a flow."
    )
    own = Without(loads=frozenset({bus}))
    return [*found, Candidate("rule", "farthest first", why, "If nothing were asked for there", own)]


def _load(again: Again, bus: int, load_mw: float, *, idle: bool = False) -> Candidate:
    name = f"load at bus {again.moment.area.grid.buses.name[bus]}"
    why = f"The power flow has no solution with all that is asked for; {name} asks for {power(load_mw)}."
    figures, without = Figures(load_mw, np.nan, "MW"), Without(loads=frozenset({bus}))
    return Candidate("physics", name, why, "Without that load", without, figures, idle=idle)
