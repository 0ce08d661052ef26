"""Who is there: which connections belong to which group, and what they own."""

from dataclasses import replace

import numpy as np

from peerflex.core.arrays import Floats, Ints
from peerflex.core.errors import InputError
from peerflex.core.network import BusTable
from peerflex.core.people import Connections, PeerTable
from peerflex.core.streams import stream
from peerflex.core.units import KW_PER_MW
from peerflex.scenarios.load import LoadedScenario
from peerflex.scenarios.population import Population, bus_called
from peerflex.scenarios.units import CUSTOMER, Units


def build_peers(
    loaded: LoadedScenario,
    connections: Connections,
    buses: BusTable,
    population: Population | None = None,
    units: Units | None = None,
) -> PeerTable:
    """Return a peer for every connection of the network, or of the population or the units if there are any.

    Groups at named buses come first; shares (of all connections, rounded) are drawn from the others. The draw
    depends on seed, shares and named buses only: other changes of a scenario leave everybody in their group.

    Raises:
        InputError: if a bus does not exist, has no connection or is claimed twice, or too few connections
            are left for the shares.
    """
    if units is not None:
        return units.peers
    if population is None:
        pv_mw = connections.pv_mw * loaded.scenario.grid.pv_factor
        return _owners(loaded, connections.name, connections.bus, pv_mw, _drawn(loaded, connections, buses))
    parts = [peers.of_population for peers in loaded.scenario.peers]
    part = np.where(population.trader, parts.index("traders"), parts.index("providers"))
    group = np.where(population.offers, part, CUSTOMER)
    return replace(
        _owners(loaded, population.name, population.bus, population.pv_mw, group),
        generator_mw=population.generator_mw,
        boiler_mw=population.boiler_mw,
        up_eur_per_mwh=population.up_eur_per_mwh,
        down_eur_per_mwh=population.down_eur_per_mwh,
    )


def _drawn(loaded: LoadedScenario, connections: Connections, buses: BusTable) -> Ints:
    """Return the group of every connection."""
    group = _at_buses(loaded, connections, buses)
    rest = np.flatnonzero(group == CUSTOMER)
    shares = np.array([peers.share_of_connections or 0.0 for peers in loaded.scenario.peers])
    # rounding the running sum, not each share: shares that add up to 1 leave nobody out
    last = np.floor(np.cumsum(shares) * len(connections) + 0.5).astype(np.int64)
    if len(last) and last[-1] > len(rest):
        what = f"shares ask for {last[-1]} connections, {len(rest)} are not at a named bus"
        raise InputError(f"{loaded.origin}: peers", what, "Lower the shares, or name fewer buses.")
    drawn = stream(loaded.scenario.seed, "scenarios.placement").permutation(rest)
    for row, (begin, end) in enumerate(zip([0, *last], last, strict=False)):
        group[drawn[begin:end]] = row
    return group


def _owners(loaded: LoadedScenario, name: tuple[str, ...], bus: Ints, pv_mw: Floats, group: Ints) -> PeerTable:
    """Return peers with what the network and their groups give them."""
    groups, nothing = loaded.scenario.peers, np.zeros(len(name))

    def owned(*values: float) -> Floats:
        return np.array([*values, 0.0])[group]  # -1, a customer only, finds the last

    return PeerTable(
        name=name,
        bus=bus,
        behaviour=group,
        pv_mw=pv_mw + owned(*(each.pv_kw / KW_PER_MW for each in groups)),
        battery_mwh=owned(*(each.battery_kwh / KW_PER_MW for each in groups)),
        battery_mw=owned(*(each.battery_kw / KW_PER_MW for each in groups)),
        battery_efficiency=np.array([*(each.battery_efficiency for each in groups), 1.0])[group],
        generator_mw=owned(*(each.generator_kw / KW_PER_MW for each in groups)),
        boiler_mw=owned(*(each.boiler_kw / KW_PER_MW for each in groups)),
        up_eur_per_mwh=np.full(len(name), np.nan),
        down_eur_per_mwh=np.full(len(name), np.nan),
        tan_phi=nothing,
        marginal_eur_per_mwh=np.full(len(name), np.nan),
        marginal_rise_eur_per_mwh=np.full(len(name), np.nan),
        least_mw=nothing,
        least_share=owned(*(each.least_activation for each in groups)),
        trade=np.array([*(each.trades_with_peers for each in groups), False])[group],
    )


def _at_buses(loaded: LoadedScenario, connections: Connections, buses: BusTable) -> Ints:
    """Return the group of every connection at a named bus, ``CUSTOMER`` for the others."""
    group = np.full(len(connections), CUSTOMER, dtype=np.int64)
    claimed: dict[int, str] = {}
    for row, peers in enumerate(loaded.scenario.peers):
        for place, name in enumerate(peers.at_buses or ()):
            where = f"{loaded.origin}: peers.{row}.at_buses.{place}"
            bus = bus_called(name, buses, where)
            members = connections.bus == bus
            if not members.any():
                raise InputError(where, f"nothing is connected to bus {name!r}", "Name a bus with a load or generator.")
            if bus in claimed:
                raise InputError(where, f"bus {name!r} is also in {claimed[bus]!r}", "Name every bus once.")
            claimed[bus] = peers.name
            group[members] = row
    return group
