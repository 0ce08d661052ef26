"""Pictures of a study: a file a KPI with every seed, one page of small panels for print, and the branches."""

from typing import TYPE_CHECKING

import numpy as np

from peerflex.core.arrays import Floats
from peerflex.runs.kpis.kpis import KPIS
from peerflex.runs.log.table_hours import HOURS
from peerflex.runs.report.figures import BLUE, GREY, ORANGE
from peerflex.runs.study.by_scenario import by_scenario
from peerflex.runs.study.designs_picture import NAME, designs_figure
from peerflex.runs.study.hourly import hourly_figure
from peerflex.runs.study.matrix import matrix
from peerflex.runs.study.occupancy import occupancy_figure
from peerflex.runs.study.page import columns
from peerflex.runs.study.result import StudyResult
from peerflex.runs.study.verdicts import Row
from peerflex.scenarios.study import Variant
from peerflex.scenarios.study_schema import Kpi

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROW_HEIGHT, MOST_HEIGHT = 0.38, 200.0
PANEL_WIDTH, LABEL_WIDTH = 5.0, 2.5
TOP, BOTTOM = 0.95, 0.95
"""Inches. Places are set by hand: a layout that is searched for takes longer than the drawing."""

DPI = 100

MOST_SPAN = 100.0

_MEANING = {column.name: column.meaning for column in HOURS.columns} | {kpi.name: kpi.meaning for kpi in KPIS}


def write_figures(result: StudyResult) -> None:
    """Draw ``figures/<kpi>.png`` for every KPI that is not by hour, ``table.png`` where there is print,
    ``occupancy-<scenario>.png``, and the pictures over the hours; of one seed only these, if there are any. Where there
    are designs, ``designs.png`` stands for those of single KPIs.
    """
    folder = result.folder / "figures"
    folder.mkdir()
    for picture in result.pictures:
        path = folder / f"{picture.picture.name}.png"
        _save(hourly_figure(picture, picture.picture.title or picture.picture.name), path)
    draw = f"closest draw (seed {result.closest.seed}; not evidence)" if result.closest else None
    for each in result.occupancy:
        title = f"{each.scenario}, seeds {result.study.seeds}"
        _save(occupancy_figure(each, title, draw), folder / f"occupancy-{each.scenario}.png")
    if result.designs:
        title = f"{result.study.title or result.study.name}, seeds {result.study.seeds}: medians"
        _save(designs_figure(matrix(result), title), folder / f"{NAME}.png")
        return  # a picture a figure would have a line a design
    if result.pictures and by_scenario(result):
        return  # of one seed there is no spread to draw
    drawn = [kpi for kpi in result.study.kpis if kpi.hours is None]  # the others are a table, not a picture
    for name in dict.fromkeys(kpi.name for kpi in drawn):
        panels = [kpi for kpi in drawn if kpi.name == name]
        what = _MEANING.get(panels[0].measured, name)
        _save(_figure(result, panels, what, len(panels), dots=True), folder / f"{name}.png")
    printed = [kpi for kpi in columns(result) if kpi in drawn]
    if printed:
        _save(_figure(result, printed, "Published and ours", 3, dots=False), folder / "table.png")


def _save(figure: "Figure", path: "Path") -> None:
    figure.savefig(path, dpi=DPI, metadata={"Software": None})


def _drawn(result: StudyResult) -> list[Variant]:
    """Return what gets a line: every scenario at every point, but not with its variations."""
    return [variant for variant in result.measured.variants if variant.point not in result.variations]


def _figure(result: StudyResult, kpis: list[Kpi], what: str, across: int, dots: bool) -> "Figure":
    """Return a picture of panels, ``across`` beside each other: a line a scenario, its band, median and print."""
    from matplotlib.figure import Figure

    variants = _drawn(result)
    across = min(across, len(kpis))
    down = -(-len(kpis) // across)
    height = min(TOP + down * (BOTTOM + ROW_HEIGHT * len(variants)), MOST_HEIGHT)
    width = LABEL_WIDTH + PANEL_WIDTH * across
    figure = Figure(figsize=(width, height))
    figure.suptitle(f"{what}\n{result.study.name}, seeds {result.study.seeds}", fontsize=12)
    axes = figure.subplots(down, across, sharey=True, squeeze=False)
    figure.subplots_adjust(
        left=LABEL_WIDTH / width, right=1 - 0.2 / width, top=1 - TOP / height, bottom=BOTTOM / height,
        wspace=0.08, hspace=BOTTOM * down / max(height - TOP - BOTTOM, 1.0),
    )  # fmt: skip
    for axis, kpi in zip(axes.flat, kpis, strict=False):
        _panel(axis, result, kpi, dots)
    for axis in axes.flat[len(kpis) :]:
        axis.set_axis_off()
    for axis in axes[:, 0]:
        axis.set_yticks(range(len(variants)), [_label(variant) for variant in variants])
    axes[0, 0].invert_yaxis()
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower center", ncols=len(labels), frameon=False)
    return figure


def _panel(axis: "Axes", result: StudyResult, kpi: Kpi, dots: bool) -> None:
    """Draw one KPI of one hour, or of the whole run."""
    lines = {(variant.case, variant.point): line for line, variant in enumerate(_drawn(result))}
    rows = [
        row for row in result.rows if (row.kpi, row.hour) == (kpi.name, kpi.hour) and (row.scenario, row.point) in lines
    ]
    at = np.array([lines[row.scenario, row.point] for row in rows])
    if dots:
        values = result.measured.values[: len(lines), :, result.study.every_kpi.index(kpi)]
        height = np.broadcast_to(np.arange(len(values))[:, None], values.shape)
        axis.plot(values.ravel(), height.ravel(), "o", color=GREY, markersize=4, alpha=0.7, linestyle="", label="seed")
    low, high = _column(rows, "low"), _column(rows, "high")
    axis.hlines(at, low, high, color=BLUE, linewidth=6, alpha=0.35, label="5th to 95th percentile")
    axis.plot(_column(rows, "median"), at, "|", color=BLUE, markersize=15, markeredgewidth=2.5, label="median")
    if result.study.every_published:
        axis.plot(_column(rows, "published"), at, "D", color=ORANGE, markersize=7, label="published")
    hour = "" if kpi.hour is None else f", hour {kpi.hour}"
    axis.set_xlabel(kpi.name + hour + ("" if kpi.unit == "1" else f" ({kpi.unit})"))
    axis.ticklabel_format(axis="x", useOffset=False)
    if not dots:
        _stretch(axis, np.array([*low, *high, *_column(rows, "published")]))
    axis.margins(y=0.5 / len(lines))
    axis.spines[["top", "right"]].set_visible(False)


def _stretch(axis: "Axes", shown: Floats) -> None:
    """Make the axis logarithmic (linear around 0) where one scenario is so far from others that they would coincide."""
    sizes = np.abs(shown[np.isfinite(shown) & (shown != 0)])
    if sizes.size and sizes.max() > MOST_SPAN * sizes.min():
        axis.set_xscale("symlog", linthresh=sizes.min())


def _column(rows: list[Row], name: str) -> list[float]:
    values = (getattr(row, name) for row in rows)
    return [value if isinstance(value, float) else float("nan") for value in values]


def _label(variant: Variant) -> str:
    return variant.case + (f"\n{variant.point}" if variant.point else "")
