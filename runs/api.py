"""The front door from Python: run, resume, open and study, with the same parts as the command line."""

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from peerflex.core.record import HourRecord
from peerflex.runs.area.build import build
from peerflex.runs.area.plugins import Registry, registry
from peerflex.runs.finish import finish, is_finished
from peerflex.runs.log.front_page import restored
from peerflex.runs.log.reader import Run, open_run
from peerflex.runs.session import Session
from peerflex.runs.views.log import steps_before
from peerflex.scenarios.layers import parse_settings
from peerflex.scenarios.load import LoadedScenario, load_scenario

if TYPE_CHECKING:
    from peerflex.runs.cosim import Coupling
    from peerflex.runs.study.result import StudyResult

RESULTS = Path("results")

__all__ = ["branch", "open_run", "resume", "run", "study"]

Watch = Callable[[HourRecord], None]


def run(
    scenario: str | Path,
    *,
    seed: int | None = None,
    hours: int | None = None,
    settings: Sequence[str] = (),
    out: Path | str | None = None,
    driver: str = "mosaik",
    plugins: Sequence[Path | str] = (),
    coupling: "Coupling | None" = None,
    watch: Watch | None = None,
) -> Run:
    """Simulate a bundled scenario or a YAML file and return the run.

    ``settings`` are ``dotted.key=yaml-value`` texts; ``out`` is a new folder (else one in ``results/``);
    ``watch`` sees every record as it is made.

    Raises:
        InputError: if anything given is wrong.
        SimulationError: if the simulation stops; its log is kept.
    """
    loaded = load_scenario(str(scenario), list(settings), seed, hours)
    folder = Path(out) if out is not None else new_folder(loaded)
    parts = registry([Path(each) for each in plugins])
    session = Session.begin(loaded, parts, folder, driver, coupling)
    return _to_the_end(session, loaded, parts, watch)


def resume(folder: Path | str, *, plugins: Sequence[Path | str] = (), watch: Watch | None = None) -> Run:
    """Go on with a run that was stopped, and return it when it is done."""
    folder, parts = Path(folder), registry([Path(each) for each in plugins])
    stopped = open_run(folder)
    if stopped.manifest.status == "done" and not is_finished(stopped):
        loaded = restored(stopped)
        finish(stopped, loaded, build(loaded, parts).network, parts)
        return stopped
    session = Session.resume(folder, parts)
    return _to_the_end(session, restored(stopped), parts, watch)


def branch(
    folder: Path | str,
    at_hour: float,
    *,
    settings: Sequence[str] = (),
    out: Path | str | None = None,
    plugins: Sequence[Path | str] = (),
    watch: Watch | None = None,
) -> Run:
    """Return a new run that shares a run's hours before ``at_hour`` (from the start) and goes on with ``settings``.

    ``out`` is a new folder (else one beside the run's). Without settings it becomes what the run is, byte for byte.

    Raises:
        InputError: if anything given is wrong.
        SimulationError: if the simulation stops; its log is kept.
    """
    parent, parts = Path(folder), registry([Path(each) for each in plugins])
    step = steps_before(open_run(parent, check=False).manifest, at_hour)
    new = Path(out) if out is not None else branch_folder(parent, at_hour)
    change = parse_settings(settings) if settings else None
    session = Session.branch(parent, parts, new, step, change)
    return _to_the_end(session, restored(open_run(new, check=False)), parts, watch)


def branch_folder(parent: Path, hour: float) -> Path:
    """Return a folder beside a run's that no branch from this hour has yet."""
    return _free(parent.resolve().parent / f"{parent.resolve().name}-at-{hour:g}")


def study(
    name_or_path: str | Path,
    *,
    seeds: str | None = None,
    jobs: int = 1,
    out: Path | str | None = None,
    plugins: Sequence[Path | str] = (),
    vary: bool = False,
) -> "StudyResult":
    """Simulate a bundled study or a YAML file and return what it found; it is in a new folder too.

    ``seeds`` are ``"first-last"``; ``vary`` simulates the study's variations, too. Simulations that failed are in the
    result's ``failed``, criteria that do not hold in ``broken``. With more than one of ``jobs``, call it from under
    ``if __name__ == "__main__":``.

    Raises:
        InputError: if anything given is wrong.
    """
    from peerflex.runs.study.run import run_study

    files = [Path(each) for each in plugins]
    return run_study(str(name_or_path), seeds, jobs, Path(out) if out is not None else None, files, vary=vary)


def _to_the_end(session: Session, loaded: LoadedScenario, parts: Registry, watch: Watch | None) -> Run:
    with session:
        for _ in session.advance():
            if watch is not None and session.record is not None:
                watch(session.record)
    done = open_run(session.folder, check=False)
    finish(done, loaded, session.built.network, parts)
    return done


def new_folder(loaded: LoadedScenario) -> Path:
    """Return a folder in ``results/`` that no run has yet."""
    return _free(RESULTS / f"{loaded.scenario.name}-{loaded.scenario.seed}-{datetime.now():%Y%m%dT%H%M%S}")


def _free(wanted: Path) -> Path:
    folder, count = wanted, 1
    while folder.exists():
        count += 1
        folder = wanted.with_name(f"{wanted.name}-{count}")
    return folder
