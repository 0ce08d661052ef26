"""What explanations say: the cause that is known to be there, its numbers, and in words that can be read."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peerflex.core.errors import InputError
from peerflex.core.trade import MarketResult, Orders
from peerflex.core.units import QUANTITY_TOLERANCE_MW
from peerflex.runs.explain.again import Again, WatchedDesk
from peerflex.runs.explain.flex_again import NO_FLEX_MARKET
from peerflex.runs.explain.offers import of_offer
from peerflex.runs.explain.search import find_causes
from peerflex.runs.explain.text import CRUMB, lines
from peerflex.runs.explain.types import Candidate, Explanation, Outcome, Question, Without
from peerflex.runs.explain.why import explain
from tests.moments import moment_of

pytestmark = pytest.mark.once


def names(explanation: Explanation, kind: str) -> list[str]:
    return [cause.name for cause in explanation.causes if cause.kind == kind]


def test_an_order_is_told_at_the_price_it_was_made_at_and_at_its_true_one() -> None:
    moment = moment_of("increase-decrease-game", 0)
    orders = moment.decision.orders
    (bid,) = np.flatnonzero(orders.premium_eur_per_mwh == 15.0)
    told = explain(moment, Question("order", str(bid)))
    assert "at 165.00 EUR/MWh (true price 150.00 EUR/MWh)" in told.answer[0]
    assert told.answer[1] == "Its mediator is street."


def test_the_price_of_an_auction_is_set_by_the_order_at_its_margin() -> None:
    moment = moment_of("case69-day", 5)
    decision = moment.decision
    orders, traded = decision.orders, decision.result.accepted_mw
    part = (traded > QUANTITY_TOLERANCE_MW) & (traded < orders.quantity_mw - QUANTITY_TOLERANCE_MW)
    (margin,) = np.flatnonzero(part)  # rationed alone, so the price is its own
    assert orders.price_eur_per_mwh[margin] == pytest.approx(decision.result.price_eur_per_mwh)
    found = explain(moment, Question("price"))
    assert f"order {margin} of {moment.area.peers.name[orders.peer[margin]]}" in names(found, "order")


def test_orders_of_one_price_set_it_together_and_are_named_together() -> None:
    moment = moment_of("case69-day", 10)
    price = moment.decision.result.price_eur_per_mwh
    (cause,) = (each for each in explain(moment, Question("price")).causes if each.kind == "order")
    assert len(cause.parts) > 1
    assert cause.instead.price_eur_per_mwh > cause.decided.price_eur_per_mwh == price
    same = moment.decision.orders.price_eur_per_mwh[sorted(cause.taken_out.orders)]
    np.testing.assert_allclose(same, price, rtol=1e-6)


def test_an_hour_without_trade_says_why_there_is_no_price() -> None:
    found = explain(moment_of("case69-day", 2), Question("price"))
    assert found.answer[0] == "Nothing trades, so there is no price."
    assert found.causes
    assert all(np.isfinite(cause.instead.price_eur_per_mwh) for cause in found.causes)


def test_a_blocked_order_names_the_branch_at_risk_its_limit_and_its_sensitivity() -> None:
    """Every order that would trade more if nothing were blocked names a branch whose word, taken back, lets it."""
    moment = moment_of("eu-d53-2", 0)
    again, branches = Again(moment), moment.area.grid.branches.name
    at_risk = moment.decision.outlook.forecast.loading
    free = again.trades(Without(at_risk=frozenset(np.flatnonzero(moment.decision.signal.at_risk).tolist())))
    held_back = np.flatnonzero(free.accepted_mw - moment.decision.result.accepted_mw > 1e-6)
    assert held_back.size
    for row in held_back[:10].tolist():
        causes = [each for each in explain(moment, Question("order", str(row))).causes if each.kind == "terms"]
        assert causes
        for cause in causes:
            element = branches.index(cause.parts[0])
            assert cause.figures.value == at_risk[element] >= cause.figures.limit == pytest.approx(0.8)
            assert abs(abs(cause.figures.sensitivity) - round(abs(cause.figures.sensitivity))) < 1e-9  # radial, linear
            assert cause.message == "trade-terms"


def test_the_multiplier_of_a_limit_is_what_a_little_more_room_is_worth() -> None:
    """Read back from the charges of the DSO, and found again by giving the transformer one kW more."""
    moment = moment_of("tso-dso-1-exact", 20)
    limit = next(each for each in explain(moment, Question("price")).causes if each.kind == "limit")
    assert limit.name == "T1"
    transformer, room_mw = moment.area.grid.branches.name.index("T1"), 1e-3
    per_mw = 1.0 / float(moment.area.grid.branches.rating_mva[transformer])
    desk = Again(moment)._desk()
    loading = desk.limits.loading.copy()
    loading[transformer] += room_mw * per_mw
    wider = WatchedDesk(desk, replace(desk.limits, loading=loading))
    agreed = moment.area.service.agree(wider, desk.signal)
    gained = worth(agreed.plan.orders, agreed.result) - worth(moment.decision.orders, moment.decision.result)
    assert gained / room_mw == pytest.approx(limit.figures.multiplier_eur_per_mwh, rel=0.02)


def worth(orders: Orders, result: MarketResult) -> float:
    """Return what the hour's trades are worth, in EUR/h."""
    x = result.accepted_mw
    return float((-orders.side * orders.price_eur_per_mwh * x - orders.slope_eur_per_mwh2 * x**2 / 2).sum())


def test_flexibility_called_on_names_the_limit_and_the_message_that_called() -> None:
    moment = moment_of("tso-dso-1", 20)
    orders = moment.decision.orders
    called = np.flatnonzero(orders.extra & (orders.premium_eur_per_mwh == 0.0))
    given_up = orders.quantity_mw - moment.decision.result.accepted_mw
    row = int(called[np.argmax(given_up[called])])
    found = explain(moment, Question("order", str(row)))
    (limit,) = (each for each in found.causes if each.kind == "limit")
    assert (limit.name, limit.message) == ("T1", "flexibility-call")
    assert limit.instead.quantity_mw > limit.decided.quantity_mw
    assert "called on 35 %" in " ".join(found.answer)


def test_a_request_that_was_withdrawn_names_the_limits_that_came_before_it() -> None:
    moment = moment_of("tso-dso-5", 0)
    row = int(np.flatnonzero(moment.decision.orders.quantity_mw == 0.0)[0])
    found = explain(moment, Question("order", str(row)))
    limits = next(each for each in found.causes if each.kind == "limit")
    assert len(limits.parts) > 1
    assert limits.instead.quantity_mw > 0.0 == limits.decided.quantity_mw


def test_an_activation_names_the_limits_that_needed_it_with_worth_and_sensitivity() -> None:
    moment = moment_of("case69-day", 19)
    row = int(np.argmax(moment.decision.flex.accepted_mw))
    found = explain(moment, Question("offer", str(row)))
    limit = next(each for each in found.causes if each.kind == "limit")
    assert limit.figures.value < limit.figures.limit == pytest.approx(0.93, abs=1e-4)
    assert limit.figures.sensitivity > 0.0  # pu per MW at its own bus
    assert limit.figures.multiplier_eur_per_mwh == pytest.approx(moment.decision.flex.multiplier_eur_per_mwh.max())
    assert limit.message == "flex-need"


def test_an_offer_in_a_quiet_hour_says_that_nothing_was_needed() -> None:
    moment = moment_of("case69-day", 12)
    for row in range(0, len(moment.decision.offers), 8):
        found = explain(moment, Question("offer", str(row)))
        (cause,) = found.causes
        assert cause.name.startswith("no need at ")
        assert cause.instead.quantity_mw == pytest.approx(moment.decision.offers.quantity_mw[row])


def test_an_offer_that_does_not_move_a_limit_is_not_said_to_relieve_it() -> None:
    moment = moment_of("eu-d53-2", 0)
    again = Again(moment)
    told = [
        each
        for row in range(0, len(moment.decision.offers), 9)
        for each in of_offer(again, row)
        if each.kind == "limit"
    ]
    still = [each for each in told if abs(each.figures.sensitivity) < CRUMB]
    assert still
    assert all("this offer does not move it" in each.because for each in still)
    assert any("this offer relieves it" in each.because for each in told)


def test_where_nobody_buys_flexibility_that_is_the_cause_and_not_that_nothing_was_needed() -> None:
    moment = moment_of("case69-day", 19, "market.lfm.kind=none")
    assert moment.record.violations.is_voltage.any()  # it was needed
    (cause,) = explain(moment, Question("offer", "0")).causes
    assert cause.name == NO_FLEX_MARKET


def test_prices_that_are_no_costs_are_said_to_be_none() -> None:
    for name, read in (("eu-d53-2", True), ("case69-day", False)):
        told = explain(moment_of(name, 0), Question("order", "0")).answer
        assert any("how much a peer wants to sell" in sentence for sentence in told) == read


def test_nothing_taken_off_needs_no_cause() -> None:
    moment = moment_of("case69-day", 12)
    found = explain(moment, Question("shed", moment.area.grid.buses.name[5]))
    assert found.answer[0].startswith("Nothing was taken off")
    assert not found.causes


def test_a_peer_is_told_about_each_of_its_orders_and_offers() -> None:
    moment = moment_of("case69-day", 19)
    peer = "load 64"
    row = moment.area.peers.name.index(peer)
    found = explain(moment, Question("agent", peer))
    decision = moment.decision
    asked = int((decision.orders.peer == row).sum() + (decision.offers.peer == row).sum())
    assert len(found.parts) == asked > 3
    assert all(peer in "\n".join(lines(part)) for part in found.parts)


@pytest.mark.parametrize(
    ("question", "said"),
    [
        (Question("trade", "4711"), "numbered 0 to"),
        (Question("order", "-1"), "is no number"),
        (Question("offer", "x"), "is no number"),
        (Question("shed", "nowhere"), "there is no bus 'nowhere'"),
        (Question("agent", "load 644"), "Did you mean"),
        (Question("weather"), "cannot tell why"),
    ],
)
def test_what_is_not_in_the_hour_cannot_be_explained(question: Question, said: str) -> None:
    with pytest.raises(InputError, match=said):
        explain(moment_of("case69-day", 12), question)


@pytest.mark.parametrize(
    ("name", "step", "question"),
    [
        ("case69-day", 5, Question("trade", "3")),
        ("case69-day", 19, Question("offer", "29")),
        ("eu-d53-2", 0, Question("price")),
        ("tso-dso-1", 20, Question("order", "2")),
    ],
)
def test_an_explanation_reads_as_sentences_and_a_table_with_units(name: str, step: int, question: Question) -> None:
    found = explain(moment_of(name, step), question)
    told = lines(found)
    gap = told.index("")
    sentences, table = told[:gap], told[gap + 1 :]
    assert all(text.endswith(".") for text in sentences)
    assert len(table) == 1 + len(found.causes) + len(found.others)
    assert all(" instead of " in text for text in sentences[-len(found.causes) :])
    for text in sentences[-len(found.causes) :]:
        instead, decided = text.rsplit(": ", 1)[1].removesuffix(".").split(" instead of ")
        assert instead != decided
    assert not any("nan" in text for text in told)


@settings(max_examples=60, deadline=None)
@given(
    weight=st.lists(st.integers(0, 3), min_size=1, max_size=9),
    needed=st.integers(1, 12),
)
def test_a_set_of_causes_is_enough_and_none_of_it_is_left_over(weight: list[int], needed: int) -> None:
    """A made-up decision: it changes when what is taken out weighs enough in all."""

    def weighs(rows: Iterable[int]) -> int:
        return sum(weight[row] for row in rows)

    def decide(without: Without) -> Outcome:
        return Outcome(float(weighs(without.orders) >= needed))

    candidates = [
        Candidate("order", f"order {row}", "", "", Without(orders=frozenset({row}))) for row in range(len(weight))
    ]
    causes, others = find_causes(candidates, decide, 1.0)
    assert bool(causes) == (sum(weight) >= needed)
    for cause in causes:
        rows = cause.taken_out.orders
        assert weighs(rows) >= needed
        assert all(weighs(rows - {row}) < needed for row in rows)
    assert all(weighs(other.taken_out.orders) < needed for other in others)
