"""The market operator's monitor: what it can tell of those who congest the network to be paid for relieving it."""

from dataclasses import dataclass

import numpy as np

from peerflex.core.arrays import Floats, Ints
from peerflex.core.trade import FlexOffers, FlexResult
from peerflex.core.units import QUANTITY_TOLERANCE_MW


@dataclass(frozen=True, slots=True)
class Monitor:
    """Looks at every hour by itself, for two signs.

    Asks: how far an activated one stands above the next cheaper one of another seller. Reversals: what share of the
    activated energy undoes a trade between peers; only if it ``sees_trades``. Either of them beyond its bound flags the
    hour.
    """

    sees_trades: bool
    ask_above_eur_per_mwh: float
    reversal_share: float

    def look(self, offers: FlexOffers, seller: Ints, result: FlexResult, undone_mw: float) -> tuple[float, bool]:
        """Return how far asks stand above those of others (see ``ask_excess``), and whether it flags the step.

        ``seller`` tells who offers each ``(offers,)``, ``undone_mw`` what of the activations undoes trades.
        """
        excess = ask_excess(offers, seller, result)
        activated_mw = float(result.accepted_mw.sum())
        undoes = self.sees_trades and undone_mw >= self.reversal_share * activated_mw > 0.0
        return excess, bool(undoes or excess > self.ask_above_eur_per_mwh)


def ask_excess(offers: FlexOffers, seller: Ints, result: FlexResult) -> float:
    """Return how far an activated ask stands above the next cheaper one of another seller in its direction, EUR/MWh.

    The largest such gap of all activated offers; NaN if none is activated that another seller undercuts.
    """
    ask: Floats = offers.side * offers.price_eur_per_mwh
    there = offers.quantity_mw > QUANTITY_TOLERANCE_MW
    activated = np.flatnonzero(result.accepted_mw > QUANTITY_TOLERANCE_MW)
    cheaper = there & (offers.side == offers.side[activated, None]) & (seller != seller[activated, None])
    cheaper &= ask <= ask[activated, None]
    gap = ask[activated] - np.where(cheaper, ask, -np.inf).max(axis=1, initial=-np.inf)
    return float(np.fmax.reduce(gap[np.isfinite(gap)], initial=np.nan))
