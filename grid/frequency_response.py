"""Frequency in operation: what a period's imbalance, its reserves and peers' regulation services make of it.

One rotating mass, ``2 H S / f0 df/dt = imbalance + FCR + aFRR + services - D S f``, with f the deviation from nominal.
FCR is proportional, saturates, and follows behind two lags. aFRR is a PI controller of the area control error behind
a lag and a limit of its rate. Structure: P. Kundur, "Power System Stability and Control" (1994), section 11.1.
A period starts where the last one ended, or at nominal frequency with all reserves at rest.
"""

from typing import TYPE_CHECKING, Final

import numpy as np

from peerflex.core.arrays import Floats
from peerflex.core.frequency import (
    AT_REST,
    HIGHEST_HZ,
    LOWEST_HZ,
    STANDARD_RANGE_HZ,
    FrequencyArea,
    FrequencyState,
    Services,
    Standing,
    SystemState,
    TimedEvents,
    Trajectory,
)
from peerflex.core.units import DOWN, SECONDS_PER_HOUR, UP
from peerflex.grid.frequency_limits import system_state, time_beyond
from peerflex.grid.frequency_pieces import Pieces, cut

if TYPE_CHECKING:
    from peerflex.grid.frequency_step import Plant

HZ, VALVE, FCR, INTEGRAL, AFRR, MEAN_HZ, MEAN_FCR, MEAN_AFRR = range(8)
"""Rows of the track of ``grid.frequency_step``."""

SETTLED_HZ_PER_S: Final = 1e-5
"""What changes more slowly is settled: 36 mHz in an hour."""


def respond(
    area: FrequencyArea,
    events: TimedEvents,
    services: Services,
    duration_s: float = SECONDS_PER_HOUR,
    start: Standing = AT_REST,
) -> FrequencyState:
    """Return what the frequency of an area does in a period of ``duration_s`` > 0.

    Events and services change what stands at the ``start``; those at ``duration_s`` or later are not looked at.
    Never raises: reserves that do not suffice are saturated, and an area that leaves 47.5 to 51.5 Hz has collapsed.
    Energies add up to rounding.
    """
    if start == AT_REST and not (events.change_mw.any() or services.mw.any()):
        return _calm(float(duration_s))
    pieces = cut(area, events, services, duration_s, start)
    track = _integrate(area, pieces, start)
    step_s = pieces.step_s[: track.shape[1]]
    time_s = np.concatenate(([0.0], np.cumsum(step_s)))
    hz = np.concatenate(([start.deviation_hz], track[HZ]))
    collapsed = track.shape[1] < pieces.steps.sum()
    held_s = float(time_s[-1]) if collapsed else float(duration_s)
    end = _end(pieces, track, held_s, start)
    if collapsed:
        hz[-1] = _limit_passed(area, end)
    far_hz = np.abs(hz)
    worst = int(np.argmax(far_hz))
    asked_mw = track[INTEGRAL] - area.afrr_gain * area.characteristic_mw_per_hz * track[HZ]
    return FrequencyState(
        rocof_hz_per_s=_largest_step_mw(events, duration_s) / area.inertia_mws_per_hz,
        extreme_hz=float(hz[worst]),
        extreme_at_s=float(time_s[worst]),
        quasi_steady_hz=float(hz[-1]),
        settled=not collapsed and _settled(area, end, float(pieces.slope_mw_per_s[-1])),
        seconds_outside=time_beyond(far_hz, STANDARD_RANGE_HZ, step_s) + duration_s - held_s,
        fcr_up_mwh=_mwh(track[MEAN_FCR], step_s),
        fcr_down_mwh=_mwh(-track[MEAN_FCR], step_s),
        afrr_up_mwh=_mwh(track[MEAN_AFRR], step_s),
        afrr_down_mwh=_mwh(-track[MEAN_AFRR], step_s),
        p2p_up_mwh=pieces.p2p_mwh(held_s, UP),
        p2p_down_mwh=pieces.p2p_mwh(held_s, DOWN),
        damping_mwh=-area.damping_mw_per_hz * float((track[MEAN_HZ] * step_s).sum()) / SECONDS_PER_HOUR,
        fcr_saturated_s=_time_full(area.fcr_mw_per_hz * track[HZ], area.fcr_mw, step_s),
        afrr_saturated_s=_time_full(asked_mw, area.afrr_mw, step_s),
        held_s=held_s,
        system_state=system_state(far_hz, step_s, collapsed),
        end=AT_REST if collapsed else end,
    )


def trajectory(
    area: FrequencyArea,
    events: TimedEvents,
    services: Services,
    duration_s: float = SECONDS_PER_HOUR,
    start: Standing = AT_REST,
) -> Trajectory:
    """Return the same period step by step, for figures; it ends where the area collapses."""
    pieces = cut(area, events, services, duration_s, start)
    first = np.array([[*_state(start), 0.0, 0.0, 0.0]]).T
    track = np.concatenate((first, _integrate(area, pieces, start)), axis=1)
    time_s = np.concatenate(([0.0], np.cumsum(pieces.step_s)))[: track.shape[1]]
    imbalance_mw, p2p_mw = pieces.at(time_s)
    damping_mw = -area.damping_mw_per_hz * track[HZ]
    return Trajectory(time_s, track[HZ], imbalance_mw, track[FCR], track[AFRR], p2p_mw, damping_mw)


def _calm(duration_s: float) -> FrequencyState:
    none = 0.0
    return FrequencyState(none, none, none, none, True, none, *(none,) * 9, duration_s, SystemState.NORMAL, AT_REST)


def _integrate(area: FrequencyArea, pieces: Pieces, start: Standing) -> Floats:
    """Return the track of all steps until the end or a collapse, shape ``(8, steps done)``."""
    from peerflex.grid.frequency_step import integrate  # compiled when first needed

    track = np.empty((8, int(pieces.steps.sum())))
    power_mw = pieces.imbalance_mw + pieces.p2p_mw
    slope = pieces.slope_mw_per_s
    done: int = integrate(_state(start), pieces.length_s, pieces.steps, power_mw, slope, _plant(area), track)
    return track[:, :done]


def _plant(area: FrequencyArea) -> "Plant":
    from peerflex.grid.frequency_step import Plant

    values = (
        1 / area.inertia_mws_per_hz,
        area.damping_mw_per_hz,
        area.fcr_mw,
        area.fcr_mw_per_hz,
        1 / area.fcr_governor_s,
        1 / area.fcr_turbine_s,
        area.afrr_mw,
        area.afrr_mw / area.afrr_full_s,
        area.afrr_gain,
        1 / area.afrr_integral_s,
        1 / area.afrr_lag_s,
        area.characteristic_mw_per_hz,
        LOWEST_HZ,
        HIGHEST_HZ,
    )
    return Plant(*map(float, values))  # an int among them would be another type, and compiled anew


def _state(at: Standing) -> tuple[float, float, float, float, float]:
    return at.deviation_hz, at.fcr_valve_mw, at.fcr_mw, at.afrr_integral_mw, at.afrr_mw


def _end(pieces: Pieces, track: Floats, time_s: float, start: Standing) -> Standing:
    imbalance_mw, p2p_mw = pieces.at(np.array(time_s))
    hz, valve, fcr, integral, afrr = track[:MEAN_HZ, -1].tolist() if track.size else _state(start)
    return Standing(hz, valve, fcr, integral, afrr, float(imbalance_mw), float(p2p_mw))


def _changes(area: FrequencyArea, at: Standing) -> tuple[float, ...]:
    """Return how fast an area changes, in Hz/s and MW/s, in the order of the track."""
    from peerflex.grid.frequency_step import slopes

    changes: tuple[float, ...] = slopes(_state(at), at.imbalance_mw + at.p2p_mw, _plant(area))
    return changes


def _settled(area: FrequencyArea, end: Standing, slope_mw_per_s: float) -> bool:
    hz_per_s, valve, fcr, _, afrr = _changes(area, end)  # the integral may go on where nothing else does
    slow_mw = area.characteristic_mw_per_hz * SETTLED_HZ_PER_S
    return abs(hz_per_s) <= SETTLED_HZ_PER_S and max(map(abs, (valve, fcr, afrr, slope_mw_per_s))) <= slow_mw


def _limit_passed(area: FrequencyArea, at: Standing) -> float:
    return LOWEST_HZ if _changes(area, at)[HZ] < 0 else HIGHEST_HZ


def _largest_step_mw(events: TimedEvents, duration_s: float) -> float:
    """Return the change, signed, at the moment at which most changes; events at the same moment are one."""
    moments, row = np.unique(events.at_s, return_inverse=True)
    if not len(moments):
        return 0.0
    change_mw = np.where(moments < duration_s, np.bincount(row, weights=events.change_mw), 0.0)
    return float(change_mw[np.argmax(np.abs(change_mw))])


def _mwh(mw: Floats, seconds: Floats) -> float:
    """Return the energy of what is above 0."""
    return float((np.maximum(mw, 0.0) * seconds).sum()) / SECONDS_PER_HOUR


def _time_full(called_mw: Floats, reserve_mw: float, step_s: Floats) -> float:
    """Return for how long all of a reserve was called; one of 0 MW never is."""
    return float(step_s[np.abs(called_mw) >= reserve_mw].sum()) if reserve_mw > 0 else 0.0
