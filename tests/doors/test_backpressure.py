"""Everywhere bounded: who sends too much, who reads too little, who opens too much; and none of it is the others' affair."""

from __future__ import annotations

import itertools
import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest
import requests
import websocket

from tests.actors import Actor, Owner, Socket, Start

SMALL = {"sockopt": [(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)]}
"""The operating system holds little for this reader: what it does not read soon waits in the hub."""


# ------------------------------------------------------------------------------------------------ who reads too little


def lagging(reader: Socket) -> tuple[list[Any], list[Any]]:
    """(the messages, the `lagged` frames) until "the end", resuming as often as it is told to."""
    messages: list[Any] = []
    lags: list[Any] = []
    while not messages or messages[-1]["content"] != "the end":
        frame = reader.next()
        if frame["type"] == "new_message":
            messages.append(frame["message"])
        elif frame["type"] == "lagged":
            lags.append(frame)
            reader.say("subscribe", channel_id=frame["channel_id"], after=frame["resume_after"])
    return messages, lags


def flood(actor: Actor, count: int, size: int = 20_000) -> None:
    """Messages, all at once, then "the end"."""
    with actor.connect() as poster:
        for n in range(count):
            poster.say("send_message", channel_id=actor.channel_id, content=f"{n} {'x' * size}", request_id=str(n))
        for _ in range(count):
            poster.until("sent")
    actor.post("the end")


@pytest.mark.parametrize("default", [False, True])
def test_a_live_reader_that_does_not_read_is_told_where_to_go_on_and_misses_nothing(serve: Start, default: bool) -> None:
    hall = Owner(serve("--Limits.send_buffer_bytes=65536").url)
    bot = hall.agent
    before = hall.call("GET", f"channels/{hall.channel_id}")["channel"]["last_seq"]
    other = bot.new_channel("another")
    with hall.connect(**SMALL) as stuck, hall.connect() as reader:
        for each in (stuck, reader):
            if not default:
                each.ask("subscribe", channel_id=hall.channel_id, after=before)
            else:
                time.sleep(0.2)  # the time in which a first word would end the default
        with ThreadPoolExecutor(1) as pool:
            reading = pool.submit(lagging, reader)
            flood(bot, 600)
            healthy, _ = reading.result()
        assert [int(message["content"].split()[0]) for message in healthy[:-1]] == list(range(600))
        late, lags = lagging(stuck)
        assert late == healthy
        assert len(lags) >= 1
        assert all(lag["channel_id"] == hall.channel_id for lag in lags)
        assert lags_counted(hall) >= len(lags)
        if default:
            bot.post("elsewhere", channel_id=other)
            assert stuck.until("new_message")["message"]["content"] == "elsewhere", "its other channels go on by themselves"


def lags_counted(hall: Owner) -> float:
    told = hall.send("GET", "metrics")
    [line] = [line for line in told.text.splitlines() if line.startswith("agentchat_lags_total ")]
    return float(line.split()[1])


def test_a_slow_replay_is_never_told_that_it_lagged(serve: Start) -> None:
    hall = Owner(serve("--Limits.send_buffer_bytes=65536").url)
    flood(hall.agent, 300)
    with hall.connect(**SMALL) as slow:
        slow.ask("subscribe", channel_id=hall.channel_id, after=0)
        messages, lags = lagging(slow)
    assert len(messages) == 301
    assert lags == []


def test_who_never_reads_costs_a_bounded_memory_and_holds_nobody_up(serve: Start) -> None:
    import psutil

    server = serve("--Limits.send_buffer_bytes=65536")
    hall = Owner(server.url)
    reading = psutil.Process(server.process.pid).memory_info
    with ExitStack() as open_, hall.connect() as reader:
        reader.ask("subscribe", channel_id=hall.channel_id)
        flood(hall.agent, 200)
        lagging(reader)
        for _ in range(20):
            open_.enter_context(hall.connect(**SMALL)).ask("subscribe", channel_id=hall.channel_id)
        before = reading().rss
        for _ in range(5):
            flood(hall.agent, 200)
            assert len(lagging(reader)[0]) == 201
        grown = reading().rss - before
    assert grown < 20 * 2**20, f"20 MB were sent to 20 readers that do not read, and the hub grew by {grown / 2**20:.0f} MiB"


# ------------------------------------------------------------------------------------------------ who sends too much


def test_past_its_rate_a_sender_is_told_when_and_then_all_is_taken_in_order(serve: Start) -> None:
    hall = Owner(serve("--Limits.rate=20", "--Limits.burst=40").url)
    bot = hall.agent
    refusals = 0
    with bot.connect() as sender:
        left = list(range(60))
        while left:
            for n in left:
                sender.say("send_message", channel_id=bot.channel_id, content=str(n), client_id=f"c{n}", request_id=str(n))
            replies = [next(f for f in iter(sender.next, None) if f.get("request_id")) for _ in left]
            refused = [int(reply["request_id"]) for reply in replies if reply["type"] == "error"]
            assert all(reply["code"] == "rate_limited" for reply in replies if reply["type"] == "error")
            assert refused == left[len(left) - len(refused) :], "once one is refused, nothing sent after it overtakes it"
            left, refusals = refused, refusals + len(refused)
            if left:
                time.sleep(max(reply["retry_after"] for reply in replies if reply["type"] == "error"))
    assert refusals
    assert [message["content"] for message in bot.history()] == [str(n) for n in range(60)]


def test_rest_signals_and_strangers_are_counted_too_and_nobody_pays_for_another(serve: Start) -> None:
    hall = Owner(serve("--Limits.rate=1", "--Limits.burst=15").url)
    bot, other = hall.agent, hall.sibling("other")
    hall.call("POST", hall.path("/members"), {"participant_id": other.id})
    for n in range(15):
        bot.post(str(n))
    reply = bot.send("POST", f"api/v1/{bot.path('/messages')}", json={"content": "too much"})
    assert (reply.status_code, reply.json()["error"]["code"]) == (429, "rate_limited")
    assert 0 < reply.json()["error"]["retry_after"] <= int(reply.headers["Retry-After"])
    with bot.connect() as socket_:
        assert socket_.ask("signal", channel_id=bot.channel_id, kind="typing")["code"] == "rate_limited"
        assert socket_.ask("ping")["type"] == "pong", "what changes nothing is not counted"
        other.post("not my affair")
        assert socket_.until("new_message")["message"]["content"] == "not my affair"
    assert len(bot.history()) == 16
    stranger = Actor(hall.url)
    codes = [stranger.refused("POST", "invites/ch.none/accept", {"name": "x"}) for _ in range(16)]
    assert codes[-1] == (429, "rate_limited")
    assert codes[0] != codes[-1]


# ------------------------------------------------------------------------------------------------ who opens too much


def test_a_participant_has_so_many_connections_and_no_more(serve: Start) -> None:
    hall = Owner(serve("--Limits.connections=3").url)
    bot = hall.agent

    def refused() -> tuple[int, str]:
        with pytest.raises(websocket.WebSocketBadStatusException) as caught:
            bot.connect()
        return caught.value.status_code, json.loads(caught.value.resp_body or b"")["error"]["code"]

    events = f"{bot.url}api/v1/{bot.path('/events')}"
    with bot.connect() as first, bot.connect():
        with requests.get(events, headers=bot.http.headers, stream=True, timeout=20) as stream:
            assert stream.status_code == 200
            assert refused() == (429, "rate_limited")
            assert requests.get(events, headers=bot.http.headers, timeout=20).status_code == 429
            assert bot.refused("GET", bot.path("/messages?after=999&wait=5")) == (429, "rate_limited")
            assert bot.history() == [], "a call that does not wait is no connection"
            hall.connect().ws.close()
            assert first.ask("ping")["type"] == "pong"
        deadline = time.monotonic() + 20
        for attempt in itertools.count():  # the hub notices in its own time that the stream was left
            try:
                bot.connect().ws.close()
                break
            except websocket.WebSocketBadStatusException:
                assert time.monotonic() < deadline, attempt
                time.sleep(0.05)


# ------------------------------------------------------------------------------------------------ keys that end, large bodies


def test_a_session_that_expires_cuts_its_live_connections(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jupyter_agentchat.hub.people.SESSION_SECONDS", 1.5)  # the server runs on a thread of this process
    owner = Owner(url)
    with (
        owner.connect() as live,
        requests.get(f"{url}api/v1/{owner.path('/events')}", headers=owner.http.headers, stream=True, timeout=20) as events,
    ):
        owner.agent.post("before")
        assert live.messages(1)[0]["content"] == "before"
        assert live.close_code() == 4401
        assert b"before" in events.raw.read(), "and the stream has ended"
    assert owner.refused("GET", "me") == (401, "unauthenticated")


def test_a_body_past_the_limit_is_told_so_and_the_connection_goes_on(hall: Owner, room: Actor) -> None:
    path = f"api/v1/{room.path('/messages')}"
    for body in (b" " * (17 * 2**20), (b" " * 2**20 for _ in range(17))):
        response = room.send("POST", path, data=body)
        assert (response.status_code, response.json()["error"]["code"]) == (413, "message_too_large")
        assert response.json()["error"]["limit_bytes"] == 16 * 2**20
    assert room.post("small")["content"] == "small"


def test_who_is_not_known_is_told_that_and_not_what_is_wrong_with_the_call(hall: Owner) -> None:
    nobody = Actor(hall.url)
    assert nobody.refused("POST", "channels/ch_x/messages", {"colour": "red"}) == (401, "unauthenticated")
    assert nobody.refused("GET", "channels/ch_x/messages?limit=many") == (401, "unauthenticated")
    assert nobody.refused("GET", "channels/ch_x/events?after=x") == (401, "unauthenticated")


def raw(reader: Socket) -> socket.socket:
    assert reader.ws.sock
    return reader.ws.sock


def test_a_crowd_of_bad_clients_is_not_the_others_affair(hall: Owner, room: Actor) -> None:
    """Half a frame, a frame without an end, fragments without an end, and somebody who only ever pings."""
    rude = [room.connect() for _ in range(4)]
    half, endless, fragments, pinging = (raw(each) for each in rude)
    half.sendall(b"\x81")
    endless.sendall(b"\x81\xff" + (15 * 2**20).to_bytes(8, "big") + b"\0\0\0\0" + b"x" * 100_000)
    fragments.sendall(b"\x01\x81\0\0\0\0[" + b"\x00\x81\0\0\0\0[" * 1000)
    stop = threading.Event()

    def ping() -> None:
        while not stop.is_set():
            pinging.sendall(b"\x89\x80\0\0\0\0" * 100)

    pinging.settimeout(5)
    with ThreadPoolExecutor(1) as pool:
        pings = pool.submit(ping)
        with hall.connect() as reader:
            reader.ask("subscribe", channel_id=room.channel_id)
            for n in range(50):
                room.post(str(n))
            assert [message["content"] for message in reader.messages(50)] == [str(n) for n in range(50)]
        stop.set()
        if (error := pings.exception()) is not None:
            assert isinstance(error, (OSError, TimeoutError)), "its pongs were not read, so its pings were not either"
    for each in rude:
        each.ws.shutdown()  # type: ignore[no-untyped-call] # websocket-client has no types


def test_what_the_queue_refuses_is_not_overtaken_by_what_was_sent_behind_it(serve: Start) -> None:
    server = serve("--Limits.queue_commands=3")
    room = Owner(server.url).agent
    with room.connect() as socket:
        for n in range(200):
            socket.say("send_message", channel_id=room.channel_id, content=str(n), request_id=str(n))
        replies = [socket.next() for _ in range(200)]
    refused = [reply for reply in replies if reply["type"] == "error"]
    assert {reply["code"] for reply in refused} == {"overloaded"}
    assert all(reply["retry_after"] > 0 for reply in refused)
    first = min(int(reply["request_id"]) for reply in refused)
    assert [message["content"] for message in room.history(limit=200)] == [str(n) for n in range(first)]
    time.sleep(refused[0]["retry_after"])
    room.post("room again")


def test_what_is_long_counts_for_more_before_it_is_looked_at(serve: Start) -> None:
    room = Owner(serve("--Limits.rate=100", "--Limits.burst=200").url).agent
    path = room.path("/messages")
    statuses = [room.send("POST", f"api/v1/{path}", data=b"[" * 400_000).status_code for _ in range(3)]
    assert statuses[0] == 400
    assert 429 in statuses
    with room.connect() as socket:
        replies = [socket.ask("ping", padding="x" * 400_000) for _ in range(3)]
    assert "rate_limited" in [reply["code"] for reply in replies]
