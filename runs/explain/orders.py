"""Why an order, a trade or a price came out as it did: candidates from the book of the hour."""

from dataclasses import replace
from typing import Final

import numpy as np

from peerflex.core.arrays import Floats, Ints
from peerflex.core.trade import FIRM_EUR_PER_MWH, MarketResult, Orders
from peerflex.core.units import QUANTITY_TOLERANCE_MW, SELL
from peerflex.markets.double_auction import UniformPriceDoubleAuction
from peerflex.markets.idle import NoMarket
from peerflex.runs.explain.again import Again
from peerflex.runs.explain.edits import NO_MARKET, POSITION, PROVIDERS, worth_per_price
from peerflex.runs.explain.envelopes import no_partner_beyond
from peerflex.runs.explain.text import money, power
from peerflex.runs.explain.types import SAME_EUR_PER_MWH, Candidate, Figures, Outcome, Without

MOST_RIVALS: Final = 16
"""Orders of the same side that are looked at, those nearest to the margin first."""
MOST_PARTNERS: Final = 3
MOST_IDLE: Final = 3
MOST_SETTING: Final = 12
"""Orders near the price that are looked at."""

WILLINGNESS: Final = (
    "Prices are read as in EUniversal D5.3: as how much a peer wants to sell, not as what it costs; "
    "the higher a price, the rather it sells and the less it buys."
)


def price_of(result: MarketResult) -> float:
    """Return the one price that cleared, else the mean of the trades by volume; NaN without any."""
    trades = result.trades
    if not np.isnan(result.price_eur_per_mwh) or not len(trades):
        return result.price_eur_per_mwh
    return float(np.average(trades.price_eur_per_mwh, weights=trades.quantity_mw))


def asked_eur_per_mwh(orders: Orders, row: int) -> float:
    """Return the price that an order was made at; of one that is firm, its true price."""
    firm = orders.premium_eur_per_mwh[row] >= FIRM_EUR_PER_MWH
    return float((orders.true_eur_per_mwh if firm else orders.price_eur_per_mwh)[row])


def asked(orders: Orders, row: int) -> str:
    """Return that price in words, and the true one where a mediator or a network tariff makes it another."""
    price, true = asked_eur_per_mwh(orders, row), float(orders.true_eur_per_mwh[row])
    if orders.premium_eur_per_mwh[row] >= FIRM_EUR_PER_MWH:
        return f"{money(price)} (firm: served before others)"
    return money(price) if abs(price - true) < SAME_EUR_PER_MWH else f"{money(price)} (true price {money(true)})"


def balance_at(orders: Orders, price: float) -> str:
    """Return how much is for sale and wanted at one price or better, as a sentence."""
    sells = orders.side == SELL
    for_sale_mw = float(orders.quantity_mw[sells & (orders.price_eur_per_mwh <= price)].sum())
    wanted_mw = float(orders.quantity_mw[~sells & (orders.price_eur_per_mwh >= price)].sum())
    return f"At that price or a better one {power(for_sale_mw)} are for sale and {power(wanted_mw)} are wanted."


def order_outcome(result: MarketResult, orders: Orders, row: int) -> Outcome:
    """Return what an order got; of one that was withdrawn, what its owner trades in all."""
    if orders.quantity_mw[row] > 0.0:
        return Outcome(float(result.accepted_mw[row]))
    mine = (result.trades.seller == orders.peer[row]) | (result.trades.buyer == orders.peer[row])
    return Outcome(float(result.trades.quantity_mw[mine].sum()))


def trade_outcome(result: MarketResult, orders: Orders, sell_order: int, buy_order: int) -> Outcome:
    """Return as much as both orders of a trade got, and the price between their owners.

    Where one price clears, who is matched with whom is a rule that moves no money, and not what is decided here. Where
    there are more, the price is that of the two, or of all that the seller sells if they are not matched any more.
    """
    quantity_mw = float(min(result.accepted_mw[sell_order], result.accepted_mw[buy_order]))
    if quantity_mw <= QUANTITY_TOLERANCE_MW:
        return Outcome(0.0)
    sold = result.trades.take(result.trades.seller == orders.peer[sell_order])
    pair = sold.take(sold.buyer == orders.peer[buy_order])
    return Outcome(quantity_mw, price_of(replace(result, trades=pair if len(pair) else sold)))


def price_outcome(result: MarketResult) -> Outcome:
    return Outcome(price_eur_per_mwh=price_of(result))


def of_order(again: Again, row: int) -> list[Candidate]:
    """Return what may be why an order got what it got: its own price, rivals on its side, partners on the other."""
    book = Book(again)
    if not book.may_trade(row):
        return [book.outside(row)]
    left = book.orders.quantity_mw[row] - book.accepted_mw[row] > QUANTITY_TOLERANCE_MW
    rivals = book.rivals(row) if left else []
    return [*no_partner_beyond(again, row), *book.own(row), *rivals, *book.partners(row), *book.idle(row)]


def of_trade(again: Again, sell_order: int, buy_order: int) -> list[Candidate]:
    """Return what may be why two orders trade with each other as they do."""
    book = Book(again)
    near = [
        *book.setting("It trades beside it"),
        *book.rivals(sell_order)[:MOST_PARTNERS],
        *book.rivals(buy_order)[:MOST_PARTNERS],
    ]
    mine = {book.name(sell_order), book.name(buy_order)}
    near = list({each.name: each for each in near if each.name not in mine}.values())
    return [book.own(sell_order)[0], book.own(buy_order)[0], *near, *book.idle(sell_order)]


def of_price(again: Again) -> list[Candidate]:
    """Return what may be why the price is what it is: the orders nearest to it, and the rule that picks among some."""
    book = Book(again)
    if not len(book.orders):
        return []
    if isinstance(book.market, NoMarket):
        return [book.outside(int(np.argmax(book.orders.quantity_mw)))]
    if not book.accepted_mw.any():
        return book.why_nothing()
    return [*book.setting(), *book.idle(None), *book.position()]


class Book:
    """The orders of an hour, as its market prefers them."""

    def __init__(self, again: Again) -> None:
        moment = again.moment
        self.area, self.market, self.trades = moment.area, moment.area.market, moment.decision.result.trades
        self.orders: Orders = moment.decision.orders
        self.accepted_mw: Floats = moment.decision.result.accepted_mw
        self.price = price_of(moment.decision.result)
        self.towards: Ints = worth_per_price(self.orders, self.market)
        self.worth: Floats = self.towards * self.orders.price_eur_per_mwh
        terms = moment.decision.signal.terms
        self.leverage = float(terms.gain_factor.max() / terms.cost_factor.min())
        """How much more than its bid the DSO's weights can make a trade worth."""
        self.open = moment.area.peers.trade[self.orders.peer] & (self.orders.quantity_mw > QUANTITY_TOLERANCE_MW)
        self.trading = self.open & (self.accepted_mw > QUANTITY_TOLERANCE_MW)

    def may_trade(self, row: int) -> bool:
        return not isinstance(self.market, NoMarket) and bool(self.area.peers.trade[self.orders.peer[row]])

    def name(self, row: int) -> str:
        return f"order {row} of {self.area.peers.name[self.orders.peer[row]]}"

    def ask(self, row: int) -> str:
        return asked(self.orders, row)

    def price_for(self, row: int) -> float:
        """Return the mean price that an order trades at; of one that does not trade, the price that cleared, if one."""
        mine = self.trades.take((self.trades.sell_order == row) | (self.trades.buy_order == row))
        if not len(mine):
            return self.price if self._one_price() else np.nan
        return float(np.average(mine.price_eur_per_mwh, weights=mine.quantity_mw))

    def _one_price(self) -> bool:
        return not len(self.trades) or bool(np.ptp(self.trades.price_eur_per_mwh) == 0.0)

    def order(self, row: int, because: str, *, idle: bool = False) -> Candidate:
        does = "sells" if self.orders.side[row] == SELL else "buys"
        offered, got = power(float(self.orders.quantity_mw[row])), power(float(self.accepted_mw[row]))
        why = f"{because}: {self.name(row)} {does} {got} of {offered} at {self.ask(row)}."
        figures = Figures(asked_eur_per_mwh(self.orders, row), self.price_for(row), "EUR/MWh")
        without = Without(orders=frozenset({row}))
        return Candidate("order", self.name(row), why, "Without this order", without, figures, "bid", idle)

    def rivals(self, row: int) -> list[Candidate]:
        """Return orders of the same side that trade, the ones at the margin first."""
        same = self.trading & (self.orders.side == self.orders.side[row])
        same[row] = False
        rows = np.flatnonzero(same)
        rows = rows[np.argsort(self.worth[rows], kind="stable")][:MOST_RIVALS]
        side = "sale" if self.orders.side[row] == SELL else "purchase"
        return [self.order(int(rival), f"Another {side} stands beside it or before it") for rival in rows]

    def partners(self, row: int) -> list[Candidate]:
        """Return those it trades with, the largest first."""
        trades = self.trades.take((self.trades.sell_order == row) | (self.trades.buy_order == row))
        trades = trades.take(np.argsort(-trades.quantity_mw, kind="stable"))
        partner = np.where(trades.sell_order == row, trades.buy_order, trades.sell_order)[:MOST_PARTNERS]
        return [self.order(int(each), "It trades with this order") for each in dict.fromkeys(partner.tolist())]

    def idle(self, row: int | None) -> list[Candidate]:
        """Return orders that trade nothing and are farthest from doing so."""
        rows = np.flatnonzero(self.open & ~self.trading)
        rows = rows[rows != row] if row is not None else rows
        rows = rows[np.argsort(self.worth[rows], kind="stable")][:MOST_IDLE]
        return [self.order(int(each), "It trades nothing and is far from doing so", idle=True) for each in rows]

    def setting(self, because: str = "") -> list[Candidate]:
        """Return the orders whose price, at what they trade, is nearest to the one that cleared, if one did."""
        orders, size_mw = self.orders, np.maximum(self.orders.quantity_mw, QUANTITY_TOLERANCE_MW)
        of_market = getattr(self.market, "curvature_eur_per_mwh", 0.0) / size_mw
        slope = np.where(orders.slope_eur_per_mwh2 > 0.0, orders.slope_eur_per_mwh2, of_market)
        away = np.round(np.abs(orders.price_eur_per_mwh + orders.side * slope * self.accepted_mw - self.price), 3)
        part = self.trading & (self.accepted_mw < orders.quantity_mw)
        rows = np.flatnonzero(self.open)
        rows = rows[np.lexsort((~part[rows], away[rows]) if self._one_price() else (-self.accepted_mw[rows],))]
        what = "It stands nearest to the price" if self._one_price() else "It moves the mean price"
        tied = int(np.count_nonzero(away[rows] == away[rows].min(initial=np.inf))) if self._one_price() else 0
        return [self.order(int(row), because or what) for row in rows[: max(MOST_SETTING, tied)]]

    def position(self) -> list[Candidate]:
        if not isinstance(self.market, UniformPriceDoubleAuction):
            return []
        why = f"Of all prices that clear, the market takes the one at the share k = {self.market.k:g} between them."
        without = Without(rules=frozenset({POSITION}))
        return [Candidate("rule", POSITION, why, "At the other end of them", without)]

    def own(self, row: int) -> list[Candidate]:
        """Return its own price as the cause, and that nobody takes what is left of it at that price."""
        orders, worth, cleared = self.orders, self.worth, self.price_for(row)
        far, side = 3.0 * (np.abs(worth).max() + 1.0) * self.leverage, orders.side[row]
        figures = Figures(asked_eur_per_mwh(orders, row), cleared, "EUR/MWh")
        at = "" if np.isnan(cleared) else f", against a price of {money(cleared)}"
        name = f"price of {self.name(row)}"
        if self.trading[row]:
            bid, how, otherwise = worth[row] - far, "is good enough for a partner", "At a price that nobody takes"
        else:
            best = self.trading & (orders.side == side)
            plain = best & (orders.premium_eur_per_mwh < FIRM_EUR_PER_MWH)
            firm_only = bool(best.any()) and not plain.any()
            best = plain if plain.any() else best
            bid = worth[best].max() if best.any() else worth[row] + far
            how = "finds no partner"
            otherwise = f"At {money(float(self.towards[row] * bid))}" if best.any() else "At any price that it takes"
            otherwise = "If it were firm, and served before others" if firm_only else otherwise
        own = frozenset({(row, float(self.towards[row] * bid))})
        why = f"Order {row}'s own price, {self.ask(row)}, {how}{at}."
        found = [Candidate("rule", name, why, otherwise, Without(bids=own), figures, "bid")]
        if orders.quantity_mw[row] - self.accepted_mw[row] <= QUANTITY_TOLERANCE_MW:
            return found
        takes = "buys" if side == SELL else "sells"
        price = money(asked_eur_per_mwh(orders, row))
        why = f"Nobody else {takes} at {price} or better: the other side of the market is too short."
        otherwise, without = "If somebody took all there is at that price", Without(partners=frozenset({row}))
        return [*found, Candidate("partner", f"no partner for {self.name(row)}", why, otherwise, without, figures)]

    def why_nothing(self) -> list[Candidate]:
        """Return the best offer of each side: what would have to be another for anything to trade."""
        best = []
        for side in (SELL, -SELL):
            rows = np.flatnonzero(self.open & (self.orders.side == side))
            best += [int(rows[np.argmax(self.worth[rows])])] if len(rows) else []
        return [candidate for row in best for candidate in self.own(row)]

    def outside(self, row: int) -> Candidate:
        """Return that an order is not for other peers, or that there is no market for it at all."""
        rules = {NO_MARKET} if isinstance(self.market, NoMarket) else set()
        rules |= set() if self.area.peers.trade[self.orders.peer[row]] else {PROVIDERS}
        name = " and ".join(sorted(rules))
        own = int(self.orders.peer[row]), int(self.orders.side[row])  # who does not trade has no envelope to trade in
        without = Without(partners=frozenset({row}), rules=frozenset(rules), unbound=frozenset({own}))
        why = f"{self.name(row)[0].upper()}{self.name(row)[1:]} trades with nobody: {name}."
        return Candidate("rule", name, why, "In an auction, with somebody to take it", without)
