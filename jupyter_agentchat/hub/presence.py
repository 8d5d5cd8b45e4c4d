"""Who is here, and what the agents last said that they are doing. In memory, and as true as the connections are.

A participant is online from its first connection (WebSocket, event stream, long-poll) until `Limits.presence_grace` seconds
after its last one; whose credential is revoked goes at once. What changed is told to the participant's channels in batches,
each `BATCH` seconds, one frame a participant and reader. A channel of more than `TOLD_MEMBERS` members is not told: a thousand
who come at once would be a million frames. There, `online` of its members says it to who asks.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from .. import protocol as p
from ..errors import ChatError
from ..feed import Feed, Follower
from ..state import read
from ..state.store import Store
from .signals import Signals

BATCH = 0.1
TOLD_MEMBERS = 100
KEPT_SECONDS = 3600.0
"""For which an agent's last words are kept when it has gone."""
KEPT = 10_000
"""Participants of whom anything is kept when they have gone."""
CHANNELS = 32
"""Of one agent, in which its last words are kept: the newest."""


@dataclass(slots=True)
class _Said:
    """In one channel."""

    status: p.Activity | None = None
    progress: p.Activity | None = None


@dataclass(slots=True)
class _Leaving:
    timer: asyncio.TimerHandle
    credential_id: str | None


class Presence:
    """Told by the feed who has a connection; tells the channels.

    Args:
        grace: seconds.
    """

    def __init__(self, feed: Feed, store: Store, signals: Signals, grace: float) -> None:
        self._store = store
        self._signals = signals
        self._grace = grace
        self._here: set[str] = set()
        """Who has connections."""
        self._leaving: dict[str, _Leaving] = {}
        self._told: set[str] = set()
        """Who was told to be online."""
        self._changed: dict[str, None] = {}
        """Who came or went since the last batch."""
        self._moved: dict[tuple[str, str], bool] = {}
        """(channel, participant) that were joined or left (True) since then."""
        self._batch: asyncio.Task[None] | None = None
        self._said: dict[str, dict[str, _Said]] = {}
        self._gone: dict[str, float] = {}
        self.on_gone: Callable[[str], None] = lambda participant_id: None
        """Called with who did not come back."""
        self._seen: dict[str, float] = {}
        """When somebody last gave a sign of life, by the wall clock; those of longest ago first."""
        feed.on_came = self._came
        feed.on_left = self._left

    def is_online(self, participant_id: str) -> bool:
        return participant_id in self._here or participant_id in self._leaving

    def mark(self, channels: list[p.Channel]) -> None:
        for channel in channels:
            for member in channel.members:
                member.online = self.is_online(member.participant_id)

    def close(self) -> None:
        for leaving in self._leaving.values():
            leaving.timer.cancel()
        if self._batch:
            self._batch.cancel()

    # ------------------------------------------------------------------ coming and going

    def _came(self, follower: Follower) -> None:
        self._here.add(follower.participant_id)
        self.heard(follower.participant_id)
        self._arrived(follower.participant_id)

    def _arrived(self, participant_id: str) -> None:
        if leaving := self._leaving.pop(participant_id, None):
            leaving.timer.cancel()
        self._gone.pop(participant_id, None)
        self._changed[participant_id] = None
        self._tell_soon()

    def _left(self, follower: Follower) -> None:
        participant_id = follower.participant_id
        self._here.discard(participant_id)
        self.heard(participant_id)
        if follower.revoked:
            self._signals.forget(participant_id)
            self._go(participant_id)
        else:
            self._leave(participant_id, follower.credential_id)

    def _leave(self, participant_id: str, credential_id: str | None) -> None:
        timer = asyncio.get_running_loop().call_later(self._grace, self._go, participant_id)
        self._leaving[participant_id] = _Leaving(timer, credential_id)

    def polled(self, participant_id: str, credential_id: str | None) -> None:
        """A long-poll that was answered at once: who polls in a busy channel is here too."""
        if participant_id not in self._here:
            self._arrived(participant_id)
            self._leave(participant_id, credential_id)

    def revoked(self, credential_id: str) -> None:
        """Whose last connection had this credential is not waited for anymore."""
        for participant_id, leaving in list(self._leaving.items()):
            if leaving.credential_id == credential_id:
                self._signals.forget(participant_id)
                self._go(participant_id)

    def _go(self, participant_id: str) -> None:
        if leaving := self._leaving.pop(participant_id, None):
            leaving.timer.cancel()
        self.on_gone(participant_id)
        if participant_id in self._said:
            self._gone[participant_id] = time.monotonic()
            self._forget()
        self._changed[participant_id] = None
        self._tell_soon()

    def reseated(self, channel_id: str, participant_id: str, *, gone: bool) -> None:
        """Who joins a channel, or is taken out of it, comes or goes for its members."""
        if gone:
            self._said.get(participant_id, {}).pop(channel_id, None)
        if gone or self.is_online(participant_id):
            self._moved[channel_id, participant_id] = gone
            self._tell_soon()

    # ------------------------------------------------------------------ telling

    def _tell_soon(self) -> None:
        if self._batch is None:
            self._batch = asyncio.create_task(self._tell_batches(), name="agentchat-presence")

    async def _tell_batches(self) -> None:
        try:
            while self._changed or self._moved:
                await asyncio.sleep(BATCH)
                changed, self._changed = self._changed, {}
                moved, self._moved = self._moved, {}
                try:
                    channels, small = await self._store.read(partial(_who_hears, participants=list(changed), moved=moved))
                except ChatError:  # the disk fails: with the next batch
                    self._changed, self._moved = {**changed, **self._changed}, {**moved, **self._moved}
                    continue
                for participant_id in changed:
                    self._tell(participant_id, channels[participant_id])
                for (channel_id, participant_id), gone in moved.items():
                    if channel_id in small and (gone or self.is_online(participant_id)):
                        self._signals.tell(channel_id, participant_id, "presence", {"state": "offline" if gone else "online"})
        finally:
            self._batch = None

    def _tell(self, participant_id: str, channel_ids: list[str]) -> None:
        online = self.is_online(participant_id)  # by now: it may have come back meanwhile
        if online == (participant_id in self._told):
            return
        if online:
            self._told.add(participant_id)
        else:
            self._told.discard(participant_id)
        for channel_id in channel_ids:
            self._signals.tell(channel_id, participant_id, "presence", {"state": "online" if online else "offline"})

    # ------------------------------------------------------------------ what agents said last

    def heard(self, who: str) -> None:
        """A sign of life."""
        self._seen.pop(who, None)
        self._seen[who] = time.time()
        if len(self._seen) > KEPT:
            del self._seen[next(iter(self._seen))]

    def seen_at(self, who: str) -> str | None:
        at = self._seen.get(who)
        return None if at is None else p.timestamp(at)

    def note(self, who: str, signal: p.SendSignal) -> None:
        """Keeps an agent's status or progress."""
        said = self._said.setdefault(who, {})
        in_channel = said.pop(signal.channel_id, None) or _Said()
        said[signal.channel_id] = in_channel
        if len(said) > CHANNELS:
            del said[next(iter(said))]
        if not self.is_online(who):  # it went while its signal was under way
            self._gone[who] = time.monotonic()
        data = signal.data
        activity = p.Activity(
            data.get("text", ""), p.timestamp(time.time()), data.get("done"), data.get("total"), data.get("ended") is True
        )
        if signal.kind == "status":
            in_channel.status = p.Activity(activity.text, activity.at)
        else:
            in_channel.progress = activity

    def last_words(self, participant_id: str, channel_ids: set[str] | None) -> tuple[p.Activity | None, p.Activity | None]:
        """(status, progress) as last given in one of these channels; None: in any."""
        self._forget()
        heard = [
            said for channel_id, said in self._said.get(participant_id, {}).items()
            if channel_ids is None or channel_id in channel_ids
        ]  # fmt: skip
        return _newest([said.status for said in heard]), _newest([said.progress for said in heard])

    def _forget(self) -> None:
        """Who went an hour ago. The dict is in the order in which they went."""
        past = time.monotonic() - KEPT_SECONDS
        while self._gone and (len(self._gone) > KEPT or next(iter(self._gone.values())) < past):
            participant_id = next(iter(self._gone))
            del self._gone[participant_id]
            self._said.pop(participant_id, None)


def _who_hears(
    db: sqlite3.Connection, participants: list[str], moved: dict[tuple[str, str], bool]
) -> tuple[dict[str, list[str]], set[str]]:
    """(the channels of each participant that are told, those of ``moved`` that are)."""
    channels = {participant_id: read.small_channel_ids(db, participant_id, TOLD_MEMBERS) for participant_id in participants}
    return channels, {channel_id for channel_id, _ in moved if read.is_small(db, channel_id, TOLD_MEMBERS)}


def _newest(activities: list[p.Activity | None]) -> p.Activity | None:
    return max((activity for activity in activities if activity), key=lambda activity: activity.at, default=None)
