"""A network with the ratings that its scenario draws for it."""

from dataclasses import replace

import numpy as np

from peerflex.core.arrays import add_up
from peerflex.core.errors import InputError
from peerflex.core.network import GridState, Injections
from peerflex.core.people import Connections
from peerflex.core.protocols import Grid
from peerflex.core.streams import stream
from peerflex.grid.connections import base_case
from peerflex.grid.network import Network
from peerflex.grid.ratings import Band, RatingSpec, StressSpec, draw_ratings, stress_ratings
from peerflex.scenarios.load import LoadedScenario
from peerflex.scenarios.population import Population
from peerflex.scenarios.system_schema import LoadedClass, Ratings


def rated(loaded: LoadedScenario, network: Network, population: Population | None) -> Network:
    """Return the network with the ratings of ``grid.ratings``, as it is without that section.

    What the branches carry in the base state (the network's own load and PV, times their factors) is solved in the
    physics of the scenario, every branch rated 1 MVA.

    Raises:
        InputError: if the base state has no power flow, or the network cannot be loaded as asked.
    """
    scenario, where = loaded.scenario, f"{loaded.origin}: grid.ratings"
    ratings = scenario.grid.ratings
    if ratings is None:
        return network
    unit = network.with_ratings(np.ones(len(network.wires.branches)))
    grid: Grid = unit.linear() if scenario.physics == "linear" else unit.ac
    base = _solved(grid, _scaled(network.connections, loaded, 1.0), where)
    rng = stream(scenario.seed, "grid.ratings")
    rating_mva = draw_ratings(base.loading, _spec(ratings, len(grid.branches)), rng, where)
    if ratings.stress is None or population is None:
        return network.with_ratings(rating_mva)

    heavier = _solved(grid, _scaled(network.connections, loaded, population.extra_load_factor), where)
    up_mw = add_up(population.bus, population.up_mw, len(grid.buses))
    linear = grid if scenario.physics == "linear" else unit.linear()
    relief = linear.solve(Injections(up_mw, np.zeros(len(grid.buses)))).flow_mw * -np.sign(heavier.flow_mw)
    limited = ratings.stress.limited.of(len(grid.branches))
    stress = StressSpec(limited, ratings.head_branches, ratings.stress.excess, ratings.stress.relief_share)
    return network.with_ratings(
        stress_ratings(rating_mva, base.loading, heavier.loading, np.maximum(relief, 0.0), stress, where)
    )


def _scaled(connections: Connections, loaded: LoadedScenario, extra_load_factor: float) -> Connections:
    load_factor = loaded.scenario.grid.demand_factor * extra_load_factor
    return replace(
        connections,
        load_mw=connections.load_mw * load_factor,
        load_mvar=connections.load_mvar * load_factor,
        pv_mw=connections.pv_mw * loaded.scenario.grid.pv_factor,
    )


def _solved(grid: Grid, connections: Connections, where: str) -> GridState:
    state = grid.solve(base_case(connections, len(grid.buses)))
    if state.method == "dark" or state.shed_mw.any():
        what = "the network cannot carry its own load: there is no power flow to draw ratings from"
        raise InputError(where, what, "Lower grid.demand_factor.")
    return state


def _spec(ratings: Ratings, n_branches: int) -> RatingSpec:
    over = ratings.overloaded
    return RatingSpec(
        overloaded=None if over.branches is None else np.array(over.branches, dtype=np.int64) - 1,
        overloaded_count=over.count or 0,
        overflow_mva=over.overflow_mva,
        high=_band(ratings.high, n_branches),
        middle=_band(ratings.middle, n_branches),
        low=ratings.low_loading,
        mean_loading=ratings.mean_loading,
        placement_noise=ratings.placement_noise,
        head=ratings.head_branches,
        least_mva=ratings.least_mva,
    )


def _band(loaded_class: LoadedClass, n_branches: int) -> Band:
    return Band(loaded_class.of(n_branches), *loaded_class.loading)
