"""What roles say to each other. Each kind lists its fields: the log counts from it what each role discloses.

The values of a batch of messages stand in the table named beside its kind (one row a message).
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MessageKind:
    """A kind of message: who may send it to whom, which fields it carries, which table holds them."""

    name: str
    senders: tuple[str, ...]
    receivers: tuple[str, ...]
    fields: tuple[str, ...]
    table: str


_ORDER = ("side", "quantity_mw", "price_eur_per_mwh", "start_s", "duration_s")

KINDS: dict[str, MessageKind] = {
    kind.name: kind
    for kind in (
        MessageKind("state-report", ("grid",), ("dso",), ("v_pu", "loading", "flow_mw", "p_mw", "q_mvar"), "buses"),
        MessageKind("own-voltage", ("grid",), ("peer",), ("v_pu",), "buses"),
        MessageKind("signal", ("dso",), ("peer", "mediator"), ("relief", "at_risk"), "buses"),
        MessageKind(
            "trade-terms", ("dso",), ("peer", "mediator"), ("blocked", "gain_factor", "cost_factor", "charges"), "hours"
        ),
        MessageKind("flexibility-call", ("dso",), ("peer",), ("called_share",), "hours"),
        MessageKind("bid", ("peer",), ("mediator", "peer"), _ORDER, "orders"),
        MessageKind(
            "negotiation", ("peer", "mediator"), ("peer", "mediator"), ("quantity_mw", "price_eur_per_mwh"), "hours"
        ),
        MessageKind("award", ("mediator", "peer"), ("peer",), ("quantity_mw", "price_eur_per_mwh"), "trades"),
        MessageKind("proposed-trades", ("mediator", "peer"), ("dso",), ("bus", "quantity_mw"), "trades"),
        MessageKind("check-answer", ("dso",), ("mediator", "peer"), ("accepted",), "hours"),
        MessageKind("flex-need", ("dso",), ("fmo",), ("element", "value", "lower", "upper", "by_mw"), "needs"),
        MessageKind("flex-offer", ("peer", "mediator"), ("fmo", "mediator"), ("bus", *_ORDER), "flex"),
        MessageKind(
            "activation", ("fmo", "mediator"), ("peer", "mediator"), ("accepted_mw", "price_eur_per_mwh"), "flex"
        ),
        MessageKind("flex-result", ("fmo",), ("dso",), ("accepted_mw", "cost_eur", "missing_mw"), "flex"),
        MessageKind(
            "network-tariff", ("dso",), ("peer",), ("withdrawal_eur_per_mwh", "injection_eur_per_mwh"), "peers"
        ),
        MessageKind("last-resort-call", ("dso",), ("peer",), ("last_resort_mw",), "peers"),
        MessageKind("schedule", ("peer",), ("supplier", "dso"), ("scheduled_mw",), "peers"),
        MessageKind("regulation-request", ("tso",), ("fmo", "mediator"), ("direction", "quantity_mw"), "flex"),
        MessageKind("regulation-offer", ("mediator", "fmo"), ("tso",), ("direction", "quantity_mw"), "flex"),
        MessageKind("meter-reading", ("meter",), ("supplier", "dso"), ("injection_mwh",), "peers"),
        MessageKind("bill", ("supplier",), ("peer",), ("energy_mwh", "amount_eur"), "ledger"),
    )
}
"""Every kind of message by name, Mediator and TSO included."""
