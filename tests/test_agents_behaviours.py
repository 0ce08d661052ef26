"""Every behaviour keeps the contract: bids only what its peers could do, at prices that make sense together."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peerflex.agents.dispatch import dispatch
from peerflex.agents.listed import Listed
from peerflex.agents.prosumer import Prosumer
from peerflex.agents.registry import BEHAVIOURS
from peerflex.agents.truthful import Truthful
from peerflex.core.people import Observation, PeerState, PeerTable, Plan
from peerflex.core.streams import stream
from peerflex.core.units import BUY, SELL

HOUR_S = 3600
NAN = float("nan")
FLEXIBILITY_ONLY = ("listed",)
"""Behaviours whose energy that flows anyway goes to and comes from the supplier."""
ELASTIC = ("elastic-load", "elastic-source")
"""Behaviours for which nothing flows without a trade; more about them in test_agents_elastic."""
NOT_ELASTIC = tuple(kind for kind in BEHAVIOURS if kind not in ELASTIC)
CAUTIOUS = ("risk-averse",)
"""Behaviours that offer another quantity than they expect; more about them in test_risk_averse."""


def observation(seed: int, n: int = 8, **columns: object) -> Observation:
    """Return peers with random loads, PV, batteries, generators, boilers and listed prices, some without them."""
    rng = np.random.default_rng(seed)
    battery_mwh = rng.choice([0.0, 0.005, 0.01], n)
    values: dict[str, object] = {
        "peer": np.arange(n) + 3,
        "load_mw": rng.choice([0.0, 0.001, 0.004], n),
        "pv_mw": rng.choice([0.0, 0.002, 0.006], n),
        "soc_mwh": battery_mwh * rng.uniform(0, 1, n),
        "battery_mwh": battery_mwh,
        "battery_mw": battery_mwh / 2,
        "battery_efficiency": np.full(n, 0.95),
        "voltage_pu": rng.choice([np.nan, 0.93, 1.0, 1.07], n),
        "relief": rng.choice([-1.0, 0.0, 0.4], n),
        "generator_mw": rng.choice([0.0, 0.003], n),
        "boiler_mw": rng.choice([0.0, 0.005], n),
        "up_eur_per_mwh": rng.choice([NAN, 210.0, 260.0], n),
        "down_eur_per_mwh": rng.choice([NAN, 150.0, 190.0], n),
        "retail_eur_per_mwh": np.full(n, 320.0),
        "feed_in_eur_per_mwh": np.full(n, 80.0),
        "installed_mw": rng.choice([0.0, 0.006], n),
        "marginal_eur_per_mwh": rng.uniform(0.0, 100.0, n),
        "marginal_rise_eur_per_mwh": rng.uniform(1.0, 90.0, n),
        "least_mw": np.zeros(n),
        "called_share": rng.choice([0.0, 0.45], n),
        "start_s": 0,
        "duration_s": HOUR_S,
    }
    return Observation(**(values | columns))  # type: ignore[arg-type]


def bids(kind: str, seen: Observation, seed: int = 1) -> Plan:
    return BEHAVIOURS[kind]().bid(seen, stream(seed, "test"))


@pytest.mark.parametrize("kind", BEHAVIOURS)
@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_a_plan_is_something_the_peers_can_do(kind: str, seed: int) -> None:
    seen = observation(seed)
    plan = bids(kind, seen)
    orders = plan.orders
    assert plan.battery_mw.shape == plan.pv_mw.shape == seen.peer.shape
    assert np.all((plan.pv_mw >= 0) & (plan.pv_mw <= seen.pv_mw))
    assert set(orders.peer) <= set(seen.peer)
    assert np.all(orders.quantity_mw > 0)
    assert np.all(orders.duration_s == HOUR_S)
    assert np.isfinite(orders.price_eur_per_mwh).all()
    if kind in ELASTIC:
        return  # these order all they use and make; see test_agents_elastic

    # All dispatchable sales of a peer at once stay within battery, load and generator; all purchases within battery,
    # PV and boiler.
    row = {int(peer): i for i, peer in enumerate(seen.peer)}
    for peer, i in row.items():
        mine = orders.take((orders.peer == peer) & orders.dispatchable)
        up = mine.quantity_mw[mine.side == SELL].sum()
        down = mine.quantity_mw[mine.side == BUY].sum()
        stored = min(seen.battery_mw[i], seen.soc_mwh[i] * 0.95)
        room = min(seen.battery_mw[i], (seen.battery_mwh[i] - seen.soc_mwh[i]) / 0.95)
        assert up <= stored - plan.battery_mw[i] + seen.load_mw[i] + seen.generator_mw[i] + 1e-12
        assert down <= room + plan.battery_mw[i] + seen.pv_mw[i] + seen.boiler_mw[i] + 1e-12


@pytest.mark.parametrize("kind", [kind for kind in NOT_ELASTIC if kind not in CAUTIOUS])
@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_energy_that_flows_anyway_is_offered_once_or_by_some_not_at_all(kind: str, seed: int) -> None:
    seen = observation(seed)
    plan = bids(kind, seen)
    firm = plan.orders.take(~plan.orders.dispatchable)
    net = np.zeros(len(seen.peer))
    np.add.at(net, firm.peer - 3, firm.side * firm.quantity_mw)
    flows = seen.pv_mw + plan.battery_mw - seen.load_mw
    np.testing.assert_allclose(net, 0.0 if kind in FLEXIBILITY_ONLY else flows, atol=2e-9)


@pytest.mark.parametrize("kind", NOT_ELASTIC)
def test_nobody_sells_flexibility_below_what_it_would_pay_for_it(kind: str) -> None:
    """Listed prices are not a behaviour's own doing: here they are drawn on either side of 200 EUR/MWh."""
    orders = bids(kind, observation(5, n=200)).orders
    flexible = orders.take(orders.dispatchable)
    up = flexible.price_eur_per_mwh[flexible.side == SELL]
    down = flexible.price_eur_per_mwh[flexible.side == BUY]
    assert len(up) > 50
    assert len(down) > 50
    assert down.max() <= (320 + 80) / 2 <= up.min()


@pytest.mark.parametrize("kind", BEHAVIOURS)
def test_same_seed_same_bids_and_nobody_at_all_is_fine(kind: str) -> None:
    seen = observation(7)
    first, again = bids(kind, seen), bids(kind, seen)
    np.testing.assert_array_equal(first.orders.price_eur_per_mwh, again.orders.price_eur_per_mwh)
    assert len(bids(kind, observation(1, n=0)).orders) == 0


def test_a_truthful_peer_asks_feed_in_and_bids_retail() -> None:
    seen = observation(3, n=2, load_mw=np.array([0.004, 0.0]), pv_mw=np.array([0.0, 0.006]))
    firm = Truthful().bid(seen, stream(1, "test")).orders
    firm = firm.take(~firm.dispatchable)
    assert firm.side.tolist() == [BUY, SELL]
    assert firm.price_eur_per_mwh.tolist() == [320.0, 80.0]


def household(soc_mwh: float, load_mw: float, pv_mw: float, relief: float, voltage_pu: float = 1.0) -> Observation:
    one = {
        "load_mw": load_mw,
        "pv_mw": pv_mw,
        "soc_mwh": soc_mwh,
        "battery_mwh": 0.01,
        "battery_mw": 0.005,
        "voltage_pu": voltage_pu,
        "relief": relief,
    }
    return observation(0, n=1, **{name: np.array([value]) for name, value in one.items()})


def test_a_prosumer_uses_its_own_first_and_trades_the_rest() -> None:
    sunny = Prosumer().bid(household(0.002, load_mw=0.001, pv_mw=0.008, relief=0.0), stream(1, "test"))
    assert sunny.battery_mw == pytest.approx([-0.005])  # 7 kW left, the converter takes 5
    firm = sunny.orders.take(~sunny.orders.dispatchable)
    assert firm.quantity_mw == pytest.approx([0.002])
    assert firm.side.tolist() == [SELL]
    evening = Prosumer().bid(household(0.002, load_mw=0.004, pv_mw=0.0, relief=0.0), stream(1, "test"))
    assert evening.battery_mw == pytest.approx([0.0019])  # 2 kWh stored give 1.9


@pytest.mark.parametrize(("relief", "voltage_pu"), [(1.0, 1.0), (0.0, 0.94)])
def test_a_prosumer_does_not_charge_where_injection_is_wanted(relief: float, voltage_pu: float) -> None:
    sunny = household(0.002, load_mw=0.001, pv_mw=0.008, relief=relief, voltage_pu=voltage_pu)
    assert Prosumer().bid(sunny, stream(1, "test")).battery_mw == pytest.approx([0.0])
    deaf = Prosumer(heeds_dso=False).bid(sunny, stream(1, "test"))
    assert deaf.battery_mw == pytest.approx([-0.005])


def test_a_listed_peer_offers_what_it_can_drop_and_start_at_its_own_prices() -> None:
    """The example of docs/economics/listed.md; a second peer lists no price for more injection."""
    two = {"load_mw": 0.002, "pv_mw": 0.003, "generator_mw": 0.0015, "boiler_mw": 0.001, "down_eur_per_mwh": 9.0}
    columns = {name: np.full(2, value) for name, value in two.items()}
    seen = observation(0, n=2, **columns, up_eur_per_mwh=np.array([48.0, NAN]))
    plan = Listed(flexible_share=0.4).bid(seen, stream(1, "test"))
    orders = plan.orders
    assert orders.peer.tolist() == [3, 3, 4]
    assert orders.side.tolist() == [SELL, BUY, BUY]
    assert orders.quantity_mw == pytest.approx([0.0023, 0.0022, 0.0022])
    assert orders.price_eur_per_mwh.tolist() == [48.0, 9.0, 9.0]
    assert orders.dispatchable.all()
    assert not plan.battery_mw.any()
    assert plan.pv_mw.tolist() == [0.003, 0.003]

    none, pair = np.zeros(2), np.zeros(2, dtype=np.int64)
    peers = PeerTable(
        name=("one", "two"),
        bus=pair,
        behaviour=pair,
        pv_mw=seen.pv_mw,
        battery_mwh=none,
        battery_mw=none,
        battery_efficiency=np.ones(2),
        generator_mw=seen.generator_mw,
        boiler_mw=seen.boiler_mw,
        up_eur_per_mwh=seen.up_eur_per_mwh,
        down_eur_per_mwh=seen.down_eur_per_mwh,
        trade=np.ones(2, dtype=np.bool_),
        tan_phi=none,
        marginal_eur_per_mwh=none,
        marginal_rise_eur_per_mwh=none,
        least_mw=none,
        least_share=none,
    )
    called = np.array([0.002, -0.0022])
    done = dispatch(peers, PeerState(none), seen.load_mw, plan.pv_mw, plan.battery_mw, called, 1.0)
    assert done.load_mw == pytest.approx([0.0015, 0.003])
    assert done.pv_mw == pytest.approx([0.0045, 0.0018])
