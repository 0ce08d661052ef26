"""Files of a run's folder: whole or not there at all, and the same bytes for the same content."""

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from peerflex.core.errors import InputError

MOST_BYTES = 2**32
"""What a part may unpack to: a small file can claim to be larger than any memory."""


@dataclass(frozen=True, slots=True)
class PartFile:
    """What a part's file must be: its size and its sha256."""

    bytes: int
    sha256: str


def part_path(folder: Path, table: str, part: int) -> Path:
    return folder / "tables" / table / f"part-{part:05d}.parquet"


def replace_file(path: Path, content: bytes) -> None:
    """Write a file beside the old one and put it in its place: a reader sees one or the other, never half."""
    beside = path.with_name(path.name + ".tmp")
    beside.write_bytes(content)
    os.replace(beside, path)


def write_json(path: Path, content: Any) -> None:
    replace_file(path, (json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode())


def read_json(path: Path) -> Any:
    """Return the content of a JSON file of a run.

    Raises:
        InputError: if it cannot be read.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(
            str(path), f"cannot be read as JSON: {error}", "Restore the file, or simulate again."
        ) from None


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_part(path: Path, rows: pa.Table) -> PartFile:
    """Write one part of a table and return what its file is."""
    # Floats hardly repeat: a dictionary of them would cost time and space.
    repeating = [field.name for field in rows.schema if not pa.types.is_floating(field.type)]
    sink = pa.BufferOutputStream()
    pq.write_table(rows, sink, compression="zstd", use_dictionary=repeating)
    content = sink.getvalue().to_pybytes()
    replace_file(path, content)
    return PartFile(len(content), hashlib.sha256(content).hexdigest())


def read_part(path: Path) -> pa.Table:
    """Return one part of a table.

    Raises:
        InputError: if there is no such part or it is not readable Parquet.
    """
    try:
        file = pq.ParquetFile(path)
        groups = (file.metadata.row_group(group) for group in range(file.metadata.num_row_groups))
        size = sum(group.total_byte_size for group in groups)
        if size > MOST_BYTES:
            what = f"unpacks to {size / 2**30:.1f} GiB, more than a part of a run can have"
            raise InputError(str(path), what, "It was not written by peerflex: restore it from a copy.")
        return file.read()
    except (OSError, pa.ArrowException) as error:
        what = "is missing" if not path.exists() else f"cannot be read as Parquet: {str(error).splitlines()[0]}"
        raise InputError(str(path), what, "Restore the file from a copy, or simulate again.") from None
