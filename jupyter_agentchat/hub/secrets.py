"""Secrets on their way from who answered to who asked: in this process's memory, and nowhere else."""

from __future__ import annotations

import time
from collections import OrderedDict

MOST = 1000
MOST_OF_ONE = 100
"""For one asker: so that none pushes the others' out."""
KEPT = 3600.0
"""Seconds."""


class Secrets:
    """By the id of the message that closes the question. Each is taken once; lost with the hub, then its asker asks again."""

    def __init__(self) -> None:
        self._held: OrderedDict[str, tuple[float, str, str]] = OrderedDict()

    def __repr__(self) -> str:
        return f"<Secrets: {len(self._held)}>"

    def __contains__(self, closing_id: str) -> bool:
        return closing_id in self._held

    def hold(self, closing_id: str, value: str, asker_id: str) -> None:
        self._sweep()
        of_asker = [held for held, (_, _, asker) in self._held.items() if asker == asker_id]
        if len(of_asker) >= MOST_OF_ONE:
            del self._held[of_asker[0]]
        while len(self._held) >= MOST:
            self._held.popitem(last=False)
        self._held[closing_id] = time.monotonic() + KEPT, value, asker_id

    def take(self, closing_id: str | None) -> str | None:
        self._sweep()
        held = self._held.pop(closing_id, None) if closing_id else None
        return held[1] if held else None

    def _sweep(self) -> None:
        now = time.monotonic()
        while self._held and next(iter(self._held.values()))[0] <= now:
            self._held.popitem(last=False)
