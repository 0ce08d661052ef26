"""Frequency in trouble: exhausted reserves, collapse, areas that cannot be; and the steps it is followed in."""

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from peerflex.core.errors import InputError
from peerflex.core.frequency import (
    AT_REST,
    FCR_FULL_WITHIN_S,
    HIGHEST_HZ,
    LOWEST_HZ,
    MAX_INSTANTANEOUS_HZ,
    REFERENCE_INCIDENT_MW,
    FrequencyArea,
    SystemState,
    TimedEvents,
)
from peerflex.grid import frequency_pieces
from peerflex.grid.frequency import respond, steady_hz, trajectory
from peerflex.grid.frequency_pieces import STABLE, cut
from tests.frequency_cases import CE, CE_AFRR, NOBODY, SMALL, SMALL_AFRR, back_inside_s, column, event, numbers, service


@pytest.mark.parametrize(
    ("area", "mw", "limit"),
    [
        (FrequencyArea(300, 3, 0, damping_pu_per_hz=0), -10.0, LOWEST_HZ),
        (FrequencyArea(300, 3, 0, damping_pu_per_hz=0), 10.0, HIGHEST_HZ),
        (SMALL, -30.0, LOWEST_HZ),
        (SMALL_AFRR, -1e300, LOWEST_HZ),
        (SMALL_AFRR, 1e308, HIGHEST_HZ),
    ],
)
def test_what_nothing_can_hold_collapses_at_a_defined_frequency(area: FrequencyArea, mw: float, limit: float) -> None:
    state = respond(area, event(mw, 100.0), service(1, 0, 0, at_s=100.0))
    assert state.extreme_hz == state.quasi_steady_hz == limit == steady_hz(area, mw)
    assert (state.system_state, state.settled) == (SystemState.BLACKOUT, False)
    assert 100 <= state.held_s == state.extreme_at_s < 120
    assert 3600 - 120 < state.seconds_outside <= 3600
    assert state.p2p_mwh == pytest.approx((state.held_s - 100) / 3600)
    assert all(math.isfinite(value) for value in numbers(state))


def test_without_any_control_frequency_drifts_to_the_limit_at_the_speed_of_inertia() -> None:
    drifting = respond(FrequencyArea(300, 3, 0, damping_pu_per_hz=0), event(-10), NOBODY)
    assert drifting.held_s == pytest.approx(2.5 * 36 / 10, abs=0.05)
    slowly = respond(FrequencyArea(300, 3, 0, damping_pu_per_hz=0), event(-0.01), NOBODY)
    assert slowly.quasi_steady_hz == pytest.approx(-0.01 * 3600 / 36)
    assert not slowly.settled


def test_an_area_whose_control_swings_is_finite_and_says_that_it_is_not_settled() -> None:
    area = FrequencyArea(300, 0.4, 45, damping_pu_per_hz=0)
    assert swings(area) > 1 > swings(SMALL)
    state = respond(area, event(-10), NOBODY)
    assert not state.settled
    assert math.isfinite(state.extreme_hz)


@pytest.mark.parametrize(
    ("name", "value"),
    [("inertia_s", 0.0), ("size_mw", 0.0), ("fcr_mw", -1.0), ("fcr_turbine_s", 0.0), ("afrr_mw", math.nan)],
)
def test_an_area_that_cannot_be_is_refused_with_a_remedy(name: str, value: float) -> None:
    given_values = {"size_mw": 300.0, "inertia_s": 3.0, "fcr_mw": 15.0, name: value}
    with pytest.raises(InputError, match=rf"frequency area: {name}: is .*\. Give a finite number"):
        FrequencyArea(**given_values)


def test_an_area_too_fast_to_follow_is_refused() -> None:
    with pytest.raises(InputError, match="Raise inertia_s"):
        FrequencyArea(size_mw=300, inertia_s=1e-6, fcr_mw=15)


@pytest.mark.parametrize("value", [math.nan, math.inf, -1.0])
def test_events_and_services_at_no_time_are_refused(value: float) -> None:
    with pytest.raises(InputError, match="Give finite numbers"):
        event(-10, value)
    with pytest.raises(InputError, match="Give finite numbers"):
        service(1, 0, value)


def test_saturated_fcr_leaves_the_rest_to_the_load() -> None:
    state = respond(SMALL, event(-18.2), NOBODY)
    assert state.fcr_saturated
    assert state.quasi_steady_hz == pytest.approx(-(18.2 - 15) / 3, abs=1e-6)
    assert state.quasi_steady_hz == pytest.approx(steady_hz(SMALL, -18.2), abs=1e-6)
    assert state.fcr_saturated_s == pytest.approx(3600, abs=2)
    assert (state.system_state, state.sheds_load) == (SystemState.EMERGENCY, True)


def test_fcr_is_out_within_the_thirty_seconds_of_the_guideline() -> None:
    run = trajectory(SMALL, event(-18.2), NOBODY, 60.0)
    called_s = run.at_s[np.abs(run.deviation_hz) >= 0.2][0]
    assert np.interp(called_s + FCR_FULL_WITHIN_S, run.at_s, run.fcr_mw) >= 0.99 * 15


def test_saturated_afrr_leaves_the_rest_to_fcr() -> None:
    state = respond(FrequencyArea(300, 3, 15, afrr_mw=4), event(-10), NOBODY)
    assert state.quasi_steady_hz == pytest.approx(-6 / 78, abs=1e-6)
    assert state.afrr_saturated
    assert state.afrr_up_mwh < 4


def test_afrr_does_not_wind_up() -> None:
    area = FrequencyArea(300, 3, 15, afrr_mw=4)
    state = respond(area, TimedEvents(column(0, 1800), column(-10, 10)), NOBODY)
    assert back_inside_s(area, TimedEvents(column(0, 1800), column(-10, 10)), NOBODY) < 1900
    assert state.quasi_steady_hz == pytest.approx(0, abs=1e-4)


def test_the_reference_incident_is_within_what_the_guideline_wants() -> None:
    alone, restored = (respond(area, event(-REFERENCE_INCIDENT_MW), NOBODY) for area in (CE, CE_AFRR))
    assert abs(alone.extreme_hz) < 0.8
    assert abs(alone.quasi_steady_hz) < 0.2
    assert (alone.system_state, restored.system_state) == (SystemState.ALERT, SystemState.NORMAL)
    assert restored.seconds_outside < 15 * 60


def test_a_ramp_too_short_for_a_number_is_a_step() -> None:
    assert respond(SMALL, event(-10), service(5, 3, 1e-310)) == respond(SMALL, event(-10), service(5, 3, 0))


@settings(max_examples=100, deadline=None)
@given(
    st.floats(0.05, 10),
    st.floats(0, 1),
    st.floats(0.02, 1),
    st.floats(0, 0.1),
    st.tuples(st.floats(0.05, 2), st.floats(0.1, 20), st.floats(0.1, 60), st.floats(1, 500), st.floats(0, 2)),
)
def test_no_step_is_too_long_for_the_fastest_mode(
    inertia_s: float, fcr: float, full_hz: float, damping: float, rest: tuple[float, float, float, float, float]
) -> None:
    governor, turbine, lag, integral, gain = rest
    try:
        area = FrequencyArea(1.0, inertia_s, fcr, 0.1, damping, full_hz, governor, turbine, gain, integral, lag)
    except InputError:
        assume(False)
    mass, bias = area.inertia_mws_per_hz, area.characteristic_mw_per_hz
    modes = np.linalg.eigvals(
        [
            [-damping / mass, 0, 1 / mass, 0, 1 / mass],
            [-area.fcr_mw_per_hz / governor, -1 / governor, 0, 0, 0],
            [0, 1 / turbine, -1 / turbine, 0, 0],
            [-bias / integral, 0, 0, 0, 0],
            [-gain * bias / lag, 0, 0, 1 / lag, -1 / lag],
        ]
    )
    longest_s = cut(area, event(-0.1), NOBODY, 3600.0, AT_REST).step_s.max()
    assert np.abs(modes).max() * longest_s <= STABLE * (1 + 1e-9)


def swings(area: FrequencyArea) -> float:
    """Return how near FCR is to swinging for ever, which it does from 1 (Routh's criterion of its loop)."""
    mass, damping = area.inertia_mws_per_hz, area.damping_mw_per_hz
    first, second = area.fcr_governor_s, area.fcr_turbine_s
    cubic, square = first * second * mass, (first + second) * mass + first * second * damping
    linear, constant = mass + (first + second) * damping, area.characteristic_mw_per_hz
    return cubic * constant / (square * linear)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.floats(2, 8),
    st.floats(0.01, 0.06),
    st.floats(0, 0.05),
    st.floats(0, 0.03),
    st.tuples(st.floats(-0.03, 0.03), st.floats(0, 60)),
    st.tuples(st.floats(-0.02, 0.02), st.floats(0, 30), st.sampled_from([0.0, 5.0, 100.0])),
)
def test_steps_are_short_enough_for_a_tenth_of_a_millihertz(
    monkeypatch: pytest.MonkeyPatch,
    inertia_s: float,
    fcr: float,
    afrr: float,
    damping: float,
    change: tuple[float, float],
    bought: tuple[float, float, float],
) -> None:
    area = FrequencyArea(1.0, inertia_s, fcr, afrr, damping)
    assume(swings(area) < 0.8)
    events, services = TimedEvents(column(0, change[1]), column(-0.01, change[0])), service(*bought)
    said = respond(area, events, services, 120.0)
    with monkeypatch.context() as patch:
        patch.setattr(frequency_pieces, "SHORT_STEP_S", 1e-3)
        patch.setattr(frequency_pieces, "LONG_STEP_S", 1e-3)
        fine = respond(area, events, services, 120.0)
    assume(abs(fine.extreme_hz) <= MAX_INSTANTANEOUS_HZ)
    assert said.extreme_hz == pytest.approx(fine.extreme_hz, abs=1e-4)
