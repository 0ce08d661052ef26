"""Keep a run as it goes: one record a step, one file a table and part, nothing lost but the part in hand."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self, TypeVar

import numpy as np

from peerflex.core.errors import InputError, SimulationError
from peerflex.core.record import HourRecord
from peerflex.runs.kpis.kpis import kpis, write_kpis
from peerflex.runs.log.checkpoint import Checkpoint, encode
from peerflex.runs.log.columns import Part
from peerflex.runs.log.manifest import Manifest, Status
from peerflex.runs.log.reader import Run, open_run
from peerflex.runs.log.store import part_path, sha256, write_part
from peerflex.runs.log.tables import TABLES

T = TypeVar("T")


class RunWriter:
    """Writes a run's folder: begin with ``create`` or ``resume``, ``append`` every step, ``close`` in any case.

    The order of writing is a part's tables, its checkpoint, the manifest. Whatever is killed in between leaves
    files that no checkpoint names; nobody reads them and ``resume`` removes them.
    """

    def __init__(self, folder: Path, manifest: Manifest, next_step: int) -> None:
        self.folder = folder
        self.manifest = manifest
        self.next_step = next_step
        self._records: list[HourRecord] = []
        self._carried: Any = None

    @classmethod
    def create(cls, folder: Path, manifest: Manifest, inputs: Mapping[str, Path] | None = None) -> Self:
        """Begin a run in a new folder, with copies of its input files by the name they get in ``inputs/``.

        Raises:
            InputError: if the folder exists or cannot be made, or an input cannot be read.
        """
        try:
            folder.mkdir(parents=True)
            for name in ("inputs", "checkpoints", *(f"tables/{table.name}" for table in TABLES)):
                (folder / name).mkdir(parents=True)
            hashes = {}
            for name, source in sorted((inputs or {}).items()):
                (folder / "inputs" / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, folder / "inputs" / name)
                hashes[name] = sha256(folder / "inputs" / name)
        except FileExistsError:
            raise InputError(
                str(folder), "exists already", "Name a new folder with --out, or remove this one."
            ) from None
        except OSError as error:
            raise InputError(
                str(error.filename or folder),
                f"cannot be used for the run: {error.strerror}",
                "Name a folder with --out that can be written, and inputs that can be read.",
            ) from None
        manifest = manifest.model_copy(update={"inputs": hashes})
        manifest.write(folder)
        return cls(folder, manifest, 0)

    @classmethod
    def branch(cls, parent: Run, folder: Path, manifest: Manifest, step: int) -> Self:
        """Begin a run in a new folder with the inputs of another, and with its whole parts before ``step``.

        Raises:
            InputError: as ``create``.
        """
        writer = cls.create(
            folder, manifest, {name: parent.folder / "inputs" / name for name in parent.manifest.inputs}
        )
        for point in parent.checkpoints:
            if point.next_step <= step:
                for table in TABLES:
                    shutil.copyfile(*(part_path(each, table.name, point.part) for each in (parent.folder, folder)))
                point.write(folder)
        writer.next_step = step
        writer._state("running")
        return writer

    @classmethod
    def resume(cls, folder: Path, kind: type[T]) -> tuple[Self, T | None, int]:
        """Go on with a run that stopped: return the writer, what is carried (None: the start) and the next step.

        Only whole parts are kept: from the last of them on, the run is simulated again and becomes, byte for
        byte, what it would have been.

        Raises:
            InputError: if the run is done, or its files are not what was written.
        """
        run = open_run(folder)
        manifest = run.manifest
        if manifest.status == "done":
            raise InputError(str(folder), "this run is done", f"Look at it with: peerflex replay {folder}")
        carried, step = run.carried_before(manifest.steps, kind)
        kept = sum(point.next_step <= step for point in run.checkpoints)
        writer = cls(folder, manifest, step)
        writer._state("running")  # first: killed from here on, it is a run that can be resumed
        _remove_from(folder, kept)
        return writer, carried, step

    def append(self, record: HourRecord, carried: Any) -> None:
        """Keep a step and what the run carries after it (a frozen dataclass of arrays and scalars).

        Raises:
            SimulationError: if the folder cannot be written.
        """
        if record.decision.step != self.next_step:
            raise ValueError(f"step {record.decision.step} after step {self.next_step - 1}")
        self._records.append(_without_sensitivities(record))
        self._carried = carried
        self.next_step += 1
        if self.next_step % self.manifest.part_steps == 0:
            self.flush()

    def flush(self) -> None:
        """Write what is in hand, so that a reader sees every step so far. A part not yet full is written again later.

        Raises:
            SimulationError: if the folder cannot be written.
        """
        if not self._records:
            return
        try:
            self._write_part()
            self._state("running")
        except OSError as error:
            raise SimulationError(
                f"{self.folder}: step {self.next_step - 1} cannot be written ({error.strerror}). "
                f"Make room, then: peerflex run --resume {self.folder}"
            ) from error
        if self.next_step % self.manifest.part_steps == 0:
            self._records.clear()

    @property
    def in_hand(self) -> Sequence[HourRecord]:
        """The records of the part that is not full yet."""
        return self._records

    @property
    def first_in_hand(self) -> int:
        """The step of the first of them; the next one if there is none."""
        return self.next_step - len(self._records)

    def rewrite(self, scenario: dict[str, Any]) -> None:
        """Put another scenario on the front page, at once: one that changes later on."""
        self.manifest = self.manifest.model_copy(update={"scenario": scenario})
        self._state("running")

    def close(self, status: Status) -> Manifest:
        """Write what is in hand, the KPIs, and how the run ended; return the last manifest."""
        self.flush()
        write_kpis(self.folder, kpis(open_run(self.folder, check=False)))
        self._state(status)
        return self.manifest

    def _write_part(self) -> None:
        number = (self.next_step - 1) // self.manifest.part_steps
        # Without its checkpoint an older, shorter version of the part no longer counts.
        Checkpoint.path(self.folder, number).unlink(missing_ok=True)
        part = Part(self.manifest, self._records)
        files = {table.name: write_part(part_path(self.folder, table.name, number), table.of(part)) for table in TABLES}
        Checkpoint(number, self.next_step, files, encode(self._carried)).write(self.folder)

    def _state(self, status: Status) -> None:
        self.manifest = self.manifest.model_copy(update={"status": status, "finished_steps": self.next_step})
        self.manifest.write(self.folder)


def _without_sensitivities(record: HourRecord) -> HourRecord:
    # rows times buses, not logged: a part of them would fill the memory on large networks
    if not len(record.decision.need):
        return record
    need = replace(record.decision.need, by_mw=np.zeros((0, 0)))
    return replace(record, decision=replace(record.decision, need=need))


def _remove_from(folder: Path, part: int) -> None:
    # Checkpoints go first and last to first: killed in between, what is left is still a run.
    for path in sorted((folder / "checkpoints").glob("*.json"), reverse=True):
        if path >= Checkpoint.path(folder, part):
            path.unlink()
    for table in TABLES:
        for path in (folder / "tables" / table.name).glob("*.parquet"):
            if path >= part_path(folder, table.name, part):
                path.unlink()
    (folder / "kpis.json").unlink(missing_ok=True)
    for path in folder.rglob("*.tmp"):
        path.unlink()
