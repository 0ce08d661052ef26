"""The DSO's mechanisms beside the flexibility market: the examples of their pages, and what each promises."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from peerflex.core.arrays import add_up
from peerflex.core.errors import InputError
from peerflex.core.people import PeerTable
from peerflex.core.protocols import FlexMarket
from peerflex.core.trade import FlexNeed, FlexOffers, FlexResult
from peerflex.core.units import DOWN, UP
from peerflex.markets.bilateral_contract import BilateralContract, Contract
from peerflex.markets.connection_agreement import HOURS_PER_YEAR, ConnectionAgreement
from peerflex.markets.cost_based import CostBased
from peerflex.markets.lfm import LocalFlexibilityMarket
from peerflex.markets.obligation import Obligation
from tests.areas import street
from tests.contracts import flex_cases, need, offers

# bus 2 at the end of a feeder is at 1.06 pu; a MW less lowers it by 0.2 pu there, by 0.1 pu at bus 1
HIGH = need(
    np.array([1.06]), np.array([1.05]), np.array([[0.0, 0.1, 0.2]]), np.array([5.0]), is_voltage=np.array([True])
)
# Ada has 30 kW of PV at bus 2, Cem 100 kW at bus 1
ROOFS = replace(
    offers(np.array([2, 1]), np.array([DOWN, DOWN]), np.array([0.03, 0.1]), np.array([140.0, 185.0])),
    cost_eur_per_mwh=np.array([180.0, 185.0]),
)


def kept(limits: FlexNeed, offered: FlexOffers, result: FlexResult) -> bool:
    change = add_up(offered.bus, offered.side * result.accepted_mw, limits.by_mw.shape[1])
    value = limits.value + limits.by_mw @ change
    return bool((value <= limits.upper + 1e-9).all() and (value >= limits.lower - 1e-9).all())


def peers_of(behaviour: list[int]) -> PeerTable:
    peers = street(len(behaviour), 1).peers
    return replace(
        peers, behaviour=np.array(behaviour), pv_mw=np.full(len(behaviour), 0.12), battery_mw=0.0 * peers.bus
    )


@pytest.mark.parametrize(
    ("market", "kw", "eur_per_h"),
    [
        (Obligation(), [30, 40], 0.0),
        (Obligation(sharing="pro-rata"), [18.75, 62.5], 0.0),
        (ConnectionAgreement(firm_share=0.2), [18.75, 62.5], 0.0),
        (ConnectionAgreement(firm_share=0.2, order="most-effective"), [24, 52], 0.0),
        (ConnectionAgreement(firm_share=0.2, order="last-in-first-out", member=(0, 1)), [10, 80], 0.0),
        (BilateralContract((Contract("ada", 20, 2, 150), Contract("cem", 80, 2, 60)), (0, 1)), [10, 80], 6.3),
        (CostBased(margin_eur_per_mwh=0), [30, 40], 1.2),
        (CostBased(margin_eur_per_mwh=10), [30, 40], 1.9),
        (LocalFlexibilityMarket(), [0, 100], 1.5),
    ],
    ids=["least", "pro-rata", "agreement", "effective", "last-in", "contracts", "at cost", "with margin", "by asks"],
)
def test_examples_of_the_pages(market: FlexMarket, kw: list[float], eur_per_h: float) -> None:
    result = market.clear(HIGH, ROOFS)
    np.testing.assert_allclose(result.accepted_mw * 1000, kw, atol=1e-6)
    assert result.cost_eur_per_h == pytest.approx(eur_per_h, abs=1e-9)
    assert kept(HIGH, ROOFS, result)


def test_who_cannot_relieve_all_relieves_what_it_can() -> None:
    """Whatever both may give brings 0.0128 of the 0.02 pu: 0.0072 pu, or 0.036 MW at bus 2, are missing."""
    higher = replace(HIGH, value=np.array([1.07]))
    result = ConnectionAgreement(firm_share=0.2).clear(higher, ROOFS)
    np.testing.assert_allclose(result.accepted_mw, [0.024, 0.08], atol=1e-9)
    assert result.missing_mw == pytest.approx([0.036], abs=1e-8)


def test_neither_who_harms_nor_who_has_no_agreement_is_called_on() -> None:
    both = FlexOffers.join([ROOFS, replace(ROOFS, side=np.array([UP, DOWN]), peer=np.array([2, 3]))])
    market = ConnectionAgreement(firm_share=0.0, member=(0, 0, 0, -1))
    np.testing.assert_allclose(market.clear(HIGH, both).accepted_mw, [0.01875, 0.0625, 0, 0], atol=1e-9)


def test_a_member_moves_no_more_than_its_volume_by_several_offers_together() -> None:
    split = replace(ROOFS.take(np.array([0, 0])), quantity_mw=np.array([0.02, 0.01]))
    market = BilateralContract((Contract("", 15, 2, 150),))
    np.testing.assert_allclose(market.clear(HIGH, split).accepted_mw, [0.01, 0.005], atol=1e-9)


@pytest.mark.parametrize(
    ("market", "eur_per_h"),
    [
        (ConnectionAgreement(groups=("truthful",), rebate_eur_per_kw_year=10), [0, 1200 / HOURS_PER_YEAR, 0]),
        (ConnectionAgreement(rebate_eur_per_kw_year=10), [1200 / HOURS_PER_YEAR, 1200 / HOURS_PER_YEAR, 0]),
        (BilateralContract((Contract("truthful", 80, 2, 60),)), [0, 0.16, 0]),
        (BilateralContract((Contract("", 80, 2, 60),)), [0.16, 0.16, 0]),
    ],
)
def test_rebate_and_availability_are_paid_to_members_by_the_hour(
    market: ConnectionAgreement | BilateralContract, eur_per_h: list[float]
) -> None:
    peers = peers_of([0, 1, -1])
    members = market.with_members(peers, ("prosumer", "truthful"), "here")
    np.testing.assert_allclose(members.standing_eur_per_h(peers), eur_per_h)


@pytest.mark.parametrize("groups", [("nobody",), ("truthful", "truthful")])
def test_a_group_that_is_not_there_or_named_twice_is_refused(groups: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match="group"):
        ConnectionAgreement(groups=groups).with_members(peers_of([0, 1]), ("prosumer", "truthful"), "here")


@pytest.mark.once
@pytest.mark.parametrize(
    "market",
    [
        CostBased(),
        Obligation(),
        Obligation(sharing="pro-rata"),
        ConnectionAgreement(order="last-in-first-out", member=(0, 1, 2) * 10),
        BilateralContract((Contract("", 50.0, 1.0, 40.0),)),
    ],
    ids=lambda market: type(market).__name__,
)
@settings(max_examples=40, deadline=None)
@given(case=flex_cases())
def test_what_peers_ask_changes_nothing(market: FlexMarket, case: tuple[FlexNeed, FlexOffers]) -> None:
    limits, offered = case
    honest = market.clear(limits, offered)
    gaming = market.clear(limits, replace(offered, price_eur_per_mwh=offered.price_eur_per_mwh + offered.side * 300.0))
    np.testing.assert_array_equal(gaming.accepted_mw, honest.accepted_mw)
    moved = honest.accepted_mw > 0
    np.testing.assert_array_equal(gaming.price_eur_per_mwh[moved], honest.price_eur_per_mwh[moved])


@pytest.mark.once
@settings(max_examples=60, deadline=None)
@given(case=flex_cases())
def test_the_least_is_moved_and_as_much_relieved_as_by_a_market_with_the_same_offers(
    case: tuple[FlexNeed, FlexOffers],
) -> None:
    """At no price the flexibility market would miss as little; at one price for all it would move as little."""
    limits, offered = case
    flat = replace(offered, price_eur_per_mwh=200.0 + offered.side)
    market, obliged = LocalFlexibilityMarket().clear(limits, flat), Obligation().clear(limits, offered)
    assert obliged.missing_mw.sum() == pytest.approx(market.missing_mw.sum(), abs=1e-6)
    if np.isfinite(market.missing_mw).all() and market.missing_mw.sum() < 1e-9:
        assert obliged.accepted_mw.sum() == pytest.approx(market.accepted_mw.sum(), abs=1e-6)
