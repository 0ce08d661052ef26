"""What is wrong with a file, in sentences: where, what, and what to do about it."""

from collections.abc import Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from peerflex.core.errors import InputError, Problem
from peerflex.scenarios.documents import Document
from peerflex.scenarios.hints import nearest
from peerflex.scenarios.layers import Layer, blame

Model = TypeVar("Model", bound=BaseModel)

MOST_DIGITS = 6

KINDS_OF_VALUE = {
    "number": "a number",
    "integer": "a whole number",
    "string": "text",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
}


def explain(error: ValidationError, model: type[BaseModel], layers: Sequence[Layer], merged: Document) -> InputError:
    """Return everything wrong with a document as one error: the first in three parts, then all others."""
    schema = model.model_json_schema()
    details = error.errors(include_url=False)
    within = {detail["loc"][:length] for detail in details for length in range(len(detail["loc"]))}
    # a list whose only entry is wrong is not too short as well
    told = [detail for detail in details if detail["type"] != "too_short" or detail["loc"] not in within]
    found = [_problem(detail, schema, layers, merged) for detail in told]
    places = [problem.where for problem in found]
    first, *others = [problem for row, problem in enumerate(found) if problem.where not in places[:row]]
    more = "".join(f"\n  {problem}" for problem in others)
    return InputError(first.where, first.what, first.remedy + (f"\n{len(others)} more:{more}" if others else ""))


def _problem(detail: ErrorDetails, schema: dict[str, Any], layers: Sequence[Layer], merged: Document) -> Problem:
    # pydantic appends which choice of a union it tried; no field is called so
    path = tuple(part for part in detail["loc"] if part not in ("str", "float"))
    context = detail.get("ctx", {})
    if detail["type"] == "across_fields":
        path = (*path, *map(_segment, context["field"].split(".")))
    where = f"{blame(layers, path, merged)}: {'.'.join(str(part) for part in path)}"
    if detail["type"] == "across_fields":
        return Problem(where, context["what"], context["remedy"])
    if detail["type"] == "extra_forbidden":
        siblings = _describe(path[:-1], schema).get("properties", {})
        return Problem(where, "there is no such key", nearest(str(path[-1]), siblings))
    about = _describe(path, schema)
    remedy = f"Give {_range(about)}: {about.get('description', 'see the reference of scenario files')}."
    if detail["type"] == "missing":
        return Problem(where, "is missing", remedy)
    if detail["type"] == "literal_error":
        return Problem(where, f"{detail['input']!r} is none of the choices", remedy)
    if detail["type"] in ("greater_than_equal", "less_than_equal", "greater_than", "less_than", "finite_number"):
        return Problem(where, f"{_short(detail['input'])} is outside the plausible range", remedy)
    if detail["type"] == "too_short":
        return Problem(where, "has too few entries", remedy)
    reason = detail["msg"].lower().removeprefix("value error, ")
    return Problem(where, f"{_short(detail['input'])} does not fit ({reason})", remedy)


def _segment(word: str) -> int | str:
    """Return a part of a field's name; a row of a list is a short number."""
    return int(word) if word.isdecimal() and len(word) < MOST_DIGITS else word


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _describe(path: Sequence[int | str], schema: dict[str, Any]) -> dict[str, Any]:
    """Return what the JSON Schema says about a field."""
    node = schema
    for segment in path:
        node = _resolved(node, schema)
        if isinstance(segment, int):
            places = node.get("prefixItems", [])
            inner = places[segment] if segment < len(places) else node.get("items", {})
        else:
            inner = node.get("properties", {}).get(segment, node.get("additionalProperties") or {})
        node = {"description": node.get("description", ""), **inner} if isinstance(inner, dict) else {}
    return _resolved(node, schema)


def _resolved(node: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema with its reference followed and its nullable choice opened; its own words win."""
    for option in node.get("anyOf", []):
        if option.get("type") != "null":
            node = {**option, **node}
    if "$ref" in node:
        node = {**_resolved(schema["$defs"][node["$ref"].rsplit("/", 1)[-1]], schema), **node}
    return node


def _range(about: dict[str, Any]) -> str:
    """Return which values a field takes, in words."""
    if "enum" in about or "const" in about:
        return "one of " + ", ".join(str(choice) for choice in about.get("enum", [about.get("const")]))
    kinds = about.get("type", "value")
    names = [KINDS_OF_VALUE.get(kind, "a value") for kind in ([kinds] if isinstance(kinds, str) else kinds)]
    low, high = about.get("minimum"), about.get("maximum", about.get("exclusiveMaximum"))
    span = f" from {low} to {high}" if low is not None and high is not None else ""
    if "exclusiveMinimum" in about and high is not None:
        span = f" above {about['exclusiveMinimum']}, up to {high}"
    default = f" (default {about['default']})" if about.get("default") not in (None, "") and span else ""
    return " or ".join(names) + span + default
