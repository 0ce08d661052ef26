"""From ``{kind, parameters}`` in a scenario to an object that was checked."""

from collections.abc import Hashable, Mapping
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from functools import cache
from importlib.metadata import EntryPoint
from typing import Any, cast

from pydantic import TypeAdapter, ValidationError

from peerflex.core.errors import InputError


def make(kinds: Mapping[str, type[Any]], kind: str, parameters: Mapping[str, Any], where: str) -> Any:
    """Return a new component of this kind.

    Raises:
        InputError: if the kind or a parameter is unknown, or a value is not what the parameter takes.
    """
    if kind not in kinds:
        raise InputError(f"{where}.kind", f"there is no {kind!r}", _nearest(kind, kinds))
    found: Any = kinds[kind]
    component: Any = found.load() if isinstance(found, EntryPoint) else found
    if not is_dataclass(component):
        raise InputError(f"{where}.kind", f"{kind!r} is not a dataclass", "Make the plugin's class a frozen dataclass.")
    names = [field.name for field in fields(component) if field.init]
    for name in parameters:
        if name not in names:
            raise InputError(f"{where}.{name}", f"{kind!r} has no such parameter", _nearest(name, names))
    try:
        return _adapter(cast("Hashable", component)).validate_python(dict(parameters))
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        what = "is missing" if first["type"] == "missing" else f"{first['msg']}, not {first.get('input')!r}"
        raise InputError(f"{where}.{field}", what, describe(component, field)) from None


@cache
def _adapter(component: Any) -> TypeAdapter[Any]:
    """Return pydantic's reading of a component, which takes a millisecond to make."""
    return TypeAdapter(component)


def describe(component: Any, name: str) -> str:
    """Return what a parameter means, from its own description."""
    schema = TypeAdapter(component).json_schema().get("properties", {}).get(name, {})
    return f"It is: {schema['description']}." if "description" in schema else "See `peerflex list`."


def _nearest(name: str, among: Mapping[str, Any] | list[str]) -> str:
    close = get_close_matches(name, list(among), n=1)
    known = ", ".join(sorted(among)) or "none"
    return f"Did you mean {close[0]!r}? Known: {known}." if close else f"Known: {known}."
