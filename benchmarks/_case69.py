"""What several benchmarks share: sessions of the bundled scenario case69-day, made longer, and the memory in use."""

import os
from pathlib import Path

from peerflex.runs.area.plugins import registry
from peerflex.runs.session import Session
from peerflex.scenarios.load import load_scenario


def begin(folder: Path, hours: int, driver: str = "mosaik", seed: int = 1) -> Session:
    """Begin a run of case69-day in a new folder; the shapes of the day repeat, batteries and draws do not."""
    return Session.begin(load_scenario("case69-day", seed=seed, hours=hours), registry([]), folder, driver)


def memory_mib() -> float:
    """Return the resident memory of this process (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
