"""Bids, trades and flexibility: what markets take and give."""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from peerflex.core.arrays import Bools, Floats, Ints, Rows, ints

NAN: Final = float("nan")

FIRM_EUR_PER_MWH: Final = 5000.0
"""Premium of an order that is not flexible at all: it is served before anything else."""


@dataclass(frozen=True, slots=True)
class Orders(Rows):
    """Offers to trade; one row an order.

    ``side`` is +1 to sell, -1 to buy; ``quantity_mw`` >= 0 is constant power from ``start_s`` for
    ``duration_s``; ``price_eur_per_mwh`` is a seller's cost or a buyer's value, never anything else.
    A ``dispatchable`` order moves its asset only if it trades, and what is left of it may be offered as
    flexibility; any other order is energy that flows anyway and otherwise goes to the supplier.

    The price is that of the first unit: a cost rises, a value falls, by ``slope_eur_per_mwh2`` per MW (0: one price).
    ``premium_eur_per_mwh`` is how far the price is beyond the true cost or value, so that the order is served before
    others (below 0: it is kept from being served, or the network tariff pays for the change). ``penalty_eur_per_mwh``
    >= 0 is what not serving an order counts against welfare, beyond its value: above 0 it is an ``extra`` one, more
    than the peer offers of itself.
    """

    peer: Ints
    side: Ints
    quantity_mw: Floats
    price_eur_per_mwh: Floats
    dispatchable: Bools
    start_s: Ints
    duration_s: Ints
    slope_eur_per_mwh2: Floats
    premium_eur_per_mwh: Floats
    penalty_eur_per_mwh: Floats

    @classmethod
    def plain(
        cls,
        peer: Ints,
        side: Ints,
        quantity_mw: Floats,
        price_eur_per_mwh: Floats,
        dispatchable: Bools,
        start_s: Ints,
        duration_s: Ints,
    ) -> Self:
        """Return orders of one true price each."""
        none = np.zeros(len(peer))
        return cls(peer, side, quantity_mw, price_eur_per_mwh, dispatchable, start_s, duration_s, none, none, none)

    @property
    def extra(self) -> Bools:
        """Which orders are more than the peer offers of itself."""
        extra: Bools = self.penalty_eur_per_mwh > 0
        return extra

    @property
    def true_eur_per_mwh(self) -> Floats:
        """What the first unit costs a seller or is worth to a buyer."""
        true: Floats = self.price_eur_per_mwh + self.side * self.premium_eur_per_mwh
        return true


@dataclass(frozen=True, slots=True)
class Trades(Rows):
    """Who trades with whom: ``seller`` and ``buyer`` are peers, ``sell_order`` and ``buy_order`` rows of the orders.

    The buyer pays the seller the price, and the mediator the fee. The premiums are what the DSO pays each side beside
    it (below 0: charges), where its terms are money (see ``TradeTerms``).
    """

    seller: Ints
    buyer: Ints
    sell_order: Ints
    buy_order: Ints
    quantity_mw: Floats
    price_eur_per_mwh: Floats
    seller_premium_eur_per_mwh: Floats
    buyer_premium_eur_per_mwh: Floats
    fee_eur_per_mwh: Floats


@dataclass(frozen=True, slots=True)
class MarketResult:
    """What a market made of its orders: ``accepted_mw`` row by row as the orders; a price that cleared or NaN.

    Markets that solve an optimisation say what they reached, ``objective_eur_per_h``, and how far it is from the best
    bound they can prove, ``gap`` (relative); others leave NaN. Markets that talk more than once say how often,
    ``rounds``, and with how many ``messages`` beside the bids and the awards.
    """

    accepted_mw: Floats
    price_eur_per_mwh: float
    trades: Trades
    objective_eur_per_h: float = NAN
    gap: float = NAN
    rounds: int = 1
    messages: int = 0


@dataclass(frozen=True, slots=True)
class Charges:
    """What the DSO charges for trades, in EUR/MWh, by the places of its terms.

    ``injection_eur_per_mwh`` ``(places,)`` is what a seller pays at its place and a buyer is paid at its own; below 0
    the other way round. ``pair_eur_per_mwh`` ``(places, places)`` is what the buyer (column) pays for what it buys from
    a seller (row).
    """

    injection_eur_per_mwh: Floats
    pair_eur_per_mwh: Floats


@dataclass(frozen=True, slots=True)
class Wishes:
    """What it is worth to peers, beside money, to trade with some others, in EUR/MWh >= 0 (``markets.preferences``).

    ``kind`` ``(peers,)`` is what sort of peer each is; the others have shape ``(kinds, kinds)``: row the kind of the
    seller, column that of the buyer, and what a trade of the two is worth to the one and to the other.
    """

    kind: Ints
    seller_eur_per_mwh: Floats
    buyer_eur_per_mwh: Floats


@dataclass(frozen=True, slots=True)
class Headroom:
    """How far trades may raise and lower what each peer injects, in MW >= 0 ``(peers,)``; infinite: as they like.

    It binds orders that move something (``Orders.dispatchable``), in every market; energy that flows anyway does not.
    """

    rise_mw: Floats
    fall_mw: Floats


@dataclass(frozen=True, slots=True)
class TradeTerms:
    """What the DSO says about trades between places, before anybody trades.

    ``place`` ``(peers,)`` is where each peer is. The others have shape ``(places, places)``: row the place of the
    seller, column that of the buyer. A ``blocked`` pair may not trade. What a trade gives a side (a component of its
    value above 0) is multiplied by ``gain_factor`` and what it costs it (below 0) by ``cost_factor``; 1 says
    nothing. ``charges`` of injections are taken off a side's component before the factors, those of pairs off the
    buyer's after them. All steer; if they are ``money``, the DSO pays each side what they change (and charges it).
    ``headroom`` limits peers, whoever they trade with (None: nobody). ``wishes`` are not the DSO's but the
    peers' own (None: none), by the same places; nobody pays for them.
    """

    place: Ints
    blocked: Bools
    gain_factor: Floats
    cost_factor: Floats
    money: bool
    charges: Charges | None = None
    headroom: Headroom | None = None
    wishes: Wishes | None = None


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
    takes). ``order`` is the row of the orders it is left from. Less than ``least_share`` of an offer (0: any part of
    it) cannot be activated, unless nothing is. ``cost_eur_per_mwh`` is what an audit finds: the true cost or value of
    the first MW, whatever is asked.
    """

    order: Ints
    peer: Ints
    bus: Ints
    side: Ints
    quantity_mw: Floats
    price_eur_per_mwh: Floats
    least_share: Floats
    cost_eur_per_mwh: Floats


@dataclass(frozen=True, slots=True)
class FlexResult:
    """What the flexibility market activates; ``accepted_mw`` and ``price_eur_per_mwh`` row by row as the offers.

    ``residual_mw`` is upward minus downward energy, taken by the supplier at the interface price (0 in
    strict balance). ``cost_eur_per_h`` is what the DSO pays in all. ``missing_mw`` and
    ``multiplier_eur_per_mwh`` are row by row as the need: what could not be relieved, and what one MW of
    relief would have been worth. ``cut_short``: a search for the cheapest was ended before it had found it.
    ``energy_stays``: the DSO takes no energy. What is activated changes what a peer gives to its supplier or takes from
    it, and the price is what the DSO pays beside that for each MWh moved, whichever way; there is no residual to sell.
    """

    accepted_mw: Floats
    price_eur_per_mwh: Floats
    residual_mw: float
    cost_eur_per_h: float
    missing_mw: Floats
    multiplier_eur_per_mwh: Floats
    cut_short: bool = False
    energy_stays: bool = False
