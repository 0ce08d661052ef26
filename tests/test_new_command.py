"""``peerflex new``: a network and meters of a user's own become a scenario that runs and a report that names all."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandapower
import pandas as pd
import pytest

import peerflex
from peerflex.core.errors import InputError
from peerflex.runs.own.command import new_command
from peerflex.scenarios.meters import kinds as kinds
from tests.new_street import built, long, reported, save, street_meters, street_network, wide


def load_kw(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "load.csv", index_col="time", parse_dates=True)


def broken_month(net: Any) -> pd.DataFrame:
    """Return the rows of 200 meters of which nineteen are wrong, each in its own way."""
    frame = street_meters(net)
    frame.iloc[100:112, 16] = np.nan  # house 17
    frame["house 18"] *= 1000
    frame.loc[frame.index.hour.isin([11, 12, 13]), "house 19"] = -1.5
    frame.iloc[50:98, 19] = 0.7  # house 20 stuck
    frame.iloc[[200, 300], 20] = 5000.0  # house 21
    frame["house 27"] = 0.0
    frame["house 28"] = -frame["house 28"]
    rows = long(frame)
    own = {str(name): part.copy() for name, part in rows.groupby("meter", sort=False)}
    del own["house 12"]
    own["house 11"]["meter"] = "house 999"
    own["house 13"] = own["house 13"].drop(own["house 13"].index[100:112])
    own["house 14"] = pd.concat([own["house 14"], own["house 14"].iloc[30:35]])
    own["house 15"] = own["house 15"].iloc[::-1]
    own["house 16"] = own["house 16"].astype({"kW": object})
    own["house 16"].iloc[[5, 6], 2] = "=error()"
    own["house 22"] = own["house 22"][own["house 22"]["time"] != "2016-03-27T02:00"]
    quarters = pd.date_range("2016-03-14", periods=672 * 4, freq="15min").strftime("%Y-%m-%dT%H:%M")
    values = np.repeat(own["house 23"]["kW"].to_numpy(), 4) * np.tile([0.8, 1.2, 0.9, 1.1], 672)
    own["house 23"] = pd.DataFrame({"time": quarters, "meter": "house 23", "kW": values})
    own["house 24"]["time"] += ":00+01:00"
    own["house 30"]["meter"] = "post 777"
    own["second"] = own["house 26"].assign(meter="House 026")
    return pd.concat(own.values())


BROKEN = {
    "house 999": kinds.NO_LOAD,
    "house 12": kinds.NO_METER,
    "house 13": kinds.MISSING,
    "house 14": kinds.REPEATED,
    "house 15": kinds.UNSORTED,
    "house 16": kinds.TEXT,
    "house 17": kinds.MISSING,
    "house 18": kinds.TIMES_1000,
    "house 19": kinds.NEGATIVE,
    "house 20": kinds.STUCK,
    "house 21": kinds.SPIKES,
    "house 22": kinds.SUMMER_TIME,
    "house 23": kinds.OTHER_STEP,
    "house 24": kinds.OTHER_TIME,
    "house 27": kinds.CONSTANT,
    "house 28": kinds.REVERSED,
    "house 199": kinds.DARK_LOAD,
    "post 777": kinds.NO_LOAD,
    "House 026": kinds.SECOND_METER,
}


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder made of 200 houses, one of them cut off, and of meters of which many are broken."""
    folder = tmp_path_factory.mktemp("street")
    net = street_network()
    net.line.loc[net.line["name"] == "cable 199", "in_service"] = False
    broken_month(net).to_csv(folder / "meters.csv", index=False)
    new_command(save(net, folder), folder / "meters.csv", "My street", folder / "mine")
    return folder / "mine"


def test_every_broken_meter_is_named_with_what_is_wrong(street: Path) -> None:
    found = reported(street)
    for name, kind in BROKEN.items():
        assert any(line.startswith(f"{name}: ") for line in found[kind.title]), (name, kind.title)
    assert "house 199" in found[kinds.NOT_SUPPLIED.title][0]


def test_no_whole_meter_is_called_broken(street: Path) -> None:
    said = {line.split(":")[0] for lines in reported(street).values() for line in lines}
    houses = {name for name in said if re.fullmatch("house [0-9]+", name)}
    assert houses <= {*BROKEN, "house 11", "house 30"}


def test_the_street_runs_for_a_day(street: Path, tmp_path: Path) -> None:
    run = peerflex.run(street / "scenario.yaml", hours=24, driver="mesa", out=tmp_path / "run")
    assert run.manifest.status == "done"
    assert run.manifest.steps == 24
    hours = run.table("hours")
    assert hours["p2p_mwh"].sum() > 0
    assert hours["lowest_voltage_pu"].min() > 0.9


def test_what_was_done_is_in_the_series(street: Path) -> None:
    net = street_network()
    truth, made = street_meters(net), load_kw(street)
    assert set(made.columns) == {f"house {n}" for n in range(1, 201)} - {"house 199"}
    for name in ("house 14", "house 15", "house 18", "house 24", "house 26", "house 28"):
        np.testing.assert_allclose(made[name], truth[name], atol=2e-5)
    np.testing.assert_allclose(made["house 23"], truth["house 23"], atol=2e-5)  # the mean of its quarters
    for name in ("house 13", "house 17", "house 20"):
        off = np.flatnonzero(np.abs(made[name] - truth[name]) > 2e-5)
        assert 0 < len(off) <= 48
        assert np.abs(made[name] - truth[name]).max() < 0.5 * truth[name].max()
    assert made["house 21"].max() < 5
    typical = truth["house 2"] / net.load.p_mw[1] / 1e3
    assert np.abs(made["house 12"] / net.load.p_mw[11] / 1e3 - typical).max() < 0.3  # with the others' evening
    pv = pd.read_csv(street / "pv.csv", index_col="time")
    assert pv["house 19"].max() == 1.5
    assert made["house 19"].min() == 0.0
    assert not pv.drop(columns="house 19").to_numpy().any()


def test_a_network_alone_gets_the_bundled_day(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    net = street_network(20)
    pandapower.create_sgen(net, 5, p_mw=0.003, name="roof")
    new_command(save(net, tmp_path), None, None, tmp_path / "mine")
    area = built(tmp_path / "mine").area
    assert area.steps == 24
    assert area.profiles.load_mw.max() == pytest.approx(0.004, rel=0.02)
    assert area.profiles.pv_mw.max() == pytest.approx(0.003, rel=0.02)
    assert "peerflex check" in capsys.readouterr().out


def test_a_matpower_case_is_taken_as_it_is(tmp_path: Path) -> None:
    case = """function mpc = two
mpc.version = '2';
mpc.baseMVA = 10;
mpc.bus = [1 3 0 0 0 0 1 1 0 20 1 1.1 0.9; 2 1 0.5 0.1 0 0 1 1 0 20 1 1.1 0.9];
mpc.gen = [1 0 0 10 -10 1 10 1 10 0];
mpc.branch = [1 2 0.01 0.02 0 1 1 1 0 0 1 -360 360];
"""
    (tmp_path / "two.m").write_text(case)
    (tmp_path / "m.csv").write_text(
        "time;2\n" + "\n".join(f"2020-01-0{d}T{h:02d}:00;{h},5" for d in (1, 2) for h in range(24))
    )
    new_command(tmp_path / "two.m", tmp_path / "m.csv", None, tmp_path / "mine")
    assert (tmp_path / "mine" / "grid.m").read_text() == case
    assert built(tmp_path / "mine").area.steps == 48


def test_registers_give_the_same_scenario_as_the_power_they_count(tmp_path: Path) -> None:
    net = street_network(10)
    power = street_meters(net, days=3, step_minutes=15)
    readings = (power / 4).cumsum().shift(1, fill_value=0.0) + 4000
    readings.columns = [f"{name} [kWh]" for name in readings]
    new_command(save(net, tmp_path), wide(readings, tmp_path / "m.csv"), None, tmp_path / "mine")
    np.testing.assert_allclose(load_kw(tmp_path / "mine"), power.iloc[:-1], atol=2e-5)
    assert reported(tmp_path / "mine")[kinds.REGISTER.title][0].startswith("m.csv: 10 of 10 meters")


def test_meters_that_no_load_is_called_like_are_not_said_to_be_used(tmp_path: Path) -> None:
    net = street_network(3)
    frame = street_meters(net, days=2).set_axis(["x", "y", "z"], axis=1)
    new_command(save(net, tmp_path), wide(frame, tmp_path / "m.csv"), None, tmp_path / "mine")
    found = reported(tmp_path / "mine")
    assert len(found[kinds.NO_METERS.title]) == 3
    assert kinds.NO_METER.title not in found


def test_generators_have_meters_too(tmp_path: Path) -> None:
    net = street_network(20)
    pandapower.create_sgen(net, 5, p_mw=0.003, name="roof 1")
    pandapower.create_sgen(net, 6, p_mw=0.003, name="roof 2")
    frame = street_meters(net, days=2)
    frame["Roof 01"] = -np.maximum(np.sin((frame.index.hour - 6) / 12 * np.pi), 0.0) * 2.5
    new_command(save(net, tmp_path), wide(frame, tmp_path / "m.csv"), None, tmp_path / "mine")
    pv = pd.read_csv(tmp_path / "mine" / "pv.csv", index_col="time")
    by_bus = {5: "house 4", 6: "house 5"}
    assert pv[by_bus[5]].max() == pytest.approx(2.5)
    assert pv[by_bus[6]].max() == pytest.approx(3.0 * 0.31, rel=0.05)  # a clear winter day: March is not summer
    found = reported(tmp_path / "mine")
    assert found[kinds.NO_PV_METER.title] == ["house 5: 3 kW"]
    assert kinds.NO_LOAD.title not in found


@pytest.mark.parametrize("there", ["folder", "file", "link"])
def test_what_exists_is_never_written_over(there: str, tmp_path: Path) -> None:
    grid, out = save(street_network(5), tmp_path), tmp_path / "mine"
    if there == "folder":
        out.mkdir()
    elif there == "file":
        out.write_text("mine")
    else:
        out.symlink_to(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"--out: .* exists"):
        new_command(grid, None, None, out)


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    grid = save(street_network(5), tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"--out: .* cannot be written"):
        new_command(grid, None, None, tmp_path / "file" / "mine")
    with pytest.raises(InputError, match="--grid: there is no file"):
        new_command(tmp_path / "none.json", None, None, tmp_path / "mine")
    with pytest.raises(InputError, match="--meters: there is no file"):
        new_command(grid, tmp_path, None, tmp_path / "mine")


@pytest.mark.once
@pytest.mark.tree
def test_the_example_of_the_how_to_page_says_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (Path(__file__).parents[1] / "docs" / "how-to" / "use-your-own-grid.md").read_text()
    python, printed = (
        re.findall(rf"^```{kind}\n(.*?)^```", page, re.DOTALL | re.MULTILINE) for kind in ("python", "text")
    )
    monkeypatch.chdir(tmp_path)
    exec(python[0], {})
    new_command(Path("my.json"), Path("my.csv"), "My street", Path("my-street"))
    assert printed[0] in capsys.readouterr().out
    assert built(Path("my-street")).area.steps == 168
    assert "load r 011: similar name: Load R11" in reported(Path("my-street"))[kinds.ALIKE.title]
