"""Everything a run logged, whether it is on disk or still in hand: what people look at while it goes on."""

from functools import lru_cache

import pyarrow as pa

from peerflex.runs.log.columns import Part
from peerflex.runs.log.manifest import Manifest
from peerflex.runs.log.reader import SCHEMAS, Run
from peerflex.runs.log.tables import TABLES
from peerflex.runs.log.writer import RunWriter

CACHED_PARTS = 256
"""Parts kept decoded: a few tables of a year of hours."""

_TABLES = {table.name: table for table in TABLES}


class Log:
    """A run that is read while it may be written. Parts that are full are decoded once; the others are in hand."""

    def __init__(self, run: Run, writer: RunWriter | None) -> None:
        self._run = run
        self._writer = writer
        self._part = lru_cache(CACHED_PARTS)(self._decoded)

    @property
    def manifest(self) -> Manifest:
        return self._run.manifest if self._writer is None else self._writer.manifest

    @property
    def finished_steps(self) -> int:
        return self._run.finished_steps if self._writer is None else self._writer.next_step

    def rows(self, name: str, first: int = 0, last: int | None = None) -> pa.Table:
        """Return a table, its steps ``first`` to ``last`` (inclusive; None: to the end).

        Raises:
            InputError: if there is no such table or it cannot be read.
        """
        if name not in SCHEMAS:
            return self._run.rows(name)  # which says what there is
        end = self.finished_steps if last is None else min(last + 1, self.finished_steps)
        in_hand = self.finished_steps if self._writer is None else self._writer.first_in_hand
        found = []
        size = self.manifest.part_steps
        for number in range(first // size, -(-min(end, in_hand) // size)):
            found.append(_between(self._part(name, number), first, end))
        if self._writer is not None and end > in_hand:
            records = self._writer.in_hand[max(first - in_hand, 0) : end - in_hand]
            if records:
                found.append(_TABLES[name].of(Part(self.manifest, list(records))))
        if len(found) == 1:  # as for every single step: putting dozens of columns together again would take longer
            return found[0]
        return pa.concat_tables(found or [SCHEMAS[name].empty_table()]).unify_dictionaries()

    def _decoded(self, name: str, number: int) -> pa.Table:
        columns = SCHEMAS[name].empty_table()  # an older log may lack some: they are empty
        return pa.concat_tables([columns, self._run.part(name, number)], promote_options="default").combine_chunks()


def _between(part: pa.Table, first: int, end: int) -> pa.Table:
    """Return the rows of some steps: the step never falls from row to row."""
    step = part["step"].to_numpy()
    begin, stop = step.searchsorted([first, end])
    return part.slice(begin, stop - begin)
