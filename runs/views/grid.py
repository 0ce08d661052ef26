"""The wires of one step, and figures of the steps over time."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from peerflex.core.arrays import Bools, Floats, Ints
from peerflex.core.errors import InputError
from peerflex.runs.views.log import Log, flags, named, numbers, rows_at, time_at, words


@dataclass(frozen=True, slots=True)
class GridView:
    """The network in one step; bus columns ``(buses,)`` and branch columns ``(branches,)`` as in the manifest.

    ``p_mw`` is the injection of a bus and ``shed_mw`` what was taken off it, ``loading`` is 1.0 at the rating and
    ``flow_mw`` flows into a branch at its from-bus. ``at_risk`` are the branches the DSO worried about.
    ``violated_buses`` and ``violated_branches`` are row numbers of what was beyond its limit. ``method`` is how the
    power flow was solved.
    """

    step: int
    time: datetime
    v_pu: Floats
    p_mw: Floats
    shed_mw: Floats
    loading: Floats
    flow_mw: Floats
    at_risk: Bools
    violated_buses: Ints
    violated_branches: Ints
    method: str


def grid_at(log: Log, step: int) -> GridView:
    """Return the network as it was in a step.

    Raises:
        InputError: if the step is not logged.
    """
    buses, branches = rows_at(log, "buses", step), rows_at(log, "branches", step)
    beyond, hour = rows_at(log, "violations", step), rows_at(log, "hours", step)
    return GridView(
        step=step,
        time=time_at(log.manifest, step),
        v_pu=numbers(buses, "v_pu"),
        p_mw=numbers(buses, "p_mw"),
        shed_mw=numbers(buses, "shed_mw"),
        loading=numbers(branches, "loading"),
        flow_mw=numbers(branches, "flow_mw"),
        at_risk=flags(branches, "at_risk"),
        violated_buses=_rows_of(beyond, "bus", log.manifest.buses),
        violated_branches=_rows_of(beyond, "branch", log.manifest.branches),
        method=words(hour, "method")[0],
    )


def series(log: Log, names: tuple[str, ...], first: int = 0, last: int | None = None) -> dict[str, npt.NDArray[Any]]:
    """Return columns of the table ``hours`` by name, and ``step`` and ``time`` (datetime64); shapes ``(steps,)``.

    ``first`` and ``last`` are steps, both included (None: to the end). A column that an old log lacks is NaN.

    Raises:
        InputError: if there is no such column, or it holds no numbers.
    """
    hours = log.rows("hours", first, last)
    numeric = [field.name for field in hours.schema if not _is_text(field.type) and field.name not in ("step", "time")]
    for name in names:
        if name not in numeric:
            raise InputError("series", f"the hours have no figure {name!r}", f"There are {', '.join(numeric)}.")
    steps = np.asarray(hours["step"].to_numpy(), dtype=np.int64)
    return {"step": steps, "time": hours["time"].to_numpy(), **{name: numbers(hours, name) for name in names}}


def voltages(log: Log, bus: str, first: int = 0, last: int | None = None) -> Floats:
    """Return the voltage of one bus over the steps, in pu, ``(steps,)``."""
    return _over_time(log, "buses", "bus", bus, "v_pu", first, last)


def loadings(log: Log, branch: str, first: int = 0, last: int | None = None) -> Floats:
    """Return the loading of one branch over the steps, 1.0 at the rating, ``(steps,)``."""
    return _over_time(log, "branches", "branch", branch, "loading", first, last)


def _over_time(log: Log, table: str, key: str, name: str, column: str, first: int, last: int | None) -> Floats:
    rows = log.rows(table, first, last)
    there = named(rows, key, name)
    return numbers(rows, column)[there]


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_dictionary(kind) or pa.types.is_string(kind))


def _rows_of(beyond: pa.Table, column: str, names: tuple[str, ...]) -> Ints:
    found = [name for name in words(beyond, column) if name]
    row = {name: row for row, name in enumerate(names)} if found else {}
    return np.array([row[name] for name in found], dtype=np.int64)
