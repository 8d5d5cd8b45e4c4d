"""Messages in the making whose author is lost: what there is of them is posted, and marked.

The hub keeps the newest text of each live stream, in memory. Its author's connection ends and does not come back within the
grace (`Presence`): then that is posted in the author's name. If the author comes back after all, with the whole message, the
whole one stands and the half is deleted. Who was shut out (a revoked key, taken out of the channel) says nothing more.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from .. import commands as c
from .. import logs
from .. import protocol as p
from ..commands import AnyCommand
from ..errors import ChatError
from ..state import drafts

if TYPE_CHECKING:
    from . import Hub

log = logs.named(__name__)

LOST = "*(broken off: connection lost)*"
KEPT_BYTES = 32 * 1024 * 1024
KEPT_OF_ONE = 20
"""Streams of one author; of more, the newest."""

Stream = tuple[str, str]
"""(channel_id, the client_id of the message to come)."""


class Drafts:
    """Told by the signals what is in the making, and by presence who is gone."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._texts: dict[str, dict[Stream, str]] = {}
        self._size = 0
        self._halves: set[tuple[str, str, str]] = set()
        """(channel_id, author_id, stream) of what was posted."""
        self._at_work: set[asyncio.Task[None]] = set()
        hub.signals.on_stream = self._note
        hub.signals.on_forgotten = self._forget
        hub.presence.on_gone = self._gone

    async def start(self) -> None:
        """Of what was posted by an earlier run of the hub, the whole may have come since."""
        self._halves = set(await self._hub.store.read(drafts.halves))
        for half in self._halves:
            self._submit(c.MakeWhole(c.HUB, *half))

    async def close(self) -> None:
        if self._at_work:
            await asyncio.wait(self._at_work)

    def posted(self, message: p.Message) -> None:
        """The whole message stands."""
        if message.client_id is None:
            return
        if texts := self._texts.get(message.author_id):
            self._drop(message.author_id, texts, (message.channel_id, message.client_id))
        half = (message.channel_id, message.author_id, message.client_id)
        if half in self._halves:
            self._halves.discard(half)
            self._submit(c.MakeWhole(c.HUB, *half))

    # ------------------------------------------------------------------ what is told

    def _note(self, author_id: str, signal: p.SendSignal) -> None:
        stream, text = (signal.channel_id, signal.data["id"]), signal.data["text"]
        texts = self._texts.setdefault(author_id, {})
        self._drop(author_id, texts, stream)
        if not text.strip() or self._size + len(text) > KEPT_BYTES:
            return
        self._texts[author_id] = texts
        texts[stream] = text
        self._size += len(text)
        if len(texts) > KEPT_OF_ONE:
            self._drop(author_id, texts, next(iter(texts)))

    def _drop(self, author_id: str, texts: dict[Stream, str], stream: Stream) -> None:
        self._size -= len(texts.pop(stream, ""))
        if not texts:
            self._texts.pop(author_id, None)

    def _forget(self, author_id: str, channel_id: str | None) -> None:
        texts = self._texts.get(author_id, {})
        for stream in list(texts):
            if channel_id in (None, stream[0]):
                self._drop(author_id, texts, stream)

    def _gone(self, author_id: str) -> None:
        texts = self._texts.pop(author_id, {})
        for (channel_id, stream), text in texts.items():
            self._size -= len(text)
            self._halves.add((channel_id, author_id, stream))
            content = f"{text}\n\n{LOST}"
            self._submit(c.BreakOff(c.HUB, channel_id, p.new_id("msg"), author_id, stream, content))

    def _submit(self, command: AnyCommand) -> None:
        async def submitting() -> None:
            try:
                await self._hub.journal.submit(command)
            except ChatError as error:  # the channel is closed, its author no member any more, or the disk fails
                logs.log(log, logging.WARNING, "half a message is lost", code=error.code, reason=error.message)

        task = asyncio.create_task(submitting(), name="agentchat-draft")
        self._at_work.add(task)
        task.add_done_callback(self._at_work.discard)
