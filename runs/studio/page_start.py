"""The start page: what can be opened."""

from datetime import datetime
from functools import partial

from nicegui import ui

from peerflex.core.errors import InputError, PeerflexError
from peerflex.runs.api import RESULTS
from peerflex.runs.log.manifest import FILE
from peerflex.runs.log.reader import find_runs
from peerflex.runs.studio.desk import Desk, Shown
from peerflex.runs.studio.fields import Values, button, element, field, form, link, put, submit
from peerflex.runs.studio.opening import open_target, path_of
from peerflex.runs.studio.page_bar import help_of_keys
from peerflex.runs.studio.page_top import common_buttons
from peerflex.scenarios.load import list_scenarios

MOST_RUNS = 50


class StartPage:
    """Open runs, bundled scenarios, runs in the results' folder, and a field for anything else."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._client = ui.context.client
        self._client.on_exception(self._failed)
        with element("main", classes="studio studio-start", props={"id": "studio", "data-step": "-2"}):
            with element("header", classes="studio-top"):
                element("h1", "peerflex studio")
                element("span", "", "studio-state")
                common_buttons()
            self._warning = element("div", classes="studio-warning", props={"role": "alert", "data-testid": "warning"})
            with element("section", classes="studio-section"):
                element("h2", "Open")
                with form("open-form", self._open_form):
                    field("Scenario or run", "target", "bundled name, .yaml file, or folder of a run", suggest=_like)
                    field("Hours", "hours", "as it says", kind="number")
                    field("Seed", "seed", "as it says", kind="number")
                    submit("Open", "open")
            self._open_runs()
            self._scenarios()
            self._results()
            help_of_keys()
        ui.run_javascript("studio.start(); studio.painted(-1, 0)")

    def _open_runs(self) -> None:
        runs = list(self._desk.runs)
        if not runs:
            return
        with element("section", classes="studio-section"):
            element("h2", "Open now")
            with element("ul", classes="studio-list", props={"data-testid": "open-runs"}):
                for shown in runs:
                    with element("li"):
                        link(shown.name, f"/run/{shown.key}", f"open-{shown.key}")
                        element("span", f" {shown.session.logged} of {shown.session.steps} steps", "studio-note")

    def _scenarios(self) -> None:
        with element("section", classes="studio-section"):
            element("h2", "Scenarios: a new run, hour by hour")
            with element("ul", classes="studio-list", props={"data-testid": "scenarios"}):
                for name, title in list_scenarios().items():
                    with element("li"):
                        button(name, f"scenario-{name}", partial(self._open, name))
                        element("span", f" {title}", "studio-note")

    def _results(self) -> None:
        found = sorted(find_runs(RESULTS), key=lambda folder: (folder / FILE).stat().st_mtime, reverse=True)
        with element("section", classes="studio-section"):
            element("h2", f"Runs in {RESULTS}/: replay them")
            if not found:
                element("p", "There are none yet.", "studio-note")
            with element("ul", classes="studio-list", props={"data-testid": "runs"}):
                for folder in found[:MOST_RUNS]:
                    changed = datetime.fromtimestamp((folder / FILE).stat().st_mtime)
                    with element("li"):
                        button(folder.name, f"run-{folder.name}", partial(self._open, str(folder)))
                        element("span", f" {changed:%Y-%m-%d %H:%M}", "studio-note")
            if len(found) > MOST_RUNS:
                element("p", f"The newest {MOST_RUNS} of {len(found)}.", "studio-note")

    async def _open_form(self, values: Values) -> None:
        target = values["target"].strip()
        if not target:
            raise InputError("Open", "nothing is named", "Type a bundled name, a .yaml file or the folder of a run.")
        await self._open(target, _whole(values, "hours"), _whole(values, "seed"))

    async def _open(self, target: str, hours: int | None = None, seed: int | None = None) -> None:
        put(self._warning, "Opening ...")
        folder = path_of(target)
        shown = self._desk.of(folder) if folder.is_dir() else None
        shown = shown or await self._opened(target, hours, seed)
        self._client.open(f"/run/{shown.key}")

    async def _opened(self, target: str, hours: int | None, seed: int | None) -> Shown:
        return await self._desk.open(lambda: open_target(target, self._desk.registry, seed=seed, hours=hours))

    def _failed(self, error: Exception) -> None:
        put(self._warning, str(error) if isinstance(error, PeerflexError) else f"{type(error).__name__}: {error}")


def _whole(values: Values, name: str) -> int | None:
    text = values[name].strip()
    try:
        return int(text) if text else None
    except ValueError:
        raise InputError(name.capitalize(), f"{text!r} is no whole number", "Type one, or nothing.") from None


def _like(typed: str) -> list[tuple[str, str]]:
    return [(name, title) for name, title in list_scenarios().items() if typed.lower() in name]
