"""A question's row: reading it, writing what changed of it, and when something of it is due next."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from msgspec import UNSET

from ..commands import Event
from ..errors import AlreadyClosed, NotAQuestion, NotFound
from ..protocol import Message, MessageUpdated, Question, seconds_of, timestamp
from . import messages
from .channels import Seat
from .rows import message_by_id, terms_json, to_json

REMINDERS = 100
DETAIL_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Place:
    """Where the message that closes a question will stand; for the audit trail, from where it came, and what was seen."""

    message_id: str
    seq: int
    client_id: str | None = None
    origin: str | None = None
    saw: str | None = None


def find(db: sqlite3.Connection, channel_id: str, message_id: str) -> tuple[Message, Question]:
    """Raises: NotFound; NotAQuestion."""
    message = message_by_id(db, channel_id, message_id)
    if message is None:
        raise NotFound(f"There is no message {message_id} in this channel.")
    if message.question is None:
        raise NotAQuestion(f"The message {message_id} asks nothing, so it cannot be answered: reply to it with parent_id.")
    return message, message.question


def check_still_open(question: Question) -> None:
    """Raises: AlreadyClosed, with who and when."""
    if closing := question.closing:
        raise AlreadyClosed(
            f"This question is closed: {closing.outcome} by {closing.by_name} at {closing.at}.",
            outcome=closing.outcome,
            by_id=closing.by_id,
            by_name=closing.by_name,
            at=closing.at,
        )


def write(db: sqlite3.Connection, message: Message) -> None:
    """Stores what may have changed of an open question."""
    question = message.question
    assert question is not None
    default = "null" if question.default is None else to_json(question.default)
    db.execute(
        'UPDATE questions SET state = ?, closing = ?, "default" = ?, "to" = ?, deadline_at = ?, terms = ?, next_at = ?'
        " WHERE message_id = ?",
        (question.state, to_json(question.closing), default, to_json(question.to), question.deadline_at, terms_json(question),
         next_at(question, message.created_at), message.id),
    )  # fmt: skip


def tell(db: sqlite3.Connection, message: Message, seq: int, acting: Seat) -> list[Event]:
    """Stores the question, and says in the log that it changed."""
    write(db, message)
    db.execute("UPDATE messages SET changed_seq = ? WHERE id = ?", (seq, message.id))
    return [messages.changed(db, message.channel_id, seq, acting, MessageUpdated(message, seq))]


def next_at(question: Question, asked_at: str) -> str | None:
    """When the first of deadline, reminder and escalation is due."""
    times = [] if question.deadline_at is None else [question.deadline_at]
    if question.remind is not None and question.reminded < REMINDERS:
        times.append(later(question.reminded_at or asked_at, question.remind))
    times += [later(asked_at, each.after) for each in question.escalate or () if each.at is None]
    return min(times, default=None)


def later(at: str, seconds: float) -> str:
    return timestamp(seconds_of(at) + seconds)


def seat_of_author(db: sqlite3.Connection, message: Message) -> Seat:
    """For what happens in the asker's name while it may not be there any more."""
    last_seq, clock, archived = db.execute(
        "SELECT last_seq, clock, archived FROM channels WHERE id = ?", (message.channel_id,)
    ).fetchone()
    return Seat(message.author_kind, message.author_name, "member", last_seq, clock, bool(archived))


def value_detail(value: object, source: str | None = None) -> object:
    """For the audit trail: what was answered, if there is anything to tell; of a long answer its length."""
    told: dict[str, object] = {} if value is UNSET else {"value": value}
    if len(to_json(told) or "") > DETAIL_BYTES:
        told = {"value_bytes": len(to_json(value) or "")}
    if source is not None:
        told["source"] = source
    return told or UNSET
