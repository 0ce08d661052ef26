"""Meters on one axis of time: which steps the scenario has, and what each meter says about each of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np

from peerflex.core.arrays import Bools, Floats, Ints
from peerflex.core.errors import InputError
from peerflex.scenarios.meters import kinds as kinds
from peerflex.scenarios.meters.findings import Finding, Kind, counted
from peerflex.scenarios.meters.readings import Meter
from peerflex.scenarios.meters.times import DAY_S, HOUR_S

STEPS_S: Final = (900, 1800, 3600)
MOST_VALUES: Final = 100_000_000
SPIKE_FACTOR: Final = 10.0
SPIKE_QUANTILE: Final = 0.995
OFTEN: Final = 2
SHORT: Final = 1000
SUNDAY: Final = 6
CHANGE_MONTHS: Final = (3, 4, 9, 10, 11)


@dataclass(frozen=True, slots=True)
class Axis:
    """Evenly spaced steps: the first begins at ``start_s`` (seconds since 1970)."""

    start_s: int
    step_s: int
    steps: int
    spacing_s: int

    @property
    def start(self) -> datetime:
        return moment(self.start_s)

    @property
    def per_day(self) -> int:
        return DAY_S // self.step_s

    def slots(self) -> Ints:
        """Return the step of the day that each step is, ``(steps,)``."""
        return (self.start_s // self.step_s + np.arange(self.steps)) % self.per_day


def moment(seconds: int) -> datetime:
    return datetime(1970, 1, 1) + timedelta(seconds=int(seconds))


def choose_axis(meters: Sequence[Meter], where: str) -> Axis:
    """Return the axis that most meters share: the spacing of most of them, the middle of their beginnings and ends.

    Raises:
        InputError: if the meters have no two times between them, or the axis would be too long.
    """
    spacings = [spacing for meter in meters if (spacing := spacing_of(meter)) > 0]
    if not spacings:
        texts = next((f"; the first text among them is {meter.example!r}" for meter in meters if meter.texts), "")
        raise InputError(where, f"no meter has values at two times{texts}", "Give numbers, for an hour at least.")
    _check_time_of_day(meters, where)
    known, counts = np.unique(spacings, return_counts=True)
    spacing = int(known[counts.argmax()])
    step = next((step for step in STEPS_S if step % spacing == 0), HOUR_S if spacing > HOUR_S else STEPS_S[0])
    ends = [(int(seconds.min()), int(seconds.max())) for m in meters if len(seconds := m.seconds[_valid(m)])]
    first, last = (int(np.sort(np.array(column))[(len(column) - 1) // 2]) for column in zip(*ends, strict=True))
    start = -(-first // step) * step
    steps = max((last + spacing - start) // step, 0)
    if steps * step < HOUR_S:
        raise InputError(where, "the meters share less than an hour", "Give at least an hour of values.")
    if steps * len(meters) > MOST_VALUES:
        what = f"{steps} steps of {len(meters)} meters are more than {MOST_VALUES} values"
        raise InputError(where, what, "Give fewer years, or fewer meters.")
    return Axis(start, step, steps, spacing)


def _check_time_of_day(meters: Sequence[Meter], where: str) -> None:
    """Refuse dates alone where each is there more than once: their mean is no course of a day."""
    known = [seconds for meter in meters if len(seconds := meter.seconds[_valid(meter)])]
    given = float(np.median([len(seconds) / len(np.unique(seconds)) for seconds in known]))
    if given >= OFTEN and all((seconds % DAY_S == 0).all() for seconds in known):
        what = f"each date is there {given:.0f} times, first {moment(known[0][0]):%Y-%m-%d}: the time of day is missing"
        raise InputError(where, what, "Write date and time into one column, like 2016-07-04T00:15.")


def _valid(meter: Meter) -> Bools:
    return np.isfinite(meter.values)


def spacing_of(meter: Meter) -> int:
    """Return the middle of a meter's distances between values in seconds, 0 if it has no two."""
    steps = np.diff(np.sort(meter.seconds[_valid(meter)]))
    steps = steps[steps > 0]
    middle = len(steps) // 2
    return int(np.partition(steps, middle)[middle]) if len(steps) else 0


def on_axis(meter: Meter, axis: Axis) -> tuple[Floats, list[Finding]]:
    """Return a meter's value at every step, ``(steps,)`` (NaN: none), and what was found on the way."""
    findings: list[Finding] = []

    def found(kind: Kind, what: str) -> None:
        findings.append(Finding(kind, meter.name, what))

    if meter.texts:
        found(kinds.TEXT, f"{counted(meter.texts, 'value')}, first {meter.example!r}")
    if meter.zoned:
        found(kinds.OTHER_TIME, f"{meter.zoned} of {len(meter.seconds)} times")
    seconds, values = meter.seconds[_valid(meter)], meter.values[_valid(meter)]
    spikes = _spikes(values)
    if spikes.any():
        first = moment(seconds[spikes][0])
        found(
            kinds.SPIKES,
            f"{counted(int(spikes.sum()), 'value')}, up to {values[spikes].max():g}, first at {first:%Y-%m-%d %H:%M}",
        )
        seconds, values = seconds[~spikes], values[~spikes]
    _said_of_order(seconds, found)
    spacing = spacing_of(meter) or axis.spacing_s
    if spacing != axis.spacing_s:
        found(kinds.OTHER_STEP, f"{spacing / 60:g} minutes, most meters have {axis.spacing_s / 60:g}")
    outside = (seconds < axis.start_s) | (seconds >= axis.start_s + axis.steps * axis.step_s)
    early = axis.start_s - seconds[outside] if outside.any() else np.zeros(0)
    if outside.any() and ((early > axis.step_s) | (early < -axis.steps * axis.step_s - axis.step_s)).any():
        first, last = moment(seconds[outside][0]), moment(seconds[outside][-1])
        found(kinds.OFF_AXIS, f"{outside.sum()} values from {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M}")
    column = _binned(seconds[~outside], values[~outside], axis)
    for _ in range(max(spacing, axis.spacing_s) // axis.step_s - 1):  # a coarser meter holds its value
        held = np.roll(column, 1)
        held[0] = np.nan
        column = np.where(np.isnan(column), held, column)
    return column, findings


def _spikes(values: Floats) -> Bools:
    """Return which values are far beyond what nearly all others are; none if they are many."""
    size = np.abs(values)
    if len(size) < 20:
        return np.zeros(len(size), dtype=bool)
    typical = np.quantile(size, SPIKE_QUANTILE) or size.mean()
    if len(size) < SHORT:  # the quantile may lie among the spikes
        typical = min(typical, 3 * np.quantile(size, 0.95) or typical)
    far = size > SPIKE_FACTOR * typical
    return far if far.mean() <= 0.01 else np.zeros(len(size), dtype=bool)


def _said_of_order(seconds: Ints, found: Callable[[Kind, str], None]) -> None:
    """Say what is out of order or given twice, apart from the hour that summer time repeats."""
    steps = np.diff(seconds)
    if (steps > 0).all():
        return
    known, counts = np.unique(seconds, return_counts=True)
    twice = known[counts > 1]
    clock = changes_clock(twice)
    if clock.any():
        found(kinds.SUMMER_TIME, f"the hour at {moment(twice[clock][0]):%Y-%m-%d %H:%M} is there twice")
    back = seconds[1:][steps < 0]
    back = back[~np.isin(back, twice[clock])]
    if len(back):
        found(
            kinds.UNSORTED,
            f"{counted(len(back), 'time')} before the one in the row above, first {moment(back[0]):%Y-%m-%d %H:%M}",
        )
    if (~clock).any():
        found(
            kinds.REPEATED, f"{counted(int((~clock).sum()), 'time')}, first {moment(twice[~clock][0]):%Y-%m-%d %H:%M}"
        )


def changes_clock(seconds: Ints) -> Bools:
    """Return which times can be the hour in which clocks change: a Sunday night in spring or autumn."""
    return np.array(
        [
            (time := moment(each)).weekday() == SUNDAY and time.month in CHANGE_MONTHS and time.hour in (1, 2, 3)
            for each in seconds.tolist()
        ],
        dtype=bool,
    )


def _binned(seconds: Ints, values: Floats, axis: Axis) -> Floats:
    """Return the mean of the values within each step."""
    place = (seconds - axis.start_s) // axis.step_s
    count = np.bincount(place, minlength=axis.steps)
    total = np.bincount(place, weights=values, minlength=axis.steps)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.nan))
