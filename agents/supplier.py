"""The supplier: takes what nobody else trades, and the imbalance and the losses with it, at its tariffs."""

import mesa
import numpy as np

from peerflex.core.arrays import Floats
from peerflex.core.record import Tariffs


class Supplier(mesa.Agent):
    """Publishes tariffs to every peer and is the other side of what the local markets leave."""

    def __init__(self, model: mesa.Model, tariffs: Tariffs) -> None:
        super().__init__(model)
        self.tariffs = tariffs

    def offer_eur_per_mwh(self, n_peers: int) -> tuple[Floats, Floats]:
        """Return the retail and feed-in tariffs each peer is offered in this step."""
        return np.full(n_peers, self.tariffs.retail_eur_per_mwh), np.full(n_peers, self.tariffs.feed_in_eur_per_mwh)
