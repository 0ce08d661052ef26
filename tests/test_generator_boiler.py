"""Generators and boilers of a group: who owns them, what every behaviour offers of them, and on which side of the
interface price."""

import numpy as np
import pytest

from peerflex.agents.registry import BEHAVIOURS
from peerflex.core.errors import InputError
from peerflex.core.people import Observation, Plan
from peerflex.core.streams import stream
from peerflex.core.units import BUY, SELL
from peerflex.runs.area.build import build
from peerflex.runs.area.plugins import registry
from peerflex.scenarios.load import load_scenario
from tests.test_agents_behaviours import observation

pytestmark = pytest.mark.once

KINDS = ("truthful", "prosumer", "risk-averse", "zero-intelligence")


def owner(relief: float = 0.0) -> Observation:
    """Return one peer that owns a generator of 6 kW and a boiler of 2 kW, and nothing else."""
    nothing = {name: np.zeros(1) for name in ("load_mw", "pv_mw", "soc_mwh", "battery_mwh", "battery_mw")}
    sizes = {"generator_mw": np.array([0.006]), "boiler_mw": np.array([0.002])}
    said = {"relief": np.array([relief]), "voltage_pu": np.ones(1)}
    return observation(0, n=1, **nothing, **sizes, **said)


def bids(kind: str, seen: Observation) -> Plan:
    return BEHAVIOURS[kind]().bid(seen, stream(1, "test"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_generator_is_sold_at_its_cost_and_a_boiler_buys_for_what_heat_is_worth(kind: str) -> None:
    orders = bids(kind, owner()).orders

    assert orders.side.tolist() == [SELL, BUY]
    assert orders.quantity_mw.tolist() == [0.006, 0.002]
    assert orders.dispatchable.all()
    at_a_profit = 100.0 if kind == "zero-intelligence" else 0.0
    assert 200.0 <= orders.price_eur_per_mwh[0] <= 200.0 + 1.2 * at_a_profit
    assert 100.0 - 0.2 * at_a_profit <= orders.price_eur_per_mwh[1] <= 100.0


@pytest.mark.parametrize(("relief", "sides"), [(1.0, [SELL]), (-1.0, [BUY])])
def test_a_prosumer_that_heeds_the_dso_starts_nothing_that_makes_it_worse(relief: float, sides: list[int]) -> None:
    assert bids("prosumer", owner(relief)).orders.side.tolist() == sides


def test_a_group_owns_what_the_scenario_says_and_others_own_none() -> None:
    sizes = ["peers.prosumers.generator_kw=30", "peers.truthful.boiler_kw=20"]

    peers = build(load_scenario("case69-day", sizes), registry()).area.peers

    np.testing.assert_array_equal(peers.generator_mw, np.where(peers.behaviour == 0, 0.03, 0.0))
    np.testing.assert_array_equal(peers.boiler_mw, np.where(peers.behaviour == 1, 0.02, 0.0))


@pytest.mark.parametrize(
    "setting",
    ["peers.prosumers.behaviour.generation_eur_per_mwh=199", "peers.prosumers.behaviour.heat_eur_per_mwh=201"],
)
def test_a_generator_below_and_a_boiler_above_the_interface_price_are_refused(setting: str) -> None:
    sizes = ["peers.prosumers.generator_kw=30", "peers.prosumers.boiler_kw=20"]

    with pytest.raises(InputError, match="not between the flexibility bids"):
        build(load_scenario("case69-day", [*sizes, setting]), registry())
