"""Exogenous cost allocation: every trade pays for the network it uses, by a rule that is known beforehand."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from peerflex.core.arrays import Bools, Floats, Ints, floats, ints
from peerflex.core.errors import InputError
from peerflex.core.network import GridState, Injections
from peerflex.core.protocols import Grid, NetworkView
from peerflex.core.trade import Charges, TradeTerms, free_terms

BEHIND = 0.5
"""A bus is behind a branch if more than this share of what is injected at the bus flows through it."""
AT_A_TIME = 256
"""Branches whose sensitivities are held at a time: those of all of them would take too much memory."""


@dataclass(frozen=True, slots=True)
class CostAllocation:
    """The DSO charges every pair of buses a fee in EUR/MWh, which the buyer bears: T. Baroche, P. Pinson, R. Le Goff
    Latimier and H. Ben Ahmed, "Exogenous cost allocation in peer-to-peer electricity markets", IEEE Trans. Power
    Systems 34(4), 2019 (uniform, by electrical distance, by zone); EUniversal D5.3, 2022, section 3.2.4.

    ``uniform``: ``rate`` for every pair. ``distance``: in proportion to the Thevenin impedance ``|Z_AA + Z_BB - Z_AB -
    Z_BA|`` between the two buses in the network without load, ``rate`` for the farthest pair of peers. ``zone``:
    ``rate`` for every border between the two. ``losses``: what the trade adds to the losses at the forecast, at the
    margin, times the wholesale price; ``rate`` is not used, and a trade that saves losses is paid.

    A trade at one bus pays nothing. The first three are symmetric, and what they charge depends on nothing that
    happens; the last is antisymmetric. Nothing here keeps a limit: the fee is the same for the first MW and the last.
    """

    rule: Annotated[
        Literal["uniform", "distance", "zone", "losses"],
        Field(description="what the charge of a pair goes by: the same for all, electrical distance, zones, losses"),
    ] = "distance"
    rate_eur_per_mwh: Annotated[
        float,
        Field(
            ge=0,
            le=10_000,
            description="charge of any pair (uniform), of the farthest (distance), of a border (zone), in EUR/MWh; "
            "losses are charged at the wholesale price",
        ),
    ] = 10.0
    borders: Annotated[
        tuple[str, ...],
        Field(description="lines or transformers between zones, by name (zone); none: each feeder is a zone"),
    ] = ()
    money: Annotated[bool, Field(description="whether the DSO collects the charges, or they only steer")] = True

    @property
    def at_risk_loading(self) -> float:
        return float("inf")

    def check(self, grid: Grid, where: str) -> None:
        """Refuse borders that are not in the network, and distances where nothing has a voltage.

        Raises:
            InputError: if the rule has no meaning in this network.
        """
        unknown = sorted(set(self.borders) - set(grid.branches.name))
        if unknown:
            raise InputError(f"{where}.borders", f"there is no branch {unknown[0]!r}", "Name lines or transformers.")
        if self.borders and self.rule != "zone":
            raise InputError(
                f"{where}.borders", f"mean nothing to the rule {self.rule}", "Use rule zone, or no borders."
            )
        if self.rule == "zone" and not sides_of_borders(grid, self.borders).any():
            what = "nothing lies behind what should be a border: it is in a ring, or no branch has a rating"
            raise InputError(f"{where}.borders", what, "Name rated branches with a part of the network behind.")
        if self.rule in ("distance", "losses") and not has_voltages(grid):
            what = f"linear physics has no voltages and no losses for the rule {self.rule}"
            raise InputError(f"{where}.rule", what, "Use physics ac, or the rule uniform or zone.")

    def before(self, view: NetworkView) -> TradeTerms:
        bus, place = np.unique(view.bus_of_peer, return_inverse=True)
        if not len(bus):
            return free_terms(0)
        n = len(bus)
        charges = Charges(floats(n), self._charge(view, bus))
        ones = np.ones((n, n))
        return TradeTerms(place, np.zeros((n, n), dtype=np.bool_), ones, ones, self.money, charges)

    def _charge(self, view: NetworkView, bus: Ints) -> Floats:
        """Return the charge of each pair of buses in EUR/MWh ``(places, places)``: row the seller, column the buyer."""
        if self.rule == "losses":
            slope = view.grid.loss_slopes(view.forecast)[bus]
            added: Floats = view.loss_eur_per_mwh * (slope[:, None] - slope)
            return added
        if self.rule == "uniform":
            return self.rate_eur_per_mwh * (1.0 - np.eye(len(bus)))
        if self.rule == "zone":
            return self.rate_eur_per_mwh * crossings(sides_of_borders(view.grid, self.borders)[:, bus]).astype(
                np.float64
            )
        distance = electrical_distance(view.grid, tuple(bus.tolist()))
        longest = float(distance.max())
        return self.rate_eur_per_mwh * distance / longest if longest > 0.0 else distance


def _idle(grid: Grid) -> GridState:
    nothing = floats(len(grid.buses))
    return grid.solve(Injections(nothing, nothing))


def has_voltages(grid: Grid) -> bool:
    """Return whether the network has any: linear physics has none, so no distances and no losses."""
    return bool(np.isfinite(_idle(grid).v_pu).any())


@lru_cache(maxsize=4)  # networks do not change from hour to hour
def electrical_distance(grid: Grid, buses: tuple[int, ...]) -> Floats:
    """Return the Thevenin impedance between any two of some buses, in pu of voltage per MVA ``(n, n)``.

    From exact sensitivities of voltages in the network without load, ``dV_i / dP_j = R_ij`` and ``dV_i / dQ_j = X_ij``.
    In a radial network it is the impedance of the path.
    """
    rows = np.array(buses, dtype=np.int64)
    slopes = grid.sensitivities(_idle(grid), ints(0), rows)
    distance = np.hypot(*(_between(part[:, rows]) for part in (slopes.by_mw, slopes.by_mvar)))
    distance.setflags(write=False)
    return distance


def _between(z: Floats) -> Floats:
    """Return what a common impedance matrix has between any two of its rows; exactly symmetric."""
    own = np.diag(z)
    return own[:, None] + own - (z + z.T)


def crossings(sides: Bools) -> Ints:
    """Return how many borders lie between any two of some buses ``(n, n)``; ``sides`` are ``(borders, n)``."""
    count = ints(sides.shape[1], sides.shape[1])
    for side in sides:
        count += side[:, None] != side
    return count


@lru_cache(maxsize=4)
def sides_of_borders(grid: Grid, borders: tuple[str, ...]) -> Bools:
    """Return which buses are behind each border ``(borders, buses)``; without any named, those of feeders.

    A border is crossed if one bus is behind it and the other is not. Two feeders are two borders apart, and a feeder is
    one from what is on none. Around a ring nothing is behind a branch unless more than half of its power comes by it.
    """
    names = {name: row for row, name in enumerate(grid.branches.name)}
    if borders:
        return _behind(grid, np.array([names[name] for name in borders], dtype=np.int64))
    return _feeders(_behind(grid, np.arange(len(names))))


def _behind(grid: Grid, branches: Ints) -> Bools:
    """Return which buses are behind each branch ``(branches, buses)``, in the network without load.

    What charges a cable turns a branch's current, so that active power alone may not add to it: both count.
    """
    idle = _idle(grid)
    parts = [np.zeros((0, len(grid.buses)), dtype=np.bool_)]
    for first in range(0, len(branches), AT_A_TIME):
        slopes = grid.sensitivities(idle, branches[first : first + AT_A_TIME], ints(0))
        with np.errstate(invalid="ignore"):  # without a rating there is no loading
            parts.append(np.hypot(slopes.by_mw, slopes.by_mvar) * slopes.mw_per_unit[:, None] > BEHIND)
    return np.concatenate(parts)


def _feeders(behind: Bools) -> Bools:
    """Return what lies behind each of the branches that part at the first fork from the supply."""
    size = behind.sum(axis=1)
    order = [row for row in np.argsort(-size, kind="stable") if size[row]]
    while order:
        taken, feeders = np.zeros(behind.shape[1], dtype=np.bool_), []
        for row in order:
            if not (behind[row] & taken).any():
                taken |= behind[row]
                feeders.append(row)
        if len(feeders) > 1:
            return behind[feeders]
        order = order[1:]  # all the rest is behind it: no fork yet
    return behind[:0]
