"""Branch ratings drawn so that a network's base state is loaded as a study wants it, and a stressed variant of them.

The way in which the 69-bus feeder of EUniversal D5.3 (2022), section 5.4.1, is described: so many branches congested,
so many at or above 80 % and above 60 %, and a mean. What is drawn is which branches, and how much within each class.
"""

from dataclasses import dataclass

import numpy as np

from peerflex.core.arrays import Bools, Floats, Ints
from peerflex.core.errors import InputError

MOST_LOADED = 2.0
"""A branch that is overloaded by chance is loaded to at most this: a small flow cannot have a large overflow."""


@dataclass(frozen=True, slots=True)
class Band:
    """``count`` branches, loaded evenly between ``low`` and ``high``."""

    count: int
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class RatingSpec:
    """How loaded a base state should be.

    The branches ``overloaded`` (rows; as many as ``overloaded_count`` by chance if None) carry ``overflow_mva`` more
    than their rating. ``high`` are those with the largest ``log(flow) + placement_noise * N(0, 1)``, or any if the
    noise is None; ``middle`` any of the others. The rest lies within ``low``, around what makes the mean of all
    branches ``mean_loading``; so do the ``head`` branches with the largest flows, which what happens within the
    network can hardly relieve. A branch that carries less than ``least_mva`` is rated just that.
    """

    overloaded: Ints | None
    overloaded_count: int
    overflow_mva: float
    high: Band
    middle: Band
    low: tuple[float, float]
    mean_loading: float
    placement_noise: float | None
    head: int
    least_mva: float


def draw_ratings(base_mva: Floats, spec: RatingSpec, rng: np.random.Generator, where: str) -> Floats:
    """Return the rating of every branch in MVA, from what each carries in the base state; shapes ``(branches,)``.

    Raises:
        InputError: naming a key below ``where``, if the network cannot be loaded so.
    """
    free = base_mva >= spec.least_mva
    loading = base_mva / spec.least_mva
    over = _overloaded(base_mva, spec, rng, where)
    loading[over] = base_mva[over] / (base_mva[over] - spec.overflow_mva)
    free[over] = False
    middling = free & ~head_of(base_mva, spec.head)
    for name, band, noise in (("high", spec.high, spec.placement_noise), ("middle", spec.middle, None)):
        rows = _placed(base_mva, middling, band.count, noise, rng, f"{where}.{name}")
        loading[rows] = rng.uniform(band.low, band.high, band.count)
        free[rows] = middling[rows] = False
    low = np.flatnonzero(free)
    loading[low] = _with_mean(spec.mean_loading * len(base_mva) - float(loading[~free].sum()), low, spec, rng, where)
    return np.where(base_mva >= spec.least_mva, base_mva / np.where(loading > 0.0, loading, 1.0), spec.least_mva)


def head_of(base_mva: Floats, count: int) -> Bools:
    """Return which branches are the ``count`` with the largest flows."""
    head = np.zeros(len(base_mva), dtype=np.bool_)
    head[np.argsort(-base_mva, kind="stable")[:count]] = True
    return head


def _overloaded(base_mva: Floats, spec: RatingSpec, rng: np.random.Generator, where: str) -> Ints:
    if spec.overloaded is not None:
        for row in spec.overloaded:
            if not 0 <= row < len(base_mva):
                what = f"there is no branch {row + 1}; the network has {len(base_mva)}"
                raise InputError(f"{where}.overloaded.branches", what, "Count branches from 1.")
            if base_mva[row] - spec.overflow_mva < spec.least_mva:
                what = f"branch {row + 1} carries {base_mva[row]:.4g} MVA, not enough to overflow by so much"
                raise InputError(f"{where}.overloaded.overflow_mva", what, "Lower it, or raise grid.demand_factor.")
        return spec.overloaded
    large = base_mva * (1.0 - 1.0 / MOST_LOADED) >= spec.overflow_mva
    return _placed(
        base_mva, large & ~head_of(base_mva, spec.head), spec.overloaded_count, None, rng, f"{where}.overloaded"
    )


def _placed(
    base_mva: Floats, among: Bools, count: int, noise: float | None, rng: np.random.Generator, where: str
) -> Ints:
    rows = np.flatnonzero(among)
    if count > len(rows):
        what = f"asks for {count} branches, {len(rows)} are left with enough flow"
        raise InputError(where, what, "Ask for fewer, or lower grid.ratings.head_branches.")
    key = rng.standard_normal(len(rows))
    if noise is not None:
        key = np.log(base_mva[rows]) + noise * key
    return rows[np.argsort(-key, kind="stable")[:count]]


def _with_mean(total: float, rows: Ints, spec: RatingSpec, rng: np.random.Generator, where: str) -> Floats:
    """Return loadings that add up to ``total``, spread as widely around their mean as ``spec.low`` lets them."""
    deviation = rng.uniform(-1.0, 1.0, len(rows))
    if not rows.size:
        raise InputError(f"{where}.mean_loading", "no branch is left to make the mean", "Lower the other classes.")
    mean, (low, high) = total / len(rows), spec.low
    if not low <= mean <= high:
        what = f"{spec.mean_loading:g} needs the {len(rows)} other branches at {mean:.3f}, outside {low:g} to {high:g}"
        raise InputError(f"{where}.mean_loading", what, "Change it, the classes, or low_loading.")
    deviation -= deviation.mean()
    widest = float(np.abs(deviation).max())
    return mean + deviation * (min(mean - low, high - mean) / widest if widest > 0.0 else 0.0)


@dataclass(frozen=True, slots=True)
class StressSpec:
    """Which ratings still bind when the base state is heavier, and how much.

    The ``limited_count`` most loaded branches (the ``head`` apart) are overloaded by at least the share ``excess``,
    and by no more than ``relief_share`` of what upward flexibility can take off them; all others are rated so
    that the share ``excess`` is left.
    """

    limited_count: int
    head: int
    excess: float
    relief_share: float


def stress_ratings(
    rating_mva: Floats, base_mva: Floats, stressed_mva: Floats, relief_mva: Floats, spec: StressSpec, where: str
) -> Floats:
    """Return ratings for a heavier base state, as scenario 0' of EUniversal D5.3 needs them; shapes ``(branches,)``.

    ``relief_mva`` is how far all upward flexibility together lowers each flow.

    Raises:
        InputError: if the network has too few branches.
    """
    able = ~head_of(base_mva, spec.head) & (stressed_mva > 0.0)
    if spec.limited_count > able.sum():
        what = f"asks for {spec.limited_count} branches, the network has {int(able.sum())}"
        raise InputError(f"{where}.stress.limited", what, "Ask for fewer.")
    order = np.argsort(np.where(able, -base_mva / rating_mva, np.inf), kind="stable")
    limited = np.maximum(rating_mva, stressed_mva - spec.relief_share * relief_mva)
    result = np.maximum(rating_mva, (1.0 + spec.excess) * stressed_mva)
    rows = order[: spec.limited_count]
    result[rows] = np.minimum(limited, stressed_mva / (1.0 + spec.excess))[rows]
    return result
