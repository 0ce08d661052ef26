"""Two hundred models in one process, one after the other: does any of them stay?

    python benchmarks/ensemble.py [MODELS]

Workload: runs of case69-day over three hours, a seed each, from building the area to closing the log, in process.
Counted are models still alive after each was closed, and the resident memory after warming up and at the end. The rival
is the same model dropped without being closed, as one would any object: Mesa keeps a counter of each model ever made,
and the model with it.
"""

import gc
import sys
import tempfile
import weakref
from pathlib import Path

from _case69 import begin, memory_mib

from peerflex.runs.area.area import Area
from peerflex.runs.model import AreaModel

HOURS, MOST_GROWTH = 3, 1.05


def one(folder: Path, seed: int) -> tuple[weakref.ref, Area]:
    with begin(folder, HOURS, "mesa", seed) as session:
        while session.cursor < session.steps:
            session.step()
        return weakref.ref(session.model), session.built.area


def dropped(area: Area) -> weakref.ref:
    model = AreaModel(area)
    for _ in range(HOURS):
        model.step()
    return weakref.ref(model)


def alive(models: list[weakref.ref]) -> int:
    gc.collect()
    return sum(model() is not None for model in models)


def main(count: int) -> int:
    ours: list[weakref.ref] = []
    with tempfile.TemporaryDirectory() as scratch:
        for seed in range(count):
            model, area = one(Path(scratch) / f"run-{seed}", seed)
            ours.append(model)
            if seed + 1 == count // 4:
                warm = memory_mib()
    left, end = alive(ours), memory_mib()
    theirs = [dropped(area) for _ in range(count)]
    theirs_left, theirs_end = alive(theirs), memory_mib()
    growth = end / warm
    print(f"workload   {count} runs of case69-day, {HOURS} hours each, in one process")
    print(f"peerflex   {left} models alive; {warm:.0f} MiB after {count // 4} runs, {end:.0f} MiB after {count}")
    print(f"rival      {theirs_left} models alive when they are only dropped, {theirs_end - end:+.0f} MiB")
    print(f"ratio      memory {growth:.3f} (at most {MOST_GROWTH})")
    return int(left > 0 or growth > MOST_GROWTH)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 200))
