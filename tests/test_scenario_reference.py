"""The reference of scenario and study files says what the schemas say: every key, default, range and meaning."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from peerflex.scenarios.schema import Scenario
from peerflex.scenarios.study_schema import Study

pytestmark = pytest.mark.tree

PAGES = Path(__file__).parents[1] / "docs" / "reference"


def rows(schema: dict[str, Any], section: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """Yield the table row of every key of a schema, sections key by key."""
    for name, field in section["properties"].items():
        choice: dict[str, Any] = next((option for option in field.get("anyOf", []) if option.get("type") != "null"), {})
        inner = field.get("items", choice.get("items", {})) if "prefixItems" not in field else field["prefixItems"][0]
        reference = field.get("$ref") or choice.get("$ref") or inner.get("$ref", "")
        part = schema["$defs"].get(reference.rsplit("/", 1)[-1])
        if part and "properties" in part and "kind" not in part["properties"]:
            yield from rows(schema, part, f"{prefix}{name}{'[]' if inner else ''}.")
        else:
            default = "required" if name in section.get("required", []) else f"`{written(field.get('default'))}`"
            about = field["description"]
            yield f"| `{prefix}{name}` | {default} | {values(field | choice, inner)} | {about} |"


def written(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {item}" for key, item in value.items()) + "}"
    return {None: "null", "": '""'}.get(value, str(value)) if not isinstance(value, list) else str(value)


def values(field: dict[str, Any], inner: dict[str, Any]) -> str:
    if "enum" in field or "const" in field:
        return ", ".join(f"`{choice}`" for choice in field.get("enum", [field.get("const")]))
    if "$ref" in field or field.get("type") == "object":
        return "component" if "$ref" in field else "mapping"
    if field.get("type") == "array":
        return f"{'two' if 'prefixItems' in field else 'list'} of {values(inner, inner.get('items', {}))}"
    kind = field.get("type", "text or number")
    kinds = {"number": "number", "integer": "whole", "string": "text", "boolean": "yes or no"}
    text = " or ".join(kinds[each] for each in kind) if isinstance(kind, list) else kinds.get(kind, kind)
    low, high = field.get("minimum"), field.get("maximum")
    if low is None:
        return text
    return f"{text}, from {low}" if high is None else f"{text}, {low} to {high}"


@pytest.mark.parametrize(("model", "page"), [(Scenario, "scenario.md"), (Study, "study.md")])
def test_the_reference_has_every_key_and_no_other(model: type[Scenario] | type[Study], page: str) -> None:
    schema = model.model_json_schema()

    printed = re.findall(r"^\| `.*$", (PAGES / page).read_text(), re.MULTILINE)

    assert printed == list(rows(schema, schema))
