"""What a page of the studio shows, read from the page, and whether the log says the same."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from peerflex.core.units import KW_PER_MW
from peerflex.runs.log.reader import Run, open_run
from peerflex.runs.studio.table import MOST_ROWS
from peerflex.runs.studio.words import NONE
from peerflex.runs.views import unit_of
from tests.browser import Served, Watched

if TYPE_CHECKING:
    from playwright.sync_api import Page

ROWS = "table => [...table.querySelectorAll('tbody tr')].map(row => [...row.cells].map(cell => cell.textContent))"
HEADS = """table => [...table.tHead.rows[0].cells].map(cell => {
  const unit = cell.querySelector(".studio-unit")?.textContent ?? "";
  return [cell.textContent.trim().slice(0, -unit.length || undefined).trim(), unit];
})"""
FACTS = """list => Object.fromEntries([...list.querySelectorAll("[data-fact]")].map(fact =>
  [fact.dataset.fact, [fact.querySelector("b").textContent, fact.querySelector(".studio-unit").textContent]]))"""

CHART = """section => {
  const element = section.querySelector(".time-chart");
  const option = getElement(Number(element.id.slice(1))).chart.getOption();
  return {
    axes: [option.xAxis[0].name, option.yAxis[0].name],
    values: Array.from(option.dataset[0].source["0"]),
    cursor: element.dataset.cursor,
  };
}"""


@dataclass(frozen=True)
class Hour:
    """The map's own account of what it drew, the figures above it, and the three tables of the market."""

    step: int
    map: dict[str, str]
    facts: dict[str, list[str]]
    rows: dict[str, list[list[str]]]
    counts: dict[str, int]


def rows_of(page: "Page", testid: str) -> list[list[str]]:
    """Return the cells of a table."""
    rows: list[list[str]] = page.locator(f"table[data-testid={testid}]").evaluate(ROWS)
    return rows


def units_of(page: "Page", testid: str) -> dict[str, str]:
    """Return the units in the head of a table, by column; '' where there is none."""
    return dict(page.locator(f"table[data-testid={testid}]").evaluate(HEADS))


def facts_of(page: "Page", testid: str) -> dict[str, list[str]]:
    """Return figures and units of a list by their key."""
    return page.locator(f"dl[data-testid={testid}]").evaluate(FACTS)


def hour_of(page: "Page") -> Hour:
    """Return what the page shows of the hour it stands at, with the panel of the market open."""
    step = int(page.locator("#studio").get_attribute("data-step"))
    tables = {name: page.locator(f"table[data-testid={name}]") for name in ("trades", "orders", "flex")}
    return Hour(
        step,
        page.locator("[data-testid=map] .grid-map").evaluate("map => ({ ...map.dataset })"),
        facts_of(page, "facts"),
        {name: rows_of(page, name) for name in tables},
        {name: int(table.get_attribute("data-count")) for name, table in tables.items()},
    )


def at(watched: Watched, step: int) -> Hour:
    """Wait until the page shows a step, and return all that it shows of it."""
    watched.page.locator(f"#studio[data-step='{step}']").wait_for()
    watched.page.locator(f"[data-testid=map] .grid-map[data-step='{step if step >= 0 else ''}']").wait_for()
    return hour_of(watched.page)


def stopped(served: Served, folder: Path) -> Run:
    """Stop the server as Ctrl-C does and return the run it leaves: whole, every file as it was written."""
    assert served.stop() == 0, "".join(served.said)
    assert "Traceback" not in "".join(served.said)
    return open_run(folder)


def agrees(hour: Hour, run: Run) -> None:
    """Compare what was shown of an hour with the log."""
    step = hour.step
    figures = run.table("hours", step, step).iloc[0]
    drawn = hour.map
    assert int(drawn["buses"]) == len(run.manifest.buses)
    assert int(drawn["branches"]) == len(run.manifest.branches)
    single = 1e-6  # the map draws in single precision
    assert float(drawn["maxLoading"]) == pytest.approx(figures.highest_loading, rel=single)
    assert float(drawn["minVoltage"]) == pytest.approx(figures.lowest_voltage_pu, rel=single)
    assert float(drawn["maxVoltage"]) == pytest.approx(figures.highest_voltage_pu, rel=single)
    assert int(drawn["violated"]) == figures.violations
    flow = run.table("branches", step, step).flow_mw
    assert 0 < int(drawn["arrows"]) <= np.count_nonzero(flow)
    assert hour.facts["loading"] == [f"{figures.highest_loading * 100:.1f}", "%"]
    assert hour.facts["voltage-low"] == [f"{figures.lowest_voltage_pu:.4f}", "pu"]
    assert hour.facts["voltage-high"] == [f"{figures.highest_voltage_pu:.4f}", "pu"]
    for name, column, shown in (("trades", "quantity_mw", 3), ("orders", "quantity_mw", 3), ("flex", "quantity_mw", 4)):
        logged = run.table(name, step, step)
        assert hour.counts[name] == len(logged)
        assert len(hour.rows[name]) == min(len(logged), MOST_ROWS)
        power_kw = [float(row[shown]) for row in hour.rows[name]]
        np.testing.assert_allclose(power_kw, logged[column][:MOST_ROWS] * KW_PER_MW, atol=0.0005001)
    prices = [float(row[4]) for row in hour.rows["trades"]]
    np.testing.assert_allclose(prices, run.table("trades", step, step).price_eur_per_mwh[:MOST_ROWS], atol=0.005001)


def chart_of(page: "Page", name: str) -> dict[str, Any]:
    """Return what a chart holds: the names of its axes, its first curve, and where its line stands."""
    return page.locator(f"[data-testid=chart-{name}]").evaluate(CHART)


def chart_agrees(chart: dict[str, Any], run: Run, column: str, scale: float) -> None:
    """Compare the first curve of a chart with the hours there were when it was read."""
    logged = run.hours[column].to_numpy()[: len(chart["values"])]
    np.testing.assert_allclose(np.array(chart["values"], float), scale * logged, rtol=1e-6)  # None: no value


def agent_agrees(seen: tuple[dict[str, list[str]], list[list[str]]], run: Run, peer: str, step: int) -> None:
    """Compare the page of an agent with the log."""
    facts, orders = seen
    logged = run.table("peers", step, step).query("peer == @peer").iloc[0]
    for key, column in (("metered", "metered_mw"), ("load", "load_mw"), ("pv", "pv_mw"), ("battery", "battery_mw")):
        value, unit = facts[key]
        assert float(value) == pytest.approx(logged[column] * KW_PER_MW, abs=0.0005001)
        assert unit == "kW"
    assert float(facts["soc"][0]) == pytest.approx(logged.soc_mwh * KW_PER_MW, abs=0.0005001)
    assert facts["soc"][1] == "kWh"
    assert facts["voltage"] == [f"{logged.voltage_pu:.4f}", "pu"]
    assert [int(row[0]) for row in orders] == run.table("orders", step, step).query("peer == @peer").order.tolist()


def difference_agrees(rows: list[list[str]], a: Run, b: Run, step: int) -> None:
    """Compare the table of two runs with both logs, to the digits it shows."""
    one, two = (run.table("hours", step, step).iloc[0] for run in (a, b))
    assert len(rows) > 20
    for name, *shown, unit, _ in rows:
        column = name.replace(" ", "_")
        values = float(one[column]), float(two[column])
        for text, value in zip(shown, (*values, values[1] - values[0]), strict=True):
            assert _number(text) == pytest.approx(value, rel=5.001e-4, abs=1e-12, nan_ok=True), name
        assert unit == unit_of(column)


def figures_agree(rows: list[list[str]], run: Run) -> None:
    """Compare the table of closing figures with those the run was closed with, to the digits it shows."""
    shown = {name.replace(" ", "_"): (value, unit) for name, value, unit, _ in rows}
    assert set(shown) == set(run.kpis)
    for name, (value, unit) in shown.items():
        digits = 0.5 if "," in value else 1e-12
        assert _number(value) == pytest.approx(run.kpis[name], rel=5.001e-4, abs=digits, nan_ok=True), name
        assert unit


def _number(text: str) -> float:
    return float("nan") if text == NONE else float(text.replace(",", ""))
