"""What exact network charges are worth, who pays them, the example of their page, and which markets they refuse."""

from dataclasses import replace

import numpy as np
import pytest

from peerflex.agents.elastic import ElasticLoad
from peerflex.core.arrays import Floats, add_up, floats
from peerflex.core.errors import InputError
from peerflex.core.parties import Reason, Role
from peerflex.core.record import Agreement
from peerflex.core.trade import Charges, MarketResult, Orders, TradeTerms
from peerflex.core.units import BUY, SELL
from peerflex.grid.factors import Factors
from peerflex.grid.limits import uniform_limits
from peerflex.markets.bilateral import BilateralEquilibrium
from peerflex.markets.idle import NoService
from peerflex.markets.network_charges import NetworkCharges
from peerflex.markets.network_rows import NetworkRows
from peerflex.runs.area.build import build
from peerflex.runs.area.plugins import registry
from peerflex.runs.model import AreaModel
from peerflex.scenarios.load import load_scenario
from tests.areas import Street
from tests.elastic_desk import (
    CASES,
    S1,
    ElasticDesk,
    Given,
    agree,
    day_desk,
    desks,
    elastic_peers,
    rent_eur_per_h,
    welfare_eur_per_h,
)

KW = 1e-3


def effective_eur_per_mwh(agreed: Agreement) -> tuple[Floats, Floats]:
    """Return what each trade's seller earns and its buyer pays per MWh, charges included."""
    trades = agreed.result.trades
    return (
        trades.price_eur_per_mwh + trades.seller_premium_eur_per_mwh,
        trades.price_eur_per_mwh - trades.buyer_premium_eur_per_mwh,
    )


@pytest.mark.parametrize("case", CASES)
def test_prices_differ_by_place_as_the_charges_do_and_the_dso_keeps_the_difference(case: str) -> None:
    desk = desks()[case]
    agreed = agree(desk)
    terms, trades = agreed.terms, agreed.result.trades
    assert terms.charges is not None
    charge = terms.charges.injection_eur_per_mwh[terms.place]
    earns, pays = effective_eur_per_mwh(agreed)
    price = agreed.result.price_eur_per_mwh
    assert earns == pytest.approx(price - charge[trades.seller], abs=1e-6)
    assert pays == pytest.approx(price - charge[trades.buyer], abs=1e-6)
    assert np.ptp(pays) > 0.1
    # nobody trades at a loss
    orders = agreed.plan.orders
    assert (earns >= orders.price_eur_per_mwh[trades.sell_order] - 1e-6).all()
    assert (pays <= orders.price_eur_per_mwh[trades.buy_order] + 1e-6).all()
    # congestion rent: what the limits earn
    given = add_up(orders.peer, orders.side * agreed.result.accepted_mw, len(desk.peers))
    assert rent_eur_per_h(agreed) == pytest.approx(float((charge * given).sum()), rel=1e-9)
    assert rent_eur_per_h(agreed) > 0


def test_charges_that_only_steer_move_no_money_and_the_same_energy() -> None:
    paid, steered = (agree(day_desk(20, S1), NetworkCharges(money=money)) for money in (True, False))
    np.testing.assert_array_equal(paid.result.accepted_mw, steered.result.accepted_mw)
    assert rent_eur_per_h(paid) > 100
    assert rent_eur_per_h(steered) == 0


@pytest.mark.parametrize(("case", "row"), [("S1", 3), ("S2, load", 20), ("S2, generation", 44), ("S3", 19)])
def test_a_charge_is_what_one_more_mwh_costs_all_others(case: str, row: int) -> None:
    """The envelope theorem, on the AC model: give a little power at a peer's bus, let everybody trade anew, compare."""
    step_mw = 0.02
    desk = desks()[case]
    peers, agreed = desk.peers, agree(desk)
    assert agreed.terms.charges is not None
    charge = agreed.terms.charges.injection_eur_per_mwh[agreed.terms.place[row]]
    worth = []
    for given_mw in (step_mw, -step_mw):
        other = desks()[case]
        other.grid = Given(other.grid, int(peers.bus[row]), given_mw, float(peers.tan_phi[row]) * given_mw)
        worth.append(welfare_eur_per_h(agree(other)))
    assert abs(charge) > 1
    assert (worth[0] - worth[1]) / (2 * step_mw) == pytest.approx(-charge, rel=0.02)


def test_energy_that_flows_anyway_is_not_charged() -> None:
    """Trading it changes no flow: charges leave it as it is, and its price is the plain one."""
    orders = Orders.plain(
        peer=np.array([0, 1, 2]),
        side=np.array([SELL, SELL, BUY]),
        quantity_mw=np.ones(3),
        price_eur_per_mwh=np.array([10.0, 10.0, 60.0]),
        dispatchable=np.array([True, False, True]),
        start_s=np.zeros(3, dtype=np.int64),
        duration_s=np.full(3, 3600),
    )
    one = np.ones((1, 1))
    charges = Charges(injection_eur_per_mwh=np.array([20.0]), pair_eur_per_mwh=0 * one)
    terms = TradeTerms(np.zeros(3, dtype=np.int64), one < 0, one, one, money=True, charges=charges)
    desk = day_desk(1, Factors())
    result: MarketResult = BilateralEquilibrium().clear(
        orders, replace(desk.signal, terms=terms), np.random.default_rng(1)
    )
    paid = dict(zip(result.trades.seller.tolist(), result.trades.seller_premium_eur_per_mwh.tolist(), strict=True))
    assert result.accepted_mw[1] == pytest.approx(1.0)
    assert paid[1] == pytest.approx(0.0, abs=1e-9)
    assert paid.get(0, -20.0) == pytest.approx(-20.0)
    assert result.trades.buyer_premium_eur_per_mwh == pytest.approx(20.0)


def three() -> ElasticDesk:
    """Return the page's street: A at the head and B at the end sell, C at the end buys."""
    street = Street(rating_mw=10 * KW)
    size_mw, none = np.array([20.0, 20.0, 0.0]) * KW, floats(3)
    first, rise = np.array([10.0, 22.0, 40.0]), np.array([20.0, 20.0, 10.0])
    peers = elastic_peers(np.array([0, 1, 1]), none, first, rise, generator_mw=size_mw)
    limits = uniform_limits(street.buses, street.branches, 0.9, 1.1, 1.0)
    load_mw = np.array([0.0, 0.0, 10.0]) * KW
    return ElasticDesk(peers, street, limits, load_mw, none, load=ElasticLoad(flexible_share=1.0))


def by_peer_kw(agreed: Agreement) -> Floats:
    return add_up(agreed.plan.orders.peer, agreed.result.accepted_mw, 3) / KW


def test_example_of_the_page() -> None:
    free, agreed = agree(three(), NoService()), agree(three())
    assert by_peer_kw(free) == pytest.approx([14, 2, 16])
    assert free.result.price_eur_per_mwh == pytest.approx(24)
    assert welfare_eur_per_h(free) / KW == pytest.approx(228)

    assert agreed.effort.settled
    assert by_peer_kw(agreed) == pytest.approx([10, 4, 14], abs=1e-3)
    assert agreed.result.price_eur_per_mwh == pytest.approx(20, abs=1e-3)
    assert agreed.terms.charges is not None
    charge = agreed.terms.charges.injection_eur_per_mwh[agreed.terms.place]
    assert charge == pytest.approx([0, -6, -6], abs=1e-3)
    assert rent_eur_per_h(agreed) == pytest.approx(0.06, abs=1e-4)
    assert welfare_eur_per_h(agreed) / KW == pytest.approx(216, abs=1e-2)
    assert len(agreed.terms.blocked) == 2, "B and C are at one place"


def test_a_load_takes_its_reactive_power_with_it() -> None:
    """The page: 1.077 MVA a MW at the angle of the flow, of which the active part alone shows 0.928."""
    size = np.sqrt(1 + 0.4**2)
    along, across = -1 / size, -0.4 / size
    nothing, column = floats(0), np.array([[along], [across]])
    rows = NetworkRows(
        np.array([0]), np.zeros(0, dtype=np.int64), floats(2), np.ones(1), nothing, nothing, column, column[::-1]
    )
    peers = elastic_peers(np.array([0]), np.array([0.4]), np.ones(1), np.ones(1))
    assert rows.by_peer(peers)[0, 0] == pytest.approx(-1.077, abs=5e-4)
    assert along == pytest.approx(-0.928, abs=5e-4)


@pytest.mark.parametrize(
    ("setting", "what"),
    [
        ("market.service.reactive_range=[0.4, -0.3]", "first must be below"),
        ("market.incentive={kind: blocking}", "incentive"),
        ("market.p2p={kind: bilateral-equilibrium, curvature_eur_per_mwh: 7}", "curvature"),
        ("market.p2p={kind: bilateral-equilibrium, reading: willingness-to-sell}", "costs and values"),
    ],
)
def test_a_market_on_which_charges_would_not_work_is_refused(setting: str, what: str) -> None:
    settings = ["market.service={kind: network-charges}", setting]
    with pytest.raises(InputError, match=what) as raised:
        build(load_scenario("tso-dso-benchmark", settings, hours=1), registry())
    assert "market.service" in raised.value.problem.where


def test_a_market_that_heeds_no_charges_is_refused() -> None:
    settings = ["market.service={kind: network-charges}", "market.p2p={kind: bilateral-pool}"]
    with pytest.raises(InputError, match="does not heed") as raised:
        build(load_scenario("case69-day", settings, hours=1), registry())
    assert "market.service" in raised.value.problem.where


def test_an_hour_balances_and_its_ledger_has_the_rent() -> None:
    """Scenario 1, hour 20, whole: settled, logged without a violation, and the DSO has what the transformer earns."""
    settings = [
        "market.service={kind: network-charges}",
        "grid.trafo_rating_factor=0.3333333333333333",
        "time.start=2023-06-21 19:00",
        "peers.loads.behaviour={kind: elastic-load, extra: offered}",
    ]
    model = AreaModel(build(load_scenario("tso-dso-benchmark", settings, hours=1), registry()).area)
    model.step()
    record = model.record
    model.close()
    assert record is not None
    assert record.decision.effort.settled
    assert not len(record.violations)
    ledger, dso = record.ledger, Role.DSO.party(len(model.peers))
    rent = ledger.amount_eur[(ledger.reason == Reason.INCENTIVE) & (ledger.taker == dso)].sum()
    trades = record.decision.result.trades
    premium = trades.seller_premium_eur_per_mwh + trades.buyer_premium_eur_per_mwh
    assert rent == pytest.approx((trades.quantity_mw * premium).sum())
    assert -rent == pytest.approx(795, abs=1.0)
