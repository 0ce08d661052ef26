"""The runs on the desk: each has one session, one thread that may touch it, and the pages that show it.

Whatever reads or steps a session is queued to its thread and done in order, so that the page stays alive during a
long hour, two browsers that press Next at once simulate two hours, and a closed tab loses nothing.
"""

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol, TypeVar

from peerflex.core.errors import InputError, PeerflexError
from peerflex.runs.area.plugins import Registry
from peerflex.runs.session import Session
from peerflex.runs.studio.going import check_goes_on, go, reach, resumed

T = TypeVar("T")

REST_S = 1.0
"""How long nobody asks for anything before what is simulated is written to disk."""

BREATH_S = 0.2
"""How often pages are told, at most, while hours are simulated or replayed as fast as they can be."""


class Watcher(Protocol):
    """A page that shows a run."""

    def notice(self) -> None:
        """The run stands elsewhere, or has grown: draw what is seen again. Returns at once."""

    def warn(self, error: PeerflexError | None) -> None:
        """Something did not work, or (None) works again."""


class Shown:
    """One run on the desk. ``cursor`` is the number of steps behind it: the step shown is ``cursor - 1``.

    All pages of a run share the cursor.
    """

    def __init__(self, key: str, session: Session, registry: Registry) -> None:
        self.key = key
        self.session = session
        self.registry = registry
        self.watchers: list[Watcher] = []
        self.playing: float | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"peerflex-run-{key}")
        self._turn = asyncio.Lock()
        self._play: asyncio.Task[None] | None = None
        self._flush: asyncio.TimerHandle | None = None
        self._closed = False

    @property
    def name(self) -> str:
        """What the run is called: the name of its folder."""
        return self.session.folder.name

    @property
    def cursor(self) -> int:
        return self.session.cursor

    async def call(self, function: Callable[[Session], T]) -> T:
        """Return what a function makes of the session, in its own thread, after all that was asked before.

        What is begun is finished, also when whoever asked has gone.
        """

        async def in_turn() -> T:
            async with self._turn:
                return await asyncio.get_running_loop().run_in_executor(self._thread, function, self.session)

        return await asyncio.shield(asyncio.create_task(in_turn()))

    async def call_both(self, other: "Shown", function: Callable[[Session, Session], T]) -> T:
        """Return what a function makes of this session and another; neither moves meanwhile."""
        first, second = sorted((self, other), key=lambda shown: shown.key)  # one order for all: nobody waits in a ring

        async def in_turn() -> T:
            async with first._turn, second._turn:
                sessions = self.session, other.session
                return await asyncio.get_running_loop().run_in_executor(self._thread, function, *sessions)

        return await asyncio.shield(asyncio.create_task(in_turn()))

    async def step(self) -> None:
        """Go one step on: read it, or simulate it."""
        self._stop()
        await self._act(go)

    async def seek(self, cursor: int) -> None:
        """Go to a step that is logged; beyond the log, to its end."""
        self._stop()
        await self._act(lambda session: session.seek(min(max(cursor, 0), session.logged)))

    async def reach(self, step: int) -> int:
        """Simulate until a step is there, if the run lives; the cursor stays. Return how many steps there are."""
        before = self.session.logged
        logged = await self.call(lambda session: reach(session, step))
        if logged != before:
            self._rest()
            self.tell()
        return logged

    async def change(self, document: dict[str, object]) -> None:
        """Change the scenario from the next step on.

        Raises:
            InputError: if it cannot be; nothing is changed then.
        """

        def change(session: Session) -> None:
            check_goes_on(session)
            session.change(document)

        await self.call(change)
        self._rest()
        self.tell()

    def play(self, hours_per_s: float | None, backwards: bool = False) -> None:
        """Go on by itself, at a speed (None: as fast as it can), until the end or ``pause``."""
        self.pause()
        self.playing = hours_per_s or float("inf")
        self._play = asyncio.create_task(self._run(hours_per_s, backwards))
        self.tell()

    def pause(self) -> None:
        """Stop going on by itself; the step that is being simulated is finished."""
        self._stop()
        self.tell()

    def tell(self) -> None:
        """Have every page draw."""
        for watcher in tuple(self.watchers):
            watcher.notice()

    def leave(self, watcher: Watcher) -> None:
        """A page is gone; with the last one, playing stops."""
        if watcher in self.watchers:
            self.watchers.remove(watcher)
        if not self.watchers and self.playing is not None:
            self.pause()

    async def settle(self) -> None:
        """Put everything simulated on disk."""
        if self.session.live:
            await self.call(Session.flush)

    def close(self) -> None:
        """Finish what is begun, and close the log: it is whole on disk. A second time does nothing."""
        if self._closed:
            return
        self._closed = True
        if self._flush is not None:
            self._flush.cancel()
        try:
            self._thread.submit(self.session.__exit__, None, None, None).result()
        finally:
            self._thread.shutdown()

    async def go_on(self) -> None:
        """Simulate on from where a logged run stopped; steps behind its last whole part are simulated again."""
        try:
            self.session = await self.call(lambda session: resumed(session, self.registry))
            self._warn(None)
        except PeerflexError as error:
            self._warn(error)
        self.tell()

    async def _run(self, hours_per_s: float | None, backwards: bool) -> None:
        loop = asyncio.get_running_loop()
        told = loop.time()
        try:
            while (self.cursor > 1) if backwards else (self.cursor < self._end()):
                due = loop.time() + (1 / hours_per_s if hours_per_s else 0.0)
                await self.call((lambda session: session.seek(session.cursor - 1)) if backwards else go)
                if hours_per_s or loop.time() - told > BREATH_S:
                    told = loop.time()
                    self.tell()
                self._rest()
                await asyncio.sleep(max(0.0, due - loop.time()))
        except PeerflexError as error:
            self._warn(error)
        self.pause()

    def _stop(self) -> None:
        if self._play is not None and self._play is not asyncio.current_task():
            self._play.cancel()
        self._play, self.playing = None, None

    def _end(self) -> int:
        return self.session.steps if self.session.live else self.session.logged

    async def _act(self, function: Callable[[Session], None]) -> None:
        try:
            await self.call(function)
            self._warn(None)
        except PeerflexError as error:
            self._warn(error)
        self._rest()
        self.tell()

    def _warn(self, error: PeerflexError | None) -> None:
        for watcher in tuple(self.watchers):
            watcher.warn(error)

    def _rest(self) -> None:
        # writing waits until nobody waits for a picture; while it plays, it waits for a part to be full
        if not self.session.live:
            return
        if self._flush is not None:
            self._flush.cancel()
        loop = asyncio.get_running_loop()
        self._flush = loop.call_later(REST_S, lambda: asyncio.create_task(self._flushed()))

    async def _flushed(self) -> None:
        try:
            await self.settle()
        except PeerflexError as error:
            self._warn(error)


class Desk:
    """All runs that are open, by the key in their address."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self._runs: dict[str, Shown] = {}

    def add(self, session: Session) -> Shown:
        """Put a session on the desk."""
        key = str(len(self._runs) + 1)
        self._runs[key] = Shown(key, session, self.registry)
        return self._runs[key]

    async def open(self, opened: Callable[[], Session]) -> Shown:
        """Put what a function opens on the desk; it may take its time, the pages stay alive."""
        return self.add(await asyncio.to_thread(opened))

    def get(self, key: str) -> Shown:
        """Return the run of a key.

        Raises:
            InputError: if there is none.
        """
        if key not in self._runs:
            raise InputError(f"run {key}", "is not open in this studio", "Open it from the start page.")
        return self._runs[key]

    def of(self, folder: Path) -> Shown | None:
        """Return the run of a folder, if it is open already: two writers of one log would spoil it."""
        real = folder.resolve()
        return next((run for run in self.runs if run.session.folder.resolve() == real), None)

    @property
    def runs(self) -> Iterable[Shown]:
        return tuple(self._runs.values())

    def close(self) -> None:
        """Close every run; one that cannot be closed does not keep the others open.

        Raises:
            PeerflexError: the first of what went wrong.
        """
        errors = []
        for run in self.runs:
            try:
                run.close()
            except PeerflexError as error:
                errors.append(error)
        if errors:
            raise errors[0]
