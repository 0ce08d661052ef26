"""From a name or a file to a checked scenario."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from peerflex.core.errors import InputError
from peerflex.scenarios.documents import Document, read_document
from peerflex.scenarios.hints import nearest
from peerflex.scenarios.layers import Layer, merge, parse_settings
from peerflex.scenarios.paths import file_inside
from peerflex.scenarios.problems import Model, explain
from peerflex.scenarios.schema import Scenario
from peerflex.scenarios.study_schema import Study

BUNDLED = Path(__file__).parent
STUDIES = BUNDLED / "studies"
SUFFIXES = (".yaml", ".yml")
MOST_LAYERS = 20


@dataclass(frozen=True, slots=True)
class LoadedScenario:
    """A checked scenario, the folder its paths are relative to, and where it came from (for messages).

    ``inputs`` are the files it reads, relative to ``base``.
    """

    scenario: Scenario
    base: Path
    origin: str
    inputs: tuple[Path, ...]


def load_scenario(
    name_or_path: str,
    overrides: Sequence[str] = (),
    seed: int | None = None,
    hours: int | None = None,
) -> LoadedScenario:
    """Return a bundled scenario (by name) or a YAML file, with ``dotted.key=yaml-value`` settings on top.

    Groups of peers are reached by name or row: ``peers.prosumers.battery_kwh=10``. Setting a component's
    ``kind`` drops the parameters of the old kind.

    Raises:
        InputError: naming file, field and remedy, whatever is wrong.
    """
    file = find_file(name_or_path, BUNDLED, "scenario")
    layers = _file_layers(file, name_or_path)
    layers.append(Layer("--set", parse_settings(overrides), is_file=False))
    asked: Document = {} if seed is None else {"seed": seed}
    if hours is not None:
        asked["time"] = {"hours": hours}
    layers.append(Layer("--seed, --hours", asked, is_file=False))
    scenario = validate(Scenario, layers)
    return LoadedScenario(scenario, file.parent, name_or_path, _inputs(scenario, file.parent, name_or_path))


def restore_scenario(document: Mapping[str, Any], base: Path, origin: str) -> LoadedScenario:
    """Return the scenario that ``scenario.model_dump(mode="json")`` wrote, e.g. in a run's manifest.

    Raises:
        InputError: if the document was altered so that it is no scenario any more, or its inputs are gone.
    """
    scenario = validate(Scenario, [Layer(origin, dict(document))])
    return LoadedScenario(scenario, base, origin, _inputs(scenario, base, origin))


def validate(model: type[Model], layers: Sequence[Layer]) -> Model:
    """Return the model that layers of documents, merged, describe; each error names the layer it is in.

    Raises:
        InputError: listing everything that is wrong.
    """
    merged: Document = {}
    for layer in layers:
        merged = merge(merged, layer.document, layer.origin)
    try:
        # Strict and by way of JSON: no text taken for a number, lists for tuples, dates as text.
        return model.model_validate_json(json.dumps(merged), strict=True)
    except ValidationError as error:
        raise explain(error, model, layers, merged) from None


def find_file(name_or_path: str, folder: Path, what: str) -> Path:
    """Return the file of a bundled name (in ``folder``) or the user's own YAML file.

    Raises:
        InputError: if there is neither.
    """
    if not name_or_path.endswith(SUFFIXES):
        names = bundled_names(folder)
        if name_or_path not in names:
            remedy = f"{nearest(name_or_path, names)} Or give the path of a .yaml file."
            raise InputError(name_or_path, f"there is no bundled {what} of this name", remedy)
        return folder / f"{name_or_path}.yaml"
    path = Path(name_or_path)
    if not path.is_file():
        raise InputError(name_or_path, "there is no such file", "Give the path of a YAML file, or a bundled name.")
    return path


@cache
def bundled_names(folder: Path) -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in folder.glob("*.yaml")))


def _file_layers(file: Path, origin: str) -> list[Layer]:
    """Return a file and everything it extends, the deepest first."""
    layers: list[Layer] = []
    seen: list[Path] = []
    while True:
        document = read_document(file)
        parent = document.pop("extends", None)
        layers.insert(0, Layer(origin, document))
        seen.append(file.resolve())
        if parent is None:
            return layers
        where = f"{origin}: extends"
        if not isinstance(parent, str):
            raise InputError(where, f"{parent!r} is not text", "Give one bundled name or one file beside this one.")
        file = _parent_file(file.parent, parent, where)
        if file.resolve() in seen:
            raise InputError(where, f"{parent!r} leads back to a scenario that extends it", "Break the circle.")
        if len(seen) == MOST_LAYERS:
            raise InputError(where, f"goes on for more than {MOST_LAYERS} files", "Put some of them into one.")
        origin = str(file) if parent.endswith(SUFFIXES) else parent


def _parent_file(folder: Path, parent: str, where: str) -> Path:
    if not parent.endswith(SUFFIXES):
        names = bundled_names(BUNDLED)
        if parent not in names:
            raise InputError(where, f"there is no bundled scenario {parent!r}", nearest(parent, names))
        return BUNDLED / f"{parent}.yaml"
    # Beside, not below: the paths in both files are then relative to the same folder.
    if Path(parent).name != parent:
        raise InputError(where, f"{parent!r} is not in the same folder", "Extend a file beside this one.")
    return file_inside(folder, parent, where)


def files_of(scenario: Scenario) -> dict[str, str]:
    """Return the names of the files a scenario reads, by the key that names them."""
    named = {"grid.path": scenario.grid.path}
    if scenario.profiles.source == "csv":
        named |= {"profiles.load": scenario.profiles.load, "profiles.pv": scenario.profiles.pv}
    if scenario.tso is not None:
        named |= {"tso.request.file": scenario.tso.request.file}
    return {field: name for field, name in named.items() if name is not None}


def _inputs(scenario: Scenario, base: Path, origin: str) -> tuple[Path, ...]:
    files = files_of(scenario)
    for field, name in files.items():
        file_inside(base, name, f"{origin}: {field}")
    return tuple(Path(name) for name in files.values())


def list_scenarios() -> dict[str, str]:
    """Return name and title of the bundled scenarios."""
    return _titles(BUNDLED)


def list_studies() -> dict[str, str]:
    """Return name and title of the bundled studies."""
    return _titles(STUDIES)


def _titles(folder: Path) -> dict[str, str]:
    return {name: str(read_document(folder / f"{name}.yaml").get("title", "")) for name in bundled_names(folder)}


def json_schema(what: str = "scenario") -> dict[str, Any]:
    """Return the JSON Schema of scenario or study files, as editors read them.

    Raises:
        InputError: if ``what`` is neither 'scenario' nor 'study'.
    """
    if what == "study":
        return Study.model_json_schema()
    if what != "scenario":
        raise InputError("peerflex schema", f"there is no schema of {what!r}", nearest(what, ["scenario", "study"]))
    schema = Scenario.model_json_schema()
    extends = {"type": "string", "description": "bundled scenario or file beside this one that this one changes"}
    items = {**schema["properties"]["peers"], "type": ["array", "object"]}  # a mapping changes inherited groups
    # What an extending file leaves out, it inherits; the loader asks for what is then still missing.
    for section in (schema, *schema["$defs"].values()):
        section.pop("required", None)
    return {**schema, "properties": {"extends": extends, **schema["properties"], "peers": items}}
