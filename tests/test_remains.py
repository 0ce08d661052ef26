"""What remains of violations, by cause: each cause on its own, all of them together, and that none is guessed."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peerflex.agents.truthful import Truthful
from peerflex.core.causes import MEANINGS, Cause, column_of
from peerflex.core.network import GridState, Injections
from peerflex.core.people import PeerState, Profiles
from peerflex.core.record import HourRecord
from peerflex.markets.double_auction import UniformPriceDoubleAuction
from peerflex.markets.idle import NoFlexMarket
from peerflex.markets.obligation import Obligation
from peerflex.runs.api import run
from peerflex.runs.area.area import Area
from peerflex.runs.hour import conclude
from peerflex.runs.log.table_hours import HOURS
from peerflex.runs.model import AreaModel
from peerflex.runs.stages.sequences import SEQUENCES, SequenceName
from tests.areas import Street, street, three_on_a_line
from tests.test_hour import simulate

pytestmark = pytest.mark.once


def three(sequence: SequenceName = "p2p-first", **changes: Any) -> Area:
    """Return three customers at the end of a line of 5 kW, for an hour without sun; the last is the supplier's.

    Anna's battery can give 8 kW, Ben and Carl take 4 kW each. 8 kW flow: the DSO needs 3 kW of the battery.
    """
    area = three_on_a_line(
        sequence, bus=(1, 1, 1), load_mw=(0.0, 0.004, 0.004), battery_of=0, stored_mwh=0.016, **changes
    )
    return replace(area, peers=replace(area.peers, trade=np.zeros(3, dtype=np.bool_)))


def causes(area: Area) -> list[Cause]:
    (record,) = simulate(area, 1)
    assert len(record.causes) == len(record.violations)
    return [Cause(cause) for cause in record.causes]


@pytest.mark.parametrize(
    ("changes", "bought_kw", "line_kw"),
    [
        ({}, 3, 5),
        ({"fails": (1.0, 1.0)}, 3, 8),
        ({"dso": replace(three().dso, grid=Street(rating_mw=0.006))}, 2, 6),
        ({"start": PeerState(np.zeros(3))}, 0, 8),
        ({"flex_market": NoFlexMarket()}, 0, 8),
    ],
    ids=["nothing wrong", "fails", "model", "empty", "no market"],
)
def test_the_example_of_the_page(changes: dict[str, Any], bought_kw: float, line_kw: float) -> None:
    (record,) = simulate(replace(three(), **changes), 1)
    assert record.decision.flex.accepted_mw.sum() * 1000 == pytest.approx(bought_kw, abs=1e-3)
    assert record.state.flow_mw[0] * 1000 == pytest.approx(line_kw, abs=1e-3)


def test_nothing_remains_where_all_goes_as_expected() -> None:
    assert causes(three()) == []


def test_who_does_not_deliver_is_the_cause() -> None:
    assert causes(three(fails=(1.0, 1.0))) == [Cause.NOT_DELIVERED]


def test_without_a_flexibility_market_nobody_protects() -> None:
    assert causes(three(flex_market=NoFlexMarket())) == [Cause.UNPROTECTED]


def test_a_battery_that_is_empty_offers_nothing() -> None:
    assert causes(replace(three(), start=PeerState(np.zeros(3)))) == [Cause.NOT_OFFERED]


def test_a_network_that_the_dso_believes_to_be_stronger_is_the_cause() -> None:
    """The DSO believes that the line carries 6 kW, and buys 2 kW of the 3 kW that are needed."""
    area = three()
    believed = replace(area.dso, grid=Street(rating_mw=0.006))
    assert causes(replace(area, dso=believed)) == [Cause.DSO_MODEL]


def test_what_the_dso_forecasts_too_low_is_the_cause() -> None:
    """Of errors that are drawn, take a seed by which the DSO expects Carl to need less."""
    found = set()
    for seed in range(12):
        area = three(seed=seed)
        found |= set(causes(replace(area, dso=replace(area.dso, forecast_error=0.3))))
    assert found == {Cause.DSO_FORECAST}


def test_what_peers_announce_wrongly_is_the_cause() -> None:
    found = set()
    for seed in range(12):
        found |= set(causes(replace(three(seed=seed), forecast_error=0.3)))
    assert found == {Cause.PEER_FORECAST}


def sold_to_the_end(sequence: SequenceName) -> Area:
    """Return the same with Anna's battery empty: Ben, now at the head, sells it 5 kW of his sun, and 4 kW become 9.

    Ben could keep his sun, and Carl give up his load, if the flexibility market asked.
    """
    area = three(sequence)
    peers = replace(
        area.peers,
        trade=np.array([True, True, False]),
        bus=np.array([1, 0, 1]),
        behaviour=np.array([1, 1, 0]),
        battery_mw=np.array([0.005, 0.0, 0.0]),
        battery_mwh=np.array([0.005, 0.0, 0.0]),
    )
    load = np.array([[0.0, 0.0, 0.004]])
    return replace(
        area,
        peers=peers,
        behaviours=(Truthful(flexible_load_share=1.0), Truthful()),
        start=PeerState(np.zeros(3)),
        profiles=Profiles(load, 0.0 * load, np.array([[0.0, 0.006, 0.0]])),
    )


@pytest.mark.parametrize(
    ("sequence", "held", "left"),
    [
        ("p2p-first", True, []),
        ("lfm-first", True, [Cause.TRADES]),
        ("unrelated", True, [Cause.TRADES]),
        ("p2p-first", False, [Cause.TRADES]),
    ],
)
def test_trades_that_no_market_sees_afterwards_are_the_cause(
    sequence: SequenceName, held: bool, left: list[Cause]
) -> None:
    area = sold_to_the_end(sequence)
    assert causes(area if held else replace(area, flex_market=NoFlexMarket())) == left


def test_what_another_simulator_takes_is_the_cause() -> None:
    model = AreaModel(three())
    decision = model.decide()
    external = Injections(np.array([0.0, -0.002]), np.zeros(2))
    p_mw = decision.injections.p_mw + external.p_mw
    state = Street(rating_mw=0.005).solve(Injections(p_mw, decision.injections.q_mvar))
    record = conclude(model.area, decision, external, state, None, None)
    assert record.causes.tolist() == [Cause.COUPLED]


@pytest.mark.parametrize("sequence", ["lfm-first", "unrelated"])
def test_a_last_resort_sees_what_trades_did(sequence: SequenceName) -> None:
    area = replace(sold_to_the_end(sequence), last_resort=Obligation())
    assert causes(area) == []
    silent = replace(area.peers, behaviour=np.array([1, 1, -1]))  # Carl's load is not for sale
    assert causes(replace(area, peers=silent)) == [Cause.NOT_OFFERED]


def records(seed: int, dso_error: float, error: float, fails: float, sequence: SequenceName) -> list[HourRecord]:
    grid = Street(rating_mw=0.006)
    area = street(12, 24, seed, grid=grid, market=UniformPriceDoubleAuction(), forecast_error=error)
    dso = replace(area.dso, grid=Street(rating_mw=0.006 * (1 + dso_error)), forecast_error=dso_error)
    return simulate(replace(area, dso=dso, fails=(fails, fails), sequence=SEQUENCES[sequence]))


@settings(max_examples=8, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    dso_error=st.sampled_from([0.0, 0.2]),
    error=st.sampled_from([0.0, 0.2]),
    fails=st.sampled_from([0.0, 0.3]),
    sequence=st.sampled_from(list(SEQUENCES)),
)
def test_every_violation_has_a_cause_and_nobody_is_blamed_who_did_not_err(
    seed: int, dso_error: float, error: float, fails: float, sequence: SequenceName
) -> None:
    for record in records(seed, dso_error, error, fails, sequence):
        assert len(record.causes) == len(record.violations)
        assert ((record.causes >= 0) & (record.causes < len(Cause))).all()
        innocent = {Cause.COUPLED, Cause.UNPROTECTED}
        innocent |= {Cause.DSO_MODEL, Cause.DSO_FORECAST} if dso_error == 0.0 else set()
        innocent |= {Cause.PEER_FORECAST} if error == 0.0 else set()
        innocent |= {Cause.NOT_DELIVERED} if fails == 0.0 else set()
        innocent |= {Cause.TRADES} if sequence in ("p2p-first", "iterative") else set()
        assert not innocent & set(record.causes.tolist())


def test_the_limits_that_one_cause_is_named_for_are_kept_without_it() -> None:
    """Nobody fails to deliver: the flow of what everybody sold keeps the limits that failing is blamed for."""
    seen = 0
    for record in records(3, 0.0, 0.0, 0.5, "p2p-first"):
        blamed = record.violations.take(record.causes == Cause.NOT_DELIVERED)
        kept: Injections = record.decision.beliefs.kept
        state: GridState = Street(rating_mw=0.006).solve(kept)
        branches, buses = blamed.element[~blamed.is_voltage], blamed.element[blamed.is_voltage]
        assert (state.loading[branches] <= 1.0 + 1e-6).all()
        assert (np.abs(state.v_pu[buses] - 1.0) <= 0.05 + 1e-6).all()
        seen += len(blamed)
    assert seen >= 3


@dataclass(frozen=True)
class Counting(Street):
    """A street that counts how often it is solved."""

    solved: list[None] = field(default_factory=list)

    def solve(self, injections: Injections) -> GridState:
        self.solved.append(None)
        return super().solve(injections)


def flows_of(fails: float) -> int:
    area, grid = three(fails=(fails, fails)), Counting(rating_mw=0.005)
    simulate(replace(area, grid=grid, dso=replace(area.dso, grid=grid)), 1)
    return len(grid.solved)


def test_flows_are_solved_again_only_where_a_limit_was_not_kept() -> None:
    assert flows_of(1.0) == flows_of(0.0) + 1


def test_the_log_adds_the_causes_up_to_all_violations(tmp_path: Path) -> None:
    said = ["dso.voltage_pu=[0.94, 1.05]", "dso.forecast_error=0.2", "peers.0.fails=0.3", "reference=none"]
    said.append("time.start=2016-07-04T18:00:00")
    done = run("case69-day", hours=3, settings=said, out=tmp_path / "run", driver="mesa")
    hours, violations = done.table("hours"), done.table("violations")
    columns = [column_of(cause) for cause in Cause]
    assert len(violations) >= 5
    assert (hours[columns].sum(axis=1) == hours.violations).all()
    for cause in Cause:
        count = int((violations.cause == cause.label).sum())
        assert hours[column_of(cause)].sum() == count
        assert done.kpis[f"limit_hours_{cause.name.lower()}"] == count
    told = done.table("events").query("kind == 'limits-not-kept'")
    assert set(told["where"]) == set(violations.cause) - {"not-offered", "market-stopped", "unprotected"}


def test_every_cause_has_a_meaning_and_a_column() -> None:
    assert set(MEANINGS) == set(Cause)
    assert {column_of(cause) for cause in Cause} <= {column.name for column in HOURS.columns}
