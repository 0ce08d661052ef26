"""What the DSO says before trading: the example of the page, number by number, and the money it pays."""

from dataclasses import replace
from typing import Any

import mesa
import numpy as np
import pytest

from peerflex.agents.dso import DSO
from peerflex.agents.elastic import ElasticLoad, ElasticSource
from peerflex.core.errors import InputError
from peerflex.core.network import Injections, Limits
from peerflex.core.parties import Reason, Role
from peerflex.core.protocols import Incentive
from peerflex.core.trade import MarketResult, Trades, TradeTerms
from peerflex.core.units import BUY, SELL
from peerflex.markets.allocation import CostAllocation
from peerflex.markets.bilateral import BilateralEquilibrium
from peerflex.markets.envelopes import Envelopes
from peerflex.markets.idle import NoIncentive
from peerflex.markets.incentives import TradeBlocking, TradePreference
from peerflex.markets.registry import INCENTIVES
from peerflex.markets.settlement import check_balance, settle
from peerflex.markets.weights import ConstraintWeights
from peerflex.runs.area.components import make
from peerflex.runs.area.composition import check_incentive
from tests.areas import street
from tests.contracts import book
from tests.network_views import view_of_slopes
from tests.test_docs_worked import EVENING, Feeder
from tests.test_places import of_pairs, slopes
from tests.test_settlement import TARIFFS, answered, decided, earned_eur

A, B, C = range(3)  # peers at the buses 0, 1 and 2 of the page's feeder


def said(incentive: Incentive, expected: Injections = EVENING) -> TradeTerms:
    """Return what the DSO of the page says before the evening."""
    feeder = Feeder()
    limits = Limits(np.full(3, 0.9), np.full(3, 1.1), np.ones(2))
    everybody = np.arange(3), np.ones(3, dtype=np.bool_)
    dso = DSO(mesa.Model(), feeder, limits, 0.8, True, incentive, *everybody, loss_eur_per_mwh=90.0)
    return dso.signal(feeder.solve(expected), None).terms


def test_blocking_on_the_page() -> None:
    at_80 = said(TradeBlocking())
    assert at_80.place[B] == at_80.place[C] != at_80.place[A]
    assert np.argwhere(of_pairs(at_80, at_80.blocked)).tolist() == [[A, B], [A, C]]
    at_50 = said(TradeBlocking(at_risk_loading=0.5))
    assert np.argwhere(of_pairs(at_50, at_50.blocked)).tolist() == [[A, B], [A, C], [B, C]]


def test_what_blocking_allows_may_congest_what_was_not_at_risk() -> None:
    after = Feeder().solve(Injections(EVENING.p_mw + np.array([0.0, 0.06, -0.06]), np.zeros(3)))
    assert Feeder().solve(EVENING).loading == pytest.approx([0.9, 0.5])
    assert after.loading == pytest.approx([0.9, 1.1])


@pytest.mark.parametrize(
    ("incentive", "unprotected", "overflow_mva"),
    [(TradeBlocking(), 1, 0.01), (TradeBlocking(at_risk_loading=0.5), 0, 0.0), (NoIncentive(), np.nan, np.nan)],
    ids=["at 80 %", "at 50 %", "nobody speaks"],
)
def test_a_congestion_that_nobody_spoke_for_is_counted(
    incentive: Incentive, unprotected: float, overflow_mva: float
) -> None:
    """B sells 60 kW to C: the second branch, forecast at 0.5, then carries 110 kW of 100."""
    feeder = Feeder()
    limits = Limits(np.full(3, 0.9), np.full(3, 1.1), np.ones(2))
    everybody = np.arange(3), np.ones(3, dtype=np.bool_)
    dso = DSO(mesa.Model(), feeder, limits, 0.8, True, incentive, *everybody, loss_eur_per_mwh=90.0)
    after = feeder.solve(Injections(EVENING.p_mw + np.array([0.0, 0.06, -0.06]), np.zeros(3)))
    outlook = dso.outlook(feeder.solve(EVENING), after)
    assert outlook.congested.tolist() == [False, True]
    assert outlook.unprotected_count == pytest.approx(unprotected, nan_ok=True)
    assert outlook.unprotected_overflow_mva.sum() == pytest.approx(overflow_mva, nan_ok=True)


def test_preference_on_the_page() -> None:
    terms = said(TradePreference(at_risk_loading=0.5))
    gain, cost = of_pairs(terms, terms.gain_factor), of_pairs(terms, terms.cost_factor)
    assert not terms.blocked.any()
    assert gain == pytest.approx(np.array([[1, 0.8, 0.64], [1.2, 1, 0.8], [1.44, 1.2, 1]]))
    assert cost == pytest.approx(np.array([[1, 1.2, 1.44], [0.8, 1, 1.2], [0.64, 0.8, 1]]))
    assert [50 * cost[C, A], 40 * gain[C, A]] == pytest.approx([32, 57.6])
    assert [50 - 50 * cost[C, A], 40 * gain[C, A] - 40] == pytest.approx([18, 17.6])
    assert [20 * cost[A, C], 60 * gain[A, C]] == pytest.approx([28.8, 38.4])
    # read as willingness to sell: two branches harmed leave a trade, three do not
    assert [45 * gain[A, C], 15 * cost[A, C]] == pytest.approx([28.8, 21.6])
    chain = TradePreference().before(view_of_slopes(slopes(-np.triu(np.ones((3, 4)), 1), np.ones(3)), np.arange(4)))
    assert [45 * chain.gain_factor.min(), 15 * chain.cost_factor.max()] == pytest.approx([23.04, 25.92])


def test_money_of_the_page_is_paid_by_the_dso() -> None:
    """C sells 10 kW to A at 44.8; the premiums are what the factors change of either side's own price."""
    terms = said(TradePreference(at_risk_loading=0.5, money=True))
    at = terms.place[C], terms.place[A]
    seller, buyer = -50 * (terms.cost_factor[at] - 1), 40 * (terms.gain_factor[at] - 1)
    columns = ([C], [A], [1], [0], [0.01], [44.8], [seller], [buyer], [0.0])
    traded = MarketResult(np.full(2, 0.01), 44.8, Trades(*(np.array(column) for column in columns)))
    moved = np.array([-0.01, 0.0, 0.01])
    orders = replace(book((BUY, 0.01, 40), (SELL, 0.01, 50)), peer=np.array([A, C]))
    decision = replace(decided(orders, "none", moved, moved), result=traded, contracted_mw=moved)
    nobody, state = Injections(np.zeros(4), np.zeros(4)), answered(np.array([-0.01, 0, 0.01, 0]), 0.0, np.zeros(4))

    ledger = settle(decision, moved, nobody, state, TARIFFS, 1.0)

    check_balance(ledger, moved, nobody, state, 1.0)
    paid = ledger.take(ledger.reason == Reason.INCENTIVE.value)
    assert paid.amount_eur == pytest.approx([0.18, 0.176])
    assert not paid.energy_mwh.any()
    earned = earned_eur(ledger, 3)
    assert earned[Role.DSO.party(3)] == pytest.approx(-0.356)
    assert earned[C] - 50 * 0.01 == pytest.approx(0.128)
    assert earned[A] + 40 * 0.01 == pytest.approx(0.128)


def test_money_is_a_flag_and_no_other_factor() -> None:
    steering, paying = said(TradePreference(0.3, 0.5)), said(TradePreference(0.3, 0.5, money=True))
    assert (steering.money, paying.money) == (False, True)
    np.testing.assert_array_equal(steering.gain_factor, paying.gain_factor)
    np.testing.assert_array_equal(steering.cost_factor, paying.cost_factor)


def test_without_a_branch_at_risk_anybody_trades_with_anybody_as_before() -> None:
    for incentive in (TradeBlocking(), TradePreference()):
        terms = said(incentive, Injections(np.zeros(3), np.zeros(3)))
        assert not terms.blocked.any()
        assert (terms.gain_factor == 1).all()
        assert (terms.cost_factor == 1).all()
        alone = incentive.before(view_of_slopes(slopes(np.zeros((0, 3)), np.zeros(0)), np.arange(3)))
        assert alone.blocked.tolist() == [[False]]


@pytest.mark.parametrize(("kind", "wrong"), [("blocking", {"least_effect": 0}), ("preference", {"weight": 1})])
def test_parameters_out_of_range_are_refused(kind: str, wrong: dict[str, float]) -> None:
    with pytest.raises(InputError, match=next(iter(wrong))):
        make(INCENTIVES, kind, wrong, "market.incentive")


def test_an_incentive_must_fit_the_market_and_the_behaviours() -> None:
    area = street()  # a pool, which heeds no terms

    def check(incentive: Incentive, **changes: Any) -> None:
        check_incentive(replace(area, dso=replace(area.dso, incentive=incentive), **changes), "bilateral-pool", "here")

    check(NoIncentive())
    check(Envelopes())
    check(CostAllocation("uniform"), market=BilateralEquilibrium())
    with pytest.raises(InputError, match="'bilateral-pool' does not heed"):
        check(ConstraintWeights())
    with pytest.raises(InputError, match=r"here\.borders"):
        check(CostAllocation("zone", borders=("nowhere",)), market=BilateralEquilibrium())
    with pytest.raises(InputError, match="trades all that it uses"):
        check(Envelopes(), behaviours=(ElasticLoad(), ElasticSource()))
