"""Leaps ahead of an iteration: exact where it is linear, and no worse than the iteration where they mislead."""

import numpy as np
import pytest

from peerflex.core.arrays import Floats
from peerflex.markets import anderson
from peerflex.markets.anderson import Anderson


def rounds_to(goal: Floats, shrink: Floats, leaps: bool, most: int = 2000) -> int:
    """How often ``x <- goal + shrink * (x - goal)`` is applied until it is within 1e-9 of its end."""
    x, leap = np.zeros(len(goal)), Anderson()
    for rounds in range(1, most + 1):
        to = goal + shrink * (x - goal)
        if np.abs(to - goal).max() <= 1e-9:
            return rounds
        x = leap.ahead(x, to) if leaps else to
    return most + 1


def test_a_linear_iteration_of_three_speeds_ends_in_a_handful_of_rounds() -> None:
    """Exact least squares need one round more than there are speeds, and one for each at the limit of a leap."""
    goal, shrink = np.array([1.0, -2.0, 3.0, 4.0]), np.array([0.5, 0.9, 0.5, 0.8])
    assert rounds_to(goal, shrink, leaps=False) > 150
    assert rounds_to(goal, shrink, leaps=True) <= 8


def test_a_leap_is_no_longer_than_its_limit() -> None:
    """Steps that shrink by a millionth point to an end a million steps away."""
    leap, x = Anderson(), np.zeros(2)
    for _ in range(2):
        to = x + (1.0 - 1e-6 * x[0]) * np.array([1.0, 0.0])
        before, x = x, leap.ahead(x, to)
    assert np.abs(x - to).max() == pytest.approx(anderson.LONGEST, rel=1e-4)
    assert np.abs(to - before).max() == pytest.approx(1.0, abs=1e-5)


def test_a_leap_that_makes_the_step_larger_is_taken_back() -> None:
    """Steps shrink towards 2 and grow behind it: the leap to 10 / 3, which the first two promise, is a mistake."""

    def step(x: float) -> float:
        return 1.0 - 0.3 * x if x < 2.0 else 50.0

    leap, x, tried = Anderson(), 0.0, []
    for _ in range(3):
        tried.append(x)
        x = float(leap.ahead(np.array([x]), np.array([x + step(x)]))[0])
    assert tried == pytest.approx([0.0, 1.0, 10 / 3])
    assert x == pytest.approx(1.7)  # the end of the second step


def test_older_rounds_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """With room for two rounds it forgets the others, and still comes to the end of four speeds."""
    monkeypatch.setattr(anderson, "MOST_REMEMBERED", 1)
    goal, shrink = np.ones(4), np.array([0.2, 0.5, 0.7, 0.9])
    kept, plain = rounds_to(goal, shrink, leaps=True), rounds_to(goal, shrink, leaps=False)
    monkeypatch.undo()
    assert rounds_to(goal, shrink, leaps=True) < kept < plain


def test_an_iteration_that_stands_still_stays() -> None:
    leap, x = Anderson(), np.array([1.0, 2.0])
    for _ in range(3):
        assert (leap.ahead(x, x) == x).all()
