"""The flexibility market operator: takes the DSO's need to the offers until the DSO's own flow is clean."""

from dataclasses import dataclass

import mesa

from peerflex.agents.dso import DSO
from peerflex.core.protocols import FlexMarket
from peerflex.core.types import FlexNeed, FlexOffers, FlexResult, Floats, Injections, add_up, floats


@dataclass(frozen=True, slots=True)
class Procurement:
    """What the flexibility market came to: the last need and result, and how many rounds it took."""

    need: FlexNeed
    result: FlexResult
    rounds: int


class FMO(mesa.Agent):
    """Neutral between DSO and peers: it sees offers and the need, never the network."""

    def __init__(self, model: mesa.Model, market: FlexMarket, rounds: int) -> None:
        super().__init__(model)
        self.market = market
        self.rounds = rounds

    def procure(self, dso: DSO, expected: Injections, offers: FlexOffers) -> Procurement:
        """Clear the market until no limit is violated in the DSO's model, at most ``rounds`` times.

        The need is linear and the wires are not: after each clearing the DSO looks again at the operating
        point that the activations lead to, and the market is cleared anew from scratch on the new slopes.
        """
        need = dso.need(expected, floats(len(expected.p_mw)), None)
        result = self.market.clear(need, offers)
        rounds = 1
        while len(need) and rounds < self.rounds:
            again = dso.need(expected, activated_mw(offers, result, len(expected.p_mw)), need)
            if again is need:
                break
            need, rounds = again, rounds + 1
            result = self.market.clear(need, offers)
        return Procurement(need, result, rounds)


def activated_mw(offers: FlexOffers, result: FlexResult, n_buses: int) -> Floats:
    """Return the change of injection per bus that the activations make."""
    return add_up(offers.bus, offers.side * result.accepted_mw, n_buses)
