"""How soon a new process answers: the help, and the first hour of a run.

    python benchmarks/cold_start.py

Workload, in turn, each a process of its own, five times after one that is not counted (it fills the caches of networks,
bytecode and files): ``python -m peerflex --help``; a run of case69-day and of lv-week until its first hour is logged;
``peerflex run case69-day`` to its end, picture and check against pandapower included. The rivals are an empty Python
process, and one that only imports pandapower.
"""

import subprocess
import sys
import tempfile
from statistics import median
from time import perf_counter

ROUNDS = 5
HELP_S, FIRST_HOUR_S = 0.5, 5.0

FIRST_HOUR = """
import sys
from pathlib import Path
from peerflex.runs.area.plugins import registry
from peerflex.runs.session import Session
from peerflex.scenarios.load import load_scenario
with Session.begin(load_scenario(sys.argv[1]), registry([]), Path(sys.argv[2])) as session:
    session.step()
    print("first hour", flush=True)
    sys.stdin.read()
"""


def until_first_line(command: list[str]) -> float:
    """Return the seconds from starting a process to its first line; what it does afterwards does not count."""
    start = perf_counter()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        taken = perf_counter() - start
        process.communicate()
    if not said or process.returncode:
        raise SystemExit(f"{' '.join(command)} failed")
    return taken


def whole(command: list[str]) -> float:
    start = perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return perf_counter() - start


def main() -> int:
    times: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for turn in range(ROUNDS + 1):
            first_day, first_week, run = (f"{scratch}/{turn}-{each}" for each in "abc")
            for name, measure, arguments in (
                ("empty Python process (rival)", whole, ["-c", ""]),
                ("import pandapower (rival)", whole, ["-c", "import pandapower"]),
                ("peerflex --help", whole, ["-m", "peerflex", "--help"]),
                ("first hour of case69-day", until_first_line, ["-c", FIRST_HOUR, "case69-day", first_day]),
                ("first hour of lv-week", until_first_line, ["-c", FIRST_HOUR, "lv-week", first_week]),
                ("run case69-day, whole", whole, ["-m", "peerflex", "run", "case69-day", "--out", run]),
            ):
                times.setdefault(name, []).append(measure([sys.executable, *arguments]))
    figures = {name: median(each[1:]) for name, each in times.items()}
    print(f"workload   new processes in turn, medians of {ROUNDS}")
    for name, figure in figures.items():
        print(f"{name:30s} {figure:6.2f} s  ({min(times[name][1:]):.2f} to {max(times[name][1:]):.2f})")
    late = max(figures["first hour of case69-day"], figures["first hour of lv-week"])
    print(f"budgets    help {HELP_S} s, first hour {FIRST_HOUR_S:g} s")
    return int(figures["peerflex --help"] > HELP_S or late > FIRST_HOUR_S)


if __name__ == "__main__":
    sys.exit(main())
