"""Who may talk to the studio: this machine's own browser, or whoever holds the token; and where it listens."""

import socket

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

pytest.importorskip("nicegui")

from peerflex.core.errors import InputError
from peerflex.runs.studio.app import address, listen
from peerflex.runs.studio.guard import Guard, is_loopback

TOKEN = "a-token-of-the-test"
HOME = "http://127.0.0.1:8411"


async def _hello(_):
    return PlainTextResponse("hello")


async def _greet(connection):
    await connection.accept()
    await connection.send_text("hello")
    await connection.close()


def guarded(token: str | None = None, base: str = HOME) -> TestClient:
    app = Starlette(routes=[Route("/{path:path}", _hello), WebSocketRoute("/ws", _greet)])
    return TestClient(Guard(app, token), base_url=base, follow_redirects=False)


@pytest.mark.parametrize("name", ["127.0.0.1", "127.8.8.8", "localhost", "LOCALHOST", "::1", "[::1]"])
def test_loopback_names_are_loopback(name):
    assert is_loopback(name)


@pytest.mark.parametrize(
    "name", ["0.0.0.0", "::", "192.168.1.4", "localhost.evil.example", "127.0.0.1.evil.example", ""]
)
def test_other_names_are_not(name):
    assert not is_loopback(name)


@pytest.mark.parametrize("base", [HOME, "http://localhost:8411", "http://[::1]:8411"])
def test_on_loopback_its_own_browser_needs_nothing(base):
    assert guarded(base=base).get("/run/1", headers={"origin": base}).text == "hello"


def test_a_name_that_was_led_to_this_machine_is_refused():
    answer = guarded(base="http://evil.example:8411").get("/run/1")
    assert answer.status_code == 403
    assert "127.0.0.1 and localhost only" in answer.text


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "http://127.0.0.1:9000", "null", "https://127.0.0.1.evil:8411"]
)
def test_another_site_is_refused_pages_and_sockets(origin):
    client = guarded()
    assert client.get("/run/1", headers={"origin": origin}).status_code == 403
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/ws", headers={"origin": origin}):
        pass
    with client.websocket_connect("/ws", headers={"origin": HOME, "host": "127.0.0.1:8411"}) as own:
        assert own.receive_text() == "hello"


@pytest.mark.parametrize(
    "path", ["/", "/run/1", "/run/1/csv/trades", "/run/1?token=", "/run/1?token=wrong", "/_nicegui/x"]
)
def test_elsewhere_nothing_is_served_without_the_token(path):
    answer = guarded(TOKEN, "http://10.0.0.5:8411").get(path)
    assert answer.status_code == 403
    assert "?token=" in answer.text
    assert TOKEN not in answer.text


def test_elsewhere_a_socket_needs_the_token_too():
    client = guarded(TOKEN, "http://10.0.0.5:8411")
    for cookies in ({}, {"peerflex": "wrong"}):
        with pytest.raises(WebSocketDisconnect), client.websocket_connect("/ws", headers=cookie(cookies)):
            pass
    with client.websocket_connect(f"/ws?token={TOKEN}", headers=cookie({"peerflex": TOKEN})) as own:
        assert own.receive_text() == "hello"


def cookie(values: dict[str, str]) -> dict[str, str]:
    return {"cookie": "; ".join(f"{name}={value}" for name, value in values.items())}


def test_the_link_with_the_token_leaves_it_in_a_cookie_and_out_of_the_address():
    client = guarded(TOKEN, "http://10.0.0.5:8411")
    answer = client.get(f"/run/1?token={TOKEN}&beside=2")
    kept = answer.headers["set-cookie"].lower()
    assert "httponly" in kept
    assert "samesite=strict" in kept
    assert 'url=/run/1?beside=2"' in answer.text
    assert TOKEN not in answer.text
    assert client.get("/run/1").text == "hello"


@pytest.mark.parametrize("path", ["//evil.example/x", "/\\evil.example", '/"><script>alert(1)</script>'])
def test_the_welcome_leads_nowhere_else_and_runs_nothing(path):
    answer = guarded(TOKEN, "http://10.0.0.5:8411").get(f"http://10.0.0.5:8411{path}?token={TOKEN}")
    assert "url=//" not in answer.text
    assert "url=/\\" not in answer.text
    assert "<script" not in answer.text


def test_a_page_may_load_nothing_from_elsewhere():
    policy = guarded().get("/").headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "connect-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "http" not in policy
    assert "*" not in policy


def test_a_port_in_use_is_named_with_the_way_out():
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(InputError, match=rf"port {port}.*in use.*--port"):
            listen("127.0.0.1", port)


def test_a_free_port_is_found_and_a_host_of_another_machine_is_not():
    with listen("127.0.0.1", 0) as found:
        assert found.getsockname()[1] > 0
    with pytest.raises(InputError):
        listen("192.0.2.1", 0)


def test_the_printed_address_can_be_opened_and_carries_the_token_only_where_one_is_needed():
    assert address("127.0.0.1", 8411, "/run/1", None) == "http://127.0.0.1:8411/run/1"
    assert address("::1", 8411, "/", None) == "http://[::1]:8411/"
    everywhere = address("0.0.0.0", 80, "/run/1", TOKEN)
    assert everywhere == f"http://{socket.gethostname()}:80/run/1?token={TOKEN}"
