"""Areas, events and services that the tests of frequency share."""

import numpy as np

from peerflex.core.arrays import Floats
from peerflex.core.frequency import (
    FrequencyArea,
    FrequencyState,
    Services,
    TimedEvents,
)
from peerflex.grid.frequency import trajectory

CE = FrequencyArea(size_mw=150_000, inertia_s=5, fcr_mw=3000)
CE_AFRR = FrequencyArea(size_mw=150_000, inertia_s=5, fcr_mw=3000, afrr_mw=6000)
SMALL = FrequencyArea(size_mw=300, inertia_s=3, fcr_mw=15)
SMALL_AFRR = FrequencyArea(size_mw=300, inertia_s=3, fcr_mw=15, afrr_mw=20)
NOBODY = Services.empty()


def column(*values: float) -> Floats:
    return np.array(values, dtype=np.float64)


def event(mw: float, at_s: float = 0.0) -> TimedEvents:
    return TimedEvents(column(at_s), column(mw))


def service(mw: float, delay_s: float, ramp_s: float, at_s: float = 0.0) -> Services:
    return Services(column(mw), column(at_s), column(delay_s), column(ramp_s))


def numbers(state: FrequencyState, sign: int = 1) -> list[float]:
    """Return a state's figures, of the mirrored case if the sign is -1."""
    up, down = ("up", "down") if sign > 0 else ("down", "up")
    energies = [getattr(state, f"{kind}_{way}_mwh") for kind in ("fcr", "afrr", "p2p") for way in (up, down)]
    signed = [state.rocof_hz_per_s, state.extreme_hz, state.quasi_steady_hz, state.damping_mwh]
    times = [state.extreme_at_s, state.seconds_outside, state.fcr_saturated_s, state.afrr_saturated_s]
    return [*(sign * value for value in signed), *energies, *times]


def back_inside_s(area: FrequencyArea, events: TimedEvents, services: Services) -> float:
    """Return after what time frequency stays within 50 mHz."""
    run = trajectory(area, events, services)
    return float(run.at_s[np.abs(run.deviation_hz) > 0.05].max())
