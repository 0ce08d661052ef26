"""The server of the studio: pages, downloads, and nothing that is not asked for here."""

import asyncio
import logging
import socket
import webbrowser
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import uvicorn
from fastapi import FastAPI
from nicegui import app, background_tasks, ui
from starlette.types import ASGIApp

from peerflex.core.errors import InputError, PeerflexError
from peerflex.runs.log.wires import wires_of
from peerflex.runs.studio.desk import Desk
from peerflex.runs.studio.downloads import add_downloads
from peerflex.runs.studio.fields import element, link
from peerflex.runs.studio.guard import Guard
from peerflex.runs.studio.page import RunPage
from peerflex.runs.studio.page_start import StartPage

HERE: Final = Path(__file__).parent
GOODBYE_S: Final = 2
"""What open connections get to end by themselves."""

ICON: Final = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#0b5ea0"/>'
    '<path d="M6 22 13 10l6 9 7-11" fill="none" stroke="#fff" stroke-width="3" stroke-linejoin="round"/></svg>'
)


class Server(uvicorn.Server):
    """A server that says when it answers."""

    def __init__(self, config: uvicorn.Config, answers: Callable[[], None]) -> None:
        super().__init__(config)
        self._answers = answers

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._answers()


def serve(
    desk: Desk, listening: socket.socket, token: str | None, welcome: Callable[[], None], browse: str | None
) -> PeerflexError | None:
    """Serve the desk until the process is told to stop, close its runs, and return what went wrong with that.

    ``welcome`` is called once pages are answered; then ``browse`` is opened in a browser (None: no browser).
    """
    failed: list[PeerflexError] = []

    def close() -> None:
        try:
            desk.close()
        except PeerflexError as error:
            failed.append(error)

    app.on_shutdown(close)

    def answers() -> None:
        welcome()
        if browse is not None:
            background_tasks.create(asyncio.to_thread(webbrowser.open, browse))

    config = uvicorn.Config(
        application(desk, token, listening.getsockname()[1]),
        log_level="warning",
        timeout_graceful_shutdown=GOODBYE_S,
        ws_per_message_deflate=False,
    )
    with suppress(KeyboardInterrupt):  # the server has stopped by then, and the runs are closed
        Server(config, answers).run(sockets=[listening])
    return failed[0] if failed else None


def application(desk: Desk, token: str | None, port: int) -> ASGIApp:
    """Return the whole application, guard in front."""
    logging.getLogger("nicegui").addFilter(_unexplained)
    web = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    add_downloads(web, desk)
    _add_pages(desk)
    ui.run_with(
        web,
        title="peerflex studio",
        favicon=ICON,
        dark=None,
        language="en-GB",
        tailwind=False,
        show_welcome_message=False,
        reconnect_timeout=10.0,
    )
    return Guard(web, token, f"peerflex-{port}")


def _add_pages(desk: Desk) -> None:
    ui.add_css((HERE / "studio.css").read_text(encoding="utf-8"), shared=True)
    ui.add_head_html(f"<script>{(HERE / 'studio.js').read_text(encoding='utf-8')}</script>", shared=True)

    @ui.page("/")
    def start() -> None:
        StartPage(desk)

    @ui.page("/run/{key}", response_timeout=60.0)
    async def run(key: str, beside: str | None = None) -> None:
        try:
            shown = desk.get(key)
            other = None if beside is None else desk.get(beside)
            wires = await shown.call(lambda session: wires_of(session.folder, session.manifest))
        except InputError as error:
            with element("main", classes="studio studio-start", props={"id": "studio"}):
                element("h1", "This cannot be shown")
                element("p", str(error), props={"role": "alert", "data-testid": "warning"})
                link("To the start page", "/", "start")
            return
        ui.page_title(f"{shown.name}, peerflex studio")
        RunPage(shown, desk, wires, other)


def _unexplained(record: logging.LogRecord) -> bool:
    """Leave errors that the page has told in words out of the terminal's log."""
    return not isinstance(record.msg, PeerflexError)
