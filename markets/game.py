"""Bilateral trading as a game: who could trade with whom, and what each trade is worth to either side."""

from dataclasses import dataclass

import numpy as np

from peerflex.core.arrays import Bools, Floats, Ints, Rows


@dataclass(frozen=True, slots=True)
class Side(Rows):
    """The sellers, or the buyers, of a game; shapes ``(n,)``.

    ``value_eur_per_mwh`` is the side's own component of a trade's value, before any terms of the DSO: a seller's cost
    below 0, a buyer's value above 0 (or what a preference makes of it). ``curvature`` in EUR/MWh per MW is how fast
    the marginal value falls with the power traded, ``most_mw`` the power offered, ``place`` a row of the terms.
    """

    value_eur_per_mwh: Floats
    curvature: Floats
    most_mw: Floats
    place: Ints


@dataclass(frozen=True, slots=True)
class Game:
    """Sellers ``i`` and buyers ``j`` agree on trades ``t_ij >= 0`` (MW); the variational equilibrium maximises

    ``sum w_ij t_ij - sum a_i x_i**2 / 2 - sum b_j y_j**2 / 2 - pair_curvature * sum t_ij**2 / 2``

    with ``x_i = sum_j t_ij <= most_i`` and ``y_j = sum_i t_ij <= most_j`` over the pairs that are not blocked: the
    generalised Nash game of Le Cadre, Jacquot, Wan and Alasseur (EJOR 282, 2020; EUniversal D5.3, 2022, section
    5.2.2), in which reciprocity has the same multiplier for both sides of a pair.

    ``w_ij = of(seller i) + of(buyer j)``, where ``of(side)`` is its value times ``gain_factor[A, B]`` if above 0,
    times ``cost_factor[A, B]`` if below (``A`` the place of the seller, ``B`` that of the buyer), less
    ``pair_charge[A, B]`` (EUR/MWh, None: none), which the buyer bears. ``blocked``, factors and charge have shape
    ``(places, places)``.
    """

    sellers: Side
    buyers: Side
    blocked: Bools
    gain_factor: Floats
    cost_factor: Floats
    pair_curvature: float = 0.0
    pair_charge: Floats | None = None

    @property
    def all_alike(self) -> bool:
        """Whether any pair may trade, and on the same terms."""
        return not self.blocked.any() and not self.weighted

    @property
    def weighted(self) -> bool:
        """Whether the terms change what any trade is worth."""
        charged = self.pair_charge is not None and bool(self.pair_charge.any())
        return charged or bool((self.gain_factor != 1.0).any() or (self.cost_factor != 1.0).any())

    def allowed(self) -> Bools:
        """Return which pairs may trade, shape ``(sellers, buyers)``."""
        return ~self.blocked[np.ix_(self.sellers.place, self.buyers.place)]

    def seller_value(self) -> Floats:
        """Return what a MWh sold to each buyer is worth to each seller, payment aside ``(sellers, buyers)``."""
        return self._factor(self.sellers.value_eur_per_mwh[:, None]) * self.sellers.value_eur_per_mwh[:, None]

    def buyer_value(self) -> Floats:
        """Return what a MWh bought from each seller is worth to each buyer, payment aside ``(sellers, buyers)``."""
        value = self.buyers.value_eur_per_mwh[None, :]
        return self._factor(value) * value - self.charge(self.sellers.place[:, None], self.buyers.place)

    def pair_value(self) -> Floats:
        """Return ``w_ij`` ``(sellers, buyers)``, blocked pairs included."""
        return self.seller_value() + self.buyer_value()

    def charge(self, sold_at: Ints, bought_at: Ints) -> Floats | float:
        """Return what the buyer is charged for a MWh sold at a place and bought at another; 0 where nobody is."""
        return 0.0 if self.pair_charge is None else self.pair_charge[sold_at, bought_at]

    def _factor(self, value: Floats) -> Floats:
        places = np.ix_(self.sellers.place, self.buyers.place)
        return np.where(value > 0, self.gain_factor[places], self.cost_factor[places])


@dataclass(frozen=True, slots=True)
class Equilibrium:
    """What a game ends in. Trades are columns ``seller``, ``buyer`` (rows of the sides) and ``quantity_mw``.

    ``sold_mw`` ``(sellers,)`` and ``bought_mw`` ``(buyers,)`` are unique; the trades are only if ``pair_curvature`` is
    above 0. ``seller_dual`` and ``buyer_dual`` (EUR/MWh) are a dual solution: the surplus that each side keeps of the
    next unit, its capacity's rent included. ``solver`` names the method.
    """

    sold_mw: Floats
    bought_mw: Floats
    seller: Ints
    buyer: Ints
    quantity_mw: Floats
    seller_dual: Floats
    buyer_dual: Floats
    solver: str
