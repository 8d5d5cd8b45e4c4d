"""Which messages were seen: a memory that is bounded, and forgets."""

from __future__ import annotations

import time
from collections import OrderedDict

REMEMBERED = 10_000
FOR_SECONDS = 600.0


class Seen:
    """Ids, at most `REMEMBERED` of them, for `FOR_SECONDS`. Cursors keep a log's replay from telling twice; this is for logs
    that are read again under other cursors (a restored database)."""

    def __init__(self) -> None:
        self._until: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._until)

    def __contains__(self, id: str) -> bool:  # noqa: A002 it is one
        return self._until.get(id, 0.0) > time.monotonic()

    def add(self, id: str) -> None:  # noqa: A002
        now = time.monotonic()
        self._until[id] = now + FOR_SECONDS
        self._until.move_to_end(id)
        while len(self._until) > REMEMBERED or next(iter(self._until.values())) <= now:
            self._until.popitem(last=False)
