"""Tables of a run's report: closing figures, violations, events, money."""

import math
from datetime import datetime
from typing import Final

import numpy as np
import pyarrow as pa

from peerflex.core.arrays import Floats
from peerflex.runs.kpis.kpis import KPIS, kpis
from peerflex.runs.log.reader import Run
from peerflex.runs.report.html import Html, join, table
from peerflex.runs.report.ledger import REASONS, Money
from peerflex.runs.report.numbers import Numbers

WORST: Final = 10
PEERS: Final = 5
MOST_EVENTS: Final = 50

Violation = tuple[datetime, str, float, float, float]
"""When, where, the value, its limit, and how far it is beyond."""


def figure_text(value: float | None, digits: int = 4) -> str:
    """Return a figure with some digits behind the point; '-' for none."""
    return "-" if value is None or not math.isfinite(value) else f"{value:,.{digits}f}"


def kpi_table(run: Run, reference: Run | None) -> Html:
    """Return the closing figures of what is logged, beside those without any market; computed from the log again."""
    ours, theirs = kpis(run), None if reference is None else kpis(reference)
    columns = ("run",) if theirs is None else ("run", "without market")
    values = [[each.get(kpi.name) for each in (ours, theirs) if each is not None] for kpi in KPIS]
    rows = [
        (kpi.name, *map(figure_text, value), kpi.unit, kpi.meaning) for kpi, value in zip(KPIS, values, strict=True)
    ]
    numbers = tuple((kpi.name, *value, kpi.unit) for kpi, value in zip(KPIS, values, strict=True))
    header = ("figure", *columns)
    return table("", (*header, "unit", "meaning"), rows, Numbers("kpis", (*header, "unit"), numbers))


def violation_tables(run: Run) -> Html:
    """Return the worst limits that were not kept, of loadings and of voltages."""
    found: dict[str, list[Violation]] = {"loading": [], "voltage": []}
    for point in run.checkpoints:
        part = run.part("violations", point.part)
        for kind, rows in found.items():
            rows += _worst(part, kind)
    return join(
        _violations(kind, sorted(rows, key=lambda row: -row[4])[:WORST]) for kind, rows in found.items() if rows
    )


def _violations(kind: str, rows: list[Violation]) -> Html:
    element, unit = ("bus", "pu") if kind == "voltage" else ("branch", "1.0 at the rating")
    texts = [(f"{row[0]:%Y-%m-%d %H:%M}", row[1], *(f"{value:.4f}" for value in row[2:])) for row in rows]
    header = ("time", element, f"value ({unit})", "limit", "beyond it")
    numbers = Numbers(f"worst-{kind}", header, tuple((row[0].isoformat(), *row[1:]) for row in rows))
    return table(f"The {len(rows)} worst {kind}s" if len(rows) > 1 else f"The worst {kind}", header, texts, numbers)


def _worst(part: pa.Table, kind: str) -> list[Violation]:
    part = part.filter(pa.compute.equal(part["limit_kind"].cast(pa.string()), kind))
    excess = np.asarray(part["excess"].to_numpy(), dtype=np.float64)
    part = part.take(np.argsort(-excess, kind="stable")[:WORST])
    element = "bus" if kind == "voltage" else "branch"
    columns = (part[name].to_pylist() for name in ("time", element, "value", "limit", "excess"))
    return list(zip(*columns, strict=True))


def event_table(run: Run) -> Html:
    """Return how often what happened that is out of the ordinary, and what followed from it."""
    keys = ["kind", "consequence"]
    rows = run.rows("events").group_by(keys).aggregate([("time", "count"), ("time", "min")])
    columns = [rows[name].to_pylist() for name in (*keys, "time_count", "time_min")]
    counted = sorted(zip(*columns, strict=True), key=lambda row: (-row[2], row[0], row[1]))
    found = [(*told, f"{first:%Y-%m-%d %H:%M}") for *told, first in counted]
    header = ("event", "consequence", "times", "first")
    return table("", header, found[:MOST_EVENTS], Numbers("events", header, tuple(found))) if found else Html("")


def money_tables(run: Run, money: Money, reference: Money | None) -> Html:
    """Return who received how much for what, and the peers that gained and lost most."""
    groups = np.array(money.groups, dtype=object)
    names = [name for name in dict.fromkeys(groups) if money.received_eur[groups == name].any()]
    by_group: Floats = np.array([money.received_eur[groups == name].sum(axis=0) for name in names])
    used = [row for row in range(len(REASONS)) if names and by_group[:, row].any()]
    rows = [(REASONS[row], by_group[:, row].tolist()) for row in used]
    rows.append(("all", by_group.sum(axis=1).tolist() if names else []))
    header = ("reason", *names)
    texts = [(reason, *(figure_text(eur, 2) for eur in amounts)) for reason, amounts in rows]
    caption = "Received less paid, in EUR, by reason and party. Every row adds up to zero."
    ledger = table(
        caption, header, texts, Numbers("ledger", header, tuple((reason, *amounts) for reason, amounts in rows))
    )
    return join([ledger, _peers(run, money, reference)])


def _peers(run: Run, money: Money, reference: Money | None) -> Html:
    n = len(run.manifest.peers)
    gain = money.received_eur[:n].sum(axis=1)
    if reference is not None and len(reference.parties) == len(money.parties):
        gain = gain - reference.received_eur[:n].sum(axis=1)
        header, told = ("peer", "group", "gain (EUR)"), "against the same without any market"
    else:
        header, told = ("peer", "group", "income less cost (EUR)"), "income less cost"
    order = np.argsort(-gain, kind="stable")
    shown = order if n <= 2 * PEERS else np.concatenate([order[:PEERS], order[-PEERS:]])
    rows = [_peer(run, gain, int(row)) for row in order]
    texts = [(*row[:2], figure_text(row[2], 2)) for row in (_peer(run, gain, int(each)) for each in shown)]
    caption = f"Peers that gained most and least: {told}"
    return table(caption, header, texts, Numbers("peers", header, tuple(rows))) if n else Html("")


def _peer(run: Run, gain_eur: Floats, row: int) -> tuple[str, str, float]:
    return run.manifest.peers[row], run.manifest.peer_groups[row], float(gain_eur[row])
