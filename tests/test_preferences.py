"""With whom peers would rather trade: the examples of the page, whose money it is not, and runs with it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peerflex.core.arrays import Floats, floats
from peerflex.core.errors import InputError
from peerflex.core.streams import stream
from peerflex.core.trade import Charges, MarketResult, Orders, Signal, TradeTerms, Wishes, free_terms
from peerflex.core.units import BUY, SELL
from peerflex.markets.bilateral import BilateralEquilibrium
from peerflex.markets.consensus import ConsensusAdmm
from peerflex.markets.negotiation import Negotiation
from peerflex.markets.preferences import Green, Local, Loyal, Neighbourhood, Philanthropic, Preference, wishes_of
from peerflex.markets.registry import PREFERENCES
from peerflex.markets.wishes import preferred_mw, wished, with_wishes
from peerflex.runs.area.build import build
from peerflex.runs.area.plugins import registry
from peerflex.runs.explain.again import Again
from peerflex.runs.kpis.kpis import kpis
from peerflex.runs.log.reader import Run, open_run
from peerflex.runs.log.verification import verify
from peerflex.runs.session import Session
from peerflex.scenarios.load import load_scenario
from tests.areas import Street, street
from tests.contracts import book, books
from tests.moments import moment_of

pytestmark = pytest.mark.once

KW = 1e-3
THREE = book((SELL, 0.01, 10), (SELL, 0.01, 20), (BUY, 0.01, 30))
"""A, G and C of the page."""

GREEN = Wishes(np.array([0, 1, 0]), floats(2, 2), np.array([[0.0, 0.0], [6.0, 6.0]]))
GIVES = Wishes(np.array([1, 2, 0]), np.array([[0.0] * 3, [6.0, 0.0, 0.0], [0.0] * 3]), floats(3, 3))
CENTRE = BilateralEquilibrium(curvature_eur_per_mwh=20, pair_curvature_eur_per_mwh=0)
MARKETS = {
    "centre": CENTRE,
    "generic": replace(CENTRE, solver="generic"),
    "no centre": ConsensusAdmm(curvature_eur_per_mwh=20, pair_curvature_eur_per_mwh=0),
}


def clear(
    market: BilateralEquilibrium | ConsensusAdmm | Negotiation,
    wishes: Wishes | None,
    orders: Orders = THREE,
    terms: TradeTerms | None = None,
) -> MarketResult:
    said = with_wishes(terms or free_terms(len(orders)), wishes)
    return market.clear(orders, Signal(np.zeros(1), np.zeros(1, dtype=np.bool_), said), stream(1, "market"))


@pytest.mark.parametrize("market", MARKETS.values(), ids=list(MARKETS))
@pytest.mark.parametrize(
    ("wishes", "accepted_kw", "price", "preferred_kw"),
    [
        (None, [5, 0, 5], [20], np.nan),
        (GREEN, [4, 2, 6], [18, 24], 2),
        (GIVES, [6.5, 0, 6.5], [17], 6.5),
    ],
    ids=["nobody minds", "C would rather have green", "A gives to C"],
)
def test_examples_of_the_page(
    market: BilateralEquilibrium | ConsensusAdmm,
    wishes: Wishes | None,
    accepted_kw: list[float],
    price: list[float],
    preferred_kw: float,
) -> None:
    result = clear(market, wishes)
    np.testing.assert_allclose(result.accepted_mw / KW, accepted_kw, atol=1e-4)
    trades = result.trades.take(np.flatnonzero(result.trades.quantity_mw > 1e-3 * KW))
    np.testing.assert_allclose(trades.price_eur_per_mwh[np.argsort(trades.seller)], price, atol=1e-4)
    np.testing.assert_allclose(preferred_mw(wishes, result.trades) / KW, preferred_kw, atol=1e-4)
    assert not result.trades.buyer_premium_eur_per_mwh.any()


@pytest.mark.parametrize("wish", [0.0, 3.0, 12.0, 30.0])
def test_the_green_seller_sells_a_third_of_the_wish(wish: float) -> None:
    result = clear(CENTRE, replace(GREEN, buyer_eur_per_mwh=GREEN.buyer_eur_per_mwh * wish / 6))
    np.testing.assert_allclose(result.accepted_mw / KW, [5 - wish / 6, wish / 3, 5 + wish / 6], atol=1e-5)


@pytest.mark.parametrize("market", MARKETS.values(), ids=list(MARKETS))
@pytest.mark.parametrize(("wishes", "sold_kw"), [(GREEN, [1, 5]), (None, [2, 3])])
def test_the_dso_pays_for_its_own_terms_and_for_no_wish(
    market: BilateralEquilibrium | ConsensusAdmm, wishes: Wishes | None, sold_kw: list[float]
) -> None:
    gain = np.array([[1.0, 1, 0.8], [1, 1, 1.2], [1, 1, 1]])
    terms = TradeTerms(np.arange(3), np.zeros((3, 3), dtype=np.bool_), gain, np.ones((3, 3)), money=True)
    result = clear(market, wishes, terms=terms)
    np.testing.assert_allclose(result.accepted_mw[:2] / KW, sold_kw, atol=1e-4)
    trades = result.trades.take(np.argsort(result.trades.seller))
    np.testing.assert_allclose(trades.buyer_premium_eur_per_mwh, [-6, 6], atol=1e-9)
    np.testing.assert_allclose(trades.seller_premium_eur_per_mwh, 0, atol=1e-9)
    if wishes is not None:
        np.testing.assert_allclose(trades.price_eur_per_mwh, [12, 30], atol=1e-4)


def test_a_negotiation_ends_between_the_limits_with_their_wishes() -> None:
    pair, wishes = book((SELL, 0.01, 60), (BUY, 0.01, 50)), Wishes(np.arange(2), floats(2, 2), np.full((2, 2), 20.0))
    assert not len(clear(Negotiation(), None, pair).trades)
    result = clear(Negotiation(), wishes, pair)
    assert result.trades.price_eur_per_mwh.tolist() == [65]
    assert result.rounds == 20
    gives = Wishes(np.arange(2), np.full((2, 2), 20.0), floats(2, 2))
    assert clear(Negotiation(), gives, pair).trades.price_eur_per_mwh.tolist() == [45]  # between 40 and 50


@st.composite
def wishful(draw: st.DrawFn) -> Wishes:
    kinds = draw(st.integers(1, 4))
    seller, buyer = (
        np.array(draw(st.lists(st.sampled_from([0.0, 5.0, 80.0]), min_size=kinds**2, max_size=kinds**2)))
        for _ in range(2)
    )
    of_peer = np.array(draw(st.lists(st.integers(0, kinds - 1), min_size=10, max_size=10)), dtype=np.int64)
    return Wishes(of_peer, seller.reshape(kinds, kinds), buyer.reshape(kinds, kinds))


@settings(max_examples=25, deadline=None)
@given(orders=books(), wishes=wishful(), money=st.booleans())
@pytest.mark.parametrize("market", [BilateralEquilibrium(), ConsensusAdmm(most_rounds=50), Negotiation()])
def test_it_balances_and_nobody_loses_by_its_bid_its_wish_and_what_the_dso_pays(
    market: BilateralEquilibrium | ConsensusAdmm | Negotiation, orders: Orders, wishes: Wishes, money: bool
) -> None:
    charges = Charges(np.array([3.0, 0.0]), np.array([[0.0, 10.0], [-10.0, 0.0]]))
    blocked, gain = np.array([[False, True], [False, False]]), np.array([[1.0, 0.8], [1.2, 1.0]])
    terms = TradeTerms(np.arange(10) % 2, blocked, gain, gain.T, money, charges)
    result = clear(market, wishes, orders, terms)
    assert (orders.side * result.accepted_mw).sum() == pytest.approx(0, abs=1e-12)
    assert (result.accepted_mw <= orders.quantity_mw * (1 + 1e-12)).all()
    trades = result.trades
    assert not blocked[trades.seller % 2, trades.buyer % 2].any()
    if not money:
        return  # what only steers may be a loss in money
    of_seller, of_buyer = wished(wishes, trades.seller, trades.buyer)
    gets = trades.price_eur_per_mwh + trades.seller_premium_eur_per_mwh + of_seller
    pays = trades.price_eur_per_mwh - trades.buyer_premium_eur_per_mwh - of_buyer
    assert (gets >= orders.price_eur_per_mwh[trades.sell_order] - 1e-4).all()
    assert (pays <= orders.price_eur_per_mwh[trades.buy_order] + 1e-4).all()


@settings(max_examples=25, deadline=None)
@given(orders=books(), seed=st.integers(0, 99))
def test_what_is_traded_as_wished_never_falls_when_it_is_worth_more(orders: Orders, seed: int) -> None:
    n = len(orders)
    orders = replace(orders, peer=np.arange(n))  # nobody supplies itself
    liked = (np.random.default_rng(seed).random((n, n)) < 0.3).astype(np.float64)
    met_mw = 0.0
    for eur_per_mwh in (0.5, 5.0, 50.0, 500.0):
        wishes = Wishes(np.arange(n), eur_per_mwh * liked, eur_per_mwh * liked * (seed % 2))
        before, met_mw = met_mw, preferred_mw(wishes, clear(BilateralEquilibrium(), wishes, orders).trades)
        assert met_mw >= before - 1e-6


def there(**changes: Floats) -> Neighbourhood:
    area = street(6)
    return Neighbourhood(replace(area.peers, **changes), Street(), ("prosumer", "truthful"), 1)  # type: ignore[arg-type]


def held(preference: Preference) -> tuple[Wishes, Floats, Floats]:
    """Return what the prosumers (peers 1 and 4) wish with a preference, by peers: as sellers and as buyers."""
    around = there(pv_mw=np.array([0.0, 0.006, 0, 0, 0.006, 0]))
    wishes = wishes_of((preference, None), around, "street")
    assert wishes is not None
    seller, buyer = np.indices((6, 6)).reshape(2, -1)
    return wishes, *(each.reshape(6, 6) for each in wished(wishes, seller, buyer))


def test_green_is_who_has_sun_and_matters_to_buyers() -> None:
    wishes, of_seller, of_buyer = held(Green(eur_per_mwh=7))
    assert not of_seller.any()
    expected = floats(6, 6)
    expected[np.ix_([1, 4], [1, 4])] = 7
    np.testing.assert_array_equal(of_buyer, expected)
    assert len(wishes.seller_eur_per_mwh) == 2  # those with sun, all prosumers, and the others


def test_neighbours_are_at_the_same_bus_and_matter_to_both() -> None:
    """Peers 0 and 3 are at the first bus, the others at the second."""
    _, of_seller, of_buyer = held(Local(eur_per_mwh=7, within="bus"))
    expected = floats(6, 6)
    expected[np.ix_([1, 4], [1, 2, 4, 5])] = 7
    np.testing.assert_array_equal(of_seller, expected)
    np.testing.assert_array_equal(of_buyer, expected.T)


def test_a_network_without_a_fork_has_no_feeders() -> None:
    with pytest.raises(InputError, match="no fork"):
        wishes_of((Local(), None), there(), "street")


def test_circles_are_dealt_once_by_the_seed() -> None:
    around, loyal = there(), Loyal(circle=2)
    circle = loyal.label(around, "")
    assert np.bincount(circle).tolist() == [2, 2, 2]
    np.testing.assert_array_equal(circle, loyal.label(around, ""))
    dealt = {tuple(loyal.label(replace(around, seed=seed), "").tolist()) for seed in range(10)}
    assert len(dealt) > 5
    _, of_seller, of_buyer = held(Loyal(eur_per_mwh=7, circle=6))
    assert (of_seller[[1, 4]] == 7).all()
    assert (of_buyer[:, [1, 4]] == 7).all()
    assert of_seller.sum() == of_buyer.sum() == 7 * 12


def test_a_philanthropist_gives_to_a_group() -> None:
    """The truthful are peers 2 and 5."""
    _, of_seller, of_buyer = held(Philanthropic(to="truthful", eur_per_mwh=7))
    expected = floats(6, 6)
    expected[np.ix_([1, 4], [2, 5])] = 7
    np.testing.assert_array_equal(of_seller, expected)
    np.testing.assert_array_equal(of_buyer, expected.T)
    with pytest.raises(InputError, match="no group 'poor'"):
        wishes_of((Philanthropic(to="poor"), None), there(), "street")


def test_two_groups_wish_side_by_side() -> None:
    around = there()
    wishes = wishes_of((Local(eur_per_mwh=7, within="bus"), Philanthropic(to="prosumer", eur_per_mwh=3)), around, "")
    assert wishes is not None
    of_seller, of_buyer = wished(wishes, np.array([2, 2, 1]), np.array([1, 0, 2]))
    assert of_seller.tolist() == [3, 0, 7]
    assert of_buyer.tolist() == [7, 0, 3]


NOON = ("time.start=2016-07-04T11:00:00", "reference=none", "grid.line_rating_factor=0.5")
PAIRS = 'market.p2p={"kind": "bilateral-equilibrium"}'


def simulated(folder: Path, *settings_: str, hours: int = 1) -> tuple[Run, dict[str, float]]:
    loaded = load_scenario("case69-day", [*NOON, *settings_], hours=hours)
    with Session.begin(loaded, registry(), folder, driver="mesa") as session:
        for _ in session.advance():
            pass
    log = open_run(folder, check=False)
    return log, kpis(log)


def test_the_share_of_local_trade_rises_with_what_it_is_worth(tmp_path: Path) -> None:
    shares = []
    for eur_per_mwh in (0.01, 5, 50):
        wish = f'peers.0.preference={{"kind": "local", "eur_per_mwh": {eur_per_mwh}}}'
        folder = tmp_path / str(eur_per_mwh)
        shares.append(simulated(folder, PAIRS, wish)[1]["preferred_share"])
    assert shares[0] < shares[1] < shares[2] <= 1
    assert not verify(folder, registry()).differences


def test_nothing_is_the_same_as_no_preference(tmp_path: Path) -> None:
    wish = 'peers.0.preference={"kind": "loyal", "eur_per_mwh": 0}'
    plain, with_nothing = simulated(tmp_path / "plain", PAIRS)[0], simulated(tmp_path / "nothing", PAIRS, wish)[0]
    for name in ("hours", "trades", "orders", "ledger", "flex", "peers"):
        assert plain.rows(name).to_pandas().equals(with_nothing.rows(name).to_pandas()), name
    assert np.isnan(kpis(with_nothing)["preferred_share"])


def test_an_hour_with_preferences_cleared_again_is_the_same_hour() -> None:
    wish = 'peers.0.preference={"kind": "philanthropic", "to": "truthful"}'
    moment = moment_of("case69-day", 0, *NOON, PAIRS, wish)
    assert moment.decision.preferred_mw > 0.01
    assert Again(moment).direct


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ([], "nobody knows with whom"),
        (['market.p2p={"kind": "communities"}'], "nobody knows with whom"),
        ([PAIRS, 'market.service={"kind": "network-charges"}'], "expects of bids alone"),
        ([PAIRS, "market.p2p.kind=bilateral-equilibrium", 'peers.0.preference={"kind": "red"}'], "no 'red'"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(changes: list[str], said: str) -> None:
    wish = ['peers.0.preference={"kind": "green"}', *changes]
    with pytest.raises(InputError, match=said):
        build(load_scenario("case69-day", wish), registry())


@pytest.mark.tree
def test_every_preference_has_a_line_on_the_page() -> None:
    page = (Path(__file__).parents[1] / "docs" / "economics" / "preferences.md").read_text()
    assert all(f"| `{kind}` |" in page for kind in PREFERENCES)
