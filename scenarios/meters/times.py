"""Time stamps as people write them, as seconds of one clock."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from peerflex.core.arrays import Bools, Floats, Ints
from peerflex.scenarios.meters import kinds as kinds
from peerflex.scenarios.meters.findings import Finding, counted, printable

if TYPE_CHECKING:
    import pandas as pd

NO_TIME: Final = np.iinfo(np.int64).min
EPOCH_2016_S: Final = 1_451_606_400
"""1 January 2016, 00:00, in seconds since 1970: where rows that are only numbered begin."""

FIRST_S: Final = -2_208_988_800
LAST_S: Final = 7_258_118_400
"""1900 and 2200, between which scenarios begin; a time outside is taken for unreadable."""

DAY_S: Final = 86_400
HOUR_S: Final = 3600
EXCEL_DAY_0: Final = 25_569  # 1 January 1970 as Excel counts days
FORMATS: Final = (
    "ISO8601",
    "%d.%m.%Y %H:%M",
    "%d.%m.%Y %H:%M:%S",
    "%d/%m/%Y %H:%M",
    "%d/%m/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M",
    "%m/%d/%Y %H:%M:%S",
    "%m/%d/%Y %I:%M %p",
    "%m/%d/%Y %I:%M:%S %p",
    "%d-%m-%Y %H:%M",
    "%d-%m-%Y %H:%M:%S",
    "%d-%b-%Y %H:%M",
    "%d-%b-%Y %H:%M:%S",
    "%d.%m.%y %H:%M",
    "%Y/%m/%d %H:%M",
    "%Y/%m/%d %H:%M:%S",
    "%Y%m%d%H%M",
    "%Y%m%d %H:%M",
    "%d.%m.%Y",
    "%d/%m/%Y",
)
SAMPLE = 400
_MIDNIGHT = re.compile(r"(?<=[T ])24:00(?=(?::00)?\b)")
_ZONE = re.compile(r"(:\d{2}(?:[.,]\d+)?)\s*(Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)$")


@dataclass(frozen=True, slots=True)
class Stamps:
    """Texts as ``seconds`` since 1970 of one clock (NO_TIME: unreadable), and which of them name a zone."""

    seconds: Ints
    zoned: Bools
    findings: tuple[Finding, ...]


def read_stamps(texts: Sequence[str], where: str) -> Stamps:
    """Return what time stamps mean; ``texts`` are best unique.

    Stamps with different zones are moved to the smaller offset (winter time) that a quarter of them have at least;
    those without one are taken to be in it. Where fewer than half have a zone, zones are dropped.
    """
    import pandas as pd

    series = pd.Series(np.asarray(texts, dtype=object).astype(str)).str.strip()
    as_numbers = pd.to_numeric(series, errors="coerce").to_numpy(dtype=np.float64)
    if np.isfinite(as_numbers).mean() > 0.5 and not series.str.fullmatch(r"(19|20)\d{10}").mean() > 0.5:
        return _numbered(as_numbers, where)
    parts = series.str.extract(_ZONE)
    zoned = parts[1].notna().to_numpy()
    if zoned.any():
        series = series.where(~zoned, series.str.replace(_ZONE, r"\1", regex=True))
    ends = series.str.contains(_MIDNIGHT).to_numpy(dtype=bool)
    seconds, findings = _seconds(series.str.replace(_MIDNIGHT, "00:00", regex=True) if ends.any() else series, where)
    if ends.any():
        seconds = np.where(ends & (seconds != NO_TIME), seconds + DAY_S, seconds)
        findings.append(
            Finding(
                kinds.MIDNIGHT, where, f"{counted(int(ends.sum()), 'time')}, first {printable(series[ends].iloc[0])}"
            )
        )
    if zoned.any():
        seconds, more = _one_zone(seconds, zoned, _offsets(parts[1][zoned]), where)
        findings += more
    return Stamps(seconds, zoned, tuple(findings))


def looks_like_time(texts: Sequence[str]) -> bool:
    """Return whether most of some texts are times (numbers are not)."""
    import pandas as pd

    series = pd.Series(list(texts), dtype=object).astype(str).str.strip()
    numbers = pd.to_numeric(series, errors="coerce").notna() & ~series.str.fullmatch(r"(19|20)\d{10}")
    series = series.where(~numbers, "").str.replace(_ZONE, r"\1", regex=True)
    return bool((_seconds(series, "")[0] != NO_TIME).mean() > 0.5)


def _numbered(numbers: Floats, where: str) -> Stamps:
    """Return times since 1970 in seconds or milliseconds, Excel's days, or rows numbered from 0 or 1."""
    finite = np.isfinite(numbers)
    middle = float(np.median(numbers[finite]))
    if 1e8 < middle < 5e9 or 1e11 < middle < 5e12:
        scale, base, numbered = (1.0 if middle < 5e9 else 1e-3), 0.0, False
    elif 30_000 < middle < 60_000 and (np.mod(numbers[finite], 1) > 0).any():
        scale, base, numbered = float(DAY_S), -float(EXCEL_DAY_0 * DAY_S), False
    else:
        scale, base, numbered = float(HOUR_S), float(EPOCH_2016_S), True
    seconds = np.full(len(numbers), NO_TIME)
    first = float(numbers[finite].min()) if numbered else 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        # whole minutes: days of Excel are rounded
        exact = np.round((numbers - first) * scale / 60) * 60 + base if scale > 1 else numbers * scale + base
        usable = finite & (exact >= FIRST_S) & (exact < LAST_S)
    seconds[usable] = exact[usable].astype(np.int64)
    findings = (
        (Finding(kinds.NO_DATES, where, f"numbered from {first:g}; an hour is assumed between them"),)
        if numbered
        else ()
    )
    return Stamps(seconds, np.zeros(len(numbers), dtype=bool), findings)


def _seconds(series: "pd.Series[str]", where: str) -> tuple[Ints, list[Finding]]:
    """Return seconds since 1970, each text by the first notation that reads it, the commonest notation first."""
    import pandas as pd

    sample = series.iloc[:: max(1, len(series) // SAMPLE)]
    read = {form: pd.to_datetime(sample, format=form, errors="coerce").notna().sum() for form in FORMATS}
    ranked = sorted(FORMATS, key=lambda form: (-read[form], FORMATS.index(form)))
    seconds: Ints = np.full(len(series), NO_TIME)
    used = []
    for form in ranked:
        left = np.flatnonzero(seconds == NO_TIME)
        if not len(left):
            break
        times = pd.to_datetime(series.iloc[left], format=form, errors="coerce")
        fits = times.notna().to_numpy()
        if fits.any():
            used.append(form)
            read_s = times[fits].to_numpy().astype("datetime64[s]").astype(np.int64)
            seconds[left[fits]] = np.where((read_s >= FIRST_S) & (read_s < LAST_S), read_s, NO_TIME)
    findings = []
    days = {form: count for form, count in read.items() if form.startswith(("%d/%m/%Y", "%m/%d/%Y"))}
    if used and used[0].startswith("%d/%m/%Y") and days.get(used[0].replace("%d/%m", "%m/%d")) == read[used[0]]:
        findings.append(Finding(kinds.DAY_FIRST, where, f"for example {series.iloc[0]}"))
    if len(used) > 1:
        findings.append(Finding(kinds.NOTATIONS, where, ", ".join(f"as {form}" for form in used)))
    return seconds, findings


def _offsets(zones: "pd.Series[str]") -> Ints:
    """Return zones as seconds ahead of UTC."""
    sign = np.where(zones.str.startswith("-"), -1, 1)
    digits = zones.str.replace(r"\D", "", regex=True).str.ljust(4, "0")
    ahead = digits.str[:2].astype(int) * HOUR_S + digits.str[2:4].astype(int) * 60
    return np.asarray(sign * ahead.to_numpy(), dtype=np.int64)


def _one_zone(seconds: Ints, zoned: Bools, offsets: Ints, where: str) -> tuple[Ints, list[Finding]]:
    if zoned.mean() < 0.5:
        return seconds, []  # which meters these are is said meter by meter
    known, counts = np.unique(offsets, return_counts=True)
    standard = int(known[counts >= 0.25 * counts.sum()].min(initial=known[counts.argmax()]))
    moved = seconds.copy()
    moved[zoned] = np.where(seconds[zoned] == NO_TIME, NO_TIME, seconds[zoned] + standard - offsets)
    names = ", ".join(_zone_name(int(offset)) for offset in known)
    return moved, [Finding(kinds.ZONED, where, f"{names}; all are now {_zone_name(standard)}")]


def _zone_name(offset: int) -> str:
    sign = "-" if offset < 0 else "+"
    return f"UTC{sign}{abs(offset) // HOUR_S:02d}:{abs(offset) % HOUR_S // 60:02d}"
