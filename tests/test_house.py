"""The rules of the house, read from the source tree itself."""

import ast
import re
import subprocess
import sys
import tomllib
from functools import cache
from importlib.metadata import version
from importlib.util import resolve_name
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

pytestmark = pytest.mark.tree

ROOT = Path(__file__).parents[1]
ROOMS = ("core", "agents", "markets", "grid", "scenarios", "runs")
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())

MAY_IMPORT = {
    "core": {"core"},
    "agents": {"agents", "core"},
    "markets": {"markets", "core"},
    "grid": {"grid", "core"},
    "scenarios": {"scenarios", "core"},
    "runs": {*ROOMS, "__version__"},
}
LIVES_IN = {
    "pandapower": ("grid/",),
    "simbench": ("grid/",),
    "mesa": ("agents/", "runs/"),
    "mosaik": ("runs/",),
    "mosaik_api_v3": ("runs/", "grid/mosaik"),
    "simpy": ("markets/", "runs/"),
    "matplotlib": ("runs/",),
    "typer": ("runs/",),
    "rich": ("runs/",),
    "nicegui": ("runs/studio/",),
}
CEILING = 300
CEILING_OF: dict[str, int] = {}
PICKLES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "read_pickle", "to_pickle"}


def modules(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def code() -> list[Path]:
    return modules(*ROOMS, "src", "tests", "benchmarks")


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def nodes(path: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(path.read_text(), str(path))))


@cache
def imports(path: Path) -> set[str]:
    """Return the full dotted names a module imports, wherever in it the imports stand."""
    package = "peerflex." + ".".join(path.relative_to(ROOT).parts[:-1])
    found = set()
    for node in nodes(path):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            source = resolve_name("." * node.level + (node.module or ""), package)
            found |= {f"{source}.{alias.name}" for alias in node.names}
    return found


def dotted(node: ast.AST) -> str:
    """Return ``a.b.c`` as written, empty for anything but a chain of names."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (left := dotted(node.value)):
        return f"{left}.{node.attr}"
    return ""


@pytest.mark.parametrize("room", ROOMS)
def test_rooms_import_only_what_they_may(room: str) -> None:
    wrong = {
        f"{name_of(path)} imports {name}"
        for path in modules(room)
        for name in imports(path)
        if name.split(".")[0] == "peerflex" and name.split(".")[1] not in MAY_IMPORT[room]
    }
    assert not wrong


def test_libraries_stay_in_their_rooms() -> None:
    wrong = {
        f"{name_of(path)} imports {name}"
        for path in modules(*ROOMS, "src")
        for name in imports(path)
        if not name_of(path).startswith(LIVES_IN.get(name.split(".")[0], ("",)))
    }
    assert not wrong


def test_core_stands_on_numpy_and_pydantic_alone() -> None:
    allowed = {"peerflex", "numpy", "pydantic", "_typeshed"} | sys.stdlib_module_names
    assert {name.split(".")[0] for path in modules("core") for name in imports(path)} <= allowed


def test_files_are_short() -> None:
    lengths = {name_of(path): len(path.read_text().splitlines()) for path in code()}
    assert not {name: length for name, length in lengths.items() if length > CEILING_OF.get(name, CEILING)}


def test_every_random_draw_comes_from_a_named_stream() -> None:
    wrong = {
        f"{name_of(path)}:{node.lineno} {name}"
        for path in modules(*ROOMS, "src")
        if name_of(path) != "core/streams.py"
        for node in nodes(path)
        if isinstance(node, ast.Attribute)
        and (name := dotted(node)).startswith(("np.random.", "numpy.random."))
        and not name.endswith(".Generator")
    }
    assert not wrong


def test_nothing_touches_a_global_random_state() -> None:
    wrong = {f"{name_of(path)} imports random" for path in code() if "random" in imports(path)} | {
        f"{name_of(path)}:{node.lineno}"
        for path in code()
        for node in nodes(path)
        if isinstance(node, ast.Call) and dotted(node.func) in {"np.random.seed", "np.random.set_state"}
    }
    assert not wrong


def test_nothing_is_pickled() -> None:
    wrong = set()
    for path in code():
        words = {part for name in imports(path) for part in name.split(".")}
        words |= {node.attr for node in nodes(path) if isinstance(node, ast.Attribute)}
        wrong |= {f"{name_of(path)} uses {word}" for word in words & PICKLES}
        wrong |= {f"{name_of(path)} allows pickle" for node in nodes(path) if allows_pickle(node)}
    assert not wrong


def allows_pickle(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.keyword)
        and node.arg == "allow_pickle"
        and not (isinstance(node.value, ast.Constant) and node.value.value is False)
    )


def test_functions_name_their_arguments() -> None:
    wrong = {
        f"{name_of(path)}:{node.lineno} {node.name}(**{node.args.kwarg.arg})"
        for path in modules(*ROOMS, "src")
        for node in nodes(path)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.args.kwarg
    }
    assert not wrong


def test_one_version_everywhere() -> None:
    stated = PYPROJECT["project"]["version"]
    newest = re.search(r"^## \[(\S+)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    cited = re.search(r"^version: (\S+)$", (ROOT / "CITATION.cff").read_text(), re.MULTILINE)
    assert newest
    assert cited
    assert {newest[1], cited[1], version("peerflex")} == {stated}


def test_every_room_is_packaged() -> None:
    folders = PYPROJECT["tool"]["setuptools"]["package-dir"]
    assert folders == {"peerflex": "src/peerflex"} | {f"peerflex.{room}": room for room in ROOMS}
    inside = {
        f"peerflex.{name_of(path.parent).replace('/', '.')}" for path in modules(*ROOMS) if path.stem == "__init__"
    }
    assert set(PYPROJECT["tool"]["setuptools"]["packages"]) == {"peerflex", *inside}


def pins(lock: str) -> dict[str, str]:
    """Return the pinned version of every package; a line that is no exact pin raises."""
    lines = [
        line for line in (ROOT / lock).read_text().splitlines() if line.strip() and not line.lstrip().startswith("#")
    ]
    found = [re.fullmatch(r"([a-z0-9-]+)==(\S+)", line) for line in lines]
    assert all(found), [line for line, match in zip(lines, found, strict=True) if not match]
    return {match[1]: match[2] for match in found if match}


def test_locks_keep_what_the_package_asks_for() -> None:
    project = PYPROJECT["project"]
    runtime, dev = pins("requirements.lock"), pins("requirements-dev.lock")
    asked = [*project["dependencies"], *PYPROJECT["build-system"]["requires"]]
    asked_dev = [*asked, *chain.from_iterable(project["optional-dependencies"].values())]
    for pinned, requirements in ((runtime, asked), (dev, asked_dev)):
        for requirement in map(Requirement, requirements):
            assert requirement.specifier.contains(pinned[canonicalize_name(requirement.name)]), str(requirement)
    assert runtime.items() <= dev.items()


def kept_files() -> list[Path]:
    """Return every file that git keeps or would keep."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def test_no_file_speaks_of_one_machine() -> None:
    machine = re.compile(r"(?<![\w.<>])/(?:home|root|Users|work|opt|mnt)/\w|[A-Z]:\\Users")
    wrong = set()
    for path in kept_files():
        content = path.read_bytes()
        if b"\0" not in content:
            wrong |= {f"{name_of(path)}: {found[0]}" for found in machine.finditer(content.decode(errors="replace"))}
    assert not wrong


def linked_files(page: Path) -> set[Path]:
    """Return the files of this repository that a page of Markdown links to."""
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)\s]*)?\)", page.read_text())
    return {(page.parent / target).resolve() for target in targets if not re.match(r"[a-z]+:", target)}


def test_links_between_documents_lead_somewhere() -> None:
    pages = [path for path in kept_files() if path.suffix == ".md"]
    assert not {f"{name_of(page)} -> {link}" for page in pages for link in linked_files(page) if not link.exists()}


def test_the_map_of_the_documents_is_complete() -> None:
    pages = {path for path in kept_files() if path.suffix == ".md" and name_of(path).startswith("docs/")}
    index = ROOT / "docs" / "index.md"
    assert {name_of(page) for page in pages - linked_files(index) - {index}} == set()
