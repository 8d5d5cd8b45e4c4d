"""A crowd in one channel, over every door: senders that try until they are answered, readers that come back with their cursors.

Everybody writes down what they did and saw, for the `checker`. The crowd is one asyncio program, so it may be many.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import httpx
import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from tests.actors import Actor, Owner
from tests.faults.checker import Attempt, Came, Change, Closing, Json, Reader, Sender, came_to, check

AGAIN = 0.02
"""Seconds until somebody who was cut off comes back: short, to be there when the server has just started."""
WINDOW = 16
"""Frames of one sender that wait for their answers."""
CUT = (OSError, WebSocketException, asyncio.TimeoutError, httpx.TransportError, EOFError)
UNANSWERED = {"store_unavailable", "overloaded", "rate_limited", "internal_error"}
"""Refusals that say nothing about the command: it is sent again."""


class Person:
    """One participant at the address where it finds the hub (through a proxy, perhaps), and its pace."""

    def __init__(self, url: str, actor: Actor, name: str, pause: float = 0.0) -> None:
        self.url, self.channel_id, self.name, self.pause = url, actor.channel_id, name, pause
        self.actor = actor
        self.random = random.Random(name)
        self.sender = Sender(actor.id)
        self.stopping = asyncio.Event()
        self.told = asyncio.Semaphore(0)
        """Released for every confirmation; the crowd's senders share one."""
        self.refusals: list[str] = []
        self._headers = {"Authorization": f"Bearer {actor.token}"}
        self._number = 0

    def ws(self) -> connect:
        return connect(f"{self.url.replace('http', 'ws', 1)}ws", additional_headers=self._headers, proxy=None,
                       open_timeout=5, close_timeout=0.2, max_size=None, ping_interval=None)  # fmt: skip

    def http(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=f"{self.url}api/v1/", headers=self._headers, timeout=8, trust_env=False)

    def next(self, **fields: Any) -> Attempt:
        self._number += 1
        name = f"{self.name} {self._number}"
        self.sender.attempts.append(Attempt(f"c {name}", name, **fields))
        return self.sender.attempts[-1]

    def earlier(self) -> str | None:
        """The id of something that this participant said before, now and then."""
        told = self.sender.attempts[-40:]
        attempt = self.random.choice(told) if told and self.random.random() < 0.3 else None
        return attempt.acks[0][0] if attempt and attempt.acks else None

    async def call(self, http: httpx.AsyncClient, method: str, path: str, body: Json = None) -> tuple[int, Json]:
        """(status, reply), tried until there is an answer that says something."""
        while True:
            with suppress(*CUT):
                reply = await http.request(method, path, json=body)
                said = reply.json()
                if reply.status_code < 400 or said["error"]["code"] not in UNANSWERED:
                    return reply.status_code, said
                self.refused(said["error"])
                await asyncio.sleep(min(said["error"].get("retry_after", 0.1), 0.5))
            await asyncio.sleep(AGAIN)

    @property
    def was_refused(self) -> bool:
        """Whether it has heard that the hub refuses."""
        return bool(self.refusals)

    def refused(self, error: Json) -> None:
        assert error["code"] != "internal_error", error
        assert error["retry_after"] > 0
        self.refusals.append(error["code"])


class WebSocketSender(Person):
    """Keeps a window of frames under way; after a cut it sends what was not answered again, in its order."""

    async def send(self) -> None:
        waiting: dict[str, Attempt] = {}
        while waiting or not self.stopping.is_set():
            with suppress(*CUT):
                async with self.ws() as socket:
                    await socket.send(_frame("unsubscribe", channel_id=self.channel_id))
                    await self._talk(socket, waiting)
            await asyncio.sleep(AGAIN)

    async def _talk(self, socket: ClientConnection, waiting: dict[str, Attempt]) -> None:
        for attempt in waiting.values():
            await self._say(socket, attempt)
        while True:
            while len(waiting) < WINDOW and not self.stopping.is_set():
                attempt = self.next(parent_id=self.earlier())
                if any(earlier.refusals for earlier in waiting.values()):
                    # No order is promised past a refusal: this one may be taken in, and an earlier one still be refused.
                    attempt.refusals.append("behind a refused one")
                waiting[attempt.client_id] = attempt
                await self._say(socket, attempt)
            if not waiting:
                return
            frame = msgspec.json.decode(await asyncio.wait_for(socket.recv(), 8))
            if frame["type"] == "sent":
                # A proxy may have doubled our frame: then this was answered before, and must be the same.
                known = next(a for a in reversed(self.sender.attempts) if a.client_id == frame["client_id"])
                known.acks.append((frame["message_id"], frame["seq"]))
                self.told.release()
                waiting.pop(known.client_id, None)
                await asyncio.sleep(self.pause)
            elif frame["type"] == "error" and frame.get("request_id") in waiting:
                assert frame["code"] in UNANSWERED, frame
                self.refused(frame)
                for attempt in waiting.values():  # the later ones may go through now, before this one does
                    attempt.refusals.append(frame["code"])
                await asyncio.sleep(min(frame["retry_after"], 0.5))
                return

    async def _say(self, socket: ClientConnection, said: Attempt) -> None:
        await socket.send(
            _frame("send_message", channel_id=self.channel_id, content=said.content, client_id=said.client_id,
                   parent_id=said.parent_id, request_id=said.client_id)
        )  # fmt: skip


class HttpSender(Person):
    """Posts, edits and deletes, one after the other."""

    async def send(self) -> None:
        async with self.http() as http:
            while not self.stopping.is_set():
                attempt = self.next(parent_id=self.earlier())
                message_id = await self.post(http, attempt)
                chance = self.random.random()
                if chance < 0.2:
                    await self._change(http, Change(message_id, f"{attempt.content} edited"))
                if chance < 0.1:
                    await self._change(http, Change(message_id, f"{attempt.content} edited twice"))
                if chance < 0.05:
                    await self._change(http, Change(message_id, ""))
                await asyncio.sleep(self.pause)

    async def post(self, http: httpx.AsyncClient, attempt: Attempt, **fields: Any) -> str:
        status, reply = await self.call(
            http, "POST", f"channels/{self.channel_id}/messages",
            {"content": attempt.content, "client_id": attempt.client_id, "parent_id": attempt.parent_id, **fields},
        )  # fmt: skip
        assert status in {200, 201}, reply
        attempt.acks.append((reply["message"]["id"], reply["message"]["seq"]))
        self.told.release()
        message_id: str = reply["message"]["id"]
        return message_id

    async def _change(self, http: httpx.AsyncClient, change: Change) -> None:
        self.sender.changes.append(change)
        path = f"channels/{self.channel_id}/messages/{change.message_id}"
        self._number += 1
        body = {"client_id": f"c {self.name} {self._number}"}
        if change.content:
            status, reply = await self.call(http, "PATCH", path, {"content": change.content, **body})
        else:
            status, reply = await self.call(http, "DELETE", f"{path}?client_id={body['client_id']}")
        assert status == 200, reply
        change.confirmed = True


class Asker(HttpSender):
    """Asks, and lets others race for the answer: sometimes it takes the question back in the same instant."""

    def __init__(self, url: str, actor: Actor, name: str, racers: list[Person], pause: float = 0.0) -> None:
        super().__init__(url, actor, name, pause)
        self._racers = racers

    @property
    def was_refused(self) -> bool:
        return any(person.refusals for person in (self, *self._racers))

    async def send(self) -> None:
        async with self.http() as http:
            while not self.stopping.is_set():
                question_id = await self.post(http, self.next(question=True), question={"choices": ["yes", "no"]})
                races = [self.close(racer, http, question_id, "answer") for racer in self._racers]
                if self.random.random() < 0.3:
                    races.append(self.close(self, http, question_id, "withdraw"))
                await asyncio.gather(*races)
                await asyncio.sleep(self.pause)

    async def close(self, who: Person, http: httpx.AsyncClient, question_id: str, how: str) -> None:
        who._number += 1
        closing = Closing(question_id, f"c {who.name} {who._number}")
        who.sender.closings.append(closing)
        body = {"client_id": closing.client_id} | ({"value": who.random.choice(["yes", "no"])} if how == "answer" else {})
        path = f"channels/{self.channel_id}/messages/{question_id}/{how}"
        async with who.http() as own:
            status, reply = await who.call(own, "POST", path, body)
        if status == 409:
            closing.lost_to.append(reply["error"]["by_id"])
        else:
            assert status in {200, 201}, reply
            closing.won.append(reply["message"]["id"])


class WebSocketReader(Person):
    """Follows over the WebSocket from its cursor."""

    whole = True

    def __init__(self, url: str, actor: Actor, name: str, pause: float = 0.0) -> None:
        super().__init__(url, actor, name, pause)
        self.reader = Reader(name, self.whole)
        self.cursor = 0
        self.until: int | None = None
        """Where the log ends, once everybody has said what they had to."""

    @property
    def done(self) -> bool:
        return self.until is not None and self.cursor >= self.until

    @property
    def comebacks(self) -> int:
        return sum(isinstance(seen, Came) for seen in self.reader.seen)

    def saw(self, frame: Json) -> None:
        self.reader.seen.append(frame)
        self.cursor = came_to(frame)

    async def read(self) -> None:
        while not self.done:
            with suppress(*CUT):
                await self.follow()
            await asyncio.sleep(AGAIN)

    async def follow(self) -> None:
        async with self.ws() as socket:
            await self._subscribe(socket)
            replaying = False
            while not self.done:
                with suppress(asyncio.TimeoutError):
                    frame = msgspec.json.decode(await asyncio.wait_for(socket.recv(), 0.2))
                    if frame["type"] == "lagged":
                        self.cursor = frame["resume_after"]
                        await self._subscribe(socket)
                    elif frame["type"] in {"new_message", "message_updated", "message_deleted"}:
                        # Who says `subscribe` late (0.1 s after it connected) hears what is live until then, as any client does
                        # that never says it: that is no part of the replay.
                        if replaying:
                            self.saw(frame)
                    else:
                        replaying = replaying or frame["type"] == "subscribed"
                        assert frame["type"] in {"connected", "subscribed", "signal"}, frame
                await asyncio.sleep(self.pause)

    async def _subscribe(self, socket: ClientConnection) -> None:
        self.reader.seen.append(Came(self.cursor))
        await socket.send(_frame("subscribe", channel_id=self.channel_id, after=self.cursor))


class SseReader(WebSocketReader):
    """Follows over Server-Sent Events, and comes back with `Last-Event-ID`."""

    async def follow(self) -> None:
        self.reader.seen.append(Came(self.cursor))
        place = {"Last-Event-ID": str(self.cursor)} if self.cursor else {}
        path = f"channels/{self.channel_id}/events?after=0"
        async with self.http() as http, http.stream("GET", path, headers=place) as reply:
            assert reply.status_code in {200, 502, 503}, reply.status_code
            event: dict[str, str] = {}
            lines = reply.aiter_lines().__aiter__()
            while not self.done:
                line = await asyncio.wait_for(lines.__anext__(), 1)
                name, _, value = line.partition(":")
                if name:
                    event[name] = value.removeprefix(" ")
                elif "data" in event:
                    self.saw(msgspec.json.decode(event["data"]))
                    assert event.pop("id") == str(self.cursor)
                    event = {}


class PollReader(WebSocketReader):
    """Asks for pages, and waits for the next one: messages only, and not those that were deleted meanwhile."""

    whole = False

    async def follow(self) -> None:
        async with self.http() as http:
            while not self.done:
                path = f"channels/{self.channel_id}/messages?after={self.cursor}&wait=1&limit=200"
                self.reader.seen.append(Came(self.cursor))
                status, reply = await self.call(http, "GET", path)
                assert status == 200, reply
                for message in reply["messages"]:
                    self.saw({"type": "new_message", "message": message})


def _frame(type_: str, **fields: Any) -> bytes:
    return msgspec.json.encode({"type": type_, **{name: value for name, value in fields.items() if value is not None}})


class Crowd:
    """Who is there: ``senders`` send until the fault is over, ``readers`` read until they have seen all."""

    def __init__(self, owner: Owner, url: str | None = None, *, pause: float = 0.005) -> None:
        self.url = url or owner.url
        self.owner = owner
        agent = owner.agent
        ann, ben = agent.guest("Ann"), agent.guest("Ben")
        racers = [Person(self.url, ann, "Ann"), Person(self.url, ben, "Ben")]
        self.senders: list[Person] = [
            WebSocketSender(self.url, agent.member("sender 1"), "sender 1", pause),
            WebSocketSender(self.url, agent.member("sender 2"), "sender 2", pause),
            HttpSender(self.url, agent.member("sender 3"), "sender 3", pause),
            Asker(self.url, agent.member("asker"), "asker", racers, pause),
        ]
        self.racers = racers
        self.told = asyncio.Semaphore(0)
        for sender in self.senders:
            sender.told = self.told
        watcher = agent.member("watcher", "observer")
        self.readers: list[WebSocketReader] = [
            WebSocketReader(self.url, watcher, "WebSocket"),
            SseReader(self.url, watcher, "SSE"),
            PollReader(self.url, watcher, "long-poll"),
        ]

    async def through(self, fault: Callable[[], Awaitable[None]]) -> list[str]:
        """Lets the fault happen to them. Returns: what the checker has to say."""
        sending = [asyncio.create_task(sender.send()) for sender in self.senders]  # type: ignore[attr-defined] # senders all
        reading = [asyncio.create_task(reader.read()) for reader in self.readers]
        everything = [*sending, *reading]
        try:
            await _first_failure(everything, fault())
            for sender in self.senders:
                sender.stopping.set()
            await asyncio.wait_for(asyncio.gather(*sending), 30)
            log = await self._log()
            for reader in self.readers:
                reader.until = self._end(log, reader)
            await asyncio.wait_for(asyncio.gather(*reading), 30)
        finally:
            while going := [task for task in everything if not task.done()]:
                for task in going:  # again and again: before Python 3.12 `wait_for` may swallow a cancellation
                    task.cancel()
                await asyncio.wait(going, timeout=0.5)
        return check(
            log, [person.sender for person in (*self.senders, *self.racers)], [reader.reader for reader in self.readers]
        )

    async def _log(self) -> Reader:
        late = WebSocketReader(self.url, self.readers[0].actor, "the log")
        async with late.http() as http:
            _, reply = await late.call(http, "GET", f"channels/{late.channel_id}")
        late.until = reply["channel"]["last_seq"]
        await asyncio.wait_for(late.read(), 30)
        return late.reader

    @staticmethod
    def _end(log: Reader, reader: WebSocketReader) -> int:
        if reader.whole:
            return max(came_to(seen) for seen in log.seen)
        gone = {frame["message_id"] for frame in log.seen if not isinstance(frame, Came) and frame["type"] == "message_deleted"}
        return max(int(message["seq"]) for message in log.messages() if message["id"] not in gone)

    async def confirmed(self, count: int) -> None:
        """Waits until that many more messages were confirmed."""
        for _ in range(count):
            await asyncio.wait_for(self.told.acquire(), 30)


async def _first_failure(tasks: list[asyncio.Task[None]], fault: Awaitable[None]) -> None:
    """Waits for the fault to be over; nobody of the crowd ends before that but by a failed assertion, which ends the test."""
    happening = asyncio.ensure_future(fault)
    done, _ = await asyncio.wait([happening, *tasks], return_when=asyncio.FIRST_COMPLETED)
    happening.cancel()
    for task in done:
        task.result()
