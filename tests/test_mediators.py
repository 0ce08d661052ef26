"""Mediators: pools of offers, what they keep, who is told what, what has no meaning (docs/economics/mediators.md)."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from peerflex.agents.mediation import Honest, IncreaseDecrease, Strategy
from peerflex.core.arrays import Floats, add_up
from peerflex.core.errors import InputError
from peerflex.core.parties import Reason, Role
from peerflex.core.record import HourRecord
from peerflex.core.trade import FlexNeed, FlexOffers
from peerflex.core.units import UP
from peerflex.markets.cost_based import CostBased
from peerflex.markets.idle import NoMarket
from peerflex.markets.lfm import LocalFlexibilityMarket
from peerflex.markets.pools import Pools
from peerflex.markets.responsibility import Responsibility
from peerflex.runs.area.build import build
from peerflex.runs.area.plugins import registry
from peerflex.runs.explain.again import Again
from peerflex.runs.model import AreaModel
from peerflex.scenarios.load import load_scenario
from tests.contracts import check_flex_market, flex_cases, need, offers
from tests.moments import moment_of
from tests.two_buses import aggregator, hour, two_buses

KW = 1e-3
MARKET = LocalFlexibilityMarket(interface_eur_per_mwh=200)


def pooled(n: int, width: float, market: LocalFlexibilityMarket = MARKET) -> Pools:
    """Return a market in which two of three peers are members of one of two mediators."""
    mediator = np.arange(n) % 3 - 1
    return Pools(market, mediator, np.where(mediator >= 0, width, 0.0))


# ---------------------------------------------------------------- pools


@given(flex_cases(), st.sampled_from([0.5, 10.0, 1000.0]))
def test_pools_keep_what_any_flexibility_market_must(case: tuple[FlexNeed, FlexOffers], width: float) -> None:
    market = pooled(30, width)
    check_flex_market(market, *case)
    _, offered = case
    seen, pool = market.seen(offered), market.pool_of(offered)
    np.testing.assert_allclose(add_up(pool, offered.quantity_mw, len(seen)), seen.quantity_mw)
    for eur in ("price_eur_per_mwh", "cost_eur_per_mwh"):
        assert (offered.side * getattr(offered, eur) <= (seen.side * getattr(seen, eur))[pool] + 1e-12).all()
    for column in ("bus", "side"):
        np.testing.assert_array_equal(getattr(seen, column)[pool], getattr(offered, column))


@given(flex_cases())
def test_members_of_a_pool_are_activated_the_cheapest_first(case: tuple[FlexNeed, FlexOffers]) -> None:
    limits, offered = case
    market = pooled(30, 1000.0)
    result, pool = market.clear(limits, offered), market.pool_of(offered)
    dear = offered.side * offered.price_eur_per_mwh
    left = offered.quantity_mw - result.accepted_mw > 1e-9
    for each in np.unique(pool):
        rows = pool == each
        begun = rows & (result.accepted_mw > 0)
        if (left & rows).any() and begun.any():
            assert dear[begun].max() <= dear[left & rows].min()
        assert len(np.unique(result.price_eur_per_mwh[rows])) == 1


def three(quantity_kw: Floats, price: Floats) -> FlexOffers:
    """Return upward offers at one bus; of the second and third peer the same mediator sells."""
    n = len(price)
    one = np.zeros(n, dtype=np.int64)
    return offers(one, one + UP, quantity_kw * KW, price)


def relief_of(kw: float) -> FlexNeed:
    return need(np.array([1.0 + kw / 100]), np.ones(1), np.array([[-1 / 0.1]]), np.full(1, 0.1))


def test_small_offers_are_admitted_in_a_pool_alone() -> None:
    """The worked example of the page: 60 and 70 kW are too small for 100 kW, and together they are not."""
    market = LocalFlexibilityMarket(interface_eur_per_mwh=200, least_offer_kw=100)
    offered, limits = three(np.array([120.0, 60, 70]), np.array([260.0, 214, 211])), relief_of(90)
    alone = market.clear(limits, offered)
    assert alone.accepted_mw / KW == pytest.approx([90, 0, 0], abs=1e-9)
    pools = Pools(market, np.array([-1, 0, 0]), np.array([0.0, 10, 10]))
    result = pools.clear(limits, offered)
    assert result.accepted_mw / KW == pytest.approx([0, 20, 70], abs=1e-9)
    assert result.price_eur_per_mwh.tolist() == [260, 214, 214]
    assert alone.cost_eur_per_h == pytest.approx(0.09 * 60, abs=1e-9)
    assert result.cost_eur_per_h == pytest.approx(0.09 * 14, abs=1e-9)


# ---------------------------------------------------------------- whole hours


def paid_to_mediator(record: HourRecord) -> Floats:
    ledger, n = record.ledger, len(record.metered_mw)
    rows = ledger.reason == Reason.FEE
    assert (ledger.taker[rows] == Role.MEDIATOR.party(n)).all()
    return -add_up(ledger.giver[rows], ledger.amount_eur[rows], n)


def test_a_fee_is_of_what_members_trade_and_what_is_activated() -> None:
    everybody = replace(aggregator(fee_eur_per_mwh=3.0), member=np.ones(3, dtype=np.bool_))
    assert paid_to_mediator(hour(two_buses(mediators=(everybody,)))) == pytest.approx([0.3, 0.3, 0])
    game = hour(two_buses(mediators=(aggregator(IncreaseDecrease(), fee_eur_per_mwh=3.0),)))
    assert paid_to_mediator(game) == pytest.approx([0, 0, 3 * (0.1 + 0.060001)], abs=1e-9)
    outside = replace(aggregator(fee_eur_per_mwh=3.0), member=np.ones(3, dtype=np.bool_), role="independent")
    assert paid_to_mediator(hour(two_buses(mediators=(outside,)))) == pytest.approx([0.3, 0.3, 0])


def test_an_aggregator_keeps_what_it_is_paid_beyond_its_asks_and_a_manager_passes_it_on() -> None:
    pools = ("mediators.0.pools=bus", "mediators.0.price_class_eur_per_mwh=1000")
    for role, keeps in (("aggregator", True), ("community-manager", False)):
        moment = moment_of("increase-decrease-game", 0, "seed=2", f"mediators.0.role={role}", *pools)
        decision = moment.decision
        offered, flex = decision.offers, decision.flex
        member = moment.area.mediators[0].member[offered.peer]
        beyond = offered.side * (flex.price_eur_per_mwh - offered.price_eur_per_mwh) * flex.accepted_mw
        assert beyond[member].sum() > 1
        assert (beyond[~member] == 0).all()
        assert paid_to_mediator(moment.record).sum() == pytest.approx(keeps * beyond.sum(), abs=1e-9)


def at_audited_cost(strategy: Strategy, delivered: bool = False, fails: bool = False) -> HourRecord:
    """Return an hour in which Mia has to give 30 kW of an engine at a cost of 70 EUR/MWh, for a margin of 10."""
    area = two_buses(
        line_kw=30.0,
        flex_market=CostBased(margin_eur_per_mwh=10.0, interface_eur_per_mwh=60.0),
        market=NoMarket(),
        mediators=(replace(aggregator(strategy), resells=False),),
        responsibility=Responsibility(delivered=delivered),
        fails=(0.0, float(fails)),
    )
    engine, price = np.array([0.0, 0.0, 50 * KW]), np.array([np.nan, np.nan, 70.0])
    return hour(replace(area, peers=replace(area.peers, generator_mw=engine, up_eur_per_mwh=price)))


@pytest.mark.parametrize(
    ("delivered", "fails", "keeps"), [(False, False, 0.3), (False, True, 0.3), (True, False, 0.3), (True, True, 0.0)]
)
def test_an_aggregator_keeps_nothing_of_what_its_member_is_not_paid(delivered: bool, fails: bool, keeps: float) -> None:
    assert paid_to_mediator(at_audited_cost(Honest(), delivered, fails)) == pytest.approx([0, 0, keeps], abs=1e-4)


def test_an_aggregator_pays_nobody_what_it_asked_in_vain() -> None:
    """At audited cost the DSO pays 80 EUR/MWh; what its mediator asked, 90, is not looked at."""
    record = at_audited_cost(IncreaseDecrease())
    offered = record.decision.offers
    assert offered.price_eur_per_mwh[offered.side == UP].tolist() == [90.0]
    assert record.decision.flex.accepted_mw[offered.side == UP] / KW == pytest.approx([30], abs=0.01)
    assert paid_to_mediator(record).tolist() == [0, 0, 0]


def test_the_operator_is_told_less_by_a_mediator_that_pools() -> None:
    def told(settings: tuple[str, ...]) -> dict[tuple[str, str], int]:
        said = moment_of("increase-decrease-game", 0, "seed=2", *settings).record.messages
        return {(each.sender, each.receiver): each.count for each in said if each.kind == "flex-offer"}

    one_by_one = told(("mediators.0.pools=none",))
    pools = told(("mediators.0.pools=bus", "mediators.0.price_class_eur_per_mwh=1000"))
    assert one_by_one["peer", "mediator"] == one_by_one["mediator", "fmo"] == pools["peer", "mediator"]
    assert pools["mediator", "fmo"] < one_by_one["mediator", "fmo"]
    assert pools["peer", "fmo"] == one_by_one["peer", "fmo"]
    assert set(told(("mediators=[]",))) == {("peer", "fmo")}


def test_who_mediates_honestly_changes_nothing() -> None:
    with_one = moment_of("increase-decrease", 0, "mediators.0.resells=false").decision
    without = moment_of("increase-decrease", 0, "mediators=[]").decision
    for column in ("peer", "side", "quantity_mw", "price_eur_per_mwh"):
        np.testing.assert_array_equal(getattr(with_one.offers, column), getattr(without.offers, column))
    np.testing.assert_array_equal(with_one.flex.accepted_mw, without.flex.accepted_mw)
    np.testing.assert_array_equal(with_one.injections.p_mw, without.injections.p_mw)


def test_an_hour_with_pools_is_cleared_again_as_it_was() -> None:
    pools = ("mediators.0.pools=bus", "mediators.0.price_class_eur_per_mwh=1000")
    moment = moment_of("increase-decrease-game", 0, "seed=2", *pools, "market.lfm.least_offer_kw=100")
    decision, again = moment.decision, Again(moment)
    assert decision.flex.accepted_mw.any()
    assert decision.mediation is not None
    assert decision.mediation.rejected > 0
    np.testing.assert_array_equal(again.flex().accepted_mw, decision.flex.accepted_mw)
    np.testing.assert_array_equal(again.trades().accepted_mw, decision.result.accepted_mw)
    assert any(event.kind == "offers-too-small" for event in decision.events)


@pytest.mark.parametrize("sequence", ["p2p-first", "lfm-first", "unrelated"])
def test_nothing_is_delivered_beyond_what_assets_can(sequence: str) -> None:
    """A resale takes back no more than was bought, and energy and money balance in every step."""
    area = build(load_scenario("increase-decrease-game", (f"market.sequence={sequence}",)), registry()).area
    model = AreaModel(area)
    for _ in range(area.steps):
        model.step()
        assert model.record is not None
        decision = model.record.decision
        undoes = decision.offers.side != decision.orders.side[decision.offers.order]
        assert undoes.any() == (sequence == "p2p-first")
        traded_mw = decision.result.accepted_mw[decision.offers.order[undoes]]
        assert (decision.flex.accepted_mw[undoes] <= traded_mw + 1e-12).all()


# ---------------------------------------------------------------- refused


ONE, OTHER = (f"{{name: {name}, role: aggregator, groups: [members]}}" for name in ("one", "other"))


@pytest.mark.parametrize(
    ("settings", "where", "what"),
    [
        (("mediators.0.groups=[nobody]",), "mediators.0.groups", "no group"),
        (("mediators.0.strategy.kind=greedy",), "mediators.0.strategy.kind", "there is no"),
        (("mediators.0.role=independent",), "mediators.0.resells", "does not"),
        (("market.sequence=iterative",), "mediators.0.resells", "make anew"),
        (("market.lfm.kind=none", "market.monitor=null"), "mediators.0", "nobody buys"),
        (("market.lfm.kind=none",), "market.monitor", "nobody buys"),
        (("market.lfm.kind=capacity-clock", "market.monitor=null"), "mediators.0", "among themselves"),
        (("mediators.0.pools=bus", "peers.2.least_activation=0.5"), "mediators.0.pools", "least_activation"),
        (("dso.publishes=nothing", "mediators.0.strategy.kind=increase-decrease"), "mediators.0.strategy", "signal"),
        (("market.p2p.kind=none", "mediators.0.strategy.kind=increase-decrease"), "mediators.0.strategy", "no market"),
        ((f"mediators=[{ONE}, {OTHER}]",), "mediators.1.groups", "already"),
        ((f"mediators=[{ONE}, {ONE}]",), "mediators.1.name", "called"),
    ],
)
def test_what_has_no_meaning_is_refused(settings: tuple[str, ...], where: str, what: str) -> None:
    with pytest.raises(InputError) as refused:
        build(load_scenario("increase-decrease", settings), registry())
    assert refused.value.problem.where.endswith(where)
    assert what in refused.value.problem.what


def test_who_sells_to_the_tso_bids_for_itself() -> None:
    mediator = "mediators=[{name: m, role: aggregator, groups: [loads]}]"
    with pytest.raises(InputError, match="TSO"):
        build(load_scenario("tso-dso-4", (mediator,)), registry())


PLUGIN = """
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Dear:
    by_eur_per_mwh: float = 0.0

    def trade(self, orders, own, relief):
        return orders

    def mark_up(self, offers, relief):
        return np.full(len(offers), self.by_eur_per_mwh)


STRATEGIES = {"dear": Dear}
"""


def test_a_strategy_of_ones_own_comes_from_a_plugin(tmp_path: Path) -> None:
    file = tmp_path / "own.py"
    file.write_text(PLUGIN)
    loaded = load_scenario("increase-decrease", ("mediators.0.strategy={kind: dear, by_eur_per_mwh: 7}",))
    (mediator,) = build(loaded, registry([file])).area.mediators
    assert mediator.strategy.mark_up(three(np.ones(1), np.full(1, 210.0)), np.ones(1)).tolist() == [7]
