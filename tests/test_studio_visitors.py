"""Who visits the studio: by keyboard, in the dark, two at once, gone in the middle, or with names that are programs."""

from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from tests.browser import studio
from tests.studio_seen import agrees, at, rows_of, stopped

pytestmark = pytest.mark.once

REACHED = "step => Number(document.getElementById('studio').dataset.step) >= step"

FOCUS = """() => {
  const at = document.activeElement;
  const named = at.closest("[data-testid]");
  return [named?.dataset.testid ?? at.tagName, getComputedStyle(at).outlineStyle];
}"""
"""Where the focus is, and how it is marked."""

BROKEN = """() => [...document.querySelectorAll("th")].filter(head => head.offsetParent).flatMap(head => {
  const text = head.firstChild, range = document.createRange();
  if (!text.data) return [];  // the buttons' head is for screen readers alone
  const lines = [...text.data.matchAll(/[^ \\n]+/g)].map(word => {
    range.setStart(text, word.index);
    range.setEnd(text, word.index + word[0].length);
    return range.getClientRects().length;
  });
  return Math.max(1, ...lines) > 1 || head.scrollWidth > head.clientWidth ? [head.textContent] : [];
})"""
"""Heads of tables with a word that is broken, or that reach into the next."""

IMAGE = '<img src=x onerror="window.hacked=1">'
SCRIPT = "</script><script>window.hacked=2</script>"
HOSTILE_TITLE = f"{IMAGE}{SCRIPT}{{{{window.hacked=3}}}}"


def test_the_keyboard_is_enough(visit, tmp_path: Path) -> None:
    with studio("case69-day", "--out", str(tmp_path / "run")) as served, visit(served.url) as user:
        page, press = user.page, user.page.keyboard.press
        at(user, -1)
        for step in range(3):
            press("ArrowRight")
            at(user, step)
        press("ArrowLeft")
        at(user, 1)
        press("Home")
        at(user, -1)
        press("End")
        at(user, 2)

        focused = set()
        for _ in range(60):
            press("Tab")
            test_id, outline = page.evaluate(FOCUS)
            focused.add(test_id)
            assert outline != "none", f"no sign of the focus at {test_id}"
        assert {"home", "back", "play", "next", "end", "speed", "timeline", "map", "dark", "help"} <= focused
        page.get_by_test_id("timeline").focus()
        press("ArrowLeft")
        at(user, 1)

        page.locator("[data-testid=map] .grid-map").focus()
        press("n")
        said = page.locator("[data-testid=map] [aria-live]")
        assert "pu" in said.text_content()
        assert page.locator("[data-testid=map] canvas").get_attribute("aria-label").startswith("Network")
        press("Escape")
        press("w")
        assert "%" in said.text_content()

        page.get_by_test_id("dark").focus()
        press("/")
        page.wait_for_function("() => document.activeElement.dataset.testid === 'agent-name'")
        page.get_by_test_id("agent-name").fill("")
        page.keyboard.type("load 7")
        press("Enter")
        page.locator("dl[data-testid=agent-who] b").get_by_text("load 7", exact=True).wait_for()
        assert page.locator("#studio").get_attribute("data-step") == "1", "digits in a field are text"

        page.get_by_test_id("dark").focus()
        press("?")
        page.locator("dialog[open]").wait_for()
        user.shot("keys")
        press("Escape")
        assert page.locator("dialog[open]").count() == 0
        press("1")
        page.locator("[role=tab][data-panel=book][aria-selected=true]").wait_for()
        press("End")
        at(user, 2)
        page.evaluate("() => document.activeElement.blur()")  # on a button, the space bar presses that button
        press("Space")
        page.wait_for_function(REACHED, arg=4)
        press("Space")
        page.get_by_test_id("play").get_by_text("Play", exact=True).wait_for()
    run = stopped(served, tmp_path / "run")
    assert 5 <= run.finished_steps < 24, "it was paused"


def test_every_panel_is_there_in_light_and_dark(visit, day: Path) -> None:
    with studio(str(day)) as served, visit(served.url) as user:
        page = user.page
        user.scrub(19)
        at(user, 18)
        panels = page.locator("[role=tab]").evaluate_all("tabs => tabs.map(tab => tab.dataset.panel)")
        assert len(panels) == 10
        for mode, dark in (("light", False), ("dark", True)):
            if dark:
                user.click("dark")
            assert page.locator("body.body--dark").count() == dark
            ground = page.evaluate("() => getComputedStyle(document.body).backgroundColor.match(/[0-9]+/g).map(Number)")
            assert (max(ground) < 64) if dark else (min(ground) > 192)
            for panel in panels:
                user.open_panel(panel)
                assert page.locator("[role=tabpanel]:visible").count() == 1
                assert page.evaluate(BROKEN) == []
                user.shot(f"{mode}-{panel}")
        page.reload()
        page.wait_for_function("() => window.painted")
        assert page.locator("body.body--dark").count() == 1, "the choice is kept"
        page.set_viewport_size({"width": 480, "height": 900})
        user.shot("narrow")
        wide = page.evaluate("() => document.documentElement.scrollWidth")
        assert wide <= 480, "nothing has to be scrolled sideways"
        for panel in ("book", "messages", "agent"):
            user.open_panel(panel)
            assert page.evaluate(BROKEN) == []


def test_two_visitors_see_one_run_and_a_closed_tab_loses_nothing(visit, tmp_path: Path) -> None:
    with studio("case69-day", "--out", str(tmp_path / "run")) as served:
        with visit(served.url) as one:
            with visit(served.url) as other:
                one.click("next")
                seen = at(one, 0), at(other, 0)
                assert seen[0].facts == seen[1].facts
                for visitor in (one, other):  # both at once: neither waits for the picture of the other
                    visitor.page.evaluate("() => { document.querySelector('[data-testid=next]').click() }")
                at(one, 2)
                at(other, 2)
                other.page.evaluate("() => { document.querySelector('[data-testid=next]').click() }")
            at(one, 3)  # the other has gone in the middle of its step
            one.click("run-all")
            one.page.wait_for_function(REACHED, arg=5)
        with visit(served.url) as one:  # after all have gone while it was playing
            one.page.keyboard.press("e")
            last = at(one, 23)
    run = stopped(served, tmp_path / "run")
    assert run.manifest.status == "done"
    assert run.hours.step.tolist() == list(range(24)), "every hour once"
    agrees(last, run)


def test_names_in_a_log_execute_nothing(visit, tmp_path: Path) -> None:
    hostile_run(tmp_path)
    with studio(str(tmp_path / "run")) as served, visit(served.url) as user:
        page = user.page
        user.scrub(12)
        at(user, 11)
        assert page.get_by_test_id("title").text_content() == HOSTILE_TITLE
        for panel in page.locator("[role=tab]").evaluate_all("tabs => tabs.map(tab => tab.dataset.panel)"):
            user.open_panel(panel)
        user.open_panel("book")
        assert any(IMAGE in cell for row in rows_of(page, "orders") for cell in row), "it is shown as text"
        page.locator("[data-testid=map] .grid-map").focus()
        said = []
        for key in "nnnnnNNNN":
            page.keyboard.press(key)
            said.append(page.locator("[data-testid=map] [aria-live]").text_content())
        assert all(any(name in words for words in said) for name in (IMAGE, SCRIPT))
        page.keyboard.type("nn")  # the second bus, the first with a customer
        user.until_painted(lambda: page.keyboard.press("Enter"))  # which also fills in the name of who is there
        page.locator("dl[data-testid=agent-who]").get_by_text("peer").first.wait_for()
        page.get_by_test_id("agent-name").fill(IMAGE)
        user.click("agent-show")
        page.get_by_test_id("warning").get_by_text(IMAGE).wait_for()
        assert page.evaluate("() => window.hacked") is None
        page.goto(served.url.rsplit("/run", 1)[0])
        page.get_by_text("run", exact=True).first.wait_for()
        assert page.evaluate("() => window.hacked") is None
        assert not [url for url in user.asked if url.endswith("/x")], "an image of a name was asked for"


def hostile_run(folder: Path) -> None:
    """Simulate a day on a feeder whose buses, lines and customers have names that are programs."""
    import pandapower as pp

    from peerflex import run

    net = pp.create_empty_network()
    names = ("slack", IMAGE, SCRIPT, '" onmouseover="window.hacked=4', "{{window.hacked=5}}")
    slack, *buses = (pp.create_bus(net, 0.4 if row else 20.0, name=name) for row, name in enumerate(names))
    pp.create_ext_grid(net, slack)
    pp.create_transformer(net, slack, buses[0], "0.25 MVA 20/0.4 kV", name=IMAGE)
    for row, (one, other) in enumerate(pairwise(buses)):
        pp.create_line(net, one, other, 0.2, "NAYY 4x50 SE", name=f"{SCRIPT} {row}")
    for row, bus in enumerate(buses):
        pp.create_load(net, bus, 0.02, 0.004, name=f"{IMAGE} peer {row}")
    pp.to_json(net, str(folder / "net.json"))
    scenario = {
        "name": "hostile",
        "title": HOSTILE_TITLE,
        "grid": {"source": "pandapower", "path": "net.json"},
        "profiles": {"source": "shapes", "load": "residential-evening", "pv": "clear-sky-summer"},
        "peers": [{"name": "all", "share_of_connections": 1.0, "behaviour": {"kind": "truthful"}, "pv_kw": 30}],
        "market": {"p2p": {"kind": "uniform-auction"}, "lfm": {"kind": "linear"}},
    }
    (folder / "hostile.yaml").write_text(yaml.safe_dump(scenario))
    run(folder / "hostile.yaml", hours=12, out=folder / "run")
