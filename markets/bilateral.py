"""Bilateral trading on the DSO's terms: the variational equilibrium of the peers' negotiations."""

from dataclasses import dataclass, replace
from math import isnan
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from peerflex.core.arrays import Floats, Ints, add_up, floats
from peerflex.core.trade import MarketResult, Orders, Signal, Trades, TradeTerms
from peerflex.core.units import BUY, QUANTITY_TOLERANCE_MW, SELL
from peerflex.markets.equilibrium import solve_certified
from peerflex.markets.game import Equilibrium, Game, Side
from peerflex.markets.matching import nothing_traded
from peerflex.markets.pairs import components, pair_price
from peerflex.markets.true_prices import TruePrices, firm_part, one_price
from peerflex.markets.wishes import wished

Reading = Annotated[
    Literal["costs-and-values", "willingness-to-sell"],
    Field(
        description="what prices are in the game: a seller's cost and a buyer's value, or, as the published study "
        "has it, how much each is willing to sell (which reverses both signs)"
    ),
]
Curvature = Annotated[
    float,
    Field(ge=0.01, le=1000, description="rise of the marginal cost from the first to the last unit of an order"),
]
PairCurvature = Annotated[
    float,
    Field(
        ge=0,
        le=1000,
        description="fall of a pair's marginal value from nothing to a trade of the mean order's size, where the "
        "DSO's terms weigh pairs; 0: none, and the trades are one solution of many",
    ),
]


@dataclass(frozen=True, slots=True)
class BilateralEquilibrium:
    """Peers agree on trades in pairs, on the terms of the DSO (``markets.game``; Le Cadre, Jacquot, Wan and Alasseur,
    EJOR 282, 2020; EUniversal D5.3, 2022, section 5.2.2).

    Every order has a linear component, from its price, and a quadratic one, ``curvature / Q * x**2 / 2``. Blocked
    pairs do not trade. Where the terms weigh pairs, each pair has a quadratic term of its own too: it makes the trades,
    on whose pairs the DSO's payments depend, unique. Elsewhere net positions are unique and money depends on nothing
    else.

    A trade settles at the multiplier of its pair's reciprocity: what makes both sides keep to it. What firm orders bid
    beyond the truth decides who is served, never a price (``markets.true_prices``). If the terms are money, the DSO
    pays each side beside it what its factor changes of the side's own component. What peers wish for counts as a charge
    below 0, is taken off the price by the seller, and is paid by nobody. The random stream is not used.
    """

    true_prices: ClassVar[bool] = True
    """What firm orders bid beyond the truth decides who is served, never a price."""

    heeds_slopes: ClassVar[bool] = True
    """An order's slope is its curvature here."""

    bilateral: ClassVar[bool] = True
    """Peers agree in pairs, not through an auction."""

    heeds_terms: ClassVar[bool] = True
    """What the DSO says about trades matters here; a market without this says nothing of the kind."""

    reading: Reading = "costs-and-values"
    curvature_eur_per_mwh: Curvature = 5.0
    pair_curvature_eur_per_mwh: PairCurvature = 0.01
    solver: Annotated[
        Literal["by-shape", "generic"],
        Field(description="the quickest exact method for the terms, or the generic quadratic program in any case"),
    ] = "by-shape"

    def clear(self, orders: Orders, signal: Signal, rng: np.random.Generator) -> MarketResult:
        sells, buys = sides(orders)
        game = self.game(orders, sells, buys, signal.terms)
        found, certificate = solve_certified(game, by_shape=self.solver == "by-shape")
        price = pair_price(game, found, found.seller, found.buyer)
        result = self.settled(orders, game, found, price, signal.terms)
        return replace(result, objective_eur_per_h=certificate.primal_eur_per_h, gap=certificate.gap)

    def settled(
        self, orders: Orders, game: Game, found: Equilibrium, price_eur_per_mwh: Floats, terms: TradeTerms
    ) -> MarketResult:
        """Return the result of a game's trades, whose reciprocity has a multiplier ``(trades,)``, in EUR/MWh."""
        if not len(found.quantity_mw):
            return nothing_traded(orders)
        sells, buys = sides(orders)
        priority = firm_part(orders.premium_eur_per_mwh) * (self.reading == "costs-and-values")
        prices = TruePrices.of(game, priority[sells], priority[buys])
        return _settled(orders, sells[found.seller], buys[found.buyer], prices, found, price_eur_per_mwh, terms)

    def game(self, orders: Orders, sells: Ints, buys: Ints, terms: TradeTerms) -> Game:
        """Return the game of some selling and some buying orders (rows; none empty) on the terms of the DSO."""
        quantity = orders.quantity_mw[np.concatenate([sells, buys])]
        game = Game(
            sellers=self._side(orders, sells, SELL, terms),
            buyers=self._side(orders, buys, BUY, terms),
            blocked=terms.blocked,
            gain_factor=terms.gain_factor,
            cost_factor=terms.cost_factor,
            pair_charge=_pair_charge(terms),
        )
        if not (game.weighted and len(quantity)):
            return game
        return replace(game, pair_curvature=self.pair_curvature_eur_per_mwh / float(quantity.mean()))

    def _side(self, orders: Orders, rows: Ints, side: int, terms: TradeTerms) -> Side:
        sign = -side if self.reading == "costs-and-values" else side
        quantity, slope = orders.quantity_mw[rows], orders.slope_eur_per_mwh2[rows]
        return Side(
            value_eur_per_mwh=sign * orders.price_eur_per_mwh[rows] - side * injection_charge(orders, rows, terms),
            curvature=np.where(slope > 0.0, slope, self.curvature_eur_per_mwh / quantity),
            most_mw=quantity,
            place=terms.place[orders.peer[rows]],
        )


def sides(orders: Orders) -> tuple[Ints, Ints]:
    """Return the selling and the buying orders (rows) that offer anything."""
    offered = orders.quantity_mw > QUANTITY_TOLERANCE_MW
    return np.flatnonzero((orders.side == SELL) & offered), np.flatnonzero((orders.side == BUY) & offered)


def injection_charge(orders: Orders, rows: Ints, terms: TradeTerms) -> Floats:
    """Return what is charged for one MWh injected by some orders (rows); what flows anyway loads nothing by trading."""
    if terms.charges is None:
        return floats(len(rows))
    charge: Floats = terms.charges.injection_eur_per_mwh[terms.place[orders.peer[rows]]] * orders.dispatchable[rows]
    return charge


def _pair_charge(terms: TradeTerms) -> Floats | None:
    """Return what each pair is charged, less what both sides wish for: the game does not ask who bears it."""
    charge = None if terms.charges is None else terms.charges.pair_eur_per_mwh
    if terms.wishes is None:
        return charge
    wishes: Floats = terms.wishes.seller_eur_per_mwh + terms.wishes.buyer_eur_per_mwh
    return -wishes if charge is None else charge - wishes


def _settled(
    orders: Orders,
    sell_order: Ints,
    buy_order: Ints,
    prices: TruePrices,
    found: Equilibrium,
    bid_price: Floats,
    terms: TradeTerms,
) -> MarketResult:
    """Return the result in rows of the orders. What a peer supplies to itself is accepted, and is no trade."""
    wished_sale, wished_purchase = wished(terms.wishes, orders.peer[sell_order], orders.peer[buy_order])
    price = prices.settle(bid_price, found) - wished_sale  # a seller gives up what it gains otherwise
    one = one_price(price)
    to_seller, to_buyer = floats(len(price)), floats(len(price))
    if terms.money:
        to_seller, to_buyer = _premiums(prices.true, found)
        to_seller, to_buyer = (
            to_seller - injection_charge(orders, sell_order, terms),
            to_buyer + injection_charge(orders, buy_order, terms) - (wished_sale + wished_purchase),
        )
    trades = Trades(
        seller=orders.peer[sell_order],
        buyer=orders.peer[buy_order],
        sell_order=sell_order,
        buy_order=buy_order,
        quantity_mw=found.quantity_mw,
        price_eur_per_mwh=price if isnan(one) else np.full(len(price), one),
        seller_premium_eur_per_mwh=to_seller,
        buyer_premium_eur_per_mwh=to_buyer,
        fee_eur_per_mwh=floats(len(price)),
    )
    accepted = add_up(sell_order, found.quantity_mw, len(orders)) + add_up(buy_order, found.quantity_mw, len(orders))
    return MarketResult(accepted, one, trades.take(trades.seller != trades.buyer))


def _premiums(game: Game, found: Equilibrium) -> tuple[Floats, Floats]:
    """Return what factors and charges of pairs change of each trade's two components, in EUR/MWh."""
    of_seller, of_buyer = components(game, found.seller, found.buyer)
    own_sold, own_bought = game.sellers.value_eur_per_mwh[found.seller], game.buyers.value_eur_per_mwh[found.buyer]
    return of_seller - own_sold, of_buyer - own_bought
