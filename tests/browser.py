"""A real browser and a real studio for tests and benchmarks: Chromium, driven by Playwright, and a served page."""

import os
import shutil
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, Queue
from subprocess import Popen, TimeoutExpired
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from tests.child import Child

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ARGUMENTS = (
    "--no-sandbox",  # root, as in a container, has no other way
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # what leaves the machine fails, and is seen to
)
START_S, STOP_S = 60.0, 60.0
PICTURES = Path(os.environ.get("PEERFLEX_SCREENSHOTS", "results/screenshots")).resolve()

WATCH = """(() => {
  for (const kind of ["click", "keydown", "pointerdown", "input", "change"])
    addEventListener(kind, event => { sessionStorage.acted ||= performance.timeOrigin + event.timeStamp }, true);
  let told = null;
  const look = () => {
    const step = document.getElementById("studio")?.dataset.step;
    const map = document.querySelector("[data-testid=map] .grid-map")?.dataset;
    if (step === undefined || step === "-2" || step === told) return;
    if (map && (!map.painted || (map.step || "-1") !== step)) return;
    told = step;
    const done = () => { window.painted = { step: Number(step), at: performance.timeOrigin + performance.now() } };
    requestAnimationFrame(done); // the step is set in the frame that shows it: the next one begins when that is out
  };
  new MutationObserver(look).observe(
    document, { subtree: true, childList: true, attributes: true, attributeFilter: ["data-step", "data-painted"] });
})()"""
"""Runs before the page: notes when a user first does something, and when the frame with another step on it is out."""


def chromium() -> str | None:
    """Return the Chromium to use: the one named by PEERFLEX_CHROMIUM, or one on the path; None if there is none."""
    names = (os.environ.get("PEERFLEX_CHROMIUM") or "chromium", "chromium-browser", "google-chrome")
    return next(filter(None, map(shutil.which, names)), None)


@contextmanager
def browser(path: str) -> "Iterator[Browser]":
    """Start a browser without windows; it is closed at the end."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        try:
            yield started
        finally:
            started.close()


@dataclass
class Watched:
    """A page and all that it asked for, and all that it complained about."""

    page: "Page"
    asked: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    @classmethod
    def over(cls, page: "Page") -> Self:
        """Watch a page from now on."""
        watched = cls(page)
        page.add_init_script(WATCH)
        page.on("request", lambda request: watched.asked.append(request.url))
        page.on("websocket", lambda socket: watched.asked.append(socket.url))
        page.on("requestfailed", lambda request: watched.complaints.append(f"{request.failure}: {request.url}"))
        page.on("pageerror", lambda error: watched.complaints.append(str(error)))
        page.on(
            "console",
            lambda message: watched.complaints.append(message.text) if message.type in ("error", "warning") else None,
        )
        return watched

    @property
    def elsewhere(self) -> list[str]:
        """What was asked of other machines than this one."""
        own = ("data", "blob", "about")
        parts = [(url, urlsplit(url)) for url in self.asked]
        return [url for url, part in parts if part.scheme not in own and part.hostname != "127.0.0.1"]

    def click(self, testid: str) -> None:
        self.page.get_by_test_id(testid).click()

    def download(self, testid: str) -> Path:
        """Click for a file and return it; a browser under load may lose a click, and gets another."""
        from playwright.sync_api import TimeoutError as Late

        try:
            with self.page.expect_download(timeout=10_000) as waiting:
                self.click(testid)
        except Late:
            with self.page.expect_download() as waiting:
                self.click(testid)
        return waiting.value.path()

    def open_panel(self, key: str) -> None:
        """Click a tab, and wait until its panel is painted."""
        self.until_painted(lambda: self.click(f"tab-{key}"))

    def until_painted(self, act: Callable[[], object]) -> None:
        """Do something, and wait until the page is painted again."""
        paints = int(self.page.locator("#studio").get_attribute("data-paints") or 0)
        act()
        self.page.wait_for_function("paints => document.getElementById('studio').dataset.paints > paints", arg=paints)

    def shot(self, name: str) -> None:
        """Keep a picture of the whole page."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=PICTURES / f"{name}.png", full_page=True)

    def painted_ms(self, act: Callable[[], object]) -> float:
        """Do something that leads to another step and return the milliseconds from its first event to the picture.

        An act without an event is a navigation: the time begins with it.
        """
        self.page.evaluate("() => { delete sessionStorage.acted; window.painted = null }")
        act()
        self.page.wait_for_function("() => window.painted", polling=20)
        took = "() => window.painted.at - Number(sessionStorage.acted || performance.timeOrigin)"
        return float(self.page.evaluate(took))

    def scrub(self, cursor: int) -> None:
        """Click the timeline where it stands behind ``cursor`` steps, as near as its pixels allow."""
        line = self.page.get_by_test_id("timeline")
        box, end = line.bounding_box(), int(line.get_attribute("max") or 1)
        assert box is not None
        thumb = 16.0
        self.page.mouse.click(
            box["x"] + thumb / 2 + (box["width"] - thumb) * cursor / end, box["y"] + box["height"] / 2
        )


class Served:
    """A server in a process of its own, on a free port; it is stopped as Ctrl-C stops it.

    It is Python with the given arguments; or, in a child that has the libraries already, ``peerflex`` with them.
    """

    def __init__(self, arguments: list[str], cwd: Path | None = None, forked: bool = False) -> None:
        self.said: list[str] = []
        self._lines: Queue[str] = Queue()
        environment = os.environ | {"PYTHONUNBUFFERED": "1", "COLUMNS": "200"}
        printed, output = os.pipe()
        self._printed = os.fdopen(printed)
        self.process: Popen[bytes] | Child
        if forked:
            self.process = Child(arguments, environment, cwd, (0, output, output))
        else:
            self.process = Popen([sys.executable, *arguments], cwd=cwd, stdout=output, stderr=output, env=environment)
        os.close(output)
        threading.Thread(target=self._read, daemon=True).start()
        self.url = self._wait_for_url()
        self._wait_for_answer()

    def _read(self) -> None:
        with self._printed:
            for line in self._printed:
                self.said.append(line)
                self._lines.put(line)
        self._lines.put("")

    def _wait_for_url(self) -> str:
        try:
            while line := self._lines.get(timeout=START_S):
                if "http://" in line:
                    return "http://" + line.partition("http://")[2].split()[0].rstrip(".,")
        except Empty:
            self.process.kill()
        raise RuntimeError(f"no server after {START_S:g} s, it said: {''.join(self.said)}")

    def _wait_for_answer(self) -> None:
        """Wait until somebody listens: the address is known before."""
        at, end = urlsplit(self.url), time.monotonic() + START_S
        while self.process.poll() is None and time.monotonic() < end:
            with suppress(ConnectionRefusedError), socket.create_connection((at.hostname, at.port)):
                return
            time.sleep(0.05)

    def stop(self) -> int:
        """Stop it as Ctrl-C does and return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(STOP_S)
        except TimeoutExpired:
            self.process.kill()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def studio(*arguments: str, cwd: Path | None = None, anew: bool = False) -> Served:
    """Start ``peerflex studio`` on a free port; it stops at the end of a ``with`` block.

    It runs in an interpreter of its own where ``anew``, else in a child that has the libraries already.
    """
    words = ["studio", *arguments, "--port", "0", "--no-browser"]
    return Served(["-m", "peerflex", *words], cwd) if anew else Served(words, cwd, forked=True)
