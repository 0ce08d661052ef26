"""Columns over the hours for several scenarios: what is drawn, the picture and the numbers in it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from peerflex.core.arrays import Floats
from peerflex.runs.report.figures import BLUE, GREEN, GREY, ORANGE, PURPLE
from peerflex.scenarios.study_schema import HourlyPicture, Study

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DASHES = ((0, (5, 2)), (0, (1, 1.5)), (0, (6, 2, 1, 2)))
COLOURS = (BLUE, GREEN, PURPLE)
"""One a column; scenarios before the last are orange, then grey."""


class Series(NamedTuple):
    """Numbers over the steps of a run: a column of the table hours, or (``branch``) the loading of one branch."""

    column: str
    branch: str | None


@dataclass(frozen=True, slots=True)
class Drawn:
    """A picture and its lines: scenario, column, and the numbers in the picture's unit ``(steps,)``."""

    picture: HourlyPicture
    lines: tuple[tuple[str, str, Floats], ...]


def all_series(picture: HourlyPicture) -> tuple[Series, ...]:
    """Return what a picture shows of each of its scenarios."""
    return tuple(Series(column, picture.branch) for column in picture.columns)


def series_of(study: Study, case: str) -> tuple[Series, ...]:
    """Return what the study's pictures show of one scenario, once each."""
    pictures = (picture for picture in study.hourly if case in picture.scenarios)
    return tuple(dict.fromkeys(each for picture in pictures for each in all_series(picture)))


def hourly_rows(drawn: Drawn) -> list[tuple[object, ...]]:
    """Return the numbers of a picture line by line, the header first: the step as the axis counts it, and all lines."""
    steps = max((len(values) for _, _, values in drawn.lines), default=0)
    header = ("step", *(f"{case} {column}" for case, column, _ in drawn.lines))
    rows: list[tuple[object, ...]] = [header]
    for step in range(steps):
        figures = (values[step] if step < len(values) else np.nan for _, _, values in drawn.lines)
        rows.append((step + drawn.picture.counted_from, *(None if np.isnan(each) else float(each) for each in figures)))
    return rows


def hourly_figure(drawn: Drawn, title: str) -> "Figure":
    """Return the picture: the last scenario solid, those before it dashed, limits across."""
    from matplotlib.figure import Figure

    picture = drawn.picture
    figure = Figure(figsize=(9, 3.8))
    axis = figure.subplots()
    figure.subplots_adjust(left=0.09, right=0.98, top=0.80, bottom=0.14)
    for case, column, values in drawn.lines:
        before, place = len(picture.scenarios) - 1 - picture.scenarios.index(case), picture.columns.index(column)
        color = COLOURS[place % len(COLOURS)] if before == 0 else ORANGE if before == 1 else GREY
        axis.plot(
            np.arange(len(values)) + picture.counted_from,
            values,
            color=color,
            linestyle="-" if before == 0 else DASHES[place % len(DASHES)],
            marker="o",
            markersize=3,
            label=case if len(picture.columns) == 1 else f"{case}, {column.replace('_', ' ')}",
        )
    for limit in picture.limits:
        axis.axhline(limit, color="black", linestyle="--", linewidth=1)
        label = f"limit {limit:g}"
        axis.annotate(
            label,
            (1.0, limit),
            (-2, 2),
            axis.get_yaxis_transform(),
            "offset points",
            ha="right",
            va="bottom",
            fontsize=8,
        )
    if all("loading" in column for column in picture.columns):
        axis.set_ylim(bottom=0.0)
    axis.set_title(title, loc="left", fontsize=11, pad=34)
    axis.set(xlabel="hour", ylabel=picture.unit)
    axis.margins(x=0.01)
    axis.locator_params(axis="x", integer=True, nbins=13)
    axis.ticklabel_format(axis="y", useOffset=False)
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=3, frameon=False, fontsize=8, borderaxespad=0.2)
    return figure
