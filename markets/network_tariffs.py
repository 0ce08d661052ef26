"""What the DSO charges for using the network, by the hour of the day, or by how near the wires are to their limits."""

from dataclasses import dataclass
from typing import Annotated, Final, Literal

import numpy as np
from pydantic import Field

from peerflex.core.arrays import Floats, floats
from peerflex.core.protocols import NetworkView

MOST_WATCHED: Final = 20
"""A tariff comes from the elements nearest to their limits; more of them say the same again."""

Injection = Annotated[
    Literal["paid", "free"],
    Field(description="whether injection is paid what withdrawal pays there (and charged where that is below 0)"),
]


@dataclass(frozen=True, slots=True)
class NoNetworkTariff:
    """Nothing that depends on time or place."""

    def rates(self, view: NetworkView, hour_of_day: float) -> tuple[Floats, Floats]:
        nothing = floats(len(view.grid.buses))
        return nothing, nothing


@dataclass(frozen=True, slots=True)
class TimeOfUse:
    """One price at every bus: a peak between two hours of the day, a base price otherwise. EUR/MWh."""

    peak_eur_per_mwh: Annotated[float, Field(ge=0, le=1000, description="in the peak, EUR/MWh")] = 60.0
    base_eur_per_mwh: Annotated[float, Field(ge=0, le=1000, description="in all other hours, EUR/MWh")] = 0.0
    peak_from_hour: Annotated[float, Field(ge=0, le=24, description="hour of the day at which the peak begins")] = 17.0
    peak_to_hour: Annotated[
        float, Field(ge=0, le=24, description="hour at which it ends; below the first: after midnight")
    ] = 21.0
    injection: Injection = "free"

    def rates(self, view: NetworkView, hour_of_day: float) -> tuple[Floats, Floats]:
        first, last = self.peak_from_hour, self.peak_to_hour
        after, before = hour_of_day >= first, hour_of_day < last
        peak = (after and before) if first <= last else (after or before)
        price = np.full(len(view.grid.buses), self.peak_eur_per_mwh if peak else self.base_eur_per_mwh)
        return price, price if self.injection == "paid" else 0.0 * price


@dataclass(frozen=True, slots=True)
class DynamicTariff:
    """A price by time and place from the DSO's forecast (EUniversal D5.3, 2022, section 2.1.4), before anybody bids.

    The stress of an element is 0 up to the share ``from_share`` of its limit and 1 at the limit or beyond. Withdrawal
    at a bus pays ``most_eur_per_mwh`` times the stress of the worst element that it loads, times what a MW there does
    for it as a share of what it does at the bus that does most; below 0 where withdrawal relieves it. The element that
    makes the largest price of a bus counts, others add nothing. 0 where nothing is near its limit, and without a
    forecast that can be solved. EUR/MWh.
    """

    most_eur_per_mwh: Annotated[
        float, Field(gt=0, le=1000, description="where withdrawal loads most an element at its limit, EUR/MWh")
    ] = 50.0
    from_share: Annotated[
        float, Field(ge=0, lt=1, description="share of a limit from which an element makes a price")
    ] = 0.8
    injection: Injection = "paid"

    def rates(self, view: NetworkView, hour_of_day: float) -> tuple[Floats, Floats]:
        price = self._price(view)
        if self.injection == "paid":
            return price, price
        return np.maximum(price, 0.0), 0.0 * price

    def _price(self, view: NetworkView) -> Floats:
        state, limits, grid = view.forecast, view.limits, view.grid
        nothing = floats(len(grid.buses))
        if state.method == "dark":
            return nothing
        middle_pu, half_pu = (limits.v_max_pu + limits.v_min_pu) / 2, (limits.v_max_pu - limits.v_min_pu) / 2
        used = np.nan_to_num(
            np.concatenate([state.loading / limits.loading, np.abs(state.v_pu - middle_pu) / half_pu]), posinf=0.0
        )
        worst = np.argsort(-used, kind="stable")[:MOST_WATCHED]
        rows = np.sort(worst[used[worst] > self.from_share])
        if not len(rows):
            return nothing
        n = len(state.loading)
        branches, buses = rows[rows < n], rows[rows >= n] - n
        slopes = grid.sensitivities(state, branches, buses)
        is_low = state.v_pu[buses] < middle_pu[buses]
        towards = np.concatenate([-np.sign(slopes.value[: len(branches)]), np.where(is_low, 1.0, -1.0)])
        largest = np.abs(slopes.by_mw).max(axis=1, keepdims=True)
        helps = slopes.by_mw * towards[:, None] / np.where(largest > 0.0, largest, 1.0)
        stress = np.minimum((used[rows] - self.from_share) / (1.0 - self.from_share), 1.0)
        prices = self.most_eur_per_mwh * stress[:, None] * helps
        price: Floats = np.take_along_axis(prices, np.abs(prices).argmax(axis=0)[None], axis=0)[0]
        return price
