"""Who comes first, peers or the flexibility market: the four orders of steps 4 to 6 of the hour.

EUniversal D5.3 (2022), section 3.2.7, names sequences of a P2P market and a local flexibility market. Whatever comes
first stands: what the flexibility market activated is no longer for sale between peers, and what peers traded is no
longer offered as flexibility. Unrelated markets look at the same forecast and do not know of each other: what an
asset then sold twice, it delivers once.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from peerflex.agents.fmo import Procurement
from peerflex.core.arrays import Floats, add_up, floats
from peerflex.core.network import GridState
from peerflex.core.record import Agreement, Effort
from peerflex.core.trade import FlexOffers, FlexResult, MarketResult, Orders, free_terms
from peerflex.markets.leftovers import left_after
from peerflex.markets.matching import nothing_traded
from peerflex.runs.stages.day_ahead import agree
from peerflex.runs.stages.desk import Count, HourDesk
from peerflex.runs.stages.mediation import as_offered, taken_mw
from peerflex.runs.stages.validation import deliverable

if TYPE_CHECKING:
    from peerflex.runs.model import AreaModel

SequenceName = Literal["p2p-first", "lfm-first", "unrelated", "iterative"]

MOST_ROUNDS: Final = 10
"""Rounds in which peers and flexibility market answer each other before the last answers stand."""

SAME_MW: Final = 1e-6
"""Two answers are the same if no activation differs by more than a watt."""


@dataclass(frozen=True, slots=True)
class Bargain:
    """What peers, DSO and FMO came to: trades, and what was bought of which offers.

    ``rounds`` is how often both markets were held; ``settled`` whether the last round changed nothing;
    ``cut_mw`` what the FMO cut off offers that nobody could deliver.
    """

    agreed: Agreement
    offers: FlexOffers
    bought: Procurement
    rounds: int = 1
    settled: bool = True
    cut_mw: float = 0.0

    def activated_mw(self, n_peers: int) -> Floats:
        """Return the change of injection that each peer sold ``(peers,)``."""
        return add_up(self.offers.peer, self.offers.side * self.bought.result.accepted_mw, n_peers)

    def contracted_mw(self, n_peers: int) -> Floats:
        """Return what of that the DSO takes as energy ``(peers,)``."""
        return floats(n_peers) if self.bought.result.energy_stays else self.activated_mw(n_peers)

    def sold_twice_mw(self) -> float:
        """Return how much of the orders was sold to a peer and to the flexibility market, too."""
        orders = self.agreed.plan.orders
        both_mw = self.agreed.result.accepted_mw + taken_mw(orders, self.offers, self.bought.result)
        return float(np.maximum(both_mw - orders.quantity_mw, 0.0)[orders.dispatchable].sum())


Sequence = Callable[["AreaModel", HourDesk], Bargain]


def p2p_first(model: "AreaModel", desk: HourDesk) -> Bargain:
    """Peers trade; what is left of their orders is offered to the flexibility market."""
    return _procured(model, desk, agree(model, desk))


def lfm_first(model: "AreaModel", desk: HourDesk) -> Bargain:
    """The DSO buys on the forecast, before anybody trades; peers trade what is left."""
    first = _untraded(model, desk)
    return replace(first, agreed=_agreed_after(model, desk, first))


def unrelated(model: "AreaModel", desk: HourDesk) -> Bargain:
    """Both markets are held on the same forecast and know nothing of each other."""
    return replace(_untraded(model, desk), agreed=agree(model, desk))


def iterative(model: "AreaModel", desk: HourDesk) -> Bargain:
    """Peers trade first; then, in turns, each market is held again with the other's last answer standing."""
    bargain = p2p_first(model, desk)
    for rounds in range(2, MOST_ROUNDS + 1):
        agreed = _agreed_after(model, desk, bargain)
        without = desk.flow(agreed.plan, agreed.result, agreed.reactive_mvar)
        again = _procured(model, desk, replace(agreed, expected=without))
        settled = _difference_mw(bargain, again) <= SAME_MW
        bargain = replace(again, rounds=rounds, settled=settled)
        if settled:
            break
    return bargain


SEQUENCES: Final[dict[SequenceName, Sequence]] = {
    "p2p-first": p2p_first,
    "lfm-first": lfm_first,
    "unrelated": unrelated,
    "iterative": iterative,
}


FLEXIBILITY_STANDS: Final = (lfm_first, iterative)
"""Sequences in which peers trade what activations have left."""


def after_flexibility(orders: Orders, offers: FlexOffers, result: FlexResult) -> Orders:
    """Return what is left of orders, row by row, when some of them was activated as flexibility."""
    return left_after(orders, taken_mw(orders, offers, result))


def _procured(model: "AreaModel", desk: HourDesk, agreed: Agreement) -> Bargain:
    """Return what the DSO buys of what trades have left, and of what mediators resell."""
    offers = as_offered(model, agreed, desk.signal)
    if model.area.lfm_buses is not None:
        offers = offers.take(model.area.lfm_buses[offers.bus])
    tso = model.tso
    if tso is not None:
        offers = offers.take(offers.peer != tso.peer)
    valid = deliverable(desk, agreed, offers)
    cut_mw = float((offers.quantity_mw - valid.quantity_mw).sum())
    return Bargain(agreed, valid, model.fmo.procure(model.dso, agreed.expected, valid), cut_mw=cut_mw)


def _untraded(model: "AreaModel", desk: HourDesk) -> Bargain:
    """Return what the DSO buys when nobody has traded yet."""
    apart, nothing = replace(desk, count=Count()), floats(len(desk.peers))
    plan = apart.bids(nothing)
    idle: MarketResult = nothing_traded(plan.orders)
    expected: GridState = apart.flow(plan, idle, nothing)
    terms = free_terms(len(desk.peers))
    return _procured(model, desk, Agreement(plan, idle, terms, nothing, expected, Effort(True, 0, 1)))


def _agreed_after(model: "AreaModel", desk: HourDesk, before: Bargain) -> Agreement:
    """Return what peers come to when activations stand: they flow, and are no longer for sale."""
    offers, result = before.offers, before.bought.result

    afterwards = replace(desk, standing_mw=before.activated_mw(len(desk.peers)))
    return agree(model, afterwards, lambda orders: taken_mw(orders, offers, result))


def _difference_mw(one: Bargain, other: Bargain) -> float:
    """Return the largest difference between the activations of two rounds, whose bids are the same."""
    first, then = (taken_mw(each.agreed.plan.orders, each.offers, each.bought.result) for each in (one, other))
    n = max(len(first), len(then))  # orders that undo a position come below all others, and are no flexibility
    first, then = (np.pad(taken, (0, n - len(taken))) for taken in (first, then))
    return float(np.abs(first - then).max(initial=0.0))
