"""The transmission system operator: it has seen the last step's frequency, and buys regulation for the next one."""

import math

import mesa
import numpy as np

from peerflex.agents.regulation import Bid, Need
from peerflex.core.frequency import FrequencyState
from peerflex.core.regulation import Regulation
from peerflex.core.trade import FIRM_EUR_PER_MWH, NAN, MarketResult, Orders
from peerflex.core.units import BUY, SELL

LEAST_REQUEST_MW = 1e-6
"""What the last megawatts of a reserve still carry when it dies away is no request."""


class TSO(mesa.Agent):
    """Trades in its own name, as the peer in row ``peer``, at the upstream bus."""

    def __init__(self, model: mesa.Model, need: Need, bid: Bid, peer: int) -> None:
        super().__init__(model)
        self.need = need
        self.bid = bid
        self.peer = peer

    def request_mw(self, step: int, last: FrequencyState | None) -> float:
        """Return what it asks for in a step (> 0: up), not more than it may; less than a watt is nothing."""
        wanted_mw = self.need.mw(step, last)
        asked_mw = math.copysign(min(abs(wanted_mw), self.bid.most_mw), wanted_mw)
        return asked_mw if abs(asked_mw) > LEAST_REQUEST_MW else 0.0

    def orders(self, request_mw: float, start_s: int, duration_s: int) -> Orders:
        """Return its order for a request; none for nothing."""
        if request_mw == 0.0:
            return Orders.empty()
        bid, side = self.bid, BUY if request_mw > 0 else SELL
        true = bid.value_eur_per_mwh if side == BUY else bid.down_eur_per_mwh
        premium = FIRM_EUR_PER_MWH if bid.firm else 0.0
        return Orders(
            peer=np.array([self.peer]),
            side=np.array([side]),
            quantity_mw=np.array([abs(request_mw)]),
            price_eur_per_mwh=np.array([true - side * premium]),
            dispatchable=np.ones(1, dtype=np.bool_),
            start_s=np.array([start_s]),
            duration_s=np.array([duration_s]),
            slope_eur_per_mwh2=np.array([bid.fall_eur_per_mwh / abs(request_mw)]),
            premium_eur_per_mwh=np.array([premium]),
            penalty_eur_per_mwh=np.zeros(1),
        )

    def regulation(self, request_mw: float, orders: Orders, result: MarketResult) -> Regulation:
        """Return what it asked for and got: it buys what goes up."""
        trades, own = result.trades, orders.peer == self.peer
        mine = trades.take((trades.buyer == self.peer) | (trades.seller == self.peer))
        volume_mw = float(mine.quantity_mw.sum())
        paid = float((mine.price_eur_per_mwh * mine.quantity_mw).sum())
        order, traded_mw = orders.take(own), result.accepted_mw[own]
        worth = -traded_mw * (order.side * order.true_eur_per_mwh + order.slope_eur_per_mwh2 * traded_mw / 2)
        return Regulation(
            request_mw=request_mw,
            contracted_mw=0.0 - float((order.side * traded_mw).sum()),
            price_eur_per_mwh=paid / volume_mw if volume_mw > 0 else NAN,
            value_eur_per_h=0.0 + float(worth.sum()),
        )
