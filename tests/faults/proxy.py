"""A proxy between clients and a hub that delays, cuts, and says things twice; it knows HTTP and WebSocket just well enough."""

from __future__ import annotations

import asyncio
import random
import re
from contextlib import suppress

CHUNK = 4096


class Proxy:
    """Listens on loopback; ``async with Proxy(port) as proxy``, then ``proxy.url``.

    Args:
        port: where the hub listens.
        cut: the chance that a chunk, in either direction, is the connection's last, and goes out in part only.
        twice: the chance that a whole request, or a whole frame of a client, is sent twice.
        delay: seconds that a chunk is held back at most.
    """

    def __init__(self, port: int, *, cut: float, twice: float, delay: float, seed: int = 1) -> None:
        self._port, self._cut, self._twice, self._delay = port, cut, twice, delay
        self._random = random.Random(seed)
        self.cuts = self.doubled = 0
        self._open: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Proxy:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._open.add(task)
        try:
            with suppress(OSError, EOFError):
                hub_reader, hub_writer = await asyncio.open_connection("127.0.0.1", self._port)
                try:
                    ways = [
                        asyncio.create_task(self._up(reader, hub_writer)),
                        asyncio.create_task(self._down(hub_reader, writer)),
                    ]
                    # Either end is the end: the other way is cut in the middle of whatever it was saying.
                    await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
                    for way in ways:
                        way.cancel()
                    await asyncio.gather(*ways, return_exceptions=True)
                finally:
                    hub_writer.transport.abort()
        finally:
            writer.transport.abort()
            self._open.discard(task)

    async def _up(self, reader: asyncio.StreamReader, hub: asyncio.StreamWriter) -> None:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"(?i)content-length: *(\d+)", head)
            request = head + await reader.readexactly(int(length[1]) if length else 0)
            upgrade = re.search(rb"(?i)upgrade: *websocket", head)
            if not upgrade and b"/events" not in head and self._random.random() < self._twice:
                self.doubled += 1
                echo = asyncio.create_task(self._elsewhere(request))
                self._open.add(echo)
                echo.add_done_callback(self._open.discard)
            await self._pass(request, hub)
            if upgrade:
                await self._frames_up(reader, hub)

    async def _frames_up(self, reader: asyncio.StreamReader, hub: asyncio.StreamWriter) -> None:
        while True:
            frame = await reader.readexactly(2)
            size = frame[1] & 127
            if size > 125:
                frame += (extended := await reader.readexactly(2 if size == 126 else 8))
                size = int.from_bytes(extended, "big")
            frame += (masked := await reader.readexactly(4 + size))
            said = bytes(byte ^ masked[at % 4] for at, byte in enumerate(masked[4:]))
            # To subscribe is to set one's cursor: said twice it asks for a second replay, and rightly gets it.
            doubles = frame[0] & 15 in {1, 2} and b'"subscribe"' not in said
            if doubles and self._random.random() < self._twice:
                self.doubled += 1
                frame += frame
            await self._pass(frame, hub)

    async def _down(self, hub: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await hub.read(CHUNK):
            await self._pass(chunk, writer)

    async def _pass(self, data: bytes, to: asyncio.StreamWriter) -> None:
        await asyncio.sleep(self._random.random() * self._delay)
        if self._random.random() < self._cut:
            self.cuts += 1
            to.write(data[: self._random.randrange(len(data))])
            await to.drain()
            raise EOFError
        to.write(data)
        await to.drain()

    async def _elsewhere(self, request: bytes) -> None:
        """The same request over another connection, now or a little later; nobody hears its answer."""
        await asyncio.sleep(self._random.random() * 10 * self._delay)
        with suppress(OSError):
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            try:
                writer.write(request)
                await reader.read(CHUNK)
            finally:
                writer.transport.abort()
