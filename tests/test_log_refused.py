"""A run that is not what was written is refused, in one message that names the file and the remedy."""

import json
import shutil
from pathlib import Path

import pytest

from peerflex.core.errors import InputError, PeerflexError
from peerflex.runs.log.reader import open_run
from peerflex.runs.log.tables import TABLES
from peerflex.runs.log.writer import RunWriter
from tests import logs

STEPS, PART = 14, 6  # two whole parts and two steps


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return logs.whole_run(tmp_path_factory.mktemp("whole") / "run", STEPS, PART)


@pytest.fixture
def copy(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "copy"))


def refused(folder: Path, *words: str) -> None:
    """Check that a run is refused in one line of three parts that names what is wrong."""
    with pytest.raises(InputError) as caught:
        open_run(folder)
    problem = caught.value.problem
    assert problem.where
    assert problem.remedy.endswith(".") or "peerflex replay" in problem.remedy
    assert "\n" not in str(problem)
    for word in words:
        assert word in str(problem)


def part(folder: Path, table: str = "peers", number: int = 1) -> Path:
    return folder / "tables" / table / f"part-{number:05d}.parquet"


def test_a_folder_that_exists_is_refused(whole: Path) -> None:
    with pytest.raises(InputError, match="exists already"):
        RunWriter.create(whole, logs.manifest(1))


def test_a_missing_input_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.csv: cannot be used"):
        RunWriter.create(tmp_path / "run", logs.manifest(1), {"load.csv": tmp_path / "nowhere.csv"})


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    refused(tmp_path / "nowhere", "nowhere", "is not a folder")
    refused(tmp_path, "it has no manifest.json")


def test_another_version_is_refused(copy: Path) -> None:
    page = json.loads((copy / "manifest.json").read_text())
    (copy / "manifest.json").write_text(json.dumps({**page, "format": 99}))
    refused(copy, "manifest.json, format", "log of an unsupported version: 99")
    (copy / "manifest.json").write_text("[]")
    refused(copy, "log of an unsupported version: None")


def test_a_broken_manifest_is_refused(copy: Path) -> None:
    content = (copy / "manifest.json").read_text()
    (copy / "manifest.json").write_text(content[: len(content) // 2])
    refused(copy, "manifest.json", "cannot be read as JSON")
    (copy / "manifest.json").write_text(json.dumps({**json.loads(content), "seed": "x"}))
    refused(copy, "manifest.json, seed")
    (copy / "manifest.json").write_text(json.dumps({**json.loads(content), "colour": "red"}))
    refused(copy, "manifest.json, colour")


@pytest.mark.parametrize("table", [table.name for table in TABLES])
def test_an_altered_part_is_refused(copy: Path, table: str) -> None:
    path = part(copy, table)
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 1
    path.write_bytes(bytes(content))
    refused(copy, f"tables/{table}/part-00001.parquet", "altered", f"peerflex replay {copy} --verify")


def test_a_truncated_part_is_refused(copy: Path) -> None:
    path = part(copy)
    path.write_bytes(path.read_bytes()[:-5])
    refused(copy, "part-00001.parquet", "was truncated", "--verify")
    with pytest.raises(InputError, match="cannot be read as Parquet"):
        open_run(copy, check=False).table("peers")


def test_a_missing_part_is_refused(copy: Path) -> None:
    part(copy).unlink()
    refused(copy, "part-00001.parquet", "is missing")
    with pytest.raises(InputError, match="is missing"):
        open_run(copy, check=False).table("peers")


def test_a_log_cut_short_is_refused(copy: Path) -> None:
    last = copy / "checkpoints" / "00002.json"
    content = last.read_text()
    last.unlink()
    refused(copy, "00002.json", "cut short")
    last.write_text(content[:100])
    refused(copy, "00002.json", "cannot be read as JSON")
    last.write_text('{"part": 2}')
    refused(copy, "00002.json", "is not a checkpoint")
    last.write_text(content)
    (copy / "checkpoints" / "00001.json").unlink()
    refused(copy, "00001.json", "is missing")


def test_a_table_that_does_not_exist_is_refused(whole: Path) -> None:
    with pytest.raises(InputError, match=r"table prices: does not exist.*hours"):
        open_run(whole).table("prices")


def test_a_run_never_closed_has_no_kpis(copy: Path) -> None:
    (copy / "kpis.json").unlink()
    with pytest.raises(InputError, match="was not closed"):
        _ = open_run(copy).kpis


def test_a_finished_run_is_not_resumed(whole: Path) -> None:
    with pytest.raises(InputError, match="this run is done"):
        RunWriter.resume(whole, logs.Carried)


def test_a_run_with_an_altered_part_is_not_resumed(tmp_path: Path) -> None:
    folder = logs.whole_run(tmp_path / "run", STEPS, PART, until=10)
    path = part(folder, "hours", 0)
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(PeerflexError, match="was altered"):
        RunWriter.resume(folder, logs.Carried)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("steps", 10**12, "steps"),
        ("steps", 0, "steps"),
        ("finished_steps", 99, "finished_steps"),
        ("part_steps", 0, "part_steps"),
        ("step_seconds", -60, "step_seconds"),
        ("peer_groups", [], "peer_groups"),
        ("branch_rating_mva", [], "branch_rating_mva"),
        ("inputs", {"../../loads.csv": "0" * 64}, "not in the run's own folder"),
        ("inputs", {"/etc/hostname": "0" * 64}, "not in the run's own folder"),
    ],
)
def test_a_manifest_that_no_run_can_have_is_refused(copy: Path, field: str, value: object, words: str) -> None:
    content = json.loads((copy / "manifest.json").read_text())
    (copy / "manifest.json").write_text(json.dumps({**content, field: value}))
    refused(copy, "manifest.json", words)


@pytest.mark.parametrize(
    ("field", "value"),
    [("part", "../x"), ("part", 5), ("part", -1), ("next_step", 10**9), ("next_step", 3.5), ("next_step", 0)],
)
def test_a_checkpoint_of_another_part_is_refused(copy: Path, field: str, value: object) -> None:
    path = copy / "checkpoints" / "00001.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), field: value}))
    refused(copy, "00001.json", "is not a checkpoint")


def test_a_part_that_would_fill_the_memory_is_not_read(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("peerflex.runs.log.store.MOST_BYTES", 100)
    with pytest.raises(InputError, match="unpacks to"):
        open_run(copy).table("peers")
