"""One run of a study, logged or in memory, and what is wanted of it."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from peerflex.core.arrays import Floats
from peerflex.core.errors import InputError, Problem, SimulationError
from peerflex.core.record import HourRecord
from peerflex.runs.area.plugins import Registry, registry
from peerflex.runs.log.reader import open_run
from peerflex.runs.session import Session
from peerflex.runs.study.hourly import Series
from peerflex.runs.study.kpis import figures_of
from peerflex.runs.study.memory import InMemory
from peerflex.runs.study.source import Source, of_run
from peerflex.runs.workers import stopped
from peerflex.scenarios.study import Variant
from peerflex.scenarios.study_schema import Kpi


@dataclass(frozen=True, slots=True)
class Task:
    """One run of a study: its folder in the study's (``kept``: whether it is written) and what is wanted of it.

    ``branches`` asks for the loading of every branch, ``series`` for numbers over the steps.
    """

    study: Path
    name: str
    kept: bool
    variant: Variant
    seed: int
    kpis: tuple[Kpi, ...]
    branches: bool
    series: tuple[Series, ...]
    plugins: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Loading:
    """The highest loading of each branch over a run, as the DSO expects it; shapes ``(branches,)``.

    ``before`` anybody trades, and ``after`` trading (before flexibility).
    """

    branches: tuple[str, ...]
    before: Floats
    after: Floats


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a task: a figure for every KPI, or why there are none."""

    figures: tuple[float, ...] = ()
    failure: str | None = None
    problem: Problem | None = None
    loading: Loading | None = None
    """Of no branches unless asked for; None of a run that did not end."""
    series: tuple[Floats, ...] = ()
    """What was asked for, ``(steps,)`` each; nothing of a run that did not end."""


def simulate_all(tasks: tuple[Task, ...]) -> list[Outcome]:
    """Simulate some runs of one study, up to the first that cannot begin, and return their outcomes."""
    outcomes: list[Outcome] = []
    for task in tasks:
        outcomes.append(_simulate(task))
        if outcomes[-1].problem is not None:
            break
    return outcomes


def _simulate(task: Task) -> Outcome:
    """Simulate one run and return its figures. Asked to stop, it leaves a log (if any) that can be resumed."""
    if stopped():
        return _stopped(task)
    nothing = (math.nan,) * len(task.kpis)
    try:
        return (_logged if task.kept else _in_memory)(task, _parts(task.study, task.plugins))
    except InputError as error:
        return Outcome(nothing, problem=error.problem)
    except SimulationError as error:
        return Outcome(nothing, failure=str(error))


@lru_cache(maxsize=1)
def _parts(study: Path, plugins: tuple[Path, ...]) -> Registry:
    """Return what scenarios may name: read once for all runs of a study, whose folder nobody else has."""
    return registry(list(plugins))


def _logged(task: Task, parts: Registry) -> Outcome:
    folder = task.study / task.name
    with Session.begin(task.variant.load(task.seed), parts, folder, driver="mesa") as session:
        loading = _watched(task, session.built.area.grid.branches.name, _records(session))
    if loading is None:
        return _stopped(task)
    source = of_run(open_run(folder, check=False))
    return Outcome(figures_of(source, task.kpis), loading=loading, series=_series(source, task))


def _records(session: Session) -> Iterator[HourRecord]:
    for _ in session.advance():
        assert session.record is not None
        yield session.record


def _in_memory(task: Task, parts: Registry) -> Outcome:
    branches = tuple(series.branch for series in task.series if series.branch)
    with InMemory(task.variant.load(task.seed), parts, branches) as run:
        loading = _watched(task, run.area.grid.branches.name, run.records())
        if loading is None:
            return _stopped(task)
        source = run.source()
        return Outcome(figures_of(source, task.kpis), loading=loading, series=_series(source, task))


def _series(source: Source, task: Task) -> tuple[Floats, ...]:
    return tuple(source.loading(each.branch) if each.branch else source.hours(each.column) for each in task.series)


def _watched(task: Task, branches: tuple[str, ...], records: Iterator[HourRecord]) -> Loading | None:
    """Simulate to the end and return what is wanted of the branches, or None if asked to stop."""
    before = after = np.full(len(branches) if task.branches else 0, np.nan)
    for record in records:
        if stopped():
            return None
        if task.branches:
            outlook = record.decision.outlook
            before, after = np.fmax(before, outlook.forecast.loading), np.fmax(after, outlook.traded.loading)
    return Loading(branches if task.branches else (), before, after)


def _stopped(task: Task) -> Outcome:
    return Outcome((math.nan,) * len(task.kpis), failure="stopped")
