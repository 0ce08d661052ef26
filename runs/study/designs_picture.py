"""The picture of a matrix of designs: what trade is worth against how long limits are not kept, a mark a design."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from peerflex.core.arrays import Floats, Ints
from peerflex.runs.study.matrix import SHARE, Design, Matrix
from peerflex.scenarios.study_designs import NONE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAME: Final = "designs"
HOURS: Final = "violation_hours"
MARKS: Final = {"CM1": "o", "CM2": "s", "CM3-V1": "^", "CM3-V2": "v", "CM4": "d", "CM4-LFM": "D", "CM5": "X", "": "*"}
OWN: Final = "none of them"
COLOURS: Final = (
    "#7f7f7f", "#0072B2", "#009E73", "#D55E00", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442", "#000000",
)  # fmt: skip
"""Okabe and Ito's, grey first: safe for colour blindness; shapes and names say the rest."""

POINTS = 72
"""Of an inch."""

CELL = (0.04, 2.0)
"""Marks nearer than this, in powers of ten of hours and in percent, would cover each other."""

ROOM, TICKS = 3.0, (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
STEP, MOST_ASIDE = 8.0, 130.0
SAME, MOST_NAMES = 1e-6, 3


def designs_figure(table: Matrix, title: str) -> "Figure":
    """Return a panel a grid: medians over the seeds, the Pareto front drawn, what is no conceptual model named."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.6 * len(table.grids) + 2.6, 7.2), layout="constrained")
    figure.suptitle(title, fontsize=13)
    says = tuple(dict.fromkeys(said(each) for each in table.designs))
    colours = {name: COLOURS[row % len(COLOURS)] for row, name in enumerate(says)}
    axes = figure.subplots(1, len(table.grids), squeeze=False)[0]
    for axis, grid in zip(axes, table.grids, strict=True):
        _panel(axis, table, grid, colours)
    figure.legend(handles=_legend(table, colours), loc="outside right upper", frameon=False, fontsize=9)
    return figure


def said(design: Design) -> str:
    """Return what the DSO says in a design: its incentive, else its service."""
    return design.incentive if design.incentive != NONE else design.service


def front(hours: Floats, share: Floats) -> Ints:
    """Return the points that no other beats in fewer hours and more welfare, from few hours on; ``(points,)`` each.

    Of points at one place the first is returned. Points without a number are none.
    """
    there = np.flatnonzero(np.isfinite(hours) & np.isfinite(share))
    order = there[np.lexsort((there, -share[there], hours[there]))]
    best, found = -np.inf, []
    for row in order:
        if share[row] > best + SAME:
            best = float(share[row])
            found.append(int(row))
    return np.array(found, dtype=np.int64)


def beside(hours: Floats, share: Floats) -> Floats:
    """Return how far aside each mark stands, in points: those that would cover each other stand in a row."""
    place, aside = _places(hours, share), np.zeros(len(hours))
    for cell in np.unique(place, axis=0):
        rows = np.flatnonzero((place == cell).all(axis=1))
        aside[rows] = np.arange(len(rows)) * min(STEP, MOST_ASIDE / len(rows))
    return aside


def _places(hours: Floats, share: Floats) -> Floats:
    """Return the cell of the panel that each mark stands in ``(marks, 2)``."""
    return np.column_stack([np.round(np.log10(1.0 + hours) / CELL[0]), np.round(share / CELL[1])])


def apart(designs: Sequence[Design], hours: Floats, share: Floats) -> Ints:
    """Return the designs that get a mark: the first of those of one model, in one cell, in which the DSO says the same.

    They differ in the order of markets, which then makes no difference to be seen; so do scenarios of no model.
    """
    first: dict[tuple[object, ...], int] = {}
    for row, (each, cell) in enumerate(zip(designs, _places(hours, share).tolist(), strict=True)):
        first.setdefault((each.preset, said(each), *cell), row)
    return np.array(list(first.values()), dtype=np.int64)


def _panel(axis: "Axes", table: Matrix, grid: str, colours: dict[str, str]) -> None:
    from matplotlib.transforms import ScaledTranslation

    inches = axis.figure.dpi_scale_trans
    designs = table.on(grid)
    hours = np.array([table.median(grid, each.name, HOURS) for each in designs])
    share = np.array([table.median(grid, each.name, SHARE) for each in designs])
    rows = apart(designs, hours, share)
    for row, aside in zip(rows, beside(hours[rows], share[rows]), strict=True):
        each, shift = designs[row], ScaledTranslation(aside / POINTS, 0, inches)
        both = each.incentive != NONE and each.service != NONE
        axis.plot(
            hours[row], share[row], MARKS.get(each.preset, "o"), color=colours[said(each)],
            markersize=8 if each.preset else 13, markeredgecolor="white" if each.preset and not both else "black",
            markeredgewidth=1.2 if both else 0.6, alpha=0.9, linestyle="", transform=axis.transData + shift,
        )  # fmt: skip
    _front(axis, hours, share)
    _names(axis, designs, hours, share)
    axis.set_title(grid, fontsize=12)
    axis.set_xscale("symlog", linthresh=1.0)
    axis.set_xlim(-0.2, ROOM * max(np.nanmax(hours, initial=1.0), 1.0))  # marks that stand aside are not seen by it
    ticks = [0, *(each for each in TICKS if each <= axis.get_xlim()[1])]
    axis.set_xticks(ticks, [f"{each}" for each in ticks])
    axis.set_xticks([], minor=True)
    low, high = np.nanmin(share, initial=0.0), np.nanmax(share, initial=100.0)
    axis.set_ylim(low - 0.1 * (high - low), high + 0.15 * (high - low))
    axis.set_xlabel("time in which a limit is not kept (h, logarithmic from 1 h on)\nmarks at one place stand in a row")
    axis.set_ylabel("welfare after flexibility (% of the central optimum)")
    axis.grid(color="#e5e5e5", linewidth=0.6)
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)


def _front(axis: "Axes", hours: Floats, share: Floats) -> None:
    rows = front(hours, share)
    axis.step(hours[rows], share[rows], where="post", color="black", linewidth=1.2, linestyle="--", zorder=1)


def _names(axis: "Axes", designs: Sequence[Design], hours: Floats, share: Floats) -> None:
    """Name what is no conceptual model: at its right if it stands alone, above if nothing better is, else below."""
    place = _places(hours, share)
    own = np.array([not each.preset for each in designs]) & np.isfinite(hours) & np.isfinite(share)
    for cell in np.unique(place[own], axis=0):
        rows = np.flatnonzero(own & (place == cell).all(axis=1))
        names = ", ".join(designs[row].name for row in rows[:MOST_NAMES])
        more = f" (+{len(rows) - MOST_NAMES})" if len(rows) > MOST_NAMES else ""
        alone = int((place == cell).all(axis=1).sum()) == len(rows)
        above = not (own & (place[:, 0] == cell[0]) & (place[:, 1] > cell[1])).any()
        aside = (10, 4) if alone else (-6, 11 if above else -17)  # above a line of the front that begins here
        axis.annotate(
            names + more, (hours[rows[0]], share[rows[0]]), xytext=aside,
            textcoords="offset points", fontsize=8,
        )  # fmt: skip


def _legend(table: Matrix, colours: dict[str, str]) -> list[object]:
    from matplotlib.lines import Line2D

    def mark(shape: str, label: str, colour: str = "#444444", edge: str = "white") -> Line2D:
        return Line2D([], [], marker=shape, color=colour, markeredgecolor=edge, linestyle="", markersize=9, label=label)

    used = {each.preset for each in table.designs}
    shapes = [mark(shape, preset or OWN) for preset, shape in MARKS.items() if preset in used]
    handles: list[object] = [mark("", "conceptual model"), *shapes, mark("", ""), mark("", "what the DSO says")]
    handles += [mark("o", "nothing" if name == NONE else name, colour) for name, colour in colours.items()]
    if any(each.incentive != NONE and each.service != NONE for each in table.designs):
        handles.append(mark("o", "and a service, too", "white", "black"))
    handles.append(Line2D([], [], color="black", linestyle="--", linewidth=1.2, label="nothing beats these in both"))
    return handles
