"""The SQLite file: opening it, and reading it on threads of its own so that nothing else waits."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from ..errors import InvalidRequest, StoreUnavailable
from .migrations import migrate

T = TypeVar("T")
READERS = 4


def path_of(url: str) -> Path:
    """``sqlite:///relative.db``, ``sqlite:////absolute.db`` → the file. Raises: InvalidRequest for another URL."""
    scheme, _, path = url.partition(":///")
    if scheme != "sqlite" or not path:
        raise InvalidRequest(f"The store {url!r} is not known: give sqlite:///path.db.")
    return Path(path).expanduser().absolute()


class Store:
    """A workspace's database file. Many readers; who writes is the journal's business.

    Args:
        relaxed: commits without waiting for the disk (``synchronous=NORMAL``): after a power failure the last moments may
            be missing, after a crash of the process nothing is. Off by default: a confirmed message is on the disk.
    """

    def __init__(self, path: Path, *, relaxed: bool = False) -> None:
        self.path = path
        self.relaxed = relaxed
        self._local = threading.local()
        self._opened: list[sqlite3.Connection] = []
        self._pool = ThreadPoolExecutor(READERS, thread_name_prefix="agentchat-read")

    def open_writer(self) -> sqlite3.Connection:
        """Makes the file and its schema if need be.

        Raises: StoreUnavailable for a file that cannot be opened or written; NewerDatabase.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not self.path.exists():
                # The conversation is its owner's: nobody else on the machine reads it.
                os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
            db = self._connect()
            try:
                self._prepare(db)
            except BaseException:
                db.close()
                raise
        except (sqlite3.Error, OSError) as error:
            raise unavailable(self.path, error) from error
        return db

    def _prepare(self, db: sqlite3.Connection) -> None:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute(f"PRAGMA synchronous = {'NORMAL' if self.relaxed else 'FULL'}")
        migrate(db, str(self.path))
        # Says now what a first message would find out: a file that opens may still be read-only.
        db.execute("BEGIN IMMEDIATE")
        db.execute("ROLLBACK")

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, timeout=5, cached_statements=256)
        db.execute("PRAGMA busy_timeout = 5000")
        return db

    async def read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """Runs ``query`` on a reader thread, in one snapshot of the database.

        Raises: StoreUnavailable when SQLite fails; whatever ``query`` raises.
        """
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._read, query)

    def _read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        try:
            db: sqlite3.Connection | None = getattr(self._local, "db", None)
            if db is None:
                db = self._local.db = self._connect()
                db.execute("PRAGMA query_only = 1")
                self._opened.append(db)
            db.execute("BEGIN")
            try:
                return query(db)
            finally:
                db.execute("COMMIT")
        except sqlite3.Error as error:
            raise unavailable(self.path, error) from error

    def close(self) -> None:
        self._pool.shutdown(wait=True)
        for db in self._opened:
            db.close()


def unavailable(path: Path, error: Exception) -> StoreUnavailable:
    return StoreUnavailable(
        f"The database {path} cannot be used now ({error}): free space, or mend its permissions; nothing accepted was lost.",
        retry_after=1.0,
    )
