"""The single-price pool: the example of its page, closed forms, and the bilateral program it stands for."""

import highspy
import numpy as np
import pytest
from hypothesis import given, settings

from peerflex.core.arrays import Floats
from peerflex.core.trade import Orders
from peerflex.core.units import BUY, SELL
from peerflex.markets.pool import BilateralPool
from tests.contracts import book, books, check_market


def test_example_of_the_page() -> None:
    result = check_market(BilateralPool(5.0), book((SELL, 0.004, 10), (SELL, 0.004, 12), (BUY, 0.006, 16)))
    assert result.price_eur_per_mwh == pytest.approx(92 / 7)
    np.testing.assert_allclose(result.accepted_mw * 1000, [88 / 35, 32 / 35, 24 / 7])


@pytest.mark.parametrize("gap", [0.5, 3.0, 9.9])
def test_two_peers_split_their_gap(gap: float) -> None:
    """Q (L - c) / w == Q (v - L) / w: the price is midway, the volume half the gap over the curvature."""
    result = check_market(BilateralPool(5.0), book((SELL, 0.01, 100), (BUY, 0.01, 100 + gap)))
    assert result.price_eur_per_mwh == pytest.approx(100 + gap / 2)
    assert result.accepted_mw[0] == pytest.approx(0.01 * gap / 2 / 5)


def test_where_an_interval_of_prices_clears_its_middle_is_taken() -> None:
    result = check_market(BilateralPool(5.0), book((SELL, 0.01, 40), (BUY, 0.01, 100)))  # from 45 to 95
    assert result.price_eur_per_mwh == pytest.approx(70)
    np.testing.assert_allclose(result.accepted_mw, 0.01)


def test_every_peer_is_at_its_own_optimum() -> None:
    """At the price no peer would rather trade another quantity (the equilibrium's unilateral check)."""
    rng = np.random.default_rng(3)
    n, width = 2000, 5.0
    quantity, price = rng.uniform(0, 0.02, n), rng.uniform(60, 140, n)
    orders = book(*zip(rng.choice([SELL, BUY], n), quantity, price, strict=True))
    result = check_market(BilateralPool(width), orders)
    traded = result.accepted_mw

    def gain(x: Floats) -> Floats:
        return orders.side * (result.price_eur_per_mwh - price) * x - width * x**2 / (2 * quantity)

    for other in (traded * 0.99, np.minimum(traded * 1.01 + 1e-6, quantity), np.zeros(n), quantity):
        assert (gain(other) <= gain(traded) + 1e-12).all()


@settings(max_examples=40, deadline=None)
@given(orders=books(most_orders=12))
def test_net_positions_are_those_of_the_bilateral_program(orders: Orders) -> None:
    """Net positions to 1e-5 of all quantities against HiGHS's quadratic solver on all pairs."""
    result = check_market(BilateralPool(5.0), orders)
    expected = bilateral(orders, 5.0)
    np.testing.assert_allclose(result.accepted_mw, expected, atol=1e-5 * max(orders.quantity_mw.sum(), 1e-3))


def bilateral(orders: Orders, width: float) -> Floats:
    """Maximise the joint gain over the trades of every pair: columns are the net positions, then the pairs."""
    size = orders.quantity_mw.max(initial=0.0)
    rows = np.flatnonzero(orders.quantity_mw > 0)
    sells, buys = rows[orders.side[rows] == SELL], rows[orders.side[rows] == BUY]
    found = np.zeros(len(orders))
    if not (len(sells) and len(buys)):
        return found
    quantity = orders.quantity_mw[rows] / size
    model = highspy.Highs()
    model.setOptionValue("output_flag", False)
    position = {
        row: model.addVariable(0, q, orders.side[row] * orders.price_eur_per_mwh[row])
        for row, q in zip(rows, quantity, strict=True)
    }
    pair = {(s, b): model.addVariable(0, highspy.kHighsInf, 0.0) for s in sells for b in buys}
    for s in sells:
        model.addConstr(sum(pair[s, b] for b in buys) == position[s])
    for b in buys:
        model.addConstr(sum(pair[s, b] for s in sells) == position[b])
    n, columns = len(rows), len(rows) + len(pair)
    hessian = highspy.HighsHessian()
    hessian.dim_, hessian.format_ = columns, highspy.HessianFormat.kTriangular
    hessian.start_ = np.minimum(np.arange(columns + 1), n)
    hessian.index_, hessian.value_ = np.arange(n), width / quantity
    model.passHessian(hessian)
    model.run()
    assert model.getModelStatus() == highspy.HighsModelStatus.kOptimal
    found[rows] = np.array(model.getSolution().col_value)[:n] * size
    return found
