"""A Jupyter server beside the one that owns the database: it passes its panels' calls on to the owner's hub.

Who calls is settled here, by this server's own login and kernels; the owner believes us by the secret that lies, readable
by this user alone, beside the database.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec
from tornado.httpclient import HTTPClientError, HTTPRequest, HTTPResponse
from tornado.httputil import HTTPHeaders
from tornado.simple_httpclient import HTTPStreamClosedError, SimpleAsyncHTTPClient
from tornado.websocket import WebSocketClientConnection, WebSocketClosedError, websocket_connect

from .. import protocol as p
from ..errors import RateLimited, StoreUnavailable, Unauthenticated
from ..hub import check_kernel
from .door import BESIDE_THE_REQUEST, OURS, Door, bearer_of, check_origin, check_xsrf, session_cookie, wants_session
from .ownership import LocalHub

if TYPE_CHECKING:
    from .rest import RestHandler
    from .websocket import WsHandler

PATIENCE = 90.0
"""Seconds that a call may take: the longest long-poll, and a margin."""
MAX_USERS = 1000
LARGEST_FRAME = 64 * 1024 * 1024


class Annex:
    """The way to the owner's hub.

    Args:
        outer_name: (username, display name) of whom this server lets in.
        kernel_key: the connection key of a kernel of this server.
    """

    def __init__(
        self,
        owner: LocalHub,
        outer_name: Callable[[Any], Awaitable[tuple[str, str] | None]],
        kernel_key: Callable[[str], bytes | None],
    ) -> None:
        self.owner = owner
        self._outer_name = outer_name
        self._kernel_key = kernel_key
        self._sessions: dict[str, str] = {}
        self._http = SimpleAsyncHTTPClient(force_instance=True, max_clients=500)  # long-polls wait side by side

    async def forward(self, door: RestHandler, operation: p.Operation, in_path: dict[str, str]) -> None:
        """Answers a REST call with what the owner's hub says."""
        if operation.request is p.ProveKernel:
            request: p.ProveKernel = door.decode(operation, in_path)
            check_kernel(self._kernel_key(request.kernel_id), request)
            local = p.ProveLocal(self.owner.secret, request.agent_name, request.notebook)
            reply = await self._local("local/agent", local, p.KernelReply)
            reply.hub_url = self.owner.url
            door.send(operation.status, reply)
            return
        secret = await self._secret_of(door)
        if operation.who == "bootstrapper" and secret is None:
            raise Unauthenticated("On a Jupyter server, bootstrap needs Jupyter's own login or token.")
        body = bytes(door.body) if door.body or door.request.method in {"POST", "PATCH", "PUT"} else None
        response = await self._fetch(_path_of(door), str(door.request.method), secret, body)
        if operation.reply is p.SignedIn and response.code < 300:
            door.set_session(operation, msgspec.json.decode(response.body, type=p.SignedIn))
        door.set_status(response.code)
        door.set_header("Content-Type", "application/json")
        door.set_header("Cache-Control", "no-store")
        door.finish(response.body)

    async def events(self, door: Door) -> Events:
        """An event stream of the owner's hub, in the caller's name."""
        secret = await self._secret_of(door)
        if secret is None:
            raise Unauthenticated("Say who you are: `Authorization: Bearer au_…`, ?token=au_…, or a session.")
        headers = {"Authorization": f"Bearer {secret}"}
        if last := door.request.headers.get("Last-Event-ID"):
            headers["Last-Event-ID"] = last
        try:
            return await Events.open(self.owner.url + _path_of(door), headers)
        except (OSError, EOFError, ValueError) as error:
            raise self._away() from error

    async def connect(self, door: Door) -> Tube:
        """A WebSocket to the owner's hub, in the caller's name."""
        secret = await self._secret_of(door)
        if secret is None:
            raise Unauthenticated("Connect with `Authorization: Bearer au_…`, with ?token=au_…, or with a session.")
        url = self.owner.url.replace("http", "ws", 1) + "ws"
        request = HTTPRequest(url, headers=_bearer(secret), validate_cert=not _is_loopback(url), request_timeout=PATIENCE)
        try:
            return Tube(await websocket_connect(request, max_message_size=LARGEST_FRAME))
        except HTTPClientError as error:
            if error.code in {401, 403}:
                raise Unauthenticated("The hub does not know this key or session.") from error
            if error.code == 429:
                raise RateLimited(
                    "The hub has as many connections of yours as it takes: close one.", retry_after=1.0
                ) from error
            raise self._away() from error
        except OSError as error:
            raise self._away() from error

    async def _secret_of(self, door: Door) -> str | None:
        """What to show to the owner's hub: the caller's own key or session, or one that we get for a user of this server."""
        secret = bearer_of(door)
        if secret and secret.startswith(OURS):
            return secret
        if not wants_session(door) and (user := await self._outer_name(door)):
            username, name = user
            if username not in self._sessions:
                if len(self._sessions) >= MAX_USERS:
                    self._sessions.clear()
                proof = p.ProveUser(self.owner.secret, username, name)
                self._sessions[username] = (await self._local("local/session", proof, p.SignedIn)).session_token
            return self._sessions[username]
        if token := door.get_cookie(session_cookie(door.request, door.gate.path)):
            check_xsrf(door)
            return token
        check_origin(door)
        return None

    async def _local(self, path: str, request: msgspec.Struct, reply: type[Any]) -> Any:
        response = await self._fetch(f"api/v1/{path}", "POST", None, p.encode(request))
        if response.code >= 300:
            raise self._away()
        return msgspec.json.decode(response.body, type=reply)

    async def _fetch(self, path: str, method: str, secret: str | None, body: bytes | None) -> HTTPResponse:
        url = self.owner.url + path
        try:
            return await self._http.fetch(
                url, method=method, body=body, headers=_bearer(secret) if secret else HTTPHeaders(),
                validate_cert=not _is_loopback(url), request_timeout=PATIENCE, raise_error=False,
                allow_nonstandard_methods=True,  # a DELETE with a body
            )  # fmt: skip
        except (OSError, HTTPStreamClosedError) as error:
            raise self._away() from error

    def _away(self) -> StoreUnavailable:
        return StoreUnavailable(f"The hub at {self.owner.url} does not answer now: it may be changing hands.", retry_after=1.0)


def _path_of(door: Door) -> str:
    """What the caller asked for, below the hub's URL; without a key or Jupyter's token, which may stand in the query."""
    path = door.request.path[len(door.gate.path) :]
    query = urlencode([(name, value) for name, value in parse_qsl(door.request.query) if name not in BESIDE_THE_REQUEST])
    return f"{path}?{query}" if query else path


def _bearer(secret: str) -> HTTPHeaders:
    return HTTPHeaders({"Authorization": f"Bearer {secret}"})


def _is_loopback(url: str) -> bool:
    """A server on this machine may have signed its certificate itself."""
    return urlsplit(url).hostname in {"localhost", "127.0.0.1", "::1"}


class Tube:
    """Two WebSockets, end to end. The next frame is taken when the last one is written, so a slow reader slows its sender."""

    def __init__(self, inner: WebSocketClientConnection) -> None:
        self._inner = inner
        self._pump: asyncio.Task[None] | None = None

    def open(self, outer: WsHandler) -> None:
        self._outer = outer
        self._pump = asyncio.create_task(self._pass_on(), name="agentchat-annex")

    async def _pass_on(self) -> None:
        """What the owner's hub says, until it goes away."""
        with suppress(WebSocketClosedError):
            while (message := await self._inner.read_message()) is not None:
                await self._outer.pass_on(message)
        self._outer.close(1013, "the hub went away")

    async def send(self, message: str | bytes) -> None:
        try:
            await self._inner.write_message(message)
        except WebSocketClosedError:
            self._outer.close(1013, "the hub went away")

    def close(self) -> None:
        if self._pump:
            self._pump.cancel()
        self._inner.close()


class Events:
    """An event stream of the owner's hub: bytes to pass on, no faster than they are taken.

    By hand and with HTTP/1.0, which knows no chunks: tornado's client cannot be told to stop in the middle of a body.
    """

    def __init__(self, status: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.status = status
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, url: str, headers: dict[str, str]) -> Events:
        """Raises: OSError, EOFError, ValueError for a hub that does not answer as one."""
        parts = urlsplit(url)
        secure = ssl.create_default_context() if parts.scheme == "https" else None
        if secure and _is_loopback(url):
            secure.check_hostname, secure.verify_mode = False, ssl.CERT_NONE
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port, ssl=secure)
        try:
            lines = [f"GET {parts.path}?{parts.query} HTTP/1.0", f"Host: {parts.netloc}"]
            lines += [f"{name}: {value}" for name, value in headers.items()]
            writer.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE)
            return cls(int(head.split(None, 2)[1]), reader, writer)
        except BaseException:
            writer.close()
            raise

    async def read(self) -> bytes:
        """What comes next; nothing at the end, also after `close`."""
        try:
            return await self._reader.read(64 * 1024)
        except OSError:
            return b""

    def close(self) -> None:
        self._writer.close()
