"""How entries of the ledger are made: of energy at a price, of money alone, of energy to or from the supplier.

Where nothing at all is given or paid, there are no entries.
"""

from typing import Final

import numpy as np

from peerflex.core.arrays import Floats, Ints
from peerflex.core.parties import Reason
from peerflex.core.record import Ledger

NO_ENTRIES: Final = Ledger.empty()


def at_amount(reason: Reason, giver: Ints | int, taker: Ints | int, energy_mwh: Floats, amount_eur: Floats) -> Ledger:
    """Return entries of energy for an amount."""
    if not (energy_mwh.any() or amount_eur.any()):
        return NO_ENTRIES
    n = len(energy_mwh)
    return Ledger(_column(giver, n), _column(taker, n), np.full(n, reason.value), energy_mwh, amount_eur)


def entries(reason: Reason, giver: Ints | int, taker: Ints | int, energy_mwh: Floats, price: Floats | float) -> Ledger:
    """Return entries of energy at a price in EUR/MWh."""
    return at_amount(reason, giver, taker, energy_mwh, energy_mwh * price)


def paid(reason: Reason, giver: Ints | int, taker: int, amount_eur: Floats) -> Ledger:
    """Return entries of money alone, from taker to giver."""
    return at_amount(reason, giver, taker, np.zeros(len(amount_eur)), amount_eur)


def exchanged(reason: Reason, party: Ints | int, other: Ints | int, energy_mwh: Floats, received_eur: Floats) -> Ledger:
    """Return entries of what parties give to another (energy >= 0) or take from it, and receive from it for that."""
    if not (energy_mwh.any() or received_eur.any()):
        return NO_ENTRIES
    n, gives = len(energy_mwh), energy_mwh >= 0
    one, two = _column(party, n), _column(other, n)
    giver, taker = np.where(gives, one, two), np.where(gives, two, one)
    return at_amount(reason, giver, taker, np.abs(energy_mwh), np.where(gives, received_eur, -received_eur))


def bill_eur(energy_mwh: Floats, feed_in: Floats | float, retail: Floats | float) -> Floats:
    """Return what parties receive for what they give (energy >= 0, at feed-in) or take (< 0, at retail)."""
    received: Floats = energy_mwh * np.where(energy_mwh >= 0, feed_in, retail)
    return received


def _column(party: Ints | int, n: int) -> Ints:
    return np.full(n, party) if isinstance(party, int) else party
