"""Readers that stop reading: they cost bounded memory, nobody else notices, and they miss nothing when they read on."""

from __future__ import annotations

import json
import socket as sockets
from typing import Any
from urllib.parse import urlsplit

import psutil

from tests.actors import Actor, Owner, Start

STUCK, POSTS, SIZE = 4, 400, 100_000
MEMORY = 24 * 1024 * 1024
"""What the hub may grow by: less than the 40 MB that was said, of which each of these readers has read next to nothing (and the
hub may keep it once for all), more than what is kept at hand."""


def stuck(agent: Actor, request: str) -> sockets.socket:
    """A connection with small buffers whose peer has read the first answer and then nothing."""
    address = urlsplit(agent.url)
    assert address.hostname
    assert address.port
    connection = sockets.socket()
    connection.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
    connection.settimeout(20)
    connection.connect((address.hostname, address.port))
    connection.sendall(
        f"GET {request} HTTP/1.1\r\nHost: {address.netloc}\r\nAuthorization: Bearer {agent.token}\r\n".encode() + b"\r\n"
    )
    assert b" 200 " in connection.recv(1024)
    return connection


def follow_on(socket: Any, channel_id: str, last: int) -> list[int]:
    """Reads to the end of the log; where it is told `lagged`, from there. Returns: the seqs that it saw."""
    seen: list[int] = []
    while not seen or seen[-1] < last:
        frame = json.loads(socket.ws.recv())
        if frame["type"] == "new_message":
            seen.append(frame["message"]["seq"])
        elif frame["type"] == "lagged":
            socket.say("subscribe", channel_id=channel_id, after=frame["resume_after"])
    return seen


def test_readers_that_stop_cost_bounded_memory_and_lose_nothing(serve: Start) -> None:
    server = serve()
    agent = Owner(server.url).agent
    reader = agent.member("reader", "observer")
    hub = psutil.Process(server.process.pid)
    small = (sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
    # The first one reads on at the end: it has a window that lets it do so fast.
    fast = {"skip_utf8_validation": True}  # websocket-client's own is slower than all the rest
    sleeping = [reader.connect(sockopt=(small,) if n else (), **fast) for n in range(STUCK)]
    events = [stuck(reader, f"/api/v1/{reader.path('/events?after=0')}") for _ in range(STUCK)]
    try:
        for socket in sleeping:
            socket.ask("subscribe", channel_id=reader.channel_id, after=0)
        before = hub.memory_info().rss
        sent: list[int] = []
        grown = 0
        with reader.connect(**fast) as lively:
            lively.ask("subscribe", channel_id=reader.channel_id)
            for n in range(POSTS):
                sent.append(agent.post(f"{n} " + "x" * SIZE)["seq"])
                assert lively.messages(1)[0]["seq"] == sent[-1], "who reads is not held up"
                grown = max(grown, hub.memory_info().rss - before)
        assert grown < MEMORY, f"{grown:,} bytes for {2 * STUCK} readers that do not read"
        assert follow_on(sleeping[0], reader.channel_id, sent[-1]) == sent
    finally:
        for socket in sleeping:
            socket.__exit__()
        for connection in events:
            connection.close()
