"""From a scenario to an area: every part is read, resolved by its kind and checked; nothing is simulated."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from peerflex.core.errors import InputError
from peerflex.core.protocols import Behaviour, FlexMarket, Grid
from peerflex.core.streams import stream
from peerflex.core.types import Limits, Observation, Orders, PeerState, PeerTable, Tariffs
from peerflex.core.units import SECONDS_PER_MINUTE
from peerflex.grid.limits import uniform_limits
from peerflex.grid.network import Network, open_network
from peerflex.runs.area import Area, DsoSettings
from peerflex.runs.components import make
from peerflex.runs.plugins import Registry
from peerflex.scenarios.load import LoadedScenario
from peerflex.scenarios.peers import build_peers
from peerflex.scenarios.profiles import build_profiles
from peerflex.scenarios.schema import Scenario

HALF = 0.5
"""Batteries begin half full: no scenario may win by the energy it was given."""


@dataclass(frozen=True, slots=True)
class Built:
    """An area and the network it was built on (for the check against pandapower)."""

    area: Area
    network: Network


def build(loaded: LoadedScenario, registry: Registry) -> Built:
    """Return the area of a scenario.

    Raises:
        InputError: if any part of the scenario cannot be resolved, or parts do not fit each other.
    """
    scenario = loaded.scenario
    network = _network(loaded, impedance_error=0.0)
    buses, branches = network.ac.buses, network.ac.branches
    peers = build_peers(scenario, network.connections, buses)
    profiles = build_profiles(scenario, network.connections, network.year, peers, loaded.base)
    grid: Grid = network.linear() if scenario.physics == "linear" else network.ac
    low, high = scenario.dso.voltage_pu
    tariffs = _tariffs(scenario)
    area = Area(
        peers=peers,
        start=PeerState(HALF * peers.battery_mwh),
        profiles=profiles,
        behaviours=_behaviours(scenario, registry),
        behaviour_names=tuple(group.name for group in scenario.peers),
        market=make(registry.markets, *_parts(scenario.market.p2p), "market.p2p"),
        flex_market=_flex_market(scenario, registry),
        grid=grid,
        diagnostic=network.ac if scenario.physics == "linear" else None,
        limits=uniform_limits(buses, branches, low, high, scenario.dso.loading),
        dso=DsoSettings(
            grid=_believed(loaded, grid),
            forecast_error=scenario.dso.forecast_error,
            at_risk=scenario.dso.at_risk_loading,
            publishes=scenario.dso.publishes == "at-risk",
            lfm_rounds=scenario.dso.lfm_rounds,
        ),
        tariffs=tariffs,
        forecast_error=scenario.delivery.forecast_error,
        seed=scenario.seed,
        steps=scenario.time.steps,
        step_s=scenario.time.step_minutes * SECONDS_PER_MINUTE,
    )
    _check_interface_price(area, loaded.origin)
    return Built(area, network)


def _network(loaded: LoadedScenario, impedance_error: float) -> Network:
    grid = loaded.scenario.grid
    return open_network(
        grid.source,
        grid.path or grid.code,
        base=loaded.base,
        impedance_error=impedance_error,
        seed=loaded.scenario.seed,
    )


def _believed(loaded: LoadedScenario, real: Grid) -> Grid:
    """Return the DSO's model of the network: the real one, unless it errs."""
    error = loaded.scenario.dso.model_error
    if error == 0.0:
        return real
    wrong = _network(loaded, impedance_error=error)
    return wrong.linear() if loaded.scenario.physics == "linear" else wrong.ac
