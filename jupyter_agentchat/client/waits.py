"""Waits that an interrupt ends, also in an async cell, and how long to wait before the next try."""

from __future__ import annotations

import asyncio
import random
import time
from typing import TypeVar

TICK = 0.2
"""Seconds after which a wait in an async cell looks up: a bare await there cannot be interrupted (ipykernel 7)."""

T = TypeVar("T")


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


async def pause(seconds: float) -> None:
    """A sleep that can be interrupted."""
    await changed(asyncio.Event(), seconds)


def full_jitter(tries: int, first: float, longest: float) -> float:
    """Seconds before the next try, after ``tries`` in vain: anything from 0 to the exponentially grown delay.

    Of the ways that AWS compares ("Exponential Backoff And Jitter", 2015) this one spreads many clients best.
    """
    return random.uniform(0, min(longest, first * 2 ** min(tries, 30)))  # noqa: S311 no secret
