"""What the entries of a step come to: what imbalance cost whom, and what was paid for flexibility."""

import numpy as np

from peerflex.core.arrays import Floats, add_up
from peerflex.core.parties import Reason, Role
from peerflex.core.record import Decision, Ledger, Tariffs
from peerflex.core.settled import Settled
from peerflex.markets.entries import bill_eur
from peerflex.markets.responsibility import EACH_ITS_OWN, Responsibility, delivered_share, moved_share

OF_FLEXIBILITY = (Reason.FLEX, Reason.FLEX_RESIDUAL, Reason.PENALTY)


def settled(
    ledger: Ledger, decision: Decision, tariffs: Tariffs, hours: float, rules: Responsibility = EACH_ITS_OWN
) -> Settled:
    """Return the figures of a step of ``hours``, by its ledger (``markets.settlement.settle``, by the same rules)."""
    n = len(decision.baseline_mw)
    residual, imbalance = (ledger.take(ledger.reason == reason) for reason in (Reason.RESIDUAL, Reason.IMBALANCE))
    announced_mwh = _given(residual, residual.energy_mwh, n)[:n]
    deviation_mwh = _given(imbalance, imbalance.energy_mwh, n)[:n]
    received_eur = _given(imbalance, imbalance.amount_eur, n)
    prices = tariffs.feed_in_eur_per_mwh, tariffs.retail_eur_per_mwh
    if_announced_eur = bill_eur(announced_mwh + deviation_mwh, *prices) - bill_eur(announced_mwh, *prices)
    peers_eur = float((if_announced_eur - received_eur[:n]).sum())
    mediator_eur, upstream_eur = -received_eur[Role.MEDIATOR.party(n)], received_eur[Role.UPSTREAM.party(n)]
    of_flexibility = ledger.take(np.logical_or.reduce([ledger.reason == reason for reason in OF_FLEXIBILITY]))
    sold_mwh, seller = decision.flex.accepted_mw * hours, decision.offers.peer
    share, moved = delivered_share(decision), moved_share(decision)
    beyond = (share if rules.delivered else 1.0) - moved
    return Settled(
        imbalance_mwh=float(np.abs(deviation_mwh).sum()),
        peers_eur=peers_eur,
        mediator_eur=float(mediator_eur),
        supplier_eur=float(upstream_eur - peers_eur - mediator_eur),
        lfm_delivered_mwh=float((sold_mwh * share[seller]).sum()),
        lfm_paid_eur=-float(_given(of_flexibility, of_flexibility.amount_eur, n)[Role.DSO.party(n)]),
        lfm_paid_not_moved_mwh=float((sold_mwh * np.maximum(beyond, 0.0)[seller]).sum()),
        lfm_moved_not_paid_mwh=float((sold_mwh * np.maximum(-beyond, 0.0)[seller]).sum()),
    )


def _given(ledger: Ledger, moved: Floats, n_peers: int) -> Floats:
    """Return what every party gave (or received in money) on balance."""
    parties = n_peers + len(Role)
    return add_up(ledger.giver, moved, parties) - add_up(ledger.taker, moved, parties)
