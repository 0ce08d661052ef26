"""Writing orders: the few shapes that every behaviour needs."""

from dataclasses import dataclass

import numpy as np

from peerflex.core.arrays import Floats, Ints, floats
from peerflex.core.people import Observation
from peerflex.core.trade import Orders
from peerflex.core.units import BUY, QUANTITY_TOLERANCE_MW, SELL


@dataclass(frozen=True, slots=True)
class Offers:
    """One thing that every peer of an observation offers or asks for; shapes ``(rows,)``, columns as in ``Orders``."""

    side: Ints
    quantity_mw: Floats
    price_eur_per_mwh: Floats
    dispatchable: bool
    slope_eur_per_mwh2: Floats | None = None
    premium_eur_per_mwh: Floats | None = None
    penalty_eur_per_mwh: float = 0.0


def energy(net_mw: Floats, ask: Floats, bid: Floats) -> Offers:
    """Return energy that flows anyway: a surplus is sold at ``ask``, a deficit bought at ``bid``."""
    surplus = net_mw > 0
    return Offers(np.where(surplus, SELL, BUY), np.abs(net_mw), np.where(surplus, ask, bid), dispatchable=False)


def upward(quantity_mw: Floats, price_eur_per_mwh: Floats) -> Offers:
    """Return what peers can give beside their schedule, and what it costs them."""
    return Offers(np.full(len(quantity_mw), SELL), quantity_mw, price_eur_per_mwh, dispatchable=True)


def downward(quantity_mw: Floats, price_eur_per_mwh: Floats) -> Offers:
    """Return what peers can take (or not give) beside their schedule, and what it is worth to them."""
    return Offers(np.full(len(quantity_mw), BUY), quantity_mw, price_eur_per_mwh, dispatchable=True)


def orders_for(seen: Observation, offers: list[Offers]) -> Orders:
    """Return an order for each peer whose quantity is more than nothing, one kind of offer after the other."""
    quantity_mw = np.concatenate([offer.quantity_mw for offer in offers])
    rows = np.flatnonzero(quantity_mw > QUANTITY_TOLERANCE_MW)
    return Orders(
        peer=np.tile(seen.peer, len(offers))[rows],
        side=np.concatenate([offer.side for offer in offers])[rows],
        quantity_mw=quantity_mw[rows],
        price_eur_per_mwh=np.concatenate([offer.price_eur_per_mwh for offer in offers])[rows],
        dispatchable=np.repeat([offer.dispatchable for offer in offers], len(seen.peer))[rows],
        start_s=np.full(rows.size, seen.start_s, dtype=np.int64),
        duration_s=np.full(rows.size, seen.duration_s, dtype=np.int64),
        slope_eur_per_mwh2=_given([offer.slope_eur_per_mwh2 for offer in offers], len(seen.peer))[rows],
        premium_eur_per_mwh=_given([offer.premium_eur_per_mwh for offer in offers], len(seen.peer))[rows],
        penalty_eur_per_mwh=np.repeat([offer.penalty_eur_per_mwh for offer in offers], len(seen.peer))[rows],
    )


def _given(columns: list[Floats | None], n: int) -> Floats:
    """Return columns one below the other, 0 where there is none."""
    return np.concatenate([floats(n) if column is None else column for column in columns])
