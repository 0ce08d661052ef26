"""Meter series from a CSV file: one column a meter, or one row a value."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from peerflex.core.arrays import Bools, Floats, Ints
from peerflex.core.errors import InputError
from peerflex.scenarios.meters import kinds as kinds
from peerflex.scenarios.meters.csv import NAMES, Layout, find_layout, numbers_of, read_frame
from peerflex.scenarios.meters.findings import Finding, printable
from peerflex.scenarios.meters.times import NO_TIME, looks_like_time, read_stamps

if TYPE_CHECKING:
    import pandas as pd

TIME_WORDS: Final = frozenset({"time", "timestamp", "datetime", "date", "zeit", "datum", "step", "hour", "zeitstempel"})
METER_WORDS: Final = frozenset(
    {"meter", "meterid", "id", "name", "load", "customer", "household", "house", "device", "sensor", "series", "mpan"}
)
VALUE_WORDS: Final = frozenset({"value", "power", "energy", "consumption", "reading", "kw", "kwh", "w", "wh", "mw"})
_UNIT = re.compile(r"\s*[\[(]\s*([kM]?Wh?)\s*[\])]\s*$|[_ ](kWh?|MWh?)$|^(kWh?|MWh?|Wh?)$", re.IGNORECASE)
_NUMBER = re.compile(r"^\s*[-+]?(\d{1,3}(\.\d{3})+,\d*|\d+[.,]?\d*|[.,]\d+)([eE][-+]?\d+)?\s*$")
UNITS: Final = {"w": "W", "kw": "kW", "mw": "MW", "wh": "Wh", "kwh": "kWh", "mwh": "MWh"}


@dataclass(frozen=True, slots=True)
class Meter:
    """One meter: ``seconds`` since 1970 and ``values`` (NaN: none), both ``(rows,)`` in the file's order.

    ``unit`` is what the file calls it ('' if it does not); ``texts`` cells hold text, ``example`` first;
    ``zoned`` of its time stamps name a time zone.
    """

    name: str
    unit: str
    seconds: Ints
    values: Floats
    texts: int
    example: str
    zoned: int


@dataclass(frozen=True, slots=True)
class MeterFile:
    """All meters of a file, and what was found while reading it."""

    meters: tuple[Meter, ...]
    findings: tuple[Finding, ...]


def read_meters(path: Path) -> MeterFile:
    """Return the meters of a CSV file, wide or long, whatever its separator and decimal mark.

    Raises:
        InputError: if it cannot be read, or has no meters or no times.
    """
    layout = find_layout(path)
    findings = []
    if layout.encoding == "cp1252":
        findings.append(Finding(kinds.ENCODING, path.name, "some bytes are no UTF-8"))
    time, meter, value = _roles(layout)
    text_columns = (time,) if meter is None else (time, meter)
    frame, bad = read_frame(layout, text_columns)
    stamps = read_stamps(frame[time].cat.categories.astype(str).tolist(), path.name)
    codes = frame[time].cat.codes.to_numpy(np.int64)
    rows = np.flatnonzero(stamps.seconds[codes] != NO_TIME)
    if not len(rows):
        raise InputError(str(path), "no time is readable", "Begin each row with a time like 2016-07-04T00:15.")
    if len(rows) < len(frame):
        lost = np.flatnonzero(stamps.seconds[codes] == NO_TIME)
        first = printable(frame[time].iloc[int(lost[0])])
        findings.append(Finding(kinds.BAD_TIMES, path.name, f"{len(lost)} of {len(frame)}, first {first!r}"))
    seconds, zoned = stamps.seconds[codes], stamps.zoned[codes] & (stamps.zoned.mean() < 0.5)
    if meter is None:
        meters = _wide(frame, layout, time, rows, seconds, zoned)
    else:
        meters = _long(frame, layout, meter, value, rows, seconds, zoned)
    shape = "one column a meter" if meter is None else "one row a value"
    mark = "decimal comma" if layout.decimal == "," else "decimal point"
    what = f"{shape}, separated by {NAMES[layout.separator]}, {mark}: {len(meters)} meters, {len(rows)} rows"
    findings.insert(0, Finding(kinds.LAYOUT, path.name, what))
    return MeterFile(tuple(meters), (*findings, *bad, *stamps.findings))


def _roles(layout: Layout) -> tuple[int, int | None, int]:
    """Return which column holds times, which names meters (None: every other column is a meter), which values."""
    names = [re.sub(r"[^a-z0-9]", "", re.sub(r"[\[(].*", "", name.lower())) for name in layout.header]
    columns = list(zip(*layout.sample, strict=True))
    if looks_like_time(layout.header[:1]) or looks_like_time(layout.header[1:2]):
        raise InputError(str(layout.path), "its first line holds values", "Give it a header: the names of the meters.")
    times = [place for place, cells in enumerate(columns[:5]) if looks_like_time(cells)]
    times += [place for place, name in enumerate(names[:5]) if name in TIME_WORDS]
    if not times:
        what = f"none of the first columns holds times: {printable(', '.join(layout.header[:3]))!r}"
        raise InputError(str(layout.path), what, "Put the times, like 2016-07-04T00:15, into the first column.")
    others = [place for place in range(len(names)) if place != times[0]]
    if not 2 <= len(others) <= 4:
        return times[0], None, -1
    values = [place for place in others if _mostly_numbers(columns[place])]
    sized = [place for place in values if _UNIT.search(layout.header[place]) or names[place] in VALUE_WORDS]
    worded = [place for place in others if place not in values]
    if worded and values and (sized or names[worded[0]] in METER_WORDS or len(others) == 2):
        return times[0], worded[0], (sized or values)[0]
    for place in others:  # meters that are called by numbers, all or some
        if names[place] in METER_WORDS and not _UNIT.search(layout.header[place]):
            filled = [cell for cell in columns[place] if cell.strip()]
            of_numbers = all(map(str.isdigit, filled)) or not all(map(_is_number, filled))
            if of_numbers and (sizes := [each for each in sized if each != place]):
                return times[0], place, sizes[0]
    return times[0], None, -1


def _mostly_numbers(cells: tuple[str, ...]) -> bool:
    filled = [cell for cell in cells if cell.strip()]
    return sum(map(_is_number, filled)) * 2 >= len(filled)


def _is_number(cell: str) -> bool:
    return bool(_NUMBER.match(cell))


def _split(header: str) -> tuple[str, str]:
    """Return a column's name without its unit, and the unit, '' if it has none."""
    found = _UNIT.search(header)
    if not found:
        return printable(header), ""
    return printable(header[: found.start()]), UNITS[next(filter(None, found.groups())).lower()]


def _wide(frame: "pd.DataFrame", layout: Layout, time: int, rows: Ints, seconds: Ints, zoned: Bools) -> list[Meter]:
    meters = []
    for place, header in enumerate(layout.header):
        if place == time:
            continue
        values, texts, example = numbers_of(frame[place], layout)
        name, unit = _split(header)
        if not name and np.isnan(values).all():
            continue  # a separator at the end of every line
        name = name or f"column {place + 1}"
        meters.append(Meter(name, unit, seconds[rows], values[rows], texts, example, int(zoned[rows].sum())))
    return meters


def _long(
    frame: "pd.DataFrame", layout: Layout, meter: int, value: int, rows: Ints, seconds: Ints, zoned: Bools
) -> list[Meter]:
    values, texts, _ = numbers_of(frame[value], layout)
    text = np.isnan(values) & frame[value].notna().to_numpy() if texts else np.zeros(len(values), dtype=bool)
    unit = _split(layout.header[value])[1]
    codes = frame[meter].cat.codes.to_numpy(np.int64)[rows]
    order = rows[np.argsort(codes, kind="stable")]
    names = [printable(name) for name in frame[meter].cat.categories]
    edges = np.searchsorted(np.sort(codes), np.arange(len(names) + 1))
    meters = []
    for place, name in enumerate(names):
        own = order[edges[place] : edges[place + 1]]
        wrong = own[text[own]]
        example = printable(frame[value].iloc[int(wrong[0])]) if len(wrong) else ""
        title = name or "(no name)"
        meters.append(Meter(title, unit, seconds[own], values[own], len(wrong), example, int(zoned[own].sum())))
    return [each for each in meters if len(each.seconds)]
