"""Who may talk to the studio: requests of this machine's own browser, or of whoever holds the token.

On loopback a page from elsewhere could still reach the port: under a name that leads to 127.0.0.1 (so the ``Host``
must be a loopback name), or by a socket opened from another site (so the ``Origin``, if there is one, must be ours).
On any other host a token is needed; the link that carries it leaves it in a cookie.
"""

import html
import secrets
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from ipaddress import ip_address
from typing import Final
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

FORBIDDEN: Final = 403

_POLICY: Final = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
"""Nothing is loaded from, or sent to, anywhere else, whatever a name in a log says; the page frames nowhere."""


def is_loopback(host: str) -> bool:
    """Say whether a host name or address (without a port) is this machine only."""
    name = host.strip("[]").lower()
    try:
        return name == "localhost" or ip_address(name).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class Guard:
    """An ASGI application in front of another: it lets through what may talk to the studio, and nothing else.

    ``token`` is None on loopback, where none is needed. ``cookie`` names the cookie that carries it.
    """

    app: ASGIApp
    token: str | None
    cookie: str = "peerflex"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is None:
            await self.app(scope, receive, _with_policy(send))
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": "not allowed"})
        else:
            await refusal(scope, receive, send)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != host:
            return _refuse("This request comes from another site. Open the studio's own address in the browser.")
        if self.token is None:
            if not is_loopback(urlsplit(f"//{host}").hostname or ""):
                return _refuse("The studio answers to 127.0.0.1 and localhost only. Use the address it printed.")
            return None
        if self._holds(_cookie(headers.get("cookie", ""), self.cookie)):
            return None
        query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
        if scope["type"] == "http" and self._holds(query.get("token", [""])[0]):
            return self._welcome(scope["path"], query)
        return _refuse("A token is needed. Open the link with ?token=... that `peerflex studio` printed.")

    def _holds(self, given: str) -> bool:
        return self.token is not None and secrets.compare_digest(given.encode(), self.token.encode())

    def _welcome(self, path: str, query: dict[str, list[str]]) -> Response:
        # A page, not a redirect: a browser that comes from a link in a mail leaves a strict cookie out of redirects.
        rest = urlencode([(key, value) for key, values in query.items() if key != "token" for value in values])
        target = "/" + quote(path.lstrip("/\\")) + (f"?{rest}" if rest else "")
        page = f'<!doctype html><meta http-equiv="refresh" content="0;url={html.escape(target)}"><p>Opening the studio.'
        response = HTMLResponse(page, headers={"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})
        assert self.token is not None
        response.set_cookie(self.cookie, self.token, httponly=True, samesite="strict", path="/")
        return response


def _refuse(why: str) -> Response:
    return PlainTextResponse(f"peerflex studio: {why}\n", FORBIDDEN, headers={"Cache-Control": "no-store"})


def _cookie(header: str, name: str) -> str:
    try:
        found = SimpleCookie(header).get(name)
    except CookieError:
        return ""
    return "" if found is None else found.value


def _with_policy(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["Content-Security-Policy"] = _POLICY
            headers["X-Content-Type-Options"] = "nosniff"
            headers["Referrer-Policy"] = "no-referrer"
        await send(message)

    return sending
