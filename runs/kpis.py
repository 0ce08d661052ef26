"""Closing figures of a run, from its tables ``hours`` and ``ledger`` alone."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from peerflex.core.parties import Role
from peerflex.core.units import QUANTITY_TOLERANCE_MW, SECONDS_PER_HOUR
from peerflex.runs.reader import Run
from peerflex.runs.store import write_json

if TYPE_CHECKING:
    import pandas as pd

FILE: Final = "kpis.json"


@dataclass(frozen=True, slots=True)
class _Seen:
    """What KPIs are made of: the hours, the length of a step, and what each party paid in all (net of received)."""

    hours: "pd.DataFrame"
    step_hours: float
    paid_eur: dict[str, float]

    def sum(self, column: str) -> float:
        return float(self.hours[column].sum())

    def min(self, column: str) -> float:
        return float(self.hours[column].min())

    def max(self, column: str) -> float:
        return float(self.hours[column].max())

    def sum_of(self, column: str, sign: int) -> float:
        return float((sign * self.hours[column]).clip(lower=0).sum())

    def violation_hours(self) -> float:
        return float((self.hours["violations"] > 0).sum()) * self.step_hours

    def p2p_price(self) -> float:
        volume = self.sum("p2p_mwh")
        value = float((self.hours["p2p_mwh"] * self.hours["p2p_price_eur_per_mwh"]).sum())
        return value / volume if volume else math.nan

    def objective(self) -> float:
        return float(self.hours["p2p_objective_eur"].sum(min_count=1))

    def full_cost(self) -> float:
        missing = (self.hours["missing_mw"] > QUANTITY_TOLERANCE_MW).any()
        return math.nan if missing else self.sum("lfm_cost_eur")

    def missing_mwh(self) -> float:
        return self.sum("missing_mw") * self.step_hours

    def peers_eur(self) -> float:
        roles = {role.name.lower() for role in Role}
        return math.fsum(eur for party, eur in self.paid_eur.items() if party not in roles)

    def role_eur(self, role: Role) -> float:
        return self.paid_eur.get(role.name.lower(), 0.0)


@dataclass(frozen=True, slots=True)
class Kpi:
    """A closing figure: its name, its unit, what it means, and how it is computed."""

    name: str
    unit: str
    meaning: str
    of: Callable[[_Seen], float]


KPIS: Final = (
    Kpi("violation_hours", "h", "Time in which a limit was not kept", _Seen.violation_hours),
    Kpi("overload_mwh", "MVAh", "Power above the limits of branches, times time", lambda s: s.sum("overload_mwh")),
    Kpi("lowest_voltage_pu", "pu", "Lowest voltage anywhere", lambda s: s.min("lowest_voltage_pu")),
    Kpi("highest_voltage_pu", "pu", "Highest voltage anywhere", lambda s: s.max("highest_voltage_pu")),
    Kpi("highest_loading", "1", "Highest loading of a branch, 1.0 at its rating", lambda s: s.max("highest_loading")),
    Kpi("p2p_mwh", "MWh", "Energy traded between peers", lambda s: s.sum("p2p_mwh")),
    Kpi("p2p_price_eur_per_mwh", "EUR/MWh", "Its price, averaged by volume", _Seen.p2p_price),
    Kpi("p2p_objective_eur", "EUR", "What the P2P market maximised, if it optimises", _Seen.objective),
    Kpi("p2p_gap", "1", "Its largest distance to the bound proven, relative", lambda s: s.max("p2p_gap")),
    Kpi(
        "incentive_cost_eur",
        "EUR",
        "What the DSO paid for its terms of trade, where they are money",
        lambda s: s.sum("incentive_cost_eur"),
    ),
    Kpi(
        "pre_lfm_congested",
        "1",
        "Branches above their limit after trading, before flexibility: most in a step",
        lambda s: s.max("pre_lfm_congested"),
    ),
    Kpi(
        "pre_lfm_overflow_mva",
        "MVA",
        "Power above branch limits before flexibility, added up: most in a step",
        lambda s: s.max("pre_lfm_overflow_mva"),
    ),
    Kpi(
        "pre_lfm_overflow_average_mva",
        "MVA",
        "The same per congested branch, averaged by limits: most in a step",
        lambda s: s.max("pre_lfm_overflow_average_mva"),
    ),
    Kpi(
        "pre_lfm_worsened",
        "1",
        "Branches at risk that trading loads further: most in a step",
        lambda s: s.max("pre_lfm_worsened"),
    ),
    Kpi(
        "lfm_relieved",
        "1",
        "Share of the steps in which no relief was missing",
        lambda s: float((s.hours["missing_mw"] <= QUANTITY_TOLERANCE_MW).mean()),
    ),
    Kpi("lfm_full_cost_eur", "EUR", "What the DSO paid for flexibility, if it got all it needed", _Seen.full_cost),
    Kpi("lfm_cost_eur", "EUR", "What the DSO paid for flexibility", lambda s: s.sum("lfm_cost_eur")),
    Kpi("lfm_mwh", "MWh", "Flexibility activated, both directions", lambda s: s.sum("lfm_mwh")),
    Kpi("missing_mwh", "MWh", "Relief that nobody offered, where most was missing", _Seen.missing_mwh),
    Kpi("losses_mwh", "MWh", "Consumption of the network itself", lambda s: s.sum("losses_mwh")),
    Kpi("import_mwh", "MWh", "Energy from the upstream grid", lambda s: s.sum_of("exchange_mwh", 1)),
    Kpi("export_mwh", "MWh", "Energy to the upstream grid", lambda s: s.sum_of("exchange_mwh", -1)),
    Kpi("shed_mwh", "MWh", "Load taken off for a solution of the power flow", lambda s: s.sum("shed_mwh")),
    Kpi("peer_cost_eur", "EUR", "What all peers paid, minus what they received", _Seen.peers_eur),
    Kpi("supplier_eur", "EUR", "What the supplier received, minus what it paid", lambda s: -s.role_eur(Role.SUPPLIER)),
    Kpi("dso_cost_eur", "EUR", "What the DSO paid, minus what it received", lambda s: s.role_eur(Role.DSO)),
)
"""Every closing figure, in the order they are shown."""


def kpis(run: Run) -> dict[str, float]:
    """Return the closing figures of the steps logged, by name; NaN where there is nothing to measure."""
    seen = _Seen(run.hours, run.manifest.step_seconds / SECONDS_PER_HOUR, _paid(run.table("ledger")))
    return {kpi.name: kpi.of(seen) + 0.0 for kpi in KPIS}  # + 0.0: no minus zero


def write_kpis(folder: Path, figures: dict[str, float]) -> None:
    write_json(folder / FILE, {name: None if math.isnan(value) else value for name, value in figures.items()})


def _paid(ledger: "pd.DataFrame") -> dict[str, float]:
    paid: dict[str, float] = {}
    for party, sign in (("taker", 1.0), ("giver", -1.0)):
        for name, eur in ledger.groupby(party, observed=True)["amount_eur"].sum().items():
            paid[str(name)] = paid.get(str(name), 0.0) + sign * float(eur)
    return paid


def reference() -> str:
    """Return the list of KPIs as Markdown, for docs/reference/log.md."""
    lines = ["| figure | unit | meaning |", "|---|---|---|"]
    return "\n".join([*lines, *(f"| `{kpi.name}` | {kpi.unit} | {kpi.meaning} |" for kpi in KPIS), ""])
