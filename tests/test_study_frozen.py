"""What a study asks of its figures, the configuration it was frozen with, and study files that are refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from peerflex.core.errors import InputError
from peerflex.runs.study.frozen import configuration_hash
from peerflex.scenarios.study import load_study
from peerflex.scenarios.study_criterion import Criterion
from tests.small_study import HEX, STUDY, study_file
from tests.test_study import command

pytestmark = pytest.mark.once

# ---------------------------------------------------------------- criteria


@pytest.mark.parametrize(
    ("changes", "measured"),
    [
        ({"comparison": "greater", "times": 2}, 1 / 4),  # 9 > 2 x 4 alone; 1 < 2, 4 = 2 x 2, and no figure
        ({"comparison": "greater", "times": 2, "missing": "skip"}, 1 / 3),
        ({"comparison": "within", "relative": 0.5}, 1 / 4),  # 0 of 1, 2 of 2, 5 of 4
        ({"comparison": "within", "relative": 1.0}, 2 / 4),
        ({"comparison": "within", "relative": 1.0, "tolerance": 1.0}, 3 / 4),
        ({"comparison": "greater", "relative": 0.9}, 2 / 4),
        ({"comparison": "less", "times": 3, "relative": 0.5, "missing": "skip"}, 1 / 3),  # 1-3 < -1.5; 4-6, 9-12 not
        ({"comparison": "greater", "statistic": "lowest", "missing": "skip", "required": -1.0}, 0.0),
        ({"comparison": "greater", "statistic": "lowest", "required": -1.0}, None),
    ],
)
def test_factors_shares_and_missing_seeds_in_criteria(changes: dict[str, Any], measured: float | None) -> None:
    words = {"name": "c", "kpi": "k", "of": "a", "against": "b", "required": 0.01}
    value, _ = Criterion.model_validate(words | changes).judge([1.0, 4.0, 9.0, float("nan")], [1.0, 2.0, 4.0, 1.0])
    assert value == pytest.approx(measured) if measured is not None else np.isnan(value)


def test_nothing_holds_when_every_seed_is_skipped() -> None:
    words = {"name": "c", "kpi": "k", "of": "a", "against": 1.0, "comparison": "less", "missing": "skip"}
    value, holds = Criterion.model_validate(words).judge([float("nan")], [1.0])
    assert np.isnan(value)
    assert not holds


# ---------------------------------------------------------------- frozen


def test_the_hash_is_of_what_decides_and_of_nothing_else(tmp_path: Path) -> None:
    def digest(**changes: Any) -> str:
        return configuration_hash(load_study(study_file(tmp_path, **changes)))

    before = digest()
    frozen = {"sha256": HEX, "test_seeds": "100-200", "test_runs": 3}
    published = [each | {"source": "elsewhere", "explanation": "now known"} for each in STUDY["published"]]
    for same in (
        {"frozen": frozen}, {"seeds": "4-9"}, {"published": published}, {"title": "Another"}, {"notes": []},
        {"scenarios": [each | {"set": each["set"] | {"title": "T", "seed": 9}} for each in STUDY["scenarios"]]},
    ):  # fmt: skip
        assert digest(**same) == before, same
    other = [each | {"set": each["set"] | {"grid.demand_factor": 1.01}} for each in STUDY["scenarios"]]
    for changed in (
        {"scenarios": other}, {"coverage": []}, {"criteria": STUDY["criteria"][:1]}, {"kpis": STUDY["kpis"][::-1]},
        {"published": [STUDY["published"][0] | {"value": 0.21}, *STUDY["published"][1:]]},
        {"published": [STUDY["published"][0] | {"in_sample": False}, *STUDY["published"][1:]]},
        {"variations": STUDY["variations"][:1]},
    ):  # fmt: skip
        assert digest(**changed) != before, changed


def test_the_hash_knows_the_files_that_scenarios_read(tmp_path: Path) -> None:
    (tmp_path / "load.csv").write_text("step,scale\n0,0.5\n")
    document = {"extends": "case69-day", "name": "own", "time": {"hours": 1}}
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(document | {"profiles": {"source": "csv", "load": "load.csv",
                                                                              "pv": None}}))  # fmt: skip
    changes = {
        "scenarios": [{"name": "trade-only", "scenario": "own.yaml"}, {"name": "with-lfm", "scenario": "own.yaml"}]
    }
    before = configuration_hash(load_study(study_file(tmp_path, **changes)))
    (tmp_path / "load.csv").write_text("step,scale\n0,0.6\n")
    assert configuration_hash(load_study(study_file(tmp_path, **changes))) != before


@pytest.mark.parametrize(
    ("committed", "test_seeds", "used", "code", "words"),
    [
        ("right", "1-3", "all", 0, "as frozen; on the test seeds 1-3; 2 test runs"),
        ("right", "3-9", "some", 0, "as frozen; on some of the test seeds 3-9"),
        ("right", "7-9", "none", 0, "as frozen; not on the test seeds 7-9"),
        ("wrong", "3-9", "some", 1, "THIS IS NO TEST"),
        ("wrong", "7-9", "none", 0, "NOT AS FROZEN"),
    ],
)
def test_test_seeds_are_a_test_only_with_the_configuration_frozen(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    committed: str,
    test_seeds: str,
    used: str,
    code: int,
    words: str,
) -> None:
    quick = {"variations": [], "coverage": [], "occupancy": [], "criteria": STUDY["criteria"][:1], "published": []}
    assert command(monkeypatch, "study", study_file(tmp_path, **quick), "--hash") == 0
    digest = capsys.readouterr().out.strip()
    frozen = {"sha256": digest if committed == "right" else HEX, "test_seeds": test_seeds, "test_runs": 2}
    file, out = study_file(tmp_path, frozen=frozen, **quick), str(tmp_path / "out")
    assert command(monkeypatch, "study", file, "--jobs", "1", "--out", out) == code
    told = capsys.readouterr()
    assert words in told.out
    assert ("frozen" in told.err) == (code == 1)
    assert json.loads((tmp_path / "out" / "study.json").read_text())["configuration"] == {
        "sha256": digest,
        "committed": frozen["sha256"],
        "as_committed": committed == "right",
        "test_seeds": test_seeds,
        "test_seeds_used": used,
        "test_runs": 2,
    }


# ---------------------------------------------------------------- what is refused


SOME = {"name": "c", "scenarios": ["with-lfm"], "required": 1}
KEY = {"sha256": HEX, "test_seeds": "1-2", "test_runs": 0}


@pytest.mark.parametrize(
    ("changes", "where", "what"),
    [
        ({"coverage": [SOME | {"scenarios": ["gone"]}]}, "coverage.0.scenarios", "not in the study"),
        ({"coverage": [SOME | {"required": 3}]}, "coverage.0.required", "more than the 2"),
        ({"coverage": [SOME | {"name": "small"}]}, "criteria", "'small' is there twice"),
        ({"occupancy": ["gone"]}, "occupancy", "'gone' is not in the study"),
        ({"occupancy": ["with-lfm"] * 2}, "occupancy", "there twice"),
        ({"variations": [{"name": "v", "set": {"grid.demand": 3}}]}, "'trade-only' at v", "no such key"),
        ({"variations": [{"name": "v", "set": {}}]}, "variations.0.set", "too few entries"),
        ({"variations": [{"name": "v", "set": {"seed": 1}, "scenarios": ["x"]}]}, "0.scenarios", "'x' is not"),
        ({"sweep": {"grid.demand_factor": [1, 2]}}, "variations", "beside a sweep"),
        ({"frozen": KEY | {"sha256": "abc"}}, "frozen.sha256", "does not fit"),
        ({"frozen": KEY | {"test_seeds": "2-1"}}, "frozen.test_seeds", "ends before"),
        ({"frozen": {"sha256": HEX, "test_seeds": "1-2"}}, "frozen.test_runs", "is missing"),
        ({"keep": "nothing"}, "keep", "none of the choices"),
        ({"published": [STUDY["published"][0] | {"value": "infeasible"}]}, "published.0.value", "cannot be told from"),
        ({"published": [STUDY["published"][2] | {"value": "none"}]}, "published.0.value", "'none'"),
        ({"criteria": [STUDY["criteria"][0] | {"statistic": "mean", "relative": 1}]}, "criteria.0.relative", "not for"),
        ({"criteria": [STUDY["criteria"][0] | {"times": -1}]}, "criteria.0.times", "outside"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(tmp_path: Path, changes: dict[str, Any], where: str, what: str) -> None:
    alone = {"coverage": []} if "published" in changes else {}
    with pytest.raises(InputError) as refused:
        load_study(study_file(tmp_path, **alone, **changes))
    assert where in refused.value.problem.where
    assert what in refused.value.problem.what
