"""Implicit service, and a DSO that knows its network: trades harm nothing, and the flexibility market ends clean."""

from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peerflex.core.causes import Cause
from peerflex.core.network import GridState
from peerflex.core.protocols import Desk
from peerflex.core.record import Agreement, HourRecord
from peerflex.core.trade import Signal
from peerflex.core.units import QUANTITY_TOLERANCE_MW
from peerflex.grid.limits import find_violations
from peerflex.markets.matching import nothing_traded
from peerflex.markets.trade_check import TradeCheck
from peerflex.runs.area.build import build
from peerflex.runs.area.plugins import registry
from peerflex.scenarios.load import load_scenario
from tests.test_hour import simulate

pytestmark = pytest.mark.once
PARTS = registry()


@dataclass(frozen=True)
class Watched:
    """The check of trades, and the DSO's flow before any trade and after all of them, each time it was asked."""

    seen: list[tuple[GridState, GridState]] = field(default_factory=list)

    def agree(self, desk: Desk, signal: Signal) -> Agreement:
        nothing = np.zeros(len(desk.peers))
        plan = desk.bids(nothing)
        before = desk.flow(plan, nothing_traded(plan.orders), nothing)
        agreed = TradeCheck().agree(desk, signal)
        self.seen.append((before, agreed.expected))
        return agreed


def hours(
    preset: str, sequence: str, seed: int, hour: int, rating: float, demand: float, pv_kw: float, low_pu: float
) -> tuple[list[HourRecord], int, int]:
    """Return two hours on the 69-bus grid by its AC flow, in which peers may give up all of their load.

    Beside them: how many elements trades put further beyond their limits, and how many were beyond before flexibility.
    """
    said = (
        f"market.preset={preset}",
        f"market.sequence={sequence}",
        f"seed={seed}",
        f"time.start=2016-07-04T{hour:02d}:00:00",
        "time.hours=2",
        f"grid.line_rating_factor={rating}",
        f"grid.demand_factor={demand}",
        f"dso.voltage_pu=[{low_pu}, 1.03]",
        f"peers.0.pv_kw={pv_kw}",
        "peers.0.share_of_connections=0.7",
        "peers.0.behaviour.flexible_load_share=1.0",
        "peers.1.behaviour.flexible_load_share=1.0",
        "reference=none",
    )
    area, watched = build(load_scenario("case69-day", said), PARTS).area, Watched()
    records = simulate(replace(area, service=watched), 2)
    limits, worse = area.limits, 0
    for before, after in watched.seen:
        worse += int((after.loading > np.fmax(limits.loading, before.loading) + 1e-6).sum())
        worse += int((after.v_pu < np.fmin(limits.v_min_pu, before.v_pu) - 1e-6).sum())
        worse += int((after.v_pu > np.fmax(limits.v_max_pu, before.v_pu) + 1e-6).sum())
    beyond = sum(len(find_violations(record.decision.outlook.traded, limits)) for record in records)
    return records, worse, beyond


@settings(max_examples=20, deadline=None)
@given(
    preset=st.sampled_from(["CM3-V2", "CM4-LFM"]),
    sequence=st.sampled_from(["p2p-first", "iterative"]),
    seed=st.integers(0, 10**6),
    hour=st.sampled_from([11, 12, 13, 18, 19, 20, 21]),
    rating=st.floats(0.25, 0.6),
    demand=st.floats(0.7, 1.2),
    pv_kw=st.floats(20, 300),
    low_pu=st.floats(0.92, 0.95),
)
def test_a_limit_is_only_left_broken_where_the_record_says_that_offers_did_not_suffice(
    preset: str, sequence: str, seed: int, hour: int, rating: float, demand: float, pv_kw: float, low_pu: float
) -> None:
    records, worse, _ = hours(preset, sequence, seed, hour, rating, demand, pv_kw, low_pu)
    assert worse == 0
    for record in records:
        lacking = (record.decision.flex.missing_mw > QUANTITY_TOLERANCE_MW).any()
        assert lacking or not len(record.violations)
        assert (record.causes == Cause.NOT_OFFERED).all()


@pytest.mark.parametrize("preset", ["CM3-V2", "CM4-LFM"])
@pytest.mark.parametrize("sequence", ["p2p-first", "iterative"])
@pytest.mark.parametrize(("hour", "pv_kw"), [(12, 300.0), (19, 60.0)], ids=["noon", "evening"])
def test_where_enough_is_offered_nothing_is_left(preset: str, sequence: str, hour: int, pv_kw: float) -> None:
    records, worse, beyond = hours(preset, sequence, 1, hour, 0.5, 1.0, pv_kw, 0.93)
    assert worse == 0
    assert beyond >= 3, "there was something to relieve"
    assert sum(len(record.violations) for record in records) == 0
    assert max(record.decision.flex.missing_mw.max(initial=0.0) for record in records) <= QUANTITY_TOLERANCE_MW


def test_a_flow_that_many_rounds_bring_ever_nearer_to_its_limits_ends_within_them() -> None:
    """The trunk is far beyond its limit, and many offers have one price: each round finds another answer."""
    records, _, beyond = hours("CM3-V2", "p2p-first", 0, 18, 0.25, 0.8125, 20.0, 0.9375)
    assert beyond >= 3
    assert not len(records[0].violations)
    assert not any(event.kind == "flexibility-unsettled" for event in records[0].events)


def test_where_too_little_is_offered_the_record_says_so() -> None:
    records, worse, _ = hours("CM3-V2", "p2p-first", 1, 19, 0.25, 1.2, 60.0, 0.95)
    assert worse == 0
    for record in records:
        assert len(record.violations)
        assert (record.decision.flex.missing_mw > QUANTITY_TOLERANCE_MW).any()
        assert any(event.kind == "flexibility-missing" for event in record.events)
