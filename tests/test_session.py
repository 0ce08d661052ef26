"""Runs on disk: the same bytes whichever driver, killed and resumed, and proved by simulating them again."""

import multiprocessing
import os
import shutil
import signal
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import peerflex
from peerflex.core.errors import InputError, SimulationError
from peerflex.runs.api import resume
from peerflex.runs.area.build import build
from peerflex.runs.area.plugins import registry
from peerflex.runs.log.reader import Run, open_run
from peerflex.runs.log.tables import TABLES
from peerflex.runs.log.verification import verify
from peerflex.runs.model import AreaModel
from peerflex.runs.session import Session
from peerflex.scenarios.load import load_scenario

PART_STEPS = 6
HOURS = 26  # the last of five parts is not full


def simulate(folder: Path, *settings: str, driver: str = "mosaik", scenario: str = "case69-day") -> Run:
    loaded = load_scenario(scenario, [f"time.hours={HOURS}", "dso.forecast_error=0.05", *settings])
    with Session.begin(loaded, registry(), folder, driver, part_steps=PART_STEPS) as session:
        for _ in session.advance():
            pass
    return open_run(folder)


def content(folder: Path) -> dict[str, bytes]:
    """Return every file of a run by its path (the manifest names its driver, so not that one)."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "manifest.json")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulate(tmp_path_factory.mktemp("runs") / "whole").folder


def test_the_same_scenario_and_seed_leave_the_same_bytes_under_either_driver(whole: Path, tmp_path: Path) -> None:
    assert content(simulate(tmp_path / "again").folder) == content(whole)
    assert content(simulate(tmp_path / "mesa", driver="mesa").folder) == content(whole)


def test_another_seed_leaves_other_bytes(whole: Path, tmp_path: Path) -> None:
    assert content(simulate(tmp_path / "other", "seed=2").folder) != content(whole)


def _simulate_slowly(folder: Path) -> None:
    os.setsid()
    simulate(folder)


@pytest.mark.once
def test_killed_at_ten_random_moments_and_resumed_it_is_byte_identical(whole: Path, tmp_path: Path) -> None:
    """SIGKILL somewhere between the first file and the last step; the moments are drawn, and some runs finish."""
    start = time.perf_counter()
    simulate(tmp_path / "clocked")
    length_s = time.perf_counter() - start
    fork = multiprocessing.get_context("fork")
    killed = 0
    for number, moment in enumerate(np.random.default_rng(7).uniform(0.05, 0.95, 10)):
        folder = tmp_path / f"killed-{number}"
        child = fork.Process(target=_simulate_slowly, args=(folder,))
        child.start()
        time.sleep(moment * length_s)
        assert child.pid is not None
        os.kill(child.pid, signal.SIGKILL)
        child.join()
        if not (folder / "manifest.json").exists():
            continue  # killed before there was a run
        if open_run(folder).manifest.status == "done":
            assert content(folder) == content(whole)
            continue
        killed += 1
        with Session.resume(folder, registry()) as session:
            for _ in session.advance():
                pass
        assert content(folder) == content(whole)
    assert killed >= 3


def test_a_run_verifies_and_one_altered_value_in_any_table_is_found(whole: Path, tmp_path: Path) -> None:
    assert not verify(whole, registry()).differences
    copy = tmp_path / "copy"
    shutil.copytree(whole, copy)
    altered = []
    for table in TABLES:
        path = next(iter(sorted((copy / "tables" / table.name).glob("*.parquet"))))
        rows = pd.read_parquet(path)
        floats = [name for name in rows.columns if rows[name].dtype.kind == "f" and rows[name].notna().any()]
        if not len(rows) or not floats:
            continue
        row = int(np.flatnonzero(rows[floats[0]].notna())[0])
        rows.loc[row, floats[0]] += 1e-6
        rows.to_parquet(path)
        altered.append((table.name, floats[0]))
    assert len(altered) >= 8
    found = {(each.table, each.column) for each in verify(copy, registry()).differences if each.kind == "value"}
    assert set(altered) <= found
    with pytest.raises(InputError, match=r"altered|truncated"):
        open_run(copy)


def test_quarters_of_an_hour_count_hours_and_record_every_step(tmp_path: Path) -> None:
    loaded = load_scenario("case69-day", ["time.step_minutes=15"], hours=3)
    with Session.begin(loaded, registry(), tmp_path / "run", "mosaik") as session:
        assert session.steps == 12
        for _ in session.advance():
            pass
    hours = open_run(tmp_path / "run").hours
    assert len(hours) == 12
    assert hours["time"].diff().dropna().unique().tolist() == [pd.Timedelta(minutes=15)]


def test_linear_physics_has_the_ac_flow_as_a_diagnostic_that_changes_nothing(tmp_path: Path) -> None:
    run = simulate(tmp_path / "linear", "physics=linear", "time.hours=20")
    hours = run.hours
    assert (hours["method"] == "linear").all()
    assert hours["losses_mwh"].abs().max() == 0.0
    assert hours["lowest_voltage_pu"].isna().all()
    assert hours["ac_lowest_voltage_pu"].between(0.8, 1.0).all()
    assert (hours["ac_losses_mwh"] > 0).all()


def test_a_failed_run_keeps_its_log_and_says_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session.begin(load_scenario("case69-day"), registry(), tmp_path / "run", "mosaik")
    grid = type(session.built.area.grid)
    solve = grid.solve

    def cut(self: object, injections: object) -> object:
        if session.cursor == 5:
            raise RuntimeError("cable cut")
        return solve(self, injections)  # type: ignore[arg-type]

    monkeypatch.setattr(grid, "solve", cut)
    with pytest.raises(SimulationError, match="step 5: RuntimeError: cable cut"), session:
        list(session.advance())
    run = open_run(tmp_path / "run")
    assert run.manifest.status == "failed"
    assert len(run.hours) == run.manifest.finished_steps == 5


def test_a_folder_that_exists_is_refused(whole: Path) -> None:
    with pytest.raises(InputError, match="exists already"):
        simulate(whole)


def test_a_run_that_is_done_cannot_be_resumed(whole: Path) -> None:
    with pytest.raises(InputError, match="done"):
        Session.resume(whole, registry())


def test_one_peer_reads_like_a_person(tmp_path: Path) -> None:
    loaded = load_scenario("case69-day", hours=13)
    with Session.begin(loaded, registry(), tmp_path / "run", "mosaik") as session:
        for _ in session.advance():
            pass
        someone = next(peer for peer in session.model.people if peer.behaviour == "prosumers")
        assert someone.battery_mwh == pytest.approx(0.1)
        assert 0 <= someone.soc_mwh <= someone.battery_mwh
        assert set(someone.orders.peer) <= {someone.row}
        assert "prosumers at bus" in repr(someone)
        assert any(peer.income_eur != 0 for peer in session.model.people)


def test_a_session_is_a_cursor_that_reads_back_and_goes_on_simulating(whole: Path, tmp_path: Path) -> None:
    with Session.begin(load_scenario("case69-day"), registry(), tmp_path / "run", "mosaik") as session:
        for _ in range(3):
            session.step()
        at_three = session.look("peers")
        session.seek(1)
        assert session.look("hours")["step"].tolist() == [0]
        session.step()
        assert session.record is None, "the second step is read, not simulated again"
        session.step()
        pd.testing.assert_frame_equal(session.look("peers"), at_three)
        session.step()
        assert session.record is not None
        assert session.record.decision.step == 3
    assert open_run(tmp_path / "run").manifest.status == "running"

    with Session.open(whole) as past:
        past.seek(past.logged)
        with pytest.raises(InputError, match="at its end"):
            past.step()
        past.seek(10)
        past.step()
        assert past.look("hours")["step"].tolist() == [10]
    with pytest.raises(InputError, match="not logged"):
        past.seek(HOURS + 1)


@pytest.mark.once
@pytest.mark.parametrize("settings", [["time.step_minutes=15", "time.hours=60"], ["grid.demand_factor=10"]])
def test_after_the_flexibility_market_no_limit_is_violated_that_could_be_relieved(settings: list[str]) -> None:
    """On a real network, with a DSO that knows it: more than one limit at a time, and offers of equal price."""
    flexible = [f"peers.{group}.behaviour.flexible_load_share=0.9" for group in ("prosumers", "truthful")]
    model = AreaModel(build(load_scenario("lv-week", [*flexible, *settings]), registry()).area)
    cleared = 0
    for _ in range(model.area.steps):
        model.step()
        record = model.record
        assert record is not None
        if len(record.decision.need) and record.decision.flex.missing_mw.max() <= 1e-9:
            cleared += 1
            assert record.violations.excess.max(initial=0.0) <= 1e-6
    assert cleared >= 10
    model.close()


@pytest.mark.once
def test_a_run_killed_after_its_last_step_is_finished_by_resume(tmp_path: Path) -> None:
    run = peerflex.run("case69-day", hours=3, out=tmp_path / "run", driver="mesa")
    before = content(run.folder)
    (run.folder / "picture.png").unlink()
    shutil.rmtree(run.folder / "reference")
    resume(run.folder)
    assert content(run.folder) == before


def test_nobody_trades_with_itself_and_curtailment_is_for_the_dso_alone(tmp_path: Path) -> None:
    """With a feed-in tariff of nothing, a surplus is not sold to those who would switch off their own for it."""
    free = ["tariffs.feed_in_eur_per_mwh=0", "tariffs.interface_eur_per_mwh=160", "peers.truthful.pv_kw=300"]
    run = simulate(tmp_path / "run", *free, "time.hours=20", "dso.forecast_error=0")
    trades, orders = run.table("trades"), run.table("orders")
    assert (trades["seller"].astype(str) != trades["buyer"].astype(str)).all()
    assert orders.loc[orders["price_eur_per_mwh"] < 0, "accepted_mw"].sum() == 0
    assert run.hours["p2p_mwh"].sum() > 0
