"""The fan-out: what is new is pushed to who is level with the log, and everybody else reads on from a cursor.

Each channel's newest entries are kept encoded once, in a bounded ring. What the journal applied is framed once and handed to
every follower whose cursor stands where the growth began and whose connection has room: one write each, for all that came
within `COALESCE` seconds. Who is behind loops instead: take the wake-up, read everything after the cursor (from the ring, else
from SQLite), send, wait. Both move the same cursor, so history, live and reconnect are one order with nothing twice, and a
slow reader holds a cursor instead of a queue.
"""

from __future__ import annotations

import asyncio
import logging
import time
from bisect import bisect_right
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Protocol

from . import logs, metrics
from .commands import Appended, CredentialRevoked, Event, MembershipChanged, Steered
from .protocol import NewMessage, encode
from .state import read
from .state.store import Store

log = logs.named(__name__)
_seldom = logs.Seldom()
_connections = count(1)

RING_ENTRIES = 256
RING_BYTES = 1024 * 1024
PAGE = 250
PAGE_BYTES = 512 * 1024
"""What a follower that is behind reads at once, of the ring or of SQLite, and what is pushed at once at most."""
COALESCE = 0.002
"""Seconds between two hand-overs of a busy hub; an idle one hands over at once. Fewer, longer writes made the fan-out to
1,000 sockets several times faster (evidence: 46k deliveries/s with a write a message, 602k with one for each 2 ms)."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """One entry of a channel's log, ready to be sent. ``arrived``: see `commands.Appended`."""

    seq: int
    prev_seq: int
    author_id: str | None
    frame: bytes
    arrived: float = 0.0


Form = Callable[[Encoded], bytes]
"""How a door writes an entry: its framing around the JSON."""


def as_json(entry: Encoded) -> bytes:
    return entry.frame


@dataclass(slots=True, eq=False)
class _Channel:
    """What the feed keeps of a channel while somebody follows it."""

    followers: set[Follower] = field(default_factory=set)
    ring: deque[Encoded] = field(default_factory=deque)
    ring_bytes: int = 0
    top: int | None = None
    """The log's last seq, once somebody has read as far: a follower that stands there has nothing to read."""

    def push(self, entry: Encoded) -> None:
        self.top = entry.seq
        self.ring.append(entry)
        self.ring_bytes += len(entry.frame)
        while len(self.ring) > RING_ENTRIES or (self.ring_bytes > RING_BYTES and len(self.ring) > 1):
            self.ring_bytes -= len(self.ring.popleft().frame)

    def reaches(self, cursor: int) -> bool:
        """Whether the ring holds everything after the cursor."""
        if self.top is not None and cursor >= self.top:
            return True
        return bool(self.ring) and self.ring[0].prev_seq <= cursor

    def after(self, cursor: int, page_bytes: int) -> tuple[list[Encoded], bool]:
        """(the first page after the cursor, whether there is more); of what the ring holds."""
        page: list[Encoded] = []
        size = 0
        for place in range(bisect_right(self.ring, cursor, key=_seq_of), len(self.ring)):
            if size > page_bytes:
                return page, True
            page.append(self.ring[place])
            size += len(self.ring[place].frame)
        return page, False


def _seq_of(entry: Encoded) -> int:
    return entry.seq


class _Growth:
    """What came to a channel since the last hand-over."""

    __slots__ = ("_written", "authors", "bytes", "channel", "entries")

    def __init__(self, channel: _Channel) -> None:
        self.channel = channel
        self.entries: list[Encoded] = []
        self.authors: set[str | None] = set()
        self.bytes = 0
        self._written: dict[Form, bytes] = {}

    def add(self, entry: Encoded) -> None:
        self.authors.add(entry.author_id)
        self.bytes += len(entry.frame)
        # Past a page nobody is pushed to: it would wait in each connection at once. Everybody pages through it.
        if self.entries and self.bytes > PAGE_BYTES:
            self.entries = [self.entries[0], entry]
        else:
            self.entries.append(entry)

    @property
    def is_short(self) -> bool:
        return self.bytes <= PAGE_BYTES or len(self.entries) == 1

    def written(self, form: Form) -> bytes:
        """All of it, as this door writes it: built once for all of its connections."""
        blob = self._written.get(form)
        if blob is None:
            blob = self._written[form] = b"".join(map(form, self.entries))
        return blob

    def without(self, author_id: str, form: Form) -> bytes:
        return b"".join(form(entry) for entry in self.entries if entry.author_id != author_id)


class Feed:
    """Who follows which channel. Everything here runs on the event loop.

    Args:
        page_bytes: what a follower that is behind reads at once, `PAGE_BYTES` at most.
    """

    def __init__(self, store: Store, *, page_bytes: int = PAGE_BYTES) -> None:
        self._store = store
        self._page_bytes = min(page_bytes, PAGE_BYTES)
        self._channels: dict[str, _Channel] = {}
        self._followers: dict[str, set[Follower]] = {}
        self._grown: dict[str, _Growth] = {}
        self._revoked: deque[str] = deque(maxlen=1000)
        self._handed_over_at = 0.0
        self._hand_over_later: asyncio.TimerHandle | None = None
        self.on_came: Callable[[Follower], None] = lambda follower: None
        """Called with a participant's first reader."""
        self.on_left: Callable[[Follower], None] = lambda follower: None
        """Called with a participant's last reader, when it is gone."""
        self.on_handed_over: Callable[[], None] = lambda: None

    @property
    def connections(self) -> int:
        return sum(map(len, self._followers.values()))

    def connections_of(self, participant_id: str) -> int:
        return len(self._followers.get(participant_id, ()))

    def publish(self, events: list[Event]) -> None:
        """Tells the followers what the journal applied, in its order. Who was taken out hears nothing of it anymore."""
        for event in events:
            if isinstance(event, Appended):
                self._append(event)
            elif isinstance(event, MembershipChanged):
                for follower in list(self._followers.get(event.participant_id, ())):
                    follower.membership_changed(event)
            elif isinstance(event, Steered):
                self._tell(event)
            elif isinstance(event, CredentialRevoked):
                self._revoked.append(event.credential_id)
                for follower in [
                    f for group in self._followers.values() for f in group if f.credential_id == event.credential_id
                ]:
                    follower.revoke()
        if self._grown and self._hand_over_later is None:
            wait = self._handed_over_at + COALESCE - time.perf_counter()
            if wait <= 0:
                self._hand_over()
            else:
                self._hand_over_later = asyncio.get_running_loop().call_later(wait, self._hand_over)

    def _append(self, event: Appended) -> None:
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
        entry = Encoded(event.seq, event.prev_seq, author_id, frame, event.arrived)
        channel.push(entry)
        growth = self._grown.get(event.channel_id)
        if growth is None or growth.channel is not channel:
            # Another one: all had left the channel, and somebody came who reads from SQLite what was before.
            self._grown[event.channel_id] = growth = _Growth(channel)
        growth.add(entry)

    def _tell(self, event: Steered) -> None:
        """The control plane goes beside the log: at once, also to who is behind."""
        frames = [Encoded(0, 0, None, encode(frame)) for frame in event.frames]
        written: dict[Form, bytes] = {}
        for follower in self.followers_of(event.channel_id):
            if follower.form not in written:
                written[follower.form] = b"".join(map(follower.form, frames))
            follower.steered(event.channel_id, written[follower.form])

    def _hand_over(self) -> None:
        """What came since the last time, to everybody."""
        self._hand_over_later = None
        grown, self._grown = self._grown, {}
        for channel_id, growth in grown.items():
            for follower in list(growth.channel.followers):
                follower.grew(channel_id, growth)
        self._handed_over_at = now = time.perf_counter()
        for growth in grown.values():
            for entry in growth.entries if growth.channel.followers else ():
                if entry.arrived:
                    metrics.POST_DELIVERED.observe(now - entry.arrived)
        self.on_handed_over()

    @property
    def has_grown(self) -> bool:
        """Whether something durable is about to be handed over: nothing else goes before it."""
        return bool(self._grown)

    def arrived(self, channel_id: str, seq: int) -> float | None:
        """When the entry's command came to this hub, by `time.perf_counter`; None where it is not at hand anymore."""
        channel = self._channels.get(channel_id)
        if channel is None:
            return None
        place = bisect_right(channel.ring, seq, key=_seq_of) - 1
        found = channel.ring[place] if place >= 0 else None
        return found.arrived or None if found and found.seq == seq else None

    def followers_of(self, channel_id: str) -> list[Follower]:
        channel = self._channels.get(channel_id)
        return list(channel.followers) if channel else []

    def top(self, channel_id: str) -> int | None:
        channel = self._channels.get(channel_id)
        return channel.top if channel else None

    def enter(self, follower: Follower) -> None:
        group = self._followers.setdefault(follower.participant_id, set())
        group.add(follower)
        metrics.CONNECTIONS.labels(follower.door).inc()
        logs.log(log, logging.DEBUG, "connected", **follower.ids)
        if len(group) == 1:
            self.on_came(follower)
        if follower.credential_id in self._revoked:
            # Since it was looked up. Later, for who makes the follower does not hold it yet.
            asyncio.get_running_loop().call_soon(follower.revoke)

    def leave(self, follower: Follower) -> None:
        group = self._followers.get(follower.participant_id, set())
        if follower not in group:
            return
        group.discard(follower)
        metrics.CONNECTIONS.labels(follower.door).dec()
        logs.log(log, logging.DEBUG, "disconnected", **follower.ids, revoked=follower.revoked or None)
        if not group:
            self._followers.pop(follower.participant_id, None)
            self.on_left(follower)

    def attach(self, channel_id: str, follower: Follower) -> None:
        self._channels.setdefault(channel_id, _Channel()).followers.add(follower)

    def detach(self, channel_id: str, follower: Follower) -> None:
        channel = self._channels.get(channel_id)
        if channel:
            channel.followers.discard(follower)
            if not channel.followers:
                del self._channels[channel_id]

    def reaches(self, channel_id: str, cursor: int) -> bool:
        """Whether everything after the cursor is at hand."""
        channel = self._channels.get(channel_id)
        return channel is not None and channel.reaches(cursor)

    async def after(self, channel_id: str, cursor: int) -> tuple[list[Encoded], bool]:
        """(a page of entries after the cursor, whether there may be more)."""
        channel = self._channels.get(channel_id)
        if channel and channel.reaches(cursor):
            return channel.after(cursor, self._page_bytes)
        entries, more = await self._store.read(lambda db: read.log_after(db, channel_id, cursor, PAGE, self._page_bytes))
        encoded: list[Encoded] = []
        previous = cursor
        for entry in entries:
            author_id = entry.frame.message.author_id if isinstance(entry.frame, NewMessage) else None
            encoded.append(Encoded(entry.seq, previous, author_id, encode(entry.frame)))
            previous = entry.seq
        if channel and channel.top is None and not more:
            channel.top = previous  # had there been anything newer since, `publish` would have said so
        return encoded, more


class Sink(Protocol):
    """A connection to which a follower writes."""

    def push(self, written: bytes) -> bool:
        """Takes it, or refuses it whole: there waits too much already."""

    async def drained(self) -> bool:
        """Until a page has room; whether that had to be waited for. Raises whatever ends the follower's loop."""

    def lagged(self, channel_id: str, resume_after: int) -> None:
        """The channel is no longer followed, for what stands after ``resume_after`` is not at hand anymore."""


class Follower:
    """One reader's cursors. ``async for pages in follower`` gives what it is behind with, per channel in its order.

    What comes while it is level goes to ``sink`` at once, if it has one; between the two nothing is missed and nothing twice.

    Args:
        door: what it is counted as, ``websocket``, ``events`` or ``poll``.
        form: how its door writes an entry.
        on_revoked: called when the credential behind this reader ends.
        on_signal: called with ephemeral frames, written in its ``form``. Returns: whether it took them. None hears none.
        on_steered: the same for frames of the control plane. Who did not take them is told that it `lagged`.
    """

    def __init__(
        self,
        feed: Feed,
        participant_id: str,
        credential_id: str | None = None,
        *,
        door: str = "poll",
        sink: Sink | None = None,
        form: Form = as_json,
        on_revoked: Callable[[], None] = lambda: None,
        on_signal: Callable[[bytes], bool] | None = None,
        on_steered: Callable[[bytes], bool] | None = None,
    ) -> None:
        self.participant_id = participant_id
        self.credential_id = credential_id
        self.door = door
        self.on_signal = on_signal
        self.on_steered = on_steered
        self.sink = sink
        self.form = form
        self._on_revoked = on_revoked
        self._feed = feed
        self._cursors: dict[str, int] = {}
        self._fresh: set[str] = set()
        """Channels that it follows from their end on."""
        self.revoked = False
        self.ids: dict[str, Any] = {"participant_id": participant_id, "connection": next(_connections), "door": door}
        """What the log says of it."""
        self._dirty: dict[str, None] = {}
        self._live: set[str] = set()
        """Channels in which it has been level with the log: not those that it still replays."""
        self._stalled: set[str] = set()
        """Those of them in which it fell behind because its connection had no room."""
        self._missed: set[str] = set()
        """Channels of which it could not be told something that stands in no log."""
        self.lagging: set[str] = set()
        """Channels that it was told to have `lagged` in, and did not subscribe to again."""
        self._event = asyncio.Event()
        self._closed = False
        self.removals = 0
        """How often the participant was taken out of a channel: a membership read before the last time is no longer true."""
        self.everywhere = False
        """Follows every channel that the participant is in, those joined later too, and skips what it says itself."""
        feed.enter(self)

    def follow(self, channel_id: str, cursor: int, *, fresh: bool = False) -> None:
        """From after ``cursor`` on. Following again moves the cursor. A closed reader follows nothing.

        ``fresh``: the cursor was the log's end a moment ago.
        """
        if self._closed:
            return
        if fresh:
            self._fresh.add(channel_id)
        else:
            self._fresh.discard(channel_id)
        self._feed.attach(channel_id, self)
        self._forget(channel_id)
        self._cursors[channel_id] = cursor
        self.wake(channel_id)

    def unfollow(self, channel_id: str) -> None:
        self._feed.detach(channel_id, self)
        self._cursors.pop(channel_id, None)
        self._fresh.discard(channel_id)
        self._forget(channel_id)

    def _forget(self, channel_id: str) -> None:
        for kept in (self._live, self._stalled, self._missed, self.lagging):
            kept.discard(channel_id)

    def unfollow_all(self, *, but: str | None = None) -> None:
        for channel_id in list(self._cursors):
            if channel_id != but:
                self.unfollow(channel_id)

    def follows(self, channel_id: str) -> bool:
        return channel_id in self._cursors

    def is_level(self, channel_id: str) -> bool:
        """Whether nothing durable of the channel waits for this reader."""
        cursor = self._cursors.get(channel_id)
        if cursor is None:
            return False
        top = self._feed.top(channel_id)
        return channel_id in self._fresh if top is None else cursor >= top

    def wake(self, channel_id: str) -> None:
        self._dirty[channel_id] = None
        self._event.set()

    def grew(self, channel_id: str, growth: _Growth) -> None:
        """The channel's newest: taken at once if this reader is level with it and has room."""
        cursor, last = self._cursors.get(channel_id), growth.entries[-1].seq
        if cursor is None or cursor >= last:
            return  # it read that far already
        first = growth.entries[0]
        if not first.prev_seq <= cursor < first.seq:
            self.wake(channel_id)
            return
        own = self.everywhere and self.participant_id in growth.authors
        if own and len(growth.authors) == 1:
            # All of it is its own: the cursor moves, and a hundred connections of one busy agent need not wake for that.
            self._cursors[channel_id] = last
        elif self.sink is None or not growth.is_short:
            self.wake(channel_id)
        elif self.sink.push(growth.without(self.participant_id, self.form) if own else growth.written(self.form)):
            self._cursors[channel_id] = last
        else:
            self._stalled.add(channel_id)
            self.wake(channel_id)

    def steered(self, channel_id: str, written: bytes) -> None:
        """Of the channel's control plane, which no cursor brings back: a reader without room for it must ask again."""
        if self.on_steered and not self.on_steered(written):
            self._stalled.add(channel_id)
            self._missed.add(channel_id)
            self.wake(channel_id)

    def membership_changed(self, event: MembershipChanged) -> None:
        if not event.joined:
            self.removals += 1
            self.unfollow(event.channel_id)
            self.wake(event.channel_id)  # who waits for this channel alone has to notice
        elif self.everywhere and event.channel_id not in self._cursors and event.channel_id not in self.lagging:
            self.follow(event.channel_id, event.seq, fresh=True)

    def revoke(self) -> None:
        self.revoked = True
        self.close()
        self._on_revoked()

    def close(self) -> None:
        self._closed = True
        self.unfollow_all()
        self._feed.leave(self)
        self._event.set()

    async def wait(self) -> None:
        """Until something happened in a followed channel. The wake-up is taken here, BEFORE the read that follows it:
        taken after, a message that lands in between would wake nobody."""
        await self._event.wait()
        self._event.clear()

    async def __aiter__(self) -> AsyncIterator[list[bytes]]:
        while not self._closed:
            await self.wait()
            async for written in self.behind():
                yield written

    async def behind(self) -> AsyncIterator[list[bytes]]:
        """What the last wake-up was for, page by page. A page must be sent before the next await: then what is pushed
        comes after it."""
        while self._dirty:
            if self.sink and await self.sink.drained():
                self._stalled.update(self._live.intersection(self._dirty))
            channel_id = next(iter(self._dirty), None)
            if channel_id is None:
                return
            del self._dirty[channel_id]
            written = await self._read(channel_id)
            if written:
                yield written

    async def _read(self, channel_id: str) -> list[bytes]:
        cursor = self._cursors.get(channel_id)
        if cursor is None:
            return []
        if channel_id in self._stalled:
            self._stalled.discard(channel_id)
            if self.sink and (channel_id in self._missed or not self._feed.reaches(channel_id, cursor)):
                self.unfollow(channel_id)
                self.lagging.add(channel_id)
                metrics.LAGS.inc()
                _seldom.log(log, logging.WARNING, "lagged", **self.ids, channel_id=channel_id, resume_after=cursor)
                self.sink.lagged(channel_id, cursor)
                return []
        entries, more = await self._feed.after(channel_id, cursor)
        # While SQLite was read, the reader may have left the channel, or moved its cursor.
        if self._cursors.get(channel_id) != cursor:
            return []
        if more:
            self.wake(channel_id)
        else:
            self._live.add(channel_id)
        if not entries:
            return []
        self._cursors[channel_id] = entries[-1].seq
        if self.everywhere:
            entries = [entry for entry in entries if entry.author_id != self.participant_id]
        return [self.form(entry) for entry in entries]
