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

from ..commands import AnyCommand, Appended, Applied, Placed, Post, Posted
from ..errors import ChatError
from ..protocol import NewMessage
from . import messages
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
    ends: dict[str, int] = {}
    results: list[Applied] = []
    rows: list[tuple[Any, ...]] = []
    for command, seq, at in placed:
        assert isinstance(command, Post)
        try:
            acting = seats.get((command.channel_id, command.actor))
            if acting is None:
                raise not_found(command.channel_id)
            messages.admit(command, acting)
        except ChatError as refusal:
            results.append((None, refusal, ()))
            continue
        message = messages.message_of(command, acting, seq, at)
        event = Appended(message.channel_id, seq, ends.get(message.channel_id, acting.last_seq), NewMessage(message))
        ends[message.channel_id] = seq
        rows.append(messages.row_of(message))
        results.append((Posted(message, created=True), None, (event,)))
    for chunk in _chunks(rows):
        # OR FAIL: the whole transaction goes back if one row does, so SQLite need not keep a journal of this statement.
        db.execute(f"{messages.INSERT_OR_FAIL} VALUES {_marks(len(chunk[0]), len(chunk))}", _flat(chunk))
    db.executemany("UPDATE channels SET last_seq = ? WHERE id = ?", [(seq, channel_id) for channel_id, seq in ends.items()])
    return results


def _seats(db: sqlite3.Connection, pairs: set[tuple[str, str]]) -> dict[tuple[str, str], Seat]:
    found: dict[tuple[str, str], Seat] = {}
    for chunk in _chunks(sorted(pairs)):
        query = (
            f"WITH asked (channel_id, participant_id) AS (VALUES {_marks(2, len(chunk))})"  # noqa: S608 (question marks)
            " SELECT m.channel_id, m.participant_id, m.kind, m.name, m.role, c.last_seq, c.archived FROM asked"
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
