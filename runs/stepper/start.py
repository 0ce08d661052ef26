"""``peerflex step``: a scenario or a run, hour by hour, in the terminal."""

import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

from peerflex.core.errors import InputError
from peerflex.runs.area.plugins import registry
from peerflex.runs.log.manifest import FILE
from peerflex.runs.session import Session
from peerflex.runs.stepper.journey import Journey
from peerflex.runs.stepper.print import say
from peerflex.runs.stepper.script import follow, lines_of
from peerflex.runs.stepper.shell import HELP_LINE, Shell
from peerflex.runs.views import hour_of

PART_STEPS = 24
"""Steps in a part of a log that is stepped: a day of hours, so that going on and branching are quick."""

MOST_HISTORY = 1000


def step_command(
    target: str,
    settings: list[str],
    seed: int | None,
    hours: int | None,
    out: Path | None,
    plugins: list[Path],
    script: Path | None,
) -> None:
    """Step through a scenario (a bundled name or a file) or a run (a folder), from a terminal, a file or a pipe.

    Raises:
        InputError: if something given is wrong, or a command of a script.
        SimulationError: if a step of a script fails; its log is kept.
    """
    from_script = script is not None or not sys.stdin.isatty()
    name, lines = lines_of(script) if from_script else ("", ())
    parts = registry(plugins)
    if (Path(target) / FILE).is_file():
        _refuse(settings, seed, hours, out)
        session = _look(Path(target))
    else:
        session = _begin(target, settings, seed, hours, out, plugins)
    with Journey(session, parts) as journey:
        say(HELP_LINE)
        shell = Shell(journey, strict=from_script)
        if from_script:
            follow(shell, name, lines)
        else:
            if hasattr(signal, "SIGHUP"):  # a line that breaks is the end of the input: what was simulated is saved
                signal.signal(signal.SIGHUP, signal.SIG_IGN)
            _remember()
            try:
                shell.listen()
            finally:
                _keep()
        journey.leave()
        _farewell(journey.session)


def _begin(
    target: str, settings: list[str], seed: int | None, hours: int | None, out: Path | None, plugins: list[Path]
) -> Session:
    from peerflex.runs.api import new_folder
    from peerflex.scenarios.load import load_scenario

    loaded = load_scenario(target, settings, seed, hours)
    folder = out if out is not None else new_folder(loaded)
    scenario = loaded.scenario
    say(f"{scenario.title or scenario.name}: {scenario.time.hours} hours from {scenario.time.start:%Y-%m-%d %H:%M}")
    say(f"logged in {folder}")
    return Session.begin(loaded, registry(plugins), folder, driver="mesa", part_steps=PART_STEPS)


def _refuse(settings: list[str], seed: int | None, hours: int | None, out: Path | None) -> None:
    if settings or seed is not None or hours is not None or out is not None:
        remedy = "Leave out --seed, --hours, --set and --out; inside, change it with: branch KEY=VALUE."
        raise InputError("peerflex step RUN", "a run goes on as it was begun", remedy)


def _look(folder: Path) -> Session:
    session = Session.open(folder)
    logged, end = hour_of(session.manifest, session.logged), hour_of(session.manifest, session.steps)
    on = "" if session.logged == session.steps else "; simulate on with: continue"
    say(f"{folder}: {logged:g} of {end:g} hours are logged, and only looked at{on}")
    return session


def _farewell(session: Session) -> None:
    manifest, folder = session.manifest, session.folder
    say(f"{hour_of(manifest, session.logged):g} of {hour_of(manifest, session.steps):g} hours are in {folder}")
    if session.logged < session.steps:
        say(f"  go on:  peerflex step {folder}   (then: continue)   or   peerflex run --resume {folder}")
    say(
        f"  look:   peerflex replay {folder}",
        f"  prove:  peerflex replay {folder} --verify",
        f"  branch: peerflex branch {folder} --at HOUR --set KEY=VALUE",
    )


def _history() -> Path:
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "peerflex" / "step-history"


def _remember() -> None:
    """Bring back what was typed before; without it the prompt works all the same."""
    with suppress(ImportError, OSError, RuntimeError):
        import readline

        readline.set_history_length(MOST_HISTORY)
        readline.read_history_file(_history())


def _keep() -> None:
    """Keep what was typed for the next time, if it can be kept."""
    with suppress(ImportError, OSError, RuntimeError):
        import readline

        _history().parent.mkdir(parents=True, exist_ok=True)
        readline.write_history_file(_history())
