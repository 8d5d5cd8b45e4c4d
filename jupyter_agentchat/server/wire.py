"""The WebSocket's bytes, beside tornado's own: many frames a read, many frames a write.

tornado spends a future on each of a frame's four reads and a task on each write; with a hundred busy senders that was about
a third of the hub's time. All that decides (handshake, masks, fragments, limits, closing) stays tornado's.
"""

from __future__ import annotations

from collections.abc import Awaitable
from struct import pack

from tornado.iostream import IOStream
from tornado.websocket import WebSocketProtocol13

from ..feed import Encoded

READ_BYTES = 64 * 1024


class Protocol(WebSocketProtocol13):
    """Reads what has arrived at once, and hands it out as tornado asks for it."""

    _arrived = b""
    _at = 0

    async def _read_bytes(self, n: int) -> bytes:
        while len(self._arrived) - self._at < n:
            missing = n - (len(self._arrived) - self._at)
            more = await self.stream.read_bytes(max(READ_BYTES, missing), partial=True)
            self._arrived, self._at = self._arrived[self._at :] + more, 0
        start, self._at = self._at, self._at + n
        self._wire_bytes_in += n
        return self._arrived[start : self._at]


def write(stream: IOStream, data: bytes) -> Awaitable[None] | None:
    """Writes to the stream. Returns: what to await until all is written, None if that has happened.

    tornado makes a future and a callback for each write; most writes of a fan-out are done at once and need neither.

    Raises: StreamClosedError.
    """
    if not (stream.writing() or stream.closed()):
        try:
            sent = stream.write_to_fd(memoryview(data))
        except OSError:  # also: the socket has no room
            sent = 0
        if sent == len(data):
            return None
        data = data[sent:]
    return stream.write(data)


def framed(payload: bytes) -> bytes:
    """A text message as a server sends it, RFC 6455, section 5.2."""
    size = len(payload)
    if size < 126:
        return b"\x81%c%b" % (size, payload)
    return (pack("!BBH", 0x81, 126, size) if size < 65536 else pack("!BBQ", 0x81, 127, size)) + payload


def as_frame(entry: Encoded) -> bytes:
    """An entry of a log, for `Follower`'s ``form``."""
    return framed(entry.frame)
