"""Tables of the log say what the records said."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peerflex.core.parties import Role, party_names
from peerflex.runs.kpis import kpis
from peerflex.runs.log import tables
from peerflex.runs.log.columns import Part
from peerflex.runs.log.manifest import distinct
from peerflex.runs.log.reader import open_run
from peerflex.runs.log.tables import TABLES
from tests import logs

REFERENCE = Path(__file__).parents[1] / "docs" / "reference" / "log.md"


def made(steps: int = 30, scale: float = 1.0) -> Part:
    page = logs.manifest(steps)
    n_peers = len(page.peers)
    return Part(page, [logs.record(step, n_peers, logs.begin(n_peers), scale) for step in range(steps)])


def table(name: str, part: Part) -> pa.Table:
    return next(each for each in TABLES if each.name == name).of(part)


def test_hours_are_what_their_records_add_up_to() -> None:
    part = made()
    hours = table("hours", part).to_pandas()
    quarter = 0.25
    for row, record in enumerate(part.records):
        hour, decision, state = hours.iloc[row], record.decision, record.state
        trades = decision.result.trades
        assert hour.p2p_mwh == pytest.approx(trades.quantity_mw.sum() * quarter, rel=1e-12)
        if len(trades):
            mean = np.average(trades.price_eur_per_mwh, weights=trades.quantity_mw)
            assert hour.p2p_price_eur_per_mwh == pytest.approx(mean, rel=1e-12)
        assert hour.lfm_cost_eur == pytest.approx(decision.flex.cost_eur_per_h * quarter)
        assert hour.missing_mw == decision.flex.missing_mw.max(initial=0.0)
        assert hour.highest_loading == state.loading.max()
        assert hour.highest_loading_branch == part.manifest.branches[state.loading.argmax()]
        assert hour.lowest_voltage_pu == state.v_pu.min()
        assert hour.lowest_voltage_bus == part.manifest.buses[state.v_pu.argmin()]
        assert hour.highest_voltage_bus == part.manifest.buses[state.v_pu.argmax()]
        assert hour.exchange_mwh == state.exchange_mw * quarter
        assert hour.shed_mwh - hour.lost_generation_mwh == pytest.approx(state.shed_mw.sum() * quarter)
        over = [
            excess * logs.RATING_MVA[branch]
            for branch, excess, is_voltage in zip(
                record.violations.element, record.violations.excess, record.violations.is_voltage, strict=True
            )
            if not is_voltage and np.isfinite(logs.RATING_MVA[branch])
        ]
        assert hour.overload_mwh == pytest.approx(sum(over) * quarter)
        assert hour.violations == len(record.violations)
        if record.diagnostic is None:
            assert np.isnan(hour.ac_losses_mwh)
            assert hour.ac_method is None
        else:
            assert hour.ac_losses_mwh == record.diagnostic.loss_mw * quarter
            assert hour.ac_highest_voltage_pu == record.diagnostic.v_pu.max()


def test_times_are_those_of_the_scenario() -> None:
    hours = table("hours", made(5)).to_pandas()
    assert hours.time.astype(str).tolist()[:2] == ["2016-07-04 00:00:00", "2016-07-04 00:15:00"]


def test_names_are_those_of_the_rows() -> None:
    part = made(20)
    page, trades, ledger = part.manifest, table("trades", part).to_pandas(), table("ledger", part).to_pandas()
    sellers = np.concatenate([record.decision.result.trades.seller for record in part.records])
    assert trades.seller.tolist() == [page.peers[row] for row in sellers]
    givers = np.concatenate([record.ledger.giver for record in part.records])
    assert ledger.giver.tolist() == [party_names(page.peers)[row] for row in givers]
    orders = table("orders", part).to_pandas()
    sides = np.concatenate([record.decision.orders.side for record in part.records])
    assert (np.where(sides > 0, "sell", "buy") == orders.side.to_numpy()).all()
    peers = table("peers", part).to_pandas()
    seen = [record.state.v_pu[bus] for record in part.records for bus in page.peer_bus]
    assert peers.voltage_pu.tolist() == seen


def test_violations_name_a_bus_or_a_branch() -> None:
    part = made()
    rows = table("violations", part).to_pandas()
    voltage = (rows.limit_kind == "voltage").to_numpy()
    assert (rows.bus.notna() == voltage).all()
    assert (rows.branch.notna() != voltage).all()
    elements = np.concatenate([record.violations.element for record in part.records])
    names = [
        part.manifest.buses[row] if is_voltage else part.manifest.branches[row]
        for row, is_voltage in zip(elements, voltage, strict=True)
    ]
    assert rows.bus.astype(object).fillna(rows.branch.astype(object)).tolist() == names


def test_needs_and_flexibility_keep_their_rows() -> None:
    part = made()
    needs, flex = table("needs", part).to_pandas(), table("flex", part).to_pandas()
    assert needs.missing_mw.tolist() == np.concatenate([r.decision.flex.missing_mw for r in part.records]).tolist()
    assert needs.lower.tolist() == [-np.inf] * len(needs)
    assert flex.accepted_mw.tolist() == np.concatenate([r.decision.flex.accepted_mw for r in part.records]).tolist()
    assert set(flex.direction) == {"up", "down"}


def test_a_step_in_which_nothing_happens_is_an_ordinary_step() -> None:
    part = made(3, scale=0.0)
    for each in TABLES:
        rows = each.of(part)
        assert rows.schema == each.schema
        assert each.name in ("hours", "peers", "buses", "branches") or rows.num_rows == 0
    hours = table("hours", part).to_pandas()
    assert hours.p2p_mwh.tolist() == [0.0] * 3
    assert hours.p2p_price_eur_per_mwh.isna().all()


def test_all_nan_voltages_have_no_place() -> None:
    part = made(2)
    dark = replace(part.records[0], state=replace(part.records[0].state, v_pu=np.full(logs.N_BUSES, np.nan)))
    rows = table("hours", Part(part.manifest, [dark, part.records[1]])).to_pandas()
    assert np.isnan(rows.lowest_voltage_pu[0])
    assert rows.lowest_voltage_bus.isna().tolist() == [True, False]
    assert rows.highest_voltage_pu[1] == part.records[1].state.v_pu.max()


@given(st.lists(st.sampled_from(["a", "b", "", "dso", "a#0", "c"]), max_size=12))
@settings(max_examples=60, deadline=None)
def test_names_become_distinct_and_are_never_a_role(names: list[str]) -> None:
    roles = tuple(role.name.lower() for role in Role)
    found = distinct(tuple(names), roles)
    assert len({*found, *roles}) == len(found) + len(roles)
    assert all(found)


def test_every_column_has_its_own_name_and_meaning() -> None:
    for each in TABLES:
        names = each.schema.names
        assert len(set(names)) == len(names)
        assert all(column.meaning for column in each.columns)


@pytest.mark.skipif(not REFERENCE.exists(), reason="the documentation is not beside these tests")
@pytest.mark.tree
def test_the_reference_page_lists_every_column_and_figure() -> None:
    page = REFERENCE.read_text(encoding="utf-8")
    assert tables.reference() in page, (
        "paste what peerflex.runs.log.tables.reference() gives into docs/reference/log.md"
    )
    assert kpis.reference() in page, "paste what peerflex.runs.kpis.kpis.reference() gives into docs/reference/log.md"


def test_kpis_follow_from_the_records(tmp_path: Path) -> None:
    run = open_run(logs.whole_run(tmp_path / "run", 40))
    found, part = run.kpis, made(40)
    states = [record.state for record in part.records]
    exchange = np.array([state.exchange_mw for state in states]) * 0.25
    assert found["import_mwh"] - found["export_mwh"] == pytest.approx(exchange.sum())
    assert found["import_mwh"] + found["export_mwh"] == pytest.approx(np.abs(exchange).sum())
    assert found["violation_hours"] == 0.25 * sum(len(record.violations) > 0 for record in part.records)
    assert found["lowest_voltage_pu"] == min(state.v_pu.min() for state in states)
    traded = [record.decision.result.trades for record in part.records]
    energy = sum(each.quantity_mw.sum() for each in traded)
    value = sum((each.quantity_mw * each.price_eur_per_mwh).sum() for each in traded)
    assert found["p2p_price_eur_per_mwh"] == pytest.approx(value / energy)
    ledgers = [record.ledger for record in part.records]
    n_peers = len(part.manifest.peers)
    paid = sum(ledger.amount_eur[ledger.taker < n_peers].sum() for ledger in ledgers)
    received = sum(ledger.amount_eur[ledger.giver < n_peers].sum() for ledger in ledgers)
    assert found["peer_cost_eur"] == pytest.approx(paid - received)
    dso = n_peers + Role.DSO
    cost = sum(
        ledger.amount_eur[ledger.taker == dso].sum() - ledger.amount_eur[ledger.giver == dso].sum()
        for ledger in ledgers
    )
    assert found["dso_cost_eur"] == pytest.approx(cost)
