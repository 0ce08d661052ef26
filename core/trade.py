"""Bids, trades and flexibility: what markets take and give."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from peerflex.core.arrays import Bools, Floats, Ints, Rows, ints

NAN: Final = float("nan")


@dataclass(frozen=True, slots=True)
class Orders(Rows):
    """Offers to trade; one row an order.

    ``side`` is +1 to sell, -1 to buy; ``quantity_mw`` >= 0 is constant power from ``start_s`` for
    ``duration_s``; ``price_eur_per_mwh`` is a seller's cost or a buyer's value, never anything else.
    A ``dispatchable`` order moves its asset only if it trades, and what is left of it may be offered as
    flexibility; any other order is energy that flows anyway and otherwise goes to the supplier.
    """

    peer: Ints
    side: Ints
    quantity_mw: Floats
    price_eur_per_mwh: Floats
    dispatchable: Bools
    start_s: Ints
    duration_s: Ints


@dataclass(frozen=True, slots=True)
class Trades(Rows):
    """Who trades with whom: ``seller`` and ``buyer`` are peers, ``sell_order`` and ``buy_order`` rows of the orders.

    The buyer pays the seller the price. The premiums are what the DSO pays each side beside it (below 0: charges),
    where its terms are money (see ``TradeTerms``).
    """

    seller: Ints
    buyer: Ints
    sell_order: Ints
    buy_order: Ints
    quantity_mw: Floats
    price_eur_per_mwh: Floats
    seller_premium_eur_per_mwh: Floats
    buyer_premium_eur_per_mwh: Floats


@dataclass(frozen=True, slots=True)
class MarketResult:
    """What a market made of its orders: ``accepted_mw`` row by row as the orders; a price that cleared or NaN.

    Markets that solve an optimisation say what they reached, ``objective_eur_per_h``, and how far it is from the best
    bound they can prove, ``gap`` (relative); others leave NaN.
    """

    accepted_mw: Floats
    price_eur_per_mwh: float
    trades: Trades
    objective_eur_per_h: float = NAN
    gap: float = NAN


@dataclass(frozen=True, slots=True)
class TradeTerms:
    """What the DSO says about trades between places, before anybody trades.

    ``place`` ``(peers,)`` is where each peer is. The others have shape ``(places, places)``: row the place of the
    seller, column that of the buyer. A ``blocked`` pair may not trade. What a trade gives a side (a component of its
    value above 0) is multiplied by ``gain_factor`` and what it costs it (below 0) by ``cost_factor``; 1 says
    nothing. The factors steer; if they are ``money``, the DSO pays each side what they change (and charges it).
    """

    place: Ints
    blocked: Bools
    gain_factor: Floats
    cost_factor: Floats
    money: bool


def free_terms(n_peers: int) -> TradeTerms:
    """Return terms that say nothing: one place, everything allowed."""
    return TradeTerms(ints(n_peers), np.zeros((1, 1), dtype=np.bool_), np.ones((1, 1)), np.ones((1, 1)), money=False)


@dataclass(frozen=True, slots=True)
class Signal:
    """What the DSO publishes before the bids; bus columns ``(buses,)``, branch columns ``(branches,)``.

    ``relief`` lies in [-1, 1]: above 0 more injection helps here (charge later, discharge now), below 0 less
    injection helps (charge now); 0: nothing to say. ``at_risk`` marks the branches the DSO worries about.
    ``terms`` are for trades between peers.
    """

    relief: Floats
    at_risk: Bools
    terms: TradeTerms


@dataclass(frozen=True, slots=True)
class FlexNeed:
    """The limits a flexibility market must keep, linearised: ``lower <= value + by_mw @ change <= upper``.

    ``change`` is the change of injection per bus in MW. One row an element: ``is_voltage`` says whether
    ``element`` is a bus or a branch; branch rows are signed loadings. Shapes ``(rows,)``, ``by_mw``
    ``(rows, buses)``; ``mw_per_unit`` turns a row's unit into MW (for reporting what is missing).
    """

    is_voltage: Bools
    element: Ints
    value: Floats
    lower: Floats
    upper: Floats
    by_mw: Floats
    mw_per_unit: Floats

    def __len__(self) -> int:
        return len(self.element)


@dataclass(frozen=True, slots=True)
class FlexOffers(Rows):
    """Offers of flexibility: ``side`` +1 upward (more injection), -1 downward.

    An upward offer asks to be paid ``price_eur_per_mwh``; a downward one pays it (the energy it saves or
    takes). ``order`` is the row of the orders it is left from.
    """

    order: Ints
    peer: Ints
    bus: Ints
    side: Ints
    quantity_mw: Floats
    price_eur_per_mwh: Floats


@dataclass(frozen=True, slots=True)
class FlexResult:
    """What the flexibility market activates; ``accepted_mw`` and ``price_eur_per_mwh`` row by row as the offers.

    ``residual_mw`` is upward minus downward energy, taken by the supplier at the interface price (0 in
    strict balance). ``cost_eur_per_h`` is what the DSO pays in all. ``missing_mw`` and
    ``multiplier_eur_per_mwh`` are row by row as the need: what could not be relieved, and what one MW of
    relief would have been worth.
    """

    accepted_mw: Floats
    price_eur_per_mwh: Floats
    residual_mw: float
    cost_eur_per_h: float
    missing_mw: Floats
    multiplier_eur_per_mwh: Floats
