"""``peerflex explain``: a logged hour is asked, computed again from the log, and answered in the terminal."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from peerflex.core.errors import InputError
from peerflex.runs.area.plugins import registry
from peerflex.runs.cli import app
from peerflex.runs.explain.command import explain_command, explain_lines
from peerflex.runs.explain.text import power
from peerflex.runs.log.reader import open_run
from peerflex.runs.session import Session
from peerflex.scenarios.load import load_scenario

HOURS = 20


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "day"
    loaded = load_scenario("case69-day", hours=HOURS)
    with Session.begin(loaded, registry(), folder, driver="mesa", part_steps=24) as session:
        for _ in session.advance():
            pass
    return folder


def test_the_numbers_asked_for_are_those_of_the_log(folder: Path) -> None:
    run = open_run(folder)
    trade = run.table("trades", first=12, last=12).iloc[7]
    told = explain_lines(folder, 12.0, "trade", "7", registry())
    assert told[0].startswith(f"{trade['seller']} sells {power(trade['quantity_mw'])} to {trade['buyer']} at ")
    offer = run.table("flex", first=19, last=19).iloc[29]
    told = explain_lines(run, 19.0, "offer", "29", registry())
    assert told[0].startswith(f"Offer 29 of {offer['peer']} would inject {power(offer['quantity_mw'])} ")
    assert told[0].endswith(f"{power(offer['accepted_mw'])} were activated.")


def test_the_command_prints_the_answer_and_leaves_the_run_as_it_was(folder: Path) -> None:
    before = {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
    result = CliRunner().invoke(app, ["explain", str(folder), "--at", "12", "--price"])
    assert result.exit_code == 0, result.output
    assert "EUR/MWh" in result.output
    assert "together" in result.output or "Without this order" in result.output
    assert {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()} == before


def test_a_session_that_still_goes_on_can_be_asked(tmp_path: Path) -> None:
    with Session.begin(load_scenario("case69-day"), registry(), tmp_path / "day", driver="mesa", part_steps=24) as live:
        for _ in range(6):
            live.step()
        told = explain_lines(live, 5.0, "price", "", registry())
        assert told[0].endswith("at 273.46 EUR/MWh.")
        live.step()
        assert live.logged == 7


@pytest.mark.tree
def test_the_answer_on_the_page_is_the_one_that_is_given(folder: Path) -> None:
    page = Path(__file__).parents[1] / "docs" / "how-to" / "ask-why.md"
    assert "\n".join(explain_lines(folder, 19.0, "offer", "29", registry())) in page.read_text()


@pytest.mark.parametrize(("hour", "what", "which"), [(99.0, "price", ""), (0.5, "price", ""), (12.0, "trade", "9999")])
def test_an_hour_or_a_row_that_is_not_there_is_said(folder: Path, hour: float, what: str, which: str) -> None:
    with pytest.raises(InputError):
        explain_command(folder, hour, what, which, [])
