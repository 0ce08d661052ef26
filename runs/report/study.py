"""The report of a study: its scenarios beside each other and beside print, from what it left in its folder."""

import csv
import re
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, ValidationError

from peerflex.core.errors import InputError
from peerflex.runs.log.store import read_json
from peerflex.runs.report.html import Html, figure, join, links, listing, page, paragraph, table
from peerflex.runs.report.markdown import markdown
from peerflex.runs.report.numbers import Numbers, Picture, photo
from peerflex.runs.report.study_pictures import Drawn, variations
from peerflex.runs.report.tables import figure_text

FILE: Final = "study.json"
PNG: Final = b"\x89PNG\r\n\x1a\n"
_AGAIN: Final = "Restore it from a copy, or simulate the study again."
_TITLES: Final = {
    "table.md": "Published beside ours",
    "robustness.md": "Robustness",
    "matrix.md": "The matrix of designs",
    "table5.md": "Table 5 of D5.3 beside what was measured",
}
_OWN: Final = ("Criteria", "Calibrated", "Not matched", "Notes")
"""Chapters that the report has itself."""


class _Open(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Configuration(_Open):
    """What was simulated, by its hash, and whether it was fixed beforehand."""

    sha256: str
    committed: str | None
    as_committed: bool | None
    test_seeds: str | None = None
    test_seeds_used: str
    test_runs: int | None = None


class Row(_Open):
    """A figure of a scenario: its spread over the seeds."""

    scenario: str
    point: str
    kpi: str
    hour: int | None
    unit: str
    median: float | None
    low: float | None
    high: float | None


class Criterion(_Open):
    """What must hold, and whether it does."""

    name: str
    point: str
    required: float
    measured: float | None
    holds: bool
    statement: str


class Failed(_Open):
    """A simulation that stopped."""

    scenario: str
    point: str
    seed: int
    reason: str


class StudyPage(_Open):
    """``study.json``, as far as a report tells it."""

    study: str
    title: str
    seeds: str
    runs: int
    failed: tuple[Failed, ...]
    versions: dict[str, str]
    commit: str | None
    configuration: Configuration
    calibrated: tuple[str, ...]
    not_matched: tuple[str, ...]
    notes: tuple[str, ...]
    cells: str
    rows: tuple[Row, ...]
    criteria: tuple[Criterion, ...]


def study_page(folder: Path, version: str) -> Html:
    """Return the report of a study as a page.

    Raises:
        InputError: if a file of the study was altered so that it cannot be read, or lies elsewhere.
    """
    study = _read(folder)
    tables = {path.stem: _table(folder, path) for path in sorted((folder / "tables").glob("*.csv"))}
    varied = variations(tables)
    told = {name: markdown(_text(folder, folder / name), _OWN) for name in _TITLES if (folder / name).is_file()}
    drawn = Drawn(tables, varied)
    files = sorted((folder / "figures").glob("*.png"), key=_by_number)
    pictures = [_picture(folder, path, drawn) for path in files]
    saved = join(links(numbers) for numbers in tables.values())
    sections = [
        ("criteria", "Criteria", _criteria([each for each in study.criteria if each.point not in varied])),
        *((name.partition(".")[0], _TITLES[name], content) for name, content in told.items()),
        (
            "kpis",
            "Figures by scenario: median, and 5th to 95th percentile of the seeds",
            _kpis([row for row in study.rows if row.point not in varied]),
        ),
        ("pictures", "Pictures", join(map(figure, pictures))),
        ("failed", "Simulations that failed", _failed(study)),
        ("calibrated", "What is calibrated or chosen", _calibrated(study)),
        ("numbers", "All numbers", Html(f'<p class="links">{saved}</p>') if tables else Html("")),
        ("origin", "Configuration and versions", _origin(study)),
    ]
    return page(f"Study: {study.title or study.study}", _lead(study), sections, version)


def _by_number(path: Path) -> list[tuple[int, str]]:
    """Return what files are sorted by: figure-9 comes before figure-10."""
    return [(int(part), "") if part.isdecimal() else (0, part) for part in re.split(r"([0-9]+)", path.stem)]


def _read(folder: Path) -> StudyPage:
    path = _inside(folder, folder / FILE)
    try:
        return StudyPage.model_validate(read_json(path))
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(step) for step in first["loc"])
        raise InputError(f"{path}, {field}", f"is not what a study writes: {first['msg']}", _AGAIN) from None


def _inside(folder: Path, path: Path) -> Path:
    """Return a file of the study; a link that leads out of its folder is not one."""
    if not path.resolve().is_relative_to(folder.resolve()):
        raise InputError(str(path), "leads out of the study's folder", "Put the file itself there.")
    return path


def _text(folder: Path, path: Path) -> str:
    try:
        return _inside(folder, path).read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise InputError(str(path), f"cannot be read: {error}", _AGAIN) from None


def _table(folder: Path, path: Path) -> Numbers:
    try:
        header, *rows = csv.reader(_text(folder, path).splitlines())
    except (ValueError, csv.Error):
        raise InputError(str(path), "is not a table with a header", _AGAIN) from None
    return Numbers(path.stem, tuple(header), tuple(tuple(map(_number, row)) for row in rows))


def _number(cell: str) -> object:
    """Return a figure as one, so that its sign is not taken for a formula's."""
    try:
        return float(cell) if cell.startswith(("-", "+")) else cell
    except ValueError:
        return cell


def _picture(folder: Path, path: Path, drawn: Drawn) -> Picture:
    try:
        png = _inside(folder, path).read_bytes()
    except OSError as error:
        raise InputError(str(path), f"cannot be read: {error.strerror}", _AGAIN) from None
    if not png.startswith(PNG):
        raise InputError(str(path), "is not a picture (PNG)", _AGAIN)
    title, caption, numbers = drawn.told(path.stem)
    return photo(f"picture-{path.stem}", title, caption, f"{title}. {caption}", numbers, png)


def _lead(study: StudyPage) -> Html:
    simulated = f"{study.runs} simulations, seeds {study.seeds}; {len(study.failed)} failed."
    parts = [paragraph(simulated), paragraph(f"Configuration {study.configuration.sha256}.")]
    if study.failed:
        parts.append(paragraph("Some simulations failed: their figures are missing in what follows.", "note"))
    return join(parts)


def _criteria(criteria: list[Criterion]) -> Html:
    if not criteria:
        return Html("")
    rows: list[tuple[object, ...]] = []
    for each in criteria:
        what = f"{each.statement} at {each.point}" if each.point else each.statement
        measured = figure_text(each.measured)
        rows.append((each.name, what, figure_text(each.required), measured, "yes" if each.holds else "NO"))
    broken = sum(not each.holds for each in criteria)
    said = paragraph(f"{len(rows) - broken} of {len(rows)} hold.", "note" if broken else "")
    return join([said, table("", ("criterion", "what", "required", "measured", "holds"), rows)])


def _kpis(told: list[Row]) -> Html:
    """Return a table a figure: a row a scenario at a point."""
    found: dict[tuple[str, int | None, str], list[Row]] = {}
    for row in told:
        found.setdefault((row.kpi, row.hour, row.unit), []).append(row)
    if not found:
        return Html("")
    places = list(dict.fromkeys((row.scenario, row.point) for row in told))
    header = ("figure", "unit", *(f"{case} {point}".strip() for case, point in places))
    rows: list[tuple[object, ...]] = []
    for (kpi, hour, unit), here in found.items():
        if hour is None:  # those of single hours are in the numbers: a table of them is not read
            by_place = {(row.scenario, row.point): row for row in here}
            rows.append((kpi, unit, *(_spread(by_place.get(place)) for place in places)))
    return table("", header, rows)


def _spread(row: Row | None) -> str:
    if row is None or row.median is None:
        return "-"
    if row.low is None or row.high is None or row.low == row.high:
        return f"{row.median:.4g}"
    return f"{row.median:.4g}\n{row.low:.4g} to {row.high:.4g}"


def _failed(study: StudyPage) -> Html:
    rows = [(each.scenario, each.point, each.seed, each.reason) for each in study.failed]
    return table("", ("scenario", "point", "seed", "why"), rows) if rows else Html("")


def _calibrated(study: StudyPage) -> Html:
    if not study.calibrated:
        said = paragraph("Nothing, says the study; the factors of its scenarios are in their files.")
    else:
        said = listing(study.calibrated)
    parts = [said]
    for title, texts in (("Not matched:", study.not_matched), ("Notes:", study.notes)):
        parts += [paragraph(title), listing(texts)] if texts else []
    return join(parts)


def _origin(study: StudyPage) -> Html:
    told: dict[str, Any] = study.configuration.model_dump()
    rows = [("commit", study.commit or "not from a clone")]
    rows += [(name.replace("_", " "), "-" if value is None else str(value)) for name, value in told.items()]
    rows += [(f"version of {name}", version) for name, version in study.versions.items()]
    return table("", ("what", "value"), rows)
