"""What comes of trades and activations: what peers announce, what they then really do, and who does not do it."""

from dataclasses import dataclass

import numpy as np

from peerflex.agents.dispatch import Dispatch
from peerflex.core.arrays import Bools, Floats
from peerflex.core.last_resort import LastResort
from peerflex.core.record import Beliefs
from peerflex.markets.baselines import baseline_that_counts
from peerflex.runs.stages import remains
from peerflex.runs.stages.desk import HourDesk, moved, sold
from peerflex.runs.stages.history import history_mw
from peerflex.runs.stages.sequences import Bargain


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a step's forecasts and contracts promise, and what becomes of it; peer columns ``(peers,)``.

    ``contracted_mw`` is what peers sold (positive) or bought, ``announced_mw`` what they say they will inject and
    ``baseline_mw`` the same without the flexibility market's activations; ``history_mw`` is what meters of the days
    before say of it (None: nothing, or nobody asks them); ``done`` is what they do. ``failing`` peers
    do not move what they sold on balance: ``flex_undelivered_mw`` of activations, ``trades_undelivered_mw`` beside
    that, and ``lfm_undelivered_mw`` of the flexibility market's activations.
    """

    contracted_mw: Floats
    announced_mw: Floats
    baseline_mw: Floats
    history_mw: Floats | None
    done: Dispatch
    failing: Bools
    trades_undelivered_mw: float
    flex_undelivered_mw: float
    lfm_undelivered_mw: float
    beliefs: Beliefs

    @property
    def beyond_baseline_mw(self) -> Floats:
        """How far what peers do is from the baseline that counts for flexibility ``(peers,)``."""
        return self.done.injection_mw - baseline_that_counts(self.baseline_mw, self.history_mw)


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
    lacking_mw = float(np.abs(moved_mw + flex_mw)[failing].sum())
    flex_undelivered_mw = float(not_moved_mw(flex_mw, moved_mw)[failing].sum())
    lfm_undelivered_mw = float(not_moved_mw(flex_mw - resort_mw, moved_mw + resort_mw)[failing].sum())
    return Delivery(
        contracted_mw=traded_mw + (bargain.contracted_mw(n) + resort.contracted_mw(n)),
        announced_mw=announced.injection_mw,
        baseline_mw=baseline.injection_mw,
        history_mw=history_mw(desk.model, resort_mw),
        done=done,
        failing=failing,
        trades_undelivered_mw=max(lacking_mw - flex_undelivered_mw, 0.0),
        flex_undelivered_mw=flex_undelivered_mw,
        lfm_undelivered_mw=lfm_undelivered_mw,
        beliefs=remains.beliefs(
            desk.model.area,
            desk,
            plan,
            moved_mw,
            flex_mw,
            announced.injection_mw,
            done.injection_mw,
            bargain.agreed.reactive_mvar,
            failing,
        ),
    )


def not_moved_mw(activated_mw: Floats, else_mw: Floats) -> Floats:
    """Return what of activations is missing where peers keep still ``(peers,)``, MW >= 0.

    ``else_mw`` is what else they had to move. Not moving that, too, does what the activation asks for as far as it goes
    the same way: who does not take what it resold has delivered it.
    """
    kept_mw = np.clip(-else_mw * np.sign(activated_mw), 0.0, np.abs(activated_mw))
    return np.abs(activated_mw) - kept_mw
