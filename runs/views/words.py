"""What was said in a step, what was out of the ordinary, and the closing figures of what is logged so far."""

from dataclasses import dataclass

import pyarrow as pa

from peerflex.core.messages import KINDS
from peerflex.core.record import Event
from peerflex.runs.kpis.kpis import KPIS, kpis
from peerflex.runs.log.manifest import Manifest
from peerflex.runs.views.log import Log, rows_at, words


@dataclass(frozen=True, slots=True)
class MessageRow:
    """Messages of one kind between two roles; ``fields`` is what each discloses, which ``table`` holds row by row."""

    kind: str
    sender: str
    receiver: str
    fields: str
    count: int
    table: str


@dataclass(frozen=True, slots=True)
class KpiRow:
    """A closing figure; NaN where there is nothing to measure."""

    name: str
    value: float
    unit: str
    meaning: str


def messages_at(log: Log, step: int, role: str | None = None) -> tuple[MessageRow, ...]:
    """Return what was said in a step, by or to ``role`` (None: by anybody).

    Raises:
        InputError: if the step is not logged.
    """
    rows = rows_at(log, "messages", step)
    kinds = words(rows, "kind")
    tables = [KINDS[kind].table if kind in KINDS else "" for kind in kinds]
    said = map(
        MessageRow,
        kinds,
        words(rows, "sender"),
        words(rows, "receiver"),
        words(rows, "fields"),
        rows["count"].to_pylist(),
        tables,
    )
    return tuple(each for each in said if role is None or role in (each.sender, each.receiver))


def events_at(log: Log, step: int) -> tuple[Event, ...]:
    """Return what was out of the ordinary in a step, changes included.

    Raises:
        InputError: if the step is not logged.
    """
    rows = rows_at(log, "events", step)
    return tuple(map(Event, *(words(rows, name) for name in ("kind", "where", "what", "consequence"))))


@dataclass(frozen=True, slots=True)
class _Until:
    """A log of which only the steps up to ``last`` are seen."""

    log: Log
    last: int

    def rows(self, name: str, first: int = 0, last: int | None = None) -> pa.Table:
        return self.log.rows(name, first, self.last if last is None else min(last, self.last))

    @property
    def manifest(self) -> Manifest:
        return self.log.manifest


def kpi_rows(log: Log, last: int | None = None) -> tuple[KpiRow, ...]:
    """Return the closing figures of the steps up to ``last`` (None: all that are logged)."""
    figures = kpis(log if last is None else _Until(log, last))
    return tuple(KpiRow(kpi.name, figures[kpi.name], kpi.unit, kpi.meaning) for kpi in KPIS)
