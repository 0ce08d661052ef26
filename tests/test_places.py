"""Places and what is harmed between them: brute force on real grids, and what blocking does and does not keep."""

from functools import cache
from itertools import product
from typing import TypeVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peerflex.core.arrays import Bools, Floats, Ints, ints
from peerflex.core.network import Injections, Sensitivities
from peerflex.core.protocols import Grid
from peerflex.core.trade import TradeTerms
from peerflex.grid.connections import base_case
from peerflex.markets.incentives import LEAST_EFFECT, TradeBlocking, TradePreference
from peerflex.markets.places import find_places
from tests.grid_rival import opened
from tests.network_views import view_of_slopes

Column = TypeVar("Column", Floats, Bools)


def of_pairs(terms: TradeTerms, column: Column) -> Column:
    """Return a column of the terms for pairs of peers ``(sellers, buyers)``."""
    return column[np.ix_(terms.place, terms.place)]


def slopes(effect: Floats, flow_mw: Floats, rating_mw: float = 0.3) -> Sensitivities:
    """Return what a grid says whose branch flows move by ``effect`` (not in the direction of the flow) per MW."""
    by_mw, rating = effect / rating_mw, np.full(len(effect), rating_mw)
    return Sensitivities(np.arange(len(effect)), ints(0), flow_mw / rating, by_mw, np.zeros_like(by_mw), rating)


# Real grids.


def brute_force(effect: Floats, least: float) -> tuple[Ints, Ints]:
    """Return how many branches a sale from each bus to each bus harms, and how many it helps, pair by pair."""
    harmed, helped = ints(effect.shape[1], effect.shape[1]), ints(effect.shape[1], effect.shape[1])
    for branch, seller, buyer in product(*(range(n) for n in effect.shape), range(effect.shape[1])):
        moved = effect[branch, seller] - effect[branch, buyer]
        harmed[seller, buyer] += moved > least
        helped[seller, buyer] += moved < -least
    return harmed, helped


def effects(of: Sensitivities) -> Floats:
    return np.sign(of.value)[:, None] * of.by_mw * of.mw_per_unit[:, None]


def like_d53(seed: int) -> Ints:
    """Return 17 branches of case69 as at risk: rows 44 and 67 (from 1), and large ones, but none of the first three."""
    state = opened("bundled", "case69").linear().solve(base("case69"))
    size = np.abs(state.flow_mw)
    key = np.log(np.maximum(size, 1e-12)) + np.random.default_rng(seed).normal(size=len(size))
    key[[43, 66]], key[:3] = np.inf, -np.inf
    return np.sort(np.argsort(-key)[:17])


@cache
def base(name: str, source: str = "bundled") -> Injections:
    network = opened(source, name)
    return base_case(network.connections, len(network.ac.buses))


@pytest.mark.parametrize("physics", ["linear", "ac"])
def test_counts_are_those_of_every_pair_of_buses(physics: str) -> None:
    network = opened("bundled", "case69")
    grid: Grid = network.linear() if physics == "linear" else network.ac
    at_risk = grid.sensitivities(grid.solve(base("case69")), like_d53(0), ints(0))
    harmed, helped = brute_force(effects(at_risk), LEAST_EFFECT)
    peers = np.arange(69)
    blocking, preference = (
        TradeBlocking().before(view_of_slopes(at_risk, peers)),
        TradePreference().before(view_of_slopes(at_risk, peers)),
    )
    assert blocking.blocked.shape == (18, 18)
    np.testing.assert_array_equal(of_pairs(blocking, blocking.blocked), harmed > 0)
    gain, cost = of_pairs(preference, preference.gain_factor), of_pairs(preference, preference.cost_factor)
    np.testing.assert_allclose(gain, 1.2**helped * 0.8**harmed, rtol=1e-12)
    np.testing.assert_allclose(cost, 1.2**harmed * 0.8**helped, rtol=1e-12)


def test_the_count_does_not_depend_on_how_many_branches_are_compared_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    network = opened("bundled", "case69")
    at_risk = network.linear().sensitivities(network.linear().solve(base("case69")), like_d53(0), ints(0))
    harmed = find_places(at_risk, LEAST_EFFECT).harmed
    for branches in (1, 5):
        monkeypatch.setattr("peerflex.markets.places.COMPARED_AT_A_TIME", branches * harmed.size)
        np.testing.assert_array_equal(find_places(at_risk, LEAST_EFFECT).harmed, harmed)


def test_about_43_percent_of_the_pairs_of_d53_remain() -> None:
    """46 load buses, all but the two smallest; our own prototype of D5.3 left 43 % of the pairs."""
    grid, loads = opened("bundled", "case69").linear(), base("case69")
    bus = np.argsort(loads.p_mw, kind="stable")[:46]
    shares = []
    for seed in range(40):
        at_risk = grid.sensitivities(grid.solve(loads), like_d53(seed), ints(0))
        terms = TradeBlocking().before(view_of_slopes(at_risk, bus))
        shares.append(1 - of_pairs(terms, terms.blocked).mean())
    assert np.median(shares) == pytest.approx(0.43, abs=0.05)
    assert 0.2 < min(shares) < max(shares) < 0.6


@pytest.mark.parametrize(
    ("source", "name"), [("bundled", "case69"), ("bundled", "case33bw"), ("simbench", "1-MV-rural--0-sw")]
)
def test_ac_blocks_what_linear_physics_blocks(source: str, name: str) -> None:
    """Losses and reactive power change the effects, not the places: loads alone, the 17 largest flows."""
    network = opened(source, name)
    loads = Injections(np.minimum(base(name, source).p_mw, 0), base(name, source).q_mvar)
    state = network.ac.solve(loads)
    finite = np.isfinite(network.ac.branches.rating_mva)
    branches = np.sort(np.argsort(np.where(finite, -np.abs(state.flow_mw), 0))[:17])
    slopes_ac = network.ac.sensitivities(state, branches, ints(0))
    linear = network.linear()
    lossy = find_places(slopes_ac, LEAST_EFFECT)
    plain = find_places(linear.sensitivities(linear.solve(loads), branches, ints(0)), LEAST_EFFECT)
    assert np.abs(effects(slopes_ac) - np.round(effects(slopes_ac))).max() > 0.1
    np.testing.assert_array_equal(lossy.of_bus, plain.of_bus)
    np.testing.assert_array_equal(lossy.harmed, plain.harmed)


# Random grids.


@st.composite
def trees(draw: st.DrawFn) -> tuple[Floats, Floats]:
    """Draw a radial grid: its effects (-1 behind a branch) and injections of both signs, some of them 0."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = int(rng.integers(2, 25))
    behind = np.zeros((n - 1, n))
    for bus in range(1, n):
        behind[:, bus] = behind[:, rng.integers(bus)]
        behind[bus - 1, bus] = 1
    return -behind, np.where(rng.random(n) < 0.2, 0.0, rng.normal(size=n))


@st.composite
def meshes(draw: st.DrawFn) -> Floats:
    """Draw the effects of a meshed grid, by its Laplacian, scattered as losses would."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = int(rng.integers(3, 15))
    ends = [(int(rng.integers(bus)), bus) for bus in range(1, n)]
    ends += [tuple(rng.choice(n, 2, replace=False)) for _ in range(rng.integers(0, n))]
    incidence = np.zeros((len(ends), n))
    for row, (start, end) in enumerate(ends):
        incidence[row, start], incidence[row, end] = 1, -1
    weight = rng.uniform(0.2, 5, len(ends))[:, None]
    angle = np.linalg.inv((incidence.T @ (weight * incidence))[1:, 1:])
    ptdf = np.concatenate([np.zeros((len(ends), 1)), (weight * incidence)[:, 1:] @ angle], axis=1)
    return ptdf * rng.uniform(0.8, 1.2, ptdf.shape)


@settings(max_examples=80, deadline=None)
@given(grid=trees(), share=st.floats(0.1, 1.0), seed=st.integers(0, 10**6))
def test_allowed_trades_never_load_a_branch_at_risk_further(
    grid: tuple[Floats, Floats], share: float, seed: int
) -> None:
    """Linear physics, any allowed trades at once; a branch whose flow they turn round is another matter."""
    effect, injection = grid
    flow = effect @ injection
    risky = np.flatnonzero((np.abs(flow) >= share * np.abs(flow).max()) & (flow != 0))
    terms = TradeBlocking().before(view_of_slopes(slopes(effect[risky], flow[risky]), np.arange(len(injection))))
    rng = np.random.default_rng(seed)
    trade = rng.exponential(size=(len(injection),) * 2) * (rng.random((len(injection),) * 2) < 0.3)
    blocked = of_pairs(terms, terms.blocked)

    trade[blocked] = 0.0
    kept = flow + effect @ (trade.sum(axis=1) - trade.sum(axis=0))
    same_way = risky[kept[risky] * flow[risky] >= 0]
    assert (np.abs(kept[same_way]) <= np.abs(flow[same_way]) + 1e-9).all()
    # and what is blocked, taken alone, does load one of them: the rule blocks no more than it must
    for seller, buyer in np.argwhere(blocked):
        moved = flow + 1e-6 * (effect[:, seller] - effect[:, buyer])
        assert (np.abs(moved[risky]) > np.abs(flow[risky]) + 1e-7).any()


@settings(max_examples=60, deadline=None)
@given(grid=trees(), lower=st.floats(0.1, 1.0), higher=st.floats(0.1, 1.0))
def test_a_lower_threshold_blocks_no_less(grid: tuple[Floats, Floats], lower: float, higher: float) -> None:
    effect, injection = grid
    flow = effect @ injection
    peers = np.arange(len(injection))

    def blocked(share: float) -> Bools:
        risky = np.abs(flow) >= share * np.abs(flow).max()
        terms = TradeBlocking().before(view_of_slopes(slopes(effect[risky], flow[risky]), peers))
        return of_pairs(terms, terms.blocked)

    assert (blocked(min(lower, higher)) >= blocked(max(lower, higher))).all()


@settings(max_examples=100, deadline=None)
@given(effect=meshes(), least=st.sampled_from([0.05, 0.2, LEAST_EFFECT, 0.6]))
def test_levels_are_transitive_and_hide_no_more_than_the_least_effect(effect: Floats, least: float) -> None:
    at_risk = slopes(effect, np.ones(len(effect)))
    places = find_places(at_risk, least)
    allowed = places.harmed == 0
    assert allowed.diagonal().all()
    assert not ((allowed.astype(int) @ allowed.astype(int) > 0) & ~allowed).any()
    harm = (effect[:, :, None] - effect[:, None, :]).max(axis=0)
    assert (harm[allowed[np.ix_(places.of_bus, places.of_bus)]] <= least).all()
    harmed, helped = places.harmed[np.ix_(places.of_bus, places.of_bus)], brute_force(effect, least)[1]
    assert (helped <= harmed.T).all()  # sale there and back: what one harms the other helps
    # buses of two places differ to some branch, those of one place to none
    assert ((places.harmed + places.helped > 0) == ~np.eye(len(places.harmed), dtype=bool)).all()
    # a smaller least effect counts no less
    finer = find_places(at_risk, least / 2)
    assert (finer.harmed[np.ix_(finer.of_bus, finer.of_bus)] >= harmed).all()


def test_pairs_compared_one_by_one_would_not_be_transitive() -> None:
    """Along a ring each neighbour is within the least effect of the next, its ends are not: levels cut once."""
    ring = np.linspace(0, 1, 11)[None, :]
    pair_by_pair = brute_force(ring, LEAST_EFFECT)[0] == 0
    assert pair_by_pair[2, 0]
    assert pair_by_pair[4, 2]
    assert not pair_by_pair[4, 0]
    places = find_places(slopes(ring, np.ones(1)), LEAST_EFFECT)
    assert 4 <= len(places.harmed) <= 7


def test_a_branch_without_a_slope_says_nothing() -> None:
    effect = np.array([[0.0, -1.0, -1.0], [np.nan, -1.0, 0.0]])
    at_risk = slopes(effect, np.array([0.1, np.nan]))
    assert TradeBlocking().before(view_of_slopes(at_risk, np.arange(3))).blocked.tolist() == [
        [False, False],
        [True, False],
    ]
    assert TradeBlocking().before(view_of_slopes(at_risk, np.array([2, 2, 0]))).place.tolist() == [0, 0, 1]
