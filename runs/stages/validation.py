"""The FMO's validation of offers: nobody sells what its assets could not deliver beside what it announced."""

from dataclasses import replace

import numpy as np

from peerflex.core.arrays import add_up
from peerflex.core.record import Agreement
from peerflex.core.trade import FlexOffers
from peerflex.core.units import DOWN, QUANTITY_TOLERANCE_MW, UP
from peerflex.runs.stages.desk import HourDesk, moved


def deliverable(desk: HourDesk, agreed: Agreement, offers: FlexOffers) -> FlexOffers:
    """Return the offers, each with what its peer could deliver if all that it offers that way were called.

    Beside its schedule, trades and what stands at the desk included; what the assets lack is taken off its offers pro
    rata.
    """
    if not len(offers):
        return offers
    n = len(desk.peers)
    announced_mw = moved(agreed.plan.orders, agreed.result, n) + desk.standing_mw
    baseline_mw = desk.scheduled(agreed.plan, announced_mw).injection_mw
    quantity_mw = offers.quantity_mw.copy()
    for side in (UP, DOWN):
        rows = np.flatnonzero(offers.side == side)
        if not len(rows):
            continue
        offered_mw = add_up(offers.peer[rows], offers.quantity_mw[rows], n)
        called = desk.scheduled(agreed.plan, announced_mw + side * offered_mw)
        lacking_mw = offered_mw - side * (called.injection_mw - baseline_mw)
        share = np.divide(lacking_mw, offered_mw, out=np.zeros(n), where=lacking_mw > QUANTITY_TOLERANCE_MW)
        quantity_mw[rows] *= 1.0 - np.minimum(share, 1.0)[offers.peer[rows]]
    return replace(offers, quantity_mw=quantity_mw)
