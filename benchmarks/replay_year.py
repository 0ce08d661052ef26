"""A run of a year is listed, opened and read back.

    python benchmarks/replay_year.py [RUN]

Workload: case69-day over 8760 hours, simulated once (in process; the tables are the same) unless a RUN is given. Then
in turn, five times: ``peerflex replay RUN`` as a whole process, and its parts in this one: list the runs of the
folder, open the run (every file is compared with what was written), read the table of hours, and read all tables. The
rival is pandas reading the table of hours without peerflex, and without checking anything.
"""

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter

import pandas as pd
from _case69 import begin

from peerflex.runs.log.reader import find_runs, open_run
from peerflex.runs.log.tables import TABLES

HOURS, ROUNDS, BUDGET_S = 8760, 5, 3.0


def seconds(work: Callable[[], object]) -> float:
    start = perf_counter()
    work()
    return perf_counter() - start


def simulate(folder: Path) -> None:
    with begin(folder, HOURS, driver="mesa") as session:
        while session.cursor < session.steps:
            session.step()


def measure(folder: Path) -> int:
    run = open_run(folder, check=False)
    hours = sorted((folder / "tables" / "hours").glob("*.parquet"))
    command = [sys.executable, "-m", "peerflex", "replay", str(folder)]
    works: dict[str, Callable[[], object]] = {
        "peerflex replay, whole process": lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL),
        "list the folder's runs": lambda: find_runs(folder.parent),
        "open it, every file checked": lambda: open_run(folder),
        "read the hours": lambda: run.hours,
        "read the hours by pandas (rival)": lambda: pd.concat(pd.read_parquet(path) for path in hours),
        "read every table": lambda: [run.rows(table.name) for table in TABLES],
    }
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(ROUNDS + 1):  # the first round warms up and is not counted
        for name, work in works.items():
            times[name].append(seconds(work))
    size = sum(path.stat().st_size for path in folder.rglob("*.parquet")) / 2**20
    print(f"workload   {run.finished_steps} steps in {len(run.checkpoints)} parts, {size:.0f} MiB")
    for name, each in times.items():
        print(f"{name:35s} {median(each[1:]):7.3f} s")
    whole = median(times["peerflex replay, whole process"][1:])
    print(f"budget     {BUDGET_S:g} s for the whole process")
    return int(whole > BUDGET_S)


def main(given: str | None) -> int:
    if given is not None:
        return measure(Path(given))
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "year"
        print(f"simulated  {HOURS} hours in {seconds(lambda: simulate(folder)):.0f} s")
        return measure(folder)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else None))
