"""From a study file to the scenarios it asks for."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path

from pydantic import JsonValue

from peerflex.core.errors import InputError
from peerflex.scenarios.documents import read_document
from peerflex.scenarios.layers import Layer
from peerflex.scenarios.load import STUDIES, SUFFIXES, LoadedScenario, find_file, load_scenario, validate
from peerflex.scenarios.paths import file_inside
from peerflex.scenarios.study_schema import Case, Study

MOST_VARIANTS = 1000


@dataclass(frozen=True, slots=True)
class Variant:
    """One scenario of a study at one point of its sweep or with one variation, still without a seed.

    ``point`` is '' for the scenario as it is, else the settings of the sweep or the name of the variation.
    """

    case: str
    point: str
    scenario: str
    settings: tuple[str, ...]
    loaded: LoadedScenario = field(compare=False, repr=False)

    def load(self, seed: int) -> LoadedScenario:
        """Return the scenario to simulate with a seed."""
        return replace(self.loaded, scenario=self.loaded.scenario.model_copy(update={"seed": seed}))


@dataclass(frozen=True, slots=True)
class LoadedStudy:
    """A checked study, where it came from (for messages and files), and its scenarios in the order of the file.

    ``variants`` are at every point of the sweep, or (without one) as they are; ``varied`` with every variation.
    """

    study: Study
    origin: str
    variants: tuple[Variant, ...]
    varied: tuple[Variant, ...]
    base: Path


def load_study(name_or_path: str, seeds: str | None = None) -> LoadedStudy:
    """Return a bundled study (by name) or a YAML file, with other seeds (``"first-last"``) if given.

    Raises:
        InputError: naming file, field and remedy; every scenario at every point is checked.
    """
    file = find_file(name_or_path, STUDIES, "study")
    layers = [Layer(name_or_path, read_document(file))]
    if seeds is not None:
        layers.append(Layer("--seeds", {"seeds": seeds}, is_file=False))
    study = validate(Study, layers)
    points, cases = list(_points(study.sweep)), len(study.scenarios)
    varied_cases = (cases if each.scenarios is None else len(each.scenarios) for each in study.every_variation)
    count = len(points) * cases + sum(varied_cases)
    if count > MOST_VARIANTS:
        what = f"asks for {count} scenarios, more than {MOST_VARIANTS}"
        key = "sweep" if study.sweep else "variations"
        raise InputError(f"{name_or_path}: {key}", what, "Ask for fewer points at once.")
    sources = [_source(case, row, file.parent, name_or_path) for row, case in enumerate(study.scenarios)]
    found = tuple(
        _variant(case, source, ", ".join(point), point, name_or_path)
        for case, source in zip(study.scenarios, sources, strict=True)
        for point in points
    )
    varied = tuple(
        _variant(case, source, each.name, _settings(each.set), name_or_path)
        if each.scenarios is None or case.name in each.scenarios
        else replace(unchanged, point=each.name)
        for each in study.every_variation
        for case, source, unchanged in zip(study.scenarios, sources, found, strict=True)
    )
    return LoadedStudy(study, name_or_path, found, varied, file.parent)


def one_variant(case: Case, base: Path, origin: str) -> Variant:
    """Return a scenario of a study as it is; ``base`` is the study's folder.

    Raises:
        InputError: naming study and scenario.
    """
    return _variant(case, _source(case, 0, base, origin), "", (), origin)


def _source(case: Case, row: int, base: Path, origin: str) -> str:
    """Return the bundled name or the path of a scenario, which may not lie outside the study's folder."""
    if not case.scenario.endswith(SUFFIXES):
        return case.scenario
    return str(file_inside(base, case.scenario, f"{origin}: scenarios.{row}.scenario"))


def _variant(case: Case, source: str, point: str, changes: tuple[str, ...], origin: str) -> Variant:
    settings = (*_settings(case.set), *changes)
    try:
        return Variant(case.name, point, source, settings, load_scenario(source, settings))
    except InputError as error:
        problem = error.problem
        where = f"{origin}: scenario {case.name!r}{f' at {point}' if point else ''}: {problem.where}"
        raise InputError(where, problem.what, problem.remedy) from None


def _points(sweep: dict[str, tuple[JsonValue, ...]]) -> Iterator[tuple[str, ...]]:
    for values in product(*sweep.values()):
        yield _settings(dict(zip(sweep, values, strict=True)))


def _settings(values: dict[str, JsonValue]) -> tuple[str, ...]:
    return tuple(f"{key}={json.dumps(value)}" for key, value in values.items())
