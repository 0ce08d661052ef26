"""The panel to change something from the next hour on, and to branch: another future beside this one."""

from json import dumps
from typing import Any, ClassVar

from peerflex.core.errors import InputError
from peerflex.runs.session import Session
from peerflex.runs.studio.fields import Values, element, field, form, submit
from peerflex.runs.studio.keys import known_keys
from peerflex.runs.studio.opening import free_folder, path_of
from peerflex.runs.studio.panel import Frame, Panel
from peerflex.runs.studio.table import Column, TextTable, number
from peerflex.runs.views import hour_of, standing_at
from peerflex.scenarios.layers import parse_settings


class ChangePanel(Panel):
    """Keys of the scenario with their values; what changed, and when; branches."""

    key: ClassVar[str] = "change"
    title: ClassVar[str] = "Change"

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._shown = frame.shown
        session = frame.shown.session
        self._known = known_keys(standing_at(session, session.logged))
        element("h3", "Change from the next hour on")
        element(
            "p",
            "It becomes a dated part of the run, which can be verified, resumed and branched as any other.",
            "studio-note",
        )
        with form("change-form", self._change):
            field("Setting", "setting", "key=value, e.g. dso.loading=0.9", suggest=self._like)
            submit("Change", "change-apply")
        columns = (number("From hour"), Column("What changes", width=5))
        self._changes = TextTable("Changes of this run", "changes", columns, "Nothing was changed.")
        element("h3", "Branch from the hour shown")
        element(
            "p",
            "A new run that shares the past with this one, up to and with the hour shown, and opens beside it.",
            "studio-note",
        )
        with form("branch-form", self._branch):
            field("Different from then on", "branch-setting", "key=value, or nothing", suggest=self._like)
            field("Folder", "branch-folder", "a new one beside this run's")
            submit("Branch", "branch")

    async def show(self, step: int) -> None:
        changes = self._shown.session.manifest.scenario.get("changes", ())
        self._changes.show(step, [[f"{each['hour']:g}", dumps(each["set"], ensure_ascii=False)] for each in changes])

    def _like(self, typed: str) -> list[tuple[str, str]]:
        return [(pair, words) for pair, words in self._known if typed.lower() in pair.lower()]

    async def _change(self, values: Values) -> None:
        await self._frame.change(_document(values["setting"]))
        self._known = await self._shown.call(lambda session: known_keys(standing_at(session, session.logged)))

    async def _branch(self, values: Values) -> None:
        shown, setting = self._shown, values["branch-setting"].strip()
        step = shown.cursor
        if step >= shown.session.steps:
            raise InputError("Branch", "nothing comes after the last hour", "Go to an earlier hour of the timeline.")
        hour = f"{hour_of(shown.session.manifest, step):g}"
        asked = values["branch-folder"].strip()
        folder = path_of(asked) if asked else free_folder(shown.session.folder, f"from-{hour}")
        if folder.exists():
            raise InputError(str(folder), "exists already", "Type the name of a new folder, or nothing.")
        change = _document(setting) if setting else None

        def branch(session: Session) -> Session:
            session.flush()
            return Session.branch(session.folder, shown.registry, folder, step, change)

        beside = self._frame.desk.add(await shown.call(branch))
        await self._frame.compare(beside.key)


def _document(setting: str) -> dict[str, Any]:
    if not setting.strip():
        raise InputError("setting", "is empty", "Type key=value, e.g. dso.loading=0.9.")
    return parse_settings([setting.strip()])
