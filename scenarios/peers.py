"""Who is there: which connections belong to which group, and what they own."""

import numpy as np

from peerflex.core.arrays import Floats, Ints
from peerflex.core.errors import InputError
from peerflex.core.network import BusTable
from peerflex.core.people import Connections, PeerTable
from peerflex.core.streams import stream
from peerflex.core.units import KW_PER_MW
from peerflex.scenarios.hints import nearest
from peerflex.scenarios.load import LoadedScenario

CUSTOMER = -1
"""The group of connections that only are customers of the supplier."""


def build_peers(loaded: LoadedScenario, connections: Connections, buses: BusTable) -> PeerTable:
    """Return a peer for every connection; ``behaviour`` is the row of its group in the scenario.

    Groups at named buses come first; shares (of all connections, rounded) are drawn from the others. The draw
    depends on seed, shares and named buses only: other changes of a scenario leave everybody in their group.

    Raises:
        InputError: if a bus does not exist, has no connection or is claimed twice, or too few connections
            are left for the shares.
    """
    scenario = loaded.scenario
    group = _at_buses(loaded, connections, buses)
    rest = np.flatnonzero(group == CUSTOMER)
    shares = np.array([peers.share_of_connections or 0.0 for peers in scenario.peers])
    # rounding the running sum, not each share: shares that add up to 1 leave nobody out
    last = np.floor(np.cumsum(shares) * len(connections) + 0.5).astype(np.int64)
    if len(last) and last[-1] > len(rest):
        what = f"shares ask for {last[-1]} connections, {len(rest)} are not at a named bus"
        raise InputError(f"{loaded.origin}: peers", what, "Lower the shares, or name fewer buses.")
    drawn = stream(scenario.seed, "scenarios.placement").permutation(rest)
    for row, (begin, end) in enumerate(zip([0, *last], last, strict=False)):
        group[drawn[begin:end]] = row

    def owned(*values: float) -> Floats:
        return np.array([*values, 0.0])[group]  # -1, a customer only, finds the last

    return PeerTable(
        name=connections.name,
        bus=connections.bus,
        behaviour=group,
        pv_mw=connections.pv_mw * scenario.grid.pv_factor + owned(*(each.pv_kw / KW_PER_MW for each in scenario.peers)),
        battery_mwh=owned(*(each.battery_kwh / KW_PER_MW for each in scenario.peers)),
        battery_mw=owned(*(each.battery_kw / KW_PER_MW for each in scenario.peers)),
        battery_efficiency=np.array([*(each.battery_efficiency for each in scenario.peers), 1.0])[group],
        generator_mw=np.zeros(len(connections)),
        boiler_mw=np.zeros(len(connections)),
        up_eur_per_mwh=np.full(len(connections), np.nan),
        down_eur_per_mwh=np.full(len(connections), np.nan),
        trade=np.array([*(each.trades_with_peers for each in scenario.peers), False])[group],
    )


def _at_buses(loaded: LoadedScenario, connections: Connections, buses: BusTable) -> Ints:
    """Return the group of every connection at a named bus, ``CUSTOMER`` for the others."""
    group = np.full(len(connections), CUSTOMER, dtype=np.int64)
    claimed: dict[int, str] = {}
    for row, peers in enumerate(loaded.scenario.peers):
        for place, name in enumerate(peers.at_buses or ()):
            where = f"{loaded.origin}: peers.{row}.at_buses.{place}"
            bus = _bus(name, buses, where)
            members = connections.bus == bus
            if not members.any():
                raise InputError(where, f"nothing is connected to bus {name!r}", "Name a bus with a load or generator.")
            if bus in claimed:
                raise InputError(where, f"bus {name!r} is also in {claimed[bus]!r}", "Name every bus once.")
            claimed[bus] = peers.name
            group[members] = row
    return group


def _bus(name: str, buses: BusTable, where: str) -> int:
    # buses without a name of their own are called after their number in the file
    for candidate in (name, f"bus {name}"):
        if candidate in buses.name:
            return buses.name.index(candidate)
    raise InputError(where, f"the network has no bus {name!r}", nearest(name, buses.name))
