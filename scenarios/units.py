"""Units of a calibrated day: who they are in the network, and what each of them has in every step."""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from peerflex.core.arrays import Bools, Ints
from peerflex.core.errors import InputError
from peerflex.core.network import BusTable
from peerflex.core.people import PeerTable, Profiles
from peerflex.core.units import MINUTES_PER_HOUR
from peerflex.scenarios.calibrated_day import HOURS, CalibratedDay, read_day
from peerflex.scenarios.calibrated_day import Units as DayUnits
from peerflex.scenarios.load import LoadedScenario
from peerflex.scenarios.population import bus_called
from peerflex.scenarios.simbench_shapes import YEAR_START, against_its_days, hourly_shape
from peerflex.scenarios.system_schema import Shapes

LOAD, WEATHER = "load", ("pv", "wind")
CUSTOMER = -1
"""The group of connections that only are customers of the supplier."""


@dataclass(frozen=True, slots=True)
class Units:
    """The units of a day as peers, and what is there of load, sun and wind; ``profiles`` ``(steps, units)``."""

    peers: PeerTable
    profiles: Profiles


def build_units(loaded: LoadedScenario, buses: BusTable) -> Units | None:
    """Return the units of the scenario's calibrated day, None without one; the day is repeated as long as it takes.

    Raises:
        InputError: if the network has not the day's nodes, the step is no hour, or a factor names no fact.
    """
    spec, where = loaded.scenario.units, f"{loaded.origin}: units"
    if spec is None:
        return None
    if loaded.scenario.time.step_minutes != MINUTES_PER_HOUR:
        what = "is not 60, and the calibrated day has hours"
        raise InputError(f"{loaded.origin}: time.step_minutes", what, "Leave it out, or write 60.")
    day = read_day()
    for name, factor in spec.factors.items():
        try:
            day = day.scaled(name, factor)
        except InputError as error:
            raise InputError(f"{where}.factors.{name}", error.problem.what, error.problem.remedy) from None
    units = day.units()
    bus = np.array([bus_called(node, buses, f"{where}.day") for node in units.node], dtype=np.int64)
    hour = np.array(_hours(loaded), dtype=np.int64)
    rise = day.number("load_slope_eur_per_mwh")
    profiles = _profiles(units, day, hour)
    if spec.shapes is not None:
        profiles = _shaped(loaded, spec.shapes, units, profiles)
    return Units(_peers(loaded, units, bus, rise), profiles)


def _hours(loaded: LoadedScenario) -> list[int]:
    """Return the hour of the day, from 0, of every step."""
    time = loaded.scenario.time
    return [(time.start + timedelta(hours=step)).hour % HOURS for step in range(time.steps)]


def _of(units: DayUnits, kinds: tuple[str, ...]) -> Bools:
    """Return which units are of the given kinds."""
    return np.array([kind in kinds for kind in units.kind], dtype=np.bool_)


def _profiles(units: DayUnits, day: CalibratedDay, hour: Ints) -> Profiles:
    load = np.zeros((HOURS, len(units)))
    load[:, _of(units, (LOAD,))] = day.base_load_mw()
    weather = np.where(_of(units, WEATHER), units.most_mw, 0.0)
    reactive = units.tan_phi * (load - weather)
    return Profiles(load[hour], reactive[hour], weather[hour])


def _shaped(loaded: LoadedScenario, shapes: Shapes, units: DayUnits, profiles: Profiles) -> Profiles:
    """Return the profiles times how load, sun and wind of the year's hours differ from their usual day."""
    time, where = loaded.scenario.time, f"{loaded.origin}: units.shapes"
    load, pv, wind = (
        against_its_days(hourly_shape("load", shapes.load, f"{where}.load"), "mean"),
        against_its_days(hourly_shape("res", shapes.pv, f"{where}.pv"), "best"),
        against_its_days(hourly_shape("res", shapes.wind, f"{where}.wind"), "mean"),
    )
    first = (time.start - YEAR_START) // timedelta(hours=1)
    if not 0 <= first <= len(load) - time.steps:
        what = f"{time.steps} hours from {time.start.isoformat()} are not all in SimBench's year 2016"
        raise InputError(f"{loaded.origin}: time.start", what, "Start in 2016, early enough.")
    columns = {LOAD: load, "pv": pv, "wind": wind}
    factor = np.ones_like(profiles.load_mw)
    for at, kind in enumerate(units.kind):
        if kind in columns:
            factor[:, at] = columns[kind][first : first + time.steps]
    return Profiles(profiles.load_mw * factor, profiles.load_mvar * factor, profiles.pv_mw * factor)


def _peers(loaded: LoadedScenario, units: DayUnits, bus: Ints, load_rise_eur_per_mwh: float) -> PeerTable:
    """Return the units as peers; a source's cost rises up to the most that it can do in any hour."""
    weather, load = _of(units, WEATHER), _of(units, (LOAD,))
    engine, size = ~(weather | load), units.most_mw.max(axis=0)
    group_of: dict[str, int] = {
        kind: row for row, group in enumerate(loaded.scenario.peers) for kind in group.of_units or ()
    }
    group = np.array([group_of.get(kind, CUSTOMER) for kind in units.kind], dtype=np.int64)
    least_share = np.array([*(each.least_activation for each in loaded.scenario.peers), 0.0])
    nothing, unlisted = np.zeros(len(units)), np.full(len(units), np.nan)
    return PeerTable(
        name=units.name,
        bus=bus,
        behaviour=group,
        pv_mw=np.where(weather, size, 0.0),
        battery_mwh=nothing,
        battery_mw=nothing,
        battery_efficiency=np.ones(len(units)),
        generator_mw=np.where(engine, size, 0.0),
        boiler_mw=nothing,
        up_eur_per_mwh=unlisted,
        down_eur_per_mwh=unlisted,
        trade=group != CUSTOMER,
        tan_phi=units.tan_phi,
        marginal_eur_per_mwh=units.cost_eur_per_mwh,
        marginal_rise_eur_per_mwh=np.where(load, load_rise_eur_per_mwh, units.cost_eur_per_mwh2[0] * size),
        least_mw=np.where(engine, units.least_mw[0], 0.0),
        least_share=least_share[group],  # -1, a customer only, finds the last
    )
