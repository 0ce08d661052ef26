"""A browser sees what a design adds to the tables and figures of an hour, and nothing of it where there is none."""

from math import isnan
from pathlib import Path

import pytest

from peerflex import run
from peerflex.runs.log.reader import Run
from peerflex.runs.studio.table import MOST_ROWS
from peerflex.runs.views import agent_at, book_at
from tests.browser import studio
from tests.studio_seen import at, facts_of, rows_of, units_of

pytestmark = pytest.mark.once

HOURS = 13
STREET = (
    "mediators=[{name: street, role: aggregator, groups: [prosumers, engines], strategy: {kind: increase-decrease}}]"
)
SETTINGS = [
    "reference=none",
    STREET,
    "market.sessions=[day-ahead, intraday]",
    "market.network_tariff={kind: time-of-use, base_eur_per_mwh: 5}",
    "delivery.day_ahead_error=0.2",
    "peers.4.preference={kind: green, eur_per_mwh: 15}",
]


def simulated(folder: Path, settings: list[str]) -> Run:
    return run("trade-week-mv", settings=settings, hours=HOURS, out=folder, driver="mesa")


def test_sessions_mediators_true_prices_and_activations_are_seen(visit, tmp_path: Path) -> None:
    """Columns come and go with what an hour has to say; the rows below them have as many cells."""
    log = simulated(tmp_path / "run", SETTINGS)
    book = book_at(log, HOURS - 1)
    with studio(str(tmp_path / "run")) as served, visit(served.url) as user:
        page = user.page
        for step in (0, HOURS - 1):
            user.scrub(step + 1)
            at(user, step)
            heads = list(units_of(page, "orders"))
            assert {len(row) for row in rows_of(page, "orders")} == {len(heads)}
            assert heads[-4:-1] == ["True price", "Session", "Mediator"]
        true, session, mediator = zip(*(row[-4:-1] for row in rows_of(page, "orders")), strict=True)
        orders = book.orders[:MOST_ROWS]
        assert session == tuple(row.session for row in orders)
        assert mediator == tuple(row.mediator for row in orders)
        assert true == tuple("" if isnan(row.true_eur_per_mwh) else f"{row.true_eur_per_mwh:.2f}" for row in orders)
        assert [row[-2] for row in rows_of(page, "trades")] == [row.session for row in book.trades[:MOST_ROWS]]
        assert [row[-2] for row in rows_of(page, "flex")] == [row.mediator for row in book.flex[:MOST_ROWS]]
        user.shot("design-market")

        called = max(book.flex, key=lambda row: row.accepted_mw * (row.mediator != ""))
        agent = agent_at(log, HOURS - 1, called.peer)
        assert agent.activated is not None
        user.open_panel("agent")
        page.get_by_test_id("agent-name").fill(called.peer)
        user.click("agent-show")
        page.locator("dl[data-testid=agent-who] b", has_text=called.peer).wait_for()
        assert facts_of(page, "agent-who")["mediator"] == ["street (aggregator)", ""]
        assert facts_of(page, "agent-knew")["withdrawal"] == ["5.00", "EUR/MWh"]
        assert facts_of(page, "agent-did")["activated"] == [f"{1e3 * agent.activated.change_mw:.3f}", "kW"]
        assert facts_of(page, "agent-did")["delivered"] == [f"{1e3 * agent.activated.delivered_mw:.3f}", "kW"]
        user.shot("design-agent")


def test_one_session_and_no_mediator_have_no_columns_for_them(visit, tmp_path: Path) -> None:
    simulated(tmp_path / "run", ["reference=none"])
    with studio(str(tmp_path / "run")) as served, visit(served.url) as user:
        user.scrub(HOURS)
        at(user, HOURS - 1)
        heads = {key: list(units_of(user.page, key))[-2] for key in ("orders", "trades", "flex")}
        assert heads == {"orders": "Kind", "trades": "Price", "flex": "Settled"}
