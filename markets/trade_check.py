"""Implicit service by checking: peers propose trades, the DSO checks them, harmful ones are cut, and peers go on."""

from dataclasses import dataclass, replace
from typing import Annotated, Final

import numpy as np
from pydantic import Field

from peerflex.core.arrays import Bools, Floats, floats
from peerflex.core.network import GridState, Limits
from peerflex.core.people import PeerTable, Plan
from peerflex.core.protocols import Desk, Grid
from peerflex.core.record import Agreement, Effort
from peerflex.core.trade import Signal
from peerflex.markets.matching import nothing_traded

TOLERANCE: Final = 5e-7
"""An element is worse off if it is further beyond its limit by more than this share of it (or pu)."""

AIMED_INSIDE: Final = 1e-5
"""Cuts aim this far inside what is allowed, so that what the linearisation misses needs no round of its own."""


@dataclass(frozen=True, slots=True)
class TradeCheck:
    """The DSO checks proposed trades and says what quantities it accepts (EUniversal D5.3, 2022, sections 3.2.4 and
    4.1.3: blocking of quantities after the matching; the check of Guerrero, Chapman and Verbic, IEEE TSG 10, 2019).

    Peers propose what their market finds. The DSO solves its flow with it. An element may be beyond its limit only as
    far as it would be without any trade. Where it is further, every order that pushes it there is cut in proportion to
    its push, as much as the push is too large; the market is then held again with what may still be traded, so that
    peers look for other partners. What was cut stays cut. After ``rounds`` rounds the DSO refuses all trades that move
    an asset: what flows anyway may still be traded, and changes nothing.

    Works with any market: it needs no terms of trade. Promise: in the DSO's own model no element is beyond its limit,
    or further beyond it, because of trades. Blind to prices: a cut does not ask what it costs.
    """

    rounds: Annotated[
        int, Field(ge=1, le=100, description="proposals that the DSO answers before it refuses what moves an asset")
    ] = 10

    def agree(self, desk: Desk, signal: Signal) -> Agreement:
        silent = floats(len(desk.peers))
        plan = desk.bids(silent)
        allowed = Allowed.of(desk.flow(plan, nothing_traded(plan.orders), silent), desk.limits)
        most_mw, settled = plan.orders.quantity_mw, False
        for answered in range(self.rounds + 1):
            proposed = replace(plan, orders=replace(plan.orders, quantity_mw=most_mw))
            result = desk.trade(proposed, signal.terms)
            state = desk.flow(proposed, result, silent)
            settled = allowed.keeps(state)
            if settled:
                break
            moving_mw = np.where(plan.orders.dispatchable, result.accepted_mw, 0.0)
            last = answered >= self.rounds - 1
            kept = floats(len(moving_mw)) if last else allowed.kept_share(desk.grid, desk.peers, plan, moving_mw, state)
            most_mw = np.where(plan.orders.dispatchable, np.minimum(most_mw, _cut(moving_mw, most_mw, kept)), most_mw)
        return Agreement(plan, result, signal.terms, silent, state, Effort(settled, desk.clearings, desk.flows))


def _cut(moving_mw: Floats, most_mw: Floats, kept: Floats) -> Floats:
    """Return what orders may trade at most: a share of what they proposed; untouched ones as much as before."""
    cut: Floats = np.where(kept < 1.0, kept * moving_mw, most_mw)
    return cut


@dataclass(frozen=True, slots=True)
class Allowed:
    """How far elements may go: to their limits, or as far as they are beyond them without any trade.

    ``loading`` has shape ``(branches,)``; the voltages ``(buses,)``.
    """

    loading: Floats
    v_min_pu: Floats
    v_max_pu: Floats

    @classmethod
    def of(cls, before: GridState, limits: Limits) -> "Allowed":
        return cls(
            loading=np.fmax(limits.loading, before.loading),
            v_min_pu=np.fmin(limits.v_min_pu, before.v_pu),
            v_max_pu=np.fmax(limits.v_max_pu, before.v_pu),
        )

    def keeps(self, state: GridState) -> bool:
        """Whether nothing is further than allowed. A network without a solution keeps nothing."""
        branches, buses = self._beyond(state)
        return state.method != "dark" and not (branches.any() or buses.any())

    def kept_share(self, grid: Grid, peers: PeerTable, plan: Plan, moving_mw: Floats, state: GridState) -> Floats:
        """Return the share of what each order moves that can stay ``(orders,)``; none where nothing is solved."""
        if state.method == "dark":
            return floats(len(moving_mw))
        branches, buses = (np.flatnonzero(each) for each in self._beyond(state))
        slopes = grid.sensitivities(state, branches, buses)
        signed, voltage = slopes.value[: len(branches)], slopes.value[len(branches) :]
        low = voltage < self.v_min_pu[buses]
        away = np.concatenate([np.sign(signed), np.where(low, -1.0, 1.0)])
        goal = np.concatenate([self.loading[branches], np.where(low, -self.v_min_pu[buses], self.v_max_pu[buses])])
        excess = away * slopes.value - goal + AIMED_INSIDE
        orders = plan.orders
        push = away[:, None] * slopes.by_mw[:, peers.bus[orders.peer]] * orders.side * moving_mw
        harm = np.maximum(push, 0.0)
        total = harm.sum(axis=1)
        share = np.divide(excess, total, out=np.ones(len(excess)), where=total > excess)
        kept: Floats = np.where(harm > 0.0, 1.0 - share[:, None], 1.0).min(axis=0, initial=1.0)
        return np.maximum(kept, 0.0)

    def _beyond(self, state: GridState) -> tuple[Bools, Bools]:
        heavier = state.loading > self.loading * (1.0 + TOLERANCE)
        low, high = state.v_pu < self.v_min_pu - TOLERANCE, state.v_pu > self.v_max_pu + TOLERANCE
        return heavier, low | high
