"""The flexibility market operator: takes the DSO's need to the offers until the DSO's own flow is clean."""

from dataclasses import dataclass

import mesa

from peerflex.agents.dso import DSO
from peerflex.core.arrays import Floats, add_up, floats
from peerflex.core.network import GridState, Injections
from peerflex.core.protocols import FlexMarket
from peerflex.core.trade import FlexNeed, FlexOffers, FlexResult
from peerflex.core.units import QUANTITY_TOLERANCE_MW

MOST_INFEASIBLE = 3
"""Rounds in which relief may be missing before the market is left as it is."""

LAST_ROUNDS = 5
"""Rounds before the last in which a violation that is still there counts as stubborn; of few rounds, a quarter."""


@dataclass(frozen=True, slots=True)
class Procurement:
    """What the flexibility market came to: the last need and result, how many rounds it took, and whether the DSO
    then expects every limit to be kept.
    """

    need: FlexNeed
    result: FlexResult
    rounds: int
    kept: bool


class FMO(mesa.Agent):
    """Neutral between DSO and peers: it sees offers and the need, never the network."""

    def __init__(self, model: mesa.Model, market: FlexMarket, rounds: int) -> None:
        super().__init__(model)
        self.market = market
        self.rounds = rounds

    def procure(self, dso: DSO, expected: GridState, offers: FlexOffers) -> Procurement:
        """Return what the DSO buys in the flexibility market, of ``offers``."""
        return procured(self.market, dso, expected, offers, self.rounds)


def procured(market: FlexMarket, dso: DSO, expected: GridState, offers: FlexOffers, most_rounds: int) -> Procurement:
    """Clear a market until no limit is violated in the DSO's model, at most so many times.

    ``expected`` is the DSO's state without any activation. The need is linear and the wires are not: after each
    clearing the DSO looks again at the operating point that the activations lead to, and the market is cleared
    anew from scratch with the rows that adds. A market that cannot relieve the limits, or that activates
    nothing, is not asked for ever.
    """
    n_buses = len(expected.p_mw)
    need = dso.need(expected, floats(n_buses), None)
    result = market.clear(need, offers)
    rounds, infeasible, kept = 1, 0, not len(need)
    while len(need) and result.accepted_mw.any() and infeasible < MOST_INFEASIBLE:
        change_mw = activated_mw(offers, result, n_buses)
        state = dso.expects(Injections(expected.p_mw + change_mw, expected.q_mvar))
        again = dso.need(state, change_mw, need, stubborn=rounds > most_rounds - min(LAST_ROUNDS, most_rounds // 4))
        kept = again is need
        if kept or rounds == most_rounds:
            break
        need, rounds = again, rounds + 1
        result = market.clear(need, offers)
        infeasible += bool((result.missing_mw > QUANTITY_TOLERANCE_MW).any())
    return Procurement(need, result, rounds, kept)


def activated_mw(offers: FlexOffers, result: FlexResult, n_buses: int) -> Floats:
    """Return the change of injection per bus that the activations make."""
    return add_up(offers.bus, offers.side * result.accepted_mw, n_buses)
