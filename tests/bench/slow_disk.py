"""A disk whose fsync takes a stated time: a sleep before each COMMIT, which lets go of the interpreter as fsync does.

Where a database lies on memory or on a fast disk, group commit shows nothing: the disks of servers take 1 ms and more.
"""

from __future__ import annotations

import sqlite3
import time
from typing import Any

from jupyter_agentchat.state.store import Store


class SlowCommits:
    """A connection whose COMMIT takes longer; all else is the connection's own."""

    def __init__(self, db: sqlite3.Connection, seconds: float) -> None:
        self._db, self._seconds = db, seconds

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        if sql == "COMMIT":
            time.sleep(self._seconds)
        return self._db.execute(sql, *values)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._db, name)


class SlowStore(Store):
    """Its writer's commits take ``seconds`` longer."""

    seconds = 0.0

    def open_writer(self) -> sqlite3.Connection:
        db = super().open_writer()
        return SlowCommits(db, self.seconds) if self.seconds else db  # type: ignore[return-value] # as good as one
