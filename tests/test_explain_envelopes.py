"""Operating envelopes as causes: named where they cut, proved by clearing without them, and nowhere else."""

import numpy as np
import pytest

from peerflex.core.units import BUY, QUANTITY_TOLERANCE_MW, SELL
from peerflex.markets.tradable import within
from peerflex.runs.explain.again import Again
from peerflex.runs.explain.envelopes import envelopes
from peerflex.runs.explain.text import lines
from peerflex.runs.explain.types import NOTHING, Question, Without
from peerflex.runs.explain.why import explain
from peerflex.runs.moment import Moment
from tests.moments import moment_of

pytestmark = pytest.mark.once

BOUND = "market.incentive={kind: envelopes}"
AUCTION = "market.p2p={kind: uniform-auction}"
STEP = 9


def bound(*settings: str) -> Moment:
    return moment_of("trade-week-mv", STEP, BOUND, *settings)


def cut_rows(moment: Moment) -> list[int]:
    """Return the orders that peers who trade may not bring whole, the largest cut first."""
    orders, headroom = moment.decision.orders, moment.decision.signal.terms.headroom
    assert headroom is not None
    cut_mw = (orders.quantity_mw - within(orders, headroom).quantity_mw) * moment.area.peers.trade[orders.peer]
    rows = np.argsort(-cut_mw, kind="stable")
    return [int(row) for row in rows[cut_mw[rows] > QUANTITY_TOLERANCE_MW]]


@pytest.mark.parametrize("design", [(), (AUCTION,), ("market.service={kind: trade-check}",)])
def test_an_hour_within_envelopes_cleared_again_is_the_same_hour(design: tuple[str, ...]) -> None:
    moment = bound(*design)
    again, decided = Again(moment), moment.decision.result
    for result in (again.trades(), again._negotiated(NOTHING)):
        np.testing.assert_array_equal(result.accepted_mw, decided.accepted_mw)
        np.testing.assert_array_equal(result.trades.price_eur_per_mwh, decided.trades.price_eur_per_mwh)


def test_a_purchase_that_its_envelope_cuts_names_it_with_what_it_wants_and_may() -> None:
    """Three boilers want 900 kW each at the same price, and may have the same: 84.6 kW."""
    moment = bound(AUCTION)
    area, orders, headroom = moment.area, moment.decision.orders, moment.decision.signal.terms.headroom
    peer = area.peers.name.index("load 64")
    (row,) = np.flatnonzero((orders.peer == peer) & (orders.quantity_mw == 0.9))
    causes = [each for each in explain(moment, Question("order", str(row))).causes if each.kind == "headroom"]
    own = causes[0]
    assert own.name == "envelope of load 64 downward"
    assert own.taken_out == Without(unbound=frozenset({(peer, BUY)}))
    assert own.figures.value == pytest.approx(0.9)
    assert own.figures.limit == headroom.fall_mw[peer] < 0.1
    assert own.instead.quantity_mw > own.decided.quantity_mw == moment.decision.result.accepted_mw[row]
    assert {each.name for each in causes[1:]} == {"envelope of load 61 downward", "envelope of load 62 downward"}
    for rival in causes[1:]:  # without theirs they would take of its share
        assert rival.instead.quantity_mw < rival.decided.quantity_mw


def test_a_price_that_envelopes_make_names_them() -> None:
    causes = [each for each in explain(bound(), Question("price")).causes if each.kind == "headroom"]
    assert [each.name for each in causes] == [f"envelope of load {bus} downward" for bus in (61, 62, 64)]
    assert all(each.instead.price_eur_per_mwh > each.decided.price_eur_per_mwh for each in causes)


def test_what_an_order_has_beyond_its_envelope_and_nobody_wants_is_said_to_be_both() -> None:
    """An engine offers 1 MW at 200 EUR/MWh, may raise its injection by 13 kW, and the market clears at 190."""
    moment = bound(AUCTION)
    orders, peer = moment.decision.orders, moment.area.peers.name.index("load 26")
    (row,) = np.flatnonzero((orders.peer == peer) & (orders.side == SELL) & (orders.quantity_mw == 1.0))
    again = Again(moment)
    assert again.trades(Without(unbound=frozenset({(peer, SELL)}))).accepted_mw[row] == 0.0
    found = explain(moment, Question("order", str(row)))
    (both,) = (each for each in found.causes if each.kind == "headroom")
    assert both.name == "envelope of load 26 upward and no partner"
    assert both.instead.quantity_mw == pytest.approx(1.0)
    assert "envelope of load 26 upward" in {each.name for each in found.others}, "alone it changes nothing"
    assert any("Without this envelope, and if somebody took all" in sentence for sentence in lines(found))


@pytest.mark.parametrize("design", [(), (AUCTION,), ("market.service={kind: trade-check}",)])
def test_every_cut_order_has_a_cause(design: tuple[str, ...]) -> None:
    moment = bound(*design)
    rows = cut_rows(moment)
    assert len(rows) > 20
    for row in rows[:: max(len(rows) // 6, 1)]:
        found = explain(moment, Question("order", str(row)))
        assert any(each.kind == "headroom" for each in found.causes), row


def test_who_does_not_trade_at_all_is_told_that_and_not_about_envelopes() -> None:
    moment = bound(AUCTION)
    peers = moment.area.peers
    row = int(np.flatnonzero(~peers.trade[moment.decision.orders.peer])[0])
    (cause,) = explain(moment, Question("order", str(row))).causes
    assert cause.name == "its owner offers to the flexibility market only"
    assert cause.instead.quantity_mw == pytest.approx(moment.decision.orders.quantity_mw[row])


def test_envelopes_that_cut_nothing_are_not_looked_at() -> None:
    for moment in (moment_of("case69-day", 12, BOUND, "grid.demand_factor=0.8"), moment_of("case69-day", 12)):
        again = Again(moment)
        assert not envelopes(again, tuple(range(len(moment.area.peers))))


def test_in_two_sessions_an_envelope_is_told_beside_what_one_of_them_asks_for() -> None:
    moment = moment_of("trade-week-mv", STEP, BOUND, AUCTION, "market.sessions=[day-ahead, intraday]")
    orders, peer = moment.decision.orders, moment.area.peers.name.index("load 64")
    rows = np.flatnonzero((orders.peer == peer) & (orders.side == BUY) & orders.dispatchable)
    assert orders.quantity_mw[rows].sum() > 0.9, "it orders in the second session what the first has left"
    early = int(rows[rows >= len(orders) - moment.decision.day_ahead][0])
    own = explain(moment, Question("order", str(early))).causes[0]
    assert (own.name, own.figures.value) == ("envelope of load 64 downward", pytest.approx(0.9))
