"""Every registered market keeps the contract, on books of all kinds."""

import numpy as np
import pytest
from hypothesis import given, settings
from pydantic import TypeAdapter, ValidationError

from peerflex.core.protocols import FlexMarket, Market
from peerflex.core.trade import FlexNeed, FlexOffers, Orders
from peerflex.core.units import BUY, SELL
from peerflex.markets.bilateral_contract import BilateralContract, Contract
from peerflex.markets.connection_agreement import ConnectionAgreement
from peerflex.markets.lfm import LocalFlexibilityMarket
from peerflex.markets.obligation import Obligation
from peerflex.markets.registry import FLEX_MARKETS, MARKETS
from tests.contracts import EDGE_BOOKS, book, books, check_flex_market, check_market, flex_cases

ANY_MARKET = pytest.mark.parametrize("market", [kind() for kind in MARKETS.values()], ids=list(MARKETS))
CLEARING = ["uniform-auction", "bilateral-pool", "bilateral-equilibrium"]
ANY_FLEX_MARKET = pytest.mark.parametrize(
    "market",
    [
        *(kind() for kind in FLEX_MARKETS.values()),
        LocalFlexibilityMarket(residual="balanced"),
        LocalFlexibilityMarket(pricing="pay-as-cleared"),
        Obligation(sharing="pro-rata"),
        ConnectionAgreement(order="last-in-first-out", member=(0, 1, -1) * 10),
        ConnectionAgreement(order="most-effective", firm_share=0.0),
        BilateralContract(contracts=(Contract("one"), Contract("other", 50.0, 0.0, 20.0)), member=(0, 1, -1) * 10),
    ],
    ids=[
        *FLEX_MARKETS,
        "linear, balanced",
        "linear, pay-as-cleared",
        "pro rata",
        "last in",
        "most effective",
        "two contracts",
    ],
)


@pytest.mark.once
@ANY_MARKET
@settings(max_examples=100, deadline=None)
@given(orders=books())
def test_any_book(market: Market, orders: Orders) -> None:
    check_market(market, orders)


@ANY_MARKET
@pytest.mark.parametrize("orders", list(EDGE_BOOKS.values()), ids=list(EDGE_BOOKS))
def test_edge_of_a_book(market: Market, orders: Orders) -> None:
    check_market(market, orders)


@pytest.mark.once
@pytest.mark.parametrize("kind", CLEARING)
@settings(max_examples=100, deadline=None)
@given(orders=books())
def test_no_order_left_out_would_gain_at_the_price(kind: str, orders: Orders) -> None:
    result = check_market(MARKETS[kind](), orders)
    if not len(result.trades):
        return
    gain = orders.side * (result.price_eur_per_mwh - orders.price_eur_per_mwh)  # of the first unit
    idle = (result.accepted_mw <= 1e-9) & (orders.quantity_mw > 1e-6)
    tolerance = 1e-6 if kind == "uniform-auction" else 1e-6 * MARKETS[kind]().curvature_eur_per_mwh + 0.01  # type: ignore[attr-defined]
    assert (gain[idle] <= tolerance).all()


@pytest.mark.parametrize("kind", CLEARING)
def test_crossing_orders_trade(kind: str) -> None:
    result = check_market(MARKETS[kind](), book((SELL, 0.004, 20), (BUY, 0.004, 90)))
    np.testing.assert_allclose(result.accepted_mw, 0.004)
    assert result.price_eur_per_mwh == pytest.approx(55)


@ANY_FLEX_MARKET
@settings(max_examples=60, deadline=None)
@given(case=flex_cases())
def test_any_need(market: FlexMarket, case: tuple[FlexNeed, FlexOffers]) -> None:
    check_flex_market(market, *case)


@pytest.mark.parametrize(
    ("kind", "parameters"),
    [
        ("uniform-auction", {"k": 1.5}),
        ("k-double-auction", {"k": -0.1}),
        ("uniform-auction", {"k": float("nan")}),
        ("bilateral-pool", {"curvature_eur_per_mwh": 0}),
        ("bilateral-equilibrium", {"reading": "as you like it"}),
        ("bilateral-equilibrium", {"pair_curvature_eur_per_mwh": -1}),
        ("continuous-double-auction", {"quoting": "greedy"}),
        ("continuous-double-auction", {"loss": 1.1}),
        ("negotiation", {"concession": 0}),
        ("consensus-admm", {"tolerance": 0}),
        ("walrasian", {"tick_eur_per_mwh": 0}),
        ("communities", {"inside": "mcafee"}),
        ("mid-market-rate", {"retail_eur_per_mwh": float("inf")}),
        ("supply-demand-ratio", {"feed_in_eur_per_mwh": 0}),
        ("linear", {"residual": "somehow"}),
        ("cost-based", {"margin_eur_per_mwh": -1}),
        ("obligation", {"sharing": "as you like it"}),
        ("connection-agreement", {"firm_share": 1.1}),
        ("bilateral-contract", {"contracts": []}),
        ("linear", {"pricing": "as you like it"}),
        ("linear", {"interface_eur_per_mwh": float("inf")}),
    ],
)
def test_parameters_say_their_range(kind: str, parameters: dict[str, object]) -> None:
    adapter = TypeAdapter({**MARKETS, **FLEX_MARKETS}[kind])
    with pytest.raises(ValidationError):
        adapter.validate_python(parameters)
    assert all("description" in field for field in adapter.json_schema()["properties"].values())
