"""The 37-bus network: what its sources say of it, and what factors on impedances and ratings do to any network."""

from collections import Counter
from itertools import combinations

import numpy as np
import pytest

from peerflex.core.errors import InputError
from peerflex.core.network import BranchTable, Injections
from peerflex.grid.factors import Factors
from peerflex.grid.network import open_network
from peerflex.grid.rbts2 import rbts2, sections
from peerflex.grid.sources import read_network
from tests.grid_rival import compare, file_loads, opened

pytestmark = pytest.mark.once

VARIANTS = {
    "as it is": Factors(),
    "scenario 1": Factors(trafo_rating=1 / 3),
    "scenario 2": Factors(line_rating=0.5),
    "scenario 3": Factors(line_impedance=3.0),
    "scenario 5": Factors(line_impedance=5.0, line_rating=0.5),
}


def test_rbts2_is_counted_as_published() -> None:
    """Allan et al. (1991): 36 sections of three lengths, 22 load points, 20 MW at peak, 12.291 MW on average."""
    network = opened("bundled", "rbts2")
    assert network.ac.branches.name == (*map(str, range(1, 37)), "T1")
    assert network.ac.buses.name == ("HV", *map(str, range(1, 38)))
    assert network.connections.name == tuple(f"LP{place}" for place in range(1, 23))
    np.testing.assert_array_equal(network.ac.buses.vn_kv, [33.0] + [11.0] * 37)
    assert network.connections.load_mw.sum() == pytest.approx(20.0, abs=1e-3)
    assert {section["length_km"] for section in sections()} == {"0.60", "0.75", "0.80"}
    loads = [(float(row["average_mw"]), float(row["peak_mw"])) for row in sections() if row["load_point"]]
    average, peak = np.array(loads).T
    assert average.sum() == pytest.approx(12.291, abs=1e-9)
    assert 0.605 <= (average / peak).min() <= (average / peak).max() <= 0.618, "load factors, whatever the customer"


def test_the_published_tables_name_these_nodes() -> None:
    """Marques et al. (2023), Tables 6 and 9: the loads of feeder 4 but two, the end of feeder 1, the end of line 13."""
    load_of = {row["to_node"]: row["load_point"] for row in sections()}
    assert [load_of[node] for node in ("37", "36", "34", "32", "31")] == ["LP22", "LP21", "LP20", "LP19", "LP18"]
    assert load_of["12"] == "LP7"
    assert load_of["14"] == "LP8"
    (line_13,) = (row for row in sections() if row["section"] == "13")
    assert line_13["to_node"] == "14"
    tees = [node for node, load in load_of.items() if not load]
    assert {"27", "30", "33", "35"} < set(tees)
    assert len(tees) == 14


def test_rbts2_is_a_tree_whose_section_k_ends_in_node_k_plus_1() -> None:
    fed = {"1"}
    for place, row in enumerate(sections(), start=1):
        assert (row["section"], row["to_node"]) == (str(place), str(place + 1))
        assert row["from_node"] in fed, "every section begins where one ended before"
        fed.add(row["to_node"])
    leaves = set(fed) - {row["from_node"] for row in sections()}
    assert leaves == {row["to_node"] for row in sections() if row["load_point"]}


def test_coordinates_are_as_far_apart_as_the_lines_are_long() -> None:
    buses = opened("bundled", "rbts2").ac.buses
    place = {name: np.array([buses.x[row], buses.y[row]]) for row, name in enumerate(buses.name)}
    for row in sections():
        distance_km = np.hypot(*(place[row["to_node"]] - place[row["from_node"]]))
        assert distance_km == pytest.approx(float(row["length_km"]), abs=1e-12)
    assert min(np.hypot(*(place[a] - place[b])) for a, b in combinations(map(str, range(1, 38)), 2)) > 0.3
    first = [place[row["to_node"]] / float(row["length_km"]) for row in sections() if row["from_node"] == "1"]
    np.testing.assert_array_equal(first, [[0, 1], [1, 0], [0, -1], [-1, 0]])
    np.testing.assert_array_equal(place["HV"], place["1"])


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("level", [-0.5, 0.4, 1.0])
def test_every_variant_flows_as_pandapower_says(variant: str, level: float) -> None:
    """Feed-in, a night and the peak."""
    factors = VARIANTS[variant]
    theirs = rbts2()
    theirs.line["r_ohm_per_km"] *= factors.line_impedance
    theirs.line["x_ohm_per_km"] *= factors.line_impedance
    theirs.line["max_i_ka"] *= factors.line_rating
    theirs.trafo["df"] *= factors.trafo_rating
    theirs.load["scaling"] = level
    network = open_network("bundled", "rbts2", factors=factors)
    loads = file_loads(network)
    state = network.ac.solve(Injections(level * loads.p_mw, level * loads.q_mvar))
    assert state.method == "zbus"
    deviation_pu, deviation_loading = compare(theirs, network, state)
    assert deviation_pu <= 1e-8
    assert deviation_loading <= 1e-8
    assert max(network.check(state)) <= 1e-8


def test_factors_reach_lines_and_not_transformers_or_charging() -> None:
    """A network with charging and two transformers, which must keep their impedance."""
    factors = Factors(line_impedance=3.0, line_rating=0.5, trafo_rating=2.0)
    theirs = read_network("bundled", "cigre-mv")
    theirs.line["r_ohm_per_km"] *= 3.0
    theirs.line["x_ohm_per_km"] *= 3.0
    theirs.line["max_i_ka"] *= 0.5
    theirs.trafo["df"] *= 2.0
    network = open_network("bundled", "cigre-mv", factors=factors)
    before = opened("bundled", "cigre-mv").ac.branches
    kinds = np.array(before.kind)
    assert Counter(kinds)["trafo"] == 2
    np.testing.assert_array_equal(
        network.ac.branches.rating_mva, before.rating_mva * np.where(kinds == "trafo", 2.0, 0.5)
    )
    loads = file_loads(network)
    state = network.ac.solve(Injections(0.3 * loads.p_mw, 0.3 * loads.q_mvar))
    theirs.load["scaling"] *= 0.3
    theirs.sgen["scaling"] *= 0.3
    assert max(compare(theirs, network, state)) <= 1e-8


@pytest.mark.parametrize(("source", "name"), [("bundled", "case69"), ("bundled", "cigre-mv"), ("bundled", "rbts2")])
def test_factors_of_one_change_no_bit(source: str, name: str) -> None:
    plain, ones = open_network(source, name), open_network(source, name, factors=Factors(1.0, 1.0, 1.0))
    assert plain is ones
    rated = open_network(source, name, factors=Factors(line_rating=0.5, trafo_rating=0.5))
    states = [each.ac.solve(file_loads(each)) for each in (plain, rated)]
    assert states[0].v_pu.tobytes() == states[1].v_pu.tobytes()
    assert states[0].loss_mw == states[1].loss_mw
    np.testing.assert_allclose(states[1].loading, 2.0 * states[0].loading, rtol=1e-14)


def test_networks_of_different_factors_are_kept_apart() -> None:
    several = [open_network("bundled", "rbts2", factors=factors) for factors in VARIANTS.values()]
    assert len({id(network) for network in several}) == len(VARIANTS)
    assert open_network("bundled", "rbts2", factors=Factors(line_impedance=3.0)) is several[3]
    assert len({network.fingerprint for network in several}) == 1, "the input is one"
    np.testing.assert_allclose(several[3].wires.edge_z_pu[:-1], 3.0 * several[0].wires.edge_z_pu[:-1], rtol=1e-12)
    assert several[3].wires.edge_z_pu[-1] == several[0].wires.edge_z_pu[-1]


def test_a_dso_misjudges_the_network_that_factors_made() -> None:
    true, wrong, true_3, wrong_3 = (
        open_network("bundled", "rbts2", impedance_error=error, seed=5, factors=Factors(line_impedance=factor))
        for factor in (1.0, 3.0)
        for error in (0.0, 0.2)
    )
    misjudged = wrong.wires.edge_z_pu / true.wires.edge_z_pu
    assert misjudged.std() > 0.1
    np.testing.assert_allclose(wrong_3.wires.edge_z_pu / true_3.wires.edge_z_pu, misjudged, rtol=1e-12)


def test_all_windings_of_a_transformer_are_rated_by_its_factor() -> None:
    ends = np.zeros(3, dtype=np.int64)
    branches = BranchTable(("a", "b", "c"), ("line", "trafo3w", "trafo"), ends, ends, np.array([np.inf, 10.0, 4.0]))
    rating_mva = Factors(line_rating=0.5, trafo_rating=0.25).on_ratings(branches)
    np.testing.assert_array_equal(rating_mva, [np.inf, 2.5, 1.0])


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["line_impedance", "line_rating", "trafo_rating"])
def test_a_factor_that_is_none_is_refused(name: str, value: float) -> None:
    with pytest.raises(InputError, match=f"{name}_factor"):
        open_network("bundled", "rbts2", factors=Factors(**{name: value}))
