"""Closing figures that designs are judged by, each worked by hand; the page of the same name has the example."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from peerflex.core.network import Violations
from peerflex.core.parties import Reason, Role
from peerflex.core.record import HourRecord, Ledger, MessageBatch
from peerflex.runs.area.build import build
from peerflex.runs.area.plugins import registry
from peerflex.runs.kpis.kpis import kpis
from peerflex.runs.log.limit_columns import missing_mva
from peerflex.runs.log.reader import Run, open_run
from peerflex.runs.log.writer import RunWriter
from peerflex.runs.study import memory
from peerflex.scenarios.load import load_scenario
from tests import logs

ANN, BOB = 0, 1
SUPPLIER, DSO = Role.SUPPLIER.party(2), Role.DSO.party(2)
BRANCH, BUS = False, True


def record(
    step: int,
    broken: list[tuple[bool, int, float]],
    messages: list[MessageBatch],
    paid: list[tuple[int, int, float]],
    metered_kw: list[float],
) -> HourRecord:
    """Return a step: limits of 1 ``broken`` by how much, what was said, who paid whom, and what meters saw."""
    is_voltage, element, excess = (np.array(column) for column in zip(*broken, strict=True))
    excess = excess.astype(np.float64)
    payer, receiver, eur = (np.array(column) for column in zip(*paid, strict=True))
    return replace(
        logs.record(step, 2, logs.begin(2)),
        metered_mw=1e-3 * np.array(metered_kw),
        violations=Violations(
            is_voltage, element, 1.0 + np.where(is_voltage, -1, 1) * excess, np.ones(len(excess)), excess
        ),
        causes=np.zeros(len(excess), dtype=np.int64),
        messages=tuple(messages),
        ledger=Ledger(receiver, payer, np.full(len(eur), Reason.RESIDUAL.value), np.zeros(len(eur)), eur),
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The two quarters of an hour of the page."""
    folder = tmp_path_factory.mktemp("kpis") / "run"
    front = logs.manifest(2, n_peers=2).model_copy(update={"peer_groups": ("traders", "customers")})
    writer = RunWriter.create(folder, front)
    first = record(
        0,
        [(BRANCH, 0, 0.5), (BRANCH, 2, 0.2), (BUS, 1, 0.02), (BUS, 2, 0.03)],
        [MessageBatch("bid", "peer", "mediator", 3), MessageBatch("signal", "dso", "peer", 1)],
        [(BOB, SUPPLIER, 0.9), (ANN, SUPPLIER, 0.2)],
        [-4, -12],
    )
    second = record(
        1,
        [(BRANCH, 0, 0.25)],
        [MessageBatch("flex-need", "dso", "fmo", 1), MessageBatch("meter-reading", "meter", "dso", 2)],
        [(DSO, ANN, 0.5)],
        [8, -4],
    )
    for each in (first, second):
        writer.append(each, logs.begin(2))
    writer.close("done")
    return open_run(folder)


@pytest.mark.parametrize(
    ("name", "by_hand"),
    [
        ("congested_hours", 0.5),
        ("violation_hours", 0.5),
        ("voltage_excursion_pu_h", 0.0075),
        ("reinforcement_mva", 0.22),
        ("messages", 7),
        ("disclosed_values_mediator", 15),
        ("disclosed_values_peers", 2),
        ("disclosed_values_fmo", 5),
        ("disclosed_values_dso", 2),
        ("trader_cost_eur", -0.3),
        ("customer_cost_eur", 0.9),
        ("peer_cost_eur", 0.6),
        ("dso_cost_eur", 0.5),
        ("recovery_eur_per_mwh", 100),
        ("trader_bill_eur", -0.2),
        ("customer_bill_eur", 1.3),
        ("p2p_rounds", 2),
    ],
)
def test_the_example_of_the_page(run: Run, name: str, by_hand: float) -> None:
    assert run.kpis[name] == pytest.approx(by_hand, rel=1e-12)


def test_every_step_says_what_its_closing_figures_are_made_of(run: Run) -> None:
    hours = run.hours
    assert hours.congested.tolist() == [2, 1]
    assert hours.voltage_excursion_pu.tolist() == [0.03, 0.0]
    assert hours.messages.tolist() == [4, 3]
    assert hours.disclosed_values_mediator.tolist() == [15, 0]
    assert hours.disclosed_values_dso.tolist() == [0, 2]
    assert hours.withdrawn_mwh.tolist() == pytest.approx([0.004, 0.001])
    assert hours.customer_withdrawn_mwh.tolist() == pytest.approx([0.003, 0.001])


def test_flexibility_is_taken_off_welfare(run: Run) -> None:
    figures = run.kpis
    assert figures["welfare_after_lfm_eur"] == pytest.approx(figures["welfare_eur"] - run.hours.lfm_cost_eur.sum())


def test_a_rating_that_is_higher_by_what_is_missing_keeps_the_limit() -> None:
    """0.4 MVA with the limit 0.8 that carry 0.48 MVA need 0.6 MVA; of two steps the worse counts."""
    missing = missing_mva(
        np.array([0.4, 1.0]), branch=np.array([0, 0]), excess=np.array([0.4, 0.1]), limit=np.array([0.8, 0.8])
    )
    np.testing.assert_allclose(missing, [0.2, 0.0])
    assert 0.48 / (0.4 + missing[0]) == pytest.approx(0.8)


def test_a_peer_called_like_a_role_is_not_taken_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a log, too: the first house of the evening is called dso."""
    loaded = load_scenario("case69-day", ["time.hours=1", "reference=none"])
    figures = []
    for name in ("house", "dso"):

        def renamed(*given: Any, name: str = name) -> Any:
            built = build(*given)
            peers = replace(built.area.peers, name=(name, *built.area.peers.name[1:]))
            return replace(built, area=replace(built.area, peers=peers))

        monkeypatch.setattr(memory, "build", renamed)
        with memory.InMemory(loaded, registry()) as simulated:
            assert len(list(simulated.records())) == 1
            closing = simulated.source().closing
            figures.append([closing("dso_cost_eur"), closing("peer_cost_eur"), closing("customer_cost_eur")])
    assert figures[0] == figures[1]


def test_a_log_from_before_a_figure_has_none_rather_than_zero() -> None:
    figures = kpis(open_run(Path(__file__).parent / "cases" / "run-first-version"))
    for name in (
        "congested_hours",
        "voltage_excursion_pu_h",
        "messages",
        "disclosed_values_dso",
        "p2p_rounds",
        "customer_bill_eur",
    ):
        assert np.isnan(figures[name]), name
    assert figures["trader_cost_eur"] + figures["customer_cost_eur"] == pytest.approx(figures["peer_cost_eur"])
