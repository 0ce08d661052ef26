"""A value changed anywhere in a log is found and named; a form that changed is told from a value."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from peerflex.runs.log.reader import Run, open_run
from peerflex.runs.log.tables import TABLES
from peerflex.runs.log.verify import TOLERANCE, Difference, compare, tolerance_between
from tests import logs

STEPS, PART = 14, 6
COLUMNS = [(table.name, column) for table in TABLES for column in table.schema.names]


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return open_run(logs.whole_run(tmp_path_factory.mktemp("fresh") / "run", STEPS, PART))


@pytest.fixture
def logged(fresh: Run, tmp_path: Path) -> Run:
    return open_run(Path(shutil.copytree(fresh.folder, tmp_path / "logged")))


def part(run: Run, table: str, number: int = 1) -> Path:
    return run.folder / "tables" / table / f"part-{number:05d}.parquet"


def changed(values: "pd.Series[Any]", row: int, by: float) -> "pd.Series[Any]":
    """Return the column with one value changed as little as its kind allows."""
    if isinstance(values.dtype, pd.CategoricalDtype) or values.dtype == object:
        values = values.astype(object)
        values.iloc[row] = "somebody else"
    elif values.dtype.kind == "f":
        old = values.iloc[row]
        values.iloc[row] = by if np.isnan(old) or np.isinf(old) else old + by
    elif values.dtype.kind == "b":
        values.iloc[row] = not values.iloc[row]
    elif values.dtype.kind == "M":
        values.iloc[row] += pd.Timedelta("1ms")
    else:
        values.iloc[row] += 1
    return values


def change(run: Run, table: str, column: str, row: int, by: float = 1e-6) -> None:
    rows = pd.read_parquet(part(run, table))
    rows[column] = changed(rows[column].copy(), row, by)
    rows.to_parquet(part(run, table), index=False)


def values_in(found: list[Difference]) -> list[Difference]:
    return [each for each in found if each.kind == "value"]


def test_a_log_agrees_with_itself(fresh: Run, logged: Run) -> None:
    assert compare(logged, fresh, None) == []
    assert compare(logged, fresh, TOLERANCE) == []


@pytest.mark.parametrize(("table", "column"), COLUMNS)
def test_one_value_changed_is_found(fresh: Run, logged: Run, table: str, column: str) -> None:
    rows = fresh.part(table, 1)
    row = rows.num_rows // 2
    change(logged, table, column, row)
    found = values_in(compare(open_run(logged.folder, check=False), fresh, None))
    step = rows["step"][row].as_py()
    assert [(each.table, each.part, each.column, each.row, each.step, each.count) for each in found] == [
        (table, 1, column, row, step, 1)
    ]
    assert found[0].logged != found[0].fresh
    assert f"{table}, part 1, step {step}, row {row}, {column}" in str(found[0])


@pytest.mark.parametrize("table", [table.name for table in TABLES])
def test_a_file_written_again_is_of_another_form_but_of_the_same_values(fresh: Run, logged: Run, table: str) -> None:
    rows = pd.read_parquet(part(logged, table))
    plain = rows.astype({name: object for name in rows if isinstance(rows[name].dtype, pd.CategoricalDtype)})
    plain.astype({"step": "int64", "time": "datetime64[ns]"}).to_parquet(part(logged, table), index=False)
    found = compare(logged, fresh, None)
    assert {each.kind for each in found} == {"type"}
    assert {each.table for each in found} == {table}
    assert {"step", "time"} <= {each.column for each in found}
    pq.write_table(fresh.part(table, 1), part(logged, table), compression="none")
    found = compare(logged, fresh, None)
    assert [(each.kind, each.table, each.part) for each in found] == [("bytes", table, 1)]
    assert compare(logged, fresh, TOLERANCE) == []


def test_arrow_types_of_other_tools_do_not_stop_the_comparison(fresh: Run, logged: Run) -> None:
    rows = fresh.part("peers", 1)
    spoiled = rows.set_column(2, "peer", rows["peer"].cast(pa.string()).cast(pa.large_string()))
    spoiled = spoiled.set_column(3, "load_mw", rows["load_mw"].cast(pa.float32(), safe=False))
    spoiled = spoiled.set_column(4, "load_mvar", rows["load_mvar"].cast(pa.string()))
    spoiled = spoiled.set_column(5, "pv_mw", pa.nulls(len(rows)))
    pq.write_table(spoiled, part(logged, "peers"))
    found = compare(logged, fresh, None)
    assert {each.column for each in found if each.kind == "type"} == {"peer", "load_mw", "load_mvar", "pv_mw"}
    different = {each.column: each.count for each in values_in(found)}
    assert different["load_mw"] > 0
    assert different["pv_mw"] == len(rows)
    assert "peer" not in different


def test_zero_and_minus_zero_differ_bit_by_bit_only(fresh: Run, logged: Run) -> None:
    rows = pd.read_parquet(part(logged, "buses"))
    row = int(np.flatnonzero((rows.shed_mw == 0) & np.signbit(rows.shed_mw))[0])
    rows.loc[row, "shed_mw"] = 0.0
    rows.to_parquet(part(logged, "buses"), index=False)
    assert [each.column for each in values_in(compare(logged, fresh, None))] == ["shed_mw"]
    assert values_in(compare(logged, fresh, TOLERANCE)) == []


def test_the_tolerance_is_absolute_below_one_and_relative_above(fresh: Run, logged: Run) -> None:
    change(logged, "orders", "price_eur_per_mwh", 0, by=1e-6)
    assert values_in(compare(logged, fresh, TOLERANCE)) == []
    change(logged, "orders", "price_eur_per_mwh", 0, by=1e-3)
    assert [each.column for each in values_in(compare(logged, fresh, TOLERANCE))] == ["price_eur_per_mwh"]
    change(logged, "orders", "side", 1)
    assert {each.column for each in values_in(compare(logged, fresh, 1e9))} == {"side"}


def test_infinite_is_not_near_anything(fresh: Run, logged: Run) -> None:
    change(logged, "needs", "lower", 0)
    assert [each.logged for each in values_in(compare(logged, fresh, TOLERANCE))] == ["1e-06"]


def test_rows_and_columns_that_are_missing_are_named(fresh: Run, logged: Run) -> None:
    rows = fresh.part("ledger", 1)
    pq.write_table(rows.slice(0, len(rows) - 1).drop_columns(["reason"]), part(logged, "ledger"))
    assert [(each.kind, each.table) for each in compare(logged, fresh, None)] == [
        ("rows", "ledger"),
        ("columns", "ledger"),
    ]


def test_a_part_that_cannot_be_read_is_named(fresh: Run, logged: Run) -> None:
    part(logged, "flex").write_bytes(part(fresh, "flex").read_bytes()[:-20])
    part(logged, "hours").unlink()
    found = compare(open_run(logged.folder, check=False), fresh, None)
    assert [(each.kind, each.table, each.part) for each in found] == [
        ("unreadable", "hours", 1),
        ("unreadable", "flex", 1),
    ]
    assert found[0].logged == "is missing"


def test_a_log_that_is_shorter_is_told(fresh: Run, tmp_path: Path) -> None:
    short = open_run(logs.whole_run(tmp_path / "short", STEPS, PART, until=6))
    found = compare(short, fresh, None)
    assert {each.part for each in found if each.kind == "unreadable"} == {1, 2}


def test_closing_figures_and_checkpoints_are_compared(fresh: Run, logged: Run) -> None:
    path = logged.folder / "kpis.json"
    figures = json.loads(path.read_text())
    path.write_text(json.dumps({**figures, "p2p_mwh": figures["p2p_mwh"] + 1e-6}))
    assert [(each.table, each.column) for each in compare(logged, fresh, None)] == [("kpis", "p2p_mwh")]
    path.write_text(json.dumps(figures))
    path = logged.folder / "checkpoints" / "00001.json"
    content = json.loads(path.read_text())
    content["carried"]["measured"]["loss_mw"] = (0.25).hex()
    path.write_text(json.dumps(content))
    found = compare(open_run(logged.folder), fresh, None)
    assert [(each.table, each.part, each.column) for each in found] == [("checkpoints", 1, "carried")]


def test_what_was_taken_away_is_told(fresh: Run, logged: Run, tmp_path: Path) -> None:
    (logged.folder / "kpis.json").unlink()
    assert [(each.kind, each.table) for each in compare(logged, fresh, None)] == [("unreadable", "kpis")]
    (logged.folder / "checkpoints" / "00002.json").unlink()
    short = open_run(logged.folder, check=False)
    again = open_run(logs.whole_run(tmp_path / "again", STEPS, PART, until=short.finished_steps))
    assert ("rows", "manifest") in {(each.kind, each.table) for each in compare(short, again, None)}


def test_other_processors_and_versions_are_compared_by_tolerance(fresh: Run) -> None:
    here = fresh.manifest
    assert tolerance_between(here, here) == (None, "compared bit by bit: same kind of processor and same versions")
    elsewhere = here.model_copy(update={"processor": {**here.processor, "numpy_simd": "NEON"}})
    tolerance, words = tolerance_between(here, elsewhere)
    assert tolerance == TOLERANCE
    assert "NEON" in words
    newer = here.model_copy(update={"versions": {**here.versions, "numpy": "99"}})
    tolerance, words = tolerance_between(here, newer)
    assert tolerance == TOLERANCE
    assert "numpy" in words
    assert "not bit by bit" in words
