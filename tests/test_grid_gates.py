"""What the fast engine cannot solve exactly is found when compiling: solved by Newton, or refused in words."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandapower
import pandapower.networks
import pytest

from peerflex.core.errors import InputError
from tests.grid_rival import compare, file_loads, name_everything, open_saved

pytestmark = pytest.mark.once


def cigre() -> Any:
    return name_everything(pandapower.networks.create_cigre_network_mv())


@pytest.mark.parametrize(
    "add",
    [
        lambda net: pandapower.create_gen(net, 5, p_mw=1.5, vm_pu=0.98),
        lambda net: pandapower.create_xward(net, 5, 0.1, 0.05, 0.2, 0.1, 0.1, 0.2, 1.0),
        lambda net: pandapower.create_dcline(net, 5, 9, 0.3, 1.0, 0.001, 0.97, 0.97),
    ],
    ids=["generator", "extended ward", "dc line"],
)
def test_held_voltages_take_newton(add: Callable[[Any], Any], tmp_path: Path) -> None:
    net = cigre()
    add(net)
    network = open_saved(net, tmp_path)
    state = network.ac.solve(file_loads(network))
    assert state.method == "newton"
    assert max(compare(net, network, state)) < 1e-8
    assert state.exchange_mw == pytest.approx(net.res_ext_grid.p_mw.sum(), abs=1e-7)
    assert state.p_mw.sum() + state.exchange_mw == pytest.approx(state.loss_mw, abs=1e-9)


def test_generators_inject_from_outside_and_hold_their_voltage(tmp_path: Path) -> None:
    net = cigre()
    pandapower.create_gen(net, 5, p_mw=1.5, vm_pu=0.98, name="unit")
    network = open_saved(net, tmp_path)
    assert network.connections.pv_mw.sum() == pytest.approx(1.5)
    loads = file_loads(network)
    state = network.ac.solve(loads)
    assert state.v_pu[5] == pytest.approx(0.98, abs=1e-9)
    assert state.q_mvar[5] - loads.q_mvar[5] == pytest.approx(_gen_mvar(net), abs=1e-6)


def _gen_mvar(net: Any) -> float:
    pandapower.runpp(net, numba=False, tolerance_mva=1e-10)
    return float(net.res_gen.q_mvar[0])


@pytest.mark.parametrize(
    "add",
    [
        pytest.param(lambda net: pandapower.create_shunt(net, 7, q_mvar=-0.3, p_mw=0.01), id="shunt"),
        pytest.param(lambda net: pandapower.create_ward(net, 5, 0.1, 0.05, 0.2, 0.1), id="ward"),
        pytest.param(lambda net: pandapower.create_motor(net, 6, pn_mech_mw=0.2, cos_phi=0.9), id="motor"),
        pytest.param(lambda net: pandapower.create_switch(net, 3, 8, et="b", z_ohm=0.05), id="switch"),
        pytest.param(lambda net: pandapower.create_impedance(net, 3, 8, 0.01, 0.02, 10.0), id="impedance"),
        pytest.param(lambda net: pandapower.create_bus(net, 20.0, name="lonely"), id="lonely"),
        pytest.param(lambda net: pandapower.create_ext_grid(net, 9, vm_pu=0.97), id="supply"),
        pytest.param(
            lambda net: pandapower.create_asymmetric_load(net, 5, p_a_mw=0.1, p_b_mw=0.2, p_c_mw=0.05), id="asymmetric"
        ),
        pytest.param(lambda net: net.line.__setitem__("df", 0.8), id="derated"),
        pytest.param(lambda net: net.line.__setitem__("parallel", 2), id="parallel"),
        pytest.param(lambda net: net.trafo.__setitem__("df", 0.7), id="own-df"),
        pytest.param(lambda net: net.line.__setitem__("in_service", net.line.index != 12), id="outage"),
        pytest.param(lambda net: net.trafo.__setitem__("vn_lv_kv", 20.4), id="own-kv"),
    ],
)
def test_exact_elements_stay_fast(add: Callable[[Any], Any], tmp_path: Path) -> None:
    net = cigre()
    add(net)
    network = open_saved(net, tmp_path)
    state = network.ac.solve(file_loads(network))
    assert state.method == "zbus"
    assert max(compare(net, network, state)) < 1e-8
    assert len(network.ac.buses) == 15, "a bus without feed and load is left out"


def _voltage_dependent(net: Any) -> None:
    net.load["const_z_p_percent"] = 100.0


def _island_with_load(net: Any) -> None:
    pandapower.create_load(net, pandapower.create_bus(net, 20.0, name="lonely"), p_mw=0.1)


def _controller(net: Any) -> None:
    from pandapower.control import ConstControl

    ConstControl(net, "load", "p_mw", 0)


def _no_supply(net: Any) -> None:
    net.ext_grid["in_service"] = False


def _power_electronics(net: Any) -> None:
    pandapower.create_svc(net, 5, 1.0, -10.0, 0.97, 145.0)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_voltage_dependent, "const_z_p_percent"),
        (_island_with_load, "lonely"),
        (_controller, "controller"),
        (_no_supply, "ext_grid"),
        (_power_electronics, "svc"),
    ],
)
def test_refused(spoil: Callable[[Any], None], words: str, tmp_path: Path) -> None:
    net = cigre()
    spoil(net)
    with pytest.raises(InputError, match=words) as caught:
        open_saved(net, tmp_path)
    assert "net.json" in caught.value.problem.where
    assert caught.value.problem.remedy


def test_open_line_ends(tmp_path: Path) -> None:
    """A line open at one end still carries its charging current; open at both ends it is no branch."""
    net = cigre()
    opened = net.switch[(net.switch.et == "l") & ~net.switch.closed]
    network = open_saved(net, tmp_path)
    assert network.wires.n_rows > len(network.ac.buses) == len(net.bus)
    assert len(network.ac.branches) == len(net.line) + len(net.trafo)

    line = int(opened.element.iloc[0])
    ends = {int(net.line.from_bus[line]), int(net.line.to_bus[line])} - {int(opened.bus.iloc[0])}
    pandapower.create_switch(net, ends.pop(), line, et="l", closed=False)
    network = open_saved(net, tmp_path)
    assert len(network.ac.branches) == len(net.line) + len(net.trafo) - 1
    assert max(compare(net, network, network.ac.solve(file_loads(network)))) < 1e-8


def test_newton_alone_says_the_same_as_the_engine(tmp_path: Path) -> None:
    """The way out on a network that does not need it: same answer, so a change of way changes nothing."""
    network = open_saved(cigre(), tmp_path)
    loads = file_loads(network)
    flow = network.newton.flow(loads.p_mw, loads.q_mvar)
    state = network.ac.solve(loads)
    assert flow is not None
    np.testing.assert_allclose(np.abs(flow.v[network.wires.row]), state.v_pu, atol=1e-9)
    assert flow.exchange_mva == pytest.approx(complex(state.exchange_mw, state.exchange_mvar), abs=1e-7)
    assert network.newton.flow(loads.p_mw * 100, loads.q_mvar) is None
