"""Half a message: what there is of one whose author was lost in the making of it, until the whole one comes."""

from __future__ import annotations

import sqlite3

from .. import rules
from ..commands import HUB, Appended, BreakOff, Event, MakeWhole, Posted
from ..errors import Forbidden
from ..protocol import Message, MessageDeleted, seconds_of, timestamp
from . import messages
from .channels import check_open, seat

KEPT_SECONDS = 86_400.0
"""After which the author is not expected with the whole message any more."""


def break_off(db: sqlite3.Connection, command: BreakOff, seq: int, at: str) -> tuple[Posted | None, list[Event]]:
    """None if the whole message stands, or the half does."""
    _check_hub(command.actor)
    acting = seat(db, command.channel_id, command.author_id)
    check_open(acting, command.channel_id)
    rules.check_may_write(acting.role)
    rules.check_content(command.content)
    key = (command.channel_id, command.author_id, command.stream)
    if (
        _is_whole(db, *key, at)
        or db.execute("SELECT 1 FROM halves WHERE channel_id = ? AND author_id = ? AND stream = ?", key).fetchone()
    ):
        return None, []
    db.execute(
        "DELETE FROM halves WHERE channel_id = ? AND at < ?", (command.channel_id, timestamp(seconds_of(at) - KEPT_SECONDS))
    )
    db.execute("INSERT INTO halves VALUES (?, ?, ?, ?, ?)", (*key, command.message_id, at))
    # Without a client_id: it is not this that the author will have sent under the stream's.
    message = Message(
        command.message_id, command.channel_id, seq, command.author_id, acting.name, acting.kind, command.content, at
    )
    return Posted(message, created=True), [messages.append(db, message, acting)]


def make_whole(db: sqlite3.Connection, command: MakeWhole, seq: int, at: str) -> tuple[None, list[Event]]:
    _check_hub(command.actor)
    key = (command.channel_id, command.author_id, command.stream)
    row = db.execute("SELECT message_id FROM halves WHERE channel_id = ? AND author_id = ? AND stream = ?", key).fetchone()
    if row is None or not _is_whole(db, *key, at):
        return None, []
    db.execute("DELETE FROM halves WHERE channel_id = ? AND author_id = ? AND stream = ?", key)
    gone = db.execute(
        "UPDATE messages SET content = '', deleted_at = ?, changed_seq = ? WHERE id = ? AND deleted_at IS NULL",
        (at, seq, row[0]),
    ).rowcount
    if not gone:
        return None, []  # its author took it away
    (last_seq,) = db.execute("SELECT last_seq FROM channels WHERE id = ?", (command.channel_id,)).fetchone()
    messages.advance(db, command.channel_id, seq, 0)
    return None, [Appended(command.channel_id, seq, last_seq, MessageDeleted(command.channel_id, row[0], seq))]


def halves(db: sqlite3.Connection) -> list[tuple[str, str, str]]:
    """(channel_id, author_id, stream) of those that stand."""
    return db.execute("SELECT channel_id, author_id, stream FROM halves").fetchall()


def _is_whole(db: sqlite3.Connection, channel_id: str, author_id: str, stream: str, at: str) -> bool:
    found = db.execute(
        'SELECT 1 FROM receipts WHERE "partition" = ? AND actor = ? AND client_id = ? AND until > ?',
        (channel_id, author_id, stream, at),
    )
    return found.fetchone() is not None


def _check_hub(actor: str) -> None:
    if actor != HUB:
        raise Forbidden("Only the hub speaks for who is gone.")
