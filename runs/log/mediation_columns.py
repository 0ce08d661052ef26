"""What mediators do and take, and what assets are worth to their owners: columns of the log."""

import numpy as np

from peerflex.core.arrays import Floats, add_up
from peerflex.core.record import Decision, Mediation
from peerflex.runs.log.columns import Part, Source


def private_value(part: Part) -> Floats:
    """Take what assets were worth to each peer as they were sold, EUR per hour."""
    return np.concatenate([private_eur_per_h(decision) for decision in part.values("decision")])


def private_eur_per_h(decision: Decision) -> Floats:
    """Return the true value of what peers' assets took by trades and activations, less the true cost of what they gave.

    Trades and activations of an order are one movement: what undoes a trade takes it off, and what was sold in both
    markets moves once. Peers that fail move nothing. Shape ``(peers,)``.
    """
    orders, offers, resort = decision.orders, decision.offers, decision.last_resort
    activated_mw = add_up(offers.order, offers.side * decision.flex.accepted_mw, len(orders))
    activated_mw += add_up(resort.offers.order, resort.change_mw, len(orders))
    in_all_mw = decision.result.accepted_mw + orders.side * activated_mw
    moved_mw = np.clip(in_all_mw, 0.0, orders.quantity_mw) * orders.dispatchable
    if decision.failing is not None:
        moved_mw = np.where(decision.failing[orders.peer], 0.0, moved_mw)
    worth = -moved_mw * (orders.side * orders.true_eur_per_mwh + orders.slope_eur_per_mwh2 * moved_mw / 2)
    return add_up(orders.peer, worth, len(decision.contracted_mw))


def undone(part: Part) -> Floats:
    """Take what activations undo of trades of the same peer, in MW."""
    return np.array([_undone_mw(decision) for decision in part.values("decision")])


def _undone_mw(decision: Decision) -> float:
    offers = decision.offers
    against = offers.side != decision.orders.side[offers.order]
    return float(decision.flex.accepted_mw[against].sum())


def fees(part: Part) -> Floats:
    """Take what each peer pays its mediator, EUR per hour."""
    return np.concatenate(
        [
            np.zeros(len(each.contracted_mw)) if each.mediation is None else each.mediation.fee_eur_per_h
            for each in part.values("decision")
        ]
    )


NOBODY = Mediation(np.zeros(0))


def noticed(name: str) -> Source:
    """Take what the market operator noticed of a step, as if nobody mediated where nobody does."""
    return lambda part: [1 * getattr(each or NOBODY, name) for each in part.values("decision.mediation")]
