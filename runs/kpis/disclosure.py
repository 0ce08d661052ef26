"""Closing figures of what is said, and of what each role is told by it."""

from typing import Final

from peerflex.runs.kpis.seen import Kpi

DISCLOSURE: Final = (
    Kpi("messages", "1", "Messages, whoever sends them", lambda s: s.sum_if_logged("messages")),
    Kpi(
        "disclosed_values_dso",
        "1",
        "Values that the DSO is told: messages to it, times the fields of each",
        lambda s: s.sum_if_logged("disclosed_values_dso"),
    ),
    Kpi(
        "disclosed_values_mediator",
        "1",
        "The same of the mediator",
        lambda s: s.sum_if_logged("disclosed_values_mediator"),
    ),
    Kpi("disclosed_values_fmo", "1", "The same of the FMO", lambda s: s.sum_if_logged("disclosed_values_fmo")),
    Kpi(
        "disclosed_values_peers",
        "1",
        "The same of all peers together",
        lambda s: s.sum_if_logged("disclosed_values_peers"),
    ),
)
