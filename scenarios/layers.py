"""A scenario is built in layers: what it extends, its own file, and what is set on top. Later layers win."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from peerflex.core.errors import InputError
from peerflex.scenarios.documents import MOST_DEPTH, Document, parse_value
from peerflex.scenarios.hints import nearest
from peerflex.scenarios.presets import PRESET_PARTS


@dataclass(frozen=True, slots=True)
class Layer:
    """A document and the name errors give it: a file, or an option such as ``--set``."""

    origin: str
    document: Document
    is_file: bool = True


def merge(below: Any, above: Any, origin: str = "scenario", field: str = "") -> Any:
    """Return ``below`` changed by ``above``; ``origin`` and ``field`` name the place in errors.

    Mappings merge key by key, but a component of another ``kind`` replaces the one below: its parameters
    belonged to the old kind. So does a market design of another ``preset``, in the parts that a preset sets.
    A mapping above a list changes single items, named by their ``name`` or their row. Anything else is replaced.

    Raises:
        InputError: if a list has no such item.
    """
    if isinstance(above, Mapping) and isinstance(below, list):
        changes = {_row_of(key, below, f"{origin}: {field}{key}"): change for key, change in above.items()}
        return [
            merge(item, changes[row], origin, f"{field}{row}.") if row in changes else item
            for row, item in enumerate(below)
        ]
    if not isinstance(above, Mapping) or not isinstance(below, Mapping):
        return above
    if "kind" in above and above["kind"] != below.get("kind", above["kind"]):
        return above
    if "preset" in above and above["preset"] != below.get("preset"):
        below = {key: value for key, value in below.items() if key not in PRESET_PARTS}
    changed = {key: merge(below[key], value, origin, f"{field}{key}.") for key, value in above.items() if key in below}
    return {**below, **above, **changed}


def _row_of(key: str, items: Sequence[Any], where: str) -> int:
    names = [str(item.get("name", row)) if isinstance(item, Mapping) else str(row) for row, item in enumerate(items)]
    if key in names:
        return names.index(key)
    rows = [str(row) for row in range(len(items))]
    if key in rows:
        return rows.index(key)
    raise InputError(where, "there is no such item", nearest(key, names))


def parse_settings(settings: Sequence[str]) -> Document:
    """Return ``["dotted.key=yaml-value", ...]`` as one nested document.

    Raises:
        InputError: if a setting has no key, or its value is not YAML.
    """
    document: Document = {}
    for setting in settings:
        key, equals, text = setting.partition("=")
        names = [name.strip() for name in key.split(".")]
        if not equals or not all(names) or len(names) > MOST_DEPTH:
            raise InputError("--set", f"{setting!r} is not of the form dotted.key=value", "E.g. --set time.hours=24.")
        value = parse_value(text, f"--set: {key}")
        for name in reversed(names):
            value = {name: value}
        document = merge(document, value, "--set")
    return document


def blame(layers: Sequence[Layer], path: Sequence[int | str], merged: Document) -> str:
    """Return the origin of the last layer that reaches furthest along the path of a field; else the last file."""

    def rank(row: int) -> tuple[int, bool, int]:
        reach = _reach(layers[row].document, path, merged)
        return reach, reach > 0 or layers[row].is_file, row

    return layers[max(range(len(layers)), key=rank)].origin


def _reach(node: Any, path: Sequence[int | str], merged: Any) -> int:
    """Return how many segments of the path a layer holds; rows of lists may be named there (see ``merge``)."""
    for depth, segment in enumerate(path):
        try:
            merged = merged[segment]
        except (KeyError, IndexError, TypeError):
            merged = None
        if isinstance(node, Mapping):
            names = [str(segment)]
            if isinstance(segment, int) and isinstance(merged, Mapping):
                names.append(str(merged.get("name")))
            found = [name for name in names if name in node]
            if not found:
                return depth
            node = node[found[0]]
        elif isinstance(node, list) and isinstance(segment, int) and segment < len(node):
            node = node[segment]
        else:
            return depth
    return len(path)
