"""A street of four houses, to place peers and profiles on without any network file."""

from dataclasses import dataclass

import numpy as np

from peerflex.core.arrays import Floats
from peerflex.core.network import BusTable
from peerflex.core.people import Connections, PeerTable, Profiles
from peerflex.scenarios.load import LoadedScenario
from peerflex.scenarios.peers import build_peers
from peerflex.scenarios.profiles import build_profiles

STREET = Connections(
    name=("house 1", "house 2", "house 3", "house 4"),
    bus=np.array([1, 2, 2, 3]),
    load_mw=np.array([0.004, 0.002, 0.003, 0.0]),
    load_mvar=np.array([0.001, -0.0005, 0.0, 0.0]),
    pv_mw=np.array([0.0, 0.005, 0.0, 0.010]),
)

BUSES = BusTable(("slack", "b1", "b2", "bus 3"), np.full(4, 0.4), np.arange(4.0), np.zeros(4))


@dataclass(frozen=True, slots=True)
class QuarterYear:
    """A year that rises evenly from quarter to quarter, so that every mean is known."""

    quarters: int = 35136

    def __len__(self) -> int:
        return self.quarters

    def window(self, first: int, steps: int) -> Profiles:
        rows: Floats = np.arange(self.quarters, dtype=float)[first : first + steps, None] / self.quarters
        return Profiles(rows * STREET.load_mw, rows * STREET.load_mvar, rows * STREET.pv_mw)


def on_the_street(loaded: LoadedScenario, year: QuarterYear | None = None) -> tuple[PeerTable, Profiles]:
    peers = build_peers(loaded, STREET, BUSES)
    return peers, build_profiles(loaded, STREET, peers, year)
