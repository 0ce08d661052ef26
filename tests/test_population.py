"""A population in place of the network's connections: the same wires, offers as asked for, draws that do not mix."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peerflex.core.arrays import add_up
from peerflex.core.errors import InputError
from peerflex.core.network import BusTable
from peerflex.core.people import Connections, Profiles
from peerflex.core.streams import stream
from peerflex.scenarios.load import LoadedScenario, load_scenario
from peerflex.scenarios.peers import CUSTOMER, build_peers
from peerflex.scenarios.population import BOILER, GENERATOR, LOAD, REST, SOLAR, Population, build_population
from peerflex.scenarios.profiles import build_profiles

HEAD = """name: a
grid: {source: bundled, code: village, demand_factor: 2, pv_factor: 0.5}
profiles: {source: steady}
time: {hours: 3}
peers:
  - {name: traders, of_population: traders, behaviour: {kind: listed}, battery_kwh: 2, battery_kw: 1}
  - {name: providers, of_population: providers, trades_with_peers: false, behaviour: {kind: listed}}
"""
SPEC = """population:
  buses: {count: 8}
  generation_ratio: 1.5
  buses_without_generation: {count: 2}
  offered_share: 0.4
  up_eur_per_mwh: [45, 55]
  down_eur_per_mwh: [5, 15]
  traders: {count: 10}
"""


def village() -> tuple[Connections, BusTable]:
    """Return 10 buses, one without connections, one with PV only, one with two loads."""
    buses = BusTable(tuple(f"b{row}" for row in range(11)), np.full(11, 0.4), np.zeros(11), np.zeros(11))
    bus = np.array([1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 10])
    load = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.05, 0.1, 0.1, 0.0])
    pv = np.where(bus >= 9, 0.2, 0.0)
    return Connections(tuple(f"c{row}" for row in range(11)), bus, load, 0.3 * load, pv), buses


def scenario(folder: Path, *settings_: str, seed: int = 1, text: str = HEAD + SPEC) -> LoadedScenario:
    (folder / "a.yaml").write_text(text)
    return load_scenario(str(folder / "a.yaml"), settings_, seed=seed)


def population(folder: Path, *settings_: str, seed: int = 1, attempt: int = 0) -> Population:
    built = build_population(scenario(folder, *settings_, seed=seed), *village(), attempt)
    assert built is not None
    return built


@settings(max_examples=25, deadline=None)
@given(
    share=st.floats(0, 1),
    ratio=st.floats(0, 5),
    extra=st.floats(1, 3),
    without=st.integers(0, 8),
    seed=st.integers(0, 99),
)
def test_every_bus_takes_what_its_network_file_says(
    tmp_path_factory: pytest.TempPathFactory, share: float, ratio: float, extra: float, without: int, seed: int
) -> None:
    changes = {
        "offered_share": share,
        "generation_ratio": ratio,
        "extra_load_factor": extra,
        "buses_without_generation.count": without,
        "traders.count": 5,
    }
    given_ = [f"population.{key}={value!r}" for key, value in changes.items()]
    loaded = scenario(tmp_path_factory.mktemp("village"), *given_, seed=seed)
    connections, buses = village()
    everybody = build_population(loaded, connections, buses)
    peers = build_peers(loaded, connections, buses, everybody)

    profiles = build_profiles(loaded, connections, peers, None, everybody)

    for step in range(3):
        net = add_up(peers.bus, profiles.load_mw[step] - profiles.pv_mw[step], 11)
        load = add_up(connections.bus, connections.load_mw, 11) * 2
        pv = add_up(connections.bus, connections.pv_mw, 11) * 0.5
        np.testing.assert_allclose(net, extra * load - pv, atol=1e-12)
        np.testing.assert_allclose(add_up(peers.bus, profiles.load_mvar[step], 11), 0.3 * extra * load, atol=1e-12)
    assert (profiles.load_mw >= 0).all()
    assert (profiles.pv_mw >= 0).all()


def test_offers_are_the_share_of_gross_load_and_of_generation_one_way_each(tmp_path: Path) -> None:
    loaded, (connections, buses) = scenario(tmp_path), village()
    everybody = population(tmp_path)
    peers = build_peers(loaded, connections, buses, everybody)
    profiles = build_profiles(loaded, connections, peers, None, everybody)

    net_mw = 2 * add_up(connections.bus, connections.load_mw, 11)
    generating = np.unique(everybody.bus[everybody.kind == GENERATOR])
    assert set(everybody.bus[everybody.kind == LOAD]) == {1, 2, 3, 4, 5, 6, 7, 9}  # the largest eight
    assert len(generating) == 6
    for kind, bus, load, pv, generator, boiler in zip(
        everybody.kind,
        everybody.bus,
        profiles.load_mw[0],
        profiles.pv_mw[0],
        peers.generator_mw,
        peers.boiler_mw,
        strict=True,
    ):
        generation = 1.5 * net_mw[bus] if bus in generating else 0.0
        gross = net_mw[bus] + generation
        assert (load if kind == LOAD else 0.0) == pytest.approx(0.4 * gross * (kind == LOAD))
        assert (pv if kind == SOLAR else 0.0) == pytest.approx(0.4 * generation * (kind == SOLAR))
        assert generator == pytest.approx(0.4 * generation * (kind == GENERATOR))
        assert boiler == pytest.approx(0.4 * gross * (kind == BOILER))
    up, down = np.isfinite(peers.up_eur_per_mwh), np.isfinite(peers.down_eur_per_mwh)
    np.testing.assert_array_equal(up, np.isin(everybody.kind, (LOAD, GENERATOR)))
    np.testing.assert_array_equal(down, np.isin(everybody.kind, (BOILER, SOLAR)))
    assert ((peers.up_eur_per_mwh[up] >= 45) & (peers.up_eur_per_mwh[up] <= 55)).all()
    assert ((peers.down_eur_per_mwh[down] >= 5) & (peers.down_eur_per_mwh[down] <= 15)).all()


def test_traders_and_providers_are_the_groups_of_the_scenario_and_everybody_else_a_customer(tmp_path: Path) -> None:
    loaded, (connections, buses) = scenario(tmp_path), village()
    everybody = population(tmp_path)

    peers = build_peers(loaded, connections, buses, everybody)

    assert int((peers.behaviour == 0).sum()) == 10
    assert int((peers.behaviour == 1).sum()) == 8 * 2 + 6 * 2 - 10
    np.testing.assert_array_equal(peers.behaviour == CUSTOMER, everybody.kind == REST)
    np.testing.assert_array_equal(peers.trade, peers.behaviour == 0)
    np.testing.assert_array_equal(peers.battery_mwh, np.where(peers.behaviour == 0, 0.002, 0.0))
    assert int((everybody.kind == REST).sum()) == 10  # every bus with a connection has one
    assert len(set(peers.name)) == len(peers)


def test_prices_generation_and_traders_are_drawn_apart(tmp_path: Path) -> None:
    first = population(tmp_path)
    prices = np.nan_to_num(first.up_eur_per_mwh) + np.nan_to_num(first.down_eur_per_mwh)
    places = dict(zip(first.name, prices, strict=True))

    more_traders = population(tmp_path, "population.traders.count=20")
    all_generate = population(tmp_path, "population.buses_without_generation.count=0")
    stressed = population(tmp_path, "population.extra_load_factor=1.5")
    other = population(tmp_path, seed=2)

    np.testing.assert_array_equal(more_traders.up_eur_per_mwh, first.up_eur_per_mwh)
    assert (more_traders.trader | ~first.trader).all()  # more traders, the same and others
    again = np.nan_to_num(all_generate.up_eur_per_mwh) + np.nan_to_num(all_generate.down_eur_per_mwh)
    kept = dict(zip(all_generate.name, again, strict=True))
    assert all(kept[name] == price for name, price in places.items())
    np.testing.assert_array_equal(stressed.trader, first.trader)
    np.testing.assert_array_equal(stressed.generator_mw, first.generator_mw)
    np.testing.assert_array_equal(stressed.boiler_mw, first.boiler_mw)
    np.testing.assert_array_equal(stressed.up_mw, first.up_mw)
    assert (other.trader != first.trader).any()


def test_traders_are_drawn_evenly_over_seeds(tmp_path: Path) -> None:
    loaded, (connections, buses) = scenario(tmp_path), village()
    drawn = np.zeros(28)
    for seed in range(200):
        one = loaded.scenario.model_copy(update={"seed": seed})
        everybody = build_population(LoadedScenario(one, loaded.base, "a", ()), connections, buses)
        assert everybody is not None
        assert everybody.trader.sum() == 10
        drawn += everybody.trader[:28]
    # 10 of 28 in 200 draws: 71 each with a standard deviation of 6.8
    assert drawn.min() > 71 - 4 * 6.8
    assert drawn.max() < 71 + 4 * 6.8


def test_chosen_traders_sell_where_they_are_wanted_and_buy_elsewhere(tmp_path: Path) -> None:
    chosen = "population.traders={count: null, chosen: {count: 5, up_at: [[b1, b2], [b3]], up_each: [1, 2]}}"
    seen = set()
    for attempt in range(40):
        everybody = population(tmp_path, chosen, attempt=attempt)
        sells = np.isfinite(everybody.up_eur_per_mwh) & everybody.trader
        buys = np.isfinite(everybody.down_eur_per_mwh) & everybody.trader
        first, second = np.isin(everybody.bus[sells], [1, 2]).sum(), (everybody.bus[sells] == 3).sum()
        assert 1 <= first <= 2
        assert 1 <= second <= 2
        assert not np.isin(everybody.bus[buys], [1, 2, 3]).any()
        assert sells.sum() + buys.sum() == everybody.trader.sum() == 5
        seen.add((int(first), int(second)))
    assert seen == {(1, 1), (1, 2), (2, 1), (2, 2)}


def test_chosen_traders_offer_as_little_as_asked_for(tmp_path: Path) -> None:
    chosen = (
        "population.traders={count: null, chosen: {count: 5, up_at: [[b1, b2], [b3]], up_each: [1, 2], most_mw: 1.5}}"
    )
    for attempt in range(20):
        everybody = population(tmp_path, chosen, attempt=attempt)
        connections, _ = village()
        net_mw = 2 * add_up(connections.bus, connections.load_mw, 11)[everybody.bus]
        generating = np.isin(everybody.bus, everybody.bus[everybody.kind == GENERATOR])
        of_load = np.isin(everybody.kind, (LOAD, BOILER))
        offered_mw = 0.4 * net_mw * np.where(of_load, 1.0 + 1.5 * generating, 1.5)
        up = np.isin(everybody.kind, (LOAD, GENERATOR))
        sold_mw, bought_mw = (offered_mw[everybody.trader & side].sum() for side in (up, ~up))
        assert min(sold_mw, bought_mw) <= 1.5


def test_a_year_of_the_network_moves_the_population_with_it(tmp_path: Path) -> None:
    connections, _ = village()
    everybody = population(tmp_path)
    shape = stream(1, "test.year").uniform(0.1, 1.0, (5, len(connections)))
    year = Profiles(shape * connections.load_mw, shape * connections.load_mvar, shape * connections.pv_mw)

    profiles = everybody.profiles(year, connections.bus)

    for step in range(5):
        np.testing.assert_allclose(
            add_up(everybody.bus, profiles.load_mw[step] - profiles.pv_mw[step], 11),
            add_up(connections.bus, year.load_mw[step] - year.pv_mw[step], 11),
            atol=1e-12,
        )


@pytest.mark.parametrize(
    ("change", "where", "what"),
    [
        ("population.buses.count=11", "population.buses.count", "asks for 11, there are 9"),
        ("population.buses_without_generation.count=9", "buses_without_generation.count", "asks for 9, there are 8"),
        ("population.traders.count=29", "population.traders.count", "asks for 29, there are 28"),
        (
            "population.traders={count: null, chosen: {count: 3, up_at: [[b8]]}}",
            "chosen.up_at.0",
            "0 of the connections",
        ),
        ("population.traders={count: null, chosen: {count: 5, up_at: [[b77]]}}", "chosen.up_at.0", "no bus 'b77'"),
        (
            "population.traders={count: null, chosen: {count: 4, up_at: [[b1]], most_mw: 0.001}}",
            "chosen.most_mw",
            "offer so little",
        ),
        ("population.traders={count: null, chosen: {count: 90, up_at: [[b1]]}}", "chosen.count", "elsewhere could buy"),
    ],
)
def test_a_population_that_does_not_fit_its_network_is_refused(
    tmp_path: Path, change: str, where: str, what: str
) -> None:
    with pytest.raises(InputError) as refused:
        population(tmp_path, change)

    assert where in refused.value.problem.where
    assert what in refused.value.problem.what


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        (HEAD, "population", "is missing: a group is part of it"),
        (HEAD.replace("traders, behaviour", "providers, behaviour") + SPEC, "peers", "are not one group"),
        (HEAD + SPEC.replace("offered_share: 0.4", "offered_share: 1.4"), "population.offered_share", "outside"),
        (HEAD + SPEC.replace("[45, 55]", "[55, 45]"), "population.up_eur_per_mwh", "above"),
        (HEAD + SPEC.replace("{count: 10}", "{count: 10, share: 0.3}"), "population.traders.count", "not the only one"),
        (HEAD + SPEC.replace("{count: 8}", "{}"), "population.buses.count", "is missing"),
        (
            HEAD.replace("of_population: traders,", "of_population: traders, at_buses: [b1],") + SPEC,
            "peers.0",
            "beside",
        ),
        (HEAD.replace("steady", "steady, load: scale") + SPEC, "profiles.load", "not for source 'steady'"),
    ],
)
def test_a_scenario_that_contradicts_itself_is_refused(tmp_path: Path, text: str, where: str, what: str) -> None:
    with pytest.raises(InputError) as refused:
        scenario(tmp_path, text=text)

    assert where in refused.value.problem.where
    assert what in refused.value.problem.what
