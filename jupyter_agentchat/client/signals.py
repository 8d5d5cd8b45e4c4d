"""Signals that an agent gives: coalesced, at most ten a second of a kind, dropped while the hub is away. No I/O."""

from __future__ import annotations

import asyncio
import math
import operator
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable
from contextlib import suppress
from typing import Any, TypeVar

from ..protocol import SignalKind

EVERY = 0.1
"""Seconds between two of one kind."""
LONGEST_STATUS = 500
"""Characters."""
STREAM_SHOWN = 10_000
"""Characters of a long stream that its signals show, the newest: as JSON they stay under `protocol.MAX_SIGNAL_BYTES`."""
KEPT: tuple[SignalKind, ...] = ("status", "progress")
"""What an agent does is true also for a hub that has come back without it: the last of each is told again."""

T = TypeVar("T")
Items = Iterable[T] | AsyncIterable[T]


class Signals:
    """The newest signal of each key that waits to be sent. ``wake`` is called when `take` has one."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._live = False
        self._next: dict[str, tuple[SignalKind, dict[str, Any]]] = {}
        self._kept: dict[str, tuple[SignalKind, dict[str, Any]]] = {}
        self._free_at: dict[str, float] = {}

    def say(self, kind: SignalKind, data: dict[str, Any], key: str | None = None) -> None:
        """The first goes out at once; of what follows within `EVERY` seconds, the last."""
        key = key or kind
        # A lone surrogate (a file's odd name) cannot be sent; that must not end the connection of all that can.
        data = {name: v.encode("utf-8", "replace").decode() if isinstance(v, str) else v for name, v in data.items()}
        if kind in KEPT:
            self._kept[key] = (kind, data)
            if data.get("ended") or data == {"text": ""}:
                del self._kept[key]  # told once: who comes back to a hub has no more to say of it
        if not self._live:
            return
        waits = key in self._next
        self._next[key] = (kind, data)
        if not waits:
            asyncio.get_running_loop().call_later(max(0.0, self._free_at.get(key, 0.0) - time.monotonic()), self._wake)

    def last(self, kind: SignalKind) -> dict[str, Any] | None:
        """What this agent said last of this kind, if that still holds."""
        kept = self._kept.get(kind)
        return kept and kept[1]

    def take(self) -> tuple[SignalKind, dict[str, Any]] | None:
        """A signal that may be sent now."""
        now = time.monotonic()
        for key in self._next:
            if self._free_at.get(key, 0.0) <= now + 0.001:  # timers are a little early at times
                self._free_at[key] = now + EVERY
                return self._next.pop(key)
        return None

    def forget(self, key: str) -> None:
        """Nothing more of this key: its message is posted."""
        self._next.pop(key, None)
        self._free_at.pop(key, None)

    def connected(self) -> None:
        self._live, self._next = True, dict(self._kept)
        self._wake()

    def lost(self) -> None:
        self._live = False
        self._next.clear()


class Pace:
    """Whether it is time to tell again: what is counted in a tight loop costs the loop next to nothing."""

    def __init__(self) -> None:
        self._told_at = -math.inf

    def due(self) -> bool:
        now = time.monotonic()
        if now - self._told_at < EVERY:
            return False
        self._told_at = now
        return True


def activity(text: str, done: float | None, total: float | None) -> tuple[SignalKind, dict[str, Any]]:
    """The signal for `AsyncAgent.status`.

    Raises:
        TypeError, ValueError: an argument makes no sense.
    """
    if not isinstance(text, str):
        raise TypeError(f"text: a string is needed, not {type(text).__name__}.")
    numbers = {"done": done, "total": total}
    data: dict[str, Any] = {"text": text if len(text) <= LONGEST_STATUS else f"{text[: LONGEST_STATUS - 1]}…"}
    for name, value in numbers.items():
        if value is not None:
            data[name] = _number(name, value)
    return ("status" if len(data) == 1 else "progress"), data


def ended(text: str, done: float, total: float | None, complete: bool) -> dict[str, Any]:
    """The last progress of something: of what came to its end without anybody knowing the total, it is known now."""
    return {**activity(text, done, done if complete and total is None else total)[1], "ended": True}


def length(items: object, total: float | None) -> float | None:
    """How many there will be, if anybody knows."""
    if total is not None:
        return _number("total", total)
    return operator.length_hint(items) or None


def _number(name: str, value: Any) -> float:
    if not hasattr(value, "__index__") and not hasattr(value, "__float__"):  # numpy's numbers have them too, a str has not
        raise TypeError(f"{name}: a number is needed, not {type(value).__name__}.")
    with suppress(OverflowError):  # an integer that no float holds
        if math.isfinite(value):
            return operator.index(value) if hasattr(value, "__index__") else float(value)
    raise ValueError(f"{name}: give a finite number, which {value!r:.40} is not.")


async def each(items: Items[T]) -> AsyncIterator[T]:
    """The items of an iterable of either sort."""
    if isinstance(items, AsyncIterable):
        async for item in items:
            yield item
    else:
        for item in items:
            yield item
