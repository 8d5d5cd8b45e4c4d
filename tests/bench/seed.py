"""A workspace that is full already: agents, channels and messages put in by the state machine itself, in few transactions.

Through the door a million messages would take minutes, and a thousand agents a thousand calls.
"""

from __future__ import annotations

import secrets
import sqlite3
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from jupyter_agentchat import commands as c
from jupyter_agentchat.hub import hash_of
from jupyter_agentchat.protocol import new_id, timestamp
from jupyter_agentchat.state import apply_all
from jupyter_agentchat.state.store import Store

from .rows import CONTENT

BATCH = 5_000


@dataclass(frozen=True)
class Seat:
    """An agent, its key, and the channel that it is in."""

    agent_id: str
    key: str
    channel_id: str


def crowd(path: Path, agents: int, channels: int) -> list[Seat]:
    """A new database: the agents, spread over the channels by turns."""
    channel_ids = [new_id("ch") for _ in range(channels)]
    seats = [Seat(new_id("ag"), f"au_{secrets.token_urlsafe(32)}", channel_ids[n % channels]) for n in range(agents)]
    people = [c.NewPerson(seat.agent_id, "agent", f"agent {n}") for n, seat in enumerate(seats)]
    keys = [c.NewCredential(new_id("key"), seat.agent_id, "key", hash_of(seat.key)) for seat in seats]
    commands: list[c.AnyCommand] = [c.Found(c.HUB, new_id("epoch")), c.Enrol(c.HUB, people, keys)]
    for number, channel_id in enumerate(channel_ids):
        members = [c.NewMember(s.agent_id, "agent", f"agent {number}", "owner") for s in seats[number::channels]]
        commands.append(c.FoundChannel(c.HUB, channel_id, f"channel {number}", members=members))
    write(path, commands)
    return seats


def messages(path: Path, seat: Seat, count: int) -> None:
    """Posts ``count`` messages in the seat's channel: the first ones by the state machine, the rest as copies of their rows."""
    posted = min(count, BATCH)
    write(path, (c.Post(seat.agent_id, seat.channel_id, new_id("msg"), CONTENT) for _ in range(posted)))
    if posted < count:
        copy(path, seat.channel_id, posted, count)


COPY = """
    INSERT INTO messages (channel_id, seq, id, author_id, author_name, author_kind, content, created_at, lamport)
    SELECT channel_id, seq + :more, 'msg_' || substr(:channel, -12) || printf('%014d', seq + :more), author_id, author_name,
        author_kind, content, created_at, lamport + :more FROM messages
    WHERE channel_id = :channel AND seq <= :until ORDER BY seq
"""


def copy(path: Path, channel_id: str, have: int, count: int) -> None:
    """Doubles the channel's messages until there are ``count``, and moves its ends along. Their seqs have no gaps."""
    store = Store(path, relaxed=True)
    db = store.open_writer()
    db.execute("BEGIN IMMEDIATE")
    (last,) = db.execute("SELECT last_seq FROM channels WHERE id = ?", (channel_id,)).fetchone()
    first = last - have
    while have < count:
        more = min(have, count - have)
        db.execute(COPY, {"channel": channel_id, "more": have, "until": first + more})
        have += more
    moved = {"channel": channel_id, "by": first + count - last}
    db.execute("UPDATE channels SET last_seq = last_seq + :by, clock = clock + :by WHERE id = :channel", moved)
    db.execute("UPDATE partitions SET seq = seq + :by WHERE partition = :channel", moved)
    db.execute("COMMIT")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    store.close()


def write(path: Path, commands: Iterable[c.AnyCommand]) -> None:
    """As the local journal does it, without waiting for the disk. No hub may have the database open."""
    store = Store(path, relaxed=True)
    db = store.open_writer()
    for batch in batches(commands):
        db.execute("BEGIN IMMEDIATE")
        positions = dict(db.execute("SELECT partition, seq FROM partitions"))
        at, placed = timestamp(time.time()), []
        for command in batch:
            partition = c.partition_of(command)
            positions[partition] = seq = positions.get(partition, 0) + 1
            placed.append((command, seq, at))
        refusals = [refusal for _, refusal, _ in apply_all(db, placed) if refusal]
        if refusals:
            raise refusals[0]
        move(db, positions, at)
        db.execute("COMMIT")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    store.close()


def move(db: sqlite3.Connection, positions: dict[str, int], at: str) -> None:
    db.executemany("INSERT OR REPLACE INTO partitions VALUES (?, ?, ?)", [(p, seq, at) for p, seq in positions.items()])


def batches(commands: Iterable[c.AnyCommand]) -> Iterator[list[c.AnyCommand]]:
    left = iter(commands)
    while batch := list(islice(left, BATCH)):
        yield batch
