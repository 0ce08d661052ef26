"""What the studio hands out: files of the run alone, and tables whose names stay text."""

import csv
import io

import pyarrow as pa
import pytest

pytest.importorskip("nicegui")

from peerflex.core.errors import InputError
from peerflex.runs.studio.downloads import as_csv, inside
from tests.logs import whole_run


@pytest.fixture
def run_folder(tmp_path):
    return whole_run(tmp_path / "run", 6)


def test_files_are_those_of_the_run_alone(run_folder, tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    (run_folder / "link.txt").symlink_to(secret)
    (run_folder / "up").symlink_to(tmp_path)
    (tmp_path / "run-2").mkdir()
    (tmp_path / "run-2" / "manifest.json").write_text("{}")
    assert inside(run_folder, "manifest.json").read_bytes() == (run_folder / "manifest.json").read_bytes()
    outside = [
        "../secret.txt",
        "link.txt",
        "up/secret.txt",
        str(secret),
        "tables/../../secret.txt",
        "../run-2/manifest.json",
    ]
    for path in [*outside, "", ".", "tables", "nothing", "a\0b", "x" * 5000]:
        with pytest.raises(InputError):
            inside(run_folder, path)


def test_a_csv_has_the_rows_of_the_log_and_names_stay_text():
    name = '<img src=x onerror="alert(1)">, "quoted"'
    rows = pa.table({"step": [3], "peer": pa.array([name]).dictionary_encode(), "load_mw": [0.25]})
    assert as_csv(rows).decode() == '"step","peer","load_mw"\n3,"<img src=x onerror=""alert(1)"">, ""quoted""",0.25\n'


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r"])
def test_a_name_in_a_csv_is_no_formula_and_a_negative_figure_stays_one(begin):
    name = f"{begin}cmd|'/c calc'!A0"
    named = pa.array([name, None, "a=b"])
    rows = pa.table({"peer": named.dictionary_encode(), "method": named, "load_mw": [-0.25, -1.0, 2.0]})
    written = list(csv.reader(io.StringIO(as_csv(rows).decode(), newline="")))
    assert written[1:] == [["'" + name, "'" + name, "-0.25"], ["", "", "-1"], ["a=b", "a=b", "2"]]
