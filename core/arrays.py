"""Columns of numbers, and tables of columns.

Every table is a frozen dataclass of columns of equal length; one row is one peer, order, bus, branch and so on.
Nobody edits an argument: a changed table is a new one. Units are in the names (``core.units`` has the sign rule).
Rows are referred to by position: ``peer`` is a row of ``PeerTable``, ``bus`` of ``BusTable``, ``branch`` of
``BranchTable``.
"""

from dataclasses import Field, fields
from functools import cache
from typing import Any, Self, cast

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


def floats(*shape: int) -> Floats:
    return np.zeros(shape, dtype=np.float64)


def ints(*shape: int) -> Ints:
    return np.zeros(shape, dtype=np.int64)


def add_up(rows: Ints, values: Floats, n: int) -> Floats:
    """Return the sum of the values of each row number, shape ``(n,)``."""
    return np.bincount(rows, weights=values, minlength=n).astype(np.float64, copy=False)


@cache
def _columns_of(table: Any) -> "tuple[Field[Any], ...]":
    return fields(table)


def _columns(table: type["Rows"]) -> "tuple[Field[Any], ...]":
    """Return the columns of a kind of table; looking them up anew each time would cost as much as using them."""
    return _columns_of(cast(Any, table))


class Rows:
    """What every table of columns can do: be counted, filtered and joined by row."""

    __slots__ = ()

    def __len__(self) -> int:
        return len(getattr(self, _columns(type(self))[0].name))

    def take(self, rows: Ints | Bools) -> Self:
        """Return the given rows as a new table."""
        columns = (getattr(self, column.name) for column in _columns(type(self)))
        return type(self)(*(column[rows] for column in columns))

    @classmethod
    def join(cls, tables: list[Self]) -> Self:
        """Return several tables, one below the other. An empty list gives an empty table."""
        if not tables:
            return cls.empty()
        names = [column.name for column in _columns(cls)]
        return cls(*(np.concatenate([getattr(table, name) for table in tables]) for name in names))

    @classmethod
    def empty(cls) -> Self:
        kinds: dict[Any, type] = {Ints: np.int64, Bools: np.bool_, Floats: np.float64}
        return cls(*(np.zeros(0, dtype=kinds[column.type]) for column in _columns(cls)))
