"""Every table and column of the log, in one place: the writer, the reader and the reference page follow it."""

from typing import Final

from peerflex.runs.log.baseline_columns import history_baseline_mw
from peerflex.runs.log.columns import (
    Column,
    Table,
    at_own_bus,
    element,
    joined,
    per_hour,
    repeated,
    row_number,
    side,
    texts,
)
from peerflex.runs.log.dso_columns import injection_rate, last_resort_mw, withdrawal_rate
from peerflex.runs.log.mediation_columns import fees, private_value
from peerflex.runs.log.session_columns import of_orders, of_trades
from peerflex.runs.log.table_hours import HOURS

_ORDERS = "decision.orders"
_TRADES = "decision.result.trades"
_FLEX = "decision.flex"

PEERS: Final = Table(
    "peers",
    "One row a peer and step: what it did and what its meter saw.",
    "decision.load_mw",
    (
        Column("peer", "peer", repeated(lambda run: range(len(run.peers))), "The peer"),
        Column("load_mw", "float", joined("decision.load_mw"), "Consumption (a magnitude)"),
        Column("load_mvar", "float", joined("decision.load_mvar"), "Reactive consumption"),
        Column("pv_mw", "float", joined("decision.pv_mw"), "Generation: PV, and generators that were started"),
        Column(
            "battery_mw", "float", joined("decision.battery_mw"), "Discharge of the battery, negative when charging"
        ),
        Column("soc_mwh", "float", joined("decision.peers.soc_mwh"), "Energy in the battery after the step"),
        Column("contracted_mw", "float", joined("decision.contracted_mw"), "Sold in P2P and flexibility, minus bought"),
        Column("scheduled_mw", "float", joined("decision.scheduled_mw"), "Injection announced to the supplier"),
        Column("baseline_mw", "float", joined("decision.baseline_mw"), "The same without the LFM's activations"),
        Column("history_baseline_mw", "float", history_baseline_mw, "Baseline by its meter in the days before, if any"),
        Column("metered_mw", "float", joined("metered_mw"), "Injection metered"),
        Column("voltage_pu", "float", at_own_bus, "Voltage at its bus"),
        Column("last_resort_mw", "float", last_resort_mw, "Change of its injection that the last resort made"),
        Column("withdrawal_eur_per_mwh", "float", withdrawal_rate, "Network tariff: what it pays for withdrawal"),
        Column("injection_eur_per_mwh", "float", injection_rate, "Network tariff: what it is paid for injection"),
        Column(
            "private_value_eur",
            "float",
            per_hour(private_value),
            "What its assets took by trades and activations is worth to it, less what they gave costs it",
        ),
        Column("mediator_fee_eur", "float", per_hour(fees), "What it pays its mediator"),
    ),
)

ORDERS: Final = Table(
    "orders",
    "One row an order of the P2P market.",
    _ORDERS,
    (
        Column("order", "int", row_number(_ORDERS), "Number of the order within the step"),
        Column("peer", "peer", joined(f"{_ORDERS}.peer"), "Who offers"),
        Column("side", "side", side(f"{_ORDERS}.side"), "sell or buy"),
        Column("quantity_mw", "float", joined(f"{_ORDERS}.quantity_mw"), "Power offered"),
        Column(
            "price_eur_per_mwh", "float", joined(f"{_ORDERS}.price_eur_per_mwh"), "A seller's cost, a buyer's value"
        ),
        Column(
            "dispatchable", "bool", joined(f"{_ORDERS}.dispatchable"), "Whether it moves an asset only if it trades"
        ),
        Column(
            "slope_eur_per_mwh2",
            "float",
            joined(f"{_ORDERS}.slope_eur_per_mwh2"),
            "Rise of the cost, or fall of the value, per MW",
        ),
        Column(
            "premium_eur_per_mwh",
            "float",
            joined(f"{_ORDERS}.premium_eur_per_mwh"),
            "How far the price is beyond the true one",
        ),
        Column(
            "penalty_eur_per_mwh",
            "float",
            joined(f"{_ORDERS}.penalty_eur_per_mwh"),
            "What not serving it counts against welfare",
        ),
        Column("start_s", "int", joined(f"{_ORDERS}.start_s"), "Start of delivery, seconds from the scenario's start"),
        Column("duration_s", "int", joined(f"{_ORDERS}.duration_s"), "Length of delivery"),
        Column("accepted_mw", "float", joined("decision.result.accepted_mw"), "Power that found a partner"),
        Column("session", "session", of_orders, "When it was made: intraday or day-ahead"),
    ),
)

TRADES: Final = Table(
    "trades",
    "One row a trade between two peers.",
    _TRADES,
    (
        Column("seller", "peer", joined(f"{_TRADES}.seller"), "Who sells"),
        Column("buyer", "peer", joined(f"{_TRADES}.buyer"), "Who buys"),
        Column("sell_order", "int", joined(f"{_TRADES}.sell_order"), "Order of the seller, in the same step"),
        Column("buy_order", "int", joined(f"{_TRADES}.buy_order"), "Order of the buyer, in the same step"),
        Column("quantity_mw", "float", joined(f"{_TRADES}.quantity_mw"), "Power traded"),
        Column("price_eur_per_mwh", "float", joined(f"{_TRADES}.price_eur_per_mwh"), "Price agreed"),
        Column(
            "seller_premium_eur_per_mwh",
            "float",
            joined(f"{_TRADES}.seller_premium_eur_per_mwh"),
            "What the DSO pays the seller beside it",
        ),
        Column(
            "buyer_premium_eur_per_mwh",
            "float",
            joined(f"{_TRADES}.buyer_premium_eur_per_mwh"),
            "The same for the buyer",
        ),
        Column(
            "fee_eur_per_mwh",
            "float",
            joined(f"{_TRADES}.fee_eur_per_mwh"),
            "What the buyer pays the mediator beside it",
        ),
        Column("session", "session", of_trades, "When it was made: intraday or day-ahead"),
    ),
)

MESSAGES: Final = Table(
    "messages",
    "One row a kind of message between two roles in a step; docs of each kind: core/messages.py.",
    "messages",
    (
        Column("kind", "text", texts("messages", "kind"), "Kind of message"),
        Column("sender", "text", texts("messages", "sender"), "Role that tells"),
        Column("receiver", "text", texts("messages", "receiver"), "Role that is told"),
        Column("fields", "text", texts("messages", "fields"), "What each of them discloses"),
        Column("count", "int", texts("messages", "count"), "How many"),
    ),
)

BUSES: Final = Table(
    "buses",
    "One row a bus and step.",
    "state.v_pu",
    (
        Column("bus", "bus", repeated(lambda run: range(len(run.buses))), "The bus"),
        Column("v_pu", "float", joined("state.v_pu"), "Voltage"),
        Column("angle_rad", "float", joined("state.angle_rad"), "Voltage angle"),
        Column("p_mw", "float", joined("state.p_mw"), "Active injection"),
        Column("q_mvar", "float", joined("state.q_mvar"), "Reactive injection"),
        Column("shed_mw", "float", joined("state.shed_mw"), "Load (> 0) or generation (< 0) taken off"),
        Column("external_mw", "float", joined("external.p_mw"), "Active injection of coupled simulators"),
        Column("external_mvar", "float", joined("external.q_mvar"), "Reactive injection of coupled simulators"),
        Column("relief", "float", joined("decision.signal.relief"), "The DSO's signal: > 0 more injection helps here"),
    ),
)

BRANCHES: Final = Table(
    "branches",
    "One row a line or transformer and step.",
    "state.loading",
    (
        Column("branch", "branch", repeated(lambda run: range(len(run.branches))), "The line or transformer"),
        Column("loading", "float", joined("state.loading"), "Loading, 1.0 at the rating"),
        Column("flow_mw", "float", joined("state.flow_mw"), "Flow into the branch at its from-bus"),
        Column(
            "forecast_loading",
            "float",
            joined("decision.outlook.forecast.loading"),
            "Loading the DSO expected before trading",
        ),
        Column(
            "pre_lfm_loading",
            "float",
            joined("decision.outlook.traded.loading"),
            "Loading the DSO expected after trading, before flexibility",
        ),
        Column("at_risk", "bool", joined("decision.signal.at_risk"), "Whether the DSO worried about it beforehand"),
    ),
)

VIOLATIONS: Final = Table(
    "violations",
    "One row a limit that was not kept.",
    "violations",
    (
        Column("limit_kind", "limit", joined("violations.is_voltage"), "voltage (of a bus) or loading (of a branch)"),
        Column("bus", "bus", element("violations", True), "The bus, if a voltage"),
        Column("branch", "branch", element("violations", False), "The branch, if a loading"),
        Column("value", "float", joined("violations.value"), "Voltage in pu, or loading"),
        Column("limit", "float", joined("violations.limit"), "The limit"),
        Column("excess", "float", joined("violations.excess"), "How far beyond the limit, > 0"),
        Column("cause", "cause", joined("causes"), "What would have had to be otherwise for it to be kept"),
    ),
)

NEEDS: Final = Table(
    "needs",
    "One row a limit that the flexibility market was asked to keep; branch rows are signed loadings.",
    "decision.need",
    (
        Column(
            "limit_kind", "limit", joined("decision.need.is_voltage"), "voltage (of a bus) or loading (of a branch)"
        ),
        Column("bus", "bus", element("decision.need", True), "The bus, if a voltage"),
        Column("branch", "branch", element("decision.need", False), "The branch, if a loading"),
        Column("value", "float", joined("decision.need.value"), "Expected before any activation"),
        Column("lower", "float", joined("decision.need.lower"), "Lower limit"),
        Column("upper", "float", joined("decision.need.upper"), "Upper limit"),
        Column("mw_per_unit", "float", joined("decision.need.mw_per_unit"), "MW that one unit of value is"),
        Column("missing_mw", "float", joined(f"{_FLEX}.missing_mw"), "Relief that nobody offered"),
        Column(
            "multiplier_eur_per_mwh",
            "float",
            joined(f"{_FLEX}.multiplier_eur_per_mwh"),
            "Worth of one more MWh of relief",
        ),
    ),
)

FLEX: Final = Table(
    "flex",
    "One row an offer of flexibility.",
    "decision.offers",
    (
        Column("order", "int", joined("decision.offers.order"), "Order it is left from, in the same step"),
        Column("peer", "peer", joined("decision.offers.peer"), "Who offers"),
        Column("bus", "bus", joined("decision.offers.bus"), "Where"),
        Column("direction", "direction", side("decision.offers.side"), "up (more injection) or down"),
        Column("quantity_mw", "float", joined("decision.offers.quantity_mw"), "Power offered"),
        Column(
            "price_eur_per_mwh", "float", joined("decision.offers.price_eur_per_mwh"), "Price asked (up) or paid (down)"
        ),
        Column("least_share", "float", joined("decision.offers.least_share"), "Share below which it is not activated"),
        Column("accepted_mw", "float", joined(f"{_FLEX}.accepted_mw"), "Power activated"),
        Column("paid_eur_per_mwh", "float", joined(f"{_FLEX}.price_eur_per_mwh"), "Price it is settled at"),
    ),
)

LEDGER: Final = Table(
    "ledger",
    "One row an entry: who gave energy to whom and was paid for it.",
    "ledger",
    (
        Column("giver", "party", joined("ledger.giver"), "Peer or role that gives energy"),
        Column("taker", "party", joined("ledger.taker"), "Peer or role that takes and pays"),
        Column("reason", "reason", joined("ledger.reason"), "Why"),
        Column("energy_mwh", "float", joined("ledger.energy_mwh"), "Energy from giver to taker"),
        Column("amount_eur", "float", joined("ledger.amount_eur"), "Money from taker to giver"),
    ),
)

EVENTS: Final = Table(
    "events",
    "One row a thing out of the ordinary, with its consequence.",
    "events",
    (
        Column("kind", "text", texts("events", "kind"), "Kind of event"),
        Column("where", "text", texts("events", "where"), "Where"),
        Column("what", "text", texts("events", "what"), "What happened"),
        Column("consequence", "text", texts("events", "consequence"), "What follows from it"),
    ),
)

TABLES: Final = (
    HOURS, PEERS, ORDERS, TRADES, MESSAGES, BUSES, BRANCHES, VIOLATIONS, NEEDS, FLEX, LEDGER, EVENTS,
)  # fmt: skip


def reference() -> str:
    """Return the list of tables and columns as Markdown: the core of docs/reference/log.md."""
    lines = []
    for table in TABLES:
        lines += [f"### {table.name}", "", table.meaning, "", "| column | values | meaning |", "|---|---|---|"]
        lines += [f"| `{column.name}` | {column.kind} | {column.meaning} |" for column in table.columns]
        lines.append("")
    return "\n".join(lines)
