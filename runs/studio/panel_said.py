"""The panels of what was said in the hour, and of what was out of the ordinary."""

from typing import ClassVar, Final

from peerflex.core.messages import KINDS
from peerflex.runs.studio.fields import choice, element, link
from peerflex.runs.studio.panel import Frame, Panel
from peerflex.runs.studio.table import Column, TextTable, number
from peerflex.runs.views import events_at, messages_at

ALL: Final = ""
ROLES: Final = tuple(dict.fromkeys(role for kind in KINDS.values() for role in (*kind.senders, *kind.receivers)))


class MessagePanel(Panel):
    """Messages between roles, and what each of them discloses."""

    key: ClassVar[str] = "messages"
    title: ClassVar[str] = "Messages"

    def __init__(self, frame: Frame) -> None:
        self._shown = frame.shown
        self._role = ALL
        choice(
            "Said by or to",
            "role",
            [(ALL, "anybody"), *((role, role.upper() if len(role) == 3 else role) for role in ROLES)],
            self._filtered,
        )
        columns = (
            Column("Message", width=1.8),
            Column("From", width=1.4),
            Column("To", width=1.4),
            number("How many"),
            Column("Discloses", width=3),
            Column("Values in"),
        )
        self._table = TextTable("Messages of the hour", "messages", columns, "Nothing was said.")
        with element("p", classes="studio-links"):
            link("Messages of this hour (CSV)", frame.csv("messages"), "csv-messages", download=True)

    async def show(self, step: int) -> None:
        if step < 0:
            self._table.show(step, ())
            return
        said = await self._shown.call(lambda session: messages_at(session, step, self._role or None))
        rows = [[row.kind, row.sender, row.receiver, str(row.count), row.fields, row.table] for row in said]
        self._table.show(step, rows)

    async def _filtered(self, role: str) -> None:
        self._role = role
        await self.show(self._shown.cursor - 1)


class EventPanel(Panel):
    """Things out of the ordinary, and changes, with their consequences."""

    key: ClassVar[str] = "events"
    title: ClassVar[str] = "Events"

    def __init__(self, frame: Frame) -> None:
        self._shown = frame.shown
        columns = (Column("Event"), Column("Where"), Column("What", width=2), Column("Consequence", width=2))
        self._table = TextTable("Events of the hour", "events", columns, "Nothing out of the ordinary in this hour.")
        with element("p", classes="studio-links"):
            link("Events of this hour (CSV)", frame.csv("events"), "csv-events", download=True)
            link("Events of all hours (CSV)", frame.csv("events", whole=True), "csv-events-all", download=True)

    async def show(self, step: int) -> None:
        rows = () if step < 0 else await self._shown.call(lambda session: events_at(session, step))
        self._table.show(step, [[row.kind, row.where, row.what, row.consequence] for row in rows])
