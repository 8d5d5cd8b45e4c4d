"""What this agent's listeners have handled: one cursor, told to the hub, and what was put back."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..errors import Overloaded
from ..protocol import Message
from .log import Log

EVERY = 0.1
"""Seconds between two acks, unless `AT_LEAST` messages were handled meanwhile."""
AT_LEAST = 100
PUT_BACK = 1000
"""How many messages may be put back at a time."""
LONGEST_DELAY = 86_400.0


@dataclass(eq=False)
class Reading:
    """One `listen`: everything up to ``at`` was handled; ``current`` is what its user works on."""

    at: int
    current: Message | None = None


class Acks:
    """The ack is the lowest of all open listeners, and never passes a message that was put back and not handled since.

    Args:
        log: what is listened to. A restored log has other seqs: then everything counts as unhandled.
        post: sends the cursor; the future is done when the hub has it.
    """

    def __init__(self, log: Log, post: Callable[[int], asyncio.Future[Any]]) -> None:
        self.handled_up_to = 0
        self._log = log
        self._post = post
        self._restarts = log.restarts
        self._readings: set[Reading] = set()
        self._held: dict[str, int] = {}
        """Put back and not handled since: id → seq."""
        self._waiting: dict[str, tuple[float, Message]] = {}
        """Put back and not given out again: id → when it is due, and the message."""
        self._told = 0
        self._count = 0
        self._under_way = 0
        self._timer: asyncio.TimerHandle | None = None

    # ------------------------------------------------------------------------------------------ for listeners

    def open(self, at: int) -> Reading:
        reading = Reading(at)
        self._readings.add(reading)
        return reading

    def close(self, reading: Reading) -> None:
        """The listener ends. A message that was put back before, and that it leaves unhandled, is another's at once."""
        self._readings.discard(reading)
        left = reading.current
        if left is not None and left.id in self._held:
            self._waiting.setdefault(left.id, (0.0, left))
            self._log.wake()
        self.flush()

    def handled(self, reading: Reading) -> None:
        """Its user asks for the next one."""
        self._look_for_restart()
        message, reading.current = reading.current, None
        if message is None:
            return  # the log was replaced meanwhile
        if message.id not in self._waiting:  # else it was put back while its user had it
            self._held.pop(message.id, None)
        reading.at = max(reading.at, message.seq)
        self._advance(self._lowest())

    def due(self) -> Message | None:
        """A message that was put back, and whose delay is over."""
        if not self._waiting:
            return None
        at, message = min(self._waiting.values(), key=lambda waiting: waiting[0])
        if at > time.monotonic():
            return None
        del self._waiting[message.id]
        return message

    def next_due(self) -> float | None:
        """Seconds until `due` has something; None if nothing was put back."""
        return max(0.0, min(at for at, _ in self._waiting.values()) - time.monotonic()) if self._waiting else None

    # ------------------------------------------------------------------------------------------ for the user

    def ack(self, message: Message) -> None:
        """This message, and what came before it, is handled: no need to ask for the next one."""
        self._look_for_restart()
        self._held.pop(message.id, None)
        self._waiting.pop(message.id, None)
        for reading in self._readings:
            if reading.current is not None and reading.current.id == message.id:
                reading.at = max(reading.at, message.seq)
        self._advance(min(message.seq, self._lowest()))

    def put_back(self, message: Message, delay: Any) -> None:
        """It was not handled: a listener gets it again after ``delay`` seconds.

        Raises:
            ValueError: the delay is not 0 to 86,400 seconds.
            Overloaded: `PUT_BACK` messages are put back already.
        """
        if isinstance(delay, bool) or not isinstance(delay, (int, float)) or not math.isfinite(delay) or delay < 0:
            raise ValueError(f"delay: {delay!r}; give seconds, from 0 on.")
        if delay > LONGEST_DELAY:
            raise ValueError(f"delay: {delay} seconds are more than a day.")
        self._look_for_restart()
        if message.id not in self._held and len(self._held) >= PUT_BACK:
            raise Overloaded(f"{PUT_BACK} messages are put back already, the limit: handle some of them first.")
        self._held[message.id] = message.seq
        self._waiting[message.id] = (time.monotonic() + delay, message)
        self._log.wake()

    # ------------------------------------------------------------------------------------------ to the hub

    def flush(self) -> None:
        """Tells the hub now."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._look_for_restart()
        if self.handled_up_to > self._told:
            self._told, self._count = self.handled_up_to, 0
            self._under_way += 1
            self._post(self._told).add_done_callback(self._confirmed)

    def _flush_in_turn(self) -> None:
        # One at a time: while the hub is away they must not pile up. When it has this one, the newest follows.
        self._timer = None
        if not self._under_way:
            self.flush()

    def _confirmed(self, reply: asyncio.Future[Any]) -> None:
        self._under_way -= 1
        if not reply.cancelled() and reply.exception() is None and self.handled_up_to > self._told:
            self._soon()

    def _soon(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(EVERY, self._flush_in_turn)

    def _lowest(self) -> int:
        held = [seq - 1 for seq in self._held.values()]
        return min([2**53, *(reading.at for reading in self._readings), *held])

    def _advance(self, to: int) -> None:
        if to <= self.handled_up_to:
            return
        self.handled_up_to = to
        self._count += 1
        if self._count >= AT_LEAST and not self._under_way:
            self.flush()
        else:
            self._soon()

    def _look_for_restart(self) -> None:
        if self._restarts != self._log.restarts:
            self._restarts = self._log.restarts
            self.handled_up_to = self._told = 0
            for reading in self._readings:
                reading.at, reading.current = 0, None
            self._held = dict.fromkeys(self._held, 1)  # their new seqs are not known: no ack before they are handled
