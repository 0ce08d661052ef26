"""How full every branch is over the seeds, before and after trading: a table, and pictures line by line."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from peerflex.core.arrays import Floats, Ints
from peerflex.runs.report.figures import BLUE, GREY, ORANGE
from peerflex.runs.study.runs import Loading
from peerflex.runs.study.verdicts import BAND
from peerflex.scenarios.study import Variant

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = (
    "scenario", "line", "branch",
    "before_median", "before_low", "before_high", "after_median", "after_low", "after_high",
    "before_closest", "after_closest",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Occupancy:
    """The expected loading of a scenario's branches over the seeds, 1.0 at the rating.

    ``before`` any trade and ``after`` trading (before flexibility) have shape ``(3, branches)``: 5th percentile,
    median, 95th percentile; ``closest_before`` and ``closest_after`` ``(branches,)`` are of the closest draw, None
    without one.
    """

    scenario: str
    branches: tuple[str, ...]
    before: Floats
    after: Floats
    closest_before: Floats | None
    closest_after: Floats | None


def occupancy_of(variant: Variant, seeds: list[Loading | None], closest: int | None) -> Occupancy | None:
    """Return the occupancy of a scenario from the loading in every seed (None: failed), or None if all failed."""
    ended = [each for each in seeds if each is not None]
    if not ended:
        return None
    before, after = (_band(np.array(values)) for values in zip(*((e.before, e.after) for e in ended), strict=True))
    draw = None if closest is None else seeds[closest]
    return Occupancy(
        variant.case, ended[0].branches, before, after, draw.before if draw else None, draw.after if draw else None
    )


def _band(values: Floats) -> Floats:
    band: Floats = np.percentile(values, (BAND[0], 50, BAND[1]), axis=0)
    return band


def branch_rows(found: tuple[Occupancy, ...]) -> list[tuple[object, ...]]:
    """Return the rows of ``tables/branches.csv``, in the order of ``COLUMNS``; lines count from 1."""
    rows: list[tuple[object, ...]] = []
    for each in found:
        for line, name in enumerate(each.branches):
            bands = [float(band[place, line]) for band in (each.before, each.after) for place in (1, 0, 2)]
            draws = [None if draw is None else float(draw[line]) for draw in (each.closest_before, each.closest_after)]
            rows.append((each.scenario, line + 1, name, *bands, *draws))
    return rows


def occupancy_figure(each: Occupancy, title: str, draw: str | None) -> "Figure":
    """Return the picture of a scenario: every branch before and after trading, its band over seeds, and 100 %.

    ``draw`` names the closest draw, whose branches are dots.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.2))
    axis = figure.subplots()
    figure.subplots_adjust(left=0.07, right=0.99, top=0.84, bottom=0.13)
    line = np.arange(1, len(each.branches) + 1)
    _band_of(axis, line, each.before, GREY, "before trading")
    _band_of(axis, line, each.after, BLUE, "after trading, before flexibility")
    if each.closest_after is not None:
        axis.plot(line, 100 * each.closest_after, "o", color=ORANGE, markersize=3.5, label=draw)
    axis.axhline(100, color="black", linestyle="--", linewidth=1)
    axis.set_title(title, loc="left", fontsize=11, pad=24)
    axis.set(xlabel="line", ylabel="occupancy (% of the rating)", xlim=(0.3, len(line) + 0.7))
    axis.set_ylim(bottom=0)
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=5, frameon=False, fontsize=9, borderaxespad=0.2)
    return figure


def _band_of(axis: "Axes", line: Ints, band: Floats, color: str, label: str) -> None:
    low, median, high = 100 * band
    axis.fill_between(
        line, low, high, step="mid", color=color, alpha=0.3, linewidth=0, label=f"{label}: median, 5 to 95 %"
    )
    axis.step(line, median, where="mid", color=color, linewidth=1.4)
