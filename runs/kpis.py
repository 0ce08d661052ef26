"""Closing figures of a run, from its tables ``hours`` and ``ledger`` alone: of a log, or of records in memory."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import numpy as np
import pyarrow as pa

from peerflex.core.arrays import Floats, Ints, add_up
from peerflex.core.parties import Role
from peerflex.core.regulation import TSO
from peerflex.core.units import QUANTITY_TOLERANCE_MW, SECONDS_PER_HOUR
from peerflex.runs.manifest import Manifest
from peerflex.runs.store import write_json

FILE: Final = "kpis.json"

Column = Callable[[str], Floats]
"""Gives a column of numbers of the table ``hours``, ``(steps,)``, by its name; NaN where there is none."""


class Tables(Protocol):
    """Where a run's tables are read: on disk, or in a session that is going on."""

    @property
    def manifest(self) -> Manifest: ...

    def rows(self, name: str, first: int = 0, last: int | None = None) -> pa.Table: ...


@dataclass(frozen=True, slots=True)
class Seen:
    """What KPIs are made of: columns of the hours, the length of a step, and what parties paid (net of received).

    ``paid_eur`` is in the order of the ledger's ``parties``; a value that is not there is NaN and left out of sums.
    """

    hours: Column
    step_hours: float
    parties: tuple[str, ...]
    paid_eur: Floats

    def sum(self, column: str) -> float:
        return float(np.nansum(self.hours(column)))

    def min(self, column: str) -> float:
        return float(np.fmin.reduce(self.hours(column), initial=np.nan))  # fmin passes over NaN

    def max(self, column: str) -> float:
        return float(np.fmax.reduce(self.hours(column), initial=np.nan))

    def sum_of(self, column: str, sign: int) -> float:
        return float(np.nansum(np.maximum(sign * self.hours(column), 0.0)))

    def violation_hours(self) -> float:
        return float(np.count_nonzero(self.hours("violations") > 0)) * self.step_hours

    def p2p_price(self) -> float:
        volume = self.sum("p2p_mwh")
        value = float(np.nansum(self.hours("p2p_mwh") * self.hours("p2p_price_eur_per_mwh")))
        return value / volume if volume else math.nan

    def objective(self) -> float:
        return math.nan if np.isnan(self.hours("p2p_objective_eur")).all() else self.sum("p2p_objective_eur")

    def full_cost(self) -> float:
        missing = (self.hours("missing_mw") > QUANTITY_TOLERANCE_MW).any()
        return math.nan if missing else self.sum("lfm_cost_eur")

    def missing_mwh(self) -> float:
        return self.sum("missing_mw") * self.step_hours

    def relieved(self) -> float:
        missing_mw = self.hours("missing_mw")
        return float(np.mean(missing_mw <= QUANTITY_TOLERANCE_MW)) if missing_mw.size else math.nan

    def peers_eur(self) -> float:
        others = {role.name.lower() for role in Role}
        paid = zip(self.parties, self.paid_eur, strict=True)
        return math.fsum(eur for party, eur in paid if party not in others and not _is_tso(party))

    def tso_eur(self) -> float:
        return math.fsum(eur for party, eur in zip(self.parties, self.paid_eur, strict=True) if _is_tso(party))

    def magnitude(self, column: str) -> float:
        return float(np.nansum(np.abs(self.hours(column)))) * self.step_hours

    def role_eur(self, role: Role) -> float:
        name = role.name.lower()
        return float(self.paid_eur[self.parties.index(name)]) if name in self.parties else 0.0


def _is_tso(party: str) -> bool:
    """Whether a party is the TSO's virtual load: a log puts its row behind a name that is a role's too."""
    return party.partition("#")[0] == TSO


@dataclass(frozen=True, slots=True)
class Kpi:
    """A closing figure: its name, its unit, what it means, and how it is computed."""

    name: str
    unit: str
    meaning: str
    of: Callable[[Seen], float]


KPIS: Final = (
    Kpi("violation_hours", "h", "Time in which a limit was not kept", Seen.violation_hours),
    Kpi("overload_mwh", "MVAh", "Power above the limits of branches, times time", lambda s: s.sum("overload_mwh")),
    Kpi("lowest_voltage_pu", "pu", "Lowest voltage anywhere", lambda s: s.min("lowest_voltage_pu")),
    Kpi("highest_voltage_pu", "pu", "Highest voltage anywhere", lambda s: s.max("highest_voltage_pu")),
    Kpi("highest_loading", "1", "Highest loading of a branch, 1.0 at its rating", lambda s: s.max("highest_loading")),
    Kpi("p2p_mwh", "MWh", "Energy traded between peers", lambda s: s.sum("p2p_mwh")),
    Kpi("p2p_price_eur_per_mwh", "EUR/MWh", "Its price, averaged by volume", Seen.p2p_price),
    Kpi("p2p_objective_eur", "EUR", "What the P2P market maximised, if it optimises", Seen.objective),
    Kpi(
        "p2p_gap",
        "1",
        "Its largest distance to the bound proven, relative",
        lambda s: max(s.max("p2p_gap"), -s.min("p2p_gap")),
    ),
    Kpi(
        "welfare_eur",
        "EUR",
        "What trades are worth to buyers, less what they cost sellers",
        lambda s: s.sum("welfare_eur"),
    ),
    Kpi(
        "net_welfare_eur",
        "EUR",
        "The same less the penalty of what peers gave up beyond their offer",
        lambda s: s.sum("welfare_eur") - s.sum("extra_penalty_eur"),
    ),
    Kpi(
        "local_welfare_eur",
        "EUR",
        "Welfare without what the TSO's contracts are worth to itself",
        lambda s: s.sum("welfare_eur") - s.sum("tso_value_eur"),
    ),
    Kpi(
        "extra_flexibility_mwh",
        "MWh",
        "What peers gave up beyond what they offer of themselves",
        lambda s: s.sum("extra_flexibility_mwh"),
    ),
    Kpi(
        "called_share",
        "1",
        "Largest share of load or generation that the DSO called on",
        lambda s: s.max("called_share"),
    ),
    Kpi("clearings", "1", "Clearings of the P2P market", lambda s: s.sum("clearings")),
    Kpi("dso_flows", "1", "Power flows of the DSO's service", lambda s: s.sum("dso_flows")),
    Kpi("most_dso_flows", "1", "The same: most in a step", lambda s: s.max("dso_flows")),
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
        Seen.relieved,
    ),
    Kpi("lfm_full_cost_eur", "EUR", "What the DSO paid for flexibility, if it got all it needed", Seen.full_cost),
    Kpi("lfm_cost_eur", "EUR", "What the DSO paid for flexibility", lambda s: s.sum("lfm_cost_eur")),
    Kpi("lfm_mwh", "MWh", "Flexibility activated, both directions", lambda s: s.sum("lfm_mwh")),
    Kpi("missing_mwh", "MWh", "Relief that nobody offered, where most was missing", Seen.missing_mwh),
    Kpi("losses_mwh", "MWh", "Consumption of the network itself", lambda s: s.sum("losses_mwh")),
    Kpi("import_mwh", "MWh", "Energy from the upstream grid", lambda s: s.sum_of("exchange_mwh", 1)),
    Kpi("export_mwh", "MWh", "Energy to the upstream grid", lambda s: s.sum_of("exchange_mwh", -1)),
    Kpi("shed_mwh", "MWh", "Load taken off for a solution of the power flow", lambda s: s.sum("shed_mwh")),
    Kpi("peer_cost_eur", "EUR", "What all peers paid, minus what they received", Seen.peers_eur),
    Kpi("supplier_eur", "EUR", "What the supplier received, minus what it paid", lambda s: -s.role_eur(Role.SUPPLIER)),
    Kpi("dso_cost_eur", "EUR", "What the DSO paid, minus what it received", lambda s: s.role_eur(Role.DSO)),
    Kpi("tso_cost_eur", "EUR", "What the TSO paid for regulation, minus what it received", Seen.tso_eur),
    Kpi("tso_request_mwh", "MWh", "Regulation requested, either way", lambda s: s.magnitude("tso_request_mw")),
    Kpi("tso_delivered_mwh", "MWh", "Regulation delivered, either way", lambda s: s.magnitude("tso_delivered_mw")),
    Kpi("lowest_hz", "Hz", "Lowest frequency, as its deviation from nominal", lambda s: s.min("extreme_hz")),
    Kpi("highest_hz", "Hz", "Highest frequency, likewise", lambda s: s.max("extreme_hz")),
    Kpi("seconds_outside", "s", "Time outside the standard range of frequency", lambda s: s.sum("seconds_outside")),
    Kpi("afrr_up_mwh", "MWh", "Restoration reserve activated upward, whole area", lambda s: s.sum("afrr_up_mwh")),
    Kpi("afrr_down_mwh", "MWh", "The same, downward", lambda s: s.sum("afrr_down_mwh")),
)
"""Every closing figure, in the order they are shown."""


def kpis(run: Tables) -> dict[str, float]:
    """Return the closing figures of the steps logged, by name; NaN where there is nothing to measure."""
    hours, ledger = run.rows("hours"), run.rows("ledger")
    giver, taker = (ledger[name].combine_chunks() for name in ("giver", "taker"))
    names = dict.fromkeys((*giver.dictionary.to_pylist(), *taker.dictionary.to_pylist()))
    row = {name: row for row, name in enumerate(names)}
    codes = [
        np.array([row[name] for name in party.dictionary.to_pylist()], dtype=np.int64)[party.indices.to_numpy()]
        for party in (giver, taker)
    ]
    seen = Seen(
        hours=lambda name: np.asarray(hours[name].to_numpy(), dtype=np.float64),
        step_hours=run.manifest.step_seconds / SECONDS_PER_HOUR,
        parties=tuple(names),
        paid_eur=paid(codes[0], codes[1], ledger["amount_eur"].to_numpy(), len(names)),
    )
    return {kpi.name: figure(kpi, seen) for kpi in KPIS}


def figure(kpi: Kpi, seen: Seen) -> float:
    """Return one closing figure."""
    return kpi.of(seen) + 0.0  # no minus zero


def paid(giver: Ints, taker: Ints, amount_eur: Floats, n: int) -> Floats:
    """Return what each of ``n`` parties paid, net of what it received, by the rows of a ledger in their order."""
    return add_up(taker, amount_eur, n) - add_up(giver, amount_eur, n)


def write_kpis(folder: Path, figures: dict[str, float]) -> None:
    write_json(folder / FILE, {name: None if math.isnan(value) else value for name, value in figures.items()})


def reference() -> str:
    """Return the list of KPIs as Markdown, for docs/reference/log.md."""
    lines = ["| figure | unit | meaning |", "|---|---|---|"]
    return "\n".join([*lines, *(f"| `{kpi.name}` | {kpi.unit} | {kpi.meaning} |" for kpi in KPIS), ""])
