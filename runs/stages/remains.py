"""Why limits were not kept: what went otherwise than the DSO expected is put right, one thing after the other.

From what really happened back to what the DSO expected, each rung of a ladder is a power flow in which one more thing
is as it should have been. The first rung on which a limit is kept names the cause. A limit that is broken on the last
one, in the DSO's own expectation, was known: the record of the flexibility market then says why it stayed so.
"""

from dataclasses import dataclass

import numpy as np

from peerflex.core.arrays import Bools, Floats, Ints, ints
from peerflex.core.causes import Cause
from peerflex.core.network import GridState, Injections, Violations
from peerflex.core.people import Plan
from peerflex.core.protocols import Grid
from peerflex.core.record import Beliefs, Decision
from peerflex.core.units import QUANTITY_TOLERANCE_MW
from peerflex.grid.limits import TOLERANCE
from peerflex.markets.idle import NoFlexMarket
from peerflex.runs.area.area import Area
from peerflex.runs.stages import knowledge
from peerflex.runs.stages.desk import HourDesk
from peerflex.runs.stages.sequences import iterative, p2p_first

SAME_MW = 1e-12
"""Injections that differ by less are the same, and their flow is not solved again."""

LFM_LAST = (p2p_first, iterative)
"""Sequences in which the flexibility market sees every trade."""


def beliefs(
    area: Area, desk: HourDesk, plan: Plan, trades_mw: Floats, flex_mw: Floats, announced_mw: Floats,
    delivered_mw: Floats, reactive_mvar: Floats, failing: Bools,
) -> Beliefs:  # fmt: skip
    """Return what would be injected if things went as they should, from the last to be known to the first.

    Peer columns ``(peers,)``: what trades and activations move of assets, what peers announced and delivered, and the
    reactive power that the DSO had them give; ``failing`` says who moved nothing.
    """
    kept_mw = desk.delivered(plan, trades_mw + flex_mw).injection_mw if failing.any() else delivered_mw
    as_announced_mw = np.where(knowledge.announcing(area), announced_mw, kept_mw)
    untraded_mw = desk.scheduled(plan, flex_mw).injection_mw if trades_mw.any() else announced_mw

    def actual(injection_mw: Floats) -> Injections:
        return knowledge.by_bus(area, injection_mw, -knowledge.load_mvar(area, desk.base, injection_mw, reactive_mvar))

    def expected(injection_mw: Floats) -> Injections:
        return knowledge.dso_expects(area, desk.dso_forecast, desk.base, injection_mw, reactive_mvar)

    return Beliefs(actual(kept_mw), actual(as_announced_mw), expected(announced_mw), expected(untraded_mw))


def causes(area: Area, decision: Decision, external: Injections, broken: Violations) -> Ints:
    """Return the ``Cause`` of every limit that was not kept ``(violations,)``; flows are solved only if there is one.

    Limits are those of the area; what other simulators injected is ``external``.
    """
    found = ints(len(broken)) - 1
    if not len(broken):
        return found
    ladder = _Ladder(area, area.grid, _sum(decision.injections, external))
    believed = decision.beliefs
    rungs = [
        (Cause.COUPLED, area.grid, decision.injections),
        (Cause.NOT_DELIVERED, area.grid, believed.kept),
        (Cause.PEER_FORECAST, area.grid, believed.announced),
        (Cause.DSO_FORECAST, area.grid, believed.expected),
        (Cause.DSO_MODEL, area.dso.grid, believed.expected),
    ]
    market = not isinstance(area.flex_market, NoFlexMarket)
    held = market or area.last_resort is not None
    if area.last_resort is None and not (market and area.sequence in LFM_LAST):
        rungs.append((Cause.TRADES, area.dso.grid, believed.untraded))
    for cause, grid, injections in rungs:
        open_rows = np.flatnonzero(found < 0)
        if not len(open_rows):
            break
        if ladder.moves_to(grid, injections):
            found[open_rows[ladder.keeps(broken.take(open_rows))]] = cause
    rows = np.flatnonzero(found < 0)
    if len(rows):
        found[rows] = _of_market(area, decision, ladder.state, broken.take(rows)) if held else Cause.UNPROTECTED
    return found


@dataclass(slots=True)
class _Ladder:
    """Where a counterfactual stands: a network, what is injected into it, and the state if it was solved."""

    area: Area
    grid: Grid
    injections: Injections
    solved: GridState | None = None

    def moves_to(self, grid: Grid, injections: Injections) -> bool:
        """Go to the next rung; return whether anything is different there."""
        same = grid is self.grid and _same(injections, self.injections)
        self.grid, self.injections = grid, injections
        self.solved = self.solved if same else None
        return not same

    @property
    def state(self) -> GridState:
        if self.solved is None:
            self.solved = self.grid.solve(self.injections)
        return self.solved

    def keeps(self, broken: Violations) -> Bools:
        """Return which of some limits are kept here; none where there is no solution."""
        limits = self.area.limits
        excess = np.empty(len(broken))
        is_voltage, element = broken.is_voltage, broken.element
        branch, bus = element[~is_voltage], element[is_voltage]
        excess[~is_voltage] = self.state.loading[branch] - limits.loading[branch]
        v = self.state.v_pu[bus]
        low = broken.value[is_voltage] < limits.v_min_pu[bus]
        excess[is_voltage] = np.where(low, limits.v_min_pu[bus] - v, v - limits.v_max_pu[bus])
        kept: Bools = excess <= TOLERANCE
        return kept


def _of_market(area: Area, decision: Decision, expected: GridState, broken: Violations) -> Ints:
    """Return why limits stayed broken in the DSO's own expectation although a flexibility market was held."""
    if expected.method == "dark":  # a model without a solution shows no limit that could be kept
        return np.full(len(broken), int(Cause.DSO_MODEL))
    branches, buses = broken.element[~broken.is_voltage], broken.element[broken.is_voltage]
    movable = np.empty(len(broken), dtype=np.bool_)
    reach = np.isfinite(area.dso.grid.sensitivities(expected, branches, buses).mw_per_unit)
    movable[~broken.is_voltage], movable[broken.is_voltage] = reach[: len(branches)], reach[len(branches) :]
    result = decision.flex if area.last_resort is None else decision.last_resort.result
    lacking = bool((result.missing_mw > QUANTITY_TOLERANCE_MW).any())
    known = Cause.NOT_OFFERED if lacking else Cause.MARKET_STOPPED
    return np.where(movable, int(known), int(Cause.UNPROTECTED))


def _sum(one: Injections, other: Injections) -> Injections:
    return Injections(one.p_mw + other.p_mw, one.q_mvar + other.q_mvar)


def _same(one: Injections, other: Injections) -> bool:
    p, q = np.abs(one.p_mw - other.p_mw), np.abs(one.q_mvar - other.q_mvar)
    return bool(max(p.max(initial=0.0), q.max(initial=0.0)) <= SAME_MW)
