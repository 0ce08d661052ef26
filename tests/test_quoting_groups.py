"""Groups that quote each in their own way in one continuous double auction."""

from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings

from peerflex.core.errors import InputError
from peerflex.core.streams import stream
from peerflex.core.trade import MarketResult, Orders
from peerflex.core.units import BUY, SELL
from peerflex.markets.continuous import ContinuousDoubleAuction
from peerflex.markets.quoting import Kind
from peerflex.runs.area.build import build
from peerflex.runs.area.plugins import registry
from peerflex.runs.log.reader import open_run
from peerflex.runs.log.verification import verify
from peerflex.runs.session import Session
from peerflex.scenarios.load import load_scenario
from tests.areas import Street, street
from tests.contracts import NO_SIGNAL, book, books, check_market

KINDS: tuple[Kind, ...] = get_args(Kind)
PAIR = book((SELL, 0.003, 60), (BUY, 0.003, 160))


def clear(market: ContinuousDoubleAuction, orders: Orders) -> MarketResult:
    return market.clear(orders, NO_SIGNAL, stream(7, "market"))


def in_groups(*quoting: Kind | None, of: Kind = "conceding", quotes: int = 10) -> ContinuousDoubleAuction:
    """Return a market of 40 peers, who are in the groups in turns."""
    group = tuple(peer % len(quoting) for peer in range(40))
    return ContinuousDoubleAuction(quotes, of, quoting_of_group=quoting, group=group)


def test_example_of_the_page() -> None:
    """The seller states its limit, 60, at once; the buyer comes from 0 to 160 in two quotes, first 80."""
    both_concede, one = clear(in_groups(None, None, quotes=2), PAIR), clear(in_groups("limit", None, quotes=2), PAIR)
    assert one.messages == 2
    assert one.trades.price_eur_per_mwh[0] in (60, 80)
    assert both_concede.messages > 3
    assert both_concede.trades.price_eur_per_mwh[0] in (60, 160)
    assert one.accepted_mw.tolist() == both_concede.accepted_mw.tolist() == [0.003, 0.003]


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=10, deadline=None)
@given(orders=books(12))
def test_groups_that_all_quote_alike_are_a_market_that_quotes_so(kind: Kind, orders: Orders) -> None:
    plain, told = clear(ContinuousDoubleAuction(quoting=kind), orders), clear(in_groups(kind, kind), orders)
    np.testing.assert_array_equal(plain.accepted_mw, told.accepted_mw)
    np.testing.assert_array_equal(plain.trades.price_eur_per_mwh, told.trades.price_eur_per_mwh)
    assert plain.messages == told.messages
    own = clear(in_groups(None, None, of=kind), orders)
    np.testing.assert_array_equal(plain.accepted_mw, own.accepted_mw)


@settings(max_examples=20, deadline=None)
@given(orders=books(12))
def test_a_market_of_all_ways_keeps_the_contract(orders: Orders) -> None:
    check_market(in_groups(*KINDS), orders)


def test_who_learns_hears_those_who_do_not() -> None:
    """Ten sellers who state 60 teach a learner that nobody pays more: it comes to sell, at about their price."""
    rows = [(SELL, 0.001, 20), *[(SELL, 0.001, 60)] * 10, *[(BUY, 0.001, 62)] * 8]
    group = (0, *[1] * 10, *[1] * 8)
    market = ContinuousDoubleAuction(
        40, highest_eur_per_mwh=100, quoting_of_group=("zero-intelligence-plus", "limit"), group=group
    )
    result = clear(market, book(*rows))
    learner = result.trades.seller == 0
    assert learner.sum() == 1
    assert 40 <= result.trades.price_eur_per_mwh[learner][0] <= 62


def test_among_peers_everybody_has_the_quoting_of_its_group() -> None:
    peers = street(6).peers
    told = ContinuousDoubleAuction().quoted_by(("limit", None)).among(peers, Street(), "street")
    assert told.group == tuple(peers.behaviour.tolist()) == (-1, 0, 1, -1, 0, 1)
    assert ContinuousDoubleAuction().among(peers, Street(), "street") == ContinuousDoubleAuction()
    orders = book((SELL, 0.001, 10), (BUY, 0.001, 90))  # of nobody's group, and of the first
    assert clear(told, orders).accepted_mw.sum() == pytest.approx(0.002)


CONTINUOUS = 'market.p2p={"kind": "continuous-double-auction", "quotes": 4}'


def test_a_run_in_which_groups_quote_in_their_own_way_verifies(tmp_path: Path) -> None:
    evening = ["time.start=2016-07-04T17:00:00", "reference=none", CONTINUOUS]
    loaded = load_scenario("case69-day", [*evening, "peers.0.quoting=zero-intelligence-plus"], hours=1)
    assert build(loaded, registry()).area.market.quoting_of_group == ("zero-intelligence-plus", None)  # type: ignore[attr-defined]
    with Session.begin(loaded, registry(), tmp_path / "run", driver="mesa") as session:
        for _ in session.advance():
            pass
    assert len(open_run(tmp_path / "run", check=False).table("trades"))
    assert not verify(tmp_path / "run", registry()).differences


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (["peers.0.quoting=limit"], "'uniform-auction' asks for one bid"),
        (['market.p2p={"kind": "continuous-double-auction", "group": [0]}'], "is found from the groups"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(changes: list[str], said: str) -> None:
    with pytest.raises(InputError, match=said):
        build(load_scenario("case69-day", changes), registry())
