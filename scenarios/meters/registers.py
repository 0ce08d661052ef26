"""Meters that only rise: readings of a register of energy, as a meter shows them, become the power between them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from peerflex.core.arrays import Floats, Ints
from peerflex.core.units import SECONDS_PER_HOUR
from peerflex.scenarios.meters import kinds as kinds
from peerflex.scenarios.meters.findings import Finding, counted
from peerflex.scenarios.meters.readings import Meter

LEAST_RISES: Final = 24
READINGS_PER_FALL: Final = 500
"""A register may begin anew (another meter, an overflow), but seldom."""


def without_registers(meters: Sequence[Meter]) -> tuple[tuple[Meter, ...], tuple[Finding | None, ...]]:
    """Return the meters with registers as power (their unit an hour), and of each register what was found.

    A register only rises. Where most meters are registers, one that stands still is a register, too.
    """
    steps = [np.diff(_in_order(meter)[1]) for meter in meters]
    never_falls = [
        len(each) >= LEAST_RISES and int((each < 0).sum()) <= len(each) // READINGS_PER_FALL for each in steps
    ]
    rises = [fine and int((each > 0).sum()) >= LEAST_RISES for each, fine in zip(steps, never_falls, strict=True)]
    chosen = never_falls if 2 * sum(rises) > len(rises) else rises
    made = [_power_of(meter) if is_one else (meter, None) for meter, is_one in zip(meters, chosen, strict=True)]
    return tuple(meter for meter, _ in made), tuple(found for _, found in made)


def _power_of(register: Meter) -> tuple[Meter, Finding]:
    """Return each reading's difference to the next, over the time between them."""
    seconds, values = _in_order(register)
    between_s, energy = np.diff(seconds), np.diff(values)
    later = between_s > 0
    usual_s = np.median(between_s[later]) if later.any() else SECONDS_PER_HOUR
    between_s = np.where(later, between_s, usual_s)  # the hour that clocks repeat lasts as long as others
    power = np.where(energy >= 0, energy * SECONDS_PER_HOUR / between_s, np.nan)
    what = f"{counted(len(values), 'reading')} from {values[0]:g} to {values[-1]:g}"
    falls = int((energy < 0).sum())
    what += f"; falls {counted(falls, 'time')}" if falls else ""
    meter = replace(register, seconds=seconds[:-1], values=power)
    return meter, Finding(kinds.REGISTER, register.name, what)


def _in_order(meter: Meter) -> tuple[Ints, Floats]:
    """Return a meter's times and values by time, without those missing and without rows given twice."""
    there = np.flatnonzero(np.isfinite(meter.values))
    order = there[np.argsort(meter.seconds[there], kind="stable")]
    seconds, values = meter.seconds[order], meter.values[order]
    new = np.ones(len(order), dtype=bool)
    new[1:] = (np.diff(seconds) > 0) | (np.diff(values) != 0)
    return seconds[new], values[new]
