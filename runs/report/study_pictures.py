"""What is in the pictures of a study: their titles, their captions, and exactly the numbers that are drawn."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from peerflex.runs.report.numbers import Numbers

UNCHANGED: Final = "unchanged"
BRANCHES: Final = "branches"
DESIGNS: Final = "designs"


def variations(tables: dict[str, Numbers]) -> frozenset[str]:
    """Return the points of a study that are variations: they are in no picture."""
    found = tables.get("robustness")
    if found is None or "variation" not in found.header:
        return frozenset()
    at = found.header.index("variation")
    return frozenset(str(row[at]) for row in found.rows if len(row) > at) - {UNCHANGED}


@dataclass(frozen=True, slots=True)
class Drawn:
    """The tables of a study by the name of their file, and the points that are not drawn."""

    tables: dict[str, Numbers]
    varied: frozenset[str]

    def told(self, picture: str) -> tuple[str, str, tuple[Numbers, ...]]:
        """Return the title, the caption and the numbers of a picture, by the name of its file."""
        if picture in self.tables:
            return picture.replace("-", " "), "Over the hours of the run.", (self.tables[picture],)
        if picture == DESIGNS and picture in self.tables:
            caption = (
                "A mark is a design, at the median of the seeds: the share of the central optimum's welfare that is "
                "left after flexibility was paid, against the time in which a limit is not kept."
            )
            return "Market designs", caption, (self.tables[picture],)
        if picture.startswith("occupancy-"):
            scenario = picture.partition("-")[2]
            caption = (
                "Loading of every branch before and after trading, in % of its rating (in the numbers 1.0 is the "
                "rating): median and 5th to 95th percentile of the seeds."
            )
            return f"Occupancy of {scenario}", caption, self._rows(BRANCHES, picture, "scenario", {scenario})
        if picture == "table":
            caption = "Where print stands in the median and the 5th to 95th percentile of the seeds."
            return "Published and ours", caption, self._rows("rows", picture, "kpi", self._printed())
        caption = "Every seed, the median, and the band from the 5th to the 95th percentile."
        seeds, spread = (self._rows(table, f"{picture}-{table}", "kpi", {picture}) for table in ("runs", "rows"))
        return picture, caption, (*seeds, *spread)

    def _printed(self) -> set[object]:
        """Return the figures of which somebody printed a value."""
        whole = self.tables.get("rows", Numbers("rows", (), ()))
        cells = [dict(zip(whole.header, row, strict=False)) for row in whole.rows]
        return {each.get("kpi") for each in cells if each.get("published")}

    def _rows(self, table: str, name: str, key: str, values: Collection[object]) -> tuple[Numbers, ...]:
        """Return the rows of a table that have one of some values; not those by hour, nor those of variations."""
        whole = self.tables.get(table)
        if whole is None or key not in whole.header:
            return ()
        found = []
        for row in whole.rows:
            cells = dict(zip(whole.header, row, strict=False))
            if cells.get(key) in values and not cells.get("hour") and cells.get("point") not in self.varied:
                found.append(row)
        return (Numbers(name, whole.header, tuple(found)),)
