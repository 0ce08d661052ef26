"""Sharing rules: the examples of their pages, the papers' average prices, and the tariffs they are filled with."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peerflex.core.arrays import Floats, add_up
from peerflex.core.errors import InputError
from peerflex.core.protocols import Market
from peerflex.core.trade import MarketResult, Orders
from peerflex.core.units import BUY, SELL
from peerflex.markets.sharing import MidMarketRate, SupplyDemandRatio
from peerflex.runs import api
from peerflex.runs.area.build import build
from peerflex.runs.area.plugins import registry
from peerflex.scenarios.load import load_scenario
from tests.contracts import book, books, check_market

KW = 1e-3
RETAIL, FEED_IN = 320.0, 80.0
STREET = book((SELL, 0.003, 80), (SELL, 0.001, 80), (SELL, 0.002, 220), (BUY, 0.006, 320), (BUY, 0.004, 320))
"""Anna's and Ben's sun, Ben's battery at 220 EUR/MWh, and the loads of Cora and Dan."""


def averages(orders: Orders, result: MarketResult) -> Floats:
    """Return what each order pays or gets per MWh on average, if what is left of it goes to the supplier."""
    trades = result.trades
    paid = trades.quantity_mw * trades.price_eur_per_mwh
    traded = add_up(trades.sell_order, paid, len(orders)) + add_up(trades.buy_order, paid, len(orders))
    tariff = np.where(orders.side == SELL, FEED_IN, RETAIL)
    average: Floats = (traded + (orders.quantity_mw - result.accepted_mw) * tariff) / orders.quantity_mw
    return average


@pytest.mark.parametrize(
    ("market", "accepted_kw", "rate", "average"),
    [
        (MidMarketRate(), [3, 1, 0, 2.4, 1.6], 200, [200, 200, 80, 272, 272]),
        (SupplyDemandRatio(), [3, 1, 0, 2.4, 1.6], 114.29, [114.29, 114.29, 80, 237.71, 237.71]),
    ],
    ids=["mid-market rate", "supply-demand ratio"],
)
def test_examples_of_the_pages(market: Market, accepted_kw: list[float], rate: float, average: list[float]) -> None:
    result = check_market(market, STREET)
    assert result.accepted_mw / KW == pytest.approx(accepted_kw)
    assert result.price_eur_per_mwh == pytest.approx(rate, abs=0.005)
    assert averages(STREET, result) == pytest.approx(average, abs=0.005)


def test_the_battery_takes_part_where_the_rate_suits_it() -> None:
    cheap = replace(STREET, price_eur_per_mwh=np.array([80.0, 80, 114, 320, 320]))
    assert averages(cheap, check_market(SupplyDemandRatio(), cheap))[3:] == pytest.approx([196.57, 196.57], abs=0.005)
    orders = replace(STREET, price_eur_per_mwh=np.array([80.0, 80, 190, 320, 320]))
    assert check_market(MidMarketRate(), orders).accepted_mw / KW == pytest.approx([3, 1, 2, 3.6, 2.4])


@settings(max_examples=100, deadline=None)
@given(
    sold=st.lists(st.floats(0.001, 0.01), min_size=1, max_size=8),
    bought=st.lists(st.floats(0.001, 0.01), min_size=1, max_size=8),
)
def test_average_prices_are_those_of_the_papers(sold: list[float], bought: list[float]) -> None:
    """Long et al. 2017 (three cases) and Liu et al. 2017 (two), written as they are there."""
    orders = book(*[(SELL, q, FEED_IN) for q in sold], *[(BUY, q, RETAIL) for q in bought])
    generation, demand = sum(sold), sum(bought)
    sells = orders.side == SELL

    middle = (RETAIL + FEED_IN) / 2
    exported = (demand * middle + (generation - demand) * FEED_IN) / generation if generation > demand else middle
    imported = (generation * middle + (demand - generation) * RETAIL) / demand if generation < demand else middle
    found = averages(orders, check_market(MidMarketRate(), orders))
    np.testing.assert_allclose(found, np.where(sells, exported, imported), rtol=1e-9)

    ratio = generation / demand
    sell_price = RETAIL * FEED_IN / ((RETAIL - FEED_IN) * ratio + FEED_IN) if ratio <= 1 else FEED_IN
    buy_price = sell_price * ratio + RETAIL * (1 - ratio) if ratio <= 1 else FEED_IN
    found = averages(orders, check_market(SupplyDemandRatio(), orders))
    np.testing.assert_allclose(found, np.where(sells, sell_price, buy_price), rtol=1e-9)


@pytest.mark.once
@settings(max_examples=100, deadline=None)
@given(orders=books(), kind=st.sampled_from([MidMarketRate, SupplyDemandRatio]), seed=st.integers(0, 99))
def test_the_order_of_rows_means_nothing(orders: Orders, kind: type[Market], seed: int) -> None:
    shuffled = np.random.default_rng(seed).permutation(len(orders))
    result, other = check_market(kind(), orders), check_market(kind(), orders.take(shuffled))
    np.testing.assert_allclose(other.accepted_mw, result.accepted_mw[shuffled], rtol=1e-9, atol=1e-15)


@pytest.mark.once
@settings(max_examples=100, deadline=None)
@given(orders=books(), price=st.floats(-100, 400), row=st.integers(0, 29))
def test_no_bid_moves_the_mid_market_rate(orders: Orders, price: float, row: int) -> None:
    if row >= len(orders):
        return
    prices = orders.price_eur_per_mwh.copy()
    prices[row] = price
    for result in (
        check_market(MidMarketRate(), orders),
        check_market(MidMarketRate(), replace(orders, price_eur_per_mwh=prices)),
    ):
        assert np.isnan(result.price_eur_per_mwh) or result.price_eur_per_mwh == 200.0


@pytest.mark.parametrize("feed_in", [1e-3, 80.0, 319.0])
def test_the_ratio_runs_from_retail_to_feed_in(feed_in: float) -> None:
    market = SupplyDemandRatio(feed_in_eur_per_mwh=feed_in)
    assert market.rate(0.0) == RETAIL
    assert market.rate(1.0) == market.rate(7.0) == feed_in
    rates = [market.rate(ratio) for ratio in np.linspace(0, 1, 50)]
    assert (np.diff(rates) < 0).all()


@pytest.mark.parametrize("kind", ["mid-market-rate", "supply-demand-ratio"])
def test_the_tariffs_of_the_scenario_are_those_of_the_rule(kind: str) -> None:
    settings = [f"market.p2p.kind={kind}", "tariffs.retail_eur_per_mwh=330"]
    market = build(load_scenario("lv-week", settings), registry()).area.market
    assert isinstance(market, MidMarketRate | SupplyDemandRatio)
    assert (market.retail_eur_per_mwh, market.feed_in_eur_per_mwh) == (330.0, 80.0)
    with pytest.raises(InputError) as refused:
        build(load_scenario("lv-week", [*settings, "market.p2p.retail_eur_per_mwh=300"]), registry())
    assert "market.p2p.retail_eur_per_mwh" in refused.value.problem.where
    assert refused.value.problem.remedy == "Write it as tariffs.retail_eur_per_mwh."


def test_a_ratio_of_no_feed_in_is_refused_at_the_tariffs() -> None:
    settings = ["market.p2p.kind=supply-demand-ratio", "tariffs.feed_in_eur_per_mwh=0"]
    with pytest.raises(InputError) as refused:
        build(load_scenario("lv-week", settings), registry())
    assert refused.value.problem.where.endswith("tariffs.feed_in_eur_per_mwh")
    assert "greater than 0" in refused.value.problem.what


@pytest.mark.once
@pytest.mark.parametrize("kind", ["mid-market-rate", "supply-demand-ratio"])
def test_a_day_is_shared_and_balances(kind: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    settings = [f"market.p2p.kind={kind}", "reference=none"]
    run = api.run("lv-week", hours=14, settings=settings, driver="mesa", out=tmp_path_factory.mktemp("day") / "run")
    prices = run.table("trades")["price_eur_per_mwh"]
    assert len(prices)
    assert prices.between(80, 320).all()
