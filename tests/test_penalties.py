"""Which trades harm the network, by branch, by common path and by distance."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from peerflex.core.arrays import ints
from peerflex.core.errors import InputError
from peerflex.core.network import BusTable, Injections
from peerflex.core.trade import free_terms
from peerflex.grid.network import open_network
from peerflex.markets.penalties import Map, by_common_path, distances_km, on_feeder, uses
from tests.desks import Comb


def test_only_trades_that_use_the_branch_in_its_direction_are_charged() -> None:
    """The first line carries power out; the second too; trades within what lies behind, or back, are nobody's harm."""
    comb, every = Comb((1.0, 1.0, 1.0)), np.arange(4)
    state = comb.solve(Injections(np.array([3.0, -1.0, -2.0, 0.0]), np.zeros(4)))
    used = uses(comb.sensitivities(state, np.array([0, 1]), ints(0)), every)
    first = {(a, b) for a in (0, 3) for b in (1, 2)}
    second = {(a, 2) for a in (0, 1, 3)}
    assert {tuple(pair) for pair in np.argwhere(used[0]).tolist()} == first
    assert {tuple(pair) for pair in np.argwhere(used[1]).tolist()} == second
    back = comb.solve(Injections(np.array([-3.0, 1.0, 2.0, 0.0]), np.zeros(4)))
    turned = uses(comb.sensitivities(back, np.array([0, 1]), ints(0)), every)
    np.testing.assert_array_equal(turned, used.transpose(0, 2, 1))


def test_a_low_voltage_charges_those_who_buy_further_out_and_a_high_one_those_who_sell_there() -> None:
    at, weak = np.arange(4), Comb().resistance[2]
    low, high = by_common_path(weak, at, low=True), by_common_path(weak, at, low=False)
    assert low[0] == pytest.approx([0.0, 0.4, 1.0, 0.0])
    assert low[1] == pytest.approx([0.0, 0.0, 0.6, 0.0])
    assert not low[2].any()
    np.testing.assert_array_equal(high, low.T)


@given(resistance=st.lists(st.floats(0, 1), min_size=1, max_size=6), low=st.booleans())
def test_weights_on_a_voltage_lie_between_nothing_and_one_and_never_count_both_ways(
    resistance: list[float], low: bool
) -> None:
    weight = by_common_path(np.array(resistance), np.arange(len(resistance)), low)
    assert ((weight >= 0) & (weight <= 1)).all()
    assert not ((weight > 0) & (weight.T > 0)).any()


def test_common_paths_of_the_37_bus_network_are_sums_of_its_sections() -> None:
    """In pu per MW: 0.253 ohm/km over 11 kV squared, and half a per cent of 25 MVA; reactance 0.113 and 10 %."""
    network = open_network("bundled", "rbts2")
    names = network.ac.buses.name
    at = {name: row for row, name in enumerate(names)}
    resistance, reactance = Map(network.ac, free_terms(1), np.zeros(1, dtype=np.int64), "km").common_path(at["12"])
    transformer, km = 0.005 / 25, 0.253 / 11**2
    path_km = {"1": 0.0, "3": 0.75, "7": 1.5, "8": 2.25, "12": 3.65, "14": 0.0}
    assert resistance[at["HV"]] == pytest.approx(0.0, abs=1e-12)
    for name, length in path_km.items():
        assert resistance[at[name]] == pytest.approx(transformer + km * length, rel=1e-6), name
    of_feeder = {names[row] for row in np.flatnonzero(on_feeder(reactance))}
    assert of_feeder == {str(node) for node in range(2, 13)}


def test_distances_in_degrees_are_those_of_the_globe() -> None:
    """A degree of latitude is 111.2 km; at 60 degrees north one of longitude is half of that."""
    buses = BusTable(("a", "b", "c"), np.ones(3), np.array([10.0, 10.0, 11.0]), np.array([59.5, 60.5, 60.5]))
    km = distances_km(buses, np.arange(3), "degrees")
    assert km[0, 1] == pytest.approx(111.2, abs=0.1)
    assert km[1, 2] == pytest.approx(55.6, rel=0.01)
    np.testing.assert_array_equal(km, km.T)


def test_buses_that_cannot_be_placed_are_refused() -> None:
    nowhere = BusTable(("a", "b"), np.ones(2), np.array([0.0, np.nan]), np.zeros(2))
    in_km = BusTable(("a", "b"), np.ones(2), np.array([0.0, 200.0]), np.zeros(2))
    with pytest.raises(InputError, match="no coordinates"):
        distances_km(nowhere, np.arange(2), "km")
    with pytest.raises(InputError, match="not longitudes"):
        distances_km(in_km, np.arange(2), "degrees")


def test_what_the_dso_said_before_still_holds() -> None:
    """Two peers at one bus, of which one may not sell to the other: two places, charged alike, blocked as before."""
    said = replace(
        free_terms(3),
        place=np.array([0, 0, 1]),
        blocked=np.array([[False, True], [False, False]]),
        gain_factor=np.array([[1.0, 1.2], [1.0, 1.0]]),
        cost_factor=np.ones((2, 2)),
    )
    where = Map(Comb(), said, np.array([0, 1, 1]), "km")
    assert where.bus.tolist() == [0, 1, 1]
    terms = where.charged(5.0 * where.distance_km, money=True)
    assert terms.place.tolist() == [0, 1, 2]
    assert terms.blocked.tolist() == [[False, False, True], [False, False, True], [False, False, False]]
    assert terms.gain_factor[0, 2] == 1.2
    assert terms.money
    assert terms.charges is not None
    assert terms.charges.pair_eur_per_mwh == pytest.approx(np.array([[0.0, 15, 15], [15, 0, 0], [15, 0, 0]]))
