"""What several test files share: a browser, its visits to the studio, and a run to show."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.browser import Watched, browser, chromium


@pytest.fixture(scope="module")
def chrome():
    path = chromium()
    if path is None:
        if os.environ.get("PEERFLEX_BROWSER_TESTS") == "required":
            pytest.fail("no Chromium to test the studio with: apt install chromium, or set PEERFLEX_CHROMIUM")
        pytest.skip("no Chromium on the path, and none in PEERFLEX_CHROMIUM")
    with browser(path) as started:
        yield started


@pytest.fixture
def visit(chrome, request) -> Callable[[str], AbstractContextManager[Watched]]:
    """Open an address as a new visitor; nothing may be asked of elsewhere, and no page may complain."""

    @contextmanager
    def visiting(url: str) -> Iterator[Watched]:
        context = chrome.new_context(viewport={"width": 1280, "height": 800})
        watched = Watched.over(context.new_page())
        try:
            watched.page.goto(url)
            watched.page.wait_for_function("() => window.painted")
            yield watched
        except BaseException:
            watched.shot(f"failed-{request.node.name}")
            print(watched.complaints)
            raise
        finally:
            context.close()
        assert watched.asked, "nothing was watched"
        assert not watched.elsewhere
        assert not watched.complaints

    return visiting


@pytest.fixture(scope="session")
def day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A logged run of case69-day: 24 hours, the last part of them not full. Whoever writes to it takes a copy."""
    from peerflex import run

    return run("case69-day", out=tmp_path_factory.mktemp("logged") / "day").folder
