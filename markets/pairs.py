"""Looking at a game pair by pair, or place by place: what a trade is worth, what it costs, who could still gain."""

from dataclasses import replace

import numpy as np

from peerflex.core.arrays import Floats, Ints, add_up, floats, ints
from peerflex.markets.game import Equilibrium, Game


def restricted(game: Game, sellers: Ints, buyers: Ints) -> Game:
    """Return the game among some rows of the sides only."""
    return replace(game, sellers=game.sellers.take(sellers), buyers=game.buyers.take(buyers))


def agreed(
    game: Game,
    trades: tuple[Ints, Ints, Floats],
    seller_dual: Floats,
    buyer_dual: Floats,
    solver: str,
) -> Equilibrium:
    """Return the equilibrium of some trades (seller, buyer, MW); what is sold and bought is what they add up to."""
    seller, buyer, quantity_mw = trades
    sold_mw, bought_mw = add_up(seller, quantity_mw, len(game.sellers)), add_up(buyer, quantity_mw, len(game.buyers))
    return Equilibrium(sold_mw, bought_mw, seller, buyer, quantity_mw, seller_dual, buyer_dual, solver)


def nothing_agreed(game: Game) -> Equilibrium:
    """Return the equilibrium of a game in which no pair that may trade is worth anything."""
    sold, bought = floats(len(game.sellers)), floats(len(game.buyers))
    return Equilibrium(sold, bought, ints(0), ints(0), floats(0), sold, bought, "none")


def mirrored(game: Game) -> Game:
    """Return the game with the two sides exchanged: what holds for its sellers holds for the buyers of the game."""
    return replace(
        game,
        sellers=game.buyers,
        buyers=game.sellers,
        blocked=game.blocked.T,
        gain_factor=game.gain_factor.T,
        cost_factor=game.cost_factor.T,
        pair_charge=None if game.pair_charge is None else game.pair_charge.T,
    )


def components(game: Game, seller: Ints, buyer: Ints) -> tuple[Floats, Floats]:
    """Return what a MWh is worth to the seller and to the buyer of the given pairs, in EUR/MWh; shapes ``(pairs,)``."""
    places = game.sellers.place[seller], game.buyers.place[buyer]
    sold, bought = game.sellers.value_eur_per_mwh[seller], game.buyers.value_eur_per_mwh[buyer]
    gain, cost = game.gain_factor[places], game.cost_factor[places]
    of_buyer = np.where(bought > 0, gain, cost) * bought - game.charge(*places)
    return np.where(sold > 0, gain, cost) * sold, of_buyer


def pair_price(game: Game, found: Equilibrium, seller: Ints, buyer: Ints) -> Floats:
    """Return the multiplier of reciprocity of the given pairs, EUR/MWh: the price at which both sides keep still.

    A seller stays with what it trades if the price is ``seller_dual - its component`` (plus half of the pair's
    marginal curvature), a buyer if it is ``its component - buyer_dual`` (less the other half). Where the pair trades
    the two are the same; where it does not, any price between them will do. The middle of the two is taken always.
    """
    of_seller, of_buyer = components(game, seller, buyer)
    return (found.seller_dual[seller] - of_seller + of_buyer - found.buyer_dual[buyer]) / 2


def least_seller_dual(game: Game, buyer_dual: Floats) -> Floats:
    """Return the least duals ``lambda >= 0`` of the sellers with ``lambda_i + buyer_dual_j >= w_ij`` in every pair.

    A pair's value is a part of the seller and the buyer's place, and a part of the seller's place and the buyer. So
    the best buyer of each place is found once for all sellers of a place: no matrix of pairs is made.
    """
    sellers, buyers = game.sellers, game.buyers
    if not (len(sellers) and len(buyers)):
        return floats(len(sellers))
    if not game.weighted:  # then the best buyer for a place is the same for all its sellers
        best_at = np.full(len(game.blocked), -np.inf)
        np.maximum.at(best_at, buyers.place, buyers.value_eur_per_mwh - buyer_dual)
        best_for = np.where(game.blocked, -np.inf, best_at).max(axis=1)
        return np.asarray(np.maximum(sellers.value_eur_per_mwh + best_for[sellers.place], 0.0))
    froms, at = np.unique(sellers.place, return_inverse=True)
    order = np.argsort(buyers.place, kind="stable")
    tos, first = np.unique(buyers.place[order], return_index=True)
    left = _part(game, buyers.value_eur_per_mwh[order], froms[:, None], buyers.place[order]) - buyer_dual[order]
    left -= game.charge(froms[:, None], buyers.place[order])
    best = np.maximum.reduceat(left, first, axis=1)
    best[game.blocked[np.ix_(froms, tos)]] = -np.inf
    own = _part(game, sellers.value_eur_per_mwh[:, None], sellers.place[:, None], tos)
    dual: Floats = np.maximum((own + best[at]).max(axis=1), 0.0)
    return dual


def least_buyer_dual(game: Game, seller_dual: Floats) -> Floats:
    """Return the least duals of the buyers, likewise."""
    return least_seller_dual(mirrored(game), seller_dual)


def _part(game: Game, value: Floats, sold_at: Ints, bought_at: Ints) -> Floats:
    return np.where(value > 0, game.gain_factor[sold_at, bought_at], game.cost_factor[sold_at, bought_at]) * value
