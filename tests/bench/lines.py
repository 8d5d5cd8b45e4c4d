"""A thousand sockets in one process that costs less than what it measures: one epoll, blocking sockets, bytes instead of JSON.

What a server sends to many readers is the same bytes for each, so a chunk is taken apart once: when another reader gets an
equal chunk (compared byte by byte, which is a fifth of a microsecond), it is known what is in it. So every frame of every
reader is looked at, and nothing is sampled.

Times are ``time.perf_counter_ns()``: on Linux the system-wide CLOCK_MONOTONIC, the same clock in every process of a machine.
"""

from __future__ import annotations

import base64
import json
import os
import select
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, pairwise
from urllib.parse import urlsplit

from .rows import CONTENT
from .wire import CLOSE, PING, PONG, TEXT, masked

STAMP = 19
"""Digits of a stamp: when the message was due to be sent, in nanoseconds. A content begins with it."""
KNOWN = 64
"""Chunks that are remembered: those of the last moments."""
RECEIVE_BYTES = 65536
NEW_MESSAGE = b'{"type":"new_message"'


@dataclass(frozen=True)
class Chunk:
    """What stood in the bytes of one read: messages in their order, and all else."""

    seqs: list[int]
    stamps: list[int]
    others: list[bytes]
    rest: bytes
    """The beginning of a frame whose end has not arrived."""


NOTHING = b"", Chunk([], [], [], b"")

Split = Callable[[bytes], Chunk]


class Line:
    """One connection. ``heard`` has what came, and when: the chunks in their order."""

    def __init__(self, sock: socket.socket, split: Split, name: str = "") -> None:
        self.sock, self.split, self.name = sock, split, name
        self.heard: list[tuple[int, Chunk]] = []
        self.count = 0
        self.rest = b""
        self.lost = False

    def send(self, payload: bytes) -> None:
        self.sock.sendall(masked(payload))

    def seqs(self) -> list[int]:
        return list(chain.from_iterable(chunk.seqs for _, chunk in self.heard))

    def nanoseconds(self, since: int = 0) -> Iterator[int]:
        """How long each message took whose stamp is after ``since``."""
        for now, chunk in self.heard:
            for stamp in chunk.stamps:
                if stamp >= since:
                    yield now - stamp


@dataclass
class Lines:
    """All of them. ``turn`` hears what has come; ``on_other`` is called with each frame that is no message."""

    on_other: Callable[[Line, bytes], None]
    count: int = 0
    open: dict[int, Line] = field(default_factory=dict)
    _known: dict[bytes, tuple[bytes, Chunk]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._epoll = select.epoll()

    def add(self, line: Line) -> None:
        self.open[line.sock.fileno()] = line
        self._epoll.register(line.sock.fileno(), select.EPOLLIN)

    def turn(self, seconds: float) -> None:
        """Waits at most so long for something to come: ``select`` by the microsecond, where epoll counts milliseconds."""
        if seconds > 0:
            select.select([self._epoll], [], [], seconds)
        for number, _ in self._epoll.poll(0, 512):
            line = self.open[number]
            data = line.sock.recv(RECEIVE_BYTES)
            now = time.perf_counter_ns()
            if not data:
                line.lost = True
                self._epoll.unregister(number)
                continue
            if line.rest:
                data = line.rest + data
            known, chunk = self._known.get(data[:80], NOTHING)
            if known != data:
                chunk = line.split(data)
                if len(self._known) >= KNOWN:
                    self._known.clear()
                self._known[data[:80]] = data, chunk
            line.rest = chunk.rest
            if chunk.seqs:
                line.heard.append((now, chunk))
                line.count += len(chunk.seqs)
                self.count += len(chunk.seqs)
            for other in chunk.others:
                self.on_other(line, other)

    def forget(self) -> None:
        """What was heard until now."""
        self.count = 0
        for line in self.open.values():
            line.heard.clear()
            line.count = 0

    def check(self) -> None:
        if lost := [line.name for line in self.open.values() if line.lost]:
            raise ConnectionError(f"{len(lost)} connections were closed by the server, the first {lost[0]}.")

    def close(self) -> None:
        for line in self.open.values():
            line.sock.close()
        self._epoll.close()


# ---------------------------------------------------------------------------------------------------- what a chunk has


def split_websocket(data: bytes) -> Chunk:
    seqs: list[int] = []
    stamps: list[int] = []
    others: list[bytes] = []
    at, length = 0, len(data)
    while length - at >= 2:
        size, start = data[at + 1], at + 2
        if size == 126:
            size, start = int.from_bytes(data[at + 2 : at + 4], "big"), at + 4
        elif size == 127:
            size, start = int.from_bytes(data[at + 2 : at + 10], "big"), at + 10
        end = start + size
        if length < end:
            break
        if data.startswith(NEW_MESSAGE, start):
            take(data, start, end, seqs, stamps)
        elif data[at] & 15 != TEXT:
            others.append(bytes([data[at] & 15]) + data[start:end])
        else:
            others.append(data[start:end])
        at = end
    return Chunk(seqs, stamps, others, data[at:])


def take(data: bytes, start: int, end: int, seqs: list[int], stamps: list[int]) -> None:
    """The seq, and the stamp at the beginning of the content, of the message between start and end."""
    seq = data.find(b'"seq":', start, end) + 6
    seqs.append(int(data[seq : data.index(b",", seq, end)]))
    content = data.find(b'"content":"', start, end) + 11
    stamp = data[content : content + STAMP]
    stamps.append(int(stamp) if stamp.isdigit() else 0)


def split_nats(data: bytes) -> Chunk:
    """``MSG subject sid bytes\\r\\npayload\\r\\n``, and lines."""
    seqs: list[int] = []
    stamps: list[int] = []
    others: list[bytes] = []
    at, length = 0, len(data)
    while (line_end := data.find(b"\r\n", at)) >= 0:
        after = line_end + 2
        if data.startswith(b"MSG ", at):
            after += int(data[data.rfind(b" ", at, line_end) + 1 : line_end]) + 2
            if after > length:
                break
            take(data, line_end + 2, after - 2, seqs, stamps)
        else:
            others.append(data[at:line_end])
        at = after
    return Chunk(seqs, stamps, others, data[at:])


# ---------------------------------------------------------------------------------------------------- connecting


def pong(line: Line, frame: bytes) -> bool:
    """Whether the frame was a ping or a goodbye, which is seen to."""
    if frame[:1] == bytes([PING]):
        line.sock.sendall(masked(frame[1:], PONG))
    elif frame[:1] == bytes([CLOSE]):
        line.lost = True
    return frame[:1] in {bytes([PING]), bytes([PONG]), bytes([CLOSE])}


def dial(url: str, name: str = "", subscribe: str | None = None) -> Line:
    """A WebSocket that is open; to a hub also one that is subscribed to a channel from now on, by its reply."""
    line = open_websocket(url, name)
    if subscribe is not None:
        line.send(json.dumps({"type": "subscribe", "channel_id": subscribe}).encode())
        told = b""
        while b'"type":"subscribed"' not in told:
            if b'"type":"error"' in told or not (data := line.sock.recv(RECEIVE_BYTES)):
                raise ConnectionError(f"{name} could not subscribe: {told!r}")
            told += data
        line.rest = split_websocket(told).rest
    return line


def open_websocket(url: str, name: str = "") -> Line:
    parts = urlsplit(url)
    sock = connected(parts.hostname or "127.0.0.1", parts.port or 80)
    key = base64.b64encode(os.urandom(16)).decode()
    sock.sendall(
        f"GET {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    head = b""
    while not head.endswith(b"\r\n\r\n"):  # a byte at a time: what follows is the first frame's
        byte = sock.recv(1)
        if not byte:
            raise ConnectionError(f"{name}: {head.decode(errors='replace')}")
        head += byte
    if not head.startswith(b"HTTP/1.1 101"):
        raise ConnectionError(f"{name}: {head.decode(errors='replace')}")
    return Line(sock, split_websocket, name)


def dial_nats(url: str, subject: str | None, name: str = "") -> Line:
    """A plain connection of NATS's own protocol; ``subject``: what it subscribes to."""
    parts = urlsplit(url)
    sock = connected(parts.hostname or "127.0.0.1", parts.port or 4222)
    lines = [b'CONNECT {"verbose":false}']
    lines += [f"SUB {subject} 1".encode()] if subject else []
    sock.sendall(b"\r\n".join([*lines, b"PING", b""]))
    told = b""
    while b"PONG\r\n" not in told:
        told += sock.recv(RECEIVE_BYTES)
    return Line(sock, split_nats, name)


def connected(host: str, port: int) -> socket.socket:
    sock = socket.create_connection((host, port), timeout=30)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.settimeout(None)  # with one, each read would cost a poll of its own
    return sock


# ---------------------------------------------------------------------------------------------------- what is sent


def stamped(stamp: int) -> str:
    return f"{stamp:0{STAMP}d} {CONTENT[STAMP + 1 :]}"


class Frames:
    """Builds a sender's frames of one size from two parts that stay as they are."""

    def __init__(self, channel_id: str, name: str) -> None:
        head = {"type": "send_message", "channel_id": channel_id, "content": "@", "client_id": "#"}
        text = json.dumps(head)
        self._before, rest = text.split("@")
        self._between, self._after = rest.split("#")
        self._name = name

    def make(self, stamp: int, number: int) -> bytes:
        return f"{self._before}{stamped(stamp)}{self._between}{self._name}-{number}{self._after}".encode()


def as_delivered(stamp: int, seq: int) -> bytes:
    """What a peer without a log is given to pass on: as large as what a hub delivers of the same post."""
    message = {
        "id": "msg_" + "0" * 26, "channel_id": "ch_" + "0" * 26, "seq": seq, "author_id": "ag_" + "0" * 26,
        "author_name": "agent 0", "author_kind": "agent", "content": stamped(stamp),
        "created_at": "2026-11-21T00:00:00.000Z", "client_id": f"00000000-{seq}", "lamport": seq, "prev_seq": seq - 1,
    }  # fmt: skip
    return json.dumps({"type": "new_message", "message": message}, separators=(",", ":")).encode()


def faults(readers: Iterable[tuple[list[int], list[int]]]) -> dict[str, int]:
    """Lost, doubled and out of order over all readers: (the seqs that a reader got, the seqs that were confirmed)."""
    lost = doubled = disordered = 0
    for got, expected in readers:
        if got == expected:
            continue
        lost += len(set(expected) - set(got))
        doubled += len(got) - len(set(got))
        disordered += sum(later < earlier for earlier, later in pairwise(got))
    return {"lost": lost, "doubled": doubled, "disordered": disordered}
