"""What the guideline says of a frequency: how long it was beyond a limit and which system state that is."""

import numpy as np

from peerflex.core.arrays import Floats
from peerflex.core.frequency import (
    ALERT_TRIGGER_S,
    MAX_INSTANTANEOUS_HZ,
    MAX_STEADY_HZ,
    STANDARD_RANGE_HZ,
    STEADY_AFTER_S,
    TIME_TO_RESTORE_S,
    SystemState,
)


def time_beyond(far_hz: Floats, limit_hz: float, step_s: Floats) -> float:
    """Return for how many seconds a deviation, its sign left off, was beyond a limit.

    ``far_hz`` is at the ends of the steps and has one more entry than ``step_s``.
    """
    return float(_each_beyond(far_hz, limit_hz, step_s).sum()) if far_hz.max() > limit_hz else 0.0


def longest_beyond(far_hz: Floats, limit_hz: float, step_s: Floats) -> float:
    """Return the same, the longest time without a break."""
    so_far = np.cumsum(_each_beyond(far_hz, limit_hz, step_s))
    ended = np.maximum.accumulate(np.where(far_hz[1:] <= limit_hz, so_far, 0.0))
    return float((so_far - np.concatenate(([0.0], ended[:-1]))).max(initial=0.0))


def _each_beyond(far_hz: Floats, limit_hz: float, step_s: Floats) -> Floats:
    """Return the seconds of each step beyond the limit, on a straight line between its ends."""
    beyond = far_hz > limit_hz
    share = (beyond[:-1] & beyond[1:]).astype(np.float64)
    crossing = np.flatnonzero(beyond[:-1] != beyond[1:])
    before, after = far_hz[crossing], far_hz[crossing + 1]
    share[crossing] = (np.maximum(before, after) - limit_hz) / np.abs(after - before)
    each: Floats = share * step_s
    return each


def system_state(far_hz: Floats, step_s: Floats, collapsed: bool) -> SystemState:
    """Return the worst system state of a period (Regulation (EU) 2017/1485, Art. 18), as far as frequency tells.

    Emergency: beyond the maximum instantaneous deviation, or steadily beyond the maximum steady-state deviation.
    Alert: beyond half of that for longer than the alert trigger time, or outside the standard range for longer than
    the time to restore frequency. A collapsed area is blacked out, which the guideline defines otherwise: by load lost.
    """
    if collapsed:
        return SystemState.BLACKOUT
    if far_hz.max() > MAX_INSTANTANEOUS_HZ or _lasts(far_hz, MAX_STEADY_HZ, STEADY_AFTER_S, step_s):
        return SystemState.EMERGENCY
    if _lasts(far_hz, MAX_STEADY_HZ / 2, ALERT_TRIGGER_S, step_s) or _lasts(
        far_hz, STANDARD_RANGE_HZ, TIME_TO_RESTORE_S, step_s
    ):
        return SystemState.ALERT
    return SystemState.NORMAL


def _lasts(far_hz: Floats, limit_hz: float, seconds: float, step_s: Floats) -> bool:
    """Return whether one stay beyond a limit is longer than so many seconds; if all of them are not, none is."""
    return time_beyond(far_hz, limit_hz, step_s) > seconds and longest_beyond(far_hz, limit_hz, step_s) > seconds
