"""Closing figures of mediators, and of what the market operator noticed of them."""

from typing import Final

from peerflex.core.parties import Role
from peerflex.runs.kpis.seen import Kpi

MEDIATION: Final = (
    Kpi(
        "lfm_reversal_mwh",
        "MWh",
        "Activations that undo trades of the same peer",
        lambda s: s.sum_if_logged("lfm_reversal_mwh"),
    ),
    Kpi(
        "lfm_rejected",
        "1",
        "Offers of flexibility that were too small for the market",
        lambda s: s.sum_if_logged("lfm_rejected"),
    ),
    Kpi(
        "lfm_ask_excess_eur_per_mwh",
        "EUR/MWh",
        "Gap of an activated ask to the next cheaper one of another seller: largest in a step (with a monitor)",
        lambda s: s.max("lfm_ask_excess_eur_per_mwh"),
    ),
    Kpi(
        "flagged_hours",
        "h",
        "Time that the monitor of the flexibility market flags",
        lambda s: s.if_logged("flagged", s.hours_with("flagged")),
    ),
    Kpi("mediator_eur", "EUR", "What mediators received, minus what they paid", lambda s: -s.role_eur(Role.MEDIATOR)),
)
