"""Meter and ledger: the example of the page, and energy and money that add up for every party on any decision."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peerflex.core.arrays import Floats, add_up
from peerflex.core.errors import SimulationError
from peerflex.core.network import GridState, Injections
from peerflex.core.parties import Reason, Role
from peerflex.core.people import PeerState
from peerflex.core.record import Decision, Ledger, Outlook, Tariffs
from peerflex.core.streams import stream
from peerflex.core.trade import FlexNeed, FlexResult, Orders
from peerflex.core.units import BUY, SELL
from peerflex.markets.leftovers import flex_offers
from peerflex.markets.lfm import LocalFlexibilityMarket
from peerflex.markets.matching import match, nothing_traded
from peerflex.markets.meter import metered_mw
from peerflex.markets.registry import MARKETS
from peerflex.markets.settlement import check_balance, settle
from tests.contracts import NO_SIGNAL, book, books

NO_STATE = GridState(*(np.zeros(0),) * 7, 0.0, 0.0, 0.0, "linear", 0, 0.0)
NO_OUTLOOK = Outlook(NO_STATE, NO_STATE, np.zeros(0), np.zeros(0), np.zeros(0, dtype=np.bool_))
NO_NEED = FlexNeed(
    np.zeros(0, np.bool_), np.zeros(0, np.int64), *(np.zeros(0),) * 3, by_mw=np.zeros((0, 4)), mw_per_unit=np.zeros(0)
)
TARIFFS = Tariffs(300, 80, 100, 0.1, 200)


def decided(
    orders: Orders, trades_kind: str, scheduled: Floats, delivered: Floats, flex_share: float = 0.0
) -> Decision:
    """Return a decision of peers that deliver as given, with a share of all that is left activated as flexibility."""
    n = len(scheduled)
    bus = np.arange(n) % 4
    result = MARKETS[trades_kind]().clear(orders, NO_SIGNAL, stream(1, "market"))
    left = flex_offers(orders, result, bus, np.zeros(n))
    accepted = left.quantity_mw * flex_share
    change = left.side * accepted
    flex = FlexResult(accepted, left.price_eur_per_mwh, float(change.sum()), 0.0, np.zeros(0), np.zeros(0))
    return Decision(
        step=0,
        outlook=NO_OUTLOOK,
        signal=NO_SIGNAL,
        orders=orders,
        result=result,
        need=NO_NEED,
        offers=left,
        flex=flex,
        load_mw=np.maximum(-delivered, 0),
        load_mvar=np.zeros(n),
        pv_mw=np.maximum(delivered, 0),
        battery_mw=np.zeros(n),
        contracted_mw=add_up(orders.peer, orders.side * result.accepted_mw, n) + add_up(left.peer, change, n),
        scheduled_mw=scheduled,
        baseline_mw=scheduled - add_up(left.peer, change, n),
        peers=PeerState(np.zeros(n)),
        injections=Injections(add_up(bus, delivered, 4), np.zeros(4)),
        messages=(),
    )


def answered(injected: Floats, loss_mw: float, shed_mw: Floats) -> GridState:
    """Return a grid state in which what was asked, less what was shed, was injected."""
    p_mw, none = injected + shed_mw, np.zeros(len(injected))
    exchange_mw = loss_mw - p_mw.sum()
    return GridState(none, none, p_mw, none, shed_mw, none, none, loss_mw, exchange_mw, 0.0, "zbus", 1, 0.0)


def earned_eur(ledger: Ledger, n_peers: int) -> Floats:
    parties = n_peers + len(Role)
    return add_up(ledger.giver, ledger.amount_eur, parties) - add_up(ledger.taker, ledger.amount_eur, parties)


def example() -> tuple[Decision, GridState, Injections]:
    """Anna sells 3 kWh to Ben at 150 EUR/MWh and 1 kWh upward at 250; both then do otherwise than announced."""
    orders = book((SELL, 0.004, 250), (BUY, 0.003, 150))
    decision = decided(orders, "none", np.array([0.005, -0.008]), np.array([0.0045, -0.0078]))
    traded = match(orders, np.array([0.003, 0.003]), 150.0)
    left = flex_offers(orders, traded, np.arange(2), np.zeros(2))
    flex = FlexResult(np.array([0.001]), np.array([250.0]), 0.001, 0.05, np.zeros(0), np.zeros(0))
    decision = replace(decision, result=traded, offers=left, flex=flex, contracted_mw=np.array([0.004, -0.003]))
    nobody = Injections(np.zeros(4), np.zeros(4))
    return decision, answered(np.array([0.0045, -0.0078, 0, 0]), 0.0001, np.zeros(4)), nobody


def test_example_of_the_page() -> None:
    decision, state, nobody = example()
    metered, external = metered_mw(decision, nobody, state, np.arange(2))
    ledger = settle(decision, metered, external, state, TARIFFS, 1.0)
    check_balance(ledger, metered, external, state, 1.0)
    rows = {
        (Reason(ledger.reason[i]).name, int(ledger.giver[i]), int(ledger.taker[i])): (
            ledger.energy_mwh[i] * 1000,
            ledger.amount_eur[i],
        )
        for i in range(len(ledger))
    }
    supplier, dso, upstream = (role.party(2) for role in (Role.SUPPLIER, Role.DSO, Role.UPSTREAM))
    expected = {
        ("P2P", 0, 1): (3, 0.45),
        ("FLEX", 0, dso): (1, 0.25),
        ("FLEX_RESIDUAL", dso, supplier): (1, 0.20),
        ("RESIDUAL", 0, supplier): (1, 0.08),
        ("RESIDUAL", supplier, 1): (5, 1.50),
        ("IMBALANCE", supplier, 0): (0.5, 0.165),
        ("IMBALANCE", 1, supplier): (0.2, 0.0144),
        ("LOSSES", supplier, dso): (0.1, 0.01),
        ("WHOLESALE", upstream, supplier): (3.4, 0.34),
    }
    assert rows.keys() == expected.keys()
    for key, row in expected.items():
        assert rows[key] == pytest.approx(row), key
    earned = earned_eur(ledger, 2)
    assert earned[:2] == pytest.approx([0.615, -1.9356])
    assert earned[[supplier, dso, upstream]] == pytest.approx([1.0406, -0.06, 0.34])


POWER = st.floats(-0.02, 0.02).map(lambda x: 0.0 if abs(x) < 1e-6 else x)
PEERS = st.lists(POWER, min_size=10, max_size=10).map(np.array)
BUSES = st.lists(POWER, min_size=4, max_size=4).map(np.array)


@pytest.mark.once
@settings(max_examples=150, deadline=None)
@given(
    orders=books(),
    kind=st.sampled_from(list(MARKETS)),
    peers=st.tuples(PEERS, PEERS),
    external=BUSES,
    flex_share=st.sampled_from([0.0, 0.3, 1.0]),
    shed=st.lists(st.sampled_from([0.0, 0.0, 0.5, 1.0]), min_size=4, max_size=4),
    loss_mw=st.sampled_from([0.0, 0.0003]),
    hours=st.sampled_from([0.25, 1.0]),
)
def test_energy_and_money_add_up_for_every_party(
    orders: Orders,
    kind: str,
    peers: tuple[Floats, Floats],
    external: Floats,
    flex_share: float,
    shed: list[float],
    loss_mw: float,
    hours: float,
) -> None:
    scheduled, delivered = peers
    decision = decided(orders, kind, scheduled, delivered, flex_share)
    asked = decision.injections.p_mw + external
    state = answered(asked, loss_mw, -asked * np.array(shed))
    bus = np.arange(10) % 4
    metered, others = metered_mw(decision, Injections(external, external / 3), state, bus)
    np.testing.assert_allclose(add_up(bus, metered, 4) + others.p_mw, state.p_mw, atol=1e-12)
    assert (np.abs(metered) <= np.abs(delivered)).all()
    np.testing.assert_array_equal(metered[state.shed_mw[bus] == 0], delivered[state.shed_mw[bus] == 0])
    np.testing.assert_allclose(others.q_mvar, others.p_mw / 3, atol=1e-15)

    ledger = settle(decision, metered, others, state, TARIFFS, hours)
    check_balance(ledger, metered, others, state, hours)
    assert ((ledger.energy_mwh != 0) | (ledger.reason == Reason.FEE.value)).all()  # a fee is money alone

    # the same once more, by hand: every party's energy, and all money
    energy: dict[int, list[float]] = {party: [] for party in range(10 + len(Role))}
    for giver, taker, mwh in zip(ledger.giver, ledger.taker, ledger.energy_mwh, strict=True):
        energy[int(giver)].append(mwh)
        energy[int(taker)].append(-mwh)
    physical = dict.fromkeys(energy, 0.0) | {peer: metered[peer] * hours for peer in range(10)}
    physical[Role.UPSTREAM.party(10)] = state.exchange_mw * hours
    physical[Role.DSO.party(10)] = -state.loss_mw * hours
    physical[Role.OTHERS.party(10)] = others.p_mw.sum() * hours
    for party, moved in energy.items():
        turnover = sum(abs(mwh) for mwh in moved)
        assert sum(moved) == pytest.approx(physical[party], rel=0, abs=1e-9 * turnover + 1e-14), party
    earned = earned_eur(ledger, 10)
    assert abs(earned.sum()) <= 1e-9 * max(np.abs(ledger.amount_eur).sum(), 1e-9)
    assert earned[Role.FMO.party(10)] == earned[Role.TSO.party(10)] == 0
    trades = decision.result.trades
    fees_eur = hours * (trades.quantity_mw * trades.fee_eur_per_mwh).sum()
    assert earned[Role.MEDIATOR.party(10)] == pytest.approx(fees_eur, rel=1e-9, abs=1e-15)


def test_what_the_dso_pays_is_what_the_flexibility_market_said() -> None:
    market = LocalFlexibilityMarket(interface_eur_per_mwh=200)
    orders = book((SELL, 0.004, 250), (SELL, 0.002, 220), (BUY, 0.003, 150))
    decision = decided(orders, "none", np.zeros(3), np.zeros(3))
    need = FlexNeed(
        is_voltage=np.array([False]),
        element=np.array([0]),
        value=np.array([1.3]),
        lower=np.array([-1.0]),
        upper=np.array([1.0]),
        by_mw=np.full((1, 4), -100.0),
        mw_per_unit=np.array([0.01]),
    )
    flex = market.clear(need, decision.offers)
    assert flex.accepted_mw.sum() == pytest.approx(0.003)
    decision = replace(
        decision, flex=flex, contracted_mw=add_up(decision.offers.peer, decision.offers.side * flex.accepted_mw, 3)
    )
    nobody = Injections(np.zeros(4), np.zeros(4))
    ledger = settle(decision, np.zeros(3), nobody, answered(np.zeros(4), 0.0, np.zeros(4)), TARIFFS, 0.25)
    assert earned_eur(ledger, 3)[Role.DSO.party(3)] == pytest.approx(-flex.cost_eur_per_h * 0.25)


def test_a_quiet_hour_has_no_entries() -> None:
    decision = decided(Orders.empty(), "none", np.zeros(3), np.zeros(3))
    assert len(decision.result.trades) == len(nothing_traded(Orders.empty()).trades) == 0
    nobody = Injections(np.zeros(4), np.zeros(4))
    state = answered(np.zeros(4), 0.0, np.zeros(4))
    ledger = settle(decision, np.zeros(3), nobody, state, TARIFFS, 1.0)
    assert len(ledger) == 0
    check_balance(ledger, np.zeros(3), nobody, state, 1.0)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"contracted_mw": np.array([0.004 + 1e-9, -0.003])}, "energy of peer 0"),
        ({"scheduled_mw": np.array([0.005, np.nan])}, "energy of peer 1"),
        ({"flex": FlexResult(np.array([0.001]), np.array([np.nan]), 0, 0, np.zeros(0), np.zeros(0))}, "money"),
    ],
)
def test_what_does_not_add_up_stops_the_run(wrong: dict[str, object], said: str) -> None:
    decision, state, nobody = example()
    decision = replace(decision, **wrong)  # type: ignore[arg-type]
    metered = np.array([0.0045, -0.0078])
    ledger = settle(decision, metered, nobody, state, TARIFFS, 1.0)
    with pytest.raises(SimulationError, match=f"step 7: the {said}"):
        check_balance(ledger, metered, nobody, state, 1.0, where="step 7")


def test_a_grid_that_loses_energy_stops_the_run() -> None:
    decision, state, nobody = example()
    metered = np.array([0.0045, -0.0078])
    state = replace(state, loss_mw=state.loss_mw * 1.001)
    ledger = settle(decision, metered, nobody, state, TARIFFS, 1.0)
    with pytest.raises(SimulationError, match="energy of supplier"):
        check_balance(ledger, metered, nobody, state, 1.0)


def test_load_that_is_cut_is_cut_from_those_that_withdraw() -> None:
    """At one bus: 8 and 2 kW withdrawn by peers, 2 kW by a coupled simulator, 3 kW injected; 6 kW are taken off."""
    delivered = np.array([-0.008, 0.0, 0.0, 0.0, -0.002, 0.0, 0.0, 0.0, 0.003])
    decision = decided(Orders.empty(), "none", delivered, delivered)
    external = Injections(np.array([-0.002, 0, 0, 0]), np.array([-0.001, 0, 0, 0]))
    asked = decision.injections.p_mw + external.p_mw
    state = answered(asked, 0.0, np.array([0.006, 0, 0, 0]))
    metered, others = metered_mw(decision, external, state, np.arange(9) % 4)
    np.testing.assert_allclose(metered[[0, 4, 8]], [-0.004, -0.001, 0.003])
    assert others.p_mw[0] == pytest.approx(-0.001)
    assert others.q_mvar[0] == pytest.approx(-0.0005)
