"""Peers that do not deliver: drawn by chance, seen by the meter, paid for as imbalance, and on record."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peerflex.core.arrays import Bools
from peerflex.core.parties import Reason, Role
from peerflex.core.record import HourRecord
from peerflex.core.trade import FlexResult
from peerflex.core.units import BUY, SELL
from peerflex.markets.double_auction import UniformPriceDoubleAuction
from peerflex.markets.leftovers import flex_offers
from peerflex.markets.matching import match
from peerflex.markets.settlement import settle
from peerflex.runs.api import run
from peerflex.runs.model import AreaModel
from peerflex.runs.stages.delivery import not_moved_mw
from peerflex.runs.stages.desk import moved, open_desk
from tests.areas import Street, street
from tests.contracts import book
from tests.test_hour import flat, simulate
from tests.test_increase_decrease import GAME
from tests.test_settlement import TARIFFS, answered, decided
from tests.two_buses import aggregator, two_buses

TIGHT = Street(rating_mw=0.006)
"""A line so thin that flexibility is activated."""


def hours(fails: tuple[float, ...], steps: int = 24, seed: int = 3, error: float = 0.0) -> list[HourRecord]:
    area = street(12, steps, seed, grid=TIGHT, market=UniformPriceDoubleAuction(), forecast_error=error, fails=fails)
    return simulate(replace(area, dso=replace(area.dso, grid=TIGHT, forecast_error=0.0)))


def failing(seed: int, fails: tuple[float, ...], peers: int = 9, steps: int = 6) -> Bools:
    """Return who fails, ``(steps, peers)``."""
    area = street(peers, steps, seed, fails=fails)
    model = AreaModel(area)
    drawn = [open_desk(model, step, area.start, None, 0.0).failing() for step in range(steps)]
    model.close()
    return np.array(drawn)


def test_as_many_fail_as_said_and_customers_never_do() -> None:
    """Over 60 seeds, 6 steps and 3 peers of each kind; 4 standard deviations of a share of 1080."""
    drawn = np.concatenate([failing(seed, (0.3, 0.05)) for seed in range(60)])
    for first, share in ((1, 0.3), (2, 0.05)):
        mine = drawn[:, first::3]
        assert mine.size == 1080
        assert mine.mean() == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / 1080))
    assert not drawn[:, 0::3].any()


def test_a_peer_draws_the_same_whoever_else_is_there_or_fails() -> None:
    few, many = failing(1, (0.5, 0.0), peers=6, steps=20), failing(1, (0.5, 0.9), peers=12, steps=20)
    assert few.any()
    np.testing.assert_array_equal(few[:, 1::3], many[:, 1:6:3])
    assert (failing(2, (0.5, 0.0), peers=6, steps=20) != few).any(), "another seed, another draw"


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6), fails=st.floats(0, 1))
def test_energy_and_money_balance_whoever_fails(seed: int, fails: float) -> None:
    for record in hours((fails, 1 - fails), 8, seed, error=0.2):  # each has passed the balance of energy and money
        assert 0.0 <= record.decision.lfm_undelivered_mw <= record.decision.undelivered_mw


def test_nobody_who_cannot_fail_does_otherwise() -> None:
    """Up to the first hour in which somebody fails; later batteries differ. Truthful peers are of behaviour 1."""
    assert flat(hours((0.0, 0.0))) == flat(hours(()))
    pairs = [(a.decision, b.decision) for a, b in zip(hours(()), hours((0.0, 1.0)), strict=True)]
    first = next(step for step, (_, some) in enumerate(pairs) if some.undelivered_mw > 0.0)
    drawn = [replace(some, failing=None) for _, some in pairs[:first]]  # who fails with nothing to move is on record
    assert flat([never for never, _ in pairs[:first]]) == flat(drawn)
    never, some = pairs[first]
    for column in ("scheduled_mw", "contracted_mw", "orders", "offers", "flex", "outlook"):
        assert flat(getattr(some, column)) == flat(getattr(never, column)), "nobody knows it beforehand"
    behaviour = street(12, 1, 3).peers.behaviour
    differs = some.battery_mw + some.pv_mw - some.load_mw != never.battery_mw + never.pv_mw - never.load_mw
    assert differs.any()
    assert (behaviour[differs] == 1).all()


def test_who_always_fails_moves_nothing_that_was_sold() -> None:
    told = 0
    for record in hours((1.0, 1.0)):
        decision = record.decision
        traded_mw = moved(decision.orders, decision.result, 12)
        flex_mw = np.bincount(decision.offers.peer, decision.offers.side * decision.flex.accepted_mw, minlength=12)
        np.testing.assert_allclose(record.metered_mw, decision.scheduled_mw - traded_mw - flex_mw, atol=1e-12)
        assert decision.lfm_undelivered_mw == pytest.approx(decision.flex.accepted_mw.sum())
        assert decision.undelivered_mw == pytest.approx(np.abs(traded_mw + flex_mw).sum())
        events = [event for event in record.events if event.kind == "not-delivered"]
        assert len(events) == (decision.undelivered_mw > 1e-6)
        told += len(events)
        imbalance = record.ledger.take(record.ledger.reason == Reason.IMBALANCE.value)
        assert imbalance.energy_mwh.sum() == pytest.approx(np.abs(traded_mw + flex_mw).sum(), abs=1e-12)
    assert told > 5


def test_who_does_not_take_what_it_resold_has_delivered_it() -> None:
    """The page's Mia: she bought 100 kW, sold 60 kW of them on (1 W more: the back-off), and her boiler stays off."""
    record = simulate(two_buses(mediators=(aggregator(GAME),), fails=(0.0, 1.0)), 1)[0]
    decision = record.decision
    resold_mw = float(decision.flex.accepted_mw.sum())
    assert resold_mw == pytest.approx(0.060001, abs=1e-9)
    assert decision.lfm_undelivered_mw == 0.0
    assert decision.undelivered_mw == pytest.approx(0.1 - resold_mw)
    imbalance = record.ledger.take(record.ledger.reason == Reason.IMBALANCE.value)
    assert imbalance.energy_mwh.sum() == pytest.approx(0.1 - resold_mw)
    assert record.settled.lfm_delivered_mwh == pytest.approx(resold_mw)


@pytest.mark.parametrize(
    ("activated_kw", "else_kw", "missing_kw"),
    [(60, 0, 60), (60, 30, 60), (60, -20, 40), (60, -100, 0), (-60, 20, 40), (-60, -20, 60), (0, 50, 0)],
)
def test_what_keeping_still_delivers(activated_kw: float, else_kw: float, missing_kw: float) -> None:
    missing_mw = not_moved_mw(np.array([activated_kw / 1000]), np.array([else_kw / 1000]))
    assert missing_mw * 1000 == pytest.approx([missing_kw])
    assert missing_kw <= abs(activated_kw + else_kw), "never more than is missing in all"


def test_a_scenario_says_who_fails_and_the_log_what_was_missing(tmp_path: Path) -> None:
    settings = ["peers.prosumers.fails=0.5", "dso.loading=0.7", "reference=none"]
    done = run("lv-week", hours=12, settings=settings, out=tmp_path / "run", driver="mesa")
    table, orders = done.table("hours"), done.table("orders")
    assert (table.lfm_undelivered_mwh <= table.undelivered_mwh).all()
    assert (table.undelivered_mwh <= orders.accepted_mw.sum() + table.lfm_mwh).all()
    assert set(table.index[table.undelivered_mwh > 1e-6]) == set(
        done.table("events").query("kind == 'not-delivered'").step
    )
    assert 0.0 < done.kpis["lfm_delivered_share"] < 1.0
    assert done.kpis["lfm_delivered_share"] == pytest.approx(1 - table.lfm_undelivered_mwh.sum() / table.lfm_mwh.sum())


def test_the_example_of_the_page() -> None:
    """docs/economics/failing-to-deliver.md: Anna sold 1.5 kW to Ben and 0.5 kW to the DSO, and moves nothing."""
    orders = book((SELL, 0.002, 200), (BUY, 0.0015, 200))
    traded = match(orders, np.array([0.0015, 0.0015]), 200.0)
    left = flex_offers(orders, traded, np.arange(2), np.zeros(2))
    flex = FlexResult(np.array([0.0005]), np.array([240.0]), 0.0005, 0.12, np.zeros(0), np.zeros(0))
    supplier = Role.SUPPLIER.party(2)
    earned = []
    for injects_mw in (0.001, -0.001):
        delivered = np.array([injects_mw, -0.0015])
        decision = decided(orders, "none", np.array([0.001, -0.0015]), delivered)
        decision = replace(decision, result=traded, offers=left, flex=flex, contracted_mw=np.array([0.002, -0.0015]))
        state = answered(np.array([injects_mw, -0.0015, 0, 0]), 0.0, np.zeros(4))
        nobody = replace(decision.injections, p_mw=np.zeros(4))
        ledger = settle(decision, delivered, nobody, state, TARIFFS, 1.0)
        amount = ledger.amount_eur
        earned.append(float(amount[ledger.giver == 0].sum() - amount[ledger.taker == 0].sum()))
        imbalance = ledger.take((ledger.reason == Reason.IMBALANCE.value) & (ledger.taker == 0))
    assert earned == pytest.approx([0.12, -0.54])
    assert imbalance.giver.tolist() == [supplier]
    assert imbalance.amount_eur.tolist() == pytest.approx([0.66])
