"""How columns of the log come out of the records of a part: whole columns at once, no row by row.

``runs.log.tables`` says which columns there are; here is what such a definition is made of.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from operator import attrgetter
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from peerflex.core.arrays import Floats, Ints, add_up
from peerflex.core.causes import Cause
from peerflex.core.parties import Reason, party_names
from peerflex.core.record import HourRecord
from peerflex.core.units import SECONDS_PER_HOUR
from peerflex.runs.log.manifest import Manifest

Kind = Literal[
    "float", "int", "bool", "text", "peer", "bus", "branch", "party", "side", "direction", "limit", "reason", "cause",
    "session",
]  # fmt: skip

_PLAIN: dict[str, pa.DataType] = {"float": pa.float64(), "int": pa.int64(), "bool": pa.bool_(), "text": pa.string()}
_NAMED = pa.dictionary(pa.int32(), pa.string())


@dataclass(frozen=True)
class Part:
    """Records of consecutive steps, and the run they belong to. What was read is kept: columns share it."""

    manifest: Manifest
    records: list[HourRecord]
    _read: dict[str, Any] = field(default_factory=dict)

    def values(self, path: str) -> list[Any]:
        """Return an attribute of every record, by its dotted path."""
        if path not in self._read:
            read = attrgetter(path)
            self._read[path] = [read(record) for record in self.records]
        found: list[Any] = self._read[path]
        return found

    def joined(self, path: str) -> npt.NDArray[Any]:
        """Return a column of every record, one below the other."""
        key = path + ", joined"
        if key not in self._read:
            self._read[key] = np.concatenate(self.values(path))
        column: npt.NDArray[Any] = self._read[key]
        return column

    def lengths(self, path: str) -> Ints:
        """Return how many rows every record has."""
        key = path + ", lengths"
        if key not in self._read:
            self._read[key] = np.array([len(rows) for rows in self.values(path)], dtype=np.int64)
        lengths: Ints = self._read[key]
        return lengths

    @property
    def hours(self) -> float:
        """Length of a step."""
        return self.manifest.step_seconds / SECONDS_PER_HOUR

    @cached_property
    def steps(self) -> npt.NDArray[np.int32]:
        return np.array([record.decision.step for record in self.records], dtype=np.int32)

    @cached_property
    def times(self) -> npt.NDArray[np.datetime64]:
        start = np.datetime64(self.manifest.start, "ms")
        return start + self.steps.astype("timedelta64[s]") * self.manifest.step_seconds

    @cached_property
    def names(self) -> dict[str, pa.Array]:
        """Return the words of every kind of column that is written as names, in the order of their numbers."""
        manifest = self.manifest
        words: dict[str, tuple[str, ...]] = {
            "peer": manifest.peers,
            "bus": manifest.buses,
            "branch": manifest.branches,
            "party": party_names(manifest.peers),
            "side": ("buy", "sell"),
            "direction": ("down", "up"),
            "limit": ("loading", "voltage"),
            "reason": tuple(reason.name.lower().replace("_", "-") for reason in Reason),
            "cause": tuple(cause.label for cause in Cause),
            "session": ("intraday", "day-ahead"),
        }
        return {kind: pa.array(names, pa.string()) for kind, names in words.items()}


Source = Callable[[Part], Any]


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name (with the unit), the kind of its values, where they come from and what they mean.

    Values of a kind that is written as names are row numbers, -1 for none.
    """

    name: str
    kind: Kind
    source: Source
    meaning: str

    def values(self, part: Part) -> pa.Array:
        values = self.source(part)
        if self.kind in _PLAIN:
            return pa.array(values, _PLAIN[self.kind])
        codes = pa.array(values.astype(np.int32), mask=values < 0)
        return pa.DictionaryArray.from_arrays(codes, part.names[self.kind])


@dataclass(frozen=True, slots=True)
class Table:
    """A table: what one row is, and its columns. ``rows`` is where a record's rows are counted (None: one a step)."""

    name: str
    meaning: str
    rows: str | None
    columns: tuple[Column, ...]

    def of(self, part: Part) -> pa.Table:
        """Return the rows of a part. The first two columns of every table are the step and its time."""
        count = 1 if self.rows is None else part.lengths(self.rows)
        data = [pa.array(np.repeat(part.steps, count)), pa.array(np.repeat(part.times, count))]
        data += [column.values(part) for column in self.columns]
        return pa.Table.from_arrays(data, schema=self.schema)

    @property
    def schema(self) -> pa.Schema:
        named = [(column.name, _PLAIN.get(column.kind, _NAMED)) for column in self.columns]
        return pa.schema([("step", pa.int32()), ("time", pa.timestamp("ms")), *named])

    def _count(self, part: Part) -> Any:
        if self.rows is None:
            return 1
        rows = attrgetter(self.rows)
        return [len(rows(record)) for record in part.records]


# ---------------------------------------------------------------- sources: many rows a step


def joined(path: str) -> Source:
    """Take a column of every record, one below the other."""
    return lambda part: part.joined(path)


def side(path: str) -> Source:
    """Take a column of -1 and +1 as 0 and 1: the number of its name."""
    return lambda part: (part.joined(path) + 1) // 2


def element(path: str, voltage: bool) -> Source:
    """Take the elements that are buses (``voltage``) or branches, and -1 in the other rows."""
    return lambda part: np.where(part.joined(path + ".is_voltage") == voltage, part.joined(path + ".element"), -1)


def repeated(rows: Callable[[Manifest], Any]) -> Source:
    """Take the same rows in every step."""
    return lambda part: np.tile(np.asarray(rows(part.manifest), dtype=np.int64), len(part.records))


def row_number(path: str) -> Source:
    """Number the rows of each step from 0."""
    return lambda part: np.concatenate([np.arange(length) for length in part.lengths(path)])


def at_own_bus(part: Part) -> Floats:
    """Take the voltage at every peer's bus."""
    bus = np.array(part.manifest.peer_bus, dtype=np.int64)
    return np.concatenate([v_pu[bus] for v_pu in part.values("state.v_pu")])


def texts(rows: str, name: str) -> Source:
    """Take an attribute of every object in a record's tuple."""
    return lambda part: [getattr(row, name) for record in part.values(rows) for row in record]


# ---------------------------------------------------------------- sources: one row a step


def each(path: str) -> Source:
    """Take a scalar of every record."""
    return lambda part: part.values(path)


def count(path: str) -> Source:
    """Count the rows."""
    return lambda part: part.lengths(path)


def added(path: str, rows: Source) -> Source:
    """Add up values given row by row as the column ``path``, one after the other."""

    def per_step(part: Part) -> Floats:
        n = len(part.records)
        return add_up(np.repeat(np.arange(n), part.lengths(path)), rows(part), n)

    return per_step


def total(path: str) -> Source:
    """Add up a column."""
    return added(path, joined(path))


def positive(path: str, sign: int = 1) -> Source:
    """Add up the part of a column that has the given sign, as a magnitude."""
    return added(path, lambda part: np.maximum(sign * part.joined(path), 0.0))


def per_hour(rate: Source) -> Source:
    """Turn what flows in an hour into what flowed in the step."""
    return lambda part: np.asarray(rate(part)) * part.hours


def largest(path: str) -> Source:
    """Take the largest value of a column whose length differs from step to step; 0 if there is none."""
    read = attrgetter(path)
    return lambda part: np.array([read(record).max(initial=0.0) for record in part.records], dtype=np.float64)


def peak(path: str, sign: int) -> Source:
    """Take the highest (+1) or lowest (-1) value; NaN if there is none."""

    def find(part: Part) -> Floats:
        values = part.joined(path).reshape(len(part.records), -1)
        height: Floats = sign * np.fmax.reduce(sign * values, axis=1, initial=np.nan)  # fmax passes over NaN
        return height

    return find


def peak_row(path: str, sign: int) -> Source:
    """Take the row of the highest (+1) or lowest (-1) value, the first of equals; -1 if there is none."""

    def find(part: Part) -> Ints:
        values = part.joined(path).reshape(len(part.records), -1)
        none = np.full((len(values), 1), -np.inf)
        height = np.hstack([none, np.where(np.isnan(values), -np.inf, sign * values)])
        row: Ints = height.argmax(axis=1) - 1
        return row

    return find


def mean(path: str, weight: str) -> Source:
    """Average a column by the weights in another; NaN without any weight."""
    weighed = added(path, lambda part: part.joined(path) * part.joined(weight))
    volume = total(weight)

    def average(part: Part) -> Floats:
        sums = volume(part)
        average: Floats = np.divide(weighed(part), sums, out=np.full(len(sums), np.nan), where=sums > 0)
        return average

    return average


def diagnostic(value: Source) -> Source:
    """Take a float of the AC diagnostic; NaN in AC physics, which has none."""
    return _where_there("diagnostic", value)


def of_frequency(name: str) -> Source:
    """Take a float of the area's frequency; NaN where none is simulated."""
    return _where_there("frequency", each(f"frequency.{name}"))


def system_state(part: Part) -> list[str | None]:
    return [None if state is None else state.system_state.name.lower() for state in part.values("frequency")]


def _where_there(path: str, value: Source) -> Source:
    def read(part: Part) -> Floats:
        there = [row for row, state in enumerate(part.values(path)) if state is not None]
        result = np.full(len(part.records), np.nan)
        if there:
            result[there] = value(Part(part.manifest, [part.records[row] for row in there]))
        return result

    return read


def diagnostic_method(part: Part) -> list[str | None]:
    return [None if state is None else state.method for state in part.values("diagnostic")]
