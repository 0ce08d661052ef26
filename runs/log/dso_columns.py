"""Columns of the log about what the DSO does beside markets: last resort, agreements, network tariff."""

from typing import Final

import numpy as np

from peerflex.core.arrays import Floats
from peerflex.core.parties import Reason
from peerflex.runs.log.columns import Part, Source, added


def _booked(reason: Reason, sign: int) -> Source:
    """Add up what the ledger books for a reason, as amounts to (+1) or from (-1) peers."""

    def amounts(part: Part) -> Floats:
        booked: Floats = np.where(part.joined("ledger.reason") == reason, sign * part.joined("ledger.amount_eur"), 0.0)
        return booked

    return added("ledger", amounts)


availability: Final = _booked(Reason.AVAILABILITY, 1)
network_tariff: Final = _booked(Reason.NETWORK_TARIFF, -1)


def last_resort_mw(part: Part) -> Floats:
    """Take the change of every peer's injection that the last resort made."""
    lasts, n = part.values("decision.last_resort"), len(part.manifest.peers)
    return np.concatenate([last.activated_mw(n) for last in lasts])


def withdrawal_rate(part: Part) -> Floats:
    """Take what every peer pays for withdrawal."""
    return _rate(part, "withdrawal_eur_per_mwh")


def injection_rate(part: Part) -> Floats:
    """Take what every peer is paid for injection."""
    return _rate(part, "injection_eur_per_mwh")


def _rate(part: Part, name: str) -> Floats:
    nothing = np.zeros(len(part.manifest.peers))
    return np.concatenate([nothing if dues is None else getattr(dues, name) for dues in part.values("decision.dues")])
