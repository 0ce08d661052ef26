"""Telling trades apart by what they do to the network: penalties by distance and by common path."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, Literal

import numpy as np

from peerflex.core.arrays import Bools, Floats, Ints, floats, ints
from peerflex.core.errors import InputError
from peerflex.core.network import BusTable, GridState, Injections, Limits, Sensitivities
from peerflex.core.protocols import Grid
from peerflex.core.trade import Charges, TradeTerms

KEPT: Final = 5e-7
"""Limits are kept if nothing exceeds them by more, per unit: half of what is a violation in the log."""
LEAST_EFFECT: Final = 0.3
"""A trade uses a branch if more than this share of it flows there; losses scatter what is whole without them."""
SHARED: Final = 1e-9
"""Two reactances closer than this, relative to the largest, are one."""
KM_PER_DEGREE: Final = 111.195
"""On a meridian: a sphere of 6371 km."""

Coordinates = Literal["km", "degrees"]


@dataclass(frozen=True, slots=True)
class Trouble:
    """What a state violates: overloaded branches, and the bus of the worst voltage (-1: none is violated).

    ``low`` says on which side that voltage is. ``shed``: not everybody could be served in this state.
    """

    branches: Ints
    bus: int
    low: bool
    shed: bool

    def __bool__(self) -> bool:
        return bool(len(self.branches)) or self.voltage or self.shed

    @property
    def voltage(self) -> bool:
        return self.bus >= 0

    @property
    def voltage_only(self) -> bool:
        return self.voltage and not len(self.branches)


def find_trouble(state: GridState, limits: Limits, congestion: bool, voltage: bool) -> Trouble:
    """Return what of the limits that count is not kept; the worst bus is the first of those that are equally bad."""
    overloaded = np.flatnonzero(state.loading - limits.loading > KEPT) if congestion else ints(0)
    bus, low = -1, False
    if voltage and len(state.v_pu):
        beyond = np.fmax(limits.v_min_pu - state.v_pu, state.v_pu - limits.v_max_pu)
        beyond = np.where(np.isnan(beyond), 0.0, beyond)  # linear physics has no voltages
        worst = int(np.argmax(beyond))
        if beyond[worst] > KEPT:
            bus, low = worst, bool(state.v_pu[worst] < limits.v_min_pu[worst])
    return Trouble(overloaded, bus, low, shed=state.method == "dark" or bool(state.shed_mw.any()))


@dataclass(frozen=True)
class Map:
    """Where peers are, seen from the DSO's network: a place is a bus, split where the DSO's own terms split it.

    What it takes to penalise is computed when it is first asked for: most hours need nothing of it.
    """

    grid: Grid
    said: TradeTerms
    bus_of_peer: Ints
    coordinates: Coordinates

    @cached_property
    def _places(self) -> tuple[Ints, Ints, Ints]:
        """The bus of each place, its place in the DSO's own terms ``(places,)``, and the place of each peer."""
        n = len(self.said.blocked)
        key, place = np.unique(self.bus_of_peer * n + self.said.place, return_inverse=True)
        return key // n, key % n, place

    @property
    def bus(self) -> Ints:
        """The bus of each place ``(places,)``."""
        return self._places[0]

    @cached_property
    def _terms(self) -> TradeTerms:
        """The DSO's own terms, by these places."""
        said, (_, old, place) = self.said, self._places
        pairs = np.ix_(old, old)
        return replace(
            said,
            place=place,
            blocked=said.blocked[pairs],
            gain_factor=said.gain_factor[pairs],
            cost_factor=said.cost_factor[pairs],
        )

    @cached_property
    def _before(self) -> Charges:
        """What the DSO's own terms charge, by these places."""
        charges, old = self.said.charges, self._places[1]
        if charges is None:
            return Charges(floats(len(old)), floats(len(old), len(old)))
        return Charges(charges.injection_eur_per_mwh[old], charges.pair_eur_per_mwh[np.ix_(old, old)])

    @cached_property
    def distance_km(self) -> Floats:
        """As the crow flies ``(places, places)``."""
        return distances_km(self.grid.buses, self.bus, self.coordinates)

    @cached_property
    def _idle(self) -> GridState:
        nothing = floats(len(self.grid.buses))
        return self.grid.solve(Injections(nothing, nothing))

    def common_path(self, bus: int) -> tuple[Floats, Floats]:
        """Return resistance and reactance of the path that each bus has in common with one, towards the supply.

        In per unit of voltage per MW and Mvar, shapes ``(buses,)``: what an injection anywhere adds to the voltage of
        the bus in the network without any load. In a radial network that is the common path's impedance; in a meshed
        one it is the transfer impedance, which has the same meaning.
        """
        slopes = self.grid.sensitivities(self._idle, ints(0), np.array([bus]))
        return slopes.by_mw[0], slopes.by_mvar[0]

    def charged(self, pair_eur_per_mwh: Floats, money: bool) -> TradeTerms:
        """Return the DSO's own terms with charges on pairs of places added ``(places, places)``."""
        charges = Charges(self._before.injection_eur_per_mwh, self._before.pair_eur_per_mwh + pair_eur_per_mwh)
        return replace(self._terms, money=self.said.money or money, charges=charges)


def distances_km(buses: BusTable, bus: Ints, coordinates: Coordinates) -> Floats:
    """Return the distance between any two of some buses ``(n, n)``, in km.

    Degrees are longitude and latitude, on a plane that touches the network at its mean latitude.

    Raises:
        InputError: if the buses have no such coordinates.
    """
    x, y = buses.x[bus], buses.y[bus]
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise InputError("grid", "some buses have no coordinates, and distances need them", "Add them to the network.")
    if coordinates == "degrees":
        if (np.abs(x) > 180).any() or (np.abs(y) > 90).any():
            what = "the network's coordinates are not longitudes and latitudes"
            raise InputError("market.service.coordinates", what, "Use km, if they are in km.")
        x, y = x * KM_PER_DEGREE * np.cos(np.radians(y.mean())), y * KM_PER_DEGREE
    return np.hypot(x[:, None] - x, y[:, None] - y)


def uses(overloaded: Sensitivities, bus: Ints) -> Bools:
    """Return which trades load each branch further, in the direction of its flow ``(branches, places, places)``.

    Rows are the seller's place, columns the buyer's. Of a trade over 1 MW more than ``LEAST_EFFECT`` MW flow there; in
    a radial network: the branch is on the path from the seller to the buyer.
    """
    effect = np.sign(overloaded.value)[:, None] * overloaded.by_mw * overloaded.mw_per_unit[:, None]
    at = effect[:, bus]
    return at[:, :, None] - at[:, None, :] > LEAST_EFFECT


def by_common_path(resistance: Floats, bus: Ints, low: bool) -> Floats:
    """Return how much trades weigh on the voltage of a bus ``(places, places)``, from 0 to 1.

    ``resistance`` ``(buses,)`` is that of the path in common with the bus. For a low voltage a trade counts by how much
    more of the path the buyer shares than the seller; for a high one the other way round.
    """
    shared = resistance[bus]
    further = shared[None, :] - shared[:, None] if low else shared[:, None] - shared[None, :]
    most = float(resistance.max())
    return np.maximum(further, 0.0) / most if most > 0.0 else np.zeros_like(further)


def on_feeder(reactance: Floats) -> Bools:
    """Return which buses are on the same feeder as the one whose common paths these are ``(buses,)``.

    They share more of the path than every bus does but the supply itself: the way to where the feeders part is
    everybody's.
    """
    of_everybody = np.sort(reactance)[:2].max()
    shared: Bools = reactance > of_everybody + SHARED * reactance.max()
    return shared
