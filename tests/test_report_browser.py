"""A report in a real browser: it asks for nothing, runs nothing, is legible in any light, and saves its numbers."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

from peerflex.runs.report.command import write_report
from tests.report_page import Page, hostile_run

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.once

CONTRAST = """() => {
  const light = colour => { const [r, g, b] = colour.match(/[0-9.]+/g).map(v => (v / 255) ** 2.2);
                            return 0.2126 * r + 0.7152 * g + 0.0722 * b };
  const ratio = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  const back = light(getComputedStyle(document.querySelector('figure')).backgroundColor);
  return [...document.querySelectorAll('svg text')].map(each => ratio(light(getComputedStyle(each).fill), back));
}"""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report in which every name wants to be HTML."""
    return write_report(hostile_run(tmp_path_factory.mktemp("browser") / "run"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_opens_without_asking_for_anything_and_is_legible(
    chrome: "Browser", report: Path, scheme: Literal["light", "dark"]
) -> None:
    page = chrome.new_page(color_scheme=scheme, viewport={"width": 1200, "height": 900})
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: said.append(dialog.message))
    page.goto(report.as_uri())
    assert [url for url in asked if not url.startswith("data:")] == [report.as_uri()]
    assert said == []
    assert page.evaluate("document.scripts.length") == 0
    names = [told["id"] for tag, told in Page.of(report).elements if tag == "h3" and "id" in told]
    boxes = [each.bounding_box() for each in page.locator("figure svg.picture").all()]
    assert len(boxes) == len(names)
    assert all(box and box["width"] > 900 and box["height"] > 60 for box in boxes)
    contrast = page.evaluate(CONTRAST)
    assert len(contrast) > 50
    assert sorted(contrast)[len(contrast) // 10] > 4.5  # what is grey on purpose aside
    page.close()


@pytest.mark.parametrize("width", [400, 1200])
def test_the_page_is_never_wider_than_the_window(chrome: "Browser", report: Path, width: int) -> None:
    page = chrome.new_page(viewport={"width": width, "height": 900})
    page.goto(report.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()


def test_a_link_saves_the_numbers_of_a_picture(chrome: "Browser", report: Path, tmp_path: Path) -> None:
    page = chrome.new_page()
    page.goto(report.as_uri())
    with page.expect_download() as waiting:
        page.locator("a[download='loading.csv']").click()
    saved = tmp_path / "saved.csv"
    waiting.value.save_as(saved)
    header, *rows = saved.read_text().splitlines()
    assert header == "time,highest_loading,allowed_loading"
    assert len(rows) == 60
    page.close()


def test_it_prints_in_black_on_white(chrome: "Browser", report: Path) -> None:
    page = chrome.new_page(color_scheme="dark")
    page.goto(report.as_uri())
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not page.locator("nav").is_visible()
    assert page.pdf().startswith(b"%PDF")
    page.close()
