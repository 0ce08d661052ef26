"""Changes in the middle of a run, and branches: what is past stays, to the last bit."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from peerflex.core.errors import InputError
from peerflex.runs.api import branch
from peerflex.runs.area.plugins import registry
from peerflex.runs.finish import finish
from peerflex.runs.log.manifest import Status
from peerflex.runs.log.reader import Run, open_run
from peerflex.runs.log.tables import TABLES
from peerflex.runs.log.verification import verify
from peerflex.runs.moment import moment
from peerflex.runs.session import Session
from peerflex.scenarios.load import load_scenario

from .test_session import content

pytestmark = pytest.mark.once

PART_STEPS = 8
SCENARIOS = {"case69-day": 24, "lv-week": 20, "tso-week": 22}  # within three parts, and past a failure
FIVE_CHANGES: Sequence[tuple[int, Mapping[str, Any]]] = (
    (2, {"peers": {"prosumers": {"battery_kwh": 20}}}),
    (5, {"market": {"p2p": {"kind": "bilateral-pool"}}, "tariffs": {"feed_in_eur_per_mwh": 60}}),
    (5, {"dso": {"publishes": "nothing"}}),
    (11, {"agents": {"load 8": "truthful", "load 9": "customers"}}),
    (17, {"grid": {"demand_factor": 1.3}, "market": {"lfm": {"kind": "none"}}}),
)


def simulate(folder: Path, scenario: str, hours: int, *settings: str, driver: str = "mesa") -> Run:
    loaded = load_scenario(scenario, [*settings, "dso.forecast_error=0.05", "reference=none"], hours=hours)
    with Session.begin(loaded, registry(), folder, driver, part_steps=PART_STEPS) as session:
        for _ in session.advance():
            pass
    return open_run(folder)


def same(mine: pd.DataFrame, other: pd.DataFrame) -> bool:
    """Say whether two tables have the same values, to the last bit."""
    names = [column for column in mine if mine[column].dtype == "category"]
    return mine.astype(dict.fromkeys(names, object)).equals(other.astype(dict.fromkeys(names, object)))


def to_the_end(session: Session) -> Run:
    with session:
        for _ in session.advance():
            pass
    return open_run(session.folder)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_an_unchanged_branch_is_byte_identical_at_ten_random_hours(scenario: str, tmp_path: Path) -> None:
    hours = SCENARIOS[scenario]
    whole = simulate(tmp_path / "whole", scenario, hours)
    files = content(whole.folder)
    for step in np.random.default_rng(len(scenario)).choice(hours, 10, replace=False):
        branched = to_the_end(Session.branch(whole.folder, registry(), tmp_path / f"at-{step}", int(step)))
        assert content(branched.folder) == files
        assert branched.manifest.parents == (f"whole@{step}",)


def test_a_changed_branch_differs_only_from_its_hour_on(tmp_path: Path) -> None:
    whole = simulate(tmp_path / "whole", "case69-day", 24)
    for step, change in ((0, {"tariffs": {"feed_in_eur_per_mwh": 60}}), (13, {"market": {"lfm": {"kind": "none"}}})):
        session = Session.branch(whole.folder, registry(), tmp_path / f"at-{step}", step, change)
        other = to_the_end(session)
        unlike = set()
        for table in TABLES:
            if step:
                assert same(whole.table(table.name, 0, step - 1), other.table(table.name, 0, step - 1))
            if not same(whole.table(table.name, step), other.table(table.name, step)):
                unlike.add(table.name)
        assert {"hours", "events", "ledger"} <= unlike
        events = other.table("events")
        assert (events[events["kind"] == "changed"]["step"] == step).all()
        assert not verify(other.folder, registry()).differences


def stepped(folder: Path, leave_at: int) -> Status:
    loaded = load_scenario("case69-day", ["reference=none"])
    with Session.begin(loaded, registry(), folder, "mesa", part_steps=PART_STEPS) as session:
        while session.cursor < leave_at:
            for step, change in FIVE_CHANGES:
                if step == session.cursor:
                    session.change(change)
            session.step()
    return open_run(folder).manifest.status


def test_a_stepped_run_with_five_changes_verifies_and_resumes(tmp_path: Path) -> None:
    assert stepped(tmp_path / "whole", 24) == "done"
    whole = open_run(tmp_path / "whole")
    assert not verify(whole.folder, registry()).differences
    for leave_at in (6, 18, 20):
        assert stepped(tmp_path / f"left-{leave_at}", leave_at) == "running"
        with Session.resume(tmp_path / f"left-{leave_at}", registry()) as session:
            while session.cursor < leave_at:
                session.step()
            for _ in session.advance():
                for step, change in FIVE_CHANGES:
                    if step == session.cursor and step >= leave_at:
                        session.change(change)
        if leave_at > FIVE_CHANGES[-1][0]:
            assert content(session.folder) == content(whole.folder)
        assert not verify(session.folder, registry()).differences
    unchanged = to_the_end(Session.branch(whole.folder, registry(), tmp_path / "branched", 7))
    assert content(unchanged.folder) == content(whole.folder)


def test_changes_take_hold_at_their_hour_and_are_events(tmp_path: Path) -> None:
    stepped(tmp_path / "run", 24)
    run = open_run(tmp_path / "run")
    events = run.table("events")
    told = events[events["kind"] == "changed"][["step", "where", "what"]].to_numpy().tolist()
    assert [2, "peers.prosumers.battery_kwh", "100.0 -> 20.0"] in told
    assert [5, "market.p2p.kind", "uniform-auction -> bilateral-pool"] in told
    assert [5, "dso.publishes", "at-risk -> nothing"] in told
    assert [11, "agents.load 9", "its own group -> customers"] in told
    peers = run.table("peers").set_index(["step", "peer"])["soc_mwh"].unstack()
    assert peers.loc[0:1].to_numpy().max() >= 0.0
    assert peers.loc[2:].to_numpy().max() <= 0.02 + 1e-12
    orders = run.table("orders")
    bidders = orders[orders["step"] >= 11]["peer"].unique()
    assert "load 9" not in bidders
    flex = run.table("flex")
    assert not (flex["accepted_mw"][flex["step"] >= 17] > 0).any()


def test_a_scenario_file_with_changes_is_the_run_that_was_stepped(tmp_path: Path) -> None:
    stepped(tmp_path / "stepped", 24)
    changes = open_run(tmp_path / "stepped").manifest.scenario["changes"]
    loaded = load_scenario("case69-day", ["reference=none", f"changes={changes}"])
    for driver in ("mesa", "mosaik"):
        session = Session.begin(loaded, registry(), tmp_path / driver, driver, part_steps=PART_STEPS)
        assert content(to_the_end(session).folder) == content(tmp_path / "stepped")


def test_a_value_changed_twice_in_one_hour_is_said_once(tmp_path: Path) -> None:
    changes = [{"hour": 1, "set": {"dso": {"loading": loading}}} for loading in (0.9, 0.8)]
    loaded = load_scenario("case69-day", [f"changes={changes}", "reference=none"], hours=2)
    run = to_the_end(Session.begin(loaded, registry(), tmp_path / "run", "mesa"))
    assert run.table("events")["what"].tolist() == ["1.0 -> 0.8"]


def test_what_no_longer_fits_a_smaller_battery_is_lost_and_said(tmp_path: Path) -> None:
    run = simulate(tmp_path / "whole", "case69-day", 24)
    stored = run.table("peers", 14, 14)["soc_mwh"].to_numpy()
    change = {"peers": {"prosumers": {"battery_kwh": 1}}}
    other = to_the_end(Session.branch(run.folder, registry(), tmp_path / "small", 15, change))
    lost = other.table("events").query("kind == 'energy-lost'")
    assert lost["step"].tolist() == [15]
    gone_kwh = float(lost["what"].iloc[0].split()[0])
    assert gone_kwh == pytest.approx(1000 * np.maximum(stored - 0.001, 0).sum(), abs=1e-5)
    assert gone_kwh > 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"seed": 2}, "seed"),
        ({"time": {"hours": 12}}, "time"),
        ({"name": "other"}, "name"),
        ({"agents": {"nobody": "truthful"}}, "no such peer"),
        ({"agents": {"load 8": "angels"}}, "no group"),
        ({"market": {"p2p": {"kind": "bazaar"}}}, "bazaar"),
        ({"dso": {"loading": 9}}, "dso.loading"),
        ({"peers": {"prosumers": {"color": "red"}}}, "color"),
        ({"peers": {"martians": {"pv_kw": 1}}}, "martians"),
        ({"grid": {"code": "case33bw"}}, "other peers"),
        ({"peers": {"prosumers": {"name": "abc"}}}, "other groups of peers"),
        ({"peers": {"prosumers": {"share_of_connections": 0.6}}}, "other groups of peers"),
        ({"peers": []}, "other groups of peers"),
        ({"profiles": {"source": "csv", "load": "x.csv"}}, "x.csv"),
        ({}, "changes"),
        ({"market": {"incentive": {"kind": "blocking"}}}, "does not heed"),
    ],
)
def test_a_bad_change_is_refused_and_nothing_changed(change: Mapping[str, Any], words: str, tmp_path: Path) -> None:
    loaded = load_scenario("case69-day", ["reference=none"], hours=4)
    with Session.begin(loaded, registry(), tmp_path / "run", "mesa") as session:
        session.step()
        with pytest.raises(InputError) as refused:
            session.change(change)
        assert words in str(refused.value)
        assert "remedy" not in str(refused.value)
        for _ in session.advance():
            pass
    run = open_run(tmp_path / "run")
    assert run.manifest.scenario["changes"] == []
    assert (run.table("events")["kind"] != "changed").all()


def test_the_past_cannot_be_changed_nor_a_log_that_is_only_looked_at(tmp_path: Path) -> None:
    loaded = load_scenario("case69-day", ["reference=none"], hours=3)
    change = {"tariffs": {"feed_in_eur_per_mwh": 60}}
    with Session.begin(loaded, registry(), tmp_path / "run", "mesa") as session:
        for _ in session.advance():
            pass
        session.seek(1)
        with pytest.raises(InputError, match="branch from here"):
            session.change(change)
        session.seek(3)
        with pytest.raises(InputError):
            session.change(change)
    with Session.open(tmp_path / "run") as session, pytest.raises(InputError, match="only looked at"):
        session.change(change)
    for step in (3, -1):
        with pytest.raises(InputError, match="no branch can begin at hour"):
            Session.branch(tmp_path / "run", registry(), tmp_path / "b", step)
    with pytest.raises(InputError, match="is within a step of 60 minutes"):
        branch(tmp_path / "run", 1.5)
    assert not (tmp_path / "b").exists()


def test_a_branch_that_is_refused_leaves_nothing_behind(tmp_path: Path) -> None:
    run = simulate(tmp_path / "run", "case69-day", 12)
    with pytest.raises(InputError, match="no such peer"):
        Session.branch(run.folder, registry(), tmp_path / "b", 10, {"agents": {"nobody": "truthful"}})
    assert not (tmp_path / "b").exists()
    to_the_end(Session.branch(run.folder, registry(), tmp_path / "b", 10, {"agents": {"load 8": "truthful"}}))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ([{"hour": 0.5, "set": {"tariffs": {"retail_eur_per_mwh": 1}}}], "60-minute step"),
        ([{"hour": 24, "set": {"tariffs": {"retail_eur_per_mwh": 1}}}], "before the end"),
        ([{"hour": 5, "set": {"x": 1}}], "changes.0.set: x"),
        ([{"hour": 5, "set": {"reference": "none"}}, {"hour": 2, "set": {}}], "changes"),
    ],
)
def test_changes_in_a_file_are_checked_before_anything_is_simulated(
    changes: list[Any], words: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError) as refused:
        Session.begin(load_scenario("case69-day", [f"changes={changes}"]), registry(), tmp_path / "run")
    assert words in str(refused.value)
    assert not (tmp_path / "run").exists()


def test_what_is_in_hand_reads_as_what_is_written(tmp_path: Path) -> None:
    loaded = load_scenario("case69-day", ["reference=none"])
    with Session.begin(loaded, registry(), tmp_path / "run", "mesa", part_steps=PART_STEPS) as session:
        for _ in session.advance():
            first = max(session.cursor - 10, 0)
            if session.cursor in (3, 8, 13):
                seen = {table.name: session.table(table.name, first, session.cursor - 2) for table in TABLES}
                for table in TABLES:
                    assert same(seen[table.name], session.log.table(table.name, first, session.cursor - 2))


def test_a_moment_is_what_was_logged(tmp_path: Path) -> None:
    stepped(tmp_path / "run", 24)
    run = open_run(tmp_path / "run")
    for step in (0, 2, 5, 13, 17, 23):
        seen = moment(run, step, registry())
        assert seen.decision.orders.quantity_mw.tolist() == run.rows("orders", step, step)["quantity_mw"].to_pylist()
        assert seen.record.state.v_pu.tolist() == run.rows("buses", step, step)["v_pu"].to_pylist()
        before = run.rows("peers", step - 1, step - 1)["soc_mwh"].to_pylist() if step else [0.0] * len(seen.area.peers)
        assert (seen.model.hour, seen.model.measured is None) == (step, step == 0)
        assert seen.state.soc_mwh.tolist() == pytest.approx(np.minimum(before, seen.area.peers.battery_mwh))
    with pytest.raises(InputError, match="no step that begins at hour 24"):
        moment(run, 24, registry())


def test_the_reference_of_a_run_with_changes_has_no_market_at_any_hour(tmp_path: Path) -> None:
    changes = [{"hour": 3, "set": {"market": {"p2p": {"kind": "bilateral-pool"}}, "grid": {"demand_factor": 1.5}}}]
    loaded = load_scenario("case69-day", [f"changes={changes}"], hours=6)
    session = Session.begin(loaded, registry(), tmp_path / "run", "mesa")
    run = to_the_end(session)
    finish(run, loaded, session.built.network, registry())
    reference = open_run(run.folder / "reference")
    assert reference.hours["p2p_mwh"].sum() == 0.0 < run.hours["p2p_mwh"].sum()
    loads = reference.hours["load_mwh"].to_numpy()
    assert loads == pytest.approx(run.hours["load_mwh"].to_numpy(), rel=0.2)
    assert [event["where"] for event in reference.rows("events").to_pylist()] == ["grid.demand_factor"]
