"""What is typed and what is printed in ``peerflex step``: conditions, names, pictures, and the pages about it."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from peerflex.core.errors import InputError
from peerflex.runs.area.plugins import registry
from peerflex.runs.session import Session
from peerflex.runs.stepper.changing import CHANGING
from peerflex.runs.stepper.going import GOING
from peerflex.runs.stepper.looking import LOOKING
from peerflex.runs.stepper.plot import ROWS, plot
from peerflex.runs.stepper.print import CONSOLE, clean, table
from peerflex.runs.stepper.start import step_command
from peerflex.runs.stepper.until import condition
from peerflex.runs.stepper.words import completions, find, folder_and_settings, settings
from peerflex.scenarios.load import load_scenario

pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
def morning(tmp_path_factory: pytest.TempPathFactory) -> Session:
    """Return the first eight hours of a day, to look at."""
    loaded = load_scenario("case69-day", ["dso.voltage_pu=[0.974, 1.05]", "dso.loading=0.14"])
    with Session.begin(loaded, registry(), tmp_path_factory.mktemp("words") / "run", "mesa") as session:
        while session.cursor < 8:
            session.step()
    return Session.open(session.folder)


@pytest.mark.parametrize(
    ("text", "column", "holds"),
    [
        ("violation", "violations", lambda v: v > 0),
        ("flexibility", "lfm_mwh", lambda v: v > 0),
        ("loading >= 16%", "highest_loading", lambda v: v >= 0.16),
        ("voltage < 0.974", "lowest_voltage_pu", lambda v: v < 0.974),
        ("voltage > 0.9999", "highest_voltage_pu", lambda v: v > 0.9999),
        ("losses_mwh<0.02", "losses_mwh", lambda v: v < 0.02),
    ],
)
def test_a_condition_holds_where_the_column_says(
    morning: Session, text: str, column: str, holds: Callable[[float], bool]
) -> None:
    values = morning.table("hours")[column]
    found = condition(text)
    assert any(map(holds, values))
    assert [found(morning, step) for step in range(8)] == [holds(value) for value in values]


@pytest.mark.parametrize("width", [40, 120])
def test_names_cannot_colour_move_or_break_the_terminal(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(CONSOLE, "width", width)
    table("who \x1b[31m", ("name", " kW"), [("[red]home[/red]\x1b[2J\r\x07\x9b1m", "1.0")] * 3)
    said = capsys.readouterr().out
    assert "[red]home[/red]" in said
    assert clean(said) == said


@given(arrays(float, st.integers(1, 300), elements=st.floats(-1e6, 1e6) | st.just(np.nan)), st.integers(20, 200))
def test_a_picture_is_within_its_width_and_reaches_from_the_lowest_to_the_highest_value(
    values: np.ndarray, width: int
) -> None:
    title, *lines = plot(values, width, "figure, MW")
    if np.isnan(values).all():
        assert "nothing to show" in title
        return
    assert len(lines) == ROWS
    assert max(map(len, lines)) <= max(width, 23)
    assert "*" in lines[-1]
    assert "*" in lines[0] or np.nanmax(values) == np.nanmin(values)


@pytest.mark.tree
def test_the_tutorial_prints_what_happens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (Path(__file__).parents[1] / "docs" / "tutorial" / "step-by-step.md").read_text()
    lines = "".join(re.findall(r"^```text\n(.*?)^```", page, re.DOTALL | re.MULTILINE)).splitlines()
    monkeypatch.chdir(tmp_path)
    script = tmp_path / "tutorial.txt"
    script.write_text("\n".join(line.partition(" h> ")[2] for line in lines if " h> " in line))
    step_command("case69-day", [], None, None, Path("results/stepped"), [], script)
    printed = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert [line for line in lines if line.rstrip() not in (*printed, "...")] == []


@pytest.mark.tree
def test_the_how_to_lists_every_command() -> None:
    page = (Path(__file__).parents[1] / "docs" / "how-to" / "step-a-simulation.md").read_text()
    commands = (*GOING, *LOOKING, *CHANGING)
    assert [command.name for command in commands if f"`{command.name}" not in page] == []


def test_settings_may_hold_spaces_and_quotes() -> None:
    assert settings("dso.loading=0.9 market.incentive={kind: blocking, at_risk_loading: 0.8} title='a b'") == {
        "dso": {"loading": 0.9},
        "market": {"incentive": {"kind": "blocking", "at_risk_loading": 0.8}},
        "title": "a b",
    }
    assert folder_and_settings("'my run' dso.loading=1") == ("my run", {"dso": {"loading": 1}})
    assert folder_and_settings("dso.loading=1") == (None, {"dso": {"loading": 1}})
    assert folder_and_settings("") == (None, None)


def test_a_name_is_found_by_other_letters_or_a_part_but_never_guessed() -> None:
    known = ("LV5 Load 1", "LV5 Load 10", "LV5 Bus 2")
    assert find("lv5 load 1", known, "peer") == "LV5 Load 1"
    assert find("'Load 10'", known, "peer") == "LV5 Load 10"
    assert find("Load 1", known, "peer") == "LV5 Load 1"  # all of its end, and not a part of Load 10
    with pytest.raises(InputError, match="2 names hold 'Load'"):
        find("Load", known, "peer")


@given(st.sampled_from(["load 1-2", "load 12", "a=b c", "x"]), st.integers(0, 8), st.sampled_from([" ", "-", "="]))
def test_a_completion_put_behind_what_is_typed_gives_the_name(name: str, typed: int, break_at: str) -> None:
    line = name[:typed]
    text = line.rpartition(break_at)[2]
    before = line[: len(line) - len(text)]
    assert name in [before + each for each in completions([name, "other"], line, text)]
