"""The equations of the operational frequency model, stepped through time; compiled, for it runs every hour.

Fourth-order Runge-Kutta. Imported by ``grid.frequency_response`` when first needed, so that nobody else pays for the
compiler. Only + - * and comparisons, never reordered: the bits do not depend on the processor.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from numba import njit

from peerflex.core.arrays import Floats, Ints

SIXTH: Final = 1 / 6

State = tuple[float, float, float, float, float]
"""Deviation (Hz), FCR valve, FCR, aFRR integral, aFRR (MW)."""


class Plant(NamedTuple):
    """``core.frequency.FrequencyArea`` in MW, Hz and rates per second (divisions would take a third of the time)."""

    hz_per_mws: float
    damping_mw_per_hz: float
    fcr_mw: float
    fcr_mw_per_hz: float
    governor_per_s: float
    turbine_per_s: float
    afrr_mw: float
    afrr_mw_per_s: float
    gain: float
    integral_per_s: float
    lag_per_s: float
    bias_mw_per_hz: float
    lowest_hz: float
    highest_hz: float


def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function compiled, kept on disk for other processes where a folder can be written."""
    try:
        return njit(cache=True)(function)  # type: ignore[no-any-return]
    except RuntimeError:  # numba finds no such folder
        return njit(function)  # type: ignore[no-any-return]


@_compiled
def _clip(value: float, limit: float) -> float:
    return min(max(value, -limit), limit)


@_compiled
def slopes(state: State, power_mw: float, plant: Plant) -> State:
    """Return the time derivative of the state under ``power_mw`` of imbalance and services."""
    hz, valve, fcr, integral, afrr = state
    control_error = -plant.bias_mw_per_hz * hz
    asked = _clip(plant.gain * control_error + integral, plant.afrr_mw)
    return (
        (power_mw + fcr + afrr - plant.damping_mw_per_hz * hz) * plant.hz_per_mws,
        (_clip(-plant.fcr_mw_per_hz * hz, plant.fcr_mw) - valve) * plant.governor_per_s,
        (valve - fcr) * plant.turbine_per_s,
        control_error * plant.integral_per_s,
        _clip((asked - afrr) * plant.lag_per_s, plant.afrr_mw_per_s),
    )


@_compiled
def _ahead(x: State, k: State, dt: float) -> State:
    return x[0] + dt * k[0], x[1] + dt * k[1], x[2] + dt * k[2], x[3] + dt * k[3], x[4] + dt * k[4]


@_compiled
def _mean(a: State, b: State, c: State, d: State) -> State:
    """Return the average of four stages as the method weighs them."""
    return (
        (a[0] + 2 * (b[0] + c[0]) + d[0]) * SIXTH,
        (a[1] + 2 * (b[1] + c[1]) + d[1]) * SIXTH,
        (a[2] + 2 * (b[2] + c[2]) + d[2]) * SIXTH,
        (a[3] + 2 * (b[3] + c[3]) + d[3]) * SIXTH,
        (a[4] + 2 * (b[4] + c[4]) + d[4]) * SIXTH,
    )


@_compiled
def integrate(
    start: State,
    length_s: Floats,
    steps: Ints,
    power_mw: Floats,
    slope_mw_per_s: Floats,
    plant: Plant,
    track: Floats,
) -> int:
    """Run through pieces of time, on each of which imbalance and services change linearly; fill ``track``.

    A column of ``track`` ``(8, sum of steps)`` is one step: the state after it, then the mean over it of deviation,
    FCR and aFRR, weighed as the method does, so that energies add up to rounding. Returns the steps done: fewer than
    asked for if frequency leaves its bounds.
    """
    x = start
    done = 0
    for piece in range(len(steps)):
        dt = length_s[piece] / steps[piece]
        change = slope_mw_per_s[piece] * dt
        for step in range(steps[piece]):
            power = power_mw[piece] + step * change
            k1 = slopes(x, power, plant)
            x2 = _ahead(x, k1, dt / 2)
            k2 = slopes(x2, power + change / 2, plant)
            x3 = _ahead(x, k2, dt / 2)
            k3 = slopes(x3, power + change / 2, plant)
            x4 = _ahead(x, k3, dt)
            k4 = slopes(x4, power + change, plant)
            mean = _mean(x, x2, x3, x4)
            hz, valve, fcr, integral, afrr = _ahead(x, _mean(k1, k2, k3, k4), dt)
            if not plant.lowest_hz <= hz <= plant.highest_hz:
                return done
            x = (hz, valve, fcr, _clip(integral, plant.afrr_mw), afrr)  # the integral does not wind up
            for entry in range(5):
                track[entry, done] = x[entry]
            track[5, done], track[6, done], track[7, done] = mean[0], mean[2], mean[4]
            done += 1
    return done
