"""Sensitivities against finite differences of the solver itself."""

from pathlib import Path

import numpy as np
import pandapower.networks
import pytest

from peerflex.core.arrays import Floats
from peerflex.core.network import Injections, Sensitivities
from peerflex.grid.ac import AcGrid
from peerflex.grid.linear import LinearGrid
from peerflex.grid.network import Network
from tests.grid_rival import file_loads, multivoltage, open_saved, opened

STEP_MW = 1e-4


def networks(name: str, folder: Path) -> Network:
    if name == "generators":
        net = pandapower.networks.create_cigre_network_mv(with_der="pv_wind")
        pandapower.create_gen(net, 5, p_mw=1.5, vm_pu=0.98)
        return open_saved(net, folder)
    if name == "three windings":
        net = multivoltage()
        net["gen"], net["xward"] = net.gen.iloc[:0], net.xward.iloc[:0]
        return open_saved(net, folder)
    return opened("bundled", name)


def signed_values(grid: AcGrid | LinearGrid, at: Injections, branches: Floats, buses: Floats) -> Floats:
    state = grid.solve(at)
    return np.concatenate([np.sign(state.flow_mw[branches]) * state.loading[branches], state.v_pu[buses]])


@pytest.mark.once
@pytest.mark.parametrize("name", ["case69", "cigre-mv", "cigre-lv", "generators", "three windings"])
def test_ac_equals_finite_differences(name: str, tmp_path: Path) -> None:
    network = networks(name, tmp_path)
    grid, loads = network.ac, file_loads(network)
    state = grid.solve(loads)
    rng = np.random.default_rng(3)
    carrying = np.flatnonzero(np.abs(state.flow_mw) > 1e-3)
    branches, buses = rng.choice(carrying, 5, replace=False), rng.choice(len(grid.buses), 5, replace=False)
    rows = grid.sensitivities(state, branches, buses)
    np.testing.assert_allclose(rows.value, signed_values(grid, loads, branches, buses), atol=1e-8)
    scale = np.maximum(np.abs(rows.by_mw).max(axis=1), 1e-9)
    for bus in rng.choice(len(grid.buses), 4, replace=False):
        nudge = np.zeros(len(grid.buses))
        nudge[bus] = STEP_MW
        for slope, up, down in (
            (rows.by_mw[:, bus], (nudge, 0 * nudge), (-nudge, 0 * nudge)),
            (rows.by_mvar[:, bus], (0 * nudge, nudge), (0 * nudge, -nudge)),
        ):
            above, below = (
                signed_values(grid, Injections(loads.p_mw + p, loads.q_mvar + q), branches, buses)
                for p, q in (up, down)
            )
            np.testing.assert_allclose(slope, (above - below) / (2 * STEP_MW), rtol=1e-4, atol=1e-5 * scale.max())


def test_signs_follow_the_flow() -> None:
    """More injection at the end of a feeder that imports: less loading, counted from the supply, more voltage."""
    network = opened("bundled", "case69")
    rows = network.ac.sensitivities(network.ac.solve(file_loads(network)), np.array([0, 63]), np.array([64]))
    assert (rows.value > 0).all()
    assert rows.by_mw[0, 64] < 0
    assert rows.by_mw[1, 64] < 0
    assert rows.by_mw[2, 64] > 0
    assert rows.mw_per_unit[2] * rows.by_mw[2, 64] == pytest.approx(1.0)
    np.testing.assert_allclose(rows.mw_per_unit[:2], network.ac.branches.rating_mva[[0, 63]])
    # exporting turns the flow round: value and its sign turn with it, the slope keeps its direction
    export = Injections(np.where(np.arange(69) == 64, 2.0, 0.0), np.zeros(69))
    turned = network.ac.sensitivities(network.ac.solve(export), np.array([63]), np.array([], dtype=np.int64))
    assert turned.value[0] < 0
    assert turned.by_mw[0, 64] < 0


def test_without_any_flow_slopes_are_those_of_active_power() -> None:
    network = opened("bundled", "case69")
    nothing = Injections(np.zeros(69), np.zeros(69))
    rows = network.ac.sensitivities(network.ac.solve(nothing), np.array([0]), np.array([0, 64]))
    assert rows.value[0] == pytest.approx(0.0, abs=1e-9)
    assert rows.by_mw[0, 64] * network.ac.branches.rating_mva[0] == pytest.approx(-1.0, abs=1e-3)
    assert not rows.by_mw[1].any(), "the supply's voltage is given"
    assert np.isnan(rows.mw_per_unit[1])


def downstream(network: Network) -> Floats:
    """Return -1 where a bus of case69 lies behind a branch: what flows in a tree, counted by hand."""
    behind = np.zeros((68, 69))
    for branch in reversed(range(68)):
        end = network.ac.branches.to_bus[branch]
        behind[branch] = -1.0 * (np.arange(69) == end)
        behind[branch] += behind[network.ac.branches.from_bus == end].sum(axis=0)
    return behind


def test_linear_flows_in_a_tree_are_what_lies_behind() -> None:
    network = opened("bundled", "case69")
    grid, loads = network.linear(), file_loads(network)
    np.testing.assert_allclose(grid.ptdf(np.arange(68)), downstream(network), atol=1e-12)
    state = grid.solve(loads)
    np.testing.assert_allclose(state.flow_mw, np.einsum("ij,j->i", downstream(network), loads.p_mw), atol=1e-12)
    np.testing.assert_allclose(state.loading, np.abs(state.flow_mw) / grid.branches.rating_mva)
    assert state.exchange_mw == pytest.approx(-loads.p_mw.sum())
    assert state.loss_mw == 0.0
    assert np.isnan(state.v_pu).all()


def test_linear_flows_in_a_mesh_equal_rundcpp(tmp_path: Path) -> None:
    """case14 is meshed and has no phase shifts; transformer magnetising losses are left out on both sides."""
    net = pandapower.networks.case14()
    net.trafo[["pfe_kw", "i0_percent"]] = 0.0
    network = open_saved(net, tmp_path)
    pandapower.rundcpp(net)
    grid, state = network.linear(), network.linear().solve(file_loads(network))
    theirs = np.concatenate([net.res_line.p_from_mw, net.res_trafo.p_hv_mw])
    np.testing.assert_allclose(state.flow_mw, theirs, atol=1e-6)
    rows: Sensitivities = grid.sensitivities(state, np.arange(20), np.array([3]))
    np.testing.assert_allclose(rows.value[:20] * grid.branches.rating_mva, state.flow_mw, atol=1e-9)
    assert np.isnan(rows.value[20])
    nudge = Injections(state.p_mw + np.eye(14)[3], state.q_mvar)
    moved = (grid.solve(nudge).flow_mw - state.flow_mw) / grid.branches.rating_mva
    np.testing.assert_allclose(rows.by_mw[:20, 3], moved, atol=1e-12)
