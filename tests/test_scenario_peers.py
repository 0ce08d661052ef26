"""Peers: everybody in one group, the right number in each, and nobody moves without a reason."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peerflex.core.network import BusTable
from peerflex.core.people import Connections, PeerTable
from peerflex.scenarios.load import load_scenario
from peerflex.scenarios.peers import CUSTOMER, build_peers
from tests.scenario_street import on_the_street

HEAD = "name: a\ngrid: {source: bundled, code: street}\nprofiles: {source: shapes, load: residential-evening}\n"


def village(n: int) -> tuple[Connections, BusTable]:
    names = tuple(f"house {row}" for row in range(n))
    buses = BusTable(names, np.full(n, 0.4), np.zeros(n), np.zeros(n))
    return Connections(names, np.arange(n), np.ones(n), np.zeros(n), np.zeros(n)), buses


def placed(folder: Path, shares: list[float], n: int, seed: int, more: str = "") -> PeerTable:
    peers = "".join(
        f"  - {{name: g{row}, share_of_connections: {share!r}, behaviour: {{kind: truthful}}}}\n"
        for row, share in enumerate(shares)
    )
    (folder / "a.yaml").write_text(f"{HEAD}{more}peers:\n{peers}")
    return build_peers(load_scenario(str(folder / "a.yaml"), seed=seed), *village(n))


@settings(max_examples=40, deadline=None)
@given(weights=st.lists(st.integers(0, 10), min_size=1, max_size=5), n=st.integers(1, 200), seed=st.integers(0, 99))
def test_shares_are_rounded_and_together_leave_nobody_out(
    tmp_path_factory: pytest.TempPathFactory, weights: list[int], n: int, seed: int
) -> None:
    total = max(sum(weights), 1)
    shares = [weight / total for weight in weights]

    group = placed(tmp_path_factory.mktemp("village"), shares, n, seed).behaviour

    members = [int((group == row).sum()) for row in range(len(shares))]
    assert sum(members) == (n if sum(weights) else 0)
    assert all(abs(count - share * n) <= 1 for count, share in zip(members, shares, strict=True))


def test_the_draw_depends_on_the_seed_and_on_nothing_else(tmp_path: Path) -> None:
    first = placed(tmp_path, [0.5, 0.3], 100, seed=1)
    again = placed(tmp_path, [0.5, 0.3], 100, seed=1, more="dso: {loading: 0.7}\ntime: {hours: 3}\n")
    other = placed(tmp_path, [0.5, 0.3], 100, seed=2)

    np.testing.assert_array_equal(first.behaviour, again.behaviour)
    assert (first.behaviour != other.behaviour).any()


def test_a_larger_first_share_keeps_its_members(tmp_path: Path) -> None:
    few, many = (placed(tmp_path, [share], 100, seed=1).behaviour == 0 for share in (0.3, 0.6))

    assert (many | ~few).all()


def test_named_buses_come_before_shares_and_own_what_they_are_given(tmp_path: Path) -> None:
    text = """peers:
  - {name: drawn, share_of_connections: 0.25, behaviour: {kind: truthful}, pv_kw: 1}
  - name: named
    at_buses: [b2, 3]
    behaviour: {kind: prosumer}
    battery_kwh: 10
    battery_kw: 5
    battery_efficiency: 0.9
"""
    (tmp_path / "a.yaml").write_text(HEAD + text)

    peers, _ = on_the_street(load_scenario(str(tmp_path / "a.yaml")))

    np.testing.assert_array_equal(peers.behaviour, [0, 1, 1, 1])  # bus 3 has no name but its number
    np.testing.assert_allclose(peers.battery_mwh, [0, 0.010, 0.010, 0.010])
    np.testing.assert_allclose(peers.battery_mw, [0, 0.005, 0.005, 0.005])
    np.testing.assert_allclose(peers.battery_efficiency, [0.95, 0.9, 0.9, 0.9])
    np.testing.assert_allclose(peers.pv_mw, [0.001, 0.005, 0, 0.010])


def test_without_groups_everybody_is_a_customer_without_assets(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(HEAD)

    peers, _ = on_the_street(load_scenario(str(tmp_path / "a.yaml")))

    assert set(peers.behaviour) == {CUSTOMER}
    assert peers.battery_mwh.sum() == peers.battery_mw.sum() == 0
