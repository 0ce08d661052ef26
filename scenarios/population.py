"""A population made of a network's loads: connections with one offer each, at a listed price, and everybody else."""

from dataclasses import dataclass

import numpy as np

from peerflex.core.arrays import Bools, Floats, Ints, add_up
from peerflex.core.errors import InputError
from peerflex.core.network import BusTable
from peerflex.core.people import Connections, Profiles
from peerflex.core.streams import stream
from peerflex.scenarios.hints import nearest
from peerflex.scenarios.load import LoadedScenario
from peerflex.scenarios.system_schema import Amount, Chosen
from peerflex.scenarios.system_schema import Population as PopulationSpec

KINDS = ("load", "boiler", "generator", "solar", "rest")
LOAD, BOILER, GENERATOR, SOLAR, REST = range(len(KINDS))

MOST_REDRAWS = 10_000
"""Draws of chosen traders that offer little; one takes about 50 microseconds."""


@dataclass(frozen=True, slots=True)
class Population:
    """Connections in place of the network's; shapes ``(connections,)``, MW at the loads of the file times their factor.

    A bus with offers has a load that can be dropped (upward), a boiler (downward), a generator (upward), generation
    that can be curtailed (downward), and a ``kind`` REST with all else: what the first and the fourth do not offer,
    extra load, reactive load and the network's own PV. So a bus takes what it takes in the file, times
    ``extra_load_factor``. ``load_ratio`` and ``solar_ratio`` are load and generation per load of the bus in the file;
    ``trader`` says who trades with peers.
    """

    name: tuple[str, ...]
    bus: Ints
    kind: Ints
    load_ratio: Floats
    solar_ratio: Floats
    pv_mw: Floats
    generator_mw: Floats
    boiler_mw: Floats
    up_eur_per_mwh: Floats
    down_eur_per_mwh: Floats
    up_mw: Floats
    trader: Bools
    extra_load_factor: float

    @property
    def offers(self) -> Bools:
        """Who has an offer."""
        offers: Bools = self.kind != REST
        return offers

    def profiles(self, network: Profiles, bus: Ints) -> Profiles:
        """Return what happens at these connections, from profiles of the network's own, which are at ``bus``."""
        rest = self.kind == REST
        n_buses = int(max(bus.max(initial=-1), self.bus.max(initial=-1))) + 1
        load_mw, load_mvar, pv_mw = (
            _by_bus(values, bus, n_buses)[:, self.bus] for values in (network.load_mw, network.load_mvar, network.pv_mw)
        )
        return Profiles(
            load_mw=load_mw * self.load_ratio,
            load_mvar=np.where(rest, load_mvar * self.extra_load_factor, 0.0),
            pv_mw=load_mw * self.solar_ratio + np.where(rest, pv_mw, 0.0),
        )


def build_population(
    loaded: LoadedScenario, connections: Connections, buses: BusTable, attempt: int = 0
) -> Population | None:
    """Return the scenario's population, None without one; ``attempt`` numbers draws of chosen traders.

    After EUniversal D5.3 (2022), section 5.4.1: net load P of a bus is gross load L less generation G = ratio * P; each
    of them can go up and down by the offered share. Who generates, prices and traders are drawn independently of each
    other: the same order book whoever trades.

    Raises:
        InputError: if the network has too few loads for what is asked.
    """
    spec = loaded.scenario.population
    if spec is None:
        return None
    load_mw = add_up(connections.bus, connections.load_mw, len(buses)) * loaded.scenario.grid.demand_factor
    offering, generating = _places(loaded, spec, load_mw)
    places = (offering, offering, generating, generating, np.unique(connections.bus))
    bus, kind = np.concatenate(places), np.repeat(np.arange(len(KINDS)), [len(place) for place in places])

    share = np.where(np.isin(bus, offering), spec.offered_share, 0.0)
    generation = np.where(np.isin(bus, generating), spec.generation_ratio, 0.0)
    gross = 1.0 + generation
    left_load = (1.0 - share) * gross + spec.extra_load_factor - 1.0
    offered_mw = load_mw[bus] * share * np.where((kind == LOAD) | (kind == BOILER), gross, generation)
    up, down = (kind == LOAD) | (kind == GENERATOR), (kind == BOILER) | (kind == SOLAR)
    # a price for every kind at every bus, needed or not: nobody's depends on who else is there
    chance = stream(loaded.scenario.seed, "population.prices").random((len(KINDS), len(buses)))[kind, bus]
    solar_ratio = np.select([kind == SOLAR, kind == REST], [share * generation, (1.0 - share) * generation], 0.0)
    own_pv_mw = add_up(connections.bus, connections.pv_mw, len(buses)) * loaded.scenario.grid.pv_factor
    return Population(
        name=tuple(f"{buses.name[at]} {KINDS[what]}" for at, what in zip(bus.tolist(), kind.tolist(), strict=True)),
        bus=bus,
        kind=kind,
        load_ratio=np.select([kind == LOAD, kind == REST], [share * gross, left_load], 0.0),
        solar_ratio=solar_ratio,
        pv_mw=load_mw[bus] * solar_ratio + np.where(kind == REST, own_pv_mw[bus], 0.0),
        generator_mw=np.where(kind == GENERATOR, offered_mw, 0.0),
        boiler_mw=np.where(kind == BOILER, offered_mw, 0.0),
        up_eur_per_mwh=_prices(spec.up_eur_per_mwh, chance, up),
        down_eur_per_mwh=_prices(spec.down_eur_per_mwh, chance, down),
        up_mw=np.where(up, offered_mw, 0.0),
        trader=_traders(loaded, spec, buses, bus, offered_mw, up, down, attempt),
        extra_load_factor=spec.extra_load_factor,
    )


def _prices(between: tuple[float, float], chance: Floats, rows: Bools) -> Floats:
    low, high = between
    return np.where(rows, low + (high - low) * chance, np.nan)


def _places(loaded: LoadedScenario, spec: PopulationSpec, load_mw: Floats) -> tuple[Ints, Ints]:
    """Return the buses with offers, and those of them that generate."""
    loads = np.flatnonzero(load_mw > 0.0)
    if not loads.size:
        what = "the network has no load, and a population is made of loads"
        raise InputError(f"{loaded.origin}: population", what, "Use a network with loads, or leave the population out.")
    n_offering = _amount(spec.buses, loads, f"{loaded.origin}: population.buses")
    offering = np.sort(loads[np.argsort(-load_mw[loads], kind="stable")][:n_offering])
    without = _amount(spec.buses_without_generation, offering, f"{loaded.origin}: population.buses_without_generation")
    drawn = stream(loaded.scenario.seed, "population.generation").permutation(offering)
    return offering, np.sort(drawn[without:]) if spec.generation_ratio > 0 else offering[:0]


def _amount(amount: Amount, among: Ints, where: str) -> int:
    count = amount.of(len(among))
    if count > len(among):
        raise InputError(
            f"{where}.count", f"asks for {count}, there are {len(among)}", "Ask for fewer, or for a share."
        )
    return count


def _traders(
    loaded: LoadedScenario,
    spec: PopulationSpec,
    buses: BusTable,
    bus: Ints,
    offered_mw: Floats,
    up: Bools,
    down: Bools,
    attempt: int,
) -> Bools:
    """Return who trades with peers, shape ``(connections,)``."""
    rng, where = stream(loaded.scenario.seed, "population.traders", attempt), f"{loaded.origin}: population.traders"
    trader = np.zeros(len(bus), dtype=np.bool_)
    chosen = spec.traders.chosen
    if chosen is None:
        offers = np.flatnonzero(up | down)
        amount = Amount(count=spec.traders.count, share=spec.traders.share)
        trader[rng.permutation(offers)[: _amount(amount, offers, where)]] = True
        return trader
    sellers, buyers = _sides(chosen, buses, bus, up, down, f"{where}.chosen")
    for _ in range(MOST_REDRAWS):
        sell = [row for here in sellers for row in _some(here, *chosen.up_each, rng)]
        buy = _some(buyers, chosen.count - len(sell), chosen.count - len(sell), rng)
        most_mw = min(float(offered_mw[sell].sum()), float(offered_mw[buy].sum()))
        if chosen.most_mw is None or most_mw <= chosen.most_mw:
            trader[sell + buy] = True
            return trader
    what = f"no {chosen.count} traders offer so little, in {MOST_REDRAWS} draws"
    raise InputError(f"{where}.chosen.most_mw", what, "Raise it, or ask for fewer sellers or traders.")


def _some(rows: Ints, fewest: int, most: int, rng: np.random.Generator) -> list[int]:
    count = int(rng.integers(fewest, min(most, len(rows)) + 1))
    return [int(row) for row in rng.permutation(rows)[:count]]


def _sides(spec: Chosen, buses: BusTable, bus: Ints, up: Bools, down: Bools, where: str) -> tuple[list[Ints], Ints]:
    """Return who may sell, for each list of buses, and who may buy, at any others."""
    sellers = []
    for place, names in enumerate(spec.up_at):
        here = np.isin(bus, [bus_called(name, buses, f"{where}.up_at.{place}") for name in names])
        sellers.append(np.flatnonzero(here & up))
        if len(sellers[-1]) < spec.up_each[0]:
            what = f"{len(sellers[-1])} of the connections there offer upward, at least {spec.up_each[0]} are asked for"
            raise InputError(f"{where}.up_at.{place}", what, "Name more buses, or lower up_each.")
        up, down = up & ~here, down & ~here
    buyers = np.flatnonzero(down)
    if spec.count > len(buyers):
        what = f"asks for {spec.count} traders, and {len(buyers)} elsewhere could buy"
        raise InputError(f"{where}.count", what, "Ask for fewer.")
    return sellers, buyers


def bus_called(name: str, buses: BusTable, where: str) -> int:
    """Return the bus of a name, or of a number in the file for buses without a name of their own.

    Raises:
        InputError: if there is none.
    """
    for candidate in (name, f"bus {name}"):
        if candidate in buses.name:
            return buses.name.index(candidate)
    raise InputError(where, f"the network has no bus {name!r}", nearest(name, buses.name))


def _by_bus(values: Floats, bus: Ints, n_buses: int) -> Floats:
    """Return columns ``(steps, connections)`` added up at their buses, ``(steps, buses)``."""
    total = np.zeros((len(values), n_buses))
    np.add.at(total.T, bus, values.T)
    return total
