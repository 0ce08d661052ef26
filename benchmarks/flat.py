"""Does an hour grow dearer, or the memory fuller, the longer a run lasts?

    python benchmarks/flat.py

Workload: one run of case69-day over 5016 hours, all in, driven by mosaik, logged. CPU time per hour in hours 4500 to
5000 against hours 500 to 1000 of the same run, and the resident memory at the end of both. The rival is a numpy loop
without any history, in turn with the hours of both windows: its ratio tells how much slower the machine itself was in
one of them. One run, means of 500 hours: five shorter ones would not be old enough.
"""

import sys
import tempfile
from pathlib import Path
from time import process_time

import numpy as np
from _case69 import begin, memory_mib

HOURS, EARLY, LATE = 5016, range(500, 1000), range(4500, 5000)
MOST_DEARER, MOST_FULLER = 1.15, 1.05


def reference_work() -> None:
    """Do what the hour does most of: many small numpy calls."""
    values = np.linspace(0.0, 1.0, 69)
    for _ in range(300):
        values = np.where(values > 0.5, np.abs(values), np.clip(values, 0.0, 1.0))


def main() -> int:
    cpu_s, reference_s, memory = {}, {}, {}
    with tempfile.TemporaryDirectory() as scratch, begin(Path(scratch) / "run", HOURS) as session:
        while session.cursor < session.steps:
            hour = session.cursor
            start = process_time()
            session.step()
            middle = process_time()
            for window in (EARLY, LATE):
                if hour in window:
                    reference_work()
                    cpu_s[window] = cpu_s.get(window, 0.0) + middle - start
                    reference_s[window] = reference_s.get(window, 0.0) + process_time() - middle
                    memory[window] = memory_mib()
    dearer, machine = cpu_s[LATE] / cpu_s[EARLY], reference_s[LATE] / reference_s[EARLY]
    fuller = memory[LATE] / memory[EARLY]
    print(f"workload   case69-day, {HOURS} hours in one run, all in, driven by mosaik, logged")
    for name, window in (("early", EARLY), ("late", LATE)):
        print(
            f"{name:10s} hours {window.start} to {window.stop}: {1e3 * cpu_s[window] / len(window):.2f} ms CPU an hour "
            f"(rival loop {1e3 * reference_s[window] / len(window):.2f}), {memory[window]:.0f} MiB"
        )
    print(f"ratio      CPU {dearer:.3f} (at most {MOST_DEARER}; the rival loop {machine:.3f}), ", end="")
    print(f"memory {fuller:.3f} (at most {MOST_FULLER})")
    return int(dearer > MOST_DEARER or fuller > MOST_FULLER)


if __name__ == "__main__":
    sys.exit(main())
