"""REST: decode, hub, encode. One handler for the whole table of operations."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
from tornado.http1connection import HTTP1Connection
from tornado.web import stream_request_body

from ..errors import InvalidRequest, MessageTooLarge, MethodNotAllowed, NotFound, XsrfFailed
from ..protocol import OPERATIONS, Operation, SignedIn
from .door import BESIDE_THE_REQUEST, Door, Gate, session_cookie

_TEMPLATES = [(operation.path.split("/"), operation) for operation in OPERATIONS]
SESSION_DAYS = 30
MAX_BODY_BYTES = 16 * 1024 * 1024
STRANGERS_BYTES = 64 * 1024
"""Of a body whose sender is not known: no call that is open to anyone takes more."""
SKIPPED_BYTES = 1024 * 1024 * 1024
"""A body that is too large is read to its end and thrown away, so that its sender gets to read why; one longer than this is
hung up on."""


def find(method: str, path: str) -> tuple[Operation, dict[str, str]]:
    """The operation and its path's fields. Raises: NotFound, MethodNotAllowed."""
    allowed = []
    segments = path.removesuffix("/").split("/")
    for template, operation in _TEMPLATES:
        in_path = _match(template, segments)
        if in_path is not None:
            if operation.method == method:
                return operation, in_path
            allowed.append(operation.method)
    if allowed:
        raise MethodNotAllowed(f"{method} is not defined for {path}: use {' or '.join(allowed)}.")
    raise NotFound(f"There is no call {path}: `GET api/v1/openapi.json` lists them.")


def _match(template: list[str], segments: list[str]) -> dict[str, str] | None:
    """The fields in the path, None if it is another's."""
    if len(template) != len(segments):
        return None
    fields: dict[str, str] = {}
    for wanted, segment in zip(template, segments, strict=True):
        if wanted.startswith("{") and segment:
            fields[wanted[1:-1]] = segment
        elif wanted != segment:
            return None
    return fields


@stream_request_body
class RestHandler(Door):
    """``api/v1/…``"""

    def initialize(self, gate: Gate) -> None:
        super().initialize(gate)
        self.body = bytearray()
        self._limit_bytes = MAX_BODY_BYTES
        self._reading: asyncio.Task[Any] | None = None

    async def prepare(self) -> None:
        connection = self.request.connection
        if isinstance(connection, HTTP1Connection):
            connection.set_max_body_size(SKIPPED_BYTES)
        if self.gate.annex is None and not self._says_that_it_is_short():
            try:
                who = (await self.caller()).who
            except Exception:  # `serve` says why
                who = None
            if who is None:
                self._limit_bytes = STRANGERS_BYTES

    def _says_that_it_is_short(self) -> bool:
        size = self.request.headers.get("Content-Length")
        if size is None:
            return "Transfer-Encoding" not in self.request.headers
        return size.isdecimal() and int(size) <= STRANGERS_BYTES

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        # tornado itself refuses (a path that is no UTF-8), before the body was read: then it hangs up, and must say so.
        self.set_header("Connection", "close")
        super().write_error(status_code, **kwargs)

    def data_received(self, chunk: bytes) -> None:
        if len(self.body) <= self._limit_bytes:
            self.body += chunk

    def _check_size(self) -> None:
        if len(self.body) > self._limit_bytes:
            raise MessageTooLarge(
                f"The body is longer than {self._limit_bytes:,} bytes: send less at once.", limit_bytes=self._limit_bytes
            )

    def on_connection_close(self) -> None:
        super().on_connection_close()
        if self._reading:
            self._reading.cancel()  # nobody waits for this page anymore, and whoever polled is not here by it

    async def serve(self, path: str) -> None:
        try:
            assert self.request.method
            operation, in_path = find(self.request.method, path)
            if annex := self.gate.annex:
                self._check_size()
                await annex.forward(self, operation, in_path)
                return
            caller = await self.caller()
            self.gate.hub.check_known(operation, caller)  # who may not call need not be told what is wrong with the call
            self._check_size()
            if operation.who == "bootstrapper" and caller.who is None and "Origin" in self.request.headers:
                # A page whose name was rebound to this host is of the same origin: it must not become the owner.
                raise XsrfFailed("A workspace is founded by a program, not by a page: use curl, or the client.")
            if operation.method == "GET":
                self._reading = asyncio.current_task()
            self.gate.hub.weigh_in(caller, len(self.body))
            status, reply = await self.gate.hub.call(operation, caller, self.decode(operation, in_path))
            self._reading = None
            self.set_session(operation, reply)
            self.send(status, reply)
        except asyncio.CancelledError:
            if self._reading is None:
                raise
        except Exception as error:  # the door is where every error becomes a reply
            self.refuse(error)

    get = post = patch = put = delete = serve

    def decode(self, operation: Operation, in_path: dict[str, str]) -> Any:
        if self.request.method in {"GET", "DELETE"}:
            said = self._fields(in_path) if self.request.method == "DELETE" and self.body else {}
            return convert({**query_of(self), **said, **in_path}, operation.request, strict=False)
        return convert({**self._fields(in_path), **in_path}, operation.request)

    def _fields(self, in_path: dict[str, str]) -> dict[str, Any]:
        """The body's."""
        try:
            body = msgspec.json.decode(self.body or b"{}")
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise InvalidRequest(f"The body is not valid JSON: {error}.") from error
        if not isinstance(body, dict):
            raise InvalidRequest(f"The body is a JSON {type(body).__name__}: send an object.")
        if twice := body.keys() & in_path.keys():
            raise InvalidRequest(f"{', '.join(twice)} stands in the path: leave it out of the body.")
        return body

    def set_session(self, operation: Operation, reply: Any) -> None:
        cookie = session_cookie(self.request, self.gate.path)
        if isinstance(reply, SignedIn) and reply.session_token:
            self.set_cookie(
                cookie, reply.session_token, path=self.gate.path, httponly=True, samesite="Lax",
                secure=self.request.protocol == "https", expires_days=SESSION_DAYS,
            )  # fmt: skip
        elif operation.name == "logout":
            self.clear_cookie(cookie, path=self.gate.path)


def query_of(door: Door) -> dict[str, Any]:
    """The fields in the query, without what says who calls."""
    return {
        name: values[-1].decode(errors="replace")
        for name, values in door.request.query_arguments.items()
        if name not in BESIDE_THE_REQUEST
    }


def convert(fields: dict[str, Any], request: type[msgspec.Struct], *, strict: bool = True) -> Any:
    try:
        return msgspec.convert(fields, request, strict=strict)
    except msgspec.ValidationError as error:
        raise InvalidRequest(f"{error}.") from error


class OpenApiHandler(Door):
    """``api/v1/openapi.json``: the document of what this file serves, for anyone."""

    def get(self) -> None:
        from ..schema import openapi

        self.send(200, openapi())


class NothingHere(Door):
    """Every other path below ours."""

    def prepare(self) -> None:  # type: ignore[override] # tornado takes both kinds
        self.refuse(NotFound(f"There is nothing at {self.request.path}."))
