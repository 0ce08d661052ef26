"""Closing figures of what the DSO pays and charges beside the flexibility market."""

from typing import Final

from peerflex.runs.kpis.seen import Kpi

DSO_PAYMENTS: Final = (
    Kpi(
        "last_resort_mwh",
        "MWh",
        "Activated after both markets, as a last resort",
        lambda s: s.sum_if_logged("last_resort_mwh"),
    ),
    Kpi("last_resort_cost_eur", "EUR", "What the DSO paid for that", lambda s: s.sum_if_logged("last_resort_cost_eur")),
    Kpi(
        "availability_eur",
        "EUR",
        "What the DSO paid for agreements and contracts, called or not",
        lambda s: s.sum_if_logged("availability_eur"),
    ),
    Kpi(
        "network_tariff_eur",
        "EUR",
        "What peers paid for the network by its tariff, less what they were paid",
        lambda s: s.sum_if_logged("network_tariff_eur"),
    ),
)
