"""What a study leaves behind for spreadsheets and programs."""

import csv
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields
from itertools import product
from pathlib import Path

from peerflex.runs.log.manifest import commit, versions
from peerflex.runs.log.store import write_json
from peerflex.runs.study.before import cells_in_words, tallies
from peerflex.runs.study.hourly import hourly_rows
from peerflex.runs.study.matrix import matrix
from peerflex.runs.study.matrix_page import csv_rows, matrix_page, refused_rows
from peerflex.runs.study.means import Mean, means
from peerflex.runs.study.occupancy import COLUMNS, branch_rows
from peerflex.runs.study.result import StudyResult, run_folders
from peerflex.runs.study.robustness import ROBUSTNESS_COLUMNS, robustness_page, robustness_rows
from peerflex.runs.study.table5 import table5_page
from peerflex.runs.study.table_page import table_page
from peerflex.runs.study.verdicts import Row

FILE = "study.json"
RUN_COLUMNS = ("scenario", "point", "seed", "kpi", "hour", "unit", "value", "folder")


def write_tables(result: StudyResult) -> None:
    """Write ``study.json``, ``tables/`` and, where print is compared with, ``table.md``: always the same bytes."""
    tables = result.folder / "tables"
    tables.mkdir()
    names = [field.name for field in fields(Row)]
    _write_csv(tables / "rows.csv", names, ([getattr(row, name) for name in names] for row in result.rows))
    _write_csv(tables / "runs.csv", RUN_COLUMNS, _runs(result))
    found = means(result.measured)
    if found:
        names = [field.name for field in fields(Mean)]
        rows = ([_or_nothing(getattr(row, name)) for name in names] for row in found)
        _write_csv(tables / "means.csv", names, rows)
    if result.occupancy:
        _write_csv(tables / "branches.csv", COLUMNS, branch_rows(result.occupancy))
    for drawn in result.pictures:
        header, *lines = hourly_rows(drawn)
        _write_csv(tables / f"{drawn.picture.name}.csv", [str(name) for name in header], lines)
    if result.variations:
        _write_csv(tables / "robustness.csv", ROBUSTNESS_COLUMNS, robustness_rows(result))
        (result.folder / "robustness.md").write_text(robustness_page(result), encoding="utf-8")
    if result.designs:
        _write_designs(result)
    if result.study.every_published or result.study.hour_sets:
        (result.folder / "table.md").write_text(table_page(result), encoding="utf-8")
    write_json(result.folder / FILE, _page(result))


def _write_designs(result: StudyResult) -> None:
    table, tables = matrix(result), result.folder / "tables"
    header, *lines = csv_rows(table)
    _write_csv(tables / "designs.csv", [str(name) for name in header], lines)
    header, *lines = refused_rows(result)
    _write_csv(tables / "refused.csv", [str(name) for name in header], lines)
    (result.folder / "matrix.md").write_text(matrix_page(result, table), encoding="utf-8")
    (result.folder / "table5.md").write_text(table5_page(table), encoding="utf-8")


def _page(result: StudyResult) -> dict[str, object]:
    study, frozen, closest = result.study, result.frozen, result.closest
    return {
        "study": study.name,
        "title": study.title,
        "seeds": study.seeds,
        "runs": len(set(run_names(result))) * len(study.seed_range),
        "failed": [asdict(failure) for failure in result.failed],
        "versions": versions(),
        "commit": commit(),
        "configuration": {
            "sha256": frozen.sha256,
            "committed": frozen.committed,
            "as_committed": frozen.as_committed,
            "test_seeds": frozen.test_seeds,
            "test_seeds_used": frozen.used,
            "test_runs": frozen.test_runs,
        },
        "calibrated": list(study.calibrated),
        "not_matched": list(study.not_matched),
        "notes": list(study.notes),
        "closest_draw": None if closest is None else asdict(closest) | {"what": closest.in_words},
        "cells": cells_in_words(result),
        "evidence": [asdict(tally) for tally in tallies(result)],
        "rows": [asdict(row) for row in result.rows],
        "criteria": [asdict(judged) for judged in result.criteria],
    }


def run_names(result: StudyResult) -> tuple[str, ...]:
    """Return where the runs of each variant are: what a variation leaves alone is where it was simulated."""
    variants = result.measured.variants
    places: dict[tuple[str, tuple[str, ...]], str] = {}
    for variant, folder in zip(variants, run_folders(variants), strict=True):
        places.setdefault((variant.case, variant.settings), folder)
    return tuple(places[each.case, each.settings] for each in variants)


def _runs(result: StudyResult) -> Iterable[Sequence[object]]:
    """Yield one row a figure of a run; a figure that does not exist is empty, and so is the folder of no log."""
    study, variants, values = result.study, result.measured.variants, result.measured.values
    folders, kept = run_names(result), result.study.keep == "runs"
    for (i, variant), (j, seed) in product(enumerate(variants), enumerate(study.seed_range)):
        folder = f"{folders[i]}-{seed}" if kept else None
        for k, kpi in enumerate(study.every_kpi):
            value = None if math.isnan(values[i, j, k]) else float(values[i, j, k])
            yield variant.case, variant.point, seed, kpi.name, kpi.hour, kpi.unit, value, folder


def _or_nothing(value: object) -> object:
    return None if isinstance(value, float) and math.isnan(value) else value


def _write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
