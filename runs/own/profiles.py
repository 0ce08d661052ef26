"""Load and PV of every connection of a user's own network, from meters or from bundled shapes."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from peerflex.core.arrays import Bools, Floats
from peerflex.core.people import Connections
from peerflex.core.units import KW_PER_MW, SECONDS_PER_HOUR
from peerflex.runs.own.network import OwnNetwork
from peerflex.scenarios.meters import kinds as kinds
from peerflex.scenarios.meters.axis import Axis, choose_axis, spacing_of
from peerflex.scenarios.meters.clean import Course, clean
from peerflex.scenarios.meters.findings import Finding, together
from peerflex.scenarios.meters.match import SAME_NAME, Match, match_meters
from peerflex.scenarios.meters.readings import Meter, read_meters
from peerflex.scenarios.meters.registers import without_registers
from peerflex.scenarios.meters.units import Sized, factors_to_kw
from peerflex.scenarios.profiles import SHAPES
from peerflex.scenarios.schema import Time
from peerflex.scenarios.series import average, read_series

LOAD_SHAPE = "residential-evening"
PEAK = 0.99


@dataclass(frozen=True, slots=True)
class Used:
    """A meter that is used: for which connection, how it was matched, by what its values are multiplied to be kW,
    and how many of its steps were filled."""

    meter: str
    connection: str
    how: str
    to_kw: float
    filled: int


@dataclass(frozen=True, slots=True)
class OwnProfiles:
    """Load and generation of every connection, kW, both ``(steps, connections)``, and where they came from."""

    axis: Axis
    load_kw: Floats
    pv_kw: Floats
    used: tuple[Used, ...]
    meters: int
    findings: tuple[Finding, ...]


def sun_of(month: int) -> str:
    """Return the bundled shape of a clear day in a month (of the northern half)."""
    return "clear-sky-summer" if 4 <= month <= 9 else "clear-sky-winter"


def metered_profiles(path: Path, own: OwnNetwork) -> OwnProfiles:
    """Return the profiles that meters give, everybody's gaps filled.

    Raises:
        InputError: if the file cannot be read, or its meters have no time in common.
    """
    file = read_meters(path)
    meters, registers = without_registers(file.meters)
    axis = choose_axis(meters, str(path))
    matches, unmatched = match_meters([meter.name for meter in meters], own.places)
    findings: list[Finding] = []
    alike = [
        Finding(kinds.ALIKE, meters[match.meter].name, f"{match.how}: {own.connections.name[match.row]}")
        for match in matches
        if not match.how.startswith(SAME_NAME)
    ]
    kept: list[tuple[Match, Meter, Course]] = []
    sizes: list[Sized] = []
    for match in matches:
        meter, register = meters[match.meter], registers[match.meter]
        findings += [register] if register is not None else []
        course, found = clean(meter, axis)
        findings += found
        if course is not None:
            kept.append((match, meter, course))
            step_s = SECONDS_PER_HOUR if register is not None else spacing_of(meter) or axis.spacing_s
            sizes.append(_sized(match, meter, course, step_s, own.connections))
    to_kw, of_units = factors_to_kw(sizes, path.name) if sizes else (np.zeros(0), [])
    load_kw, pv_kw = _columns(kept, to_kw, axis, len(own.connections))
    metered = np.zeros(len(own.connections), dtype=bool)
    metered[[match.row for match, _, _ in kept if not match.is_pv]] = True
    with_pv = np.zeros(len(own.connections), dtype=bool)
    with_pv[[match.row for match, _, _ in kept if match.is_pv]] = True
    load_kw, pv_kw, filled = _completed(load_kw, pv_kw, metered, with_pv, axis, own.connections)
    used = [
        Used(meter.name, own.connections.name[match.row], match.how, float(factor), course.filled)
        for (match, meter, course), factor in zip(kept, to_kw, strict=True)
    ]
    everything = (*file.findings, *of_units, *unmatched, *alike, *together(findings, len(matches), path.name), *filled)
    return OwnProfiles(axis, load_kw, pv_kw, tuple(used), len(file.meters), everything)


def _sized(match: Match, meter: Meter, course: Course, step_s: int, connections: Connections) -> Sized:
    rated = (connections.pv_mw if match.is_pv else connections.load_mw)[match.row] * KW_PER_MW
    # a PV meter gives its generation above or below 0, whoever exported it
    peak = float(np.quantile(course.load + course.pv if match.is_pv else course.load, PEAK))
    return Sized(meter.name, meter.unit, step_s / SECONDS_PER_HOUR, peak, float(rated))


def _columns(
    kept: list[tuple[Match, Meter, Course]], to_kw: Floats, axis: Axis, connections: int
) -> tuple[Floats, Floats]:
    load_kw, pv_kw = np.zeros((connections, axis.steps)), np.zeros((connections, axis.steps))
    for (match, _, course), factor in zip(kept, to_kw, strict=True):
        if match.is_pv:
            pv_kw[match.row] = (course.load + course.pv) * factor
        else:
            load_kw[match.row] = course.load * factor
            if course.pv.any():
                pv_kw[match.row] += course.pv * factor
    return load_kw.T, pv_kw.T


def _completed(
    load_kw: Floats, pv_kw: Floats, metered: Bools, with_pv: Bools, axis: Axis, connections: Connections
) -> tuple[Floats, Floats, list[Finding]]:
    """Return profiles in which loads and PV without a meter follow the others, or a bundled shape."""
    findings = []
    rated_kw = connections.load_mw * KW_PER_MW
    lacking = ~metered & (rated_kw > 0)
    if lacking.any():
        good = metered & (rated_kw > 0) & load_kw.any(axis=0)
        kind = kinds.NO_METER if good.any() else kinds.NO_METERS
        course = load_kw[:, good].sum(axis=1) / rated_kw[good].sum() if good.any() else _shape(LOAD_SHAPE, axis)
        load_kw = load_kw.copy()
        load_kw[:, lacking] = course[:, None] * rated_kw[lacking]
        findings += [
            Finding(kind, connections.name[row], f"{rated_kw[row]:.4g} kW in the network")
            for row in np.flatnonzero(lacking)
        ]
    dark = ~with_pv & (connections.pv_mw > 0) & ~pv_kw.any(axis=0)
    if dark.any():
        sun = _shape(sun_of(axis.start.month), axis)
        pv_kw = pv_kw.copy()
        pv_kw[:, dark] = sun[:, None] * connections.pv_mw[dark] * KW_PER_MW
        findings += [
            Finding(kinds.NO_PV_METER, connections.name[row], f"{connections.pv_mw[row] * KW_PER_MW:.4g} kW")
            for row in np.flatnonzero(dark)
        ]
    return load_kw, pv_kw, findings


def _shape(name: str, axis: Axis) -> Floats:
    """Return a bundled shape of a day, repeated over the axis, ``(steps,)``."""
    path = SHAPES / f"{name}.csv"
    quarters = read_series(path, Time(hours=24, step_minutes=15)).values
    day = average(quarters, len(quarters) // axis.per_day, axis.per_day, str(path))
    return np.asarray(day[axis.slots(), 0])
