"""Network tariffs: the example of the page, prices by time and place, and nobody worse off for trading under one."""

from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from peerflex.core.arrays import Floats, add_up
from peerflex.core.errors import InputError
from peerflex.core.last_resort import Dues
from peerflex.core.network import Injections
from peerflex.core.parties import Reason
from peerflex.core.people import PeerState, Plan
from peerflex.core.protocols import NetworkTariff, NetworkView
from peerflex.core.record import HourRecord
from peerflex.core.trade import Orders
from peerflex.core.units import BUY
from peerflex.markets.double_auction import UniformPriceDoubleAuction
from peerflex.markets.network_tariffs import DynamicTariff, NoNetworkTariff, TimeOfUse
from peerflex.markets.registry import NETWORK_TARIFFS
from peerflex.runs.area.area import Area
from peerflex.runs.area.build import build
from peerflex.runs.area.plugins import registry
from peerflex.runs.log.reader import open_run
from peerflex.runs.log.verification import verify
from peerflex.runs.session import Session
from peerflex.runs.stages.network_tariff import at_the_tariff
from peerflex.runs.stages.sequences import SEQUENCES, SequenceName
from peerflex.scenarios.load import load_scenario
from tests.areas import Street, street, three_on_a_line
from tests.contracts import books
from tests.test_hour import simulate

BOTH: tuple[Literal["day-ahead", "intraday"], ...] = ("day-ahead", "intraday")
STREET = Street(rating_mw=0.005)
AREA = street(3, 1, grid=STREET)


def view(end_mw: float, rating_mw: float = 0.005) -> NetworkView:
    """Return what the DSO forecasts for the street when so much is injected at its end."""
    grid = Street(rating_mw=rating_mw)
    state = grid.solve(Injections(np.array([0.0, end_mw]), np.zeros(2)))
    return NetworkView(grid, AREA.limits, state, AREA.peers.bus, AREA.peers.trade, 90.0)


def sunny(tariff: NetworkTariff | None) -> Area:
    """Return the street of the page: Ada's sun at the head; Ben's battery, half full, and Cem's 4.5 kW at the end."""
    return three_on_a_line(
        bus=(0, 1, 1),
        load_mw=(0.0, 0.0, 0.0045),
        pv_mw=(0.003, 0.0, 0.0),
        battery_of=1,
        stored_mwh=0.008,
        network_tariff=tariff,
    )


def sunny_hour(tariff: NetworkTariff | None) -> HourRecord:
    (record,) = simulate(sunny(tariff), 1)
    return record


def charged_eur(record: HourRecord) -> Floats:
    """Return what each peer pays the DSO by the tariff ``(peers,)``."""
    rows = record.ledger.reason == Reason.NETWORK_TARIFF
    return add_up(record.ledger.giver[rows], -record.ledger.amount_eur[rows], 3)


@pytest.mark.parametrize(
    ("tariff", "traded_kw", "price", "charges_eur"),
    [
        (None, 3, 180.0, [0, 0, 0]),
        (DynamicTariff(most_eur_per_mwh=50), 3, 155.0, [0, 0.075, 0.1125]),
        (DynamicTariff(most_eur_per_mwh=250), 0, np.nan, [0, 0, 0.5625]),
        (TimeOfUse(base_eur_per_mwh=20), 3, 160.0, [0, 0.06, 0.09]),
        (TimeOfUse(base_eur_per_mwh=20, injection="paid"), 3, 160.0, [-0.06, 0.06, 0.09]),
    ],
    ids=["none", "dynamic", "dear", "time of use", "injection paid"],
)
def test_example_of_the_page(
    tariff: NetworkTariff | None, traded_kw: float, price: float, charges_eur: list[float]
) -> None:
    record = sunny_hour(tariff)
    assert record.decision.result.trades.quantity_mw.sum() * 1000 == pytest.approx(traded_kw)
    if traded_kw:
        assert record.decision.result.trades.price_eur_per_mwh == pytest.approx(price)
    activated = record.decision.flex.accepted_mw.sum() * 1000
    assert activated == pytest.approx(2.5 if traded_kw else 0, abs=1e-3), "trade loads the line: 7.5 of 5 kW"
    np.testing.assert_allclose(charged_eur(record), charges_eur, rtol=1e-6, atol=1e-12)


def test_flexibility_costs_the_dso_what_it_costs_without_a_tariff() -> None:
    """The tariff is not on activations, so their price is what it was: 220.53 EUR/MWh for Ben's battery."""
    plain, charged = (sunny_hour(tariff).decision for tariff in (None, DynamicTariff(most_eur_per_mwh=50)))
    np.testing.assert_array_equal(plain.offers.price_eur_per_mwh, charged.offers.price_eur_per_mwh)
    assert charged.flex.cost_eur_per_h == pytest.approx(plain.flex.cost_eur_per_h)
    sale = charged.orders.dispatchable & (charged.orders.side == 1) & (charged.orders.peer == 1)
    assert charged.orders.price_eur_per_mwh[sale] == pytest.approx([220.526316 - 25])
    assert charged.orders.true_eur_per_mwh[sale] == pytest.approx([220.526316])


def test_what_was_activated_before_does_not_change_who_withdraws() -> None:
    """Ben uses 1 kW, and gives 6 of his battery to the DSO before anybody trades: the tariff leaves those out, so that
    charging is worth 20 EUR/MWh less to him in either session, as it is in one."""
    area = replace(sunny(TimeOfUse(base_eur_per_mwh=20)), sequence=SEQUENCES["lfm-first"])
    load = np.array([[0.0, 0.001, 0.010]])
    area = replace(
        area, start=PeerState(np.array([0.0, 0.013, 0.0])), profiles=replace(area.profiles, load_mw=load), sessions=BOTH
    )
    (record,) = simulate(area, 1)
    assert record.decision.flex.accepted_mw.sum() * 1000 == pytest.approx(6, abs=0.01)
    orders = record.decision.orders
    charging = orders.dispatchable & (orders.side == BUY) & (orders.peer == 1)
    assert charging.sum() == 2
    assert orders.price_eur_per_mwh[charging] == pytest.approx(160)


@pytest.mark.parametrize(
    ("end_kw", "rate"),
    [(-3.9, 0.0), (-4.0, 0.0), (-4.5, 25.0), (-5.0, 50.0), (-9.0, 50.0), (4.5, -25.0), (0.0, 0.0)],
)
def test_a_dynamic_tariff_rises_from_its_share_of_the_limit_to_the_limit(end_kw: float, rate: float) -> None:
    withdrawal, injection = DynamicTariff().rates(view(end_kw / 1000), 12.0)
    np.testing.assert_allclose(withdrawal, [0.0, rate], atol=1e-9)
    np.testing.assert_allclose(injection, withdrawal)
    free = DynamicTariff(injection="free").rates(view(end_kw / 1000), 12.0)
    np.testing.assert_allclose(free, [[0.0, max(rate, 0.0)], [0.0, 0.0]], atol=1e-9)


def test_of_two_limits_the_one_that_makes_the_larger_price_counts() -> None:
    """At the end 0.96 pu use 0.8 of half the band of 0.05 pu, the line 0.2 of its 100 kW: with 0.6 the voltage is half
    of the way from there to its limit."""
    withdrawal, _ = DynamicTariff(from_share=0.6).rates(view(-0.02, rating_mw=0.1), 12.0)
    np.testing.assert_allclose(withdrawal, [0.0, 25.0])


def test_without_a_solution_there_is_no_price() -> None:
    dark = view(-0.0045)
    dark = replace(dark, forecast=replace(dark.forecast, method="dark"))
    assert not np.any(DynamicTariff().rates(dark, 12.0))
    assert not np.any(NoNetworkTariff().rates(dark, 12.0))


@pytest.mark.parametrize(
    ("first", "last", "hour", "rate"),
    [(17, 21, 16.75, 5), (17, 21, 17, 60), (17, 21, 20.75, 60), (17, 21, 21, 5), (22, 6, 23, 60), (22, 6, 3, 60),
     (22, 6, 12, 5)],
)  # fmt: skip
def test_the_peak_is_between_two_hours_of_the_day(first: float, last: float, hour: float, rate: float) -> None:
    tariff = TimeOfUse(peak_from_hour=first, peak_to_hour=last, base_eur_per_mwh=5)
    withdrawal, injection = tariff.rates(view(0.0), hour)
    assert withdrawal.tolist() == [rate, rate]
    assert injection.tolist() == [0, 0]


@pytest.mark.once
@settings(max_examples=150, deadline=None)
@given(orders=books(), seed=st.integers(0, 10_000), paid=st.booleans())
def test_who_trades_at_its_price_under_a_tariff_never_loses(orders: Orders, seed: int, paid: bool) -> None:
    """Whatever its assets sell at what it bids, costs and tariff are covered, on either side of the meter."""
    rng, n = np.random.default_rng(seed), 10
    plan = Plan(rng.uniform(-1, 1, n), rng.uniform(0, 2, n), orders, rng.uniform(0, 2, n))
    withdrawal = rng.uniform(-50, 100, n) if paid else rng.uniform(0, 100, n)
    due = Dues(np.zeros(n), withdrawal, withdrawal if paid else np.zeros(n))
    bid = at_the_tariff(plan, due)
    np.testing.assert_allclose(bid.true_eur_per_mwh, orders.true_eur_per_mwh, atol=1e-9)
    moved = np.where(orders.dispatchable, orders.side * orders.quantity_mw * rng.uniform(0, 1, len(orders)), 0.0)
    net_mw = plan.pv_mw + plan.battery_mw - plan.load_mw
    gain = add_up(orders.peer, moved * (bid.price_eur_per_mwh - orders.price_eur_per_mwh), n)
    gain += _received(net_mw + add_up(orders.peer, moved, n), due) - _received(net_mw, due)
    assert (gain >= -1e-9).all()
    flows = ~orders.dispatchable
    np.testing.assert_array_equal(bid.price_eur_per_mwh[flows], orders.price_eur_per_mwh[flows])


def _received(injected_mw: Floats, due: Dues) -> Floats:
    return np.where(injected_mw < 0, due.withdrawal_eur_per_mwh, due.injection_eur_per_mwh) * injected_mw


@pytest.mark.parametrize("name", list(SEQUENCES))
def test_every_order_of_markets_balances_under_a_tariff(name: SequenceName) -> None:
    records = simulate(_tight(name), 24)  # every record has passed the balance of energy and money
    rates = [record.decision.dues.withdrawal_eur_per_mwh.max() for record in records if record.decision.dues]
    assert max(rates) > 0.0


def _tight(name: SequenceName) -> Area:
    grid = Street(rating_mw=0.006)
    area = street(12, 24, 3, grid=grid, market=UniformPriceDoubleAuction(), network_tariff=DynamicTariff())
    return replace(area, sequence=SEQUENCES[name], dso=replace(area.dso, grid=grid))


@pytest.mark.once
def test_a_run_under_a_tariff_verifies_and_says_what_it_cost(tmp_path: Path) -> None:
    said = ["market.network_tariff.kind=time-of-use", "reference=none", "time.start=2016-07-04T16:00:00"]
    with Session.begin(load_scenario("case69-day", said, hours=2), registry([]), tmp_path / "run", "mosaik") as session:
        for _ in session.advance():
            pass
    done = open_run(tmp_path / "run")
    hours, peers = done.table("hours"), done.table("peers")
    assert (peers.groupby("step")["withdrawal_eur_per_mwh"].max() == [0.0, 60.0]).all()
    taken_mwh = -peers["metered_mw"].clip(upper=0.0)[peers["step"] == 1].sum()
    assert hours["network_tariff_eur"].tolist() == pytest.approx([0.0, 60.0 * taken_mwh])
    assert done.kpis["network_tariff_eur"] == pytest.approx(hours["network_tariff_eur"].sum())
    assert not verify(tmp_path / "run", registry([])).differences


@pytest.mark.parametrize(("scenario", "what"), [("tso-week", "the TSO pays"), ("tso-dso-2", "trades all that it uses")])
def test_a_tariff_is_refused_where_it_has_no_meaning(scenario: str, what: str) -> None:
    with pytest.raises(InputError, match=what):
        build(load_scenario(scenario, ["market.network_tariff.kind=dynamic"]), registry([]))


@pytest.mark.parametrize(
    ("kind", "parameters"),
    [("time-of-use", {"peak_eur_per_mwh": -1}), ("dynamic", {"from_share": 1.0}), ("dynamic", {"injection": "dear"})],
)
def test_parameters_say_their_range(kind: str, parameters: dict[str, object]) -> None:
    adapter = TypeAdapter(NETWORK_TARIFFS[kind])
    with pytest.raises(ValidationError):
        adapter.validate_python(parameters)
    assert all("description" in field for field in adapter.json_schema()["properties"].values())
