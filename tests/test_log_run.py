"""A run on disk: written, cut short anywhere, and gone on with."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from peerflex.core.errors import InputError, SimulationError
from peerflex.core.streams import stream
from peerflex.runs.log.reader import find_runs, open_run
from peerflex.runs.log.tables import TABLES
from peerflex.runs.log.writer import RunWriter
from tests import logs

STEPS, PART = 14, 6  # two whole parts and two steps


class Killed(BaseException):
    """Stands for SIGKILL: nothing in the code catches it, so nothing more is written."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return logs.whole_run(tmp_path_factory.mktemp("whole") / "run", STEPS, PART)


def finish(folder: Path) -> None:
    writer, carried, step = RunWriter.resume(folder, logs.Carried)
    assert step % PART == 0 or step == STEPS
    assert (carried is None) == (step == 0)
    logs.go_on(writer, carried, STEPS).close("done")


def killed_at(monkeypatch: pytest.MonkeyPatch, call: int, name: str = "replace") -> Iterator[int]:
    """Kill the process at the given call of ``os.replace`` or ``Path.unlink``; yield how many calls there were."""
    owner = os if name == "replace" else Path
    real, calls = getattr(owner, name), iter(range(1_000_000))

    def counted(*arguments: object, **options: object) -> object:
        if next(calls) == call:
            raise Killed
        return real(*arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, counted)
        yield call


def test_the_same_run_twice_is_the_same_bytes(whole: Path, tmp_path: Path) -> None:
    again = logs.whole_run(tmp_path / "again", STEPS, PART)
    assert logs.files(again) == logs.files(whole)
    assert not list(whole.rglob("*.tmp"))


def test_what_is_read_is_what_was_recorded(whole: Path) -> None:
    run = open_run(whole)
    assert run.finished_steps == STEPS
    assert run.manifest.status == "done"
    n_peers = len(run.manifest.peers)
    carried, metered = logs.begin(n_peers), []
    for step in range(STEPS):
        made = logs.record(step, n_peers, carried)
        carried = logs.Carried(made.decision.peers, made.state)
        metered += made.metered_mw.tolist()
    peers = run.table("peers")
    assert peers.metered_mw.tolist() == metered
    assert peers.soc_mwh.tolist()[-n_peers:] == carried.peers.soc_mwh.tolist()
    some = run.table("peers", 5, 7)
    assert some.equals(peers[(peers.step >= 5) & (peers.step <= 7)].reset_index(drop=True))
    assert run.hours.step.tolist() == list(range(STEPS))


def test_tables_can_be_read_without_peerflex(whole: Path) -> None:
    run = open_run(whole)
    for table in TABLES:
        pd.testing.assert_frame_equal(pd.read_parquet(whole / "tables" / table.name), run.table(table.name))


@pytest.mark.parametrize("call", [*range(0, 44, 3), 43, 44])
def test_killed_at_any_write_and_resumed_it_is_the_same_bytes(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: int
) -> None:
    folder = tmp_path / "run"
    for _ in killed_at(monkeypatch, call):
        try:
            logs.whole_run(folder, STEPS, PART)
        except Killed:
            pass
        else:
            pytest.fail(f"there are no {call} writes")
    if call == 0:
        with pytest.raises(InputError, match="not a run"):
            open_run(folder)
        return
    run = open_run(folder)
    assert run.finished_steps in (0, PART, 2 * PART, STEPS)
    assert run.hours.step.tolist() == list(range(run.finished_steps))
    finish(folder)
    assert logs.files(folder) == logs.files(whole)


@pytest.mark.parametrize("call", [0, 1, 5, 12])
def test_killed_while_resuming_it_can_be_resumed(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: int
) -> None:
    folder = logs.whole_run(tmp_path / "run", STEPS, PART, until=10)
    for _ in killed_at(monkeypatch, call, "unlink"):
        with pytest.raises(Killed):
            RunWriter.resume(folder, logs.Carried)
    finish(folder)
    assert logs.files(folder) == logs.files(whole)


CHILD = """
import sys, time
from pathlib import Path
from tests import logs
from peerflex.runs.log.writer import RunWriter
writer = RunWriter.create(Path(sys.argv[1]), logs.manifest(120, part_steps=4))
print("begun", flush=True)
logs.go_on(writer, None, 120)
time.sleep(60)  # until it is killed
"""


@pytest.mark.once
def test_really_killed_at_random_moments_and_resumed_it_is_the_same_bytes(tmp_path: Path) -> None:
    whole = logs.whole_run(tmp_path / "whole", 120, 4)
    for number in range(3):
        folder = tmp_path / f"killed-{number}"
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(folder)],
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
            stdout=subprocess.PIPE,
        )
        assert child.stdout is not None
        assert child.stdout.readline() == b"begun\n"
        time.sleep(stream(time.time_ns(), "kill", number).uniform(0.1, 1.0))
        child.send_signal(signal.SIGKILL)
        assert child.wait() == -signal.SIGKILL
        child.stdout.close()
        writer, carried, _ = RunWriter.resume(folder, logs.Carried)
        logs.go_on(writer, carried, 120).close("done")
        assert logs.files(folder) == logs.files(whole)


def test_flushing_in_between_changes_no_byte(whole: Path, tmp_path: Path) -> None:
    writer = RunWriter.create(tmp_path / "run", logs.manifest(STEPS, part_steps=PART))
    carried = None
    for until in (1, 4, 5, 9, STEPS):
        logs.go_on(writer, carried, until).flush()
        run = open_run(tmp_path / "run")
        assert run.finished_steps == until
        last = logs.record(until - 1, len(run.manifest.peers), logs.begin(len(run.manifest.peers)))
        assert run.hours.lfm_cost_eur.iloc[-1] == last.decision.flex.cost_eur_per_h * 0.25
        carried = writer._carried
    writer.close("done")
    assert logs.files(tmp_path / "run") == logs.files(whole)


def test_a_failed_run_keeps_its_steps_and_goes_on_from_its_last_whole_part(whole: Path, tmp_path: Path) -> None:
    folder = logs.whole_run(tmp_path / "run", STEPS, PART, until=10)
    run = open_run(folder)
    assert (run.manifest.status, run.manifest.finished_steps, len(run.hours)) == ("failed", 10, 10)
    _, carried, step = RunWriter.resume(folder, logs.Carried)
    assert step == PART
    assert carried is not None
    finish(folder)
    assert logs.files(folder) == logs.files(whole)


def test_a_run_that_stopped_before_its_first_step_is_a_run(tmp_path: Path) -> None:
    RunWriter.create(tmp_path / "run", logs.manifest(STEPS)).close("failed")
    run = open_run(tmp_path / "run")
    assert run.finished_steps == 0
    for table in TABLES:
        assert run.table(table.name).columns.tolist() == table.schema.names
    assert run.kpis["p2p_mwh"] == 0
    assert np.isnan(run.kpis["lowest_voltage_pu"])


def test_steps_come_in_order(tmp_path: Path) -> None:
    writer = RunWriter.create(tmp_path / "run", logs.manifest(STEPS))
    made = logs.record(3, 5, logs.begin(5))
    with pytest.raises(ValueError, match="step 3 after step -1"):
        writer.append(made, logs.begin(5))


def test_the_restore_path_knows_the_step_before_any_step(whole: Path) -> None:
    run = open_run(whole)
    for step, expected in ((0, 0), (5, 0), (6, 6), (11, 6), (13, 12), (14, 14)):
        carried, found = run.carried_before(step, logs.Carried)
        assert found == expected
        assert (carried is None) == (expected == 0)


def test_a_full_disk_is_explained(tmp_path: Path) -> None:
    writer = RunWriter.create(tmp_path / "run", logs.manifest(STEPS, part_steps=2))
    shutil.rmtree(tmp_path / "run" / "tables" / "buses")
    with pytest.raises(SimulationError, match=r"step 1 cannot be written .*--resume"):
        logs.go_on(writer, None, 2)


def test_inputs_are_kept_and_checked(tmp_path: Path) -> None:
    source = tmp_path / "load.csv"
    source.write_text("1,2\n")
    writer = RunWriter.create(tmp_path / "run", logs.manifest(2), {"load.csv": source})
    logs.go_on(writer, None, 2).close("done")
    assert (tmp_path / "run" / "inputs" / "load.csv").read_text() == "1,2\n"
    open_run(tmp_path / "run")
    (tmp_path / "run" / "inputs" / "load.csv").write_text("1,3\n")
    with pytest.raises(InputError, match=r"load\.csv: was altered"):
        open_run(tmp_path / "run")


def test_runs_are_found(whole: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert find_runs(tmp_path) == []
    assert find_runs(whole.parent) == [whole]


def test_no_pickle_anywhere(whole: Path) -> None:
    suffixes = {path.suffix for path in whole.rglob("*") if path.is_file()}
    assert suffixes == {".json", ".parquet"}


def test_sensitivities_are_not_kept_in_memory(tmp_path: Path) -> None:
    writer = RunWriter.create(tmp_path / "run", logs.manifest(9))
    made = logs.record(0, 5, logs.begin(5))
    writer.append(made, logs.begin(5))
    assert made.decision.need.by_mw.size
    assert not writer._records[0].decision.need.by_mw.size
    assert writer._records[0].decision.need.upper is made.decision.need.upper
