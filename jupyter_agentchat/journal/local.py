"""The journal of one machine: one writer thread, group commit, one fsync for all that has queued up."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import threading
import time
from collections import Counter
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, get_args
from weakref import WeakSet

from .. import logs, metrics
from ..commands import AnyCommand, Appended, Event, Placed, partition_of, size_of
from ..errors import ChatError, InternalError, Overloaded, StoreUnavailable
from ..protocol import seconds_of, timestamp
from ..state import apply_all, apply_each, receipts
from ..state.store import Store, unavailable
from . import OnApplied
from .clock import Clock

log = logs.named(__name__)

OF_THE_COMMAND = (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.ProgrammingError, sqlite3.InterfaceError)
"""What SQLite says of the statement it was given; all else it says of the file."""


RETRY_AFTER = 0.5
"""Seconds after which a full queue has most probably room again: a batch of 20,000 takes about as long."""
SWEEP_SECONDS = 1.0


APPLIED = {command: metrics.COMMANDS.labels(str(command.__struct_config__.tag)) for command in get_args(AnyCommand)}


_running: WeakSet[LocalJournal] = WeakSet()
# Summed when somebody asks: a gauge that is moved at each command costs more than its queueing.
metrics.QUEUE_COMMANDS.set_function(lambda: sum(journal.waiting[0] for journal in list(_running)))
metrics.QUEUE_BYTES.set_function(lambda: sum(journal.waiting[1] for journal in list(_running)))


@dataclass(slots=True)
class _Entry:
    command: AnyCommand
    reply: asyncio.Future[Any]
    size: int
    arrived: float
    outcome: Any = None
    error: ChatError | None = None


class LocalJournal:
    """Commands queue up in front of one thread that owns the only writing connection.

    It takes everything that waits, applies it in one transaction, commits with one fsync, then answers everybody in it.
    Batches are not capped: under load a batch grows to what one fsync's time lets in, which is what makes many senders fast
    (evidence: 256 producers, 39,000/s). Memory is capped by what waits instead: past ``max_queued`` commands or
    ``max_queued_bytes`` of content, submit refuses at once.
    """

    def __init__(self, store: Store, *, max_queued: int = 20_000, max_queued_bytes: int = 64 * 1024 * 1024) -> None:
        self._store = store
        self._max_queued = max_queued
        self._max_queued_bytes = max_queued_bytes
        self._queued_bytes: int = 0
        self._queue: SimpleQueue[_Entry | None] = SimpleQueue()
        self._queued: int = 0
        self._positions: dict[str, tuple[int, str]] = {}
        self._sweep_at = 0.0
        self._thread: threading.Thread | None = None
        self._closed = asyncio.Event()
        self._on_applied: OnApplied
        self._loop: asyncio.AbstractEventLoop
        self._db: sqlite3.Connection
        self._clock = Clock()

    async def start(self, on_applied: OnApplied) -> None:
        _running.add(self)
        self._loop = asyncio.get_running_loop()
        self._on_applied = on_applied
        self._db = await asyncio.to_thread(self._store.open_writer)
        (last_at,) = self._db.execute("SELECT max(at) FROM partitions").fetchone()
        self._clock = Clock(seconds_of(last_at) if last_at else 0.0)
        self._thread = threading.Thread(target=self._write_forever, name="agentchat-journal", daemon=True)
        self._thread.start()

    async def submit(self, command: AnyCommand) -> Any:
        if self._thread is None:
            raise StoreUnavailable("The hub is stopped: start it again, nothing accepted was lost.", retry_after=1.0)
        size = size_of(command)
        # One alone is taken, however large: else it could never be sent.
        if self._queued >= self._max_queued or (self._queued and self._queued_bytes + size > self._max_queued_bytes):
            raise Overloaded(
                f"{self._queued:,} commands with {self._queued_bytes:,} bytes wait for the disk already: try again later.",
                retry_after=RETRY_AFTER,
            )
        entry = _Entry(command, self._loop.create_future(), size, time.perf_counter())
        self._queued += 1
        self._queued_bytes += size
        self._queue.put(entry)
        return await entry.reply

    def now(self) -> float:
        return self._clock.now()

    @property
    def waiting(self) -> tuple[int, int]:
        """(commands, bytes of content) that are not on the disk yet."""
        return self._queued, self._queued_bytes

    async def close(self) -> None:
        if self._thread is not None:
            self._thread = None
            self._queue.put(None)
            # Not a join on a helper thread: when the interpreter exits there are none left.
            await self._closed.wait()

    # ------------------------------------------------------------------ on the writer's thread

    def _write_forever(self) -> None:
        stopping = False
        while not stopping:
            batch = [self._queue.get()]
            try:
                while True:
                    batch.append(self._queue.get_nowait())
            except Empty:
                pass
            entries = [entry for entry in batch if entry is not None]
            stopping = len(entries) < len(batch)
            if entries:
                events = self._commit(entries)
                self._loop.call_soon_threadsafe(self._settle, entries, events)
        self._db.close()
        self._loop.call_soon_threadsafe(self._closed.set)

    def _commit(self, entries: list[_Entry]) -> list[Event]:
        """One transaction for all. If that fails for one command's sake, each gets a transaction of its own."""
        try:
            return self._transact(entries)
        except Exception as error:
            if isinstance(error, sqlite3.Error) and not isinstance(error, OF_THE_COMMAND):
                for entry in entries:
                    entry.error = unavailable(self._store.path, error)
                logs.log(log, logging.ERROR, "commands refused, the database fails", commands=len(entries), reason=error)
                return []
            if len(entries) > 1:
                return [event for entry in entries for event in self._commit([entry])]
            failed = entries[0].command
            logs.log(
                log, logging.ERROR, "a command failed", error=error, command=type(failed).__name__,
                channel_id=partition_of(failed), client_id=failed.client_id,
            )  # fmt: skip
            entries[0].error = InternalError("The hub failed at this command; its log has the details.")
            return []

    def _transact(self, entries: list[_Entry]) -> list[Event]:
        db = self._db
        placed = self._place(entries)
        db.execute("BEGIN IMMEDIATE")
        try:
            try:
                applied = apply_all(db, placed)
            except sqlite3.IntegrityError:
                # Somebody sends again what was sent before. That is rare, so all of this batch pays for it.
                db.execute("ROLLBACK")
                db.execute("BEGIN IMMEDIATE")
                applied = apply_each(db, placed)
            moved = {
                # A refusal takes no place: else anyone could fill the disk with channels that do not exist.
                partition_of(command): (seq, at)
                for (command, seq, at), (_, refusal, _) in zip(placed, applied, strict=True)
                if refusal is None
            }
            db.executemany(
                "INSERT INTO partitions VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET seq = excluded.seq, at = excluded.at",
                [(partition, seq, at) for partition, (seq, at) in moved.items()],
            )
            self._sweep(db, max((at for _, at in moved.values()), default=""))
            committing = time.perf_counter()
            db.execute("COMMIT")
            metrics.FSYNC.observe(time.perf_counter() - committing)
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise
        if len(self._positions) > 100_000:
            self._positions.clear()
        self._positions.update(moved)
        metrics.BATCH.observe(len(entries))
        kinds = Counter(type(command) for (command, _, _), (_, refusal, _) in zip(placed, applied, strict=True) if not refusal)
        for kind, count in kinds.items():
            APPLIED[kind].inc(count)
        events: list[Event] = []
        for entry, (outcome, refusal, happened) in zip(entries, applied, strict=True):
            entry.outcome, entry.error = outcome, refusal
            if getattr(outcome, "created", True) is False:
                metrics.REPEATED.inc()
            for event in happened:
                if isinstance(event, Appended):
                    event.arrived = entry.arrived
            events += happened
        return events

    def _sweep(self, db: sqlite3.Connection, now: str) -> None:
        """Forgets the client_ids whose window is over, now and then, along with a commit that is made anyway."""
        if now and time.monotonic() >= self._sweep_at:
            swept = receipts.sweep(db, now)
            # On with it while there are more, at a rate above that of the busiest hub.
            self._sweep_at = time.monotonic() + (0.0 if swept >= receipts.SWEPT // 2 else SWEEP_SECONDS)

    def _place(self, entries: list[_Entry]) -> list[Placed]:
        """The commands, each with its partition's next seq and a time."""
        placed: list[Placed] = []
        stand: dict[str, tuple[int, str]] = {}
        now = timestamp(self.now())
        for entry in entries:
            partition = partition_of(entry.command)
            last_seq, last_at = stand.get(partition) or self._position(partition)
            # `last_at` too: whatever the clock says, time does not fall within a partition.
            stand[partition] = seq, at = last_seq + 1, max(now, last_at)
            placed.append((entry.command, seq, at))
        return placed

    def _position(self, partition: str) -> tuple[int, str]:
        """Where the partition stands: its last seq and time."""
        if known := self._positions.get(partition):
            return known
        row = self._db.execute("SELECT seq, at FROM partitions WHERE partition = ?", (partition,)).fetchone()
        return row or (0, "")

    # ------------------------------------------------------------------ on the event loop

    def _settle(self, entries: list[_Entry], events: list[Event]) -> None:
        self._queued -= len(entries)
        self._queued_bytes -= sum(entry.size for entry in entries)
        for entry in entries:
            if entry.reply.cancelled():
                continue
            if entry.error:
                entry.reply.set_exception(entry.error)
            else:
                entry.reply.set_result(entry.outcome)
        if events:
            self._on_applied(events)
