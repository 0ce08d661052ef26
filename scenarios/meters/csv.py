"""A CSV file as people have them: its encoding, separator, decimal mark and header are found, not asked for."""

import csv
import io
import re
import warnings
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from peerflex.core.arrays import Floats
from peerflex.core.errors import InputError
from peerflex.scenarios.meters import kinds as kinds
from peerflex.scenarios.meters.findings import Finding, printable

if TYPE_CHECKING:
    import pandas as pd

SAMPLE_BYTES = 4_000_000
SAMPLE_LINES = 60
WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""How files of Excel begin, new and old."""

MOST_BYTES = 4_000_000_000
MOST_COLUMNS = 20_001
SEPARATORS = (";", "\t", ",", "|")
NAMES = {";": "semicolons", "\t": "tabs", ",": "commas", "|": "bars"}
EMPTY = ("", "NA", "NaN", "nan", "N/A", "n/a", "NULL", "null", "None", "none", "-", "--", "#N/A")
_DECIMAL_COMMA = re.compile(r"^\s*[-+]?\d+(\.\d{3})*,\d+\s*$")
_COMMA_THOUSANDS = re.compile(r"^\s*[-+]?\d{1,3}(,\d{3})+\.\d+\s*$")
_UNIT_CELL = re.compile(r"\s*[\[(]?\s*[kM]?Wh?\s*[\])]?\s*", re.IGNORECASE)
_THOUSANDS = re.compile(r"^\s*[-+]?\d{1,3}(\.\d{3})+,\d+\s*$")
_REMEDY = "Give a text file with a header line: time and one column a meter, or time, meter, value."


@dataclass(frozen=True, slots=True)
class Layout:
    """How a file is written: ``header`` is its names, ``sample`` its first rows, ``skip`` the lines before those."""

    path: Path
    encoding: str
    separator: str
    decimal: str
    thousands: str | None
    header: tuple[str, ...]
    sample: tuple[tuple[str, ...], ...]
    skip: int


def find_layout(path: Path) -> Layout:
    """Return how a CSV file is written.

    Raises:
        InputError: if there is no such file, it is no text, or it has no header and rows.
    """
    encoding, lines = _lines(path)
    separator = _separator(lines, path)
    rows, ends = _parsed(lines, separator, path)
    width = Counter(len(row) for row in rows).most_common(1)[0][0]
    # notes may stand above the header
    top = next((place for place, row in enumerate(rows) if len(row) == width <= 2 * sum(map(bool, row))), len(rows) - 1)
    header, sample = rows[top], [row for row in rows[top + 1 :] if len(row) == width]
    if width < 2 or not sample:
        what = "has one column only" if width < 2 else "has no rows below its header"
        raise InputError(str(path), what, _REMEDY)
    if width > MOST_COLUMNS:
        raise InputError(str(path), f"has {width} columns, more than {MOST_COLUMNS}", "Split it, or leave meters out.")
    cells = [cell for row in sample for cell in row]
    comma = separator != "," and sum(map(bool, map(_DECIMAL_COMMA.match, cells))) * 2 > sum(
        bool(re.match(r"^\s*[-+]?\d+[.,]\d+\s*$", cell)) for cell in cells
    )
    mark, written = (".", _THOUSANDS) if comma else (",", _COMMA_THOUSANDS)
    thousands = mark if any(map(written.match, cells)) else None
    below = sample[0] if not re.search(r"\d", "".join(sample[0])) else [""] * width
    names = tuple(map(_with_unit, header, below))
    decimal = "," if comma else "."
    return Layout(path, encoding, separator, decimal, thousands, names, tuple(map(tuple, sample)), ends[top])


def _with_unit(name: str, below: str) -> str:
    """Return a column's name with the unit that stands in the row below it, if one does."""
    return f"{name.strip()} [{below.strip('[]() ')}]" if _UNIT_CELL.fullmatch(below) else name.strip()


def _lines(path: Path) -> tuple[str, list[str]]:
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            raw = file.read(SAMPLE_BYTES)
    except (OSError, ValueError) as error:
        raise InputError(str(path), f"cannot be read ({error})", _REMEDY) from None
    if size > MOST_BYTES:
        raise InputError(str(path), f"has {size} bytes, more than {MOST_BYTES}", "Split it by years.")
    encoding = "utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    if raw.startswith(WORKBOOKS):
        raise InputError(str(path), "is an Excel workbook, not text", "Save the sheet as CSV and give that file.")
    if encoding != "utf-16" and b"\0" in raw:
        raise InputError(str(path), "is not text (it holds bytes of 0)", _REMEDY)
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        cut = len(raw) == SAMPLE_BYTES and error.start > len(raw) - 4  # a letter cut in two at the sample's end
        encoding = encoding if cut else "cp1252"
        text = raw.decode(encoding, errors="replace")
    lines = text.splitlines(keepends=True)
    if size > SAMPLE_BYTES:
        lines = lines[:-1]
        if not lines:
            raise InputError(str(path), f"its first line is longer than {SAMPLE_BYTES} bytes", _REMEDY)
    if not any(line.strip() for line in lines):
        raise InputError(str(path), "is empty", _REMEDY)
    return encoding, lines[:SAMPLE_LINES]


def _separator(lines: list[str], path: Path) -> str:
    """Return what most lines hold equally often; semicolons and tabs first, since a comma may be a decimal mark."""
    best, most = "", 0
    for separator in SEPARATORS:
        widths = Counter(len(row) for row in _parsed(lines, separator, path)[0])
        width, agreeing = widths.most_common(1)[0] if widths else (1, 0)
        if width > 1 and agreeing > most:
            best, most = separator, agreeing
    if not best:
        raise InputError(str(path), "no separator is found (semicolon, tab, comma or bar)", _REMEDY)
    return best


def _parsed(lines: list[str], separator: str, path: Path) -> tuple[list[list[str]], list[int]]:
    """Return the rows that are no comments, and after how many lines of the file each ends."""
    reader = csv.reader(io.StringIO("".join(lines)), delimiter=separator)
    rows, ends = [], []
    try:
        for row in reader:
            if any(cell.strip() for cell in row) and not row[0].startswith("#"):
                rows.append(row)
                ends.append(reader.line_num)
    except csv.Error as error:
        where = f"{path}: line {reader.line_num}"
        raise InputError(where, str(error), "Look for a quote that is not closed.") from None
    return rows, ends


def read_frame(layout: Layout, text_columns: tuple[int, ...]) -> tuple["pd.DataFrame", list[Finding]]:
    """Return all rows below the header, columns numbered; ``text_columns`` as categories, others as they are.

    Raises:
        InputError: if the rows cannot be read.
    """
    import pandas as pd

    names = [str(place) for place in range(len(layout.header))]
    texts = [str(place) for place in text_columns]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            frame = pd.read_csv(
                layout.path,
                sep=layout.separator,
                decimal=layout.decimal,
                thousands=layout.thousands,
                header=None,
                names=names,
                skiprows=layout.skip,
                index_col=False,
                encoding=layout.encoding,
                encoding_errors="replace",
                on_bad_lines="warn",
                low_memory=False,
                dtype=dict.fromkeys(texts, "category"),
                keep_default_na=False,
                na_values={name: list(EMPTY) for name in names if name not in texts},
            )
        except (ValueError, OSError, MemoryError) as error:  # pandas' own errors are ValueErrors
            what = f"cannot be read ({printable(error)})"
            raise InputError(str(layout.path), what, "Look for a quote that is not closed.") from None
    if frame.empty:
        raise InputError(str(layout.path), "has no rows below its header", _REMEDY)
    found = [line for each in caught for line in re.findall(r"[Ll]ine (\d+)", str(each.message))]
    bad = f"{len(found)}, first line {found[0]} of the file" if found else ""
    findings = [Finding(kinds.BAD_LINES, layout.path.name, bad)] if found else []
    return frame.set_axis(range(len(names)), axis=1), findings


def numbers_of(column: "pd.Series", layout: Layout) -> tuple[Floats, int, str]:
    """Return a column as numbers (NaN where none), how many cells hold text, and the first such text."""
    import pandas as pd

    if column.dtype.kind in "fiu":
        return column.to_numpy(dtype=np.float64), 0, ""
    text = column.astype("string").str.strip()
    plain = text.str.replace(layout.thousands, "", regex=False) if layout.thousands else text
    plain = plain.str.replace(",", ".", regex=False) if layout.decimal == "," else plain
    values = pd.to_numeric(plain, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    # a column whose numbers were read as numbers, and whose text kept them as text
    wrong = np.isnan(values) & column.notna().to_numpy()
    example = printable(text[wrong].iloc[0]) if wrong.any() else ""
    return values, int(wrong.sum()), example
