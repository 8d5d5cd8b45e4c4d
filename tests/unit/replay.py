"""A hub that follows a journal, and nothing else: ``python -m tests.unit.replay SEED`` reads commands, writes the digest."""

from __future__ import annotations

import os
import random
import sqlite3
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any, NoReturn

import msgspec

from jupyter_agentchat.commands import AnyCommand, Applied, Placed, partition_of
from jupyter_agentchat.state import apply_all, apply_each, receipts
from jupyter_agentchat.state.digest import digest
from jupyter_agentchat.state.store import Store


def follow(db: sqlite3.Connection, ordered: list[Placed], batches: random.Random) -> dict[tuple[str, int], str]:
    """Applies the commands in batches of random sizes, and sweeps when it likes. Returns: each one's outcome."""
    outcomes: dict[tuple[str, int], str] = {}
    left = list(ordered)
    while left:
        batch, left = left[: (size := batches.randint(1, 9))], left[size:]
        for (command, seq, _), (outcome, refusal, _) in zip(batch, commit(db, batch), strict=True):
            said = repr((refusal.code, refusal.message, refusal.details)) if refusal else repr(outcome)
            outcomes[partition_of(command), seq] = said
        if left and batches.random() < 0.5:
            receipts.sweep(db, min(at for _, _, at in left))
    return outcomes


def commit(db: sqlite3.Connection, batch: list[Placed]) -> list[Applied]:
    """As a journal does it: together, or one by one where something was sent before."""
    db.execute("BEGIN")
    try:
        applied = apply_all(db, batch)
    except sqlite3.IntegrityError:
        db.execute("ROLLBACK")
        db.execute("BEGIN")
        applied = apply_each(db, batch)
    db.executemany(
        "INSERT INTO partitions VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET seq = excluded.seq, at = excluded.at",
        [(partition_of(command), seq, at) for command, seq, at in batch],
    )
    db.execute("COMMIT")
    return applied


def forbidden(*_: Any) -> NoReturn:
    raise AssertionError("the state machine knows no clock and no chance")


if __name__ == "__main__":
    commands = msgspec.json.decode(sys.stdin.buffer.read(), type=list[tuple[AnyCommand, int, str]])
    with tempfile.TemporaryDirectory() as folder, closing(Store(Path(folder) / "a.db").open_writer()) as database:
        chance = random.Random(int(sys.argv[1]))
        # All of them: what a module took by name at its import would get through, but ours take the modules.
        time.time = time.monotonic = forbidden
        os.urandom = forbidden
        follow(database, commands, chance)
        print(msgspec.json.encode(digest(database)).decode())
