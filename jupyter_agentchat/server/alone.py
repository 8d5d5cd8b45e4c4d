"""The stand-alone server: the same routes at the root, with no kernels, files or terminals behind it."""

from __future__ import annotations

import logging
from pathlib import Path

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RedirectHandler, RequestHandler

from .. import logs
from ..errors import StoreUnavailable
from ..hub import Hub
from ..journal.local import LocalJournal
from ..limits import Limits
from ..state.store import Store
from .door import Gate
from .metrics import MetricsHandler
from .ownership import LocalHub, Ownership
from .rest import MAX_BODY_BYTES
from .routes import routes

log = logs.named(__name__)


class Alone:
    """A hub behind its own port.

    Args:
        ownership: of ``database``, taken already.
        port: 0 takes a free one.
        trust_xheaders: believe what a proxy in front says of the caller's address and of https.
    """

    def __init__(
        self,
        database: Path,
        ownership: Ownership,
        *,
        ip: str = "127.0.0.1",
        port: int = 0,
        relaxed: bool = False,
        limits: Limits | None = None,
        trust_xheaders: bool = False,
    ) -> None:
        limits = limits or Limits()
        self._ownership = ownership
        self._ip, self._port = ip, port
        self._trust_xheaders = trust_xheaders
        self._store = Store(database, relaxed=relaxed)
        journal = LocalJournal(self._store, max_queued=limits.queue_commands, max_queued_bytes=limits.queue_bytes)
        self._hub = Hub(self._store, journal, local_secret=ownership.secret, limits=limits)
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
        metrics = ("/metrics", MetricsHandler, {"gate": self._gate})
        application = Application(
            [front, metrics, *routes(self._gate)], log_function=log_request,
            xsrf_cookie_kwargs={"samesite": "Lax"},
        )  # fmt: skip
        self._server = HTTPServer(
            application, max_buffer_size=MAX_BODY_BYTES, max_body_size=MAX_BODY_BYTES, xheaders=self._trust_xheaders
        )
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
    status, request = handler.get_status(), handler.request
    # A hub that is too busy says so itself, and not at every call.
    level = logging.ERROR if status >= 500 and status != 503 else logging.DEBUG
    logs.log(log, level, "served", status=status, method=request.method, path=request.path)
