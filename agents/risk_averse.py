"""The risk-averse prosumer: sells what it may count on, not what it expects."""

from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np
from pydantic import Field

from peerflex.agents.prosumer import Prosumer
from peerflex.core.arrays import Floats
from peerflex.core.people import Observation, Plan
from peerflex.core.trade import Orders
from peerflex.core.units import QUANTITY_TOLERANCE_MW, SELL

LEAST_RATIO = 1e-3
"""A critical ratio is kept this far from 0 and 1: three standard deviations are as much as anybody fears."""


@dataclass(frozen=True, slots=True)
class RiskAverse(Prosumer):
    """A rule-of-thumb prosumer that trades the newsvendor's quantity instead of its forecast.

    It believes that whatever it gives or takes other than traded is settled at the imbalance prices, and that it trades
    at its own price. The quantity with the best expected profit is then a quantile of its forecast (Bitar, Rajagopal,
    Khargonekar, Poolla and Varaiya, "Bringing wind energy to market", IEEE Transactions on Power Systems 27, 2012).
    ``risk_aversion`` is how far it goes there from its forecast; 0 is the prosumer.
    """

    risk_aversion: Annotated[
        float,
        Field(ge=0, le=1, description="how far it goes from what it forecasts (0) to the newsvendor's quantity (1)"),
    ] = 1.0
    believed_error: Annotated[
        float,
        Field(ge=0, le=1, description="standard deviation it believes its forecasts of load and PV to have, relative"),
    ] = 0.2
    believed_spread: Annotated[
        float, Field(ge=0, le=1, description="by how much it believes retail raised, feed-in lowered for imbalance")
    ] = 0.1

    def bid(self, seen: Observation, rng: np.random.Generator) -> Plan:
        plan = Prosumer.bid(self, seen, rng)
        own = np.flatnonzero(~plan.orders.dispatchable)  # energy that flows anyway
        quantity_mw = plan.orders.quantity_mw.copy()
        quantity_mw[own] = self._counted_on_mw(seen, plan.orders.take(own))
        orders = replace(plan.orders, quantity_mw=quantity_mw)
        return replace(plan, orders=orders.take(quantity_mw > QUANTITY_TOLERANCE_MW))

    def _counted_on_mw(self, seen: Observation, expected: Orders) -> Floats:
        """Return what to trade instead of each order of the expected quantity."""
        row = np.searchsorted(seen.peer, expected.peer)  # peers are seen in rising order
        load_mw, pv_mw = seen.load_mw[row], seen.pv_mw[row]
        short = seen.retail_eur_per_mwh[row] * (1 + self.believed_spread)
        long = seen.feed_in_eur_per_mwh[row] * (1 - self.believed_spread)
        deviation_mw = self.risk_aversion * self.believed_error * np.hypot(load_mw, pv_mw)
        beside_mw = deviation_mw * deviations(expected.price_eur_per_mwh, short, long)
        # Never to the other side, and never more than if it had no load (a seller) or no sun (a buyer).
        most_mw = expected.quantity_mw + np.where(expected.side == SELL, load_mw, pv_mw)
        return np.clip(expected.quantity_mw + expected.side * beside_mw, 0.0, most_mw)


def deviations(price: Floats, short: Floats, long: Floats) -> Floats:
    """Return how many standard deviations from its expectation a normal injection is best sold; all in EUR/MWh.

    What is sold and not there costs ``short``, what is there and not sold brings ``long``: the best quantity is the
    quantile of order (price - long) / (short - long), the critical ratio.
    """
    from scipy.special import ndtri

    gap = short - long
    ratio = np.divide(price - long, gap, out=np.full(len(price), 0.5), where=gap > 0)
    quantile: Floats = ndtri(np.clip(ratio, LEAST_RATIO, 1 - LEAST_RATIO))
    return quantile
