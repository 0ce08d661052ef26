"""What the DSO does when both markets have been held and its limits are still not kept.

EUniversal D5.3 (2022), section 3.2.7: if peers trade after the flexibility market, or beside it, the DSO has to resolve
what they cause by other mechanisms.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from peerflex.agents.fmo import procured
from peerflex.core.arrays import Bools, floats
from peerflex.core.last_resort import NO_LAST_RESORT, LastResort
from peerflex.core.record import Agreement
from peerflex.core.trade import FlexOffers
from peerflex.core.units import QUANTITY_TOLERANCE_MW
from peerflex.markets.leftovers import flex_offers
from peerflex.runs.stages.desk import Count, HourDesk, moved
from peerflex.runs.stages.sequences import Bargain, after_flexibility
from peerflex.runs.stages.validation import deliverable

if TYPE_CHECKING:
    from peerflex.runs.model import AreaModel


def last_resort(model: "AreaModel", desk: HourDesk, bargain: Bargain) -> LastResort:
    """Return what the DSO activates beside trades and flexibility, by its own model of the network.

    It looks at what trades and activations together lead to, and goes on as the market operator does until its own flow
    is clean. Whatever was not sold to anybody may be called on; what was sold stands. Who has sold more than its assets
    can do is not called on: that would only take off what it does not deliver anyway.
    """
    area = model.area
    if area.last_resort is None:
        return NO_LAST_RESORT
    apart = replace(desk, standing_mw=bargain.activated_mw(len(desk.peers)), count=Count())
    agreed = bargain.agreed
    expected = apart.flow(agreed.plan, agreed.result, agreed.reactive_mvar)
    offers = left_offers(model, bargain)
    offers = deliverable(apart, agreed, offers.take(_delivers(apart, agreed)[offers.peer]))
    bought = procured(area.last_resort, model.dso, expected, offers, area.dso.lfm_rounds)
    return LastResort(bought.need, offers, bought.result)


def _delivers(desk: HourDesk, agreed: Agreement) -> Bools:
    """Return whose assets can do all that it sold, by its own forecast ``(peers,)``."""
    n = len(desk.peers)
    sold_mw = moved(agreed.plan.orders, agreed.result, n) + desk.standing_mw
    plan_mw, with_sales_mw = (desk.scheduled(agreed.plan, change).injection_mw for change in (floats(n), sold_mw))
    can: Bools = np.abs(with_sales_mw - plan_mw - sold_mw) <= QUANTITY_TOLERANCE_MW
    return can


def left_offers(model: "AreaModel", bargain: Bargain) -> FlexOffers:
    """Return what neither peers nor the flexibility market took of the orders of an hour."""
    plan = bargain.agreed.plan
    orders = after_flexibility(plan.orders, bargain.offers, bargain.bought.result)
    offers = flex_offers(orders, bargain.agreed.result, model.peers.bus, model.peers.least_share, plan.closed)
    return offers if model.tso is None else offers.take(offers.peer != model.tso.peer)
