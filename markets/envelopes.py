"""Dynamic operating envelopes: how far each connection may change its injection without breaking a limit."""

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from peerflex.core.arrays import Bools, Floats, Ints, add_up, floats
from peerflex.core.network import Injections
from peerflex.core.protocols import NetworkView
from peerflex.core.trade import Headroom, TradeTerms, free_terms
from peerflex.markets.linear import Program, solve
from peerflex.markets.network_rows import BACK_OFF, excess

KEPT = 5e-7
"""Limits are kept if nothing exceeds them by more, per unit: half of what is a violation in the log."""
MOVES = 1e-9
"""What an injection moves by less (MW per MW) it does not move."""
HALVINGS = 12
"""Steps in which a common factor is found that brings linearised envelopes within AC limits: to 1 in 4096."""


@dataclass(frozen=True, slots=True)
class Envelopes:
    """The DSO gives every connection a range of injection round the forecast, in which trades may move it: K. Petrou et
    al., "Ensuring distribution network integrity using dynamic operating limits for prosumers", IEEE Trans. Smart Grid
    12(5), 2021; M. Z. Liu et al., "Using OPF-based operating envelopes to facilitate residential DER services", IEEE
    Trans. Smart Grid 13(6), 2022.

    Limits are linearised at the forecast. With ``A`` the MW that an element takes on per MW injected, what all
    connections can do at worst, ``sum_i max(A_i, 0) rise_i + max(-A_i, 0) fall_i``, stays within each limit's room:
    any trades within the envelopes keep it, to first order. ``equal`` raises all alike until a limit binds those who
    load it, then the others; ``most`` makes the sum largest. Then all rise, and all fall, in AC: where that exceeds a
    limit, a common factor takes it back. In meshed networks other corners of the envelopes are not checked in AC.

    A limit that the forecast exceeds leaves nothing to those who would load it further. Who moves no limited element is
    not limited. Every market keeps to it: orders are cut before they are cleared.
    """

    binds_orders: ClassVar[bool] = True
    """It needs no market that heeds terms."""

    share: Annotated[
        Literal["equal", "most"],
        Field(description="the same for all as far as limits allow, or the largest sum, whoever gets it"),
    ] = "equal"
    most_mw: Annotated[
        float, Field(gt=0, le=1000, description="the most by which trades may raise or lower a connection, in MW")
    ] = 1.0

    @property
    def at_risk_loading(self) -> float:
        return float("inf")

    def before(self, view: NetworkView) -> TradeTerms:
        n_peers = len(view.bus_of_peer)
        count = add_up(view.bus_of_peer, view.may_trade.astype(np.float64), len(view.grid.buses))
        bus = np.flatnonzero(count)
        rise_mw, fall_mw = floats(len(count)), floats(len(count))
        if len(bus) and view.forecast.method != "dark":  # without a solution nobody may move
            rise_mw[bus], fall_mw[bus] = self._shares(view, bus, count[bus])
        headroom = Headroom(rise_mw[view.bus_of_peer], fall_mw[view.bus_of_peer])
        return replace(free_terms(n_peers), headroom=headroom)

    def _shares(self, view: NetworkView, bus: Ints, count: Floats) -> tuple[Floats, Floats]:
        """Return the rise and the fall of each connection at some buses, MW ``(buses given,)``."""
        rows, room_mw = _room(view, bus, count)
        moves: Bools = np.any(rows > MOVES, axis=0)
        most = np.where(moves, self.most_mw, 0.0)
        both = np.concatenate([count, count])
        share = _filled(rows, room_mw, most) if self.share == "equal" else _largest(rows, room_mw, most, both)
        n = len(bus)
        rise_mw = share[:n] * _ac_factor(view, bus, count * share[:n])
        fall_mw = share[n:] * _ac_factor(view, bus, -count * share[n:])
        return np.where(moves[:n], rise_mw, np.inf), np.where(moves[n:], fall_mw, np.inf)


def _room(view: NetworkView, bus: Ints, count: Floats) -> tuple[Floats, Floats]:
    """Return ``rows x <= room_mw``: MW of each limit per MW of rise, then of fall, of each connection at the buses."""
    grid, limits, state = view.grid, view.limits, view.forecast
    branches, buses = np.arange(len(grid.branches)), np.arange(len(grid.buses))
    slopes = grid.sensitivities(state, branches, buses)
    lower = np.concatenate([-limits.loading, limits.v_min_pu]) + BACK_OFF
    upper = np.concatenate([limits.loading, limits.v_max_pu]) - BACK_OFF
    known = np.isfinite(slopes.mw_per_unit) & np.isfinite(slopes.value)
    mw = slopes.mw_per_unit[known]
    by_mw = slopes.by_mw[known][:, bus] * mw[:, None] * count
    up, down = np.maximum(by_mw, 0.0), np.maximum(-by_mw, 0.0)
    rows = np.concatenate([np.concatenate([up, down], axis=1), np.concatenate([down, up], axis=1)])
    above, below = (upper - slopes.value)[known], (slopes.value - lower)[known]
    room_mw = np.maximum(np.concatenate([above * mw, below * mw]), 0.0)
    bounds = np.isfinite(room_mw) & (rows > MOVES).any(axis=1)
    return rows[bounds], room_mw[bounds]


def _filled(rows: Floats, room_mw: Floats, most: Floats) -> Floats:
    """Return the shares that rise together: each until a limit that it loads is full, or it has its most."""
    share, rising, left = floats(len(most)), most > 0.0, room_mw.copy()
    while rising.any():
        rate = rows[:, rising].sum(axis=1)
        loads = rate > MOVES
        steps = np.full(len(left), np.inf)
        np.divide(left, rate, out=steps, where=loads)
        step = min(float(steps.min(initial=np.inf)), float((most - share)[rising].min()))
        share[rising] += step
        left = np.maximum(left - rate * step, 0.0)
        full = loads & (steps <= step)
        rising &= ~(rows[full] > MOVES).any(axis=0) & (share < most)
    return share


def _largest(rows: Floats, room_mw: Floats, most: Floats, count: Floats) -> Floats:
    """Return the shares of the largest sum over all connections; ``count`` are those that a column stands for."""
    program = Program(-count, most, rows, np.full(len(rows), -np.inf), room_mw, balance=None)
    return solve(program).value


def _ac_factor(view: NetworkView, bus: Ints, change_mw: Floats) -> float:
    """Return the largest factor, up to 1, by which all may change at once and limits hold (or as far as forecast)."""
    most = max(KEPT, excess(view.forecast, view.limits))

    def kept(factor: float) -> bool:
        p_mw = view.forecast.p_mw.copy()
        p_mw[bus] += factor * change_mw
        return excess(view.grid.solve(Injections(p_mw, view.forecast.q_mvar)), view.limits) <= most

    if not change_mw.any() or kept(1.0):
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if kept(middle) else (low, middle)
    return low
