"""The book of one step: what was offered, who traded with whom, and what was left as flexibility."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from peerflex.runs.views.log import Log, flags, numbers, rows_at, time_at, words


@dataclass(frozen=True, slots=True)
class OrderRow:
    """An order of the step; ``side`` is 'sell' or 'buy', ``price_eur_per_mwh`` a seller's cost or a buyer's value."""

    order: int
    peer: str
    side: str
    quantity_mw: float
    price_eur_per_mwh: float
    slope_eur_per_mwh2: float
    premium_eur_per_mwh: float
    penalty_eur_per_mwh: float
    dispatchable: bool
    accepted_mw: float


@dataclass(frozen=True, slots=True)
class TradeRow:
    """A trade of the step, numbered from 0; the orders are numbers of the same step's orders.

    The premiums are what the DSO pays each side (NaN in logs of the first version).
    """

    trade: int
    seller: str
    buyer: str
    sell_order: int
    buy_order: int
    quantity_mw: float
    price_eur_per_mwh: float
    seller_premium_eur_per_mwh: float
    buyer_premium_eur_per_mwh: float


@dataclass(frozen=True, slots=True)
class FlexRow:
    """An offer of flexibility of the step, numbered from 0; ``order`` is the one it is left from.

    ``direction`` is 'up' (more injection) or 'down'; ``paid_eur_per_mwh`` is what ``accepted_mw`` is settled at.
    """

    offer: int
    order: int
    peer: str
    bus: str
    direction: str
    quantity_mw: float
    price_eur_per_mwh: float
    accepted_mw: float
    paid_eur_per_mwh: float


@dataclass(frozen=True, slots=True)
class Book:
    """All that was offered and agreed in a step."""

    step: int
    time: datetime
    orders: tuple[OrderRow, ...]
    trades: tuple[TradeRow, ...]
    flex: tuple[FlexRow, ...]


def book_at(log: Log, step: int) -> Book:
    """Return the orders, trades and offers of flexibility of a step.

    Raises:
        InputError: if the step is not logged.
    """
    return Book(
        step,
        time_at(log.manifest, step),
        tuple(_orders(rows_at(log, "orders", step))),
        tuple(_trades(rows_at(log, "trades", step))),
        tuple(_flex(rows_at(log, "flex", step))),
    )


def _orders(rows: pa.Table) -> Iterator[OrderRow]:
    columns = ("quantity_mw", "price_eur_per_mwh", "slope_eur_per_mwh2", "premium_eur_per_mwh", "penalty_eur_per_mwh")
    return map(
        OrderRow,
        _counted(rows, "order"),
        words(rows, "peer"),
        words(rows, "side"),
        *(numbers(rows, name).tolist() for name in columns),
        flags(rows, "dispatchable").tolist(),
        numbers(rows, "accepted_mw").tolist(),
    )


def _trades(rows: pa.Table) -> Iterator[TradeRow]:
    columns = ("quantity_mw", "price_eur_per_mwh", "seller_premium_eur_per_mwh", "buyer_premium_eur_per_mwh")
    return map(
        TradeRow,
        range(rows.num_rows),
        words(rows, "seller"),
        words(rows, "buyer"),
        _counted(rows, "sell_order"),
        _counted(rows, "buy_order"),
        *(numbers(rows, name).tolist() for name in columns),
    )


def _flex(rows: pa.Table) -> Iterator[FlexRow]:
    columns = ("quantity_mw", "price_eur_per_mwh", "accepted_mw", "paid_eur_per_mwh")
    return map(
        FlexRow,
        range(rows.num_rows),
        _counted(rows, "order"),
        words(rows, "peer"),
        words(rows, "bus"),
        words(rows, "direction"),
        *(numbers(rows, name).tolist() for name in columns),
    )


def _counted(rows: pa.Table, column: str) -> list[int]:
    numbered: list[int] = rows[column].to_pylist()
    return numbered
