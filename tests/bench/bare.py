"""The peer: bare SQLite group commit of the rows that a post writes. One writer thread, asyncio producers, nothing else.

Same tables, indexes, pragmas and rows as the hub's, of the hub's own schema. What a hub must do beside (who may post, was
it sent before, the messages as events) it leaves out; the rows of a commit go in by ``executemany``.

The order: ``{"path", "producers", "in_flight", "channels", "warm_up", "seconds", "sync_seconds"?}``.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
import threading
import time
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from jupyter_agentchat.protocol import new_id, timestamp

from .report import percentile
from .rows import CONTENT
from .slow_disk import SlowStore

Entry = tuple[str, str, "asyncio.Future[None]"]  # channel, client_id, told when durable

INSERT = (
    "INSERT INTO messages (channel_id, seq, id, author_id, author_name, author_kind, content, created_at, client_id)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
RECEIPT = 'INSERT INTO receipts ("partition", actor, client_id, subject, until, outcome) VALUES (?, ?, ?, ?, ?, ?)'
CHANNEL = "INSERT INTO channels (id, name, archived, last_seq, created_by, created_at) VALUES (?, 'bench', 0, 0, 'bench', '')"
POSITION = "INSERT INTO partitions VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET seq = excluded.seq, at = excluded.at"
AUTHOR = ("ag_" + "0" * 26, "bench", "agent")


class GroupCommit:
    def __init__(self, db: sqlite3.Connection, loop: asyncio.AbstractEventLoop) -> None:
        self._db, self._loop = db, loop
        self._queue: SimpleQueue[Entry | None] = SimpleQueue()
        self._seqs: dict[str, int] = {}
        self._thread = threading.Thread(target=self._write_forever)
        self._thread.start()

    async def post(self, channel_id: str, client_id: str) -> None:
        durable: asyncio.Future[None] = self._loop.create_future()
        self._queue.put((channel_id, client_id, durable))
        await durable

    def close(self) -> None:
        self._queue.put(None)
        self._thread.join()

    def _write_forever(self) -> None:
        while True:
            batch = [self._queue.get()]
            try:
                while True:
                    batch.append(self._queue.get_nowait())
            except Empty:
                pass
            entries = [entry for entry in batch if entry]
            if entries:
                self._commit(entries)
                self._loop.call_soon_threadsafe(settle, entries)
            if len(entries) < len(batch):
                return

    def _commit(self, entries: list[Entry]) -> None:
        at, rows, receipts, moved = timestamp(time.time()), [], [], {}
        for channel_id, client_id, _ in entries:
            moved[channel_id] = self._seqs[channel_id] = seq = self._seqs.get(channel_id, 0) + 1
            message_id = new_id("msg")
            rows.append((channel_id, seq, message_id, *AUTHOR, CONTENT, at, client_id))
            receipts.append((channel_id, AUTHOR[0], client_id, "post", at, message_id))
        self._db.execute("BEGIN IMMEDIATE")
        self._db.executemany(RECEIPT, receipts)
        self._db.executemany(INSERT, rows)
        self._db.executemany(
            "UPDATE channels SET last_seq = ? WHERE id = ?", [(seq, channel) for channel, seq in moved.items()]
        )
        self._db.executemany(POSITION, [(channel, seq, at) for channel, seq in moved.items()])
        self._db.execute("COMMIT")


def settle(entries: list[Entry]) -> None:
    for _, _, durable in entries:
        if not durable.done():
            durable.set_result(None)


async def run(order: dict[str, Any]) -> dict[str, Any]:
    path = Path(order["path"])
    store = SlowStore(path)
    store.seconds = order.get("sync_seconds", 0.0)
    db = store.open_writer()
    channels = [new_id("ch") for _ in range(order["channels"])]
    db.executemany(CHANNEL, [(channel,) for channel in channels])
    commits = GroupCommit(db, asyncio.get_running_loop())
    counts = [0] * (order["producers"] * order["in_flight"])
    taken: list[float] = []

    async def produce(place: int) -> None:
        channel_id = channels[place % len(channels)]
        while True:
            started = time.perf_counter()
            await commits.post(channel_id, f"{place}-{counts[place]}")
            taken.append(time.perf_counter() - started)
            counts[place] += 1

    tasks = [asyncio.create_task(produce(place)) for place in range(len(counts))]
    await asyncio.sleep(order["warm_up"])
    before, began = sum(counts), time.perf_counter()
    taken.clear()
    await asyncio.sleep(order["seconds"])
    done, took, waited = sum(counts) - before, time.perf_counter() - began, sorted(taken)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.to_thread(commits.close)
    db.close()
    return {"rate": done / took, "p99": percentile(waited, 99) * 1e3}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(run(json.load(sys.stdin)))))
