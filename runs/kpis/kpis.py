"""Closing figures of a run, from its tables ``hours``, ``ledger`` and ``violations``: of a log, or in memory."""

import math
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute

from peerflex.core.arrays import Floats, Ints, add_up
from peerflex.core.causes import MEANINGS, Cause, column_of
from peerflex.core.parties import Role
from peerflex.core.units import SECONDS_PER_HOUR
from peerflex.runs.kpis.bills import BILLS
from peerflex.runs.kpis.disclosure import DISCLOSURE
from peerflex.runs.kpis.dso import DSO_PAYMENTS
from peerflex.runs.kpis.mediation import MEDIATION
from peerflex.runs.kpis.seen import Kpi, Seen
from peerflex.runs.kpis.settled import SETTLED
from peerflex.runs.log.limit_columns import missing_mva
from peerflex.runs.log.manifest import Manifest
from peerflex.runs.log.store import write_json
from peerflex.scenarios.schema import CUSTOMERS

FILE: Final = "kpis.json"


class Tables(Protocol):
    """Where a run's tables are read: on disk, or in a session that is going on."""

    @property
    def manifest(self) -> Manifest: ...

    def rows(self, name: str, first: int = 0, last: int | None = None) -> pa.Table: ...


KPIS: Final = (
    Kpi("violation_hours", "h", "Time in which a limit was not kept", lambda s: s.hours_with("violations")),
    Kpi(
        "congested_hours",
        "h",
        "Time in which the limit of a branch was not kept",
        lambda s: s.if_logged("congested", s.hours_with("congested")),
    ),
    *(
        Kpi(
            f"limit_hours_{why.name.lower()}",
            "h",
            f"Time times limits not kept because {MEANINGS[why]}",
            partial(Seen.time_of, column=column_of(why)),
        )
        for why in Cause
    ),
    Kpi("overload_mwh", "MVAh", "Power above the limits of branches, times time", lambda s: s.sum("overload_mwh")),
    Kpi(
        "reinforcement_mva",
        "MVA",
        "What ratings of branches would have to be higher by, added up, for every limit to be kept",
        lambda s: math.fsum(s.missing_mva),
    ),
    Kpi(
        "voltage_excursion_pu_h",
        "pu h",
        "How far the worst voltage is beyond its limit, times time",
        lambda s: s.sum_if_logged("voltage_excursion_pu") * s.step_hours,
    ),
    Kpi("lowest_voltage_pu", "pu", "Lowest voltage anywhere", lambda s: s.min("lowest_voltage_pu")),
    Kpi("highest_voltage_pu", "pu", "Highest voltage anywhere", lambda s: s.max("highest_voltage_pu")),
    Kpi("highest_loading", "1", "Highest loading of a branch, 1.0 at its rating", lambda s: s.max("highest_loading")),
    Kpi(
        "p2p_mwh",
        "MWh",
        "Energy of all trades between peers; who both buys and sells in a step counts with both",
        lambda s: s.sum("p2p_mwh"),
    ),
    Kpi(
        "p2p_net_mwh",
        "MWh",
        "What peers sold on balance of that, step by step: the same whoever is paired with whom",
        lambda s: s.sum_if_logged("p2p_net_mwh"),
    ),
    Kpi(
        "day_ahead_mwh", "MWh", "Energy that they traded day-ahead, of that", lambda s: s.sum_if_logged("day_ahead_mwh")
    ),
    Kpi("p2p_price_eur_per_mwh", "EUR/MWh", "Its price, averaged by volume", Seen.p2p_price),
    Kpi(
        "preferred_share",
        "1",
        "Share of the energy traded between peers that one of the two sides prefers, if any peer has a preference",
        Seen.preferred,
    ),
    Kpi(
        "p2p_objective_eur",
        "EUR",
        "What the P2P market maximised, if it optimises",
        lambda s: s.sum_if_logged("p2p_objective_eur"),
    ),
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
        "welfare_after_lfm_eur",
        "EUR",
        "Welfare less what the DSO paid for flexibility",
        lambda s: s.sum("welfare_eur") - s.sum("lfm_cost_eur"),
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
    Kpi("p2p_rounds", "1", "Rounds of the P2P market", lambda s: s.sum_if_logged("p2p_rounds")),
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
        "pre_lfm_unprotected",
        "1",
        "Branches above their limit after trading that the DSO's incentive had not spoken for: most in a step",
        lambda s: s.max("pre_lfm_unprotected"),
    ),
    Kpi(
        "pre_lfm_unprotected_mva",
        "MVA",
        "Power above the limits of those branches, added up: most in a step",
        lambda s: s.max("pre_lfm_unprotected_mva"),
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
    *MEDIATION,
    *SETTLED,
    Kpi(
        "lfm_delivered_share",
        "1",
        "Share of the flexibility activated that was delivered: all but what failing peers left undelivered",
        Seen.lfm_delivered,
    ),
    Kpi("missing_mwh", "MWh", "Relief that nobody offered, where most was missing", Seen.missing_mwh),
    Kpi("losses_mwh", "MWh", "Consumption of the network itself", lambda s: s.sum("losses_mwh")),
    Kpi("import_mwh", "MWh", "Energy from the upstream grid", lambda s: s.sum_of("exchange_mwh", 1)),
    Kpi("export_mwh", "MWh", "Energy to the upstream grid", lambda s: s.sum_of("exchange_mwh", -1)),
    Kpi("shed_mwh", "MWh", "Load taken off for a solution of the power flow", lambda s: s.sum("shed_mwh")),
    Kpi("peer_cost_eur", "EUR", "What all peers paid, minus what they received", Seen.peers_eur),
    Kpi(
        "trader_cost_eur",
        "EUR",
        "The same of those in a group: peers that trade or offer flexibility",
        lambda s: s.peers_eur() - s.customers_eur(),
    ),
    Kpi("customer_cost_eur", "EUR", "The same of those who deal with the supplier only", Seen.customers_eur),
    Kpi("supplier_eur", "EUR", "What the supplier received, minus what it paid", lambda s: -s.role_eur(Role.SUPPLIER)),
    Kpi("dso_cost_eur", "EUR", "What the DSO paid, minus what it received", lambda s: s.role_eur(Role.DSO)),
    *BILLS,
    *DISCLOSURE,
    *DSO_PAYMENTS,
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
    hours, manifest = run.rows("hours"), run.manifest
    parties, paid_eur = paid_by_party(run)
    seen = Seen(
        hours=lambda name: np.asarray(hours[name].to_numpy(), dtype=np.float64),
        step_hours=manifest.step_seconds / SECONDS_PER_HOUR,
        parties=parties,
        customers=customers_of(manifest.peers, manifest.peer_groups),
        missing_mva=_missing_mva(run.rows("violations"), manifest),
        paid_eur=paid_eur,
    )
    return {kpi.name: figure(kpi, seen) for kpi in KPIS}


def paid_by_party(run: Tables) -> tuple[tuple[str, ...], Floats]:
    """Return the parties of the ledger and what each paid, net of what it received, in EUR ``(parties,)``."""
    ledger = run.rows("ledger")
    giver, taker = (ledger[name].combine_chunks() for name in ("giver", "taker"))
    names = dict.fromkeys((*giver.dictionary.to_pylist(), *taker.dictionary.to_pylist()))
    row = {name: row for row, name in enumerate(names)}
    codes = [
        np.array([row[name] for name in party.dictionary.to_pylist()], dtype=np.int64)[party.indices.to_numpy()]
        for party in (giver, taker)
    ]
    return tuple(names), paid(codes[0], codes[1], ledger["amount_eur"].to_numpy(), len(names))


def customers_of(peers: Sequence[str], groups: Sequence[str]) -> frozenset[str]:
    """Return the peers that are in no group."""
    return frozenset(peer for peer, group in zip(peers, groups, strict=True) if group == CUSTOMERS)


def _missing_mva(violations: pa.Table, manifest: Manifest) -> Floats:
    rows = violations.filter(pyarrow.compute.is_valid(violations["branch"]))
    branch = rows["branch"].combine_chunks()
    rating = dict(zip(manifest.branches, manifest.branch_rating_mva, strict=True))
    rating_mva = np.array([rating[name] or 0.0 for name in branch.dictionary.to_pylist()])
    excess, limit = (rows[name].to_numpy() for name in ("excess", "limit"))
    return missing_mva(rating_mva, branch.indices.to_numpy(), excess, limit)


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
