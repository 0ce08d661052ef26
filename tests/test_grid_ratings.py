"""Ratings drawn to congest a grid: every class as large and as loaded as asked for, or a refusal that says why."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peerflex.core.arrays import Floats
from peerflex.core.errors import InputError
from peerflex.core.streams import stream
from peerflex.grid.ratings import Band, RatingSpec, StressSpec, draw_ratings, head_of, stress_ratings

N = 68
SPEC = RatingSpec(
    overloaded=np.array([43, 66]),
    overloaded_count=0,
    overflow_mva=0.02,
    high=Band(15, 0.80, 0.97),
    middle=Band(24, 0.605, 0.795),
    low=(0.05, 0.595),
    mean_loading=0.65,
    placement_noise=1.0,
    head=3,
    least_mva=0.001,
)


def flows(seed: int) -> Floats:
    """Return flows of very different size, as on a feeder with laterals."""
    return np.exp(stream(seed, "test.flows").normal(-2.0, 1.0, N)) + 0.05


def drawn(base_mva: Floats, spec: RatingSpec = SPEC, seed: int = 1) -> Floats:
    return draw_ratings(base_mva, spec, stream(seed, "test.ratings"), "grid.ratings")


@settings(max_examples=60, deadline=None)
@given(flow=st.integers(0, 10_000), seed=st.integers(0, 10_000))
def test_every_class_and_the_mean_are_met_in_every_draw(flow: int, seed: int) -> None:
    base_mva = flows(flow)

    loading = base_mva / drawn(base_mva, seed=seed)

    np.testing.assert_array_equal(np.flatnonzero(loading > 1.0), [43, 66])
    np.testing.assert_allclose((base_mva - base_mva / loading)[[43, 66]], 0.02)
    assert int((loading >= 0.80).sum()) == 17
    assert int((loading > 0.60).sum()) == 41
    assert loading.mean() == pytest.approx(0.65, abs=1e-12)
    assert loading.min() > 0.05
    free_head = np.setdiff1d(np.flatnonzero(head_of(base_mva, 3)), [43, 66])
    assert (loading[free_head] < 0.60).all()


@given(seed=st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_overloaded_branches_may_be_drawn(seed: int) -> None:
    base_mva = flows(seed)
    loading = base_mva / drawn(base_mva, replace(SPEC, overloaded=None, overloaded_count=3), seed)

    over = np.flatnonzero(loading > 1.0)
    assert len(over) == 3
    assert not head_of(base_mva, 3)[over].any()
    np.testing.assert_allclose(base_mva[over] * (1.0 - 1.0 / loading[over]), 0.02)
    assert loading.max() <= 2.0


def test_without_noise_the_largest_flows_are_nearly_full_and_with_it_they_tend_to_be() -> None:
    base_mva = flows(1)
    rank = np.argsort(np.argsort(-base_mva))

    def mean_rank(noise: float | None) -> float:
        high = []
        for seed in range(60):
            loading = base_mva / drawn(base_mva, replace(SPEC, placement_noise=noise), seed)
            high.append(rank[(loading >= 0.80) & (loading < 1.0)].mean())
        return float(np.mean(high))

    exact = base_mva / drawn(base_mva, replace(SPEC, placement_noise=0.0))
    candidates = np.setdiff1d(np.argsort(-base_mva)[3:], [43, 66], assume_unique=True)
    order = candidates[np.argsort(-base_mva[candidates])]
    assert set(np.flatnonzero((exact >= 0.80) & (exact < 1.0))) == set(order[:15])
    # drawn evenly, the mean rank of the candidates (3 to 67 less two), with a standard error of about 0.6
    assert mean_rank(None) == pytest.approx(rank[candidates].mean(), abs=2.5)
    assert mean_rank(0.0) < mean_rank(1.0) - 3 < mean_rank(None) - 6


def test_a_branch_without_flow_keeps_the_lowest_rating_and_the_mean_still_holds() -> None:
    base_mva = flows(2)
    base_mva[[10, 11]] = 0.0, 0.0004

    rating = drawn(base_mva)

    np.testing.assert_array_equal(rating[[10, 11]], 0.001)
    assert (base_mva / rating).mean() == pytest.approx(0.65, abs=1e-12)


@pytest.mark.parametrize(
    ("change", "where", "what"),
    [
        (replace(SPEC, overloaded=np.array([68])), "overloaded.branches", "no branch 69"),
        (replace(SPEC, overflow_mva=50.0), "overloaded.overflow_mva", "not enough"),
        (replace(SPEC, overloaded=None, overloaded_count=80), "overloaded", "asks for 80 branches"),
        (replace(SPEC, high=Band(64, 0.8, 0.97)), "high", "asks for 64 branches, 63 are left"),
        (replace(SPEC, mean_loading=0.30), "mean_loading", "needs the 27 other branches at -0."),
        (replace(SPEC, high=Band(15, 0.8, 0.97), middle=Band(51, 0.6, 0.79), head=0), "mean_loading", "no branch"),
    ],
)
def test_what_a_network_cannot_be_is_refused(change: RatingSpec, where: str, what: str) -> None:
    base_mva = np.sort(flows(3))[::-1].copy()

    with pytest.raises(InputError) as refused:
        drawn(base_mva, change)

    assert refused.value.problem.where == f"grid.ratings.{where}"
    assert what in refused.value.problem.what


@given(seed=st.integers(0, 10_000), heavier=st.floats(1.0, 3.0), limited=st.integers(0, 60))
@settings(max_examples=60, deadline=None)
def test_stress_congests_so_many_branches_and_no_more_than_can_be_relieved(
    seed: int, heavier: float, limited: int
) -> None:
    base_mva = flows(seed)
    relief_mva = base_mva * stream(seed, "test.relief").uniform(0.0, 1.0, N)
    before = drawn(base_mva, seed=seed)
    spec = StressSpec(limited_count=limited, head=3, excess=0.02, relief_share=0.85)

    rating = stress_ratings(before, base_mva, heavier * base_mva, relief_mva, spec, "grid.ratings")

    flow = heavier * base_mva
    congested = flow > rating
    assert congested.sum() == limited
    assert (flow[congested] >= 1.02 * rating[congested] * (1 - 1e-12)).all()
    assert (flow[~congested] <= rating[~congested] / 1.02 * (1 + 1e-12)).all()
    assert not congested[head_of(base_mva, 3)].any()
    # no more than can be relieved, but for the excess that makes it congested at all
    most = np.maximum(0.85 * relief_mva, flow * (1 - 1 / 1.02)) * (1 + 1e-9)
    assert (flow - rating <= most)[congested].all()


def test_more_limited_branches_than_there_are_is_refused() -> None:
    base_mva = flows(4)

    with pytest.raises(InputError, match="asks for 66 branches, the network has 65"):
        stress_ratings(drawn(base_mva), base_mva, base_mva, base_mva, StressSpec(66, 3, 0.02, 0.85), "grid.ratings")
