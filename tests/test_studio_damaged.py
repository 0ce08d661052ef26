"""Runs that were damaged are refused on the start page, and what they say is what to do; the studio goes on."""

import shutil
from pathlib import Path

import pytest

from tests.browser import studio
from tests.studio_seen import agrees, at, stopped

pytestmark = pytest.mark.once

PART = Path("tables", "orders", "part-00000.parquet")


def test_damaged_runs_and_impossible_paths_are_refused_with_the_way_out(visit, day: Path, tmp_path: Path) -> None:
    results = tmp_path / "results"
    names = ("whole", "altered", "missing", "cut", "huge", "unreadable", "forged")
    whole, altered, missing, cut, huge, unreadable, forged = (
        Path(shutil.copytree(day, results / name)) for name in names
    )
    content = (day / PART).read_bytes()
    (altered / PART).write_bytes(content[:-40] + bytes(40))
    (missing / PART).unlink()
    (cut / PART).write_bytes(content[:99])
    with (huge / PART).open("r+b") as file:
        file.truncate(2**40)  # a file of holes: nobody may try to read it
    (unreadable / "manifest.json").write_text("[" * 100_000)
    (forged / "manifest.json").write_text('{"format": "<img src=x onerror=window.hacked=1>"}')
    wrong = {
        "run-altered": "altered after it was written",
        "run-missing": "is missing",
        "run-cut": "99 of",
        "run-huge": "altered after it was written",
        "run-unreadable": "unreadable/manifest.json",
        "run-forged": "forged/manifest.json",
    }
    with studio(cwd=tmp_path) as served, visit(served.url) as user:
        page, warning = user.page, user.page.get_by_test_id("warning")
        for button, said in wrong.items():
            user.click(button)
            warning.get_by_text(said).wait_for()
            assert warning.text_content().count(". ") >= 1, "what to do comes after what is wrong"
        for typed in ("x" * 5000, "/etc/passwd", str(results), "~nobody-of-this-name"):
            page.get_by_test_id("target").fill(typed)
            user.click("open")
            warning.get_by_text(typed[:50]).wait_for()
            assert "Error" not in warning.text_content()
        assert page.evaluate("() => window.hacked") is None
        user.shot("refused")
        user.click("run-whole")
        at(user, -1)
        user.scrub(3)
        last = at(user, 2)
        user.open_panel("compare")
        page.get_by_test_id("beside").fill(str(altered))
        user.click("compare")
        page.get_by_test_id("warning").get_by_text("altered after it was written").wait_for()
        user.open_panel("change")
        page.get_by_test_id("branch-folder").fill(str(missing))
        user.click("branch")
        page.get_by_test_id("warning").get_by_text("exists already").wait_for()
    agrees(last, stopped(served, whole))
