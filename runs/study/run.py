"""A study: every scenario at every point over all seeds, simulated beside each other and compared."""

from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import as_completed
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np

from peerflex.core.arrays import Floats
from peerflex.core.errors import InputError
from peerflex.runs.api import RESULTS
from peerflex.runs.area.build import build
from peerflex.runs.area.plugins import registry
from peerflex.runs.study.closest import closest_draw
from peerflex.runs.study.criteria import criteria, frozen_criterion
from peerflex.runs.study.derived import derived
from peerflex.runs.study.figures import write_figures
from peerflex.runs.study.frozen import FrozenStatus, frozen_status
from peerflex.runs.study.hourly import Drawn, Series, all_series, series_of
from peerflex.runs.study.kpis import check_kpis
from peerflex.runs.study.occupancy import Occupancy, occupancy_of
from peerflex.runs.study.result import Failure, StudyResult, run_folders
from peerflex.runs.study.runs import Outcome, Task, simulate_all
from peerflex.runs.study.tables import write_tables
from peerflex.runs.study.verdicts import Measured, rows
from peerflex.runs.workers import pool
from peerflex.scenarios.study import LoadedStudy, Variant, load_study
from peerflex.scenarios.study_combined import Combined, combined
from peerflex.scenarios.study_schema import HourlyPicture, Study

MOST_RUNS = 100_000

CHUNKS_PER_JOB = 16
"""Into how many pieces of work a process's share is cut: few enough to cost nothing, enough to end together."""

Watch = Callable[[int, int], None]
"""Hears how many of how many runs are done."""


def run_study(
    name_or_path: str,
    seeds: str | None = None,
    jobs: int = 1,
    out: Path | None = None,
    plugins: Sequence[Path] = (),
    watch: Watch | None = None,
    vary: bool = False,
) -> StudyResult:
    """Simulate a bundled study or a YAML file, compare, and keep runs, tables and figures in a new folder.

    ``seeds`` are ``"first-last"`` instead of the study's own; ``jobs`` processes simulate at once (1: this one), and
    the result is the same however many. ``vary`` simulates the study's variations, too. A failed simulation does not
    stop the others; it is in ``failed``.

    Raises:
        InputError: if anything given is wrong.
        SimulationError: if a worker process was ended from outside.
    """
    if jobs < 1:
        raise InputError("jobs", f"{jobs} is no number of processes", "Give 1 or more.")
    found = whole_study(name_or_path, seeds, plugins)
    loaded = found.loaded
    if vary and not loaded.varied:
        raise InputError(f"{loaded.origin}: variations", "there are none to vary by", "Name some, or leave out --vary.")
    check_kpis(loaded)
    status = frozen_status(loaded, with_plugins=bool(plugins))
    asked = (*loaded.variants, *loaded.varied) if vary else loaded.variants
    folder = out or RESULTS / f"{loaded.study.name}-{datetime.now():%Y%m%dT%H%M%S}"
    tasks = _tasks(loaded, asked, folder, tuple(plugins))
    with _new_folder(folder):
        outcomes = _outcomes(tasks, jobs, watch)
    result = _result(folder, loaded.study, asked, tasks, outcomes, status)
    result = replace(result, designs=found.designs, refused=found.refused)
    write_tables(result)
    write_figures(result)
    return result


def whole_study(name_or_path: str, seeds: str | None = None, plugins: Sequence[Path] = ()) -> Combined:
    """Return a study with every combination of its designs that can be built; nothing is simulated.

    Raises:
        InputError: if anything given is wrong.
    """
    loaded, parts = load_study(name_or_path, seeds), registry(list(plugins))
    return combined(loaded, lambda scenario: build(scenario, parts))


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
    study = loaded.study
    variants, kpis = _different(asked), study.every_kpi
    if len(study.seed_range) * len(variants) > MOST_RUNS:
        what = f"asks for {len(study.seed_range) * len(variants)} runs, more than {MOST_RUNS}"
        raise InputError(f"{loaded.origin}: seeds", what, "Simulate fewer seeds, or fewer points of a sweep, at once.")
    folders = dict(zip(asked, run_folders(asked), strict=True))
    first = asked[0].point
    return [
        Task(
            study=folder,
            name=f"{folders[variant]}-{seed}",
            kept=study.keep == "runs",
            variant=variant,
            seed=seed,
            kpis=kpis,
            branches=variant.case in study.occupancy and variant.point == first,
            series=series_of(study, variant.case) if variant.point == first else (),
            plugins=plugins,
        )
        for seed in study.seed_range
        for variant in variants
    ]


def _different(asked: Sequence[Variant]) -> tuple[Variant, ...]:
    """Return the variants that differ: a scenario that a variation leaves alone is simulated once."""
    found: dict[tuple[str, tuple[str, ...]], Variant] = {}
    for each in asked:
        found.setdefault((each.case, each.settings), each)
    return tuple(found.values())


def _outcomes(tasks: list[Task], jobs: int, watch: Watch | None) -> list[Outcome]:
    """Return what became of every task, in their order.

    Raises:
        InputError: of the first task (in time) that cannot begin; the others are stopped.
    """
    found: dict[int, Outcome] = {}
    if watch is not None:
        watch(0, len(tasks))
    size = max(1, len(tasks) // (jobs * CHUNKS_PER_JOB))
    chunks = {first: tuple(tasks[first : first + size]) for first in range(0, len(tasks), size)}
    with closing(_simulated(chunks, min(jobs, len(chunks)))) as simulated:
        for first, outcomes in simulated:
            for row, outcome in enumerate(outcomes, start=first):
                _check(tasks[row], outcome)
                found[row] = outcome
            if watch is not None:
                watch(len(found), len(tasks))
    return [found[row] for row in range(len(tasks))]


def _check(task: Task, outcome: Outcome) -> None:
    problem, variant = outcome.problem, task.variant
    if problem is not None:
        at = f" at {variant.point}" if variant.point else ""
        where = f"scenario {variant.case!r}{at}, seed {task.seed}: {problem.where}"
        raise InputError(where, problem.what, problem.remedy)


def _simulated(chunks: dict[int, tuple[Task, ...]], jobs: int) -> Generator[tuple[int, list[Outcome]], None, None]:
    if jobs == 1:
        for first, chunk in chunks.items():
            yield first, simulate_all(chunk)
        return
    with pool(jobs) as workers:
        futures = {workers.submit(simulate_all, chunk): first for first, chunk in chunks.items()}
        for future in as_completed(futures):
            yield futures[future], future.result()


def _result(
    folder: Path,
    study: Study,
    asked: tuple[Variant, ...],
    tasks: list[Task],
    outcomes: list[Outcome],
    status: FrozenStatus,
) -> StudyResult:
    simulated = _different(asked)
    place = {(each.case, each.settings): row for row, each in enumerate(simulated)}
    which = np.array([place[each.case, each.settings] for each in asked])
    shape = (len(study.seed_range), len(simulated))
    values = np.array([outcome.figures for outcome in outcomes]).reshape(*shape, -1)[:, which]
    ended = np.array([outcome.failure is None for outcome in outcomes]).reshape(shape)[:, which]
    measured = Measured(study, asked, derived(study.every_kpi, asked, values.transpose(1, 0, 2), study.before), ended.T)
    found = rows(measured)
    closest = closest_draw(measured) if len(study.seed_range) > 1 else None  # one seed is not chosen
    return StudyResult(
        folder=folder,
        study=study,
        measured=measured,
        rows=found,
        criteria=(*criteria(measured, found), *frozen_criterion(status)),
        failed=_failures(tasks, outcomes),
        frozen=status,
        closest=closest,
        occupancy=_occupancy(study, tasks, outcomes, closest.row if closest else None),
        pictures=tuple(_drawn(picture, tasks, outcomes) for picture in study.hourly),
    )


def _drawn(picture: HourlyPicture, tasks: list[Task], outcomes: list[Outcome]) -> Drawn:
    """Return what a picture shows: the median over the seeds of every scenario and column of it."""
    found: dict[tuple[str, Series], list[Floats]] = {}
    for task, outcome in zip(tasks, outcomes, strict=True):
        for series, values in zip(task.series, outcome.series, strict=False):  # none of a run that failed
            found.setdefault((task.variant.case, series), []).append(values)
    lines = [
        (case, each.column, picture.times * np.median(found[case, each], axis=0))
        for case in picture.scenarios
        for each in all_series(picture)
        if (case, each) in found
    ]
    return Drawn(picture, tuple(lines))


def _failures(tasks: list[Task], outcomes: list[Outcome]) -> tuple[Failure, ...]:
    return tuple(
        Failure(task.name if task.kept else None, task.variant.case, task.variant.point, task.seed, outcome.failure)
        for task, outcome in zip(tasks, outcomes, strict=True)
        if outcome.failure is not None
    )


def _occupancy(study: Study, tasks: list[Task], outcomes: list[Outcome], closest: int | None) -> tuple[Occupancy, ...]:
    """Return the occupancy of the scenarios asked for, in their order."""
    found = []
    for case in study.occupancy:
        runs = [row for row, task in enumerate(tasks) if task.branches and task.variant.case == case]
        variant = tasks[runs[0]].variant
        found.append(occupancy_of(variant, [outcomes[row].loading for row in runs], closest))
    return tuple(each for each in found if each is not None)
