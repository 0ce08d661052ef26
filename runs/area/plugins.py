"""Where behaviours and markets come from: peerflex itself, installed entry points, and files the user names.

Nothing of a user's is imported unless the scenario names it (entry points) or the command does (``--plugin``).
A plugin file defines any of ``BEHAVIOURS``, ``MARKETS``, ``INCENTIVES``, ``SERVICES``, ``FLEX_MARKETS``,
``NETWORK_TARIFFS``, ``PREFERENCES`` and ``STRATEGIES``: dictionaries from kind to class.
"""

import importlib.util
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from peerflex.agents.registry import BEHAVIOURS, STRATEGIES
from peerflex.core.errors import InputError
from peerflex.markets.registry import FLEX_MARKETS, INCENTIVES, MARKETS, NETWORK_TARIFFS, PREFERENCES, SERVICES

SEAMS = (
    "BEHAVIOURS",
    "MARKETS",
    "INCENTIVES",
    "SERVICES",
    "FLEX_MARKETS",
    "NETWORK_TARIFFS",
    "PREFERENCES",
    "STRATEGIES",
)


@dataclass(frozen=True, slots=True)
class Registry:
    """Classes by kind, for each seam a scenario can fill, and the plugin files they came from."""

    behaviours: Mapping[str, type[Any]]
    markets: Mapping[str, type[Any]]
    incentives: Mapping[str, type[Any]]
    services: Mapping[str, type[Any]]
    flex_markets: Mapping[str, type[Any]]
    network_tariffs: Mapping[str, type[Any]]
    preferences: Mapping[str, type[Any]]
    strategies: Mapping[str, type[Any]]
    files: tuple[Path, ...] = ()


def registry(files: list[Path] | None = None) -> Registry:
    """Return everything a scenario may name.

    Raises:
        InputError: if a plugin file cannot be imported, or defines none of the dictionaries.
    """
    modules = [_import(path) for path in files or []]
    installed = entry_points()  # of all groups at once: each look reads what every package says of itself

    def merged(name: str, own: Mapping[str, type[Any]]) -> Mapping[str, Any]:
        kinds: dict[str, Any] = {point.name: point for point in installed.select(group=f"peerflex.{name.lower()}")}
        kinds |= own
        for module in modules:
            kinds |= getattr(module, name, {})
        return kinds

    return Registry(
        behaviours=merged("BEHAVIOURS", BEHAVIOURS),
        markets=merged("MARKETS", MARKETS),
        incentives=merged("INCENTIVES", INCENTIVES),
        services=merged("SERVICES", SERVICES),
        flex_markets=merged("FLEX_MARKETS", FLEX_MARKETS),
        network_tariffs=merged("NETWORK_TARIFFS", NETWORK_TARIFFS),
        preferences=merged("PREFERENCES", PREFERENCES),
        strategies=merged("STRATEGIES", STRATEGIES),
        files=tuple(files or []),
    )


def _import(path: Path) -> ModuleType:
    where, remedy = f"--plugin {path}", "Run the file with python to see the error in full."
    spec = importlib.util.spec_from_file_location(f"peerflex_plugin_{path.stem}", path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise InputError(where, "no such Python file", "Give the path of a .py file.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their own module up
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise InputError(where, f"does not import ({type(error).__name__}: {error})", remedy) from error
    if not any(hasattr(module, name) for name in SEAMS):
        raise InputError(where, f"defines none of {', '.join(SEAMS)}", 'Add e.g. BEHAVIOURS = {"mine": Mine}.')
    return module
