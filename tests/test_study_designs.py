"""Every combination of the parts of a design as a scenario of a study: which are valid, what is measured of them."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from peerflex.core.errors import InputError
from peerflex.runs.study.run import run_study, whole_study
from peerflex.runs.study.show import show_study
from peerflex.scenarios.study import load_study
from peerflex.scenarios.study_designs import Designs

pytestmark = pytest.mark.once

EVENING = {"reference": "none", "time.start": "2016-04-11T18:00:00", "time.hours": 3}
NO_LFM = {"lfm": {"kind": "none"}}
FREE = EVENING | {"market": {"p2p": {"kind": "bilateral-equilibrium"}, **NO_LFM}}
OPTIMUM = EVENING | {
    "market": {"p2p": {"kind": "bilateral-equilibrium"}, "service": {"kind": "network-charges"}, **NO_LFM}
}
SUPPLIER = EVENING | {"market": {"p2p": {"kind": "none"}, **NO_LFM}}
GRIDS = {"mv": "trade-week-mv", "lv": "trade-week-lv"}
STUDY: dict[str, Any] = {
    "name": "few-designs",
    "keep": "figures",
    "seeds": "100",
    "scenarios": [
        {"name": f"{grid}-{name}", "scenario": scenario, "set": settings}
        for grid, scenario in GRIDS.items()
        for name, settings in {"supplier": SUPPLIER, "free": FREE, "optimum": OPTIMUM}.items()
    ],
    "designs": {
        "over": GRIDS,
        "set": EVENING,
        "presets": ["CM1", "CM2", "CM4-LFM"],
        "incentives": {"none": {"kind": "none"}, "blocking": {"kind": "blocking", "at_risk_loading": 0.5}},
        "services": {"none": {"kind": "none"}, "check": {"kind": "trade-check"}},
        "sequences": ["p2p-first", "unrelated"],
    },
    "kpis": [
        {"name": "violation_hours", "unit": "h"},
        {"name": "welfare_after_lfm_eur", "unit": "EUR"},
        {"name": "p2p_price_eur_per_mwh", "unit": "EUR/MWh"},
        {"name": "lfm_cost_eur", "unit": "EUR"},
        {"name": "reinforcement_eur_per_year", "unit": "EUR/a", "figure": "reinforcement_mva", "times": 5828},
        *({"name": name, "unit": "EUR"} for name in ("customer_cost_eur", "customer_bill_eur", "trader_bill_eur")),
        *({"name": name, "unit": "EUR"} for name in ("trader_cost_eur", "dso_cost_eur")),
        {"name": "biogas_cost_eur", "unit": "EUR", "figure": "cost_eur", "groups": ["biogas"]},
        {"name": "biogas_bill_eur", "unit": "EUR", "figure": "bill_eur", "groups": ["biogas"]},
        {"name": "biogas_benefit_eur", "unit": "EUR", "figure": "benefit_eur", "groups": ["biogas"]},
    ],
}
VALID = {"cm1", "cm1-unrelated", "cm2", "cm2-unrelated"} | {
    f"cm4-lfm-{said}{order}" for said in ("check", "blocking", "blocking-check") for order in ("", "-unrelated")
}


def written(folder: Path, **changes: Any) -> str:
    path = folder / "few-designs.yaml"
    path.write_text(yaml.safe_dump(STUDY | changes))
    return str(path)


def designs(**changes: Any) -> dict[str, Any]:
    whole: dict[str, Any] = STUDY["designs"] | changes
    return whole


def test_a_name_says_what_a_combination_has_beyond_the_usual() -> None:
    names = [each.name for each in Designs.model_validate(STUDY["designs"]).combinations()]

    assert len(names) == len(set(names)) == 2 * 3 * 2 * 2 * 2
    assert {"mv-cm1", "lv-cm2-unrelated", "mv-cm4-lfm-blocking-check-unrelated", "lv-cm1-check"} <= set(names)


def test_a_service_stands_beside_an_incentive_only_where_both_are_asked_for() -> None:
    every = {each.name for each in Designs.model_validate(designs()).combinations()}
    apart = {each.name for each in Designs.model_validate(designs(together=False)).combinations()}

    assert every - apart == {name for name in every if "blocking-check" in name}
    assert len(apart) == 36


def test_what_contradicts_itself_is_no_scenario_and_is_told_with_the_reason(tmp_path: Path) -> None:
    found = whole_study(written(tmp_path))

    assert {each.name for each in found.designs} == {f"{grid}-{name}" for grid in GRIDS for name in VALID}
    assert len(found.designs) + len(found.refused) == 48
    reasons = {each.combination.name: each.why for each in found.refused}
    assert reasons["mv-cm1-check"] == "market.service: CM1 has no say of the DSO in trades"
    assert reasons["lv-cm4-lfm"].startswith("market.service: CM4-LFM is implicit service")
    assert [case.name for case in found.loaded.study.scenarios][6:] == [each.name for each in found.designs]
    parts = {variant.case: variant.loaded.scenario.market for variant in found.loaded.variants}
    assert parts["mv-cm4-lfm-blocking"].service.kind == "none"
    assert parts["mv-cm4-lfm-blocking"].incentive.parameters == {"at_risk_loading": 0.5}
    assert parts["lv-cm4-lfm-check-unrelated"].sequence == "unrelated"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"designs": designs(incentives={"typo": {"kind": "blockin"}})}, "blocking"),
        ({"designs": designs(over={"mv": "trade-week-mw"})}, "trade-week-mv"),
        ({"designs": designs(presets=["CM1"], incentives={"b": {"kind": "blocking"}})}, "all are refused"),
        ({"scenarios": [{"name": "mv-cm1", "scenario": "case69-day"}]}, "'mv-cm1' is a scenario, too"),
        ({"sweep": {"seed": [1, 2]}}, "beside a sweep"),
        ({"designs": designs(presets=["CM9"])}, "CM9"),
    ],
)
def test_a_mistake_is_an_error_and_no_refused_combination(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        whole_study(written(tmp_path, **changes))


def test_a_study_without_designs_is_as_it_was() -> None:
    found = whole_study("eu-d53")

    assert found.designs == found.refused == ()
    assert found.loaded == load_study("eu-d53")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both grids, three hours of an evening, one seed."""
    at = tmp_path_factory.mktemp("designs")
    result = run_study(written(at), out=at / "out")
    assert not result.failed
    return at / "out"


def table(folder: Path) -> dict[str, dict[str, str]]:
    with (folder / "tables" / "designs.csv").open() as file:
        return {row["design"]: row for row in csv.DictReader(file)}


def test_the_matrix_has_every_figure_of_every_run_and_what_compares_them(folder: Path) -> None:
    rows = table(folder)
    with (folder / "tables" / "runs.csv").open() as file:
        runs = {(row["scenario"], row["kpi"]): row["value"] for row in csv.DictReader(file)}

    assert set(rows) == {f"{grid}-{name}" for grid in GRIDS for name in {*VALID, "supplier", "free", "optimum"}}
    for (scenario, kpi), value in runs.items():
        assert rows[scenario][kpi] == value
    for grid in GRIDS:
        welfare = float(rows[f"{grid}-cm1"]["welfare_after_lfm_eur"])
        best = float(rows[f"{grid}-optimum"]["welfare_after_lfm_eur"])
        assert float(rows[f"{grid}-cm1"]["welfare_share_of_optimum"]) == 100 * welfare / best
        assert float(rows[f"{grid}-optimum"]["welfare_share_of_optimum"]) == 100.0
        assert float(rows[f"{grid}-cm2"]["price_distortion_eur_per_mwh"]) == 0.0
        free, without = rows[f"{grid}-free"], rows[f"{grid}-supplier"]
        saving = float(without["biogas_cost_eur"]) - float(free["biogas_cost_eur"])
        gain = float(free["biogas_benefit_eur"]) - float(without["biogas_benefit_eur"])
        assert float(free["biogas_saving_eur"]) == saving
        assert float(free["biogas_gain_eur"]) == gain
        assert 0.0 <= gain < saving  # what the engines burn is not in the bill
        assert rows[f"{grid}-supplier"]["p2p_price_eur_per_mwh"] == ""


def test_a_bill_has_what_the_dso_pays_and_the_page_has_what_a_design_takes_off_it(folder: Path) -> None:
    """Customers' cost is the same in every design. Where the DSO receives more than it pays, it is given back."""
    for name, row in table(folder).items():
        figures = {column: float(value) for column, value in row.items() if column.endswith("_eur")}
        whole = figures["trader_cost_eur"] + figures["customer_cost_eur"] + figures["dso_cost_eur"]
        assert figures["trader_bill_eur"] + figures["customer_bill_eur"] == pytest.approx(whole, rel=1e-12)
        assert figures["customer_saving_eur"] == pytest.approx(0.0, abs=1e-9)
        recovered = figures["biogas_bill_eur"] - figures["biogas_cost_eur"]
        assert 0.0 <= recovered / figures["dso_cost_eur"] < 0.5, name
    saved = {name: float(row["customer_bill_saving_eur"]) for name, row in table(folder).items()}
    assert saved["mv-supplier"] == 0.0
    assert saved["mv-cm1"] < 0.0 < saved["mv-optimum"]  # the DSO pays for flexibility; it collects charges
    page = (folder / "matrix.md").read_text()
    assert "customer_bill_saving_eur (EUR)" in page
    assert "customer_saving_eur" not in page
    assert "without trade (`supplier`)" in page
    assert "the central optimum (`optimum`)" in page
    assert "less what is received: below 0" in page


def test_trade_breaks_limits_and_a_design_that_minds_them_does_not(folder: Path) -> None:
    """The batteries are still empty: without them the evening's load alone comes to a limit of the medium voltage."""
    hours = {name: float(row["violation_hours"]) for name, row in table(folder).items()}

    assert hours["lv-supplier"] == 0.0
    assert hours["mv-supplier"] < hours["mv-free"]
    assert hours["mv-cm2"] < hours["mv-free"]
    assert hours["mv-cm4-lfm-check"] == hours["mv-optimum"] == 0.0


def test_pages_picture_and_terminal_tell_every_design(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page, table5 = (folder / "matrix.md").read_text(), (folder / "table5.md").read_text()
    for name in VALID:
        assert page.count(f"\n| {name} |") == 2
    assert "20 designs of 48 combinations, and 6 scenarios beside them" in page
    assert "| 4 | market.service: CM1 has no say of the DSO in trades |" in page
    assert "EUR a year" in page
    assert "| CM2 | disadvantage | trade makes congestion that the flexibility market has to mend |" in table5
    assert (folder / "figures" / "designs.png").read_bytes().startswith(b"\x89PNG")

    prices = {"name": "p2p_price_eur_per_mwh", "unit": "EUR/MWh", "interval": "mean"}
    few = designs(presets=["CM1", "CM3-V1"], over={"mv": "trade-week-mv"}, sequences=["p2p-first"])
    hour = {"time.hours": 1}
    changed = [each | {"set": each["set"] | hour} for each in STUDY["scenarios"][:3]]
    study = written(
        tmp_path, designs=few | {"set": EVENING | hour}, scenarios=changed, kpis=[*STUDY["kpis"][:2], prices]
    )
    show_study(run_study(study, out=tmp_path / "o"))
    printed = capsys.readouterr().out
    for name in ("cm1", "cm3-v1-check", "supplier", "optimum"):
        assert f"\n{name} " in printed
    assert "mv-cm1: p2p_price_eur_per_mwh " in printed
    assert "mv-supplier: p2p_price_eur_per_mwh " not in printed  # nobody trades: there is no price
    assert "2 designs of 8 combinations, and 3 scenarios beside them" in printed
    assert "refused, 1: market.service: CM1 has no say of the DSO in trades" in printed


@pytest.mark.slow
def test_the_bundled_study_has_every_valid_combination_on_both_grids() -> None:
    found = whole_study("market-designs")
    names = {each.name for each in found.designs}

    assert len(found.designs) == 108
    assert len(found.refused) == 340
    assert {name.removeprefix("mv-") for name in names if name.startswith("mv-")} == {
        name.removeprefix("lv-") for name in names if name.startswith("lv-")
    }
    assert np.isin(["mv-cm5", "lv-cm3-v1-check", "mv-cm4-lfm-weights-iterative"], sorted(names)).all()
