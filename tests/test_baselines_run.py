"""Baselines of days before in runs on disk: carried from step to step, whatever goes on with the run, or refused."""

from pathlib import Path

import numpy as np
import pytest

from peerflex.core.errors import InputError
from peerflex.runs.area.build import build
from peerflex.runs.area.plugins import registry
from peerflex.runs.log.reader import Run, open_run
from peerflex.runs.log.verification import verify
from peerflex.runs.moment import moment
from peerflex.runs.session import Session
from peerflex.runs.views import agent_at
from peerflex.scenarios.load import load_scenario
from tests.test_session import content

pytestmark = pytest.mark.once

HOURS, PART_STEPS = 30, 4
SAYS = (
    *("market.p2p={kind: uniform-auction}", "market.sequence=unrelated", "peers.prosumers.fails=0.3"),
    *("dso.loading=0.7", "reference=none", "delivery.forecast_error=0.1"),
    "time.start=2016-05-02T17:00:00",
    "market.settlement={flexibility: delivered, baseline_days: 1}",
)


def begun(folder: Path, driver: str = "mesa") -> Session:
    return Session.begin(load_scenario("lv-week", SAYS, hours=HOURS), registry(), folder, driver, part_steps=PART_STEPS)


def finished(session: Session) -> Path:
    with session:
        for _ in session.advance():
            pass
    return session.folder


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return open_run(finished(begun(tmp_path_factory.mktemp("runs") / "whole")))


def test_the_log_has_what_was_measured_against_what(whole: Run) -> None:
    peers, flex, hours = whole.table("peers"), whole.table("flex"), whole.table("hours")
    first, then = peers[peers.step < 24], peers[peers.step >= 24]
    assert first.history_baseline_mw.isna().all()
    day_before = first[first.step < HOURS - 24].metered_mw.to_numpy()
    assert then.history_baseline_mw.to_numpy() == pytest.approx(day_before)
    assert (flex[flex.step >= 24].accepted_mw > 0).any()
    assert (hours.lfm_paid_not_moved_mwh + hours.lfm_moved_not_paid_mwh)[24:].sum() > 0
    assert whole.kpis["lfm_paid_not_moved_mwh"] == pytest.approx(hours.lfm_paid_not_moved_mwh.sum())
    events = whole.table("events")
    assert (events[events.kind == "no-history"].step < 24).all()


def test_an_activated_peer_says_what_its_days_before_make_of_it_which_is_what_it_is_paid_for(whole: Run) -> None:
    flex = whole.table("flex")
    called = flex[flex.accepted_mw > 0.0].drop_duplicates(["step", "peer"])
    later = called.step >= 24
    assert later.any()
    some = called.groupby(later).head(5)
    for step, peer in zip(some.step, some.peer, strict=True):
        seen = agent_at(whole, int(step), peer)
        assert seen.activated is not None
        assert np.isnan(seen.activated.by_history_mw) == (step < 24)
        paid_mwh = sum(row.energy_mwh for row in seen.money if row.reason == "flex")
        counts = seen.activated.delivered_mw if step < 24 else seen.activated.by_history_mw
        assert counts == pytest.approx(paid_mwh, abs=1e-9)


def test_it_verifies_and_is_the_same_under_either_driver(whole: Run, tmp_path: Path) -> None:
    assert not verify(whole.folder, registry()).differences
    assert content(finished(begun(tmp_path / "mosaik", "mosaik"))) == content(whole.folder)


def test_resumed_and_branched_on_the_second_day_it_is_the_same(whole: Run, tmp_path: Path) -> None:
    with begun(tmp_path / "stopped") as session:
        while session.cursor < 26:
            session.step()
    assert content(finished(Session.resume(tmp_path / "stopped", registry()))) == content(whole.folder)
    branch = finished(Session.branch(whole.folder, registry(), tmp_path / "branch", step=27))
    assert content(branch) == content(whole.folder)


def test_a_moment_of_the_second_day_is_decided_again_as_it_was(whole: Run) -> None:
    at = moment(whole, 27, registry())
    again = at.model.decide()
    assert again.history_baseline_mw is not None
    assert at.decision.history_baseline_mw is not None
    np.testing.assert_array_equal(again.history_baseline_mw, at.decision.history_baseline_mw)


def test_a_change_of_baseline_in_the_middle_of_a_run_begins_with_what_there_is(tmp_path: Path) -> None:
    says = [*SAYS[:-1], "market.settlement={flexibility: delivered, baseline_days: 0}"]
    loaded = load_scenario("lv-week", says, hours=HOURS)
    with Session.begin(loaded, registry(), tmp_path / "run", "mesa", part_steps=PART_STEPS) as session:
        for _ in range(3):
            session.step()
        assert session.model.readings_mw is None
        session.change({"market": {"settlement": {"baseline_days": 2}}})
        for _ in session.advance():
            pass
    peers = open_run(tmp_path / "run").table("peers")
    measured = peers[peers.history_baseline_mw.notna()]
    assert measured.step.min() == 27, "a whole day after the change"
    assert not verify(tmp_path / "run", registry()).differences


@pytest.mark.parametrize(
    ("said", "where", "what"),
    [
        (["market.settlement.baseline_days=5"], "baseline_days", "paid as delivered"),
        (["market.settlement.quiet_days_only=true"], "quiet_days_only", "made of days before"),
        (
            ["market.settlement={flexibility: delivered, baseline_days: 5}", "market.lfm={kind: none}"],
            "flexibility",
            "no flexibility market",
        ),
    ],
)
def test_a_baseline_of_nothing_is_refused(said: list[str], where: str, what: str) -> None:
    with pytest.raises(InputError, match=what) as refused:
        build(load_scenario("case69-day", said), registry([]))
    assert refused.value.problem.where.endswith(f"market.settlement.{where}")
