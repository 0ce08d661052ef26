"""Neighbours by electrical distance: the example of docs/economics/preferences.md, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest

from peerflex.core.errors import InputError
from peerflex.markets.preferences import Local, Neighbourhood, wishes_of
from peerflex.markets.wishes import wished
from peerflex.runs.area.build import build
from peerflex.runs.area.plugins import registry
from peerflex.scenarios.load import load_scenario
from tests.areas import street
from tests.test_cost_allocation import COMB

pytestmark = pytest.mark.once

PAIRS = 'market.p2p={"kind": "bilateral-equilibrium"}'


@pytest.mark.parametrize(
    ("reach", "near"),
    [
        (0.5, [(0, 1), (1, 2), (0, 3)]),
        (None, [(0, 1)]),
        (0.0, []),
        (1.0, [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]),
    ],
)
def test_who_is_electrically_near_is_as_on_the_page(reach: float | None, near: list[tuple[int, int]]) -> None:
    """A peer at each of the four buses; the one at bus 3 is no prosumer and does not mind."""
    peers = street(4).peers
    peers = replace(peers, bus=np.arange(4), behaviour=np.array([0, 0, 0, 1]))
    around = Neighbourhood(peers, COMB, ("prosumer", "truthful"), 1)
    wishes = wishes_of((Local(eur_per_mwh=7, within="distance", reach=reach), None), around, "comb")
    assert wishes is not None
    seller, buyer = np.indices((4, 4)).reshape(2, -1)
    of_seller, of_buyer = (each.reshape(4, 4) for each in wished(wishes, seller, buyer))
    expected = 7 * np.eye(4)
    for one, other in near:
        expected[one, other] = expected[other, one] = 7
    expected[3] = 0
    np.testing.assert_array_equal(of_seller, expected)
    np.testing.assert_array_equal(of_buyer, expected.T)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (['peers.0.preference={"kind": "local", "reach": 0.5}'], "means nothing within: feeder"),
        (['peers.0.preference={"kind": "local", "within": "distance"}', "physics=linear"], "no voltages"),
    ],
)
def test_a_distance_that_means_nothing_is_refused(changes: list[str], said: str) -> None:
    with pytest.raises(InputError, match=said):
        build(load_scenario("case69-day", [PAIRS, *changes]), registry())
