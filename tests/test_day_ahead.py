"""Two sessions of one market: what the first sold stands, the second is for the difference, and all of it balances."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peerflex.agents.truthful import Truthful
from peerflex.core.arrays import Floats, add_up
from peerflex.core.errors import InputError
from peerflex.core.parties import Reason
from peerflex.core.people import PeerState, Profiles
from peerflex.core.record import HourRecord
from peerflex.core.streams import stream
from peerflex.core.trade import Headroom, MarketResult, Trades
from peerflex.core.units import BUY, SELL
from peerflex.markets.bilateral import BilateralEquilibrium
from peerflex.markets.double_auction import UniformPriceDoubleAuction
from peerflex.markets.pool import BilateralPool
from peerflex.markets.registry import MARKETS
from peerflex.markets.trade_check import TradeCheck
from peerflex.markets.two_sessions import Position
from peerflex.runs.api import run
from peerflex.runs.area.area import Area, Session
from peerflex.runs.area.build import build
from peerflex.runs.area.plugins import registry
from peerflex.runs.explain.again import Again
from peerflex.runs.explain.types import NOTHING, Question
from peerflex.runs.explain.why import explain
from peerflex.runs.log.verification import verify
from peerflex.runs.stages import knowledge
from peerflex.runs.stages.sequences import SEQUENCES, SequenceName
from peerflex.scenarios.load import load_scenario
from tests.areas import Street, street
from tests.contracts import book
from tests.moments import moment_of
from tests.test_hour import simulate
from tests.test_trade_check import Witness, batteries_at_the_end

pytestmark = pytest.mark.once

BOTH: tuple[Session, ...] = ("day-ahead", "intraday")
TIGHT = Street(rating_mw=0.006)
ANNA, BEN, CARL = range(3)


def area_of(sessions: tuple[Session, ...], day_ahead: float, late: float, **changes: Any) -> Area:
    market = changes.pop("market", UniformPriceDoubleAuction())
    area = street(12, 24, changes.pop("seed", 3), grid=TIGHT, market=market, forecast_error=late)
    dso = replace(area.dso, grid=TIGHT, forecast_error=0.0)
    return replace(area, dso=dso, sessions=sessions, day_ahead_error=day_ahead, **changes)


def hours(sessions: tuple[Session, ...], day_ahead: float, late: float, **changes: Any) -> list[HourRecord]:
    return simulate(area_of(sessions, day_ahead, late, **changes))


def imbalance_mwh(records: list[HourRecord]) -> float:
    return sum(float(each.ledger.energy_mwh[each.ledger.reason == Reason.IMBALANCE].sum()) for each in records)


def paid_eur(records: list[HourRecord], peers: int = 12) -> Floats:
    """Return what each peer paid, net."""
    ledgers = [record.ledger for record in records]
    parties = np.concatenate([np.concatenate([each.taker, each.giver]) for each in ledgers])
    amounts = np.concatenate([np.concatenate([each.amount_eur, -each.amount_eur]) for each in ledgers])
    return add_up(parties, amounts, peers)[:peers]


def example(monkeypatch: pytest.MonkeyPatch, *sessions: Session) -> HourRecord:
    """Return the hour of the page: Anna and Carl sell their sun to Ben; a day ahead they expected it otherwise."""
    load, sun = np.array([[0.0, 0.004, 0.0]]), np.array([[0.002, 0.0, 0.002]])
    early = knowledge.Base(load[0], 0.0 * load[0], np.array([0.003, 0.0, 0.001]))
    monkeypatch.setattr(knowledge, "day_ahead", lambda area, step, base: early)
    grid = Street(rating_mw=1.0, pu_per_mw=0.0)
    area = street(3, 1, grid=grid, market=UniformPriceDoubleAuction(), behaviours=(Truthful(),) * 2)
    none = np.zeros(3)
    peers = replace(area.peers, behaviour=np.ones(3, dtype=np.int64), battery_mw=none, battery_mwh=none)
    area = replace(area, start=PeerState(none), profiles=Profiles(load, 0.0 * load, sun), peers=peers)
    dso = replace(area.dso, grid=grid, forecast_error=0.0)
    (record,) = simulate(replace(area, dso=dso, forecast_error=0.0, sessions=sessions, day_ahead_error=0.5))
    return record


def test_the_example_of_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    record = example(monkeypatch, *BOTH)
    trades, early = record.decision.result.trades, len(record.decision.orders) - record.decision.day_ahead
    first = trades.take(trades.sell_order >= early)
    then = trades.take(trades.sell_order < early)
    assert first.quantity_mw.sum() * 1000 == pytest.approx(4)
    assert (then.seller.tolist(), then.buyer.tolist()) == ([CARL], [ANNA])
    assert then.quantity_mw * 1000 == pytest.approx([1])
    assert trades.price_eur_per_mwh == pytest.approx(200)
    bought = record.decision.orders.take(trades.buy_order[trades.buyer == ANNA])
    assert bought.price_eur_per_mwh == pytest.approx([320])
    assert bought.true_eur_per_mwh == pytest.approx([80]), "it undoes a sale of what cost 80"
    assert paid_eur([record], 3) == pytest.approx([-0.4, 0.8, -0.4])
    assert imbalance_mwh([record]) == pytest.approx(0, abs=1e-12)


def test_the_example_of_the_page_without_a_second_session(monkeypatch: pytest.MonkeyPatch) -> None:
    record = example(monkeypatch, "day-ahead")
    assert paid_eur([record], 3) == pytest.approx([-0.6 + 0.352, 0.8, -0.2 - 0.072])
    assert imbalance_mwh([record]) * 1000 == pytest.approx(2)


@pytest.mark.parametrize("name", list(SEQUENCES))
@pytest.mark.parametrize("market", [UniformPriceDoubleAuction(), BilateralPool()], ids=["auction", "pool"])
def test_without_errors_two_sessions_trade_what_one_does(name: SequenceName, market: Any) -> None:
    sequence = SEQUENCES[name]
    one = hours(("intraday",), 0.0, 0.0, sequence=sequence, market=market)
    for sessions in (("day-ahead",), BOTH):
        other = hours(sessions, 0.0, 0.0, sequence=sequence, market=market)
        for mine, same in zip(one, other, strict=True):
            assert same.decision.result.trades.quantity_mw.sum() == pytest.approx(
                mine.decision.result.trades.quantity_mw.sum(), abs=1e-12
            )
            np.testing.assert_allclose(same.metered_mw, mine.metered_mw, atol=1e-12)


def test_a_second_session_lowers_what_deviations_cost() -> None:
    early, both = hours(("day-ahead",), 0.3, 0.05), hours(BOTH, 0.3, 0.05)
    assert imbalance_mwh(both) < 0.3 * imbalance_mwh(early)
    assert paid_eur(both).sum() < paid_eur(early).sum()


@settings(max_examples=10, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    day_ahead=st.floats(0, 0.8),
    late=st.floats(0, 0.3),
    sequence=st.sampled_from(["p2p-first", "lfm-first", "iterative"]),
    market=st.sampled_from([UniformPriceDoubleAuction(), BilateralEquilibrium()]),
    step_s=st.sampled_from([900, 3600]),
)
def test_both_sessions_balance_and_nothing_is_sold_twice(
    seed: int, day_ahead: float, late: float, sequence: SequenceName, market: Any, step_s: int
) -> None:
    changes = {"sequence": SEQUENCES[sequence], "market": market, "step_s": step_s, "seed": seed, "steps": 8}
    area = area_of(BOTH, day_ahead, late, **changes)
    for record in simulate(area, 8):  # every record has passed the balance of energy and money
        decision = record.decision
        orders, result = decision.orders, decision.result
        n = len(orders) - decision.day_ahead
        for side in (SELL, BUY):
            rows = np.flatnonzero(orders.dispatchable & (orders.side == side))
            late_rows = rows[rows < n]
            asked = add_up(orders.peer[late_rows], orders.quantity_mw[late_rows], 12)
            sold = add_up(orders.peer[late_rows], result.accepted_mw[late_rows], 12)
            mine = decision.offers.side == side
            sold += add_up(decision.offers.peer[mine], decision.flex.accepted_mw[mine], 12)
            assert (sold <= asked + 1e-9).all()
        assert not any(event.kind == "sold-twice" for event in record.events)


def test_what_was_sold_a_day_ahead_leaves_its_asset_that_much_less() -> None:
    """A battery of 4 kW that sold 3 kW a day ahead has 1 kW left for the second session and for flexibility."""
    orders = book((SELL, 0.004, 220), (SELL, 0.002, 520), (BUY, 0.005, 180))
    orders = replace(orders, peer=np.zeros(3, dtype=np.int64))
    left = Position.moving(np.array([0.003])).left(orders, np.zeros(3), np.array([320.0]), np.array([80.0]), 0, 3600)
    np.testing.assert_allclose(left.quantity_mw * 1000, [1, 2, 5])
    taken = np.array([0.001, 0.0, 0.0])
    left = Position.moving(np.array([0.003])).left(orders, taken, np.array([320.0]), np.array([80.0]), 0, 3600)
    np.testing.assert_allclose(left.quantity_mw * 1000, [1, 2, 5])
    left = Position.moving(np.array([0.004])).left(orders, taken, np.array([320.0]), np.array([80.0]), 0, 3600)
    np.testing.assert_allclose(left.quantity_mw * 1000, [1, 1, 5], err_msg="the activated kW is for its owner to take")


@settings(max_examples=60, deadline=None)
@given(wanted=st.floats(-5, 5), held=st.floats(-5, 5))
def test_position_and_orders_together_are_what_a_peer_wants(wanted: float, held: float) -> None:
    side = SELL if wanted > 0 else BUY
    orders = book((side, abs(wanted), 100), dispatchable=False)
    sold = book((SELL if held > 0 else BUY, abs(held), 150), dispatchable=False)
    none = Trades.empty()
    position = Position.of(sold, MarketResult(sold.quantity_mw, 150.0, none), 1)
    left = position.left(orders, np.zeros(1), np.array([320.0]), np.array([80.0]), 0, 3600)
    assert held + float((left.side * left.quantity_mw).sum()) == pytest.approx(wanted, abs=2e-9)
    undone = left.take(np.arange(1, len(left)))
    assert (undone.price_eur_per_mwh == np.where(undone.side == BUY, 320.0, 80.0)).all()
    assert undone.true_eur_per_mwh == pytest.approx([150.0] * len(undone))


def test_what_the_dso_lets_trades_move_is_shared_by_both_sessions() -> None:
    position = Position.moving(np.array([0.003, -0.002]))
    left = position.left_of(Headroom(np.array([0.005, 0.005]), np.array([0.001, 0.001])))
    np.testing.assert_allclose(left.rise_mw, [0.002, 0.005])
    np.testing.assert_allclose(left.fall_mw, [0.001, 0.0])


def test_a_check_of_trades_is_made_in_each_session_and_keeps_what_it_promises() -> None:
    seen: list[int] = []
    area = replace(batteries_at_the_end(3, 4.0, UniformPriceDoubleAuction()), sessions=BOTH, day_ahead_error=0.2)
    simulate(replace(area, service=Witness(TradeCheck(), seen)), 24)
    assert len(seen) == 2 * 24
    assert sum(seen) >= 2, "free trade would have been harmful"


SAID = ("market.sessions=[day-ahead, intraday]", "delivery.day_ahead_error=0.2", "delivery.forecast_error=0.05")


def test_a_run_says_when_each_trade_was_made_and_verifies(tmp_path: Path) -> None:
    said = [*SAID, "reference=none", "time.start=2016-07-04T11:00:00"]
    done = run("case69-day", hours=3, settings=said, out=tmp_path / "run", driver="mesa")
    orders, trades, hourly = done.table("orders"), done.table("trades"), done.table("hours")
    assert set(orders.session) == set(trades.session) == {"day-ahead", "intraday"}
    made = trades[trades.session == "day-ahead"]
    assert made.quantity_mw.sum() == pytest.approx(hourly.day_ahead_mwh.sum())
    assert done.kpis["day_ahead_mwh"] < done.kpis["p2p_mwh"]
    sides = orders.set_index(["step", "order"])
    for column in ("sell_order", "buy_order"):
        of_orders = sides.loc[list(zip(trades.step, trades[column], strict=True))].session
        assert (of_orders.to_numpy() == trades.session.to_numpy()).all(), "both sides of a trade are of one session"
    assert not verify(tmp_path / "run", registry()).differences


def test_an_hour_of_two_sessions_cleared_again_is_the_same_hour() -> None:
    moment = moment_of("case69-day", 12, *SAID)
    again, result = Again(moment), moment.decision.result
    assert 0 < moment.decision.day_ahead < len(moment.decision.orders)
    assert again.direct
    np.testing.assert_array_equal(again.trades().trades.quantity_mw, result.trades.quantity_mw)
    np.testing.assert_array_equal(again.flex().accepted_mw, moment.decision.flex.accepted_mw)
    assert "day-ahead" in explain(moment, Question("order", str(len(moment.decision.orders) - 1))).answer[0]
    assert "intraday" in explain(moment, Question("order", "0")).answer[0]
    with pytest.raises(InputError, match="two sessions"):
        again._negotiated(NOTHING)


@pytest.mark.parametrize(
    ("said", "what"),
    [
        ("market.sessions=[intraday, day-ahead]", "not an order of sessions"),
        ("market.sessions=[day-ahead, day-ahead]", "not an order of sessions"),
        ("market.p2p.kind=none", "no market between peers"),
    ],
)
def test_sessions_without_a_meaning_are_refused(said: str, what: str) -> None:
    with pytest.raises(InputError, match=what):
        build(load_scenario("case69-day", [*SAID, said]), registry())


@pytest.mark.parametrize(("name", "what"), [("tso-week", "TSO asks once"), ("tso-dso-1", "bid anew")])
def test_who_asks_peers_anew_does_not_go_with_two_sessions(name: str, what: str) -> None:
    with pytest.raises(InputError, match=what):
        build(load_scenario(name, [SAID[0]]), registry())


@pytest.mark.parametrize("kind", [kind for kind in MARKETS if kind != "none"])
def test_every_market_is_held_twice(kind: str) -> None:
    said = [*SAID, f"market.p2p.kind={kind}", "time.start=2016-07-04T17:00:00", "reference=none"]
    said += ["market.p2p.most_rounds=200"] * (kind == "consensus-admm")
    (record,) = simulate(build(load_scenario("case69-day", said), registry()).area, 1)  # it has passed the balance
    decision = record.decision
    early = decision.result.trades.sell_order >= len(decision.orders) - decision.day_ahead
    assert early.any()
    assert not early.all()


def test_errors_of_a_day_ahead_are_drawn_for_themselves() -> None:
    area = area_of(BOTH, 0.2, 0.2)
    base = knowledge.actual(area, 12)
    early, late = knowledge.day_ahead(area, 12, base), knowledge.own_forecast(area, 12, base)
    assert (early.load_mw != late.load_mw).all()
    np.testing.assert_array_equal(early.load_mw, knowledge.day_ahead(area, 12, base).load_mw)
    assert stream(area.seed, "peers.day-ahead", 12).random() != stream(area.seed, "peers.forecast", 12).random()
