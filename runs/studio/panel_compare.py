"""The panel of another run beside this one, in the same hour: its map, or the difference, and figures of both."""

from typing import ClassVar, Final

import numpy as np

from peerflex.core.errors import InputError
from peerflex.runs.log.reader import find_runs
from peerflex.runs.session import Session
from peerflex.runs.studio.fields import Values, choice, element, field, form, link, put, submit
from peerflex.runs.studio.grid_map import Limits
from peerflex.runs.studio.opening import path_of
from peerflex.runs.studio.page_hour import HourMap, limits_at
from peerflex.runs.studio.panel import Frame, Panel
from peerflex.runs.studio.table import Column, TextTable, number
from peerflex.runs.studio.words import figure
from peerflex.runs.views import Difference, GridView, difference, grid_at

OTHER: Final = "other"
DIFFERENCE: Final = "difference"


class ComparePanel(Panel):
    """A second run; the map at the left stays that of the first. Next simulates the second along, if it can."""

    key: ClassVar[str] = "compare"
    title: ClassVar[str] = "Compare"

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._shown = frame.shown
        beside = self._beside = frame.beside
        self._what = OTHER
        with form("compare-form", self._chosen):
            field("Beside it", "beside", "folder of a run", suggest=self._like)
            submit("Compare", "compare")
        if beside is None:
            element("p", "Choose a run, or branch from this one (tab Change).", "studio-note")
            return
        with element("p", classes="studio-links"):
            element("span", f"A (at the left): {frame.shown.name}. B: {beside.name}. ")
            link("Open B alone", f"/run/{beside.key}", "open-beside")
        choice("Map", "compare-map", ((OTHER, "run B"), (DIFFERENCE, "difference, B less A")), self._show_map)
        self._note = element("p", classes="studio-note", props={"data-testid": "compare-note", "role": "status"})
        self._wires_fit = beside.session.manifest.buses == frame.shown.session.manifest.buses
        if self._wires_fit:
            with element("div", classes="studio-map studio-map-beside", props={"data-testid": "map-beside"}):
                self._map = HourMap(frame.wires, f"Network, {beside.name}")
        columns = (Column("Figure", width=2), number("A"), number("B"), number("B less A"), Column("Unit"),
                   Column("Meaning", width=3))  # fmt: skip
        self._table = TextTable("The hour in both runs", "difference", columns, "Nothing to compare yet.")

    async def show(self, step: int) -> None:
        beside = self._beside
        if beside is None:
            return
        if step < 0:
            self._table.show(step, ())
            return
        there = await beside.reach(step)
        if there <= step:
            put(self._note, f"B has {there} steps: this hour is not in it.")
            self._table.show(step, ())
            if self._wires_fit:
                self._map.clear_values()
            return
        put(self._note, "")
        seen, one, other, limits = await self._shown.call_both(beside, lambda a, b: _look(a, b, step))
        rows = [
            [row.name.replace("_", " "), figure(row.a), figure(row.b), figure(row.change), row.unit, row.meaning]
            for row in seen.hours
            if not (np.isnan(row.a) and np.isnan(row.b))
        ]
        marks = [
            "studio-strong" if row.a != row.b else "" for row in seen.hours if not (np.isnan(row.a) and np.isnan(row.b))
        ]
        self._table.show(step, rows, marks=marks, note=f"{sum(map(bool, marks))} differ")
        if self._wires_fit and other is not None:
            if self._what == DIFFERENCE:
                self._map.compare(one, other, limits, ("A", "B"))
            else:
                self._map.show(other, limits)

    async def _show_map(self, what: str) -> None:
        self._what = what
        await self.show(self._shown.cursor - 1)

    def _like(self, typed: str) -> list[tuple[str, str]]:
        folder = self._shown.session.folder
        runs = [(str(shown.session.folder), "open") for shown in self._frame.desk.runs if shown is not self._shown]
        runs += [(str(path), "logged") for path in find_runs(folder.parent) if path != folder]
        return [(path, words) for path, words in dict(runs).items() if typed.lower() in path.lower()]

    async def _chosen(self, values: Values) -> None:
        if not values["beside"].strip():
            raise InputError("Compare", "no run is named", "Type the folder of one, or choose it from the list.")
        folder = path_of(values["beside"].strip())
        desk = self._frame.desk
        beside = desk.of(folder) or await desk.open(lambda: Session.open(folder))
        await self._frame.compare(beside.key)


def _look(a: Session, b: Session, step: int) -> tuple[Difference, GridView, GridView | None, Limits]:
    seen = difference(a, b, step)
    other = None if seen.grid is None else grid_at(b, step)
    return seen, grid_at(a, step), other, limits_at(b, step)
