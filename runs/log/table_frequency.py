"""Columns of the table ``hours`` about the TSO's regulation and the area's frequency; empty where there is neither."""

from typing import Final

from peerflex.runs.log.columns import Column, each, of_frequency, per_hour, system_state

REGULATION: Final = (
    Column("tso_request_mw", "float", each("decision.regulation.request_mw"), "Regulation the TSO asked for, > 0 up"),
    Column("tso_contracted_mw", "float", each("decision.regulation.contracted_mw"), "What it contracted of that"),
    Column(
        "tso_change_mw",
        "float",
        each("decision.regulation.change_mw"),
        "What schedules below the upstream bus are beyond those without the TSO; 0 without a contract",
    ),
    Column("tso_price_eur_per_mwh", "float", each("decision.regulation.price_eur_per_mwh"), "What it paid, on average"),
    Column(
        "tso_value_eur", "float", per_hour(each("decision.regulation.value_eur_per_h")), "What that is worth to itself"
    ),
    Column("tso_delivered_mw", "float", each("delivered_mw"), "What the upstream meter saw of that"),
    Column("rocof_hz_per_s", "float", of_frequency("rocof_hz_per_s"), "Frequency of the area: its steepest change"),
    Column("extreme_hz", "float", of_frequency("extreme_hz"), "Nadir (< 0) or zenith: largest deviation from nominal"),
    Column("extreme_at_s", "float", of_frequency("extreme_at_s"), "When, seconds into the step"),
    Column("quasi_steady_hz", "float", of_frequency("quasi_steady_hz"), "Deviation at the end of the step"),
    Column("seconds_outside", "float", of_frequency("seconds_outside"), "Time outside the standard range, +-50 mHz"),
    Column("fcr_up_mwh", "float", of_frequency("fcr_up_mwh"), "Containment reserve activated upward, whole area"),
    Column("fcr_down_mwh", "float", of_frequency("fcr_down_mwh"), "The same, downward"),
    Column("afrr_up_mwh", "float", of_frequency("afrr_up_mwh"), "Restoration reserve activated upward, whole area"),
    Column("afrr_down_mwh", "float", of_frequency("afrr_down_mwh"), "The same, downward"),
    Column("regulation_mwh", "float", of_frequency("p2p_mwh"), "Regulation of all feeders, upward minus downward"),
    Column("fcr_saturated_s", "float", of_frequency("fcr_saturated_s"), "For how long all of the FCR was called"),
    Column("afrr_saturated_s", "float", of_frequency("afrr_saturated_s"), "The same for the aFRR"),
    Column("system_state", "text", system_state, "State of the guideline: normal, alert, emergency, blackout"),
)
