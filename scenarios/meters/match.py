"""Which meter belongs to which load: by exact name first, then by a name without case, blanks and leading zeros."""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Self, TypeVar

from peerflex.scenarios.meters import kinds as kinds
from peerflex.scenarios.meters.findings import Finding, printable

Row = TypeVar("Row")
SAME_NAME = "same name"


@dataclass(frozen=True, slots=True)
class Places:
    """What a meter can be named after; ``loads``, ``generators`` and ``buses`` are names with the row of their
    connection (buses: every connection there). ``dark`` names are in the network, but out of service or supply.
    Nothing but generation stands at the connections ``generating``."""

    loads: tuple[tuple[str, int], ...]
    generators: tuple[tuple[str, int], ...]
    buses: tuple[tuple[str, tuple[int, ...]], ...]
    dark: frozenset[str]
    generating: frozenset[int]


@dataclass(frozen=True, slots=True)
class Match:
    """Meter number ``meter`` measures the load (or PV) of connection ``row``; ``how`` says why."""

    meter: int
    row: int
    is_pv: bool
    how: str


@dataclass(frozen=True, slots=True)
class _Known:
    """Names in one form (as they are, or plain); a form that two places share belongs to none of them."""

    by_load: dict[str, int]
    by_generator: dict[str, int]
    by_bus: dict[str, tuple[int, ...]]

    @classmethod
    def of(cls, places: Places, form: Callable[[str], str]) -> Self:
        return cls(_unique(places.loads, form), _unique(places.generators, form), _unique(places.buses, form))


def _unique(pairs: Iterable[tuple[str, Row]], form: Callable[[str], str]) -> dict[str, Row]:
    forms = [(form(name), row) for name, row in pairs]
    count = Counter(key for key, _ in forms)
    return {key: row for key, row in forms if key and count[key] == 1}


def plain(name: str) -> str:
    """Return a name in small letters, its words and numbers apart by one blank, numbers without leading zeros."""
    text = unicodedata.normalize("NFKC", name).casefold()
    words = re.findall(r"\d+(?:\.0\b)?|[^\W\d_]+", text)  # pandas writes the number 12 among gaps as 12.0
    return " ".join(word.split(".")[0].lstrip("0") or "0" if word[0].isdigit() else word for word in words)


def match_meters(names: Sequence[str], places: Places) -> tuple[list[Match], list[Finding]]:
    """Return the meters that have a connection, and what was found about the others.

    An exact name wins over a similar one, a load's over its bus's; of two meters for one load the first with the
    better match is used.
    """
    exact, similar = _Known.of(places, str), _Known.of(places, plain)
    dark = frozenset(map(plain, places.dark))
    proposed: list[tuple[int, Match]] = []
    findings = []
    for meter, name in enumerate(names):
        rank, found = _find(meter, name, places, exact, similar)
        if isinstance(found, Match):
            proposed.append((rank, found))
        elif found is not None:
            findings.append(found)
        elif plain(name) in dark:
            findings.append(Finding(kinds.DARK_LOAD, name, "its load is not supplied, or out of service"))
        else:
            findings.append(_unknown(name, places))
    taken: dict[tuple[int, bool], Match] = {}
    for _, match in sorted(proposed, key=lambda each: (each[0], each[1].meter)):
        first = taken.setdefault((match.row, match.is_pv), match)
        if first is not match:
            what = f"measures the same as {names[first.meter]!r}, which is used"
            findings.append(Finding(kinds.SECOND_METER, names[match.meter], what))
    return sorted(taken.values(), key=lambda match: match.meter), findings


def _find(meter: int, name: str, places: Places, exact: _Known, similar: _Known) -> tuple[int, Match | Finding | None]:
    """Return how good a match is (0 is best), and the match, or what is wrong with a bus of that name."""
    for rank, (known, key, how) in enumerate(((exact, name, SAME_NAME), (similar, plain(name), "similar name"))):
        if key in known.by_load:
            return 2 * rank, Match(meter, known.by_load[key], False, how)
        if key in known.by_generator:
            return 2 * rank, Match(meter, known.by_generator[key], True, f"{how} as a generator")
        if key in known.by_bus:
            rows = known.by_bus[key]
            if len(rows) == 1:
                return 2 * rank + 1, Match(meter, rows[0], rows[0] in places.generating, f"its bus has the {how}")
            kind = kinds.SHARED_BUS if rows else kinds.BARE_BUS
            return 0, Finding(kind, name, f"{len(rows) or 'no'} loads or generators stand there")
    return 0, None


def _unknown(name: str, places: Places) -> Finding:
    known = [each for each, _ in (*places.loads, *places.generators, *places.buses)]
    close = get_close_matches(name, known, n=1, cutoff=0.6)
    hint = f"; the nearest is {printable(close[0])!r}" if close else ""
    return Finding(kinds.NO_LOAD, name, f"no load, generator or bus is called so{hint}")
