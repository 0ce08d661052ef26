"""Bilateral trading agreed on pair by pair, without a centre, by the alternating direction method of multipliers."""

from dataclasses import dataclass

import numpy as np

from peerflex.core.arrays import Bools, Floats, floats
from peerflex.markets.anderson import Anderson
from peerflex.markets.game import Equilibrium, Game, Side
from peerflex.markets.matching import CRUMB
from peerflex.markets.pairs import agreed, restricted

RELAXATION = 1.6
"""How far a round goes towards the new trades and beyond (Boyd et al. 2011, section 3.4.3: 1.5 to 1.8)."""
UNEVEN = 3.0
"""Trades that agree this much better than prices are still, or worse, call for another penalty."""
FIRST_WAIT, LONGER_WAIT = 10, 1.3
"""Rounds before the penalty may change, and how much longer each next wait is: in the end it does not change."""
LARGEST_CHANGE = 5.0
FIRST_LEAP = 10
"""Rounds before all peers together look for a way ahead: most pairs of a few peers have agreed by then."""
MOST_STEPS = 60
"""Steps to the exact answer of a peer; one or two are enough, since most pairs stay what they were."""


@dataclass(frozen=True, slots=True)
class Consensus:
    """What the pairs of a game agreed on, the price of each trade in EUR/MWh, and the rounds of proposals it took.

    In ``sums`` of the rounds figures of all pairs were added up.
    """

    found: Equilibrium
    price_eur_per_mwh: Floats
    rounds: int

    @property
    def sums(self) -> int:
        return max(self.rounds - FIRST_LEAP, 0)


@dataclass(frozen=True, slots=True)
class _Peers:
    """One side of all pairs: what a MWh is worth to it ``(sellers, buyers)``, and its own limits ``(n,)``.

    ``along`` is the axis of the matrix along which its partners are.
    """

    value: Floats
    per_price: Floats
    most_mw: Floats
    along: int

    @classmethod
    def of(cls, side: Side, value: Floats, along: int) -> "_Peers":
        return cls(value, 1 / side.curvature, side.most_mw, along)

    def answer(self, margin: Floats, room: Floats, dual: Floats) -> tuple[Floats, Floats]:
        """Return each peer's best trades with all its partners, and its dual: what it keeps of the next unit.

        It maximises ``sum margin t - t**2 / 2 room - x**2 / 2 per_price`` over ``t >= 0``, ``x = sum t <= most_mw``:
        ``t = room * max(0, margin - dual)``. The dual is the root of a falling, convex function in pieces; Newton's
        steps from the last round's dual reach it exactly.
        """
        for _ in range(MOST_STEPS):
            active = np.where(margin > np.expand_dims(dual, self.along), room, 0.0)
            width, height = active.sum(axis=self.along), (active * margin).sum(axis=self.along)
            full = np.divide(height - self.most_mw, width, out=floats(len(dual)), where=width > 0)
            last, dual = dual, np.maximum(np.maximum(height / (width + self.per_price), full), 0.0)
            if np.array_equal(last, dual):
                break
        return room * np.maximum(margin - np.expand_dims(dual, self.along), 0.0), dual

    def most_of(self, disagreement_mw: Floats) -> float:
        """Return the largest part of an order that its partners see otherwise."""
        return float((disagreement_mw.sum(axis=self.along) / self.most_mw).max())


def worthwhile(game: Game) -> Bools:
    """Return which pairs may trade and have something to gain ``(sellers, buyers)``."""
    return game.allowed() & (game.pair_value() > 0)


def agree(game: Game, penalty: float, tolerance: float, most_rounds: int) -> Consensus:
    """Return what sellers and buyers agree on if every peer knows its own order and its partners' proposals only.

    Each pair has a price ``z`` and an understanding ``c`` of its trade. In a round every peer proposes to all partners
    the trades that are best for it alone at these prices, less ``rho / 2 * (t - c)**2`` for leaving the understanding;
    then ``c`` is the middle of the two proposals and ``z`` falls by ``rho / 2`` times what the seller offers beyond
    what the buyer wants (Boyd, Parikh, Chu, Peleato and Eckstein 2011, sections 3.4 and 7; Sorin, Bobo and Pinson
    2019). The penalty of a pair is scaled by the curvatures of both and of all with whom they could trade, so that
    orders of any size take like steps; all penalties change together while trades and prices settle unevenly.
    After a few rounds understandings and prices of all pairs leap ahead (``markets.anderson``), in the measure in which
    a round brings them nearer to their end: ``sqrt(rho) c`` and ``z / sqrt(rho)``.

    It ends when no order sees more than ``tolerance`` of its size otherwise than its partners do, and no proposal
    moves a price by more than ``tolerance`` of what it changes over a whole order; or after ``most_rounds``. What both
    sides of a pair are ready for is traded: no order exceeds its size, whenever it ends.
    """
    worth = worthwhile(game)
    sells, buys = np.flatnonzero(worth.any(axis=1)), np.flatnonzero(worth.any(axis=0))
    seller_dual, buyer_dual = floats(len(game.sellers)), floats(len(game.buyers))
    traded, price, rounds = floats(*worth.shape), floats(*worth.shape), 0
    if len(sells):
        inner = np.ix_(sells, buys)
        traded[inner], price[inner], seller_dual[sells], buyer_dual[buys], rounds = _agree(
            restricted(game, sells, buys), worth[inner], penalty, tolerance, most_rounds
        )
    seller, buyer = np.nonzero(traded > CRUMB * traded.sum())
    trades = seller, buyer, traded[seller, buyer]
    return Consensus(agreed(game, trades, seller_dual, buyer_dual, "admm"), price[seller, buyer], rounds)


def _agree(
    game: Game, worth: Bools, penalty: float, tolerance: float, most_rounds: int
) -> tuple[Floats, Floats, Floats, Floats, int]:
    """Return trades (MW) and prices of all pairs, both sides' duals, and the rounds; every peer has a partner."""
    sellers, buyers = _Peers.of(game.sellers, game.seller_value(), 1), _Peers.of(game.buyers, game.buyer_value(), 0)
    seller_dual, buyer_dual = floats(len(game.sellers)), floats(len(game.buyers))
    alike = _alike(sellers, buyers, worth)
    rise = np.minimum((sellers.most_mw / sellers.per_price)[:, None], buyers.most_mw / buyers.per_price)
    price, common = np.where(worth, (buyers.value - sellers.value) / 2, 0.0), floats(*worth.shape)
    wait, waited = FIRST_WAIT, 0
    rounds, settled, leap = 0, False, Anderson()
    while not settled and rounds < most_rounds:
        rho = penalty * alike
        room = worth / (rho + game.pair_curvature / 2)
        sold, seller_dual = sellers.answer(sellers.value + price + rho * common, room, seller_dual)
        bought, buyer_dual = buyers.answer(buyers.value - price + rho * common, room, buyer_dual)
        excess, before, paid = sold - bought, common, price
        common = RELAXATION * (sold + bought) / 2 + (1 - RELAXATION) * common
        price = price - RELAXATION * rho * excess / 2
        apart_mw = np.abs(excess)
        apart = max(sellers.most_of(apart_mw), buyers.most_of(apart_mw))
        moved = float((rho * np.abs(common - before) / rise).max())
        rounds, waited = rounds + 1, waited + 1
        settled = max(apart, moved) <= tolerance
        uneven = apart / max(moved, 1e-300)
        if waited >= wait and not 1 / UNEVEN <= uneven <= UNEVEN:
            penalty *= min(max(uneven**0.5, 1 / LARGEST_CHANGE), LARGEST_CHANGE)
            wait, waited = int(wait * LONGER_WAIT) + 1, 0
            leap.forget()
        elif FIRST_LEAP <= rounds < most_rounds and not settled:
            root = np.sqrt(rho)
            x, to = (np.stack([root * c, z / root]).ravel() for c, z in ((before, paid), (common, price)))
            ahead = leap.ahead(x, to).reshape(2, *rho.shape)
            common, price = ahead[0] / root, ahead[1] * root
    return np.minimum(sold, bought), price, seller_dual, buyer_dual, rounds


def _alike(sellers: _Peers, buyers: _Peers, worth: Bools) -> Floats:
    """Return penalties of all pairs, in EUR/MWh per MW, at which orders of any size take like steps.

    What a peer trades in all answers to a price by ``per_price``, what it proposes by the sum of ``1 / rho``: with
    ``rho_ij`` the two sides' product over ``per_price``, that sum is alike for all in measure of their own.
    """
    of_seller = (worth * buyers.per_price).sum(axis=1)
    of_buyer = (worth * sellers.per_price[:, None]).sum(axis=0)
    alike: Floats = np.sqrt(of_seller[:, None] * of_buyer) / (sellers.per_price[:, None] * buyers.per_price)
    return alike
