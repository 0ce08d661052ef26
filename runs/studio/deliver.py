"""What an hour changes on a page, sent in one message: the browser then lays out and paints once."""

import asyncio
from typing import Any

from nicegui import Client, json
from nicegui.awaitable_response import AwaitableResponse, NullResponse

_waiting: dict[str, list[tuple[int | str, str, tuple[Any, ...]]]] = {}


def deliver(client: Client, target: int | str, method: str, *args: Any) -> None:
    """Call a method of an element (by its id) or of the page's script ('studio'), with all that is called just now."""
    if client.id not in _waiting:
        _waiting[client.id] = []
        asyncio.get_running_loop().call_soon(_send, client)
    _waiting[client.id].append((target, method, args))


class Bundled:
    """An element whose methods are called with those of others, in one message; no answer is waited for."""

    id: int
    client: Client

    def run_method(self, name: str, *args: Any, timeout: float = 1.0) -> AwaitableResponse:
        """Call a method of the element in the browser; ``timeout`` says nothing here."""
        deliver(self.client, self.id, name, *args)
        return NullResponse()


def _send(client: Client) -> None:
    calls = _waiting.pop(client.id)
    # as a text within a text: the browser reads JSON much faster than it compiles a script
    client.run_javascript(f"studio.deliver({json.dumps(json.dumps(calls))})")
