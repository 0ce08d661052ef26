"""Operating envelopes: the example of the page, what they keep on real networks, and every market within them."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from peerflex.core.arrays import Floats, add_up
from peerflex.core.errors import InputError
from peerflex.core.network import Injections
from peerflex.core.streams import stream
from peerflex.core.trade import Headroom, Orders, Signal, free_terms
from peerflex.core.units import BUY, SELL
from peerflex.grid.connections import base_case
from peerflex.markets.double_auction import UniformPriceDoubleAuction
from peerflex.markets.envelopes import KEPT, Envelopes
from peerflex.markets.network_rows import excess
from peerflex.markets.pool import BilateralPool
from peerflex.markets.registry import INCENTIVES
from peerflex.markets.tradable import clear_tradable, within
from peerflex.runs.area.components import make
from peerflex.runs.model import AreaModel
from tests.areas import street
from tests.contracts import NO_SIGNAL, book, books
from tests.desks import Comb
from tests.grid_rival import opened
from tests.network_views import view_of_grid

COMB = Comb((0.1, 0.04, 0.05))
FORECAST = Injections(np.array([0.0, -0.03, -0.02, 0.0]), np.zeros(4))
BUS = np.array([0, 1, 2, 2, 3])
A, B, C, D, E = range(5)


def headroom_kw(of: Envelopes, bus_of_peer: object = BUS, injections: Injections = FORECAST) -> tuple[Floats, Floats]:
    terms = of.before(view_of_grid(COMB, injections, np.asarray(bus_of_peer)))
    assert terms.headroom is not None
    return 1e3 * terms.headroom.rise_mw, 1e3 * terms.headroom.fall_mw


# The page.


def test_equal_shares_on_the_page() -> None:
    rise, fall = headroom_kw(Envelopes())
    assert fall == pytest.approx([np.inf, 30, 10, 10, 50], abs=0.01)
    assert rise == pytest.approx([np.inf, 90, 30, 30, 50], abs=0.01)


def test_orders_are_cut_on_the_page() -> None:
    orders = replace(
        book((SELL, 0.025, 50), (SELL, 0.015, 60), (BUY, 0.02, 30), (SELL, 0.5, 40)), peer=np.array([C, C, C, A])
    )
    idle = replace(orders, dispatchable=np.array([True, True, True, False]))
    rise, fall = headroom_kw(Envelopes())
    cut = within(idle, Headroom(rise / 1e3, fall / 1e3))
    assert 1e3 * cut.quantity_mw == pytest.approx([25, 5, 10, 500], abs=0.01)


def test_an_exceeded_limit_leaves_nothing_to_those_who_load_it() -> None:
    over = Injections(np.array([0.0, -0.03, -0.05, 0.0]), np.zeros(4))  # 50 kW through the 40 kW of 'second'
    rise, fall = headroom_kw(Envelopes(), injections=over)
    assert fall[[C, D]] == pytest.approx([0, 0])
    assert fall[B] == pytest.approx(20, abs=0.01)
    assert rise[C] > 0


# What envelopes keep.


@pytest.mark.parametrize("share", ["equal", "most"])
@pytest.mark.parametrize(
    ("source", "name", "load"),
    [("bundled", "case33bw", 0.5), ("bundled", "case69", 0.5), ("simbench", "1-LV-semiurb5--2-sw", 1.0)],
)
def test_no_trades_within_them_exceed_a_limit_in_ac(source: str, name: str, load: float, share: str) -> None:
    network, rng = opened(source, name), stream(1, "test.envelopes")
    grid, base = network.ac, base_case(network.connections, len(network.ac.buses))
    forecast = Injections(load * base.p_mw, load * base.q_mvar)
    bus = rng.integers(0, len(grid.buses), 100)
    view = view_of_grid(grid, forecast, bus, (0.94, 1.06))
    assert excess(view.forecast, view.limits) <= 0.0
    room = make(INCENTIVES, "envelopes", {"share": share}, "x").before(view).headroom
    bound = np.isfinite(room.rise_mw)
    rise, fall = (np.where(bound, column, 0.0) for column in (room.rise_mw, room.fall_mw))
    assert rise.sum() > 0
    assert fall.sum() > 0

    def after(change_mw: Floats) -> float:
        p_mw = forecast.p_mw + add_up(bus, change_mw, len(forecast.p_mw))
        return excess(grid.solve(Injections(p_mw, forecast.q_mvar)), view.limits)

    for change in (rise, -fall, *(np.where(rng.random(100) < 0.5, rise, -fall) for _ in range(20))):
        assert after(change) <= KEPT
    if share == "equal":  # and they are not smaller than they must be
        assert max(after(1.05 * rise), after(-1.05 * fall)) > KEPT


def test_the_largest_sum_is_no_smaller_than_that_of_equal_shares() -> None:
    bus = np.array([1, 1, 2, 2, 2, 3])
    equal, most = (headroom_kw(Envelopes(share=share), bus) for share in ("equal", "most"))  # type: ignore[arg-type]
    for few, many in zip(equal, most, strict=True):
        assert many.sum() >= few.sum() - 1e-3


def test_who_does_not_trade_takes_no_share() -> None:
    view = view_of_grid(COMB, FORECAST, BUS)
    room = Envelopes().before(replace(view, may_trade=np.array([True, True, True, False, True]))).headroom
    assert room is not None
    assert 1e3 * room.fall_mw[C] == pytest.approx(20, abs=0.01)


def test_without_a_solution_nobody_moves() -> None:
    view = view_of_grid(COMB, FORECAST, BUS)
    room = Envelopes().before(replace(view, forecast=replace(view.forecast, method="dark"))).headroom
    assert room is not None
    assert not room.rise_mw.any()
    assert not room.fall_mw.any()


# Every market within them.


@pytest.mark.once
@given(books(), st.floats(0, 5), st.floats(0, 5))
def test_no_market_accepts_more_than_the_headroom(orders: Orders, rise_mw: float, fall_mw: float) -> None:
    n = int(orders.peer.max(initial=0)) + 1
    room = Headroom(np.full(n, rise_mw), np.full(n, fall_mw))
    signal = Signal(NO_SIGNAL.relief, NO_SIGNAL.at_risk, replace(free_terms(n), headroom=room))
    everybody = np.ones(n, dtype=np.bool_)
    for market in (UniformPriceDoubleAuction(), BilateralPool()):
        result = clear_tradable(market, orders, everybody, signal, stream(1, "market"))
        assert (result.accepted_mw <= orders.quantity_mw * (1 + 1e-12) + 1e-12).all()
        for side, most_mw in ((SELL, rise_mw), (BUY, fall_mw)):
            moved = result.accepted_mw * orders.dispatchable * (orders.side == side)
            assert add_up(orders.peer, moved, n).max(initial=0.0) <= most_mw * (1 + 1e-9) + 1e-12
        np.testing.assert_array_equal(orders.peer[result.trades.sell_order], result.trades.seller)
        assert (orders.side[result.trades.buy_order] == BUY).all()


@pytest.mark.once
@given(books())
def test_infinite_headroom_changes_nothing(orders: Orders) -> None:
    n = int(orders.peer.max(initial=0)) + 1
    all_of_it = Headroom(np.full(n, np.inf), np.full(n, np.inf))
    np.testing.assert_array_equal(within(orders, all_of_it).quantity_mw, orders.quantity_mw)


def test_real_hours_keep_to_them() -> None:
    area = street(steps=24, peers=12)
    free, bound = (
        AreaModel(replace(area, dso=replace(area.dso, incentive=incentive)))
        for incentive in (area.dso.incentive, Envelopes())
    )
    cut, over_mva = 0, np.zeros(2)
    for _ in range(area.steps):
        bound.step()  # raises if energy or money does not balance
        free.step()
        assert bound.record is not None
        assert free.record is not None
        over_mva += [each.record.decision.outlook.overflow_mva.sum() for each in (free, bound)]
        decision = bound.record.decision
        orders, room = decision.orders, decision.signal.terms.headroom
        assert room is not None
        moved = decision.result.accepted_mw * orders.dispatchable * orders.side
        given_mw = add_up(orders.peer, np.maximum(moved, 0), 12), add_up(orders.peer, np.maximum(-moved, 0), 12)
        assert (given_mw[0] <= room.rise_mw + 1e-12).all()
        assert (given_mw[1] <= room.fall_mw + 1e-12).all()
        offered = add_up(orders.peer, orders.quantity_mw * orders.dispatchable * (orders.side == SELL), 12)
        cut += int((offered > room.rise_mw).any())
    assert cut > 0
    assert over_mva[1] < over_mva[0]


@pytest.mark.parametrize("wrong", [{"share": "fair"}, {"most_mw": 0}])
def test_parameters_out_of_range_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InputError, match=next(iter(wrong))):
        make(INCENTIVES, "envelopes", wrong, "market.incentive")
