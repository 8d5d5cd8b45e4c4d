"""The questions that a hub asks of the state. Each is a function of a connection, for `Store.read`."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from .. import rules
from ..errors import Forbidden
from ..protocol import AskKind, Channel, Kind, Member, Message, MessageDeleted, MessageUpdated, NewMessage, Participant, Role
from .channels import seat
from .rows import (
    MEMBER_COLUMNS,
    MESSAGE_COLUMNS,
    MESSAGE_TABLES,
    PARTICIPANT_COLUMNS,
    from_json,
    member_of,
    message_by_id,
    message_of,
    participant_of,
)  # fmt: skip

# ruff: noqa: S608 — the composed statements are made of the constants above, never of input.


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a credential."""

    participant: Participant
    credential_id: str
    kind: str
    expires_at: str | None
    owns_workspace: bool


def epoch(db: sqlite3.Connection) -> str | None:
    row = db.execute("SELECT epoch FROM workspace").fetchone()
    return row[0] if row else None


def holder(db: sqlite3.Connection, credential_hash: str) -> Holder | None:
    row = db.execute(
        "SELECT c.id, c.kind, c.expires_at, "
        " p.identity LIKE 'jupyter:%' OR EXISTS (SELECT 1 FROM passwords w WHERE w.participant_id = p.id),"
        " p.id, p.kind, p.name, p.description, p.owner_id, p.created_at"
        " FROM credentials c JOIN participants p ON p.id = c.participant_id WHERE c.hash = ? AND c.revoked_at IS NULL",
        (credential_hash,),
    ).fetchone()
    return Holder(participant_of(row[4:]), row[0], row[1], row[2], bool(row[3])) if row else None


def credential_owner(db: sqlite3.Connection, credential_id: str) -> str | None:
    row = db.execute("SELECT participant_id FROM credentials WHERE id = ?", (credential_id,)).fetchone()
    return row[0] if row else None


def participant(db: sqlite3.Connection, participant_id: str) -> Participant | None:
    row = db.execute(f"SELECT {PARTICIPANT_COLUMNS} FROM participants WHERE id = ?", (participant_id,)).fetchone()
    return participant_of(row) if row else None


def by_identity(db: sqlite3.Connection, identity: str) -> Participant | None:
    row = db.execute(f"SELECT {PARTICIPANT_COLUMNS} FROM participants WHERE identity = ?", (identity,)).fetchone()
    return participant_of(row) if row else None


def owner_password(db: sqlite3.Connection, email: str) -> tuple[Participant, str] | None:
    """The owner with this e-mail address, and the argon2 hash of the password."""
    row = db.execute("SELECT participant_id, hash FROM passwords WHERE email = ?", (email,)).fetchone()
    owner = participant(db, row[0]) if row else None
    return (owner, row[1]) if owner else None


def has_owner(db: sqlite3.Connection) -> bool:
    return db.execute("SELECT 1 FROM passwords").fetchone() is not None


def agents(db: sqlite3.Connection, owner_id: str | None) -> list[Participant]:
    """The agents of one owner, of all if None."""
    return [
        participant_of(row)
        for row in db.execute(
            f"SELECT {PARTICIPANT_COLUMNS} FROM participants WHERE kind = 'agent' AND (? IS NULL OR owner_id = ?) ORDER BY id",
            (owner_id, owner_id),
        )
    ]


def acquaintances(db: sqlite3.Connection, participant_id: str | None) -> list[Participant]:
    """Who shares a channel with this participant; everybody if None."""
    return [
        participant_of(row)
        for row in db.execute(
            f"SELECT {PARTICIPANT_COLUMNS} FROM participants WHERE ? IS NULL OR id IN (SELECT o.participant_id FROM members o"
            " JOIN members m ON m.channel_id = o.channel_id WHERE m.participant_id = ?) ORDER BY id",
            (participant_id, participant_id),
        )
    ]


def channel_ids(db: sqlite3.Connection, participant_id: str | None) -> list[tuple[str, int]]:
    """(id, last_seq) of the channels that a participant is in; of all if None."""
    return db.execute(
        "SELECT id, last_seq FROM channels WHERE ? IS NULL OR id IN (SELECT channel_id FROM members WHERE participant_id = ?)"
        " ORDER BY id",
        (participant_id, participant_id),
    ).fetchall()


def small_channel_ids(db: sqlite3.Connection, participant_id: str, most: int) -> list[str]:
    """The participant's channels of ``most`` members or fewer."""
    return [channel_id for channel_id, _ in channel_ids(db, participant_id) if is_small(db, channel_id, most)]


def is_small(db: sqlite3.Connection, channel_id: str, most: int) -> bool:
    return len(db.execute("SELECT 1 FROM members WHERE channel_id = ? LIMIT ?", (channel_id, most + 1)).fetchall()) <= most


def channel(db: sqlite3.Connection, channel_id: str, reader_id: str) -> Channel:
    seat(db, channel_id, reader_id)
    return _channel(db, channel_id, reader_id)


def channels(db: sqlite3.Connection, reader_id: str, *, all_of_them: bool = False) -> list[Channel]:
    """The reader's channels that are not archived; all of the workspace for its owner."""
    found = [_channel(db, channel_id, reader_id) for channel_id, _ in channel_ids(db, None if all_of_them else reader_id)]
    return [channel for channel in found if not channel.archived]


def _channel(db: sqlite3.Connection, channel_id: str, reader_id: str) -> Channel:
    name, topic, archived, last_seq, created_at = db.execute(
        "SELECT name, topic, archived, last_seq, created_at FROM channels WHERE id = ?", (channel_id,)
    ).fetchone()
    people = members(db, channel_id)
    read_seq = next((member.read_seq for member in people if member.participant_id == reader_id), 0)
    (unread,) = db.execute(
        "SELECT count(*) FROM messages WHERE channel_id = ? AND seq > ? AND author_id <> ? AND deleted_at IS NULL",
        (channel_id, read_seq, reader_id),
    ).fetchone()
    return Channel(channel_id, name, last_seq, unread, people, created_at, topic, bool(archived))


def members(db: sqlite3.Connection, channel_id: str) -> list[Member]:
    rows = db.execute(f"SELECT {MEMBER_COLUMNS} FROM members WHERE channel_id = ? ORDER BY joined_at", (channel_id,))
    return [member_of(row) for row in rows]


def is_member(db: sqlite3.Connection, channel_id: str, participant_id: str) -> bool:
    return (
        db.execute("SELECT 1 FROM members WHERE channel_id = ? AND participant_id = ?", (channel_id, participant_id)).fetchone()
        is not None
    )


def channel_exists(db: sqlite3.Connection, channel_id: str) -> bool:
    return db.execute("SELECT 1 FROM channels WHERE id = ?", (channel_id,)).fetchone() is not None


def message(db: sqlite3.Connection, channel_id: str, message_id: str, reader_id: str) -> Message | None:
    seat(db, channel_id, reader_id)
    return message_by_id(db, channel_id, message_id)


def channel_of_message(db: sqlite3.Connection, message_id: str) -> str | None:
    row = db.execute("SELECT channel_id FROM messages WHERE id = ?", (message_id,)).fetchone()
    return row[0] if row else None


def page(
    db: sqlite3.Connection, channel_id: str, reader_id: str, *, after: int | None, before: int | None, limit: int
) -> tuple[list[Message], int, bool]:
    """(messages in seq order, the log's last seq, whether there are more in that direction).

    A page may end before its ``limit``: once it is `LOG_BYTES` long.
    """
    last_seq = seat(db, channel_id, reader_id).last_seq
    backwards = before is not None and after is None
    rows = db.execute(
        f"SELECT {MESSAGE_COLUMNS} FROM {MESSAGE_TABLES} WHERE m.channel_id = ? AND m.seq > ? AND m.seq < ?"
        f" AND m.deleted_at IS NULL ORDER BY m.seq {'DESC' if backwards else 'ASC'} LIMIT ?",
        (channel_id, after or 0, 2**63 - 1 if before is None else before, limit + 1),
    )
    found: list[Message] = []
    size, more = 0, False
    for row in rows:
        more = len(found) == limit or size > LOG_BYTES
        if more:
            break
        found.append(message_of(row))
        size += _size(row)
    return found[::-1] if backwards else found, last_seq, more


def _size(row: Sequence[Any]) -> int:
    """Of a row of `MESSAGE_COLUMNS`, as it is stored: its content, its parts, and what it asks or closes."""
    size = len(row[6]) + len(row[PARTS] or "") + len(row[CLOSES] or "")
    return size if row[ASKED] is None else size + sum(len(each) for each in row[ASKED:] if each is not None)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a channel's log, as a follower gets it."""

    seq: int
    frame: NewMessage | MessageUpdated | MessageDeleted


LOG_BYTES = 4 * 1024 * 1024
"""A page of the log ends once it is this long: what a reader who does not read makes the hub hold is bounded by it."""


def log_after(
    db: sqlite3.Connection, channel_id: str, after: int, limit: int, limit_bytes: int = LOG_BYTES
) -> tuple[list[Entry], bool]:
    """(the log after a cursor, whether there may be more): messages at their seq, changes at theirs.

    A message carries its newest text from the first.
    """
    rows: Iterable[tuple[Any, ...]] = db.execute(
        f"SELECT m.seq, 0, {MESSAGE_COLUMNS} FROM {MESSAGE_TABLES} WHERE m.channel_id = ? AND m.seq > ?"
        f" UNION ALL SELECT m.changed_seq, 1, {MESSAGE_COLUMNS} FROM {MESSAGE_TABLES}"
        " WHERE m.channel_id = ? AND m.changed_seq > ? ORDER BY 1 LIMIT ?",
        (channel_id, after, channel_id, after, limit),
    )
    (previous,) = db.execute(
        "SELECT max(coalesce((SELECT max(seq) FROM messages WHERE channel_id = ? AND seq <= ?), 0),"
        " coalesce((SELECT max(changed_seq) FROM messages WHERE channel_id = ? AND changed_seq <= ?), 0))",
        (channel_id, after, channel_id, after),
    ).fetchone()
    entries: list[Entry] = []
    size = 0
    for seq, changed, *row in rows:
        entry_message = message_of(tuple(row))
        if not changed:
            entry_message.prev_seq = previous
            entries.append(Entry(seq, NewMessage(entry_message)))
        elif entry_message.deleted_at:
            entries.append(Entry(seq, MessageDeleted(channel_id, entry_message.id, seq)))
        else:
            entries.append(Entry(seq, MessageUpdated(entry_message, seq)))
        previous = seq
        size += _size(row)
        if size > limit_bytes:
            return entries, True
    return entries, len(entries) == limit


INBOX_BYTES = 2 * LOG_BYTES
"""Of questions without their parts: a thousand of the usual kind have an eighth of it."""
DUE = 1000
PARTS, CLOSES, ASKED = 12, 13, 16
"""Where they stand in `MESSAGE_COLUMNS`; from the last on, all is the question's, and text."""


def open_questions(
    db: sqlite3.Connection, reader: Participant, channel_id: str | None, *, all_of_them: bool = False
) -> tuple[list[Message], list[str], bool]:
    """(the open questions that this reader may answer, oldest deadline first; the ids of those that come without their parts;
    whether there are more)

    Also in channels that the reader, an owner of the workspace, has not entered yet. Parts come until they are `LOG_BYTES`,
    questions until they are `INBOX_BYTES`.
    """
    rows = db.execute(
        f"SELECT me.kind, me.name, me.role, {MESSAGE_COLUMNS} FROM questions q JOIN messages m ON m.id = q.message_id"
        " LEFT JOIN members me ON me.channel_id = q.channel_id AND me.participant_id = ?"
        " WHERE q.state = 'open' AND (? IS NULL OR q.channel_id = ?) AND (? OR me.participant_id IS NOT NULL)"
        " ORDER BY q.deadline_at IS NULL, q.deadline_at, m.created_at, m.seq",
        (reader.id, channel_id, channel_id, all_of_them),
    )
    # Who enters a channel as an owner of the workspace owns it.
    outside = (reader.kind, reader.name, "owner")
    found: list[Message] = []
    without: list[str] = []
    size = asked = 0
    for kind, name, role, *row in rows:
        if asked > INBOX_BYTES:
            return found, without, True
        parts, row[PARTS] = row[PARTS], None
        message = message_of(tuple(row))
        if not _may_answer(message, reader.id, *((kind, name, role) if kind else outside)):
            continue
        found.append(message)
        asked += _size(row)
        size += len(parts or "")
        if parts is not None and size <= LOG_BYTES:
            message.parts = from_json(parts)
        elif parts is not None:
            without.append(message.id)
    return found, without, False


def _may_answer(asking: Message, reader_id: str, kind: Kind, name: str, role: Role) -> bool:
    assert asking.question is not None
    try:
        rules.check_may_answer(asking.question, asking.author_id, reader_id, kind, name, role)
    except Forbidden:
        return False
    return True


def snoozed(db: sqlite3.Connection, reader_id: str, now: str) -> dict[str, str]:
    """Until when the reader does not want to hear of questions, by message id."""
    return dict(db.execute("SELECT message_id, until FROM snoozes WHERE participant_id = ? AND until > ?", (reader_id, now)))


def question(
    db: sqlite3.Connection, channel_id: str, message_id: str, reader_id: str
) -> tuple[AskKind | None, str | None, str | None]:
    """(kind, who asked, the id of the message that closed it), each None where there is none. Raises: ChannelNotFound."""
    seat(db, channel_id, reader_id)
    row = db.execute(
        "SELECT kind, asker_id, closing_id FROM questions WHERE message_id = ? AND channel_id = ?", (message_id, channel_id)
    ).fetchone()
    return row or (None, None, None)


def due(db: sqlite3.Connection, until: str) -> tuple[list[tuple[str, str]], str | None]:
    """((channel_id, message_id) of the open questions of which something is due at ``until``, when the next after it is)."""
    found = db.execute(
        "SELECT channel_id, message_id FROM questions WHERE state = 'open' AND next_at <= ? ORDER BY next_at LIMIT ?",
        (until, DUE + 1),
    ).fetchall()
    if len(found) > DUE:
        return found[:DUE], until  # the others at once after these
    (following,) = db.execute("SELECT min(next_at) FROM questions WHERE state = 'open' AND next_at > ?", (until,)).fetchone()
    return found, following


def open_question_counts(db: sqlite3.Connection, reader_id: str | None) -> dict[str, int]:
    """How many questions each asker has open in the channels that this reader is in; everywhere if None."""
    return dict(
        db.execute(
            "SELECT asker_id, count(*) FROM questions WHERE state = 'open' AND (? IS NULL OR channel_id IN"
            " (SELECT channel_id FROM members WHERE participant_id = ?)) GROUP BY asker_id",
            (reader_id, reader_id),
        ).fetchall()
    )
