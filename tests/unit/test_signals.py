"""Signals inside the hub: never before what is durable, bounded in memory and in time, and forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
from anyio import fail_after

from jupyter_agentchat import commands as c
from jupyter_agentchat import protocol as p
from jupyter_agentchat.commands import HUB, FoundChannel, NewMember
from jupyter_agentchat.feed import Follower
from jupyter_agentchat.hub import Hub, Principal
from jupyter_agentchat.hub import presence as presences
from jupyter_agentchat.hub import signals as all_signals
from jupyter_agentchat.journal.local import LocalJournal
from jupyter_agentchat.limits import Limits
from jupyter_agentchat.state.store import Store
from tests.journal.engines import ROOM, post

BOT, ANN = "ag_bot", "hu_ann"


def who(participant_id: str) -> Principal:
    return Principal(p.Participant(participant_id, "agent" if participant_id.startswith("ag") else "human", participant_id))


@asynccontextmanager
async def hub_with(database: Path, *members: str, store: Store | None = None, **limits: Any) -> AsyncIterator[Hub]:
    store = store or Store(database)
    hub = Hub(store, LocalJournal(store), limits=Limits(**limits))
    await hub.start()
    await hub.journal.submit(FoundChannel(HUB, ROOM, "room", None, [NewMember(m, who(m).participant.kind, m) for m in members]))
    yield hub
    await hub.close()


class Reader:
    """A connection that reads at once, and keeps what it got in its order; signals only while it ``is_drained``."""

    def __init__(self, hub: Hub, participant_id: str, cursor: int | None = None) -> None:
        self.got: list[Any] = []
        self.is_drained = True
        self._news = asyncio.Event()
        self.follower = Follower(
            hub.feed, participant_id, sink=self, form=lambda entry: entry.frame + b"\n", on_signal=self._hear
        )
        if cursor is not None:
            self.follower.follow(ROOM, cursor)

    def push(self, written: bytes) -> bool:
        self.got += map(msgspec.json.decode, written.splitlines())
        self._news.set()
        return True

    def _hear(self, written: bytes) -> bool:
        return self.is_drained and self.push(written)

    async def drained(self) -> bool:
        return False

    def lagged(self, channel_id: str, resume_after: int) -> None:
        raise AssertionError

    def heard(self, kind: str) -> list[Any]:
        return [frame["data"] for frame in self.got if frame["type"] == "signal" and frame["kind"] == kind]

    async def until(self, kind: str, last: Any) -> None:
        with fail_after(10):
            while last not in self.heard(kind):
                self._news.clear()
                await self._news.wait()


async def listening(hub: Hub, participant_id: str) -> Reader:
    reader = Reader(hub, participant_id)
    await hub.follow(who(participant_id), reader.follower, ROOM, None)
    return reader


def signal(kind: p.SignalKind, **data: Any) -> p.SendSignal:
    return p.SendSignal(ROOM, kind, data)


async def test_a_reader_who_is_behind_or_busy_is_passed_over(database: Path) -> None:
    async with hub_with(database, BOT, ANN) as hub:
        await hub.journal.submit(post(1))
        level, busy, behind = await listening(hub, ANN), await listening(hub, ANN), Reader(hub, ANN, 0)
        await hub.journal.submit(post(2))  # now the log's end is known
        busy.is_drained = False
        await hub.signal(who(BOT), signal("typing"))
        assert [len(reader.heard("typing")) for reader in (level, busy, behind)] == [1, 0, 0]


async def test_what_is_durable_goes_before_a_signal(database: Path) -> None:
    """Messages wait up to 2 ms for each other; a signal that comes meanwhile waits for them."""
    async with hub_with(database, BOT, ANN, signals_per_second=10_000.0) as hub:
        reader = await listening(hub, ANN)
        for n in range(50):
            await hub.journal.submit(post(n))
            if hub.feed.has_grown:
                before = len(reader.got)
                await hub.signal(who(BOT), signal("status", text=str(n)))
                assert len(reader.got) == before
        await hub.signal(who(BOT), signal("status", text="last"))
        await reader.until("status", {"text": "last"})
        order = [
            frame["message"]["content"] if frame["type"] == "new_message" else frame["data"]["text"] for frame in reader.got
        ]
        for n in range(50):
            if str(n) in order:
                assert order.index(f"message {n}") < order.index(str(n))


async def test_the_newest_of_many_is_heard_though_the_first_had_to_wait(database: Path) -> None:
    """The first signal asks SQLite who its sender is; the others come while it waits."""
    async with hub_with(database, BOT, ANN) as hub:
        reader = await listening(hub, ANN)
        await asyncio.gather(*(hub.signal(who(BOT), signal("progress", text="", done=n)) for n in range(1000)))
        await reader.until("progress", {"text": "", "done": 999})
        assert len(reader.heard("progress")) < 20
        assert reader.heard("progress")[-1]["done"] == 999


class SlowOnce(Store):
    """Its next read waits for ``go``."""

    go: asyncio.Event | None = None

    async def read(self, query: Any) -> Any:
        go, self.go = self.go, None
        if go:
            await go.wait()
        return await super().read(query)


async def test_a_signal_that_waited_for_its_senders_role_does_not_replace_a_newer_one(database: Path) -> None:
    async with hub_with(database, BOT, ANN, store=SlowOnce(database), signals_per_second=2.0) as hub:
        reader = await listening(hub, ANN)
        assert isinstance(hub.store, SlowOnce)
        hub.store.go = go = asyncio.Event()
        older = asyncio.ensure_future(hub.signal(who(BOT), signal("status", text="older")))
        await asyncio.sleep(0)
        await hub.signal(who(BOT), signal("status", text="newer"))
        go.set()
        await older
        await hub.signal(who(BOT), signal("typing"))
        await asyncio.sleep(0.6)  # the interval in which the older would go out
        assert reader.heard("status") == [{"text": "newer"}]


async def test_what_waits_is_bounded_and_idle_senders_are_forgotten(database: Path) -> None:
    async with hub_with(database, BOT, ANN, signals_per_second=1.0) as hub:
        reader = await listening(hub, ANN)
        for n in range(3000):
            await hub.signal(who(BOT), signal("stream", id=str(n % 1500), text="x" * (10 if n < 1500 else 10_000)))
            assert len(hub.signals._senders[BOT].lines) <= all_signals.LINES
        held = hub.signals
        assert held._held_bytes <= all_signals.HELD_BYTES
        assert reader.heard("stream")
        with fail_after(30):
            while held._senders:  # noqa: ASYNC110 (nobody says when)
                await asyncio.sleep(0.05)
        assert (held._held_bytes, held._ready) == (0, {})


async def test_a_thousand_who_come_at_once_are_no_storm(database: Path) -> None:
    everybody = [f"ag_{n}" for n in range(1000)]
    async with hub_with(database, *everybody, presence_grace=0.0) as hub:
        readers = [await listening(hub, name) for name in everybody]
        few = [NewMember(name, "agent", name) for name in everybody[:2]]
        await hub.journal.submit(FoundChannel(HUB, "ch_small", "small", None, few))
        for name, reader in zip(everybody[:2], readers, strict=False):
            await hub.follow(who(name), reader.follower, "ch_small", None)
        await readers[0].until("presence", {"state": "online"})
        for reader in readers[1:]:
            reader.follower.close()
        await readers[0].until("presence", {"state": "offline"})
        frames = [frame for reader in readers for frame in reader.got if frame["type"] == "signal"]
        assert {frame["channel_id"] for frame in frames} == {"ch_small"}
        assert len(frames) < 10
        members = (await hub.call(LIST_MEMBERS, caller("ag_0"), p.OneChannel(ROOM)))[1].members
        assert [member.participant_id for member in members if member.online] == ["ag_0"]


LIST_MEMBERS = next(operation for operation in p.OPERATIONS if operation.name == "list_members")


def caller(participant_id: str) -> Any:
    from jupyter_agentchat.hub import Caller

    return Caller(who(participant_id), "http://test/")


async def test_last_words_are_forgotten_a_while_after_an_agent_has_gone(database: Path, monkeypatch: Any) -> None:
    async with hub_with(database, BOT, ANN, presence_grace=0.0) as hub:
        bot = await listening(hub, BOT)
        await hub.signal(who(BOT), signal("status", text="busy"))
        bot.follower.close()
        await asyncio.sleep(0.05)
        assert (said := hub.presence.last_words(BOT, {ROOM})[0])
        assert said.text == "busy"
        assert hub.presence.last_words(BOT, set()) == (None, None)
        monkeypatch.setattr(presences, "KEPT_SECONDS", 0.0)
        assert hub.presence.last_words(BOT, {ROOM}) == (None, None)
        assert not hub.presence._said


async def test_who_was_taken_out_is_not_heard_from_what_still_waited(database: Path) -> None:
    async with hub_with(database, BOT, ANN, signals_per_second=2.0) as hub:
        reader = await listening(hub, ANN)
        for text in ("first", "second"):
            await hub.signal(who(BOT), signal("status", text=text))
        await hub.journal.submit(c.DropMember(BOT, ROOM, BOT))
        await reader.until("presence", {"state": "offline"})
        await asyncio.sleep(0.6)  # the interval in which the second would have gone out
        assert reader.heard("status") == [{"text": "first"}]
