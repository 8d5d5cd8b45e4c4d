"""Server-Sent Events: a channel's log as a stream that any browser or ``curl -N`` can follow (WHATWG HTML, section 9.2)."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from tornado.http1connection import HTTP1Connection
from tornado.iostream import StreamClosedError

from .. import protocol as p
from ..errors import ChatError, Unauthenticated
from ..feed import Encoded, Follower
from ..hub import Principal
from .door import Door, Expiry
from .rest import convert, query_of

if TYPE_CHECKING:
    from .annex import Events

HEARTBEAT = 15.0
"""Seconds of silence after which a comment is sent: proxies cut what is silent for long."""
RETRY_MS = 1000
"""After which a browser comes back when the stream ends, with the last `id` that it saw."""


def as_event(entry: Encoded) -> bytes:
    """An entry of a log, for `Follower`'s ``form``: JSON holds no line breaks, so it is one line."""
    return b"id: %d\ndata: %b\n\n" % (entry.seq, entry.frame)


class EventsHandler(Door):
    """``api/v1/channels/{channel_id}/events``

    A reader holds a cursor here too: one page is in memory, and the next is read when that one is sent. So it is never told
    `lagged`, however slow. Who is taken out of the channel, or whose key ends, is hung up on; coming back, it is told why.
    """

    _follower: Follower | None = None
    _elsewhere: Events | None = None

    async def get(self, channel_id: str) -> None:
        try:
            if annex := self.gate.annex:
                self._elsewhere = await annex.events(self)
                await self._pass_on(self._elsewhere)
                return
            who = (await self.caller()).who
            if who is None:
                raise Unauthenticated("Say who you are: `Authorization: Bearer au_…`, ?token=au_…, or a session.")
            request = convert({**query_of(self), "channel_id": channel_id}, p.FollowChannel, strict=False)
            if last_seen := self.request.headers.get("Last-Event-ID"):  # a browser that comes back to the URL it began with
                request.after = convert({"channel_id": "", "after": last_seen}, p.FollowChannel, strict=False).after
            self.gate.hub.check_connections(who)
            await self._follow(who, request)
        except StreamClosedError:
            pass
        except Exception as error:  # the door is where every error becomes a reply
            if not self._headers_written:
                self.refuse(error)
            elif not isinstance(error, ChatError):
                raise
            else:
                self.close()  # the store fails under the reader, who comes back with its cursor

    async def _follow(self, who: Principal, request: p.FollowChannel) -> None:
        hub = self.gate.hub
        other = request.epoch is not None and request.epoch != hub.epoch
        self._follower = follower = Follower(
            hub.feed, who.id, who.credential_id, door="events", form=as_event, on_revoked=self.close
        )
        expiry = Expiry(who, follower.revoke)
        self.gate.sockets.add(self)
        try:
            last_seq = await hub.follow(who, follower, request.channel_id, 0 if other else request.after)
            if not other and request.after is not None and request.after > last_seq:
                other = True  # a cursor beyond the end is another log's too
                follower.follow(request.channel_id, 0)
            self._begin()
            self.write(f"retry: {RETRY_MS}\n\n")
            if other:
                reset = p.Reset(request.channel_id, hub.epoch, "This log is not the one the cursor came from.")
                self.write(b"data: %b\n\n" % p.encode(reset))
            await self.flush()
            while follower.follows(request.channel_id):
                try:
                    await asyncio.wait_for(follower.wait(), HEARTBEAT)
                except asyncio.TimeoutError:
                    self.write(b":\n\n")
                    await self.flush()
                async for events in follower.behind():
                    self.write(b"".join(events))
                    await self.flush()
            self.finish()
        finally:
            self.gate.sockets.discard(self)
            expiry.cancel()
            follower.close()

    async def _pass_on(self, events: Events) -> None:
        try:
            if events.status == 200:
                self._begin()
            else:
                self.set_status(events.status)
                self.set_header("Content-Type", "application/json")
            while chunk := await events.read():
                self.write(chunk)
                await self.flush()
            self.finish()
        finally:
            events.close()

    def _begin(self) -> None:
        self.set_header("Content-Type", "text/event-stream")
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Accel-Buffering", "no")  # nginx would hold it back
        self._transforms = []  # Jupyter compresses text: here that would be a compressor's memory for each reader

    def close(self, code: int = 0, reason: str = "") -> None:
        """Ends the stream; at once if its reader does not read."""
        if self._follower:
            self._follower.close()
        connection = self.request.connection
        if isinstance(connection, HTTP1Connection) and connection.stream.writing():
            with contextlib.suppress(StreamClosedError):
                connection.stream.close()

    def on_connection_close(self) -> None:
        if self._follower:
            self._follower.close()
        if self._elsewhere:
            self._elsewhere.close()
