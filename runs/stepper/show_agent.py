"""What the terminal shows of one peer in one step."""

from collections.abc import Iterator

import numpy as np

from peerflex.runs.stepper.print import kilo, number, table
from peerflex.runs.stepper.show import flex_table, orders_table, some, trades_table
from peerflex.runs.views import Activated, AgentView, Known


def agent_page(view: AgentView) -> None:
    """Print all that there is to see of a peer."""
    did, knew, owns = view.did, view.knew, view.assets
    table(
        f"{view.peer}: {view.group}{f' ({view.behaviour})' if view.behaviour else ''}, at {view.bus}",
        ("what", "value"),
        (
            *_stands(view),
            (
                "owns",
                f"PV {_known(owns.pv_mw)} kW, battery {_known(owns.battery_mwh)} kWh, {_known(owns.battery_mw)} kW",
            ),
            ("", f"generator {_known(owns.generator_mw)} kW, boiler {_known(owns.boiler_mw)} kW"),
            ("", f"({owns.note})"),
            ("knew", f"{_voltage(knew.voltage_pu)}, DSO's word {knew.relief:+.2f}"),
            ("", f"buys at {knew.retail_eur_per_mwh:g}, sells at {knew.feed_in_eur_per_mwh:g} EUR/MWh"),
            *(("", each) for each in _network_tariff(knew)),
            ("did", f"load {kilo(did.load_mw)} kW, generation {kilo(did.pv_mw)} kW, battery {kilo(did.battery_mw)} kW"),
            ("stored", f"{kilo(did.soc_mwh)} kWh after the step"),
            ("sold", f"{kilo(did.contracted_mw)} kW (below 0: bought)"),
            *((("last resort", f"{kilo(did.last_resort_mw)} kW"),) if abs(did.last_resort_mw) > 0.0 else ()),
            *(_activated(view.activated) if view.activated is not None else ()),
            ("announced", f"{kilo(did.scheduled_mw)} kW"),
            ("metered", f"{kilo(did.metered_mw)} kW at {number(did.voltage_pu, 4)} pu"),
        ),
    )
    orders_table("its orders", view.orders)
    trades_table("its trades", view.trades)
    flex_table("its flexibility", view.flex)
    rows = [
        (row.reason, kilo(row.energy_mwh), number(row.amount_eur, 4), kilo(row.energy_so_far_mwh),
         number(row.amount_so_far_eur, 4))
        for row in view.money
    ]  # fmt: skip
    table("money received (below 0: paid)", ("for", " kWh", " EUR", " kWh so far", " EUR so far"), rows)


def _stands(view: AgentView) -> Iterator[tuple[str, str]]:
    """Say how a peer stands in the markets, where that is not by itself and for money alone."""
    if view.mediator:
        yield "mediator", view.mediator
    if view.preference:
        yield "prefers", view.preference
    if view.quoting:
        yield "quotes", view.quoting


def _network_tariff(knew: Known) -> Iterator[str]:
    withdrawal, injection = knew.withdrawal_eur_per_mwh, knew.injection_eur_per_mwh
    if abs(withdrawal) > 0.0 or abs(injection) > 0.0:
        yield f"network tariff: pays {withdrawal:g} for withdrawal, is paid {injection:g} for injection, EUR/MWh"


def _activated(found: Activated) -> Iterator[tuple[str, str]]:
    moved = "" if np.isnan(found.delivered_mw) else f", moved {kilo(found.delivered_mw)} kW of it"
    yield "activated", f"{kilo(found.change_mw)} kW{moved} (> 0: injects more)"
    if not np.isnan(found.by_history_mw):
        yield "", f"by its meter on the days before, which it is paid by: moved {kilo(found.by_history_mw)} kW"
    if found.beyond:
        yield "", f"the DSO expected beyond its limit: {some(found.beyond)}"


def _voltage(v_pu: float) -> str:
    return "no voltage" if np.isnan(v_pu) else f"voltage {v_pu:.4f} pu"  # in the first step, and in linear physics


def _known(value_mw: float) -> str:
    return kilo(value_mw, 1) or "?"
