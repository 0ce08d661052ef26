"""Views: what is shown of a step is what the log's tables say, on disk or in hand, of today or of the first version."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from peerflex.core.errors import InputError
from peerflex.runs.area.plugins import registry
from peerflex.runs.kpis.kpis import kpis
from peerflex.runs.log.reader import Run, open_run
from peerflex.runs.log.tables import HOURS
from peerflex.runs.session import Session
from peerflex.runs.views import (
    agent_at,
    book_at,
    difference,
    events_at,
    grid_at,
    kpi_difference,
    kpi_rows,
    loadings,
    messages_at,
    series,
    unit_of,
    voltages,
)
from peerflex.runs.views.log import steps_before
from peerflex.scenarios.load import load_scenario

FIRST_VERSION = Path(__file__).parent / "cases" / "run-first-version"
STEPS, NOON = 16, 12


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """Return a day of case69 with narrow limits, partly still in hand, changed at its eleventh hour."""
    loaded = load_scenario("case69-day", ["dso.voltage_pu=[0.99, 1.0]", "dso.loading=0.15"])
    folder = tmp_path_factory.mktemp("views") / "run"
    with Session.begin(loaded, registry(), folder, "mesa", part_steps=6) as begun:
        while begun.cursor < 10:
            begun.step()
        begun.change({"agents": {"load 61": "truthful"}, "tariffs": {"retail_eur_per_mwh": 300}})
        while begun.cursor < STEPS:
            begun.step()
        yield begun


@pytest.fixture(scope="module")
def run(session: Session) -> Run:
    session.flush()
    return open_run(session.folder)


@pytest.mark.parametrize("step", [0, 5, 6, NOON, STEPS - 1])
def test_the_grid_of_a_step_is_that_of_the_tables(session: Session, run: Run, step: int) -> None:
    buses, branches = run.table("buses", step, step), run.table("branches", step, step)
    beyond, hour = run.table("violations", step, step), run.table("hours", step, step).iloc[0]
    for log in (session, run):
        grid = grid_at(log, step)
        assert grid.time == hour["time"]
        assert (grid.v_pu == buses["v_pu"]).all()
        assert (grid.p_mw == buses["p_mw"]).all()
        assert (grid.loading == branches["loading"]).all()
        assert (grid.flow_mw == branches["flow_mw"]).all()
        assert (grid.at_risk == branches["at_risk"]).all()
        assert [run.manifest.buses[row] for row in grid.violated_buses] == beyond["bus"].dropna().tolist()
        assert [run.manifest.branches[row] for row in grid.violated_branches] == beyond["branch"].dropna().tolist()
        assert grid.method == hour["method"]


def test_the_case_has_broken_limits_of_both_kinds(run: Run) -> None:
    kinds = set(run.table("violations")["limit_kind"])
    assert kinds == {"voltage", "loading"}  # else the test above compares nothing with nothing


@pytest.mark.parametrize("step", [5, NOON])
def test_the_book_of_a_step_has_every_order_trade_and_offer(session: Session, run: Run, step: int) -> None:
    orders, trades, flex = (run.table(name, step, step) for name in ("orders", "trades", "flex"))
    for log in (session, run):
        book = book_at(log, step)
        assert [(o.order, o.peer, o.side, o.accepted_mw) for o in book.orders] == list(
            orders[["order", "peer", "side", "accepted_mw"]].itertuples(index=False, name=None)
        )
        assert [(t.seller, t.buyer, t.sell_order, t.quantity_mw) for t in book.trades] == list(
            trades[["seller", "buyer", "sell_order", "quantity_mw"]].itertuples(index=False, name=None)
        )
        assert [(f.peer, f.bus, f.direction, f.accepted_mw) for f in book.flex] == list(
            flex[["peer", "bus", "direction", "accepted_mw"]].itertuples(index=False, name=None)
        )
        assert [trade.trade for trade in book.trades] == list(range(len(trades)))
    assert len(orders)
    assert len(flex)


@pytest.mark.once
def test_a_peer_is_paid_what_the_ledger_says_and_all_peers_together_what_the_kpi_says(run: Run) -> None:
    ledger = run.table("ledger")
    received = dict.fromkeys(run.manifest.peers, 0.0)
    for peer in received:
        view = agent_at(run, STEPS - 1, peer)
        received[peer] = sum(row.amount_so_far_eur for row in view.money)
        now = ledger[ledger["step"] == STEPS - 1]
        paid = now.loc[now["giver"] == peer, "amount_eur"].sum() - now.loc[now["taker"] == peer, "amount_eur"].sum()
        assert sum(row.amount_eur for row in view.money) == pytest.approx(paid, abs=1e-12)
    assert -sum(received.values()) == pytest.approx(kpis(run)["peer_cost_eur"])


def test_a_peer_knew_its_voltage_of_the_step_before_and_nothing_in_the_first(run: Run) -> None:
    voltage = run.table("peers", NOON - 1, NOON - 1).set_index("peer")["voltage_pu"]
    assert agent_at(run, NOON, "load 61").knew.voltage_pu == voltage["load 61"]
    assert np.isnan(agent_at(run, 0, "load 61").knew.voltage_pu)


def test_a_change_in_the_middle_is_seen_from_its_hour_on(run: Run) -> None:
    before, after = agent_at(run, 9, "load 61"), agent_at(run, 10, "load 61")
    assert (before.group, before.behaviour, before.knew.retail_eur_per_mwh) == ("prosumers", "prosumer", 320.0)
    assert (after.group, after.behaviour, after.knew.retail_eur_per_mwh) == ("truthful", "truthful", 300.0)
    assert after.assets.battery_mwh == before.assets.battery_mwh == pytest.approx(0.1)  # what it owns stays its own
    assert [event.where for event in events_at(run, 10) if event.kind == "changed"] == [
        "agents.load 61",
        "tariffs.retail_eur_per_mwh",
    ]


def test_what_a_peer_owns_is_known_where_it_is_simulated(session: Session) -> None:
    owned = session.built.area.peers
    row = owned.name.index("load 61")
    assert agent_at(session, NOON, "load 61", owned).assets.pv_mw == owned.pv_mw[row] > 0
    assert np.isnan(agent_at(session, NOON, "load 61").assets.pv_mw)


def test_what_a_peer_owns_is_not_taken_from_the_group_that_it_only_bids_as(tmp_path: Path) -> None:
    loaded = load_scenario("case69-day", ["reference=none", "agents={load 61: truthful}"], hours=1)
    with Session.begin(loaded, registry(), tmp_path / "run", "mesa") as begun:
        begun.step()
    run = open_run(tmp_path / "run")
    assert agent_at(run, 0, "load 61").group == "truthful"
    assert np.isnan(agent_at(run, 0, "load 61").assets.battery_mwh)  # it has a prosumer's battery: the log cannot tell
    assert agent_at(run, 0, "load 7").assets.battery_mwh == 0.1


def test_messages_can_be_those_of_one_role(run: Run) -> None:
    everything, dso = messages_at(run, NOON), messages_at(run, NOON, "dso")
    assert set(dso) == {each for each in everything if "dso" in (each.sender, each.receiver)}
    assert set(dso) < set(everything)


def test_series_are_columns_of_the_hours(session: Session, run: Run) -> None:
    hours = run.table("hours", 3, NOON)
    found = series(session, ("p2p_mwh", "violations", "settled"), 3, NOON)
    assert found["step"].tolist() == list(range(3, NOON + 1))
    assert (found["time"] == hours["time"].to_numpy()).all()
    for name in ("p2p_mwh", "violations", "settled"):
        assert found[name].tolist() == hours[name].astype(float).tolist()
    lowest, highest = run.hours["lowest_voltage_pu"].idxmin(), run.hours["highest_loading"].idxmax()
    bus, branch = run.hours["lowest_voltage_bus"][lowest], run.hours["highest_loading_branch"][highest]
    assert voltages(run, bus)[lowest] == run.hours["lowest_voltage_pu"].min()
    assert loadings(run, branch, highest, highest).tolist() == [run.hours["highest_loading"].max()]


def test_closing_figures_up_to_a_step_are_those_of_the_steps_until_then(run: Run) -> None:
    assert {row.name: row.value for row in kpi_rows(run)} == pytest.approx(kpis(run), nan_ok=True)
    early = {row.name: row.value for row in kpi_rows(run, NOON)}
    assert early["p2p_mwh"] == pytest.approx(run.hours["p2p_mwh"][: NOON + 1].sum())


def test_a_run_differs_from_itself_in_nothing_and_from_its_changed_branch_in_what_changed(
    run: Run, tmp_path: Path
) -> None:
    with Session.branch(run.folder, registry(), tmp_path / "b", NOON, {"market": {"p2p": {"kind": "none"}}}) as other:
        other.step()
        itself, changed = difference(run, run, NOON), difference(run, other, NOON)
        figures = {row.name: row for row in changed.hours}
        assert figures["p2p_mwh"].b == 0.0 < figures["p2p_mwh"].a
        assert figures["p2p_mwh"].change == -figures["p2p_mwh"].a
        assert (figures["p2p_mwh"].unit, figures["overload_mwh"].unit) == ("MWh", "MVAh")
        assert not any(row.change for row in itself.hours if row.change == row.change)
        assert itself.grid is not None
        assert not itself.grid.v_pu.change.any()
        closing = {row.name: row for row in kpi_difference(run, other)}  # over the thirteen hours both have
        assert closing["p2p_mwh"].a == pytest.approx(run.hours["p2p_mwh"][: NOON + 1].sum())
        assert closing["p2p_mwh"].b == pytest.approx(run.hours["p2p_mwh"][:NOON].sum())


def test_networks_that_are_not_the_same_are_not_subtracted(run: Run) -> None:
    assert difference(run, open_run(FIRST_VERSION), 1).grid is None


def test_a_log_of_the_first_version_is_shown_with_gaps_where_it_says_nothing() -> None:
    old = Session.open(FIRST_VERSION)
    grid, book = grid_at(old, 1), book_at(old, 1)
    assert grid.v_pu.min() == old.table("hours", 1, 1)["lowest_voltage_pu"][0]
    assert len(book.trades) == len(old.table("trades", 1, 1))
    assert np.isnan(book.trades[0].seller_premium_eur_per_mwh)
    assert np.isnan(series(old, ("welfare_eur",))["welfare_eur"]).all()
    view = agent_at(old, 1, old.manifest.peers[1])
    assert view.group == "prosumers"
    assert len(messages_at(old, 1)) == 10
    assert {row.name: row.value for row in kpi_rows(old)}["p2p_mwh"] > 0


def test_what_is_not_there_is_said(run: Run) -> None:
    with pytest.raises(InputError, match=r"step 16 is not logged\. Choose one from 0 to 15"):
        grid_at(run, STEPS)
    with pytest.raises(InputError, match=r"no peer 'load 6x'\. Did you mean"):
        agent_at(run, 0, "load 6x")
    with pytest.raises(InputError, match="no figure 'method'"):
        series(run, ("method",))


def test_hours_become_steps_only_where_a_step_begins(run: Run) -> None:
    quarters = run.manifest.model_copy(update={"step_seconds": 900, "steps": 8})
    assert [steps_before(quarters, hour) for hour in (0, 0.25, 2)] == [0, 1, 8]
    for hour, what in ((0.3, "within a step of 15 minutes"), (2.25, "not within the run"), (-1, "not within"),
                       (float("nan"), "not within")):  # fmt: skip
        with pytest.raises(InputError, match=what):
            steps_before(quarters, hour)


def test_every_figure_of_the_hours_has_the_unit_its_name_says() -> None:
    units = {column.name: unit_of(column.name) for column in HOURS.columns if column.kind == "float"}
    assert {name for name, unit in units.items() if unit == "1"} == {
        "p2p_gap", "called_share", "highest_loading", "ac_highest_loading", "pre_lfm_unprotected",
    }  # fmt: skip
