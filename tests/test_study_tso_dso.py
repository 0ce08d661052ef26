"""The bundled study tso-dso has what the paper prints, and counts nothing that the day was fitted to."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from peerflex.runs.study.kpis import check_kpis
from peerflex.scenarios.calibrated_day import CalibratedDay, read_day
from peerflex.scenarios.study import load_study
from peerflex.scenarios.study_schema import Study

pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
def paper() -> Study:
    loaded = load_study("tso-dso")
    check_kpis(loaded)
    return loaded.study


def test_the_bundled_study_has_every_number_that_the_paper_prints(paper: Study) -> None:
    """Tables 3, 5, 7, 8: 7 figures of the benchmark and 7 each (8 of scenario 4); flexibility: 2, 18, 6, 6; Table 9."""
    count: dict[str, int] = {}
    for each in paper.every_published:
        source = each.source.split(",")[0]
        count[source] = count.get(source, 0) + 1
    by_table = {"Table 2": 2, "Table 3": 7, "Table 4": 18, "Table 5": 7, "Table 6": 12, "Table 7": 7, "Table 8": 8}
    assert count == by_table | {"Tables 3": 7, "Table 9": 13 + 5 + 13}


def test_in_the_bundled_study_energy_in_print_balances(paper: Study) -> None:
    """A mistyped figure would not: what the table's sources give is what is consumed, to rounding."""
    for scenario in ("benchmark", "1", "2", "3", "4"):
        found = {each.kpi: float(each.value) for each in paper.published if each.scenario == scenario and not each.hour}
        given = sum(found[f"{source}_mwh"] for source in ("grid", "chp", "wind", "pv"))
        assert given == pytest.approx(found["consumption_mwh"], abs=0.02)


Cell = tuple[str, str, int | None]
"""Scenario, KPI, hour."""

DISPATCH = ("grid_mwh", "chp_mwh", "wind_mwh", "pv_mwh", "consumption_mwh", "virtual_load_mwh")
KPIS_OF = {
    "grid": DISPATCH[:1], "CHP": DISPATCH[1:2], "wind": DISPATCH[2:3], "PV": DISPATCH[3:4],
    "consumption": DISPATCH[4:5], "virtual load": DISPATCH[5:], "dispatch": DISPATCH, "losses": ("losses_percent",),
    "line 13": ("worst_line", "worst_line_percent"), "node 14": ("worst_node", "worst_node_pu"),
    "social welfare": ("net_welfare_eur", "welfare_eur"),
    "flexibility of hours 20 and 21": ("load_flexibility_percent",),
}  # fmt: skip
FOLLOWS: set[Cell] = {
    *((case, kpi, None) for case in ("1", "3") for kpi in ("chp_mwh", "wind_mwh", "pv_mwh")),  # the benchmark's
    *(("5", kpi, 0) for kpi in (*DISPATCH, "res_flexibility_percent")),  # line 13 before and after
    *(("4", kpi, None) for kpi in ("grid_mwh", "chp_mwh", "consumption_mwh", "losses_percent")),  # the benchmark's
    *((case, "res_flexibility_percent", hour) for case, hour in (("4", 11), ("5-before", 0))),  # nothing is called
    ("benchmark", "losses_percent", None),  # was looked at, and could not be had
}


def fitted_to(day: CalibratedDay) -> Iterator[tuple[str, str, str]]:
    """Yield table, scenario and figure that the data file says the day was fitted to."""
    for each in day.fitted_to:
        for part in each.cells.split("; "):
            scenario, _, cells = part.removeprefix("scenario ").partition(": ")
            for cell in cells.removesuffix(", before and after").split(", "):
                yield each.table, scenario, cell
                if cells.endswith("before and after"):
                    yield each.table, f"{scenario}-before", cell


def test_what_the_day_was_fitted_to_is_no_evidence(paper: Study) -> None:
    """The data file says what it was fitted to; that, and what follows from it, is marked, and nothing else is."""
    fitted: set[Cell] = set()
    hours_of: set[str] = set()
    for table, scenario, cell in fitted_to(read_day()):
        if "hours" in cell and cell not in KPIS_OF:
            hours_of.add(scenario)
            continue
        noon = {"4": 11}.get(scenario, 0) if table == "Table 9" else None
        at = (19, 20) if cell.startswith("flexibility") else (noon,)
        fitted |= {(scenario, kpi, hour) for kpi in KPIS_OF[cell] for hour in at}
    printed = {(each.scenario, each.kpi, each.hour) for each in paper.every_published}
    marked = {(each.scenario, each.kpi, each.hour) for each in paper.every_published if each.in_sample}
    assert marked == (fitted | FOLLOWS) & printed
    assert printed >= FOLLOWS
    told = {
        each.scenario.removesuffix("-before") for each in paper.hour_sets if each.kpi == "violations" and each.in_sample
    }
    assert told == hours_of == {"1", "2", "3"}
    assert all(each.in_sample for each in paper.hour_sets)


def test_the_pages_say_what_of_scenario_5_was_fitted_in_the_same_words(paper: Study) -> None:
    words = "scenario 5: line 13, node 14, losses, social welfare, before and after"
    (nine,) = (each.cells for each in read_day().fitted_to if each.table == "Table 9")
    assert words in nine
    assert any(words in each for each in paper.calibrated)


@pytest.mark.tree
def test_the_page_of_the_network_says_the_same() -> None:
    page = (Path(__file__).parents[1] / "docs" / "reference" / "rbts2.md").read_text()
    for each in read_day().fitted_to:
        assert each.cells in page, each.table


def test_tolerances_are_those_of_the_acceptance_criteria_or_half_of_the_last_digit(paper: Study) -> None:
    """Flexibility: 5 points in scenario 1, 10 in the evening of 2, 15 in 3. Table 9: 2 points, 0.01 pu, 0.15 points."""
    evening = range(18, 24)
    for each in paper.every_published:
        wide = {"1": 5, "2": 10 if each.hour in evening else 0, "3": 15}.get(each.scenario, 0)
        if each.kpi == "load_flexibility_percent" and wide:
            assert each.tolerance == wide
        elif each.source.startswith("Table 9") and each.kpi in (
            nine := {"worst_line_percent": 2, "worst_node_pu": 0.01, "losses_percent": 0.15}
        ):
            assert each.tolerance == nine[each.kpi]
        else:
            decimals = each.decimals if each.decimals is not None else len(f"{each.value:g}".partition(".")[2])
            assert each.tolerance in (0.0, 0.5 * 10**-decimals), each


def test_every_scenario_that_is_compared_says_what_was_before(paper: Study) -> None:
    before = {each.name: each.before for each in paper.scenarios if each.before}
    assert before == {"1": "1-before", "2": "2-before", "3": "3-before", "3-q": "3-before", "5": "5-before"}
    assert {paper.in_print(each.name, 0) for each in paper.scenarios} == {1, 12}


def test_every_fact_that_is_inferred_or_assumed_is_varied(paper: Study) -> None:
    facts = {fact.name for fact in read_day().facts if fact.tag in ("inferred", "assumed") and fact.unit != "node"}
    (many,) = paper.vary_each
    assert set(many.each) == facts
    assert many.by == (0.9, 1.1)
