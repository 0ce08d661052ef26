"""A study of two scenarios on an evening of the 69-bus grid, with everything a study file can say."""

import csv
from pathlib import Path
from typing import Any

import yaml

EVENING = {"time.start": "2016-07-04T18:00:00", "time.hours": 3}
TRADE_ONLY = EVENING | {"market.lfm.kind": "none", "dso.publishes": "nothing"}
HEX = "0123456789abcdef" * 4
STUDY: dict[str, Any] = {
    "name": "small",
    "title": "A small table",
    "keep": "figures",
    "scenarios": [
        {"name": "trade-only", "scenario": "case69-day", "set": TRADE_ONLY},
        {"name": "with-lfm", "scenario": "case69-day", "set": EVENING},
    ],
    "seeds": "1-3",
    "kpis": [{"name": "losses_mwh", "unit": "MWh"}, {"name": "lfm_full_cost_eur", "unit": "EUR"}],
    "occupancy": ["with-lfm"],
    "published": [
        {"scenario": "trade-only", "kpi": "losses_mwh", "value": 0.2, "source": "made up", "in_sample": True},
        {"scenario": "with-lfm", "kpi": "losses_mwh", "value": 99, "source": "made up", "in_sample": False},
        {"scenario": "with-lfm", "kpi": "lfm_full_cost_eur", "value": "infeasible", "source": "made up",
         "in_sample": False, "explanation": "Here | there is always relief."},
    ],
    "criteria": [
        {"name": "small", "kpi": "losses_mwh", "of": "trade-only", "against": 0.6, "comparison": "less"},
        {"name": "alike", "kpi": "losses_mwh", "of": "with-lfm", "against": "trade-only", "comparison": "within",
         "relative": 0.5},
    ],
    "coverage": [{"name": "covered", "scenarios": ["with-lfm"], "required": 1}],
    "variations": [
        {"name": "electric", "set": {"grid.demand_factor": 3}},
        {"name": "no-lfm", "set": {"market.lfm.kind": "none", "dso.publishes": "nothing"}, "scenarios": ["with-lfm"]},
    ],
    "calibrated": ["The losses."],
    "not_matched": ["Infeasibility."],
    "notes": ["Made up."],
}  # fmt: skip


DUSK = {"time.start": "2023-06-21T18:00:00", "time.hours": 3}
WEAK = DUSK | {"grid.trafo_rating_factor": 0.3333333333333333}
ENERGY = {"unit": "MWh", "figure": "energy_mwh"}
PRINT: dict[str, Any] = {
    "name": "evening",
    "keep": "figures",
    "seeds": "1",
    "scenarios": [
        {"name": "strong", "scenario": "tso-dso-benchmark", "set": DUSK},
        {"name": "weak", "scenario": "tso-dso-benchmark", "set": WEAK},
        {"name": "relieved", "scenario": "tso-dso-1-exact", "set": DUSK, "beside": "weak"},
    ],
    "kpis": [
        {"name": "supplied_mwh", "groups": ["grid", "chp", "wind", "pv"], **ENERGY},
        {"name": "consumption_mwh", "groups": ["loads"], "times": -1, **ENERGY},
        {"name": "consumption_mwh", "groups": ["loads"], "times": -1, "hours": "0-2", **ENERGY},
        {"name": "losses_percent", "unit": "%", "figure": "losses_mwh", "per": "consumption_mwh", "times": 100},
        {"name": "worst_line", "unit": "1", "figure": "highest_loading_branch", "hours": "0-2"},
        {"name": "worst_node", "unit": "1", "figure": "lowest_voltage_bus", "hours": "0-2"},
        {"name": "violations", "unit": "1", "hours": "0-2"},
        {"name": "trader_bill_eur", "unit": "EUR"},
        {"name": "bill_eur", "unit": "EUR", "groups": ["grid", "chp", "wind", "pv", "loads"]},
    ],
    "published": [
        {"scenario": "strong", "kpi": "losses_percent", "value": 1, "source": "T", "in_sample": False, "tolerance": 1},
        {"scenario": "weak", "kpi": "losses_percent", "value": 9, "source": "T", "in_sample": True, "tolerance": 1},
    ],
    "published_by_hour": [
        {"scenario": "strong", "kpi": "worst_node", "counted_from": 1, "hours": [1, 3], "values": [36, 37],
         "source": "T", "in_sample": False, "must_match": True},
    ],
    "hour_sets": [
        {"name": "congested", "scenario": "weak", "kpi": "violations", "counted_from": 1, "hours": [2, 3],
         "required": 3, "source": "T", "in_sample": False},
    ],
    "hourly": [
        {"name": "both", "columns": ["lowest_voltage_pu", "highest_voltage_pu"], "scenarios": ["strong", "weak"],
         "unit": "pu", "limits": [0.95]},
        {"name": "transformer", "columns": ["loading"], "branch": "T1", "scenarios": ["strong", "weak"], "unit": "%",
         "times": 100, "counted_from": 1},
    ],
    "vary_each": [{"key": "units.factors.{}", "each": ["load_tan_phi", "base_load_mw"], "by": [0.9, 1.1]}],
}  # fmt: skip


def study_file(folder: Path, **changes: Any) -> str:
    path = folder / "small.yaml"
    path.write_text(yaml.safe_dump(STUDY | changes))
    return str(path)


def print_file(folder: Path, **changes: Any) -> str:
    path = folder / "evening.yaml"
    path.write_text(yaml.safe_dump(PRINT | changes))
    return str(path)


def table(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / "tables" / f"{name}.csv").open() as file:
        return list(csv.DictReader(file))
