"""A study that keeps figures only, its published table, its branches and its variations."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import peerflex
from peerflex.core.errors import InputError
from peerflex.runs.area.plugins import registry
from peerflex.runs.kpis.kpis import KPIS
from peerflex.runs.log.reader import open_run
from peerflex.runs.log.table_hours import HOURS
from peerflex.runs.study.kpis import figures_of
from peerflex.runs.study.memory import InMemory
from peerflex.runs.study.robustness import survivors
from peerflex.runs.study.run import StudyResult, run_study
from peerflex.scenarios.load import load_scenario
from peerflex.scenarios.study_schema import Kpi
from tests.small_study import EVENING, STUDY, study_file, table
from tests.test_study import FAULTY, command

pytestmark = pytest.mark.once

NUMBERS = [column.name for column in HOURS.columns if column.kind in ("float", "int")]
EVERY = tuple(Kpi(name=kpi.name, unit=kpi.unit) for kpi in KPIS)
HOURLY = ("trades", "p2p_price_eur_per_mwh", "highest_loading")
MORE = [*STUDY["kpis"], *({"name": name, "unit": "?", "hour": 2} for name in HOURLY)]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> StudyResult:
    folder = tmp_path_factory.mktemp("study")
    return run_study(study_file(folder), out=folder / "out", vary=True)


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> StudyResult:
    folder = tmp_path_factory.mktemp("logged")
    return run_study(study_file(folder, keep="runs", kpis=MORE), out=folder / "out")


# ---------------------------------------------------------------- in memory


@pytest.mark.parametrize(
    ("scenario", "changes"),
    [
        ("case69-day", ["time.hours=3", 'time.start="2016-07-04T18:00:00"', "time.step_minutes=15"]),
        ("case69-day", ["time.hours=3", "market.p2p.kind=none", "market.lfm.kind=none", "grid.demand_factor=2.5"]),
        ("lv-week", ["time.hours=170", "reference=none", "physics=linear", "market.lfm.kind=none"]),  # two parts
    ],
)
def test_figures_in_memory_are_the_logged_ones_bit_by_bit(tmp_path: Path, scenario: str, changes: list[str]) -> None:
    loaded = load_scenario(scenario, changes, seed=5)
    log = peerflex.run(scenario, settings=[*changes, "reference=none"], seed=5, out=tmp_path / "run", driver="mesa")
    with InMemory(loaded, registry()) as run:
        assert sum(1 for _ in run.records()) == loaded.scenario.time.steps
        source, seen = run.source(), run.seen()

    closing = dict(zip([kpi.name for kpi in EVERY], figures_of(source, EVERY), strict=True))
    assert {name: repr(value) for name, value in closing.items()} == {
        name: repr(value) for name, value in log.kpis.items()
    }
    for name in NUMBERS:
        np.testing.assert_array_equal(seen.hours(name), log.hours[name].to_numpy(dtype=float), err_msg=name)


def test_a_study_says_the_same_whatever_it_keeps(tmp_path: Path, logged: StudyResult) -> None:
    figures = run_study(study_file(tmp_path, kpis=MORE), out=tmp_path / "out")
    np.testing.assert_array_equal(logged.measured.values, figures.measured.values)
    assert logged.rows == figures.rows
    for name in ("branches", "rows"):
        assert table(logged.folder, name) == table(figures.folder, name)
    assert not (figures.folder / "runs").exists()
    assert {line["folder"] for line in table(figures.folder, "runs")} == {""}
    assert all((logged.folder / line["folder"] / "manifest.json").is_file() for line in table(logged.folder, "runs"))


def test_more_processes_leave_the_same_bytes_of_figures(small: StudyResult, tmp_path: Path) -> None:
    run_study(study_file(tmp_path), out=tmp_path / "out", jobs=2, vary=True)
    files = sorted(path.relative_to(small.folder) for path in small.folder.rglob("*") if path.is_file())
    assert len(files) == 11
    for file in files:
        assert (tmp_path / "out" / file).read_bytes() == (small.folder / file).read_bytes(), file


def test_a_failed_simulation_in_memory_is_named_and_no_figure_of_it_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It failed, so it was not infeasible."""
    (tmp_path / "faulty.py").write_text(FAULTY)
    broken = EVENING | {"peers.truthful.behaviour.kind": "faulty"}
    scenarios = [STUDY["scenarios"][0], {"name": "with-lfm", "scenario": "case69-day", "set": broken}]
    file = study_file(tmp_path, scenarios=scenarios, seeds="1", criteria=[], coverage=[], variations=[])
    out, plugin = str(tmp_path / "out"), ["--plugin", str(tmp_path / "faulty.py")]
    assert command(monkeypatch, "study", file, "--jobs", "1", "--out", out, *plugin) == 4
    assert "with-lfm, seed 1, says step 1, behaviour 'truthful': RuntimeError: no idea" in capsys.readouterr().err
    page = json.loads((tmp_path / "out" / "study.json").read_text())
    (infeasible,) = [row for row in page["rows"] if row["published"] == "infeasible"]
    assert (infeasible["verdict"], infeasible["reason"]) == ("not-matched", "no run ended")
    assert page["failed"][0]["folder"] is None
    assert not (tmp_path / "out" / "tables" / "branches.csv").exists()


# ---------------------------------------------------------------- the page beside print


def test_the_page_has_print_and_ours_in_every_cell_and_explains_what_is_missed(small: StudyResult) -> None:
    page = (small.folder / "table.md").read_text()
    row = next(each for each in small.rows if (each.scenario, each.kpi, each.point) == ("with-lfm", "losses_mwh", ""))
    ours = f"{row.median:.4g} [{row.low:.4g}, {row.high:.4g}]"
    assert f"| with-lfm | 99; {ours}; P100; not-matched | infeasible; " in page
    assert "(calibrated)" in page
    assert (
        "- with-lfm, lfm_full_cost_eur = infeasible: 0 of 3 runs are infeasible. Here | there is always relief." in page
    )
    assert "- with-lfm, losses_mwh = 99: published is above the band" in page
    assert "electric" not in page
    for text in ("The losses.", "Infeasibility.", "Made up."):
        assert f"\n- {text}\n" in page


def test_the_closest_draw_is_shown_as_such(small: StudyResult) -> None:
    """By hand: infeasible is missed by every seed (1), so the losses closest to 99 decide."""
    losses = small.measured.seeds("with-lfm", "", "losses_mwh", None)
    row = int(np.argmax(losses))
    closest = small.closest
    assert closest is not None
    assert closest.seed == row + 1
    assert closest.distance == pytest.approx((1 + (99 - losses[row]) / 99) / 2)
    page = (small.folder / "table.md").read_text()
    assert f"Closest draw (seed {closest.seed} of 3, chosen after seeing the target; not evidence)" in page
    assert f"| with-lfm | {losses[row]:.4g} | " in page
    assert json.loads((small.folder / "study.json").read_text())["closest_draw"]["seed"] == closest.seed


def test_branches_have_their_band_over_the_seeds_and_the_closest_draw(logged: StudyResult) -> None:
    after = []
    for seed in (1, 2, 3):
        rows = open_run(logged.folder / "runs" / f"with-lfm-{seed}").table("branches")
        after.append(rows.groupby("branch", sort=False, observed=True)["pre_lfm_loading"].max().to_numpy())
    lines = table(logged.folder, "branches")
    assert [int(line["line"]) for line in lines] == list(range(1, 69))
    assert {line["scenario"] for line in lines} == {"with-lfm"}
    for name, percent in (("after_low", 5), ("after_median", 50), ("after_high", 95)):
        np.testing.assert_array_equal([float(line[name]) for line in lines], np.percentile(after, percent, axis=0))
    assert logged.closest is not None
    np.testing.assert_array_equal([float(line["after_closest"]) for line in lines], after[logged.closest.row])


def test_there_is_a_picture_of_every_figure_of_print_and_of_the_branches(small: StudyResult) -> None:
    names = ["losses_mwh.png", "lfm_full_cost_eur.png", "occupancy-with-lfm.png", "table.png"]
    assert sorted(path.name for path in (small.folder / "figures").iterdir()) == sorted(names)


# ---------------------------------------------------------------- variations


def test_variations_change_one_thing_and_leave_the_rest_as_it_is(small: StudyResult) -> None:
    measured = small.measured
    assert measured.points == ("", "electric", "no-lfm")

    def losses(case: str, point: str) -> Any:
        return measured.seeds(case, point, "losses_mwh", None)

    assert (losses("trade-only", "electric") > 4 * losses("trade-only", "")).all()
    np.testing.assert_array_equal(losses("trade-only", "no-lfm"), losses("trade-only", ""))
    np.testing.assert_array_equal(losses("with-lfm", "no-lfm"), losses("trade-only", ""))
    assert json.loads((small.folder / "study.json").read_text())["runs"] == 5 * 3


def test_the_table_of_robustness_says_which_verdicts_survive(small: StudyResult) -> None:
    lines = {(line["what"], line["variation"]): line for line in table(small.folder, "robustness")}
    assert [lines["small", point]["holds"] for point in ("unchanged", "electric", "no-lfm")] == [
        "True",
        "False",
        "True",
    ]
    assert ("trade-only: losses_mwh = 0.2", "unchanged") not in lines  # calibrated with
    assert lines["with-lfm: losses_mwh = 99", "electric"]["holds"] == "False"
    page = (small.folder / "robustness.md").read_text()
    assert page.rstrip().endswith(survivors(small))
    assert "1 depend on an assumption (small" in survivors(small) or "depend on an assumption (small," in survivors(
        small
    )
    assert "with-lfm: losses_mwh = 99" in survivors(small).split("hold nowhere")[1]
    assert "| small | holds (1) | does not hold (0) | holds (1) |" in page


def test_variations_do_not_decide_the_exit_code_and_are_simulated_only_when_asked_for(tmp_path: Path) -> None:
    file = study_file(tmp_path, coverage=[], seeds="1", published=[], occupancy=[])
    varied = run_study(file, out=tmp_path / "varied", vary=True)
    plain = run_study(file, out=tmp_path / "plain")
    assert varied.broken == plain.broken == ()
    assert not all(each.holds for each in varied.criteria)
    assert plain.measured.points == ("",)
    assert not (tmp_path / "plain" / "robustness.md").exists()
    assert not (tmp_path / "plain" / "table.md").exists()


def test_a_variation_that_cannot_be_built_is_named(tmp_path: Path) -> None:
    wrong = [{"name": "lottery", "set": {"market.p2p.kind": "lottery"}}]
    with pytest.raises(InputError, match=r"scenario 'trade-only' at lottery, seed 1: .*lottery"):
        run_study(study_file(tmp_path, variations=wrong), out=tmp_path / "out", vary=True)


def test_variations_are_not_asked_for_where_there_are_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there are none to vary by"):
        run_study(study_file(tmp_path, variations=[]), out=tmp_path / "out", vary=True)
    assert not (tmp_path / "out").exists()
