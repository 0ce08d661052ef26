"""What a study says of figures: spread, verdicts and criteria, by hand."""

import json
from collections.abc import Mapping
from dataclasses import replace
from math import nan
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peerflex.runs.study.closest import closest_draw
from peerflex.runs.study.criteria import Judged, criteria
from peerflex.runs.study.kpis import of_hour
from peerflex.runs.study.verdicts import Baseline, Measured, compare, percentile, rows, spread
from peerflex.scenarios.load import load_scenario
from peerflex.scenarios.study import Variant
from peerflex.scenarios.study_schema import Study

SEEDS = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30).map(np.array)


def measured(values: Mapping[str, list[float]], **changes: Any) -> Measured:
    """Return a study of one KPI, as if its scenarios had come out like this over the seeds."""
    n = len(next(iter(values.values())))
    page = {
        "name": "by-hand",
        "scenarios": [{"name": name, "scenario": "case69-day"} for name in values],
        "seeds": f"1-{n}",
        "kpis": [{"name": "peer_cost_eur", "unit": "EUR"}],
    }
    study = Study.model_validate_json(json.dumps(page | changes))
    loaded = load_scenario("case69-day")
    variants = tuple(Variant(name, "", "case69-day", (), loaded) for name in values)
    figures = np.array([values[name] for name in values])
    return Measured(study, variants, figures[:, :, None], np.ones(figures.shape, dtype=np.bool_))


def judged(values: Mapping[str, list[float]], **changes: Any) -> tuple[Judged, ...]:
    each = measured(values, **changes)
    return criteria(each, rows(each))


def printed(scenario: str, value: float) -> dict[str, Any]:
    return {"scenario": scenario, "kpi": "peer_cost_eur", "value": value, "source": "Table 9", "in_sample": False}


def test_the_band_of_0_to_100_is_5_to_95() -> None:
    assert spread(np.arange(101.0)) == pytest.approx((5.0, 50.0, 95.0))


def test_a_value_stands_above_those_below_it_and_half_of_its_equals() -> None:
    found = np.array([1.0, 2.0, 2.0, 3.0])
    assert [percentile(value, found) for value in (0.0, 1.0, 2.0, 2.5, 4.0)] == [0.0, 12.5, 50.0, 75.0, 100.0]


@settings(deadline=None, max_examples=100)
@given(SEEDS, st.floats(-1e6, 1e6), st.integers(0, 5))
def test_a_verdict_follows_from_ranks_and_signs_whatever_the_gaps(seeds: Any, value: float, gaps: int) -> None:
    """The band once more from sorted figures, as its definition says."""
    ordered = sorted(seeds.tolist())

    def at(percent: float) -> float:
        place = percent / 100 * (len(ordered) - 1)
        below = int(place)
        above = min(below + 1, len(ordered) - 1)
        return ordered[below] + (place - below) * (ordered[above] - ordered[below])

    low, median, high = at(5), at(50), at(95)
    close = 1e-9 * max(map(abs, ordered))
    verdict, _ = compare(value, np.append(seeds, [np.nan] * gaps), None)
    if low + close < value < high - close:
        assert verdict == "matched"
    elif value < low - close or value > high + close:
        assert verdict == ("sign-only" if median < 0 and value < 0 else "not-matched")


@pytest.mark.parametrize(
    ("value", "seeds", "first", "verdict"),
    [
        (10.0, [5.0, 6.0], [7.0, 8.0], "not-matched"),  # print says more than the first scenario, seeds say less
        (4.0, [5.0, 6.0], [7.0, 8.0], "sign-only"),  # both say less
        (4.0, [5.0, np.nan], [np.nan, 8.0], "not-matched"),  # no seed has both
        (5.5, [5.0, 6.0], [1.0, 1.0], "matched"),  # in the band, direction is not asked
    ],
)
def test_direction_is_against_the_first_scenario_where_it_is_published(
    value: float, seeds: list[float], first: list[float], verdict: str
) -> None:
    assert compare(value, np.array(seeds), Baseline("first", 7.0, np.array(first)))[0] == verdict


def test_rows_compare_every_published_value_with_its_own_scenario() -> None:
    values = {"first": [7.0, 8.0, 9.0], "other": [5.0, 6.0, np.nan], "silent": [np.nan] * 3}
    found = rows(measured(values, published=[printed("first", 8.0), printed("other", 4.0), printed("silent", 1.0)]))

    assert [row.verdict for row in found] == ["matched", "sign-only", "not-matched"]
    assert "direction against first" in found[1].reason
    assert "1 of 3 seeds" in found[1].reason
    assert found[1].median == 5.5
    assert found[1].percentile == 0.0
    assert found[2].median is found[2].low is found[2].high is found[2].percentile is None


def test_a_figure_nobody_published_has_a_spread_and_no_verdict() -> None:
    (row,) = rows(measured({"first": [1.0, 3.0]}))
    assert (row.verdict, row.published, row.percentile, row.median) == ("not-published", None, None, 2.0)


def test_criteria_compare_seed_by_seed_and_a_missing_figure_satisfies_none() -> None:
    rule = {"kpi": "peer_cost_eur", "of": "a", "against": "b", "comparison": "less"}
    values = {"a": [1.0, 5.0, 1.0, np.nan], "b": [2.0, 4.0, 3.0, 9.0]}  # differences -1, 1, -2, none
    found = judged(
        values,
        criteria=[
            {"name": "half", "required": 0.5, **rule},
            {"name": "most", "required": 0.6, **rule},
            {"name": "mean", "statistic": "mean", "required": 0.0, **rule},
        ],
    )
    assert [(each.measured, each.holds) for each in found] == [(0.5, True), (0.5, False), (None, False)]


def test_an_hour_of_quarters_adds_energy_averages_power_and_keeps_extremes() -> None:
    quarters = {
        "losses_mwh": [1.0, 2.0, 3.0, 4.0],
        "missing_mw": [1.0, 2.0, 3.0, 4.0],
        "trades": [1.0, 0.0, 2.0, 0.0],
        "clearing_price_eur_per_mwh": [80.0, 90.0, 100.0, np.nan],
        "lowest_voltage_pu": [0.99, 0.97, 0.98, 1.0],
        "highest_loading": [0.1, 0.9, 0.2, 0.3],
        "p2p_mwh": [1.0, 0.0, 3.0, 0.0],
        "p2p_price_eur_per_mwh": [100.0, np.nan, 200.0, np.nan],
    }
    expected = {
        "losses_mwh": 10.0,
        "missing_mw": 2.5,
        "trades": 3.0,
        "clearing_price_eur_per_mwh": 90.0,
        "lowest_voltage_pu": 0.97,
        "highest_loading": 0.9,
        "p2p_price_eur_per_mwh": 175.0,
    }
    assert {name: of_hour(lambda column: np.array(quarters[column]), name) for name in expected} == expected
    assert np.isnan(of_hour(lambda column: np.array(quarters[column])[[1, 3]], "p2p_price_eur_per_mwh"))


# ---------------------------------------------------------------- what print calls infeasible, and coverage


def of_cost(values: Mapping[str, list[float]], ended: list[bool], **changes: Any) -> Measured:
    """Return the same with the cost of flexibility, which is missing where the market was infeasible."""
    each = measured(values, kpis=[{"name": "lfm_full_cost_eur", "unit": "EUR"}], **changes)
    return replace(each, did_end=np.array([ended] * len(values)))


def test_infeasible_is_matched_by_half_of_the_runs_that_ended() -> None:
    """Three of five seeds have no cost; if the run of one of them failed, two of four were infeasible."""
    said = {"scenario": "s", "kpi": "lfm_full_cost_eur", "value": "infeasible", "source": "T", "in_sample": False}
    seeds = {"s": [nan, 100.0, nan, nan, 110.0]}
    cases = {(True,) * 5: 60.0, (False, True, True, True, True): 50.0, (False, True, False, True, True): 100 / 3}
    for ended, share in cases.items():
        (row,) = rows(of_cost(seeds, list(ended), published=[said | {"explanation": "why"}]))
        assert row.percentile == pytest.approx(share)
        assert row.verdict == ("matched" if share >= 50 else "not-matched")
        assert row.explanation == (None if share >= 50 else "why")
        assert row.published == "infeasible"


def test_infeasible_has_no_direction_to_compare_others_with() -> None:
    said = [
        {"scenario": "s", "kpi": "lfm_full_cost_eur", "value": "infeasible", "source": "T", "in_sample": False},
        {"scenario": "t", "kpi": "lfm_full_cost_eur", "value": 5.0, "source": "T", "in_sample": False},
    ]
    found = rows(of_cost({"s": [nan, nan], "t": [1.0, 2.0]}, [True, True], published=said))
    assert [row.verdict for row in found] == ["matched", "not-matched"]
    assert "says nothing" in found[1].reason


def test_rounding_of_binary_numbers_is_not_outside_the_band() -> None:
    """A bug: 0.04 was above the band of an overflow that is 0.04 by construction."""
    built = np.full(9, 0.039999999999992444)
    assert compare(0.04, built, None)[0] == "matched"
    assert percentile(0.04, built) == 50.0
    assert compare(0.0400001, built, None)[0] == "not-matched"


def test_coverage_counts_matched_values_that_nothing_was_calibrated_with() -> None:
    values = {"a": [1.0, 3.0], "b": [1.0, 3.0], "c": [1.0, 3.0]}
    said = [printed("a", 2.0), printed("b", 9.0), printed("c", 2.0) | {"in_sample": True}, printed("c", 2.5)]
    cover = {"name": "cover", "scenarios": ["a", "b", "c"]}
    (enough,) = judged(values, published=said, coverage=[cover | {"required": 2}])
    (short,) = judged(values, published=said, coverage=[cover | {"required": 3}])
    assert (enough.measured, enough.holds, short.measured, short.holds) == (2.0, True, 2.0, False)
    assert "of 3 not calibrated" in enough.statement


# ---------------------------------------------------------------- the closest draw


def test_the_closest_draw_has_the_smallest_mean_relative_difference() -> None:
    """By hand: seed 1 is 1/2 of 2 and 3/4 of 4 away, seed 2 nothing and (no figure) 1, seed 3 2/4 of 4 and nothing."""
    said = [printed("a", 2.0), printed("b", 4.0), printed("a", 77.0) | {"in_sample": True}]
    each = measured({"a": [1.0, 2.0, 4.0], "b": [1.0, nan, 4.0]}, published=said)
    closest = closest_draw(each)
    assert closest is not None
    assert (closest.seed, closest.row, closest.of, closest.values) == (3, 2, 3, 2)
    assert closest.distance == 0.25
    assert "not evidence" in closest.in_words
    assert closest_draw(measured({"a": [1.0]}, published=[said[2]])) is None


@pytest.mark.once
@settings(deadline=None, max_examples=100)
@given(SEEDS, st.floats(-1e6, 1e6))
def test_the_distance_to_print_is_a_share_and_knows_no_unit(seeds: Any, value: float) -> None:
    def distance(factor: float) -> float:
        found = closest_draw(measured({"a": list(factor * seeds)}, published=[printed("a", factor * value)]))
        assert found is not None
        return found.distance

    assert 0 <= distance(1.0) <= 1
    assert distance(1.0) == distance(4.0)
    assert (distance(1.0) == 0) == bool((seeds == value).any())


def test_against_infeasible_a_seed_is_close_that_has_no_cost_and_ended() -> None:
    said = {"scenario": "s", "kpi": "lfm_full_cost_eur", "value": "infeasible", "source": "T", "in_sample": False}
    closest = closest_draw(of_cost({"s": [nan, 100.0, nan]}, [False, True, True], published=[said]))
    assert closest is not None
    assert (closest.seed, closest.distance) == (3, 0.0)
