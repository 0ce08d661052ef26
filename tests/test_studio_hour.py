"""The hour in figures: limits as they stood in it, logs of older versions, and what can still be simulated."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pytest

pytest.importorskip("nicegui")

from peerflex.core.errors import InputError
from peerflex.runs.area.plugins import registry
from peerflex.runs.log.manifest import Manifest
from peerflex.runs.session import Session
from peerflex.runs.studio.desk import Shown
from peerflex.runs.studio.grid_map import Limits
from peerflex.runs.studio.opening import open_target, path_of
from peerflex.runs.studio.page_hour import facts_of, limits_at, marks_of
from peerflex.runs.studio.panel_time import limits_of

CHANGE = {"dso": {"loading": 0.1, "voltage_pu": [0.9, 1.001]}, "tariffs": {"retail_eur_per_mwh": 330.0}}


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of four of six hours, stopped, with other limits from its third hour on."""
    folder = tmp_path_factory.mktemp("changed") / "run"
    with open_target("case69-day", registry(), hours=6, out=folder) as session:
        session.step()
        session.step()
        session.change(CHANGE)
        session.step()
        session.step()
    return folder


def test_limits_are_those_of_the_hour_shown(changed: Path) -> None:
    session = Session.open(changed)
    before, after = limits_at(session, 1), limits_at(session, 2)
    assert (before, after) == (Limits((0.93, 1.05), 1.0), Limits((0.9, 1.001), 0.1))
    marks = [{fact.key: fact.mark for fact in facts_of(session, step, limits_at(session, step))} for step in (1, 2)]
    assert [each["loading"] for each in marks] == ["", "studio-beyond"]
    assert marks_of(session)[-1] == (2, 1)
    charts = [[limit.value for picture in limits_of(session, step) for limit in picture] for step in (1, 2)]
    assert charts == [[320.0, 80.0, 0.93, 1.05, 100.0], [330.0, 80.0, 0.9, 1.001, 10.0]]


@dataclass(frozen=True)
class OldLog:
    """A log of a version that did not write some columns of the hours: today they are read as nothing."""

    session: Session

    @property
    def folder(self) -> Path:
        return self.session.folder

    @property
    def manifest(self) -> Manifest:
        return self.session.manifest

    @property
    def finished_steps(self) -> int:
        return self.session.finished_steps

    def rows(self, name: str, first: int = 0, last: int | None = None) -> pa.Table:
        rows = self.session.rows(name, first, last)
        columns = [
            column if field.name in ("step", "time") else pa.nulls(len(column), field.type)
            for field, column in zip(rows.schema, rows.columns, strict=True)
        ]
        return pa.table(columns, names=rows.column_names)


def test_a_figure_that_an_older_log_lacks_is_a_dash(changed: Path) -> None:
    log = OldLog(Session.open(changed))
    facts = facts_of(log, 2, limits_at(log, 2))
    assert {fact.value for fact in facts} == {"-"}
    assert {fact.mark for fact in facts} == {""}
    assert marks_of(log) == [(2, 1)]


def test_what_cannot_be_simulated_on_is_said_with_what_the_studio_has_for_it(changed: Path, tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    with open_target("case69-day", registry(), hours=1, out=whole) as session:
        session.step()
    for folder, remedy in ((changed, "Press 'Go on with this run'"), (whole, "Branch from an hour of it")):
        shown = Shown("1", Session.open(folder), registry())
        page = Page([])
        shown.watchers.append(page)
        with pytest.raises(InputError) as refused:
            asyncio.run(shown.change({"dso": {"loading": 0.9}}))
        asyncio.run(beyond(shown))
        shown.close()
        for said in (str(refused.value), page.said[-1]):
            assert remedy in said
            assert "peerflex run" not in said


@dataclass
class Page:
    """What a page is told."""

    said: list[str]

    def notice(self) -> None:
        """Nothing is drawn."""

    def warn(self, error: Exception | None) -> None:
        self.said.append(str(error))


async def beyond(shown: Shown) -> None:
    await shown.seek(99)
    await shown.step()


def test_what_is_typed_for_a_path_and_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for typed in ("x" * 5000, "a\0b", "~nobody-of-this-name/x", str(tmp_path / "loop")):
        with pytest.raises(InputError, match="cannot be looked at"):
            path_of(typed)
    assert path_of(str(tmp_path / "new")) == tmp_path / "new"
