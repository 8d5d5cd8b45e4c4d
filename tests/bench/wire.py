"""A WebSocket client of a few lines: a load generator must cost less than what it loads."""

from __future__ import annotations

import asyncio
import base64
import os
import struct
from collections.abc import Callable
from urllib.parse import urlsplit

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


def masked(payload: bytes, opcode: int = TEXT) -> bytes:
    """A client's frame. The mask is zero, which RFC 6455 does not forbid here: the server unmasks it all the same."""
    size = len(payload)
    head = struct.pack("!BB", 0x80 | opcode, 0x80 | size) if size < 126 else struct.pack("!BBH", 0x80 | opcode, 0xFE, size)
    return head + b"\0\0\0\0" + payload


class Socket(asyncio.Protocol):
    """Calls ``on_frame`` with each text frame; small frames (below 64 KiB) only."""

    def __init__(self, request: bytes, on_frame: Callable[[bytes], None]) -> None:
        self._request = request
        self._buffer = bytearray()
        self.on_frame = on_frame
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.lost: Exception | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._request)

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = exc or ConnectionError("The server closed the connection.")
        if not self.opened.done():
            self.opened.set_exception(self.lost)

    def send(self, *payloads: bytes) -> None:
        self._transport.write(b"".join(map(masked, payloads)))

    def close(self) -> None:
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer
        buffer += data
        if not self.opened.done():
            end = buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            if not buffer.startswith(b"HTTP/1.1 101"):
                self.opened.set_exception(ConnectionError(bytes(buffer).decode(errors="replace")))
                return
            del buffer[: end + 4]
            self.opened.set_result(None)
        self._take_frames()

    def _take_frames(self) -> None:
        buffer, at = self._buffer, 0
        while len(buffer) >= at + 2:
            size, start = buffer[at + 1], at + 2
            if size == 126:
                if len(buffer) < at + 4:
                    break
                size, start = buffer[at + 2] << 8 | buffer[at + 3], at + 4
            if len(buffer) < start + size:
                break
            opcode, payload, at = buffer[at] & 15, bytes(buffer[start : start + size]), start + size
            if opcode == TEXT:
                self.on_frame(payload)
            elif opcode == PING:
                self._transport.write(masked(payload, PONG))
        del buffer[:at]


async def connect(url: str, on_frame: Callable[[bytes], None]) -> Socket:
    parts = urlsplit(url)
    key = base64.b64encode(os.urandom(16)).decode()
    request = (
        f"GET {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    loop = asyncio.get_running_loop()
    host, port = parts.hostname or "127.0.0.1", parts.port or 80
    _, socket = await loop.create_connection(lambda: Socket(request.encode(), on_frame), host, port)
    await socket.opened
    return socket
