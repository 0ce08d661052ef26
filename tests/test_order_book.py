"""The limit order book: price before time, partial fills, cancellation, and a naive rival that scans a list."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peerflex.core.units import BUY, SELL
from peerflex.markets.order_book import Fill, OrderBook

SIDES = [SELL, SELL, SELL, BUY, BUY, BUY]


def test_the_best_price_is_served_first_and_then_the_first_in_time() -> None:
    book = OrderBook(SIDES, [1.0, 1.0, 1.0, 3.0, 1.0, 1.0])
    for order, price in ((0, 50), (1, 40), (2, 40)):
        book.place(order, price)
    book.place(3, 60)
    assert book.fills == [Fill(1, 3, 1.0, 40), Fill(2, 3, 1.0, 40), Fill(0, 3, 1.0, 50)]


def test_a_trade_is_at_the_price_of_the_quote_that_was_there_first() -> None:
    book = OrderBook(SIDES, [1.0] * 6)
    book.place(3, 70)
    book.place(0, 20)
    assert book.fills == [Fill(0, 3, 1.0, 70)]


def test_what_is_left_of_a_quote_keeps_its_place() -> None:
    book = OrderBook(SIDES, [3.0, 1.0, 1.0, 1.0, 1.0, 1.0])
    book.place(0, 40)
    book.place(1, 40)
    book.place(3, 40)
    book.place(4, 40)
    assert [fill.sell_order for fill in book.fills] == [0, 0]
    assert book.left_mw[0] == pytest.approx(1.0)


def test_a_cancelled_quote_does_not_trade_and_an_earlier_trade_stands() -> None:
    book = OrderBook(SIDES, [2.0, 1.0, 1.0, 1.0, 1.0, 1.0])
    first = book.place(0, 40)
    book.place(3, 40)
    book.withdraw(0, first + 1)
    assert book.best(SELL) is None
    book.place(4, 100)
    assert book.fills == [Fill(0, 3, 1.0, 40)]
    assert book.best(BUY) == (4, 100)


def test_a_cancellation_spares_the_quote_that_replaces() -> None:
    book = OrderBook(SIDES, [1.0] * 6)
    book.place(0, 40)
    book.withdraw(0, book.place(0, 45))
    assert book.best(SELL) == (0, 45)
    book.withdraw(0, 0)  # an old cancellation that comes late brings nothing back
    assert book.best(SELL) == (0, 45)


def test_two_quotes_of_an_order_never_trade_more_than_its_quantity() -> None:
    book = OrderBook(SIDES, [1.0, 1.0, 1.0, 1.5, 1.0, 1.0])
    book.place(3, 60)
    book.place(3, 70)  # the first was not cancelled
    for seller in (0, 1, 2):
        book.place(seller, 50)
    assert book.fills == [Fill(0, 3, 1.0, 70), Fill(1, 3, 0.5, 70)]
    assert book.best(SELL) == (1, 50)


def test_less_than_a_milliwatt_is_nothing() -> None:
    book = OrderBook(SIDES, [0.3, 1e-10, 0.0, 0.1, 0.2, 1.0])
    for order in (1, 2, 0):
        book.place(order, 40)
    for order in (3, 4):
        book.place(order, 40)
    assert book.left_mw[0] == 0.0  # 0.3 - 0.1 - 0.2 is not 0 in binary
    assert book.best(SELL) is None


@dataclass
class NaiveBook:
    """The same rules by scanning a list of (price, order) in time's order."""

    quantity: list[float]
    quotes: list[tuple[float, int]] = field(default_factory=list)
    fills: list[Fill] = field(default_factory=list)

    def place(self, order: int, price: float) -> None:
        side = SIDES[order]
        while self.quantity[order] > 1e-9:
            rivals = [
                (side * rival_price, rival)
                for rival_price, rival in self.quotes
                if SIDES[rival] != side and self.quantity[rival] > 1e-9 and side * (rival_price - price) >= 0
            ]
            if not rivals:
                break
            dearest = max(signed for signed, _ in rivals)
            rival = next(rival for signed, rival in rivals if signed == dearest)
            traded = min(self.quantity[order], self.quantity[rival])
            self.quantity[order] -= traded
            self.quantity[rival] -= traded
            pair = (order, rival) if side == SELL else (rival, order)
            self.fills.append(Fill(*pair, traded, side * dearest))
        self.quotes.append((price, order))

    def withdraw(self, order: int) -> None:
        self.quotes = [quote for quote in self.quotes if quote[1] != order]


ORDER = st.integers(0, len(SIDES) - 1)
PRICE = st.one_of(st.sampled_from([0.0, 40.0, 50.0]), st.floats(-100, 100))


@pytest.mark.once
@settings(max_examples=300, deadline=None)
@given(
    quantity=st.lists(st.sampled_from([0.0, 0.5, 1.0, 1.25, 3.0]), min_size=6, max_size=6),
    steps=st.lists(st.tuples(ORDER, st.one_of(PRICE, st.none())), max_size=30),
)
def test_a_naive_book_trades_the_same(quantity: list[float], steps: list[tuple[int, float | None]]) -> None:
    book, naive, newest = OrderBook(SIDES, quantity), NaiveBook(list(quantity)), -1
    for order, price in steps:
        if price is None:
            book.withdraw(order, newest + 1)
            naive.withdraw(order)
        else:
            newest = book.place(order, price)
            naive.place(order, price)
        bid, ask = book.best(BUY), book.best(SELL)
        assert bid is None or ask is None or bid[1] < ask[1]  # never crossed
    assert book.fills == naive.fills
    for order, offered in enumerate(quantity):
        traded = sum(fill.quantity_mw for fill in book.fills if order in fill[:2])
        assert traded + book.left_mw[order] == pytest.approx(offered)
