"""Pictures of a study: one file a KPI, a panel for the whole run and for every hour asked for."""

from typing import TYPE_CHECKING

import numpy as np

from peerflex.runs.figures import BLUE, GREY, ORANGE, save
from peerflex.runs.kpis import KPIS
from peerflex.runs.study_result import StudyResult
from peerflex.runs.study_verdicts import Row
from peerflex.runs.table_hours import HOURS
from peerflex.scenarios.study import Variant
from peerflex.scenarios.study_schema import Kpi

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROW_HEIGHT, MOST_HEIGHT = 0.38, 200.0
"""Inches."""

_MEANING = {column.name: column.meaning for column in HOURS.columns} | {kpi.name: kpi.meaning for kpi in KPIS}


def write_figures(result: StudyResult) -> None:
    """Draw ``figures/<kpi>.png`` for every KPI of a study."""
    folder = result.folder / "figures"
    folder.mkdir()
    for name in dict.fromkeys(kpi.name for kpi in result.study.kpis):
        save(kpi_figure(result, name), folder / f"{name}.png")


def kpi_figure(result: StudyResult, name: str) -> "Figure":
    """Return the picture of a KPI: a line for every scenario, its seeds as dots, their median and band, and print."""
    from matplotlib.figure import Figure

    panels = [kpi for kpi in result.study.kpis if kpi.name == name]
    variants = result.measured.variants
    height = min(1.9 + ROW_HEIGHT * len(variants), MOST_HEIGHT)
    figure = Figure(figsize=(2.5 + 5.0 * len(panels), height), layout="constrained")
    figure.suptitle(f"{_MEANING[name]}\n{result.study.title or result.study.name}, seeds {result.study.seeds}")
    axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axis, kpi in zip(axes, panels, strict=True):
        _panel(axis, result, kpi)
    axes[0].set_yticks(range(len(variants)), [_label(variant) for variant in variants])
    axes[0].invert_yaxis()
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)
    return figure


def _panel(axis: "Axes", result: StudyResult, kpi: Kpi) -> None:
    """Draw one KPI of one hour, or of the whole run."""
    lines = {(variant.case, variant.point): line for line, variant in enumerate(result.measured.variants)}
    rows = [row for row in result.rows if (row.kpi, row.hour) == (kpi.name, kpi.hour)]
    at = np.array([lines[row.scenario, row.point] for row in rows])
    _seeds(axis, result, kpi)
    axis.hlines(
        at,
        _column(rows, "low"),
        _column(rows, "high"),
        color=BLUE,
        linewidth=6,
        alpha=0.35,
        label="5th to 95th percentile",
    )
    axis.plot(_column(rows, "median"), at, "|", color=BLUE, markersize=15, markeredgewidth=2.5, label="median")
    if result.study.published:
        axis.plot(_column(rows, "published"), at, "D", color=ORANGE, markersize=7, label="published")
    axis.set_xlabel(kpi.name if kpi.unit == "1" else f"{kpi.name} ({kpi.unit})")
    axis.set_title("whole run" if kpi.hour is None else f"hour {kpi.hour}", fontsize=10)
    axis.ticklabel_format(axis="x", useOffset=False)
    axis.margins(y=0.5 / len(lines))
    axis.spines[["top", "right"]].set_visible(False)


def _seeds(axis: "Axes", result: StudyResult, kpi: Kpi) -> None:
    values = result.measured.values[:, :, result.study.kpis.index(kpi)]
    at = np.broadcast_to(np.arange(len(values))[:, None], values.shape)
    axis.plot(values.ravel(), at.ravel(), "o", color=GREY, markersize=4, alpha=0.7, linestyle="", label="seed")


def _column(rows: list[Row], name: str) -> list[float]:
    values = (getattr(row, name) for row in rows)
    return [float("nan") if value is None else value for value in values]


def _label(variant: Variant) -> str:
    return variant.case + (f"\n{variant.point}" if variant.point else "")
