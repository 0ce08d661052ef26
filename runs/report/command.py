"""``peerflex report``: one HTML file of a run or a study that needs nothing else to be read."""

from pathlib import Path
from typing import Final

from peerflex.core.errors import InputError
from peerflex.runs.log import manifest as front
from peerflex.runs.log.store import replace_file
from peerflex.runs.report import study as study
from peerflex.runs.report.html import GENERATOR, Html

FILE: Final = "report.html"
_HEAD: Final = 2000
"""Bytes of a file in which a report says that it is one."""


def report_command(folder: Path, out: Path | None) -> None:
    """Write the report of a run or a study (see ``write_report``) and say where it is.

    Raises:
        InputError: as ``write_report``.
    """
    from peerflex.runs.show import say

    path = write_report(folder, out)
    say(f"report: {path} ({path.stat().st_size / 1e6:.1f} MB; open it in a browser)")


def write_report(folder: Path, out: Path | None = None) -> Path:
    """Write the report of a run or a study as one file, by default ``report.html`` in its folder; return its path.

    Only the folder is read. The same folder gives the same bytes.

    Raises:
        InputError: if the folder is neither or was altered, or the file cannot be written or is somebody else's.
    """
    path = out if out is not None else folder / FILE
    if not folder.is_dir():
        raise InputError(str(folder), "is not a folder", "Name the folder of a run or of a study.")
    _check_place(path)
    page = _page(folder)
    try:
        replace_file(path, page.encode("utf-8"))
    except OSError as error:
        raise InputError(str(path), f"cannot be written: {error.strerror}", "Name another file with --out.") from None
    return path


def _page(folder: Path) -> Html:
    from peerflex import __version__

    if (folder / study.FILE).is_file():
        return study.study_page(folder, __version__)
    if not (folder / front.FILE).is_file():
        what = f"is neither a run nor a study: it has no {front.FILE} and no {study.FILE}"
        raise InputError(str(folder), what, "Name a folder that peerflex run or peerflex study wrote.")
    from peerflex.runs.log.reader import open_run
    from peerflex.runs.report.run import run_page

    return run_page(open_run(folder), __version__)


def _check_place(path: Path) -> None:
    """Refuse to write where there is something else than a report of ours."""
    if path.is_dir():
        raise InputError(str(path), "is a folder", "Name a file with --out, for example report.html in it.")
    if not path.exists():
        if not path.parent.is_dir():
            raise InputError(str(path.parent), "is not a folder", "Make it first, or name another file with --out.")
        return
    with path.open("rb") as file:
        if f'content="{GENERATOR} '.encode() not in file.read(_HEAD):
            what = "exists already and is not a report of peerflex"
            raise InputError(str(path), what, "Name another file with --out, or remove it first.")
