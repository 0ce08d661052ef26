"""``peerflex replay --speed``: the hours of a log go by again, forwards or back, from the log alone."""

from pathlib import Path

from peerflex.core.errors import InputError
from peerflex.core.units import SECONDS_PER_HOUR
from peerflex.runs.session import Session
from peerflex.runs.stepper.patience import Patience
from peerflex.runs.stepper.print import say_head, say_hour
from peerflex.runs.views import hour_of
from peerflex.runs.views.log import steps_before


def play_run(folder: Path, speed: float | None, first: float | None, last: float | None, backwards: bool) -> None:
    """Print the hours between ``first`` and ``last`` (hours from the start; None: all) at ``speed`` hours per second.

    Without a speed they are printed at once. Ctrl-C ends it.

    Raises:
        InputError: if the folder is no run, or has no such hours.
    """
    if speed is not None and not 0.0 < speed < float("inf"):
        raise InputError("--speed", f"{speed:g} is not a number above 0", "Give hours per second, for example 5.")
    log = Session.open(folder)
    begin = 0 if first is None else steps_before(log.manifest, first)
    end = log.logged if last is None else steps_before(log.manifest, last)
    if not begin < end <= log.logged:
        what = f"hours {hour_of(log.manifest, begin):g} to {hour_of(log.manifest, end):g} are not there to replay"
        logged = hour_of(log.manifest, log.logged)
        raise InputError(
            "--from, --to", what, f"Give the lower one first, within the {logged:g} hours that are logged."
        )
    steps = range(begin, end)
    pause_s = 0.0 if speed is None else log.manifest.step_seconds / SECONDS_PER_HOUR / speed
    say_head()
    with Patience() as patience:
        for step in reversed(steps) if backwards else steps:
            say_hour(log, step)
            patience.sleep(pause_s)
            if patience.over:
                return
