"""With whom peers would rather trade: energy that is not all alike to them.

EUniversal D5.3 (2022, Annex I) names renewable, neighbour and philanthropic electricity as differentiated types that
peer-to-peer markets trade; that what a side would give for the type of its partner is a term of the pair is T. Sorin,
L. Bobo and P. Pinson, Consensus-Based Approach to Peer-to-Peer Electricity Markets with Product Differentiation, IEEE
Transactions on Power Systems 34, 2019.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, Protocol

import numpy as np
from pydantic import Field

from peerflex.core.arrays import Bools, Ints, floats
from peerflex.core.errors import InputError
from peerflex.core.people import PeerTable
from peerflex.core.protocols import Grid
from peerflex.core.streams import stream
from peerflex.core.trade import Wishes
from peerflex.markets.allocation import electrical_distance, has_voltages, sides_of_borders

Worth = Annotated[
    float, Field(ge=0, le=1000, description="what a member gains beside money by a MWh that it trades so")
]

A_QUARTER = 0.25
"""What is near, of the distance between the farthest two peers, unless said."""


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """Who is there, where, in which group (row of ``groups``), and the seed of the run."""

    peers: PeerTable
    grid: Grid
    groups: tuple[str, ...]
    seed: int


class Preference(Protocol):
    """Whom a group would rather trade with, by what it looks at: a label of every peer.

    ``label`` has shape ``(peers,)``. ``likes`` is a table: whether who has a label of ``own`` (a column) likes who has
    one of ``other`` (a row). ``sells``: selling so, too, or only buying.
    """

    sells: ClassVar[bool]

    @property
    def eur_per_mwh(self) -> float: ...

    def label(self, there: Neighbourhood, where: str) -> Ints: ...

    def likes(self, there: Neighbourhood, own: Ints, other: Ints) -> Bools: ...


@dataclass(frozen=True, slots=True)
class Green:
    """Buys rather from peers with PV, whatever of theirs it is that they sell."""

    sells: ClassVar[bool] = False

    eur_per_mwh: Worth = 20.0

    def label(self, there: Neighbourhood, where: str) -> Ints:
        return (there.peers.pv_mw > 0.0).astype(np.int64)

    def likes(self, there: Neighbourhood, own: Ints, other: Ints) -> Bools:
        return np.broadcast_to(other == 1, np.broadcast_shapes(own.shape, other.shape))


@dataclass(frozen=True, slots=True)
class Local:
    """Trades rather with its neighbours: those behind the same feeder, at the same bus, or electrically near.

    Near is what is at most ``reach`` of the distance between the farthest two peers away (``electrical_distance``).
    """

    sells: ClassVar[bool] = True

    eur_per_mwh: Worth = 20.0
    within: Annotated[
        Literal["feeder", "bus", "distance"],
        Field(description="who are neighbours: all behind one feeder, at one bus, or within an electrical distance"),
    ] = "feeder"
    reach: Annotated[
        float | None,
        Field(
            ge=0,
            le=1,
            description="that distance, as a share of the one between the farthest two peers; null: a quarter "
            "(within distance only)",
        ),
    ] = None

    def label(self, there: Neighbourhood, where: str) -> Ints:
        if self.reach is not None and self.within != "distance":
            raise InputError(f"{where}.reach", f"means nothing within: {self.within}", "Use within: distance, or none.")
        if self.within == "distance" and not has_voltages(there.grid):
            what = "linear physics has no voltages to measure electrical distance by"
            raise InputError(f"{where}.within", what, "Use physics ac, or within: feeder or bus.")
        if self.within != "feeder":
            return there.peers.bus
        behind = sides_of_borders(there.grid, ())
        if not len(behind):
            what = "the network has no fork, or no ratings to see one by: all would be neighbours"
            raise InputError(f"{where}.within", what, "Use within: bus.")
        of_bus: Ints = np.arange(1, len(behind) + 1) @ behind  # 0: on no feeder
        label: Ints = of_bus[there.peers.bus]
        return label

    def likes(self, there: Neighbourhood, own: Ints, other: Ints) -> Bools:
        if self.within != "distance":
            return np.equal(own, other)
        buses = np.unique(there.peers.bus)
        distance = electrical_distance(there.grid, tuple(buses.tolist()))
        near: Bools = distance <= (A_QUARTER if self.reach is None else self.reach) * distance.max()
        return near[np.searchsorted(buses, own), np.searchsorted(buses, other)]


@dataclass(frozen=True, slots=True)
class Loyal:
    """Trades rather with its regular partners: a circle of peers, dealt by the seed once for the whole run.

    That stands for loyalty that has grown: who traded with whom before the run is not simulated, and what is traded in
    it changes nothing. So any step can be simulated again alone.
    """

    sells: ClassVar[bool] = True

    eur_per_mwh: Worth = 20.0
    circle: Annotated[int, Field(ge=2, le=1000, description="how many peers know each other so")] = 5

    def label(self, there: Neighbourhood, where: str) -> Ints:
        order = stream(there.seed, "peers.circles").permutation(len(there.peers))
        circle: Ints = np.empty_like(order)
        circle[order] = np.arange(len(order)) // self.circle
        return circle

    def likes(self, there: Neighbourhood, own: Ints, other: Ints) -> Bools:
        return np.equal(own, other)


@dataclass(frozen=True, slots=True)
class Philanthropic:
    """Gives up price for the peers of a group: sells to them for less, buys from them for more."""

    sells: ClassVar[bool] = True

    to: Annotated[str, Field(description="name of the group that is favoured")]
    eur_per_mwh: Worth = 20.0

    def label(self, there: Neighbourhood, where: str) -> Ints:
        if self.to not in there.groups:
            known = ", ".join(there.groups)
            raise InputError(f"{where}.to", f"there is no group {self.to!r}", f"Name one of: {known}.")
        of_group: Ints = (there.peers.behaviour == there.groups.index(self.to)).astype(np.int64)
        return of_group

    def likes(self, there: Neighbourhood, own: Ints, other: Ints) -> Bools:
        return np.broadcast_to(other == 1, np.broadcast_shapes(own.shape, other.shape))


def wishes_of(preferences: tuple[Preference | None, ...], there: Neighbourhood, where: str) -> Wishes | None:
    """Return what trades are worth to everybody beside money, None if nothing is worth anything.

    ``preferences`` are row by row as the groups. Peers that no preference can tell apart are of one kind.

    Raises:
        InputError: if a preference has no meaning here.
    """
    labels = {
        row: each.label(there, f"{where}: peers.{row}.preference")
        for row, each in enumerate(preferences)
        if each is not None
    }
    held = {row: each for row, each in enumerate(preferences) if each is not None and each.eur_per_mwh > 0.0}
    if not held:
        return None
    group = np.where(np.isin(there.peers.behaviour, list(held)), there.peers.behaviour, -1)
    told = np.stack([group, *(labels[row] for row in held)])
    kinds, kind = np.unique(told, axis=1, return_inverse=True)
    n = kinds.shape[1]
    seller, buyer = floats(n, n), floats(n, n)
    for column, (row, each) in enumerate(held.items(), start=1):
        label, holds = kinds[column], kinds[0] == row
        liked = each.likes(there, label[:, None], label[None])  # row: who holds the preference, column: the other
        likes = each.eur_per_mwh * (holds[:, None] & liked)
        buyer += likes.T
        seller += likes * each.sells
    return Wishes(kind.ravel(), seller, buyer)
