"""What the commands do: the front door of ``runs.api`` with progress, summaries and exit codes."""

from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from peerflex.core.errors import CriterionError, SimulationError, VerificationError
from peerflex.core.record import HourRecord
from peerflex.runs import api, show
from peerflex.runs.area.plugins import registry
from peerflex.runs.finish import PICTURE
from peerflex.runs.log.reader import open_run, reference_of
from peerflex.runs.log.verification import verify
from peerflex.runs.session import Session
from peerflex.runs.views.log import steps_before


class Clock:
    """A progress bar in simulated time."""

    def __init__(self, steps: int, step_s: int, done: int = 0) -> None:
        self._step_hours = step_s / 3600
        self._progress = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(),
            TextColumn("hour {task.completed:.0f} of {task.total:.0f}"),
            TimeRemainingColumn(),
            console=show.CONSOLE,
        )
        self._task = self._progress.add_task("simulating", total=steps * self._step_hours, completed=done)

    def __enter__(self) -> "Clock":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def tick(self, record: HourRecord) -> None:
        self._progress.update(self._task, completed=(record.decision.step + 1) * self._step_hours)


def start_run(
    scenario: str,
    settings: list[str],
    seed: int | None,
    hours: int | None,
    out: Path | None,
    driver: str,
    plugins: list[Path],
) -> None:
    """Simulate a scenario, with progress and a summary."""
    from peerflex.scenarios.load import load_scenario

    loaded = load_scenario(scenario, settings, seed, hours)
    folder = out if out is not None else api.new_folder(loaded)
    show.say(f"{loaded.scenario.title or loaded.scenario.name}: {loaded.scenario.time.hours} hours into {folder}")
    with Clock(loaded.scenario.time.steps, loaded.scenario.time.step_s) as clock:
        run = api.run(
            scenario,
            seed=seed,
            hours=hours,
            settings=settings,
            out=folder,
            driver=driver,
            plugins=plugins,
            watch=clock.tick,
        )
    show.summary(run, reference_of(folder))
    show.say(f"picture: {folder / PICTURE}\nagain:   peerflex replay {folder}")


def resume_run(folder: Path, plugins: list[Path]) -> None:
    """Go on with a run, with progress and a summary."""
    manifest = open_run(folder).manifest
    with Clock(manifest.steps, manifest.step_seconds) as clock:
        run = api.resume(folder, plugins=plugins, watch=clock.tick)
    show.summary(run, reference_of(folder))
    show.say(f"picture: {folder / PICTURE}")


def branch_run(folder: Path, hour: float, settings: list[str], out: Path | None, plugins: list[Path]) -> None:
    """Branch a run and simulate it to its end, with progress and a summary."""
    manifest = open_run(folder).manifest
    steps_before(manifest, hour)  # refuses an hour that is none, before anything is said
    new = out if out is not None else api.branch_folder(folder, hour)
    show.say(f"{folder} from hour {hour:g} on{', with ' + ', '.join(settings) if settings else ''}, into {new}")
    later = dict.fromkeys(each["hour"] for each in manifest.scenario.get("changes", ()) if each["hour"] >= hour)
    if later:
        show.say(
            f"what changes later in {folder} changes here, too: at hour {', '.join(f'{each:g}' for each in later)}"
        )
    with Clock(manifest.steps, manifest.step_seconds, round(hour)) as clock:
        run = api.branch(folder, hour, settings=settings, out=new, plugins=plugins, watch=clock.tick)
    show.summary(run, reference_of(new))
    show.say(f"picture: {new / PICTURE}\nbeside:  peerflex studio {new}")


def replay_run(folder: Path) -> None:
    """Print the hours and the closing tables of a run, from its log alone."""
    run = Session.open(folder).log
    show.hours(run)
    show.summary(run, reference_of(folder))


def verify_run(folder: Path, plugins: list[Path]) -> None:
    """Simulate a run again and compare; what differs is printed.

    Raises:
        VerificationError: if anything differs.
    """
    report = verify(folder, registry(plugins))
    show.say(f"{folder}: {report.how}")
    for difference in report.differences[:20]:
        show.say(f"  {difference}")
    if report.differences:
        raise VerificationError(f"{folder}: {len(report.differences)} columns differ from a fresh simulation")
    show.say(f"verified: {report.steps} steps, every table as simulated again")


def show_hash(study: str) -> None:
    """Print the hash of a study's configuration; nothing is simulated."""
    from peerflex.runs.study.frozen import configuration_hash
    from peerflex.runs.study.run import whole_study

    show.say(configuration_hash(whole_study(study).loaded))


def run_study_command(
    study: str, seeds: str | None, jobs: int, out: Path | None, plugins: list[Path], vary: bool = False
) -> None:
    """Simulate a study, with progress, its figures and its criteria.

    Raises:
        SimulationError: if a simulation failed; the others are kept and compared all the same.
        CriterionError: if a criterion does not hold.
    """
    from peerflex.runs.study.run import run_study
    from peerflex.runs.study.show import show_study

    columns = (TextColumn("[bold]simulating"), BarColumn(), MofNCompleteColumn(), TextColumn("runs"))
    with Progress(*columns, TimeRemainingColumn(), console=show.CONSOLE) as progress:
        task = progress.add_task("simulating", total=None)

        def watch(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        result = run_study(study, seeds, jobs, out, plugins, watch, vary)
    show_study(result)
    show.say(f"everything is in {result.folder}")
    if result.failed:
        first = result.failed[0]
        where = result.folder / first.folder if first.folder else f"{first.scenario}, seed {first.seed}"
        raise SimulationError(f"{len(result.failed)} simulations failed; the first, {where}, says {first.reason}")
    if result.broken:
        names = ", ".join(dict.fromkeys(each.name for each in result.broken))
        raise CriterionError(f"{result.folder}: not as required: {names}")
