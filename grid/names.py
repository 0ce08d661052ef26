"""Names of buses, branches and connections: the file's own where it has them, and never one twice."""

from collections.abc import Iterable
from typing import Any


def name_of(given: Any, kind: str, index: Any) -> str:
    """Return the file's name of an element (a number is one, too), or its kind and index if it has none."""
    named = given == given and given is not None and str(given)  # NaN differs from itself
    return str(given) if named else f"{kind} {index}"


def unique_names(names: Iterable[str]) -> tuple[str, ...]:
    """Return the names, those used before with a number behind them."""
    seen: set[str] = set()
    unique = []
    for name in names:
        candidate, number = name, 2
        while candidate in seen:
            candidate, number = f"{name} ({number})", number + 1
        seen.add(candidate)
        unique.append(candidate)
    return tuple(unique)
