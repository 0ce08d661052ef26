"""Closing figures about imbalance, by who pays for it, and about flexibility as it was delivered."""

import math
from typing import Final

from peerflex.runs.kpis.seen import Kpi, Seen


def _metered_share(seen: Seen) -> float:
    activated = seen.sum("lfm_mwh")
    return seen.sum_if_logged("lfm_delivered_mwh") / activated if activated else math.nan


SETTLED: Final = (
    Kpi("imbalance_mwh", "MWh", "What peers did other than announced", lambda s: s.sum_if_logged("imbalance_mwh")),
    Kpi(
        "imbalance_cost_peers_eur",
        "EUR",
        "What that cost them more than if they had announced it",
        lambda s: s.sum_if_logged("imbalance_cost_peers_eur"),
    ),
    Kpi(
        "imbalance_cost_mediator_eur",
        "EUR",
        "What the mediator paid for it, minus what it received",
        lambda s: s.sum_if_logged("imbalance_cost_mediator_eur"),
    ),
    Kpi(
        "imbalance_cost_supplier_eur",
        "EUR",
        "The same of the supplier, upstream included",
        lambda s: s.sum_if_logged("imbalance_cost_supplier_eur"),
    ),
    Kpi(
        "lfm_metered_share",
        "1",
        "Share of the flexibility activated that meters saw against the baselines",
        _metered_share,
    ),
    Kpi(
        "lfm_paid_eur",
        "EUR",
        "What the DSO paid for flexibility in settlement, residual and penalties taken off",
        lambda s: s.sum_if_logged("lfm_paid_eur"),
    ),
    Kpi(
        "lfm_paid_not_moved_mwh",
        "MWh",
        "Flexibility settled that was not moved, against what peers announced",
        lambda s: s.sum_if_logged("lfm_paid_not_moved_mwh"),
    ),
    Kpi(
        "lfm_moved_not_paid_mwh",
        "MWh",
        "Flexibility moved that was not settled, likewise",
        lambda s: s.sum_if_logged("lfm_moved_not_paid_mwh"),
    ),
)
