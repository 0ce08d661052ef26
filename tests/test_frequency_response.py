"""Frequency in operation: the cases of a prototype, a rival integrator, and one period after another."""

from dataclasses import fields
from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from peerflex.core.arrays import Bools, Floats
from peerflex.core.frequency import (
    AT_REST,
    FrequencyArea,
    Services,
    Standing,
    SystemState,
    TimedEvents,
)
from peerflex.grid.frequency import respond, trajectory
from tests.frequency_cases import CE, CE_AFRR, NOBODY, SMALL, SMALL_AFRR, back_inside_s, column, event, numbers, service


def rival(area: FrequencyArea, events: TimedEvents, services: Services, until_s: float) -> tuple[Floats, Floats]:
    """Return times and deviations by another integrator of the same equations, restarted at every event."""
    mass = 2 * area.inertia_s * area.size_mw / area.nominal_hz
    droop, give = area.fcr_mw / area.fcr_full_at_hz, area.size_mw * area.damping_pu_per_hz

    def slopes(t: float, state: Floats, outside: float) -> list[float]:
        hz, valve, fcr, integral, afrr = state
        called = services.at_s + services.delay_s
        support = float((services.mw * np.clip((t - called) / np.maximum(services.ramp_s, 1e-9), 0, 1)).sum())
        error = -(droop + give) * hz
        held = abs(integral) >= area.afrr_mw and integral * error > 0
        wanted = np.clip(area.afrr_gain * error + integral, -area.afrr_mw, area.afrr_mw)
        rate = area.afrr_mw / area.afrr_full_s
        return [
            (outside + support + fcr + afrr - give * hz) / mass,
            (np.clip(-droop * hz, -area.fcr_mw, area.fcr_mw) - valve) / area.fcr_governor_s,
            (valve - fcr) / area.fcr_turbine_s,
            0.0 if held else error / area.afrr_integral_s,
            np.clip((wanted - afrr) / area.afrr_lag_s, -rate, rate),
        ]

    times, deviations, state = [column(0.0)], [column(0.0)], np.zeros(5)
    breaks = np.unique(np.concatenate(([0.0, until_s], events.at_s, services.at_s + services.delay_s)))
    for start, end in pairwise(breaks.tolist()):
        outside = float(events.change_mw[events.at_s <= start].sum())
        done = solve_ivp(slopes, (start, end), state, "RK45", args=(outside,), rtol=1e-7, atol=1e-9, max_step=0.1)
        times.append(done.t)
        deviations.append(done.y[0])
        state = done.y[:, -1]
    return np.concatenate(times), np.concatenate(deviations)


CASES = {
    "CE": (CE, -3000.0, NOBODY, -0.1, -432.3, -181.8, None),
    "CE, aFRR": (CE_AFRR, -3000.0, NOBODY, -0.1, -405.0, 0.0, 238.0),
    "CE, aFRR, slow service": (CE_AFRR, -3000.0, service(1500, 30, 300), -0.1, -405.0, 0.0, 147.0),
    "CE, aFRR, fast service": (CE_AFRR, -3000.0, service(1500, 2, 5), -0.1, -302.0, 0.0, 94.0),
    "small": (SMALL, -10.0, NOBODY, -0.27778, -657.2, -128.2, None),
    "small, aFRR": (SMALL_AFRR, -10.0, NOBODY, -0.27778, -630.0, 0.0, 145.0),
    "small, aFRR, service": (SMALL_AFRR, -10.0, service(5.11, 1, 4), -0.27778, -495.6, 0.0, 37.0),
    "small, service": (SMALL, -10.0, service(5.11, 30, 270), -0.27778, -657.0, -62.7, None),
}
"""Area, event, service; then what a coarser prototype gave: RoCoF, nadir in mHz, steady mHz, seconds until inside."""


@pytest.mark.parametrize("case", CASES)
def test_the_cases_of_the_prototype_come_out(case: str) -> None:
    area, mw, services, rocof, nadir_mhz, steady_mhz, inside_s = CASES[case]
    state = respond(area, event(mw), services)
    assert state.rocof_hz_per_s == pytest.approx(rocof, abs=5e-6)
    assert 1e3 * state.extreme_hz == pytest.approx(nadir_mhz, rel=0.016)  # it stepped by Euler
    assert 1e3 * state.quasi_steady_hz == pytest.approx(steady_mhz, abs=0.05)
    assert state.settled
    if inside_s is None:
        assert abs(steady_mhz) > 50
    else:
        assert back_inside_s(area, event(mw), services) == pytest.approx(inside_s, abs=2.5)


@pytest.mark.parametrize(
    ("case", "nadir_mhz", "at_s"),
    [
        ("CE", -433.02, 10.48),
        ("CE, aFRR", -408.62, 9.33),
        ("CE, aFRR, fast service", -303.31, 5.30),
        ("small", -659.09, 5.17),
        ("small, aFRR", -639.65, 4.95),
        ("small, aFRR, service", -496.52, 3.26),
    ],
)
def test_nadirs_are_those_of_a_fine_integration(case: str, nadir_mhz: float, at_s: float) -> None:
    area, mw, services, *_ = CASES[case]
    state = respond(area, event(mw), services, 60.0)
    times, hz = rival(area, event(mw), services, 60.0)
    worst = int(np.argmin(hz))
    assert state.extreme_hz == pytest.approx(float(hz[worst]), abs=2e-5)
    assert 1e3 * state.extreme_hz == pytest.approx(nadir_mhz, abs=0.02)
    assert state.extreme_at_s == pytest.approx(at_s, abs=0.03)
    assert times[worst] == pytest.approx(at_s, abs=0.1)
    assert state.quasi_steady_hz == pytest.approx(float(hz[-1]), abs=1e-5)


@pytest.mark.once
def test_several_events_and_a_pause_are_those_of_a_fine_integration() -> None:
    events = TimedEvents(column(90.0, 3.3, 140.0), column(7.0, -9.0, 6.0))
    services = Services(column(4.0, -3.0), column(5.0, 100.0), column(10.0, 1.0), column(40.0, 0.0))
    run = trajectory(SMALL_AFRR, events, services, 200.0)
    times, hz = rival(SMALL_AFRR, events, services, 200.0)
    assert np.interp(run.at_s, times, hz) == pytest.approx(run.deviation_hz, abs=2e-4)  # lines between both
    state = respond(SMALL_AFRR, events, services, 200.0)
    assert state.extreme_hz == pytest.approx(hz[np.argmax(np.abs(hz))], abs=2e-5)


def test_the_trajectory_is_the_state_in_time() -> None:
    events, services = event(-10, 5.0), service(5.11, 1, 4, at_s=5.0)
    run, state = trajectory(SMALL_AFRR, events, services), respond(SMALL_AFRR, events, services)
    assert run.deviation_hz.min() == state.extreme_hz
    assert run.deviation_hz[-1] == state.quasi_steady_hz
    assert run.at_s[[0, -1]] == pytest.approx([0, 3600])
    assert (run.imbalance_mw == np.where(run.at_s >= 5, -10, 0)).all()
    assert run.p2p_mw == pytest.approx(5.11 * np.clip((run.at_s - 6) / 4, 0, 1))
    fcr_mwh = float(((run.fcr_mw[1:] + run.fcr_mw[:-1]) / 2 * np.diff(run.at_s)).sum()) / 3600
    assert fcr_mwh == pytest.approx(state.fcr_mwh, rel=1e-3)
    sources = run.imbalance_mw + run.fcr_mw + run.afrr_mw + run.p2p_mw + run.damping_mw
    slope = np.gradient(run.deviation_hz, run.at_s) * SMALL_AFRR.inertia_mws_per_hz
    smooth = (run.at_s > 7) & (run.at_s < 9)
    assert slope[smooth] == pytest.approx(sources[smooth], abs=0.05)


def test_a_period_without_events_is_calm_and_one_that_is_over_stays_so() -> None:
    calm = respond(SMALL, TimedEvents.empty(), NOBODY)
    assert numbers(calm) == [0.0] * len(numbers(calm))
    assert (calm.settled, calm.held_s, calm.system_state) == (True, 3600.0, SystemState.NORMAL)
    for late in (event(-10, 900.0), event(-10, 5000.0)):
        assert respond(SMALL, late, service(5, 900, 10), 900.0) == respond(SMALL, TimedEvents.empty(), NOBODY, 900.0)
    assert respond(SMALL, event(0.0), service(0.0, 1, 1)) == calm


def test_whole_numbers_do_not_compile_the_equations_anew() -> None:
    from peerflex.grid.frequency_step import integrate

    respond(FrequencyArea(300.0, 3.0, 15.0), event(-1.0), NOBODY, 10.0)
    compiled = len(integrate.signatures)  # type: ignore[attr-defined]
    assert respond(FrequencyArea(300, 3, 0, 4), event(-1), NOBODY, 10) == respond(
        FrequencyArea(300.0, 3.0, 0.0, 4.0), event(-1.0), NOBODY, 10.0
    )
    assert len(integrate.signatures) == compiled  # type: ignore[attr-defined]


def test_every_field_of_a_state_is_a_plain_value() -> None:
    state = respond(CE, event(-100), service(10, 0, 0))
    kinds = {field.name: type(getattr(state, field.name)) for field in fields(state)}
    assert set(kinds.values()) == {float, bool, SystemState, Standing}, kinds


def test_two_half_hours_are_an_hour() -> None:
    events = TimedEvents(column(10.0, 1790.0, 2400.0), column(-6.0, -3.0, 5.0))
    early, late = events.take(slice_before(events, 1800)), events.take(~slice_before(events, 1800))
    services = service(5.0, 20.0, 300.0, at_s=600.0)
    whole = respond(SMALL_AFRR, events, services)
    first = respond(SMALL_AFRR, early, services, 1800.0)
    second = respond(SMALL_AFRR, TimedEvents(late.at_s - 1800, late.change_mw), NOBODY, 1800.0, first.end)
    assert second.quasi_steady_hz == pytest.approx(whole.quasi_steady_hz, abs=1e-6)
    assert second.end.afrr_mw == pytest.approx(whole.end.afrr_mw, abs=1e-4)
    assert (second.end.imbalance_mw, second.end.p2p_mw) == (whole.end.imbalance_mw, whole.end.p2p_mw) == (-4.0, 5.0)
    for name in ("fcr_up_mwh", "fcr_down_mwh", "afrr_up_mwh", "p2p_up_mwh", "damping_mwh", "seconds_outside"):
        assert getattr(first, name) + getattr(second, name) == pytest.approx(getattr(whole, name), rel=1e-4, abs=1e-4)
    extremes = [abs(first.extreme_hz), abs(second.extreme_hz)]
    assert max(extremes) == pytest.approx(abs(whole.extreme_hz), abs=1e-5)
    run = trajectory(SMALL_AFRR, TimedEvents.empty(), NOBODY, 1800.0, first.end)
    assert run.deviation_hz[0] == first.quasi_steady_hz
    assert run.p2p_mw.tolist() == [5.0] * len(run)


def slice_before(events: TimedEvents, at_s: float) -> Bools:
    before: Bools = events.at_s < at_s
    return before


def test_an_event_that_lasts_makes_no_new_dip_in_the_next_hour() -> None:
    first = respond(SMALL_AFRR, event(-10), NOBODY)
    second = respond(SMALL_AFRR, TimedEvents.empty(), NOBODY, start=first.end)
    assert abs(second.extreme_hz) < 1e-6
    assert second.rocof_hz_per_s == 0
    assert second.afrr_mwh == pytest.approx(10.0)
    assert second.settled


def test_what_stands_at_the_start_counts_as_energy_and_a_collapse_leaves_nothing() -> None:
    first = respond(SMALL_AFRR, event(-10), service(4, 0, 0), 40.0)
    second = respond(SMALL_AFRR, event(1.0, 5.0), service(-1, 0, 10), 60.0, first.end)
    given_mwh = (-10 * 60 + 1 * 55) / 3600 + second.fcr_mwh + second.afrr_mwh + second.p2p_mwh + second.damping_mwh
    assert given_mwh == pytest.approx(36 * (second.quasi_steady_hz - first.quasi_steady_hz) / 3600, abs=1e-12)
    assert (second.p2p_up_mwh, second.p2p_down_mwh) == pytest.approx(((4 * 60 - 55) / 3600, 0.0))
    assert respond(SMALL, event(-30), NOBODY).end == AT_REST


def test_regulation_that_turns_is_counted_on_both_sides() -> None:
    state = respond(SMALL_AFRR, TimedEvents.empty(), service(-6, 10, 30), 60.0, Standing(p2p_mw=2.0))
    assert state.p2p_up_mwh == pytest.approx((2 * 10 + 2 * 10 / 2) / 3600)  # then it ramps from 2 to -4
    assert state.p2p_down_mwh == pytest.approx((4 * 20 / 2 + 4 * 20) / 3600)
