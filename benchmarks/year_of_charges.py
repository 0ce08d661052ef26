"""Does an hour of P2P_Full in exact mode grow dearer over a year?

    python benchmarks/year_of_charges.py [HOURS]

Workload: scenario tso-dso-year, 8760 different hours in this process, every hour all in but the log. CPU time of the
last 1000 hours against the first 1000 after a day of warm-up; hours differ in how much they need, so the market
clearings of both are printed too. The rival is a numpy loop without any history, in turn with the hours of both
windows: its ratio tells how much slower the machine itself was in one of them.
"""

import sys
from time import process_time

from flat import reference_work

from peerflex.runs.area.plugins import registry
from peerflex.runs.study.memory import InMemory
from peerflex.scenarios.load import load_scenario

WARM_UP, WINDOW, MOST_DEARER = 24, 1000, 1.1


def main(hours: int) -> int:
    windows = {"first": range(WARM_UP, WARM_UP + WINDOW), "last": range(hours - WINDOW, hours)}
    cpu_s, reference_s, clearings = (dict.fromkeys(windows, 0.0) for _ in range(3))
    begun = process_time()
    with InMemory(load_scenario("tso-dso-year", [f"time.hours={hours}"]), registry()) as run:
        records = run.records()
        for hour in range(hours):
            start = process_time()
            effort = next(records).decision.effort
            middle = process_time()
            for name, window in windows.items():
                if hour in window:
                    reference_work()
                    cpu_s[name] += middle - start
                    reference_s[name] += process_time() - middle
                    clearings[name] += effort.clearings
    print(f"workload   tso-dso-year, {hours} hours in one run, in memory; {process_time() - begun:.0f} s CPU in all")
    for name, window in windows.items():
        print(
            f"{name:10s} hours {window.start} to {window.stop}: {1e3 * cpu_s[name] / WINDOW:.2f} ms CPU an hour "
            f"(rival loop {1e3 * reference_s[name] / WINDOW:.2f}), {clearings[name] / WINDOW:.2f} clearings an hour"
        )
    dearer, machine = cpu_s["last"] / cpu_s["first"], reference_s["last"] / reference_s["first"]
    print(f"ratio      CPU {dearer:.3f} (at most {MOST_DEARER}; the rival loop {machine:.3f})")
    return int(dearer > MOST_DEARER)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 8760))
