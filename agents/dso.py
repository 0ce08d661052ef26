"""The distribution system operator: watches, warns and buys flexibility, all with its own model of the network."""

import mesa
import numpy as np

from peerflex.agents.watch import Watch, severity, worst
from peerflex.core.protocols import Grid
from peerflex.core.types import (
    Bools,
    FlexNeed,
    Floats,
    GridState,
    Injections,
    Limits,
    Sensitivities,
    Signal,
    floats,
    ints,
)

VIOLATION = 5e-7
"""A limit is violated by more than this share of it; half of what a cleared market may leave."""

MOST_WARNINGS = 20
"""The signal comes from the elements nearest to their limits; more of them say the same again."""


class DSO(mesa.Agent):
    """Keeps the limits. ``grid`` is what the DSO believes the network to be, which may differ from the real one."""

    def __init__(self, model: mesa.Model, grid: Grid, limits: Limits, at_risk: float, publishes: bool) -> None:
        super().__init__(model)
        self.grid = grid
        self.limits = limits
        self.at_risk = at_risk
        self.publishes = publishes

    @property
    def _no_need(self) -> FlexNeed:
        nothing = floats(0)
        return FlexNeed(np.zeros(0, bool), ints(0), nothing, nothing, nothing, floats(0, len(self.grid.buses)), nothing)

    def signal(self, expected: Injections, measured: GridState | None) -> Signal:
        """Say where injection is wanted: what is near a limit in the forecast, or was in the last step.

        An element is at risk when it uses at least ``at_risk`` of its limit. ``relief`` adds up what one MW at
        each bus would do for the worst of them, scaled to [-1, 1].
        """
        silent = Signal(relief=floats(len(self.grid.buses)), at_risk=np.zeros(len(self.grid.branches), bool))
        if not self.publishes:
            return silent
        state = self.grid.solve(expected)
        used = severity(state, self.limits)
        if measured is not None:
            used = used.maximum(severity(measured, self.limits))
        watch = worst(used, self.at_risk, MOST_WARNINGS)
        if not watch or state.method == "dark":
            return silent
        slopes = self.grid.sensitivities(state, watch.branches, watch.buses)
        wanted = _relief(slopes, used.of(watch), self._towards(slopes))
        return Signal(relief=wanted, at_risk=used.branch >= self.at_risk)

    def _towards(self, slopes: Sensitivities) -> Floats:
        """Return per row whether its value should rise (+1) or fall (-1) to be further from its limit."""
        middle = (self.limits.v_min_pu + self.limits.v_max_pu)[slopes.bus] / 2
        voltage = slopes.value[len(slopes.branch) :]
        return np.concatenate([-np.sign(slopes.value[: len(slopes.branch)]), np.where(voltage < middle, 1.0, -1.0)])

    def need(self, expected: Injections, activated_mw: Floats, before: FlexNeed | None) -> FlexNeed:
        """Return the limits to keep, linearised where the activations so far lead.

        ``expected`` are the injections without any activation and the rows are stated relative to them. Rows
        of ``before`` stay: a limit once violated stays watched. Returns ``before`` itself when nothing is
        violated any more, and a need without rows when nothing is violated at all (or nothing can be solved).
        """
        state = self.grid.solve(Injections(expected.p_mw + activated_mw, expected.q_mvar))
        watch = worst(severity(state, self.limits), 1.0 + VIOLATION, None)
        if not watch or state.method == "dark":
            return self._no_need if before is None else before
        if before is not None:
            watch = watch | Watch(before.element[~before.is_voltage], before.element[before.is_voltage])
        slopes = self.grid.sensitivities(state, watch.branches, watch.buses)
        loading, v_min, v_max = self.limits.loading, self.limits.v_min_pu, self.limits.v_max_pu
        lower = np.concatenate([-loading[watch.branches], v_min[watch.buses]])
        upper = np.concatenate([loading[watch.branches], v_max[watch.buses]])
        # A voltage that no injection moves, such as the upstream grid's, cannot be bought: it stays a violation.
        movable = np.isfinite(slopes.mw_per_unit)
        return FlexNeed(
            is_voltage=np.repeat([False, True], [len(watch.branches), len(watch.buses)])[movable],
            element=np.concatenate([watch.branches, watch.buses])[movable],
            value=(slopes.value - (slopes.by_mw * activated_mw).sum(axis=1))[movable],
            lower=lower[movable],
            upper=upper[movable],
            by_mw=slopes.by_mw[movable],
            mw_per_unit=slopes.mw_per_unit[movable],
        )


def _relief(slopes: Sensitivities, weight: Floats, towards: Floats) -> Floats:
    """Return what more injection at each bus does for the watched rows, in [-1, 1]; small effects are none."""
    scale = np.abs(slopes.by_mw).max(axis=1, keepdims=True)
    help_per_mw = slopes.by_mw / np.where(scale > 0, scale, 1.0) * (weight * towards)[:, None]
    total = help_per_mw.sum(axis=0)
    largest = np.abs(total).max(initial=0.0)
    if largest == 0.0:
        return np.zeros_like(total)
    matters: Bools = np.abs(total) >= 0.05 * largest
    return np.where(matters, total / largest, 0.0)
