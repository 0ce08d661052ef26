"""Studies: every scenario at every point of the sweep, and criteria that judge what they say."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peerflex.core.errors import InputError
from peerflex.scenarios.load import load_scenario
from peerflex.scenarios.study import load_study
from peerflex.scenarios.study_schema import Criterion

STUDY = """name: two
scenarios:
  - {name: plain, scenario: lv-week}
  - {name: local, scenario: mine.yaml, set: {physics: linear, market.p2p.kind: none}}
seeds: 3-5
sweep: {grid.demand_factor: [1, 2.5], dso.voltage_pu: [[0.9, 1.1], [0.95, 1.05], [0.97, 1.03]]}
kpis: [{name: losses_mwh, unit: MWh}, {name: highest_loading, unit: "1", hour: 3}]
published: [{scenario: plain, kpi: losses_mwh, value: 3, source: a table, in_sample: false}]
criteria: [{name: fewer, kpi: losses_mwh, of: local, against: plain, comparison: less}]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mine.yaml").write_text("extends: case69-day\nname: mine\n")
    (tmp_path / "two.yaml").write_text(STUDY)
    return tmp_path


def test_every_scenario_is_there_at_every_point_of_the_sweep(folder: Path) -> None:
    loaded = load_study(str(folder / "two.yaml"))

    found = loaded.variants

    assert loaded.study.seed_range == range(3, 6)
    assert len(found) == len({(variant.case, variant.point) for variant in found}) == 2 * 2 * 3
    last = found[-1].load(9).scenario
    assert (last.name, last.physics, last.market.p2p.kind) == ("mine", "linear", "none")
    assert (last.grid.demand_factor, last.dso.voltage_pu) == (2.5, (0.97, 1.03))
    assert last.seed == 9
    assert found[0].loaded.scenario == load_scenario("lv-week", found[0].settings).scenario


def test_other_seeds_may_be_asked_for() -> None:
    assert load_study("lv-designs", seeds="7").study.seed_range == range(7, 8)


@pytest.mark.parametrize(
    ("old", "new", "where", "what"),
    [
        ("seeds: 3-5", "seeds: 5-3", "seeds", "ends before it begins"),
        ("seeds: 3-5", "seeds: few", "seeds", "'few' does not fit"),
        ("of: local", "of: locally", "criteria.0.of", "'locally' is not in the study"),
        ("against: plain", "against: plane", "criteria.0.against", "'plane' is not in the study"),
        ("against: plain", "against: [plain]", "criteria.0.against", "does not fit"),
        ("kpi: losses_mwh, of", "kpi: losses, of", "criteria.0.kpi", "not among the kpis"),
        ("scenario: plain", "scenario: plan", "published.0.scenario", "not in the study"),
        ("name: local", "name: plain", "scenarios", "'plain' is there twice"),
        ("scenario: lv-week", "scenario: lv-weak", "scenario 'plain'", "no bundled scenario"),
        ("scenario: mine.yaml", "scenario: ../mine.yaml", "scenarios.1.scenario", "leads out of"),
        ("physics: linear", "fysics: linear", "scenario 'local' at grid.demand_factor=1", "no such key"),
        ("[1, 2.5]", "[1, 99]", "scenario 'plain' at grid.demand_factor=99", "99 is outside"),
        ("[1, 2.5]", "[]", "sweep.grid.demand_factor", "too few"),
        ("[1, 2.5]", str([1.0] * 400), "sweep", "2400 scenarios, more than 1000"),
        ("comparison: less", "comparison: less, required: 2", "criteria.0.required", "not a share of seeds"),
        ("comparison: less", "comparison: less, statistic: mean, tolerance: 1", "0.tolerance", "share-of-seeds"),
    ],
)
def test_a_study_that_does_not_fit_is_refused(folder: Path, old: str, new: str, where: str, what: str) -> None:
    assert old in STUDY
    (folder / "two.yaml").write_text(STUDY.replace(old, new))

    with pytest.raises(InputError) as refused:
        load_study(str(folder / "two.yaml"))

    assert "two.yaml" in refused.value.problem.where
    assert where in refused.value.problem.where
    assert what in refused.value.problem.what


def criterion(
    comparison: str,
    statistic: str = "share-of-seeds",
    required: float = 1.0,
    tolerance: float = 0.0,
    times: float = 1.0,
    relative: float = 0.0,
) -> Criterion:
    return Criterion.model_validate(
        {
            "name": "c",
            "kpi": "k",
            "of": "a",
            "against": "b",
            "comparison": comparison,
            "statistic": statistic,
            "required": required,
            "tolerance": tolerance,
            "times": times,
            "relative": relative,
        }
    )


@pytest.mark.parametrize(
    ("judged", "measured", "holds"),
    [
        (criterion("less", required=0.75), 0.75, True),  # 1-2, 2-3, 3-4 are below; 5-4 is not
        (criterion("less", required=0.8), 0.75, False),
        (criterion("less", tolerance=1.0, required=0.1), 0.0, False),
        (criterion("greater", required=0.25), 0.25, True),
        (criterion("within", tolerance=1.0), 1.0, True),
        (criterion("within", relative=0.25, required=0.5), 0.5, True),  # margins 0.5, 0.75, 1, 1
        (criterion("greater", times=0.5, required=0.8), 0.75, False),  # differences 0, 0.5, 1, 3
        (criterion("less", "median", required=-0.5), -1.0, True),
        (criterion("less", "median", required=-1.0), -1.0, False),
        (criterion("less", "highest", required=2.0), 1.0, True),
        (criterion("greater", "lowest", required=-2.0), -1.0, True),
        (criterion("greater", "mean", required=0.0), -0.5, False),
        (criterion("within", "mean", required=0.5), -0.5, True),
    ],
)
def test_criteria_judge_seed_by_seed(judged: Criterion, measured: float, holds: bool) -> None:
    assert judged.judge([1, 2, 3, 5], [2, 3, 4, 4]) == (measured, holds)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.floats(-9, 9), st.floats(-9, 9)), min_size=1, max_size=9))
def test_less_and_greater_mirror_each_other(pairs: list[tuple[float, float]]) -> None:
    of, against = zip(*pairs, strict=True)

    assert criterion("less").judge(of, against) == criterion("greater").judge(against, of)


@pytest.mark.parametrize("statistic", ["share-of-seeds", "median", "highest"])
def test_what_is_not_a_number_never_holds(statistic: str) -> None:
    assert not criterion("within", statistic, required=1.0).judge([1.0, float("nan")], [1.0, 1.0])[1]
