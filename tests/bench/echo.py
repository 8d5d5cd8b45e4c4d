"""The door's own limit: tornado's WebSocket with nothing behind it. Prints its URL, then serves until it is ended."""

from __future__ import annotations

import asyncio

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application
from tornado.websocket import WebSocketHandler


class Echo(WebSocketHandler):
    def on_message(self, message: str | bytes) -> None:
        self.write_message(message)

    def get_compression_options(self) -> None:
        return None

    def data_received(self, chunk: bytes) -> None:
        """Abstract in tornado's types; a WebSocket has none."""


async def main() -> None:
    sockets = bind_sockets(0, "127.0.0.1")
    HTTPServer(Application([(r"/ws", Echo)])).add_sockets(sockets)
    print(f"ws://127.0.0.1:{sockets[0].getsockname()[1]}/ws", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
