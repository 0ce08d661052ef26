"""Files a scenario names: relative to its own folder, and never outside it."""

from pathlib import Path

from peerflex.core.errors import InputError


def file_inside(folder: Path, name: str, where: str) -> Path:
    """Return the path of a file in a scenario's folder; symbolic links are followed before it is checked.

    Raises:
        InputError: if the path is absolute, leads out of the folder, or names no file.
    """
    if Path(name).is_absolute():
        raise InputError(where, f"{name!r} is an absolute path", "Put the file beside the scenario and name it so.")
    try:
        path = (folder / name).resolve()
        inside = path.is_relative_to(folder.resolve())
        found = inside and path.is_file()
    except (OSError, ValueError, RuntimeError) as error:
        raise InputError(where, f"{name!r} is not a usable path", "Name a file beside the scenario.") from error
    if not inside:
        raise InputError(where, f"{name!r} leads out of the scenario's folder", "Put the file beside the scenario.")
    if not found:
        raise InputError(where, f"there is no file {name!r} in {folder}", "Correct the name, or put the file there.")
    return path
