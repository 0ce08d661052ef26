"""Operating points without a solution have a defined state, never an exception."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peerflex.core.network import GridState, Injections
from peerflex.grid.network import Network
from peerflex.grid.shedding import farthest_first
from tests.grid_rival import file_loads, opened


@pytest.fixture
def network() -> Network:
    return opened("bundled", "case69")


def balanced(state: GridState) -> bool:
    return bool(abs(state.p_mw.sum() + state.exchange_mw - state.loss_mw) < 1e-9)


def test_load_is_shed_farthest_first_and_no_more_than_needed(network: Network) -> None:
    loads = file_loads(network)
    heavy = Injections(loads.p_mw * 5, loads.q_mvar * 5)
    state = network.ac.solve(heavy)
    assert state.method.endswith("+shed")
    assert balanced(state)
    np.testing.assert_allclose(heavy.p_mw + state.shed_mw, state.p_mw)

    off = np.flatnonzero(state.shed_mw > 0)
    order = [bus for bus in farthest_first(network.wires) if heavy.p_mw[bus] < 0]
    assert set(off) == set(order[: len(off)])
    kept = np.isin(np.arange(69), order[len(off) - 1 :])
    one_less = Injections(np.where(kept, heavy.p_mw, 0.0), np.where(kept, heavy.q_mvar, 0.0))
    assert network.newton.flow(one_less.p_mw, one_less.q_mvar) is None, "one bus fewer would not have been enough"
    assert network.check(state)[0] < 1e-8


def test_shedding_order_is_by_impedance(network: Network) -> None:
    """In a tree the path is the only one: add up |z| from the supply by hand."""
    branches, distance = network.ac.branches, np.zeros(69)
    for branch in range(68):  # the table lists every branch after the one that feeds it
        distance[branches.to_bus[branch]] = (
            distance[branches.from_bus[branch]] + network.wires.edge_z_pu[network.wires.edge[branch]]
        )
    assert np.all(np.diff(distance[farthest_first(network.wires)]) <= 0)


def test_generation_without_a_way_out_is_dark(network: Network) -> None:
    p_mw = np.zeros(69)
    p_mw[64] = 500.0
    state = network.ac.solve(Injections(p_mw, np.zeros(69)))
    assert state.method == "dark"
    assert not state.v_pu.any()
    assert not state.loading.any()
    np.testing.assert_array_equal(state.shed_mw, -p_mw)
    assert balanced(state)
    rows = network.ac.sensitivities(state, np.array([0]), np.array([64]))
    assert np.isfinite(rows.by_mw).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_an_injection_that_is_no_number_is_taken_as_nothing(network: Network, bad: float) -> None:
    loads = file_loads(network)
    p_mw, q_mvar = loads.p_mw.copy(), loads.q_mvar.copy()
    p_mw[60], q_mvar[10] = bad, bad
    state = network.ac.solve(Injections(p_mw, q_mvar))
    assert state.method == "zbus+shed"
    assert state.p_mw[60] == state.q_mvar[60] == state.p_mw[10] == state.q_mvar[10] == 0.0
    assert state.shed_mw[60] == 0.0
    assert state.shed_mw[10] == -loads.p_mw[10]
    assert balanced(state)
    assert network.linear().solve(Injections(p_mw, q_mvar)).method == "linear+shed"


@pytest.mark.once
@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**31), st.sampled_from([1e-12, 1.0, 30.0, 1e6, 1e150, 1e300]))
def test_no_operating_point_raises(seed: int, size: float) -> None:
    network = opened("bundled", "case33bw")
    rng = np.random.default_rng(seed)
    state = network.ac.solve(Injections(size * rng.uniform(-1, 1, 33), size * rng.uniform(-1, 1, 33)))
    columns = (state.v_pu, state.p_mw, state.q_mvar, state.shed_mw, state.loading, state.flow_mw)
    assert all(np.isfinite(column).all() for column in columns)
    assert balanced(state)


def test_a_batch_gives_its_hard_steps_to_solve(network: Network) -> None:
    loads = file_loads(network)
    sizes = np.array([1.0, 5.0, 0.5])
    batch = network.ac.solve_batch(sizes[:, None] * loads.p_mw, sizes[:, None] * loads.q_mvar)
    np.testing.assert_array_equal(batch.solved, [True, False, True])
    alone = network.ac.solve(Injections(loads.p_mw * 5, loads.q_mvar * 5))
    np.testing.assert_array_equal(batch.v_pu[1], alone.v_pu)


def test_only_other_injections_are_solved_again(network: Network) -> None:
    loads = file_loads(network)
    more = Injections(2 * loads.p_mw, loads.q_mvar)
    first = network.ac.solve(loads)
    assert network.ac.solve(Injections(loads.p_mw.copy(), loads.q_mvar.copy())) is first
    other = network.ac.solve(more)
    assert (other.v_pu != first.v_pu).any()
    again = network.ac.solve(loads)
    assert again is not first
    np.testing.assert_array_equal(again.v_pu, first.v_pu)


def test_injections_written_over_are_other_injections(network: Network) -> None:
    loads = file_loads(network)
    reused = Injections(loads.p_mw.copy(), loads.q_mvar.copy())
    before = network.ac.solve(reused).exchange_mw
    reused.p_mw[:] *= 2
    assert network.ac.solve(reused).exchange_mw > 1.5 * before
