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
from peerflex.scenarios.meters.findings import Finding, listed, printable
from peerflex.scenarios.meters.times import NO_TIME, looks_like_time, read_stamps

if TYPE_CHECKING:
    import pandas as pd

TIME_WORDS: Final = frozenset({"time", "timestamp", "datetime", "date", "zeit", "datum", "step", "hour", "zeitstempel"})
METER_WORDS: Final = frozenset(
    {"meter", "meterid", "id", "name", "load", "customer", "household", "house", "device", "sensor", "series", "mpan"}
)
VALUE_WORDS: Final = frozenset({"value", "power", "energy", "consumption", "reading", "kw", "kwh", "w", "wh", "mw"})
UNIT_WORDS: Final = frozenset({"unit", "units", "uom", "einheit"})
_UNIT = re.compile(
    r"\s*[\[(]\s*([kM]?Wh?)\s*[\])]\s*$|(?:\s+in\s+|\s*[,/]\s*)([kM]?Wh?)$|[_ ](kWh?|MWh?)$|^(kWh?|MWh?|Wh?)$",
    re.IGNORECASE,
)
_CLOCK = re.compile(r"\s*([01]?\d|2[0-4]):[0-5]\d(:[0-5]\d)?\s*")
_DATE_ONLY = re.compile(r"[^:]*")
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
    roles = _roles(layout)
    frame, bad = read_frame(layout, tuple(each for each in (roles.time, roles.clock, roles.meter) if each is not None))
    times = frame[roles.time] if roles.clock is None else _joined(frame[roles.time], frame[roles.clock])
    stamps = read_stamps(times.cat.categories.astype(str).tolist(), path.name)
    codes = times.cat.codes.to_numpy(np.int64)
    rows = np.flatnonzero(stamps.seconds[codes] != NO_TIME)
    if not len(rows):
        what = f"no time is readable, the first is {printable(times.iloc[0])!r}"
        raise InputError(str(path), what, "Begin each row with a time like 2016-07-04T00:15.")
    if len(rows) < len(frame):
        lost = np.flatnonzero(stamps.seconds[codes] == NO_TIME)
        first = printable(times.iloc[int(lost[0])])
        findings.append(Finding(kinds.BAD_TIMES, path.name, f"{len(lost)} of {len(frame)}, first {first!r}"))
    seconds, zoned = stamps.seconds[codes], stamps.zoned[codes] & (stamps.zoned.mean() < 0.5)
    if roles.meter is None:
        meters = _wide(frame, layout, roles, rows, seconds, zoned)
    else:
        meters = _long(frame, layout, roles, rows, seconds, zoned)
    unread = [layout.header[place] for place in roles.unread]
    if unread:
        findings.append(Finding(kinds.UNREAD, path.name, listed(unread)))
    shape = "one column a meter" if roles.meter is None else "one row a value"
    mark = "decimal comma" if layout.decimal == "," else "decimal point"
    what = f"{shape}, separated by {NAMES[layout.separator]}, {mark}: {len(meters)} meters, {len(rows)} rows"
    findings.insert(0, Finding(kinds.LAYOUT, path.name, what))
    return MeterFile(tuple(meters), (*findings, *bad, *stamps.findings))


@dataclass(frozen=True, slots=True)
class _Roles:
    """Which columns hold times (and the time of day, where the date stands alone), and which are ``unread``; in a file
    of one row a value also which names the meter and which holds the value, of a ``unit`` that another column says."""

    time: int
    clock: int | None
    unread: tuple[int, ...]
    meter: int | None = None
    value: int = -1
    unit: str = ""


def _roles(layout: Layout) -> _Roles:
    """Return what the columns are; without a column of meters every other column is a meter."""
    names = [re.sub(r"[^a-z0-9]", "", re.sub(r"[\[(].*", "", name.lower())) for name in layout.header]
    columns = list(zip(*layout.sample, strict=True))
    if looks_like_time(layout.header[:1]):
        raise InputError(str(layout.path), "its first line holds values", "Give it a header: the names of the meters.")
    if looks_like_time(layout.header[1:2]):
        what = "its times stand side by side in its first line"
        raise InputError(str(layout.path), what, "Turn the table round: one row a time, one column a meter.")
    times = [place for place, cells in enumerate(columns[:5]) if looks_like_time(cells)]
    clocks = [place for place, cells in enumerate(columns[:5]) if _mostly(_CLOCK, cells)]
    worded = [place for place, name in enumerate(names[:5]) if name in TIME_WORDS]
    if not (times or worded):
        what = f"none of the first columns holds times: {printable(', '.join(layout.header[:3]))!r}"
        raise InputError(str(layout.path), what, "Put the times, like 2016-07-04T00:15, into the first column.")
    time = (times or worded)[0]
    clock = clocks[0] if clocks and _mostly(_DATE_ONLY, columns[time]) else None
    more = tuple(place for place in dict.fromkeys([*times, *clocks]) if place not in (time, clock))
    filled = [place for place, cells in enumerate(columns) if any(map(str.strip, cells))]
    others = [place for place in filled if place not in (time, clock, *more)]
    meter, value = _of_long(layout, names, columns, others)
    if meter is None:
        return _Roles(time, clock, more)
    rest = tuple(place for place in others if place not in (meter, value))
    units = {_split(cell)[1]: place for place in rest if names[place] in UNIT_WORDS for cell in columns[place]}
    if len(units) != 1 or "" in units:
        return _Roles(time, clock, (*more, *rest), meter, value)
    ((unit, told),) = units.items()
    return _Roles(time, clock, (*more, *(place for place in rest if place != told)), meter, value, unit)


def _of_long(
    layout: Layout, names: list[str], columns: list[tuple[str, ...]], others: list[int]
) -> tuple[int | None, int]:
    """Return which column names meters, None if every column is one, and which holds the values."""
    if not 2 <= len(others) <= 4:
        return None, -1
    values = [place for place in others if _mostly(_NUMBER, columns[place])]
    sized = [place for place in values if _UNIT.search(layout.header[place]) or names[place] in VALUE_WORDS]
    worded = [place for place in others if place not in values]
    if worded and values and (sized or names[worded[0]] in METER_WORDS or len(others) == 2):
        return worded[0], (sized or values)[0]
    for place in others:  # meters that are called by numbers, all or some
        if names[place] in METER_WORDS and not _UNIT.search(layout.header[place]):
            filled = [cell for cell in columns[place] if cell.strip()]
            of_numbers = all(map(str.isdigit, filled)) or not all(map(_NUMBER.match, filled))
            if of_numbers and (sizes := [each for each in sized if each != place]):
                return place, sizes[0]
    return None, -1


def _joined(date: "pd.Series", clock: "pd.Series") -> "pd.Series":
    """Return dates and times of day, both categories, as texts of both."""
    return (date.astype(str) + " " + clock.astype(str)).astype("category")


def _mostly(form: re.Pattern[str], cells: tuple[str, ...]) -> bool:
    """Return whether at least half of the cells that are not empty have a form (at least one has)."""
    filled = [cell for cell in cells if cell.strip()]
    return sum(map(bool, map(form.fullmatch, filled))) * 2 >= max(len(filled), 1)


def _split(header: str) -> tuple[str, str]:
    """Return a column's name without its unit, and the unit, '' if it has none."""
    found = _UNIT.search(header)
    if not found:
        return printable(header), ""
    return printable(header[: found.start()]), UNITS[next(filter(None, found.groups())).lower()]


def _wide(frame: "pd.DataFrame", layout: Layout, roles: _Roles, rows: Ints, seconds: Ints, zoned: Bools) -> list[Meter]:
    meters = []
    for place, header in enumerate(layout.header):
        if place in (roles.time, roles.clock, *roles.unread):
            continue
        values, texts, example = numbers_of(frame[place].iloc[rows], layout)
        name, unit = _split(header)
        if not name and np.isnan(values).all():
            continue  # a separator at the end of every line
        name = name or f"column {place + 1}"
        meters.append(Meter(name, unit, seconds[rows], values, texts, example, int(zoned[rows].sum())))
    return meters


def _long(frame: "pd.DataFrame", layout: Layout, roles: _Roles, rows: Ints, seconds: Ints, zoned: Bools) -> list[Meter]:
    meter, value = roles.meter, roles.value
    values, texts, _ = numbers_of(frame[value], layout)
    text = np.isnan(values) & frame[value].notna().to_numpy() if texts else np.zeros(len(values), dtype=bool)
    unit = _split(layout.header[value])[1] or roles.unit
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
