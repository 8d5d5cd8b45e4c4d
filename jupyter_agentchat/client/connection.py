"""The agent's one WebSocket, and a new one whenever the old one is lost.

What was not confirmed is sent again after a reconnect, in its order and under the same client_id, so the hub takes it once.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

import msgspec
from msgspec import UNSET

from ..errors import ChatError, Forbidden, HubUnreachable, NotFound, RateLimited, StoreUnavailable, Unauthenticated, from_wire
from ..protocol import (
    Ack,
    ClientFrame,
    Connected,
    ErrorFrame,
    SendMessage,
    SendSignal,
    Subscribed,
    decode_server_frame,
    encode,
    new_id,
)
from .conversation import SUBSCRIPTION, Conversation
from .find import Place, Way
from .outbox import Entry, Outbox
from .rest import is_loopback, refusal, tls
from .signals import Signals
from .waits import full_jitter, interruptible

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

FIRST_CONNECT = 10.0
"""Seconds in which the first connection must stand; after that, a lost one is tried again for ever."""
FIRST_DELAY, LATER_DELAY, LONGEST_DELAY = 0.05, 0.5, 5.0
"""Seconds: the scale of the delay before the second try of the first connection, before the first try of a lost one (all agents
of a hub lose it in the same instant), and the longest."""
STOOD = 5.0
"""Seconds after which a connection was a good one: lost sooner, the delays go on growing."""
RETRY_AFTER = 1.0
"""Seconds to wait for a hub that says to wait and not for how long."""
LARGEST_FRAME = 64 * 1024 * 1024

_log = logging.getLogger("jupyter_agentchat")


class Connection:
    """Keeps one WebSocket to the hub.

    Args:
        way: how to get to the hub, again and again.
        conversation: takes every frame that is not the reply to a request, and says where the channel continues.
        outbox: holds what is not confirmed.
    """

    def __init__(self, way: Way, conversation: Conversation, outbox: Outbox) -> None:
        self.signals = Signals(outbox.work.set)
        self._way = way
        self._conversation = conversation
        self._outbox = outbox
        self._socket: ClientConnection | None = None
        self._runner: asyncio.Task[None] | None = None
        self._first: asyncio.Future[None] | None = None
        self._live_since: float | None = None

    async def open(self) -> None:
        """Connects and stays connected.

        Raises:
            HubUnreachable: there is no hub after `FIRST_CONNECT` seconds.
            Unauthenticated, Forbidden: the hub refuses the key.
        """
        self._first = asyncio.get_running_loop().create_future()
        self._runner = asyncio.create_task(self._run(), name="agentchat connection")
        try:
            await interruptible(self._first)
        except BaseException:
            self._runner.cancel()
            raise

    async def request(self, frame: ClientFrame) -> Any:
        """Sends the frame and waits for its reply, through as many connections as it takes.

        Raises:
            ChatError: what the hub refused, as the class of its code.
            OutboxFull, MessageTooLarge: see `Outbox.put`.
        """
        entry = _entry(frame)
        await self._outbox.put(entry)
        try:
            return await interruptible(entry.reply)
        finally:
            # Cancelled: whoever gave up does not want it sent again. Answered: it is out of the outbox already.
            self._outbox.remove(entry.request_id)

    async def post(self, frame: ClientFrame) -> None:
        """Sends the frame; nobody waits for its reply, but until it comes the frame is sent again.

        Raises:
            OutboxFull, MessageTooLarge: see `Outbox.put`.
        """
        entry = _entry(frame)
        await self._outbox.put(entry)
        entry.reply.add_done_callback(self._log_refusal)

    def post_at_once(self, frame: ClientFrame) -> None:
        """As `post`, also past the outbox's limit: for the few words that must not wait, however a block is left."""
        entry = _entry(frame)
        entry.reply.add_done_callback(self._log_refusal)
        self._outbox.put_at_once(entry)

    def ack(self, seq: int) -> asyncio.Future[Any]:
        """Tells the hub the cursor; the future is done when it has it."""
        entry = _entry(Ack(self._conversation.channel_id, seq))
        entry.reply.add_done_callback(self._log_refusal)
        try:
            self._outbox.put_at_once(entry)
        except ChatError as error:
            entry.reply.set_exception(error)
        return entry.reply

    async def flush(self, timeout: float | None) -> bool:
        """Until all that is in the outbox now is confirmed (or refused); False after ``timeout`` seconds."""
        deadline = None if timeout is None else time.monotonic() + timeout
        for entry in self._outbox.unconfirmed():
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            try:
                await interruptible(entry.reply, left)
            except asyncio.TimeoutError:
                return False
            except ChatError:
                if self._conversation.ended is not None:
                    return False
        return True

    async def close(self, grace: float) -> list[str]:
        """Ends the connection. What is not confirmed gets ``grace`` seconds for it; the words that are lost are the result."""
        if self._conversation.state == "closed":
            return []
        await self.flush(grace)
        lost = [entry.says for entry in self._outbox.unconfirmed() if entry.says is not None]
        self._fail(HubUnreachable("This agent is closed: make a new one."))
        if self._socket is not None:
            await self._socket.close()  # a cancelled one would say that something went wrong
        if self._runner is not None:
            self._runner.cancel()
            with suppress(asyncio.CancelledError):
                await self._runner
        return lost

    # ------------------------------------------------------------------------------------------ requests

    async def _pump(self, socket: ClientConnection) -> None:
        """Sends what there is to send on this connection, until it is lost."""
        from websockets.exceptions import ConnectionClosed

        with suppress(ConnectionClosed):  # the next connection sends it again
            while True:
                self._outbox.work.clear()  # before the look: after it, a wake-up would be lost
                while (frame := self._next_frame()) is not None:
                    await socket.send(frame, text=True)
                await self._outbox.work.wait()

    def _next_frame(self) -> bytes | None:
        if (entry := self._outbox.take()) is not None:
            return entry.frame
        if not self._outbox.paused and (signal := self.signals.take()) is not None:
            kind, data = signal
            return encode(SendSignal(self._conversation.channel_id, kind, data, "signal"))
        return None

    def _settle(self, request_id: str, reply: Any) -> None:
        if isinstance(reply, ErrorFrame):
            error = _error(reply)
            if isinstance(error, RateLimited) or (isinstance(error, StoreUnavailable) and reply.retry_after is not None):
                _log.info("The hub asks to wait %s s: %s", reply.retry_after, error)
                self._outbox.pause(RETRY_AFTER if reply.retry_after is None else reply.retry_after)
                return
        entry = self._outbox.remove(request_id)
        if entry is None or entry.reply.done():
            return
        if isinstance(reply, ErrorFrame):
            entry.reply.set_exception(error)
        else:
            entry.reply.set_result(reply)

    def _fail(self, error: ChatError) -> None:
        _log.debug("the connection ends with %s frames unconfirmed: %s", len(self._outbox), error)
        self._conversation.end(error)
        self._outbox.end(error)
        if self._first is not None and not self._first.done():
            self._first.set_exception(error)
            self._first.exception()

    def _log_refusal(self, reply: asyncio.Future[Any]) -> None:
        error = None if reply.cancelled() else reply.exception()
        if error is not None and error is not self._conversation.ended:  # that one is told once, not for every frame
            _log.warning("The hub refused what nobody waited for: %s", error)

    # ------------------------------------------------------------------------------------------ the connection

    async def _run(self) -> None:
        started, tries, refused, place = time.monotonic(), 0, False, None
        while True:
            lost: Exception
            try:
                if place is None or self._way.local:  # an embedded hub moves when its owner ends
                    place = await self._way.join()
                    self._conversation.joined(place)
                await self._converse(place)
                lost = ConnectionError("the hub closed the connection")
            except (Unauthenticated, Forbidden) as error:
                if refused:
                    self._fail(error)
                    return
                lost, refused, place = error, True, None
            except (HubUnreachable, StoreUnavailable, RateLimited, OSError, asyncio.TimeoutError) as error:
                lost = error
            except ChatError as error:
                self._fail(error)
                return
            except Exception as error:
                _log.exception("The agent's connection failed")
                self._fail(HubUnreachable(f"The agent's connection failed: {error!r}"))
                return
            if self._conversation.ended is not None or self._gives_up(lost, started):
                return
            if self._live_since is not None:
                refused, tries = False, tries if time.monotonic() - self._live_since < STOOD else 0
            await self._wait(tries)
            tries += 1

    def _gives_up(self, lost: Exception, started: float) -> bool:
        """Whether there never was a hub. One that was there is tried for ever."""
        _log.debug("connection lost: %r", lost)
        if self._first is None or self._first.done() or time.monotonic() - started <= FIRST_CONNECT:
            return False
        self._fail(lost if isinstance(lost, ChatError) else HubUnreachable(f"No connection to the hub: {lost!r}"))
        return True

    async def _wait(self, tries: int) -> None:
        first = self._first is not None and not self._first.done()
        self._conversation.state = "connecting" if first else "retrying"
        await asyncio.sleep(full_jitter(tries, FIRST_DELAY if first else LATER_DELAY, LONGEST_DELAY))

    async def _converse(self, place: Place) -> None:
        from websockets.asyncio.client import connect
        from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

        options: dict[str, Any] = {"ssl": tls(place.url)} if place.url.startswith("https") else {}
        if is_loopback(place.url):
            options["proxy"] = None
        self._live_since = None
        try:
            async with connect(
                f"ws{place.url.removeprefix('http')}ws",
                additional_headers={"Authorization": f"Bearer {place.key}"},
                compression=None,
                max_size=LARGEST_FRAME,
                ping_interval=20,
                ping_timeout=20,
                close_timeout=1,
                **options,
            ) as socket:
                await self._greet(socket)
                self._socket = socket
                self._outbox.again()
                pump = asyncio.create_task(self._pump(socket), name="agentchat outbox")
                try:
                    async for data in socket:
                        await self._take(data)
                finally:
                    pump.cancel()
        except InvalidStatus as error:
            response = error.response
            if response.status_code in (401, 403):
                raise Unauthenticated(f"The hub at {place.url} refuses this key: give a valid one.") from error
            refused = refusal(place.url, response.status_code, response.reason_phrase, bytes(response.body or b""))
            if refused.status in (429, 503):
                raise refused from error
            raise HubUnreachable(f"No hub answers at {place.url}: {refused.message}") from error
        except (InvalidHandshake, ConnectionClosed) as error:
            raise ConnectionError(str(error)) from error
        finally:
            self._socket = None
            self.signals.lost()

    async def _greet(self, socket: ClientConnection) -> None:
        try:
            hello = decode_server_frame(await socket.recv())
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ConnectionError(f"Not an agent chat hub: {error}") from error
        if isinstance(hello, ErrorFrame):
            raise _error(hello)
        if not isinstance(hello, Connected):
            raise ConnectionError(f"Not an agent chat hub: it began with {type(hello).__name__}.")
        self._conversation.receive(hello)
        await socket.send(encode(self._conversation.subscription()), text=True)

    async def _take(self, data: str | bytes) -> None:
        try:
            frame = decode_server_frame(data)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            _log.debug("a frame that is not understood is left out: %s", error)
            return
        request_id = getattr(frame, "request_id", None)
        if isinstance(frame, ErrorFrame) and request_id == SUBSCRIPTION:
            self._refused_channel(_error(frame))
        elif request_id is not None and request_id in self._outbox:
            self._settle(request_id, frame)
        elif self._conversation.receive(frame) and self._socket is not None:
            await self._socket.send(encode(self._conversation.subscription()), text=True)
        if isinstance(frame, Subscribed):
            self._live_since = self._live_since or time.monotonic()
            self._conversation.state = "live"
            self.signals.connected()
            if self._first is not None and not self._first.done():
                self._first.set_result(None)

    def _refused_channel(self, error: ChatError) -> None:
        if isinstance(error, (NotFound, Forbidden)):
            self._fail(error)
        raise ConnectionError(error.message)


def _entry(frame: ClientFrame) -> Entry:
    frame.request_id = request_id = new_id("req")
    if getattr(frame, "client_id", UNSET) is None:
        frame.client_id = new_id("c")  # type: ignore[union-attr]  # it is there, and None
    says = frame.content if isinstance(frame, SendMessage) else None
    return Entry(request_id, encode(frame), asyncio.get_running_loop().create_future(), says)


def _error(frame: ErrorFrame) -> ChatError:
    details = cast("dict[str, Any]", msgspec.to_builtins(frame))
    for name in ("type", "request_id"):
        details.pop(name, None)
    return from_wire(details.pop("code"), details.pop("message"), **details)
