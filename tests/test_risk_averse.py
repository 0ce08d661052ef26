"""The risk-averse prosumer: the newsvendor's quantity is the best one, and caution is a share of the way to it."""

from dataclasses import replace
from typing import cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peerflex.agents.prosumer import Prosumer
from peerflex.agents.risk_averse import RiskAverse, deviations
from peerflex.core.arrays import Floats
from peerflex.core.people import Observation
from peerflex.core.streams import stream
from peerflex.core.units import BUY, SELL
from tests.test_agents_behaviours import observation
from tests.test_docs_worked import household, rows

SHORT, LONG = 352.0, 72.0


class Drawn:
    """A generator that always draws the same share of the tariff spread."""

    def __init__(self, share: float) -> None:
        self.share = share

    def uniform(self, low: float, high: float, size: int) -> Floats:
        return np.full(size, self.share)


def without_battery(load_kw: float, pv_kw: float) -> Observation:
    nothing = np.zeros(1)
    return replace(household(load_kw, pv_kw, 0.0), battery_mwh=nothing, battery_mw=nothing)


def traded_kw(behaviour: RiskAverse, load_kw: float, pv_kw: float, margin: float = 62.0) -> tuple[int, float, float]:
    """Return side, kW and price of what a peer without a battery trades of its own energy."""
    rng = cast(np.random.Generator, Drawn(margin / 240))
    side, kw, price, _ = next(row for row in rows(behaviour.bid(without_battery(load_kw, pv_kw), rng)) if not row[3])
    return side, kw, price


def profit_eur(sold_kw: Floats, injected_kw: Floats, price: float) -> Floats:
    """Return what it believes to earn on average with each quantity, over draws of what it will inject."""
    beyond = injected_kw - sold_kw[:, None]
    settled = np.where(beyond >= 0, LONG * beyond, SHORT * beyond)
    earned: Floats = (price * sold_kw + settled.mean(axis=1)) / 1000
    return earned


@pytest.mark.parametrize(("load_kw", "pv_kw"), [(1.0, 3.0), (4.0, 0.0), (2.0, 5.0)])
def test_no_other_quantity_has_a_better_expected_profit(load_kw: float, pv_kw: float) -> None:
    """By Monte Carlo over the errors of load and PV that it believes in."""
    side, kw, price = traded_kw(RiskAverse(), load_kw, pv_kw)
    factor = np.maximum(1 + 0.2 * stream(7, "test.errors").standard_normal((2, 200_000)), 0.0)
    injected_kw = pv_kw * factor[1] - load_kw * factor[0]
    deviation_kw = 0.2 * np.hypot(load_kw, pv_kw)
    grid_kw = side * kw + deviation_kw * np.linspace(-1.5, 1.5, 31)
    profit = profit_eur(grid_kw, injected_kw, price)
    assert abs(int(profit.argmax()) - 15) <= 1, "within a tenth of a standard deviation"
    assert profit[15] > profit[[10, 20]].max() + 1e-4


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), aversion=st.floats(0, 1), error=st.floats(0, 1), greed=st.floats(0, 1))
def test_nobody_trades_more_than_all_its_sun_or_all_its_load(
    seed: int, aversion: float, error: float, greed: float
) -> None:
    seen = observation(seed)
    plan = RiskAverse(greed=greed, risk_aversion=aversion, believed_error=error).bid(seen, stream(1, "test"))
    firm = plan.orders.take(~plan.orders.dispatchable)
    row = firm.peer - 3
    most = np.where(firm.side == SELL, (seen.pv_mw + plan.battery_mw)[row], (seen.load_mw - plan.battery_mw)[row])
    assert np.isfinite(plan.orders.quantity_mw).all()
    assert (firm.quantity_mw <= most + 1e-12).all()
    np.testing.assert_array_equal(firm.side, np.where(seen.pv_mw + plan.battery_mw > seen.load_mw, SELL, BUY)[row])


@pytest.mark.parametrize("parameters", [{"risk_aversion": 0.0}, {"believed_error": 0.0}])
def test_without_aversion_or_error_it_is_the_prosumer(parameters: dict[str, float]) -> None:
    seen = observation(5, n=50)
    averse, prosumer = RiskAverse(**parameters).bid(seen, stream(1, "t")), Prosumer().bid(seen, stream(1, "t"))
    np.testing.assert_array_equal(averse.battery_mw, prosumer.battery_mw)
    for column in ("peer", "side", "quantity_mw", "price_eur_per_mwh"):
        np.testing.assert_array_equal(getattr(averse.orders, column), getattr(prosumer.orders, column))


def test_a_dearer_price_makes_bolder_and_equal_tariffs_leave_the_forecast() -> None:
    prices = np.linspace(60, 360, 31)
    quantile = deviations(prices, np.full(31, SHORT), np.full(31, LONG))
    assert (np.diff(quantile) >= 0).all()
    assert quantile[0] == pytest.approx(-3.09, abs=5e-3)
    assert deviations(prices, np.full(31, 100.0), np.full(31, 100.0)) == pytest.approx(0.0)


def test_the_examples_of_the_page() -> None:
    """docs/economics/risk-averse.md."""
    assert traded_kw(RiskAverse(), 1, 3) == (SELL, pytest.approx(1.573, abs=5e-4), pytest.approx(142.0))
    assert traded_kw(RiskAverse(risk_aversion=0.5), 1, 3)[1] == pytest.approx(1.787, abs=5e-4)
    assert traded_kw(RiskAverse(), 4, 0) == (BUY, pytest.approx(3.661, abs=5e-4), pytest.approx(258.0))
    injected_kw = 2 + 0.6325 * stream(3, "test.errors").standard_normal(400_000)
    earned = profit_eur(np.array([1.573, 2.0]), injected_kw, 142.0)
    assert earned == pytest.approx([0.228, 0.213], abs=1e-3)
