"""What every view reads from: a log with its manifest, finished or growing, and how a step's columns come out of it."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import pyarrow as pa

from peerflex.core.arrays import Bools, Floats
from peerflex.core.errors import InputError
from peerflex.core.units import SECONDS_PER_HOUR, SECONDS_PER_MINUTE
from peerflex.runs.log.manifest import Manifest


class Log(Protocol):
    """What there is to look at: a run on disk, or a session that is still going on."""

    @property
    def folder(self) -> Path: ...

    @property
    def manifest(self) -> Manifest: ...

    @property
    def finished_steps(self) -> int: ...

    def rows(self, name: str, first: int = 0, last: int | None = None) -> pa.Table: ...


_UNITS: Final = (
    ("_eur_per_mwh2", "EUR/MWh²"), ("_eur_per_mwh", "EUR/MWh"), ("_hz_per_s", "Hz/s"), ("_mvarh", "Mvarh"),
    ("_mwh", "MWh"), ("_mvar", "Mvar"), ("_mva", "MVA"), ("_mw", "MW"), ("_eur", "EUR"), ("_pu", "pu"),
    ("_rad", "rad"), ("_hz", "Hz"), ("_s", "s"),
)  # fmt: skip
_OTHER_UNITS: Final = {"overload_mwh": "MVAh", "seconds_outside": "s"}


def unit_of(column: str) -> str:
    """Return the unit that the name of a column says, '1' if it is a number of its own."""
    found = next((unit for ending, unit in _UNITS if column.endswith(ending)), "1")
    return _OTHER_UNITS.get(column, found)


def rows_at(log: Log, table: str, step: int) -> pa.Table:
    """Return a table's rows of one step.

    Raises:
        InputError: if the step is not logged.
    """
    if not 0 <= step < log.finished_steps:
        what = f"step {step} is not logged"
        last = log.finished_steps - 1
        raise InputError(str(log.folder), what, f"Choose one from 0 to {last}." if last >= 0 else "Simulate one first.")
    return log.rows(table, step, step)


def time_at(manifest: Manifest, step: int) -> datetime:
    """Return when a step begins."""
    return manifest.start + timedelta(seconds=step * manifest.step_seconds)


def hour_of(manifest: Manifest, step: int) -> float:
    """Return how many hours after the scenario's start a step begins."""
    return step * manifest.step_seconds / SECONDS_PER_HOUR


def steps_before(manifest: Manifest, hour: float) -> int:
    """Return how many steps there are in the first ``hour`` hours.

    Raises:
        InputError: if it is no whole number of steps, or not within the run's horizon.
    """
    steps = hour * SECONDS_PER_HOUR / manifest.step_seconds
    horizon = hour_of(manifest, manifest.steps)
    if not 0 <= steps <= manifest.steps:
        raise InputError(f"hour {hour:g}", "is not within the run", f"Give hours from its start, 0 to {horizon:g}.")
    if steps != round(steps):
        minutes = manifest.step_seconds / SECONDS_PER_MINUTE
        raise InputError(f"hour {hour:g}", f"is within a step of {minutes:g} minutes", "Give the start of a step.")
    return round(steps)


def numbers(rows: pa.Table, column: str) -> Floats:
    """Return a column of numbers; NaN where there is none, as in a log of a version that did not have it."""
    if rows.schema.get_field_index(column) < 0:
        return np.full(rows.num_rows, np.nan)
    return np.asarray(rows[column].to_numpy(), dtype=np.float64)


def flags(rows: pa.Table, column: str) -> Bools:
    """Return a column of yes and no; no where it is not said."""
    said: Bools = numbers(rows, column) == 1.0
    return said


def words(rows: pa.Table, column: str) -> list[str]:
    """Return a column of names or texts; '' where there is none."""
    if rows.schema.get_field_index(column) < 0:
        return [""] * rows.num_rows
    return [word or "" for word in rows[column].cast(pa.string()).to_pylist()]


def named(rows: pa.Table, column: str, name: str) -> Bools:
    """Return which rows have a name in a column of names."""
    found = [_codes(chunk) == chunk.dictionary.index(name).as_py() for chunk in rows[column].chunks]
    return np.concatenate([np.zeros(0, dtype=np.bool_), *found])


def _codes(chunk: Any) -> Any:
    return chunk.indices.fill_null(-2).to_numpy()  # -1 is a name that is not there
