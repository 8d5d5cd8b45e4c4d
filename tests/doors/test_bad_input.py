"""Bad input: a clear error by code, nothing lost, the server up."""

from __future__ import annotations

import json
import re
import socket as sockets
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.actors import Actor, Owner, Start

MIB = 1024 * 1024


@pytest.fixture
def owner(hall: Owner) -> Owner:
    return hall


@pytest.fixture
def agent(room: Actor) -> Actor:
    return room


@pytest.fixture
def alive(agent: Actor) -> Any:
    """After the bad input the same channel takes the next message."""
    before = len(agent.history())
    yield
    agent.post("still here")
    assert len(agent.history()) >= before + 1


def error(agent: Actor, content: bytes | str, path: str = "/messages", method: str = "POST") -> tuple[int, str]:
    response = agent.send(method, f"api/v1/{agent.path(path)}", data=content, headers={"Content-Type": "application/json"})
    assert response.headers["Content-Type"] == "application/json"
    reply = response.json()
    assert reply.keys() == {"error"}
    assert reply["error"]["message"]
    return response.status_code, reply["error"]["code"]


@pytest.mark.usefixtures("alive")
@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('{"content": ""}', (400, "empty_message")),
        ('{"content": " \\n "}', (400, "empty_message")),
        ("{}", (400, "invalid_request")),
        ("", (400, "invalid_request")),
        ("{", (400, "invalid_request")),
        ("[]", (400, "invalid_request")),
        ("null", (400, "invalid_request")),
        (b'{"content": "\xff"}', (400, "invalid_request")),
        ('{"content": "\\ud800"}', (400, "invalid_request")),
        ('{"content": 1}', (400, "invalid_request")),
        ('{"content": null}', (400, "invalid_request")),
        ('{"content": "x", "colour": "red"}', (400, "invalid_request")),
        ('{"content": "x", "channel_id": "ch_x"}', (400, "invalid_request")),
        ('{"content": "x", "parent_id": "msg_none"}', (400, "invalid_request")),
        ('{"content": "x", "lamport": -1}', (400, "invalid_request")),
        ('{"content": "x", "lamport": 9223372036854775808}', (400, "invalid_request")),
        ('{"content": "x", "lamport": 1e400}', (400, "invalid_request")),
        ('{"content": "x", "client_id": ""}', (400, "invalid_request")),
        ('{"content": "x", "client_id": "' + "x" * 129 + '"}', (400, "invalid_request")),
        ('{"content": "x", "parts": ' + "[" * 5000 + "]" * 5000 + "}", (400, "invalid_request")),
        ('{"content": "x", "parts": [{"a": ' + "[" * 500 + "]" * 500 + "}]}", (400, "invalid_request")),
        ('{"content": "x", "question": {"choices": []}}', (400, "invalid_request")),
        ('{"content": "x", "question": {"choices": ["a", "a"]}}', (400, "invalid_request")),
        ('{"content": "x", "question": {"choices": ["a"], "default": "b"}}', (400, "invalid_request")),
        ('{"content": "x", "question": {"timeout": -1}}', (400, "invalid_request")),
        ('{"content": "x", "question": {"timeout": 1e12}}', (400, "invalid_request")),
        ('{"content": "x", "question": {"choises": ["a"]}}', (400, "invalid_request")),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_message_that_cannot_be_is_refused_by_code(agent: Actor, body: Any, expected: tuple[int, str]) -> None:
    assert error(agent, body) == expected
    assert agent.history() == []


@pytest.mark.usefixtures("alive")
def test_an_over_long_message_is_refused_with_the_limit(agent: Actor) -> None:
    response = agent.send("POST", f"api/v1/{agent.path('/messages')}", json={"content": "x" * (MIB + 1)})
    assert response.status_code == 413
    assert response.json()["error"]["code"] == "message_too_large"
    assert response.json()["error"]["limit_bytes"] == MIB
    assert agent.post("x" * MIB)["seq"]
    with agent.connect() as socket:
        reply = socket.ask("send_message", channel_id=agent.channel_id, content="é" * (MIB // 2 + 1))
        assert (reply["type"], reply["code"], reply["limit_bytes"]) == ("error", "message_too_large", MIB)


@pytest.mark.usefixtures("alive")
@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "channels/ch_none", (404, "channel_not_found")),
        ("GET", "channels/ch_none/messages", (404, "channel_not_found")),
        ("GET", "channels/" + "x" * 500, (400, "invalid_request")),
        ("GET", "nowhere", (404, "not_found")),
        ("GET", "", (404, "not_found")),
        ("PUT", "channels", (405, "method_not_allowed")),
        ("DELETE", "me", (405, "method_not_allowed")),
        ("HEAD", "me", (405, "")),
        ("GET", "questions?state=shut", (400, "invalid_request")),
        ("GET", "me?colour=red", (400, "invalid_request")),
        ("GET", "channels/{}/messages?limit=0", (400, "invalid_request")),
        ("GET", "channels/{}/messages?limit=1001", (400, "invalid_request")),
        ("GET", "channels/{}/messages?after=x", (400, "invalid_request")),
        ("GET", "channels/{}/messages?after=-1", (400, "invalid_request")),
        ("GET", "channels/{}/messages?after=99999999999999999999", (400, "invalid_request")),
        ("GET", "channels/{}/messages?after=1&before=2", (400, "invalid_request")),
        ("GET", "channels/{}/messages?wait=nan", (400, "invalid_request")),
        ("GET", "channels/{}/messages?wait=61", (400, "invalid_request")),
        ("GET", "channels/{}/messages/msg_none", (404, "not_found")),
    ],
)
def test_a_call_that_is_not_defined_is_refused_by_code(agent: Actor, method: str, path: str, expected: tuple[int, str]) -> None:
    response = agent.send(method, f"api/v1/{path.format(agent.channel_id)}")
    code = response.json()["error"]["code"] if response.content else ""
    assert (response.status_code, code) == expected


@pytest.mark.parametrize("path", ["nowhere", "chat/a/b", "invite/", "api", "api/v2/me"])
def test_what_is_not_there_says_so_in_json(url: str, path: str) -> None:
    response = Actor(url).send("GET", path)
    assert (response.status_code, response.json()["error"]["code"]) == (404, "not_found")


def test_what_is_only_read_says_so_in_json(url: str) -> None:
    for path in ("chat/", "api/v1/openapi.json"):
        response = Actor(url).send("POST", path, json={})
        assert (response.status_code, response.json()["error"]["code"]) == (405, "method_not_allowed")


@pytest.mark.usefixtures("alive")
@pytest.mark.parametrize("token", ["au_wrong", "se_wrong", "au_", "nothing of ours", "au_\xe9"])
def test_a_wrong_key_is_refused_at_every_door(agent: Actor, token: str) -> None:
    import websocket

    response = Actor(agent.url).send("GET", "api/v1/me", headers={"Authorization": f"Bearer {token}".encode()})
    assert (response.status_code, response.json()["error"]["code"]) == (401, "unauthenticated")
    assert "Bearer" in response.headers["WWW-Authenticate"]
    with pytest.raises(websocket.WebSocketBadStatusException) as caught:
        websocket.create_connection(
            f"{agent.url.replace('http', 'ws')}ws", header=[f"Authorization: Bearer {token}"], timeout=10
        )
    assert caught.value.status_code == 401
    assert json.loads(caught.value.resp_body or b"")["error"]["code"] == "unauthenticated"


def test_without_a_key_there_is_nothing_but_the_front_door(owner: Owner) -> None:
    from jupyter_agentchat.protocol import OPERATIONS

    nobody = Actor(owner.url)
    for operation in OPERATIONS:
        if operation.who in {"participant", "human"}:
            path = operation.path.format(
                channel_id=owner.channel_id,
                message_id="msg_x",
                participant_id="hu_x",
                agent_id="ag_x",
                key_id="key_x",
                batch_id="b",
                approval_id="ok_x",
            )
            body = {"content": "x", "name": "x", "value": "x", "seq": 1, "channel_id": "ch_x", "participant_id": "hu_x"}
            fits = body.keys() & set(operation.request.__struct_fields__) - set(re.findall(r"{(\w+)}", operation.path))
            sent = {name: body[name] for name in fits} if operation.method in {"POST", "PATCH"} else None
            assert nobody.refused(operation.method, path, sent) == (401, "unauthenticated"), operation


def test_a_revoked_key_is_refused_and_cuts_the_live_connection(owner: Owner, agent: Actor) -> None:
    made = owner.call("POST", f"agents/{agent.id}/keys", {})
    second = Actor(owner.url, made["api_key"])
    with second.connect() as socket, agent.connect() as other:
        owner.call("DELETE", f"agents/{agent.id}/keys/{made['key_id']}")
        assert socket.close_code() == 4401
        assert other.before_pong() == [], "the agent's other key goes on"
    assert second.refused("GET", "me") == (401, "unauthenticated")
    agent.call("GET", "me")


def test_a_revoked_key_says_nothing_more_on_a_connection_that_it_keeps_open(owner: Owner, agent: Actor) -> None:
    """Who was cut off need not answer the closing frame; what it sends then must not be obeyed."""
    made = owner.call("POST", f"agents/{agent.id}/keys", {})
    with Actor(owner.url, made["api_key"]).connect() as socket:
        owner.call("DELETE", f"agents/{agent.id}/keys/{made['key_id']}")
        socket.say("send_message", channel_id=agent.channel_id, content="too late")
        assert socket.close_code() == 4401
        agent.post("afterwards")
    assert [message["content"] for message in agent.history()] == ["afterwards"]


def test_an_answer_that_cannot_be_is_refused_by_code(owner: Owner, agent: Actor) -> None:
    question = agent.ask("Go on?", choices=["yes", "no"])
    path = f"channels/{agent.channel_id}/messages/{question['id']}/answer"
    refused = owner.call("POST", path, {"value": "maybe"}, status=422)["error"]
    assert (refused["code"], refused["choices"]) == ("invalid_answer", ["yes", "no"])
    assert owner.refused("POST", path, {}) == (400, "invalid_request")
    assert agent.refused("POST", path, {"value": "yes"}) == (403, "forbidden")
    owner.answer(question, "yes")
    late = owner.call("POST", path, {"value": "no"}, status=409)["error"]
    assert (late["code"], late["outcome"], late["by_id"], late["by_name"]) == ("already_closed", "answered", owner.id, "owner")
    assert late["at"]
    plain = agent.post("not a question")
    assert owner.refused("POST", path.replace(question["id"], plain["id"]), {"value": "yes"}) == (400, "not_a_question")


@pytest.mark.usefixtures("alive")
def test_frames_that_are_not_understood_get_an_error_and_the_next_one_is_served(agent: Actor) -> None:
    with agent.connect() as socket:
        for frame in (
            "",
            "{",
            "[]",
            "null",
            "1",
            '"ping"',
            "{}",
            '{"type": "dance"}',
            '{"type": "ping", "more": 1}',
            '{"type": "send_message"}',
            '{"type": "subscribe", "channel_id": 5}',
            "[" * 50_000,
            '{"type": "ack", "channel_id": "ch_x", "seq": 9223372036854775808}',
            '{"type": "signal", "channel_id": "'
            + agent.channel_id
            + '", "kind": "typing", "data": '
            + '{"a":' * 500
            + "1"
            + "}" * 501,
        ):
            socket.ws.send(frame)
            reply = socket.next()
            assert (reply["type"], reply["code"]) == ("error", "invalid_request"), frame
        socket.ws.send_binary(b"\xff\xfe")
        assert socket.next()["code"] == "invalid_request"
        socket.ws.send_binary(b'{"type": "ping"}')
        assert socket.next() == {"type": "pong"}
        assert socket.ask("subscribe", channel_id="ch_none")["code"] == "channel_not_found"
        assert socket.ask("send_message", channel_id="ch_none", content="x")["code"] == "channel_not_found"
        assert socket.ask("answer", message_id="msg_none", value="x")["code"] == "not_found"
        assert socket.ask("signal", channel_id="ch_none", kind="typing")["code"] == "channel_not_found"
        big = {"kind": "status", "data": {"text": "x" * 100_000}}
        assert socket.ask("signal", channel_id=agent.channel_id, **big)["code"] == "message_too_large"
        assert socket.ask("ping") == {"type": "pong", "request_id": "r"}


@pytest.mark.usefixtures("alive")
def test_the_websocket_without_a_handshake_answers_in_json(agent: Actor) -> None:
    response = agent.send("GET", "ws")
    assert response.status_code in {400, 426}
    assert response.json()["error"]["code"] == "invalid_request"


@pytest.mark.usefixtures("alive")
def test_a_body_that_ends_in_its_middle_is_forgotten(serve: Start) -> None:
    server = serve()
    agent = Owner(server.url).agent
    head = f"POST /api/v1/{agent.path('/messages')} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {agent.token}\r\n"
    address = urlsplit(server.url)
    for rest in ('Content-Length: 50\r\n\r\n{"content"', "Transfer-Encoding: chunked\r\n\r\nno size\r\n"):
        with sockets.create_connection((str(address.hostname), address.port or 80)) as connection:
            connection.sendall((head + rest).encode())
            if "chunked" in rest:
                assert connection.recv(100).startswith(b"HTTP/1.1 400")
    agent.post("fine")
    status, errors = server.end()
    assert (status, "ERROR" in errors) == (0, False), errors  # a handler that still waits is cut off loudly


def test_nobody_is_listened_to_for_long_before_it_is_known_who_calls(agent: Actor) -> None:
    long = {"name": "x" * 100_000, "email": "x" * 100_000, "content": "x" * 100_000}
    nobody = Actor(agent.url)
    for path, expected in (("login", (413, "message_too_large")), (agent.path("/messages"), (401, "unauthenticated"))):
        assert nobody.refused("POST", path, long) == expected
    assert nobody.call("POST", "login", long, status=413)["error"]["limit_bytes"] == 64 * 1024
    assert agent.post("x" * 100_000)["content"] == "x" * 100_000


def test_a_body_past_all_limits_is_refused_and_costs_the_others_nothing(agent: Actor) -> None:
    import requests

    try:
        status = agent.send("POST", f"api/v1/{agent.path('/messages')}", data=b" " * (17 * MIB)).status_code
    except requests.ConnectionError:
        status = 413  # it hung up on us in the middle of our sending, which it may
    assert status in {400, 413}
