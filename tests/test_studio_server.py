"""The studio without a browser: what it opens and serves, and what two clients, or none, do to a run."""

import asyncio
import contextlib
import os
from dataclasses import dataclass, field

import httpx
import pytest

pytest.importorskip("nicegui")

from peerflex import run
from peerflex.core.errors import InputError, PeerflexError, SimulationError
from peerflex.runs.area.plugins import registry
from peerflex.runs.log.reader import open_run
from peerflex.runs.session import Session
from peerflex.runs.studio.desk import Desk, Shown
from peerflex.runs.studio.keys import known_keys
from peerflex.runs.studio.opening import free_folder, open_target
from peerflex.runs.views import standing_at
from peerflex.scenarios.layers import parse_settings
from tests.browser import studio
from tests.child import peerflex
from tests.logs import whole_run


@pytest.fixture
def run_folder(tmp_path):
    return whole_run(tmp_path / "run", 6)


def test_only_scenarios_and_runs_are_opened(tmp_path):
    parts = registry()
    (tmp_path / "notes.txt").write_text("name: case69-day")
    (tmp_path / "empty").mkdir()
    for target, said in (
        ("notes.txt", "neither a scenario"),
        ("empty", "is not a run"),
        ("nothing", "no bundled scenario"),
    ):
        with pytest.raises(InputError, match=said):
            open_target(str(tmp_path / target) if target != "nothing" else target, parts)


def test_an_altered_log_is_refused_with_the_file_named(run_folder):
    part = run_folder / "tables" / "hours" / "part-00000.parquet"
    part.write_bytes(part.read_bytes()[:-40] + bytes(40))
    with pytest.raises(InputError, match=r"part-00000\.parquet.*altered"):
        open_target(str(run_folder), registry())


def test_a_logged_run_stays_as_it_is(run_folder):
    with pytest.raises(InputError, match="stays as it is"):
        open_target(str(run_folder), registry(), settings=["dso.loading=0.9"])


def test_a_branch_gets_a_folder_of_its_own(tmp_path):
    first = free_folder(tmp_path / "run", "from-3")
    first.mkdir()
    assert (first.name, free_folder(tmp_path / "run", "from-3").name) == ("run-from-3", "run-from-3-2")


@dataclass
class Page:
    """What the desk sees of a page."""

    shown: Shown
    seen: list[int] = field(default_factory=list)
    errors: list[PeerflexError] = field(default_factory=list)

    def notice(self) -> None:
        self.seen.append(self.shown.cursor)

    def warn(self, error: PeerflexError | None) -> None:
        if error is not None:
            self.errors.append(error)


@pytest.fixture
def live(tmp_path):
    """A run that is being simulated, with two pages on it."""
    desk = Desk(registry())
    shown = desk.add(open_target("case69-day", desk.registry, hours=6, out=tmp_path / "live"))
    shown.watchers += [Page(shown), Page(shown)]
    yield shown
    with contextlib.suppress(PeerflexError):
        desk.close()


def test_two_clients_that_press_next_at_once_simulate_two_hours_in_order(live):
    async def both():
        await asyncio.gather(live.step(), live.step())
        await live.settle()

    asyncio.run(both())
    assert live.session.logged == 2
    assert open_run(live.session.folder).rows("hours")["step"].to_pylist() == [0, 1]
    for page in live.watchers:
        assert page.seen[-1] == 2


def test_a_client_that_goes_during_a_step_loses_nothing(live):
    async def go():
        pressed = asyncio.create_task(live.step())
        while not live._turn.locked():
            await asyncio.sleep(0)
        pressed.cancel()
        for page in tuple(live.watchers):
            live.leave(page)
        with contextlib.suppress(asyncio.CancelledError):
            await pressed
        await live.step()

    asyncio.run(go())
    live.close()
    assert live.session.logged == 2
    run = open_run(live.session.folder)
    assert (run.finished_steps, run.manifest.status) == (2, "running")


def test_playing_goes_to_the_end_tells_every_page_and_stops_with_the_last_of_them(live):
    async def play():
        live.play(None)
        while live.playing is not None:
            await asyncio.sleep(0.01)
        ended = live.cursor
        await live.seek(1)
        live.play(1000.0)
        for page in tuple(live.watchers):
            live.leave(page)
        return ended, live.playing

    first, second = live.watchers
    ended, playing = asyncio.run(play())
    assert (ended, playing) == (6, None)
    assert first.seen == second.seen
    assert 6 in first.seen


def test_playing_backwards_ends_at_the_first_hour(live):
    async def back():
        await live.step()
        await live.step()
        await live.step()
        live.play(1000.0, backwards=True)
        while live.playing is not None:
            await asyncio.sleep(0.01)

    asyncio.run(back())
    assert (live.cursor, live.session.logged) == (1, 3)


def test_a_step_that_fails_is_told_and_the_log_is_kept(live, monkeypatch):
    async def fail():
        await live.step()
        monkeypatch.setattr(Session, "step", _broken)
        await live.step()
        await live.settle()

    asyncio.run(fail())
    for page in live.watchers:
        assert [str(error) for error in page.errors] == ["step 1: the grid is gone"]
    assert open_run(live.session.folder).finished_steps == 1


def _broken(_):
    raise SimulationError("step 1: the grid is gone")


def test_stepping_past_the_end_and_seeking_too_far_do_no_harm(live):
    async def far():
        await live.seek(99)
        await live.seek(-3)
        for _ in range(7):
            await live.step()

    asyncio.run(far())
    assert live.cursor == 6
    assert ["at its end" in str(error) for error in live.watchers[0].errors] == [True]


def test_a_stopped_run_goes_on_from_where_it_was_shown(live):
    async def until(steps):
        for _ in range(steps):
            await live.step()

    asyncio.run(until(3))
    live.close()
    again = Shown("2", Session.open(live.session.folder), live.registry)

    async def go_on():
        await again.seek(2)
        await again.go_on()
        stood = again.cursor, again.session.logged
        await again.seek(3)
        await again.step()
        return stood

    assert asyncio.run(go_on()) == (2, 3)
    again.close()
    assert open_run(again.session.folder).finished_steps == 4


def test_a_run_beside_is_simulated_along_and_its_cursor_stays(live, tmp_path):
    async def along():
        await live.step()
        await live.settle()
        session = await live.call(lambda parent: Session.branch(parent.folder, live.registry, tmp_path / "branch", 1))
        other = Shown("2", session, live.registry)
        reached = await other.reach(3)
        seen = await live.call_both(other, lambda a, b: (a.logged, b.logged))
        other.close()
        return reached, other.cursor, seen

    assert asyncio.run(along()) == (4, 1, (1, 4))


def test_two_that_compare_with_each_other_do_not_wait_for_ever(live, run_folder):
    async def cross():
        other = Shown("2", Session.open(run_folder), live.registry)
        asked = [live.call_both(other, _nothing), other.call_both(live, _nothing)] * 20
        await asyncio.wait_for(asyncio.gather(*asked), 20)
        other.close()

    asyncio.run(cross())


def _nothing(_a, _b):
    return None


@pytest.mark.once
def test_every_key_that_is_offered_can_be_set_as_it_stands(live):
    """Completion offers what the change then takes; values that are none cannot be typed, so they are left out."""
    pairs = known_keys(standing_at(live.session, 0))
    assert len(pairs) > 40
    assert dict(pairs)["dso.loading=1.0"].startswith("highest loading")
    for pair, _ in pairs:
        live.session.change(parse_settings([pair]))


@pytest.mark.skipif(os.name == "nt", reason="stopped by SIGINT")
def test_a_served_run_stays_in_its_folder_and_says_where_it_is(tmp_path):
    folder = tmp_path / "run"
    run("case69-day", hours=2, out=folder, driver="mesa")
    (tmp_path / "secret.txt").write_text("secret")
    with (
        studio(str(folder), cwd=tmp_path, anew=True) as at,
        httpx.Client(base_url=at.url.partition("/run")[0]) as client,
    ):
        page = client.get("/run/1")
        assert page.status_code == 200
        assert "http://" not in page.text.replace("http://www.w3.org/2000/svg", "")
        assert "https://" not in page.text
        assert client.get("/run/1/csv/hours?all=1").text.count("\n") == 3
        assert client.get("/run/1/csv/hours").text.count("\n") == 1, "before the first hour, the header alone"
        assert client.get("/run/1/csv/secrets").status_code == 404
        assert client.get("/run/1/files/manifest.json").content == (folder / "manifest.json").read_bytes()
        for path in ("..%2fsecret.txt", "%2e%2e/secret.txt", "tables/%2e%2e/%2e%2e/secret.txt", "/etc/passwd"):
            assert "secret" not in client.get(f"/run/1/files/{path}").text.replace("secret.txt", "")
            assert "root:" not in client.get(f"/run/1/files/{path}").text
        assert client.get("/", headers={"host": "evil.example"}).status_code == 403
        assert client.get("/_nicegui_ws/socket.io/", headers={"origin": "http://evil.example"}).status_code == 403
        assert "is not open" in client.get("/run/7").text
        port = at.url.split(":")[2].partition("/")[0]
        code, out, err = peerflex("studio", "--port", port, "--no-browser", cwd=tmp_path)
        assert (code, out) == (2, "")
        assert f"port {port}" in err
        assert "--port" in err
    assert at.stop() == 0
    assert "again with" in "".join(at.said)
    assert "Traceback" not in "".join(at.said)
