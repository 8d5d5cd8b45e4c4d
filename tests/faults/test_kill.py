"""kill -9 at any moment, connections cut in the middle of a frame, and ten thousand strange frames."""

from __future__ import annotations

import json
import random
import socket as sockets
import threading
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
import websocket
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.actors import Actor, Owner, Socket, Start

ROUNDS = 4


class Sender(threading.Thread):
    """Posts as fast as it is answered, over the WebSocket or HTTP; remembers what was acknowledged."""

    def __init__(self, agent: Actor, name: str, over_http: bool) -> None:
        super().__init__(daemon=True)
        self.agent, self.label, self.over_http = agent, name, over_http
        self.acknowledged: list[tuple[int, str]] = []
        self.sent = 0

    def run(self) -> None:
        try:
            if self.over_http:
                while True:
                    message = self.agent.post(self._next(), client_id=f"{self.label} {self.sent}")
                    self.acknowledged.append((message["seq"], message["content"]))
            with self.agent.connect() as socket:
                while True:
                    contents = [self._next() for _ in range(20)]
                    for content in contents:
                        socket.say("send_message", channel_id=self.agent.channel_id, content=content, client_id=content)
                    for content in contents:
                        sent = socket.until("sent")
                        assert sent["client_id"] == content
                        self.acknowledged.append((sent["seq"], content))
        except (OSError, requests.RequestException, websocket.WebSocketException, ValueError):
            pass  # killed, as it should be

    def _next(self) -> str:
        self.sent += 1
        return f"{self.label} {self.sent}"


def test_kill_9_under_load_loses_nothing_that_was_acknowledged(serve: Start, database: Path) -> None:
    server = serve()
    owner = Owner(server.url)
    acknowledged: list[tuple[int, str]] = []
    reader_seen: list[Any] = []
    for round_ in range(ROUNDS):
        if round_:
            server = serve()
        agent = Actor(server.url, owner.agent.token)
        agent.channel_id = owner.channel_id
        senders = [Sender(agent, f"round {round_} sender {n}", over_http=n == 0) for n in range(5)]
        with Socket(f"{server.url.replace('http', 'ws')}ws?token={owner.token}") as reader:
            reader.ask("subscribe", channel_id=owner.channel_id, after=reader_seen[-1]["seq"] if reader_seen else 0)
            for sender in senders:
                sender.start()
            enough = random.Random(round_).randint(100, 600)
            while len(reader_seen) < enough * (round_ + 1) or not all(sender.acknowledged for sender in senders):
                reader_seen += reader.messages(1)
            server.kill()
        for sender in senders:
            sender.join(20)
            assert not sender.is_alive()
            acknowledged += sender.acknowledged
    server = serve()
    agent = Actor(server.url, owner.agent.token)
    agent.channel_id = owner.channel_id
    stored: list[Any] = []
    while page := agent.history(after=stored[-1]["seq"] if stored else 0, limit=1000):
        stored += page
    by_seq = {message["seq"]: message["content"] for message in stored}
    assert len(by_seq) == len(stored)
    assert [entry for entry in acknowledged if by_seq.get(entry[0]) != entry[1]] == [], "lost or moved"
    assert len({message["client_id"] for message in stored}) == len(stored), "twice"
    assert [message["id"] for message in stored[: len(reader_seen)]] == [message["id"] for message in reader_seen]
    for sender_name in {message["content"].rpartition(" ")[0] for message in stored}:
        numbers = [
            int(message["content"].rpartition(" ")[2]) for message in stored if message["content"].startswith(sender_name + " ")
        ]
        assert numbers == sorted(numbers), "in the order that it was said"


def test_a_connection_cut_in_the_middle_of_a_frame_is_nobodys_trouble(room: Actor) -> None:
    address = urlsplit(room.url)
    assert address.hostname
    assert address.port
    frame = json.dumps({"type": "send_message", "channel_id": room.channel_id, "content": "x" * 5000}).encode()
    whole = b"\x81\xfe" + len(frame).to_bytes(2, "big") + b"\0\0\0\0" + frame
    handshake = (
        f"GET /ws?token={room.token} HTTP/1.1\r\nHost: {address.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ).encode()
    for cut in (1, 3, 10, len(whole) // 2, len(whole) - 1):
        with sockets.create_connection((address.hostname, address.port), timeout=10) as raw:
            raw.sendall(handshake)
            assert b" 101 " in raw.recv(200)
            raw.sendall(whole[:cut])
    for start in (handshake[:30], handshake[:-2], b"POST /api/v1/bootstrap HTTP/1.1\r\nContent-Length: 100\r\n\r\n{"):
        with sockets.create_connection((address.hostname, address.port), timeout=10) as raw:
            raw.sendall(start)
    room.post("fine")
    assert [message["content"] for message in room.history()] == ["fine"]


words = st.sampled_from(
    [
        "type",
        "channel_id",
        "content",
        "message_id",
        "value",
        "seq",
        "after",
        "request_id",
        "kind",
        "data",
        "question",
        "choices",
        "parts",
    ]
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4),
    max_leaves=12,
)
types = st.sampled_from(
    ["send_message", "subscribe", "unsubscribe", "ack", "signal", "answer", "consume", "ping", "connected", "x"]
)
frames = st.builds(lambda type_, fields: {**fields, "type": type_}, types, st.dictionaries(words, values, max_size=6))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(batch=st.lists(frames | values, min_size=1, max_size=40), raw=st.lists(st.binary(max_size=60), max_size=10))
def test_strange_frames_and_bodies_are_refused_one_by_one(room: Actor, batch: list[Any], raw: list[bytes]) -> None:
    with room.connect() as socket:
        for frame in batch:
            text = json.dumps(frame).replace('"channel_id": ""', f'"channel_id": "{room.channel_id}"')
            socket.ws.send(text)
        for garbage in raw:
            socket.ws.send_binary(garbage)
        replies = [socket.next() for _ in range(len(batch) + len(raw))]
        assert not [reply for reply in replies if reply.get("code") == "internal_error"]
    for frame in batch[:5]:
        status = room.send("POST", f"api/v1/{room.path('/messages')}", json=frame).status_code
        assert status in {200, 201, 400, 404, 413, 422}
