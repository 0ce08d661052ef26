"""Laws of the frequency of any area: closed forms, energy, symmetry."""

import math

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from peerflex.core.frequency import (
    HIGHEST_HZ,
    LOWEST_HZ,
    FrequencyArea,
    Services,
    TimedEvents,
)
from peerflex.grid.frequency import respond, steady_hz
from tests.frequency_cases import CE_AFRR, NOBODY, SMALL, SMALL_AFRR, column, event, numbers, service

areas = st.builds(
    FrequencyArea,
    size_mw=st.floats(100, 200_000),
    inertia_s=st.floats(2, 8),
    fcr_mw=st.just(0.0),
    damping_pu_per_hz=st.floats(0.005, 0.03),
)
shares = st.floats(-0.015, 0.015).filter(lambda share: abs(share) > 1e-4)


def with_reserves(area: FrequencyArea, fcr_share: float, afrr_share: float) -> FrequencyArea:
    return FrequencyArea(
        area.size_mw,
        area.inertia_s,
        fcr_share * area.size_mw,
        afrr_share * area.size_mw,
        area.damping_pu_per_hz,
    )


@settings(max_examples=40, deadline=None)
@given(areas, shares, st.floats(0.016, 0.04), st.floats(0, 0.014), st.floats(0, 200))
def test_rocof_and_the_steady_state_are_those_of_the_closed_form(
    area: FrequencyArea, share: float, fcr_share: float, p2p_share: float, ramp_s: float
) -> None:
    area = with_reserves(area, fcr_share, 0.0)
    mw, p2p_mw = share * area.size_mw, -math.copysign(min(p2p_share, abs(share)), share) * area.size_mw
    state = respond(area, event(mw), service(p2p_mw, 20.0, ramp_s))
    assume(not state.collapsed)
    assert state.rocof_hz_per_s == pytest.approx(mw * 50 / (2 * area.inertia_s * area.size_mw), rel=1e-12)
    held = (mw + p2p_mw) / (area.fcr_mw / 0.2 + area.damping_pu_per_hz * area.size_mw)
    assert state.quasi_steady_hz == pytest.approx(held, abs=1e-6)
    assert steady_hz(area, mw + p2p_mw) == pytest.approx(held, rel=1e-12, abs=1e-15)


@settings(max_examples=40, deadline=None)
@given(areas, shares, st.floats(0.02, 0.04), st.floats(0, 1))
def test_frequency_returns_to_nominal_if_afrr_and_service_suffice(
    area: FrequencyArea, share: float, fcr_share: float, part: float
) -> None:
    area = with_reserves(area, fcr_share, max((1 - part) * abs(share) * 1.2, 1e-3))
    mw = share * area.size_mw
    state = respond(area, event(mw), service(-part * mw, 20.0, 60.0), 4 * 3600.0)
    assume(not state.collapsed)
    assert state.quasi_steady_hz == pytest.approx(0.0, abs=1e-4)


@settings(max_examples=20, deadline=None)
@given(areas, shares, st.floats(0.016, 0.04), st.floats(0, 60), st.floats(0, 300))
@example(SMALL, -0.03, 0.05, 0.0, 0.0)
def test_a_service_slower_than_the_nadir_changes_neither_rocof_nor_nadir(
    area: FrequencyArea, share: float, fcr_share: float, later_s: float, ramp_s: float
) -> None:
    area = with_reserves(area, fcr_share, 0.01)
    mw = share * area.size_mw
    alone = respond(area, event(mw), NOBODY, 300.0)
    helped = respond(area, event(mw), service(-0.5 * mw, alone.extreme_at_s + 1 + later_s, ramp_s), 300.0)
    assert helped.rocof_hz_per_s == alone.rocof_hz_per_s
    assert helped.extreme_hz == pytest.approx(alone.extreme_hz, rel=1e-3)
    assert helped.extreme_hz == pytest.approx(alone.extreme_hz, abs=1e-4)


moments = st.lists(st.tuples(st.floats(0, 3500), shares), min_size=1, max_size=4)
calls = st.lists(
    st.tuples(shares, st.floats(0, 3500), st.floats(0, 60), st.sampled_from([0.0, 5.0, 300.0])), max_size=3
)


@settings(max_examples=50, deadline=None)
@given(areas, st.floats(0.0, 0.04), st.floats(0, 0.02), moments, calls)
def test_all_energy_is_accounted_for(
    area: FrequencyArea,
    fcr_share: float,
    afrr_share: float,
    steps: list[tuple[float, float]],
    bought: list[tuple[float, float, float, float]],
) -> None:
    area = with_reserves(area, fcr_share, afrr_share)
    at_s, change = (column(*each) for each in zip(*steps, strict=True))
    events = TimedEvents(at_s, change * area.size_mw)
    services = NOBODY
    if bought:
        mw, *times = (column(*each) for each in zip(*bought, strict=True))
        services = Services(mw * area.size_mw, *times)
    state = respond(area, events, services)
    for name in ("extreme_hz", "quasi_steady_hz", "fcr_mwh", "afrr_mwh", "p2p_mwh", "seconds_outside"):
        assert math.isfinite(getattr(state, name)), name
    assert LOWEST_HZ <= state.extreme_hz <= HIGHEST_HZ
    assert abs(state.quasi_steady_hz) <= abs(state.extreme_hz)
    assert 0 <= state.seconds_outside <= 3600
    if state.collapsed:
        return
    imbalance_mwh = float((events.change_mw * (3600 - events.at_s)).sum()) / 3600
    given_mwh = imbalance_mwh + state.fcr_mwh + state.afrr_mwh + state.p2p_mwh + state.damping_mwh
    spun_mwh = area.inertia_mws_per_hz * state.quasi_steady_hz / 3600
    assert given_mwh == pytest.approx(spun_mwh, abs=1e-9 * area.size_mw)


def test_a_surplus_is_the_mirror_of_a_loss() -> None:
    loss = respond(SMALL_AFRR, event(-10), service(5, 3, 10))
    surplus = respond(SMALL_AFRR, event(10), service(-5, 3, 10))
    assert numbers(surplus) == numbers(loss, -1)


def test_the_order_of_events_does_not_matter_and_events_at_once_are_one() -> None:
    together = respond(SMALL, TimedEvents(column(50.0), column(-9.0)), NOBODY)
    apart = respond(SMALL, TimedEvents(column(50.0, 3599.99, 50.0), column(-4.0, 0.0, -5.0)), NOBODY)
    assert apart.rocof_hz_per_s == together.rocof_hz_per_s == -9 / 36
    assert numbers(apart) == pytest.approx(numbers(together), rel=1e-4, abs=1e-6)
    forth = TimedEvents(column(10.0, 900.0), column(-9.0, 4.0))
    back = TimedEvents(column(900.0, 10.0), column(4.0, -9.0))
    assert respond(SMALL, forth, NOBODY) == respond(SMALL, back, NOBODY)


def test_an_area_twice_as_large_with_twice_the_event_answers_alike() -> None:
    twice = FrequencyArea(size_mw=600, inertia_s=3, fcr_mw=30, afrr_mw=40)
    one, two = respond(SMALL_AFRR, event(-10), NOBODY), respond(twice, event(-20), NOBODY)
    assert two.extreme_hz == pytest.approx(one.extreme_hz, rel=1e-12)
    assert two.fcr_mwh == pytest.approx(2 * one.fcr_mwh, rel=1e-9)


def test_the_same_question_has_the_same_answer_to_the_last_bit() -> None:
    answers = {str(respond(CE_AFRR, event(-2718.28, 31.4), service(161.8, 2, 7))) for _ in range(3)}
    assert len(answers) == 1
