"""Weights of trades by how near what they change is to its limit: a smooth preference, for loadings and voltages."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field

from peerflex.core.arrays import Floats, Ints, floats, ints
from peerflex.core.protocols import NetworkView
from peerflex.core.trade import TradeTerms, free_terms
from peerflex.markets.incentives import AtRiskLoading

AT_A_TIME = 1_000_000
"""Pairs of places, of so many elements at a time: all elements at once would take too much memory."""


@dataclass(frozen=True, slots=True)
class ConstraintWeights:
    """Trades weigh by what they do to what is near its limit (EUniversal D5.3, 2022, section 3.2.4,
    constraint-based approach: coefficients from congestion and voltage, by PTDF and voltage sensitivity).

    An element that uses the share ``u`` of its limit in the forecast counts ``c = (u - at_risk_loading) / (1 -
    at_risk_loading)``, within 0 and 1. Of a trade of 1 MW it takes ``a`` MW towards its limit, from exact
    sensitivities. With ``h`` the sum of ``c a`` over elements that the trade harms and ``g`` that over those that it
    helps, what it gives to a side counts ``(1 + weight)**g (1 - weight)**h`` times and what it costs the other way
    round: ``markets.incentives.TradePreference`` with real numbers for its counts.

    It forbids nothing and keeps no limit. The opposite trade has the factors exchanged.
    """

    weight: Annotated[
        float,
        Field(ge=0, lt=1, description="change of a trade's worth by an element at its limit that carries it all"),
    ] = 0.2
    at_risk_loading: AtRiskLoading = 0.8
    voltage: Annotated[
        bool, Field(description="whether the lowest and the highest voltage count beside the loadings")
    ] = True
    money: Annotated[
        bool, Field(description="whether the DSO pays (and charges) what its weights change, or only steers")
    ] = False

    def before(self, view: NetworkView) -> TradeTerms:
        branches, buses = view.at_risk(self.at_risk_loading), self._worst_voltages(view)
        counts = np.concatenate([self._closeness(view, branches), self._voltage_closeness(view, buses)])
        effect = _towards_limits(view, branches, buses)
        of_bus, place = np.unique(view.bus_of_peer, return_inverse=True)
        if not counts.any() or not len(of_bus):
            return free_terms(len(view.bus_of_peer))
        helped, harmed = _weighed(counts[:, None] * effect[:, of_bus])
        gain_factor = (1.0 + self.weight) ** helped * (1.0 - self.weight) ** harmed
        blocked = np.zeros(gain_factor.shape, dtype=np.bool_)
        return TradeTerms(place, blocked, gain_factor, gain_factor.T, self.money)

    def _closeness(self, view: NetworkView, branches: Ints) -> Floats:
        return self._ramp(view.forecast.loading[branches] / view.limits.loading[branches])

    def _voltage_closeness(self, view: NetworkView, buses: Ints) -> Floats:
        return self._ramp(_voltage_used(view)[buses])

    def _ramp(self, used: Floats) -> Floats:
        """Return 0 for what is just at risk, 1 for what is at its limit or beyond; at risk from there on: 1."""
        if self.at_risk_loading >= 1.0:
            return np.where(used >= self.at_risk_loading, 1.0, 0.0)
        return np.clip((used - self.at_risk_loading) / (1.0 - self.at_risk_loading), 0.0, 1.0)

    def _worst_voltages(self, view: NetworkView) -> Ints:
        """Return the buses of the lowest and of the highest voltage that are at risk: they speak for their neighbours,
        which else would count once each."""
        used = _voltage_used(view)
        if not self.voltage or view.forecast.method == "dark":
            return ints(0)
        high = view.forecast.v_pu >= _middle(view)
        sides = [np.flatnonzero((used >= self.at_risk_loading) & side) for side in (~high, high)]
        return np.array([rows[np.argmax(used[rows])] for rows in sides if rows.size], dtype=np.int64)


def _voltage_used(view: NetworkView) -> Floats:
    """Return the share of half its band that each voltage is from its middle; 0 where there is none or no limit."""
    v_pu, low, high = view.forecast.v_pu, view.limits.v_min_pu, view.limits.v_max_pu
    with np.errstate(invalid="ignore"):
        used = np.abs(2.0 * v_pu - low - high) / (high - low)
    return np.where(np.isfinite(used), used, 0.0)


def _middle(view: NetworkView) -> Floats:
    with np.errstate(invalid="ignore"):  # of a band without limits there is none
        middle: Floats = (view.limits.v_min_pu + view.limits.v_max_pu) / 2
    return middle


def _towards_limits(view: NetworkView, branches: Ints, buses: Ints) -> Floats:
    """Return how far 1 MW injected at each bus takes elements towards their limits, in MW ``(elements, buses)``."""
    slopes = view.grid.sensitivities(view.forecast, branches, buses)
    middle = _middle(view)[buses]
    towards = np.concatenate(
        [np.sign(slopes.value[: len(branches)]), np.where(slopes.value[len(branches) :] < middle, -1.0, 1.0)]
    )
    with np.errstate(invalid="ignore"):
        effect = towards[:, None] * slopes.by_mw * slopes.mw_per_unit[:, None]
    return np.where(np.isfinite(effect), effect, 0.0)


def _weighed(effect: Floats) -> tuple[Floats, Floats]:
    """Return the sums of what a sale from each place to each other helps and harms ``(places, places)``."""
    n_elements, n = effect.shape
    harmed = floats(n, n)
    some = max(1, AT_A_TIME // n**2)
    for first in range(0, n_elements, some):
        part = effect[first : first + some]
        harmed += np.maximum(part[:, :, None] - part[:, None, :], 0.0).sum(axis=0)
    return harmed.T, harmed
