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


def study_file(folder: Path, **changes: Any) -> str:
    path = folder / "small.yaml"
    path.write_text(yaml.safe_dump(STUDY | changes))
    return str(path)


def table(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / "tables" / f"{name}.csv").open() as file:
        return list(csv.DictReader(file))
