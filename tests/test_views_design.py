"""What views show of a design: sessions, mediators, true prices, tariffs, and what came of an activation."""

from pathlib import Path

import numpy as np
import pytest

from peerflex.core.units import KW_PER_MW, QUANTITY_TOLERANCE_MW
from peerflex.runs.area.plugins import registry
from peerflex.runs.log.reader import Run, open_run
from peerflex.runs.session import Session
from peerflex.runs.stepper.show import book_page, trade_page
from peerflex.runs.stepper.show_agent import agent_page
from peerflex.runs.views import agent_at, book_at, groups_in, standing_at
from peerflex.scenarios.load import load_scenario

Read = pytest.CaptureFixture[str]

DESIGN = (
    "reference=none",
    "mediators=[{name: street, role: aggregator, groups: [prosumers, engines], strategy: {kind: increase-decrease}},"
    " {name: club, role: independent, groups: [buyers]}]",
    "market.sessions=[day-ahead, intraday]",
    "market.network_tariff={kind: time-of-use, peak_from_hour: 10, peak_to_hour: 12, base_eur_per_mwh: 5}",
    "delivery.day_ahead_error=0.2",
    "peers.4.fails=0.5",
    "peers.4.preference={kind: green, eur_per_mwh: 15}",
)
HOURS, NOON = 13, 12


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return simulated(tmp_path_factory.mktemp("design") / "run", DESIGN, HOURS)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Return a run of one session and no mediator, in which flexibility is called."""
    return simulated(tmp_path_factory.mktemp("design") / "plain", ("reference=none",), HOURS)


def simulated(folder: Path, settings: tuple[str, ...], hours: int) -> Run:
    with Session.begin(load_scenario("trade-week-mv", settings, hours=hours), registry(), folder, "mesa") as session:
        for _ in session.advance():
            pass
    return open_run(folder)


def test_orders_and_trades_of_two_sessions_say_which(run: Run) -> None:
    book = book_at(run, NOON)
    assert [row.session for row in book.orders] == run.table("orders", NOON, NOON)["session"].tolist()
    assert [row.session for row in book.trades] == run.table("trades", NOON, NOON)["session"].tolist()
    assert {row.session for row in book.orders} == {row.session for row in book.trades} == {"day-ahead", "intraday"}


def test_orders_say_who_mediates_and_flexibility_who_sells_it(run: Run) -> None:
    book, acts = book_at(run, NOON), {"prosumers": "street", "engines": "street", "buyers": "club"}
    of_peer = dict(zip(run.manifest.peers, groups_in(run, standing_at(run, NOON)), strict=True))
    assert [row.mediator for row in book.orders] == [acts.get(of_peer[row.peer], "") for row in book.orders]
    sold = [acts.get(of_peer[row.peer], "").replace("club", "") for row in book.flex]
    assert [row.mediator for row in book.flex] == sold, "an independent one stays out of it"
    assert {"", "street"} == set(sold)


def test_a_quote_that_is_not_true_has_the_true_price_beside_it(run: Run) -> None:
    orders = run.table("orders", NOON, NOON)
    side = np.where(orders["side"] == "sell", 1.0, -1.0)
    true = orders["price_eur_per_mwh"] + side * orders["premium_eur_per_mwh"]
    shown = np.array([row.true_eur_per_mwh for row in book_at(run, NOON).orders])
    told = ~np.isnan(shown)
    assert shown[told] == pytest.approx(true[told])
    assert true[~told].to_numpy() == pytest.approx(orders["price_eur_per_mwh"][~told], abs=1e-3)
    engine = {
        row.price_eur_per_mwh: row.true_eur_per_mwh
        for row in book_at(run, NOON).orders
        if (row.peer, row.side, row.dispatchable) == ("load 65", "sell", True)
    }
    assert engine == {210.0: 230.0, 500.0: 520.0}, "it sells below cost, to be paid for not delivering"


def test_one_session_without_a_mediator_has_nothing_of_it(plain: Run) -> None:
    book = book_at(plain, NOON)
    assert {(row.session, row.mediator) for row in book.orders} == {("", "")}
    assert {row.session for row in book.trades} == {row.mediator for row in book.flex} == {""}
    assert np.isnan([row.true_eur_per_mwh for row in book.orders]).all()


def test_an_activated_peer_says_what_it_did_of_it_and_which_limits_were_in_need(plain: Run) -> None:
    book, needs = book_at(plain, NOON), plain.table("needs", NOON, NOON)
    broken = needs[(needs["value"] < needs["lower"]) | (needs["value"] > needs["upper"])]
    called = [row for row in book.flex if row.accepted_mw > 0.0]
    assert called
    for offer in called:
        found = agent_at(plain, NOON, offer.peer).activated
        assert found is not None
        assert found.change_mw == pytest.approx(offer.accepted_mw * (1 if offer.direction == "up" else -1))
        assert found.delivered_mw == pytest.approx(found.change_mw)
        assert [each for each in found.beyond if each in plain.manifest.branches] == list(
            dict.fromkeys(broken["branch"].dropna())
        )
        voltages = [f"voltage at bus {bus}" for bus in dict.fromkeys(broken["bus"].dropna())]
        assert [each for each in found.beyond if each not in plain.manifest.branches] == voltages
    idle = next(row.peer for row in book.flex if row.accepted_mw == 0.0 and row.peer not in {o.peer for o in called})
    assert agent_at(plain, NOON, idle).activated is None


def test_what_a_failing_peer_was_activated_for_and_did_not_do_is_seen(tmp_path: Path) -> None:
    run = simulated(tmp_path / "run", ("reference=none", "peers.1.fails=1.0", "peers.3.fails=1.0"), HOURS)
    called = [row.peer for row in book_at(run, NOON).flex if row.accepted_mw > 0.0]
    found = {peer: agent_at(run, NOON, peer) for peer in called}
    failed = [view.activated for view in found.values() if view.group in ("engines", "solar")]
    assert failed
    assert all(each is not None and abs(each.delivered_mw) < 1e-9 < abs(each.change_mw) for each in failed)


def test_a_peer_says_who_acts_for_it_what_it_prefers_and_what_the_network_costs_it(run: Run) -> None:
    prosumer, heat = agent_at(run, NOON, "load 7"), agent_at(run, NOON, "load 61")
    assert (prosumer.group, prosumer.mediator) == ("prosumers", "street (aggregator)")
    assert (prosumer.preference, heat.preference) == ("green (eur_per_mwh 15)", "")
    assert (heat.mediator, heat.quoting) == ("", "")
    assert heat.knew.withdrawal_eur_per_mwh == 5.0
    assert agent_at(run, 11, "load 61").knew.withdrawal_eur_per_mwh > 5.0, "in the peak"
    assert agent_at(run, 11, "load 61").money != ()
    reasons = {row.reason for row in agent_at(run, NOON, "load 61").money}
    assert "network-tariff" in reasons


def test_how_a_peer_quotes_is_told_where_it_quotes(tmp_path: Path) -> None:
    settings = ("reference=none", "market.p2p={kind: continuous-double-auction}", "peers.5.quoting=zero-intelligence")
    run = simulated(tmp_path / "run", settings, 1)
    quotes = {agent_at(run, 0, peer).group: agent_at(run, 0, peer).quoting for peer in run.manifest.peers}
    assert quotes["buyers"] == "zero-intelligence"
    assert {quotes[group] for group in quotes if group != "buyers"} == {""}


@pytest.fixture
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("peerflex.runs.show.CONSOLE._width", 200)


@pytest.mark.usefixtures("wide")
def test_the_terminal_has_columns_and_rows_for_it_only_where_they_say_something(
    run: Run, plain: Run, capsys: Read
) -> None:
    def printed(of: Run) -> str:
        book_page(book_at(of, NOON))
        trade_page(book_at(of, NOON), 0)
        agent_page(agent_at(of, NOON, "load 7"))
        return capsys.readouterr().out

    design, without = printed(run), printed(plain)
    for word in ("session", "day-ahead", "true EUR/MWh", "mediator", "street", "prefers", "network tariff"):
        assert word in design
        assert word not in without


@pytest.mark.usefixtures("wide")
def test_the_terminal_shows_orders_of_nothing_last(run: Run, capsys: Read) -> None:
    book = book_at(run, NOON)
    dearest = sorted((row for row in book.orders if row.side == "buy"), key=lambda row: -row.price_eur_per_mwh)
    assert any(row.quantity_mw <= QUANTITY_TOLERANCE_MW for row in dearest[:12]), "by price alone they would be shown"
    book_page(book)
    shown = [line.split() for line in capsys.readouterr().out.splitlines() if " buy " in line]
    assert len(shown) == 12
    quantities = {row.order: row.quantity_mw for row in book.orders}
    assert all(quantities[int(order)] > QUANTITY_TOLERANCE_MW for order, *_ in shown)


def test_the_terminal_says_what_became_of_an_activation(plain: Run, capsys: Read) -> None:
    offer = max(book_at(plain, NOON).flex, key=lambda row: row.accepted_mw)
    agent_page(agent_at(plain, NOON, offer.peer))
    said = capsys.readouterr().out
    assert f"activated  {offer.accepted_mw * KW_PER_MW:.3f} kW, moved {offer.accepted_mw * KW_PER_MW:.3f} kW" in said
    assert "the DSO expected beyond its limit: " in said
