"""Published tables by hour, variations made of a list, what of them is refused, and what hashes do not see."""

from math import nan
from pathlib import Path
from typing import Any

import pytest

from peerflex.core.errors import InputError
from peerflex.runs.study.criteria import ranges
from peerflex.runs.study.frozen import configuration_hash
from peerflex.runs.study.kpis import check_kpis
from peerflex.runs.study.robustness import claims, in_one_line
from peerflex.runs.study.run import StudyResult, run_study
from peerflex.scenarios.study import load_study
from peerflex.scenarios.study_criterion import Criterion
from peerflex.scenarios.study_hours import HourSet
from tests.small_study import ENERGY, PRINT, print_file


@pytest.fixture(scope="module")
def evening(tmp_path_factory: pytest.TempPathFactory) -> StudyResult:
    folder = tmp_path_factory.mktemp("print")
    return run_study(print_file(folder), out=folder / "out")


# ---------------------------------------------------------------- hours


def test_hours_in_print_count_from_one_and_ours_from_zero(evening: StudyResult) -> None:
    """Nodes 36 and 37 in hours 1 and 3 of print stand beside our hours 0 and 2; another node has no direction."""
    printed = {row.hour: row.published for row in evening.rows if row.kpi == "worst_node" and row.published}
    assert printed == {0: 36.0, 2: 37.0}
    assert [row.verdict for row in evening.rows if row.published in (36.0, 37.0)] == ["matched", "not-matched"]


HOURS = {"name": "h", "scenario": "s", "kpi": "k", "source": "T", "in_sample": False, "required": 1}


@pytest.mark.parametrize(
    ("changes", "figures", "wrong"),
    [
        ({"hours": [2, 3]}, [0.0, 1.0, 2.0, 0.0], ()),
        ({"hours": [1, 2]}, [0.0, 1.0, 2.0, 0.0], (1, 3)),
        ({"hours": [3], "threshold": 1.0}, [0.0, 1.0, 2.0, 0.0], ()),
        ({"hours": [2, 3]}, [0.0, nan, 2.0, 0.0], (2,)),
        ({"hours": [2, 3], "threshold": 5.5}, [5.0, 7.0, 6.0, 6.0], (4,)),  # both as in docs/reference/study.md
        ({"hours": [2, 3], "when": "highest"}, [5.0, 7.0, 6.0, 5.0], ()),
        ({"hours": [2, 3], "when": "highest"}, [5.0, 7.0, 6.0, 6.0], (4,)),  # a tie with an hour that is not named
        ({"hours": [2, 3], "when": "highest"}, [8.0, 7.0, 6.0, 5.0], (1, 3)),
        ({"hours": [2], "when": "highest"}, [nan] * 4, (1, 2, 3, 4)),
    ],
)
def test_hours_are_told_right_or_wrong_one_by_one(changes: Any, figures: list[float], wrong: tuple[int, ...]) -> None:
    told = HourSet.model_validate(HOURS | {"counted_from": 1} | changes)
    assert told.wrong_hours(figures, range(4)) == wrong


def test_a_set_of_hours_is_a_criterion_that_names_what_is_wrong(evening: StudyResult) -> None:
    (judged,) = (each for each in evening.criteria if each.name == "congested")
    assert (judged.measured, judged.holds) == (3.0, True)
    assert "above 0 in hours 2 to 3" in judged.statement
    assert ranges((1, 2, 3, 5, 7, 8)) == "1 to 3, 5, 7 to 8"


def test_where_nothing_was_needed_a_criterion_asks_for_nothing() -> None:
    rule = {"name": "c", "kpi": "k", "of": "a", "against": "b", "comparison": "less", "required": 0.01}
    judge = Criterion.model_validate(rule | {"where_above": 30.0}).judge
    assert judge([30.0, 40.0, 50.0], [30.0, 45.0, 50.0])[0] == pytest.approx(2 / 3)
    assert Criterion.model_validate(rule).judge([30.0, 40.0, 50.0], [30.0, 45.0, 50.0])[0] == pytest.approx(1 / 3)


# ---------------------------------------------------------------- variations


def test_variations_that_differ_in_a_name_are_made_when_the_study_is_read(tmp_path: Path) -> None:
    loaded = load_study(print_file(tmp_path))
    names = [each.name for each in loaded.study.every_variation]
    assert names == ["load-tan-phi-90", "load-tan-phi-110", "base-load-mw-90", "base-load-mw-110"]
    assert len(loaded.varied) == 4 * 3
    spec = loaded.varied[0].loaded.scenario.units
    assert spec is not None
    assert spec.factors == {"load_tan_phi": 0.9}


@pytest.mark.once
def test_claims_say_how_many_variations_they_survive_and_which_break_them(tmp_path: Path) -> None:
    """In hour 3 the transformer is 9 % above its limit: with a tenth less load it is not, with more it stays."""
    result = run_study(print_file(tmp_path), out=tmp_path / "out", vary=True)
    found = {claim[0]: claim for claim in claims(result)}
    assert found["congested"] == ("congested", "criterion", "holds (3)", "3 of 4", "base-load-mw-90")
    page = (result.folder / "robustness.md").read_text()
    assert "| congested | criterion | holds (3) | 3 of 4 | base-load-mw-90 |" in page
    assert found["match-strong-worst-node-hour-2"][1] == "criterion"
    assert found["strong: losses_percent = 1"][1] == "evidence"
    by_kind = [claim[1] for claim in found.values() if claim[2].startswith(("holds", "matched"))]
    assert f"criterion: {by_kind.count('criterion')} of 3 hold" in in_one_line(result)
    assert page.index(in_one_line(result)) < page.index("| verdict |")
    assert "\n- congested\n" in page.split("depend on an assumption")[1]


# ---------------------------------------------------------------- what is refused, and what is frozen


@pytest.mark.parametrize(
    ("changes", "where", "what"),
    [
        ({"kpis": [{"name": "a", "unit": "1", "figure": "energy_mwh"}]}, "kpis.0.groups", "is missing"),
        ({"kpis": [{"name": "losses_mwh", "unit": "1", "groups": ["pv"]}]}, "kpis.0.groups", "do not have"),
        ({"kpis": [{"name": "losses_mwh", "unit": "1", "hour": 0, "hours": "0-1"}]}, "kpis.0.hours", "beside hour"),
        ({"kpis": [{"name": "losses_mwh", "unit": "1", "hours": "0,2-1"}]}, "kpis.0.hours", "ends before"),
        ({"kpis": [{"name": "losses_mwh", "unit": "1", "per": "load_mwh"}]}, "kpis.0.per", "not further up"),
        ({"kpis": [{"name": "losses_mwh", "unit": "1", "change_from": "x"}]}, "kpis.0.change_from", "'x' is not"),
        ({"scenarios": [{"name": "s", "scenario": "lv-week", "beside": "x"}]}, "scenarios.0.beside", "'x' is not"),
        ({"vary_each": [{"key": "grid", "each": ["a"], "by": [1]}]}, "vary_each.0.key", "does not fit"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(tmp_path: Path, changes: dict[str, Any], where: str, what: str) -> None:
    alone = {"published": [], "published_by_hour": [], "hour_sets": [], "hourly": [], "vary_each": []}
    with pytest.raises(InputError) as refused:
        load_study(print_file(tmp_path, **(alone | changes)))
    assert where in refused.value.problem.where
    assert what in refused.value.problem.what


BY_HOUR, SET, PICTURE = PRINT["published_by_hour"][0], PRINT["hour_sets"][0], PRINT["hourly"][0]


@pytest.mark.parametrize(
    ("changes", "where", "what"),
    [
        ({"published_by_hour": [BY_HOUR | {"values": [1]}]}, "published_by_hour.0.values", "are 1, and there are 2"),
        ({"published_by_hour": [BY_HOUR | {"hours": [0, 1]}]}, "published_by_hour.0.hours", "before the first"),
        ({"published_by_hour": [BY_HOUR | {"hours": [1, 1]}]}, "published_by_hour.0.hours", "there twice"),
        ({"published_by_hour": [BY_HOUR | {"hours": [1, 9]}]}, "published_by_hour.0.kpi", "of hour 8"),
        ({"hour_sets": [SET | {"required": 4}]}, "hour_sets.0.required", "more than the 3"),
        ({"hour_sets": [SET | {"kpi": "losses_percent"}]}, "hour_sets.0.kpi", "by hour"),
        ({"hour_sets": [SET | {"when": "highest", "threshold": 1}]}, "hour_sets.0.threshold", "highest"),
        ({"hourly": [PICTURE | {"branch": "T1"}]}, "hourly.0.branch", "do not fit"),
        ({"hourly": [PICTURE, PICTURE]}, "hourly", "there twice"),
    ],
)
def test_hours_of_print_that_do_not_fit_are_refused(
    tmp_path: Path, changes: dict[str, Any], where: str, what: str
) -> None:
    with pytest.raises(InputError) as refused:
        load_study(print_file(tmp_path, **changes))
    assert where in refused.value.problem.where
    assert what in refused.value.problem.what


@pytest.mark.parametrize(
    ("changes", "where", "remedy"),
    [
        ({"kpis": [*PRINT["kpis"], {"name": "x", "groups": ["load"], **ENERGY}]}, "kpis.9.groups", "loads"),
        ({"kpis": [*PRINT["kpis"], {"name": "losses_mwh", "unit": "1", "hours": "0-3"}]}, "kpis.9.hour", "last is 2"),
        ({"kpis": [*PRINT["kpis"], {"name": "method", "unit": "1", "hours": "0"}]}, "kpis.9.name", "Known here"),
        ({"hourly": [PICTURE | {"columns": ["lowest_voltage"]}]}, "hourly.0.columns", "lowest_voltage_pu"),
    ],
)
def test_figures_that_no_run_has_are_refused_before_anything_is_simulated(
    tmp_path: Path, changes: dict[str, Any], where: str, remedy: str
) -> None:
    with pytest.raises(InputError) as refused:
        check_kpis(load_study(print_file(tmp_path, **changes)))
    assert where in refused.value.problem.where
    assert remedy in refused.value.problem.remedy


def test_a_branch_that_is_not_there_is_named(tmp_path: Path) -> None:
    picture = PRINT["hourly"][1] | {"branch": "T9"}
    with pytest.raises(InputError, match="there is no branch 'T9'"):
        run_study(print_file(tmp_path, hourly=[picture], vary_each=[]), out=tmp_path / "out")


def test_new_keys_that_are_not_used_change_no_older_hash(tmp_path: Path) -> None:
    assert configuration_hash(load_study("eu-d53")) == (
        "c7cfb6086d95cec65ddc0ef19db19d24b99708d50ee7504de32e5c265e81db1f"
    )
    before = configuration_hash(load_study(print_file(tmp_path)))
    for changed in (
        {"hour_sets": []}, {"published_by_hour": []}, {"kpis": [*PRINT["kpis"], {"name": "losses_mwh", "unit": "MWh"}]},
        {"published": [PRINT["published"][0] | {"tolerance": 2}, PRINT["published"][1]]},
    ):  # fmt: skip
        assert configuration_hash(load_study(print_file(tmp_path, **changed))) != before, changed
    assert configuration_hash(load_study(print_file(tmp_path, hourly=[]))) == before
