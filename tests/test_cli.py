"""The command line as a user meets it: what it prints, its exit codes, and one message for whatever is wrong."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from peerflex.runs.cli import app, main
from tests import child

Outcome = tuple[int, str, str]
Command = Callable[..., Outcome]


@pytest.fixture
def peerflex(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Return the command as a function: exit code, standard output, standard error."""

    def command(*arguments: str | Path) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["peerflex", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            main()
        printed = capsys.readouterr()
        return int(stopped.value.code or 0), printed.out, printed.err

    return command


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a finished run."""
    folder = tmp_path_factory.mktemp("cli") / "done"
    code, _, err = child.peerflex("run", "case69-day", "--hours", "6", "--out", folder)
    assert code == 0, err
    return folder


def test_a_run_leaves_log_picture_checks_and_reference(done: Path) -> None:
    assert json.loads((done / "manifest.json").read_text())["status"] == "done"
    assert (done / "picture.png").stat().st_size > 20_000
    checks = json.loads((done / "checks.json").read_text())
    assert checks["worst_step"]["deviation_pu"] <= 1e-8
    assert checks["worst_step"]["deviation_loading"] <= 1e-6
    assert (done / "reference" / "kpis.json").is_file()


def test_list_names_what_there_is(peerflex: Command) -> None:
    code, out, _ = peerflex("list")
    assert code == 0
    for word in ("lv-week", "case69-day", "lv-designs", "prosumer", "truthful", "uniform-auction", "bilateral-pool"):
        assert word in out
    for word in ("CM4-LFM", "iterative", "last-in-first-out", "required"):
        assert word in out
    for word in ("MISSING", "quoting_of_group", "interface_eur_per_mwh"):
        assert word not in out


def test_check_resolves_without_simulating(peerflex: Command) -> None:
    code, out, _ = peerflex("check", "case69-day", "--set", "market.p2p.kind=bilateral-pool")
    assert code == 0
    assert "69 buses" in out
    assert "bilateral-pool" in out


def test_replay_prints_hours_and_closing_tables_from_the_log_alone(peerflex: Command, done: Path) -> None:
    code, out, _ = peerflex("replay", done)
    assert code == 0
    assert "07-04 05:00" in out
    assert "violation_hours" in out


def test_replay_verify_finds_nothing_or_the_value_that_was_changed(
    peerflex: Command, done: Path, tmp_path: Path
) -> None:
    assert peerflex("replay", done, "--verify")[0] == 0
    shutil.copytree(done, tmp_path / "altered")
    part = tmp_path / "altered" / "tables" / "buses" / "part-00000.parquet"
    rows = pd.read_parquet(part)
    rows.loc[100, "v_pu"] += 1e-6
    rows.to_parquet(part)
    code, out, err = peerflex("replay", tmp_path / "altered", "--verify")
    assert code == 3
    assert "v_pu" in out
    assert "row 100" in out
    assert "differ" in err
    assert peerflex("replay", tmp_path / "altered")[0] == 2


def test_schema_is_json_schema(peerflex: Command) -> None:
    code, out, _ = peerflex("schema")
    assert code == 0
    assert "demand_factor" in json.dumps(json.loads(out))


def test_help_teaches(peerflex: Command) -> None:
    for command in ("run", "replay", "study", "check"):
        code, out, _ = peerflex(command, "--help")
        assert code == 0
        assert "peerflex" in out


PLUGIN = '''
from dataclasses import dataclass
import numpy as np
from peerflex.core.people import Observation, Plan
from peerflex.core.trade import Orders

@dataclass(frozen=True)
class Idle:
    """Does nothing."""
    def bid(self, seen: Observation, rng: np.random.Generator) -> Plan:
        return Plan(np.zeros(len(seen.peer)), seen.pv_mw, Orders.empty())

@dataclass(frozen=True)
class Failing:
    def bid(self, seen, rng):
        if seen.start_s >= 7200:
            raise ValueError("out of ideas")
        return Idle().bid(seen, rng)

BEHAVIOURS = {"idle": Idle, "failing": Failing}
'''


def test_a_plugin_brings_a_behaviour_and_a_failing_one_is_a_failed_run(peerflex: Command, tmp_path: Path) -> None:
    plugin = tmp_path / "mine.py"
    plugin.write_text(PLUGIN)
    both = ("--set", "peers.prosumers.behaviour.kind={}", "--set", "peers.truthful.behaviour.kind={}")
    idle = [word.format("idle") for word in both]
    code, _, _ = peerflex("run", "case69-day", "--hours", "3", "--out", tmp_path / "a", "--plugin", plugin, *idle)
    assert code == 0
    assert (tmp_path / "a" / "inputs" / "plugins" / "mine.py").read_text() == PLUGIN
    failing = [word.format("failing") for word in both]
    code, _, err = peerflex("run", "case69-day", "--hours", "4", "--out", tmp_path / "b", "--plugin", plugin, *failing)
    assert code == 4
    assert "step 2, behaviour 'prosumers': ValueError: out of ideas" in err
    assert json.loads((tmp_path / "b" / "manifest.json").read_text())["status"] == "failed"


def _write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


OWN_GRID = (
    "name: mine\ngrid: {{source: pandapower, path: {}}}\nprofiles: {{source: shapes, load: residential-evening}}\n"
)


def _own_grid(folder: Path, name: str) -> Path:
    return _write(folder / "mine.yaml", OWN_GRID.format(name))


def _altered(done: Path, folder: Path, change: Callable[[Path], object]) -> Path:
    copy = folder / "copy"
    shutil.copytree(done, copy)
    change(copy)
    return copy


def _manifest(copy: Path, **changes: object) -> None:
    path = copy / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def _part(copy: Path) -> Path:
    return copy / "tables" / "trades" / "part-00000.parquet"


def _halve(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _island(folder: Path) -> None:
    import pandapower

    net = pandapower.networks.case33bw()
    net.line.loc[(net.line.to_bus == 17) | (net.line.from_bus == 17), "in_service"] = False
    pandapower.to_json(net, str(folder / "island.json"))


Case = Callable[[Path, Path], list[str | Path]]
BAD: dict[str, tuple[Case, str]] = {
    "unknown scenario": (lambda t, d: ["run", "lv-weak"], "Did you mean 'lv-week'"),
    "missing file": (lambda t, d: ["run", t / "none.yaml"], "no such file"),
    "unknown key": (lambda t, d: ["run", "lv-week", "--set", "grid.factor=2"], "no such key"),
    "outside its range": (lambda t, d: ["run", "lv-week", "--set", "grid.demand_factor=1000"], "grid.demand_factor"),
    "not a number": (lambda t, d: ["run", "lv-week", "--set", "grid.pv_factor=.nan"], "grid.pv_factor"),
    "negative capacity": (lambda t, d: ["run", "lv-week", "--set", "peers.prosumers.battery_kwh=-1"], "battery_kwh"),
    "missing bus": (
        lambda t, d: [
            "check",
            _write(
                t / "s.yaml",
                "name: s\ngrid: {source: bundled, code: case69}\n"
                "profiles: {source: shapes, load: residential-evening}\n"
                "peers: [{name: far, at_buses: [700], behaviour: {kind: truthful}}]\n",
            ),
        ],
        "no bus '700'",
    ),
    "unknown behaviour": (
        lambda t, d: ["run", "lv-week", "--set", "peers.prosumers.behaviour.kind=prosumr"],
        "Did you mean 'prosumer'",
    ),
    "unknown parameter": (
        lambda t, d: ["run", "lv-week", "--set", "peers.prosumers.behaviour.gread=1"],
        "Did you mean 'greed'",
    ),
    "parameter outside its range": (
        lambda t, d: ["run", "lv-week", "--set", "peers.prosumers.behaviour.greed=7"],
        "peers.0.behaviour.greed",
    ),
    "unknown market": (lambda t, d: ["run", "lv-week", "--set", "market.p2p.kind=bazaar"], "market.p2p.kind"),
    "interface price outside the bids": (
        lambda t, d: ["run", "lv-week", "--set", "tariffs.interface_eur_per_mwh=230"],
        "not between the flexibility bids",
    ),
    "unknown SimBench code": (lambda t, d: ["run", "lv-week", "--set", "grid.code=1-LV-nowhere"], "grid"),
    "unreadable network": (lambda t, d: ["check", (_write(t / "n.json", "{]"), _own_grid(t, "n.json"))[1]], "n.json"),
    "network with an island": (lambda t, d: ["check", (_island(t), _own_grid(t, "island.json"))[1]], "island"),
    "path outside the folder": (lambda t, d: ["check", _own_grid(t, "../n.json")], "leads out"),
    "profile too short": (lambda t, d: ["run", "lv-week", "--set", "time.start=2016-12-31"], "time.hours"),
    "start outside the profiles": (lambda t, d: ["run", "lv-week", "--set", "time.start=2019-01-01"], "time.start"),
    "plugin that does not import": (
        lambda t, d: ["run", "lv-week", "--plugin", _write(t / "p.py", "import nothing_of_this_name")],
        "does not import",
    ),
    "plugin without anything": (lambda t, d: ["run", "lv-week", "--plugin", _write(t / "p.py", "a = 1")], "BEHAVIOURS"),
    "plugin that is no file": (lambda t, d: ["run", "lv-week", "--plugin", t / "p.py"], "no such Python file"),
    "folder that exists": (lambda t, d: ["run", "case69-day", "--out", d], "exists already"),
    "run and resume at once": (lambda t, d: ["run", "case69-day", "--resume", d], "Name one of the two"),
    "resume with other settings": (lambda t, d: ["run", "--resume", d, "--seed", "2"], "as it was begun"),
    "resume of a run that is done": (lambda t, d: ["run", "--resume", d], "done"),
    "not a run": (lambda t, d: ["replay", t], "is not a run"),
    "not a folder": (lambda t, d: ["replay", t / "nowhere"], "is not a folder"),
    "log of an unsupported version": (
        lambda t, d: ["replay", _altered(d, t, lambda c: _manifest(c, format=99))],
        "unsupported version",
    ),
    "manifest that lost a field": (
        lambda t, d: ["replay", _altered(d, t, lambda c: _manifest(c, steps="many"))],
        "manifest was altered",
    ),
    "truncated part": (lambda t, d: ["replay", _altered(d, t, lambda c: _halve(_part(c)))], "truncated"),
    "missing part": (lambda t, d: ["replay", _altered(d, t, lambda c: _part(c).unlink())], "is missing"),
    "altered part": (
        lambda t, d: ["replay", _altered(d, t, lambda c: _part(c).write_bytes(_part(c).read_bytes()[::-1]))],
        "was altered",
    ),
    "altered scenario": (
        lambda t, d: ["replay", _altered(d, t, lambda c: _manifest(c, scenario={"name": "x"})), "--verify"],
        "grid",
    ),
    "seeds the wrong way round": (lambda t, d: ["study", "lv-designs", "--seeds", "5-1"], "seeds"),
    "unknown study": (lambda t, d: ["study", "lv-design"], "Did you mean 'lv-designs'"),
    "unknown schema": (lambda t, d: ["schema", "weather"], "weather"),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_input_is_one_message_and_exit_code_2(kind: str, peerflex: Command, tmp_path: Path, done: Path) -> None:
    arguments, expected = BAD[kind]
    code, _, err = peerflex(*arguments(tmp_path, done))
    assert code == 2, err
    assert err.startswith("peerflex: ")
    assert expected in err
    assert "Traceback" not in err


def test_help_is_quick_because_nothing_heavy_is_imported() -> None:
    """A time would depend on the machine; what is imported does not."""
    script = (
        "import sys, peerflex.runs.cli\n"
        "heavy = {'pandapower', 'mesa', 'mosaik', 'pandas', 'matplotlib', 'scipy', 'numpy', 'pyarrow', 'pydantic'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    answer = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert answer.stdout.strip() == "[]"


@pytest.mark.tree
def test_the_reference_page_names_every_command_and_option() -> None:
    from typer.main import get_command

    page = (Path(__file__).parents[1] / "docs" / "reference" / "cli.md").read_text()
    for name, command in get_command(app).commands.items():  # type: ignore[attr-defined]
        assert f"| `{name}" in page
        for parameter in command.params:
            if parameter.param_type_name == "option" and parameter.name != "help":
                assert f"`{parameter.opts[0]}`" in page, (name, parameter.opts)
