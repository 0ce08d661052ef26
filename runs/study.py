"""A study: every scenario at every point of its sweep over all seeds, simulated beside each other and compared."""

import math
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import as_completed
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from peerflex.core.errors import InputError, Problem, SimulationError
from peerflex.runs.api import RESULTS
from peerflex.runs.plugins import registry
from peerflex.runs.reader import open_run
from peerflex.runs.session import Session
from peerflex.runs.study_figures import write_figures
from peerflex.runs.study_kpis import check_kpis, figures_of
from peerflex.runs.study_result import Failure, StudyResult, run_folders
from peerflex.runs.study_tables import write_tables
from peerflex.runs.study_verdicts import Measured, criteria, rows
from peerflex.runs.workers import pool, stopped
from peerflex.scenarios.study import LoadedStudy, Variant, load_study, variants
from peerflex.scenarios.study_schema import Kpi, Study

MOST_RUNS = 100_000

Watch = Callable[[int, int], None]
"""Hears how many of how many runs are done."""


@dataclass(frozen=True, slots=True)
class Task:
    """One run of a study: where it is kept and what is wanted of it."""

    variant: Variant
    seed: int
    folder: Path
    kpis: tuple[Kpi, ...]
    plugins: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a task: a figure for every KPI, or why there are none."""

    figures: tuple[float, ...] = ()
    failure: str | None = None
    problem: Problem | None = None


def run_study(
    name_or_path: str,
    seeds: str | None = None,
    jobs: int = 1,
    out: Path | None = None,
    plugins: Sequence[Path] = (),
    watch: Watch | None = None,
) -> StudyResult:
    """Simulate a bundled study or a YAML file, compare, and keep runs, tables and figures in a new folder.

    ``seeds`` are ``"first-last"`` instead of the study's own; ``jobs`` processes simulate at once (1: this one), and
    the result is the same however many. A failed simulation does not stop the others; it is in ``failed``.

    Raises:
        InputError: if anything given is wrong.
        SimulationError: if a worker process was ended from outside.
    """
    if jobs < 1:
        raise InputError("jobs", f"{jobs} is no number of processes", "Give 1 or more.")
    loaded = load_study(name_or_path, seeds)
    asked = variants(loaded)
    check_kpis(loaded, asked)
    registry(list(plugins))
    folder = out or RESULTS / f"{loaded.study.name}-{datetime.now():%Y%m%dT%H%M%S}"
    tasks = _tasks(loaded, asked, folder, tuple(plugins))
    with _new_folder(folder):
        outcomes = _outcomes(tasks, jobs, watch)
    result = _result(folder, loaded.study, asked, tasks, outcomes)
    write_tables(result)
    write_figures(result)
    return result


def simulate(task: Task) -> Outcome:
    """Simulate one run and return its figures. Asked to stop, it leaves a log that can be resumed."""
    nothing = (math.nan,) * len(task.kpis)
    try:
        loaded, parts = task.variant.load(task.seed), registry(list(task.plugins))
        with Session.begin(loaded, parts, task.folder, driver="mesa") as session:
            for _ in session.advance():
                if stopped():
                    return Outcome(nothing, failure="stopped")
    except InputError as error:
        return Outcome(nothing, problem=error.problem)
    except SimulationError as error:
        return Outcome(nothing, failure=str(error))
    return Outcome(figures_of(open_run(task.folder, check=False), task.kpis))


@contextmanager
def _new_folder(folder: Path) -> Iterator[None]:
    """Make a folder, and take it away again if bad input keeps everything from being put into it."""
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        raise InputError(str(folder), "exists already", "Name a new folder with --out, or remove this one.") from None
    except OSError as error:
        what = f"cannot be used for the study: {error.strerror}"
        raise InputError(str(folder), what, "Name a folder with --out that can be written.") from None
    try:
        yield
    except InputError:
        with suppress(OSError):  # not empty
            folder.rmdir()
        raise


def _tasks(loaded: LoadedStudy, asked: tuple[Variant, ...], folder: Path, plugins: tuple[Path, ...]) -> list[Task]:
    """Return the runs, seed by seed: a variant that cannot be built shows in the first seed."""
    study, folders = loaded.study, run_folders(asked)
    if len(study.seed_range) * len(asked) > MOST_RUNS:
        what = f"asks for {len(study.seed_range) * len(asked)} runs, more than {MOST_RUNS}"
        raise InputError(f"{loaded.origin}: seeds", what, "Simulate fewer seeds, or fewer points of a sweep, at once.")
    return [
        Task(variant, seed, folder / f"{name}-{seed}", study.kpis, plugins)
        for seed in study.seed_range
        for variant, name in zip(asked, folders, strict=True)
    ]


def _outcomes(tasks: list[Task], jobs: int, watch: Watch | None) -> list[Outcome]:
    """Return what became of every task, in their order.

    Raises:
        InputError: of the first task (in time) that cannot begin; the others are stopped.
    """
    found: dict[int, Outcome] = {}
    if watch is not None:
        watch(0, len(tasks))
    with closing(_simulated(tasks, min(jobs, len(tasks)))) as simulated:
        for row, outcome in simulated:
            problem, task = outcome.problem, tasks[row]
            if problem is not None:
                where = f"scenario {task.variant.case!r}, seed {task.seed}: {problem.where}"
                raise InputError(where, problem.what, problem.remedy)
            found[row] = outcome
            if watch is not None:
                watch(len(found), len(tasks))
    return [found[row] for row in range(len(tasks))]


def _simulated(tasks: list[Task], jobs: int) -> Generator[tuple[int, Outcome], None, None]:
    if jobs == 1:
        yield from enumerate(map(simulate, tasks))
        return
    with pool(jobs) as workers:
        futures = {workers.submit(simulate, task): row for row, task in enumerate(tasks)}
        for future in as_completed(futures):
            yield futures[future], future.result()


def _result(
    folder: Path, study: Study, asked: tuple[Variant, ...], tasks: list[Task], outcomes: list[Outcome]
) -> StudyResult:
    by_seed = np.array([outcome.figures for outcome in outcomes]).reshape(len(study.seed_range), len(asked), -1)
    measured = Measured(study, asked, by_seed.transpose(1, 0, 2))
    failed = tuple(
        Failure(
            task.folder.relative_to(folder).as_posix(),
            task.variant.case,
            task.variant.point,
            task.seed,
            outcome.failure,
        )
        for task, outcome in zip(tasks, outcomes, strict=True)
        if outcome.failure is not None
    )
    return StudyResult(folder, study, measured, rows(measured), criteria(measured), failed)
