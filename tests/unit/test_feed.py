"""The fan-out: every reader sees the log in its order, from its cursor, nothing twice, nothing missed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest
from anyio import fail_after, wait_all_tasks_blocked

from jupyter_agentchat import feed as feeds
from jupyter_agentchat.commands import Delete, DropMember, Edit, NewMember, PutMember
from jupyter_agentchat.feed import Feed, Follower
from jupyter_agentchat.hub import Hub, Principal
from jupyter_agentchat.journal.local import LocalJournal
from jupyter_agentchat.protocol import Participant
from jupyter_agentchat.state import read
from jupyter_agentchat.state.store import Store
from tests.journal.engines import ROOM, Run, post

T = TypeVar("T")
ANN = "hu_ann"


class Chat(Run):
    """A journal whose events go to a feed."""

    def __init__(self, database: Path, store: Store | None = None) -> None:
        store = store or Store(database)
        super().__init__(LocalJournal(store), store)
        self.feed = Feed(store)

    async def __aenter__(self) -> Chat:
        await self.journal.start(self.feed.publish)
        await self.journal.submit(_founding())
        return self

    async def say(self, *numbers: int) -> None:
        await asyncio.gather(*(self.journal.submit(post(n)) for n in numbers))


def _founding() -> Any:
    from jupyter_agentchat.commands import HUB, FoundChannel
    from tests.journal.engines import MEMBERS

    return FoundChannel(HUB, ROOM, "room", None, MEMBERS)


def contents(frames: list[bytes]) -> list[str]:
    return [frame["message"]["content"] for frame in map(msgspec.json.decode, frames) if frame["type"] == "new_message"]


async def take(follower: Follower, count: int) -> list[bytes]:
    got: list[bytes] = []
    with fail_after(10):
        async for frames in follower:
            got += frames
            if len(got) >= count:
                break
    return got


async def test_history_and_live_are_one_log(database: Path) -> None:
    async with Chat(database) as chat:
        await chat.say(*range(5))
        follower = Follower(chat.feed, ANN)
        follower.follow(ROOM, 0)
        await chat.say(*range(5, 10))
        assert contents(await take(follower, 10)) == [f"message {n}" for n in range(10)]


async def test_a_live_reader_costs_no_query_and_one_encoding(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with Chat(database) as chat:
        followers = [Follower(chat.feed, ANN) for _ in range(20)]
        last_seq = (await chat.log() or [(1, "")])[-1][0]
        for follower in followers:
            follower.follow(ROOM, last_seq)
            await asyncio.wait_for(follower.wait(), 10)
        encoded: list[object] = []

        def encode(frame: object) -> bytes:
            encoded.append(frame)
            return msgspec.json.encode(frame)

        monkeypatch.setattr(feeds, "encode", encode)
        await chat.say(1)
        monkeypatch.setattr(chat.store, "read", None)  # a query would fail
        for follower in followers:
            assert contents(await take(follower, 1)) == ["message 1"]
        assert len(encoded) == 1


async def test_a_reader_far_behind_pages_through_history_while_it_grows(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "PAGE", 7)
    monkeypatch.setattr(feeds, "RING_ENTRIES", 5)
    async with Chat(database) as chat:
        await chat.say(*range(50))
        behind, live = Follower(chat.feed, ANN), Follower(chat.feed, ANN)
        behind.follow(ROOM, 0)
        live.follow(ROOM, (await chat.log())[-1][0])
        poster = asyncio.ensure_future(_trickle(chat, range(50, 120)))
        expected = [f"message {n}" for n in range(120)]
        assert contents(await take(behind, 120)) == expected
        assert contents(await take(live, 70)) == expected[50:]
        await poster


async def test_a_page_of_long_messages_is_short(database: Path) -> None:
    """What a reader holds while it does not read is bounded by bytes, not only by messages."""
    async with Chat(database) as chat:
        await asyncio.gather(*(chat.journal.submit(post(n, content=f"{n} " + "x" * 900_000)) for n in range(20)))
        entries, more = await chat.store.read(lambda db: read.log_after(db, ROOM, 0, 200))
        assert (len(entries) < 10, more) == (True, True)
        follower = Follower(chat.feed, ANN)
        follower.follow(ROOM, 0)
        heard = contents(await take(follower, 20))
        assert [content.partition(" ")[0] for content in heard] == [str(n) for n in range(20)]


async def _trickle(chat: Chat, numbers: range) -> None:
    for n in numbers:
        await chat.say(n)


async def test_each_entry_names_the_one_before_it_live_and_replayed(database: Path) -> None:
    async with Chat(database) as chat:
        live = Follower(chat.feed, ANN)
        live.follow(ROOM, 0)
        await chat.say(1, 2)
        await chat.journal.submit(Edit("ag_bot", ROOM, "msg_ch_room_1", "edited"))
        await chat.journal.submit(Delete("ag_bot", ROOM, "msg_ch_room_2"))
        await chat.say(3)
        for reader, cursor in ((live, 0), (Follower(chat.feed, ANN), 0)):
            if reader is not live:
                reader.follow(ROOM, cursor)
            previous = 0
            for frame in map(msgspec.json.decode, await take(reader, 5)):
                message = frame.get("message", frame)
                seq = frame.get("seq", message.get("seq"))
                if frame["type"] == "new_message":
                    assert message.get("prev_seq", 0) == previous
                assert seq > previous
                previous = seq


async def test_the_default_reader_hears_others_everywhere_and_not_itself(database: Path) -> None:
    async with Chat(database) as chat:
        follower = Follower(chat.feed, ANN)
        follower.everywhere = True
        follower.follow(ROOM, 0)
        await chat.journal.submit(post(1, actor=ANN))
        await chat.say(2)
        assert contents(await take(follower, 1)) == ["message 2"]
        await chat.journal.submit(DropMember("ag_bot", ROOM, ANN))
        assert not follower.follows(ROOM)
        await chat.journal.submit(PutMember("ag_bot", ROOM, NewMember(ANN, "human", "Ann")))
        await chat.say(3)
        assert contents(await take(follower, 1)) == ["message 3"]


async def test_what_nobody_follows_is_not_kept(database: Path) -> None:
    async with Chat(database) as chat:
        follower = Follower(chat.feed, ANN)
        follower.follow(ROOM, 0)
        await chat.say(1)
        follower.close()
        follower.follow(ROOM, 0)  # a subscription that was under way when the connection closed
        assert chat.feed._channels == {}
        assert chat.feed.connections == 0


# ------------------------------------------------------------------------------------------------ races, with their mutants


class Interrupted(Store):
    """SQLite, where something happens between what a read sees and its being seen."""

    meanwhile: Callable[[], Any] | None = None

    async def read(self, query: Callable[[Any], T]) -> T:
        seen = await super().read(query)
        if self.meanwhile:
            meanwhile, self.meanwhile = self.meanwhile, None
            await meanwhile()
        return seen


class WakesAfterTheRead(Follower):
    """The mutant: takes the wake-up after the read that it should cause."""

    async def __aiter__(self) -> AsyncIterator[list[bytes]]:
        while True:
            await self._event.wait()
            for channel_id in list(self._dirty):
                frames = await self._read(channel_id)
                self._dirty.pop(channel_id, None)
                self._event.clear()
                if frames:
                    yield frames


@pytest.mark.parametrize("kind", [Follower, WakesAfterTheRead])
async def test_a_message_that_lands_during_the_read_wakes_its_reader(database: Path, kind: type[Follower]) -> None:
    store = Interrupted(database)
    async with Chat(database, store) as chat:
        await chat.say(1)
        follower = kind(chat.feed, ANN)
        follower.follow(ROOM, 0)
        said = asyncio.Event()

        async def say() -> None:
            await chat.say(2)
            said.set()

        store.meanwhile = say
        reading = asyncio.ensure_future(take(follower, 2))
        await said.wait()
        await wait_all_tasks_blocked()
        if kind is WakesAfterTheRead:
            done, _ = await asyncio.wait([reading], timeout=0.2)
            assert not done, "the mutant sleeps on, with a message unread"
            reading.cancel()
        else:
            assert contents(await reading) == ["message 1", "message 2"]


class TrustsItsFirstLook(Follower):
    """The mutant: does not notice that it was taken out of the channel while its membership was read."""

    @property
    def removals(self) -> int:
        return 0

    @removals.setter
    def removals(self, value: int) -> None:
        pass


@pytest.mark.parametrize("kind", [Follower, TrustsItsFirstLook])
async def test_who_is_removed_while_subscribing_hears_nothing(database: Path, kind: type[Follower]) -> None:
    from jupyter_agentchat.errors import ChannelNotFound

    store = Interrupted(database)
    hub = Hub(store, LocalJournal(store))
    await hub.start()
    try:
        await hub.journal.submit(_founding())
        ann = Principal(Participant(ANN, "human", "Ann"))
        follower = kind(hub.feed, ANN)
        store.meanwhile = lambda: hub.journal.submit(DropMember("ag_bot", ROOM, ANN))
        if kind is TrustsItsFirstLook:
            await hub.follow(ann, follower, ROOM, 0)
            assert follower.follows(ROOM), "the mutant follows a channel that it is not in"
        else:
            with pytest.raises(ChannelNotFound):
                await hub.follow(ann, follower, ROOM, 0)
            assert not follower.follows(ROOM)
        follower.close()
    finally:
        await hub.close()
