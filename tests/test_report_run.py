"""The report of a run: one file that loads nothing, whose pictures and tables are those of the log."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peerflex.core.errors import InputError
from peerflex.runs import api
from peerflex.runs.kpis.kpis import kpis
from peerflex.runs.log.reader import Run
from peerflex.runs.log.writer import RunWriter
from peerflex.runs.report import wires as report_wires
from peerflex.runs.report.command import write_report
from peerflex.runs.report.ledger import money_of
from peerflex.runs.report.numbers import MOST_CSV, Numbers
from peerflex.runs.report.points import MOST_POINTS, hours_to_draw
from peerflex.runs.report.time import Timeline
from peerflex.runs.report.wires import network_picture
from peerflex.scenarios.load import load_scenario
from tests import logs
from tests.report_page import Page, hostile_run

pytestmark = pytest.mark.once

HOURS, CHANGED = 14, 6  # from noon: over midnight, so that there is a heat map


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """An afternoon and a night of the 69-bus grid with its reference, and a change in its middle."""
    settings = [
        "time.start=2016-07-04T12:00",
        f"time.hours={HOURS}",
        "reference=no-market",
        f"changes=[{{hour: {CHANGED}, set: {{tariffs: {{retail_eur_per_mwh: 300}}}}}}]",
    ]
    return api.run("case69-day", settings=settings, out=tmp_path_factory.mktemp("report") / "run", driver="mesa")


@pytest.fixture(scope="module")
def page(run: Run) -> Page:
    return Page.of(write_report(run.folder))


def test_a_report_is_one_page_that_loads_and_runs_nothing(page: Page) -> None:
    assert page.dangers() == []
    policies = [told["content"] for tag, told in page.elements if told.get("http-equiv") == "Content-Security-Policy"]
    assert policies == ["default-src 'none'; img-src data:; style-src 'unsafe-inline'"]
    ids = [told["id"] for _, told in page.elements if "id" in told]
    assert len(ids) == len(set(ids))
    anchors = {told["href"][1:] for tag, told in page.elements if tag == "a" and told["href"].startswith("#")}
    assert anchors <= set(ids)


def test_the_ink_of_pictures_is_that_of_the_page(page: Page, run: Run) -> None:
    html = (run.folder / "report.html").read_text(encoding="utf-8")
    assert "#010203" not in html
    assert html.count("currentColor") > len(page.pictures)


def test_every_picture_says_what_is_to_be_seen_and_gives_its_numbers(page: Page, run: Run) -> None:
    names = [told["id"] for tag, told in page.elements if tag == "h3" and "id" in told]
    assert names == [
        "network", "voltage", "loading", "duration", "voltages", "heat-map", "volumes", "prices", "flexibility",
        "merit-order", "balance", "gains", "disclosed",
    ]  # fmt: skip
    assert len(page.pictures) == len(names)
    assert all(page.pictures)
    figures = [place for place, (tag, _) in enumerate(page.elements) if tag == "figure"]
    for begin, end in zip(figures, [*figures[1:], len(page.elements)], strict=True):
        assert any("download" in told for _, told in page.elements[begin:end])
    peak = run.hours["highest_loading"].max()
    assert f"at most {100 * peak:.4g} %" in " ".join(page.pictures)


def test_the_numbers_are_those_of_the_log(page: Page, run: Run) -> None:
    hours, numbers = run.hours, page.numbers
    for file, columns in {
        "voltage.csv": ["lowest_voltage_pu", "highest_voltage_pu"],
        "loading.csv": ["highest_loading"],
        "volumes.csv": ["p2p_mwh", "lfm_mwh"],
    }.items():
        for column in columns:
            assert [float(row[column]) for row in numbers[file]] == hours[column].tolist()
    assert [row["time"] for row in numbers["loading.csv"]] == [f"{each:%Y-%m-%dT%H:%M:%S}" for each in hours["time"]]
    assert len(numbers["voltage-without-market.csv"]) == HOURS
    worst = int(hours["highest_loading"].argmax())
    branches = run.table("branches", worst, worst)
    assert [float(row["loading"]) for row in numbers["network-branches.csv"]] == branches["loading"].tolist()
    told = {row["figure"]: row for row in numbers["kpis.csv"]}
    assert float(told["p2p_mwh"]["run"]) == kpis(run)["p2p_mwh"]
    assert float(told["p2p_mwh"]["without market"]) == 0.0


def test_limits_and_tariffs_are_those_of_their_hours(page: Page) -> None:
    tariffs = [float(row["retail_eur_per_mwh"]) for row in page.numbers["prices.csv"]]
    assert tariffs == [320.0] * CHANGED + [300.0] * (HOURS - CHANGED)
    assert "asks (320 EUR/MWh, 300 EUR/MWh from 2016-07-04 18:00 on) and pays (80 EUR/MWh)" in page.text
    assert "Dash-dotted: something was changed." in page.text
    assert {row["allowed_loading"] for row in page.numbers["loading.csv"]} == {"1.0"}
    assert list(page.numbers["loading-without-market.csv"][0]) == ["time", "highest_loading"]


@pytest.mark.parametrize("n", [1, 3])
def test_every_step_is_drawn_from_its_beginning_to_its_end(run: Run, n: int) -> None:
    points = hours_to_draw(run.hours.iloc[:n], 3600)
    drawn, begin = points.spread_out(), run.hours["time"].iloc[0]
    hours = [0.0, *(step + 0.5 for step in range(n)), float(n)]
    assert ((drawn["time"] - begin) / pd.Timedelta(hours=1)).tolist() == hours
    loading = run.hours["highest_loading"].tolist()[:n]
    assert drawn["highest_loading"].tolist() == [loading[0], *loading, loading[-1]]


def test_the_curves_and_the_histogram_are_of_all_branches_and_buses(page: Page, run: Run) -> None:
    loading = run.table("branches")
    highest = loading.groupby("branch", observed=True)["loading"].max().sort_values(ascending=False)
    duration = page.numbers["duration.csv"]
    names = [name for name in duration[0] if name != "share_of_time_percent"]
    assert float(duration[0][names[0]]) == highest.iloc[0]
    one = loading[loading["branch"] == names[0]]["loading"].sort_values(ascending=False)
    assert [float(row[names[0]]) for row in duration] == one.tolist()
    voltages = page.numbers["voltages.csv"]
    assert sum(float(row["share_percent_with_market"]) for row in voltages) == pytest.approx(100)
    v_pu, low, high = run.table("buses")["v_pu"], float(voltages[7]["from_pu"]), float(voltages[7]["to_pu"])
    assert float(voltages[7]["share_percent_with_market"]) == pytest.approx(
        100 * ((v_pu >= low) & (v_pu < high)).mean()
    )


def test_energy_and_money_add_up(page: Page) -> None:
    given = ("pv_mwh", "discharge_mwh", "import_mwh", "shed_mwh", "external_in_mwh")
    for row in page.numbers["balance.csv"]:
        energy = {name: float(value) for name, value in row.items() if name != "time"}
        total = sum(value if name in given else -value for name, value in energy.items())
        assert total == pytest.approx(0.0, abs=1e-9)
    for row in page.numbers["ledger.csv"]:
        assert sum(float(value) for name, value in row.items() if name != "reason") == pytest.approx(0.0, abs=1e-6)
    assert sum(float(row["eur"]) for row in page.numbers["gains.csv"]) == pytest.approx(0.0, abs=1e-6)


def test_money_by_party_is_that_of_the_ledger(run: Run) -> None:
    money, ledger = money_of(run), run.table("ledger").astype({"giver": str, "taker": str, "reason": str})
    row = money.parties.index("supplier")
    for column, found in (("amount_eur", money.received_eur), ("energy_mwh", money.given_mwh)):
        given = ledger.loc[ledger["giver"] == "supplier", column].sum()
        taken = ledger.loc[ledger["taker"] == "supplier", column].sum()
        assert found[row].sum() == pytest.approx(given - taken)


def test_a_report_says_what_was_simulated_changed_and_chosen(page: Page, run: Run) -> None:
    for text in (
        f"{HOURS} of {HOURS} steps of 60 minutes",
        "The run is finished.",
        "69 buses and 68 lines and transformers",
        "What is calibrated or chosen",
        " ".join(run.manifest.scenario["description"].split()),
        f"{CHANGED} tariffs.retail_eur_per_mwh 300",
        "version of pandapower",
        "retail_eur_per_mwh: 320",
    ):
        assert text in page.text


def test_the_same_log_gives_the_same_bytes_and_a_report_is_overwritten(page: Page, run: Run) -> None:
    first = (run.folder / "report.html").read_bytes()
    assert write_report(run.folder).read_bytes() == first


def test_hostile_names_are_only_text(tmp_path: Path) -> None:
    path = write_report(hostile_run(tmp_path / "run"), tmp_path / "report.html")
    page = Page.of(path)
    assert page.dangers() == []
    assert "<script>alert('x')</script>" in page.text  # as text, where a reader sees it
    assert {tag for tag, _ in page.elements} & {"script", "iframe"} == set()
    assert len(page.pictures) >= 10
    buses = page.numbers["network-buses.csv"]
    assert len(buses) == logs.N_BUSES
    assert "<script>" in buses[0]["bus"]


def test_an_unfinished_a_failed_and_an_empty_run_say_so(tmp_path: Path) -> None:
    scenario = load_scenario("case69-day").scenario.model_dump(mode="json")
    for until, status, told in (
        (20, "failed", "The simulation failed in step 20. This report is of the 20 steps before it."),
        (0, "running", "Only 0 of 48 steps are logged."),
    ):
        front = logs.manifest(48).model_copy(update={"scenario": scenario})
        folder = tmp_path / f"{status}-{until}"
        logs.go_on(RunWriter.create(folder, front), None, until).close(status)
        page = Page.of(write_report(folder))
        assert told in page.text
        assert bool(page.pictures) == (until > 0)
        assert page.dangers() == []


def test_an_altered_log_has_no_report(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(run.folder, folder)
    (folder / "report.html").unlink(missing_ok=True)
    part = next((folder / "tables" / "trades").iterdir())
    part.write_bytes(part.read_bytes()[:-1] + b"x")
    with pytest.raises(InputError, match="altered after it was written"):
        write_report(folder)
    assert not (folder / "report.html").exists()


def test_a_manifest_that_does_not_fit_the_log_is_refused(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(run.folder, folder)
    names = run.manifest.peers
    run.manifest.model_copy(update={"peers": ("somebody else", *names[1:])}).write(folder)
    with pytest.raises(InputError, match="names parties that the manifest does not"):
        write_report(folder)


def test_nothing_but_a_report_is_overwritten(run: Run, tmp_path: Path) -> None:
    notes = tmp_path / "notes.html"
    notes.write_text("<p>mine</p>")
    with pytest.raises(InputError, match="is not a report of peerflex"):
        write_report(run.folder, notes)
    assert notes.read_text() == "<p>mine</p>"
    with pytest.raises(InputError, match="is a folder"):
        write_report(run.folder, tmp_path)
    with pytest.raises(InputError, match="is not a folder"):
        write_report(run.folder, tmp_path / "nowhere" / "report.html")
    with pytest.raises(InputError, match="neither a run nor a study"):
        write_report(tmp_path)
    with pytest.raises(InputError, match="is not a folder"):
        write_report(tmp_path / "nowhere")


@settings(max_examples=8, deadline=None)
@given(st.integers(2, 12_000), st.sampled_from([900, 1800, 3600]))
def test_many_hours_are_put_together_without_losing_extremes_or_energy(steps: int, step_s: int) -> None:
    rng = np.random.default_rng(steps)
    time = pd.Timestamp("2016-01-01") + pd.to_timedelta(np.arange(steps) * step_s, unit="s")
    names = (
        "lowest_voltage_pu", "highest_voltage_pu", "highest_loading", "p2p_mwh", "p2p_price_eur_per_mwh", "lfm_mwh",
        "lfm_residual_mwh", "lfm_cost_eur", "load_mwh", "pv_mwh", "battery_mwh", "external_mwh", "losses_mwh",
        "exchange_mwh", "shed_mwh", "lost_generation_mwh",
    )  # fmt: skip
    hours = pd.DataFrame({"time": time, **{name: rng.normal(1.0, 0.1, steps) for name in names}})
    frame = hours_to_draw(hours, step_s).frame
    assert len(frame) <= MOST_POINTS
    assert (len(frame) == steps) == (steps <= MOST_POINTS)
    for name, fold in (("lowest_voltage_pu", "min"), ("highest_voltage_pu", "max"), ("highest_loading", "max")):
        assert getattr(frame[name], fold)() == getattr(hours[name], fold)()
    in_a_point = hours["time"].map(lambda each: frame["time"].searchsorted(each, "right") - 1)
    per_point = np.bincount(in_a_point, minlength=len(frame))
    assert (frame["p2p_mwh"] * per_point).sum() == pytest.approx(hours["p2p_mwh"].sum())
    value = hours["p2p_mwh"] * hours["p2p_price_eur_per_mwh"]
    assert (frame["p2p_mwh"] * frame["p2p_price_eur_per_mwh"] * per_point).sum() == pytest.approx(value.sum())


def test_long_numbers_are_cut_into_files_that_a_browser_saves() -> None:
    rows = tuple((row, "=1+1") for row in range(100_000))
    parts = Numbers("long", ("row", "what"), rows).csv()
    assert len(parts) > 1
    assert max(map(len, parts)) <= MOST_CSV + 100
    lines = [line for part in parts for line in part.splitlines()[1:]]
    assert lines == [f"{row},'=1+1" for row, _ in rows]
    assert all(part.startswith("row,what\n") for part in parts)


def test_a_number_is_never_taken_for_a_formula_and_nothing_is_a_figure_that_is_none() -> None:
    assert Numbers("n", ("a", "b", "c"), ((-1.5, float("nan"), "-x"),)).csv() == ("a,b,c\n-1.5,,'-x\n",)


def test_a_large_network_is_a_photograph_within_the_picture(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    dso = load_scenario("case69-day").scenario.dso
    drawn = network_picture(run, run.hours, dso).image
    monkeypatch.setattr(report_wires, "MOST_VECTORS", 10)
    photo = network_picture(run, run.hours, dso).image
    assert photo.count("<image xlink:href=") > drawn.count("<image xlink:href=")  # colour bars are images in both
    assert photo.count("<path") < drawn.count("<path")


def test_the_pictures_of_a_single_step_are_of_its_hours(run: Run) -> None:
    scenario = load_scenario("case69-day").scenario
    one = Timeline(hours_to_draw(run.hours.iloc[:1], 3600), None, scenario)
    for picture in (*one.wires(), *one.markets(), one.balance()):
        assert "2016-Jul-0" in picture.image  # what its axis is of; not years around it
        assert len(picture.numbers[0].rows) == 1


def test_frequency_has_a_picture_where_it_is_simulated(run: Run) -> None:
    scenario, hours = load_scenario("case69-day").scenario, run.hours
    assert Timeline(hours_to_draw(hours, 3600), None, scenario).frequency() == []
    swing = np.sin(np.arange(len(hours))) / 10
    simulated = hours.assign(extreme_hz=swing, quasi_steady_hz=swing / 2)
    (picture,) = Timeline(hours_to_draw(simulated, 3600), None, scenario).frequency()
    header, rows = picture.numbers[0].header, picture.numbers[0].rows
    assert [row[header.index("extreme_hz")] for row in rows] == swing.tolist()
    assert "mHz" in picture.image
