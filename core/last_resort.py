"""What the DSO does beside markets: what it activates as a last resort, and what it pays and charges by rule."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from peerflex.core.arrays import Floats, add_up, floats, ints
from peerflex.core.trade import FlexNeed, FlexOffers, FlexResult


@dataclass(frozen=True, slots=True)
class LastResort:
    """What the DSO's last resort was asked to keep, what there was, and what it activated of it."""

    need: FlexNeed
    offers: FlexOffers
    result: FlexResult

    @property
    def change_mw(self) -> Floats:
        """Change of injection of each offer; row by row as the offers."""
        change: Floats = self.offers.side * self.result.accepted_mw
        return change

    def activated_mw(self, n_peers: int) -> Floats:
        """Return the change of injection of each peer ``(peers,)``."""
        return add_up(self.offers.peer, self.change_mw, n_peers)

    def contracted_mw(self, n_peers: int) -> Floats:
        """Return what of that the DSO takes as energy ``(peers,)``."""
        return floats(n_peers) if self.result.energy_stays else self.activated_mw(n_peers)


_NOTHING: Final = floats(0)
NO_LAST_RESORT: Final = LastResort(
    FlexNeed(np.zeros(0, np.bool_), ints(0), _NOTHING, _NOTHING, _NOTHING, floats(0, 0), _NOTHING),
    FlexOffers.empty(),
    FlexResult(_NOTHING, _NOTHING, 0.0, 0.0, _NOTHING, _NOTHING),
)
"""There is none, or nothing was left for it to do."""


@dataclass(frozen=True, slots=True)
class Dues:
    """What the DSO pays and charges peers by rule, whatever they trade; shapes ``(peers,)``.

    ``standing_eur_per_h`` is paid for agreements and contracts. The network tariff is charged on what a meter sees
    withdrawn and paid on what it sees injected; below 0 the other way round.
    """

    standing_eur_per_h: Floats
    withdrawal_eur_per_mwh: Floats
    injection_eur_per_mwh: Floats
