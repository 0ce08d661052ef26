"""One meter without gaps: what is missing or broken is filled, and said."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from peerflex.core.arrays import Bools, Floats, Ints
from peerflex.scenarios.meters import kinds as kinds
from peerflex.scenarios.meters.axis import Axis, changes_clock, moment, on_axis
from peerflex.scenarios.meters.findings import Finding, Kind, counted
from peerflex.scenarios.meters.readings import Meter
from peerflex.scenarios.meters.times import DAY_S, HOUR_S

INTERPOLATED_S: Final = 2 * HOUR_S
STUCK_S: Final = DAY_S
LEAST_SHARE: Final = 0.5


@dataclass(frozen=True, slots=True)
class Course:
    """A meter's course over the axis, in the unit of its file: load and generation, both ``(steps,)`` and >= 0.

    ``filled`` steps had no usable value.
    """

    name: str
    load: Floats
    pv: Floats
    filled: int


def clean(meter: Meter, axis: Axis) -> tuple[Course | None, list[Finding]]:
    """Return a meter's course without gaps, None if it has less than half of the steps; and what was found."""
    column, findings = on_axis(meter, axis)

    def found(kind: Kind, what: str) -> None:
        findings.append(Finding(kind, meter.name, what))

    measured = column[np.isfinite(column)]
    if len(measured) > 1 and (measured == measured[0]).all():
        found(kinds.CONSTANT, f"always {measured[0]:g}")
    else:
        stuck = _stuck(column, axis)
        if stuck.any():
            first = moment(axis.start_s + int(np.flatnonzero(stuck)[0]) * axis.step_s)
            found(kinds.STUCK, f"{stuck.sum()} of {axis.steps} steps, first from {first:%Y-%m-%d %H:%M}")
            column = np.where(stuck, np.nan, column)
    missing = np.isnan(column)
    n_missing = int(missing.sum())
    if n_missing > (1 - LEAST_SHARE) * axis.steps:
        found(kinds.TOO_LITTLE, f"{axis.steps - n_missing} of {axis.steps} steps")
        return None, findings
    if n_missing:
        starts, lengths = _runs(missing)
        kind = kinds.SUMMER_TIME if _is_spring(starts, lengths, axis) else kinds.MISSING
        longest = int(lengths.argmax())
        first = moment(axis.start_s + int(starts[longest]) * axis.step_s)
        length = lengths[longest] * axis.step_s / HOUR_S
        what = f"{n_missing} of {axis.steps} steps in {counted(len(starts), 'gap')}, longest {length:g} h from"
        found(kind, f"{what} {first:%Y-%m-%d %H:%M}")
        column = _filled(column, axis, starts, lengths)
    if (column <= 0).all() and (column < 0).any():
        found(kinds.REVERSED, f"down to {column.min():g}")
        column = -column
    elif (column < 0).any():
        found(kinds.NEGATIVE, f"{(column < 0).sum()} of {axis.steps} steps, down to {column.min():g}")
    return Course(meter.name, np.maximum(column, 0.0), np.maximum(-column, 0.0), n_missing), findings


def _runs(mask: Bools) -> tuple[Ints, Ints]:
    """Return where runs of True begin, and how long they are."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return edges[::2], edges[1::2] - edges[::2]


def _stuck(column: Floats, axis: Axis) -> Bools:
    """Return which steps repeat one value (not 0) for a day or longer."""
    same = np.zeros(axis.steps, dtype=bool)
    same[1:] = (column[1:] == column[:-1]) & (column[1:] != 0)
    starts, lengths = _runs(same)
    least = max(STUCK_S // max(axis.step_s, axis.spacing_s), 3) * max(axis.spacing_s // axis.step_s, 1)
    stuck = np.zeros(axis.steps, dtype=bool)
    for start, length in zip(starts.tolist(), lengths.tolist(), strict=True):
        if length >= least:
            stuck[start - 1 : start + length] = True
    return stuck


def _is_spring(starts: Ints, lengths: Ints, axis: Axis) -> bool:
    """Return whether all that is missing are hours that clocks skip."""
    return bool((lengths * axis.step_s == HOUR_S).all() and changes_clock(axis.start_s + starts * axis.step_s).all())


def _filled(column: Floats, axis: Axis, starts: Ints, lengths: Ints) -> Floats:
    """Return a column whose short gaps are interpolated and whose long ones follow the mean day."""
    known = np.flatnonzero(np.isfinite(column))
    filled = np.interp(np.arange(axis.steps), known, column[known])
    slots = axis.slots()
    count = np.bincount(slots[known], minlength=axis.per_day)
    total = np.bincount(slots[known], weights=column[known], minlength=axis.per_day)
    day = np.where(count > 0, total / np.maximum(count, 1), column[known].mean())
    for start, length in zip(starts.tolist(), lengths.tolist(), strict=True):
        if length * axis.step_s > INTERPOLATED_S or start == 0 or start + length == axis.steps:
            filled[start : start + length] = day[slots[start : start + length]]
    return np.asarray(filled)
