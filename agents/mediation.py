"""How a mediator bids for its members: as they would, or so that the flexibility market has to buy back."""

from dataclasses import dataclass, replace
from typing import Annotated, Final, Protocol

import numpy as np
from pydantic import Field

from peerflex.core.arrays import Bools, Floats
from peerflex.core.trade import FlexOffers, Orders

WITHHELD_EUR_PER_MWH: Final = 4000.0
"""How far from its true price an order stands that is not meant to trade."""


class Strategy(Protocol):
    """What a mediator makes of its members' orders, and what it asks for their flexibility.

    ``relief`` is the DSO's signal where each row's peer is; ``own`` says which rows are of members.
    """

    def trade(self, orders: Orders, own: Bools, relief: Floats) -> Orders: ...

    def mark_up(self, offers: FlexOffers, relief: Floats) -> Floats:
        """Return how far each ask is beyond what it costs, EUR/MWh >= 0."""
        ...


@dataclass(frozen=True, slots=True)
class Honest:
    """Passes on what members bid, and asks what their flexibility costs."""

    def trade(self, orders: Orders, own: Bools, relief: Floats) -> Orders:
        return orders

    def mark_up(self, offers: FlexOffers, relief: Floats) -> Floats:
        return np.zeros(len(offers))


@dataclass(frozen=True, slots=True)
class IncreaseDecrease:
    """Congests in the market between peers, and sells the relief (EUniversal D5.3, 2022, section 4.1.1).

    Where the DSO's signal says that more injection is wanted, members' dispatchable purchases bid more than they are
    worth, so that they are accepted and load the wires further, and their dispatchable sales keep out of the market.
    The flexibility market is then offered both: what was bought is undone, what was kept back is sold, each dearer
    than it costs. Where less injection is wanted, the mirror image: sales bid less than they cost, purchases keep out.
    True prices stay in ``Orders.true_eur_per_mwh``.
    """

    threshold: Annotated[
        float, Field(ge=0, lt=1, description="The DSO's signal (-1 to 1) beyond which it is played")
    ] = 0.0
    overbid_eur_per_mwh: Annotated[
        float, Field(ge=0, le=3000, description="How far bids that load the wires go beyond what is true")
    ] = 20.0
    mark_up_eur_per_mwh: Annotated[
        float, Field(ge=0, le=3000, description="How far asks for flexibility that is wanted go beyond what it costs")
    ] = 20.0

    def trade(self, orders: Orders, own: Bools, relief: Floats) -> Orders:
        played = own & orders.dispatchable & ~orders.extra & (np.abs(relief) > self.threshold)
        relieves = orders.side == np.sign(relief)
        premium = np.where(relieves, -WITHHELD_EUR_PER_MWH, self.overbid_eur_per_mwh) * played
        return replace(
            orders,
            price_eur_per_mwh=orders.price_eur_per_mwh - orders.side * premium,
            premium_eur_per_mwh=orders.premium_eur_per_mwh + premium,
        )

    def mark_up(self, offers: FlexOffers, relief: Floats) -> Floats:
        wanted = (np.abs(relief) > self.threshold) & (offers.side == np.sign(relief))
        return np.where(wanted, self.mark_up_eur_per_mwh, 0.0)
