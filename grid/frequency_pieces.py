"""A period cut where something begins or ends, so that imbalance and services change linearly on each piece."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from peerflex.core.arrays import Floats, Ints
from peerflex.core.frequency import FrequencyArea, Services, Standing, TimedEvents
from peerflex.core.units import SECONDS_PER_HOUR

FRESH_S: Final = 20.0
"""For so long after anything begins or ends steps are short: nadirs fall here."""

SHORT_STEP_S: Final = 0.04
LONG_STEP_S: Final = 0.4
STABLE: Final = 2.4
"""The longest step times the fastest rate of the area; Runge-Kutta of order 4 bears 2.6."""

LEAST_RAMP_S: Final = 1e-3
"""A faster ramp is a step."""


@dataclass(frozen=True, slots=True)
class Pieces:
    """The power at the start of each piece and how it changes; shapes ``(pieces,)``."""

    start_s: Floats
    length_s: Floats
    steps: Ints
    imbalance_mw: Floats
    p2p_mw: Floats
    slope_mw_per_s: Floats

    @property
    def step_s(self) -> Floats:
        """The length of every step, in order, shape ``(sum of steps,)``."""
        return np.repeat(self.length_s / self.steps, self.steps)

    def at(self, time_s: Floats) -> tuple[Floats, Floats]:
        """Return imbalance and services in MW at the times given."""
        piece = np.searchsorted(self.start_s, time_s, side="right") - 1
        p2p_mw = self.p2p_mw[piece] + self.slope_mw_per_s[piece] * (time_s - self.start_s[piece])
        return self.imbalance_mw[piece], p2p_mw

    def p2p_mwh(self, until_s: float, side: int) -> float:
        """Return the energy that services give together in one direction (+1 up, -1 down), exactly."""
        length_s = np.clip(until_s - self.start_s, 0.0, self.length_s)
        first, last = side * self.p2p_mw, side * (self.p2p_mw + self.slope_mw_per_s * length_s)
        right = np.maximum(first, 0.0) + np.maximum(last, 0.0)
        both = np.abs(first) + np.abs(last)  # the part of a straight line on the right side of 0 is right / both
        share = np.divide(right, both, out=np.zeros(len(both)), where=both > 0)
        return float((right / 2 * share * length_s).sum()) / SECONDS_PER_HOUR


def cut(area: FrequencyArea, events: TimedEvents, services: Services, duration_s: float, start: Standing) -> Pieces:
    """Cut the period, with short steps behind every cut and long ones where nothing is fresh."""
    begin_s = services.at_s + services.delay_s
    ramp_s = np.where(services.ramp_s < LEAST_RAMP_S, 0.0, services.ramp_s)
    end_s = begin_s + ramp_s
    cuts_s = np.unique(np.concatenate(([0.0], events.at_s, begin_s, end_s)))
    start_s = np.unique(np.concatenate((cuts_s, cuts_s + FRESH_S)))
    start_s = start_s[start_s < duration_s]
    length_s = np.diff(start_s, append=duration_s)
    since_s = start_s - cuts_s[np.searchsorted(cuts_s, start_s, side="right") - 1]
    short_s = min(SHORT_STEP_S, STABLE / area.fastest_per_s / 10)
    long_s = min(LONG_STEP_S, STABLE / area.fastest_per_s)
    step_s = np.where(since_s < FRESH_S - 1e-6, short_s, long_s)
    order = np.argsort(events.at_s, kind="stable")
    so_far_mw = start.imbalance_mw + np.concatenate(([0.0], np.cumsum(events.change_mw[order])))
    time_s = start_s[:, None]
    ramping = (time_s >= begin_s) & (time_s < end_s)
    slope = np.divide(services.mw, ramp_s, out=np.zeros(len(services)), where=ramp_s > 0)
    ramped_mw = np.where(ramping, slope * (time_s - begin_s), services.mw * (time_s >= end_s))
    return Pieces(
        start_s,
        length_s,
        np.ceil(length_s / step_s).astype(np.int64),
        so_far_mw[np.searchsorted(events.at_s[order], start_s, side="right")],
        start.p2p_mw + ramped_mw.sum(axis=1),
        np.where(ramping, slope, 0.0).sum(axis=1),
    )
