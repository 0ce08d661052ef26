"""What changes in the middle of a run: a scenario as it stands in an hour, and what was said when it changed."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from peerflex.core.errors import InputError
from peerflex.core.record import Event
from peerflex.core.units import SECONDS_PER_HOUR
from peerflex.scenarios.documents import Document
from peerflex.scenarios.layers import Layer
from peerflex.scenarios.load import LoadedScenario, files_of, validate
from peerflex.scenarios.schema import Scenario


def step_of(scenario: Scenario, hour: float) -> int:
    """Return the step that begins ``hour`` hours after the start."""
    return round(hour * SECONDS_PER_HOUR / scenario.time.step_s)


def hour_of(scenario: Scenario, step: int) -> float:
    """Return how many hours after the start a step begins."""
    return step * scenario.time.step_s / SECONDS_PER_HOUR


def steps_of_changes(scenario: Scenario) -> tuple[int, ...]:
    """Return the steps at whose beginning something changes, in order."""
    return tuple(dict.fromkeys(step_of(scenario, change.hour) for change in scenario.changes))


def standing(loaded: LoadedScenario, step: int) -> LoadedScenario:
    """Return the scenario as it stands in a step (-1: before the first change).

    Raises:
        InputError: if a change leads to no scenario, or names files: they could not be part of the run any more.
    """
    layers = [Layer(loaded.origin, loaded.scenario.model_dump(mode="json"))]
    for row, change in enumerate(loaded.scenario.changes):
        if step_of(loaded.scenario, change.hour) <= step:
            layers.append(Layer(f"{loaded.origin}: changes.{row}.set", dict(change.set), is_file=False))
    if len(layers) == 1:
        return loaded
    scenario = validate(Scenario, layers)
    for field, name in files_of(scenario).items():
        if name not in files_of(loaded.scenario).values():
            where = f"{loaded.origin}: changes, {field}"
            raise InputError(where, f"{name} was no file of the scenario at its start", "Simulate another scenario.")
    return replace(loaded, scenario=scenario)


def with_change(loaded: LoadedScenario, step: int, change: Mapping[str, Any]) -> LoadedScenario:
    """Return the scenario with one more change, behind those of the same hour.

    Raises:
        InputError: if it is no change of this scenario.
    """
    document = loaded.scenario.model_dump(mode="json")
    hour = hour_of(loaded.scenario, step)
    before = [each for each in document["changes"] if each["hour"] <= hour]
    after = document["changes"][len(before) :]
    document["changes"] = [*before, {"hour": hour, "set": dict(change)}, *after]
    changed = replace(loaded, scenario=validate(Scenario, [Layer(loaded.origin, document)]))
    for each in (step, *steps_of_changes(changed.scenario)):
        standing(changed, each)
    return changed


def said(loaded: LoadedScenario, step: int) -> tuple[Event, ...]:
    """Return an event for every value that changes at the beginning of a step, one for all its changes together."""
    before = standing(loaded, step - 1).scenario.model_dump(mode="json")
    after = standing(loaded, step).scenario.model_dump(mode="json")
    events = (
        Event("changed", key, f"{_text(before, path)} -> {_text(after, path)}", "from this step on")
        for change in loaded.scenario.changes
        if step_of(loaded.scenario, change.hour) == step
        for key, path in _leaves(dict(change.set), after)
    )
    return tuple(dict.fromkeys(events))


def _leaves(change: Document, within: Any) -> list[tuple[str, tuple[str | int, ...]]]:
    """Return the dotted key of every value of a change, and its path in the document (groups of peers by row)."""
    found: list[tuple[str, tuple[str | int, ...]]] = []
    for key, value in change.items():
        step: str | int = key
        if isinstance(within, list):
            names = [str(each.get("name")) for each in within]
            step = names.index(key) if key in names else int(key)
        below = _at(within, (step,))
        if isinstance(value, Mapping) and value and isinstance(below, Mapping | list):
            found += [(f"{key}.{rest}", (step, *path)) for rest, path in _leaves(dict(value), below)]
        else:
            found.append((key, (step,)))
    return found


def _at(document: Any, path: tuple[str | int, ...]) -> Any:
    """Return what a document holds at a path, None if nothing."""
    for step in path:
        try:
            document = document[step]
        except (KeyError, IndexError, TypeError):
            return None
    return document


def _text(document: Any, path: tuple[str | int, ...]) -> str:
    """Return what a document holds at a path in words: a peer of which nothing is said bids as its own group."""
    value, nothing = _at(document, path), "its own group" if path[0] == "agents" else "none"
    return nothing if value is None else str(value)
