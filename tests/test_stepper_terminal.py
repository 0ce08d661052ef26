"""``peerflex step`` in a real terminal: the journey of a person, with Tab, arrows, Ctrl-C and Ctrl-D."""

import importlib.util
import time
from pathlib import Path

import pytest

from peerflex.runs.area.plugins import registry
from peerflex.runs.log.reader import open_run
from peerflex.runs.log.verification import verify
from peerflex.runs.session import Session
from peerflex.scenarios.load import load_scenario

from .terminal import Terminal

pytestmark = pytest.mark.once

if importlib.util.find_spec("readline") is None:  # it is not imported: that is for the program in its terminal
    pytest.skip("without readline there is no editing of lines", allow_module_level=True)

TAB, UP, CTRL_C, CTRL_D = "\t", "\x1b[A", "\x03", "\x04"


def simulated(folder: Path, hours: int, until: int, *settings: str) -> Path:
    loaded = load_scenario("case69-day", list(settings), hours=hours)
    with Session.begin(loaded, registry(), folder, "mesa", part_steps=24) as session:
        while session.cursor < until:
            session.step()
    return folder


def test_a_person_steps_looks_back_changes_branches_and_compares(tmp_path: Path) -> None:
    run, other = tmp_path / "run", tmp_path / "other"
    with Terminal("step", "case69-day", "--out", str(run), state=tmp_path / "state", anew=True) as terminal:
        assert "A summer day" in terminal.wait("case69-day 0 of 24 h> ")
        assert terminal.do("next 3").count("07-04 0") == 3
        assert "07-04 01:00" in terminal.do("back")
        assert "load 61: prosumers (prosumer), at 61" in terminal.do("agent 61")
        assert "branch 2-3" in terminal.do("grid 2-3")
        assert "is simulated already" in terminal.do("set dso.loading=0.1")  # said, and the prompt is back
        terminal.do("goto end")
        assert "from hour 3 on" in terminal.do("set dso.loading=0.1")
        assert "changed: dso.loading: 1.0 -> 0.1" in terminal.do("next")
        terminal.do("back")
        assert f"now in {other}, at hour 3" in terminal.do(f"branch {other} market.p2p.kind=none")
        terminal.do("run to 12")
        compared = terminal.do(f"compare {run}")
        assert "logged up to hour 4" in compared
        assert "figures that differ" in compared
        terminal.press(CTRL_D)
        assert f"peerflex step {other}" in terminal.wait("--set KEY=VALUE")
        assert terminal.code() == 0
    for folder, steps in ((run, 4), (other, 12)):
        assert open_run(folder).finished_steps == steps
        assert not verify(folder, registry()).differences
    assert open_run(other).manifest.parents == ("run@3",)


def test_a_logged_run_is_looked_at_gone_on_with_and_played(tmp_path: Path) -> None:
    run = simulated(tmp_path / "run", hours=6, until=3)
    with Terminal("step", str(run), state=tmp_path) as terminal:
        assert "3 of 6 hours are logged, and only looked at; simulate on with: continue" in terminal.wait("0 of 6 h> ")
        assert terminal.do("run").count("07-04 02:00") == 1
        assert "Simulate on with: continue" in terminal.do("next")
        assert "at hour 3" in terminal.do("continue")
        assert "07-04 05:00" in terminal.do("run")
        assert "the run is at its end" in terminal.do("next")
        terminal.do("goto 0")
        assert terminal.do("play 500").count("07-04 0") == 6
        terminal.press("quit\n")
        assert terminal.code() == 0
    assert open_run(run).manifest.status == "done"
    assert not verify(run, registry()).differences
    with Terminal("replay", str(run), "--speed", "500", "--backwards", state=tmp_path) as terminal:
        assert terminal.code() == 0
        hours = [line[:11] for line in terminal.seen.decode().splitlines() if line.startswith("07-04")]
        assert hours == [f"07-04 0{hour}:00" for hour in (5, 4, 3, 2, 1, 0)]


def test_tab_completes_commands_names_with_spaces_and_keys_and_arrow_up_brings_the_last_session_back(
    tmp_path: Path,
) -> None:
    run = simulated(tmp_path / "run", hours=3, until=2)
    with Terminal("step", str(run), state=tmp_path / "state") as terminal:
        terminal.wait("h> ")
        terminal.press("ne" + TAB)
        terminal.wait("next ")
        terminal.press("\n")
        terminal.wait("07-04 00:00")
        terminal.wait("h> ")
        terminal.press("agent load 6" + TAB + "1" + TAB + "\n")
        terminal.wait("load 61: prosumers")
        terminal.wait("h> ")
        terminal.press("set dso.loa" + TAB)
        terminal.wait("set dso.loading=")
        time.sleep(0.5)  # readline misses an interrupt within a moment of a key
        terminal.press(CTRL_C)
        terminal.wait("h> ")
        terminal.press(CTRL_D)
        assert terminal.code() == 0
    with Terminal("step", str(run), state=tmp_path / "state") as terminal:
        terminal.wait("h> ")
        terminal.press(UP + UP)
        terminal.wait("next")
        terminal.press("\n")
        terminal.wait("07-04 00:00")
        terminal.wait("h> ")
        terminal.press(CTRL_D)
        assert terminal.code() == 0


def test_ctrl_c_stops_a_long_run_at_the_next_hour_with_the_model_whole(tmp_path: Path) -> None:
    run = tmp_path / "run"
    with Terminal("step", "case69-day", "--hours", "8000", "--out", str(run), state=tmp_path) as terminal:
        terminal.wait("h> ")
        terminal.press("run\n")
        terminal.wait("Ctrl-C stops")
        terminal.press(CTRL_C)
        terminal.wait("stopped at hour")
        terminal.wait("h> ")
        assert "07-0" in terminal.do("next 2")
        terminal.press("quit\n")
        assert terminal.code() == 0
    steps = open_run(run).finished_steps
    assert 2 <= steps < 8000
    assert not verify(run, registry()).differences


@pytest.mark.parametrize("columns", [40, 79])
def test_a_narrow_terminal_without_colour_gets_plain_text_that_fits(tmp_path: Path, columns: int) -> None:
    run = simulated(tmp_path / "run", hours=14, until=13)
    with Terminal("step", str(run), state=tmp_path, columns=columns, NO_COLOR="1") as terminal:
        terminal.wait("h> ")
        terminal.press("goto 12\ngrid\nagent 61\nbook\nseries highest_loading\n")
        terminal.press("quit\n")
        assert terminal.code() == 0
        printed = terminal.seen
    assert b"\x1b[3" not in printed
    assert b"\x1b[1m" not in printed
    longest = max(
        (line for line in printed.decode().splitlines() if "h>" not in line and str(run) not in line), key=len
    )
    assert len(longest) <= columns, longest


def test_a_line_that_breaks_loses_nothing(tmp_path: Path) -> None:
    run = tmp_path / "run"
    with Terminal("step", "case69-day", "--out", str(run), state=tmp_path) as terminal:
        terminal.wait("h> ")
        terminal.do("next 3")
        terminal.hang_up()
    assert open_run(run).finished_steps == 3
    assert open_run(run).manifest.status == "running"
