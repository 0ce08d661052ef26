"""YAML files as plain documents: text, numbers, lists and mappings that cannot surprise anybody further on."""

import math
import re
from collections.abc import Hashable
from copy import deepcopy
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from peerflex.core.errors import InputError

MOST_BYTES = 1_000_000
MOST_NODES = 100_000
"""Values in a file, counted as often as aliases repeat them."""

MOST_DEPTH = 30

Document = dict[str, Any]


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader, which also refuses a key given twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key_node, _ in node.value:
            key = (key_node.tag, getattr(key_node, "value", None))
            if isinstance(key_node, yaml.ScalarNode) and key in seen and key_node.tag != "tag:yaml.org,2002:merge":
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key_node.value!r} is given twice", key_node.start_mark
                )
            seen.add(key if isinstance(key_node, yaml.ScalarNode) else id(key_node))
        return super().construct_mapping(node, deep)


# YAML 1.1 takes 1e-3 for text; everybody who writes it means a number.
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+$"), list("-+0123456789")
)


def read_document(path: Path) -> Document:
    """Return the mapping that a YAML file holds.

    Raises:
        InputError: if the file cannot be read, is too large, is not YAML, holds no mapping, or holds a value
            that is not text, a finite number, a date, yes/no, a list or a mapping.
    """
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise InputError(
                str(path), f"has {size} bytes, more than {MOST_BYTES}", "Keep data in CSV files beside it."
            )
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is not UTF-8 text"
        raise InputError(str(path), f"cannot be read ({reason})", "Give a readable YAML file.") from error
    document = parse_value(text, str(path))
    if not isinstance(document, dict):
        raise InputError(str(path), "does not hold a mapping", "Begin with `name: ...`, one key a line.")
    return document


def parse_value(text: str, where: str) -> Any:
    """Return the plain value a YAML text stands for; dates become ISO 8601 text.

    Raises:
        InputError: as ``read_document``.
    """
    return deepcopy(_parsed(text, where))


@lru_cache(maxsize=256)
def _parsed(text: str, where: str) -> Any:
    """Parse a text once: a study reads the same files for every one of its scenarios."""
    try:
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            if node is None:
                return None
            _check_size(node, where)
            return _plain(loader.construct_document(node), where)
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{where}, line {mark.line + 1}, column {mark.column + 1}" if mark else where
        raise InputError(place, f"{error.problem or error.context}", "Correct the YAML there.") from error
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        raise InputError(where, f"is not YAML ({error})", "Correct the YAML.") from error
    except RecursionError as error:
        raise InputError(where, "is nested too deeply", f"Use at most {MOST_DEPTH} levels.") from error


def _check_size(root: yaml.Node, where: str) -> None:
    """Refuse aliases that contain themselves or multiply to a huge document (before anything is built from it)."""
    sizes: dict[int, int] = {}
    open_nodes: set[int] = set()

    def size(node: yaml.Node, depth: int) -> int:
        if depth > MOST_DEPTH:
            raise InputError(where, "is nested too deeply", f"Use at most {MOST_DEPTH} levels.")
        if id(node) in open_nodes:
            raise InputError(where, "an alias refers to what contains it", "Write the values out.")
        if id(node) not in sizes:
            open_nodes.add(id(node))
            parts: list[yaml.Node] = []
            if isinstance(node, yaml.MappingNode):
                parts = [part for pair in node.value for part in pair]
            elif isinstance(node, yaml.SequenceNode):
                parts = node.value
            sizes[id(node)] = 1 + sum(size(part, depth + 1) for part in parts)
            open_nodes.discard(id(node))
        return sizes[id(node)]

    count = size(root, 0)
    if count > MOST_NODES:
        raise InputError(where, f"holds {count} values, more than {MOST_NODES}", "Keep data in CSV files beside it.")


def _plain(value: Any, where: str, field: str = "") -> Any:
    place = f"{where}: {field}" if field else where
    if isinstance(value, float) and not math.isfinite(value):
        raise InputError(place, f"is {value}", "Give a finite number.")
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list):
        return [_plain(item, where, f"{field}.{row}".lstrip(".")) for row, item in enumerate(value)]
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str):
                raise InputError(place, f"the key {key!r} is not text", "Put the key in quotes.")
        return {key: _plain(item, where, f"{field}.{key}".lstrip(".")) for key, item in value.items()}
    raise InputError(place, f"holds a {type(value).__name__}", "Use text, numbers, lists and mappings only.")
