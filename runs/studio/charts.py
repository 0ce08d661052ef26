"""Charts over time: what a picture says, drawn by ECharts, with a line at the step that is shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil, floor, log10
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
from nicegui import ui

from peerflex.core.arrays import Floats
from peerflex.runs.studio.chart_pictures import Limit, Picture, drawn_rows
from peerflex.runs.studio.palette import Theme, theme

_FONT: Final = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif"
_WITH_POINTS: Final = 60
_DENSE: Final = 600
_DASHES: Final = ("solid", "dashed")
_DATES: Final = {"year": "{yyyy}", "month": "{MMM}", "day": "{d} {MMM}", "hour": "{HH}:{mm}", "minute": "{HH}:{mm}"}
_TICKS: Final = 5
_MARGIN: Final = 0.04

Hours = Mapping[str, npt.NDArray[Any]]
"""Columns of ``hours``, as ``runs.views.series`` gives them: those of the picture, ``step`` and ``time``."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """One run on a chart: only the rows that are drawn, in the unit of the picture."""

    name: str
    time_ms: npt.NDArray[np.int64]
    curves: tuple[Floats, ...]
    dash: str

    @classmethod
    def of(cls, picture: Picture, hours: Hours, name: str, dash: str) -> Self:
        columns = [picture.scale * np.asarray(hours[column], dtype=np.float64) for column in picture.columns]
        rows = drawn_rows(columns)
        return cls(name, _milliseconds(hours["time"])[rows], tuple(column[rows] for column in columns), dash)


class TimeChart(ui.echart, component="time_chart.js"):
    """The chart of a picture: ``show`` sends series, ``set_cursor`` only where the line at the step shown is.

    ``data-curves`` and ``data-points`` say what is drawn, ``data-cursor`` the label of the line (empty: none, or out
    of view); ``data-painted`` counts pictures that are on the screen, each with a ``performance.mark`` named
    ``time-chart-painted``. ``run_chart_method("getOption")`` returns what ECharts draws.
    """

    def __init__(self, picture: Picture, dark: bool = False) -> None:
        self._picture = picture
        self._dark = dark
        self._drawings: tuple[Drawing, ...] = ()
        self._cursor: tuple[int, str] | None = None
        super().__init__(options(picture, (), dark))
        self.props["unit"] = picture.unit
        self._redraw()

    def show(
        self, runs: Sequence[Hours], names: Sequence[str] = ("A", "B"), limits: tuple[Limit, ...] | None = None
    ) -> None:
        """Draw one run, or two: the first solid, the second dashed; with other ``limits``, if there are."""
        if limits is not None:
            self._picture = replace(self._picture, limits=limits)
        self._drawings = tuple(
            Drawing.of(self._picture, hours, name if len(runs) > 1 else "", dash)
            for hours, name, dash in zip(runs, names, _DASHES, strict=False)
        )
        self._redraw()

    def set_cursor(self, time: np.datetime64 | None, label: str = "") -> None:
        """Put the line at a time, with a label such as 'hour 50'; None takes it away. The series are not sent again."""
        self._cursor = None if time is None else (int(_milliseconds(np.array([time]))[0]), label)
        with self.props.suspend_updates():
            self.props["cursor"] = self._line()
        self.run_method("move", self._line())

    def darken(self, dark: bool) -> None:
        """Draw on a dark or a light ground."""
        if dark != self._dark:
            self._dark = dark
            self._redraw()
            self.run_method("move", self._line())

    def picture(self, filename: str) -> None:
        """Have the browser save the chart as a PNG of twice the resolution."""
        self.run_method("picture", filename, theme(self._dark).surface)

    def _line(self) -> dict[str, Any] | None:
        if self._cursor is None:
            return None
        colours, (time, label) = theme(self._dark), self._cursor
        return {"time": time, "label": label, "colour": colours.cursor, "ground": colours.surface}

    def _redraw(self) -> None:
        with self.props.suspend_updates():
            self.props["cursor"] = self._line()
            self.props["aria-label"] = words(self._picture, self._drawings)
            self.props["options"] = options(self._picture, self._drawings, self._dark)
        self.update()


def options(picture: Picture, drawings: Sequence[Drawing], dark: bool) -> dict[str, Any]:
    """Return the options of ECharts; names are drawn on the canvas, never as HTML."""
    colours = theme(dark)
    low, high, interval = _bounds(picture, drawings)
    text = {"color": colours.text, "fontFamily": _FONT, "fontSize": 12}
    muted = text | {"color": colours.muted}
    return {
        "animation": False,
        "useUTC": True,
        "backgroundColor": colours.surface,
        "textStyle": text,
        "title": {"text": picture.title, "left": 8, "top": 6, "textStyle": text | {"fontWeight": 600, "fontSize": 13}},
        "grid": {"left": 68, "right": 96, "top": 64, "bottom": 44, "outerBoundsMode": "none"},
        "legend": {"top": 26, "left": 62, "width": "66%", "textStyle": text | {"lineHeight": 18}, "itemWidth": 26,
                   "itemHeight": 12, "type": "scroll", "pageTextStyle": text, "pageIconColor": colours.text,
                   "data": [name for drawing in drawings for name in _names(picture, drawing)]},
        "tooltip": {"trigger": "axis", "renderMode": "richText", "confine": True, "textStyle": text,
                    "backgroundColor": colours.surface, "borderColor": colours.rule},
        "toolbox": {"right": 8, "top": 2, "itemSize": 14, "iconStyle": {"borderColor": colours.muted}, "feature": {
            "dataZoom": {"yAxisIndex": "none", "title": {"zoom": "Zoom in: drag over hours", "back": "Back"}},
            "saveAsImage": {"name": picture.key, "title": "Save as PNG", "pixelRatio": 2,
                            "backgroundColor": colours.surface}}},
        "xAxis": {"type": "time", "name": "time", "nameLocation": "middle", "nameGap": 26, "nameTextStyle": muted,
                  "axisLabel": muted | {"hideOverlap": True, "formatter": _DATES},
                  "axisLine": {"lineStyle": {"color": colours.muted}, "onZero": False}, "splitLine": {"show": False}},
        "yAxis": {"type": "value", "name": f"{picture.quantity}, {picture.unit}", "min": low, "max": high,
                  "interval": interval, "axisLabel": muted, "splitLine": {"lineStyle": {"color": colours.rule}},
                  "nameTextStyle": muted, "nameGap": 46, "nameLocation": "middle"},
        "dataset": [_columns(drawing) for drawing in drawings],
        "series": [*_limits(picture.limits, colours),
                   *(each for row, drawing in enumerate(drawings) for each in _series(picture, drawing, row, colours))],
    }  # fmt: skip


def words(picture: Picture, drawings: Sequence[Drawing]) -> str:
    """Return the chart in words: the range of every curve."""
    found = []
    for drawing in drawings:
        for name, values in zip(_names(picture, drawing), drawing.curves, strict=True):
            there = values[np.isfinite(values)]
            span = f"{there.min():.6g} to {there.max():.6g} {picture.unit}" if len(there) else "no values"
            found.append(f"{name}: {span}")
    marked = [f"{limit.label} {limit.value:g} {picture.unit}" for limit in picture.limits]
    return f"Chart. {picture.title}. {'; '.join([*found, *marked])}."


def _names(picture: Picture, drawing: Drawing) -> list[str]:
    before = f"{_short(drawing.name)}: " if drawing.name else ""
    return [before + curve.label for curve in picture.curves]


def _short(name: str, most: int = 24) -> str:
    """Return a name that fits a legend."""
    return name if len(name) <= most else f"{name[: most - 1]}…"


def _columns(drawing: Drawing) -> dict[str, Any]:
    """Return the columns of a dataset; 32 bits are enough to draw, and half as long."""
    columns = {str(row): values.astype(np.float32) for row, values in enumerate(drawing.curves)}
    if len(drawing.curves) > 1:
        columns["band"] = (drawing.curves[1] - drawing.curves[0]).astype(np.float32)
    return {"source": {"time": drawing.time_ms, **columns}}


def _series(picture: Picture, drawing: Drawing, dataset: int, colours: Theme) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for row, (name, values) in enumerate(zip(_names(picture, drawing), drawing.curves, strict=True)):
        few = len(values) <= _WITH_POINTS
        gaps = bool(np.isnan(values).any())  # a value between two gaps is a point, no line
        found.append({
            "id": f"{dataset}-{row}", "type": "line", "name": name, "datasetIndex": dataset,
            "encode": {"x": "time", "y": str(row)}, "color": colours.curves[row], "showSymbol": few or gaps,
            "symbol": ("circle", "rect", "triangle", "diamond")[row], "symbolSize": 5 if few else 2,
            "lineStyle": {"width": 1.2 if len(values) > _DENSE else 1.8, "type": drawing.dash},
            "emphasis": {"disabled": True},
        })  # fmt: skip
    if picture.band and dataset == 0:
        quiet = {"type": "line", "datasetIndex": dataset, "stack": "band", "silent": True, "showSymbol": False,
                 "lineStyle": {"opacity": 0}, "tooltip": {"show": False}, "emphasis": {"disabled": True}}  # fmt: skip
        fill = {"color": colours.curves[0], "opacity": 0.14}
        found.append(quiet | {"id": "band-foot", "encode": {"x": "time", "y": "0"}})
        found.append(quiet | {"id": "band", "encode": {"x": "time", "y": "band"}, "areaStyle": fill})
    return found


def _limits(limits: Sequence[Limit], colours: Theme) -> list[dict[str, Any]]:
    if not limits:
        return []
    label = {"color": colours.text, "position": "end", "fontFamily": _FONT, "fontSize": 11, "lineHeight": 14}
    style = {"color": colours.muted, "width": 1.5, "type": "dotted"}
    data = [{"yAxis": limit.value, "label": {"formatter": f"{limit.label}\n{limit.value:g}"}} for limit in limits]
    line = {"symbol": "none", "silent": True, "animation": False, "lineStyle": style, "label": label, "data": data}
    return [{"id": "limits", "type": "line", "data": [], "markLine": line}]


def _bounds(picture: Picture, drawings: Sequence[Drawing]) -> tuple[float, float, float]:
    """Return lowest, highest and tick distance of the axis: all values and limits, round numbers."""
    values = [values[np.isfinite(values)] for drawing in drawings for values in drawing.curves]
    whole = np.concatenate([*values, [limit.value for limit in picture.limits], [0.0] if picture.from_zero else []])
    low, high = (float(whole.min()), float(whole.max())) if len(whole) else (0.0, 1.0)
    spread = (high - low) or abs(high) or 1.0
    rough = spread * (1 + 2 * _MARGIN) / _TICKS
    power = 10.0 ** floor(log10(rough))
    step = next(factor * power for factor in (1.0, 2.0, 5.0, 10.0) if factor * power >= rough)
    foot = 0.0 if picture.from_zero and low >= 0 else step * floor((low - _MARGIN * spread) / step)
    return round(foot, 9), round(step * ceil((high + _MARGIN * spread) / step), 9), round(step, 9)


def _milliseconds(time: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    return time.astype("datetime64[ms]").astype(np.int64)
