"""Plain posts that wait together go in together: the rows and outcomes of one by one, in a few statements for all.

Why: every call of sqlite3 lets go of the interpreter's lock, and gets it back only when the event loop, busy with the next
frames, lets go of it. At five calls a post the writer mostly waits for that (measured with 100 busy senders: a quarter more
posts a second this way).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import chain
from typing import Any

from .. import rules
from ..commands import AnyCommand, Appended, Applied, Placed, Post, Posted
from ..errors import ChatError
from ..protocol import NewMessage
from . import messages, receipts
from .channels import Seat, not_found

CHUNKS = (64, 32, 16, 8, 4, 2, 1)
"""Rows a statement: few sizes, so that each stays prepared, and none near SQLite's limit of bound values."""


def goes_together(command: AnyCommand) -> bool:
    """Whether nothing but its sender's seat and its client_id decides about it."""
    return isinstance(command, Post) and command.question is None and command.parent_id is None


def post_together(db: sqlite3.Connection, placed: Sequence[Placed]) -> list[Applied]:
    """Applies posts that `goes_together`, in their order.

    Raises: sqlite3.IntegrityError if one of them was sent before, or is here twice (the index over client_ids says so): then
    the transaction holds a part of them and must be rolled back.
    """
    seats = _seats(db, {(command.channel_id, command.actor) for command, _, _ in placed if isinstance(command, Post)})
    ends: dict[str, tuple[int, int]] = {}
    results: list[Applied] = []
    rows: list[tuple[Any, ...]] = []
    kept: list[tuple[Any, ...]] = []
    for command, seq, at in placed:
        assert isinstance(command, Post)
        try:
            acting = seats.get((command.channel_id, command.actor))
            if acting is None:
                raise not_found(command.channel_id)
            last_seq, clock = ends.get(command.channel_id, (acting.last_seq, acting.clock))
            messages.admit(command, acting, clock)
        except ChatError as refusal:
            results.append(_sent_before(db, command, at, kept) or (None, refusal, ()))
            continue
        message = messages.message_of(command, acting, seq, at)
        message.lamport = rules.tick(command.lamport, clock)
        event = Appended(message.channel_id, seq, last_seq, NewMessage(message))
        ends[message.channel_id] = seq, max(clock, message.lamport)
        rows.append(messages.row_of(message))
        if command.client_id is not None:
            kept.append(
                (command.channel_id, command.actor, command.client_id, "post", receipts.until(at, command.window), message.id)
            )
        results.append((Posted(message, created=True), None, (event,)))
    # OR FAIL: the whole transaction goes back if one row does, so SQLite need not keep a journal of this statement.
    _insert(db, f"INSERT OR FAIL {receipts.INTO}", kept)
    _insert(db, f"INSERT OR FAIL {messages.INTO}", rows)
    for channel_id, (seq, clock) in ends.items():
        messages.advance(db, channel_id, seq, clock)
    return results


def _sent_before(
    db: sqlite3.Connection, command: Post, at: str, kept: Sequence[tuple[Any, ...]]
) -> tuple[Posted | None, ChatError | None, tuple[()]] | None:
    """What a refused post gives that was sent before, when it was not to be refused yet. As `apply` does: known comes first."""
    if command.client_id is None:
        return None
    if any(row[:3] == (command.channel_id, command.actor, command.client_id) for row in kept):
        raise sqlite3.IntegrityError("sent twice in one batch")
    try:
        known = receipts.recall(db, command, at)
    except ChatError as refusal:
        return None, refusal, ()
    return (known[0], None, ()) if known else None


def _insert(db: sqlite3.Connection, into: str, rows: Sequence[tuple[Any, ...]]) -> None:
    for chunk in _chunks(rows):
        db.execute(f"{into} VALUES {_marks(len(chunk[0]), len(chunk))}", _flat(chunk))


def _seats(db: sqlite3.Connection, pairs: set[tuple[str, str]]) -> dict[tuple[str, str], Seat]:
    found: dict[tuple[str, str], Seat] = {}
    for chunk in _chunks(sorted(pairs)):
        query = (
            f"WITH asked (channel_id, participant_id) AS (VALUES {_marks(2, len(chunk))})"  # noqa: S608 (question marks)
            " SELECT m.channel_id, m.participant_id, m.kind, m.name, m.role, c.last_seq, c.clock, c.archived FROM asked"
            " JOIN members m USING (channel_id, participant_id) JOIN channels c ON c.id = m.channel_id"
        )
        for channel_id, participant_id, *columns in db.execute(query, _flat(chunk)):
            found[channel_id, participant_id] = Seat(*columns)
    return found


def _chunks(rows: Sequence[tuple[Any, ...]]) -> Iterable[Sequence[tuple[Any, ...]]]:
    at = 0
    for size in CHUNKS:
        while len(rows) - at >= size:
            yield rows[at : at + size]
            at += size


@cache
def _marks(columns: int, rows: int) -> str:
    row = f"({', '.join('?' * columns)})"
    return ", ".join([row] * rows)


def _flat(rows: Sequence[tuple[Any, ...]]) -> tuple[Any, ...]:
    return tuple(chain.from_iterable(rows))
