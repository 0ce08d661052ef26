"""A limit order book: price-time priority, partial fills, cancellation. It knows no clock and draws nothing."""

from heapq import heappop, heappush
from typing import NamedTuple

from peerflex.core.units import BUY, QUANTITY_TOLERANCE_MW, SELL


class Fill(NamedTuple):
    """What two orders (rows) traded with each other, at the price of the quote that was there first."""

    sell_order: int
    buy_order: int
    quantity_mw: float
    price_eur_per_mwh: float


class OrderBook:
    """Quotes for orders: the best price is served first, of equal prices the one that came first.

    A quote is a price for all that is left of its order, so that however many quotes of an order rest, it never trades
    more than its quantity. An incoming quote trades with the best of the other side, at *their* prices, as long as
    prices cross and something is left; then it rests. The book is therefore never crossed. Whose orders they are does
    not matter here.

    ``side`` (+1 sells, -1 buys) and ``quantity_mw`` are by order. ``left_mw`` is what is left of each (below one
    milliwatt: nothing), ``fills`` all that traded, in time's order.
    """

    def __init__(self, side: list[int], quantity_mw: list[float]) -> None:
        self.left_mw = [quantity if quantity > QUANTITY_TOLERANCE_MW else 0.0 for quantity in quantity_mw]
        self.fills: list[Fill] = []
        self._side = side
        self._quotes = 0
        self._valid_from = [0] * len(side)  # an order's quotes below this number are withdrawn
        # heaps of (side * price, number, order): the least comes first
        self._resting: dict[int, list[tuple[float, int, int]]] = {SELL: [], BUY: []}

    def place(self, order: int, price_eur_per_mwh: float) -> int:
        """Quote a price for what is left of an order; return the quote's number. Earlier quotes of it stay."""
        number, side, left = self._quotes, self._side[order], self.left_mw
        self._quotes += 1
        key = side * price_eur_per_mwh
        while left[order]:
            best = self._best(-side)
            if best is None or best[0] + key > 0:
                heappush(self._resting[side], (key, number, order))
                break
            rival = best[2]
            quantity = min(left[order], left[rival])
            seller, buyer = (order, rival) if side == SELL else (rival, order)
            self.fills.append(Fill(seller, buyer, quantity, -side * best[0]))
            for each in (order, rival):
                rest = left[each] - quantity
                left[each] = rest if rest > QUANTITY_TOLERANCE_MW else 0.0
        return number

    def withdraw(self, order: int, before: int) -> None:
        """Cancel the quotes of an order with numbers below ``before``; what they traded already stands."""
        self._valid_from[order] = max(self._valid_from[order], before)

    def best(self, side: int) -> tuple[int, float] | None:
        """Return the order and the price of the best quote of a side, None if there is none."""
        best = self._best(side)
        return None if best is None else (best[2], side * best[0])

    def _best(self, side: int) -> tuple[float, int, int] | None:
        """Return the best quote that stands; those withdrawn or served leave the heap when they come to its top."""
        heap = self._resting[side]
        while heap:
            _, number, order = heap[0]
            if self.left_mw[order] and number >= self._valid_from[order]:
                return heap[0]
            heappop(heap)
        return None
