"""Who answers for what: the examples of docs/economics/balance-responsibility.md, and money that nobody makes."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peerflex.agents.risk_averse import deviations
from peerflex.core.arrays import Floats, add_up
from peerflex.core.network import Injections
from peerflex.core.parties import Reason, Role
from peerflex.core.record import Decision, Ledger
from peerflex.core.settled import Settled
from peerflex.core.streams import stream
from peerflex.core.trade import FlexResult, Orders
from peerflex.core.units import BUY, SELL
from peerflex.markets.double_auction import UniformPriceDoubleAuction
from peerflex.markets.entries import bill_eur
from peerflex.markets.leftovers import flex_offers
from peerflex.markets.matching import match
from peerflex.markets.registry import MARKETS
from peerflex.markets.responsibility import (
    ACTIVATIONS,
    IMBALANCE,
    ActivationsName,
    ImbalanceName,
    Positions,
    Responsibility,
    delivered_share,
)
from peerflex.markets.settled import settled
from peerflex.markets.settlement import check_balance, settle
from peerflex.runs.stages.sequences import SEQUENCES, SequenceName
from tests.areas import Street, street
from tests.contracts import book, books
from tests.test_hour import simulate
from tests.test_settlement import PEERS, TARIFFS, answered, decided, earned_eur

KWH = 1e-3
TIGHT = Street(rating_mw=0.006)
ALL_RULES = [
    Responsibility(imbalance, activations, delivered, 0.1 * delivered, 100.0 * delivered)
    for imbalance, activations, delivered in product(IMBALANCE, ACTIVATIONS, (False, True))
]


def settle_by(
    rules: Responsibility, decision: Decision, loss_mw: float = 0.0, trades: list[bool] | None = None
) -> tuple[Ledger, Settled]:
    """Return the ledger of an hour in which meters see what was delivered, balanced, and what it comes to."""
    metered = decision.pv_mw + decision.battery_mw - decision.load_mw
    nobody, state = Injections(np.zeros(4), np.zeros(4)), answered(decision.injections.p_mw, loss_mw, np.zeros(4))
    ledger = settle(decision, metered, nobody, state, TARIFFS, 1.0, rules, None if trades is None else np.array(trades))
    check_balance(ledger, metered, nobody, state, 1.0)
    return ledger, settled(ledger, decision, TARIFFS, 1.0)


def anna(injects_kw: float) -> Decision:
    """Anna uses 1 kW; of her battery she sold 1.5 kW to Ben at 200 EUR/MWh and 0.5 kW to the DSO at 240."""
    orders = book((SELL, 0.002, 200), (BUY, 0.0015, 200))
    traded = match(orders, np.array([0.0015, 0.0015]), 200.0)
    left = flex_offers(orders, traded, np.arange(2), np.zeros(2))
    flex = FlexResult(np.array([0.0005]), np.array([240.0]), 0.0005, 0.12, np.zeros(0), np.zeros(0))
    decision = decided(orders, "none", np.array([0.001, -0.0015]), np.array([injects_kw * KWH, -0.0015]))
    contracted, baseline = np.array([0.002, -0.0015]), np.array([0.0005, -0.0015])
    return replace(decision, result=traded, offers=left, flex=flex, contracted_mw=contracted, baseline_mw=baseline)


@pytest.mark.parametrize(
    ("injects_kw", "as_sold", "as_delivered"),
    [(1.0, 0.12, 0.12), (0.75, 0.0375, 0.0325), (0.5, -0.045, -0.06), (-1.0, -0.54, -0.555)],
)
def test_flexibility_as_sold_and_as_delivered(injects_kw: float, as_sold: float, as_delivered: float) -> None:
    strict = Responsibility(delivered=True, tolerance=0.1, penalty_eur_per_mwh=100.0)
    for rules, expected in ((Responsibility(), as_sold), (strict, as_delivered)):
        ledger, _ = settle_by(rules, anna(injects_kw))
        assert earned_eur(ledger, 2)[0] == pytest.approx(expected)


def test_what_is_delivered_in_part_is_paid_in_part_and_lacks_once() -> None:
    ledger, figures = settle_by(Responsibility(delivered=True), anna(0.75))
    dso = Role.DSO.party(2)
    flex, imbalance = (ledger.take(ledger.reason == reason) for reason in (Reason.FLEX, Reason.IMBALANCE))
    assert (flex.giver.tolist(), flex.taker.tolist()) == ([0], [dso])
    assert flex.energy_mwh.tolist() == pytest.approx([0.25 * KWH])
    assert imbalance.energy_mwh.tolist() == pytest.approx([0.25 * KWH])
    assert figures.lfm_delivered_mwh == pytest.approx(0.25 * KWH)
    assert figures.lfm_paid_eur == pytest.approx(0.06 - 0.05) == pytest.approx(-earned_eur(ledger, 2)[dso])


def anna_and_ben() -> Decision:
    """Nobody trades. Anna announced to give 2 kWh and gives 1.5; Ben announced to take 3 kWh and takes 2.7."""
    return decided(Orders.empty(), "none", np.array([2.0, -3.0]) * KWH, np.array([1.5, -2.7]) * KWH)


@pytest.mark.parametrize(
    ("imbalance", "of_anna", "of_ben", "mediator", "cost"),
    [
        ("peers", -0.165, 0.0216, 0.0, (0.1934, 0.0, -0.1934)),
        ("mediator", -0.15375, 0.0234, 0.06435, (0.18035, -0.06435, -0.116)),
        ("supplier", -0.04, 0.09, 0.0, (0.0, 0.0, 0.0)),
    ],
)
def test_imbalance_of_two(
    imbalance: ImbalanceName, of_anna: float, of_ben: float, mediator: float, cost: tuple[float, float, float]
) -> None:
    ledger, figures = settle_by(Responsibility(imbalance), anna_and_ben())
    earned = earned_eur(ledger, 2)
    assert earned[:2] == pytest.approx([2 * 0.08 + of_anna, -3 * 0.3 + of_ben])
    assert earned[Role.MEDIATOR.party(2)] == pytest.approx(mediator, abs=1e-12)
    assert figures.imbalance_mwh == pytest.approx(0.8 * KWH)
    assert (figures.peers_eur, figures.mediator_eur, figures.supplier_eur) == pytest.approx(cost, abs=1e-12)


def test_a_customer_is_not_netted_with_traders() -> None:
    with_ben, without = (
        earned_eur(settle_by(Responsibility("mediator"), anna_and_ben(), trades=trades)[0], 2)
        for trades in ([True, True], [True, False])
    )
    own = earned_eur(settle_by(Responsibility("peers"), anna_and_ben())[0], 2)
    assert without == pytest.approx(own), "one alone has nothing to net, and another pays its own"
    assert with_ben[1] > own[1]


def test_the_supplier_pays_upstream_for_the_imbalance_of_all() -> None:
    decision = anna_and_ben()
    metered, nobody = np.array([1.5, -2.7]) * KWH, Injections(np.zeros(4), np.zeros(4))
    state = answered(decision.injections.p_mw, 0.0, np.zeros(4))
    tariffs = replace(TARIFFS, wholesale_imbalance_spread=0.2)
    ledger = settle(decision, metered, nobody, state, tariffs, 1.0, Responsibility("supplier"))
    check_balance(ledger, metered, nobody, state, 1.0)
    figures = settled(ledger, decision, tariffs, 1.0)
    assert (figures.peers_eur, figures.supplier_eur) == pytest.approx((0.0, 0.004), abs=1e-12)


@pytest.mark.parametrize(
    ("activations", "of_dso", "of_supplier"), [("dso", -0.3, 0.3), ("supplier", -0.2, 0.2), ("peers", -0.4, 0.4)]
)
def test_activated_energy_of_one(activations: ActivationsName, of_dso: float, of_supplier: float) -> None:
    """Carl takes 2 kWh; the DSO has him give up 1 of them for 500 EUR/MWh."""
    orders = book((SELL, 0.001, 500))
    decision = decided(orders, "none", np.array([-1.0]) * KWH, np.array([-1.0]) * KWH, flex_share=1.0)
    ledger, figures = settle_by(Responsibility(activations=activations), decision)
    earned = earned_eur(ledger, 1)
    assert earned[[0, Role.DSO.party(1), Role.SUPPLIER.party(1)]] == pytest.approx([-0.1, of_dso, of_supplier])
    assert figures.lfm_paid_eur == pytest.approx(-of_dso)


FAILING = st.lists(st.sampled_from([0.0, 0.0, 0.4, 1.0, 1.3]), min_size=10, max_size=10).map(np.array)
"""What share of their activations peers do not deliver."""


@pytest.mark.once
@settings(max_examples=150, deadline=None)
@given(
    orders=books(),
    kind=st.sampled_from(list(MARKETS)),
    peers=st.tuples(PEERS, PEERS),
    missing=FAILING,
    flex_share=st.sampled_from([0.0, 0.3, 1.0]),
    rules=st.sampled_from(ALL_RULES),
    trades=st.lists(st.booleans(), min_size=10, max_size=10),
)
def test_no_rule_makes_money_or_charges_others(
    orders: Orders,
    kind: str,
    peers: tuple[Floats, Floats],
    missing: Floats,
    flex_share: float,
    rules: Responsibility,
    trades: list[bool],
) -> None:
    scheduled, surprise = peers
    decision = decided(orders, kind, scheduled, scheduled, flex_share)
    activated = add_up(decision.offers.peer, decision.offers.side * decision.flex.accepted_mw, 10)
    delivered = scheduled - missing * activated + surprise * np.array(trades) / 10
    decision = replace(
        decision,
        pv_mw=np.maximum(delivered, 0.0),
        load_mw=np.maximum(-delivered, 0.0),
        injections=Injections(add_up(np.arange(10) % 4, delivered, 4), np.zeros(4)),
    )
    ledger, figures = settle_by(rules, decision, 0.0003, trades)  # balances energy and money
    earned = earned_eur(ledger, 10)
    moved = float(np.abs(ledger.amount_eur).sum()) + 1e-6
    assert figures.peers_eur + figures.mediator_eur + figures.supplier_eur == pytest.approx(0.0, abs=1e-9 * moved)
    assert figures.peers_eur >= -1e-9 * moved, "nobody gains by doing other than announced"
    assert figures.mediator_eur <= 1e-9 * moved, "the mediator does not lose by netting"
    roles = [role.party(10) for role in (Role.DSO, Role.UPSTREAM)]

    other = earned_eur(settle_by(replace(rules, imbalance="peers"), decision, 0.0003, trades)[0], 10)
    assert earned[roles] == pytest.approx(other[roles]), "imbalance is no business of the DSO"
    assert (earned[:10] >= other[:10] - 1e-9 * moved).all(), "a peer pays most if it pays for its own"
    if rules.imbalance == "mediator":
        assert earned[:10][~np.array(trades)] == pytest.approx(other[:10][~np.array(trades)])

    other = earned_eur(settle_by(replace(rules, activations="dso"), decision, 0.0003, trades)[0], 10)
    assert earned[:10] == pytest.approx(other[:10]), "activated energy is between DSO and supplier"
    assert earned[Role.UPSTREAM.party(10)] == pytest.approx(other[Role.UPSTREAM.party(10)])


@pytest.mark.once
@settings(max_examples=100, deadline=None)
@given(
    imbalance=st.sampled_from(list(IMBALANCE)),
    scheduled=st.floats(-0.01, 0.01),
    sold_mw=st.floats(1e-5, 0.01),
    side=st.sampled_from([SELL, BUY]),
    price=st.floats(0, 1000),
    others=PEERS,
)
def test_nobody_gains_by_selling_flexibility_that_it_does_not_deliver(
    imbalance: str, scheduled: float, sold_mw: float, side: int, price: float, others: Floats
) -> None:
    """Whatever others do; paid as sold, a dear offer that nobody delivers earns more than the imbalance costs."""
    price = max(price, 200.0) if side == SELL else min(price, 200.0)
    rules = Responsibility(imbalance, delivered=True)
    earned = []
    for share in (1.0, 0.0):
        orders = book((side, sold_mw, price))
        announced = np.concatenate([[scheduled + share * side * sold_mw], np.zeros(10)])
        decision = decided(orders, "none", announced, np.concatenate([[scheduled], others]), flex_share=share)
        earned.append(earned_eur(settle_by(rules, decision)[0], 11)[0])
    assert earned[0] <= earned[1] + 1e-9


def test_a_dear_offer_that_is_not_delivered_pays_if_it_is_paid_as_sold() -> None:
    orders = book((SELL, 0.0005, 520))
    decision = decided(orders, "none", np.array([0.0005]), np.array([0.0]), flex_share=1.0)
    as_sold, as_delivered = (
        earned_eur(settle_by(Responsibility(delivered=delivered), decision)[0], 1)[0] for delivered in (False, True)
    )
    assert as_sold == pytest.approx(0.5 * (0.52 - 0.33))
    assert as_delivered == pytest.approx(0.5 * (0.08 - 0.33))


@pytest.mark.parametrize(("row", "name"), list(enumerate(SEQUENCES)))
def test_hours_balance_by_other_rules_in_every_order_of_markets(row: int, name: SequenceName) -> None:
    """Peers fail and forecasts err; the run itself checks that energy and money balance."""
    said = set()
    for rules in ALL_RULES[row::5]:
        area = street(12, 20, 3, grid=TIGHT, market=UniformPriceDoubleAuction(), fails=(0.5, 0.2), responsibility=rules)
        area = replace(area, sequence=SEQUENCES[name], dso=replace(area.dso, grid=TIGHT))
        for record in simulate(area, 10)[6:]:
            said |= {Reason(reason) for reason in record.ledger.reason}
            assert record.settled.lfm_delivered_mwh <= record.decision.flex.accepted_mw.sum() + 1e-12
    assert {Reason.PENALTY, Reason.FLEX, Reason.IMBALANCE} <= said


def test_what_was_sold_twice_counts_once() -> None:
    """The example of docs/economics/sequences.md: 6 kW to the neighbour, 5 to the DSO, and the battery gives 8."""
    from tests.test_sequences import battery_and_two_loads

    area = battery_and_two_loads("unrelated")
    dso, battery = Role.DSO.party(3), 0
    as_sold, as_delivered = (
        simulate(replace(area, responsibility=Responsibility(delivered=delivered)), 1)[0] for delivered in (False, True)
    )
    decision = as_delivered.decision
    assert delivered_share(decision)[battery] == pytest.approx(0.4, abs=1e-4)
    price = decision.flex.price_eur_per_mwh[decision.flex.accepted_mw > 0].mean()
    paid = [earned_eur(record.ledger, 3)[[battery, dso]] for record in (as_sold, as_delivered)]
    assert paid[1][1] - paid[0][1] == pytest.approx(3 * KWH * (price - 200), rel=1e-3)
    assert paid[1][0] - paid[0][0] == pytest.approx(3 * KWH * (320 - price), rel=1e-3), "it need not buy what it lacks"


def test_a_peer_that_sold_nothing_delivered_all_of_it() -> None:
    decision = decided(Orders.empty(), "none", np.zeros(3), np.array([0.001, 0.0, -0.001]))
    assert delivered_share(decision).tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize(("imbalance", "gains"), [("peers", -0.0254), ("supplier", 0.0115)])
def test_caution_pays_only_where_deviations_from_trades_are_settled(imbalance: ImbalanceName, gains: float) -> None:
    """docs/economics/risk-averse.md: 1 kW of load and 3 kW of PV, an error of 0.2, sold at 142 EUR/MWh."""
    tariffs = replace(TARIFFS, retail_eur_per_mwh=320.0)
    expects_mwh, sigma_mwh, price = 2.0 * KWH, 0.2 * np.sqrt(10) * KWH, 142.0
    cautious_mwh = expects_mwh + sigma_mwh * deviations(np.array([price]), np.array([320.0]), np.array([80.0]))[0]
    deviation_mwh = sigma_mwh * stream(1, "test").normal(size=400_000)
    earned = []
    for sold_mwh in (expects_mwh, cautious_mwh):
        residual_mwh = np.full(len(deviation_mwh), expects_mwh - sold_mwh)
        none = np.zeros(len(deviation_mwh))
        found = IMBALANCE[imbalance](Positions(residual_mwh, deviation_mwh, none, none > 0), tariffs)
        earned.append(sold_mwh * price + bill_eur(residual_mwh, 80.0, 320.0).mean() + found.received_eur.mean())
    assert earned[1] - earned[0] == pytest.approx(gains, abs=5e-4)
