"""What peers wish for beside money, brought to the places of the DSO's terms, and what of it trades fulfil."""

from dataclasses import replace

import numpy as np

from peerflex.core.arrays import Floats, Ints, floats
from peerflex.core.trade import NAN, Charges, Trades, TradeTerms, Wishes


def with_wishes(terms: TradeTerms, wishes: Wishes | None) -> TradeTerms:
    """Return the DSO's terms with the peers' wishes beside them: a place is now all of a kind, too."""
    if wishes is None:
        return terms
    (was, kind), place = np.unique(np.stack([terms.place, wishes.kind]), axis=1, return_inverse=True)
    pairs, kinds = np.ix_(was, was), np.ix_(kind, kind)
    charges = terms.charges
    if charges is not None:
        charges = Charges(charges.injection_eur_per_mwh[was], charges.pair_eur_per_mwh[pairs])
    of_peer = place.ravel()
    return replace(
        terms,
        place=of_peer,
        blocked=terms.blocked[pairs],
        gain_factor=terms.gain_factor[pairs],
        cost_factor=terms.cost_factor[pairs],
        charges=charges,
        wishes=Wishes(of_peer, wishes.seller_eur_per_mwh[kinds], wishes.buyer_eur_per_mwh[kinds]),
    )


def wished(wishes: Wishes | None, seller: Ints, buyer: Ints) -> tuple[Floats, Floats]:
    """Return what a MWh between two peers is worth to the seller and the buyer beside money; shapes ``(pairs,)``."""
    if wishes is None:
        return floats(len(seller)), floats(len(seller))
    kinds = wishes.kind[seller], wishes.kind[buyer]
    return wishes.seller_eur_per_mwh[kinds], wishes.buyer_eur_per_mwh[kinds]


def preferred_mw(wishes: Wishes | None, trades: Trades) -> float:
    """Return how much is traded as at least one of the two wishes, in MW; NaN where nobody wishes anything."""
    if wishes is None:
        return NAN
    of_seller, of_buyer = wished(wishes, trades.seller, trades.buyer)
    return float(trades.quantity_mw[(of_seller > 0.0) | (of_buyer > 0.0)].sum())
