"""The table ``hours`` of the log: every step in figures."""

from typing import Final

from peerflex.core.causes import MEANINGS, Cause, column_of
from peerflex.runs.log.bill_columns import withdrawn, withdrawn_by_customers
from peerflex.runs.log.columns import (
    Column,
    Table,
    added,
    count,
    diagnostic,
    diagnostic_method,
    each,
    largest,
    mean,
    peak,
    peak_row,
    per_hour,
    positive,
    total,
)
from peerflex.runs.log.disclosure import disclosed_to, messages
from peerflex.runs.log.dso_columns import availability, network_tariff
from peerflex.runs.log.limit_columns import caused_by, congested, overload_mva, voltage_excursion_pu
from peerflex.runs.log.mediation_columns import noticed, undone
from peerflex.runs.log.session_columns import traded_day_ahead
from peerflex.runs.log.settled_columns import SETTLED
from peerflex.runs.log.table_frequency import REGULATION
from peerflex.runs.log.trade_columns import net_sold, penalties, premium, unserved, welfare

_ORDERS = "decision.orders"
_TRADES = "decision.result.trades"
_FLEX = "decision.flex"

HOURS: Final = Table(
    "hours",
    "One row a step: the step in figures.",
    None,
    (
        Column("orders", "int", count(_ORDERS), "Orders of the P2P market"),
        Column("trades", "int", count(_TRADES), "Trades of the P2P market"),
        Column("p2p_mwh", "float", per_hour(total(f"{_TRADES}.quantity_mw")), "Energy of all trades between peers"),
        Column(
            "p2p_net_mwh",
            "float",
            per_hour(net_sold),
            "Energy that peers sold to others on balance: sales less purchases of each, whoever is paired with whom",
        ),
        Column(
            "day_ahead_mwh",
            "float",
            per_hour(added(_TRADES, traded_day_ahead)),
            "Energy traded day-ahead, of that",
        ),
        Column(
            "p2p_price_eur_per_mwh",
            "float",
            mean(f"{_TRADES}.price_eur_per_mwh", f"{_TRADES}.quantity_mw"),
            "Price of the trades, averaged by volume",
        ),
        Column(
            "preferred_mwh",
            "float",
            per_hour(each("decision.preferred_mw")),
            "Energy traded as one of the two sides prefers, if any peer has a preference",
        ),
        Column(
            "clearing_price_eur_per_mwh",
            "float",
            each("decision.result.price_eur_per_mwh"),
            "Price that cleared, if one",
        ),
        Column(
            "p2p_objective_eur",
            "float",
            per_hour(each("decision.result.objective_eur_per_h")),
            "What the market maximised, if it optimises",
        ),
        Column("p2p_rounds", "int", each("decision.result.rounds"), "Rounds in which the market found them"),
        Column(
            "p2p_messages",
            "int",
            each("decision.result.messages"),
            "Messages it took, beside bids and awards",
        ),
        Column("p2p_gap", "float", each("decision.result.gap"), "Its distance to the best bound proven, relative"),
        Column(
            "welfare_eur",
            "float",
            per_hour(added(_ORDERS, welfare)),
            "What trades are worth to buyers, less what they cost sellers, at true prices",
        ),
        Column(
            "extra_flexibility_mwh",
            "float",
            per_hour(added(_ORDERS, unserved)),
            "What peers gave up beyond what they offer of themselves",
        ),
        Column("extra_penalty_eur", "float", per_hour(added(_ORDERS, penalties)), "What that counts against welfare"),
        Column("called_share", "float", each("decision.effort.called_share"), "Largest share that the DSO called on"),
        Column("clearings", "int", each("decision.effort.clearings"), "Clearings of the P2P market"),
        Column("dso_flows", "int", each("decision.effort.flows"), "Power flows of the DSO's service"),
        Column("settled", "bool", each("decision.effort.settled"), "Whether its service came to terms with the peers"),
        Column(
            "incentive_cost_eur",
            "float",
            per_hour(added(_TRADES, premium)),
            "What the DSO pays for its terms of trade, if they are money",
        ),
        Column(
            "pre_lfm_congested",
            "int",
            each("decision.outlook.congested_count"),
            "Branches above their limit after trading, before flexibility (the DSO's model)",
        ),
        Column(
            "pre_lfm_overflow_mva",
            "float",
            total("decision.outlook.overflow_mva"),
            "Power above their limits, added up",
        ),
        Column(
            "pre_lfm_overflow_average_mva",
            "float",
            each("decision.outlook.overflow_average_mva"),
            "The same averaged over congested branches by their limits",
        ),
        Column(
            "pre_lfm_worsened",
            "int",
            each("decision.outlook.worsened_count"),
            "Branches at or above dso.at_risk_loading in the forecast that trading loads further, flowing the same way",
        ),
        Column(
            "pre_lfm_unprotected",
            "float",
            each("decision.outlook.unprotected_count"),
            "Branches above their limit after trading that the incentive had not spoken for (NaN: it speaks for none)",
        ),
        Column(
            "pre_lfm_unprotected_mva",
            "float",
            total("decision.outlook.unprotected_overflow_mva"),
            "Power above their limits, added up",
        ),
        Column("lfm_mwh", "float", per_hour(total(f"{_FLEX}.accepted_mw")), "Flexibility activated, both directions"),
        Column("lfm_cost_eur", "float", per_hour(each(f"{_FLEX}.cost_eur_per_h")), "What the DSO pays for it"),
        Column("lfm_residual_mwh", "float", per_hour(each(f"{_FLEX}.residual_mw")), "Upward minus downward"),
        Column("lfm_reversal_mwh", "float", per_hour(undone), "Activations that undo trades of the same peer"),
        Column("lfm_rejected", "int", noticed("rejected"), "Offers of flexibility that were too small"),
        Column(
            "lfm_ask_excess_eur_per_mwh",
            "float",
            noticed("ask_excess_eur_per_mwh"),
            "Largest gap of an activated ask to the next cheaper one of another seller (with a monitor)",
        ),
        Column("flagged", "int", noticed("flagged"), "Whether the monitor flags the step: 1, or 0"),
        Column(
            "undelivered_mwh",
            "float",
            per_hour(each("decision.undelivered_mw")),
            "What failing peers did not move of what they had sold or bought on balance",
        ),
        Column(
            "lfm_undelivered_mwh",
            "float",
            per_hour(each("decision.lfm_undelivered_mw")),
            "Activations of the flexibility market that they did not deliver",
        ),
        Column(
            "last_resort_mwh",
            "float",
            per_hour(total("decision.last_resort.result.accepted_mw")),
            "Activated as a last resort, both directions",
        ),
        Column(
            "last_resort_cost_eur",
            "float",
            per_hour(each("decision.last_resort.result.cost_eur_per_h")),
            "What the DSO pays for it",
        ),
        Column(
            "last_resort_missing_mw",
            "float",
            largest("decision.last_resort.result.missing_mw"),
            "Relief that it did not find, where most is missing",
        ),
        Column(
            "availability_eur", "float", availability, "What the DSO pays for agreements and contracts, called or not"
        ),
        Column("network_tariff_eur", "float", network_tariff, "What peers pay for the network by its tariff"),
        Column(
            "missing_mw", "float", largest(f"{_FLEX}.missing_mw"), "Relief that nobody offered, where most is missing"
        ),
        Column("highest_loading", "float", peak("state.loading", 1), "Highest branch loading, 1.0 at the rating"),
        Column("highest_loading_branch", "branch", peak_row("state.loading", 1), "Where"),
        Column("lowest_voltage_pu", "float", peak("state.v_pu", -1), "Lowest bus voltage"),
        Column("lowest_voltage_bus", "bus", peak_row("state.v_pu", -1), "Where"),
        Column("highest_voltage_pu", "float", peak("state.v_pu", 1), "Highest bus voltage"),
        Column("highest_voltage_bus", "bus", peak_row("state.v_pu", 1), "Where"),
        Column("violations", "int", count("violations"), "Limits that were not kept"),
        *(Column(column_of(why), "int", caused_by(why), f"Of the limits not kept: {MEANINGS[why]}") for why in Cause),
        Column("congested", "int", congested, "Branches among them"),
        Column("voltage_excursion_pu", "float", voltage_excursion_pu, "How far the worst voltage is beyond its limit"),
        Column(
            "overload_mwh",
            "float",
            per_hour(added("violations", overload_mva)),
            "Power above branch limits times the step (MVAh)",
        ),
        Column("load_mwh", "float", per_hour(total("decision.load_mw")), "Consumption of the peers"),
        Column(
            "withdrawn_mwh", "float", withdrawn, "What the meters of the peers took, each by itself (the TSO left out)"
        ),
        Column(
            "customer_withdrawn_mwh", "float", withdrawn_by_customers, "That of those who deal with the supplier only"
        ),
        Column(
            "pv_mwh",
            "float",
            per_hour(total("decision.pv_mw")),
            "Generation of the peers: PV, and generators that were started",
        ),
        Column("battery_mwh", "float", per_hour(total("decision.battery_mw")), "Discharge minus charge"),
        Column("external_mwh", "float", per_hour(total("external.p_mw")), "Injection of coupled simulators"),
        Column("losses_mwh", "float", per_hour(each("state.loss_mw")), "Consumption of the network itself"),
        Column("exchange_mwh", "float", per_hour(each("interface_mw")), "Import from the upstream grid"),
        Column("exchange_mvarh", "float", per_hour(each("state.exchange_mvar")), "The same, reactive"),
        Column("shed_mwh", "float", per_hour(positive("state.shed_mw")), "Load taken off for a solution"),
        Column("lost_generation_mwh", "float", per_hour(positive("state.shed_mw", -1)), "Generation taken off"),
        Column(
            "method", "text", each("state.method"), "How the power flow was solved: zbus, newton, linear, +shed, dark"
        ),
        Column("iterations", "int", each("state.iterations"), "Iterations of the power flow"),
        Column("deviation_pu", "float", each("state.deviation_pu"), "Largest mismatch left in the power flow"),
        Column("ac_method", "text", diagnostic_method, "The same of the AC diagnostic (linear physics only)"),
        Column("ac_deviation_pu", "float", diagnostic(each("diagnostic.deviation_pu")), "AC diagnostic: mismatch"),
        Column("ac_highest_loading", "float", diagnostic(peak("diagnostic.loading", 1)), "AC diagnostic: loading"),
        Column("ac_lowest_voltage_pu", "float", diagnostic(peak("diagnostic.v_pu", -1)), "AC diagnostic: voltage"),
        Column("ac_highest_voltage_pu", "float", diagnostic(peak("diagnostic.v_pu", 1)), "AC diagnostic: voltage"),
        Column("ac_losses_mwh", "float", diagnostic(per_hour(each("diagnostic.loss_mw"))), "AC diagnostic: losses"),
        Column("ac_exchange_mwh", "float", per_hour(each("diagnostic_interface_mw")), "AC diagnostic: import"),
        Column("messages", "int", messages, "Messages, whoever sends them"),
        *(
            Column(f"disclosed_values_{whom}", "int", disclosed_to(role), f"Values that {name} told in messages")
            for whom, role, name in (
                ("dso", "dso", "the DSO is"),
                ("mediator", "mediator", "the mediator is"),
                ("fmo", "fmo", "the FMO is"),
                ("peers", "peer", "peers are"),
            )
        ),
        *SETTLED,
        *REGULATION,
    ),
)
