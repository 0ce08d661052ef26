"""What a run is: the page at the front of its folder, complete enough to simulate it again."""

import ctypes
import json
import platform
import subprocess
from collections import Counter
from datetime import datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path, PurePosixPath
from typing import Any, Final, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from peerflex.core.arrays import Floats
from peerflex.core.errors import InputError
from peerflex.core.network import BranchTable, BusTable
from peerflex.core.parties import Role
from peerflex.core.people import PeerTable
from peerflex.runs.log.store import read_json, write_json

FORMAT: Final = 1
"""Version of everything in a run's folder; it counts up when a reader of the old one would misread the new one."""

PART_STEPS: Final = 168
"""Steps in a part of a table: a week of hours."""

FILE: Final = "manifest.json"
PACKAGES: Final = (
    "peerflex", "numpy", "scipy", "pandapower", "mesa", "mosaik", "highspy", "simpy", "numba", "pandas", "pyarrow",
)  # fmt: skip

ROLES: Final = tuple(role.name.lower() for role in Role)
"""Names that no peer can have: the other parties of the ledger."""

MOST_STEPS: Final = 4 * 87_840
"""Ten years of quarters of an hour: the longest run a scenario can ask for."""

MOST_STEP_S: Final = 24 * 3600

Status = Literal["running", "done", "failed"]


class Manifest(BaseModel):
    """Front page of a run; ``peers``, ``buses`` and ``branches`` are names in the order of their columns.

    ``scenario`` is the scenario in full. ``steps`` is the horizon and ``finished_steps`` how many of them are
    logged. ``inputs`` gives the sha256 of every file in ``inputs/``. ``processor`` and ``versions`` say where
    the same bytes can be expected again. ``peer_groups`` names the group of each peer, 'customers' for those of
    the supplier only. ``coupled`` says that other simulators took part. ``parents`` are the runs this one was
    branched from. A branch without a rating has ``None``. ``bus_x`` and the three after it draw the network;
    older logs lack them. There is no date of writing in it: two runs of one
    scenario have the same manifest.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = FORMAT
    status: Status = "running"
    finished_steps: int = 0
    steps: int
    step_seconds: int
    start: datetime
    part_steps: int = PART_STEPS
    seed: int
    driver: str
    coupled: bool = False
    parents: tuple[str, ...] = ()
    commit: str | None
    versions: dict[str, str]
    processor: dict[str, str]
    inputs: dict[str, str] = {}
    scenario: dict[str, Any]
    peers: tuple[str, ...]
    peer_groups: tuple[str, ...]
    peer_bus: tuple[int, ...]
    buses: tuple[str, ...]
    branches: tuple[str, ...]
    branch_rating_mva: tuple[float | None, ...]
    bus_x: tuple[float, ...] = ()
    bus_y: tuple[float, ...] = ()
    branch_from: tuple[int, ...] = ()
    branch_to: tuple[int, ...] = ()

    @model_validator(mode="after")
    def _columns_fit(self) -> Self:
        """Refuse counts that no run can have, columns of unlike length, and inputs that lie elsewhere."""
        if not (1 <= self.steps <= MOST_STEPS and 0 <= self.finished_steps <= self.steps):
            raise ValueError(f"finished_steps and steps are not from 0 to {MOST_STEPS}")
        if not 1 <= self.part_steps <= MOST_STEPS or not 1 <= self.step_seconds <= MOST_STEP_S:
            raise ValueError("part_steps or step_seconds are not those of any run")
        if not len(self.peers) == len(self.peer_groups) == len(self.peer_bus):
            raise ValueError("peers, peer_groups and peer_bus are not equally long")
        if len(self.branches) != len(self.branch_rating_mva):
            raise ValueError("branches and branch_rating_mva are not equally long")
        if not all(0 <= bus < len(self.buses) for bus in self.peer_bus):
            raise ValueError("peer_bus names a bus that is not there")
        for name in self.inputs:
            path = PurePosixPath(name)
            if path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name:
                raise ValueError(f"the input {name!r} is not in the run's own folder")
        return self

    def write(self, folder: Path) -> None:
        write_json(folder / FILE, self.model_dump(mode="json"))


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest of a run.

    Raises:
        InputError: if the folder is no run, or a run this version of peerflex cannot read.
    """
    if not folder.is_dir():
        raise InputError(str(folder), "is not a folder", "Name the folder of a run, for example one in results/.")
    path = folder / FILE
    if not path.is_file():
        raise InputError(
            str(folder),
            f"is not a run, or one that was stopped before it began: it has no {FILE}",
            "Name the folder of a run, or simulate again into another folder.",
        )
    page = read_json(path)
    found = page.get("format") if isinstance(page, dict) else None
    if found != FORMAT:
        raise InputError(
            f"{path}, format",
            f"log of an unsupported version: {found!r}, where this peerflex reads {FORMAT}",
            "Read it with the peerflex that wrote it (see versions in the file), or simulate again.",
        )
    try:
        return Manifest.model_validate(page)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(step) for step in first["loc"])
        raise InputError(
            f"{path}, {field}", f"the manifest was altered: {first['msg']}", "Restore the file, or simulate again."
        ) from None


def describe(
    scenario: dict[str, Any],
    *,
    seed: int,
    steps: int,
    step_seconds: int,
    start: datetime,
    driver: str,
    peers: PeerTable,
    peer_groups: tuple[str, ...],
    buses: BusTable,
    branches: BranchTable,
    coupled: bool = False,
    part_steps: int = PART_STEPS,
    parents: tuple[str, ...] = (),
) -> Manifest:
    """Return the manifest of a run that is about to begin, on this machine, with the packages installed here.

    ``scenario`` is plain JSON; ``peer_groups`` has a name for every peer.
    """
    return Manifest(
        steps=steps,
        step_seconds=step_seconds,
        start=start,
        seed=seed,
        driver=driver,
        coupled=coupled,
        part_steps=part_steps,
        parents=parents,
        commit=commit(),
        versions=versions(),
        processor=processor(),
        scenario=json.loads(json.dumps(scenario)),
        peers=distinct(peers.name, ROLES),
        peer_bus=tuple(int(bus) for bus in peers.bus),
        peer_groups=peer_groups,
        buses=distinct(buses.name),
        branches=distinct(branches.name),
        branch_rating_mva=tuple(float(mva) if np.isfinite(mva) else None for mva in branches.rating_mva),
        bus_x=_plain(buses.x),
        bus_y=_plain(buses.y),
        branch_from=tuple(int(bus) for bus in branches.from_bus),
        branch_to=tuple(int(bus) for bus in branches.to_bus),
    )


def _plain(coordinates: Floats) -> tuple[float, ...]:
    """Return coordinates as JSON can hold them; a place nobody knows is the origin."""
    return tuple(float(each) if np.isfinite(each) else 0.0 for each in coordinates)


def distinct(names: tuple[str, ...], taken: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Return the names so that each says one thing: a name used twice, taken or empty gets its row behind it."""
    uses = Counter((*names, *taken, "", ""))
    used, found = set(uses), []
    for row, name in enumerate(names):
        clear = name
        while uses[name] > 1 and clear in used:
            clear += f"#{row}"
        used.add(clear)
        found.append(clear)
    return tuple(found)


@cache
def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages whose change may change a result."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:  # an extra that is not installed
            continue
    return found


def processor() -> dict[str, str]:
    """Return what decides the last bits of a result: vector instructions numpy uses, and OpenBLAS's kernels."""
    config = np.show_config(mode="dicts") or {}
    simd = config.get("SIMD Extensions", {})
    found = [*simd.get("baseline", []), *simd.get("found", [])]
    return {"machine": platform.machine(), "numpy_simd": " ".join(found), "openblas_core": _openblas_core()}


def _openblas_core() -> str:
    # Wheels carry their own OpenBLAS, which picks its kernels when it is loaded and tells which.
    for path in sorted((Path(np.__file__).parents[1] / "numpy.libs").glob("*openblas*")):
        tell = getattr(ctypes.CDLL(str(path)), "scipy_openblas_get_corename64_", None)
        if tell is not None:
            tell.restype = ctypes.c_char_p
            return str(tell().decode())
    return "unknown"


def commit() -> str | None:
    """Return the commit of the source tree (with ``-dirty`` behind it when files differ), None outside a clone."""
    tree = Path(__file__).resolve().parents[2]
    if not (tree / ".git").exists():
        return None
    command = ["git", "-C", str(tree), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None
