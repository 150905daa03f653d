"""Who may send requests to the Prefect server of this machine: its own pages, and clients with its token.

Prefect's API starts runs, and ``stillwalk serve`` carries them out. Without this gate any web page that the user visits
could start some, from another origin or by a host name that resolves to this machine. So could any other account.
Each request and each web socket must name this server's own address as its host, must not come from another origin, and
must have the token: commands send it in a header, browsers in a cookie. A browser gets the cookie from the address
that ``make ui`` prints, which contains the token.
"""

import base64
import hmac
from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from typing import Any, Final, NamedTuple, TypeAlias
from urllib.parse import parse_qs

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers: TypeAlias = list[tuple[bytes, bytes]]

LOOPBACK: Final = "127.0.0.1"
OPEN_PATHS: Final = {"/api/health", "/api/ready"}  # they only tell that a server is there
POLICY_VIOLATION: Final = 1008  # the closing code of a web socket
NO_FRAMES: Final = [(b"x-frame-options", b"DENY"), (b"referrer-policy", b"no-referrer")]


class GateAnswer(NamedTuple):
    """The answer to a request that does not reach Prefect."""

    status: HTTPStatus
    text: str
    headers: Headers


class Gate:
    """An ASGI application that passes allowed requests on to ``app`` and refuses the others."""

    def __init__(self, app: App, port: int, token: str) -> None:
        self._app, self._secret = app, token.partition(":")[2]  # without the name, which only Basic needs
        self._host, self._cookie = f"{LOOPBACK}:{port}", f"stillwalk-{port}"
        self._header = authorization(token)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        answer = self._own_answer(scope)
        if answer is None:
            await self._app(scope, receive, _without_frames(send))
        elif scope["type"] == "websocket":
            await receive()  # the request to connect must be read before it can be refused
            await send({"type": "websocket.close", "code": POLICY_VIOLATION})
        else:
            await _send_answer(send, answer)

    def _own_answer(self, scope: Scope) -> GateAnswer | None:
        """The answer to a request that is not passed on: a refusal or a redirection; None for an allowed request."""
        headers: Headers = scope["headers"]
        is_get = scope["type"] == "http" and scope["method"] == "GET"
        hosts = _values(headers, b"host")
        if is_get and hosts == [self._host.replace(LOOPBACK, "localhost")]:
            address = f"http://{self._host}{scope['path']}".encode("latin-1", errors="ignore")
            location = address.split(b"\r")[0].split(b"\n")[0]
            text = f"this server is http://{self._host}"
            return GateAnswer(HTTPStatus.TEMPORARY_REDIRECT, text, [(b"location", location)])
        if hosts != [self._host]:
            return GateAnswer(HTTPStatus.FORBIDDEN, f"this server answers to {self._host} only", [])
        if any(origin != f"http://{self._host}" for origin in _values(headers, b"origin")):
            return GateAnswer(HTTPStatus.FORBIDDEN, "this server answers to its own pages only", [])
        if (is_get and scope["path"] in OPEN_PATHS) or self._has_token(headers):
            return None
        if is_get and scope["path"] == "/" and self._query_has_token(scope):
            cookie = f"{self._cookie}={self._secret}; Path=/; HttpOnly; SameSite=Strict"
            return GateAnswer(HTTPStatus.SEE_OTHER, "welcome", [(b"location", b"/"), (b"set-cookie", cookie.encode())])
        cure = "open the address with token= in it that stillwalk ui printed; commands find the token themselves"
        return GateAnswer(HTTPStatus.UNAUTHORIZED, f"this server needs its token; {cure}", [])

    def _has_token(self, headers: Headers) -> bool:
        cookies = [one.strip().partition("=") for line in _values(headers, b"cookie") for one in line.split(";")]
        checks = [_same(value, self._secret) for name, _, value in cookies if name == self._cookie]
        checks += [_same(value, self._header) for value in _values(headers, b"authorization")]
        return any(checks)

    def _query_has_token(self, scope: Scope) -> bool:
        values = parse_qs(scope["query_string"].decode("latin-1")).get("token", [])
        return any(_same(value, self._secret) for value in values)


def authorization(token: str) -> str:
    """The header in which Prefect's clients send ``PREFECT_API_AUTH_STRING``."""
    return f"Basic {base64.b64encode(token.encode()).decode()}"


def _values(headers: Headers, wanted: bytes) -> list[str]:
    return [value.decode("latin-1") for name, value in headers if name == wanted]


def _same(given: str, wanted: str) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(given.encode(), wanted.encode())


def _without_frames(send: Send) -> Send:
    """``send`` with headers that forbid browsers to show the page inside another page."""

    async def sent(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", []), *NO_FRAMES]
        await send(message)

    return sent


async def _send_answer(send: Send, answer: GateAnswer) -> None:
    body = f"{answer.text}\n".encode()
    about = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    headers = [*about, *NO_FRAMES, *answer.headers]
    await send({"type": "http.response.start", "status": int(answer.status), "headers": headers})
    await send({"type": "http.response.body", "body": body})
