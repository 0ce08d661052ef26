"""How soon the studio answers: from what a user does in the browser to the picture on the screen.

    python benchmarks/studio.py

Workload, in a real Chromium: the next hour of case69-day (simulated, not yet on disk), by the right arrow; scrubbing a
run of 168 and one of 8760 hours of case69-day, by clicks on the timeline; opening the run of a year, each time one that
the studio has not seen yet, every file checked; drawing the SimBench grid of 10 464 buses, from the address to the
picture. Thirty of each. The time starts with the event in the browser, by its own clock, and ends when the frame is
out in which the page and its map show the step. The rival is an empty round trip, in turn with each: a NiceGUI page
of one button that changes one attribute. Simulated before, and not counted: the year (a minute) and the big grid.
Over budget is a workload whose slowest twentieth is. The browser and the server want a core each to themselves.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import numpy as np

from peerflex.runs.area.plugins import registry
from peerflex.runs.session import Session
from peerflex.scenarios.load import LoadedScenario, load_scenario

sys.path.append(str(Path(__file__).parents[1]))  # the browser is driven as in the tests
from tests.browser import Served, Watched, browser, chromium, studio

if TYPE_CHECKING:
    from playwright.sync_api import Browser

TIMES = 30
TOWN = """
name: town
title: A town on one network
grid: {source: simbench, code: 1-MVLV-urban-all-0-sw}
time: {start: 2016-07-04, hours: 2}
profiles: {source: grid}
seed: 1
"""
EMPTY = """
import socket
from nicegui import ui
@ui.page("/")
def page():
    ui.element().props("id=studio data-step=0")
    ui.button("next", on_click=lambda: ui.run_javascript("requestAnimationFrame(() => studio.dataset.step++)"))
with socket.create_server(("127.0.0.1", 0)) as free:
    port = free.getsockname()[1]
ui.run(host="127.0.0.1", port=port, show=False, reload=False)
"""


@dataclass(frozen=True, slots=True)
class Measured:
    """Times of one action, and of the empty round trips in between, in ms ``(TIMES,)``."""

    name: str
    budget_ms: float
    times_ms: list[float]
    empty_ms: list[float]

    def line(self) -> str:
        typical, late = np.percentile(self.times_ms, (50, 95))
        empty, empty_late = np.percentile(self.empty_ms, (50, 95))
        return (
            f"{self.name:42s} {typical:7.0f} {late:7.0f} ms   {empty:7.0f} {empty_late:7.0f} ms   "
            f"{self.budget_ms:7.0f} ms{'' if self.kept else '   OVER'}"
        )

    @property
    def kept(self) -> bool:
        return bool(np.percentile(self.times_ms, 95) <= self.budget_ms)


@dataclass(frozen=True, slots=True)
class Bench:
    """A browser with the rival's page open."""

    browser: "Browser"
    rival: Watched

    def page(self, url: str) -> Watched:
        context = self.browser.new_context(viewport={"width": 1280, "height": 800})
        watched = Watched.over(context.new_page())
        watched.page.goto(url)
        watched.page.wait_for_function("() => window.painted", polling=20)
        return watched

    def measure(self, name: str, budget_ms: float, page: Watched, acts: Iterable[Callable[[], object]]) -> Measured:
        """Time one action after the other, each after an empty round trip; the first of both is not counted."""
        times, empty = [], []
        for act in acts:
            empty.append(self.rival.painted_ms(lambda: self.rival.page.get_by_text("next").click()))
            times.append(page.painted_ms(act))
        page.page.context.close()
        return Measured(name, budget_ms, times[1:], empty[1:])


def simulate(folder: Path, loaded: LoadedScenario) -> Path:
    with Session.begin(loaded, registry([]), folder, driver="mesa") as session:
        for _ in session.advance():
            pass
    return folder


def next_hour(bench: Bench, scratch: Path) -> Measured:
    """Simulate hour after hour of case69-day."""
    hours = f"time.hours={TIMES + 1}"
    with studio("case69-day", "--set", hours, "--out", str(scratch / "next"), anew=True) as served:
        page = bench.page(served.url)
        acts = [lambda: page.page.keyboard.press("ArrowRight")] * (TIMES + 1)
        return bench.measure("next hour of case69-day", 150, page, acts)


def scrub(bench: Bench, run: Path, hours: int, budget_ms: float) -> Measured:
    """Jump about in a logged run."""
    with studio(str(run), anew=True) as served:
        page = bench.page(served.url)
        draw, place, acts = Random(1), 0, []
        for _ in range(TIMES + 1):
            place = (place + draw.randrange(hours // 10, hours * 9 // 10)) % hours + 1  # never where the thumb is
            acts.append(partial(page.scrub, place))
        return bench.measure(f"scrub of {hours} hours", budget_ms, page, acts)


def open_year(bench: Bench, year: Path, scratch: Path) -> Measured:
    """Open a run of a year from the start page, each time one that this studio has not seen yet."""
    names = [f"year-{count:02}" for count in range(TIMES + 1)]
    for name in names:
        shutil.copytree(year, scratch / "results" / name, copy_function=os.link)
    with studio(cwd=scratch, anew=True) as served:
        page = bench.page(served.url)

        def acts() -> Iterator[Callable[[], object]]:
            for name in names:
                page.page.goto(served.url)
                page.page.wait_for_function("() => window.painted", polling=20)
                yield page.page.get_by_test_id(f"run-{name}").click

        return bench.measure("open a run of 8760 hours", 3000, page, acts())


def draw(bench: Bench, run: Path) -> Measured:
    """Go to the page of a run of the big grid."""
    with studio(str(run), anew=True) as served:
        page = bench.page(served.url)
        page.painted_ms(lambda: page.page.keyboard.press("End"))  # from now on there are values to draw
        acts = [lambda: page.page.goto(served.url)] * (TIMES + 1)
        return bench.measure("draw the grid of 10 464 buses", 3000, page, acts)


def main() -> int:
    path = chromium()
    if path is None:
        print("needs Chromium (apt install chromium), or PEERFLEX_CHROMIUM=/path/to/it", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as name, browser(path) as started:
        scratch = Path(name)
        (scratch / "town.yaml").write_text(TOWN)
        (scratch / "empty.py").write_text(EMPTY)
        week, year, town = (
            simulate(scratch / each, load_scenario(scenario, hours=hours))
            for each, scenario, hours in (
                ("week", "case69-day", 168),
                ("year", "case69-day", 8760),
                ("town", str(scratch / "town.yaml"), None),
            )
        )
        with Served([str(scratch / "empty.py")]) as served:
            bench = Bench(started, Watched.over(started.new_page()))
            bench.rival.page.goto(served.url)
            bench.rival.page.get_by_text("next").wait_for()
            print(f"{started.version}, median and 95 % of {TIMES} times, from the action to the picture")
            print(f"{'':42s} {'':>18s}   {'empty round trip':>18s}   {'budget':>10s}")
            kept = True
            for measured in (
                next_hour(bench, scratch),
                scrub(bench, week, 168, 100),
                scrub(bench, year, 8760, 200),
                open_year(bench, year, scratch),
                draw(bench, town),
            ):
                print(measured.line(), flush=True)
                kept &= measured.kept
    return int(not kept)


if __name__ == "__main__":
    sys.exit(main())
