"""The panel of the hour: orders, trades and offers of flexibility."""

from collections.abc import Awaitable, Sequence
from functools import partial
from math import isnan
from typing import ClassVar, Final

from peerflex.runs.studio.fields import element, link
from peerflex.runs.studio.panel import Frame, Panel
from peerflex.runs.studio.table import Column, TextTable, number
from peerflex.runs.studio.words import fixed, kilo
from peerflex.runs.views import FlexRow, OrderRow, TradeRow, book_at

TRADES: Final = (
    number("No.", width=0.4), Column("Seller", width=1.5), Column("Buyer", width=1.5), number("Power", "kW"),
    number("Price", "EUR/MWh"),
)  # fmt: skip
ORDERS: Final = (
    number("No.", width=0.5), Column("Peer", width=1.6), Column("Side", width=0.7), number("Offered", "kW"),
    number("Accepted", "kW"), number("Price", "EUR/MWh"), Column("Kind", width=1.6),
)  # fmt: skip
FLEX: Final = (
    number("No.", width=0.5), Column("Peer", width=1.6), Column("Bus", width=1.2), Column("Way"),
    number("Offered", "kW"), number("Activated", "kW", 1.1), number("Price", "EUR/MWh", 1.1),
    number("Settled", "EUR/MWh", 1.1),
)  # fmt: skip
SESSION: Final = Column("Session")
TRUE: Final = number("True price", "EUR/MWh", 1.1)
MEDIATOR: Final = Column("Mediator", width=1.2)


class BookPanel(Panel):
    """Tables of what was offered and agreed; every row can be asked why."""

    key: ClassVar[str] = "book"
    title: ClassVar[str] = "Market"

    def __init__(self, frame: Frame) -> None:
        self._shown = frame.shown
        self._tables = []
        for label, key, columns, what, empty in (
            ("Trades between peers", "trades", TRADES, "trade", "No trades in this hour."),
            ("Flexibility offered to the DSO", "flex", FLEX, "offer", "No flexibility was offered in this hour."),
            ("Orders", "orders", ORDERS, "order", "No orders in this hour."),
        ):
            with element("section", classes="studio-section"):
                table = TextTable(label, key, columns, empty, "Why?")
                table.on_pick(partial(_ask, frame, what))
                with element("p", classes="studio-links"):
                    link(f"{label} of this hour (CSV)", frame.csv(key), f"csv-{key}", download=True)
                self._tables.append(table)

    async def show(self, step: int) -> None:
        trades, flex, orders = self._tables
        if step < 0:
            for table in self._tables:
                table.show(step, ())
            return
        book = await self._shown.call(lambda session: book_at(session, step))
        trades.show(step, trade_texts(book.trades), [row.trade for row in book.trades], more=trade_columns(book.trades))
        flex.show(
            step,
            flex_texts(book.flex),
            [row.offer for row in book.flex],
            ["studio-strong" if row.accepted_mw > 0 else "" for row in book.flex],
            more=flex_columns(book.flex),
        )
        orders.show(
            step,
            order_texts(book.orders),
            [row.order for row in book.orders],
            ["studio-strong" if row.accepted_mw > 0 else "" for row in book.orders],
            more=order_columns(book.orders),
        )


def _ask(frame: Frame, what: str, row: int) -> Awaitable[None]:
    return frame.ask(what, str(row))


def trade_texts(rows: Sequence[TradeRow]) -> list[list[str]]:
    """Return the cells of trades, in the order of ``TRADES``."""
    return [
        [str(row.trade), row.seller, row.buyer, kilo(row.quantity_mw, 3), fixed(row.price_eur_per_mwh, 2)]
        for row in rows
    ]


def trade_columns(rows: Sequence[TradeRow]) -> list[tuple[Column, list[str]]]:
    """Return columns of trades that only some designs fill."""
    return [(SESSION, [row.session for row in rows])]


def order_texts(rows: Sequence[OrderRow]) -> list[list[str]]:
    """Return the cells of orders, in the order of ``ORDERS``."""
    return [
        [
            str(row.order),
            row.peer,
            row.side,
            kilo(row.quantity_mw, 3),
            kilo(row.accepted_mw, 3),
            fixed(row.price_eur_per_mwh, 2),
            "moves an asset" if row.dispatchable else "flows anyway",
        ]
        for row in rows
    ]


def order_columns(rows: Sequence[OrderRow]) -> list[tuple[Column, list[str]]]:
    """Return columns of orders that only some designs fill."""
    true = ["" if isnan(row.true_eur_per_mwh) else fixed(row.true_eur_per_mwh, 2) for row in rows]
    return [(TRUE, true), (SESSION, [row.session for row in rows]), (MEDIATOR, [row.mediator for row in rows])]


def flex_texts(rows: Sequence[FlexRow]) -> list[list[str]]:
    """Return the cells of offers, in the order of ``FLEX``."""
    return [
        [
            str(row.offer),
            row.peer,
            row.bus,
            row.direction,
            kilo(row.quantity_mw, 3),
            kilo(row.accepted_mw, 3),
            fixed(row.price_eur_per_mwh, 2),
            fixed(row.paid_eur_per_mwh, 2),
        ]
        for row in rows
    ]


def flex_columns(rows: Sequence[FlexRow]) -> list[tuple[Column, list[str]]]:
    """Return columns of offers that only some designs fill."""
    return [(MEDIATOR, [row.mediator for row in rows])]
