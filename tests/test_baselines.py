"""Baselines made of meter readings: the example of docs/economics/baselines.md, and what holds whatever they say."""

from dataclasses import replace
from itertools import product
from typing import Final

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peerflex.core.arrays import Floats, add_up
from peerflex.core.network import Injections
from peerflex.core.parties import Reason
from peerflex.core.record import Decision, HourRecord, Ledger
from peerflex.core.settled import Settled
from peerflex.core.trade import FlexResult, Orders
from peerflex.core.units import SELL
from peerflex.markets.baselines import baseline_that_counts, kept, mean_of_days
from peerflex.markets.double_auction import UniformPriceDoubleAuction
from peerflex.markets.idle import NoFlexMarket
from peerflex.markets.leftovers import flex_offers
from peerflex.markets.matching import nothing_traded
from peerflex.markets.responsibility import ACTIVATIONS, IMBALANCE, Responsibility
from peerflex.markets.settled import settled
from peerflex.markets.settlement import check_balance, settle
from peerflex.runs.area.area import Area
from tests.areas import Street, street
from tests.contracts import book, books
from tests.test_hour import flat, simulate
from tests.test_settlement import PEERS, TARIFFS, answered, decided, earned_eur

KWH: Final = 1e-3
TIGHT: Final = Street(rating_mw=0.006)
BY_DELIVERY: Final = Responsibility(delivered=True)


def settle_by(rules: Responsibility, decision: Decision) -> tuple[Ledger, Settled]:
    """Return the ledger of an hour in which meters see what was done, balanced, and what it comes to."""
    metered = decision.pv_mw + decision.battery_mw - decision.load_mw
    nobody, state = Injections(np.zeros(4), np.zeros(4)), answered(decision.injections.p_mw, 0.0, np.zeros(4))
    ledger = settle(decision, metered, nobody, state, TARIFFS, 1.0, rules)
    check_balance(ledger, metered, nobody, state, 1.0)
    return ledger, settled(ledger, decision, TARIFFS, 1.0, rules)


def evening(announced_kw: float, does_kw: float, history: bool) -> Decision:
    """Anna sold 0.5 kW upward at 400 EUR/MWh, announced this without it, and does that."""
    orders = book((SELL, 0.0005, 400))
    left = flex_offers(orders, nothing_traded(orders), np.arange(1), np.zeros(1))
    flex = FlexResult(np.array([0.0005]), np.array([400.0]), 0.0005, 0.1, np.zeros(0), np.zeros(0))
    decision = decided(orders, "none", np.array([announced_kw + 0.5]) * KWH, np.array([does_kw]) * KWH)
    before = mean_of_days(np.array([[-1.2], [-0.8], [-1.0]]) * KWH, steps_a_day=1, days=3)
    return replace(
        decision,
        offers=left,
        flex=flex,
        contracted_mw=np.array([0.5]) * KWH,
        baseline_mw=np.array([announced_kw]) * KWH,
        history_baseline_mw=before if history else None,
    )


@pytest.mark.parametrize(
    ("announced_kw", "does_kw", "history", "share", "earned", "not_moved", "not_paid"),
    [
        (-1.0, -0.5, False, 1.0, -0.1, 0.0, 0.0),
        (-1.0, -0.5, True, 1.0, -0.1, 0.0, 0.0),
        (-0.4, -0.4, False, 0.0, -0.157, 0.0, 0.0),
        (-0.4, -0.4, True, 1.0, -0.085, 0.5, 0.0),
        (-1.6, -1.1, False, 1.0, -0.28, 0.0, 0.0),
        (-1.6, -1.1, True, 0.0, -0.33, 0.0, 0.5),
    ],
)
def test_three_evenings_of_the_page(
    announced_kw: float, does_kw: float, history: bool, share: float, earned: float, not_moved: float, not_paid: float
) -> None:
    ledger, figures = settle_by(BY_DELIVERY, evening(announced_kw, does_kw, history))
    flex = ledger.take(ledger.reason == Reason.FLEX)
    assert flex.energy_mwh.sum() == pytest.approx(0.5 * KWH * share)
    assert earned_eur(ledger, 1)[0] == pytest.approx(earned)
    assert figures.lfm_delivered_mwh == pytest.approx(0.5 * KWH * share)
    assert figures.lfm_paid_not_moved_mwh == pytest.approx(not_moved * KWH)
    assert figures.lfm_moved_not_paid_mwh == pytest.approx(not_paid * KWH)


def test_paid_as_sold_what_was_not_moved_is_paid() -> None:
    _, figures = settle_by(Responsibility(), evening(-0.4, -0.4, history=False))
    assert (figures.lfm_paid_not_moved_mwh, figures.lfm_moved_not_paid_mwh) == pytest.approx((0.5 * KWH, 0.0))


def test_a_mean_of_days_is_of_the_same_time_and_of_as_many_days_as_there_are() -> None:
    """Two readings a day: morning and evening."""
    readings, means = None, []
    for value in (1.0, 10.0, 3.0, 30.0, 8.0, 80.0):
        means.append(mean_of_days(readings, steps_a_day=2, days=2))
        readings = kept(readings, np.array([value]), most=4)
    assert means[:2] == [None, None], "not a whole day yet"
    assert [mean.tolist() for mean in means[2:] if mean is not None] == [[1.0], [10.0], [2.0], [20.0]]
    assert readings is not None
    assert readings.ravel().tolist() == [3.0, 30.0, 8.0, 80.0], "no more than two days are kept"
    assert mean_of_days(readings, steps_a_day=2, days=1) == 8.0, "fewer days than there are readings of"
    assert mean_of_days(readings, steps_a_day=2, days=0) is None
    assert kept(readings, np.zeros(1), most=0) is None


def test_days_that_do_not_count_are_left_out_and_nobody_without_any_has_a_baseline_of_days() -> None:
    readings = np.array([[1.0, np.nan], [np.nan, np.nan], [4.0, np.nan]])
    mean = mean_of_days(readings, steps_a_day=1, days=3)
    assert mean is not None
    assert mean[0] == 2.5
    assert np.isnan(mean[1])
    assert baseline_that_counts(np.array([7.0, 8.0]), mean).tolist() == [2.5, 8.0]
    assert baseline_that_counts(np.ones(1), None) == 1.0


def congested(days: int, steps: int = 72, **changes: object) -> Area:
    """Return a street whose line calls for flexibility, settled as delivered, with steps of the given length."""
    rules = Responsibility(delivered=True, baseline_days=days)
    area = street(12, steps, 3, grid=TIGHT, market=UniformPriceDoubleAuction(), responsibility=rules, **changes)
    return replace(area, dso=replace(area.dso, grid=TIGHT))


@pytest.mark.parametrize("step_s", [3600, 900])
def test_a_run_measures_against_what_its_own_meters_showed(step_s: int) -> None:
    a_day = 24 * 3600 // step_s
    area = congested(2, steps=a_day + 30 if step_s == 900 else 72, step_s=step_s, fails=(0.3, 0.3))
    records, activated = simulate(area), 0
    for step, record in enumerate(records):
        said = [event.kind for event in record.decision.events]
        active = bool(record.decision.flex.accepted_mw.any())
        assert ("no-history" in said) == (active and step < a_day)
        before = [records[step - days * a_day].metered_mw for days in (1, 2) if step >= days * a_day]
        if not before:
            assert record.decision.history_baseline_mw is None
            continue
        assert record.decision.history_baseline_mw == pytest.approx(np.mean(before, axis=0))
        activated += active
    assert activated > 3


def test_a_run_leaves_out_the_days_on_which_a_peer_was_called_on() -> None:
    area = congested(2)
    records = simulate(replace(area, responsibility=replace(area.responsibility, quiet_days_only=True)))
    called = [add_up(record.decision.offers.peer, record.decision.flex.accepted_mw, 12) > 0 for record in records]
    lacking = 0
    for step in range(24, len(records)):
        seen = [np.where(called[at], np.nan, records[at].metered_mw) for at in (step - 24, step - 48) if at >= 0]
        quiet = np.isfinite(seen).any(axis=0)
        history = records[step].decision.history_baseline_mw
        assert history is not None
        assert np.isnan(history).tolist() == (~quiet).tolist()
        assert history[quiet] == pytest.approx(np.nanmean(np.array(seen)[:, quiet], axis=0))
        said = [event.what for event in records[step].decision.events if event.kind == "no-history"]
        without = int((called[step] & ~quiet).sum())
        lacking += without
        assert [int(what.split()[0]) for what in said] == [without] * bool(without)
    assert lacking


def test_nothing_but_money_depends_on_the_baseline() -> None:
    announced, history = simulate(congested(0, fails=(0.3, 0.3))), simulate(congested(2, fails=(0.3, 0.3)))
    differs = [flat(one.ledger) != flat(other.ledger) for one, other in zip(announced[24:], history[24:], strict=True)]
    assert any(differs)
    for one, other in zip(announced, history, strict=True):
        assert flat(one.state) == flat(other.state)
        assert flat(one.decision.flex) == flat(other.decision.flex)
        assert flat(one.decision.result) == flat(other.decision.result)
        assert not one.settled.lfm_paid_not_moved_mwh
        paid_more_mwh = other.settled.lfm_paid_not_moved_mwh - other.settled.lfm_moved_not_paid_mwh
        assert other.settled.lfm_delivered_mwh - one.settled.lfm_delivered_mwh == pytest.approx(
            paid_more_mwh, abs=1e-12
        )
    assert sum(record.settled.lfm_paid_not_moved_mwh for record in history) > 0
    assert sum(record.settled.lfm_moved_not_paid_mwh for record in history) > 0


@pytest.mark.once
def test_where_days_repeat_and_nothing_was_activated_history_says_what_peers_announce() -> None:
    """Nobody has a battery, and forecasts are right."""
    area = street(9, 72, 3, grid=TIGHT, forecast_error=0.0, responsibility=replace(BY_DELIVERY, baseline_days=2))
    none = np.zeros(9)
    one_day = replace(
        area,
        peers=replace(area.peers, battery_mwh=none, battery_mw=none),
        start=replace(area.start, soc_mwh=none),
        profiles=replace(
            area.profiles,
            load_mw=np.tile(area.profiles.load_mw[:24], (3, 1)),
            load_mvar=np.tile(area.profiles.load_mvar[:24], (3, 1)),
            pv_mw=np.tile(area.profiles.pv_mw[:24], (3, 1)),
        ),
        dso=replace(area.dso, grid=TIGHT, forecast_error=0.0, publishes=False),
        flex_market=NoFlexMarket(),
        behaviours=(area.behaviours[1], area.behaviours[1]),  # no draws: the same bids every day
    )
    records: list[HourRecord] = simulate(one_day)
    for record in records[24:]:
        assert record.decision.history_baseline_mw == pytest.approx(record.decision.baseline_mw, abs=1e-12)


SAYS: Final = st.lists(st.sampled_from([-0.004, -0.001, 0.0, 0.002]), min_size=10, max_size=10).map(np.array)
"""How far what meters of the days before say is from what peers announced."""


@pytest.mark.once
@settings(max_examples=150, deadline=None)
@given(
    orders=books(),
    peers=st.tuples(PEERS, PEERS),
    says=SAYS,
    flex_share=st.sampled_from([0.3, 1.0]),
    rules=st.sampled_from([*product(IMBALANCE, ACTIVATIONS)]),
)
def test_whatever_a_baseline_says_no_more_is_paid_than_was_sold_and_nobody_makes_money(
    orders: Orders, peers: tuple[Floats, Floats], says: Floats, flex_share: float, rules: tuple[str, str]
) -> None:
    scheduled, surprise = peers
    decision = decided(orders, "none", scheduled, scheduled + surprise / 10, flex_share)
    history = replace(decision, history_baseline_mw=decision.baseline_mw + says)
    responsibility = Responsibility(*rules, delivered=True, tolerance=0.1, penalty_eur_per_mwh=100.0, baseline_days=3)
    ledger, figures = settle_by(responsibility, history)  # balances energy and money
    flex, n = ledger.take(ledger.reason == Reason.FLEX), len(scheduled)
    sold_mwh = add_up(decision.offers.peer, decision.flex.accepted_mw, n)
    peer = np.where(flex.giver < n, flex.giver, flex.taker)
    paid_mwh = add_up(peer, np.abs(flex.energy_mwh), n)
    assert (paid_mwh <= sold_mwh + 1e-12).all()
    assert figures.lfm_delivered_mwh == pytest.approx(paid_mwh.sum(), abs=1e-12)
    moved_mwh = settle_by(responsibility, decision)[1].lfm_delivered_mwh
    more_mwh = figures.lfm_paid_not_moved_mwh - figures.lfm_moved_not_paid_mwh
    assert figures.lfm_delivered_mwh - moved_mwh == pytest.approx(more_mwh, abs=1e-12)
