"""The agent's one WebSocket: requests in order, and a new connection whenever the old one is lost.

What was not answered is sent again after a reconnect, in its order and under the same client_id, so the hub takes it once.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, cast

import msgspec

from ..errors import ChatError, Forbidden, HubUnreachable, NotFound, RateLimited, StoreUnavailable, Unauthenticated, from_wire
from ..protocol import (
    ClientFrame,
    Connected,
    ErrorFrame,
    Subscribed,
    decode_server_frame,
    encode,
    new_id,
)
from .conversation import SUBSCRIPTION, Conversation
from .find import Place, Way
from .rest import is_loopback, tls

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

FIRST_DELAY = 0.05
LONGEST_DELAY = 5.0
FIRST_CONNECT = 10.0
"""Seconds in which the first connection must stand; after that, a lost one is tried again for ever."""
TICK = 0.2
"""Seconds after which a wait in an async cell looks up: a bare await there cannot be interrupted (ipykernel 7)."""
LARGEST_FRAME = 64 * 1024 * 1024

T = TypeVar("T")
_log = logging.getLogger("jupyter_agentchat")


async def interruptible(future: asyncio.Future[T], timeout: float | None = None) -> T:
    """The future's result; the future itself goes on when the wait is cancelled.

    Raises:
        TimeoutError: after ``timeout`` seconds.
    """
    deadline = None if timeout is None else time.monotonic() + timeout
    while not future.done():
        left = TICK if deadline is None else min(TICK, deadline - time.monotonic())
        if left <= 0:
            raise TimeoutError
        await asyncio.wait([future], timeout=left)
    return future.result()


async def changed(event: asyncio.Event, timeout: float | None = None) -> bool:
    """Waits for the event; False after ``timeout`` seconds."""
    waiting = asyncio.ensure_future(event.wait())
    try:
        return await interruptible(waiting, timeout)
    except TimeoutError:
        return False
    finally:
        waiting.cancel()


@dataclass(eq=False)
class _Pending:
    frame: bytes
    reply: asyncio.Future[Any]
    socket: ClientConnection | None = None
    """The connection that it was last sent on."""


class Connection:
    """Keeps one WebSocket to the hub.

    Args:
        way: how to get to the hub, again and again.
        conversation: takes every frame that is not the reply to a request, and says where the channel continues.
    """

    def __init__(self, way: Way, conversation: Conversation) -> None:
        self._way = way
        self._conversation = conversation
        self._pending: dict[str, _Pending] = {}
        self._socket: ClientConnection | None = None
        self._runner: asyncio.Task[None] | None = None
        self._first: asyncio.Future[None] | None = None

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
        """
        try:
            return await interruptible(await self._send(frame))
        finally:
            # Cancelled: whoever gave up does not want it sent again. Answered: it is out of the list already.
            self._pending.pop(frame.request_id or "", None)

    async def post(self, frame: ClientFrame) -> None:
        """Sends the frame; its reply is nobody's business, but until it comes the frame is sent again."""
        reply = await self._send(frame)
        reply.add_done_callback(_log_refusal)

    async def close(self, grace: float = 1.0) -> None:
        """Ends the connection. What was sent and is not confirmed gets ``grace`` seconds for it."""
        if self._conversation.state == "closed":
            return
        if self._conversation.state == "live" and self._pending:
            await asyncio.wait([pending.reply for pending in self._pending.values()], timeout=grace)
        self._fail(HubUnreachable("This agent is closed: make a new one."))
        if self._runner is not None:
            self._runner.cancel()
            with suppress(asyncio.CancelledError):
                await self._runner

    # ------------------------------------------------------------------------------------------ requests

    async def _send(self, frame: ClientFrame) -> asyncio.Future[Any]:
        if self._conversation.ended is not None:
            raise self._conversation.ended
        frame.request_id = new_id("req")
        pending = _Pending(encode(frame), asyncio.get_running_loop().create_future())
        self._pending[frame.request_id] = pending
        if self._socket is not None:
            await self._transmit(self._socket, pending)
        return pending.reply

    async def _transmit(self, socket: ClientConnection, pending: _Pending) -> None:
        from websockets.exceptions import ConnectionClosed

        pending.socket = socket
        with suppress(ConnectionClosed):  # the next connection sends it again
            await socket.send(pending.frame, text=True)

    def _settle(self, request_id: str, reply: Any) -> None:
        pending = self._pending.pop(request_id, None)
        if pending is None or pending.reply.done():
            return
        if isinstance(reply, ErrorFrame):
            error = _error(reply)
            if isinstance(error, RateLimited):
                self._pending[request_id] = pending
                asyncio.get_running_loop().call_later(reply.retry_after or 1.0, self._again, request_id)
                return
            pending.reply.set_exception(error)
        else:
            pending.reply.set_result(reply)

    def _again(self, request_id: str) -> None:
        pending = self._pending.get(request_id)
        if pending is not None and self._socket is not None:
            _keep(asyncio.ensure_future(self._transmit(self._socket, pending)))

    def _fail(self, error: ChatError) -> None:
        self._socket = None
        self._conversation.state = "closed"
        self._conversation.end(error)
        for pending in self._pending.values():
            if not pending.reply.done():
                pending.reply.set_exception(error)
                pending.reply.exception()  # seen: nobody may be waiting
        self._pending.clear()
        if self._first is not None and not self._first.done():
            self._first.set_exception(error)
            self._first.exception()

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
            except (HubUnreachable, StoreUnavailable, OSError, asyncio.TimeoutError) as error:
                if self._conversation.ended is not None:
                    return
                lost = error
            except ChatError as error:
                self._fail(error)
                return
            except Exception as error:
                _log.exception("The agent's connection failed")
                self._fail(HubUnreachable(f"The agent's connection failed: {error!r}"))
                return
            first = self._first is not None and not self._first.done()
            if first and time.monotonic() - started > FIRST_CONNECT:
                told = lost if isinstance(lost, ChatError) else HubUnreachable(f"No connection to the hub: {lost!r}")
                self._fail(told)
                return
            tries, refused = (0, False) if self._conversation.state == "live" else (tries + 1, refused)
            self._conversation.state = "connecting" if first else "retrying"
            _log.debug("connection lost: %r; try %s", lost, tries)
            await asyncio.sleep(random.uniform(0, min(LONGEST_DELAY, FIRST_DELAY * 2**tries)))  # noqa: S311 no secret

    async def _converse(self, place: Place) -> None:
        from websockets.asyncio.client import connect
        from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

        options: dict[str, Any] = {"ssl": tls(place.url)} if place.url.startswith("https") else {}
        if is_loopback(place.url):
            options["proxy"] = None
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
                async for data in socket:
                    await self._take(data)
        except InvalidStatus as error:
            if error.response.status_code in (401, 403):
                raise Unauthenticated(f"The hub at {place.url} refuses this key: give a valid one.") from error
            raise HubUnreachable(f"No hub answers at {place.url}: {error}.") from error
        except (InvalidHandshake, ConnectionClosed) as error:
            raise ConnectionError(str(error)) from error
        finally:
            self._socket = None

    async def _greet(self, socket: ClientConnection) -> None:
        hello = decode_server_frame(await socket.recv())
        if isinstance(hello, ErrorFrame):
            raise _error(hello)
        if not isinstance(hello, Connected):
            raise ConnectionError(f"Not an agent chat hub: it began with {type(hello).__name__}.")
        self._conversation.receive(hello)
        await socket.send(encode(self._conversation.subscription()), text=True)
        # No await between the last look at what is pending and being live: else a frame could fall in between.
        while unsent := [pending for pending in self._pending.values() if pending.socket is not socket]:
            for pending in unsent:
                await self._transmit(socket, pending)
        self._socket = socket

    async def _take(self, data: str | bytes) -> None:
        try:
            frame = decode_server_frame(data)
        except msgspec.ValidationError as error:
            _log.debug("a frame of a newer hub is left out: %s", error)
            return
        request_id = getattr(frame, "request_id", None)
        if isinstance(frame, ErrorFrame) and request_id == SUBSCRIPTION:
            self._refused_channel(_error(frame))
        elif request_id in self._pending:
            self._settle(request_id, frame)
        elif self._conversation.receive(frame) and self._socket is not None:
            await self._socket.send(encode(self._conversation.subscription()), text=True)
        if isinstance(frame, Subscribed):
            self._conversation.state = "live"
            if self._first is not None and not self._first.done():
                self._first.set_result(None)

    def _refused_channel(self, error: ChatError) -> None:
        if isinstance(error, (NotFound, Forbidden)):
            self._fail(error)
        raise ConnectionError(error.message)


def _error(frame: ErrorFrame) -> ChatError:
    details = cast("dict[str, Any]", msgspec.to_builtins(frame))
    for name in ("type", "request_id"):
        details.pop(name, None)
    return from_wire(details.pop("code"), details.pop("message"), **details)


def _log_refusal(reply: asyncio.Future[Any]) -> None:
    if not reply.cancelled() and (error := reply.exception()) is not None:
        _log.debug("the hub refused: %s", error)


_running: set[asyncio.Future[Any]] = set()


def _keep(future: asyncio.Future[Any]) -> None:
    """The loop itself holds a task only weakly."""
    _running.add(future)
    future.add_done_callback(_running.discard)
