"""Two logs beside each other: their hours, their wires and their closing figures, and what one has beyond the other."""

from dataclasses import dataclass
from datetime import datetime

from peerflex.core.arrays import Floats
from peerflex.runs.log.tables import TABLES
from peerflex.runs.views.grid import grid_at
from peerflex.runs.views.log import Log, numbers, rows_at, time_at, unit_of
from peerflex.runs.views.words import kpi_rows


@dataclass(frozen=True, slots=True)
class FigureDifference:
    """One figure of two runs; NaN where one has none."""

    name: str
    unit: str
    meaning: str
    a: float
    b: float

    @property
    def change(self) -> float:
        """What b has beyond a."""
        return self.b - self.a


@dataclass(frozen=True, slots=True)
class Pair:
    """A column of the grid in two runs, bus by bus or branch by branch."""

    a: Floats
    b: Floats

    @property
    def change(self) -> Floats:
        """What b has beyond a."""
        change: Floats = self.b - self.a
        return change


@dataclass(frozen=True, slots=True)
class GridDifference:
    """The same network in two runs; ``v_pu`` and ``p_mw`` are of buses, ``loading`` and ``flow_mw`` of branches."""

    v_pu: Pair
    p_mw: Pair
    loading: Pair
    flow_mw: Pair


@dataclass(frozen=True, slots=True)
class Difference:
    """One step of two runs. ``grid`` is None if they are of different networks."""

    step: int
    time: datetime
    hours: tuple[FigureDifference, ...]
    grid: GridDifference | None


def difference(log_a: Log, log_b: Log, step: int) -> Difference:
    """Return the figures and the wires of a step in two runs.

    Raises:
        InputError: if the step is not logged in both.
    """
    hour_a, hour_b = rows_at(log_a, "hours", step), rows_at(log_b, "hours", step)
    columns = [each for each in TABLES[0].columns if each.kind in ("float", "int", "bool")]
    figures = tuple(
        FigureDifference(
            each.name,
            unit_of(each.name),
            each.meaning,
            float(numbers(hour_a, each.name)[0]),
            float(numbers(hour_b, each.name)[0]),
        )
        for each in columns
    )
    return Difference(step, time_at(log_a.manifest, step), figures, _grid(log_a, log_b, step))


def kpi_difference(log_a: Log, log_b: Log) -> tuple[FigureDifference, ...]:
    """Return the closing figures of two runs over the steps that both have."""
    last = min(log_a.finished_steps, log_b.finished_steps) - 1
    rows = zip(kpi_rows(log_a, last), kpi_rows(log_b, last), strict=True)
    return tuple(FigureDifference(a.name, a.unit, a.meaning, a.value, b.value) for a, b in rows)


def _grid(log_a: Log, log_b: Log, step: int) -> GridDifference | None:
    a, b = log_a.manifest, log_b.manifest
    if (a.buses, a.branches) != (b.buses, b.branches):
        return None
    one, other = grid_at(log_a, step), grid_at(log_b, step)
    return GridDifference(
        Pair(one.v_pu, other.v_pu),
        Pair(one.p_mw, other.p_mw),
        Pair(one.loading, other.loading),
        Pair(one.flow_mw, other.flow_mw),
    )
