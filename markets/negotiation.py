"""Bilateral negotiation: peers meet in pairs, ask for much, and concede until the end of the session."""

from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, ClassVar

import numpy as np
from pydantic import Field

from peerflex.core.arrays import Floats, Ints, Rows, floats
from peerflex.core.trade import MarketResult, Orders, Signal, TradeTerms
from peerflex.core.units import BUY, QUANTITY_TOLERANCE_MW, SELL
from peerflex.markets.bilateral import BilateralEquilibrium
from peerflex.markets.latency import Latency, LatencyKind, Loss, arrive, delays_s
from peerflex.markets.matching import Pairs, settle_pairs
from peerflex.markets.pairs import components
from peerflex.markets.quoting import Highest, Lowest, check_range, far_end
from peerflex.markets.wishes import wished

if TYPE_CHECKING:
    import simpy


@dataclass(frozen=True, slots=True)
class Deals(Rows):
    """What pairs agreed on; the premiums are what the DSO pays each side beside the price, EUR/MWh."""

    sell_order: Ints
    buy_order: Ints
    quantity_mw: Floats
    price_eur_per_mwh: Floats
    seller_premium_eur_per_mwh: Floats
    buyer_premium_eur_per_mwh: Floats


@dataclass(frozen=True, slots=True)
class Negotiation:
    """Rounds of random pairs with time-dependent concession, without a mediator (Faratin, Sierra and Jennings 1998,
    Robotics and Autonomous Systems 24: the polynomial of their time-dependent tactics).

    In each round every selling order meets at most one buying order, at random. Each side says what it asks for:
    ``limit + greed * (far end of the price range - limit)``, where greed is ``1 - (round / rounds) ** (1 /
    concession)``: 0 in the last. If the two meet and each has heard the other before the round ends, they trade the
    smaller of what is left of both at the midpoint. What is left goes on to the next round.

    It follows the DSO's terms: blocked pairs do not talk; factors and charges move the limits of a pair, and where the
    terms are money the DSO pays each side what they change. Where they are words only, a pair whose own limits do not
    meet does not trade, and the price stays between them. What peers wish for moves their own limits.

    It keeps: individual rationality and balance. It does not keep: efficiency, truthfulness, independence of the order
    of rows. A peer whose own orders meet serves itself without haggling, which is no trade. All orders are of one
    delivery period.
    """

    without_mediator: ClassVar[bool] = True
    heeds_terms: ClassVar[bool] = True

    rounds: Annotated[int, Field(ge=1, le=1000, description="how often peers meet in a session")] = 20
    concession: Annotated[
        float,
        Field(
            ge=0.02, le=50, description="how greed falls: evenly (1), late (below 1: Boulware), early (above: conceder)"
        ),
    ] = 1.0
    lowest_eur_per_mwh: Lowest = 0.0
    highest_eur_per_mwh: Highest = 500.0
    latency_s: Latency = 0.1
    latency: LatencyKind = "constant"
    loss: Loss = 0.0

    def __post_init__(self) -> None:
        check_range(self.lowest_eur_per_mwh, self.highest_eur_per_mwh)

    def clear(self, orders: Orders, signal: Signal, rng: np.random.Generator) -> MarketResult:
        import simpy

        clock = simpy.Environment()
        talks = clock.process(self.talk(clock, orders, signal, rng))
        clock.run()
        deals, rounds, messages = talks.value
        pairs = Pairs(deals.sell_order, deals.buy_order, deals.quantity_mw)
        result = settle_pairs(orders, pairs, deals.price_eur_per_mwh)
        trade = orders.peer[deals.sell_order] != orders.peer[deals.buy_order]
        trades = replace(
            result.trades,
            seller_premium_eur_per_mwh=deals.seller_premium_eur_per_mwh[trade],
            buyer_premium_eur_per_mwh=deals.buyer_premium_eur_per_mwh[trade],
        )
        return replace(result, trades=trades, rounds=rounds, messages=messages)

    def greed(self, this: int) -> float:
        """Return the greed in a round, of those from 1 to ``rounds``."""
        return float(1 - (this / self.rounds) ** (1 / self.concession))

    def talk(
        self, clock: "simpy.Environment", orders: Orders, signal: Signal, rng: np.random.Generator
    ) -> "Generator[simpy.Event, None, tuple[Deals, int, int]]":
        """Negotiate on a simpy clock, which others may share; ends with the deals, and counts rounds and messages."""
        terms = signal.terms
        left_mw = np.where(orders.quantity_mw > QUANTITY_TOLERANCE_MW, orders.quantity_mw, 0.0)
        round_s = float(orders.duration_s.max(initial=0)) / self.rounds
        deals, messages, rounds = [Deals.empty()], 0, 0
        for this in range(1, self.rounds + 1):
            sells = np.flatnonzero((left_mw > 0) & (orders.side == SELL))
            buys = np.flatnonzero((left_mw > 0) & (orders.side == BUY))
            if not (len(sells) and len(buys)):
                break
            meet = min(len(sells), len(buys))
            seller, buyer = rng.permutation(sells)[:meet], rng.permutation(buys)[:meet]
            talk = ~terms.blocked[terms.place[orders.peer[seller]], terms.place[orders.peer[buyer]]]
            seller, buyer = seller[talk], buyer[talk]
            apart = orders.peer[seller] != orders.peer[buyer]
            messages += 2 * int(np.count_nonzero(apart))
            both = (len(seller), 2)
            in_time = delays_s(self.latency, self.latency_s, both, rng) <= round_s
            heard = (arrive(self.loss, both, rng) & in_time).all(axis=1) | ~apart
            yield clock.timeout(round_s)
            rounds += 1
            greed = np.where(apart, self.greed(this), 0.0)[heard]
            found = self._deals(orders, terms, (seller[heard], buyer[heard]), greed, left_mw)
            for traded in (found.sell_order, found.buy_order):  # no order is in two pairs of a round
                rest = left_mw[traded] - found.quantity_mw
                left_mw[traded] = np.where(rest > QUANTITY_TOLERANCE_MW, rest, 0.0)
            deals.append(found)
        return Deals.join(deals), max(rounds, 1), messages

    def _deals(
        self, orders: Orders, terms: TradeTerms, pairs: tuple[Ints, Ints], greed: Floats, left_mw: Floats
    ) -> Deals:
        """Return what pairs of orders (rows) agree on, each with its greed ``(pairs,)``."""
        seller, buyer = pairs
        each = np.arange(len(seller))
        of_seller, of_buyer = components(BilateralEquilibrium().game(orders, seller, buyer, terms), each, each)
        wished_sale, wished_purchase = wished(terms.wishes, orders.peer[seller], orders.peer[buyer])
        of_seller, of_buyer = of_seller + wished_sale, of_buyer - wished_sale  # the game has all with the buyer
        far_seller = far_end(orders.side[seller], -of_seller, self.lowest_eur_per_mwh, self.highest_eur_per_mwh)
        far_buyer = far_end(orders.side[buyer], of_buyer, self.lowest_eur_per_mwh, self.highest_eur_per_mwh)
        asked = -of_seller + greed * (far_seller + of_seller)
        offered = of_buyer + greed * (far_buyer - of_buyer)
        meet, price = asked <= offered, (asked + offered) / 2
        cost = orders.price_eur_per_mwh[seller] - wished_sale
        value = orders.price_eur_per_mwh[buyer] + wished_purchase
        to_seller, to_buyer = of_seller + cost, of_buyer - value
        if not terms.money:
            meet &= cost <= value
            price = np.clip(price, cost, value)
            to_seller, to_buyer = floats(len(seller)), floats(len(seller))
        quantity = np.minimum(left_mw[seller], left_mw[buyer])
        return Deals(seller, buyer, quantity, price, to_seller, to_buyer).take(meet)
