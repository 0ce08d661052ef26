"""The page of a run, live or logged: the map, the hour in figures, the timeline, and a panel beside them."""

import asyncio
from functools import partial
from typing import Any, Final

from nicegui import ui
from nicegui.events import GenericEventArguments

from peerflex.core.errors import InputError, PeerflexError
from peerflex.runs.log.wires import Wires
from peerflex.runs.session import Session
from peerflex.runs.studio.deliver import deliver
from peerflex.runs.studio.desk import Desk, Shown
from peerflex.runs.studio.facts import Facts
from peerflex.runs.studio.fields import element, put
from peerflex.runs.studio.page_bar import Bar, help_of_keys
from peerflex.runs.studio.page_hour import HourMap, facts_of, limits_at, marks_of
from peerflex.runs.studio.page_top import Top
from peerflex.runs.studio.panel import Frame, Panel
from peerflex.runs.studio.panel_agent import AgentPanel
from peerflex.runs.studio.panel_book import BookPanel
from peerflex.runs.studio.panel_change import ChangePanel
from peerflex.runs.studio.panel_compare import ComparePanel
from peerflex.runs.studio.panel_export import ExportPanel
from peerflex.runs.studio.panel_kpis import KpiPanel
from peerflex.runs.studio.panel_said import EventPanel, MessagePanel
from peerflex.runs.studio.panel_time import TimePanel
from peerflex.runs.studio.panel_why import WhyPanel
from peerflex.runs.views import grid_at

PANELS: Final[tuple[type[Panel], ...]] = (
    BookPanel, TimePanel, AgentPanel, WhyPanel, ChangePanel, ComparePanel, KpiPanel, MessagePanel, EventPanel,
    ExportPanel,
)  # fmt: skip


class RunPage:
    """One browser's page of a run. It draws the newest hour there is to draw, and only what is seen."""

    def __init__(self, shown: Shown, desk: Desk, wires: Wires, beside: Shown | None) -> None:
        self._shown = shown
        self._client = ui.context.client
        self._stale = False
        self._drawing: asyncio.Task[None] | None = None
        self._marked = -1
        self._said = ""
        with element("main", classes="studio", props={"id": "studio", "data-step": "-2", "data-paints": "0"}) as root:
            self._top = Top(shown)
            self._warning = element("div", classes="studio-warning", props={"role": "alert", "data-testid": "warning"})
            self._bar = Bar(shown)
            with element("div", classes="studio-columns"):
                with element("section", classes="studio-left", props={"aria-label": "Network"}):
                    self._facts = Facts("The hour in figures", "facts")
                    with element("div", classes="studio-map", props={"data-testid": "map"}):
                        self._map = HourMap(wires)
                with element("section", classes="studio-right", props={"aria-label": "Panels"}):
                    self._panels = self._build_panels(desk, wires, beside)
            help_of_keys()
        self._panel: Panel = self._panels[0]
        root.on("dark", self._darkened, js_handler="(e) => emit(e.detail)")
        self._map.on_bus(self._at_bus)
        self._client.on_exception(self._failed)
        for run in filter(None, (shown, beside)):
            run.watchers.append(self)
            self._client.on_delete(partial(run.leave, self))
        ui.run_javascript("studio.start()")
        if beside is not None:
            ui.run_javascript("studio.tab('compare')")
        self.notice()

    def notice(self) -> None:
        """Draw, now or as soon as what is being drawn is done."""
        self._stale = True
        if self._drawing is None or self._drawing.done():
            self._drawing = asyncio.create_task(self._draw_newest())

    def warn(self, error: PeerflexError | None) -> None:
        """Say what went wrong and what to do about it, or (None) take it away."""
        said = "" if error is None else str(error)
        if said != self._said:
            self._said = said
            put(self._warning, said)

    async def _draw_newest(self) -> None:
        while self._stale:
            self._stale = False
            try:
                await self._draw()
            except PeerflexError as error:
                self.warn(error)

    async def _draw(self) -> None:
        shown = self._shown

        def look(session: Session) -> Any:
            step = session.cursor - 1
            if step < 0:
                return step, None, None, (), None
            marks = marks_of(session) if session.logged != self._marked else None
            limits = limits_at(session, step)
            return step, grid_at(session, step), limits, facts_of(session, step, limits), marks

        step, view, limits, facts, marks = await shown.call(look)
        try:
            await self._panel.show(step)
        finally:  # all at once, behind everything that takes time: the browser then paints once
            if marks is not None:
                self._marked = shown.session.logged
            if view is None:
                self._map.clear_values()
            else:
                self._map.show(view, limits)
            self._facts.show(step, facts)
            self._top.show()
            self._bar.show(step, marks)
            deliver(self._client, "studio", "painted", step, step + 1)

    def _build_panels(self, desk: Desk, wires: Wires, beside: Shown | None) -> list[Panel]:
        shown = self._shown
        frame = Frame(
            shown, beside, desk, wires, self._ask, self._look_at, self._change, self._compare, self._map.picture
        )
        tabs = element("div", classes="studio-tabs", props={"role": "tablist", "aria-label": "Panels"})
        tabs.on("tab", self._opened, js_handler="(e) => emit(e.detail)")
        made: list[Panel] = []
        for row, kind in enumerate(PANELS):
            with tabs:
                tab = element("button", kind.title, "studio-tab", {"type": "button", "role": "tab"})
                tab.props.update({"data-panel": kind.key, "aria-controls": f"panel-{kind.key}"})
                tab.props.update({"id": f"tab-{kind.key}", "data-testid": f"tab-{kind.key}"})
                tab.props.update({"aria-selected": str(row == 0).lower(), "tabindex": "0" if row == 0 else "-1"})
                tab.props["data-keys"] = str((row + 1) % 10)
            props = {"role": "tabpanel", "id": f"panel-{kind.key}", "aria-labelledby": f"tab-{kind.key}"}
            with element("div", classes="studio-panel", props=props | ({"hidden": ""} if row else {})):
                made.append(kind(frame))
        return made

    def _opened(self, event: GenericEventArguments) -> None:
        self._panel = next((panel for panel in self._panels if panel.key == event.args), self._panel)
        self.notice()

    def _find(self, key: str) -> Any:
        return next(panel for panel in self._panels if panel.key == key)

    def _open(self, key: str) -> None:
        self._panel = self._find(key)
        self._client.run_javascript(f"studio.tab({key!r})")

    async def _ask(self, what: str, which: str) -> None:
        self._open("why")
        await self._find("why").ask(what, which)

    async def _look_at(self, peer: str) -> None:
        self._find("agent").choose(peer)
        self._open("agent")
        self.notice()

    async def _at_bus(self, bus: int) -> None:
        peer = self._find("agent").at_bus(bus)
        if peer is None:
            name = self._shown.session.manifest.buses[bus]
            raise InputError(f"bus {name}", "nobody is connected here", "Choose a bus with a load.")
        await self._look_at(peer)

    async def _change(self, document: dict[str, Any]) -> None:
        self.warn(None)
        await self._shown.change(document)

    async def _compare(self, key: str) -> None:
        self._client.open(f"/run/{self._shown.key}?beside={key}")

    def _darkened(self, event: GenericEventArguments) -> None:
        for panel in self._panels:
            panel.darken(bool(event.args))

    def _failed(self, error: Exception) -> None:
        if isinstance(error, PeerflexError):
            self.warn(error)
        else:
            what = f"{type(error).__name__} in the studio: {error}"
            self.warn(InputError("page", what, "What was simulated is kept. Load the page again."))
