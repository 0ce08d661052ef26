"""What a browser makes of the studio's map and charts."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from peerflex.runs.studio.palette import DARK, LIGHT
from tests.browser import Served, Watched
from tests.pictures_page import HOSTILE, TIGHT

pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with Served([str(Path(__file__).with_name("pictures_page.py"))], cwd=Path(__file__).parents[1]) as server:
        yield server


@pytest.fixture
def page(chrome, served) -> Iterator:
    """A page that may neither complain nor ask for anything elsewhere, nor run what stands in a name."""
    watched = Watched.over(chrome.new_page(viewport={"width": 1280, "height": 900}))
    watched.page.goto(served.url)
    watched.page.locator("[data-testid=map] .grid-map[data-step='3']").wait_for()
    yield watched.page
    assert watched.page.evaluate("() => window.hacked") is None
    assert (watched.elsewhere, watched.complaints) == ([], [])
    watched.page.close()


def after(page, testid: str, step: str, where: str = "map") -> dict[str, str]:
    """Click a button and return what the map then says it drew."""
    network = page.locator(f"[data-testid={where}] .grid-map")
    before = network.get_attribute("data-painted")
    page.get_by_test_id(testid).click()
    page.wait_for_function(
        "([map, before, step]) => map.dataset.painted !== before && map.dataset.step === step",
        arg=[network.element_handle(), before, step],
    )
    return network.evaluate("map => ({...map.dataset})")


def said(page) -> str:
    return page.locator("[data-testid=map] .grid-map__said").inner_text()


def colours(page) -> set[str]:
    """Return all colours of the map's picture."""
    return set(
        page.locator("[data-testid=map] canvas").evaluate("""canvas => {
          const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", {willReadFrequently: true});
          copy.drawImage(canvas, 0, 0);
          const {data} = copy.getImageData(0, 0, canvas.width, canvas.height);
          const found = new Set();
          for (let at = 0; at < data.length; at += 4)
            found.add("#" + [0, 1, 2].map(c => data[at + c].toString(16).padStart(2, "0")).join(""));
          return [...found];
        }""")
    )


def test_the_map_draws_what_it_is_told(page) -> None:
    calm = page.locator("[data-testid=map] .grid-map").evaluate("map => ({...map.dataset})")
    assert (calm["buses"], calm["branches"], calm["violated"], calm["sheds"]) == ("6", "6", "0", "0")
    assert (calm["arrows"], calm["reversed"]) == ("4", "1")  # none on a transformer of no length, or without a flow
    assert float(calm["maxLoading"]) == pytest.approx(0.5)
    assert (float(calm["minVoltage"]), float(calm["maxVoltage"])) == pytest.approx((0.98, 1.02))
    assert LIGHT.over in colours(page)  # of the legend
    tight = after(page, "tight", "4")
    assert (tight["violated"], tight["sheds"], tight["arrows"], tight["reversed"]) == ("4", "1", "5", "2")
    assert float(tight["maxLoading"]) == pytest.approx(TIGHT.loading.max(), rel=1e-6)
    assert float(tight["minVoltage"]) == pytest.approx(TIGHT.v_pu.min(), rel=1e-6)
    assert LIGHT.at_risk in colours(page)
    label = page.locator("[data-testid=map] canvas").get_attribute("aria-label")
    assert label.startswith("Street: 6 buses, 6 lines and transformers. 2016-07-04 04:00. 4 limits not kept.")
    assert f"Highest loading 123.5 % at end {HOSTILE}." in label
    assert "Lowest voltage 0.9312 pu at Oak 2, highest 1.0600 pu at Elm 1." in label
    cleared = after(page, "clear", "")
    assert (cleared["mode"], cleared["maxLoading"], cleared["buses"]) == ("empty", "", "6")


def test_two_hours_are_compared_by_their_difference(page) -> None:
    shown = after(page, "compare", "4")
    assert shown["mode"] == "compare"
    assert float(shown["maxLoadingDifference"]) == pytest.approx(1.2345678 - 0.5, rel=1e-6)
    assert float(shown["maxVoltageDifference"]) == pytest.approx(0.94 - 0.99, rel=1e-5)
    label = page.locator("[data-testid=map] canvas").get_attribute("aria-label")
    assert f"B less A: loading differs most, by +73.5 % of rating, at end {HOSTILE}" in label
    network = page.locator("[data-testid=map] .grid-map")
    network.press("p")
    assert said(page) == "Elm 1; voltage A no value, B 1.0600 pu"
    network.press("Shift+P")
    said_of_line = "Elm Street; loading A 30 %, B 30 %; B less A +0 % of rating; flow A 0 kW, B \N{MINUS SIGN}30 kW"
    assert said(page) == said_of_line


def test_the_map_is_walked_by_keyboard_in_words_with_units(page) -> None:
    page.evaluate(
        "document.addEventListener('keydown', event => { if (event.key !== 'Shift') window.heard = event.key })"
    )
    after(page, "tight", "4")
    network = page.locator("[data-testid=map] .grid-map")
    network.focus()
    network.press("n")
    assert said(page) == "upstream; voltage 1.0200 pu; no injection"
    network.press("p")
    assert said(page) == "Elm 1; voltage 1.0600 pu; above its limit of 1.05 pu; gives 30 kW"
    network.press("Enter")
    page.get_by_test_id("said").get_by_text("bus 5").wait_for()
    network.press("Shift+P")
    assert said(page) == f"Elm Street; loading 30 % of 100 kVA; 30 kW from Elm 1 to {HOSTILE}"
    network.press("w")
    words = said(page)
    assert words.startswith(f"end {HOSTILE}; loading 123.5 % of 100 kVA; above its limit of 90 %; at risk")
    assert words.endswith("120 kW from Oak 1 to Oak 2")
    network.press("w")
    assert said(page) == "Oak 2; voltage 0.9312 pu; below its limit of 0.95 pu; takes 12.5 MW"
    network.press("Enter")
    page.get_by_test_id("said").get_by_text("bus 4").wait_for()
    for key in ("+", "ArrowLeft", "-", "0", "Escape"):
        network.press(key)
    assert said(page) == ""
    assert page.evaluate("() => window.heard") is None  # the page's own keys are not meant
    network.press("x")
    assert page.evaluate("() => window.heard") == "x"


def test_a_click_on_a_bus_says_which_and_names_are_never_html(page) -> None:
    after(page, "tight", "4")
    network = page.locator("[data-testid=map] .grid-map")
    at = network.evaluate("""map => {
      const scene = getElement(Number(map.id.slice(1))).scene;
      return [scene.sx[2], scene.sy[2]];
    }""")
    canvas = page.locator("[data-testid=map] canvas")
    canvas.hover(position={"x": at[0], "y": at[1]})
    tip = page.locator("[data-testid=map] .grid-map__tip")
    assert tip.inner_text().startswith(f"{HOSTILE}\nvoltage 0.9700 pu")
    canvas.click(position={"x": at[0], "y": at[1]})
    page.get_by_test_id("said").get_by_text("bus 2").wait_for()
    assert page.locator("img[src=x]").count() == 0


def test_wheel_and_drag_move_the_network_and_fit_brings_it_back(page) -> None:
    canvas = page.locator("[data-testid=map] canvas")
    where = (
        "() => { const m = getElement(document.querySelector('[data-testid=map] .grid-map')); return [...m.scene.sx] }"
    )
    before = page.evaluate(where)
    canvas.hover(position={"x": 400, "y": 150})
    page.mouse.wheel(0, -400)
    page.wait_for_function(f"before => ({where})()[4] - ({where})()[0] > 1.5 * (before[4] - before[0])", arg=before)
    page.mouse.down()
    page.mouse.move(100, 100, steps=3)
    page.mouse.up()
    page.get_by_role("button", name="Fit the network").first.click()
    page.wait_for_function(f"before => ({where})().every((x, bus) => Math.abs(x - before[bus]) < 0.01)", arg=before)


def test_dark_mode_repaints_map_and_charts(page) -> None:
    assert LIGHT.surface in colours(page)
    painted = page.locator("[data-testid=map] .grid-map").get_attribute("data-painted")
    page.get_by_test_id("dark").click()
    page.wait_for_function(
        "before => document.querySelector('[data-testid=map] .grid-map').dataset.painted !== before", arg=painted
    )
    assert DARK.surface in colours(page)
    assert LIGHT.surface not in colours(page)
    page.wait_for_function(
        "ground => getElement(document.querySelector('[data-testid=chart-voltage]')).chart.getOption()"
        ".backgroundColor === ground",
        arg=DARK.surface,
    )


def test_a_map_in_a_closed_tab_shows_the_newest_hour_when_it_is_opened_again(page) -> None:
    page.get_by_role("tab", name="two").click()
    page.get_by_text("other tab").wait_for()
    page.get_by_test_id("kept-tight").click()
    page.get_by_role("tab", name="one").click()
    page.locator("[data-testid=kept] .grid-map[data-step='4']").wait_for()


def test_pictures_are_saved_at_twice_the_resolution(page, tmp_path: Path) -> None:
    from PIL import Image

    for testid, name, width in (("save-map", "street.png", 1600), ("save-chart", "voltage.png", 1280)):
        with page.expect_download() as download:
            page.get_by_test_id(testid).click()
        assert download.value.suggested_filename == name
        download.value.save_as(tmp_path / name)
        with Image.open(tmp_path / name) as image:
            assert image.format == "PNG"
            assert image.width == width


def chart(page, key: str) -> dict:
    return page.get_by_test_id(f"chart-{key}").evaluate("""element => {
      const option = getElement(element).chart.getOption();
      return {
        axis: option.yAxis[0].name,
        series: option.series.map(each => each.id),
        names: option.legend[0].data,
        lowest: Math.min(...option.dataset[0].source["0"].filter(value => value !== null)),
        label: element.ariaLabel,
        data: {...element.dataset},
      };
    }""")


def test_charts_hold_what_they_are_given_and_the_line_moves_alone(page) -> None:
    page.locator("[data-testid=chart-voltage][data-painted]").wait_for()
    voltage = chart(page, "voltage")
    assert voltage["axis"] == "voltage, pu"
    assert voltage["lowest"] == pytest.approx(0.9123, abs=1e-6)
    assert (voltage["data"]["curves"], voltage["data"]["points"], voltage["data"]["cursor"]) == ("2", "48", "")
    assert "lowest: 0.9123 to" in voltage["label"]
    page.get_by_test_id("cursor").click()
    page.locator(f"[data-testid=chart-voltage][data-cursor='hour 24 {HOSTILE}']").wait_for()
    off = page.get_by_test_id("chart-voltage").evaluate("""element => {
      const chart = getElement(element).chart;
      const line = element.querySelector(".time-chart__line");
      return parseFloat(line.style.left) - chart.convertToPixel({xAxisIndex: 0}, Date.UTC(2016, 6, 5));
    }""")
    assert abs(off) < 0.01
    assert chart(page, "voltage")["series"] == voltage["series"]


def test_two_runs_on_one_chart_are_named_and_their_names_are_no_html(page) -> None:
    page.get_by_test_id("two-runs").click()
    page.locator("[data-testid=chart-prices][data-curves='4']").wait_for()
    names = chart(page, "prices")["names"]
    assert names[0] == "base: trades of peers, on average"
    assert names[2].startswith("<img src=x onerror=")
    page.get_by_test_id("chart-prices").hover(position={"x": 300, "y": 130})
    page.wait_for_timeout(200)  # the tooltip comes a little later
    assert page.locator("img[src=x]").count() == 0
