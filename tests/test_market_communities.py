"""An auction in each community and bilateral trade between them: the page's example, and what the two parts promise."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from peerflex.core.errors import InputError
from peerflex.core.trade import MarketResult, Orders
from peerflex.core.units import BUY, SELL
from peerflex.markets.communities import BETWEEN, INSIDE, Communities
from peerflex.markets.double_auction import UniformPriceDoubleAuction
from peerflex.runs.area.area import Area
from peerflex.runs.area.build import build
from peerflex.runs.area.plugins import registry
from peerflex.scenarios.load import load_scenario
from tests.contracts import book, books, check_market

pytestmark = pytest.mark.once

NORTH_AND_SOUTH = (0, 0, 0, 1, 1, 1)
PAGE = book(
    (SELL, 0.006, 40), (SELL, 0.004, 80), (BUY, 0.003, 120), (SELL, 0.002, 100), (BUY, 0.004, 200), (BUY, 0.003, 150)
)  # fmt: skip


def trades_of(result: MarketResult) -> list[tuple[int, int, float, float]]:
    """Return seller, buyer, kW and EUR/MWh of every trade."""
    each = result.trades
    columns = each.seller, each.buyer, each.quantity_mw * 1000, each.price_eur_per_mwh
    return list(zip(*(column.tolist() for column in columns), strict=True))


def test_the_example_of_the_page() -> None:
    result = check_market(Communities(community=NORTH_AND_SOUTH), PAGE)
    assert [row[:2] for row in trades_of(result)] == [(0, 2), (3, 4), (0, 4), (0, 5), (1, 5)]
    np.testing.assert_allclose([row[2] for row in trades_of(result)], [3, 2, 2, 1, 2])
    np.testing.assert_allclose([row[3] for row in trades_of(result)], [40, 200, 82.5, 82.5, 82.5])
    assert (result.rounds, result.messages) == (2, 0)
    assert np.isnan(result.price_eur_per_mwh)


def gain_eur_per_h(orders: Orders, result: MarketResult) -> float:
    return float(-(orders.side * orders.price_eur_per_mwh * result.accepted_mw).sum())


def test_the_example_loses_what_the_south_did_not_wait_for() -> None:
    hybrid, one = Communities(community=NORTH_AND_SOUTH), UniformPriceDoubleAuction()
    loss = gain_eur_per_h(PAGE, check_market(one, PAGE)) - gain_eur_per_h(PAGE, check_market(hybrid, PAGE))
    assert loss == pytest.approx(0.04)
    assert check_market(one, PAGE).price_eur_per_mwh == pytest.approx(90)


@pytest.mark.parametrize("between", ["none", *BETWEEN])
@pytest.mark.parametrize("inside", INSIDE)
@settings(max_examples=40, deadline=None)
@given(orders=books(), community=st.lists(st.integers(0, 3), min_size=40, max_size=40))
def test_all_parts_keep_the_contract_and_who_is_served_inside_is_not_moved(
    inside: str, between: str, orders: Orders, community: list[int]
) -> None:
    market = Communities(inside, between, community=tuple(community))  # type: ignore[arg-type]
    result = check_market(market, orders)
    alone = check_market(replace(market, between="none"), orders)
    n = len(alone.trades)
    place = np.array(community)
    apart = place[result.trades.seller] != place[result.trades.buyer]
    assert not apart[:n].any()
    assert apart[n:].all()
    np.testing.assert_array_equal(result.trades.quantity_mw[:n], alone.trades.quantity_mw)


@settings(max_examples=40, deadline=None)
@given(orders=books())
def test_one_community_is_the_auction(orders: Orders) -> None:
    hybrid, auction = check_market(Communities(), orders), check_market(UniformPriceDoubleAuction(), orders)
    np.testing.assert_array_equal(hybrid.accepted_mw, auction.accepted_mw)
    np.testing.assert_array_equal(hybrid.trades.price_eur_per_mwh, auction.trades.price_eur_per_mwh)


def test_the_manager_keeps_its_fee_and_messages_of_the_negotiation_are_counted() -> None:
    result = check_market(Communities("pay-as-bid", "negotiation", community=NORTH_AND_SOUTH), PAGE)
    np.testing.assert_allclose(result.trades.fee_eur_per_mwh[:2], [80, 100])
    assert not result.trades.fee_eur_per_mwh[2:].any()
    assert result.rounds > 2
    assert result.messages > 0


def area(tmp_path: Path, p2p: dict[str, Any], **more: Any) -> Area:
    path = tmp_path / "design.yaml"
    whole = {"extends": "case69-day", "name": "design", "market": {"p2p": {"kind": "communities"} | p2p}, **more}
    path.write_text(yaml.safe_dump(whole))
    return build(load_scenario(str(path)), registry([])).area


def test_groups_and_feeders_are_communities(tmp_path: Path) -> None:
    of_group = area(tmp_path, {"by": "group"})
    assert isinstance(of_group.market, Communities)
    assert np.ptp(np.array(of_group.market.community) - of_group.peers.behaviour) == 0
    of_feeder = area(tmp_path, {"by": "feeder"})
    assert isinstance(of_feeder.market, Communities)
    found = np.array(of_feeder.market.community)
    assert len(found) == len(of_feeder.peers)
    assert len(np.unique(found)) > 1
    for bus in np.unique(of_feeder.peers.bus):
        assert np.ptp(found[of_feeder.peers.bus == bus]) == 0
    moved = area(tmp_path, {"by": "group"}, agents={of_group.peers.name[0]: "customers"})
    assert isinstance(moved.market, Communities)
    assert moved.market.community[0] == 0


@pytest.mark.parametrize(
    ("p2p", "more", "where"),
    [
        ({"community": [1, 2]}, {}, "market.p2p.community"),
        ({"by": "street"}, {}, "market.p2p.by"),
        ({}, {"market": {"preset": "CM1", "p2p": {"kind": "communities"}}}, "market.p2p"),
        ({}, {"market": {"preset": "CM2", "p2p": {"kind": "communities"}}}, "market.p2p"),
        ({}, {"market": {"incentive": {"kind": "blocking"}, "p2p": {"kind": "communities"}}}, "market.incentive"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path: Path, p2p: dict[str, Any], more: dict[str, Any], where: str) -> None:
    with pytest.raises(InputError, match=where):
        area(tmp_path, p2p, **more)


def test_feeders_need_a_fork(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("peerflex.markets.communities.sides_of_borders", lambda grid, borders: np.zeros((0, 69), bool))
    with pytest.raises(InputError, match=r"market\.p2p\.by: the network has no fork"):
        area(tmp_path, {"by": "feeder"})
