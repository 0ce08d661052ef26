"""Aggregated offers of flexibility: the market sees one where many are, and members do what it activates of theirs."""

from dataclasses import dataclass, replace

import numpy as np

from peerflex.core.arrays import Floats, Ints, add_up, floats
from peerflex.core.protocols import FlexMarket
from peerflex.core.trade import FlexNeed, FlexOffers, FlexResult


@dataclass(frozen=True, slots=True)
class Pools:
    """A flexibility market in which mediators sell for their members in pools. Results are row by row as the members'.

    A pool is one mediator's offers of a bus, a direction and a price class (``class_eur_per_mwh`` ``(peers,)`` wide, 0:
    these are offered one by one). It asks and costs what its dearest member does, may be activated in part, and hands
    on what is activated, the cheapest member first; each is settled at the pool's price. ``mediator`` ``(peers,)`` is
    whose member a peer is (-1: nobody's).
    """

    market: FlexMarket
    mediator: Ints
    class_eur_per_mwh: Floats

    def clear(self, need: FlexNeed, offers: FlexOffers) -> FlexResult:
        pool = self.pool_of(offers)
        result = self.market.clear(need, self.seen(offers))
        dear = offers.side * offers.price_eur_per_mwh
        rows = np.lexsort((dear, pool))
        before = np.cumsum(offers.quantity_mw[rows]) - offers.quantity_mw[rows]
        before = np.maximum(before - before[np.searchsorted(pool[rows], pool[rows])], 0.0)
        accepted_mw = floats(len(offers))
        accepted_mw[rows] = np.clip(result.accepted_mw[pool[rows]] - before, 0.0, offers.quantity_mw[rows])
        return replace(result, accepted_mw=accepted_mw, price_eur_per_mwh=result.price_eur_per_mwh[pool])

    def pool_of(self, offers: FlexOffers) -> Ints:
        """Return the row in which the market sees each offer ``(offers,)``."""
        width = self.class_eur_per_mwh[offers.peer]
        together = width > 0
        price_class = np.floor(offers.price_eur_per_mwh / np.where(together, width, 1.0))
        alone = np.where(together, -1, np.arange(len(offers)))
        price_class = np.where(together, price_class, 0.0)
        keys = np.stack([alone, self.mediator[offers.peer], offers.bus, offers.side, price_class])
        pool: Ints = np.unique(keys, axis=1, return_inverse=True)[1].reshape(-1)
        return pool

    def seen(self, offers: FlexOffers) -> FlexOffers:
        """Return the offers as the market sees them; ``peer`` and ``order`` are those of a pool's first member."""
        pool = self.pool_of(offers)
        _, first = np.unique(pool, return_index=True)
        n, shown = len(first), offers.take(first)

        def dearest(eur_per_mwh: Floats) -> Floats:
            most = np.full(n, -np.inf)
            np.maximum.at(most, pool, offers.side * eur_per_mwh)
            signed: Floats = shown.side * most
            return signed

        return replace(
            shown,
            quantity_mw=add_up(pool, offers.quantity_mw, n),
            price_eur_per_mwh=dearest(offers.price_eur_per_mwh),
            cost_eur_per_mwh=dearest(offers.cost_eur_per_mwh),
        )
