"""Read a run from its folder alone, and refuse one that is not what was written."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pyarrow as pa

from peerflex.core.errors import InputError
from peerflex.runs.log import manifest as front
from peerflex.runs.log.checkpoint import Checkpoint, decode, read_checkpoints
from peerflex.runs.log.manifest import Manifest, read_manifest
from peerflex.runs.log.store import part_path, read_json, read_part, sha256
from peerflex.runs.log.tables import TABLES

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")

SCHEMAS = {table.name: table.schema for table in TABLES}
"""Every table's columns of today, by its name."""

REFERENCE = "reference"
"""Folder of a run's reference: the same without a market."""

_AGAIN = "Restore it from a copy, or simulate again."


@dataclass(frozen=True, slots=True)
class Run:
    """A run on disk: its manifest and, part by part, its tables. ``open_run`` makes it."""

    folder: Path
    manifest: Manifest
    checkpoints: tuple[Checkpoint, ...]

    @property
    def finished_steps(self) -> int:
        """Steps that can be read: those before the last checkpoint."""
        return self.checkpoints[-1].next_step if self.checkpoints else 0

    @property
    def hours(self) -> "pd.DataFrame":
        return self.table("hours")

    @property
    def kpis(self) -> dict[str, float]:
        """Return the closing figures by name (NaN where one does not exist).

        Raises:
            InputError: if the run was never closed.
        """
        path = self.folder / "kpis.json"
        if not path.is_file():
            raise InputError(str(path), "is missing: the run was not closed", _resume(self.folder))
        return {name: math.nan if value is None else float(value) for name, value in read_json(path).items()}

    def table(self, name: str, first: int = 0, last: int | None = None) -> "pd.DataFrame":
        """Return a table as pandas, its steps ``first`` to ``last`` (inclusive; None: to the end).

        Raises:
            InputError: if there is no such table or it cannot be read.
        """
        rows = self.rows(name, first, last)
        return rows.to_pandas()  # type: ignore[no-any-return]

    def rows(self, name: str, first: int = 0, last: int | None = None) -> pa.Table:
        """Return a table as Arrow; parts outside the steps asked for are not touched."""
        if name not in SCHEMAS:
            raise InputError(f"{self.folder}, table {name}", "does not exist", f"Tables are {', '.join(SCHEMAS)}.")
        end = self.finished_steps if last is None else last + 1
        size = self.manifest.part_steps
        parts = [
            self.part(name, point.part)
            for point in self.checkpoints
            if point.part * size < end and point.next_step > first
        ]
        whole = pa.concat_tables([SCHEMAS[name].empty_table(), *parts], promote_options="default").unify_dictionaries()
        if first == 0 and end >= self.finished_steps:
            return whole
        step = whole["step"].to_numpy()
        return whole.filter(pa.array((step >= first) & (step < end)))

    def part(self, name: str, part: int) -> pa.Table:
        """Return one part of a table as Arrow."""
        return read_part(part_path(self.folder, name, part))

    def carried_before(self, step: int, kind: type[T]) -> tuple[T | None, int]:
        """Return what the run carried at the last end of a whole part not after ``step``, and that step.

        The end of the run counts as the end of a whole part. (None, 0) is the start of the scenario.
        """
        whole = (self.manifest.steps, *range(0, step + 1, self.manifest.part_steps))
        for point in reversed(self.checkpoints):
            if point.next_step <= step and point.next_step in whole:
                return decode(kind, point.carried), point.next_step
        return None, 0


def open_run(folder: Path | str, check: bool = True) -> Run:
    """Open a run; ``check`` compares every file with what was written (all are read once, none is parsed).

    Raises:
        InputError: if the folder is no run, of an unsupported version, or (``check``) not what was written.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    run = Run(folder, manifest, read_checkpoints(folder, manifest.part_steps))
    if check:
        _check_parts(run)
        _check_inputs(run)
    return run


def reference_of(folder: Path) -> Run | None:
    """Return the finished reference of a run, None if it has none."""
    reference = folder / REFERENCE
    return open_run(reference) if (reference / "kpis.json").is_file() else None


def find_runs(folder: Path) -> list[Path]:
    """Return the folders of runs in a folder, by name."""
    return sorted(path.parent for path in folder.glob(f"*/{front.FILE}"))


def _check_parts(run: Run) -> None:
    if run.manifest.status != "running" and run.finished_steps != run.manifest.finished_steps:
        path = Checkpoint.path(run.folder, len(run.checkpoints))
        raise InputError(str(path), "is missing: the log was cut short", _AGAIN)
    for point in run.checkpoints:
        for table in TABLES:
            path, written = part_path(run.folder, table.name, point.part), point.files[table.name]
            if not path.is_file():
                raise InputError(str(path), "is missing", _AGAIN)
            size = path.stat().st_size
            if size < written.bytes:
                raise InputError(str(path), f"was truncated: {size} of {written.bytes} bytes", _verify(run.folder))
            if size > written.bytes or sha256(path) != written.sha256:
                raise InputError(str(path), "was altered after it was written", _verify(run.folder))


def _check_inputs(run: Run) -> None:
    for name, written in run.manifest.inputs.items():
        path = run.folder / "inputs" / name
        if not path.is_file():
            raise InputError(str(path), "is missing", _AGAIN)
        if sha256(path) != written:
            raise InputError(str(path), "was altered after the run began", _AGAIN)


def _verify(folder: Path) -> str:
    return f"See what differs with: peerflex replay {folder} --verify"


def _resume(folder: Path) -> str:
    return f"Go on with it: peerflex run --resume {folder}"
