"""The linear program of the flexibility market: what HiGHS answers depends on the program alone."""

from threading import Thread

import numpy as np
import pytest

from peerflex.markets.linear import Program, Solution, solve


def program(seed: int) -> Program:
    """Draw a program with many equal costs, some of them infeasible, some in balance."""
    rng = np.random.default_rng(seed)
    rows, columns = int(rng.integers(1, 9)), int(rng.integers(2, 60))
    return Program(
        cost=np.round(rng.normal(0, 5, columns)),
        most=np.round(rng.random(columns), 1),
        rows=np.round(rng.normal(0, 1, (rows, columns))),
        lower=np.full(rows, -np.inf),
        upper=np.round(rng.uniform(-0.8, 0.4, rows), 1),
        balance=rng.choice([-1.0, 1.0], columns) if rng.random() < 0.4 else None,
    )


def bits(found: Solution) -> bytes:
    return found.value.tobytes() + found.missing.tobytes() + found.multiplier.tobytes()


def solved_by_a_new_solver(each: Program) -> bytes:
    found: list[bytes] = []
    thread = Thread(target=lambda: found.append(bits(solve(each))))  # every thread has a solver of its own
    thread.start()
    thread.join()
    return found[0]


def test_a_solver_that_was_used_before_answers_as_a_new_one_to_the_last_bit() -> None:
    programs = [program(seed) for seed in range(60)]
    alone = [solved_by_a_new_solver(each) for each in programs]
    assert [bits(solve(each)) for each in programs] == alone
    assert [bits(solve(each)) for each in reversed(programs)] == alone[::-1]
    missing = [solve(each).missing.sum() > 0 for each in programs]
    assert any(missing)
    assert not all(missing)


@pytest.mark.parametrize("seed", range(20))
def test_rows_and_balance_are_kept_but_for_what_is_missing(seed: int) -> None:
    each = program(seed)
    found = solve(each)
    carried = (each.rows * found.value).sum(axis=1)
    assert (carried <= each.upper + found.missing + 1e-8).all()
    assert (found.value >= 0).all()
    assert (found.value <= each.most).all()
    if each.balance is not None:
        assert (each.balance * found.value).sum() == pytest.approx(0, abs=1e-7)
