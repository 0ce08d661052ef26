"""The panel of what can be taken along: pictures, numbers, the report and the files of the run."""

from typing import ClassVar

from peerflex.runs.log.tables import TABLES
from peerflex.runs.studio.fields import button, element, link
from peerflex.runs.studio.panel import Frame, Panel


class ExportPanel(Panel):
    """Links; nothing in it depends on the hour."""

    key: ClassVar[str] = "export"
    title: ClassVar[str] = "Export"

    def __init__(self, frame: Frame) -> None:
        shown = frame.shown
        element("h3", "Pictures")
        with element("p", classes="studio-links"):
            button("The map (PNG)", "export-map", frame.picture)
        element("p", "Every chart has a button of its own, at its upper right.", "studio-note")
        element("h3", "Report")
        with element("p", classes="studio-links"):
            link("One HTML file of the hours so far", f"/run/{shown.key}/report", "export-report", download=True)
        element("h3", "Numbers (CSV)")
        with element("ul", classes="studio-list"):
            for table in TABLES:
                with element("li"):
                    element("b", table.name)
                    element("span", f" {table.meaning} ")
                    link("hour shown", frame.csv(table.name), f"export-{table.name}", download=True)
                    element("span", ", ")
                    link("all hours", frame.csv(table.name, whole=True), f"export-all-{table.name}", download=True)
        element("h3", "Files of the run")
        with element("p", classes="studio-links"):
            for name in ("manifest.json", "kpis.json"):
                link(name, f"/run/{shown.key}/files/{name}", f"file-{name}", download=True)
        element("p", f"The run is in {shown.session.folder.resolve()}", "studio-note")

    async def show(self, step: int) -> None:
        """Nothing depends on the hour."""
