"""The book of one step: what was offered, who traded with whom, and what was left as flexibility."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
import pyarrow as pa

from peerflex.core.arrays import Floats
from peerflex.core.units import SELL
from peerflex.runs.views.design import mediators_in, quotes_are_true, standing_at, two_sessions
from peerflex.runs.views.log import Log, flags, numbers, rows_at, time_at, words
from peerflex.scenarios.mediator_schema import Mediator
from peerflex.scenarios.schema import Scenario

SAME_PRICE: Final = 1e-3
"""Prices closer than this, in EUR/MWh, are told as one."""


@dataclass(frozen=True, slots=True)
class OrderRow:
    """An order of the step; ``side`` is 'sell' or 'buy', ``price_eur_per_mwh`` a seller's cost or a buyer's value.

    ``true_eur_per_mwh`` is the true cost or value where a mediator, a network tariff or an earlier session has it stand
    at another price (else NaN), ``session`` when it was made if there are two ('' else), ``mediator`` who acts for its
    peer ('': nobody).
    """

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
    true_eur_per_mwh: float
    session: str
    mediator: str


@dataclass(frozen=True, slots=True)
class TradeRow:
    """A trade of the step, numbered from 0; the orders are numbers of the same step's orders.

    The premiums are what the DSO pays each side (NaN in logs of the first version); ``session`` is as that of orders.
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
    session: str


@dataclass(frozen=True, slots=True)
class FlexRow:
    """An offer of flexibility of the step, numbered from 0; ``order`` is the one it is left from.

    ``direction`` is 'up' (more injection) or 'down'; ``paid_eur_per_mwh`` is what ``accepted_mw`` is settled at.
    ``mediator`` is who offers it for its peer ('': nobody).
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
    mediator: str


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
    orders, trades, flex = (rows_at(log, name, step) for name in ("orders", "trades", "flex"))
    stands = standing_at(log, step)
    mediators = mediators_in(log, stands)
    return Book(
        step,
        time_at(log.manifest, step),
        tuple(_orders(orders, stands, mediators)),
        tuple(_trades(trades, stands)),
        tuple(_flex(flex, mediators)),
    )


def _orders(rows: pa.Table, stands: Scenario, mediators: dict[str, Mediator]) -> Iterator[OrderRow]:
    columns = ("quantity_mw", "price_eur_per_mwh", "slope_eur_per_mwh2", "premium_eur_per_mwh", "penalty_eur_per_mwh")
    return map(
        OrderRow,
        _counted(rows, "order"),
        words(rows, "peer"),
        words(rows, "side"),
        *(numbers(rows, name).tolist() for name in columns),
        flags(rows, "dispatchable").tolist(),
        numbers(rows, "accepted_mw").tolist(),
        (np.full(rows.num_rows, np.nan) if quotes_are_true(stands) else _other_true_prices(rows)).tolist(),
        _sessions(rows, stands),
        [mediators[peer].name if peer in mediators else "" for peer in words(rows, "peer")],
    )


def _other_true_prices(rows: pa.Table) -> Floats:
    """Return the true price of every order that stands at another one, NaN for the others."""
    side = np.where(np.array(words(rows, "side")) == "sell", SELL, -SELL)
    premium = np.nan_to_num(numbers(rows, "premium_eur_per_mwh"))
    true: Floats = np.where(np.abs(premium) >= SAME_PRICE, numbers(rows, "price_eur_per_mwh") + side * premium, np.nan)
    return true


def _sessions(rows: pa.Table, stands: Scenario) -> list[str]:
    return words(rows, "session") if two_sessions(stands) else [""] * rows.num_rows


def _trades(rows: pa.Table, stands: Scenario) -> Iterator[TradeRow]:
    columns = ("quantity_mw", "price_eur_per_mwh", "seller_premium_eur_per_mwh", "buyer_premium_eur_per_mwh")
    return map(
        TradeRow,
        range(rows.num_rows),
        words(rows, "seller"),
        words(rows, "buyer"),
        _counted(rows, "sell_order"),
        _counted(rows, "buy_order"),
        *(numbers(rows, name).tolist() for name in columns),
        _sessions(rows, stands),
    )


def _flex(rows: pa.Table, mediators: dict[str, Mediator]) -> Iterator[FlexRow]:
    columns = ("quantity_mw", "price_eur_per_mwh", "accepted_mw", "paid_eur_per_mwh")
    sells_for = {peer: each.name for peer, each in mediators.items() if each.role != "independent"}
    return map(
        FlexRow,
        range(rows.num_rows),
        _counted(rows, "order"),
        words(rows, "peer"),
        words(rows, "bus"),
        words(rows, "direction"),
        *(numbers(rows, name).tolist() for name in columns),
        [sells_for.get(peer, "") for peer in words(rows, "peer")],
    )


def _counted(rows: pa.Table, column: str) -> list[int]:
    numbered: list[int] = rows[column].to_pylist()
    return numbered
