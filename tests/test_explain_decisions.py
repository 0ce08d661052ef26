"""Two hundred decisions over seven designs: take the named cause out and the decision is another one; take out what was
not named and does not bind, and it stays."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pytest

from peerflex.core.streams import stream
from peerflex.core.units import QUANTITY_TOLERANCE_MW
from peerflex.runs.explain.again import Again
from peerflex.runs.explain.flex_again import rows_of
from peerflex.runs.explain.orders import Book
from peerflex.runs.explain.types import Cause, Explanation, Question, Without
from peerflex.runs.explain.why import ask, explain_again
from tests.moments import moment_of

pytestmark = pytest.mark.once

HOURS = (
    ("uniform auction, LFM", "case69-day", 12, (), 22),
    ("uniform auction, LFM congested", "case69-day", 19, (), 22),
    ("pool, LFM", "lv-week", 9, (), 22),
    ("pool, LFM congested", "lv-week", 21, (), 22),
    ("pairs blocked, LFM", "eu-d53-2", 0, (), 34),
    ("pairs weighed, LFM", "eu-d53-3-80", 0, (), 30),
    ("product differentiation", "tso-dso-1", 20, (), 22),
    ("network charges", "tso-dso-1-exact", 20, (), 24),
    ("load shed", "case69-day", 0, ("grid.demand_factor=4", "time.start=2016-07-04T19:00"), 2),
)
"""Design, scenario, step, settings, and how many decisions are drawn."""

TOTAL = 200
SEED = 5
TIES_EUR_PER_H = 1e-6
"""Two activations that cost the same are both optimal: a program with ties may move to the other one."""


@dataclass(frozen=True)
class Drawn:
    again: Again
    explanation: Explanation

    @property
    def question(self) -> Question:
        return self.explanation.question


def questions(again: Again, count: int, rng: np.random.Generator) -> list[Question]:
    """Draw questions of every kind that the hour has, the price once."""
    decision, grid = again.moment.decision, again.moment.area.grid
    shed = np.flatnonzero(np.abs(again.moment.record.state.shed_mw) > QUANTITY_TOLERANCE_MW)
    if shed.size:
        return [Question("shed", grid.buses.name[bus]) for bus in rng.choice(shed, count, replace=False)]
    real = np.flatnonzero(decision.orders.quantity_mw > QUANTITY_TOLERANCE_MW)
    pool = [Question("order", str(row)) for row in real]
    pool += [Question("trade", str(row)) for row in range(len(decision.result.trades))]
    pool += [Question("offer", str(row)) for row in range(len(decision.offers))]
    return [Question("price"), *(pool[row] for row in rng.choice(len(pool), count - 1, replace=False))]


@pytest.fixture(scope="module")
def drawn() -> list[Drawn]:
    rng, found = stream(SEED, "test.explain"), []
    for _, name, step, settings, count in HOURS:
        again = Again(moment_of(name, step, *settings))
        found += [Drawn(again, explain_again(again, question)) for question in questions(again, count, rng)]
    return found


def test_two_hundred_decisions_of_every_kind_have_a_cause(drawn: list[Drawn]) -> None:
    assert len(drawn) == TOTAL
    kinds = Counter(each.question.kind for each in drawn)
    assert set(kinds) == {"order", "trade", "offer", "price", "shed"}
    assert all(each.explanation.causes for each in drawn), [str(e.question) for e in drawn if not e.explanation.causes]
    named = Counter(cause.kind for each in drawn for cause in each.explanation.causes)
    assert set(named) == {"limit", "terms", "charge", "rule", "partner", "order", "offer", "physics"}


def test_without_a_named_cause_the_decision_is_another_one(drawn: list[Drawn]) -> None:
    """Cleared anew, on nothing that the explanation kept; for physics the flows are those that were found already."""
    for each in drawn:
        anew = each.again if each.question.kind == "shed" else Again(each.again.moment)
        decide = ask(anew, each.question).decide
        for cause in each.explanation.causes:
            instead = decide(cause.taken_out)
            assert cause.decided.differs(instead, each.explanation.size_mw), (each.question, cause.name)
            assert not cause.instead.differs(instead, each.explanation.size_mw), (each.question, cause.name)


def test_what_is_told_to_change_nothing_changes_nothing(drawn: list[Drawn]) -> None:
    told = [(each, other) for each in drawn for other in each.explanation.others]
    assert len(told) > TOTAL
    for each, other in told:
        assert not other.decided.differs(other.without(), each.explanation.size_mw), (each.question, other.name)


def test_what_was_not_named_and_does_not_bind_changes_nothing(drawn: list[Drawn]) -> None:
    """Drawn here, not by the explanation: orders and offers far from the margin, limits with room left."""
    rng, tried = stream(SEED, "test.explain.idle"), Counter[str]()
    for each in drawn:
        without = idle(each, rng)
        if without is None:
            continue
        tried[each.question.kind] += 1
        decided, instead = (ask(each.again, each.question).decide(what) for what in (Without(), without))
        if decided.differs(instead, each.explanation.size_mw):
            assert each.question.kind == "offer", (each.question, without)
            assert cost(each.again, without) == pytest.approx(cost(each.again, Without()), abs=TIES_EUR_PER_H)
    assert sum(tried.values()) > TOTAL / 2
    assert min(tried[kind] for kind in ("order", "trade", "offer", "price")) > 0


def idle(each: Drawn, rng: np.random.Generator) -> Without | None:
    """Return something unnamed that does not bind, None if the hour has nothing of the kind."""
    decision = each.again.moment.decision
    named = [cause.taken_out for cause in each.explanation.causes]
    if each.question.kind == "shed":
        return None
    if each.question.kind == "offer":
        if len(decision.need) and rng.random() < 0.5:
            return slack_limit(each.again, named, rng)
        rows = set(np.flatnonzero(decision.flex.accepted_mw <= QUANTITY_TOLERANCE_MW).tolist())
        rows -= {int(each.question.which)} | {row for cause in named for row in cause.offers}
        return Without(offers=frozenset({int(rng.choice(sorted(rows)))})) if rows else None
    book = Book(each.again)
    rows = {row for side in (1, -1) for row in beyond_the_margin(book, side)}
    rows -= {row for cause in named for row in cause.orders | cause.partners | {bid for bid, _ in cause.bids}}
    rows -= {int(each.question.which)} if each.question.kind == "order" else set()
    return Without(orders=frozenset({int(rng.choice(sorted(rows)))})) if rows else None


def beyond_the_margin(book: Book, side: int) -> list[int]:
    """Return orders that trade nothing and have one at a better price beside them that trades nothing either."""
    left = np.flatnonzero(book.open & ~book.trading & (book.orders.side == side))
    return left[book.worth[left] < book.worth[left].max(initial=-np.inf)].tolist()


def slack_limit(again: Again, named: list[Without], rng: np.random.Generator) -> Without | None:
    """Return a limit of the need that has room left after the activations, in all of its rows."""
    decision = again.moment.decision
    need, change = decision.need, decision.offers.side * decision.flex.accepted_mw
    carried = need.value + (need.by_mw[:, decision.offers.bus] * change).sum(axis=1)
    room = np.minimum(carried - need.lower, need.upper - carried)
    keys = set(zip(need.is_voltage.tolist(), need.element.tolist(), strict=True))
    keys = {key for key in keys if room[rows_of(need, frozenset({key}))].min() > 1e-6}
    keys -= {key for cause in named for key in cause.limits}
    return Without(limits=frozenset({sorted(keys)[rng.integers(len(keys))]})) if keys else None


def cost(again: Again, without: Without) -> float:
    return again.flex(without).cost_eur_per_h


def test_a_cause_of_more_than_one_part_needs_every_one_of_them(drawn: list[Drawn]) -> None:
    sets = [(each, cause) for each in drawn for cause in each.explanation.causes if len(cause.parts) > 1]
    assert sets
    for each, cause in sets:
        decide = ask(each.again, each.question).decide
        for fewer in without_one(cause):
            assert not cause.decided.differs(decide(fewer), each.explanation.size_mw), (each.question, cause.name)


def without_one(cause: Cause) -> list[Without]:
    """Return what is taken out of a set of alike things, one of them left in."""
    out, fewer = cause.taken_out, []
    for field in ("orders", "offers", "limits", "at_risk", "loads"):
        members = getattr(out, field)
        if members and out == Without(**{field: members}):
            fewer = [Without(**{field: members - {each}}) for each in sorted(members)]
    return fewer
