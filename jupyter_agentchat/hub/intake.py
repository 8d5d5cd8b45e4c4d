"""What a hub takes in, and from whom: a rate for everybody, and how many connections one may hold."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from ..errors import RateLimited

SWEEP = 10_000
"""Senders that are remembered before those who have been quiet are forgotten."""
MENDING = 1.0
"""Seconds, at most, after which a refused sender finds a tenth of its burst again: coming back for a single command would
only be refused once more."""
LEAST = 0.25
"""Seconds, at least: what the sender had under way when it was refused must have come in by then, or it overtakes."""


@dataclass(slots=True)
class _Sender:
    full_at: float
    """When its bucket will be full again: further ahead, less is in it (the generic cell rate algorithm, ITU-T I.371)."""
    refused_until: float = 0.0


class Intake:
    """A token bucket for each sender: ``burst`` commands at once, ``rate`` a second for long.

    Once refused, a sender stays refused until its ``retry_after`` is over: else what it had sent already would overtake the
    command that was refused.

    Args:
        rate: commands a second.
        clock: seconds, monotonic.
    """

    def __init__(self, rate: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._interval = 1.0 / rate
        self._depth = burst * self._interval
        self._mending = max(self._interval, LEAST, min(MENDING, self._depth / 10))
        self._clock = clock
        self._senders: dict[str, _Sender] = {}

    def __len__(self) -> int:
        return len(self._senders)

    def take(self, sender: str, commands: int = 1) -> None:
        """So many commands of this sender; of more than its burst, as many as that. Raises: RateLimited."""
        now = self._clock()
        known = self._senders.get(sender)
        if known is None:
            if len(self._senders) >= SWEEP:
                self._sweep(now)
            known = self._senders[sender] = _Sender(now)
        if now >= known.refused_until:
            full_at = max(known.full_at, now) + min(commands * self._interval, self._depth)
            # A hair of tolerance: sums of intervals are not exact.
            if full_at - now <= self._depth * (1 + 1e-9):
                known.full_at = full_at
                return
            known.refused_until = now + self._mending
        wait = known.refused_until - now
        raise RateLimited(
            f"More than {1 / self._interval:g} commands a second: wait {wait:.3g} s, then send this one again.",
            retry_after=math.ceil(wait * 1000) / 1000,
        )

    def _sweep(self, now: float) -> None:
        """Who has a full bucket is as good as new. If nobody has, the fullest half goes: a flood of strangers must not
        make the hub grow."""
        self._senders = {name: s for name, s in self._senders.items() if max(s.full_at, s.refused_until) > now}
        if len(self._senders) >= SWEEP:
            emptiest = sorted(self._senders.items(), key=lambda item: item[1].full_at)[SWEEP // 2 :]
            self._senders = dict(emptiest)
