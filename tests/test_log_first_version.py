"""A log written by the first version (0.1.0, three hours of lv-week at noon) can still be read and replayed."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from peerflex.runs.cli import app
from peerflex.runs.kpis.kpis import kpis
from peerflex.runs.log.reader import Run, open_run
from peerflex.runs.log.tables import TABLES

FOLDER = Path(__file__).parent / "cases" / "run-first-version"
LATER = {
    "forecast_loading",
    "pre_lfm_loading",
    "p2p_objective_eur",
    "pre_lfm_congested",
    "tso_request_mw",
    "extreme_hz",
    "baseline_mw",
    "imbalance_mwh",
}


@pytest.fixture(scope="module")
def run() -> Run:
    return open_run(FOLDER)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_table_has_the_columns_of_today(run: Run, table) -> None:
    rows = run.table(table.name)
    assert list(rows.columns) == table.schema.names
    known = [name for name in rows.columns if name not in LATER]
    assert rows[known].notna().any().any() or rows.empty
    assert rows[[name for name in rows.columns if name in LATER]].isna().all().all()


def test_closing_figures_are_those_it_was_closed_with(run: Run) -> None:
    again = kpis(run)
    assert {name: again[name] for name in run.kpis} == pytest.approx(run.kpis, nan_ok=True)


def test_it_replays_in_the_terminal() -> None:
    result = CliRunner().invoke(app, ["replay", str(FOLDER)])
    assert result.exit_code == 0, result.output
    assert "lv-week" in result.output
