"""The fan-out: wake-ups, not data.

A follower loops: take the wake-up, read everything after its cursor, send, wait. History, live and reconnect are that one
path, and a slow reader holds a cursor instead of a queue. Each channel's newest entries are kept encoded once, in a bounded
ring, so a live reader costs neither a query nor an encoding; a reader behind the ring reads SQLite.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from .commands import Appended, CredentialRevoked, Event, MembershipChanged
from .protocol import NewMessage, encode
from .state import read
from .state.store import Store

RING_ENTRIES = 512
RING_BYTES = 1024 * 1024
PAGE = 200


@dataclass(frozen=True, slots=True)
class Encoded:
    """One entry of a channel's log, ready to be sent."""

    seq: int
    prev_seq: int
    author_id: str | None
    frame: bytes


@dataclass(slots=True)
class _Channel:
    """What the feed keeps of a channel while somebody follows it."""

    followers: set[Follower] = field(default_factory=set)
    ring: deque[Encoded] = field(default_factory=deque)
    ring_bytes: int = 0

    def push(self, entry: Encoded) -> None:
        self.ring.append(entry)
        self.ring_bytes += len(entry.frame)
        while len(self.ring) > RING_ENTRIES or (self.ring_bytes > RING_BYTES and len(self.ring) > 1):
            self.ring_bytes -= len(self.ring.popleft().frame)

    def after(self, cursor: int) -> list[Encoded] | None:
        """Everything after the cursor, or None when the ring does not reach back that far."""
        if not self.ring or self.ring[0].prev_seq > cursor:
            return None
        newest: list[Encoded] = []
        for entry in reversed(self.ring):
            if entry.seq <= cursor:
                break
            newest.append(entry)
        return newest[::-1]


@dataclass(slots=True)
class _Growth:
    """What one publishing added to a channel: the entries behind ``after`` up to ``to``; by one author, or None."""

    channel: _Channel
    after: int
    to: int
    only_author_id: str | None


class Feed:
    """Who follows which channel. Everything here runs on the event loop."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._channels: dict[str, _Channel] = {}
        self._followers: dict[str, set[Follower]] = {}

    @property
    def connections(self) -> int:
        return sum(map(len, self._followers.values()))

    def connections_of(self, participant_id: str) -> int:
        return len(self._followers.get(participant_id, ()))

    def publish(self, events: list[Event]) -> None:
        """Tells the followers what the journal applied, in its order: each is woken once, however much it was."""
        grown: dict[str, _Growth] = {}
        for event in events:
            if isinstance(event, Appended):
                self._append(event, grown)
            elif isinstance(event, MembershipChanged):
                for follower in list(self._followers.get(event.participant_id, ())):
                    follower.membership_changed(event)
            elif isinstance(event, CredentialRevoked):
                for follower in [
                    f for group in self._followers.values() for f in group if f.credential_id == event.credential_id
                ]:
                    follower.revoke()
        for channel_id, growth in grown.items():
            for follower in growth.channel.followers:
                follower.grew(channel_id, growth)

    def _append(self, event: Appended, grown: dict[str, _Growth]) -> None:
        channel = self._channels.get(event.channel_id)
        if channel is None:
            return  # nobody follows: it is in SQLite for who comes
        author_id = None
        if isinstance(event.frame, NewMessage):
            event.frame.message.prev_seq = event.prev_seq
            author_id = event.frame.message.author_id
        frame = encode(event.frame)
        if isinstance(event.frame, NewMessage):
            event.frame.message.prev_seq = None  # the sender's reply shares the struct, and is no live event
        channel.push(Encoded(event.seq, event.prev_seq, author_id, frame))
        growth = grown.get(event.channel_id)
        if growth is None:
            grown[event.channel_id] = _Growth(channel, event.prev_seq, event.seq, author_id)
        else:
            growth.to = event.seq
            if growth.only_author_id != author_id:
                growth.only_author_id = None

    def signal(self, channel_id: str, frame: bytes) -> None:
        """Hands an ephemeral frame to who follows the channel now; nobody else ever sees it."""
        channel = self._channels.get(channel_id)
        for follower in list(channel.followers) if channel else ():
            follower.on_signal(frame)

    def enter(self, follower: Follower) -> None:
        self._followers.setdefault(follower.participant_id, set()).add(follower)

    def leave(self, follower: Follower) -> None:
        group = self._followers.get(follower.participant_id, set())
        group.discard(follower)
        if not group:
            self._followers.pop(follower.participant_id, None)

    def attach(self, channel_id: str, follower: Follower) -> None:
        self._channels.setdefault(channel_id, _Channel()).followers.add(follower)

    def detach(self, channel_id: str, follower: Follower) -> None:
        channel = self._channels.get(channel_id)
        if channel:
            channel.followers.discard(follower)
            if not channel.followers:
                del self._channels[channel_id]

    async def after(self, channel_id: str, cursor: int) -> tuple[list[Encoded], bool]:
        """(entries after the cursor, whether there may be more)."""
        channel = self._channels.get(channel_id)
        newest = channel.after(cursor) if channel else None
        if newest is not None:
            return newest, False
        entries, more = await self._store.read(lambda db: read.log_after(db, channel_id, cursor, PAGE))
        encoded: list[Encoded] = []
        previous = cursor
        for entry in entries:
            author_id = entry.frame.message.author_id if isinstance(entry.frame, NewMessage) else None
            encoded.append(Encoded(entry.seq, previous, author_id, encode(entry.frame)))
            previous = entry.seq
        return encoded, more


class Follower:
    """One reader's cursors. ``async for frames in follower`` gives what comes, per channel in its order, nothing twice.

    Args:
        on_revoked: called when the credential behind this reader ends.
        on_signal: called with each ephemeral frame.
    """

    def __init__(
        self,
        feed: Feed,
        participant_id: str,
        credential_id: str | None = None,
        *,
        on_revoked: Callable[[], None] = lambda: None,
        on_signal: Callable[[bytes], None] = lambda frame: None,
    ) -> None:
        self.participant_id = participant_id
        self.credential_id = credential_id
        self.on_signal = on_signal
        self._on_revoked = on_revoked
        self._feed = feed
        self._cursors: dict[str, int] = {}
        self._dirty: dict[str, None] = {}
        self._event = asyncio.Event()
        self._closed = False
        self.removals = 0
        """How often the participant was taken out of a channel: a membership read before the last time is no longer true."""
        self.everywhere = False
        """Follows every channel that the participant is in, those joined later too, and skips what it says itself."""
        feed.enter(self)

    def follow(self, channel_id: str, cursor: int) -> None:
        """From after ``cursor`` on. Following again moves the cursor. A closed reader follows nothing."""
        if self._closed:
            return
        self._feed.attach(channel_id, self)
        self._cursors[channel_id] = cursor
        self.wake(channel_id)

    def unfollow(self, channel_id: str) -> None:
        self._feed.detach(channel_id, self)
        self._cursors.pop(channel_id, None)

    def unfollow_all(self, *, but: str | None = None) -> None:
        for channel_id in list(self._cursors):
            if channel_id != but:
                self.unfollow(channel_id)

    def follows(self, channel_id: str) -> bool:
        return channel_id in self._cursors

    def wake(self, channel_id: str) -> None:
        self._dirty[channel_id] = None
        self._event.set()

    def grew(self, channel_id: str, growth: _Growth) -> None:
        if self.everywhere and growth.only_author_id == self.participant_id and self._cursors.get(channel_id) == growth.after:
            # All of it is its own: the cursor moves, and a hundred connections of one busy agent need not wake for that.
            self._cursors[channel_id] = growth.to
        else:
            self.wake(channel_id)

    def membership_changed(self, event: MembershipChanged) -> None:
        if not event.joined:
            self.removals += 1
            self.unfollow(event.channel_id)
        elif self.everywhere and event.channel_id not in self._cursors:
            self.follow(event.channel_id, event.seq)

    def revoke(self) -> None:
        self.close()
        self._on_revoked()

    def close(self) -> None:
        self._closed = True
        self.unfollow_all()
        self._feed.leave(self)

    async def wait(self) -> None:
        """Until something happened in a followed channel. The wake-up is taken here, BEFORE the read that follows it:
        taken after, a message that lands in between would wake nobody."""
        await self._event.wait()
        self._event.clear()

    async def __aiter__(self) -> AsyncIterator[list[bytes]]:
        while True:
            await self.wait()
            while self._dirty:
                channel_id = next(iter(self._dirty))
                del self._dirty[channel_id]
                frames = await self._read(channel_id)
                if frames:
                    yield frames

    async def _read(self, channel_id: str) -> list[bytes]:
        cursor = self._cursors.get(channel_id)
        if cursor is None:
            return []
        entries, more = await self._feed.after(channel_id, cursor)
        # While SQLite was read, the reader may have left the channel, or moved its cursor.
        if not entries or self._cursors.get(channel_id) != cursor:
            return []
        self._cursors[channel_id] = entries[-1].seq
        if more:
            self.wake(channel_id)
        if self.everywhere:
            entries = [entry for entry in entries if entry.author_id != self.participant_id]
        return [entry.frame for entry in entries]
