"""The journal's time."""

from __future__ import annotations

import threading
import time

PACE = 0.99
"""How fast it goes while the wall clock is behind it: a little slower, so that the two meet again."""


class Clock:
    """The wall clock, but it never falls. Set back, it goes on from where it was: so a later command never looks earlier, in
    any partition, and a deadline that was set by this clock comes due while the wall clock catches up.

    Args:
        last: Unix time in seconds; it starts at this or later. Any thread may ask it.
    """

    def __init__(self, last: float = 0.0) -> None:
        self._last = last
        self._asked = time.monotonic()
        self._lock = threading.Lock()

    def now(self) -> float:
        with self._lock:
            asked = time.monotonic()
            self._last = max(time.time(), self._last + PACE * (asked - self._asked))
            self._asked = asked
            return self._last
