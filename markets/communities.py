"""Communities: an auction inside each, and bilateral trade between them of what the auctions leave."""

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Final, Literal, Self

import numpy as np
from pydantic import Field

from peerflex.core.arrays import Ints, ints
from peerflex.core.errors import InputError
from peerflex.core.people import PeerTable
from peerflex.core.protocols import Grid, Market
from peerflex.core.trade import NAN, MarketResult, Orders, Signal, Trades, TradeTerms, free_terms
from peerflex.markets.allocation import sides_of_borders
from peerflex.markets.bilateral import BilateralEquilibrium
from peerflex.markets.double_auction import UniformPriceDoubleAuction
from peerflex.markets.k_double_auction import PairwiseDoubleAuction
from peerflex.markets.leftovers import left_after
from peerflex.markets.negotiation import Negotiation
from peerflex.markets.pay_as_bid import PayAsBidAuction
from peerflex.markets.true_prices import one_price

INSIDE: Final[dict[str, Market]] = {
    "uniform-auction": UniformPriceDoubleAuction(),
    "pay-as-bid": PayAsBidAuction(),
    "k-double-auction": PairwiseDoubleAuction(),
}
"""Auctions that leave nobody of a community anything to gain from another of it."""

BETWEEN: Final[dict[str, Market]] = {"bilateral-equilibrium": BilateralEquilibrium(), "negotiation": Negotiation()}


@dataclass(frozen=True, slots=True)
class Communities:
    """The hybrid structure (Sousa, Soares, Pinson, Moret, Baroche and Sorin, Renewable and Sustainable Energy Reviews
    104, 2019; EUniversal D5.3, 2022, section 3.2.5; communities as in Moret and Pinson, IEEE Trans. Power Syst. 34(5),
    2019): each community has a manager who holds an auction, and what it leaves is traded between communities in pairs.

    Both parts have their own parameters at default. As the auctions serve the merit order, two peers of a community
    have nothing left to gain from each other: the second part trades between communities only.

    Promised: individual rationality, balance, a budget of each manager that is not below zero. Not promised: efficiency
    (an auction does not wait for a better offer from elsewhere), one price, truthfulness. What the DSO says about pairs
    is not heeded, as the auctions do not. All orders are of one delivery period.
    """

    hybrid: ClassVar[bool] = True
    """Neither an auction nor bilateral trade: both."""

    inside: Annotated[
        Literal["uniform-auction", "pay-as-bid", "k-double-auction"], Field(description="the auction in each community")
    ] = "uniform-auction"
    between: Annotated[
        Literal["bilateral-equilibrium", "negotiation", "none"],
        Field(description="how communities trade with each other what their auctions leave"),
    ] = "bilateral-equilibrium"
    by: Annotated[
        Literal["group", "feeder"],
        Field(description="who is a community: a group of the scenario, or what lies behind one feeder"),
    ] = "group"
    community: Annotated[
        tuple[int, ...], Field(description="community of each peer, found from the scenario; none: all are one")
    ] = ()

    def among(self, peers: PeerTable, grid: Grid, where: str) -> Self:
        """Return this market with everybody's community.

        Raises:
            InputError: if communities are feeders, and the network has no two.
        """
        if self.by == "group":
            return replace(self, community=tuple((peers.behaviour - peers.behaviour.min(initial=0)).tolist()))
        behind = sides_of_borders(grid, ())
        if not len(behind):
            what = "the network has no fork, or no ratings to see one by"
            raise InputError(f"{where}.by", what, "Use by: group.")
        of_bus = np.arange(1, len(behind) + 1) @ behind  # 0: on no feeder
        return replace(self, community=tuple(of_bus[peers.bus].tolist()))

    def clear(self, orders: Orders, signal: Signal, rng: np.random.Generator) -> MarketResult:
        n_peers = len(signal.terms.place)
        community = np.array(self.community, dtype=np.int64) if self.community else ints(n_peers)
        of_order = community[orders.peer]
        members = [np.flatnonzero(of_order == each) for each in np.unique(of_order)]
        inside = [_widened(INSIDE[self.inside].clear(orders.take(rows), signal, rng), rows, orders) for rows in members]
        if self.between == "none" or len(members) < 2:
            return _together(inside, orders)
        left = left_after(orders, _together(inside, orders).accepted_mw)
        # an equilibrium has no pair that would not gain; in a negotiation it must be told who need not meet
        terms = _apart(community) if self.between == "negotiation" else free_terms(n_peers)
        after = BETWEEN[self.between].clear(left, replace(signal, terms=terms), rng)
        whole = _together([*inside, after], orders)
        return replace(whole, rounds=1 + after.rounds, messages=after.messages)  # the auctions are held at once


def _apart(community: Ints) -> TradeTerms:
    """Return terms on which nobody trades within a community ``(peers,)``."""
    names, place = np.unique(community, return_inverse=True)
    ones = np.ones((len(names), len(names)))
    return TradeTerms(place, np.eye(len(names), dtype=np.bool_), ones, ones, money=False)


def _widened(result: MarketResult, rows: Ints, orders: Orders) -> MarketResult:
    """Return the result of a market of some orders (rows) in rows of the whole book."""
    accepted_mw = np.zeros(len(orders))
    accepted_mw[rows] = result.accepted_mw
    trades = result.trades
    trades = replace(trades, sell_order=rows[trades.sell_order], buy_order=rows[trades.buy_order])
    return replace(result, accepted_mw=accepted_mw, trades=trades)


def _together(results: list[MarketResult], orders: Orders) -> MarketResult:
    """Return several results on the same book as one; its price is NaN unless all trades have one."""
    trades = Trades.join([result.trades for result in results])
    return MarketResult(
        accepted_mw=np.sum([np.zeros(len(orders)), *(result.accepted_mw for result in results)], axis=0),
        price_eur_per_mwh=one_price(trades.price_eur_per_mwh) if len(trades) else NAN,
        trades=trades,
    )
