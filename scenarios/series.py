"""Time series from CSV files: one row a step, nothing missing, no number below zero."""

import csv
import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np

from peerflex.core.arrays import Floats
from peerflex.core.errors import InputError
from peerflex.scenarios.schema import Time


@dataclass(frozen=True, slots=True)
class Series:
    """Columns of a CSV file over a scenario's steps; ``values`` has shape ``(steps, columns)``."""

    file: str
    columns: tuple[str, ...]
    values: Floats


def read_series(path: Path, time: Time) -> Series:
    """Return what a CSV file says about the steps of a scenario.

    Its first column is ``step`` (0, 1, 2, ... in steps of the scenario) or ``time`` (ISO 8601, evenly spaced, in
    steps of the scenario or a whole part of them, which are averaged). Lines beginning with # are comments.

    Raises:
        InputError: naming file, row and column, if a value is missing, not finite or below 0, if rows are
            missing or uneven, or if the profile does not cover the scenario.
    """
    header, rows = _table(path)
    if header[0] not in ("step", "time"):
        what = f"the first column is {header[0]!r}"
        raise InputError(str(path), what, "Call it step (0, 1, 2, ...) or time (ISO 8601); separate columns by commas.")
    if len(header) < 2 or len(set(header)) < len(header):
        what = "has no column of values" if len(header) < 2 else "has two columns of one name"
        raise InputError(str(path), what, "Give one column per connection, or one called scale.")
    values = np.array([_numbers(row, header, path, place) for place, row in enumerate(rows, start=1)])
    if header[0] == "step":
        first, per_step = _from_steps(rows, path), 1
    else:
        first, per_step = _from_times(rows, path, time)
    return Series(str(path), header[1:], average(values[first:], per_step, time.steps, str(path)))


def average(values: Floats, per_step: int, steps: int, where: str) -> Floats:
    """Return means over ``per_step`` rows each, for so many steps; ``values`` has shape ``(rows, columns)``.

    Raises:
        InputError: if there are too few rows.
    """
    if len(values) < steps * per_step:
        what = f"profile too short: {len(values) // per_step} steps from the scenario's start, {steps} are needed"
        raise InputError(where, what, "Lengthen the profile, start earlier, or lower time.hours.")
    parts = values[: steps * per_step].reshape(steps, per_step, values.shape[1])
    return np.asarray(parts.sum(axis=1) / per_step)


def _table(path: Path) -> tuple[tuple[str, ...], list[list[str]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = [row for row in csv.reader(file) if row and not row[0].startswith("#")]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(str(path), f"cannot be read ({error})", "Give a comma-separated file in UTF-8.") from error
    if len(lines) < 2:
        raise InputError(str(path), "has no rows", "Give a header line and one line a step.")
    return tuple(name.strip() for name in lines[0]), lines[1:]


def _numbers(row: list[str], header: tuple[str, ...], path: Path, place: int) -> list[float]:
    if len(row) != len(header):
        what = f"has {len(row)} values for {len(header)} columns"
        raise InputError(f"{path}: row {place}", what, "Give every column a value in every row.")
    try:
        values = [float(text) for text in row[1:]]
        if all(0.0 <= value < math.inf for value in values):
            return values
    except ValueError:
        pass  # which one is said below: naming every cell on the way would take longer than reading it
    return [
        _number(text, f"{path}: row {place}, column {name!r}") for name, text in zip(header[1:], row[1:], strict=True)
    ]


def _number(text: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        what = f"{text!r} is not a number" if text.strip() else "is empty"
        raise InputError(where, what, "Give a number of at least 0.") from None
    if not math.isfinite(value) or value < 0:
        raise InputError(where, f"is {text.strip()}", "Give a finite number of at least 0.")
    return value


def _from_steps(rows: list[list[str]], path: Path) -> int:
    for place, row in enumerate(rows):
        if row[0].strip() != str(place):
            what = f"is {row[0]!r} where step {place} should be"
            raise InputError(f"{path}: row {place + 1}, column 'step'", what, "Number the rows 0, 1, 2, ...")
    return 0


def _from_times(rows: list[list[str]], path: Path, time: Time) -> tuple[int, int]:
    """Return the row at which the scenario begins, and rows per step."""
    times = [_time(row[0], f"{path}: row {place}, column 'time'") for place, row in enumerate(rows, start=1)]
    step = timedelta(minutes=time.step_minutes)
    spacing = times[1] - times[0] if len(times) > 1 else step
    for place, (earlier, later) in enumerate(pairwise(times), start=2):
        if later - earlier != spacing or spacing <= timedelta(0):
            what = f"{later} follows {earlier}: a gap, or rows out of order"
            raise InputError(f"{path}: row {place}, column 'time'", what, "Space all rows evenly, in order.")
    if step % spacing:
        what = f"rows are {spacing} apart, which does not divide the step of {step}"
        raise InputError(f"{path}: column 'time'", what, "Change time.step_minutes, or the file.")
    first, off = divmod(time.start - times[0], spacing)
    if first < 0 or off:
        what = f"begins at {times[0]}, every {spacing}: no row is at the scenario's start {time.start}"
        raise InputError(f"{path}: column 'time'", what, "Change time.start, or the file.")
    return first, step // spacing


def _time(text: str, where: str) -> datetime:
    try:
        value = datetime.fromisoformat(text.strip())
    except ValueError:
        raise InputError(where, f"{text!r} is not a time", "Write e.g. 2016-07-04T00:15.") from None
    if value.tzinfo is not None:
        raise InputError(where, f"{text!r} has a time zone", "Write local times without one, like time.start.")
    return value
