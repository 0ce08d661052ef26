"""The panel of one peer: who it is, what it owns and knew, what it offered, did and was paid."""

from math import isnan
from typing import ClassVar, Final

from peerflex.core.errors import InputError
from peerflex.runs.session import Session
from peerflex.runs.studio.facts import Fact, Facts
from peerflex.runs.studio.fields import Values, choice, element, field, fill, form, put, submit
from peerflex.runs.studio.panel import Frame, Panel
from peerflex.runs.studio.panel_book import (
    FLEX,
    ORDERS,
    TRADES,
    flex_columns,
    flex_texts,
    order_columns,
    order_texts,
    trade_columns,
    trade_texts,
)
from peerflex.runs.studio.table import Column, TextTable, number
from peerflex.runs.studio.words import NONE, fixed, kilo, some
from peerflex.runs.views import AgentView, Known, agent_at, groups_in, standing_at

CUSTOMERS: Final = "customers"


class AgentPanel(Panel):
    """A peer, chosen by its name or by a bus of the map; its behaviour can be changed."""

    key: ClassVar[str] = "agent"
    title: ClassVar[str] = "Agent"

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._shown = frame.shown
        manifest = frame.shown.session.manifest
        self._peers = manifest.peers
        self._peer = next(
            (name for name, group in zip(manifest.peers, self._groups(), strict=True) if group != CUSTOMERS),
            manifest.peers[0] if manifest.peers else "",
        )
        self._named = self._filled = ""
        with form("agent-form", self._chosen):
            self._name = field("Agent", "agent-name", "name of a peer", suggest=self._like)
            submit("Show", "agent-show")
        self._who = Facts("Who it is", "agent-who")
        self._did = _titled("What it did in this hour", "agent-did")
        self._knew = _titled("What it knew before it bid", "agent-knew")
        self._owns = _titled("What it owns", "agent-owns")
        self._source = element("p", "", "studio-note", {"data-testid": "agent-source"})
        with form("agent-behaviour", self._behave):
            groups = [group["name"] for group in manifest.scenario.get("peers", ())]
            self._group = choice(
                "Behave from the next hour on like", "group", [(name, name) for name in (*groups, CUSTOMERS)]
            )
            submit("Change", "agent-change")
        money = (Column("Reason"), number("Energy", "kWh"), number("Money", "EUR"), number("Energy so far", "kWh"),
                 number("Money so far", "EUR"))  # fmt: skip
        self._money = TextTable("Money received (paid: below 0)", "agent-money", money, "No entries in the ledger.")
        self._orders = TextTable("Its orders", "agent-orders", ORDERS, "It offered nothing in this hour.", "Why?")
        self._trades = TextTable("Its trades", "agent-trades", TRADES, "It traded nothing in this hour.", "Why?")
        self._flex = TextTable("Its flexibility", "agent-flex", FLEX, "It offered no flexibility.", "Why?")
        self._orders.on_pick(lambda row: frame.ask("order", str(row)))
        self._trades.on_pick(lambda row: frame.ask("trade", str(row)))
        self._flex.on_pick(lambda row: frame.ask("offer", str(row)))

    def choose(self, peer: str) -> None:
        """Have this peer shown from now on.

        Raises:
            InputError: if there is none of this name.
        """
        if peer not in self._peers:
            what = f"there is no agent {peer!r}"
            raise InputError("agent", what, "Choose one of the list, or click a bus of the map.")
        self._peer, self._named = peer, ""

    def at_bus(self, bus: int) -> str | None:
        """Return the first peer at a bus, None if there is none."""
        places = self._shown.session.manifest.peer_bus
        return next((self._peers[row] for row, place in enumerate(places) if place == bus), None)

    async def show(self, step: int) -> None:
        if self._named != self._peer:  # once: later the user may be typing another
            self._named = self._peer
            fill(self._name, self._peer)
        if step < 0 or not self._peer:
            for facts in (self._did, self._knew, self._owns):
                facts.show(step, ())
            for table in (self._money, self._orders, self._trades, self._flex):
                table.show(step, ())
            put(self._source, "")
            self._who.show(step, [Fact("name", "Agent", self._peer or NONE)])
            return
        seen = await self._shown.call(lambda session: _view(session, step, self._peer))
        self._draw(step, seen)

    def _draw(self, step: int, seen: AgentView) -> None:
        self._who.show(step, _who(seen))
        self._did.show(step, _did(seen))
        self._knew.show(step, _knew(seen))
        self._owns.show(step, _owns(seen))
        put(self._source, f"Sizes: {seen.assets.note}.")
        if seen.peer != self._filled:  # once: later the user may have typed or chosen
            self._filled = seen.peer
            fill(self._group, seen.group)
        money = [
            [row.reason, kilo(row.energy_mwh, 3), fixed(row.amount_eur, 4), kilo(row.energy_so_far_mwh, 3),
             fixed(row.amount_so_far_eur, 4)]
            for row in seen.money
        ]  # fmt: skip
        self._money.show(step, money)
        orders, trades, flex = seen.orders, seen.trades, seen.flex
        self._orders.show(step, order_texts(orders), [row.order for row in orders], more=order_columns(orders))
        self._trades.show(step, trade_texts(trades), [row.trade for row in trades], more=trade_columns(trades))
        self._flex.show(step, flex_texts(flex), [row.offer for row in flex], more=flex_columns(flex))

    def _like(self, typed: str) -> list[tuple[str, str]]:
        manifest = self._shown.session.manifest
        rows = zip(manifest.peers, self._groups(), manifest.peer_bus, strict=True)
        found = []
        for name, group, bus in rows:
            if typed.lower() in name.lower():
                found.append((name, f"{group}, {manifest.buses[bus]}"))
                if len(found) == 30:
                    break
        return found

    def _groups(self) -> tuple[str, ...]:
        """Return in whose way each peer bids in the hour that is shown: someone may have changed it."""
        session = self._shown.session
        return groups_in(session, standing_at(session, max(session.cursor - 1, 0)))

    async def _chosen(self, values: Values) -> None:
        await self._frame.look_at(values["agent-name"].strip())

    async def _behave(self, values: Values) -> None:
        await self._frame.change({"agents": {self._peer: values["group"]}})


def _titled(title: str, testid: str) -> Facts:
    element("h3", title)
    return Facts(title, testid)


def _view(session: Session, step: int, peer: str) -> AgentView:
    owned = session.built.area.peers if session.live else None
    return agent_at(session, step, peer, owned)


def _who(seen: AgentView) -> list[Fact]:
    behaviour = seen.behaviour or "none: its supplier's only"
    return [
        Fact("name", "Agent", seen.peer),
        Fact("group", "Group", seen.group),
        Fact("behaviour", "Behaviour", behaviour),
        Fact("bus", "Bus", seen.bus),
        *([Fact("mediator", "Mediator", seen.mediator)] if seen.mediator else []),
        *([Fact("preference", "Prefers", seen.preference)] if seen.preference else []),
        *([Fact("quoting", "Quotes", seen.quoting)] if seen.quoting else []),
    ]


def _did(seen: AgentView) -> list[Fact]:
    did = seen.did
    return [
        Fact("metered", "Metered injection", kilo(did.metered_mw, 3), "kW"),
        Fact("scheduled", "Announced", kilo(did.scheduled_mw, 3), "kW"),
        Fact("contracted", "Sold less bought", kilo(did.contracted_mw, 3), "kW"),
        *_activated(seen),
        Fact("last-resort", "By the last resort", kilo(did.last_resort_mw, 3), "kW"),
        Fact("load", "Load", kilo(did.load_mw, 3), "kW"),
        Fact("pv", "Generation", kilo(did.pv_mw, 3), "kW"),
        Fact("battery", "Battery discharge", kilo(did.battery_mw, 3), "kW"),
        Fact("soc", "In the battery", kilo(did.soc_mwh, 3), "kWh"),
        Fact("voltage", "Voltage", fixed(did.voltage_pu, 4), "pu"),
    ]


def _knew(seen: AgentView) -> list[Fact]:
    knew = seen.knew
    helps = "more injection helps" if knew.relief > 0 else "less injection helps" if knew.relief < 0 else "nothing"
    return [
        Fact("voltage-before", "Own voltage one step ago", fixed(knew.voltage_pu, 4), "pu"),
        Fact("relief", "The DSO's word", fixed(knew.relief, 2), "of 1", helps),
        Fact("retail", "Supplier sells at", fixed(knew.retail_eur_per_mwh, 0), "EUR/MWh"),
        Fact("feed-in", "Supplier buys at", fixed(knew.feed_in_eur_per_mwh, 0), "EUR/MWh"),
        *_network_tariff(knew),
    ]


def _activated(seen: AgentView) -> list[Fact]:
    """Return what the flexibility market had it do, and what it did of that; nothing if it was not wanted."""
    found = seen.activated
    if found is None:
        return []
    expected = f"the DSO expected beyond its limit: {some(found.beyond)}" if found.beyond else ""
    by_history = Fact("by-history", "By its days before", kilo(found.by_history_mw, 3), "kW", "which it is paid by")
    return [
        Fact("activated", "Flexibility activated", kilo(found.change_mw, 3), "kW", expected),
        Fact("delivered", "Moved of it", kilo(found.delivered_mw, 3), "kW"),
        *([] if isnan(found.by_history_mw) else [by_history]),
    ]


def _network_tariff(knew: Known) -> list[Fact]:
    """Return what it pays for using the network; nothing where that does not depend on time and place."""
    rates = (
        ("withdrawal", "Network tariff, withdrawal", knew.withdrawal_eur_per_mwh),
        ("injection", "Network tariff, paid for injection", knew.injection_eur_per_mwh),
    )
    return [Fact(key, name, fixed(rate, 2), "EUR/MWh") for key, name, rate in rates if abs(rate) > 0.0]


def _owns(seen: AgentView) -> list[Fact]:
    owns = seen.assets
    named = (
        ("pv", "PV", owns.pv_mw, "kW"),
        ("battery", "Battery", owns.battery_mwh, "kWh"),
        ("battery-power", "Battery power", owns.battery_mw, "kW"),
        ("generator", "Generator", owns.generator_mw, "kW"),
        ("boiler", "Boiler", owns.boiler_mw, "kW"),
    )
    return [Fact(key, name, kilo(value, 2), unit) for key, name, value, unit in named]
