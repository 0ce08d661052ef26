"""Implicit service by checking: the example of its page, and that no trade worsens what is beyond its limit."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peerflex.core.arrays import Floats, add_up
from peerflex.core.network import GridState, Injections, Limits
from peerflex.core.people import PeerTable, Plan
from peerflex.core.protocols import Desk
from peerflex.core.record import Agreement
from peerflex.core.streams import stream
from peerflex.core.trade import MarketResult, Orders, Signal, TradeTerms, free_terms
from peerflex.core.units import BUY, SELL
from peerflex.markets.bilateral import BilateralEquilibrium
from peerflex.markets.double_auction import UniformPriceDoubleAuction
from peerflex.markets.matching import nothing_traded
from peerflex.markets.trade_check import TradeCheck
from peerflex.runs.area.area import Area
from tests.areas import Street, street
from tests.contracts import book
from tests.test_hour import simulate

HEAD, END = 0, 1


@dataclass
class StreetDesk:
    """Orders, each of a peer of its own at a bus of a street, where nothing flows without trades but ``base_mw``."""

    orders: Orders
    bus: tuple[int, ...]
    base_mw: float = 0.0
    grid: Street = field(default_factory=lambda: Street(rating_mw=0.01))
    clearings: int = 0
    flows: int = 0
    proposed: list[Floats] = field(default_factory=list)

    limits = Limits(np.full(2, 0.95), np.full(2, 1.05), np.ones(1))

    @property
    def peers(self) -> PeerTable:
        return replace(street(len(self.bus), 1).peers, bus=np.array(self.bus))

    def bids(self, called_share: Floats) -> Plan:
        nothing = np.zeros(len(self.bus))
        return Plan(nothing, nothing, self.orders, nothing)

    def trade(self, plan: Plan, terms: TradeTerms) -> MarketResult:
        self.clearings += 1
        signal = Signal(np.zeros(2), np.zeros(1, dtype=np.bool_), terms)
        result = UniformPriceDoubleAuction().clear(plan.orders, signal, stream(1, "market"))
        self.proposed.append(result.accepted_mw * 1000)
        return result

    def flow(self, plan: Plan, result: MarketResult, reactive_mvar: Floats) -> GridState:
        self.flows += 1
        moved = plan.orders.side * result.accepted_mw * plan.orders.dispatchable
        at_bus = add_up(np.array(self.bus), moved, 2) + np.array([0.0, self.base_mw])
        return self.grid.solve(Injections(at_bus, np.zeros(2)))


SILENT = Signal(np.zeros(2), np.zeros(1, dtype=np.bool_), free_terms(3))
EXAMPLE = book((SELL, 0.020, 50), (BUY, 0.020, 90), (SELL, 0.008, 70))


def test_example_of_the_page() -> None:
    """S at the end sells 20 kW to B at the head, over a line of 10 kW; H, dearer, is at the head as B is."""
    desk = StreetDesk(EXAMPLE, (END, HEAD, HEAD))
    agreed = TradeCheck().agree(desk, SILENT)
    np.testing.assert_allclose(desk.proposed[0], [20, 20, 0])
    np.testing.assert_allclose(desk.proposed[1], [9.9999, 17.9999, 8])
    np.testing.assert_allclose(agreed.result.accepted_mw * 1000, [9.9999, 17.9999, 8])
    assert agreed.effort.settled
    assert (agreed.effort.clearings, agreed.effort.flows) == (2, 3)
    assert agreed.plan.orders is EXAMPLE, "what peers bid stays as they bid it"


def test_what_was_beyond_its_limit_before_may_stay_so_but_not_get_worse() -> None:
    """The line carries 12 kW towards the head whatever is traded; only sales at the head are left."""
    desk = StreetDesk(EXAMPLE, (END, HEAD, HEAD), base_mw=0.012)
    agreed = TradeCheck().agree(desk, SILENT)
    np.testing.assert_allclose(agreed.result.accepted_mw * 1000, [0, 8, 8], atol=2e-4)
    helps = StreetDesk(book((SELL, 0.020, 50), (BUY, 0.020, 90)), (HEAD, END), base_mw=0.012)
    np.testing.assert_allclose(TradeCheck().agree(helps, SILENT).result.accepted_mw * 1000, [20, 20])


def test_after_the_last_round_what_moves_an_asset_is_refused_and_what_flows_anyway_is_traded() -> None:
    flows_anyway = replace(EXAMPLE, dispatchable=np.array([True, True, False]))
    orders = Orders.join([flows_anyway, replace(book((BUY, 0.005, 80), dispatchable=False), peer=np.array([3]))])
    desk = StreetDesk(orders, (END, HEAD, HEAD, HEAD))
    agreed = TradeCheck(rounds=1).agree(desk, SILENT)
    np.testing.assert_allclose(agreed.result.accepted_mw * 1000, [0, 0, 5, 5])
    assert agreed.effort.settled


@dataclass(frozen=True, slots=True)
class Witness:
    """The check, and a look at the wires before and after."""

    check: TradeCheck
    seen: list[int]

    def agree(self, desk: Desk, signal: Signal) -> Agreement:
        nothing = np.zeros(len(desk.peers))
        plan = desk.bids(nothing)
        before = desk.flow(plan, nothing_traded(plan.orders), nothing)
        free = desk.flow(plan, desk.trade(plan, signal.terms), nothing)
        agreed = self.check.agree(desk, signal)
        after, limits = agreed.expected, desk.limits
        assert agreed.effort.settled
        assert (after.loading <= np.maximum(limits.loading, before.loading) * (1 + 1e-6)).all()
        assert (after.v_pu >= np.minimum(limits.v_min_pu, before.v_pu) - 1e-6).all()
        assert (after.v_pu <= np.maximum(limits.v_max_pu, before.v_pu) + 1e-6).all()
        assert (agreed.result.accepted_mw <= plan.orders.quantity_mw * (1 + 1e-12)).all()
        worse = (free.loading > np.maximum(limits.loading, before.loading) * (1 + 1e-6)).any()
        self.seen.append(int(worse))
        return agreed


def batteries_at_the_end(seed: int, rating_kw: float, market: Any) -> Area:
    """Return a street whose batteries are at the far end of the line and whose largest loads are at its head."""
    grid = Street(rating_mw=rating_kw / 1000)
    area = street(12, 24, seed, grid=grid, market=market, forecast_error=0.0)
    head = np.arange(12) % 3 == 2
    peers = replace(area.peers, bus=np.where(head, HEAD, END), behaviour=np.where(head, 1, area.peers.behaviour))
    load = area.profiles.load_mw * np.where(head, 5.0, 1.0)
    dso = replace(area.dso, grid=grid, forecast_error=0.0)
    return replace(area, peers=peers, profiles=replace(area.profiles, load_mw=load), dso=dso)


@pytest.mark.once
@pytest.mark.parametrize("market", [UniformPriceDoubleAuction(), BilateralEquilibrium()], ids=["auction", "bilateral"])
@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10**6), rating_kw=st.floats(2.0, 12.0), rounds=st.sampled_from([1, 3, 10]))
def test_no_trade_puts_an_element_further_beyond_its_limit(
    market: Any, seed: int, rating_kw: float, rounds: int
) -> None:
    area = batteries_at_the_end(seed, rating_kw, market)
    simulate(replace(area, service=Witness(TradeCheck(rounds), [])), 24)


def test_trades_would_have_been_harmful_without_the_check() -> None:
    seen: list[int] = []
    simulate(
        replace(batteries_at_the_end(3, 4.0, UniformPriceDoubleAuction()), service=Witness(TradeCheck(), seen)),
        24,
    )
    assert sum(seen) >= 2
