"""What the studio opens: scenarios, which begin a run, and folders of runs. Nothing else."""

from collections.abc import Sequence
from pathlib import Path

from peerflex.core.errors import InputError
from peerflex.runs.api import new_folder
from peerflex.runs.area.plugins import Registry
from peerflex.runs.log.manifest import FILE
from peerflex.runs.session import Session
from peerflex.scenarios.load import SUFFIXES, list_scenarios, load_scenario

PART_STEPS = 24
"""Steps that are written again when a part in hand grows: few, since somebody waits for the next one."""


def path_of(text: str) -> Path:
    """Return the path that was typed, its ``~`` resolved.

    Raises:
        InputError: if the machine cannot look there.
    """
    try:
        path = Path(text).expanduser()
        path.stat()
    except FileNotFoundError:
        return path
    except (OSError, RuntimeError, ValueError) as error:  # too long, not allowed, no such user, a zero byte
        what = f"cannot be looked at: {getattr(error, 'strerror', None) or error}".rstrip(".").lower()
        raise InputError(repr(text[:100]), what, "Type the path of a file or folder.") from None
    return path


def open_target(
    target: str,
    registry: Registry,
    settings: Sequence[str] = (),
    seed: int | None = None,
    hours: int | None = None,
    out: Path | None = None,
) -> Session:
    """Open the folder of a run to look at, or begin a run of a scenario (a bundled name or a YAML file).

    Raises:
        InputError: if it is neither, or cannot be opened.
    """
    path = path_of(target)
    if path.is_dir() or path.name == FILE:
        if settings or out is not None or seed is not None or hours is not None:
            what = "a logged run stays as it is"
            raise InputError(target, what, "Leave out settings and --out, or branch from it in the studio.")
        return Session.open(path.parent if path.name == FILE else path)
    if path.exists() and path.suffix not in SUFFIXES:
        what = "is neither a scenario (a .yaml file) nor the folder of a run"
        raise InputError(target, what, "Name one of these, or a bundled scenario.")
    name = target if target in list_scenarios() else str(path)
    loaded = load_scenario(name, list(settings), seed, hours)
    folder = out if out is not None else new_folder(loaded)
    return Session.begin(loaded, registry, folder, driver="mesa", part_steps=PART_STEPS)


def free_folder(parent: Path, ending: str) -> Path:
    """Return a folder beside a run's, named after it, that does not exist yet."""
    folder, count = parent.with_name(f"{parent.name}-{ending}"), 1
    while folder.exists():
        count += 1
        folder = parent.with_name(f"{parent.name}-{ending}-{count}")
    return folder
