"""From a study file to the scenarios it asks for."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from pydantic import JsonValue

from peerflex.core.errors import InputError
from peerflex.scenarios.documents import read_document
from peerflex.scenarios.layers import Layer
from peerflex.scenarios.load import (
    STUDIES,
    SUFFIXES,
    LoadedScenario,
    find_file,
    load_scenario,
    validate,
)
from peerflex.scenarios.paths import file_inside
from peerflex.scenarios.study_schema import Study

MOST_VARIANTS = 1000


@dataclass(frozen=True, slots=True)
class LoadedStudy:
    """A checked study, the folder its scenario files are in, and where it came from (for messages)."""

    study: Study
    base: Path
    origin: str


@dataclass(frozen=True, slots=True)
class Variant:
    """One scenario of a study at one point of its sweep (``point``: '' without a sweep), still without a seed."""

    case: str
    point: str
    scenario: str
    settings: tuple[str, ...]

    def load(self, seed: int | None = None, hours: int | None = None) -> LoadedScenario:
        """Return the scenario to simulate."""
        return load_scenario(self.scenario, self.settings, seed, hours)


def load_study(name_or_path: str, seeds: str | None = None) -> LoadedStudy:
    """Return a bundled study (by name) or a YAML file, with other seeds (``"first-last"``) if given.

    Raises:
        InputError: naming file, field and remedy; every scenario at every point of the sweep is checked.
    """
    file = find_file(name_or_path, STUDIES, "study")
    layers = [Layer(name_or_path, read_document(file))]
    if seeds is not None:
        layers.append(Layer("--seeds", {"seeds": seeds}, is_file=False))
    loaded = LoadedStudy(validate(Study, layers), file.parent, name_or_path)
    for variant in variants(loaded):
        try:
            variant.load()
        except InputError as error:
            problem = error.problem
            where = f"{name_or_path}: scenario {variant.case!r}{f' at {variant.point}' if variant.point else ''}"
            raise InputError(f"{where}: {problem.where}", problem.what, problem.remedy) from None
    return loaded


def variants(loaded: LoadedStudy) -> tuple[Variant, ...]:
    """Return every scenario at every point of the sweep, in the order of the file.

    Raises:
        InputError: if there are too many, or a scenario's file is not in the study's folder.
    """
    study = loaded.study
    points = list(_points(study.sweep))
    if len(points) * len(study.scenarios) > MOST_VARIANTS:
        what = f"asks for {len(points) * len(study.scenarios)} scenarios, more than {MOST_VARIANTS}"
        raise InputError(f"{loaded.origin}: sweep", what, "Sweep fewer values at once.")
    found = []
    for row, case in enumerate(study.scenarios):
        source = case.scenario
        if source.endswith(SUFFIXES):
            source = str(file_inside(loaded.base, source, f"{loaded.origin}: scenarios.{row}.scenario"))
        own = _settings(case.set)
        found += [Variant(case.name, ", ".join(point), source, (*own, *point)) for point in points]
    return tuple(found)


def _points(sweep: dict[str, tuple[JsonValue, ...]]) -> Iterator[tuple[str, ...]]:
    for values in product(*sweep.values()):
        yield _settings(dict(zip(sweep, values, strict=True)))


def _settings(values: dict[str, JsonValue]) -> tuple[str, ...]:
    return tuple(f"{key}={json.dumps(value)}" for key, value in values.items())
