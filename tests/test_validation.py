"""The FMO validates offers: what no asset could deliver beside the announced schedule is cut off, and said."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from peerflex.agents.truthful import Truthful
from peerflex.core.arrays import floats
from peerflex.core.last_resort import LastResort
from peerflex.core.people import Observation, PeerState, Plan
from peerflex.core.record import HourRecord
from peerflex.core.trade import Orders
from peerflex.core.units import SELL, UP
from peerflex.markets.double_auction import UniformPriceDoubleAuction
from peerflex.markets.obligation import Obligation
from peerflex.runs.area.area import Area
from peerflex.runs.stages.delivery import Delivery, deliver
from peerflex.runs.stages.desk import HourDesk, moved
from peerflex.runs.stages.sequences import SEQUENCES, Bargain, SequenceName
from tests.areas import Street, street
from tests.test_hour import simulate
from tests.test_sequences import ANY_SEQUENCE, battery_and_two_loads, tight


@dataclass(frozen=True)
class Boaster:
    """Offers the whole power of its battery, whatever there is in it, in two orders of one price."""

    def bid(self, seen: Observation, rng: np.random.Generator) -> Plan:
        n = len(seen.peer)
        half_mw, twice = seen.battery_mw / 2, np.repeat(np.arange(n), 2)
        orders = Orders.plain(
            peer=seen.peer[twice],
            side=np.full(2 * n, SELL),
            quantity_mw=half_mw[twice],
            price_eur_per_mwh=np.full(2 * n, 250.0),
            dispatchable=np.ones(2 * n, np.bool_),
            start_s=np.full(2 * n, seen.start_s),
            duration_s=np.full(2 * n, seen.duration_s),
        )
        return Plan(np.zeros(n), seen.pv_mw, orders.take(orders.quantity_mw > 0.0))


def boasting(stored_mwh: float, name: SequenceName = "lfm-first") -> HourRecord:
    """Return an hour of the battery of 8 kW and the two loads of docs/economics/sequences.md."""
    area = battery_and_two_loads(name)
    peers = replace(area.peers, behaviour=np.array([1, 0, -1]))
    start = PeerState(np.array([stored_mwh, 0.0, 0.0]))
    area = replace(area, behaviours=(Truthful(), Boaster()), peers=peers, start=start)
    (record,) = simulate(area, 1)
    return record


def upward_kw(record: HourRecord) -> float:
    offers = record.decision.offers
    return float(offers.quantity_mw[(offers.side == UP) & (offers.peer == 0)].sum() * 1000)


def told(record: HourRecord) -> list[str]:
    return [event.what for event in record.events if event.kind == "offers-cut"]


@pytest.mark.parametrize(("stored_kwh", "offered_kw"), [(16.0, 8.0), (4.0, 3.8), (0.0, 0.0)])
def test_a_battery_sells_what_is_in_it(stored_kwh: float, offered_kw: float) -> None:
    """Of 4 kWh stored, 3.8 come out (0.95 one way); the two offers are cut alike."""
    record = boasting(stored_kwh / 1000)
    offers = record.decision.offers
    upward = offers.take((offers.side == UP) & (offers.peer == 0))
    assert upward.quantity_mw * 1000 == pytest.approx([offered_kw / 2] * 2, abs=1e-9)
    assert [what[:8] for what in told(record)] == [f"{(8.0 - offered_kw) / 1000:.6f}"] * (offered_kw < 8.0)
    assert record.decision.battery_mw[0] <= offered_kw / 1000 + 1e-9


def test_what_is_traded_is_no_longer_there_to_be_offered() -> None:
    """4 kWh are stored and sold to the neighbour: nothing is left to be offered, though the order is."""
    first, apart = boasting(0.004, "p2p-first"), boasting(0.004, "unrelated")
    assert first.decision.result.accepted_mw[first.decision.orders.peer == 0].sum() >= 0.0038
    assert upward_kw(first) == pytest.approx(0.0, abs=1e-9)
    assert upward_kw(apart) == pytest.approx(3.8), "who does not know of trades cannot tell"


@ANY_SEQUENCE
def test_honest_offers_are_not_touched(name: SequenceName) -> None:
    area: Area = tight(name, forecast_error=0.2)
    assert SEQUENCES[name] is area.sequence
    records = simulate(area, 24)
    assert sum(len(record.decision.offers) for record in records) > 50
    assert not [each for record in records for each in told(record)]


def test_what_a_last_resort_calls_on_is_announced_even_where_peers_sold_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unrelated markets both sell the same kW: to call on that peer would take off what it does not deliver anyway."""
    grid = Street(rating_mw=0.003)
    own = Truthful(flexible_load_share=0.3)
    area = street(12, 24, 4, grid=grid, market=UniformPriceDoubleAuction(), behaviours=(own, own))
    area = replace(area, sequence=SEQUENCES["unrelated"], dso=replace(area.dso, grid=grid, forecast_error=0.0))
    twice, called = [], []

    def watched(desk: HourDesk, bargain: Bargain, resort: LastResort) -> Delivery:
        found, plan, n = deliver(desk, bargain, resort), bargain.agreed.plan, len(desk.peers)
        sold_mw = moved(plan.orders, bargain.agreed.result, n) + bargain.activated_mw(n)
        without_mw = desk.scheduled(plan, sold_mw).injection_mw
        np.testing.assert_allclose(found.announced_mw - without_mw, resort.activated_mw(n), atol=1e-9)
        twice.append(np.abs(without_mw - desk.scheduled(plan, floats(n)).injection_mw - sold_mw).max() > 1e-6)
        called.append(resort.result.accepted_mw.any())
        return found

    monkeypatch.setattr("peerflex.runs.hour.deliver", watched)
    simulate(replace(area, last_resort=Obligation()), 24)
    assert np.logical_and(twice, called).any()
