"""The stand-alone server: the same routes at the root, with no kernels, files or terminals behind it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RedirectHandler, RequestHandler

from ..errors import StoreUnavailable
from ..hub import Hub
from ..journal.local import LocalJournal
from ..state.store import Store
from .door import Gate
from .ownership import LocalHub, Ownership
from .routes import routes

log = logging.getLogger(__name__)

MAX_BODY_BYTES = 16 * 1024 * 1024


class Alone:
    """A hub behind its own port.

    Args:
        ownership: of ``database``, taken already.
        port: 0 takes a free one.
    """

    def __init__(self, database: Path, ownership: Ownership, *, ip: str = "127.0.0.1", port: int = 0, relaxed: bool = False):
        self._ownership = ownership
        self._ip, self._port = ip, port
        self._store = Store(database, relaxed=relaxed)
        self._hub = Hub(self._store, LocalJournal(self._store), local_secret=ownership.secret)
        self._gate = Gate("/")
        self._server: HTTPServer | None = None

    async def start(self) -> LocalHub:
        """Raises: OSError when the port is in use; StoreUnavailable, NewerDatabase."""
        sockets = bind_sockets(self._port, self._ip)
        try:
            await self._hub.start()
        except BaseException:
            for socket in sockets:
                socket.close()
            raise
        self._gate.open(self._hub)
        front = ("/", RedirectHandler, {"url": "/chat/", "permanent": False})
        application = Application(
            [front, *routes(self._gate)], log_function=log_request, websocket_max_message_size=MAX_BODY_BYTES,
            xsrf_cookie_kwargs={"samesite": "Lax"},
        )  # fmt: skip
        self._server = HTTPServer(application, max_buffer_size=MAX_BODY_BYTES, max_body_size=MAX_BODY_BYTES)
        self._server.add_sockets(sockets)
        self.port: int = sockets[0].getsockname()[1]
        everywhere = self._ip in {"", "*", "0.0.0.0", "::"}  # noqa: S104 (what the operator asked for)
        host = "127.0.0.1" if everywhere else f"[{self._ip}]" if ":" in self._ip else self._ip
        try:
            return self._ownership.announce(f"http://{host}:{self.port}/")
        except StoreUnavailable:
            await self.stop()
            raise

    async def stop(self) -> None:
        if self._server:
            self._server.stop()
            self._gate.shut(StoreUnavailable("The server is stopping.", retry_after=1.0))
            await self._server.close_all_connections()
        await self._hub.close()
        self._ownership.release()


def log_request(handler: RequestHandler) -> None:
    """As tornado's, without the query: a key may stand in it (an invite's token went in `Door.finish`).

    Refusals are the callers' affair, not the operator's.
    """
    write: Callable[..., Any] = log.error if handler.get_status() >= 500 else log.debug
    write("%d %s %s", handler.get_status(), handler.request.method, handler.request.path)
