"""What an agent has behind its names: the connection, calls over HTTP beside it, and how something is said."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec

from ..errors import ChatError, EmptyMessage, HubUnreachable, InvalidRequest, MessageTooLarge, RateLimited, StoreUnavailable
from ..protocol import (
    MAX_MESSAGE_BYTES,
    Consume,
    IntentFrame,
    Message,
    MessagesReply,
    ReadMessages,
    SendMessage,
    SendReport,
    Sent,
    Subscribed,
    new_id,
)
from .acks import Acks
from .connection import FIRST_DELAY, LONGEST_DELAY, Connection
from .conversation import Conversation
from .find import Way
from .outbox import Outbox, undelivered
from .rest import Rest
from .signals import Signals
from .steering import Steering
from .waits import changed, full_jitter, interruptible, pause

if TYPE_CHECKING:
    from .progress import Bar

TRIES = 6
"""Calls in vain, beside a connection that is live: then something else is wrong."""
CLOSE_GRACE = 2.0
"""Seconds that `close` waits for what is not confirmed yet."""


class Link:
    """The base of `AsyncAgent`: one agent's way to its hub. It connects when it is first needed."""

    def __init__(self, way: Way, outbox: Outbox) -> None:
        self.conversation = Conversation()
        self._way = way
        self._outbox = outbox
        self._connection = Connection(way, self.conversation, outbox)
        self._acks = Acks(self.conversation.log, self._connection.ack)
        self.steering = Steering(self)
        self.conversation.on_control = self._steered
        self.conversation.watchers.append(lambda state: self.steering.wake() if state == "closed" else None)
        self.bars: list[weakref.ref[Bar[Any]]] = []
        """Those that are open, the outer ones first."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._rest: Rest | None = None
        self._calls: set[asyncio.Task[Any]] = set()
        """Those on their way, also when nobody waits for them any more."""

    async def call(self, name: str, request: msgspec.Struct) -> Any:
        """An HTTP call to the hub; it outlives the hub's absence, and waits when the hub asks to."""
        tries = 0
        while True:
            try:
                hub = await self._hub()
                return await self._answered(hub.call(name, request))
            except (RateLimited, StoreUnavailable) as error:
                wait = error.details.get("retry_after")
                if wait is None:
                    raise
            except HubUnreachable:
                if tries >= TRIES and self.conversation.state == "live":
                    raise
                wait = full_jitter(tries + 1, FIRST_DELAY, LONGEST_DELAY)
            if self.conversation.ended is not None:
                raise self.conversation.ended
            tries += 1
            await pause(wait)

    async def read(self, request: ReadMessages) -> MessagesReply:
        """A page of the log."""
        page: MessagesReply = await self.call("read_messages", request)
        for message in page.messages:
            self.conversation.merge(message.lamport)
        return page

    async def request(self, frame: Consume) -> Any:
        """The frame's reply, through as many connections as it takes. Raises: ChatError, what the hub refused."""
        await interruptible(self._begin())
        return await self._connection.request(frame)

    async def tell(self, frame: Consume) -> None:
        """Sends the frame without waiting for its reply."""
        await self._connection.post(frame)

    @property
    def signals(self) -> Signals:
        return self._connection.signals

    async def connected(self) -> None:
        """Connects, if that has not been. See `AsyncAgent.connect`."""
        await interruptible(self._begin())

    def send_at_once(self, frame: SendReport) -> None:
        """Sends the frame in its place behind what was said before, and waits for nothing."""
        with suppress(ChatError):  # closed: nobody is told any more
            self._connection.post_at_once(frame)

    def say_at_once(self, frame: SendMessage) -> None:
        """As `send_at_once`: a message, of an agent that is or was connected."""
        self._address(frame)
        with suppress(ChatError):
            self._connection.post_at_once(frame)

    def soon(self, function: Callable[[], object]) -> None:
        """Calls the function on the agent's event loop, from any thread, and waits for nothing. Nothing happens where the agent
        never was connected, or is closed."""
        loop = self._loop
        if loop is None:
            return
        try:
            here = asyncio.get_running_loop() is loop
        except RuntimeError:
            here = False
        if here:
            function()
            return
        with suppress(RuntimeError):  # it has ended
            loop.call_soon_threadsafe(function)

    def later(self, seconds: float, function: Callable[[], object]) -> None:
        """Calls the function then; from the agent's event loop."""
        asyncio.get_running_loop().call_later(seconds, function)

    def _steered(self, frame: IntentFrame | Subscribed) -> None:
        if isinstance(frame, IntentFrame):
            self.steering.hear(frame)
        else:
            self.steering.subscribed()

    async def end(self) -> str:
        """Closes; says what could not be delivered."""
        if self._connecting is None:
            lost = []
        else:
            self._acks.flush()
            lost = await self._connection.close(CLOSE_GRACE)
        for call in self._calls:
            call.cancel()
        await asyncio.gather(*self._calls, return_exceptions=True)  # a socket that one of them opens is closed by it
        if self._rest is not None:
            await self._rest.close()
        return undelivered(lost, CLOSE_GRACE) if lost else ""

    async def _hub(self) -> Rest:
        place, old = self.conversation.place, self._rest
        if old is None or (old.url, old.key) != (place.url, place.key):
            self._rest = Rest(place.url, place.key)
            if old is not None:
                await old.close()
        assert self._rest is not None
        return self._rest

    async def _answered(self, calling: Coroutine[Any, Any, Any]) -> Any:
        call = asyncio.ensure_future(calling)
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)
        call.add_done_callback(_seen)
        try:
            return await interruptible(call)
        except asyncio.CancelledError:
            if call.cancelled() and self.conversation.ended is not None:
                raise self.conversation.ended from None  # the agent was closed, not who waits
            raise

    def _begin(self) -> asyncio.Task[None]:
        if self._connecting is None:
            self._loop = asyncio.get_running_loop()
            self._connecting = asyncio.ensure_future(self._connection.open())
            self._connecting.add_done_callback(_seen)
        return self._connecting

    async def _prepare(self, frame: SendMessage) -> None:
        try:
            size = len(frame.content.encode())
        except UnicodeEncodeError as error:
            raise InvalidRequest("content: it holds a lone surrogate, which is not text; give valid Unicode.") from error
        if size > MAX_MESSAGE_BYTES:
            told = f"The message has {size} bytes, the limit is {MAX_MESSAGE_BYTES}: post it in parts."
            raise MessageTooLarge(told, limit_bytes=MAX_MESSAGE_BYTES)
        await interruptible(self._begin())
        self._address(frame)

    def _address(self, frame: SendMessage) -> None:
        frame.channel_id = self.conversation.channel_id
        frame.client_id = frame.client_id or new_id("c")
        frame.lamport = self.conversation.tick()

    async def _say_later(self, frame: SendMessage) -> None:
        if not frame.content.strip():
            raise EmptyMessage("content: it is empty; say something.")
        await self._prepare(frame)
        await self._connection.post(frame)

    async def _say(self, frame: SendMessage) -> Message:
        await self._prepare(frame)
        sent: Sent = await self._connection.request(frame)
        if sent.message is not None:
            self.conversation.merge(sent.message.lamport)
            return sent.message
        if (echo := self.conversation.log.get(sent.message_id)) is not None:
            return echo
        me = self.conversation.me
        return Message(
            sent.message_id, frame.channel_id, sent.seq, me.id, me.name, me.kind, frame.content, sent.created_at or "",
            client_id=frame.client_id, parent_id=frame.parent_id, lamport=frame.lamport, parts=frame.parts,
        )  # fmt: skip

    async def _reached(self, seq: int) -> None:
        """Until the live log has come to this seq, so that a transcript holds what was said before. At most a second."""
        log = self.conversation.log
        while True:
            event = log.changed
            if (log.last or 0) >= seq or not await changed(event, 1.0):
                return


def _seen(task: asyncio.Task[Any]) -> None:
    """A connection begun in passing failed, or a call that was given up: who needs it is told when they wait for it."""
    if not task.cancelled():
        task.exception()
