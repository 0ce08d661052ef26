"""The panel of figures over time, with a line at the hour shown; of two runs if there is one beside."""

from typing import Any, ClassVar

import numpy as np

from peerflex.runs.session import Session
from peerflex.runs.studio.chart_pictures import Limit, pictures
from peerflex.runs.studio.charts import TimeChart
from peerflex.runs.studio.fields import element, link
from peerflex.runs.studio.panel import Frame, Panel
from peerflex.runs.views import hour_of, series, standing_at, time_at


class TimePanel(Panel):
    """Charts, with the limits that stand in the hour shown. Series are sent when they or the hours are new."""

    key: ClassVar[str] = "time"
    title: ClassVar[str] = "Charts"

    def __init__(self, frame: Frame) -> None:
        self._runs = tuple(filter(None, (frame.shown, frame.beside)))
        self._sent: tuple[object, ...] = ()
        found = pictures(frame.shown.session.manifest.scenario)
        self._columns = tuple(dict.fromkeys(column for picture in found for column in picture.columns))
        self._charts = []
        if frame.beside is not None:
            element("p", f"A, solid: {frame.shown.name}. B, dashed: {frame.beside.name}.", "studio-note")
        for picture in found:
            with element("section", classes="studio-chart", props={"data-testid": f"chart-{picture.key}"}):
                self._charts.append(TimeChart(picture))
        with element("p", classes="studio-links"):
            link("All hours in figures (CSV)", frame.csv("hours", whole=True), "csv-hours-charts", download=True)

    async def show(self, step: int) -> None:
        there = tuple(run.session.logged for run in self._runs)
        limits = await self._runs[0].call(lambda session: limits_of(session, step))
        if (there, limits) != self._sent:
            drawn = [await run.call(self._series) for run in self._runs]
            for chart, marked in zip(self._charts, limits, strict=True):
                chart.show(drawn, limits=marked)
            self._sent = there, limits
        manifest = self._runs[0].session.manifest
        time = None if step < 0 else np.datetime64(time_at(manifest, step), "ms")
        for chart in self._charts:
            chart.set_cursor(time, "" if step < 0 else f"hour {hour_of(manifest, step):g}")

    def darken(self, dark: bool) -> None:
        for chart in self._charts:
            chart.darken(dark)

    def _series(self, session: Session) -> dict[str, Any]:
        return series(session, self._columns)


def limits_of(session: Session, step: int) -> tuple[tuple[Limit, ...], ...]:
    """Return the limits of every picture as they stood in a step."""
    return tuple(picture.limits for picture in pictures(standing_at(session, step).model_dump(mode="json")))
