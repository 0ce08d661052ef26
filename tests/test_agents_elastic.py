"""Elastic peers: their orders, put together, are their utility or cost curve, and nothing flows without a trade."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peerflex.agents.elastic import ElasticLoad, ElasticSource
from peerflex.core.arrays import Floats
from peerflex.core.people import Observation, Plan
from peerflex.core.streams import stream
from peerflex.core.trade import FIRM_EUR_PER_MWH, Orders
from peerflex.core.units import BUY, SELL
from tests.test_agents_behaviours import observation

NOBODY = stream(1, "test")


def peers(n: int = 1, **columns: float) -> Observation:
    """Return peers with nothing but the given columns, and marginals of 100 falling or rising by 80."""
    nothing = {
        name: np.zeros(n)
        for name in ("load_mw", "pv_mw", "generator_mw", "boiler_mw", "installed_mw", "least_mw", "called_share")
    }
    marginals = {"marginal_eur_per_mwh": np.full(n, 100.0), "marginal_rise_eur_per_mwh": np.full(n, 80.0)}
    given_columns = {name: np.full(n, value) for name, value in columns.items()}
    return observation(1, n, **(nothing | marginals | given_columns))


def marginal_at(orders: Orders, side: int, filled_mw: float) -> float:
    """Return the true marginal value or cost after so many MW of the orders, taken in their order, are served."""
    start = 0.0
    for row in range(len(orders)):
        if filled_mw <= start + orders.quantity_mw[row] + 1e-12:
            here = orders.true_eur_per_mwh[row] + side * orders.slope_eur_per_mwh2[row] * (filled_mw - start)
            return float(here)
        start += orders.quantity_mw[row]
    raise AssertionError("not so much is ordered")


@settings(max_examples=50, deadline=None)
@given(
    load=st.floats(0.01, 5), called=st.floats(0, 1), at=st.floats(0, 1.3), kind=st.sampled_from(["offered", "on-call"])
)
def test_a_load_orders_its_utility_curve_whatever_is_called(load: float, called: float, at: float, kind: str) -> None:
    seen = peers(load_mw=load, called_share=called)
    orders = ElasticLoad(extra=kind).bid(seen, NOBODY).orders  # type: ignore[arg-type]
    assert (orders.side == BUY).all()
    assert orders.dispatchable.all()
    assert orders.quantity_mw.sum() == pytest.approx(1.3 * load)
    assert marginal_at(orders, BUY, at * load) == pytest.approx(100 - 80 * at)
    assert orders.quantity_mw[orders.extra].sum() == pytest.approx(0.7 * load)


@settings(max_examples=50, deadline=None)
@given(
    there=st.floats(0.01, 4), installed=st.floats(4, 9), at=st.floats(0, 1), own=st.floats(0, 1), called=st.floats(0, 1)
)
def test_a_source_orders_its_cost_curve(there: float, installed: float, at: float, own: float, called: float) -> None:
    seen = peers(pv_mw=there, installed_mw=installed, called_share=called)
    orders = ElasticSource(flexible_share=own, extra="on-call").bid(seen, NOBODY).orders
    assert (orders.side == SELL).all()
    assert orders.quantity_mw.sum() == pytest.approx(there)
    assert marginal_at(orders, SELL, at * there) == pytest.approx(100 + 80 * at * there / installed)
    assert orders.quantity_mw[orders.extra].sum() == pytest.approx((1 - own) * there, abs=1e-8)


def firm_mw(plan: Plan) -> Floats:
    orders = plan.orders
    return orders.quantity_mw[orders.premium_eur_per_mwh == FIRM_EUR_PER_MWH]


def test_the_dso_calls_and_less_is_firm() -> None:
    load = ElasticLoad(extra="on-call")
    assert firm_mw(load.bid(peers(load_mw=2.0), NOBODY)).sum() == pytest.approx(1.4)
    assert firm_mw(load.bid(peers(load_mw=2.0, called_share=0.2), NOBODY)).sum() == pytest.approx(1.4)
    assert firm_mw(load.bid(peers(load_mw=2.0, called_share=0.45), NOBODY)).sum() == pytest.approx(1.1)
    assert firm_mw(load.bid(peers(load_mw=2.0, called_share=1.0), NOBODY)).sum() == 0.0
    sun = ElasticSource(flexible_share=0.0, extra="on-call")
    assert firm_mw(sun.bid(peers(pv_mw=2.0, installed_mw=3.0), NOBODY)).sum() == pytest.approx(2.0)
    assert firm_mw(sun.bid(peers(pv_mw=2.0, installed_mw=3.0, called_share=0.2), NOBODY)).sum() == pytest.approx(1.6)


def test_offered_extra_flexibility_costs_the_penalty() -> None:
    orders = ElasticLoad(penalty_eur_per_mwh=70.0).bid(peers(load_mw=1.0), NOBODY).orders
    assert orders.price_eur_per_mwh.tolist() == pytest.approx([100 + 70, 100 - 80 * 0.7])
    assert orders.penalty_eur_per_mwh.tolist() == [70, 0]
    assert orders.premium_eur_per_mwh.tolist() == [70, 0]
    orders = ElasticSource(flexible_share=0.8, penalty_eur_per_mwh=70.0).bid(peers(pv_mw=1.0, installed_mw=1.0), NOBODY)
    assert orders.orders.price_eur_per_mwh.tolist() == pytest.approx([100 - 70, 100 + 80 * 0.2])


def test_a_generator_runs_at_its_least_power_first_and_that_is_no_flexibility() -> None:
    plan = ElasticSource().bid(peers(generator_mw=0.5, least_mw=0.1), NOBODY)
    assert plan.orders.quantity_mw.tolist() == pytest.approx([0.1, 0.4])
    assert plan.orders.price_eur_per_mwh.tolist() == pytest.approx([100 - FIRM_EUR_PER_MWH, 100 + 80 * 0.2])
    assert not plan.orders.extra.any()


def test_nothing_is_planned_without_a_trade() -> None:
    seen = peers(3, load_mw=1.0, pv_mw=2.0, installed_mw=2.0)
    load, source = ElasticLoad().bid(seen, NOBODY), ElasticSource().bid(seen, NOBODY)
    assert load.load_mw is not None
    assert not load.load_mw.any()
    assert load.pv_mw is seen.pv_mw
    roof = load.orders.take(load.orders.side == SELL)
    assert roof.quantity_mw.tolist() == [2.0] * 3
    assert roof.price_eur_per_mwh.tolist() == [80.0] * 3
    assert not roof.dispatchable.any()
    assert not source.pv_mw.any()


def test_a_kind_may_have_one_curve_for_all() -> None:
    seen = replace(peers(load_mw=1.0), marginal_eur_per_mwh=np.array([np.nan]))
    orders = ElasticLoad(marginal_eur_per_mwh=50.0, rise_eur_per_mwh=10.0).bid(seen, NOBODY).orders
    assert marginal_at(orders, BUY, 1.0) == pytest.approx(40.0)


def test_the_page_by_hand() -> None:
    """docs/economics/elastic.md: 2 MW of usual load, 118 EUR/MWh falling by 88."""
    seen = peers(load_mw=2.0, marginal_eur_per_mwh=118.0, marginal_rise_eur_per_mwh=88.0)
    load = ElasticLoad(extra="on-call")
    orders = load.bid(seen, NOBODY).orders
    assert orders.quantity_mw.tolist() == pytest.approx([1.4, 1.2])
    assert orders.price_eur_per_mwh.tolist() == pytest.approx([5118.0, 56.4])
    assert orders.slope_eur_per_mwh2.tolist() == pytest.approx([44.0, 44.0])
    assert marginal_at(orders, BUY, 1.9) == pytest.approx(34.4)
    called = load.bid(replace(seen, called_share=np.array([0.4])), NOBODY).orders
    assert called.quantity_mw.tolist() == pytest.approx([1.2, 0.2, 1.2])
    assert called.price_eur_per_mwh[1] == pytest.approx(65.2)
