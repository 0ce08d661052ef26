"""The mediator: stands between its members and the markets, bids for them, and sells their flexibility."""

from dataclasses import dataclass, replace
from typing import Literal

import mesa
import numpy as np

from peerflex.agents.mediation import Strategy
from peerflex.core.arrays import Bools, Floats, Ints
from peerflex.core.trade import FlexOffers, MarketResult, Orders
from peerflex.core.units import QUANTITY_TOLERANCE_MW

MediatorRole = Literal["community-manager", "aggregator", "independent"]


@dataclass(frozen=True, slots=True)
class MediatorSettings:
    """Who a mediator is and for whom it acts: ``member`` ``(peers,)``.

    ``class_eur_per_mwh`` is the width of the price classes in which it pools offers of a bus (0: it does not pool).
    """

    name: str
    role: MediatorRole
    member: Bools
    strategy: Strategy
    fee_eur_per_mwh: float = 0.0
    class_eur_per_mwh: float = 0.0
    resells: bool = False

    @property
    def sells_flexibility(self) -> bool:
        return self.role != "independent"


class Mediator(mesa.Agent):
    """Knows what its members bid and what the DSO publishes: ``relief`` ``(peers,)``, at each peer's bus."""

    def __init__(self, model: mesa.Model, settings: MediatorSettings) -> None:
        super().__init__(model)
        self.settings = settings

    def trade(self, orders: Orders, relief: Floats) -> Orders:
        """Return all orders, those of members as it bids them to other peers."""
        return self.settings.strategy.trade(orders, self.settings.member[orders.peer], relief[orders.peer])

    def offer(self, offers: FlexOffers, relief: Floats, interface_eur_per_mwh: float) -> FlexOffers:
        """Return all offers of flexibility, those of members at its asks: what they cost, and its mark-up.

        What would not be admitted at its cost, on the wrong side of the interface price, is offered at that price.
        """
        own = self.settings.member[offers.peer] & self.settings.sells_flexibility
        mark_up = self.settings.strategy.mark_up(offers, relief[offers.peer])
        # of cost and interface price the one further in the offer's own direction
        least = offers.side * np.maximum(offers.side * offers.cost_eur_per_mwh, offers.side * interface_eur_per_mwh)
        ask = least + offers.side * mark_up
        return replace(offers, price_eur_per_mwh=np.where(own, ask, offers.price_eur_per_mwh))

    def resales(self, orders: Orders, result: MarketResult, bus_of_peer: Ints) -> FlexOffers:
        """Return the offers to undo what members' assets traded: a purchase upward, a sale downward.

        Each costs what the first MW of the trade is worth or saves: the most that any MW of a purchase is.
        """
        taken = orders.dispatchable & (result.accepted_mw > QUANTITY_TOLERANCE_MW) & ~orders.extra
        rows = np.flatnonzero(taken & self.settings.member[orders.peer] & self.settings.resells)
        peer, true_eur_per_mwh = orders.peer[rows], orders.true_eur_per_mwh[rows]
        return FlexOffers(
            order=rows,
            peer=peer,
            bus=bus_of_peer[peer],
            side=-orders.side[rows],
            quantity_mw=result.accepted_mw[rows],
            price_eur_per_mwh=true_eur_per_mwh,
            least_share=np.zeros(len(rows)),
            cost_eur_per_mwh=true_eur_per_mwh,
        )
