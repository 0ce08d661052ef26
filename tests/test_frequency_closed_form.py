"""Frequency after a step, in closed form: against the block diagram integrated, and against the printed case."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from peerflex.core.arrays import Floats
from peerflex.core.errors import InputError
from peerflex.grid.frequency import StepResponse, step_response, step_response_at

Machine = tuple[float, float, float, float, float, float]
"""Droop, inertia, gain, high-pressure fraction, reheat time and damping, in the order of the function."""

PRINTED: Machine = (0.05, 4.0, 0.95, 0.3, 8.0, 1.0)
CRITICAL: Machine = (0.0625, 4.0, 1.0, 0.4375, 8.0, 0.0)  # exact in binary: wn = decay = 1/2
OVERDAMPED: Machine = (0.05, 1.0, 0.95, 0.9, 8.0, 1.0)  # turns, though overdamped: reheat is slower than both modes
MONOTONE: Machine = (0.05, 40.0, 0.3, 0.9, 2.0, 1.0)


def integrated(step: float, machine: Machine, until_s: float, at_s: Floats) -> Floats:
    """Return the deviation by integrating the block diagram: one state for the rotor, one for the reheater."""
    droop, inertia, gain, fraction, reheat, damping = machine

    def slopes(_: float, state: Floats) -> list[float]:
        speed, reheated = state
        valve = -gain * speed / droop
        turbine = fraction * valve + (1 - fraction) * reheated
        return [(step + turbine - damping * speed) / (2 * inertia), (valve - reheated) / reheat]

    done = solve_ivp(slopes, (0, until_s), [0.0, 0.0], "DOP853", at_s, rtol=1e-13, atol=1e-15)
    return np.asarray(done.y[0], dtype=np.float64)


def check(step: float, machine: Machine) -> StepResponse:
    """Compare with the integrated block diagram at 200 times and at the nadir; the nadir is beyond all of them."""
    said = step_response(step, *machine)
    turns = math.isfinite(said.t_nadir_s)
    until_s = 3 * said.t_nadir_s if turns else 40.0
    at_s = np.unique(np.append(np.linspace(0, until_s, 200), said.t_nadir_s if turns else until_s))
    reference = integrated(step, machine, until_s, at_s)
    scale = max(1.0, abs(said.nadir_pu))
    assert step_response_at(at_s, step, *machine) == pytest.approx(reference, abs=1e-9 * scale)
    if turns:
        assert reference[np.searchsorted(at_s, said.t_nadir_s)] == pytest.approx(said.nadir_pu, abs=1e-9 * scale)
    assert np.abs(reference).max() <= abs(said.nadir_pu) + 1e-9 * scale
    assert abs(said.nadir_pu) >= abs(said.steady_pu) * (1 - 1e-12)
    return said


def test_the_printed_case_is_met() -> None:
    said = check(-0.2, PRINTED)
    assert said.nadir_pu == pytest.approx(-0.021664, abs=5e-7)
    assert said.t_nadir_s == pytest.approx(2.368832, abs=5e-7)
    assert said.steady_pu == pytest.approx(-0.01, abs=1e-15)
    assert said.rocof_pu_per_s == pytest.approx(-0.025, abs=1e-15)


def test_critical_damping_is_a_case_of_its_own() -> None:
    said = check(-0.2, CRITICAL)
    assert said.t_nadir_s == pytest.approx(8 / 3, rel=1e-14)  # T_R / (decay T_R - 1)


@pytest.mark.parametrize("side", [-1, 1])
def test_both_branches_tend_to_the_critical_case(side: int) -> None:
    droop, inertia, gain, fraction, reheat, damping = CRITICAL
    near = step_response(-0.2, droop, inertia, gain, fraction + side * 1e-9, reheat, damping)
    assert near == pytest.approx(step_response(-0.2, *CRITICAL), rel=1e-8)


def test_an_overdamped_response_may_still_turn() -> None:
    assert math.isfinite(check(-0.2, OVERDAMPED).t_nadir_s)


def test_a_monotone_response_has_its_nadir_at_infinity() -> None:
    said = check(-0.2, MONOTONE)
    assert said.t_nadir_s == math.inf
    assert said.nadir_pu == said.steady_pu


def test_without_reheat_the_response_is_of_first_order() -> None:
    droop, inertia, gain, _, reheat, damping = PRINTED
    said = step_response(-0.2, droop, inertia, gain, 1.0, reheat, damping)
    t_s = np.linspace(0, 10, 50)
    stiffness = damping + gain / droop
    first_order = -0.2 / stiffness * (1 - np.exp(-t_s * stiffness / (2 * inertia)))
    assert said == (said.steady_pu, math.inf, -0.2 / stiffness, -0.025)
    assert step_response_at(t_s, -0.2, droop, inertia, gain, 1.0, reheat, damping) == pytest.approx(first_order)


def test_no_step_does_nothing_and_a_surplus_is_the_mirror_of_a_loss() -> None:
    assert step_response(0.0, *PRINTED) == (0.0, 0.0, 0.0, 0.0)
    loss, surplus = step_response(-0.2, *PRINTED), step_response(0.2, *PRINTED)
    assert surplus == (-loss.nadir_pu, loss.t_nadir_s, -loss.steady_pu, -loss.rocof_pu_per_s)


def test_a_strongly_overdamped_response_stays_finite_for_ever() -> None:
    assert step_response_at(np.array([1e6]), -0.2, *OVERDAMPED) == pytest.approx(step_response(-0.2, *OVERDAMPED)[2])


@pytest.mark.once
@settings(max_examples=40, deadline=None)
@given(
    st.floats(-1, 1).filter(lambda step: abs(step) > 1e-3),
    st.tuples(
        st.floats(0.02, 0.2), st.floats(0.5, 10), st.floats(0.3, 1), st.floats(0, 1), st.floats(1, 15), st.floats(0, 3)
    ),
)
def test_any_machine_answers_as_its_block_diagram_does(step: float, machine: Machine) -> None:
    check(step, machine)


@pytest.mark.parametrize(
    ("place", "value"), [(0, 0.0), (1, 0.0), (4, 0.0), (0, -0.05), (1, math.nan), (2, 0.0), (3, 1.1), (5, -1.0)]
)
def test_a_machine_that_cannot_be_is_refused_with_a_remedy(place: int, value: float) -> None:
    machine = list(PRINTED)
    machine[place] = value
    with pytest.raises(InputError, match=r"step response: \w+: is .*\. Give a"):
        step_response(-0.2, *machine)
