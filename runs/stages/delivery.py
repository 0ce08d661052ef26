"""What comes of trades and activations: what peers announce, what they then really do, and who does not do it."""

from dataclasses import dataclass

import numpy as np

from peerflex.agents.dispatch import Dispatch
from peerflex.core.arrays import Bools, Floats
from peerflex.core.last_resort import LastResort
from peerflex.core.record import Beliefs
from peerflex.runs.stages import remains
from peerflex.runs.stages.desk import HourDesk, moved, sold
from peerflex.runs.stages.sequences import Bargain


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a step's forecasts and contracts promise, and what becomes of it; peer columns ``(peers,)``.

    ``contracted_mw`` is what peers sold (positive) or bought, ``announced_mw`` what they say they will inject and
    ``baseline_mw`` the same without the flexibility market's activations; ``done`` is what they do. ``failing`` peers
    do not move what they sold: ``trades_undelivered_mw``, ``flex_undelivered_mw`` of activations, and of those
    ``lfm_undelivered_mw`` of the flexibility market's.
    """

    contracted_mw: Floats
    announced_mw: Floats
    baseline_mw: Floats
    done: Dispatch
    failing: Bools
    trades_undelivered_mw: float
    flex_undelivered_mw: float
    lfm_undelivered_mw: float
    beliefs: Beliefs


def deliver(desk: HourDesk, bargain: Bargain, resort: LastResort) -> Delivery:
    """Return what peers announce and do when their trades, and the DSO's activations, stand."""
    n, plan, result = len(desk.peers), bargain.agreed.plan, bargain.agreed.result
    traded_mw, moved_mw = sold(plan.orders, result, n), moved(plan.orders, result, n)
    resort_mw = resort.activated_mw(n)
    flex_mw = bargain.activated_mw(n) + resort_mw
    failing = desk.failing()
    announced = desk.scheduled(plan, moved_mw + flex_mw)
    baseline = desk.scheduled(plan, moved_mw + resort_mw) if flex_mw.any() else announced
    done = desk.delivered(plan, np.where(failing, 0.0, moved_mw + flex_mw))
    lfm_undelivered_mw = float(bargain.bought.result.accepted_mw[failing[bargain.offers.peer]].sum())
    flex_undelivered_mw = lfm_undelivered_mw + float(resort.result.accepted_mw[failing[resort.offers.peer]].sum())
    return Delivery(
        contracted_mw=traded_mw + (bargain.contracted_mw(n) + resort.contracted_mw(n)),
        announced_mw=announced.injection_mw,
        baseline_mw=baseline.injection_mw,
        done=done,
        failing=failing,
        trades_undelivered_mw=float(np.abs(moved_mw[failing]).sum()),
        flex_undelivered_mw=flex_undelivered_mw,
        lfm_undelivered_mw=lfm_undelivered_mw,
        beliefs=remains.beliefs(
            desk.model.area, desk, plan, moved_mw, flex_mw, done.injection_mw, bargain.agreed.reactive_mvar, failing
        ),
    )
