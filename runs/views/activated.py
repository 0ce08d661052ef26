"""What a peer was activated for in a step, and what came of it."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from peerflex.runs.views.book import FlexRow
from peerflex.runs.views.log import Log, numbers, rows_at, words


@dataclass(frozen=True, slots=True)
class Activated:
    """What the flexibility market had a peer change its injection by (> 0: more), and what it did of that.

    ``delivered_mw`` is against what it announced without the activation, ``by_history_mw`` against what meters say of
    the days before, which it is then paid by (NaN where they say nothing). ``beyond`` are the limits that the DSO
    expected not to be kept when it bought: buses (their voltage) and branches, each once.
    """

    change_mw: float
    delivered_mw: float
    by_history_mw: float
    beyond: tuple[str, ...]


def activated_at(log: Log, step: int, row: int, offers: tuple[FlexRow, ...]) -> Activated | None:
    """Return what became of a peer's offers (the peer in ``row``); None if none was activated.

    Raises:
        InputError: if the step is not logged.
    """
    change_mw = sum(each.accepted_mw * (1.0 if each.direction == "up" else -1.0) for each in offers)
    if not change_mw:
        return None
    done = rows_at(log, "peers", step).slice(row, 1)
    load_mw, pv_mw, battery_mw = (float(numbers(done, name)[0]) for name in ("load_mw", "pv_mw", "battery_mw"))
    baselines_mw = np.array([numbers(done, name)[0] for name in ("baseline_mw", "history_baseline_mw")])
    share = np.clip((pv_mw + battery_mw - load_mw - baselines_mw) / change_mw, 0.0, 1.0)
    delivered_mw, by_history_mw = (change_mw * share).tolist()
    return Activated(change_mw, delivered_mw, by_history_mw, _beyond(rows_at(log, "needs", step)))


def _beyond(needs: pa.Table) -> tuple[str, ...]:
    value, lower, upper = (numbers(needs, name) for name in ("value", "lower", "upper"))
    rows = zip(words(needs, "bus"), words(needs, "branch"), (value < lower) | (value > upper), strict=True)
    return tuple(dict.fromkeys(f"voltage at bus {bus}" if bus else branch for bus, branch, broken in rows if broken))
