"""The commands of ``peerflex step``: from a script, from a pipe, one by one, and what is said when they are wrong."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from peerflex.core.errors import InputError, SimulationError
from peerflex.runs.api import resume
from peerflex.runs.area.plugins import registry
from peerflex.runs.log.reader import open_run
from peerflex.runs.log.verification import verify
from peerflex.runs.session import Session
from peerflex.runs.stepper.journey import Journey
from peerflex.runs.stepper.play import play_run
from peerflex.runs.stepper.shell import Shell
from peerflex.runs.stepper.start import step_command
from peerflex.scenarios.load import load_scenario
from tests.child import peerflex

Do = Callable[[str], str]

FIVE_CHANGES = """\
next 2
set dso.loading=0.9                 # one
next 2
behave load 61 truthful             # two
set tariffs.feed_in_eur_per_mwh=70  # three, in the same hour
run to 7
set market.p2p={kind: bilateral-pool, curvature_eur_per_mwh: 8}
run until price > 0
set grid.demand_factor=1.2 dso.publishes=nothing
next 2
"""


def begin(folder: Path, hours: int = 12) -> Session:
    loaded = load_scenario("case69-day", ["reference=none"], hours=hours)
    return Session.begin(loaded, registry(), folder, "mesa", part_steps=6)


@pytest.fixture
def journey(tmp_path: Path) -> Iterator[Journey]:
    with Journey(begin(tmp_path / "run"), registry()) as begun:
        yield begun


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Journey]:
    """Return a journey of two steps, for what must change nothing."""
    with Journey(begin(tmp_path_factory.mktemp("standing") / "run"), registry()) as begun:
        begun.go(2)
        yield begun


@pytest.fixture
def do(journey: Journey, capsys: pytest.CaptureFixture[str]) -> Do:
    """Return a prompt: it does a command as in a script, and gives what was printed."""
    shell = Shell(journey, strict=True)

    def command(line: str) -> str:
        capsys.readouterr()
        shell.onecmd(line)
        return capsys.readouterr().out

    return command


@pytest.mark.once
def test_a_stepped_run_with_five_changes_verifies_and_resumes(tmp_path: Path) -> None:
    script, folder = tmp_path / "five.txt", tmp_path / "run"
    script.write_text(FIVE_CHANGES)
    step_command("case69-day", ["reference=none"], None, 14, folder, [], script)
    run = open_run(folder)
    assert run.manifest.status == "running"
    assert len(run.manifest.scenario["changes"]) == 5
    assert (run.table("events")["kind"] == "changed").sum() == 7  # two of them change two values
    assert not verify(folder, registry()).differences
    done = resume(folder)
    assert done.manifest.status == "done"
    assert done.finished_steps == 14
    assert not verify(folder, registry()).differences


def test_commands_can_come_from_a_pipe_and_are_echoed(tmp_path: Path) -> None:
    run = tmp_path / "run"
    code, out, err = peerflex("step", "case69-day", "--out", run, said="# look\n\nnext 3\nback\nkpis\n", anew=True)
    assert code == 0, err
    assert "case69-day 0 of 24 h> next 3" in out
    assert "case69-day 3 of 24 h> back" in out
    assert "violation_hours" in out
    assert "\x1b" not in out
    assert f"peerflex replay {run} --verify" in out.replace("\n", "")
    assert open_run(run).finished_steps == 3


@pytest.mark.once
def test_a_script_that_fails_stops_at_its_line_with_code_2_and_keeps_what_was_simulated(tmp_path: Path) -> None:
    code, _, err = peerflex("step", "case69-day", "--out", tmp_path / "run", said="next 2\nagent nobody\nnext\n")
    assert code == 2
    assert err.startswith("peerflex: standard input, line 2: agent nobody: peer: there is no peer 'nobody'")
    assert open_run(tmp_path / "run").finished_steps == 2
    assert not verify(tmp_path / "run", registry()).differences


def test_a_script_that_does_not_exist_begins_no_run(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        step_command("case69-day", [], None, None, tmp_path / "run", [], tmp_path / "none.txt")
    assert not (tmp_path / "run").exists()


def test_a_run_is_not_begun_again_with_other_settings(tmp_path: Path) -> None:
    with begin(tmp_path / "run"):
        pass
    (tmp_path / "s.txt").write_text("quit\n")
    with pytest.raises(InputError, match="a run goes on as it was begun"):
        step_command(str(tmp_path / "run"), ["seed=2"], None, None, None, [], tmp_path / "s.txt")


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("fly", "is no command. There are next, run"),
        ("b", "07-04"),  # the short word for back
        ("next -1", "'-1' is not a whole number"),
        ("run to noon", "hour 'noon': is not a number"),
        ("run to 1", "hour 2 has gone by"),
        ("run to 99", "not within the run"),
        ("run to 3.5", "within a step of 60 minutes"),
        ("run for 3", "neither 'run to HOUR' nor 'run until CONDITION'"),
        ("run until", "is no condition"),
        ("run until loading > 90", "Write 0.9 or 90%"),
        ("run until speed > 3", "no figure 'speed'"),
        ("run until price > dear", "'dear' is not a number"),
        ("goto 5", "only 2 hours are simulated"),
        ("play 0", "not a number above 0"),
        ("grid 99999", "no bus or branch '99999'"),
        ("grid -", "names hold '-'"),
        ("agent", "no peer ''"),
        ("agents nobody", "no group 'nobody'"),
        ("trade 10000", "no trade 10000"),
        ("trade x", "'x' is not a whole number"),
        ("explain", "is nothing to explain"),
        ("series method", "no figure 'method'"),
        ("set", "says nothing to change"),
        ("set dso.loading", "not of the form"),
        ("set dso.loadin=1", "dso.loadin"),
        ("set seed=2", "cannot change in the middle of a run"),
        ("behave truthful", "needs a peer and a group"),
        ("behave load 61 heroes", "no group 'heroes'"),
        ("compare", "no run to compare with"),
        ("compare /nowhere", "is not a folder"),
        ("open /nowhere", "is not a folder"),
        ("branch a b", "more than one folder"),
        ("branch 'a", "Close the quotes"),
        ("continue", "is being simulated already"),
    ],
)
def test_what_is_typed_wrongly_is_said_and_nothing_happens(
    standing: Journey, capsys: pytest.CaptureFixture[str], line: str, what: str
) -> None:
    shell = Shell(standing, strict=False)
    shell.onecmd("goto end")
    before = standing.session.manifest.scenario
    capsys.readouterr()
    assert shell.onecmd(line) is False
    assert what in capsys.readouterr().out.replace("\n", " ")
    assert (standing.session.logged, standing.session.manifest.scenario) == (2, before)


def test_before_the_first_hour_there_is_nothing_to_look_at(do: Do) -> None:
    for line in ("grid", "agent 61", "book", "events", "kpis", "explain price"):
        with pytest.raises(InputError, match=r"nothing has happened yet\. Go on with: next"):
            do(line)


def test_every_command_has_a_help_that_says_its_usage(do: Do, journey: Journey) -> None:
    overview = do("help")
    for name in Shell(journey, strict=True).commands:
        text = do(f"help {name}")
        assert text.startswith(name)
        assert text.splitlines()[0].strip().split(" ")[0] in overview
        assert len(text.splitlines()) > 2


def test_the_beginning_of_a_command_is_enough_if_only_one_begins_so(do: Do, journey: Journey) -> None:
    do("n 2")
    do("ba")
    assert journey.session.cursor == 1
    with pytest.raises(InputError, match=r"may be series or set or save"):
        do("s")


def test_until_stops_at_the_first_step_in_which_it_holds_and_says_if_it_never_does(do: Do, journey: Journey) -> None:
    do("run until price > 0")
    prices = journey.session.table("hours")["p2p_price_eur_per_mwh"].to_numpy()
    assert (prices[:-1] > 0).sum() == 0 < prices[-1]
    assert "It did not happen up to hour 12" in do("run until event flood")
    assert journey.session.cursor == 12


def test_who_changes_something_and_waits_for_an_event_is_not_stopped_by_the_change(do: Do, journey: Journey) -> None:
    do("set dso.loading=0.9")
    assert "It did not happen up to hour 12" in do("run until event")
    do("goto 0")
    do("run until event changed")
    assert journey.session.cursor == 1


@pytest.mark.once
def test_a_peer_is_listed_in_the_group_in_whose_way_it_bids_then(do: Do) -> None:
    do("next")
    do("behave load 61 customers")
    do("next")
    assert "load 61" in do("agents customers")
    assert "load 61" not in do("agents prosumers").split()
    do("back")
    assert "load 61  prosumers" in do("agents prosumers")


def test_going_back_undoes_nothing_and_going_on_reads(do: Do, journey: Journey) -> None:
    said = do("next 4")
    do("back 3")
    assert do("next 3").splitlines()[1:] == said.splitlines()[2:]
    assert journey.session.logged == 4
    do("back 99")
    assert journey.session.cursor == 0


@pytest.mark.once
def test_another_future_shares_the_past_and_leaves_the_parent_whole(do: Do, journey: Journey, tmp_path: Path) -> None:
    do("run")
    do("goto 6")
    with pytest.raises(InputError, match="what comes next is simulated already"):
        do("set market.p2p.kind=none")
    said = do(f"branch {tmp_path / 'b'} market.p2p.kind=none")
    assert "at hour 6" in said
    do("run")
    compared = do("compare")
    assert "p2p_mwh" in compared
    mine, parent = open_run(journey.session.log.folder), open_run(tmp_path / "run")
    assert parent.manifest.status == "done"
    assert (tmp_path / "run" / "picture.png").is_file()
    assert mine.table("hours", 0, 5).equals(parent.table("hours", 0, 5))
    assert mine.hours["p2p_mwh"][6:].sum() == 0 < parent.hours["p2p_mwh"][6:].sum()


def test_a_step_that_fails_leaves_the_log_to_look_at_and_to_branch_from(
    journey: Journey, do: Do, monkeypatch: pytest.MonkeyPatch
) -> None:
    grid = type(journey.session.built.area.grid)
    do("next 2")

    def cut(self: object, injections: object) -> object:
        raise RuntimeError("cable cut")

    with monkeypatch.context() as patched:
        patched.setattr(grid, "solve", cut)
        with pytest.raises(SimulationError, match="cable cut"):
            do("next")
    assert "69 buses" in do("grid")
    with pytest.raises(InputError, match="Simulate on with: continue"):
        do("next")
    do("branch")
    do("next")
    assert journey.session.cursor == 3


def test_a_stopped_run_goes_on_where_it_was(do: Do, journey: Journey, tmp_path: Path) -> None:
    do("next 8")
    do(f"open {tmp_path / 'run'}")
    assert journey.session.cursor == 0
    do("continue")
    assert (journey.session.cursor, journey.session.live) == (8, True)


@pytest.mark.once
def test_a_log_is_played_forwards_and_back_between_two_hours(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with begin(tmp_path / "run") as session:
        for _ in session.advance():
            pass
    for backwards in (False, True):
        capsys.readouterr()
        play_run(tmp_path / "run", 1000.0, 3, 7, backwards)
        hours = [line[6:8] for line in capsys.readouterr().out.splitlines() if line.startswith("07-04")]
        assert hours == (["03", "04", "05", "06"] if not backwards else ["06", "05", "04", "03"])
    with pytest.raises(InputError, match="not there to replay"):
        play_run(tmp_path / "run", None, 7, 3, False)
    with pytest.raises(InputError, match="not a number above 0"):
        play_run(tmp_path / "run", 0.0, None, None, False)
