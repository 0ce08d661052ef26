"""The engine against pandapower's Newton-Raphson and against published figures."""

from pathlib import Path
from typing import Any

import numpy as np
import pandapower.networks
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peerflex.core.network import Injections
from peerflex.grid.network import open_network
from peerflex.grid.sources import case69, read_network
from tests.grid_rival import compare, file_loads, multivoltage, name_everything, open_saved, opened

NETWORKS = {
    "case69": case69,
    "case33bw": pandapower.networks.case33bw,
    "cigre-mv": pandapower.networks.create_cigre_network_mv,
    "cigre-mv-pv": lambda: pandapower.networks.create_cigre_network_mv(with_der="pv_wind"),
    "cigre-lv": pandapower.networks.create_cigre_network_lv,
    "kerber": pandapower.networks.create_kerber_landnetz_freileitung_1,
    "oberrhein": pandapower.networks.mv_oberrhein,
    "multivoltage": lambda: without(multivoltage(), "gen", "xward"),
    "case14 with generators": pandapower.networks.case14,
    "multivoltage with generators": multivoltage,
}


SLOW = {"oberrhein": pytest.mark.slow, "cigre-mv-pv": pytest.mark.slow}


def without(net: Any, *tables: str) -> Any:
    for table in tables:
        net[table] = net[table].iloc[:0]
    return net


@pytest.mark.once
@pytest.mark.parametrize("name", [pytest.param(name, marks=SLOW.get(name, ())) for name in NETWORKS])
def test_engine_equals_runpp(name: str, tmp_path: Path) -> None:
    net = name_everything(NETWORKS[name]())
    network = open_saved(net, tmp_path)
    state = network.ac.solve(file_loads(network))
    assert state.method == ("newton" if "generators" in name else "zbus")
    dv, dloading = compare(net, network, state)
    assert dv < 1e-8
    assert dloading < 1e-6
    assert state.exchange_mw == pytest.approx(net.res_ext_grid.p_mw.sum(), abs=1e-6)
    assert state.exchange_mvar == pytest.approx(net.res_ext_grid.q_mvar.sum(), abs=1e-6)
    assert network.deviation_pu < 1e-8
    assert network.deviation_loading < 1e-6


@pytest.mark.once
@pytest.mark.parametrize("code", ["1-LV-semiurb5--2-sw", pytest.param("1-MV-semiurb--0-sw", marks=pytest.mark.slow)])
def test_simbench_equals_runpp(code: str) -> None:
    network = opened("simbench", code)
    dv, dloading = compare(read_network("simbench", code), network, network.ac.solve(file_loads(network)))
    assert dv < 1e-8
    assert dloading < 1e-6


@pytest.mark.slow
def test_a_region_equals_runpp() -> None:
    network = open_network("simbench", "1-MVLV-urban-all-0-sw")
    net = read_network("simbench", "1-MVLV-urban-all-0-sw")
    assert len(net.bus) == 10458
    dv, dloading = compare(net, network, network.ac.solve(file_loads(network)))
    assert dv < 1e-8
    assert dloading < 1e-6


def test_case69_as_published() -> None:
    """Baran and Wu 1989 and everybody since: 224.99 kW of losses, 0.90919 pu at bus 65."""
    network = open_network("bundled", "case69")
    state = network.ac.solve(file_loads(network))
    assert state.loss_mw * 1e3 == pytest.approx(224.99, abs=0.05)
    assert state.v_pu.min() == pytest.approx(0.90919, abs=1e-4)
    assert network.ac.buses.name[int(state.v_pu.argmin())] == "65"
    assert network.ac.branches.rating_mva[0] == pytest.approx(np.sqrt(3) * 12.66 * 0.4)


def test_two_buses_by_hand(tmp_path: Path) -> None:
    """One line, one load: v^4 + (2(rp + xq) - 1) v^2 + (r^2 + x^2)(p^2 + q^2) = 0 in closed form."""
    net = pandapower.create_empty_network()
    supply, end = pandapower.create_bus(net, 20.0, name="supply"), pandapower.create_bus(net, 20.0, name="end")
    pandapower.create_ext_grid(net, supply)
    pandapower.create_line_from_parameters(net, supply, end, 1.0, 4.0, 8.0, 0.0, 0.2, name="line")
    pandapower.create_load(net, end, p_mw=3.0, q_mvar=1.0)
    network = open_saved(net, tmp_path)
    state = network.ac.solve(file_loads(network))
    r, x, p, q = 4 / 400, 8 / 400, 3.0, 1.0  # per unit of 1 MVA and 20 kV
    half = 0.5 - (r * p + x * q)
    v2 = half + np.sqrt(half**2 - (r**2 + x**2) * (p**2 + q**2))
    assert state.v_pu[1] == pytest.approx(np.sqrt(v2), abs=1e-9)
    assert state.loss_mw == pytest.approx(r * (p**2 + q**2) / v2, abs=1e-9)
    current_ka = np.hypot(p, q) / np.sqrt(v2) / (np.sqrt(3) * 20.0)
    assert state.loading[0] == pytest.approx(current_ka / 0.2, abs=1e-9)
    assert state.flow_mw[0] == pytest.approx(3.0 + state.loss_mw, abs=1e-9)


@pytest.mark.once
@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31), st.floats(-2.0, 1.2))
def test_energy_closes_and_batches_agree(seed: int, size: float) -> None:
    network = opened("bundled", "case69")
    rng = np.random.default_rng(seed)
    p_mw = rng.uniform(0, 0.05 * size if size > 0 else 0.0, (3, 69)) - rng.uniform(0, 0.05, (3, 69))
    q_mvar = rng.uniform(-0.02, 0.02, (3, 69))
    batch = network.ac.solve_batch(p_mw, q_mvar)
    assert batch.solved.all()
    for step in range(3):
        state = network.ac.solve(Injections(p_mw[step], q_mvar[step]))
        assert state.p_mw.sum() + state.exchange_mw == pytest.approx(state.loss_mw, abs=1e-12)
        assert state.loss_mw >= 0
        np.testing.assert_allclose(batch.v_pu[step], state.v_pu, atol=1e-9)
        np.testing.assert_allclose(batch.loading[step], state.loading, atol=1e-8)
        np.testing.assert_allclose(batch.flow_mw[step], state.flow_mw, atol=1e-8)
        assert batch.loss_mw[step] == pytest.approx(state.loss_mw, abs=1e-8)
    assert network.check(state)[0] < 1e-8


def test_no_memory_between_steps() -> None:
    network = open_network("bundled", "case69")
    loads = file_loads(network)
    first = network.ac.solve(loads)
    network.ac.solve(Injections(loads.p_mw * 3, loads.q_mvar * -2))
    again = network.ac.solve(loads)
    assert first.v_pu.tobytes() == again.v_pu.tobytes()
    assert first.loading.tobytes() == again.loading.tobytes()


def test_buses_joined_by_a_switch_have_one_voltage() -> None:
    network = open_network("bundled", "cigre-lv")
    joined = network.wires.row
    state = network.ac.solve(file_loads(network))
    assert len(np.unique(joined)) < len(joined)
    for row in np.unique(joined):
        assert np.ptp(state.v_pu[joined == row]) == 0.0
