"""What a position that peers hold leaves for another session of the same market, and two sessions as one result."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from peerflex.core.arrays import Bools, Floats, add_up, floats
from peerflex.core.record import Agreement
from peerflex.core.trade import NAN, Headroom, MarketResult, Orders, Trades
from peerflex.core.units import BUY, QUANTITY_TOLERANCE_MW, SELL
from peerflex.markets.leftovers import left_after
from peerflex.markets.tradable import before


@dataclass(frozen=True, slots=True)
class Position:
    """What every peer has sold before a session opens; shapes ``(peers,)``.

    ``energy_mw`` is energy that flows anyway, sold less bought; undoing it gives back ``worth_eur_per_mwh``, what it
    cost or was worth on average. ``rise_mw`` and ``fall_mw`` (>= 0) are what assets have to move, sold and bought:
    ``traded`` between peers, or activated.
    """

    energy_mw: Floats
    worth_eur_per_mwh: Floats
    rise_mw: Floats
    fall_mw: Floats
    traded: bool = True

    @classmethod
    def of(cls, orders: Orders, result: MarketResult, n_peers: int) -> Self:
        """Return what trades lead to."""
        accepted_mw, flows = result.accepted_mw, ~orders.dispatchable

        def held(rows: Bools) -> Floats:
            return add_up(orders.peer[rows], accepted_mw[rows], n_peers)

        sold_mw, bought_mw = held(flows & (orders.side == SELL)), held(flows & (orders.side == BUY))
        signed = (orders.side * accepted_mw * orders.true_eur_per_mwh)[flows]
        energy_mw, eur_per_h = sold_mw - bought_mw, add_up(orders.peer[flows], signed, n_peers)
        worth = np.divide(eur_per_h, energy_mw, out=floats(n_peers), where=np.abs(energy_mw) > QUANTITY_TOLERANCE_MW)
        moves = orders.dispatchable
        return cls(energy_mw, worth, held(moves & (orders.side == SELL)), held(moves & (orders.side == BUY)))

    @classmethod
    def moving(cls, change_mw: Floats) -> Self:
        """Return what activations have assets move, up (> 0) or down, and no energy beside it."""
        nothing = floats(len(change_mw))
        return cls(nothing, nothing, np.maximum(change_mw, 0.0), np.maximum(-change_mw, 0.0), traded=False)

    @property
    def moved_mw(self) -> Floats:
        """Return what trades have assets move."""
        return self.rise_mw - self.fall_mw if self.traded else floats(len(self.rise_mw))

    def left_of(self, headroom: Headroom) -> Headroom:
        """Return what the DSO's limits of what trades may change leave."""
        return Headroom(
            np.maximum(headroom.rise_mw - self.rise_mw, 0.0), np.maximum(headroom.fall_mw - self.fall_mw, 0.0)
        )

    def left(
        self, orders: Orders, activated_mw: Floats, retail: Floats, feed_in: Floats, start_s: int, duration_s: int
    ) -> Orders:
        """Return orders for what the position does not cover: the same rows, and below them what undoes too much of it.

        Of assets, what is sold is taken off a peer's best orders first. Energy is ordered for the difference between
        the position and what the orders say now. Who sold too much buys it back at up to ``retail``, who bought too
        much sells it from ``feed_in`` on (EUR/MWh ``(peers,)``): what the supplier would settle it at. That undoes a
        cost or value, so its true price is the position's. What was activated as flexibility (``activated_mw``
        ``(orders,)``) is no longer for sale either; it stays in the orders' quantities, for their owner to take off.
        """
        asked, orders = orders, left_after(orders, activated_mw)
        flows, sells = ~orders.dispatchable, orders.side == SELL
        n, quantity_mw = len(self.energy_mw), orders.quantity_mw

        def there(rows: Bools) -> Floats:
            return add_up(orders.peer[rows], quantity_mw[rows], n)

        surplus_mw, deficit_mw = there(flows & sells), there(flows & ~sells)
        more_mw = surplus_mw - deficit_mw - self.energy_mw
        held = self.energy_mw != 0.0
        selling_mw = np.where(held, np.clip(more_mw, 0.0, surplus_mw), surplus_mw)
        buying_mw = np.where(held, np.clip(-more_mw, 0.0, deficit_mw), deficit_mw)
        taken_mw = (
            _off_the_best(orders, ~flows & sells, self.rise_mw)
            + _off_the_best(orders, ~flows & ~sells, self.fall_mw)
            + _off_the_best(orders, flows & sells, surplus_mw - selling_mw)
            + _off_the_best(orders, flows & ~sells, deficit_mw - buying_mw)
        )
        undo_mw = np.where(held, more_mw - selling_mw + buying_mw, 0.0)
        peer = np.flatnonzero(np.abs(undo_mw) > QUANTITY_TOLERANCE_MW)
        side = np.where(undo_mw[peer] > 0.0, SELL, BUY)
        price = np.where(side == SELL, feed_in[peer], retail[peer])
        undoing = Orders.plain(
            peer=peer,
            side=side,
            quantity_mw=np.abs(undo_mw[peer]),
            price_eur_per_mwh=price,
            dispatchable=np.zeros(len(peer), dtype=np.bool_),
            start_s=np.full(len(peer), start_s),
            duration_s=np.full(len(peer), duration_s),
        )
        premium = np.maximum(side * (self.worth_eur_per_mwh[peer] - price), 0.0)
        left = left_after(asked, taken_mw)
        kept = replace(left, quantity_mw=orders.quantity_mw - taken_mw + activated_mw)
        return Orders.join([kept, replace(undoing, premium_eur_per_mwh=premium)])


def _off_the_best(orders: Orders, of: Bools, taken_mw: Floats) -> Floats:
    """Return what of each order ``(orders,)`` is gone when peers have sold ``taken_mw`` ``(peers,)`` of those rows."""
    rows = np.flatnonzero(of)
    rows = rows[np.lexsort((orders.side[rows] * orders.price_eur_per_mwh[rows], orders.peer[rows]))]
    peer, quantity_mw, gone_mw = orders.peer[rows], orders.quantity_mw[rows], floats(len(orders))
    gone_mw[rows] = np.clip(taken_mw[peer] - before(peer, quantity_mw), 0.0, quantity_mw)
    return gone_mw


def joined(first: Agreement, then: Agreement) -> Agreement:
    """Return two sessions as one: the orders of the second, and below them those of the first, which is closed."""
    orders = Orders.join([then.plan.orders, first.plan.orders])
    one, two, n = first.result, then.result, len(then.plan.orders)
    earlier = replace(one.trades, sell_order=one.trades.sell_order + n, buy_order=one.trades.buy_order + n)
    prices = {result.price_eur_per_mwh for result in (one, two) if len(result.trades)}
    result = MarketResult(
        accepted_mw=np.concatenate([two.accepted_mw, one.accepted_mw]),
        price_eur_per_mwh=prices.pop() if len(prices) == 1 else NAN,
        trades=Trades.join([two.trades, earlier]),
        objective_eur_per_h=one.objective_eur_per_h + two.objective_eur_per_h,
        gap=max(one.gap, two.gap),
        rounds=one.rounds + two.rounds,
        messages=one.messages + two.messages,
    )
    effort = replace(
        then.effort,
        settled=first.effort.settled and then.effort.settled,
        called_share=max(first.effort.called_share, then.effort.called_share),
    )
    return replace(
        then, plan=replace(then.plan, orders=orders, closed=len(first.plan.orders)), result=result, effort=effort
    )
