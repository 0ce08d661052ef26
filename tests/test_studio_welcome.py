"""The studio says its address when it answers there, and not before."""

import threading
import time

import httpx
import pytest

pytest.importorskip("nicegui")

import uvicorn

from peerflex.runs.studio.app import listen
from peerflex.runs.studio.server import Server
from tests.browser import Served


class AtOnce(Served):
    """A server that is asked for its page as soon as it has said where that is."""

    def _wait_for_answer(self) -> None:
        self.answer = httpx.get(self.url, timeout=30.0)


def test_who_has_read_the_address_is_answered(tmp_path):
    with AtOnce(["studio", "--port", "0", "--no-browser"], tmp_path, forked=True) as at:
        assert at.answer.status_code == 200
        assert "peerflex studio" in at.answer.text


def test_a_server_says_that_it_answers_after_it_has_started():
    order, said = [], threading.Event()

    async def slow_to_start(scope, receive, send):
        if scope["type"] == "lifespan":
            await receive()
            time.sleep(0.2)  # nobody else is served meanwhile, as while pages are made ready
            order.append("started")
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"hello"})

    def welcome():
        order.append("said")
        said.set()

    with listen("127.0.0.1", 0) as listening:
        server = Server(uvicorn.Config(slow_to_start, log_level="warning"), welcome)
        serving = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        serving.start()
        try:
            assert said.wait(30)
            assert server.servers, "it is listening"
            assert httpx.get(f"http://127.0.0.1:{listening.getsockname()[1]}", timeout=30.0).text == "hello"
        finally:
            server.should_exit = True
            serving.join()
    assert order == ["started", "said"]
