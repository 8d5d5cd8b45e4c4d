"""Ten thousand malformed frames and bodies: each is refused by itself, and nothing is ever `internal_error`."""

from __future__ import annotations

import json
import random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyter_agentchat.errors import tree
from jupyter_agentchat.protocol import OPERATIONS
from tests.actors import Actor

FRAMES, BODIES, BATCH = 8_500, 1_500, 100
UNASKED = {"new_message", "message_updated", "message_deleted", "signal", "reset", "lagged"}
"""Frames that answer nothing."""

words = st.sampled_from(
    ["type", "channel_id", "content", "message_id", "value", "seq", "after", "request_id", "kind", "data", "question",
     "choices", "parts", "client_id", "lamport"]
)  # fmt: skip
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
            socket.ws.send(json.dumps(frame).replace('"channel_id": ""', f'"channel_id": "{room.channel_id}"'))
        for garbage in raw:
            socket.ws.send_binary(garbage)
        replies = [socket.next() for _ in range(len(batch) + len(raw))]
        assert not [reply for reply in replies if reply.get("code") == "internal_error"]
    for frame in batch[:5]:
        status = room.send("POST", f"api/v1/{room.path('/messages')}", json=frame).status_code
        assert status in {200, 201, 400, 404, 413, 422}


class Mutator:
    """Valid frames and bodies, spoilt: bytes flipped, cut out, doubled or put in, and values exchanged for odd ones."""

    ODD = (
        "null", "true", "-1", "1e999", "9" * 400, "-0.0", "1.5", '""', '"\\ud800"', '"\\u0000"', '"\\u202e"', "[]", "{}",
        "[[[[]]]]", "[" * 3000, '{"a":' * 200, '"' + "x" * 5000 + '"', '"2026-11-21"', str(2**53), str(2**63), str(2**64),
    )  # fmt: skip

    def __init__(self, room: Actor, seed: int) -> None:
        self._random = random.Random(seed)
        message_id = room.ask("Go on?", choices=["yes", "no"])["id"]
        self.message_id: str = room.post("hello")["id"]
        ask = {"key": "k", "choices": ["a", "b"], "timeout": 5.0, "default": "a", "to": ["@Ann"]}
        self._frames: list[dict[str, Any]] = [
            {"type": "send_message", "content": "hi", "client_id": "c", "parent_id": self.message_id, "lamport": 3,
             "mentions": ["Ann"], "parts": [{"mime": "text/plain", "data": "x"}]},
            {"type": "send_message", "content": "Which?", "question": ask},
            {"type": "subscribe", "after": 0, "epoch": "epoch_1"}, {"type": "unsubscribe"}, {"type": "ack", "seq": 1},
            {"type": "signal", "kind": "progress", "data": {"text": "t", "done": 1, "total": 2}},
            {"type": "signal", "kind": "stream", "data": {"id": "s", "text": "so far"}},
            {"type": "answer", "message_id": message_id, "value": "maybe", "client_id": "a"},
            {"type": "consume", "message_id": message_id, "client_id": "b"}, {"type": "ping"},
        ]  # fmt: skip
        for number, frame in enumerate(self._frames):
            frame |= {"channel_id": room.channel_id, "request_id": f"r{number}"}

    def frame(self) -> bytes:
        return self.spoilt(self._random.choice(self._frames))

    def body(self) -> bytes:
        frame = dict(self._random.choice(self._frames))
        del frame["type"], frame["channel_id"], frame["request_id"]
        return self.spoilt(frame)

    def spoilt(self, valid: dict[str, Any]) -> bytes:
        text = json.dumps(valid)
        if valid and self._random.random() < 0.5:
            name = self._random.choice(list(valid))
            text = text.replace(json.dumps(valid[name]), self._random.choice(self.ODD), 1)
        raw = bytearray(text.encode())
        for _ in range(self._random.choice((0, 1, 1, 2, 5))):
            at, length = self._random.randrange(len(raw) + 1), self._random.randint(1, 8)
            match self._random.randrange(4):
                case 0:
                    raw[at : at + 1] = bytes([self._random.randrange(256)])
                case 1:
                    del raw[at : at + length]
                case 2:
                    raw[at:at] = raw[at : at + length]
                case _:
                    raw[at:at] = self._random.choice(self.ODD).encode()
        return bytes(raw)

    def segment(self) -> str:
        return self._random.choice(
            ["%00", "%ff%fe", "ch_x", "..", "a" * 300, "%F0%9F%92%A9", self.message_id, "0", "%2e%2e%2f", " "]
        )


def test_thousands_of_spoilt_frames_leave_the_connection_and_the_hub_alive(room: Actor) -> None:
    mutator = Mutator(room, seed=1)
    with room.connect() as socket, room.connect() as other:
        other.ask("subscribe", channel_id=room.channel_id)
        for _ in range(FRAMES // BATCH):
            for _ in range(BATCH):
                socket.ws.send_binary(mutator.frame())
            replies: list[Any] = []
            while len(replies) < BATCH:
                reply = socket.next()
                if reply["type"] not in UNASKED:
                    replies.append(reply)
            assert [reply for reply in replies if reply.get("code") == "internal_error"] == []
        socket.ask("subscribe", channel_id=room.channel_id)
        room.post("fine")
        for listener in (socket, other):
            assert _hears(listener)


def _hears(listener: Any) -> bool:
    while True:
        frame = listener.until("new_message")
        if frame["message"]["content"] == "fine":
            return True


def test_spoilt_bodies_and_paths_are_refused_by_every_call(room: Actor) -> None:
    mutator = Mutator(room, seed=2)
    # Those that cost a password's hash, and those that end the room.
    calls = [
        call for call in OPERATIONS if call.name not in {"bootstrap", "login", "archive_channel", "logout", "remove_member"}
    ]
    pick = random.Random(3)
    known = {error.status for error in tree().values()} | {200, 201}
    for _ in range(BODIES):
        call = pick.choice(calls)
        path = call.path.replace("{channel_id}", room.channel_id).replace("{message_id}", mutator.message_id)
        for name in ("agent_id", "participant_id", "key_id", "kernel_id", "token", "channel_id", "message_id"):
            path = path.replace(f"{{{name}}}", mutator.segment())
        if pick.random() < 0.3:
            path = path.replace(room.channel_id, mutator.segment()).replace(mutator.message_id, mutator.segment())
        reply = room.send(
            call.method,
            f"api/v1/{path}",
            data=mutator.body(),
            params={"wait": "0", "limit": "1"} if call.method == "GET" else None,
        )
        assert reply.status_code in known - {500}, (call.name, path, reply.request.body, reply.text)
    room.post("fine")
