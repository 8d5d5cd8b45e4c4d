"""`AsyncAgent.listen`: what others say, replayed from a cursor and then live, once each."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Literal

from ..protocol import Message, OneChannel, ReadMessages
from .seen import Seen
from .waits import changed

if TYPE_CHECKING:
    from .acks import Acks
    from .aio import AsyncAgent

PAGE = 1000
After = int | Literal["acked"] | None


async def follow(agent: AsyncAgent, acks: Acks, after: After, now: int | None) -> AsyncIterator[Message]:
    """See `AsyncAgent.listen`. ``now``: where the live log stood when it was called, None if it was not connected."""
    await agent.connect()
    log = agent.conversation.log
    if after == "acked":
        after = max(await _acked(agent), acks.handled_up_to)
    elif after is None:
        after = log.last or 0 if now is None else now
    reader, reading = _Reader(agent, after), acks.open(after)
    try:
        while True:
            event = log.changed  # taken before the read
            again = acks.due()
            messages = [again] if again else await reader.page()
            for message in messages:
                if not again and not reader.takes(message):
                    continue
                reading.current = message
                yield message
                acks.handled(reading)
                if acks.next_due() == 0.0:
                    break
            if not messages:
                if agent.conversation.ended is not None:
                    return
                await changed(event, acks.next_due())
    finally:
        acks.close(reading)


class _Reader:
    """A cursor in the log, kept over a restored log."""

    def __init__(self, agent: AsyncAgent, cursor: int) -> None:
        self._agent = agent
        self._log = agent.conversation.log
        self._cursor = cursor
        self._restarts = self._log.restarts
        self._seen = Seen()

    async def page(self) -> list[Message]:
        """What comes after the cursor; empty if that is all for now."""
        while True:
            if self._log.restarts != self._restarts:
                self._restarts, self._cursor = self._log.restarts, 0
            messages = self._log.after(self._cursor)
            if messages is not None:
                return messages
            request = ReadMessages(self._agent.channel_id, after=self._cursor, limit=PAGE)
            messages = (await self._agent.read(request)).messages
            if messages:
                return messages
            self._cursor = max(self._cursor, self._log.base or 0)

    def takes(self, message: Message) -> bool:
        """Moves past the message; whether it is news."""
        if self._log.restarts != self._restarts:
            return False  # of a log that was replaced meanwhile: the next page begins anew
        self._cursor = message.seq
        told = message.id in self._seen or self._agent.conversation.told_before_reset(message)
        self._seen.add(message.id)
        return not told and message.author_id != self._agent.me.id


async def _acked(agent: AsyncAgent) -> int:
    """Up to where this agent has handled everything, as the hub knows it."""
    channel = (await agent.call("get_channel", OneChannel(agent.channel_id))).channel
    return next((member.read_seq for member in channel.members if member.participant_id == agent.me.id), 0)
