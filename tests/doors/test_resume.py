"""Three ways to follow a channel: WebSocket, event stream, long-poll. The same messages, the same order, whatever happens."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import websocket

from tests.actors import PATIENCE, Actor, Owner, Socket, Start


class Events:
    """An event stream, read as a browser's EventSource does: it knows `id`, `data`, `retry` and comments."""

    def __init__(self, actor: Actor, *, last_id: str | None = None, channel_id: str | None = None, **query: Any) -> None:
        headers = dict(actor.http.headers) | ({"Last-Event-ID": last_id} if last_id else {})
        url = f"{actor.url}api/v1/{actor.path('/events', channel_id)}"
        self.reply = requests.get(url, params=query, headers=headers, cookies=actor.http.cookies, stream=True, timeout=PATIENCE)
        self.retry = ""
        self._events = self._read()

    @property
    def status(self) -> tuple[int, str]:
        return self.reply.status_code, "" if self.reply.ok else self.reply.json()["error"]["code"]

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        """(id, frame)"""
        return self._events

    def _read(self) -> Iterator[tuple[str, Any]]:
        event: dict[str, str] = {}
        for line in self.reply.iter_lines(chunk_size=1):
            name, _, value = line.decode().partition(": ")
            if name == "retry":
                self.retry = value
            elif name:
                event[name] = value
            elif "data" in event:
                yield event.get("id", ""), json.loads(event["data"])
                event = {}

    def take(self, count: int) -> list[tuple[str, Any]]:
        return list(islice(self, count))

    def __enter__(self) -> Events:
        return self

    def __exit__(self, *_: object) -> None:
        self.reply.close()


def by_websocket(actor: Actor, cursor: int, stop: threading.Event) -> Generator[Any, None, None]:
    with actor.connect() as live:
        live.say("subscribe", channel_id=actor.channel_id, after=cursor)
        while not stop.is_set():
            frame = live.next()
            if frame["type"] == "lagged":
                live.say("subscribe", channel_id=actor.channel_id, after=frame["resume_after"])
            elif frame["type"] == "new_message":
                yield frame["message"]


def by_events(actor: Actor, cursor: int, stop: threading.Event) -> Generator[Any, None, None]:
    with Events(actor, after=cursor) as events:
        for seq, frame in events:
            assert seq == str(frame["message"]["seq"])
            yield frame["message"]


def by_polling(actor: Actor, cursor: int, stop: threading.Event) -> Generator[Any, None, None]:
    while not stop.is_set():
        page = actor.call("GET", actor.path(f"/messages?after={cursor}&wait=1&limit=7"))
        for message in page["messages"]:
            cursor = message["seq"]
            yield message


WAYS = {"websocket": by_websocket, "events": by_events, "poll": by_polling}
CUT = (requests.RequestException, websocket.WebSocketException, OSError, AssertionError)


def read_on(way: str, actor: Actor, count: int, *, each: int, pause: float) -> list[Any]:
    """Comes back with its cursor whenever it is cut, and hangs up by itself after every ``each`` messages."""
    seen: list[Any] = []
    deadline = time.monotonic() + 60
    while len(seen) < count:
        assert time.monotonic() < deadline, f"{way}: {len(seen)} of {count}"
        stop = threading.Event()
        with suppress(*CUT), closing(WAYS[way](actor, seen[-1]["seq"] if seen else 0, stop)) as reading:
            for taken, message in enumerate(reading, 1):
                seen.append({name: value for name, value in message.items() if name != "prev_seq"})
                time.sleep(pause)
                if taken == each or len(seen) == count:
                    stop.set()
                    break
        actor.http.close()
    return seen


def port_of(url: str) -> str:
    return str(urlsplit(url).port)


def test_three_ways_give_the_same_through_restarts_cuts_and_slow_reading(serve: Start) -> None:
    server = serve()
    hall = Owner(server.url)
    port = port_of(server.url)
    total = 400

    def reader() -> Actor:
        mine = Actor(hall.url, hall.token)
        mine.channel_id = hall.channel_id
        return mine

    def post() -> None:
        poster = Actor(hall.url, hall.agent.token)
        for n in range(total):
            while True:
                with suppress(*CUT):
                    poster.post(f"message {n}", channel_id=hall.channel_id, client_id=f"c{n}")
                    break
                time.sleep(0.02)
        poster.http.close()

    with ThreadPoolExecutor(8) as pool:
        readings = {
            (way, pace): pool.submit(read_on, way, reader(), total, each=each, pause=pause)
            for way in WAYS
            for pace, each, pause in (("cut", 60, 0.0), ("slow", 150, 0.004))
        }
        posting = pool.submit(post)
        for _ in range(2):
            time.sleep(0.7)
            server.kill()
            server = serve("--port", port)
        posting.result(60)
        seen = {name: reading.result(60) for name, reading in readings.items()}
    assert [message["content"] for message in seen["websocket", "cut"]] == [f"message {n}" for n in range(total)]
    for name, messages in seen.items():
        assert messages == seen["websocket", "cut"], name


def test_edits_and_deletions_are_told_alike_live_and_replayed(hall: Owner, room: Actor) -> None:
    with hall.connect() as live, Events(hall, after=0) as events:
        live.ask("subscribe", channel_id=room.channel_id, after=0)
        first, second = room.post("one"), room.post("two")
        told = [live.next(), live.next()]
        room.call("PATCH", room.path(f"/messages/{first['id']}"), {"content": "One"})
        room.call("DELETE", room.path(f"/messages/{second['id']}"))
        told += [live.next(), live.next()]
        streamed = events.take(4)
    assert [frame for _, frame in streamed] == told
    assert [frame["type"] for frame in told] == ["new_message", "new_message", "message_updated", "message_deleted"]
    assert [id_ for id_, _ in streamed] == [str(frame.get("seq") or frame["message"]["seq"]) for frame in told]
    with hall.connect() as again, Events(hall, last_id=streamed[1][0]) as events:
        again.ask("subscribe", channel_id=room.channel_id, after=int(streamed[1][0]))
        assert [again.next(), again.next()] == told[2:]
        assert events.take(2) == streamed[2:]


def test_a_long_poll_that_was_given_up_is_nobodys_presence(serve: Start) -> None:
    owner = Owner(serve("--Limits.presence_grace=0.5").url)
    agent = owner.agent
    with owner.connect() as reader:
        reader.ask("subscribe", channel_id=owner.channel_id)
        with pytest.raises(requests.Timeout):
            agent.http.get(f"{agent.url}api/v1/{agent.path('/messages?wait=60')}", timeout=1)
        for state in ("online", "offline"):  # the second comes in the test's time only if the hub does not go on waiting
            reader.until("signal", kind="presence", participant_id=agent.id, data={"state": state})


def test_a_stream_begins_where_it_is_told_to_and_last_event_id_wins(hall: Owner, room: Actor) -> None:
    posted = [room.post(str(n))["seq"] for n in range(4)]

    def begins(**where: Any) -> list[str]:
        with Events(hall, **where) as events:
            if not where.get("after") and not where.get("last_id"):
                room.post("now")
            found = events.take(1)
            assert int(events.retry) > 0
            return [frame["message"]["content"] for _, frame in found]

    assert begins(after=posted[0]) == ["1"]
    assert begins(after=posted[0], last_id=str(posted[2])) == ["3"]
    assert begins() == ["now"]


def test_a_cursor_of_another_log_is_reset_and_all_is_told_anew(hall: Owner, room: Actor) -> None:
    room.post("one")
    epoch = hall.call("GET", "me")["epoch"]
    for said in ({"epoch": "epoch_of_before"}, {"epoch": epoch}):
        with Events(hall, after=10**6, **said) as events:
            (_, reset), (_, first) = events.take(2)
        assert (reset["type"], reset["epoch"], first["message"]["content"]) == ("reset", epoch, "one")
    with Events(hall, after=0, epoch=epoch) as events:
        assert events.take(1)[0][1]["type"] == "new_message"


def test_who_may_not_read_gets_no_stream_and_the_answer_is_json(hall: Owner, room: Actor) -> None:
    outsider = hall.sibling(f"outsider of {room.id}")
    outsider.channel_id = room.channel_id
    assert Events(outsider, after=0).status == (404, "channel_not_found")
    assert Events(Actor(hall.url), channel_id=room.channel_id).status == (401, "unauthenticated")
    assert Events(Actor(hall.url, "au_wrong"), channel_id=room.channel_id).status == (401, "unauthenticated")
    assert Events(room, after="x").status == (400, "invalid_request")
    assert Events(room, last_id="x").status == (400, "invalid_request")
    assert Events(room, colour="red").status == (400, "invalid_request")
    assert room.refused("POST", room.path("/events"), {}) == (405, "method_not_allowed")


def test_a_stream_opens_by_key_in_the_query_and_by_cookie(hall: Owner, room: Actor) -> None:
    by_query = Actor(hall.url)
    with Events(by_query, channel_id=room.channel_id, token=room.token, after=0) as events:
        room.post("one")
        assert events.take(1)[0][1]["message"]["content"] == "one"
    browser = Actor(hall.url)
    browser.call("POST", f"invites/{room.invite()['token']}/accept", {"name": f"Ann of {room.id}"})
    with Events(browser, channel_id=room.channel_id, after=0) as events:
        assert events.take(1)[0][1]["message"]["content"] == "one"
        assert "Access-Control-Allow-Origin" not in events.reply.headers, "a page of another origin may not read it"


def test_who_is_taken_out_or_whose_key_is_revoked_is_hung_up_on(hall: Owner, room: Actor) -> None:
    guest = room.guest("Gil")
    made = room.call("POST", f"agents/{room.id}/keys", {})
    second = Actor(hall.url, made["api_key"])
    with Events(guest, after=0) as guests, Events(second, channel_id=room.channel_id, after=0) as seconds:
        room.post("one")
        assert guests.take(1)[0][1]["message"]["content"] == seconds.take(1)[0][1]["message"]["content"] == "one"
        room.call("DELETE", room.path(f"/members/{guest.id}"))
        room.call("DELETE", f"agents/{room.id}/keys/{made['key_id']}")
        room.post("two")
        assert list(guests) == list(seconds) == []
    assert Events(guest, after=0).status == (404, "channel_not_found")
    assert Events(second, channel_id=room.channel_id).status == (401, "unauthenticated")


def test_a_stream_that_nobody_reads_is_cut_with_its_key_and_costs_one_page(serve: Start) -> None:
    import psutil

    server = serve("--Limits.send_buffer_bytes=65536")
    hall = Owner(server.url)
    made = hall.call("POST", f"agents/{hall.agent.id}/keys", {})
    parts = urlsplit(hall.url)
    stuck = socket.socket()
    stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    stuck.settimeout(PATIENCE)
    with closing(stuck):
        stuck.connect((parts.hostname, parts.port))
        path = f"/api/v1/channels/{hall.channel_id}/events?after=0&token={made['api_key']}"
        stuck.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        for n in range(20):
            hall.agent.post(f"{n} {'x' * 900_000}")
        before = psutil.Process(server.process.pid).memory_info().rss
        for n in range(20, 60):
            hall.agent.post(f"{n} {'x' * 900_000}")
        assert psutil.Process(server.process.pid).memory_info().rss - before < 16 * 2**20
        hall.call("DELETE", f"agents/{hall.agent.id}/keys/{made['key_id']}")
        got = 0
        with suppress(ConnectionResetError):
            while chunk := stuck.recv(2**20):
                got += len(chunk)
        assert got < 30 * 900_000, "what its key may no longer see was not sent"


def test_the_document_describes_the_stream(hall: Owner) -> None:
    described = requests.get(f"{hall.url}api/v1/openapi.json", timeout=PATIENCE).json()
    call = described["paths"]["/channels/{channel_id}/events"]["get"]
    assert "text/event-stream" in call["responses"]["200"]["content"]
    assert {parameter["name"] for parameter in call["parameters"]} == {"channel_id", "after", "epoch", "Last-Event-ID"}


# ------------------------------------------------------------------------------------------------ in Jupyter, and beside it


@pytest.mark.parametrize("beside", [False, True])
def test_in_jupyter_under_a_prefix_and_through_a_second_server_it_is_the_same(tmp_path: Path, beside: bool) -> None:
    from tests.doors.test_jupyter import Jupyter, logged_in

    servers = [Jupyter(tmp_path / "first", data=tmp_path / "data")]
    try:
        if beside:
            servers.append(Jupyter(tmp_path / "second", data=tmp_path / "data"))
        made = servers[0].user.call("POST", "bootstrap", Owner.bootstrap("bot"))
        bot = Actor(servers[0].url, made["api_key"])
        bot.channel_id = made["channel_id"]
        browser = logged_in(servers[-1])
        by_key = Actor(servers[-1].url, made["api_key"])
        for reader in (browser, by_key):
            with Events(reader, channel_id=bot.channel_id, after=0) as events:
                posted = [bot.post(f"message {n}")["seq"] for n in range(3)]
                taken = events.take(3)
                assert events.reply.headers["Content-Type"].startswith("text/event-stream")
                assert "Content-Encoding" not in events.reply.headers
            with Events(reader, channel_id=bot.channel_id, after=0, last_id=taken[0][0]) as events:
                assert events.take(2) == taken[1:]
            assert posted
        assert Events(browser, channel_id="ch_none").status == (404, "channel_not_found")
        assert Events(Actor(servers[-1].url, "au_wrong"), channel_id=bot.channel_id).status == (401, "unauthenticated")
        anonymous = requests.get(f"{servers[-1].url}api/v1/channels/{bot.channel_id}/events", timeout=PATIENCE)
        assert anonymous.status_code == 401
        stuck = Events(by_key, channel_id=bot.channel_id)
        stuck.reply.close()
    finally:
        for server in reversed(servers):
            server.stop()


def test_a_socket_of_every_kind_is_closed_when_the_server_ends(serve: Start) -> None:
    server = serve()
    hall = Owner(server.url)
    with Socket(f"{hall.url.replace('http', 'ws')}ws?token={hall.token}") as live, Events(hall, after=0) as events:
        hall.agent.post("one")
        events.take(1)
        status, errors = server.end()
        assert (status, errors) == (0, "")
        assert live.close_code() in {1012, 1001}
        with suppress(requests.RequestException):
            assert list(events) == []
