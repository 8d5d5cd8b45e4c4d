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
from jupyter_agentchat.commands import CredentialRevoked, Delete, DropMember, Edit, Intend, NewMember, PutMember
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


async def test_the_control_plane_is_told_at_once_also_to_who_is_behind(database: Path) -> None:
    told: list[bytes] = []

    def take_it(written: bytes) -> bool:
        told.append(written)
        return True

    async with Chat(database) as chat:
        await chat.say(*range(5))
        behind, elsewhere = (Follower(chat.feed, ANN, on_steered=take_it) for _ in range(2))
        behind.follow(ROOM, 0)  # and nobody reads what it is behind with
        elsewhere.follow("ch_other", 0)
        await chat.journal.submit(Intend(ANN, ROOM, "int_1", "ag_bot", "pause"))
        [frames] = told
        assert frames.startswith(b'{"type":"intent"')
        assert b'{"type":"control"' in frames


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


# ------------------------------------------------------------------------------------------------ pushed


class Pipe:
    """A connection: takes what has room, and is read when the test says so."""

    def __init__(self, room: int = 10**9) -> None:
        self.room = room
        self.taken: list[bytes] = []
        self.lags: list[tuple[str, int]] = []
        self.buffered = 0
        self._drained = asyncio.Event()
        self._drained.set()
        self.pages = 0

    def push(self, written: bytes) -> bool:
        if self.buffered and self.buffered + len(written) > self.room:
            return False
        self._take(written)
        return True

    def _take(self, written: bytes) -> None:
        self.taken.append(written)
        self.buffered += len(written)
        if self.room < 10**9:
            self._drained.clear()

    async def drained(self) -> bool:
        waits = not self._drained.is_set()
        await self._drained.wait()
        return waits

    def lagged(self, channel_id: str, resume_after: int) -> None:
        self.lags.append((channel_id, resume_after))

    def drain(self) -> None:
        self.buffered = 0
        self._drained.set()

    async def follow(self, follower: Follower) -> None:
        """What a door does with a follower that is behind."""
        async for written in follower:
            self.pages += 1
            self._take(b"".join(written))

    @property
    def contents(self) -> list[str]:
        return contents(b"".join(self.taken).splitlines())


def as_line(entry: feeds.Encoded) -> bytes:
    return entry.frame + b"\n"


class Reader:
    """A follower with its pipe and the loop that it reads on in; ``async with``."""

    def __init__(self, chat: Chat, pipe: Pipe, *, kind: type[Follower] = Follower) -> None:
        self.pipe = pipe
        self.follower = kind(chat.feed, ANN, sink=pipe, form=as_line)
        self._loop = asyncio.ensure_future(pipe.follow(self.follower))

    async def __aenter__(self) -> Reader:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.follower.close()
        self.pipe.drain()
        await self._loop


async def until(condition: Callable[[], bool]) -> None:
    with fail_after(10):
        while not condition():  # noqa: ASYNC110 (the condition is the hub's, which sets no event for a test)
            await asyncio.sleep(0.001)


async def test_who_is_level_is_pushed_to_and_reads_nothing_itself(database: Path) -> None:
    async with Chat(database) as chat, Reader(chat, Pipe()) as reader:
        reader.follower.follow(ROOM, 0)
        await chat.say(0)
        await until(lambda: reader.pipe.contents == ["message 0"])
        pages = reader.pipe.pages
        for n in range(1, 50):
            await chat.say(n)
        await until(lambda: len(reader.pipe.contents) == 50)
        assert reader.pipe.contents == [f"message {n}" for n in range(50)]
        assert reader.pipe.pages == pages


async def test_what_comes_within_a_moment_is_one_write_to_each(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "COALESCE", 0.5)
    async with Chat(database) as chat, Reader(chat, Pipe()) as first, Reader(chat, Pipe()) as second:
        for reader in (first, second):
            reader.follower.follow(ROOM, 0)
        await chat.say(0)  # an idle hub waits for nothing
        await until(lambda: bool(first.pipe.contents) and bool(second.pipe.contents))
        for n in range(1, 20):
            await chat.say(n)
        await until(lambda: len(first.pipe.contents) == len(second.pipe.contents) == 20)
        assert first.pipe.taken[-1] is second.pipe.taken[-1], "written once for both"
        assert len(first.pipe.taken) <= 3


class PushesToWhoeverIsThere(Follower):
    """The mutant: takes what is pushed though it has not read as far."""

    def grew(self, channel_id: str, growth: Any) -> None:
        assert self.sink
        if channel_id in self._cursors and self.sink.push(growth.written(as_line)):
            self._cursors[channel_id] = growth.entries[-1].seq


@pytest.mark.parametrize("kind", [Follower, PushesToWhoeverIsThere])
async def test_where_reading_on_meets_what_is_pushed_nothing_is_missed_and_nothing_twice(
    database: Path, kind: type[Follower], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "PAGE", 3)
    monkeypatch.setattr(feeds, "RING_ENTRIES", 4)
    store = Interrupted(database)
    async with Chat(database, store) as chat:
        await chat.say(*range(10))
        async with Reader(chat, Pipe(), kind=kind) as reader:
            meanwhile = iter(range(10, 13))

            async def say() -> None:
                if (number := next(meanwhile, None)) is not None:
                    store.meanwhile = say
                    await chat.say(number)
                    await asyncio.sleep(2 * feeds.COALESCE)  # so that it is pushed while the page is under way

            store.meanwhile = say
            reader.follower.follow(ROOM, 0)
            await until(lambda: bool(reader.pipe.contents))
            list(meanwhile)  # no more of them: the next reads are ours
            await chat.say(*range(13, 20))
            log = [content for _, content in await chat.log()]
            await until(lambda: log[-1] in reader.pipe.contents)
            right = reader.pipe.contents == log
            assert right == (kind is Follower)


async def test_subscribing_again_in_the_middle_moves_the_cursor_and_no_push_slips_between(database: Path) -> None:
    async with Chat(database) as chat, Reader(chat, Pipe()) as reader:
        reader.follower.follow(ROOM, 0)
        await chat.say(*range(5))
        await until(lambda: len(reader.pipe.contents) == 5)
        reader.follower.follow(ROOM, 0)
        await chat.say(5)
        await until(lambda: len(reader.pipe.contents) == 11)
        assert reader.pipe.contents[5:] == [f"message {n}" for n in range(6)]
        reader.follower.unfollow(ROOM)
        await chat.say(6)
        await asyncio.sleep(2 * feeds.COALESCE)
        assert len(reader.pipe.contents) == 11


async def test_a_cursor_moved_while_a_page_is_read_is_where_it_goes_on(database: Path) -> None:
    store = Interrupted(database)
    async with Chat(database, store) as chat:
        await chat.say(*range(10))
        seqs = [seq for seq, _ in await chat.log()]
        async with Reader(chat, Pipe()) as reader:

            async def move() -> None:
                reader.follower.follow(ROOM, seqs[6])

            store.meanwhile = move
            reader.follower.follow(ROOM, 0)
            await until(lambda: "message 9" in reader.pipe.contents)
            assert reader.pipe.contents == ["message 7", "message 8", "message 9"]


async def test_what_had_no_room_comes_when_there_is_though_nothing_follows_it(database: Path) -> None:
    async with Chat(database) as chat, Reader(chat, Pipe(room=300)) as reader:
        reader.follower.follow(ROOM, 0)
        await chat.say(0)
        await until(lambda: bool(reader.pipe.contents))
        reader.pipe.drain()
        await wait_all_tasks_blocked()
        for n in (1, 2):
            await chat.say(n)
            await asyncio.sleep(2 * feeds.COALESCE)
        assert reader.pipe.contents == ["message 0", "message 1"]
        reader.pipe.drain()
        await until(lambda: len(reader.pipe.contents) == 3)


async def test_who_is_taken_out_gets_nothing_that_still_waits_to_be_handed_over(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "COALESCE", 0.3)
    async with Chat(database) as chat, Reader(chat, Pipe()) as reader:
        reader.follower.follow(ROOM, 0)
        await chat.say(0)
        await until(lambda: reader.pipe.contents == ["message 0"])
        await chat.say(1)
        await chat.journal.submit(DropMember("ag_bot", ROOM, ANN))
        await chat.say(2)
        await asyncio.sleep(0.5)
        assert "message 2" not in reader.pipe.contents


async def test_a_live_reader_that_does_not_read_is_told_that_it_lagged_and_goes_on_from_there(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "RING_ENTRIES", 5)
    async with Chat(database) as chat, Reader(chat, Pipe(room=600)) as reader, Reader(chat, Pipe()) as other:
        pipe = reader.pipe
        for each in (reader, other):
            each.follower.follow(ROOM, 0)
        for n in range(30):
            await chat.say(n)
        await until(lambda: len(other.pipe.contents) == 30)
        assert len(pipe.contents) < 10
        assert pipe.buffered <= 600
        assert pipe.lags == [], "it is told when there is room"
        pipe.drain()
        await until(lambda: bool(pipe.lags))
        [(channel_id, resume_after)] = pipe.lags
        heard = len(pipe.contents)
        await chat.say(30)
        await asyncio.sleep(2 * feeds.COALESCE)
        assert len(pipe.contents) == heard, "until it subscribes again it hears nothing"
        pipe.room = 10**9
        reader.follower.follow(channel_id, resume_after)
        await until(lambda: len(pipe.contents) == 31)
        assert pipe.contents == [f"message {n}" for n in range(31)]


async def test_a_reader_that_falls_behind_within_what_is_at_hand_goes_on_silently(database: Path) -> None:
    async with Chat(database) as chat, Reader(chat, Pipe(room=600)) as reader:
        reader.follower.follow(ROOM, 0)
        for n in range(30):
            await chat.say(n)
        assert len(reader.pipe.contents) < 10
        while len(reader.pipe.contents) < 30:
            reader.pipe.drain()
            await asyncio.sleep(0.001)
        assert reader.pipe.contents == [f"message {n}" for n in range(30)]
        assert reader.pipe.lags == []


async def test_neither_a_replay_nor_a_burst_longer_than_what_is_at_hand_is_a_lag(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "RING_ENTRIES", 5)
    monkeypatch.setattr(feeds, "PAGE", 7)
    async with Chat(database) as chat, Reader(chat, Pipe(room=600)) as replaying, Reader(chat, Pipe()) as healthy:
        await chat.say(*range(100))
        replaying.follower.follow(ROOM, 0)
        healthy.follower.follow(ROOM, 0)
        await until(lambda: len(healthy.pipe.contents) == 100)
        await chat.say(*range(100, 300))
        await until(lambda: len(healthy.pipe.contents) == 300)
        while len(replaying.pipe.contents) < 200:  # it is still far behind
            replaying.pipe.drain()
            await asyncio.sleep(0.001)
        assert healthy.pipe.lags == replaying.pipe.lags == []
        assert healthy.pipe.contents == [f"message {n}" for n in range(300)]


async def test_when_a_message_arrived_is_known_while_it_is_at_hand(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "RING_ENTRIES", 3)
    async with Chat(database) as chat, Reader(chat, Pipe()) as reader:
        reader.follower.follow(ROOM, 0)
        await chat.say(*range(5))
        seqs = [seq for seq, _ in await chat.log()]
        known = [chat.feed.arrived(ROOM, seq) for seq in seqs]
        assert [bool(at) for at in known] == [False, False, True, True, True]
        assert chat.feed.arrived(ROOM, seqs[-1] + 1) is None
        assert chat.feed.arrived("ch_other", seqs[-1]) is None


async def test_a_key_revoked_while_its_reader_comes_in_lets_it_hear_nothing(database: Path) -> None:
    async with Chat(database) as chat:
        chat.feed.publish([CredentialRevoked("key_gone")])
        ended = asyncio.Event()
        follower = Follower(chat.feed, ANN, "key_gone", on_revoked=ended.set)
        follower.follow(ROOM, 0)
        with fail_after(10):
            await ended.wait()
        assert not follower.follows(ROOM)
        assert chat.feed.connections == 0


# ------------------------------------------------------------------------------------------------ races, with their mutants


class Interrupted(Store):
    """SQLite, where something happens between what a read sees and its being seen."""

    meanwhile: Callable[[], Any] | None = None
    only_of: asyncio.Task[Any] | None = None
    """Whose reads are meant; anybody's, if None."""

    async def read(self, query: Callable[[Any], T]) -> T:
        seen = await super().read(query)
        if self.meanwhile and self.only_of in (None, asyncio.current_task()):
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
        store.meanwhile, store.only_of = lambda: hub.journal.submit(DropMember("ag_bot", ROOM, ANN)), asyncio.current_task()
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
