"""Rows ↔ records: the one place that knows the order of the columns."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import UNSET, Struct

from ..protocol import Approval, Batch, Closing, Escalation, Member, Message, Participant, Question, Vote

MESSAGE_COLUMNS = (
    "m.id, m.channel_id, m.seq, m.author_id, m.author_name, m.author_kind, m.content, m.created_at, m.client_id, m.parent_id, "
    "m.lamport, m.mentions, m.parts, m.closes, m.edited_at, m.deleted_at, "
    'q.key, q.state, q.choices, q."default", q."to", q.deadline_at, q.closing, q.kind, q.digest, q.terms'
)
MESSAGE_TABLES = "messages m LEFT JOIN questions q ON q.message_id = m.id"
MEMBER_COLUMNS = "participant_id, kind, name, role, read_seq, joined_at"
PARTICIPANT_COLUMNS = "id, kind, name, description, owner_id, created_at"

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode
_decode_closing = msgspec.json.Decoder(Closing).decode


class Terms(Struct, omit_defaults=True):
    """The fields of a `Question` that few have, stored as one JSON; SQL's NULL where none is set."""

    multiple: bool = False
    schema: dict[str, Any] | None = None
    initial: Any = UNSET
    approval: Approval | None = None
    batch: Batch | None = None
    quorum: int = 1
    votes: list[Vote] | None = None
    remind: float | None = None
    reminded: int = 0
    reminded_at: str | None = None
    escalate: list[Escalation] | None = None


_TERMS = Terms.__struct_fields__
_decode_terms = msgspec.json.Decoder(Terms).decode


def to_json(value: Any) -> str | None:
    """None and UNSET are SQL's NULL; so a JSON null is the text ``null``."""
    return None if value is None or value is UNSET else _encode(value).decode()


def from_json(text: str | None) -> Any:
    return None if text is None else _decode(text)


def terms_json(question: Question) -> str | None:
    """The question's rarer fields, for its column ``terms``."""
    told = _encode(Terms(*[getattr(question, name) for name in _TERMS])).decode()
    return None if told == "{}" else told


def _question_of(row: Sequence[Any]) -> Question:
    key, state, choices, default, to, deadline_at, closing, kind, digest, terms = row
    question = Question(
        key=key,
        state=state,
        choices=from_json(choices),
        default=UNSET if default is None else _decode(default),
        to=from_json(to),
        deadline_at=deadline_at,
        closing=None if closing is None else _decode_closing(closing),
        kind=kind,
        digest=digest,
    )
    if terms is not None:
        found = _decode_terms(terms)
        for name in _TERMS:
            setattr(question, name, getattr(found, name))
    return question


def message_of(row: tuple[Any, ...]) -> Message:
    (id_, channel_id, seq, author_id, author_name, author_kind, content, created_at, client_id, parent_id, lamport,
     mentions, parts, closes, edited_at, deleted_at, *asked) = row  # fmt: skip
    question = None if asked[0] is None else _question_of(asked)
    return Message(
        id_, channel_id, seq, author_id, author_name, author_kind, content, created_at, client_id, parent_id, lamport,
        from_json(mentions), from_json(parts), question, None if closes is None else _decode_closing(closes),
        edited_at, deleted_at,
    )  # fmt: skip


def message_by_id(db: sqlite3.Connection, channel_id: str, message_id: str) -> Message | None:
    row = db.execute(
        f"SELECT {MESSAGE_COLUMNS} FROM {MESSAGE_TABLES} WHERE m.id = ? AND m.channel_id = ?",  # noqa: S608 (constants)
        (message_id, channel_id),
    ).fetchone()
    return None if row is None else message_of(row)


def member_of(row: tuple[Any, ...]) -> Member:
    return Member(*row)


def participant_of(row: tuple[Any, ...]) -> Participant:
    id_, kind, name, description, owner_id, created_at = row
    return Participant(id_, kind, name, description, owner_id, created_at)
