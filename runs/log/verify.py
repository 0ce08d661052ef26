"""Compare a log with a fresh simulation of the same scenario, value by value."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from peerflex.core.arrays import Bools
from peerflex.core.errors import InputError
from peerflex.runs.log.manifest import Manifest
from peerflex.runs.log.reader import Run
from peerflex.runs.log.store import part_path
from peerflex.runs.log.tables import TABLES

TOLERANCE: Final = 1e-6
"""Relative to values above 1, absolute below: what other processors and versions may differ by."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Where a log and its fresh simulation part; ``row`` counts within the part's file, None: not about one row.

    ``kind`` is 'value'; 'type' or 'bytes' if only the form differs, not the values; 'rows', 'columns' or
    'unreadable' if there is nothing to compare with. ``count`` rows of the column differ, this is the first.
    """

    kind: Literal["value", "type", "bytes", "rows", "columns", "unreadable"]
    table: str
    part: int | None
    column: str
    logged: str
    fresh: str
    step: int | None = None
    row: int | None = None
    count: int = 1

    def __str__(self) -> str:
        where = [self.table]
        where += [] if self.part is None else [f"part {self.part}"]
        where += [] if self.step is None else [f"step {self.step}"]
        where += [] if self.row is None else [f"row {self.row}"]
        where += [self.column] if self.column else []
        more = f" (and {self.count - 1} more rows)" if self.count > 1 else ""
        return f"{', '.join(where)}: {self.kind} {self.logged} in the log, {self.fresh} simulated again{more}"


def tolerance_between(logged: Manifest, fresh: Manifest) -> tuple[float | None, str]:
    """Return the tolerance that two runs can be compared by (None: exactly), and the reason in words."""
    pairs = [
        (name, mine.get(name, "none"), other.get(name, "none"))
        for mine, other in ((logged.versions, fresh.versions), (logged.processor, fresh.processor))
        for name in sorted(mine.keys() | other.keys())
    ]
    unlike = [f"{name} {mine} then, {other} now" for name, mine, other in pairs if mine != other]
    if not unlike:
        return None, "compared bit by bit: same kind of processor and same versions"
    return TOLERANCE, f"compared by a tolerance of {TOLERANCE:g}, not bit by bit: {'; '.join(unlike)}"


def compare(logged: Run, fresh: Run, tolerance: float | None) -> list[Difference]:
    """Return every column of every part in which a log differs from its fresh simulation (best opened unchecked).

    ``tolerance`` None compares bit by bit; otherwise floats may differ by ``tolerance * max(1, |value|)``.
    """
    parts = sorted({point.part for run in (logged, fresh) for point in run.checkpoints})
    found = [each for table in TABLES for part in parts for each in _part(logged, fresh, table.name, part, tolerance)]
    found += [*_length(logged, fresh), *_kpis(logged, fresh, tolerance)]
    return found if tolerance is not None else [*found, *_carried(logged, fresh)]


def _part(logged: Run, fresh: Run, name: str, part: int, tolerance: float | None) -> list[Difference]:
    paths = [part_path(run.folder, name, part) for run in (logged, fresh)]
    if all(path.is_file() for path in paths) and paths[0].read_bytes() == paths[1].read_bytes():
        return []
    try:
        mine = logged.part(name, part)
    except InputError as error:
        return [Difference("unreadable", name, part, "", error.problem.what, "whole")]
    try:
        other = fresh.part(name, part)
    except InputError as error:
        return [Difference("unreadable", name, part, "", "whole", error.problem.what)]
    found = list(_columns(mine, other, name, part, tolerance))
    if not found and tolerance is None:
        found = [Difference("bytes", name, part, "", "another file of the same values", "the file as written")]
    return found


def _columns(mine: pa.Table, other: pa.Table, name: str, part: int, tolerance: float | None) -> Iterator[Difference]:
    if mine.num_rows != other.num_rows:
        yield Difference("rows", name, part, "", f"{mine.num_rows} rows", f"{other.num_rows} rows")
    if mine.column_names != other.column_names:
        yield Difference("columns", name, part, "", ", ".join(mine.column_names), ", ".join(other.column_names))
    common = min(mine.num_rows, other.num_rows)
    for column in other.column_names:
        if mine.column_names.count(column) != 1:
            continue
        left, right = mine[column][:common], other[column][:common]
        if left.type != right.type:
            yield Difference("type", name, part, column, str(left.type), str(right.type))
        rows = np.flatnonzero(_differ(left, right, tolerance))
        if rows.size:
            row = int(rows[0])
            step = other["step"][row].as_py()
            yield Difference(
                "value", name, part, column, _text(left[row]), _text(right[row]), step, row, int(rows.size)
            )


def _text(value: Any) -> str:
    return repr(value.as_py())


def _differ(left: pa.ChunkedArray, right: pa.ChunkedArray, tolerance: float | None) -> Bools:
    left, right = _plain(left), _plain(right)
    if pa.types.is_string(left.type) or pa.types.is_string(right.type):
        left, right = left.cast(pa.string()), right.cast(pa.string())
        unlike = pc.fill_null(pc.not_equal(left, right), True)
        both_null = pc.and_(pc.is_null(left), pc.is_null(right))
        return np.asarray(pc.and_not(unlike, both_null))
    return _unlike(left.to_numpy(), right.to_numpy(), tolerance)


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return the values whatever form a tool gave them: names as text, times in nanoseconds."""
    kind = column.type
    if pa.types.is_dictionary(kind) or pa.types.is_large_string(kind) or pa.types.is_null(kind):
        return column.cast(pa.string())
    return column.cast(pa.timestamp("ns")) if pa.types.is_timestamp(kind) else column


def _unlike(left: npt.NDArray[Any], right: npt.NDArray[Any], tolerance: float | None) -> Bools:
    if not (left.dtype.kind == right.dtype.kind == "f"):
        return np.asarray(left != right)
    alike = (left == right) | (np.isnan(left) & np.isnan(right))
    if tolerance is None:
        alike &= (np.signbit(left) == np.signbit(right)) | np.isnan(left)
    else:
        with np.errstate(invalid="ignore"):  # inf - inf is settled by equality
            alike |= np.isfinite(right) & (np.abs(left - right) <= tolerance * np.maximum(1.0, np.abs(right)))
    return np.asarray(~alike)


def _length(logged: Run, fresh: Run) -> Iterator[Difference]:
    steps = logged.manifest.finished_steps
    if logged.manifest.status != "running" and steps != fresh.finished_steps:
        yield Difference("rows", "manifest", None, "finished_steps", str(steps), str(fresh.finished_steps))


def _kpis(logged: Run, fresh: Run, tolerance: float | None) -> Iterator[Difference]:
    if logged.manifest.status == "running":  # it was never closed
        return
    try:
        mine, other = logged.kpis, fresh.kpis
    except InputError as error:
        yield Difference("unreadable", "kpis", None, "", error.problem.what, "whole")
        return
    for name in sorted(mine.keys() | other.keys()):
        values = np.array([mine.get(name, np.inf)]), np.array([other.get(name, np.inf)])
        if _unlike(*values, tolerance)[0]:
            yield Difference("value", "kpis", None, name, str(mine.get(name)), str(other.get(name)))


def _carried(logged: Run, fresh: Run) -> Iterator[Difference]:
    for mine, other in zip(logged.checkpoints, fresh.checkpoints, strict=False):
        if mine.carried != other.carried or mine.next_step != other.next_step:
            told = (f"step {mine.next_step}, what is carried", f"step {other.next_step}, another")
            yield Difference("value", "checkpoints", mine.part, "carried", *told)
