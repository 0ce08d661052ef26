"""The frequency of an hour: what disturbs it, what goes on from hour to hour, and that a log holds all of it."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from peerflex.core.frequency import FrequencyArea, FrequencyState, SystemState
from peerflex.core.record import HourRecord
from peerflex.runs.area.build import build
from peerflex.runs.area.plugins import registry
from peerflex.runs.cosim import CoSimulation
from peerflex.runs.log.reader import open_run
from peerflex.runs.log.verification import verify
from peerflex.runs.model import AreaModel
from peerflex.runs.session import Session
from peerflex.runs.stages.frequency import feeder_deviation_mw
from peerflex.scenarios.load import load_scenario
from tests.areas import HOUR_S, street
from tests.test_hour import flat
from tests.tso_areas import BID, LOADS, SMALL, regulated, simulate

NOBODY = replace(BID, most_mw=1e-6)


def states(records: list[HourRecord]) -> list[FrequencyState]:
    found = [record.frequency for record in records]
    assert all(state is not None for state in found)
    return [state for state in found if state is not None]


def kinds(record: HourRecord) -> set[str]:
    return {event.kind for event in record.events}


def test_an_hour_without_an_area_has_no_frequency() -> None:
    assert all(record.frequency is None and record.delivered_mw == 0.0 for record in simulate(street(6, 2)))


def test_a_lasting_event_strikes_once_and_is_undone_once() -> None:
    found = states(simulate(regulated((1.5, 4.25, -8.0), bid=NOBODY)))
    dips = [abs(state.extreme_hz) > 0.1 for state in found]
    assert dips == [False, True, False, False, True, False]
    assert found[1].rocof_hz_per_s == pytest.approx(-8.0 * 50 / (2 * 3 * 300))
    assert found[4].rocof_hz_per_s == pytest.approx(8.0 * 50 / (2 * 3 * 300))
    assert [state.end.imbalance_mw for state in found] == [0, -8, -8, -8, 0, 0]
    assert found[3].afrr_up_mwh == pytest.approx(8.0, abs=1e-3)
    assert found[2].rocof_hz_per_s == 0.0


def test_an_event_at_a_full_hour_belongs_to_the_hour_it_begins() -> None:
    found = states(simulate(regulated((2.0, 3.0, -8.0), bid=NOBODY, steps=4)))
    assert [state.rocof_hz_per_s for state in found] == pytest.approx([0, 0, -2 / 9, 2 / 9])


def test_what_the_tso_bought_relieves_the_automatic_reserve_of_all_feeders() -> None:
    found = states(simulate(regulated((0.5, 9.0, -8.0), scheme="dso-first")))
    carried = [(state.end.afrr_mw, state.end.p2p_mw) for state in found]
    assert carried[0] == pytest.approx((8.0, 0.0), abs=0.02)
    for afrr_mw, p2p_mw in carried[2:]:
        assert p2p_mw == pytest.approx(0.8 * 8.0, abs=0.05)
        assert afrr_mw + p2p_mw == pytest.approx(8.0, abs=0.02)


def test_a_feeder_that_gives_less_than_announced_disturbs_the_area_times_the_feeders() -> None:
    area = regulated(bid=NOBODY, steps=6, error=0.1, feeders=50.0)
    peers = replace(area.peers, behaviour=np.array([-1, 0, 0, 0, 1, -1]), trade=np.arange(LOADS + 2) > 0)
    area = replace(area, peers=peers)
    records = simulate(area)
    off = [feeder_deviation_mw(area, record.decision, record.metered_mw) for record in records]
    assert max(map(abs, off)) > 0.05
    assert [state.end.imbalance_mw for state in states(records)] == pytest.approx([50.0 * mw for mw in off])


def test_a_step_of_a_quarter_of_an_hour_is_a_quarter_of_an_hour() -> None:
    area = regulated((0.75, 1.5, -8.0), bid=NOBODY, steps=8)
    found = states(simulate(replace(area, step_s=900)))
    assert [abs(state.extreme_hz) > 0.1 for state in found] == [row in (3, 6) for row in range(8)]
    assert {state.held_s for state in found} == {900.0}


def test_a_saturated_reserve_and_the_limits_of_the_guideline_are_on_record() -> None:
    small = FrequencyArea(size_mw=300, inertia_s=3, fcr_mw=4)
    record = simulate(regulated((0.25, 3.0, -6.0), bid=NOBODY, frequency=small, steps=1))[0]
    assert record.frequency is not None
    assert record.frequency.fcr_saturated
    assert {"fcr-saturated", "frequency-emergency"} <= kinds(record)
    assert all(event.consequence and event.where == "frequency" for event in record.events)


def test_a_collapse_is_on_record_and_the_next_hour_begins_anew() -> None:
    weak = FrequencyArea(size_mw=300, inertia_s=3, fcr_mw=1)
    records = simulate(regulated((0.25, 2.0, -60.0), bid=NOBODY, frequency=weak, steps=4))
    found = states(records)
    assert [state.system_state is SystemState.BLACKOUT for state in found] == [True, True, False, False]
    assert {"frequency-collapse", "load-shedding-limit", "fcr-saturated"} <= kinds(records[0])
    assert found[2].extreme_hz == 0.0, "the event ends as the third hour begins"


def test_both_drivers_and_a_restored_model_go_the_same_way() -> None:
    area = regulated((1.5, 4.0, -8.0), scheme="dso-first", error=0.05)
    whole = simulate(area)
    driver = CoSimulation(AreaModel(area))
    try:
        assert flat([driver.step() for _ in range(area.steps)]) == flat(whole)
    finally:
        driver.close()
    model = AreaModel(area)
    model.restore(3, whole[2].decision.peers, whole[2].state, whole[2].frequency)
    driver = CoSimulation(model)
    try:
        assert flat([driver.step() for _ in range(3)]) == flat(whole[3:])
    finally:
        driver.close()


SETTINGS = [
    "time.hours=14",
    "dso.forecast_error=0.05",
    "frequency={area: {size_mw: 300, inertia_s: 3, fcr_mw: 15, afrr_mw: 20}, feeders: 4,"
    " events: [{start_hour: 2, at_minute: 20, change_mw: -12, hours: 9}]}",
    "tso={request: {kind: from-frequency}, most_mw: 3, value_eur_per_mwh: 100, scheme: dso-first}",
]


def logged(folder: Path, driver: str = "mosaik", until: int | None = None, settings: list[str] = SETTINGS) -> Path:
    loaded = load_scenario("tso-dso-benchmark", settings)
    with Session.begin(loaded, registry(), folder, driver, part_steps=4) as session:
        for done in session.advance():
            if done == until:
                break
    return folder


def content(folder: Path) -> dict[str, bytes]:
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "manifest.json")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return logged(tmp_path_factory.mktemp("runs") / "whole")


@pytest.mark.once
def test_a_run_leaves_the_same_bytes_under_either_driver_resumed_and_verified(whole: Path, tmp_path: Path) -> None:
    assert content(logged(tmp_path / "mesa", "mesa")) == content(whole)
    broken = logged(tmp_path / "broken", until=10)
    with Session.resume(broken, registry()) as session:
        for _ in session.advance():
            pass
    assert content(broken) == content(whole)
    assert not verify(whole, registry()).differences


def test_an_altered_frequency_is_found(whole: Path, tmp_path: Path) -> None:
    folder = tmp_path / "altered"
    shutil.copytree(whole, folder)
    page = folder / "checkpoints" / "00001.json"
    point = json.loads(page.read_text())
    point["carried"]["frequency"]["end"]["afrr_mw"] = (1.25).hex()
    page.write_text(json.dumps(point))
    assert [str(each) for each in verify(folder, registry()).differences]


def test_the_log_has_the_tso_and_the_frequency_of_every_step(whole: Path) -> None:
    run = open_run(whole)
    hours = run.hours
    assert hours["tso_request_mw"].iloc[3] == pytest.approx(3.0)
    assert (hours["tso_contracted_mw"].iloc[3:10] > 0.05).all()
    assert hours["system_state"].notna().all()
    assert hours["extreme_hz"].min() < -0.3
    assert run.kpis["lowest_hz"] == hours["extreme_hz"].min()
    assert run.kpis["tso_delivered_mwh"] == pytest.approx(hours["tso_delivered_mw"].sum())
    paid = (hours["tso_contracted_mw"] * hours["tso_price_eur_per_mwh"]).sum()
    assert run.kpis["tso_cost_eur"] == pytest.approx(paid)
    assert run.manifest.peer_groups[-1] == "tso"


def test_welfare_of_peers_is_apart_from_what_the_tso_values(whole: Path) -> None:
    run = open_run(whole)
    asked, got = run.hours["tso_request_mw"], run.hours["tso_contracted_mw"]
    worth = (got * (100.0 - (1.0 / asked.where(asked > 0)) * got / 2)).fillna(0.0)
    bought = asked >= 0
    assert run.hours["tso_value_eur"][bought].to_numpy() == pytest.approx(worth[bought].to_numpy())
    assert run.hours["tso_value_eur"].sum() > 100
    apart = run.kpis["welfare_eur"] - run.kpis["local_welfare_eur"]
    assert apart == pytest.approx(run.hours["tso_value_eur"].sum())


def test_the_exchange_with_the_upstream_grid_has_what_the_supplier_beyond_sells(whole: Path) -> None:
    """A bug: import was as good as nothing, as the supplier and the TSO stand at the upstream bus."""
    run = open_run(whole)
    groups, metered = run.manifest.peer_groups, run.rows("peers")["metered_mw"].to_numpy()
    within = np.array([group not in ("grid", "tso") for group in groups])
    feeder_mw = metered.reshape(-1, len(groups))[:, within].sum(axis=1)
    assert run.hours["exchange_mwh"].to_numpy() == pytest.approx(run.hours["losses_mwh"] - feeder_mw, abs=1e-7)
    assert run.kpis["import_mwh"] == pytest.approx(run.hours["exchange_mwh"].clip(lower=0).sum())
    assert run.kpis["import_mwh"] > 10


def test_without_a_system_a_checkpoint_is_as_it_always_was(tmp_path: Path) -> None:
    folder = logged(tmp_path / "plain", "mesa", settings=["time.hours=5"])
    carried = json.loads((folder / "checkpoints" / "00000.json").read_text())["carried"]
    assert carried.keys() == {"peers", "measured"}
    assert open_run(folder).hours["extreme_hz"].isna().all()


def test_events_of_a_scenario_are_seconds_from_its_start() -> None:
    area = build(load_scenario("tso-dso-benchmark", SETTINGS), registry()).area
    assert area.system is not None
    assert area.system.events.start_s.tolist() == [2 * HOUR_S + 1200.0]
    assert area.system.events.end_s.tolist() == [11 * HOUR_S + 1200.0]
    assert area.system.events.change_mw.tolist() == [-12.0]
    assert area.system.feeders == 4
    assert area.system.area == SMALL


def test_the_week_of_the_bundled_scenario_is_alive(tmp_path: Path) -> None:
    loaded = load_scenario(
        "tso-week", ["time.hours=24", "frequency.events=[{start_hour: 19, change_mw: -9, hours: 3}]"]
    )
    with Session.begin(loaded, registry(), tmp_path / "week", "mesa") as session:
        for _ in session.advance():
            pass
    hours = open_run(tmp_path / "week").hours
    assert hours["extreme_hz"].iloc[19] < -0.25
    assert hours["tso_delivered_mw"].iloc[20:22].min() > 0.5
    assert hours["tso_price_eur_per_mwh"].iloc[20] > 30, "loads give way for it, at their own value"
