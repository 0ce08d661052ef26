"""What the DSO does when both markets have been held: the example of the page, clean wires, and who pays."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from peerflex.agents.mediation import Honest
from peerflex.agents.mediator import MediatorSettings
from peerflex.agents.truthful import Truthful
from peerflex.core.errors import InputError
from peerflex.core.parties import Reason, Role
from peerflex.core.people import Profiles
from peerflex.core.protocols import FlexMarket
from peerflex.core.record import HourRecord
from peerflex.markets.bilateral_contract import BilateralContract, Contract
from peerflex.markets.connection_agreement import ConnectionAgreement
from peerflex.markets.cost_based import CostBased
from peerflex.markets.double_auction import UniformPriceDoubleAuction
from peerflex.markets.network_tariffs import DynamicTariff
from peerflex.markets.obligation import Obligation
from peerflex.markets.responsibility import ACTIVATIONS, IMBALANCE, ActivationsName, ImbalanceName, Responsibility
from peerflex.runs.area.agreements import agreed, check_means
from peerflex.runs.area.area import Area
from peerflex.runs.area.build import build
from peerflex.runs.area.plugins import registry
from peerflex.runs.explain.text import lines
from peerflex.runs.explain.types import Question
from peerflex.runs.explain.why import explain
from peerflex.runs.log.reader import open_run
from peerflex.runs.log.verification import verify
from peerflex.runs.session import Session
from peerflex.runs.stages.sequences import SEQUENCES, SequenceName
from peerflex.scenarios.load import load_scenario
from tests.areas import Street, street, three_on_a_line
from tests.moments import moment_of
from tests.test_hour import simulate

KINDS = pytest.mark.parametrize(
    "market",
    [Obligation(), ConnectionAgreement(firm_share=0.0), CostBased(), BilateralContract((Contract("", 20.0),))],
    ids=["obligation", "agreement", "cost-based", "contract"],
)


HOURS = 5


def booked_eur(record: HourRecord, reason: Reason, party: int) -> float:
    """Return what a party received for a reason, less what it paid."""
    ledger = record.ledger
    amount = np.where(ledger.reason == reason, ledger.amount_eur, 0.0)
    return float(amount[ledger.giver == party].sum() - amount[ledger.taker == party].sum())


def battery_behind_a_line(last: FlexMarket | None, name: SequenceName = "lfm-first") -> Area:
    """Return the street of the page: sun at its head, a battery and a customer at its end, whose line carries 5 kW."""
    return three_on_a_line(
        name,
        bus=(0, 1, 1),
        load_mw=(0.0, 0.0, 0.004),
        pv_mw=(0.003, 0.0, 0.0),
        battery_of=1,
        stored_mwh=0.008,
        last_resort=last,
    )


def hour(last: FlexMarket | None, name: SequenceName = "lfm-first") -> HourRecord:
    (record,) = simulate(battery_behind_a_line(last, name), 1)
    return record


def test_without_one_peers_load_again_what_the_flexibility_market_left_clean() -> None:
    record = hour(None)
    assert not record.decision.flex.accepted_mw.any()
    assert record.state.flow_mw[0] * 1000 == pytest.approx(7)
    assert len(record.violations) == 1


@pytest.mark.parametrize(
    ("market", "peer_eur", "dso_eur", "residual_kwh"),
    [
        (Obligation(), 0.0, 0.0, 2),
        (BilateralContract((Contract("", 10.0, 5.0, 60.0),)), 0.12, -0.12, 2),
        (CostBased(margin_eur_per_mwh=10), 0.46105, -0.06105, 0),
    ],
    ids=["obligation", "contract", "cost-based"],
)
@pytest.mark.parametrize("name", ["lfm-first", "unrelated"])
def test_example_of_the_page(
    market: FlexMarket, peer_eur: float, dso_eur: float, residual_kwh: float, name: SequenceName
) -> None:
    record = hour(market, name)
    last, n = record.decision.last_resort, 3
    assert record.decision.result.accepted_mw.max() * 1000 == pytest.approx(3)
    assert last.activated_mw(n) * 1000 == pytest.approx([0, 2, 0], abs=1e-3)
    assert record.decision.battery_mw[1] * 1000 == pytest.approx(-1, abs=1e-3)
    assert record.state.loading[0] == pytest.approx(1, abs=2e-5)
    assert not len(record.violations)
    assert booked_eur(record, Reason.LAST_RESORT, 1) == pytest.approx(peer_eur, rel=1e-4)
    assert booked_eur(record, Reason.LAST_RESORT, Role.DSO.party(n)) == pytest.approx(dso_eur, rel=1e-3)
    assert last.result.cost_eur_per_h == pytest.approx(-dso_eur, rel=1e-3)
    # what stays with the supplier is what the battery bought and does not take
    assert booked_eur(record, Reason.RESIDUAL, 1) == pytest.approx(residual_kwh * 0.08, rel=1e-4)


def test_a_contract_is_paid_whether_it_is_called_on_or_not() -> None:
    area = battery_behind_a_line(BilateralContract((Contract("truthful", 10.0, 5.0, 60.0),)))
    (record,) = simulate(agreed(area, "here"), 1)
    assert booked_eur(record, Reason.AVAILABILITY, 1) == pytest.approx(0.05)
    assert booked_eur(record, Reason.AVAILABILITY, 2) == 0.0
    assert booked_eur(record, Reason.AVAILABILITY, Role.DSO.party(3)) == pytest.approx(-0.1)


def loaded_by_trades(name: SequenceName, last: FlexMarket | None) -> Area:
    """Return a street in which cheap generators at the head run boilers behind a thin line, from 17 h on."""
    grid = Street(rating_mw=0.018)
    own = Truthful(flexible_load_share=1.0, generation_eur_per_mwh=100.0, heat_eur_per_mwh=190.0)
    area = street(12, 24, 3, grid=grid, market=UniformPriceDoubleAuction(), forecast_error=0.0, behaviours=(own, own))
    at_end, loads = area.peers.bus == 1, (area.profiles.load_mw, area.profiles.load_mvar)
    peers = replace(
        area.peers,
        behaviour=1 - at_end.astype(np.int64),
        boiler_mw=np.where(at_end, 0.0015, 0.0),
        generator_mw=np.where(at_end, 0.0, 0.02),
        pv_mw=0.0 * at_end,
    )
    return replace(
        area,
        peers=peers,
        profiles=Profiles(*(np.roll(load, -17, axis=0) for load in loads), pv_mw=0.0 * area.profiles.pv_mw),
        sequence=SEQUENCES[name],
        dso=replace(area.dso, grid=grid, forecast_error=0.0, lfm_rounds=20),
        last_resort=last,
    )


@KINDS
@pytest.mark.parametrize("name", list(SEQUENCES))
def test_what_is_left_is_activated_once_and_every_step_balances(market: FlexMarket, name: SequenceName) -> None:
    """Energy and money balance in every record that there is; nobody moves more than it offered."""
    called = 0.0
    for record in simulate(loaded_by_trades(name, market), HOURS):
        decision, last = record.decision, record.decision.last_resort
        taken_mw = np.bincount(decision.offers.order, decision.flex.accepted_mw, minlength=len(decision.orders))
        last_mw = np.bincount(last.offers.order, last.result.accepted_mw, minlength=len(decision.orders))
        left_mw = np.maximum(decision.orders.quantity_mw - decision.result.accepted_mw - taken_mw, 0.0)
        assert (last_mw <= left_mw * (1 + 1e-9) + 1e-12).all()
        called += last_mw.sum()
    if name in ("lfm-first", "unrelated"):
        assert called > 0.0


@KINDS
@pytest.mark.parametrize(("imbalance", "activations"), list(zip(IMBALANCE, ACTIVATIONS, strict=True)))
def test_whoever_answers_for_what_the_books_balance_where_some_do_not_deliver(
    market: FlexMarket, imbalance: ImbalanceName, activations: ActivationsName
) -> None:
    """The same mechanism in place of the flexibility market and after it, under a tariff of time and place."""
    rules = Responsibility(imbalance, activations, delivered=True, tolerance=0.1, penalty_eur_per_mwh=100.0)
    area = replace(
        loaded_by_trades("lfm-first", market),
        flex_market=market,
        responsibility=rules,
        network_tariff=DynamicTariff(),
        standing_eur_per_h=np.ones(12),
        fails=(0.3, 0.3),
    )
    records = simulate(area, HOURS)  # every record has passed the balance of energy and money
    assert any(record.decision.undelivered_mw > 0.0 for record in records)
    assert any(record.decision.last_resort.result.accepted_mw.any() for record in records)


@pytest.mark.parametrize("name", ["lfm-first", "unrelated"])
def test_where_enough_is_offered_the_wires_end_clean(name: SequenceName) -> None:
    """What the flexibility market leaves beyond limits after trading is relieved, but where it says what is missing."""
    without, relieved = (simulate(loaded_by_trades(name, last), HOURS) for last in (None, Obligation()))
    assert any(len(record.violations) for record in without)
    for record in relieved:
        missing_mw = record.decision.last_resort.result.missing_mw
        assert not len(record.violations) or (missing_mw > 1e-9).any()


PERFECT = ("dso.forecast_error=0", "delivery.forecast_error=0", "reference=none")


@pytest.mark.once
@pytest.mark.parametrize("name", ["lfm-first", "unrelated"])
def test_with_a_perfect_model_no_limit_is_violated_in_the_ac_flow(name: str, tmp_path: Path) -> None:
    """On the 69-bus grid, where trades load wires that were clean; and its log verifies."""
    design = (*PERFECT, "market.preset=CM1", f"market.sequence={name}")
    without, relieved = (
        _hours(tmp_path / kind, *design, f"market.last_resort.kind={kind}") for kind in ("none", "obligation")
    )
    assert without["violations"].sum() > 0
    assert relieved["last_resort_missing_mw"].max() == 0.0
    assert relieved["violations"].sum() == 0
    assert not verify(tmp_path / "obligation", registry([])).differences


def _hours(folder: Path, *said: str) -> pd.DataFrame:
    with Session.begin(load_scenario("trade-week-mv", list(said), hours=16), registry([]), folder, "mosaik") as session:
        for _ in session.advance():
            pass
    return open_run(folder).table("hours")


@pytest.mark.parametrize(
    ("market", "where", "what"),
    [
        ({"last_resort": {"kind": "linear"}}, "market.last_resort", "is a market"),
        ({"last_resort": {"kind": "capacity-clock"}}, "market.last_resort", "is a market"),
        ({"last_resort": {"kind": "obligatory"}}, "market.last_resort.kind", "there is no"),
        ({"last_resort": {"kind": "cost-based", "interface_eur_per_mwh": 3}}, "last_resort.interface", "tariffs"),
        ({"lfm": {"kind": "connection-agreement", "groups": ["nobody"]}}, "market.lfm.groups", "no group"),
        ({"lfm": {"kind": "connection-agreement", "member": [1]}}, "market.lfm.member", "found from the scenario"),
    ],
)
def test_what_has_no_meaning_is_refused(market: dict[str, dict[str, object]], where: str, what: str) -> None:
    said = [f"market.{part}.{name}={value}" for part, given in market.items() for name, value in given.items()]
    with pytest.raises(InputError) as told:
        build(load_scenario("case69-day", said), registry([]))
    assert where in str(told.value)
    assert what in str(told.value)


@pytest.mark.parametrize("kind", ["linear", "capacity-clock", "obligatory"])
def test_a_wrong_last_resort_is_told_of_those_that_work_and_of_no_market(kind: str) -> None:
    with pytest.raises(InputError) as told:
        build(load_scenario("case69-day", [f"market.last_resort.kind={kind}"]), registry([]))
    named = told.value.problem.remedy
    assert "linear" not in named
    assert "capacity-clock" not in named
    for fit in ("none", "obligation", "connection-agreement", "bilateral-contract", "cost-based"):
        assert fit in named
        build(load_scenario("case69-day", [f"market.last_resort.kind={fit}"]), registry([]))


def test_agreements_of_single_peers_are_refused_beside_pools() -> None:
    pool = MediatorSettings("pool", "aggregator", np.ones(6, dtype=np.bool_), Honest(), class_eur_per_mwh=10.0)
    area = street(6, 1, flex_market=ConnectionAgreement(), mediators=(pool,))
    with pytest.raises(InputError, match="pools"):
        check_means(area, with_tso=False, where="here")
    check_means(replace(area, flex_market=Obligation()), with_tso=False, where="here")


def test_blocks_are_refused_by_a_last_resort_that_does_not_heed_them() -> None:
    area = street(6, 1, last_resort=Obligation())
    area = replace(area, peers=replace(area.peers, least_share=np.full(6, 0.5)))
    with pytest.raises(InputError, match="least_activation"):
        check_means(area, with_tso=False, where="here")
    check_means(replace(area, last_resort=CostBased()), with_tso=False, where="here")


@pytest.mark.once
def test_a_peer_is_told_what_it_had_to_do_as_a_last_resort() -> None:
    said = ("market.preset=CM1", "market.sequence=lfm-first", "market.last_resort.kind=obligation")
    moment = moment_of("trade-week-mv", 11, *said)
    moved_mw = moment.decision.last_resort.activated_mw(len(moment.area.peers))
    peer = int(np.argmax(np.abs(moved_mw)))
    told = "\n".join(lines(explain(moment, Question("agent", moment.area.peers.name[peer]))))
    assert "a last resort" in told
    assert "After trading" not in told, "flexibility was bought before it"


@pytest.mark.once
@pytest.mark.parametrize("kind", ["obligation", "connection-agreement", "bilateral-contract", "cost-based"])
def test_a_call_by_rule_is_traced_to_the_limit_that_needed_it(kind: str) -> None:
    moment = moment_of("trade-week-mv", 11, "market.preset=CM1", f"market.lfm.kind={kind}")
    row = int(np.argmax(moment.decision.flex.accepted_mw))
    found = explain(moment, Question("offer", str(row)))
    assert found.causes[0].kind == "limit"
    assert not any("interface" in sentence for sentence in found.answer)
