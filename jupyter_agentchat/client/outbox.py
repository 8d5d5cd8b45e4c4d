"""What the agent sent and the hub has not confirmed yet: in its order, bounded, sent again until it is confirmed. No I/O."""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Literal

from ..errors import ChatError, MessageTooLarge, OutboxFull
from .waits import changed

MESSAGES = 10_000
BYTES = 16 * 1024 * 1024
IN_FLIGHT = 256
"""Frames that are sent and not confirmed: a hub that asks to wait is sent no more than these in vain."""
SPREAD = 0.5
"""Agents that are told to wait in the same instant do not come back in the same one: up to half as long again."""

WhenFull = Literal["wait", "raise"]


@dataclass(eq=False)
class Entry:
    """A frame, until its reply comes. ``says``: the words in it, to quote them if they are lost."""

    request_id: str
    frame: bytes
    reply: asyncio.Future[Any]
    says: str | None = None


@dataclass(eq=False)
class _Ticket:
    """Somebody waits until there is room for so many bytes."""

    size: int
    turn: asyncio.Event = field(default_factory=asyncio.Event)


class Outbox:
    """Frames leave in the order in which they came in, at most `IN_FLIGHT` unconfirmed ones at a time.

    Args:
        messages: how many frames may be unconfirmed.
        size: bytes that they may have together.
        when_full: what `put` does then: ``wait`` until there is room, or ``raise`` OutboxFull.

    ``work`` is set whenever `take` may have something.
    """

    def __init__(self, messages: int = MESSAGES, size: int = BYTES, when_full: WhenFull = "wait") -> None:
        for name, value in (("outbox_messages", messages), ("outbox_bytes", size)):
            if type(value) is not int or value < 1:
                raise ValueError(f"{name}: {value!r}; give a whole number from 1 on.")
        if when_full not in ("wait", "raise"):
            raise ValueError(f"when_full: {when_full!r}; give 'wait' or 'raise'.")
        self.work = asyncio.Event()
        self._limit, self._limit_bytes, self._when_full = messages, size, when_full
        self._entries: dict[str, Entry] = {}
        self._bytes = 0
        self._waiting: deque[Entry] = deque()
        self._flying: dict[str, Entry] = {}
        self._tickets: deque[_Ticket] = deque()
        self._paused_until = 0.0
        self._ended: ChatError | None = None

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, request_id: str | None) -> bool:
        return request_id in self._entries

    @property
    def paused(self) -> bool:
        return time.monotonic() < self._paused_until

    def unconfirmed(self) -> list[Entry]:
        """In their order."""
        return list(self._entries.values())

    async def put(self, entry: Entry) -> None:
        """Takes the frame, as soon as there is room for it.

        Raises:
            OutboxFull: there is none, and ``when_full`` is ``raise``.
            MessageTooLarge: the frame alone is larger than the whole outbox.
        """
        size = len(entry.frame)
        if size > self._limit_bytes:
            raise MessageTooLarge(
                f"This message is {size} bytes on the wire, more than the agent's whole outbox: send less, or make the"
                f" agent with outbox_bytes={size} or more (it is {self._limit_bytes}).",
                limit_bytes=self._limit_bytes,
            )
        if self._tickets or not self._fits(size):
            if self._when_full == "raise":
                raise self._full()
            await self._turn(size)
        self.put_at_once(entry)

    def put_at_once(self, entry: Entry) -> None:
        """Takes the frame beyond the limit: for what there is one of at a time."""
        if self._ended is not None:
            raise self._ended
        self._entries[entry.request_id] = entry
        self._bytes += len(entry.frame)
        self._waiting.append(entry)
        self.work.set()

    def take(self) -> Entry | None:
        """The next frame to send, if there is one that may be sent now."""
        if self.paused:
            return None
        while self._waiting and len(self._flying) < IN_FLIGHT:
            entry = self._waiting.popleft()
            if entry.request_id in self._entries:
                self._flying[entry.request_id] = entry
                return entry
        return None

    def remove(self, request_id: str) -> Entry | None:
        """Its reply has come, or nobody wants it sent any more."""
        entry = self._entries.pop(request_id, None)
        if entry is not None:
            self._bytes -= len(entry.frame)
            self._flying.pop(request_id, None)
            self.work.set()
            self._next_ticket()
        return entry

    def again(self) -> None:
        """All that is not confirmed is to be sent once more, in its order, before anything newer."""
        self._waiting.extendleft(reversed(self._flying.values()))
        self._flying.clear()
        self.work.set()

    def pause(self, seconds: float) -> None:
        """The hub takes nothing for so long: then everything is sent again. What is in flight it refuses too."""
        seconds *= random.uniform(1, 1 + SPREAD)  # noqa: S311 no secret
        self._paused_until = max(self._paused_until, time.monotonic() + seconds)
        self.again()
        asyncio.get_running_loop().call_later(seconds + 0.001, self.work.set)

    def end(self, error: ChatError) -> None:
        """Nothing is sent any more: whoever waits gets the error."""
        self._ended = error
        for entry in self.unconfirmed():
            if not entry.reply.done():
                entry.reply.set_exception(error)
                entry.reply.exception()  # seen: nobody may be waiting
        self._entries.clear()
        self._waiting.clear()
        self._flying.clear()
        for ticket in self._tickets:
            ticket.turn.set()

    def _fits(self, size: int) -> bool:
        return len(self._entries) < self._limit and self._bytes + size <= self._limit_bytes

    async def _turn(self, size: int) -> None:
        # First come, first served: a small message does not overtake a large one that waits for room.
        ticket = _Ticket(size)
        self._tickets.append(ticket)
        try:
            while self._ended is None and not (self._tickets[0] is ticket and self._fits(size)):
                ticket.turn.clear()
                await changed(ticket.turn)
        finally:
            self._tickets.remove(ticket)
            # Only in the next turn of the loop: this one's frame is put first.
            asyncio.get_running_loop().call_soon(self._next_ticket)

    def _next_ticket(self) -> None:
        if self._tickets and self._fits(self._tickets[0].size):
            self._tickets[0].turn.set()

    def _full(self) -> OutboxFull:
        return OutboxFull(
            f"{len(self._entries)} messages ({self._bytes} bytes) are sent and not confirmed by the hub yet; the limits are"
            f" outbox_messages={self._limit} and outbox_bytes={self._limit_bytes}. Wait for some (`agent.flush()`), give higher"
            ' limits, or make the agent with when_full="wait".'
        )


def undelivered(lost: list[str], grace: float) -> str:
    """What a warning says of messages that were not confirmed."""
    quoted = ", ".join(repr(words if len(words) <= 40 else f"{words[:39]}…") for words in lost[:3])
    more = f" and {len(lost) - 3} more" if len(lost) > 3 else ""
    return (
        f"{len(lost)} message{'' if len(lost) == 1 else 's'} of this agent could not be delivered within {grace:g} seconds of"
        f" its closing, and may be lost: {quoted}{more}. Wait with `agent.flush()` before."
    )
