"""Which system state a frequency is, how far a feeder reaches, and the examples of the page."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from peerflex.core import frequency
from peerflex.core.arrays import Floats
from peerflex.core.frequency import FrequencyArea, Services, SystemState, TimedEvents
from peerflex.grid.frequency import reach, respond, steady_hz, step_response, system_imbalance_mw
from peerflex.grid.frequency_limits import longest_beyond, system_state, time_beyond

CE = FrequencyArea(size_mw=150_000, inertia_s=5, fcr_mw=3000)
SMALL = FrequencyArea(size_mw=300, inertia_s=3, fcr_mw=15)


def held(*levels: tuple[float, float]) -> tuple[Floats, Floats]:
    """Return how far off nominal it was for so many seconds each, in steps of 1 s, and the steps."""
    far_hz = np.concatenate([[0.0], *(np.full(round(seconds), level) for level, seconds in levels)])
    return far_hz, np.ones(len(far_hz) - 1)


@pytest.mark.parametrize(
    ("levels", "state"),
    [
        ([(0.049, 3600)], SystemState.NORMAL),
        ([(0.09, 899), (0.0, 10), (0.09, 899)], SystemState.NORMAL),
        ([(0.09, 905)], SystemState.ALERT),
        ([(0.15, 299), (0.06, 200)], SystemState.NORMAL),
        ([(0.15, 305)], SystemState.ALERT),
        ([(0.15, 200), (0.0, 1), (0.15, 200)], SystemState.NORMAL),
        ([(0.5, 59), (0.1, 100)], SystemState.NORMAL),
        ([(0.25, 65)], SystemState.EMERGENCY),
        ([(0.79, 5)], SystemState.NORMAL),
        ([(0.81, 1)], SystemState.EMERGENCY),
    ],
)
def test_the_system_state_follows_level_and_time(levels: list[tuple[float, float]], state: SystemState) -> None:
    assert system_state(*held(*levels), collapsed=False) is state
    assert system_state(*held(*levels), collapsed=True) is SystemState.BLACKOUT


@given(st.lists(st.tuples(st.floats(0, 0.2), st.floats(0.01, 5)), min_size=1, max_size=30))
def test_times_beyond_a_limit_are_those_counted_on_the_straight_lines(corners: list[tuple[float, float]]) -> None:
    far_hz = np.concatenate([[0.0], [level for level, _ in corners]])
    step_s = np.array([seconds for _, seconds in corners])
    total = run = longest = 0.0
    for before, after, seconds in zip(far_hz[:-1], far_hz[1:], step_s, strict=True):
        fine = before + (after - before) * (np.arange(2000) + 0.5) / 2000
        share = float((fine > 0.05).mean()) * seconds
        total, run = total + share, run + share
        longest = max(longest, run)
        run = run if after > 0.05 else 0.0
    assert time_beyond(far_hz, 0.05, step_s) == pytest.approx(total, abs=0.02 + 1e-3 * total)
    assert longest_beyond(far_hz, 0.05, step_s) == pytest.approx(longest, abs=0.02 + 1e-3 * longest)


def test_where_load_and_fcr_hold_an_imbalance_bends_at_saturation() -> None:
    at = [steady_hz(SMALL, mw) for mw in (0.0, -7.8, -15.6, -18.6, 18.6, -22.5, 1e9)]
    assert at == pytest.approx([0.0, -0.1, -0.2, -1.2, 1.2, -2.5, 1.5])


def test_the_limits_are_those_that_the_page_lists() -> None:
    assert (frequency.STANDARD_RANGE_HZ, frequency.MAX_STEADY_HZ, frequency.MAX_INSTANTANEOUS_HZ) == (0.05, 0.2, 0.8)
    assert (frequency.ALERT_TRIGGER_S, frequency.TIME_TO_RESTORE_S, frequency.STEADY_AFTER_S) == (300, 900, 60)
    assert (frequency.REFERENCE_INCIDENT_MW, frequency.FCR_FULL_WITHIN_S) == (3000, 30)
    limits = (frequency.LOAD_SHEDDING_HZ, frequency.LOWEST_HZ, frequency.HIGHEST_HZ)
    assert [50 + limit for limit in limits] == [49.0, 47.5, 51.5]


def test_nothing_reaches_nowhere() -> None:
    assert reach(CE, 0.0) == (0.0, 0.0, float("inf"))


def test_the_example_by_hand_of_the_closed_form() -> None:
    said = step_response(
        step_pu=-0.2, droop_pu=0.05, inertia_s=4, gain=0.95, high_pressure_fraction=0.3, reheat_s=8, damping=1
    )
    assert said == pytest.approx((-0.02166, 2.369, -0.01, -0.025), abs=5e-4)
    assert 50 * said.nadir_pu == pytest.approx(-1.083, abs=5e-4)


def test_the_example_by_hand_of_the_small_area() -> None:
    loss = TimedEvents(np.zeros(1), np.array([-10.0]))
    bought = Services(np.array([5.11]), np.zeros(1), np.array([30.0]), np.array([270.0]))
    alone, helped = respond(SMALL, loss, Services.empty()), respond(SMALL, loss, bought)
    assert (SMALL.inertia_mws_per_hz, SMALL.fcr_mw_per_hz, SMALL.damping_mw_per_hz) == pytest.approx((36, 75, 3))
    assert 1e3 * alone.rocof_hz_per_s == pytest.approx(-277.8, abs=0.05)
    assert 1e3 * alone.quasi_steady_hz == pytest.approx(-128.2, abs=0.05)
    assert 1e3 * alone.extreme_hz == pytest.approx(-659, abs=0.5)
    assert alone.extreme_at_s == pytest.approx(5.2, abs=0.05)
    assert (alone.fcr_mwh, alone.damping_mwh) == pytest.approx((9.61, 0.388), abs=5e-3)
    assert -10 + alone.fcr_mwh + alone.damping_mwh == pytest.approx(36 * alone.quasi_steady_hz / 3600)
    assert helped.extreme_hz == pytest.approx(alone.extreme_hz, abs=1e-5)
    assert 1e3 * helped.quasi_steady_hz == pytest.approx(-62.7, abs=0.05)
    assert helped.p2p_mwh == pytest.approx(5.11 * (3600 - 30 - 135) / 3600) == pytest.approx(4.876, abs=5e-4)
    fast = Services(np.array([5.11]), np.zeros(1), np.array([1.0]), np.array([4.0]))
    restored = FrequencyArea(size_mw=300, inertia_s=3, fcr_mw=15, afrr_mw=20)
    assert 1e3 * respond(restored, loss, Services.empty()).extreme_hz == pytest.approx(-640, abs=0.5)
    assert 1e3 * respond(restored, loss, fast).extreme_hz == pytest.approx(-497, abs=0.6)
    assert alone.system_state is SystemState.ALERT


def test_the_example_by_hand_of_one_feeder() -> None:
    one = reach(CE, 5.11)
    assert CE.characteristic_mw_per_hz == pytest.approx(16_500)
    assert 1e3 * one.steady_hz == pytest.approx(0.31, abs=5e-3)
    assert 1e3 * one.rocof_hz_per_s == pytest.approx(0.17, abs=5e-3)
    assert round(one.times_for_standard_range) == 161
    assert "+0.3097 mHz" in str(one)
    assert round(1500 / 5.11) == 294
    assert 1e3 * steady_hz(CE, 1500) == pytest.approx(90.9, abs=0.05)
    assert 1e3 * reach(SMALL, 5.11).steady_hz == pytest.approx(65.5, abs=0.05)
    assert system_imbalance_mw(event_mw=-10, feeder_mw=-0.04, feeders=50) == pytest.approx(-12)


@pytest.mark.tree
def test_the_compiler_is_loaded_only_when_something_happens() -> None:
    code = (
        "import sys; from peerflex.core.frequency import *; from peerflex.grid.frequency import respond;"
        "respond(FrequencyArea(300, 3, 15), TimedEvents.empty(), Services.empty()); sys.exit('numba' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
