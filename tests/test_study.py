"""Small studies simulated from end to end, and what can go wrong with them."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

import peerflex
from peerflex.core.errors import InputError
from peerflex.runs.cli import main
from peerflex.runs.log.reader import open_run
from peerflex.runs.study.kpis import check_kpis
from peerflex.runs.study.run import StudyResult, run_study
from peerflex.runs.study.verdicts import Row
from peerflex.scenarios.study import load_study

QUICK = {"time.start": "2016-07-04T12:00:00", "time.hours": 3}
NO_MARKET = QUICK | {"market.p2p.kind": "none", "market.lfm.kind": "none"}
TINY: dict[str, Any] = {
    "name": "tiny",
    "scenarios": [
        {"name": "auction", "scenario": "case69-day", "set": QUICK},
        {"name": "no-market", "scenario": "case69-day", "set": NO_MARKET},
    ],
    "seeds": "1-2",
    "kpis": [
        {"name": "losses_mwh", "unit": "MWh"},
        {"name": "losses_mwh", "unit": "MWh", "hour": 1},
        {"name": "p2p_price_eur_per_mwh", "unit": "EUR/MWh"},
    ],
    "published": [
        {"scenario": "auction", "kpi": "losses_mwh", "value": 9.0, "source": "made up", "in_sample": True},
    ],
    "criteria": [
        {"name": "losses", "kpi": "losses_mwh", "of": "auction", "against": 100.0, "comparison": "less"},
        {"name": "price", "kpi": "p2p_price_eur_per_mwh", "of": "no-market", "against": 0.0, "comparison": "greater"},
    ],
}


def study_file(folder: Path, **changes: Any) -> str:
    path = folder / "tiny.yaml"
    path.write_text(yaml.safe_dump(TINY | changes))
    return str(path)


def command(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """Return the exit code of the command line."""
    monkeypatch.setattr(sys, "argv", ["peerflex", *words])
    with pytest.raises(SystemExit) as done:
        main()
    return int(done.value.code or 0)


# ---------------------------------------------------------------- simulated


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> StudyResult:
    folder = tmp_path_factory.mktemp("study")
    return peerflex.study(study_file(folder), out=folder / "out")


def test_rows_are_the_spread_of_what_the_runs_logged(tiny: StudyResult) -> None:
    def of(row: Row) -> list[float]:
        runs = [open_run(tiny.folder / "runs" / f"{row.scenario}-{seed}") for seed in (1, 2)]
        if row.hour is None:
            return [run.kpis[row.kpi] for run in runs]
        return [float(run.hours[row.kpi].iloc[row.hour]) for run in runs]

    assert [(row.scenario, row.kpi, row.hour) for row in tiny.rows[:2]] == [
        ("auction", "losses_mwh", None),
        ("auction", "losses_mwh", 1),
    ]
    for row in tiny.rows:
        first, second = of(row)
        if row.median is None:
            assert np.isnan([first, second]).all()
        else:
            assert row.median == pytest.approx((first + second) / 2, rel=1e-12)
            assert row.high - row.low == pytest.approx(0.9 * abs(first - second), rel=1e-9)  # type: ignore[operator]
    assert tiny.rows[0].verdict == "not-matched"
    assert tiny.rows[0].in_sample


def test_criteria_are_judged_on_the_runs(tiny: StudyResult) -> None:
    """Without a market there is no price, so what is asked of it cannot hold."""
    assert [(each.name, each.measured, each.holds) for each in tiny.criteria] == [
        ("losses", 1.0, True),
        ("price", 0.0, False),
    ]


def test_the_tables_and_the_page_say_the_same(tiny: StudyResult) -> None:
    page = json.loads((tiny.folder / "study.json").read_text())
    assert (page["study"], page["seeds"], page["runs"], page["failed"]) == ("tiny", "1-2", 4, [])
    with (tiny.folder / "tables" / "rows.csv").open() as file:
        for line, row in zip(csv.DictReader(file), page["rows"], strict=True):
            assert line == {name: "" if value is None else str(value) for name, value in row.items()}
    with (tiny.folder / "tables" / "runs.csv").open() as file:
        for line in csv.DictReader(file):
            assert (tiny.folder / line["folder"] / "manifest.json").is_file()
            if line["value"] and not line["hour"]:
                assert float(line["value"]) == open_run(tiny.folder / line["folder"]).kpis[line["kpi"]]


def test_there_is_a_picture_of_every_figure(tiny: StudyResult) -> None:
    pictures = sorted(path.name for path in (tiny.folder / "figures").iterdir())
    assert pictures == ["losses_mwh.png", "p2p_price_eur_per_mwh.png", "table.png"]


@pytest.mark.once
def test_more_processes_leave_the_same_bytes(tiny: StudyResult, tmp_path: Path) -> None:
    def files(folder: Path) -> dict[str, bytes]:
        paths = [path for path in folder.rglob("*") if path.is_file() and path.name != "manifest.json"]  # its commit
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}

    done: list[tuple[int, int]] = []
    run_study(study_file(tmp_path), jobs=2, out=tmp_path / "out", watch=lambda now, total: done.append((now, total)))
    assert files(tmp_path / "out") == files(tiny.folder)
    assert done == [(count, 4) for count in range(5)]


@pytest.mark.once
def test_a_sweep_is_compared_point_by_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    only = [{"name": "losses", "kpi": "losses_mwh", "of": "no-market", "against": 0.06, "comparison": "less"}]
    sweep = {"grid.demand_factor": [1.0, 2.0]}
    file = study_file(tmp_path, sweep=sweep, seeds="1", criteria=only)
    assert command(monkeypatch, "study", file, "--jobs", "1", "--out", str(tmp_path / "out")) == 1

    page = json.loads((tmp_path / "out" / "study.json").read_text())
    points = ["grid.demand_factor=1.0", "grid.demand_factor=2.0"]
    small, large = (row["median"] for row in page["rows"] if row["scenario"] == "no-market" and row["hour"] == 1)
    assert large > 3 * small  # losses rise with the square of the current, or faster
    assert [(each["point"], each["holds"]) for each in page["criteria"]] == [(points[0], True), (points[1], False)]
    scenario = open_run(tmp_path / "out" / "runs" / "auction-point2-1").manifest.scenario
    assert scenario["grid"]["demand_factor"] == 2.0


# ---------------------------------------------------------------- what goes wrong

FAULTY = """
from peerflex.agents.truthful import Truthful

class Faulty(Truthful):
    def bid(self, seen, rng):
        if seen.start_s >= 3600:
            raise RuntimeError("no idea")
        return super().bid(seen, rng)

BEHAVIOURS = {"faulty": Faulty}
"""


@pytest.mark.once
def test_a_failed_simulation_is_named_and_the_others_are_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "faulty.py").write_text(FAULTY)
    broken = {"name": "broken", "scenario": "case69-day", "set": QUICK | {"peers.truthful.behaviour.kind": "faulty"}}
    holds = [{"name": "losses", "kpi": "losses_mwh", "of": "auction", "against": 100.0, "comparison": "less"}]
    file = study_file(tmp_path, scenarios=[*TINY["scenarios"], broken], criteria=holds, seeds="1")
    plugin = ("--plugin", str(tmp_path / "faulty.py"))
    assert command(monkeypatch, "study", file, "--jobs", "1", "--out", str(tmp_path / "out"), *plugin) == 4

    page = json.loads((tmp_path / "out" / "study.json").read_text())
    (failed,) = page["failed"]
    assert (failed["scenario"], failed["seed"]) == ("broken", 1)
    assert "step 1" in failed["reason"]
    assert str(tmp_path / "out" / failed["folder"]) in capsys.readouterr().err
    assert open_run(tmp_path / "out" / failed["folder"]).finished_steps == 1
    assert {row["scenario"] for row in page["rows"] if row["median"] is None} == {"no-market", "broken"}
    assert page["criteria"][0]["holds"]


@pytest.mark.parametrize(
    ("changes", "where", "remedy"),
    [
        ({"kpis": [{"name": "loses_mwh", "unit": "MWh"}]}, "kpis.0.name", "losses_mwh"),
        ({"kpis": [{"name": "load_mwh", "unit": "MWh"}]}, "kpis.0.name", "Known here"),
        ({"kpis": [{"name": "dso_cost_eur", "unit": "EUR", "hour": 1}]}, "kpis.0.name", "Known here"),
        ({"kpis": [{"name": "method", "unit": "1", "hour": 1}]}, "kpis.0.name", "Known here"),
        ({"kpis": [{"name": "losses_mwh", "unit": "MWh", "hour": 3}]}, "kpis.0.hour", "the last is 2"),
        ({"seeds": "1-999999999"}, "seeds", "fewer"),
        ({"seeds": "5-1"}, "seeds", "first-last"),
    ],
)
def test_bad_input_is_refused_before_anything_is_simulated(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    changes: Any,
    where: str,
    remedy: str,
) -> None:
    file = study_file(tmp_path, **(changes | {"published": [], "criteria": []}))
    assert command(monkeypatch, "study", file, "--out", str(tmp_path / "out")) == 2
    message = capsys.readouterr().err
    assert f"tiny.yaml: {where}" in message
    assert remedy in message
    assert not (tmp_path / "out").exists()


def test_a_scenario_that_cannot_be_built_stops_the_study_and_leaves_nothing(tmp_path: Path) -> None:
    wrong = {"name": "wrong", "scenario": "case69-day", "set": {"market.p2p.kind": "lottery"}}
    file = study_file(tmp_path, scenarios=[wrong], published=[], criteria=[])
    with pytest.raises(InputError, match=r"scenario 'wrong', seed 1: .*market\.p2p.*lottery"):
        peerflex.study(file, out=tmp_path / "new" / "out")
    assert not (tmp_path / "new" / "out").exists()


def test_a_folder_that_exists_is_not_written_to(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="exists already"):
        peerflex.study(study_file(tmp_path), out=tmp_path)


@pytest.mark.once
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGKILL])
def test_stopped_or_killed_a_study_leaves_no_process_behind(tmp_path: Path, sent: signal.Signals) -> None:
    """Ctrl-C reaches every process of the terminal, a kill only the one; workers hold the pipe until they end."""
    long = [{"name": "long", "scenario": "case69-day", "set": {"time.hours": 20_000}}]
    file = study_file(tmp_path, scenarios=long, published=[], criteria=[])
    study = [sys.executable, "-m", "peerflex", "study", file, "--jobs", "2", "--out", str(tmp_path / "out")]
    process = subprocess.Popen(
        study,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # ignored where tests run in the background
    )
    try:
        deadline = time.monotonic() + 60
        while len(list(tmp_path.glob("out/runs/*/manifest.json"))) < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        if sent == signal.SIGINT:
            os.killpg(process.pid, sent)
        else:
            process.kill()
        process.communicate(timeout=90)  # a crowded machine; 20 000 hours take longer
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    assert process.returncode == (130 if sent == signal.SIGINT else -signal.SIGKILL)
    for seed in (1, 2):
        run = open_run(tmp_path / "out" / "runs" / f"long-{seed}")
        assert run.manifest.status == "running"
        assert run.finished_steps > 0 or sent == signal.SIGKILL


@pytest.mark.tree
def test_the_study_printed_in_the_how_to_is_one(tmp_path: Path) -> None:
    page = (Path(__file__).parents[1] / "docs" / "how-to" / "compare-designs.md").read_text()
    (block,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    (tmp_path / "batteries.yaml").write_text(block)
    loaded = load_study(str(tmp_path / "batteries.yaml"))
    check_kpis(loaded)
    assert len(loaded.variants) * len(loaded.study.seed_range) == 60  # as the page says
