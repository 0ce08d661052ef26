"""How a study of one seed says what it found: decimals, hours, what doing nothing matches, and the terminal."""

import json
from math import nan
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from peerflex.core.errors import InputError
from peerflex.runs.study.before import Tally, cells_in_words, tallies
from peerflex.runs.study.by_scenario import difference, label, rounded
from peerflex.runs.study.criteria import criteria
from peerflex.runs.study.hourly import hourly_figure
from peerflex.runs.study.page import miss_in_words
from peerflex.runs.study.run import StudyResult, run_study
from peerflex.runs.study.show import show_study
from peerflex.runs.study.verdicts import Row, rows
from peerflex.scenarios.study import load_study
from tests.small_study import PRINT, print_file
from tests.test_study_verdicts import judged, measured


@pytest.fixture(scope="module")
def evening(tmp_path_factory: pytest.TempPathFactory) -> StudyResult:
    folder = tmp_path_factory.mktemp("print")
    return run_study(print_file(folder), out=folder / "out")


def row_of(value: float, ours: float, decimals: int | None = None) -> Row:
    """Return the row of one published value beside one figure of ours."""
    said = {"scenario": "a", "kpi": "peer_cost_eur", "value": value, "source": "T", "in_sample": False}
    (row,) = rows(measured({"a": [ours]}, published=[said | {"decimals": decimals}]))
    return row


@pytest.mark.parametrize(
    ("value", "decimals", "ours", "cells"),
    [
        (353.45, None, 353.9449, ("353.45", "353.94", "0.49")),  # a bug: four digits said 353.4
        (1.01, 3, 1.0114, ("1.010", "1.011", "0.001")),
        (1.01, None, 1.0114, ("1.01", "1.01", "0.00")),
        (20.0, None, 20.4, ("20", "20", "0")),
        (0.0, 2, -0.001, ("0.00", "0.00", "0.00")),  # no minus zero
        (9.0, None, nan, ("9", "-", "-")),
    ],
)
def test_print_is_shown_as_printed_and_ours_as_exactly(
    value: float, decimals: int | None, ours: float, cells: tuple[str, ...]
) -> None:
    row = row_of(value, ours, decimals)
    assert (row.as_printed, rounded(row.median, row), difference(row)) == cells


@given(st.floats(-1e5, 1e5), st.floats(-1e5, 1e5), st.integers(0, 4))
def test_the_difference_follows_from_the_cells(value: float, ours: float, decimals: int) -> None:
    row = row_of(round(value, decimals), ours, decimals)
    shown = float(rounded(row.median, row)) - float(row.as_printed)
    assert float(difference(row)) == pytest.approx(shown, abs=1e-9)


def test_hours_are_called_what_the_study_calls_them() -> None:
    """A scenario of one hour that print calls 12; another begins with what print calls 1."""
    names = [{"name": "a", "scenario": "case69-day", "first_hour": 12}, {"name": "b", "scenario": "case69-day"}]
    said = {"kpi": "peer_cost_eur", "hour": 0, "value": 1, "source": "T", "in_sample": False, "must_match": True}
    each = measured(
        {"a": [1.0], "b": [2.0]},
        scenarios=names,
        first_hour=1,
        kpis=[{"name": "peer_cost_eur", "unit": "EUR", "hour": 0}],
        published=[said | {"scenario": "a"}, said | {"scenario": "b"}],
        criteria=[{"name": "c", "kpi": "peer_cost_eur", "hour": 0, "of": "a", "against": 5, "comparison": "less"}],
    )
    assert [label(row) for row in rows(each)] == ["peer_cost_eur, hour 12", "peer_cost_eur, hour 1"]
    told = criteria(each, rows(each))
    assert "in hour 12 of a" in told[0].statement
    assert [judged.name for judged in told[1:]] == [
        "match-a-peer-cost-eur-hour-12", "match-b-peer-cost-eur-hour-1",
    ]  # fmt: skip
    assert "peer_cost_eur in hour 12 = 1" in miss_in_words(rows(each)[0])


def test_a_criterion_adds_up_scenarios() -> None:
    """By hand: 1 + 2 is less than half of 3 + 4, and not less than 0.4 of it."""
    rule = {"kpi": "peer_cost_eur", "of": "a", "of_plus": ["b"], "against": "c", "against_plus": ["d"]}
    found = judged(
        {"a": [1.0], "b": [2.0], "c": [3.0], "d": [4.0]},
        criteria=[
            {"name": "half", "comparison": "less", "times": 0.5, **rule},
            {"name": "less", "comparison": "less", "times": 0.4, "in_sample": True, **rule},
        ],
    )
    assert [each.holds for each in found] == [True, False]
    assert "of a + b less than 0.5 x (c + d)" in found[0].statement
    assert [each.calibrated for each in found] == [False, True]
    with pytest.raises(ValidationError, match="beside a number"):
        judged({"a": [1.0], "b": [1.0]}, criteria=[
            {"name": "n", "kpi": "peer_cost_eur", "of": "a", "against": 1, "against_plus": ["b"], "comparison": "less"}
        ])  # fmt: skip


@pytest.mark.once
def test_what_doing_nothing_matches_is_counted(tmp_path: Path) -> None:
    """Losses of 1 % are matched with the weak transformer and with the strong one; a value nobody matches is not."""
    cases = [PRINT["scenarios"][0], PRINT["scenarios"][1] | {"before": "strong"}]
    said = {"scenario": "weak", "source": "T", "in_sample": False}
    result = run_study(
        print_file(
            tmp_path,
            scenarios=cases,
            published=[
                said | {"kpi": "losses_percent", "value": 1, "tolerance": 1},
                said | {"kpi": "consumption_mwh", "value": 1},
                said | {"kpi": "violations", "hour": 1, "value": 1},  # the transformer: not so where it is strong
            ],
            published_by_hour=[],
        ),
        out=tmp_path / "out",
    )
    assert tallies(result) == (Tally("weak", 3, 2, "strong", 1),)
    told = "; of the 2 matched that are evidence, 1 are also matched by the state before"
    assert cells_in_words(result).endswith(told)
    page = (result.folder / "table.md").read_text()
    assert told in page
    assert "| weak | 3 | 2 | strong | 1 |" in page
    saved = json.loads((result.folder / "study.json").read_text())
    assert saved["evidence"] == [{"scenario": "weak", "values": 3, "matched": 2, "state_before": "strong", "before": 1}]
    with pytest.raises(InputError, match="'x' is not"):
        load_study(print_file(tmp_path, scenarios=[cases[0] | {"before": "x"}, *PRINT["scenarios"][1:]]))


def test_the_terminal_sums_up_what_has_one_seed(evening: StudyResult, capsys: pytest.CaptureFixture[str]) -> None:
    show_study(evening)
    said = " ".join(capsys.readouterr().out.split())
    assert cells_in_words(evening) in said
    assert f"{len(evening.criteria) - len(evening.broken)} of {len(evening.criteria)} criteria hold" in said
    assert "does not hold: match-strong-worst-node-hour-" in said
    assert "table.md" in said
    assert "Scenario weak" not in said


def test_limits_are_labelled_and_loadings_begin_at_zero(evening: StudyResult) -> None:
    voltages, loading = (hourly_figure(drawn, "title").axes[0] for drawn in evening.pictures)
    assert [text.get_text() for text in voltages.texts] == ["limit 0.95"]
    assert voltages.get_ylim()[0] > 0.5
    assert loading.get_ylim()[0] == 0.0
