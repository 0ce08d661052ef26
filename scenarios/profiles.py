"""What happens at every connection over a scenario's steps, before anybody decides anything."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Protocol

import numpy as np

from peerflex.core.arrays import Floats
from peerflex.core.errors import InputError
from peerflex.core.people import Connections, PeerTable, Profiles
from peerflex.core.units import KW_PER_MW
from peerflex.scenarios.hints import nearest
from peerflex.scenarios.load import BUNDLED, LoadedScenario
from peerflex.scenarios.population import Population
from peerflex.scenarios.schema import Scenario, Time
from peerflex.scenarios.series import Series, average, read_series
from peerflex.scenarios.simbench_shapes import YEAR_START
from peerflex.scenarios.units import Units

SHAPES = BUNDLED / "data"
SHAPE_MINUTES = 15
OF_A_WEEK = "-week"
"""How the names of shapes of seven days end."""
SCALE = ("scale",)
DEFAULT_SUN = "clear-sky-summer"

YEAR_STEP = timedelta(minutes=15)


class Year(Protocol):
    """A network's own year: ``window`` gives profiles of ``steps`` quarters of an hour (fewer at the end)."""

    def __len__(self) -> int: ...

    def window(self, first: int, steps: int) -> Profiles: ...


@dataclass(frozen=True, slots=True)
class _Network:
    """Load and PV of the network as its file has it, and the sun on one unit of PV, ``(steps,)`` (None: no PV)."""

    profiles: Profiles
    sun: Floats | None


def build_profiles(
    loaded: LoadedScenario,
    connections: Connections,
    peers: PeerTable,
    year: Year | None,
    population: Population | None = None,
    units: Units | None = None,
) -> Profiles:
    """Return load and PV of every peer, shapes ``(steps, peers)``; ``connections`` are the network's.

    The network's load and PV are multiplied by ``grid.demand_factor`` and ``grid.pv_factor``; the PV that groups
    add (``pv_kw``) follows the network's own PV per unit installed, or a clear summer sky if it has none.

    Raises:
        InputError: if a profile is missing, too short, or names what is not there.
    """
    scenario = loaded.scenario
    if units is not None:
        return units.profiles
    sources = {"grid": _from_year, "csv": _from_csv, "shapes": _from_shapes, "steady": _steady}
    network = sources[scenario.profiles.source](loaded, connections, year)
    profiles = Profiles(
        load_mw=network.profiles.load_mw * scenario.grid.demand_factor,
        load_mvar=network.profiles.load_mvar * scenario.grid.demand_factor,
        pv_mw=network.profiles.pv_mw * scenario.grid.pv_factor,
    )
    if population is not None:
        profiles = population.profiles(profiles, connections.bus)
    sun = _shape(DEFAULT_SUN, scenario.time, "") if network.sun is None else network.sun
    return replace(profiles, pv_mw=profiles.pv_mw + sun[:, None] * _added_pv_mw(scenario, peers))


def _added_pv_mw(scenario: Scenario, peers: PeerTable) -> Floats:
    by_group = np.array([*(group.pv_kw / KW_PER_MW for group in scenario.peers), 0.0])
    return by_group[peers.behaviour]  # -1, a customer only, finds the last


def _sun(pv_mw: Floats, installed_mw: float) -> Floats | None:
    return pv_mw.sum(axis=1) / installed_mw if installed_mw > 0 else None


def _from_year(loaded: LoadedScenario, connections: Connections, year: Year | None) -> _Network:
    time, where = loaded.scenario.time, f"{loaded.origin}: profiles.source"
    if year is None:
        raise InputError(where, "the network brings no profiles of its own", "Use source shapes or csv.")
    first = (time.start - YEAR_START) // YEAR_STEP
    if not 0 <= first < len(year):
        last = YEAR_START + len(year) * YEAR_STEP
        what = f"{time.start.isoformat()} is outside the network's profiles ({YEAR_START} to {last})"
        raise InputError(f"{loaded.origin}: time.start", what, "Start within them.")
    per_step = timedelta(minutes=time.step_minutes) // YEAR_STEP
    quarters = year.window(first, time.steps * per_step)

    def steps(values: Floats) -> Floats:
        return average(values, per_step, time.steps, f"{loaded.origin}: time.hours")

    profiles = Profiles(steps(quarters.load_mw), steps(quarters.load_mvar), steps(quarters.pv_mw))
    return _Network(profiles, _sun(profiles.pv_mw, float(connections.pv_mw.sum())))


def _from_shapes(loaded: LoadedScenario, connections: Connections, year: Year | None) -> _Network:
    time, source = loaded.scenario.time, loaded.scenario.profiles
    load = _shape(source.load or "", time, f"{loaded.origin}: profiles.load")[:, None]
    sun = None if source.pv is None else _shape(source.pv, time, f"{loaded.origin}: profiles.pv")
    pv_mw = np.zeros_like(load * connections.pv_mw) if sun is None else sun[:, None] * connections.pv_mw
    return _Network(Profiles(load * connections.load_mw, load * connections.load_mvar, pv_mw), sun)


def _steady(loaded: LoadedScenario, connections: Connections, year: Year | None) -> _Network:
    always = np.ones((loaded.scenario.time.steps, 1))
    profiles = Profiles(always * connections.load_mw, always * connections.load_mvar, always * connections.pv_mw)
    return _Network(profiles, always[:, 0])


def _shape(name: str, time: Time, where: str) -> Floats:
    """Return a bundled shape of a day or a week (from Monday), repeated, from the scenario's start; ``(steps,)``."""
    names = sorted(path.stem for path in SHAPES.glob("*.csv"))
    if name not in names:
        raise InputError(where, f"there is no shape {name!r}", nearest(name, names))
    days = 7 if name.endswith(OF_A_WEEK) else 1
    shape = read_series(SHAPES / f"{name}.csv", Time(hours=24 * days, step_minutes=15)).values
    begin = time.start.replace(hour=0, minute=0) - timedelta(days=time.start.weekday() % days)
    first = (time.start - begin) // timedelta(minutes=SHAPE_MINUTES)
    per_step = time.step_minutes // SHAPE_MINUTES
    rows = (first + np.arange(time.steps * per_step)) % len(shape)
    return average(shape[rows], per_step, time.steps, where)[:, 0]


def _from_csv(loaded: LoadedScenario, connections: Connections, year: Year | None) -> _Network:
    time, source = loaded.scenario.time, loaded.scenario.profiles
    load = read_series(loaded.base / (source.load or ""), time)
    if load.columns == SCALE:
        load_mw, load_mvar = load.values * connections.load_mw, load.values * connections.load_mvar
    else:
        # the file gives active power: each connection keeps the power factor of its load in the network
        ratio = np.zeros(len(connections))
        np.divide(connections.load_mvar, connections.load_mw, out=ratio, where=connections.load_mw > 0)
        load_mw = _by_connection(load, connections, source.unit)
        load_mvar = load_mw * ratio
    if source.pv is None:
        return _Network(Profiles(load_mw, load_mvar, np.zeros_like(load_mw)), None)
    pv = read_series(loaded.base / source.pv, time)
    if pv.columns == SCALE:
        return _Network(Profiles(load_mw, load_mvar, pv.values * connections.pv_mw), pv.values[:, 0])
    pv_mw = _by_connection(pv, connections, source.unit)
    return _Network(Profiles(load_mw, load_mvar, pv_mw), _sun(pv_mw, float(pv_mw.max(axis=0).sum())))


def _by_connection(series: Series, connections: Connections, unit: str) -> Floats:
    """Return a file's columns in the order of the connections, MW; all must be there, and nothing else."""
    column = {name: row for row, name in enumerate(series.columns)}
    for name in series.columns:
        if name not in connections.name:
            raise InputError(
                f"{series.file}: column {name!r}", "no connection is called so", nearest(name, connections.name)
            )
    missing = [name for name in connections.name if name not in column]
    if missing:
        what = f"{len(missing)} of {len(connections)} connections have no column, {missing[0]!r} first"
        raise InputError(series.file, what, "Add the columns, or use one called scale.")
    per_mw = KW_PER_MW if unit == "kW" else 1.0
    return series.values[:, [column[name] for name in connections.name]] / per_mw
