"""Bilateral trading without a centre: peers agree in pairs, by proposals, on what the equilibrium would have been."""

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from peerflex.core.arrays import Floats
from peerflex.core.errors import SimulationError
from peerflex.core.trade import MarketResult, Orders, Signal
from peerflex.markets.admm import Consensus, agree, worthwhile
from peerflex.markets.bilateral import BilateralEquilibrium, Curvature, PairCurvature, Reading, sides
from peerflex.markets.certificate import certify
from peerflex.markets.game import Equilibrium, Game
from peerflex.markets.generic_qp import MOST_PAIRS
from peerflex.markets.pairs import agreed, components
from peerflex.markets.true_prices import one_price

ROUNDS_BEFORE = 2
"""Partners tell each other their bids, then how large all their partners are together; then they propose."""


@dataclass(frozen=True, slots=True)
class ConsensusAdmm:
    """The equilibrium of ``markets.bilateral`` found by the peers themselves, by consensus ADMM (Sorin, Bobo and
    Pinson, IEEE Trans. Power Systems 34, 2019; Baroche, Moret and Pinson, IEEE PowerTech 2019; ``markets.admm``).

    The game, the DSO's terms and the rule of settlement are those of the centre; the price of a trade is the multiplier
    of its reciprocity that the pair arrived at. Where an interval of prices clears it may be another one than the
    centre's. ``gap`` says how far the agreement is from the optimum, at most; ``rounds`` counts rounds of messages and
    ``messages`` one each way between every two orders of different peers that may trade (after the first round: that
    could also gain), and what it takes to add up figures of all pairs: in each round in which that is done, two for
    every peer but one, up a tree of them and down again.

    Promised, whenever it stops: balance, and that no side of a trade loses by its bid and the DSO's terms. Promised
    when it has converged: net positions of the equilibrium. Not promised: truthfulness, one price for all, unique
    trades. The random stream is not used.
    """

    true_prices: ClassVar[bool] = True
    heeds_slopes: ClassVar[bool] = True
    heeds_terms: ClassVar[bool] = True
    without_mediator: ClassVar[bool] = True

    reading: Reading = "costs-and-values"
    curvature_eur_per_mwh: Curvature = 5.0
    pair_curvature_eur_per_mwh: PairCurvature = 0.01
    penalty: Annotated[
        float,
        Field(
            ge=1e-3,
            le=1e3,
            description="what leaving an understanding costs at first, relative to the curvatures of orders; it adapts",
        ),
    ] = 1.0
    tolerance: Annotated[
        float,
        Field(ge=1e-9, le=1e-2, description="share of an order that it and its partners may still see otherwise"),
    ] = 1e-6
    most_rounds: Annotated[
        int, Field(ge=1, le=100_000, description="rounds of proposals after which what both sides want is traded")
    ] = 5000

    def clear(self, orders: Orders, signal: Signal, rng: np.random.Generator) -> MarketResult:
        sells, buys = sides(orders)
        if len(sells) * len(buys) > MOST_PAIRS:
            raise SimulationError(
                f"consensus-admm: {len(sells) * len(buys)} pairs could trade, more than {MOST_PAIRS}; "
                "use bilateral-equilibrium"
            )
        centre = BilateralEquilibrium(self.reading, self.curvature_eur_per_mwh, self.pair_curvature_eur_per_mwh)
        game = centre.game(orders, sells, buys, signal.terms)
        consensus = agree(game, self.penalty, self.tolerance, self.most_rounds)
        found, price = _kept(game, consensus)
        certificate = certify(game, found)
        others = orders.peer[sells][:, None] != orders.peer[buys]
        peers = len(np.unique(orders.peer[np.concatenate([sells, buys])]))
        met, talking = (int(np.count_nonzero(pairs & others)) for pairs in (game.allowed(), worthwhile(game)))
        return replace(
            centre.settled(orders, game, found, price, signal.terms),
            objective_eur_per_h=certificate.primal_eur_per_h,
            gap=certificate.gap,
            rounds=ROUNDS_BEFORE + consensus.rounds,
            messages=2 * (met + talking * (1 + consensus.rounds) + max(peers - 1, 0) * consensus.sums),
        )


def _kept(game: Game, consensus: Consensus) -> tuple[Equilibrium, Floats]:
    """Return the trades that both sides keep to at their prices, and these; where prices agree, one for all.

    What is dropped is what the tolerance left of trades that end at nothing.
    """
    found, price = consensus.found, consensus.price_eur_per_mwh
    if not len(price):
        return found, price
    one = one_price(price)
    price = price if np.isnan(one) else np.full(len(price), one)
    of_seller, of_buyer = components(game, found.seller, found.buyer)
    content = (price + of_seller >= 0) & (of_buyer - price >= 0)
    trades = found.seller[content], found.buyer[content], found.quantity_mw[content]
    return agreed(game, trades, found.seller_dual, found.buyer_dual, found.solver), price[content]
