"""What a run carries from one step to the next, on disk: every float to its last bit, no pickle.

A checkpoint closes a part: its file is written after the part's tables, so that a part without one was
cut short and is simulated again.
"""

import types
from dataclasses import dataclass, fields, is_dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np
import numpy.typing as npt

from peerflex.core.errors import InputError
from peerflex.runs.log.store import PartFile, read_json, write_json

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """End of a part: the step that comes next, the part's files by table, and what is carried (encoded)."""

    part: int
    next_step: int
    files: dict[str, PartFile]
    carried: Any

    @staticmethod
    def path(folder: Path, part: int) -> Path:
        return folder / "checkpoints" / f"{part:05d}.json"

    def write(self, folder: Path) -> None:
        files = {table: {"bytes": file.bytes, "sha256": file.sha256} for table, file in self.files.items()}
        content = {"part": self.part, "next_step": self.next_step, "files": files, "carried": self.carried}
        write_json(self.path(folder, self.part), content)


def read_checkpoints(folder: Path, part_steps: int) -> tuple[Checkpoint, ...]:
    """Return the checkpoints of a run in order.

    Raises:
        InputError: if one is missing between others, or cannot be read.
    """
    found = []
    for part, path in enumerate(sorted((folder / "checkpoints").glob("*.json"))):
        expected = Checkpoint.path(folder, part)
        if path != expected:
            raise InputError(str(expected), "is missing", "Restore the file from a copy, or simulate again.")
        page = read_json(path)
        try:
            files = {table: PartFile(file["bytes"], file["sha256"]) for table, file in page["files"].items()}
            found.append(
                _checked(Checkpoint(page["part"], page["next_step"], files, page["carried"]), part, part_steps)
            )
        except (AttributeError, KeyError, TypeError, ValueError):
            raise InputError(str(path), "is not a checkpoint", "Restore the file, or simulate again.") from None
    return tuple(found)


def _checked(point: Checkpoint, part: int, part_steps: int) -> Checkpoint:
    numbers = [point.part, point.next_step, *(file.bytes for file in point.files.values())]
    if not all(type(number) is int and number >= 0 for number in numbers):
        raise TypeError("not whole numbers")
    if point.part != part or not part * part_steps < point.next_step <= (part + 1) * part_steps:
        raise ValueError("another part")
    return point


def encode(value: Any) -> Any:
    """Return a scalar, an array, a tuple or a dataclass of these as JSON that ``decode`` turns back, bit by bit."""
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value.hex()
        case np.ndarray():
            return {"dtype": value.dtype.name, "shape": list(value.shape), "values": _array_text(value)}
        case tuple():
            return [encode(each) for each in value]
        case _ if is_dataclass(value):
            there = {field.name: getattr(value, field.name) for field in fields(value)}
            later = _later(value)
            return {name: encode(each) for name, each in there.items() if not (name in later and each is None)}
    raise TypeError(f"a checkpoint cannot hold a {type(value).__name__}")


def decode(kind: type[T], content: Any) -> T:
    """Return a value of the given type from its encoded form.

    Raises:
        InputError: if the content is not of that type.
    """
    try:
        return _decode(kind, content)  # type: ignore[no-any-return]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(
            "checkpoints, carried",
            f"does not hold a {kind.__name__} ({error})",
            "Resume with the peerflex that wrote it, or simulate again.",
        ) from None


def _decode(kind: Any, content: Any) -> Any:
    origin = get_origin(kind)
    if origin in (types.UnionType, Union):  # X | None: nothing else is carried
        return None if content is None else _decode(next(k for k in get_args(kind) if k is not type(None)), content)
    if origin is np.ndarray:
        return _array(content)
    if origin is tuple:
        kinds = get_args(kind)
        kinds = kinds[:1] * len(content) if kinds[-1] is Ellipsis else kinds
        return tuple(_decode(each, part) for each, part in zip(kinds, content, strict=True))
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        if not hints.keys() - _later(kind) <= content.keys() <= hints.keys():
            raise ValueError(f"fields {sorted(content)} instead of {sorted(hints)}")
        return kind(**{name: _decode(hints[name], part) for name, part in content.items()})  # type: ignore[operator]
    if isinstance(kind, type) and issubclass(kind, IntEnum) and type(content) is int:
        return kind(content)
    if kind is float:
        return float.fromhex(content)
    if kind not in (int, bool, str) or type(content) is not kind:
        raise TypeError(f"{content!r} is not a {kind}")
    return content


def _later(kind: Any) -> set[str]:
    """Return the fields that came later: None unless used, and then left out, as in older checkpoints."""
    return {field.name for field in fields(kind) if field.default is None}


def _array_text(array: npt.NDArray[Any]) -> str:
    kind = array.dtype.name
    if kind not in _PARSERS:
        raise TypeError(f"a checkpoint cannot hold an array of {kind}")
    flat = array.ravel().tolist()
    return " ".join(each.hex() for each in flat) if kind == "float64" else " ".join(str(int(each)) for each in flat)


_PARSERS: dict[str, Any] = {"float64": float.fromhex, "int64": int, "bool": int}


def _array(content: dict[str, Any]) -> npt.NDArray[Any]:
    parse = _PARSERS[content["dtype"]]
    values = [parse(text) for text in content["values"].split()]
    return np.array(values, dtype=content["dtype"]).reshape(content["shape"])
