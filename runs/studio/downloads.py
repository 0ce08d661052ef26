"""What can be downloaded: tables as CSV, files of the run's own folder, its report."""

import io
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv
from fastapi import FastAPI
from starlette.responses import FileResponse, PlainTextResponse, Response

from peerflex.core.errors import InputError, PeerflexError
from peerflex.runs.report.numbers import FORMULA
from peerflex.runs.session import Session
from peerflex.runs.studio.desk import Desk

REPORT = "report.html"


def add_downloads(web: FastAPI, desk: Desk) -> None:
    """Add the routes; all only read, except that a report is written into the run's folder."""

    @web.exception_handler(PeerflexError)
    async def refuse(_: Any, error: Exception) -> Response:
        return PlainTextResponse(f"peerflex studio: {error}\n", 404)

    @web.get("/run/{key}/csv/{table}")
    async def table_csv(key: str, table: str, all: bool = False) -> Response:
        shown = desk.get(key)

        def rows(session: Session) -> tuple[bytes, str]:
            step = session.cursor - 1
            if all:
                return as_csv(session.rows(table)), f"{table}.csv"
            if step < 0:  # before the first hour: the header alone
                return as_csv(session.rows(table, 0, -1)), f"{table}-none.csv"
            return as_csv(session.rows(table, step, step)), f"{table}-step-{step}.csv"

        content, name = await shown.call(rows)
        headers = {"Content-Disposition": f'attachment; filename="{_plain(shown.name)}-{name}"'}
        return Response(content, media_type="text/csv; charset=utf-8", headers=headers)

    @web.get("/run/{key}/files/{path:path}")
    async def file(key: str, path: str) -> Response:
        shown = desk.get(key)
        await shown.settle()
        found = inside(shown.session.folder, path)
        return FileResponse(found, media_type="application/octet-stream", filename=found.name)

    @web.get("/run/{key}/report")
    async def report(key: str) -> Response:
        from peerflex.runs.report.command import write_report

        shown = desk.get(key)
        written = shown.session.folder / REPORT

        def write(session: Session) -> None:
            session.flush()
            write_report(session.folder, written)

        await shown.call(write)
        return FileResponse(written, media_type="application/octet-stream", filename=f"{_plain(shown.name)}.html")


def as_csv(rows: pa.Table) -> bytes:
    """Return a table as CSV in UTF-8, names as texts, none of which a spreadsheet takes for a formula."""
    columns = [_harmless(column) if _is_text(column.type) else column for column in rows.columns]
    sink = io.BytesIO()
    csv.write_csv(pa.table(columns, names=rows.column_names), sink)
    return sink.getvalue()


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_dictionary(kind) or pa.types.is_string(kind))


def _harmless(column: pa.ChunkedArray) -> pa.ChunkedArray:
    beginning = f"^([{re.escape(''.join(FORMULA))}])"
    return pc.replace_substring_regex(column.cast(pa.string()), beginning, r"'\1")


def inside(folder: Path, path: str) -> Path:
    """Return a file of a run's folder.

    Raises:
        InputError: if there is none, or the path (links followed) leads out of the folder.
    """
    root = folder.resolve()
    try:
        found = (root / path).resolve()
        if found.is_relative_to(root) and found.is_file():
            return found
    except (OSError, ValueError):  # names too long, or with a zero byte
        pass
    raise InputError(path[:200], "is no file of this run", "Choose one that the page of the run links to.")


def _plain(name: str) -> str:
    return "".join(letter if letter.isascii() and (letter.isalnum() or letter in "-_.") else "_" for letter in name)
