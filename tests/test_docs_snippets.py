"""What the pages print can be done: commands parse, scenarios build, plugins keep their contract, Python runs."""

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from peerflex.runs import api
from peerflex.runs.area.build import build
from peerflex.runs.area.plugins import registry
from peerflex.runs.cli import app
from peerflex.scenarios.load import load_scenario
from tests.contracts import EDGE_BOOKS, check_market

pytestmark = pytest.mark.tree

ROOT = Path(__file__).parents[1]
PAGES = [*ROOT.glob("README.md"), *sorted((ROOT / "docs").rglob("*.md"))]  # none where only the wheel is
TUTORIAL = ROOT / "docs" / "tutorial" / "first-week.md"
HOW_TO = ROOT / "docs" / "how-to"


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)


def commands() -> Iterator[tuple[str, list[str]]]:
    """Return every printed call of peerflex, by page."""
    for page in PAGES:
        for line in "".join(blocks(page, "sh")).splitlines():
            words = shlex.split(line.split(">")[0], comments=True)
            if words and Path(words[0]).name == "peerflex":
                yield page.name, words[1:]


@pytest.mark.parametrize(("page", "words"), [pytest.param(*each, id=" ".join(each[1])) for each in commands()])
def test_printed_commands_are_understood(page: str, words: list[str]) -> None:
    from typer.main import get_command

    name, *arguments = words
    command = get_command(app).commands[name]  # type: ignore[attr-defined]
    command.make_context(name, arguments)  # raises for an unknown option or a missing argument


def test_printed_scenarios_build(tmp_path: Path) -> None:
    built = {}
    for text in blocks(HOW_TO / "write-a-scenario.md", "yaml"):
        if (document := yaml.safe_load(text)) is not None:
            path = tmp_path / f"{document['name']}.yaml"
            path.write_text(text)
            built[path.stem] = build(load_scenario(str(path)), registry()).area
    assert set(built) == {"big-batteries", "own-street"}
    assert built["own-street"].steps == 96
    members = [int((built["big-batteries"].peers.behaviour == kind).sum()) for kind in (0, 1)]
    assert (
        f"prosumers           {members[0]}\n   truthful            {members[1]}\n"
        in (HOW_TO / "write-a-scenario.md").read_text()
    )


def test_the_printed_market_keeps_the_contract_and_clears_its_scenario(tmp_path: Path) -> None:
    page = HOW_TO / "write-a-market.md"
    plugin, scenario = tmp_path / "posted_price.py", tmp_path / "posted-week.yaml"
    plugin.write_text(blocks(page, "python")[0])
    scenario.write_text(blocks(page, "yaml")[0])
    market = registry([plugin]).markets["posted-price"](70.0)
    traded = [len(check_market(market, orders).trades) for orders in EDGE_BOOKS.values()]
    assert any(traded)
    settings = ["reference=none"]
    run = api.run(scenario, hours=12, settings=settings, plugins=[plugin], driver="mesa", out=tmp_path / "posted")
    assert set(run.table("trades")["price_eur_per_mwh"]) == {180.0}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the runs that the pages speak of."""
    folder = tmp_path_factory.mktemp("pages")
    for name, settings in (("first", []), ("trade-only", ["market.lfm.kind=none"])):
        out = folder / "results" / name
        api.run("lv-week", settings=["reference=none", *settings], driver="mesa", out=out)
    return folder


def test_the_figures_of_the_tutorial_are_those_of_its_runs(results: Path) -> None:
    first, trade_only = (api.open_run(results / "results" / name).kpis for name in ("first", "trade-only"))
    text = "".join(blocks(TUTORIAL, "text"))
    printed = re.findall(r"^ ?(\w+) +([\d.]+) +([\d.]+)( +\S+)?$", text, re.MULTILINE)
    assert len(printed) == 8 + 5
    for name, one, other, unit in printed:
        assert float(one) == pytest.approx(first[name], rel=1e-4, abs=6e-3), name
        if not unit:  # the table that compares the two
            assert float(other) == pytest.approx(trade_only[name], rel=1e-4, abs=6e-3), name


@pytest.mark.parametrize(
    ("page", "last"),
    [(TUTORIAL, "peer_cost_eur"), (HOW_TO / "read-a-run.md", "buyers gained")],
    ids=lambda each: str(each)[-12:],
)
def test_printed_python_runs_and_prints_what_the_page_says(page: Path, last: str, results: Path) -> None:
    script = "\n".join(blocks(page, "python"))
    done = subprocess.run([sys.executable, "-c", script], cwd=results, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert last in done.stdout
    said = {" ".join(line.split()) for line in done.stdout.splitlines()}
    shown = [line for text in blocks(page, "text") for line in text.splitlines() if last in line]
    assert " ".join(shown[-1].split()) in said


def test_the_printed_query_asks_for_columns_there_are(results: Path) -> None:
    (query,) = blocks(HOW_TO / "read-a-run.md", "sql")
    ledger = api.open_run(results / "results" / "first").table("ledger")
    words = set(re.findall(r"[a-z_]+", query))
    assert {"taker", "energy_mwh", "amount_eur", "reason"} <= words & set(ledger.columns)
    assert "p2p" in set(ledger["reason"])


@pytest.mark.parametrize("apart", [False, True], ids=["in process", "own process"])
def test_the_coupling_script_puts_the_heat_pump_on_the_wires(
    apart: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(HOW_TO / "couple_csv.py", tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    import couple_csv

    run = couple_csv.main(
        tmp_path / "run", hours=2, simulator=couple_csv.OWN_PROCESS if apart else couple_csv.IN_PROCESS
    )
    buses = run.table("buses")
    drawn = buses.loc[buses["bus"] == couple_csv.BUS, "external_mw"].tolist()
    assert drawn == pytest.approx([-0.2, -0.2, 0.0, 0.0] * 2)
    ledger = run.table("ledger")
    bill = ledger[(ledger["taker"] == "others") & (ledger["reason"] == "residual")]
    assert bill["energy_mwh"].sum() == pytest.approx(4 * 0.2 / 4)


def test_the_printed_solara_page_is_the_one_that_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import ipyvuetify
    import solara

    (tmp_path / "solara_page.py").write_text(blocks(HOW_TO / "use-solara.md", "python")[0])
    monkeypatch.syspath_prepend(tmp_path)
    import solara_page

    _, page = solara.render(solara.AppLayout(children=[solara_page.Page()]), handle_error=False)
    try:
        page.find(ipyvuetify.Btn, children=["Step"]).widget.click()
        lowest = solara_page.MODEL.value.record.state.v_pu.min()
        assert len(page.find(ipyvuetify.Html, children=[f"hour 0: lowest voltage {lowest:.4f} pu"])) == 1
    finally:
        page.close()


def test_the_printed_feeder_is_regulated(tmp_path: Path) -> None:
    for text in blocks(HOW_TO / "coordinate-tso-and-dso.md", "yaml"):
        path = tmp_path / f"{yaml.safe_load(text)['name']}.yaml"
        path.write_text(text)
    run = api.run(str(tmp_path / "my-feeder-regulated.yaml"), out=tmp_path / "run")
    hours = run.table("hours")
    asked = hours["tso_request_mw"].to_numpy()
    assert not asked[:19].any()
    assert asked[19] > 0
    assert hours["tso_contracted_mw"][19] > 0


def test_the_printed_changes_take_hold(tmp_path: Path) -> None:
    (text,) = blocks(HOW_TO / "branch-a-run.md", "yaml")
    path = tmp_path / f"{yaml.safe_load(text)['name']}.yaml"
    path.write_text(text)
    events = api.run(str(path), out=tmp_path / "run", settings=["reference=none"]).table("events")
    told = events[events["kind"] == "changed"].groupby("step")["where"].apply(list).to_dict()
    assert told == {
        12: ["market.incentive.kind"],
        18: ["agents.load 8", "agents.load 9", "peers.prosumers.battery_kwh"],
    }
