"""Signals: typing, presence, status, progress, streamed text. Beside the log, never in it, and never in its way.

Of one sender, kind and channel (and of one stream) the first goes out at once, then one in each interval, the newest; the last
one always goes out. What is ready is handed over in turns, one write to each reader for all signals of a channel; a turn that
took long is followed by a pause three times as long, so signals cost a quarter of the hub's time at most, and what changes
meanwhile goes along in its newest form. A reader for whom something durable waits, or whose socket does, is passed over.

The end of a stream: once its message is posted, what is left of the stream is dropped. It may come late, for its text goes over
a WebSocket and its message over REST, so the hub remembers the newest `POSTED` messages that had a client_id. A signal that
comes later than that shows a draft that ends by itself, as any does that falls silent.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import Any, get_args

from .. import forms, metrics, rules
from .. import protocol as p
from ..errors import InvalidRequest, MessageTooLarge
from ..feed import Encoded, Feed, Form
from ..state.channels import seat
from ..state.store import Store
from .caller import Principal

TURN_SECONDS = 0.005
"""After which the channels that are left wait for the next turn."""
TURN_BYTES = 128 * 1024
"""Of one channel, in one turn: what may stand before a message in a reader's socket."""
PAUSE = 3.0
"""A turn that took a second is followed by so many seconds without one."""
POSTED = 10_000
LINES = 1_000
"""What one sender may signal about at a time; each is forgotten an interval after its last signal."""
HELD_BYTES = 512 * 1024
"""What may wait of one sender, of its signals that came too fast."""
ALL_HELD_BYTES = 32 * 1024 * 1024
SEATS = 100_000
LONGEST_TEXT = 500
LONGEST_ID = 128

SIGNALS = {kind: metrics.SIGNALS.labels(kind) for kind in get_args(p.SignalKind)}

Key = tuple[str, str]
"""(kind, stream)."""


@dataclass(slots=True, eq=False)
class _Line:
    """The signals of one sender and kind in a channel, while there are any."""

    channel_id: str
    sender_id: str
    key: Key
    order: int = -1
    frame: bytes | None = None
    """What waits."""
    rests: asyncio.TimerHandle | None = None
    """Until the next may go out."""


@dataclass(slots=True)
class _Sender:
    lines: dict[tuple[str, Key], _Line] = field(default_factory=dict)
    held_bytes: int = 0


class Signals:
    """What a hub does with signals.

    Args:
        per_second: of one sender and kind in a channel.
    """

    def __init__(self, feed: Feed, store: Store, per_second: float) -> None:
        self._feed = feed
        self._store = store
        self._interval = 1.0 / per_second
        self._senders: dict[str, _Sender] = {}
        self._held_bytes = 0
        self._ready: dict[str, dict[_Line, None]] = {}
        self._turn: asyncio.TimerHandle | None = None
        self._free_at = 0.0
        # Not a dict: to find its oldest key, that steps over all that were deleted before.
        self._posted: OrderedDict[tuple[str, str, str], None] = OrderedDict()
        self._seats: dict[tuple[str, str], p.Role] = {}
        self._reseatings = 0
        self._orders = count()
        self.on_stream: Callable[[str, p.SendSignal], None] = lambda participant_id, signal: None
        """Called with what is new of a message in the making."""
        self.on_forgotten: Callable[[str, str | None], None] = lambda participant_id, channel_id: None
        """Called with who was shut out, of a channel or of all."""
        feed.on_handed_over = self._after_the_log

    async def send(self, who: Principal, signal: p.SendSignal) -> None:
        """Passes on what a participant signals.

        Raises:
            ChannelNotFound: the participant is not a member.
            Forbidden: it is an observer, and this is not its presence.
            InvalidRequest, MessageTooLarge: the data is not what the kind wants, or too much.
        """
        order = next(self._orders)  # a signal that waits below must not be taken for the newer one
        rules.check_depth(signal.data, "The signal's data")
        frame = _frame(signal.channel_id, who.id, signal.kind, signal.data)
        check_data(signal.kind, signal.data)
        role = self._seats.get((signal.channel_id, who.id)) or await self._seat(signal.channel_id, who.id)
        if signal.kind != "presence":
            rules.check_may_write(role)
        SIGNALS[signal.kind].inc()
        stream = signal.data["id"] if signal.kind == "stream" else ""
        if stream and (signal.channel_id, who.id, stream) in self._posted:
            metrics.SIGNALS_DROPPED.inc()
        else:
            self._offer(signal.channel_id, who.id, (signal.kind, stream), frame, order)
            if stream:
                self.on_stream(who.id, signal)

    def tell(self, channel_id: str, participant_id: str, kind: p.SignalKind, data: dict[str, Any]) -> None:
        """Passes on what the hub itself knows of a participant."""
        SIGNALS[kind].inc()
        self._offer(channel_id, participant_id, (kind, ""), _frame(channel_id, participant_id, kind, data), next(self._orders))

    # ------------------------------------------------------------------ what happens elsewhere

    def posted(self, message: p.Message) -> None:
        """The message's stream has ended."""
        if message.client_id is None:
            return
        self._posted[message.channel_id, message.author_id, message.client_id] = None
        if len(self._posted) > POSTED:
            self._posted.popitem(last=False)
        if (sender := self._senders.get(message.author_id)) and (
            line := sender.lines.get((message.channel_id, ("stream", message.client_id)))
        ):
            self._drop(line)

    def reseated(self, channel_id: str, participant_id: str, *, gone: bool) -> None:
        """Somebody came, left (``gone``) or has another role."""
        self._reseatings += 1
        self._seats.pop((channel_id, participant_id), None)
        if gone:
            self.forget(participant_id, channel_id)

    def forget(self, participant_id: str, channel_id: str | None = None) -> None:
        """Drops what waits of somebody who is gone, in one channel or in all."""
        self.on_forgotten(participant_id, channel_id)
        sender = self._senders.get(participant_id)
        for line in list(sender.lines.values()) if sender else ():
            if channel_id in (None, line.channel_id):
                self._drop(line)

    # ------------------------------------------------------------------ who may

    async def _seat(self, channel_id: str, participant_id: str) -> p.Role:
        """The role, from the state. Raises: ChannelNotFound."""
        reseatings = self._reseatings
        role = (await self._store.read(partial(seat, channel_id=channel_id, participant_id=participant_id))).role
        if reseatings == self._reseatings:  # else it may be another one already
            if len(self._seats) >= SEATS:
                self._seats.clear()
            self._seats[channel_id, participant_id] = role
        return role

    # ------------------------------------------------------------------ one line

    def _offer(self, channel_id: str, sender_id: str, key: Key, frame: bytes, order: int) -> None:
        sender = self._senders.setdefault(sender_id, _Sender())
        line = sender.lines.get((channel_id, key))
        if line is None:
            if len(sender.lines) >= LINES:
                metrics.SIGNALS_DROPPED.inc()
                return
            line = sender.lines[channel_id, key] = _Line(channel_id, sender_id, key)
        if order < line.order:
            metrics.SIGNALS_DROPPED.inc()
            return
        line.order = order
        if line.frame is not None:
            metrics.SIGNALS_DROPPED.inc()
            self._take(line)
        if sender.held_bytes + len(frame) > HELD_BYTES or self._held_bytes + len(frame) > ALL_HELD_BYTES:
            metrics.SIGNALS_DROPPED.inc()
            self._end_if_idle(line)
            return
        line.frame = frame
        sender.held_bytes += len(frame)
        self._held_bytes += len(frame)
        if line.rests is None:
            self._make_ready(line)

    def _take(self, line: _Line) -> bytes | None:
        frame, line.frame = line.frame, None
        if frame is not None:
            self._senders[line.sender_id].held_bytes -= len(frame)
            self._held_bytes -= len(frame)
        return frame

    def _drop(self, line: _Line) -> None:
        if self._take(line) is not None:
            metrics.SIGNALS_DROPPED.inc()
        self._end_if_idle(line)

    def _rested(self, line: _Line) -> None:
        line.rests = None
        if line.frame is None:
            self._end_if_idle(line)
        else:
            self._make_ready(line)

    def _end_if_idle(self, line: _Line) -> None:
        if line.frame is None and line.rests is None:
            sender = self._senders[line.sender_id]
            sender.lines.pop((line.channel_id, line.key), None)
            if not sender.lines:
                del self._senders[line.sender_id]

    # ------------------------------------------------------------------ turns

    def _make_ready(self, line: _Line) -> None:
        self._ready.setdefault(line.channel_id, {})[line] = None
        if self._turn is None:
            wait = self._free_at - time.perf_counter()
            if wait > 0:
                self._turn = asyncio.get_running_loop().call_later(wait, self._hand_over)
            else:
                self._hand_over()

    def _after_the_log(self) -> None:
        if self._ready and self._turn is None:
            self._turn = asyncio.get_running_loop().call_later(max(0.0, self._free_at - time.perf_counter()), self._hand_over)

    def _hand_over(self) -> None:
        self._turn = None
        if self._feed.has_grown:
            return  # it is called again when the feed has handed over what is durable
        began = time.perf_counter()
        spent = 0.0
        while self._ready and spent < TURN_SECONDS:
            channel_id = next(iter(self._ready))
            self._write(channel_id, self._next_of(channel_id))
            spent = time.perf_counter() - began
        self._free_at = began + spent + PAUSE * spent
        self._after_the_log()

    def _next_of(self, channel_id: str) -> list[Encoded]:
        """What is ready in the channel, as much as one turn takes; the rest queues up behind the other channels."""
        lines = self._ready.pop(channel_id)
        taken: list[Encoded] = []
        size = 0
        while lines and size <= TURN_BYTES:
            line = next(iter(lines))
            del lines[line]
            frame = self._take(line)
            if frame is None:
                continue  # dropped meanwhile
            taken.append(Encoded(0, 0, line.sender_id, frame))
            size += len(frame)
            line.rests = asyncio.get_running_loop().call_later(self._interval, self._rested, line)
        if lines:
            self._ready[channel_id] = lines
        return taken

    def _write(self, channel_id: str, entries: list[Encoded]) -> None:
        """One write to each reader, of what others signalled."""
        if not entries:
            return
        senders = {entry.author_id for entry in entries}
        written: dict[Form, bytes] = {}
        for follower in self._feed.followers_of(channel_id):
            if follower.on_signal is None:
                continue
            others = entries
            if follower.participant_id in senders:
                others = [entry for entry in entries if entry.author_id != follower.participant_id]
                if not others:
                    continue
                blob = b"".join(map(follower.form, others))
            else:
                found = written.get(follower.form)
                blob = written[follower.form] = b"".join(map(follower.form, entries)) if found is None else found
            if not (follower.is_level(channel_id) and follower.on_signal(blob)):
                metrics.SIGNALS_DROPPED.inc(len(others))


def _frame(channel_id: str, participant_id: str, kind: p.SignalKind, data: dict[str, Any]) -> bytes:
    encoded = p.encode(p.Signal(channel_id, participant_id, kind, data))
    if len(encoded) > p.MAX_SIGNAL_BYTES:
        raise MessageTooLarge(
            f"The signal has {len(encoded):,} bytes, the limit is {p.MAX_SIGNAL_BYTES:,}: post it as a message.",
            limit_bytes=p.MAX_SIGNAL_BYTES,
        )
    return encoded


# ---------------------------------------------------------------------------------------------- the data of each kind


def check_data(kind: p.SignalKind, data: dict[str, Any]) -> None:
    """What a kind's known fields hold makes sense; what else is there goes along.

    Raises: InvalidRequest.
    """
    for complaint in CHECKS[kind](data):
        raise InvalidRequest(f"A {kind} signal's {complaint}.")


def _typing(data: dict[str, Any]) -> Iterator[str]:
    yield from ()


def _presence(data: dict[str, Any]) -> Iterator[str]:
    if data.get("state", "online") not in ("online", "away"):
        yield 'data says {"state": "away"}, or "online" again; that you are offline the hub sees by itself'


def _status(data: dict[str, Any]) -> Iterator[str]:
    text = data.get("text", "")
    if not isinstance(text, str) or len(text) > LONGEST_TEXT:
        yield f"`text` is not a string of at most {LONGEST_TEXT} characters"


def _progress(data: dict[str, Any]) -> Iterator[str]:
    yield from _status(data)
    for name in ("done", "total"):
        if data.get(name) is not None and not forms.is_number(data[name]):
            yield f"`{name}` is not a finite number: send one, or leave it out"


def _stream(data: dict[str, Any]) -> Iterator[str]:
    name = data.get("id")
    if not isinstance(name, str) or not 1 <= len(name) <= LONGEST_ID:
        yield f'data needs {{"id": …}}, a string of 1 to {LONGEST_ID} characters: the client_id of the message to come'
    if not isinstance(data.get("text"), str):
        yield 'data needs {"text": …}, the whole text so far'


CHECKS: dict[p.SignalKind, Callable[[dict[str, Any]], Iterator[str]]] = {
    "typing": _typing, "presence": _presence, "status": _status, "progress": _progress, "stream": _stream,
}  # fmt: skip
