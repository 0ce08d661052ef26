"""The panel of the figures of all hours so far."""

from typing import ClassVar

from peerflex.runs.studio.fields import element, link
from peerflex.runs.studio.panel import Frame, Panel
from peerflex.runs.studio.table import Column, TextTable, number
from peerflex.runs.studio.words import figure
from peerflex.runs.views import kpi_rows


class KpiPanel(Panel):
    """Closing figures of what is logged so far."""

    key: ClassVar[str] = "kpis"
    title: ClassVar[str] = "KPIs"

    def __init__(self, frame: Frame) -> None:
        self._shown = frame.shown
        self._counted = -1
        columns = (Column("Figure", width=2), number("Value"), Column("Unit", width=1.1), Column("Meaning", width=4))
        self._table = TextTable("Figures of all hours so far", "kpis", columns, "No hour is simulated yet.")
        with element("p", classes="studio-links"):
            link("All hours in figures (CSV)", frame.csv("hours", whole=True), "csv-hours", download=True)

    async def show(self, step: int) -> None:
        logged = self._shown.session.logged
        if logged == self._counted:  # they do not depend on the hour shown
            return
        rows = await self._shown.call(kpi_rows) if logged else ()
        texts = [[row.name.replace("_", " "), figure(row.value), row.unit, row.meaning] for row in rows]
        self._table.show(step, texts, note=f"{logged} of {self._shown.session.steps} steps")
        self._counted = logged
