"""The continuous double auction: orders are quoted again and again, and trade as soon as two prices cross."""

from collections.abc import Generator
from dataclasses import dataclass, replace
from math import isnan
from typing import TYPE_CHECKING, Annotated, Self

import numpy as np
from pydantic import Field

from peerflex.core.arrays import Floats, Ints, Rows
from peerflex.core.people import PeerTable
from peerflex.core.protocols import Grid
from peerflex.core.trade import NAN, MarketResult, Orders, Signal
from peerflex.core.units import QUANTITY_TOLERANCE_MW
from peerflex.markets.latency import Latency, LatencyKind, Loss, arrive, delays_s
from peerflex.markets.matching import Pairs, settle_pairs
from peerflex.markets.order_book import OrderBook
from peerflex.markets.quoting import Highest, Kind, Lowest, Mixed, Quoting, check_range, far_end, quoting

if TYPE_CHECKING:
    import simpy

SENT, ARRIVES, CANCELS = range(3)
"""What happens to a quote: its owner sends it, the mediator gets it, the quotes before it are cancelled."""


@dataclass(frozen=True, slots=True)
class Schedule(Rows):
    """What happens in a session, in time's order: ``doing`` is one of the three, ``quote`` counts the quotes of all
    orders, those of an order being one after the other."""

    at_s: Floats
    doing: Ints
    order: Ints
    quote: Ints


@dataclass(frozen=True, slots=True)
class ContinuousDoubleAuction:
    """A session of quotes in a limit order book with price-time priority (``markets.order_book``), as studied since
    Smith (1962, Journal of Political Economy 70); how owners quote is in ``markets.quoting``.

    The session lasts as long as the step. Each order's owner quotes a price ``quotes`` times for what is left of it,
    once at a random time in each of as many equal parts of the session. A message takes its time and may be lost.
    The owner cancels a quote once the next one has arrived; what is not traded at the end expires.

    It keeps: individual rationality (no quote is worse than its limit), balance, price-time priority at arrival, and
    order quantities whatever is lost. It does not keep: efficiency, truthfulness, independence of the order of rows.
    A peer whose own quotes cross serves itself, which is no trade. All orders are of one delivery period. Groups of
    peers may quote each in their own way (``peers[].quoting``).
    """

    quotes: Annotated[int, Field(ge=1, le=200, description="how often each order is quoted in a session")] = 10
    quoting: Annotated[Kind, Field(description="how owners choose the prices they quote")] = "conceding"
    lowest_eur_per_mwh: Lowest = 0.0
    highest_eur_per_mwh: Highest = 500.0
    latency_s: Latency = 0.1
    latency: LatencyKind = "constant"
    loss: Loss = 0.0

    quoting_of_group: Annotated[
        tuple[Kind | None, ...], Field(description="how each group quotes, found from the scenario; null: as all do")
    ] = ()
    group: Annotated[tuple[int, ...], Field(description="row of each peer's group, found from the scenario")] = ()

    def __post_init__(self) -> None:
        check_range(self.lowest_eur_per_mwh, self.highest_eur_per_mwh)

    def quoted_by(self, quoting_of_group: tuple[Kind | None, ...]) -> Self:
        """Return this market, in which some groups quote in their own way."""
        return replace(self, quoting_of_group=quoting_of_group)

    def among(self, peers: PeerTable, grid: Grid, where: str) -> Self:
        """Return this market with everybody's group."""
        return replace(self, group=tuple(peers.behaviour.tolist())) if self.quoting_of_group else self

    def clear(self, orders: Orders, signal: Signal, rng: np.random.Generator) -> MarketResult:
        import simpy

        rows = np.flatnonzero(orders.quantity_mw > QUANTITY_TOLERANCE_MW)
        side, limit = orders.side[rows], orders.price_eur_per_mwh[rows]
        book = OrderBook(side.tolist(), orders.quantity_mw[rows].tolist())
        schedule = self._schedule(len(rows), float(orders.duration_s.max(initial=0)), rng)
        far = far_end(side, limit, self.lowest_eur_per_mwh, self.highest_eur_per_mwh)
        owners = self._owners(orders.peer[rows], side, limit, far, rng)

        clock = simpy.Environment()
        ahead = next_better(orders.peer[rows], side, limit)
        session = clock.process(trade(clock, book, schedule, owners, side.tolist(), ahead.tolist()))
        clock.run()
        fills = np.array(book.fills, dtype=np.float64).reshape(-1, 4)
        seller, buyer, quantity_mw, price = fills.T
        pairs = Pairs(rows[seller.astype(np.int64)], rows[buyer.astype(np.int64)], quantity_mw)
        result = settle_pairs(orders, pairs, price)
        return replace(result, rounds=self.quotes, messages=session.value)

    def _owners(self, peer: Ints, side: Ints, limit: Floats, far: Floats, rng: np.random.Generator) -> Quoting:
        """Return how all orders are quoted: in one way, or each as its owner's group does."""
        if not (self.quoting_of_group and self.group):
            return quoting(self.quoting, side, limit, far, self.quotes, rng)
        # who is in no group, -1, finds the last
        of_group = [*(kind or self.quoting for kind in self.quoting_of_group), self.quoting]
        group = np.array(self.group)[peer]
        kinds = [of_group[each] for each in group.tolist()]
        return Mixed(kinds, {kind: quoting(kind, side, limit, far, self.quotes, rng) for kind in sorted(set(kinds))})

    def _schedule(self, n: int, session_s: float, rng: np.random.Generator) -> Schedule:
        """Return the session of ``n`` orders: what is lost or comes too late does not arrive."""
        shape = (n, self.quotes)
        sent = (np.arange(self.quotes) + rng.random(shape)) * (session_s / self.quotes)
        arrives = sent + delays_s(self.latency, self.latency_s, shape, rng)
        cancels = arrives + delays_s(self.latency, self.latency_s, shape, rng)
        got = arrive(self.loss, shape, rng) & (arrives <= session_s)
        got_cancel = arrive(self.loss, shape, rng) & got & (cancels <= session_s)
        got_cancel[:, 0] = False  # nothing is before the first
        quote = np.arange(n * self.quotes).reshape(shape)
        # what happens at the same time happens in this order
        parts = [quote.ravel(), quote[got], quote[got_cancel]]
        at_s = np.concatenate([sent.ravel(), arrives[got], cancels[got_cancel]])
        doing, quotes = np.repeat([SENT, ARRIVES, CANCELS], [len(part) for part in parts]), np.concatenate(parts)
        return Schedule(at_s, doing, quotes // self.quotes, quotes).take(np.argsort(at_s, kind="stable"))


def trade(
    clock: "simpy.Environment", book: OrderBook, schedule: Schedule, owners: Quoting, side: list[int], ahead: list[int]
) -> "Generator[simpy.Event, None, int]":
    """Trade a session on a simpy clock, which others may share; the process ends with the number of messages sent.

    ``ahead`` is the order that each waits for (see ``next_better``). Once an order is served in full its owner says no
    more, and what it said is void. A quote that a later one of the same order has overtaken is ignored.
    """
    messages, left_mw, fills = 0, book.left_mw, book.fills
    quotes = int(np.count_nonzero(schedule.doing == SENT))
    stated = [NAN] * quotes
    number = [-1] * quotes  # of each quote in the book
    newest = [-1] * len(side)  # quote of each order that arrived
    columns = (column.tolist() for column in (schedule.at_s, schedule.doing, schedule.order, schedule.quote))
    for at_s, doing, order, quote in zip(*columns, strict=True):
        if not left_mw[order]:
            continue
        if doing == SENT:
            if ahead[order] < 0 or not left_mw[ahead[order]]:
                messages += 1
                stated[quote] = owners.price(order, quote)
            continue
        price = stated[quote]
        if isnan(price):  # never sent
            continue
        if at_s >= clock.peek():  # the clock stops only where others act in between: nobody sees the difference
            yield clock.timeout(max(at_s - clock.now, 0.0))
        if doing == CANCELS:
            book.withdraw(order, number[quote])
        elif quote > newest[order]:
            before = len(fills)
            number[quote] = book.place(order, price)
            owners.hear(side[order], price, fills[-1].price_eur_per_mwh if len(fills) > before else None)
            messages += newest[order] >= 0 and left_mw[order] > 0  # the cancellation of those before it
            newest[order] = quote
    yield clock.timeout(max(float(schedule.at_s.max(initial=0.0)) - clock.now, 0.0))
    return messages


def next_better(peer: Ints, side: Ints, limit: Floats) -> Ints:
    """Return for each order the one its owner serves just before, -1 for the first: dearer sales, cheaper purchases
    wait until those of the same peer and side before them are served in full. Shapes ``(orders,)``.
    """
    ranked = np.lexsort((side * limit, side, peer))
    ahead = np.full(len(peer), -1)
    same = (peer[ranked[1:]] == peer[ranked[:-1]]) & (side[ranked[1:]] == side[ranked[:-1]])
    ahead[ranked[1:][same]] = ranked[:-1][same]
    return ahead
