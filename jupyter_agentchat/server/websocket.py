"""The WebSocket: frames in, frames out. One connection has one follower; what it says is answered in the order said."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec
from tornado.iostream import StreamClosedError

from .. import protocol as p
from ..errors import (
    ChannelNotFound,
    ChatError,
    Forbidden,
    InvalidRequest,
    NotFound,
    RateLimited,
    StoreUnavailable,
    Unauthenticated,
)
from ..feed import Follower
from ..hub import Caller
from .door import OURS, Door, Expiry, Gate, as_chat_error, bearer_of, note_refusal
from .wire import Wire, as_frame, framed, take_over

if TYPE_CHECKING:
    from .annex import Tube

OPERATION = {operation.name: operation for operation in p.OPERATIONS}
HEARTBEAT = 30.0
MAX_FRAME_BYTES = 16 * 1024 * 1024
IN_FLIGHT = 256
"""Commands of one connection that may wait for the disk at once; then its next frame is not read."""
IN_FLIGHT_BYTES = 1024 * 1024
"""The same, in bytes: what large frames hold becomes many times their size as Python's objects."""
FIRST_WORD = 0.1
"""Seconds in which a new connection may say `subscribe` before it gets live events of all its channels: without the pause
a client that replays from a cursor could first get live what it is about to replay."""


OVERTAKING = 0.25
"""Seconds, at most, between what a client sends and its hearing that something before it was refused."""
COMMANDS = (p.SendMessage, p.SendAnswer, p.Consume, p.SendReport)


class WsHandler(Door):
    """``ws``"""

    _caller: Caller
    _tube: Tube | None = None
    _follower: Follower | None = None
    _expiry: Expiry | None = None
    _pump: asyncio.Task[None] | None = None
    _tasks: dict[asyncio.Task[None], int]
    """What is being obeyed, and how long its frame was."""
    _in_flight_bytes = 0
    _wire: Wire
    _behind: tuple[StoreUnavailable, float] | None = None
    """The last command that the store refused, and until when what comes behind it is."""
    _ended = False
    """The credential behind it was revoked, or it is closed: what still comes is not obeyed."""

    def initialize(self, gate: Gate) -> None:
        super().initialize(gate)
        self._loop = asyncio.get_running_loop()
        self._unsent: list[bytes] = []
        """What this turn of the event loop says here, framed."""

    async def get(self) -> None:
        try:
            if self.request.headers.get("Upgrade", "").lower() != "websocket":
                raise InvalidRequest("This is a WebSocket's address: connect to it with ws:// or wss://.")
            self._check_page()
            if annex := self.gate.annex:
                self._tube = await annex.connect(self)
            else:
                self._caller = await self.caller()
                if self._caller.who is None:
                    raise Unauthenticated("Connect with `Authorization: Bearer au_…`, with ?token=au_…, or with a session.")
                self.gate.hub.check_connections(self._caller.who)
            self._wire = Wire(MAX_FRAME_BYTES, HEARTBEAT, self.on_message, self.on_close)
            await take_over(self, self._wire)
        except StreamClosedError:
            self.on_close()
        except Exception as error:  # the door is where every error becomes a reply
            if self._tube:
                self._tube.close()
            self.refuse(error)
        else:
            try:
                await self._open()
            except Exception as error:
                self.close(1013, as_chat_error(error).code)

    def _check_page(self) -> None:
        """A cookie is good for pages of this host only; who shows a key is no page's victim.

        Any other token (Jupyter's, or just some word) does not tell whether a cookie let the caller in.
        """
        origin = self.request.headers.get("Origin")
        if origin and urlsplit(origin).netloc != self.request.host and not (bearer_of(self) or "").startswith(OURS):
            raise Forbidden(f"A page of {origin} may not connect here.")

    async def _open(self) -> None:
        if self._ended:
            return  # gone before it began
        self.gate.sockets.add(self)
        if self._tube:
            self._tube.open(self)
            self._wire.begin()
            return
        who = self._caller.known
        self._tasks = {}
        self._first_word = asyncio.Event()
        self._following = asyncio.Lock()
        hub = self.gate.hub
        self._buffer_bytes = hub.limits.send_buffer_bytes
        self._wire.bound(self._buffer_bytes)
        try:
            hub.check_connections(who)  # more may have come through the handshake at once
        except RateLimited as error:
            self.close(1013, error.code)
            return
        self._follower = Follower(
            hub.feed, who.id, who.credential_id, door="websocket", form=as_frame, on_revoked=self._revoked,
            on_signal=self._signal, on_steered=self.push,
        )  # fmt: skip
        self._expiry = Expiry(who, self._follower.revoke)
        await hub.follow_everywhere(who, self._follower)
        self._write_quietly(p.encode(p.Connected(who.participant, p.PROTOCOL, hub.epoch, HEARTBEAT)))
        self._wire.begin()
        if not self._ended:  # else it went away while we looked up its channels
            self._pump = asyncio.create_task(self._send_what_comes(self._follower))

    async def _send_what_comes(self, follower: Follower) -> None:
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._first_word.wait(), FIRST_WORD)
        follower.sink = self
        try:
            async for written in follower:
                self._unsent += written
                self._flush()
        except ChatError as error:
            # The store fails under the reader. It comes back with its cursor, so nothing is missed.
            self.close(1013, error.code)

    # ------------------------------------------------------------------ what its follower says (feed.Sink)

    def push(self, written: bytes) -> bool:
        waiting = self._wire.unsent
        if waiting and waiting + len(written) > self._buffer_bytes:
            return False
        if self._unsent:
            self._unsent.append(written)
        else:
            self._wire.write(written)
        return True

    async def drained(self) -> bool:
        return await self._wire.drained()

    def lagged(self, channel_id: str, resume_after: int) -> None:
        self._write_quietly(p.encode(p.Lagged(channel_id, resume_after)))

    # ------------------------------------------------------------------ writing

    async def pass_on(self, message: str | bytes) -> None:
        """Sends a message of the owner's hub (`annex.Tube`), no faster than it is read."""
        self._wire.write(framed(message.encode() if isinstance(message, str) else message))
        await self._wire.drained()

    def _write_quietly(self, frame: bytes) -> None:
        """Sends at the end of this turn of the event loop, as one write with whatever else this turn says here."""
        if not self._unsent:
            self._loop.call_soon(self._flush)
        self._unsent.append(framed(frame))

    def _flush(self) -> None:
        frames, self._unsent = self._unsent, []
        if frames:
            self._wire.write(b"".join(frames))

    def close(self, code: int, reason: str) -> None:
        self._flush()  # nothing may be said after the goodbye
        self._wire.close(code, reason)

    def _signal(self, written: bytes) -> bool:
        """Signals may be dropped: they never make what a slow reader holds up longer."""
        return not self._wire.unsent and self.push(written)

    def _revoked(self) -> None:
        self._ended = True
        self.close(4401, "unauthenticated")

    def on_close(self) -> None:
        self.gate.sockets.discard(self)
        self._ended = True
        if self._tube:
            self._tube.close()
        if self._pump:
            self._pump.cancel()
        if self._expiry:
            self._expiry.cancel()
        if self._follower:
            self._follower.close()

    # ------------------------------------------------------------------ what the client says

    def on_message(self, message: bytes) -> Awaitable[None] | None:
        """Returns: what to await before the next frame is read. Mostly nothing: an awaitable costs a frame one task more."""
        if self._tube:
            return self._tube.send(message)
        # A task each: they reach the journal in the order of their frames, and share its commits.
        task = self._loop.create_task(self._handle(message))
        self._tasks[task] = len(message)
        self._in_flight_bytes += len(message)
        task.add_done_callback(self._obeyed)
        return self._until_fewer_wait() if self._too_many_wait else None

    def _obeyed(self, task: asyncio.Task[None]) -> None:
        self._in_flight_bytes -= self._tasks.pop(task)

    @property
    def _too_many_wait(self) -> bool:
        return len(self._tasks) >= IN_FLIGHT or self._in_flight_bytes >= IN_FLIGHT_BYTES

    async def _until_fewer_wait(self) -> None:
        while self._too_many_wait:
            await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)

    async def _handle(self, message: bytes) -> None:
        request_id = None
        if self._ended:
            return
        try:
            self.gate.hub.weigh_in(self._caller, len(message))
            frame = decode(message)
            request_id = frame.request_id
            self._check_turn(frame)
            reply = await self._obey(frame)
        except Exception as error:  # the door is where every error becomes a reply
            refusal = as_chat_error(error)
            if isinstance(refusal, StoreUnavailable) and not self._waits_its_turn:
                # Another of its kind: the one that was raised holds its frames, and with them what was said.
                self._behind = type(refusal)(refusal.message, **refusal.details), self._loop.time() + OVERTAKING
            note_refusal(refusal, **(self._follower.ids if self._follower else {}), request_id=request_id)
            request_id = request_id or _request_id_of(message)
            reply = p.ErrorFrame(refusal.code, refusal.message, **refusal.details)
            # Its traceback holds this frame, and with it what was said, until somebody collects such circles.
            del refusal
        finally:
            self._first_word.set()
        if request_id is not None:
            reply.request_id = request_id
        self._write_quietly(p.encode(reply))
        # Waited for, so that who asks without reading is not read from anymore (IN_FLIGHT).
        if self._wire.unsent > self._buffer_bytes // 2:
            await self._wire.drained()

    def _check_turn(self, frame: p.ClientFrame) -> None:
        """What was under way behind a command that the store refused is refused as well: accepted, it would overtake."""
        if self._behind and self._waits_its_turn and isinstance(frame, COMMANDS):
            raise type(self._behind[0])(self._behind[0].message, **self._behind[0].details)

    @property
    def _waits_its_turn(self) -> bool:
        return self._behind is not None and self._loop.time() < self._behind[1]

    async def _obey(self, frame: p.ClientFrame) -> Any:
        hub, caller = self.gate.hub, self._caller
        assert self._follower is not None
        if isinstance(frame, p.SendMessage):
            _, reply = await hub.call(OPERATION["post_message"], caller, frame)
            message = reply.message
            asked = message if message.question else None
            return p.Sent(message.id, message.seq, frame.client_id, message.created_at, message=asked)
        if isinstance(frame, p.SendAnswer):
            return await self._answer(frame)
        if isinstance(frame, p.Consume):
            request = p.ChangeMessage(frame.channel_id, frame.message_id, client_id=frame.client_id)
            _, taken = await hub.call(OPERATION["consume"], caller, request)
            return p.DoneFrame(closing=taken.closing)
        if isinstance(frame, p.SendReport):
            report = p.Report(frame.channel_id, frame.state, frame.run, frame.acknowledged, client_id=frame.client_id)
            await hub.call(OPERATION["report"], caller, report)
        elif isinstance(frame, p.Ack):
            await hub.call(OPERATION["mark_read"], caller, p.MarkRead(frame.channel_id, frame.seq))
        elif isinstance(frame, p.Subscribe):
            async with self._following:  # in the order said: an `unsubscribe` must not overtake
                return await self._subscribe(frame)
        elif isinstance(frame, p.Unsubscribe):
            async with self._following:
                self._follower.unfollow(frame.channel_id)
        elif isinstance(frame, p.SendSignal):
            hub.take_in(caller)
            await hub.signal(caller.known, frame)
        else:
            return p.Pong()
        return p.DoneFrame()

    async def _answer(self, frame: p.SendAnswer) -> p.Sent:
        channel_id = frame.channel_id or await self.gate.hub.conversations.channel_of(frame.message_id)
        request = p.Answer(channel_id, frame.message_id, frame.value, frame.saw, frame.via, client_id=frame.client_id)
        try:
            _, reply = await self.gate.hub.call(OPERATION["answer"], self._caller, request)
        except ChannelNotFound as error:
            if frame.channel_id is None:  # the channel that we looked up is not the caller's to know
                raise NotFound(f"There is no message {frame.message_id}.") from error
            raise
        message = reply.message
        voted = message if message.question else None  # more people must say so
        return p.Sent(message.id, message.seq, frame.client_id, message.created_at, message=voted)

    async def _subscribe(self, frame: p.Subscribe) -> Any:
        hub, follower = self.gate.hub, self._follower
        assert follower is not None
        after = frame.after
        if frame.epoch and frame.epoch != hub.epoch:
            self._write_quietly(p.encode(p.Reset(frame.channel_id, hub.epoch, "This log is not the one the cursor came from.")))
            after = 0
        resumes = frame.channel_id in follower.lagging
        last_seq = await hub.follow(self._caller.known, follower, frame.channel_id, after)
        if after is not None and after > last_seq:  # nothing was sent yet: so it begins anew before it began
            self._write_quietly(p.encode(p.Reset(frame.channel_id, hub.epoch, "The cursor is beyond this log's end.")))
            follower.follow(frame.channel_id, 0)
        # Only now: a subscription that is refused changes nothing. One that answers `lagged` leaves the default as it was.
        if follower.everywhere and not resumes:
            follower.everywhere = False
            follower.unfollow_all(but=frame.channel_id)
        return p.Subscribed(frame.channel_id, last_seq)


class _Addressed(msgspec.Struct):
    request_id: p.Id | None = None


def _request_id_of(message: str | bytes) -> str | None:
    """Of a frame that is not understood otherwise: who sent it waits for this reply."""
    try:
        return msgspec.json.decode(message, type=_Addressed).request_id
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def decode(message: str | bytes) -> p.ClientFrame:
    try:
        frame: p.ClientFrame = p.decode_client_frame(message)
        return frame
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidRequest(f"This frame is not understood: {error}.") from error
