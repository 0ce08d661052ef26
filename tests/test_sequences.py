"""The order of the markets: what stands is no longer for sale, and every order of markets balances."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from peerflex.core.record import Decision
from peerflex.core.streams import stream
from peerflex.markets.double_auction import UniformPriceDoubleAuction
from peerflex.markets.leftovers import flex_offers
from peerflex.runs.area.area import Area
from peerflex.runs.stages.sequences import SEQUENCES, SequenceName, after_flexibility
from tests.areas import Street, street, three_on_a_line
from tests.test_hour import simulate

ANY_SEQUENCE = pytest.mark.parametrize("name", list(SEQUENCES))
TIGHT = Street(rating_mw=0.006)
BUS = street(12, 1, 3).peers.bus


def tight(name: SequenceName, **changes: Any) -> Any:
    """Return a street of 12 peers whose line is too thin, with its markets in an order."""
    area = street(12, 24, 3, grid=TIGHT, market=UniformPriceDoubleAuction(), **changes)
    return replace(area, sequence=SEQUENCES[name], dso=replace(area.dso, grid=TIGHT, forecast_error=0.0))


def decisions(name: SequenceName, **changes: Any) -> list[Decision]:
    return [record.decision for record in simulate(tight(name, **changes), 24)]


def taken_mw(decision: Decision) -> Any:
    return np.bincount(decision.offers.order, decision.flex.accepted_mw, minlength=len(decision.orders))


@ANY_SEQUENCE
def test_every_order_of_markets_buys_trades_and_balances(name: SequenceName) -> None:
    records = simulate(tight(name), 24)  # every record has passed the balance of energy and money
    assert any(record.decision.flex.accepted_mw.any() for record in records)
    assert any(len(record.decision.result.trades) for record in records)


@pytest.mark.parametrize("name", ["p2p-first", "lfm-first", "iterative"])
def test_nothing_is_sold_twice_where_one_market_knows_what_the_other_did(name: SequenceName) -> None:
    for decision in decisions(name):
        both = decision.result.accepted_mw + taken_mw(decision)
        assert (both <= decision.orders.quantity_mw * (1 + 1e-12) + 1e-15)[decision.orders.dispatchable].all()


def test_a_market_that_comes_first_decides_as_if_it_were_alone() -> None:
    """In the first hour, where all carry the same; later the sequences lead to different batteries."""
    first, then, apart = (decisions(name)[0] for name in ("p2p-first", "lfm-first", "unrelated"))
    np.testing.assert_array_equal(apart.result.accepted_mw, first.result.accepted_mw)
    np.testing.assert_array_equal(apart.flex.accepted_mw, then.flex.accepted_mw)
    np.testing.assert_array_equal(apart.offers.quantity_mw, then.offers.quantity_mw)
    assert (then.offers.quantity_mw == then.orders.quantity_mw[then.orders.dispatchable]).all()


def test_what_unrelated_markets_sell_twice_is_said_and_missing_at_the_meter() -> None:
    records = simulate(tight("unrelated"), 24)
    told = [record for record in records if any(event.kind == "sold-twice" for event in record.events)]
    twice = [record for record in records if _twice_mw(record.decision) > 1e-6]
    assert told == twice
    assert told, "the case is there to be seen"


def _twice_mw(decision: Decision) -> float:
    both = decision.result.accepted_mw + taken_mw(decision)
    return float(np.maximum(both - decision.orders.quantity_mw, 0.0)[decision.orders.dispatchable].sum())


def test_turns_end_where_neither_market_would_change_its_answer() -> None:
    market, settled = UniformPriceDoubleAuction(), 0
    for record in simulate(tight("iterative"), 24):
        decision = record.decision
        if not decision.flex.accepted_mw.any() or any(event.kind == "sequence-unsettled" for event in record.events):
            continue
        settled += 1
        left = after_flexibility(decision.orders, decision.offers, decision.flex)
        again = market.clear(left, decision.signal, stream(1, "unused"))
        np.testing.assert_allclose(again.accepted_mw, decision.result.accepted_mw, atol=2e-6)
        offered = flex_offers(decision.orders, decision.result, BUS, np.zeros(len(BUS)))
        np.testing.assert_array_equal(offered.quantity_mw, decision.offers.quantity_mw)
    assert settled >= 3


@pytest.mark.parametrize(
    ("name", "sold_kw", "activated_kw", "delivered_kw", "line_kw"),
    [("p2p-first", 6, 0, 6, 4), ("lfm-first", 3, 5, 8, 2), ("unrelated", 6, 5, 8, 2), ("iterative", 6, 0, 6, 4)],
)
def test_example_of_the_page(
    name: SequenceName, sold_kw: float, activated_kw: float, delivered_kw: float, line_kw: float
) -> None:
    area = battery_and_two_loads(name)
    (record,) = simulate(area, 1)
    decision = record.decision
    battery = decision.orders.peer == 0
    assert decision.result.accepted_mw[battery].sum() * 1000 == pytest.approx(sold_kw, abs=1e-4)
    assert decision.flex.accepted_mw.sum() * 1000 == pytest.approx(activated_kw, abs=1e-4)
    assert decision.battery_mw[0] * 1000 == pytest.approx(delivered_kw, abs=1e-4)
    assert record.state.flow_mw[0] * 1000 == pytest.approx(line_kw, abs=1e-4)
    twice = [event for event in record.events if event.kind == "sold-twice"]
    assert [event.what[:8] for event in twice] == (["0.003000"] if name == "unrelated" else [])


def battery_and_two_loads(name: SequenceName) -> Area:
    """Return the street of the page, all of them at its end, for an hour without sun."""
    return three_on_a_line(name, bus=(1, 1, 1), load_mw=(0.0, 0.006, 0.004), battery_of=0, stored_mwh=0.016)
