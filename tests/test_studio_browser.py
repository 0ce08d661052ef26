"""A browser drives the studio as a user does; what it shows is compared with the log, figure by figure."""

from pathlib import Path

import pandas as pd
import pytest

from peerflex.runs.log.reader import find_runs, open_run
from tests.browser import studio
from tests.studio_seen import (
    agent_agrees,
    agrees,
    at,
    chart_agrees,
    chart_of,
    difference_agrees,
    facts_of,
    figures_agree,
    rows_of,
    stopped,
    units_of,
)

pytestmark = pytest.mark.once

STEPS = """() => {
  window.steps = [];
  const look = () => steps.push(Number(document.getElementById("studio").dataset.step));
  new MutationObserver(look).observe(document.getElementById("studio"), { attributeFilter: ["data-step"] });
}"""
"""Notes every step that the page shows."""

MESSAGE = ["kind", "sender", "receiver", "count"]

CHARTS = (
    ("prices", "p2p_price_eur_per_mwh", 1.0, "price, EUR/MWh"),
    ("volumes", "load_mwh", 1000.0, "energy, kWh"),
    ("voltage", "lowest_voltage_pu", 1.0, "voltage, pu"),
    ("loading", "highest_loading", 100.0, "loading, % of rating"),
)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_scenario_is_stepped_scrubbed_changed_branched_and_compared(visit, tmp_path: Path) -> None:
    with studio(cwd=tmp_path) as served, visit(served.url) as user:
        page = user.page
        user.shot("start")
        user.click("scenario-case69-day")
        at(user, -1)
        seen = []
        for step in range(3):
            user.click("next")
            seen.append(at(user, step))
        user.shot("market")

        user.scrub(1)
        back = at(user, 0)
        assert (back.facts, back.rows) == (seen[0].facts, seen[0].rows), "scrubbed back it is the same hour"

        user.open_panel("agent")
        page.get_by_test_id("agent-name").fill("load 12")
        user.click("agent-show")
        page.locator("dl[data-testid=agent-who] b", has_text="load 12").wait_for()
        agent = facts_of(page, "agent-did"), rows_of(page, "agent-orders")
        user.shot("agent")

        user.open_panel("time")
        chart = chart_of(page, "loading")
        user.shot("charts")

        user.click("end")
        at(user, 2)
        user.open_panel("change")
        page.get_by_test_id("setting").fill("tariffs.retail_eur_per_mwh=400")
        user.click("change-apply")
        page.get_by_test_id("warning").get_by_text("must cost at least").wait_for()
        page.get_by_test_id("setting").fill("tariffs.retail_eur_per_mwh=330")
        user.click("change-apply")
        page.locator("table[data-testid=changes][data-rows='1']").wait_for()
        user.shot("changed")
        user.open_panel("book")
        user.click("next")
        seen.append(at(user, 3))

        user.scrub(2)
        at(user, 1)
        user.open_panel("change")
        page.get_by_test_id("branch-setting").fill("dso.loading=0.1")
        user.click("branch")
        page.wait_for_url("**/run/1?beside=2")
        page.locator("table[data-testid=difference][data-step='1']").wait_for()
        at(user, 1)
        same = rows_of(page, "difference")
        user.click("next")
        at(user, 2)
        page.locator("table[data-testid=difference][data-step='2']").wait_for()
        other = rows_of(page, "difference")
        beside = page.locator("[data-testid=map-beside] .grid-map").evaluate("map => ({ ...map.dataset })")
        network = page.locator("[data-testid=map-beside] .grid-map")
        network.press("w")
        assert "above its limit of 10 %" in network.locator("[aria-live]").text_content(), "the limit of the branch"
        page.locator("[data-testid=map] .grid-map").press("w")
        assert "limit" not in page.locator("[data-testid=map] [aria-live]").text_content()
        user.shot("compared")
        page.get_by_test_id("compare-map").select_option("difference")
        apart = page.locator("[data-testid=map-beside] .grid-map[data-mode=compare]").evaluate(
            "map => ({ ...map.dataset })"
        )
        user.shot("difference")

    folder, branch = sorted(find_runs(tmp_path / "results"))
    run = stopped(served, folder)
    assert run.finished_steps == 4
    for hour in seen:
        agrees(hour, run)
    agent_agrees(agent, run, "load 12", 0)
    chart_agrees(chart, run, "highest_loading", 100.0)
    assert (len(chart["values"]), chart["cursor"]) == (3, "hour 0")
    assert chart["axes"] == ["time", "loading, % of rating"]
    changed = run.table("events").query("kind == 'changed'")
    assert changed[["step", "where"]].values.tolist() == [[3, "tariffs.retail_eur_per_mwh"]]

    other_run = open_run(branch)
    assert other_run.manifest.parents == (f"{folder.name}@2",)
    assert other_run.finished_steps == 3
    difference_agrees(same, run, other_run, 1)
    difference_agrees(other, run, other_run, 2)
    one, two = (each.table("hours", 2, 2).iloc[0] for each in (run, other_run))
    assert float(beside["maxLoading"]) == pytest.approx(two.highest_loading, rel=1e-6)
    loading = [each.table("branches", 2, 2).loading.to_numpy() for each in (run, other_run)]
    largest = max(loading[1] - loading[0], key=abs)
    assert float(apart["maxLoadingDifference"]) == pytest.approx(largest, abs=1e-6)
    assert one.lfm_mwh != two.lfm_mwh, "the branch is another future"


def test_a_logged_run_is_played_forwards_and_back_and_stays_as_it_was(visit, day: Path) -> None:
    run, files = open_run(day), contents(day)
    with studio(str(day)) as served, visit(served.url) as user:
        page = user.page
        assert page.get_by_test_id("state").text_content() == "logged"
        page.get_by_test_id("speed").select_option("20")
        page.evaluate(STEPS)
        user.click("home")
        user.click("play")
        at(user, 23)
        page.get_by_test_id("play").get_by_text("Play", exact=True).wait_for()
        forwards = page.evaluate("() => steps.splice(0)")
        user.click("backwards")
        at(user, 0)
        back = page.evaluate("() => steps")
        assert forwards == sorted(forwards)
        assert len(forwards) > 5, "hours are seen in between"
        assert back == sorted(back, reverse=True)
        assert len(back) > 5
        user.click("next")
        agrees(at(user, 1), run)
        user.scrub(13)
        agrees(at(user, 12), run)
    assert served.stop() == 0
    assert contents(day) == files, "looking changes nothing"


def test_every_panel_says_what_the_log_says(visit, day: Path) -> None:
    run = open_run(day)
    with studio(str(day)) as served, visit(served.url) as user:
        page = user.page
        user.scrub(13)
        at(user, 12)
        units = {"No.": "", "Seller": "", "Buyer": "", "Power": "kW", "Price": "EUR/MWh", "Why?": ""}
        assert units_of(page, "trades") == units
        assert units_of(page, "orders")["Offered"] == "kW"
        assert units_of(page, "flex")["Activated"] == "kW"
        page.locator("table[data-testid=trades] button").first.click()
        first = run.table("trades", 12, 12).iloc[0]
        why = f"{first.seller} sells {first.quantity_mw * 1e3:.4g} kW to {first.buyer}"
        page.get_by_test_id("why-answer").get_by_text(why).wait_for()
        asked = [page.get_by_test_id(name).input_value() for name in ("why-what", "why-which")]
        assert asked == ["trade", "0"], "the form says what was asked"
        user.shot("why")

        user.open_panel("time")
        for name, column, scale, axis in CHARTS:
            chart = chart_of(page, name)
            assert (len(chart["values"]), chart["cursor"]) == (24, "hour 12")
            chart_agrees(chart, run, column, scale)
            assert chart["axes"] == ["time", axis]

        user.open_panel("messages")
        said = [tuple(map(str, row)) for row in run.table("messages", 12, 12)[MESSAGE].itertuples(index=False)]
        assert [tuple(row[:4]) for row in rows_of(page, "messages")] == said
        by_or_to = [row for row in said if "dso" in row[1:3]]
        page.get_by_test_id("role").select_option("dso")
        page.locator(f"table[data-testid=messages][data-rows='{len(by_or_to)}']").wait_for()
        assert [tuple(row[:4]) for row in rows_of(page, "messages")] == by_or_to

        user.open_panel("events")
        assert len(rows_of(page, "events")) == len(run.table("events", 12, 12))

        user.open_panel("kpis")
        figures_agree(rows_of(page, "kpis"), run)
        csv = user.download("csv-hours")
        logged = run.hours.select_dtypes("number")
        pd.testing.assert_frame_equal(pd.read_csv(csv)[logged.columns], logged, check_dtype=False)

        user.open_panel("export")
        assert user.download("export-map").read_bytes().startswith(b"\x89PNG")
