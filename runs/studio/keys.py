"""The keys of a scenario that can change in the middle of a run, with the values they have."""

from collections.abc import Iterator
from json import dumps
from typing import Final

from pydantic import BaseModel

from peerflex.scenarios.schema import FIXED, Scenario

UNCHANGED: Final = FIXED | {"title", "description", "agents", "population", "units"}
"""Keys that are fixed, that say who is there, or that have a form of their own."""


def known_keys(scenario: Scenario) -> list[tuple[str, str]]:
    """Return ``key=value`` as the scenario has it, for every key, and what the key means."""
    return [
        pair for name, value, words in _fields(scenario) if name not in UNCHANGED for pair in _pairs(name, value, words)
    ]


def _pairs(key: str, value: object, words: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, BaseModel):
        for name, below, meaning in _fields(value):
            yield from _pairs(f"{key}.{name}", below, meaning)
    elif isinstance(value, tuple) and value and isinstance(value[0], BaseModel):
        for row, item in enumerate(value):
            yield from _pairs(f"{key}.{getattr(item, 'name', row)}", item, "")
    else:
        yield f"{key}={dumps(value, default=str)}".replace('"', ""), words


def _fields(section: BaseModel) -> Iterator[tuple[str, object, str]]:
    for name, field in type(section).model_fields.items():
        yield name, getattr(section, name), field.description or ""
    for name, value in (section.model_extra or {}).items():
        yield name, value, "a parameter of this kind"
