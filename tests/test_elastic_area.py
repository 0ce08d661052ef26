"""Elastic peers in an area: what waits for a trade is done as traded, what nature denies shows on the meter."""

import numpy as np
import pytest

from peerflex.core.errors import InputError
from peerflex.runs.area.build import build
from peerflex.runs.area.plugins import registry
from peerflex.runs.study.memory import InMemory
from peerflex.scenarios.load import load_scenario


def test_sun_that_does_not_shine_is_a_deviation_and_cuts_nobodys_load() -> None:
    total_mw, settings = 0.0, ["delivery.forecast_error=0.15", "time.hours=12"]
    with InMemory(load_scenario("tso-dso-benchmark", settings), registry()) as run:
        for record in run.records():
            decision, peers = record.decision, run.area.peers
            kind = np.array([run.area.behaviour_names[row] for row in peers.behaviour])
            loads, sources = kind == "loads", np.isin(kind, ("pv", "wind"))
            bought = np.bincount(
                decision.orders.peer, -decision.orders.side * decision.result.accepted_mw, minlength=len(peers)
            )
            np.testing.assert_allclose(-record.metered_mw[loads], bought[loads], atol=1e-9)
            there = run.area.profiles.pv_mw[decision.step]
            expected = np.minimum(-bought, there)
            np.testing.assert_allclose(record.metered_mw[sources], expected[sources], atol=1e-9)
            missing = (decision.scheduled_mw - record.metered_mw)[sources]
            assert (missing >= -1e-9).all()
            total_mw += float(missing.sum())
    assert total_mw > 1


def test_a_customer_with_a_forecast_of_nothing_still_has_its_load() -> None:
    """A bug: an error beyond -100 % made the forecast 0, and what was planned as 0 was taken for waiting."""
    with InMemory(load_scenario("case69-day", ["delivery.forecast_error=0.9", "time.hours=6"]), registry()) as run:
        for record in run.records():
            customers = run.area.peers.behaviour == -1
            np.testing.assert_array_equal(
                record.decision.load_mw[customers], run.area.profiles.load_mw[record.decision.step][customers]
            )


def test_who_joins_beyond_the_transformer_changes_nobodys_errors() -> None:
    from peerflex.runs.stages import knowledge

    with_tso = build(load_scenario("tso-week", ["delivery.forecast_error=0.1"]), registry()).area
    without = build(load_scenario("tso-week", ["delivery.forecast_error=0.1", "tso=null"]), registry()).area
    assert len(with_tso.peers) == len(without.peers) + 1
    for step in (0, 12):
        mine = knowledge.own_forecast(with_tso, step, knowledge.actual(with_tso, step))
        other = knowledge.own_forecast(without, step, knowledge.actual(without, step))
        np.testing.assert_array_equal(mine.pv_mw[:-1], other.pv_mw)
        np.testing.assert_array_equal(mine.load_mw[:-1], other.load_mw)


def test_a_load_takes_its_reactive_power_along() -> None:
    area = build(load_scenario("tso-week"), registry()).area
    load = area.profiles.load_mw.sum(axis=0)
    assert (area.peers.tan_phi[load > 0] > 0.2).all()
    assert not area.peers.tan_phi[-2:].any()  # supplier and TSO


@pytest.mark.parametrize(
    ("name", "settings", "where"),
    [
        ("tso-week", ["peers.0.behaviour.marginal_eur_per_mwh=null"], "marginal_eur_per_mwh"),
        ("tso-week", ["peers.0.behaviour.rise_eur_per_mwh=null"], "rise_eur_per_mwh"),
        ("tso-week", ["peers=[{name: all, of_units: [load], behaviour: {kind: elastic-load}}]"], "units"),
        ("tso-dso-benchmark", ["peers=[{name: all, share_of_connections: 1, behaviour: {kind: truthful}}]"], "peers"),
    ],
)
def test_what_cannot_be_meant_is_refused(name: str, settings: list[str], where: str) -> None:
    with pytest.raises(InputError) as refusal:
        build(load_scenario(name, settings), registry())
    assert where in refusal.value.problem.where


@pytest.mark.parametrize("settings", [["tso.firm=true", "tso.scheme=common"], ["tso.scheme=iterative"]])
def test_a_premium_is_no_price_in_a_market_that_takes_it_for_one(settings: list[str]) -> None:
    """A bug: in the pool a firm request set a price of 5147 EUR/MWh."""
    peers = "peers=[{name: all, share_of_connections: 1, behaviour: {kind: prosumer}}]"
    with pytest.raises(InputError) as refusal:
        build(load_scenario("tso-week", [peers, "market.p2p={kind: bilateral-pool}", *settings]), registry())
    assert refusal.value.problem.where.endswith(": tso")
