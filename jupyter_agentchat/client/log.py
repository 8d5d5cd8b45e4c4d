"""The newest messages of the agent's channel, as its connection saw them: what listeners and transcripts read."""

from __future__ import annotations

import asyncio
from collections import deque
from itertools import takewhile

from ..protocol import Closing, Message

KEPT = 2000
"""Messages. Who is further behind reads the rest from the hub."""


class Log:
    """A bounded tail of one channel.

    `last` is the cursor: everything up to this seq was seen. `base`: everything after this seq (up to `last`) is kept.
    Readers wake by `changed`: they take the event BEFORE they read; taken after it, a wake-up is lost.
    """

    def __init__(self) -> None:
        self.base: int | None = None
        self.last: int | None = None
        self.changed = asyncio.Event()
        self.restarts = 0
        self._messages: deque[Message] = deque()
        self._by_id: dict[str, Message] = {}

    def start(self, seq: int) -> None:
        """The live log begins after this seq."""
        if self.last is None:
            self.base = self.last = seq
            self.wake()

    def restart(self) -> None:
        """Another log took this one's place: its seqs begin anew, and every reader with them."""
        self._messages.clear()
        self._by_id.clear()
        self.base = self.last = 0
        self.restarts += 1
        self.wake()

    def append(self, message: Message) -> bool:
        """Keeps the message; False if it was seen before (a replay after a reconnect overlaps)."""
        if self.last is not None and message.seq <= self.last:
            return False
        self.advance(message.seq)
        self._messages.append(message)
        self._by_id[message.id] = message
        if message.closes is not None:
            self._close(message.closes)
        while len(self._messages) > KEPT:
            dropped = self._messages.popleft()
            del self._by_id[dropped.id]
            self.base = dropped.seq
        self.wake()
        return True

    def replace(self, message: Message) -> None:
        """A kept message was edited."""
        kept = self._by_id.get(message.id)
        if kept is not None:
            kept.content, kept.parts, kept.edited_at = message.content, message.parts, message.edited_at

    def delete(self, message_id: str) -> None:
        """A kept message was deleted: its words go, its place stays."""
        kept = self._by_id.get(message_id)
        if kept is not None:
            kept.content, kept.parts, kept.deleted_at = "", None, kept.deleted_at or kept.created_at

    def advance(self, seq: int) -> None:
        if self.base is None:
            self.base = seq - 1
        self.last = max(self.last or 0, seq)
        self.wake()

    def after(self, seq: int, limit: int = 100) -> list[Message] | None:
        """The next messages after ``seq``; None if some of them are not kept any more."""
        if self.base is None or seq < self.base:
            return None
        if self.last is not None and seq >= self.last:
            return []
        newer = list(takewhile(lambda message: message.seq > seq, reversed(self._messages)))
        return newer[: -limit - 1 : -1]

    def messages(self) -> list[Message]:
        return list(self._messages)  # one step under the GIL: the blocking agent reads it from the cell's thread

    def get(self, message_id: str) -> Message | None:
        return self._by_id.get(message_id)

    def _close(self, closing: Closing) -> None:
        asked = self._by_id.get(closing.question_id)
        if asked is not None and asked.question is not None:
            asked.question.end(closing)

    def wake(self) -> None:
        """Every reader looks again."""
        self.changed.set()
        self.changed = asyncio.Event()
