"""``peerflex new``: a scenario that runs, of a network and meters of the user's own, and a report of what is wrong."""

import re
import shutil
import tempfile
from pathlib import Path

from peerflex.core.errors import InputError
from peerflex.runs import show
from peerflex.runs.own.files import report_lines, report_text, scenario_text, write_series
from peerflex.runs.own.network import take_network
from peerflex.runs.own.profiles import metered_profiles
from peerflex.scenarios.load import load_scenario
from peerflex.scenarios.meters.findings import printable

SCENARIO, REPORT = "scenario.yaml", "report.md"
LONGEST_SLUG = 60


def new_command(grid: Path, meters: Path | None, name: str | None, out: Path | None) -> None:
    """Make a scenario folder and print its report; the folder appears whole or not at all.

    Raises:
        InputError: if the network or the meters cannot be used, or the folder exists or cannot be written.
    """
    title = printable(name if name is not None else grid.stem) or "my grid"
    slug = _slug(title)
    folder = out if out is not None else Path(slug)
    for what, path in (("--grid", grid), ("--meters", meters)):
        if path is not None and not path.is_file():
            raise InputError(what, f"there is no file {path}", "Give the path of your file.")
    staged = _staged(folder)
    try:
        staged.chmod(0o755)
        lines = _fill(staged, grid, meters, title, slug)
        staged.rename(folder)
    except OSError as error:
        raise InputError("--out", f"{folder} cannot be written ({error.strerror})", "Name another folder.") from None
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    show.say("\n".join(lines))
    scenario = folder / SCENARIO
    show.say(f"\nThe scenario is in {folder}. Next:\n  peerflex check {scenario}\n  peerflex run {scenario}")


def _slug(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:LONGEST_SLUG].strip("-") or "my-grid"


def _staged(folder: Path) -> Path:
    """Return an empty folder beside the one asked for, which must not exist."""
    if folder.exists() or folder.is_symlink():
        raise InputError("--out", f"{folder} exists", "Name a new folder.")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=".peerflex-new-", dir=folder.parent))
    except (OSError, ValueError) as error:
        raise InputError("--out", f"{folder} cannot be written ({error})", "Name another folder.") from None


def _fill(folder: Path, grid: Path, meters: Path | None, title: str, slug: str) -> list[str]:
    """Write all files of a new scenario; return what to print."""
    own = take_network(grid, folder)
    profiles = metered_profiles(meters, own) if meters is not None else None
    if profiles is not None:
        write_series(folder / "load.csv", profiles.axis, own.connections.name, profiles.load_kw)
        if profiles.pv_kw.any():
            write_series(folder / "pv.csv", profiles.axis, own.connections.name, profiles.pv_kw)
    findings = (*own.findings, *(profiles.findings if profiles is not None else ()))
    (folder / REPORT).write_text(report_text(title, findings, profiles), encoding="utf-8")
    (folder / SCENARIO).write_text(scenario_text(slug, title, own, profiles), encoding="utf-8")
    load_scenario(str(folder / SCENARIO))  # so that nothing is handed over that does not load
    return report_lines(findings, profiles)
