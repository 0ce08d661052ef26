"""Prove a log: simulate its own scenario again and compare every value."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from peerflex.core.errors import InputError
from peerflex.runs.area.plugins import Registry
from peerflex.runs.log.front_page import restored
from peerflex.runs.log.reader import open_run
from peerflex.runs.log.verify import Difference, compare, tolerance_between
from peerflex.runs.session import Session


@dataclass(frozen=True, slots=True)
class Report:
    """How a log was compared, over how many steps, and what differs."""

    how: str
    steps: int
    differences: tuple[Difference, ...]


def verify(folder: Path, registry: Registry) -> Report:
    """Simulate the logged steps of a run again in process and compare.

    Raises:
        InputError: if the run cannot be read, or other simulators were coupled to it.
    """
    logged = open_run(folder, check=False)
    if logged.manifest.coupled:
        raise InputError(
            str(folder), "other simulators were coupled to this run", "Simulate it again from Python and compare."
        )
    with tempfile.TemporaryDirectory(prefix="peerflex-verify-") as scratch:
        again = Path(scratch) / "run"
        part_steps = logged.manifest.part_steps
        session = Session.begin(restored(logged, registry), registry, again, driver="mesa", part_steps=part_steps)
        with session:
            while session.cursor < logged.finished_steps:
                session.step()
        fresh = open_run(again, check=False)
        tolerance, how = tolerance_between(logged.manifest, fresh.manifest)
        return Report(how, logged.finished_steps, tuple(compare(logged, fresh, tolerance)))
