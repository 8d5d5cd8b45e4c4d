"""The WebSocket's bytes: RFC 6455 by websockets' core without I/O, on the event loop's own transport.

tornado takes the request and then gives the socket away. Its stream spends futures and tasks on each frame, a transport does
not: an echo to a hundred busy connections is twice as fast this way, with many frames under way five times.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from struct import pack
from typing import Protocol as Shape
from typing import cast

from tornado.iostream import IOStream, SSLIOStream, StreamClosedError
from tornado.web import RequestHandler
from websockets.datastructures import Headers
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import Protocol, Side, State
from websockets.server import ServerProtocol

from ..errors import InvalidRequest
from ..feed import Encoded

READ_BYTES = 64 * 1024
SLICE = 8 * 1024
PONG = 0x80 | Opcode.PONG
GOODBYE = 5.0
"""Seconds that a peer has for its part of a close."""
DATA = frozenset({Opcode.TEXT, Opcode.BINARY, Opcode.CONT})


def framed(payload: bytes) -> bytes:
    """A text message as a server sends it, RFC 6455, section 5.2."""
    size = len(payload)
    if size < 126:
        return b"\x81%c%b" % (size, payload)
    return (pack("!BBH", 0x81, 126, size) if size < 65536 else pack("!BBQ", 0x81, 127, size)) + payload


def as_frame(entry: Encoded) -> bytes:
    """An entry of a log, for `Follower`'s ``form``."""
    return framed(entry.frame)


class Transport(Shape):
    """What is used of an `asyncio.Transport`."""

    def write(self, data: bytes) -> None: ...
    def get_write_buffer_size(self) -> int: ...
    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None: ...
    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...
    def is_closing(self) -> bool: ...
    def close(self) -> None: ...
    def abort(self) -> None: ...


class Wire(asyncio.Protocol):
    """One connection, from the server's side.

    Args:
        max_size: bytes of a message that comes in; past it the connection ends with 1009.
        heartbeat: seconds between pings; after three of them without a word from the peer the connection is given up.
        on_message: takes each message. What it returns is awaited before it gets the next one; meanwhile nothing is read.
        on_lost: the connection is gone. Called once.
    """

    def __init__(
        self,
        max_size: int,
        heartbeat: float,
        on_message: Callable[[bytes], Awaitable[None] | None],
        on_lost: Callable[[], None],
    ) -> None:
        self._core = Protocol(Side.SERVER, state=State.OPEN, max_size=max_size)
        self._heartbeat = heartbeat
        self._on_message = on_message
        self._on_lost = on_lost
        self._loop = asyncio.get_running_loop()
        self._parts = bytearray()  # not a list: fragments may be empty, and then no size bounds how many there are
        self._unparsed = b""
        self._arrived: deque[bytes] = deque()
        self._busy: asyncio.Task[None] | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._timer: asyncio.TimerHandle | None = None
        self._heard = self._loop.time()
        self._transport: Transport
        self._is_text = True
        self._begun = self._reading = self._is_deaf = self.lost = False

    # ------------------------------------------------------------------ out

    def write(self, frames: bytes) -> None:
        """Sends frames (see `framed`), now if the socket has room. After `close`, nothing."""
        if self.open:
            self._transport.write(frames)

    @property
    def open(self) -> bool:
        return not self.lost and self._core.state is State.OPEN and not self._transport.is_closing()

    @property
    def unsent(self) -> int:
        """Bytes that wait for the peer to read."""
        return 0 if self.lost else self._transport.get_write_buffer_size()

    async def drained(self) -> bool:
        """Until what waits is below what `bound` has set, or the connection is lost. Returns: whether that took a wait."""
        waits = not self._writable.is_set()
        await self._writable.wait()
        return waits

    def bound(self, size: int) -> None:
        """`drained` waits while more than half of ``size`` bytes are unsent."""
        self._transport.set_write_buffer_limits(high=size // 2, low=size // 4)

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Says goodbye; the peer has 5 seconds to say it too. A peer that does not read is not waited for longer either."""
        if self.open:
            self._core.send_close(code, reason)
            self._send()
            if code != CloseCode.SERVICE_RESTART:
                self._read_or_not()
                self._after(GOODBYE, self._transport.abort)
            elif self.unsent:
                self._transport.abort()
            else:
                self._transport.close()  # the event loop itself may end now: there is no time for manners
        elif code == CloseCode.SERVICE_RESTART and not self.lost:
            self._transport.abort()

    # ------------------------------------------------------------------ what the transport says

    def begin(self) -> None:
        """From now on messages are handed over."""
        self._begun = True
        self._hand_over()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("Transport", transport)
        self._transport.pause_reading()
        self._after(self._heartbeat, self._ping)

    def data_received(self, data: bytes) -> None:
        self._heard = self._loop.time()
        waits = bool(self._unparsed)
        self._unparsed = self._unparsed + data if waits else data
        if not waits:
            self._parse()

    def _parse(self) -> None:
        """A slice at a turn of the event loop: a read may hold forty thousand frames, and they are not the only ones here."""
        if self.lost:
            return
        data, self._unparsed = self._unparsed[:SLICE], self._unparsed[SLICE:]
        if self._unparsed:
            self._loop.call_soon(self._parse)
        core = self._core
        core.receive_data(data)
        for frame in cast("list[Frame]", core.events_received()):
            if frame.opcode not in DATA:
                continue  # pings and closes are answered by the core
            if frame.opcode is not Opcode.CONT:
                self._is_text = frame.opcode is Opcode.TEXT
            if frame.fin and not self._parts:
                self._arrive(bytes(frame.data))
                continue
            self._parts += frame.data
            if frame.fin:
                self._arrive(bytes(self._parts))
                self._parts = bytearray()
        self._send()
        self._hand_over()

    def _arrive(self, message: bytes) -> None:
        if self._is_text and not message.isascii():
            try:
                message.decode()
            except UnicodeDecodeError:
                if self.open:
                    self._core.fail(CloseCode.INVALID_DATA, "a text is not UTF-8")
                return
        self._arrived.append(message)

    def eof_received(self) -> None:
        self._core.receive_eof()  # and the transport closes itself

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()
        self._is_deaf = False
        self._read_or_not()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.lost:
            return
        self.lost = True
        self._writable.set()
        self._arrived.clear()
        self._unparsed = b""
        if self._timer:
            self._timer.cancel()
        self._on_lost()

    # ------------------------------------------------------------------ inside

    def _send(self) -> None:
        saying = self._core.data_to_send()
        if not saying or self._transport.is_closing():
            return  # to a socket that failed, asyncio would log each write
        if not self._writable.is_set() and any(data and data[0] == PONG for data in saying):
            # Who pings and does not read would make pongs pile up here: they pile up in its own buffers instead.
            self._is_deaf = True
        self._transport.write(b"".join(saying))
        if saying[-1] == b"":  # the core's word for the end
            self._transport.close()  # flushes first
            self._after(GOODBYE, self._transport.abort)

    def _hand_over(self) -> None:
        while self._begun and self._arrived and self._busy is None:
            waiting = self._on_message(self._arrived.popleft())
            if waiting is not None:
                self._busy = self._loop.create_task(self._wait(waiting))
        self._read_or_not()

    def _read_or_not(self) -> None:
        """Nothing is read while a message waits for its turn, or what was read for its."""
        waits = self._busy is not None or self._unparsed or self._is_deaf
        reading = not self.open or (self._begun and not waits)
        if reading != self._reading and not self.lost:
            self._reading = reading
            if reading:
                self._transport.resume_reading()
            else:
                self._transport.pause_reading()

    async def _wait(self, waiting: Awaitable[None]) -> None:
        await waiting
        self._busy = None
        self._hand_over()

    def _ping(self) -> None:
        if self._loop.time() - self._heard > 3 * self._heartbeat:
            self._transport.abort()
            return
        if self.open:
            self._core.send_ping(b"")
            self._send()
            self._after(self._heartbeat, self._ping)

    def _after(self, seconds: float, do: Callable[[], None]) -> None:
        if self._timer:
            self._timer.cancel()
        self._timer = self._loop.call_later(seconds, do)


async def take_over(door: RequestHandler, wire: Wire) -> None:
    """Answers the handshake, and puts the connection on the wire.

    Raises: InvalidRequest for what is not a WebSocket's handshake; StreamClosedError.
    """
    handshake = ServerProtocol()
    response = handshake.accept(Request(door.request.path, Headers(door.request.headers.get_all())))
    if response.status_code != 101:
        raise InvalidRequest((response.body or b"").decode().strip() or "This is not a WebSocket's handshake.")
    stream = door.detach()
    stream.set_nodelay(True)  # a frame is small and waited for: Nagle would hold it back for the 40 ms of a delayed ACK
    await stream.write(response.serialize())
    reading = cast("asyncio.Future[bytes]", stream.read_bytes(READ_BYTES, partial=True))
    if isinstance(stream, SSLIOStream):
        _Tls(stream, wire, reading)
        return
    # From here on the event loop reads; what tornado has read already is in `reading`.
    stream.io_loop.remove_handler(stream.fileno())
    socket, stream.socket = stream.socket, None  # type: ignore[assignment] # so that it closes nothing of ours
    await asyncio.get_running_loop().connect_accepted_socket(lambda: wire, socket)
    if reading.done():
        wire.data_received(reading.result())


class _Tls:
    """tornado's TLS stream as a transport: an encrypted socket cannot be given away."""

    def __init__(self, stream: IOStream, wire: Wire, reading: asyncio.Future[bytes]) -> None:
        self._stream = stream
        self._wire = wire
        self._may_read = asyncio.Event()
        self._may_read.set()
        self._unsent = 0
        self._high = self._low = 64 * 1024
        wire.connection_made(cast("asyncio.BaseTransport", self))
        self._reader = asyncio.get_running_loop().create_task(self._read(reading))

    async def _read(self, reading: Awaitable[bytes]) -> None:
        try:
            while True:
                data = await reading
                self._wire.data_received(data)
                await self._may_read.wait()
                reading = self._stream.read_bytes(READ_BYTES, partial=True)
        except StreamClosedError:
            pass
        finally:
            self._wire.connection_lost(None)

    def write(self, data: bytes) -> None:
        if self._stream.closed():
            return
        self._unsent += len(data)
        self._stream.write(data).add_done_callback(lambda done: self._written(done, len(data)))
        if self._unsent > self._high:
            self._wire.pause_writing()

    def _written(self, done: asyncio.Future[None], size: int) -> None:
        if not done.cancelled():
            done.exception()  # a closed stream: the reader has noticed too
        self._unsent -= size
        if self._unsent <= self._low:
            self._wire.resume_writing()

    def get_write_buffer_size(self) -> int:
        return self._unsent

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._high, self._low = high or self._high, low or self._low

    def pause_reading(self) -> None:
        self._may_read.clear()

    def resume_reading(self) -> None:
        self._may_read.set()

    def is_closing(self) -> bool:
        return self._stream.closed()

    def close(self) -> None:
        if self._unsent:
            self._stream.write(b"").add_done_callback(lambda done: self._stream.close())
        else:
            self._stream.close()

    def abort(self) -> None:
        self._stream.close()
