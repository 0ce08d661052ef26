"""The bundled study tso-dso has what the paper prints, and counts nothing that the day was fitted to."""

import pytest

from peerflex.runs.study_kpis import check_kpis
from peerflex.scenarios.calibrated_day import read_day
from peerflex.scenarios.study import load_study
from peerflex.scenarios.study_schema import Study


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


def test_what_the_day_was_fitted_to_is_no_evidence(paper: Study) -> None:
    fitted = [each for each in paper.every_published if each.scenario in ("benchmark", "4") or each.source == "Table 2"]
    assert len(fitted) == 7 + 8 + 13 + 2
    assert all(each.in_sample for each in fitted)
    evidence = {each.kpi for each in paper.every_published if each.scenario == "5" and not each.in_sample}
    assert "res_flexibility_percent" in evidence
    assert not evidence & {"worst_line", "worst_line_percent", "worst_node", "worst_node_pu"}


def test_every_fact_that_is_inferred_or_assumed_is_varied(paper: Study) -> None:
    facts = {fact.name for fact in read_day().facts if fact.tag in ("inferred", "assumed") and fact.unit != "node"}
    (many,) = paper.vary_each
    assert set(many.each) == facts
    assert many.by == (0.9, 1.1)
