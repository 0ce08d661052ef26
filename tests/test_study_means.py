"""Means over seeds with their intervals, and figures of groups of peers in money."""

from pathlib import Path

import numpy as np
import pytest

from peerflex.core.errors import InputError
from peerflex.runs.study.means import mean_interval
from peerflex.runs.study.run import run_study
from peerflex.runs.study.show import show_study
from peerflex.scenarios.study import load_study
from tests.small_study import EVENING, study_file

COST = {"unit": "EUR", "figure": "cost_eur"}
PROSUMERS, TRUTHFUL = ["prosumers"], ["truthful"]


def test_the_interval_by_hand() -> None:
    """1 to 5: mean 3, standard deviation 1.5811, t of 4 degrees of freedom 2.7764: 3 +- 2.7764 * 1.5811 / sqrt(5)."""
    mean, low, high = mean_interval(np.array([1.0, 2, 3, 4, 5]))
    assert mean == 3
    assert (low, high) == pytest.approx((3 - 1.96324, 3 + 1.96324), abs=1e-5)


@pytest.mark.parametrize("n", [2, 3, 20])
def test_the_interval_is_that_of_students_distribution(n: int) -> None:
    from scipy import stats

    values = np.random.default_rng(n).normal(3.0, 2.0, n)
    expected = stats.t.interval(0.95, n - 1, loc=values.mean(), scale=stats.sem(values))
    assert mean_interval(values)[1:] == pytest.approx(expected, rel=1e-12)


def test_of_one_seed_there_is_no_interval_and_of_none_no_mean() -> None:
    assert mean_interval(np.array([7.0])) == pytest.approx((7, np.nan, np.nan), nan_ok=True)
    assert np.isnan(mean_interval(np.zeros(0))).all()


@pytest.mark.once
def test_groups_pay_what_all_traders_pay_and_means_are_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kpis = [
        {"name": "prosumers_eur", "groups": PROSUMERS, "interval": "mean", **COST},
        {"name": "truthful_eur", "groups": TRUTHFUL, **COST},
        {"name": "both_eur", "groups": [*PROSUMERS, *TRUTHFUL], **COST},
        {"name": "trader_cost_eur", "unit": "EUR"},
    ]
    one = [{"name": "with-lfm", "scenario": "case69-day", "set": EVENING}]
    nothing = {name: [] for name in ("published", "criteria", "coverage", "variations", "occupancy")}
    result = run_study(study_file(tmp_path, kpis=kpis, scenarios=one, **nothing), seeds="1-2", out=tmp_path / "out")
    prosumers, truthful, both, traders = result.measured.values[0].T
    assert both == pytest.approx(prosumers + truthful, rel=1e-12)
    assert both == pytest.approx(traders, rel=1e-9)
    assert (both > 0).all()
    show_study(result)
    told = " ".join(capsys.readouterr().out.split())
    assert "mean, and its 95 % interval over the seeds" in told
    assert f"{prosumers.mean():.4f}" in told.split("95 % interval")[1]


@pytest.mark.parametrize(
    ("changes", "where", "what"),
    [
        ({"groups": PROSUMERS, "hour": 1}, "kpis.0.hour", "of the whole run"),
        ({}, "kpis.0.groups", "is missing"),
        ({"groups": PROSUMERS, "change_from": "nobody"}, "kpis.0.change_from", "not in the study"),
    ],
)
def test_figures_of_groups_that_do_not_fit_are_refused(
    tmp_path: Path, changes: dict[str, object], where: str, what: str
) -> None:
    with pytest.raises(InputError) as refused:
        load_study(
            study_file(tmp_path, kpis=[{"name": "x", **COST, **changes}], published=[], criteria=[], coverage=[])
        )
    assert where in refused.value.problem.where
    assert what in refused.value.problem.what
