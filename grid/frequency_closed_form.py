"""Frequency after a step, in closed form: the low-order model of Anderson and Mirheydar.

One machine with inertia, damping and a reheat steam turbine behind a droop governor stands for the whole system.
Source: P. M. Anderson, M. Mirheydar, "A low-order system frequency response model", IEEE Transactions on Power
Systems 5(3), 1990: response, nadir and its time for the underdamped case. The critical and the overdamped cases
are the same transfer function inverted. Everything is per unit of nominal frequency and of the base power.
"""

import math
from typing import NamedTuple

import numpy as np

from peerflex.core.arrays import Floats
from peerflex.core.errors import InputError


class StepResponse(NamedTuple):
    """The nadir (a zenith for a step > 0) and when, where frequency ends, and how fast it starts."""

    nadir_pu: float
    t_nadir_s: float
    steady_pu: float
    rocof_pu_per_s: float


class _Modes(NamedTuple):
    """The response is ``steady (1 - e^(-decay t) (C(t) + (decay - wn2 reheat) S(t)))``, where S'' = -w2 S, C = S'."""

    steady: float
    decay: float
    wn2: float
    w2: float


def step_response(
    step_pu: float,
    droop_pu: float,
    inertia_s: float,
    gain: float,
    high_pressure_fraction: float,
    reheat_s: float,
    damping: float,
) -> StepResponse:
    """Return what a sudden step of power (< 0: a loss of generation) does to frequency.

    ``droop_pu`` is R, ``inertia_s`` H, ``gain`` the mechanical power gain K_m, ``high_pressure_fraction`` F_H,
    ``reheat_s`` T_R and ``damping`` D (pu of power per pu of frequency). A response that never turns has its nadir
    at infinity, where it ends; a step of 0 does nothing at time 0.

    Raises:
        InputError: for a parameter that no machine has.
    """
    modes = _modes(step_pu, droop_pu, inertia_s, gain, high_pressure_fraction, reheat_s, damping)
    rocof = step_pu / (2 * inertia_s)
    if step_pu == 0:
        return StepResponse(0.0, 0.0, 0.0, 0.0)
    if high_pressure_fraction == 1:  # no reheat is left: first order
        return StepResponse(modes.steady, math.inf, modes.steady, rocof)
    t_nadir = _time_of_nadir(
        modes, reheat_s, gain * (1 - high_pressure_fraction) * reheat_s / (2 * inertia_s * droop_pu)
    )
    nadir = float(_respond(modes, reheat_s, np.array(t_nadir))) if math.isfinite(t_nadir) else modes.steady
    return StepResponse(nadir, t_nadir, modes.steady, rocof)


def step_response_at(
    t_s: Floats,
    step_pu: float,
    droop_pu: float,
    inertia_s: float,
    gain: float,
    high_pressure_fraction: float,
    reheat_s: float,
    damping: float,
) -> Floats:
    """Return the deviation in pu at the times ``t_s`` >= 0 after the step (any shape); parameters as above."""
    modes = _modes(step_pu, droop_pu, inertia_s, gain, high_pressure_fraction, reheat_s, damping)
    return _respond(modes, reheat_s, t_s)


def _time_of_nadir(modes: _Modes, reheat_s: float, product: float) -> float:
    """Return when the slope is 0 again, infinity if never.

    The slope goes with ``reheat C + (1 - decay reheat) S``. ``product`` is that of (rate x reheat - 1) over both
    rates of decay: above 0, so that both rates are on one side of 1 / reheat. The response turns if they are above.
    """
    excess = modes.decay * reheat_s - 1
    if modes.w2 > 0:
        w = math.sqrt(modes.w2)
        return math.atan2(w * reheat_s, excess) / w
    if excess <= 0:
        return math.inf
    k = math.sqrt(-modes.w2)
    slower = product / (excess + k * reheat_s)
    return math.log1p(2 * k * reheat_s / slower) / (2 * k) if k > 0 else reheat_s / excess


def _respond(modes: _Modes, reheat_s: float, t_s: Floats) -> Floats:
    steady, decay, wn2, w2 = modes
    if w2 > 0:
        w, fade = math.sqrt(w2), np.exp(-decay * t_s)
        c, s = fade * np.cos(w * t_s), fade * np.sin(w * t_s) / w
    elif w2 < 0:
        k = math.sqrt(-w2)
        slow = np.exp(-wn2 / (decay + k) * t_s)  # never the difference of two large exponents
        fast = slow * np.exp(-2 * k * t_s)
        c, s = (slow + fast) / 2, slow * -np.expm1(-2 * k * t_s) / (2 * k)
    else:
        c = np.exp(-decay * t_s)
        s = c * t_s
    response: Floats = steady * (1 - (c + (decay - wn2 * reheat_s) * s))
    return response


def _modes(
    step: float, droop: float, inertia: float, gain: float, fraction: float, reheat: float, damping: float
) -> _Modes:
    """Return the decay and frequency of the response, or say which parameter makes none."""
    named = (("droop_pu", droop), ("inertia_s", inertia), ("gain", gain), ("reheat_s", reheat))
    for name, value in named:
        if not (math.isfinite(value) and value > 0):
            raise _refusal(name, value, "Give a finite number above 0: it divides in the model.")
    if not (math.isfinite(damping) and damping >= 0):
        raise _refusal("damping", damping, "Give a finite number of at least 0.")
    if not 0 <= fraction <= 1:
        raise _refusal("high_pressure_fraction", fraction, "Give a share between 0 and 1.")
    if not math.isfinite(step):
        raise _refusal("step_pu", step, "Give a finite number.")
    stiffness, spin = damping * droop + gain, 2 * inertia * droop
    wn2 = stiffness / (spin * reheat)
    decay = (spin + (damping * droop + gain * fraction) * reheat) / (2 * spin * reheat)
    return _Modes(droop * step / stiffness, decay, wn2, wn2 - decay * decay)


def _refusal(name: str, value: float, remedy: str) -> InputError:
    return InputError(f"step response: {name}", f"is {value}", remedy)
