"""The WebSocket, byte by byte (RFC 6455)."""

from __future__ import annotations

import asyncio
import json
import socket as sockets
import struct
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

import pytest
import websocket

from jupyter_agentchat.server.wire import Wire
from tests.actors import Actor, Owner

CONTINUED, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True, masked: bool = True, reserved: int = 0) -> bytes:
    size = len(payload)
    head = bytes([fin << 7 | reserved | opcode])
    mark = 0x80 if masked else 0
    if size < 126:
        head += bytes([mark | size])
    else:
        head += bytes([mark | 126]) + struct.pack("!H", size) if size < 65536 else bytes([mark | 127]) + struct.pack("!Q", size)
    if not masked:
        return head + payload
    mask = b"\x37\xfa\x21\x3d"
    return head + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))


class Raw:
    """A TCP connection on which the handshake was made by hand."""

    def __init__(self, actor: Actor, early: bytes = b"", **headers: str) -> None:
        address = urlsplit(actor.url)
        assert address.hostname
        self.tcp = sockets.create_connection((address.hostname, address.port or 80), timeout=20)
        fields = {
            "Host": address.netloc, "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Authorization": f"Bearer {actor.token}",
        } | {name.replace("_", "-"): value for name, value in headers.items()}  # fmt: skip
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value)
        self.tcp.sendall(f"GET {address.path}ws HTTP/1.1\r\n{lines}\r\n".encode() + early)
        self.buffer = b""
        self.head = b""
        while b"\r\n\r\n" not in self.buffer:
            self._more()
        self.head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")

    def _more(self) -> None:
        more = self.tcp.recv(65536)
        if not more:
            raise EOFError
        self.buffer += more

    def take(self, size: int) -> bytes:
        while len(self.buffer) < size:
            self._more()
        taken, self.buffer = self.buffer[:size], self.buffer[size:]
        return taken

    def next(self) -> tuple[int, bytes]:
        """(opcode, payload) of the next frame; a server's are not masked."""
        opcode, size = self.take(2)
        if size == 126:
            (size,) = struct.unpack("!H", self.take(2))
        elif size == 127:
            (size,) = struct.unpack("!Q", self.take(8))
        return opcode & 15, self.take(size)

    def until(self, wanted: int) -> bytes:
        while True:
            opcode, payload = self.next()
            if opcode == wanted:
                return payload

    def close_code(self) -> int:
        code = int.from_bytes(self.until(CLOSE)[:2], "big")
        self.end()
        return code

    def end(self) -> None:
        """Reads until the server has hung up."""
        with suppress(ConnectionResetError):
            while self.tcp.recv(65536):
                pass


@contextmanager
def raw(actor: Actor, early: bytes = b"", **headers: str) -> Iterator[Raw]:
    connection = Raw(actor, early, **headers)
    try:
        yield connection
    finally:
        connection.tcp.close()


def said(room: Actor, content: str) -> bytes:
    frame = {"type": "send_message", "channel_id": room.channel_id, "content": content, "request_id": "r"}
    return json.dumps(frame).encode()


def test_the_handshake_is_that_of_the_rfc(room: Actor) -> None:
    with raw(room) as ws:
        assert ws.head.startswith(b"HTTP/1.1 101 ")
        assert b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in ws.head
        assert json.loads(ws.until(TEXT))["type"] == "connected"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Upgrade": ""}, b"400"),
        ({"Connection": "close"}, b"400"),
        ({"Sec_WebSocket_Key": ""}, b"400"),
        ({"Sec_WebSocket_Key": "short"}, b"400"),
        ({"Sec_WebSocket_Version": "8"}, b"400"),
        ({"Authorization": "Bearer au_wrong"}, b"401"),
    ],
)
def test_what_is_no_handshake_is_refused_in_the_wires_form(room: Actor, headers: dict[str, str], status: bytes) -> None:
    with raw(room, b"", **headers) as ws:
        assert ws.head.startswith(b"HTTP/1.1 " + status)
        assert b'{"error":{"code":' in ws.buffer


def test_a_page_of_another_site_may_not_use_a_cookie(hall: Owner) -> None:
    browser = Actor(hall.url)
    browser.call("POST", "login", {"email": Owner.EMAIL, "password": "correct horse"})
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in browser.http.cookies)
    with raw(browser, Authorization="", Cookie=cookies, Origin="https://evil.example") as ws:
        assert ws.head.startswith(b"HTTP/1.1 403 ")
    with raw(browser, Authorization="", Cookie=cookies, Origin=f"http://{urlsplit(hall.url).netloc}") as ws:
        assert ws.head.startswith(b"HTTP/1.1 101 ")


def test_what_came_along_with_the_handshake_is_not_lost(room: Actor) -> None:
    with raw(room, early=frame(TEXT, said(room, "early"))) as ws:
        assert json.loads(ws.until(TEXT))["type"] == "connected"
        assert json.loads(ws.until(TEXT))["type"] == "sent"
    assert [message["content"] for message in room.history()] == ["early"]


def test_a_message_in_pieces_with_pings_between_them_is_one_message(room: Actor) -> None:
    whole = said(room, "in pieces " + "ä" * 70_000)
    with raw(room) as ws:
        for at in range(0, len(whole), 10_000):
            last = at + 10_000 >= len(whole)
            ws.tcp.sendall(frame(TEXT if at == 0 else CONTINUED, whole[at : at + 10_000], fin=last))
            ws.tcp.sendall(frame(PING, b"still there?"))
        assert ws.until(PONG) == b"still there?"
        while json.loads(ws.until(TEXT)).get("request_id") != "r":
            pass
    assert room.history()[0]["content"].endswith("ä" * 100)


def test_a_frame_a_byte_at_a_time_arrives(room: Actor) -> None:
    with raw(room) as ws:
        for byte in frame(TEXT, said(room, "slow")):
            ws.tcp.sendall(bytes([byte]))
        while json.loads(ws.until(TEXT)).get("request_id") != "r":
            pass


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (frame(TEXT, b"{}", masked=False), 1002),
        (frame(TEXT, b"{}", reserved=0x40), 1002),
        (frame(3, b"{}"), 1002),
        (frame(CONTINUED, b"{}"), 1002),
        (frame(PING, b"x" * 126), 1002),
        (frame(TEXT, b"{", fin=False) + frame(TEXT, b"}"), 1002),
        (bytes([0x81, 0xFF]) + struct.pack("!Q", 2**40), 1009),
        (frame(CLOSE, struct.pack("!H", 1000) + b"bye"), 1000),
        (frame(CLOSE, struct.pack("!H", 999)), 1002),
        (frame(CLOSE, b"\x03"), 1002),
    ],
)
def test_what_breaks_the_rules_ends_the_connection_with_its_code(room: Actor, sent: bytes, code: int) -> None:
    with raw(room) as ws:
        ws.tcp.sendall(sent)
        assert ws.close_code() == code
    room.post("others go on")


def test_what_comes_before_a_goodbye_is_done_and_what_comes_after_it_is_not(room: Actor) -> None:
    with raw(room) as ws:
        assert json.loads(ws.until(TEXT))["type"] == "connected"
        goodbye = frame(CLOSE, struct.pack("!H", 1001))
        ws.tcp.sendall(frame(TEXT, said(room, "before")) + goodbye + frame(TEXT, said(room, "after")))
        assert ws.close_code() == 1001
    room.post("later")
    contents = [message["content"] for message in room.history()]
    assert contents in (["before", "later"], ["later"])  # the connection ended while it was on its way, or not yet


def test_a_stream_that_ends_without_a_goodbye_ends_the_connection(room: Actor, hall: Owner) -> None:
    def connections() -> int:
        found: int = hall.call("GET", "status")["connections"]
        return found

    before = connections()
    with raw(room) as ws:
        assert json.loads(ws.until(TEXT))["type"] == "connected"
        assert connections() == before + 1
        ws.tcp.shutdown(sockets.SHUT_WR)
        ws.end()
    assert connections() == before


def test_a_flood_without_reading_is_not_read_on_and_hurts_nobody(room: Actor) -> None:
    """Frames whose replies nobody takes: the server stops reading, so the sender's socket is what fills up."""
    ping = frame(TEXT, b'{"type":"ping","request_id":"' + b"x" * 90 + b'"}') * 1000
    with raw(room) as ws:
        ws.tcp.settimeout(2)
        with pytest.raises(TimeoutError):
            ws.tcp.sendall(ping * 2000)
        room.post("fine")


class Listening:
    """A `Wire` at one end of a pair of sockets, whose other end is ours."""

    async def __aenter__(self) -> Listening:
        self.heard: asyncio.Queue[bytes] = asyncio.Queue()
        self.wire = Wire(1024 * 1024, 30.0, self.heard.put_nowait, lambda: None)
        self.ours, theirs = sockets.socketpair()
        for end in (self.ours, theirs):
            end.setblocking(False)
            end.setsockopt(sockets.SOL_SOCKET, sockets.SO_SNDBUF, 4096)
        await asyncio.get_running_loop().connect_accepted_socket(lambda: self.wire, theirs)
        self.wire.begin()
        return self

    async def send(self, written: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self.ours, written)

    async def __aexit__(self, *_: object) -> None:
        self.ours.close()


@pytest.mark.anyio
async def test_a_peer_that_pings_and_does_not_read_is_not_read_from_until_it_does() -> None:
    async with Listening() as end:
        pinging = asyncio.ensure_future(end.send(frame(PING, b"x" * 125) * 100_000 + frame(TEXT, b"done")))
        await asyncio.sleep(0.5)
        assert not pinging.done()
        assert end.wire.unsent < 200_000  # of 12,700,000
        while not pinging.done():
            await asyncio.get_running_loop().sock_recv(end.ours, 65536)
        while end.heard.empty():
            await asyncio.get_running_loop().sock_recv(end.ours, 65536)
        assert await end.heard.get() == b"done"


@pytest.mark.anyio
async def test_empty_fragments_without_end_are_not_kept() -> None:
    async with Listening() as end:
        await end.send(frame(TEXT, b"all ", fin=False))
        tracemalloc.start()
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(50):
            await end.send(frame(CONTINUED, fin=False) * 1000)
        await end.send(frame(PING))
        await asyncio.get_running_loop().sock_recv(end.ours, 100)
        after, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert after - before < 100_000
        await end.send(frame(CONTINUED, b"of it"))
        assert await end.heard.get() == b"all of it"


def test_large_frames_are_obeyed_one_after_the_other_and_all_of_them(room: Actor) -> None:
    with room.connect() as socket:
        for at in range(4):
            socket.say("send_message", channel_id=room.channel_id, content="x", parts=[{"n": at, "of": "x" * 900_000}])
        assert [socket.until("sent")["type"] for _ in range(4)] == ["sent"] * 4
    assert [message["parts"][0]["n"] for message in room.history()] == list(range(4))


def test_an_ordinary_client_says_goodbye_and_hears_it(room: Actor) -> None:
    with room.connect() as socket:
        socket.ws.send_close(1000, b"done")
        assert socket.close_code() == 1000
        with pytest.raises((websocket.WebSocketConnectionClosedException, OSError)):
            socket.ws.recv()
