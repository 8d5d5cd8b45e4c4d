"""Connections that end, or go wrong, in the middle of what they say: nobody else notices, and nothing half is done."""

from __future__ import annotations

import json
import socket as sockets
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

from tests.actors import Actor


@contextmanager
def raw(room: Actor) -> Iterator[sockets.socket]:
    """A bare TCP connection to the hub."""
    address = urlsplit(room.url)
    assert address.hostname
    assert address.port
    with sockets.create_connection((address.hostname, address.port), timeout=10) as connection:
        yield connection


def handshake(room: Actor) -> bytes:
    return (
        f"GET /ws?token={room.token} HTTP/1.1\r\nHost: {urlsplit(room.url).netloc}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ).encode()


def frame_of(room: Actor, size: int = 5000) -> bytes:
    said = json.dumps({"type": "send_message", "channel_id": room.channel_id, "content": "x" * size}).encode()
    return b"\x81\xfe" + len(said).to_bytes(2, "big") + b"\0\0\0\0" + said


def test_a_connection_cut_in_the_middle_of_a_frame_is_nobodys_trouble(room: Actor) -> None:
    whole = frame_of(room)
    for cut in (1, 3, 10, len(whole) // 2, len(whole) - 1):
        with raw(room) as connection:
            connection.sendall(handshake(room))
            assert b" 101 " in connection.recv(200)
            connection.sendall(whole[:cut])
    start = handshake(room)
    for words in (start[:30], start[:-2], b"POST /api/v1/bootstrap HTTP/1.1\r\nContent-Length: 100\r\n\r\n{"):
        with raw(room) as connection:
            connection.sendall(words)
    room.post("fine")
    assert [message["content"] for message in room.history()] == ["fine"]


BROKEN = {
    "an unknown opcode": b"\x83\x80\0\0\0\0",
    "a reserved bit": b"\xc1\x80\0\0\0\0",
    "a control frame too long": b"\x89\xfe\0\x80\0\0\0\0" + b"x" * 128,
    "a control frame in pieces": b"\x09\x80\0\0\0\0",
    "a continuation of nothing": b"\x80\x80\0\0\0\0",
    "a length of 2^63": b"\x81\xff" + b"\xff" * 8 + b"\0\0\0\0",
    "text that is no UTF-8": b"\x81\x82\0\0\0\0\xff\xfe",
    "plain HTTP": b"GET / HTTP/1.1\r\n\r\n" * 20,
}


@pytest.mark.parametrize("words", BROKEN.values(), ids=list(BROKEN))
def test_what_is_no_websocket_frame_ends_that_connection_alone(room: Actor, words: bytes) -> None:
    with room.connect() as other:
        other.ask("subscribe", channel_id=room.channel_id, after=0)
        with raw(room) as connection:
            connection.sendall(handshake(room))
            assert b" 101 " in connection.recv(200)
            connection.sendall(words)
            while connection.recv(4096):  # to the end: the hub hangs up
                pass
        room.post("fine")
        assert other.messages(1)[0]["content"] == "fine"


def test_a_message_in_many_pieces_with_a_ping_between_is_one_message(room: Actor) -> None:
    said = json.dumps({"type": "send_message", "channel_id": room.channel_id, "content": "in pieces"}).encode()
    with raw(room) as connection:
        connection.sendall(handshake(room))
        assert b" 101 " in connection.recv(200)
        for at, byte in enumerate(said):
            first, last = at == 0, at == len(said) - 1
            connection.sendall(bytes([(0x80 if last else 0) | (0x01 if first else 0), 0x81]) + b"\0\0\0\0" + bytes([byte]))
            connection.sendall(b"\x89\x80\0\0\0\0")
        told = b""
        while b'"sent"' not in told:
            told += connection.recv(4096)
    assert [message["content"] for message in room.history()] == ["in pieces"]
