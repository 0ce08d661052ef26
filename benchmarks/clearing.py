"""How long clearing takes: columns against objects, interleaved, medians.

Run ``python benchmarks/clearing.py [REPEATS]``. Workload: random books with tied prices; sellers' costs 40 to
120 EUR/MWh, buyers' values 60 to 140 in steps of 0.1, up to 10 kW each. The rival is the same auction in pure
Python objects: orders as objects, two sorted queues, trades one by one.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from time import perf_counter

import numpy as np

from peerflex.core.streams import stream
from peerflex.core.trade import FlexNeed, FlexOffers, Orders, Signal, free_terms
from peerflex.core.units import BUY, SELL
from peerflex.markets.double_auction import UniformPriceDoubleAuction
from peerflex.markets.lfm import LocalFlexibilityMarket
from peerflex.markets.pool import BilateralPool

SIGNAL = Signal(np.zeros(1), np.zeros(1, dtype=np.bool_), free_terms(0))


@dataclass
class OrderObject:
    peer: int
    side: int
    quantity_mw: float
    price_eur_per_mwh: float
    accepted_mw: float = 0.0


def objects_clear(orders: list[OrderObject]) -> list[tuple[int, int, float]]:
    """Clear the auction as objects: the rival."""
    sells = sorted((order for order in orders if order.side == SELL), key=lambda order: order.price_eur_per_mwh)
    buys = sorted((order for order in orders if order.side == BUY), key=lambda order: -order.price_eur_per_mwh)
    trades, s, b = [], 0, 0
    while s < len(sells) and b < len(buys) and sells[s].price_eur_per_mwh <= buys[b].price_eur_per_mwh:
        sell, buy = sells[s], buys[b]
        traded = min(sell.quantity_mw - sell.accepted_mw, buy.quantity_mw - buy.accepted_mw)
        sell.accepted_mw += traded
        buy.accepted_mw += traded
        trades.append((sell.peer, buy.peer, traded))
        s += sell.accepted_mw >= sell.quantity_mw
        b += buy.accepted_mw >= buy.quantity_mw
    return trades


def random_orders(n: int) -> Orders:
    rng = stream(1, "benchmark", n)
    side = rng.choice(np.array([SELL, BUY]), n)
    price = np.round(np.where(side == SELL, rng.uniform(40, 120, n), rng.uniform(60, 140, n)), 1)
    whole = np.full(n, 3600, dtype=np.int64)
    quantity = rng.uniform(0.001, 0.01, n)
    return Orders.plain(np.arange(n), side, quantity, price, np.ones(n, dtype=np.bool_), whole * 0, whole)


def random_need(n: int, rows: int, buses: int) -> tuple[FlexNeed, FlexOffers]:
    """Return a radial-like need: each line sees a tenth of the buses; a tenth of the lines is over its rating."""
    rng = stream(1, "benchmark", n)
    by_mw = np.where(rng.random((rows, buses)) < 0.1, -1 / 0.4, 0.0)
    one = np.ones(rows)
    value = rng.uniform(0.5, 1.05, rows)
    need = FlexNeed(one < 0, np.arange(rows), value, -one, one, by_mw, one * 0.4)
    side = rng.choice(np.array([SELL, BUY]), n)
    price = 200 + side * rng.uniform(0, 100, n)
    each = np.arange(n)
    return need, FlexOffers(
        each, each, rng.integers(0, buses, n), side, rng.uniform(0.001, 0.01, n), price, np.zeros(n), price
    )


def milliseconds(work: Callable[[], object]) -> float:
    start = perf_counter()
    work()
    return 1000 * (perf_counter() - start)


def main(repeats: int) -> None:
    rng = stream(1, "benchmark")
    cases: dict[str, Callable[[], object]] = {}
    for n in (100, 2_000, 10_000):
        orders = random_orders(n)
        rows = list(zip(orders.peer, orders.side, orders.quantity_mw, orders.price_eur_per_mwh, strict=True))
        objects = [OrderObject(int(p), int(s), float(q), float(e)) for p, s, q, e in rows]

        def rival(objects: list[OrderObject] = objects) -> object:
            for order in objects:
                order.accepted_mw = 0.0
            return objects_clear(objects)

        cases[f"auction, {n} orders, pure Python objects (rival)"] = rival
        cases[f"auction, {n} orders, columns"] = lambda o=orders: UniformPriceDoubleAuction().clear(o, SIGNAL, rng)
        cases[f"pool, {n} orders, columns"] = lambda o=orders: BilateralPool().clear(o, SIGNAL, rng)
    for n, rows_, buses in ((70, 37, 36), (10_000, 100, 500)):
        need, offers = random_need(n, rows_, buses)
        cases[f"flexibility market, {n} offers, {rows_} rows"] = lambda w=need, o=offers: (
            LocalFlexibilityMarket().clear(w, o)
        )
    times: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(repeats + 1):  # the first round warms up and is not counted
        for name, work in cases.items():
            times[name].append(milliseconds(work))
    print(f"median, lowest and highest of {repeats} interleaved rounds")
    for name, each_ms in times.items():
        kept = each_ms[1:]
        print(f"{name:55s} {median(kept):9.2f} ms  ({min(kept):.2f} to {max(kept):.2f})")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
