"""The distribution system operator: watches, warns and buys flexibility, all with its own model of the network."""

from dataclasses import fields

import mesa
import numpy as np

from peerflex.agents.watch import Severity, severity, worst
from peerflex.core.arrays import Bools, Floats, Ints, floats, ints
from peerflex.core.network import GridState, Injections, Limits, Sensitivities
from peerflex.core.protocols import Grid, Incentive, NetworkView
from peerflex.core.record import Outlook
from peerflex.core.trade import FlexNeed, Signal

VIOLATION = 5e-7
"""A limit is violated by more than this share of it; half of what a cleared market may leave."""

BACK_OFF = 1e-5
"""The market is asked to stay this far inside a limit, so that what the linearisation misses is not a violation."""

INSIDE_AS_OUTSIDE = 3.0
"""How often the excess of a stubborn violation is what it should end inside its limit."""

MOST_NEEDS = 50
"""Rows added in a round: relieving the worst relieves most others; what is left is added in the next round."""

HEAVIER = 1e-9
"""A branch is loaded further when its loading rises by more than this share of it."""

MOST_WARNINGS = 20
"""The signal comes from the elements nearest to their limits; more of them say the same again."""


class DSO(mesa.Agent):
    """Keeps the limits. ``grid`` is what the DSO believes the network to be, which may differ from the real one."""

    def __init__(
        self,
        model: mesa.Model,
        grid: Grid,
        limits: Limits,
        at_risk: float,
        publishes: bool,
        incentive: Incentive,
        bus_of_peer: Ints,
        may_trade: Bools,
        loss_eur_per_mwh: float,
    ) -> None:
        super().__init__(model)
        self.grid = grid
        self.limits = limits
        self.at_risk = at_risk
        self.publishes = publishes
        self.incentive = incentive
        self.bus_of_peer = bus_of_peer
        self.may_trade = may_trade
        self.loss_eur_per_mwh = loss_eur_per_mwh

    @property
    def _no_need(self) -> FlexNeed:
        nothing = floats(0)
        return FlexNeed(np.zeros(0, bool), ints(0), nothing, nothing, nothing, floats(0, len(self.grid.buses)), nothing)

    def expects(self, injections: Injections) -> GridState:
        """Return what the DSO's own model says the wires will do."""
        return self.grid.solve(injections)

    def signal(self, forecast: GridState, measured: GridState | None) -> Signal:
        """Say where injection is wanted: what is near a limit in the forecast, and what was in the last step.

        An element is at risk when it uses at least ``at_risk`` of its limit. ``relief`` adds up what one MW at
        each bus would do for the worst of them, each in the state in which it is at risk, scaled to [-1, 1].
        The branches that the incentive speaks for are at risk too.
        """
        wanted, at_risk = floats(len(self.grid.buses)), np.zeros(len(self.grid.branches), dtype=np.bool_)
        if self.publishes:
            for state in [forecast] + ([] if measured is None else [measured]):
                used = severity(state, self.limits)
                at_risk |= used.branch >= self.at_risk
                wanted += self._wanted(state, used)
        view = self.view(forecast)
        at_risk[view.at_risk(self.incentive.at_risk_loading)] = True
        return Signal(_scaled(wanted), at_risk, self.incentive.before(view))

    def view(self, forecast: GridState) -> NetworkView:
        """Return what the DSO's incentive may know before anybody trades."""
        return NetworkView(self.grid, self.limits, forecast, self.bus_of_peer, self.may_trade, self.loss_eur_per_mwh)

    def outlook(self, forecast: GridState, traded: GridState) -> Outlook:
        """Return how far trading brings the wires from the forecast towards their limits, or beyond."""
        limit_mva = self.limits.loading * self.grid.branches.rating_mva
        excess = np.maximum(traded.loading - self.limits.loading, 0.0)
        heavier = traded.loading > forecast.loading * (1.0 + HEAVIER)
        onward = np.sign(traded.flow_mw) == np.sign(forecast.flow_mw)
        speaks = np.isfinite(self.incentive.at_risk_loading)
        return Outlook(
            forecast=forecast,
            traded=traded,
            overflow_mva=np.multiply(
                excess, self.grid.branches.rating_mva, out=floats(len(excess)), where=excess > 0.0
            ),
            limit_mva=limit_mva,
            worsened=(forecast.loading >= self.at_risk * self.limits.loading) & heavier & onward,
            unprotected=~(forecast.loading >= self.incentive.at_risk_loading * self.limits.loading) if speaks else None,
        )

    def _wanted(self, state: GridState, used: Severity) -> Floats:
        """Return what one MW at each bus does for the elements at risk in a state; shape ``(buses,)``."""
        watch = worst(used, self.at_risk, MOST_WARNINGS)
        if not watch or state.method == "dark":
            return floats(len(self.grid.buses))
        slopes = self.grid.sensitivities(state, watch.branches, watch.buses)
        largest = np.abs(slopes.by_mw).max(axis=1, keepdims=True)
        towards = (used.of(watch) * self._towards(slopes))[:, None]
        wanted: Floats = (slopes.by_mw / np.where(largest > 0, largest, 1.0) * towards).sum(axis=0)
        return wanted

    def _towards(self, slopes: Sensitivities) -> Floats:
        """Return per row whether its value should rise (+1) or fall (-1) to be further from its limit."""
        middle = (self.limits.v_min_pu + self.limits.v_max_pu)[slopes.bus] / 2
        voltage = slopes.value[len(slopes.branch) :]
        return np.concatenate([-np.sign(slopes.value[: len(slopes.branch)]), np.where(voltage < middle, 1.0, -1.0)])

    def need(self, state: GridState, activated_mw: Floats, before: FlexNeed | None, stubborn: bool = False) -> FlexNeed:
        """Return the limits to keep, linearised where the activations so far lead.

        ``state`` is the one that the activations lead to; rows are stated relative to none of them. What is violated
        now is added to the rows of ``before``, which stay as cuts: without them the market would jump back and
        forth between the operating points it was shown. Returns ``before`` itself when nothing is violated any
        more, and a need without rows when nothing is violated at all (or nothing can be solved). A ``stubborn``
        violation, which many rounds have only made smaller, is to end as far inside its limit as it is outside, and
        more: offers of one price leave the market many answers, and each new row only rules out the last.
        """
        nothing_new = self._no_need if before is None else before
        watch = worst(severity(state, self.limits), 1.0 + VIOLATION, MOST_NEEDS)
        if not watch or state.method == "dark":
            return nothing_new
        slopes = self.grid.sensitivities(state, watch.branches, watch.buses)
        loading, v_min, v_max = self.limits.loading, self.limits.v_min_pu, self.limits.v_max_pu
        # A voltage that no injection moves, such as the upstream grid's, cannot be bought: it stays a violation.
        movable = np.isfinite(slopes.mw_per_unit)
        if not movable.any():
            return nothing_new
        lower = np.concatenate([-loading[watch.branches], v_min[watch.buses]])
        upper = np.concatenate([loading[watch.branches], v_max[watch.buses]])
        inside = BACK_OFF + stubborn * INSIDE_AS_OUTSIDE * np.maximum(slopes.value - upper, lower - slopes.value)
        rows = FlexNeed(
            is_voltage=np.repeat([False, True], [len(watch.branches), len(watch.buses)])[movable],
            element=np.concatenate([watch.branches, watch.buses])[movable],
            value=(slopes.value - (slopes.by_mw * activated_mw).sum(axis=1))[movable],
            lower=(lower + inside)[movable],
            upper=(upper - inside)[movable],
            by_mw=slopes.by_mw[movable],
            mw_per_unit=slopes.mw_per_unit[movable],
        )
        return rows if before is None or not len(before) else _below(before, rows)


def _below(first: FlexNeed, then: FlexNeed) -> FlexNeed:
    """Return two needs as one, the rows of the second below those of the first."""
    return FlexNeed(*(np.concatenate([getattr(first, f.name), getattr(then, f.name)]) for f in fields(FlexNeed)))


def _scaled(wanted: Floats) -> Floats:
    """Return what is wanted in [-1, 1]; small effects are none."""
    largest = np.abs(wanted).max(initial=0.0)
    if largest == 0.0:
        return wanted
    return np.where(np.abs(wanted) >= 0.05 * largest, wanted / largest, 0.0)
