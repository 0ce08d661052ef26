"""The TSO: what it wants, how it bids, what it gets and pays, and what is refused."""

from dataclasses import replace

import mesa
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peerflex.agents.regulation import Bid, ListedNeed, NeedFromFrequency
from peerflex.agents.truthful import Truthful
from peerflex.agents.tso import TSO
from peerflex.core.errors import InputError
from peerflex.core.frequency import Services, TimedEvents
from peerflex.core.parties import Reason
from peerflex.core.record import Effort
from peerflex.core.regulation import Regulation
from peerflex.core.trade import FIRM_EUR_PER_MWH
from peerflex.core.units import BUY, SELL
from peerflex.grid.frequency import respond
from peerflex.markets.schemes import Scheme
from peerflex.runs.area.area import Area
from peerflex.runs.area.build import build
from peerflex.runs.area.plugins import registry
from peerflex.runs.stages.frequency import delivered_mw
from peerflex.scenarios.load import load_scenario
from tests.tso_areas import BID, LOADS, SMALL, regulated, simulate

LOST = respond(SMALL, TimedEvents(np.zeros(1), np.array([-9.0])), Services.empty())


def tso(bid: Bid = BID) -> TSO:
    return TSO(mesa.Model(), NeedFromFrequency(0.8, 4.0), bid, peer=5)


def test_what_reserves_carried_is_wanted_from_all_feeders() -> None:
    assert LOST.end.fcr_mw + LOST.end.afrr_mw == pytest.approx(9.0, abs=1e-3)
    assert tso().request_mw(3, LOST) == pytest.approx(0.8 * 9.0 / 4, abs=1e-3)
    assert tso().request_mw(0, None) == 0.0


def test_it_asks_for_no_more_than_it_may_and_nothing_for_crumbs() -> None:
    asked = TSO(mesa.Model(), ListedNeed(np.array([9.0, -9.0, 1e-12])), BID, peer=5)
    assert [asked.request_mw(step, None) for step in range(3)] == [2.0, -2.0, 0.0]
    assert len(asked.orders(0.0, 0, 3600)) == 0


@pytest.mark.parametrize("firm", [False, True])
def test_up_it_buys_and_down_it_sells(firm: bool) -> None:
    agent = tso(replace(BID, firm=firm, down_eur_per_mwh=12.0))
    up, down = agent.orders(1.5, 7200, 3600), agent.orders(-0.5, 7200, 3600)
    assert (up.side[0], down.side[0]) == (BUY, SELL)
    assert (up.quantity_mw[0], down.quantity_mw[0]) == (1.5, 0.5)
    assert (up.true_eur_per_mwh[0], down.true_eur_per_mwh[0]) == (150.0, 12.0)
    assert up.price_eur_per_mwh[0] - 150.0 == (FIRM_EUR_PER_MWH if firm else 0.0)
    assert up.slope_eur_per_mwh2[0] * 1.5 == pytest.approx(1.0)
    assert up.dispatchable.all()
    assert up.start_s[0] == 7200


def test_an_event_changes_the_request_and_the_income_of_peers_an_hour_later_and_not_before() -> None:
    quiet, struck = (simulate(regulated(*rows, scheme="dso-first")) for rows in ((), ((2.25, 5.0, -6.0),)))
    for hour in (0, 1, 2):
        assert struck[hour].decision.regulation == quiet[hour].decision.regulation
        assert incomes(struck[hour]).tolist() == incomes(quiet[hour]).tolist()
    assert struck[2].frequency is not None
    assert struck[2].frequency.extreme_hz < -0.2
    asked = struck[3].decision.regulation
    assert asked.request_mw == pytest.approx(0.8 * 6.0 / 4, abs=1e-3)
    assert asked.contracted_mw == pytest.approx(asked.request_mw)
    gained = incomes(struck[3]) - incomes(quiet[3])
    assert (gained[: LOADS + 1] > 1.0).all(), "loads give way and the engine gives more, both for money"
    assert gained[LOADS + 1] == pytest.approx(-asked.contracted_mw * asked.price_eur_per_mwh)
    exchange = struck[3].state.exchange_mw - quiet[3].state.exchange_mw
    at_head = struck[3].state.p_mw[0] - quiet[3].state.p_mw[0]
    assert at_head == pytest.approx(-asked.contracted_mw)
    assert exchange + at_head == pytest.approx(-asked.contracted_mw)
    assert struck[3].delivered_mw == pytest.approx(asked.contracted_mw)


def incomes(record) -> np.ndarray:
    """Return what each peer's entries in the ledger bring it."""
    n = LOADS + 2
    given = np.bincount(record.ledger.giver, record.ledger.amount_eur, minlength=n + 7)
    taken = np.bincount(record.ledger.taker, record.ledger.amount_eur, minlength=n + 7)
    return (given - taken)[:n]


def test_the_example_by_hand() -> None:
    """docs/economics/tso.md: 9 MW lost, four feeders, a share of 0.8, and a house that takes 0.05 MW more."""
    asked = tso().request_mw(3, LOST)
    assert asked == pytest.approx(1.8, abs=5e-4)
    assert delivered_mw(Regulation(asked, 1.8, change_mw=1.8), -0.05) == pytest.approx(1.75)
    assert delivered_mw(Regulation(asked, 1.8, change_mw=1.2), -0.05) == pytest.approx(1.15)
    assert Regulation(asked, 1.8, change_mw=1.2).planned_mw == pytest.approx(1.2)
    more = Services(np.array([4 * 1.8]), np.zeros(1), np.array([30.0]), np.array([270.0]))
    after = respond(SMALL, TimedEvents(np.zeros(1), np.array([4 * -0.05])), more, 3600, LOST.end)
    assert after.end.afrr_mw == pytest.approx(2.0, abs=5e-3)
    assert after.end.p2p_mw == pytest.approx(7.2)


def test_regulation_down_is_a_virtual_source_that_others_use() -> None:
    records = simulate(regulated(need=ListedNeed(np.array([0.0, -1.0])), steps=2))
    assert records[1].decision.regulation.contracted_mw == pytest.approx(-1.0)
    assert records[1].state.p_mw[1] - records[0].state.p_mw[1] == pytest.approx(-1.0)
    assert records[1].delivered_mw == pytest.approx(-1.0)
    assert incomes(records[1])[LOADS + 1] > 0


def test_a_request_beyond_all_there_is_is_met_in_part_and_on_record() -> None:
    bid = replace(BID, most_mw=50.0, value_eur_per_mwh=60.0)
    record = simulate(regulated(need=ListedNeed(np.array([40.0])), bid=bid, steps=1))[0]
    got = record.decision.regulation
    assert 0 < got.contracted_mw < 6.0
    (told,) = [event for event in record.events if event.kind == "regulation-missing"]
    assert f"{40 - got.contracted_mw:.6f} MW of the 40.000000 MW" in told.what
    assert "automatic reserves" in told.consequence
    kinds = {batch.kind: batch.count for batch in record.messages}
    assert kinds["regulation-request"] == kinds["regulation-offer"] == 1


def test_what_peers_fail_to_deliver_is_missing_at_the_meter_and_is_their_imbalance() -> None:
    """One house is a customer that does not trade, and errs by a tenth; all others do as they traded."""
    short, area = 0, regulated(need=ListedNeed(np.full(24, 0.5)), steps=24, error=0.1)
    peers = replace(area.peers, behaviour=np.array([-1, 0, 0, 0, 1, -1]), trade=np.arange(LOADS + 2) > 0)
    for record in simulate(replace(area, peers=peers)):
        decision = record.decision
        deviation = (record.metered_mw - decision.scheduled_mw)[: LOADS + 1].sum()
        assert record.delivered_mw == pytest.approx(np.clip(0.5 + min(deviation, 0.0), 0.0, 0.5))
        assert decision.scheduled_mw[LOADS + 1] == record.metered_mw[LOADS + 1] == pytest.approx(-0.5)
        imbalance = record.ledger.take(record.ledger.reason == Reason.IMBALANCE)
        given = np.where(imbalance.giver == 0, 1, -1) * imbalance.energy_mwh
        assert given.sum() == pytest.approx(deviation, abs=1e-12)
        short += record.delivered_mw < 0.499
    assert short > 3


@settings(max_examples=100, deadline=None)
@given(contracted=st.floats(-5, 5), change=st.floats(-9, 9), deviation=st.floats(-9, 9))
def test_never_more_than_contracted_and_never_the_other_way(contracted: float, change: float, deviation: float) -> None:
    regulation = Regulation(contracted, contracted, change_mw=change)
    delivered = delivered_mw(regulation, deviation)
    assert min(contracted, 0.0) <= delivered <= max(contracted, 0.0)
    assert abs(delivered) <= abs(regulation.planned_mw)
    if np.sign(contracted) * deviation >= 0:
        assert delivered == regulation.planned_mw
        there = min(max(np.sign(contracted) * change, 0.0), abs(contracted))
        assert abs(delivered) == pytest.approx(there, abs=1e-9)
    elif contracted:
        assert abs(delivered) <= max(np.sign(contracted) * (change + deviation), 0.0)
    mirrored = Regulation(-contracted, -contracted, change_mw=-change)
    assert -delivered == delivered_mw(mirrored, -deviation)


def beyond(area: Area) -> Area:
    """Return the street with its engine on the other side of the transformer: a supplier."""
    return replace(area, peers=replace(area.peers, bus=np.array([1] * LOADS + [0, 0])))


@pytest.mark.parametrize("request_mw", [0.5, -0.5])
def test_a_supplier_beyond_the_transformer_delivers_nothing(request_mw: float) -> None:
    """A bug: what it sold to the TSO counted, and the exchange did not change."""
    area = beyond(regulated(need=ListedNeed(np.array([request_mw])), steps=1))
    idle = replace(area.peers, behaviour=np.array([-1] * LOADS + [1, -1]), trade=np.arange(LOADS + 2) >= LOADS)
    record = simulate(replace(area, peers=idle))[0]
    if request_mw > 0:
        assert record.decision.regulation.contracted_mw == pytest.approx(request_mw)
    assert record.decision.regulation.reference_mw == pytest.approx(-LOADS if request_mw > 0 else 0.0)
    assert record.delivered_mw == 0.0
    assert record.frequency is not None
    assert record.frequency.end.p2p_mw == 0.0


@pytest.mark.parametrize("scheme", ["common", "dso-first"])
@pytest.mark.parametrize("request_mw", [1.0, -1.0])
def test_delivered_is_what_the_flow_through_the_interface_changes(request_mw: float, scheme: Scheme) -> None:
    area = beyond(regulated(need=ListedNeed(np.array([request_mw, 0.0])), scheme=scheme, steps=2))
    asked, quiet = simulate(area)
    got = asked.decision.regulation
    assert asked.delivered_mw == pytest.approx(quiet.interface_mw - asked.interface_mw)
    assert asked.frequency is not None
    assert asked.frequency.end.p2p_mw == pytest.approx(4 * asked.delivered_mw, rel=1e-3)
    assert 0.1 < abs(asked.delivered_mw) <= abs(got.contracted_mw) + 1e-9
    if scheme == "dso-first":
        assert asked.delivered_mw == pytest.approx(got.contracted_mw)
    else:
        assert abs(asked.delivered_mw) < 0.9 * abs(got.contracted_mw), "the supplier gives the rest"


def test_energy_that_flows_anyway_delivers_nothing() -> None:
    """A bug: a roof that sold its surplus to the TSO instead of the supplier was paid for changing nothing."""
    for scheme in ("common", "tso-first", "dso-first", "iterative"):
        area = regulated(need=ListedNeed(np.array([0.5])), scheme=scheme, steps=1)
        sun = np.array([[3.0] * LOADS + [0.0, 0.0]])
        peers = replace(area.peers, behaviour=np.array([0] * LOADS + [-1, -1]), pv_mw=4 * sun[0])
        profiles = replace(area.profiles, pv_mw=sun)
        record = simulate(replace(area, peers=peers, profiles=profiles, behaviours=(Truthful(),)))[0]
        assert record.delivered_mw == 0.0
        assert record.decision.regulation.contracted_mw == pytest.approx(0.0 if scheme == "dso-first" else 0.5)
        assert (record.metered_mw[:LOADS] == 2.0).all()


def test_the_effort_of_a_step_is_that_of_the_real_one() -> None:
    asked, quiet = simulate(regulated(need=ListedNeed(np.array([1.0, 0.0])), steps=2))
    assert asked.decision.effort == quiet.decision.effort == Effort(True, 1, 1)
    sent = {batch.kind: batch.count for batch in asked.messages}
    assert sent["bid"] == 1 + {batch.kind: batch.count for batch in quiet.messages}["bid"]


def test_a_contract_is_worth_what_the_tso_says_whatever_it_bids() -> None:
    for firm in (False, True):
        bid = replace(BID, firm=firm, fall_eur_per_mwh=30.0, down_eur_per_mwh=5.0)
        up, down = simulate(regulated(need=ListedNeed(np.array([0.5, -0.5])), bid=bid, steps=2))
        assert up.decision.regulation.value_eur_per_h == pytest.approx(0.5 * (150 - 15))
        assert down.decision.regulation.value_eur_per_h == pytest.approx(-0.5 * (5 + 15))


SYSTEM = [
    "frequency={area: {size_mw: 300, inertia_s: 3, fcr_mw: 15}}",
    "tso={request: {kind: from-frequency}, most_mw: 5, value_eur_per_mwh: 100}",
]


@pytest.mark.parametrize(
    ("setting", "where", "what"),
    [
        ("frequency.area.inertia_s=0", "frequency.area.inertia_s", "outside the plausible range"),
        ("frequency.area.fcr_mw=-5", "frequency.area.fcr_mw", "outside the plausible range"),
        ("frequency.feeders=0", "frequency.feeders", "outside the plausible range"),
        ("frequency.events=[{start_hour: 3, change_mw: -5, area: iberia}]", "frequency.events", "area 'iberia'"),
        ("frequency.events=[{start_hour: 3, change_mw: -5, hours: -1}]", "events.0.hours", "outside"),
        (
            "frequency.area={size_mw: 300, inertia_s: 0.1, fcr_mw: 300, fcr_governor_s: 0.001}",
            "frequency.area",
            "reacts at up to",
        ),
        ("frequency=null", "frequency", "is missing: the TSO's request follows it"),
        ("tso.most_mw=-1", "tso.most_mw", "outside the plausible range"),
        ("tso.ramp_s=3599", "tso", "a step is 3600 s"),
        ("tso.scheme=whoever", "tso.scheme", "none of the choices"),
        ("tso.request={kind: listed}", "tso.request.file", "nothing is listed"),
        ("tso.request={kind: from-frequency, mw: [1]}", "tso.request.mw", "is not for kind"),
        ("tso.request={kind: listed, file: gone.csv}", "tso.request.file", ""),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(setting: str, where: str, what: str) -> None:
    with pytest.raises(InputError) as refused:
        build(load_scenario("tso-dso-benchmark", [*SYSTEM, setting]), registry())
    assert where in refused.value.problem.where
    assert what in refused.value.problem.what
    assert refused.value.problem.remedy


@pytest.mark.parametrize("scheme", ["common", "tso-first", "dso-first", "iterative"])
def test_a_service_that_does_not_fit_the_market_is_refused_under_every_scheme(scheme: str) -> None:
    """A bug: a scheme round the service hid what it says of itself."""
    settings = [*SYSTEM, f"tso.scheme={scheme}", "market.service={kind: network-charges}"]
    with pytest.raises(InputError, match="does not heed"):
        build(load_scenario("lv-week", [*settings, "market.p2p={kind: bilateral-pool}"]), registry())
    settings += ["market.p2p={kind: bilateral-equilibrium, curvature_eur_per_mwh: 9}"]
    with pytest.raises(InputError, match="expects a curvature"):
        build(load_scenario("tso-dso-benchmark", settings), registry())


def test_an_event_after_the_end_of_a_shortened_run_never_comes() -> None:
    late = load_scenario("tso-dso-benchmark", [*SYSTEM, "frequency.events=[{start_hour: 24, change_mw: -5}]"])
    area = build(late, registry()).area
    assert area.system is not None
    assert (area.system.events.start_s >= area.steps * area.step_s).all()
    assert build(load_scenario("tso-week", [], None, 24), registry()).area.steps == 24


def test_the_request_of_the_calibrated_day_is_asked_hour_by_hour() -> None:
    loaded = load_scenario("tso-dso-benchmark", [*SYSTEM, "tso.request={kind: calibrated-day}", "tso.most_mw=20"])
    area = build(loaded, registry()).area
    assert area.tso is not None
    asked = [area.tso.need.mw(step, None) for step in range(24)]
    assert sum(asked) == pytest.approx(29.59, abs=0.2)
    assert np.flatnonzero(asked).tolist() == list(range(8, 16))
    assert area.peers.name[-1] == "tso"
    assert area.peers.bus[-1] == area.upstream_bus


def test_a_request_is_read_from_a_file(tmp_path) -> None:
    rows = "\n".join(f"{step},{max(step - 3, 0)},{max(2 - step, 0)}" for step in range(24))
    (tmp_path / "asked.csv").write_text(f"step,up_mw,down_mw\n{rows}\n")
    scenario = tmp_path / "own.yaml"
    scenario.write_text("extends: tso-dso-benchmark\nname: own\n")
    loaded = load_scenario(str(scenario), [*SYSTEM, "tso.request={kind: listed, file: asked.csv}"])
    area = build(loaded, registry()).area
    assert area.tso is not None
    assert [area.tso.need.mw(step, None) for step in range(6)] == [-2, -1, 0, 0, 1, 2]
    assert [path.name for path in loaded.inputs] == ["asked.csv"]
    (tmp_path / "asked.csv").write_text(both := f"step,up_mw,down_mw\n{rows}\n".replace("\n7,4,0\n", "\n7,4,0.5\n"))
    with pytest.raises(InputError, match=r"asked.csv: step 7: asks for up_mw and for down_mw"):
        build(loaded, registry())
    (tmp_path / "asked.csv").write_text(both.replace("up_mw", "more_mw"))
    with pytest.raises(InputError, match="more_mw"):
        build(loaded, registry())
