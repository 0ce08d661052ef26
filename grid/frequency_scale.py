"""How much a power moves an area, and what one feeder is to it."""

import math
from typing import NamedTuple

from peerflex.core.frequency import HIGHEST_HZ, LOWEST_HZ, STANDARD_RANGE_HZ, FrequencyArea


class Reach(NamedTuple):
    """What a power does to an area: where frequency settles without aFRR, how fast it starts, how many make 50 mHz."""

    steady_hz: float
    rocof_hz_per_s: float
    times_for_standard_range: float

    def __str__(self) -> str:
        return (
            f"moves frequency by {1e3 * self.steady_hz:+.4g} mHz, starting at {1e3 * self.rocof_hz_per_s:+.4g} mHz/s; "
            f"{self.times_for_standard_range:,.0f} times as much leaves the standard range"
        )


def system_imbalance_mw(event_mw: float, feeder_mw: float, feeders: float) -> float:
    """Return the imbalance of an area: the system's own event, and ``feeders`` times what one feeder gives too much.

    ``feeder_mw`` is metered minus contracted injection of one feeder (> 0: a surplus). That all feeders err alike
    and at once is the strongest case there is.
    """
    return event_mw + feeders * feeder_mw


def steady_hz(area: FrequencyArea, imbalance_mw: float) -> float:
    """Return where FCR and load alone hold a lasting imbalance, at most the limit at which the area collapses."""
    beyond_mw = abs(imbalance_mw) - area.characteristic_mw_per_hz * area.fcr_full_at_hz
    if beyond_mw <= 0:
        return imbalance_mw / area.characteristic_mw_per_hz if imbalance_mw else 0.0
    limit_hz = HIGHEST_HZ if imbalance_mw > 0 else LOWEST_HZ
    if beyond_mw >= area.damping_mw_per_hz * (abs(limit_hz) - area.fcr_full_at_hz):
        return limit_hz
    return math.copysign(area.fcr_full_at_hz + beyond_mw / area.damping_mw_per_hz, imbalance_mw)


def reach(area: FrequencyArea, mw: float) -> Reach:
    """Return what a power, say that of one feeder, does to an area. Never infinite but for a power of 0."""
    needed_mw = STANDARD_RANGE_HZ * area.characteristic_mw_per_hz
    return Reach(steady_hz(area, mw), mw / area.inertia_mws_per_hz, needed_mw / abs(mw) if mw else math.inf)
