"""From a scenario to an area: every part is read, resolved by its kind and checked; nothing is simulated."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from peerflex.agents.elastic import ElasticLoad
from peerflex.core.arrays import Floats
from peerflex.core.errors import InputError
from peerflex.core.people import Connections, PeerState, PeerTable, Profiles
from peerflex.core.protocols import Behaviour, Grid, Market
from peerflex.core.units import MINUTES_PER_HOUR
from peerflex.grid.factors import Factors
from peerflex.grid.limits import uniform_limits
from peerflex.grid.network import Network, open_network
from peerflex.runs.area import agreements, choices
from peerflex.runs.area.area import Area, DsoSettings
from peerflex.runs.area.checks import check_area
from peerflex.runs.area.chosen import leaves_nothing_congested
from peerflex.runs.area.components import make
from peerflex.runs.area.mediators import build_mediators, build_monitor
from peerflex.runs.area.plugins import Registry
from peerflex.runs.area.rated import rated
from peerflex.runs.area.regulated import regulated
from peerflex.runs.area.responsible import lfm_buses, responsibility, within_p2p_area
from peerflex.runs.log.manifest import ROLES, distinct
from peerflex.runs.stages.sequences import SEQUENCES
from peerflex.scenarios.hints import nearest
from peerflex.scenarios.load import LoadedScenario
from peerflex.scenarios.peer_schema import Component, PeerGroup
from peerflex.scenarios.peers import build_peers
from peerflex.scenarios.population import build_population
from peerflex.scenarios.profiles import build_profiles
from peerflex.scenarios.schema import CUSTOMERS, Scenario
from peerflex.scenarios.units import build_units
from peerflex.scenarios.upstream import padded, with_upstream

SHARED_TARIFFS = ("retail_eur_per_mwh", "feed_in_eur_per_mwh")
"""What a sharing rule divides by."""


QUOTING = {"quoting_of_group", "group"}
"""What a market of quotes is told by the groups."""


@dataclass(frozen=True, slots=True)
class Built:
    """An area, the network it was built on (for the check against pandapower), and the draw of its traders."""

    area: Area
    network: Network
    draw: int = 0


def build(loaded: LoadedScenario, registry: Registry, draw: int | None = None) -> Built:
    """Return the area of a scenario.

    Chosen traders are drawn again until their trades leave nothing congested; if they never do, the last draw stands.
    With ``draw``, they are those of that draw: whatever changes in the middle of a run, people stay who they are.

    Raises:
        InputError: if any part of the scenario cannot be resolved, or parts do not fit each other.
    """
    population = loaded.scenario.population
    chosen = None if population is None else population.traders.chosen
    built = _build(loaded, registry)
    if draw is not None:
        return _redrawn(loaded, built, draw) if draw else built
    for attempt in range(1, 1 if chosen is None else chosen.draws):
        if leaves_nothing_congested(built.area):
            break
        built = _redrawn(loaded, built, attempt)
    return built


def _redrawn(loaded: LoadedScenario, built: Built, attempt: int) -> Built:
    """Return the same area with the traders of another draw."""
    connections, buses = built.network.connections, built.area.grid.buses
    population = build_population(loaded, connections, buses, attempt)
    local = build_peers(loaded, connections, buses, population)
    area = replace(built.area, peers=_placed(loaded, local, built.network))
    return replace(built, area=_among(area, loaded.origin), draw=attempt)


def _build(loaded: LoadedScenario, registry: Registry) -> Built:
    """Return the area with the first draw of its traders: the network, its peers, the markets, and what else a design
    has; then whether all of that fits."""
    scenario, origin = loaded.scenario, loaded.origin
    network = _network(loaded, impedance_error=0.0)
    population = build_population(loaded, network.connections, network.wires.buses, attempt=0)
    network = rated(loaded, network, population)
    grid: Grid = network.linear() if scenario.physics == "linear" else network.ac
    units = build_units(loaded, grid.buses)
    local = build_peers(loaded, network.connections, grid.buses, population, units)
    profiles = build_profiles(loaded, network.connections, local, network.year, population, units)
    behaviours = tuple(_behaviour(group, row, registry, origin) for row, group in enumerate(scenario.peers))
    peers = _placed(loaded, local, network)
    if units is None and population is None:
        peers = replace(peers, tan_phi=_tan_phi(peers, behaviours, network.connections))
    area = _with_two_markets(loaded, registry, network, grid, peers, padded(profiles, len(peers)), behaviours)
    area = _with_the_rest(area, scenario, registry, origin)
    area = replace(area, n_beyond=len(peers) - len(local))
    check_area(area, scenario, origin)
    return Built(_among(regulated(loaded, area, network.slack_bus), origin), network)


def _placed(loaded: LoadedScenario, local: PeerTable, network: Network) -> PeerTable:
    """Return the peers of the network and those beyond it, each in the group it bids with and the area it trades in."""
    peers = _moved(loaded, with_upstream(loaded.scenario, local, network.slack_bus))
    return within_p2p_area(loaded.scenario, peers, network.wires.buses, loaded.origin)


def _with_two_markets(
    loaded: LoadedScenario,
    registry: Registry,
    network: Network,
    grid: Grid,
    peers: PeerTable,
    profiles: Profiles,
    behaviours: tuple[Behaviour, ...],
) -> Area:
    """Return what every area has: peers, physics, a market between peers, a flexibility market, a DSO, tariffs."""
    scenario, market, origin = loaded.scenario, loaded.scenario.market, loaded.origin
    return Area(
        peers=peers,
        start=PeerState(np.zeros(len(peers))),  # batteries begin empty: nobody wins by energy it was given
        profiles=profiles,
        behaviours=behaviours,
        behaviour_names=tuple(group.name for group in scenario.peers),
        market=_market(scenario, registry, origin),
        service=_component(registry.services, market.service, f"{origin}: market.service"),
        flex_market=agreements.flex_market(registry.flex_markets, market.lfm, scenario, f"{origin}: market.lfm"),
        sequence=SEQUENCES[market.sequence],
        grid=grid,
        diagnostic=network.ac if scenario.physics == "linear" and scenario.diagnostic == "ac" else None,
        limits=uniform_limits(grid.buses, grid.branches, *scenario.dso.voltage_pu, scenario.dso.loading),
        dso=DsoSettings(
            grid=_believed(loaded, grid),
            forecast_error=scenario.dso.forecast_error,
            at_risk=scenario.dso.at_risk_loading,
            publishes=scenario.dso.publishes == "at-risk",
            lfm_rounds=scenario.dso.lfm_rounds,
            incentive=_component(registry.incentives, market.incentive, f"{origin}: market.incentive"),
        ),
        tariffs=scenario.tariffs.tariffs(),
        forecast_error=scenario.delivery.forecast_error,
        seed=scenario.seed,
        steps=scenario.time.steps,
        step_s=scenario.time.step_s,
        first_hour=scenario.time.start.hour + scenario.time.start.minute / MINUTES_PER_HOUR,
    )


def _with_the_rest(area: Area, scenario: Scenario, registry: Registry, origin: str) -> Area:
    """Return the area with what only some designs have: sessions, mediators, a last resort, who answers for what."""
    tariff = agreements.network_tariff(registry.network_tariffs, scenario, f"{origin}: market.network_tariff")
    return replace(
        area,
        fails=tuple(group.fails for group in scenario.peers),
        preferences=choices.preferences(registry.preferences, scenario, origin),
        sessions=scenario.market.sessions,
        day_ahead_error=scenario.delivery.error_day_ahead,
        last_resort=agreements.last_resort(registry.flex_markets, scenario, f"{origin}: market.last_resort"),
        network_tariff=tariff,
        mediators=build_mediators(scenario, registry, area.peers, origin),
        monitor=build_monitor(scenario),
        responsibility=responsibility(scenario),
        lfm_buses=lfm_buses(scenario, area.peers, area.grid.buses, origin),
    )


def _moved(loaded: LoadedScenario, peers: PeerTable) -> PeerTable:
    """Return the peers, single ones with the behaviour of another group; what they own stays theirs."""
    if not loaded.scenario.agents:
        return peers
    groups = [*(group.name for group in loaded.scenario.peers), CUSTOMERS]
    trades = np.array([*(group.trades_with_peers for group in loaded.scenario.peers), False])
    names = {name: row for row, name in enumerate(distinct(peers.name, ROLES))}
    behaviour, trade = peers.behaviour.copy(), peers.trade.copy()
    for agent, group in loaded.scenario.agents.items():
        if agent not in names:
            where = f"{loaded.origin}: agents.{agent}"
            raise InputError(where, "there is no such peer", nearest(agent, tuple(names)))
        kind = groups.index(group)
        behaviour[names[agent]] = -1 if group == CUSTOMERS else kind
        trade[names[agent]] = trades[kind]
    return replace(peers, behaviour=behaviour, trade=trade)


def _network(loaded: LoadedScenario, impedance_error: float) -> Network:
    grid = loaded.scenario.grid
    return open_network(
        grid.source,
        grid.path or grid.code or "",
        base=loaded.base,
        impedance_error=impedance_error,
        seed=loaded.scenario.seed,
        factors=Factors(grid.line_impedance_factor, grid.line_rating_factor, grid.trafo_rating_factor),
    )


def _believed(loaded: LoadedScenario, real: Grid) -> Grid:
    """Return the DSO's model of the network: the real one, unless it errs."""
    error = loaded.scenario.dso.model_error
    if error == 0.0:
        return real
    wrong = _network(loaded, impedance_error=error)
    if loaded.scenario.grid.ratings is not None:
        wrong = wrong.with_ratings(real.branches.rating_mva)
    return wrong.linear() if loaded.scenario.physics == "linear" else wrong.ac


def _component(kinds: Mapping[str, type[Any]], component: Component, where: str) -> Any:
    return make(kinds, component.kind, component.parameters, where)


def _behaviour(group: PeerGroup, row: int, registry: Registry, origin: str) -> Behaviour:
    behaviour: Behaviour = _component(registry.behaviours, group.behaviour, f"{origin}: peers.{row}.behaviour")
    return behaviour


def _market(scenario: Scenario, registry: Registry, origin: str) -> Market:
    """Return the market between peers, at the tariffs if its rule is made of them."""
    component, where = scenario.market.p2p, f"{origin}: market.p2p"
    for name in SHARED_TARIFFS:
        if name in component.parameters:
            raise InputError(f"{where}.{name}", "belongs to the tariffs", f"Write it as tariffs.{name}.")
    market: Market = _component(registry.markets, component, where)
    if hasattr(market, "among") and "community" in component.parameters:
        raise InputError(f"{where}.community", "is found from the scenario", "Write by: group, or by: feeder.")
    for name in QUOTING & component.parameters.keys():
        raise InputError(f"{where}.{name}", "is found from the groups", "Write it as peers[].quoting.")
    tariffs = {name: getattr(scenario.tariffs, name) for name in SHARED_TARIFFS if hasattr(market, name)}
    if tariffs:
        market = make(registry.markets, component.kind, component.parameters | tariffs, f"{origin}: tariffs")
    return choices.quoted(market, scenario, origin)


def _among(area: Area, origin: str) -> Area:
    """Return the area, its markets told who is where and in which group if their rule depends on that."""
    area = choices.with_wishes_of_all(agreements.agreed(area, f"{origin}: market"), origin)
    if not hasattr(area.market, "among"):
        return area
    return replace(area, market=area.market.among(area.peers, area.grid, f"{origin}: market.p2p"))


def _tan_phi(peers: PeerTable, behaviours: tuple[Behaviour, ...], connections: Connections) -> Floats:
    """Return the reactive power that a load takes along, where the load is what a peer trades; 0 elsewhere."""
    ratio = np.zeros(len(peers))
    load_mw, load_mvar = connections.load_mw, connections.load_mvar
    np.divide(load_mvar, load_mw, out=ratio[: len(load_mw)], where=load_mw > 0.0)
    elastic = [row for row, behaviour in enumerate(behaviours) if isinstance(behaviour, ElasticLoad)]
    return np.where(np.isin(peers.behaviour, elastic), ratio, 0.0)
