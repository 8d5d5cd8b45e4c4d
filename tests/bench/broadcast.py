"""The fan-out's peers, with nothing behind them: what one says is passed on to who is in ``/ws/{room}``.

Who comes with ``?speaker`` says things and hears none.

``python -m tests.bench.broadcast tornado`` or ``websockets``: prints its URL, then serves until it is ended.
"""

from __future__ import annotations

import asyncio
import sys
from collections import defaultdict

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application
from tornado.websocket import WebSocketHandler
from websockets.asyncio.server import ServerConnection, broadcast, serve

BACKLOG = 4096


class Room(WebSocketHandler):
    """A message to everybody in it, as tornado's own examples do it."""

    rooms: dict[str, set[Room]] = defaultdict(set)  # noqa: RUF012 (tornado makes the handlers)

    def open(self, name: str) -> None:
        self.set_nodelay(True)
        self._room = self.rooms[name]
        if not self.request.query:
            self._room.add(self)

    def on_message(self, message: str | bytes) -> None:
        for reader in self._room:
            reader.write_message(message)

    def on_close(self) -> None:
        self._room.discard(self)

    def get_compression_options(self) -> None:
        return None

    def data_received(self, chunk: bytes) -> None:
        """Abstract in tornado's types; a WebSocket has none."""


async def with_tornado() -> None:
    sockets = bind_sockets(0, "127.0.0.1", backlog=BACKLOG)
    HTTPServer(Application([(r"/ws/(.*)", Room)])).add_sockets(sockets)
    await ready(sockets[0].getsockname()[1])


async def with_websockets() -> None:
    rooms: dict[str, set[ServerConnection]] = defaultdict(set)

    async def handle(connection: ServerConnection) -> None:
        path, _, speaker = (connection.request.path if connection.request else "").partition("?")
        room = rooms[path]
        if not speaker:
            room.add(connection)
        try:
            async for message in connection:
                broadcast(room, message)
        finally:
            room.discard(connection)

    async with serve(handle, "127.0.0.1", 0, compression=None, backlog=BACKLOG) as server:
        await ready(next(iter(server.sockets)).getsockname()[1])


async def ready(port: int) -> None:
    print(f"ws://127.0.0.1:{port}/", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run({"tornado": with_tornado, "websockets": with_websockets}[sys.argv[1]]())
