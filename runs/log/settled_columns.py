"""Columns of the table ``hours`` about imbalance, by who pays for it, and about flexibility as it was delivered."""

from typing import Final

from peerflex.runs.log.columns import Column, each

SETTLED: Final = (
    Column("imbalance_mwh", "float", each("settled.imbalance_mwh"), "What peers did other than announced, either way"),
    Column(
        "imbalance_cost_peers_eur",
        "float",
        each("settled.peers_eur"),
        "What that cost them more than if they had announced it",
    ),
    Column("imbalance_cost_mediator_eur", "float", each("settled.mediator_eur"), "What the mediator paid for it, net"),
    Column("imbalance_cost_supplier_eur", "float", each("settled.supplier_eur"), "What the supplier paid for it, net"),
    Column(
        "lfm_delivered_mwh",
        "float",
        each("settled.lfm_delivered_mwh"),
        "Flexibility activated, as meters saw it against the baselines",
    ),
    Column("lfm_paid_eur", "float", each("settled.lfm_paid_eur"), "What the DSO paid for it in settlement, net"),
    Column(
        "lfm_paid_not_moved_mwh",
        "float",
        each("settled.lfm_paid_not_moved_mwh"),
        "Flexibility settled that was not moved, against what peers announced",
    ),
    Column(
        "lfm_moved_not_paid_mwh",
        "float",
        each("settled.lfm_moved_not_paid_mwh"),
        "Flexibility moved that is not settled, likewise",
    ),
)
