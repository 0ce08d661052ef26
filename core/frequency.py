"""Frequency: the area that holds it, what disturbs and what supports it, and what one period's answer was.

Sign rule as everywhere (``core.units``): MW > 0 is more power into the area, so that frequency rises. Deviations
are from nominal, in Hz, signed. The thresholds are those of Continental Europe.
"""

import math
from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Final

import numpy as np

from peerflex.core.arrays import Floats, Rows
from peerflex.core.errors import InputError

STANDARD_RANGE_HZ: Final = 0.050
"""Standard frequency range (SO GL, that is Regulation (EU) 2017/1485, Art. 127 and Annex III, Table 1)."""

MAX_STEADY_HZ: Final = 0.200
"""Maximum steady-state frequency deviation (SO GL, Art. 127 and Annex III, Table 1); FCR is then full (Annex V)."""

MAX_INSTANTANEOUS_HZ: Final = 0.800
"""Maximum instantaneous frequency deviation (SO GL, Art. 127 and Annex III, Table 1)."""

TIME_TO_RESTORE_S: Final = 15 * 60.0
"""Time to restore frequency (SO GL, Art. 127 and Annex III, Table 1)."""

ALERT_TRIGGER_S: Final = 5 * 60.0
"""Alert state trigger time (SO GL, Art. 127 and Annex III, Table 1)."""

REFERENCE_INCIDENT_MW: Final = 3000.0
"""Reference incident of Continental Europe, either way (SO GL, Art. 153(2)(b))."""

FCR_FULL_WITHIN_S: Final = 30.0
"""Full activation time of frequency containment reserve (SO GL, Art. 154 and Annex V)."""

STEADY_AFTER_S: Final = 2 * FCR_FULL_WITHIN_S
"""A deviation that lasts longer counts as steady. Our reading: the guideline says 'stabilised', without a time."""

LOAD_SHEDDING_HZ: Final = -1.0
"""At 49.0 Hz demand disconnection starts (Regulation (EU) 2017/2196, Art. 15 and Annex)."""

LOWEST_HZ: Final = -2.5
HIGHEST_HZ: Final = 1.5
"""Outside 47.5 to 51.5 Hz nothing has to stay connected (Regulation (EU) 2016/1388, Art. 12 and Annex I)."""

FASTEST_PER_S: Final = 100.0
"""A faster area is none: a step of integration would have to be shorter than 10 ms all hour long."""


class SystemState(IntEnum):
    """The worst system state of a period as far as frequency tells (SO GL, Art. 18); greater is worse."""

    NORMAL = 0
    ALERT = 1
    EMERGENCY = 2
    BLACKOUT = 3


@dataclass(frozen=True, slots=True)
class FrequencyArea:
    """A synchronous area of ``size_mw`` rotating at one frequency, with its reserves.

    ``inertia_s`` is the inertia constant H on ``size_mw``; load gives way by ``damping_pu_per_hz`` of ``size_mw`` a Hz.
    FCR is proportional to the deviation, all of it ``fcr_full_at_hz`` off nominal, behind two lags. aFRR is a PI
    controller with ``afrr_gain`` and ``afrr_integral_s`` behind a lag, not faster than all of it in ``afrr_full_s``;
    0 MW is none.

    Raises:
        InputError: for a value that no area has, or that makes it too fast to be integrated.
    """

    size_mw: float
    inertia_s: float
    fcr_mw: float
    afrr_mw: float = 0.0
    damping_pu_per_hz: float = 0.01
    fcr_full_at_hz: float = 0.2
    fcr_governor_s: float = 0.2
    fcr_turbine_s: float = 6.0
    afrr_gain: float = 0.15
    afrr_integral_s: float = 200.0
    afrr_lag_s: float = 15.0
    afrr_full_s: float = 300.0
    nominal_hz: float = 50.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value, may_be_zero = getattr(self, field.name), field.name in MAY_BE_ZERO
            if not (math.isfinite(value) and (value > 0 or (may_be_zero and value == 0))):
                remedy = f"Give a finite number {'of at least' if may_be_zero else 'above'} 0."
                if field.name == "inertia_s":
                    remedy += " Without inertia frequency would jump; about 2 to 6 s is usual."
                raise InputError(f"frequency area: {field.name}", f"is {value}", remedy)
        if self.fastest_per_s > FASTEST_PER_S:
            raise InputError(
                "frequency area",
                f"it reacts at up to {self.fastest_per_s:.0f} per second, {FASTEST_PER_S:.0f} is the most",
                "Raise inertia_s or the lags, or lower fcr_mw, damping_pu_per_hz or afrr_gain.",
            )

    @property
    def inertia_mws_per_hz(self) -> float:
        """2 H S / f0: how many MW change the frequency by 1 Hz in a second."""
        return 2 * self.inertia_s * self.size_mw / self.nominal_hz

    @property
    def damping_mw_per_hz(self) -> float:
        return self.size_mw * self.damping_pu_per_hz

    @property
    def fcr_mw_per_hz(self) -> float:
        return self.fcr_mw / self.fcr_full_at_hz

    @property
    def characteristic_mw_per_hz(self) -> float:
        """The network power frequency characteristic: what FCR and load together hold per Hz."""
        return self.fcr_mw_per_hz + self.damping_mw_per_hz

    @property
    def fastest_per_s(self) -> float:
        """A bound on how fast anything in the area changes: the fastest lag and the three control loops."""
        inertia, bias = self.inertia_mws_per_hz, self.characteristic_mw_per_hz
        lag = max(
            1 / self.fcr_governor_s, 1 / self.fcr_turbine_s, 1 / self.afrr_lag_s, self.damping_mw_per_hz / inertia
        )
        fcr = math.cbrt(self.fcr_mw_per_hz / (inertia * self.fcr_governor_s * self.fcr_turbine_s))
        proportional = math.sqrt(self.afrr_gain * bias / (inertia * self.afrr_lag_s))
        integral = math.cbrt(bias / (inertia * self.afrr_lag_s * self.afrr_integral_s))
        return lag + fcr + proportional + integral


MAY_BE_ZERO: Final = ("fcr_mw", "afrr_mw", "damping_pu_per_hz", "afrr_gain")


def _check_finite(table: Rows, where: str, columns: tuple[str, ...], at_least_0: tuple[str, ...]) -> None:
    for name in columns:
        column = getattr(table, name)
        least = 0.0 if name in at_least_0 else -np.inf
        if not (np.isfinite(column) & (column >= least)).all():
            raise InputError(f"{where}: {name}", f"has {column.tolist()}", "Give finite numbers, no time below 0.")


@dataclass(frozen=True, slots=True)
class TimedEvents(Rows):
    """Steps of the imbalance: at ``at_s`` of the period it changes by ``change_mw`` and stays so. Zero rows: calm."""

    at_s: Floats
    change_mw: Floats

    def __post_init__(self) -> None:
        _check_finite(self, "events of the frequency", ("at_s", "change_mw"), ("at_s",))


@dataclass(frozen=True, slots=True)
class Services(Rows):
    """Peers' regulation: ``mw`` (> 0: up) called at ``at_s``, begun ``delay_s`` later, in full after ``ramp_s``."""

    mw: Floats
    at_s: Floats
    delay_s: Floats
    ramp_s: Floats

    def __post_init__(self) -> None:
        times = ("at_s", "delay_s", "ramp_s")
        _check_finite(self, "services to the frequency", ("mw", *times), times)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one period leaves an area for the next: deviation, and MW (signed) that stand at that moment.

    ``fcr_valve_mw`` and ``afrr_integral_mw`` are states inside the controllers of FCR and aFRR.
    """

    deviation_hz: float = 0.0
    fcr_valve_mw: float = 0.0
    fcr_mw: float = 0.0
    afrr_integral_mw: float = 0.0
    afrr_mw: float = 0.0
    imbalance_mw: float = 0.0
    p2p_mw: float = 0.0


AT_REST: Final = Standing()


@dataclass(frozen=True, slots=True)
class FrequencyState:
    """What the frequency did in one period.

    ``rocof_hz_per_s`` is the rate of change that the largest step alone gives at once. ``extreme_hz`` is the nadir
    (< 0) or zenith (> 0), whichever is farther from nominal, ``extreme_at_s`` into the period; ``quasi_steady_hz`` the
    deviation at the end, where it stays if ``settled``. ``seconds_outside`` counts the standard range. Energies are
    activated upward and downward, each >= 0, all services together; ``damping_mwh`` (signed) is what load gave way.
    ``*_saturated_s`` is for how long all of a reserve was called. ``held_s`` is the period, or less if the area
    collapsed; nothing is activated after that, and extreme and end are the limit that was passed. ``end`` is what the
    next period starts from: ``AT_REST`` after a collapse.
    """

    rocof_hz_per_s: float
    extreme_hz: float
    extreme_at_s: float
    quasi_steady_hz: float
    settled: bool
    seconds_outside: float
    fcr_up_mwh: float
    fcr_down_mwh: float
    afrr_up_mwh: float
    afrr_down_mwh: float
    p2p_up_mwh: float
    p2p_down_mwh: float
    damping_mwh: float
    fcr_saturated_s: float
    afrr_saturated_s: float
    held_s: float
    system_state: SystemState
    end: Standing

    @property
    def fcr_mwh(self) -> float:
        return self.fcr_up_mwh - self.fcr_down_mwh

    @property
    def afrr_mwh(self) -> float:
        return self.afrr_up_mwh - self.afrr_down_mwh

    @property
    def p2p_mwh(self) -> float:
        return self.p2p_up_mwh - self.p2p_down_mwh

    @property
    def fcr_saturated(self) -> bool:
        return self.fcr_saturated_s > 0

    @property
    def afrr_saturated(self) -> bool:
        return self.afrr_saturated_s > 0

    @property
    def sheds_load(self) -> bool:
        """Whether automatic demand disconnection would have started; the model does not disconnect any."""
        return self.extreme_hz <= LOAD_SHEDDING_HZ

    @property
    def collapsed(self) -> bool:
        return self.system_state is SystemState.BLACKOUT


@dataclass(frozen=True, slots=True)
class Trajectory(Rows):
    """The same period in time: seconds, deviation (Hz) and MW by source; their sum accelerates the area."""

    at_s: Floats
    deviation_hz: Floats
    imbalance_mw: Floats
    fcr_mw: Floats
    afrr_mw: Floats
    p2p_mw: Floats
    damping_mw: Floats
