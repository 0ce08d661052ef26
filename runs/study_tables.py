"""What a study leaves behind: tables for spreadsheets, a page for programs, and a summary for the terminal."""

import csv
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields
from itertools import product
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from peerflex.runs import show
from peerflex.runs.manifest import versions
from peerflex.runs.store import write_json
from peerflex.runs.study_result import StudyResult, run_folders
from peerflex.runs.study_verdicts import Row

FILE = "study.json"
RUN_COLUMNS = ("scenario", "point", "seed", "kpi", "hour", "unit", "value", "folder")


def write_tables(result: StudyResult) -> None:
    """Write ``study.json``, ``tables/rows.csv`` and ``tables/runs.csv``: the same bytes for the same study."""
    tables = result.folder / "tables"
    tables.mkdir()
    names = [field.name for field in fields(Row)]
    _write_csv(tables / "rows.csv", names, ([getattr(row, name) for name in names] for row in result.rows))
    _write_csv(tables / "runs.csv", RUN_COLUMNS, _runs(result))
    study = result.study
    page = {
        "study": study.name,
        "title": study.title,
        "seeds": study.seeds,
        "runs": len(result.measured.variants) * len(study.seed_range),
        "failed": [asdict(failure) for failure in result.failed],
        "versions": versions(),
        "rows": [asdict(row) for row in result.rows],
        "criteria": [asdict(judged) for judged in result.criteria],
    }
    write_json(result.folder / FILE, page)


def _runs(result: StudyResult) -> Iterable[Sequence[object]]:
    """Yield one row a figure of a run; a figure that does not exist is empty."""
    study, variants, values = result.study, result.measured.variants, result.measured.values
    folders = run_folders(variants)
    for (i, variant), (j, seed) in product(enumerate(variants), enumerate(study.seed_range)):
        for k, kpi in enumerate(study.kpis):
            value = None if math.isnan(values[i, j, k]) else float(values[i, j, k])
            yield variant.case, variant.point, seed, kpi.name, kpi.hour, kpi.unit, value, f"{folders[i]}-{seed}"


def _write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def show_study(result: StudyResult) -> None:
    """Print every figure with its spread and verdict, then every criterion."""
    _show_rows(result)
    if result.criteria:
        _show_criteria(result)


def _show_rows(result: StudyResult) -> None:
    compared = bool(result.study.published)
    title = f"{result.study.name}, seeds {result.study.seeds}: median, and 5th to 95th percentile"
    table = Table("figure", title=title, title_justify="left", box=None, pad_edge=False)
    for name in ("median", "low", "high", *(("published",) if compared else ())):
        table.add_column(name, justify="right", no_wrap=True)
    if compared:
        table.add_column("verdict", no_wrap=True)
    for kpi in result.study.kpis:
        hour = "" if kpi.hour is None else f" in hour {kpi.hour}"
        table.add_row(f"{kpi.name}{hour} ({kpi.unit})")
        for row in result.rows:
            if (row.kpi, row.hour) == (kpi.name, kpi.hour):
                figures = (_figure(value) for value in (row.median, row.low, row.high))
                printed = (_figure(row.published), row.verdict) if compared else ()
                table.add_row(f"  {_place(row.scenario, row.point)}", *figures, *printed)
    show.CONSOLE.print(table, "")


def _show_criteria(result: StudyResult) -> None:
    table = Table(title="Criteria", title_justify="left", box=None, pad_edge=False)
    for name in ("criterion", "what"):
        table.add_column(name, overflow="fold")
    for name in ("required", "measured", "holds"):
        table.add_column(name, justify="right", no_wrap=True)
    for each in result.criteria:
        figures = (_figure(value) for value in (each.required, each.measured))
        table.add_row(_place(each.name, each.point), each.statement, *figures, "yes" if each.holds else "NO")
    show.CONSOLE.print(table, "")


def _place(name: str, point: str) -> str:
    return escape(f"{name}\n    {point}" if point else name)  # a list among swept values is not markup


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
