"""Questions: open, take up, close, consume. The first valid closing wins."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from msgspec import UNSET

from .. import rules
from ..commands import Close, ConsumeAnswer, Event, Expire, Post, Posted, Withdraw
from ..errors import AlreadyClosed, Forbidden, NotAQuestion, NotFound, QuestionChanged
from ..protocol import Ask, Closing, Message, MessageUpdated, Question, seconds_of, timestamp
from . import messages
from .channels import Seat, check_open, seat
from .rows import message_by_id, to_json


def take_up(db: sqlite3.Connection, command: Post, seq: int, at: str) -> tuple[Posted, list[Event]] | None:
    """The asker's own question under this key, if it is still open or was answered and not yet consumed."""
    ask = command.question
    assert ask is not None
    if ask.key is None:
        return None
    row = db.execute(
        "SELECT message_id FROM questions WHERE channel_id = ? AND asker_id = ? AND key = ? AND consumed = 0"
        " AND state IN ('open', 'answered', 'default') ORDER BY seq DESC LIMIT 1",
        (command.channel_id, command.actor, ask.key),
    ).fetchone()
    if row is None:
        return None
    message = _question(db, command.channel_id, row[0])
    question = message.question
    assert question is not None
    asked, asking = _wording(message.content, question.choices, question.to), _wording(command.content, ask.choices, ask.to)
    if asked != asking:
        if question.state != "open":
            return None  # what was answered was another question
        raise QuestionChanged(
            f"A question with the key {ask.key!r} is open and reads differently. Open: {asked}. Now asked: {asking}. "
            "Answer or withdraw the open one, or give another key.",
            asked=asked,
            asking=asking,
        )
    if question.state == "open" and ask.decided is not None:
        acting = seat(db, command.channel_id, command.actor)
        closing = Closing(message.id, "answered", ask.decided.value, command.actor, acting.name, at, ask.decided.source)
        # Without the client_id, which is the question's.
        _, events = _close(db, message, closing, acting, Place(command.message_id, seq))
        return Posted(message, created=False), events
    return Posted(message, created=False), _retime(db, command, message, seq, at) if question.state == "open" else []


def _retime(db: sqlite3.Connection, command: Post, message: Message, seq: int, at: str) -> list[Event]:
    """Asked again with another timeout or default, the open question gets it: who adds one to a cell that hangs means it."""
    ask, question = command.question, message.question
    assert ask is not None
    assert question is not None
    default = question.default if ask.default is UNSET else ask.default
    before = None if question.deadline_at is None else seconds_of(question.deadline_at) - seconds_of(message.created_at)
    retimed = ask.timeout is not None and (before is None or abs(before - ask.timeout) > 0.001)
    if default == question.default and not retimed:
        return []
    if retimed and ask.timeout is not None:
        question.deadline_at = timestamp(seconds_of(at) + ask.timeout)
    question.default = default
    db.execute(
        'UPDATE questions SET deadline_at = ?, "default" = ? WHERE message_id = ?',
        (question.deadline_at, "null" if default is None else to_json(default), message.id),
    )
    db.execute("UPDATE messages SET changed_seq = ? WHERE id = ?", (seq, message.id))
    acting = seat(db, command.channel_id, command.actor)
    return [messages.changed(db, message.channel_id, seq, acting, MessageUpdated(message, seq))]


def _wording(content: str, choices: list[str] | None, to: list[str] | None) -> str:
    return content + (f" [{' | '.join(choices)}]" if choices else "") + (f" (to {', '.join(to)})" if to else "")


def open_question(db: sqlite3.Connection, command: Post, acting: Seat, seq: int, at: str) -> Question:
    """Writes the question's row; born closed if the asker brings the answer."""
    ask = command.question
    assert ask is not None
    question = Question(
        key=ask.key or command.message_id,
        state="open",
        choices=ask.choices,
        default=ask.default,
        to=ask.to,
        deadline_at=None if ask.timeout is None else timestamp(seconds_of(at) + ask.timeout),
    )
    if ask.decided is not None:
        question.state = "answered"
        question.closing = Closing(
            command.message_id, "answered", ask.decided.value, command.actor, acting.name, at, ask.decided.source
        )
    db.execute(
        "INSERT INTO questions (message_id, channel_id, asker_id, key, seq, state, choices,"
        ' "default", "to", deadline_at, closing)'
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (command.message_id, command.channel_id, command.actor, question.key, seq, question.state, to_json(question.choices),
         _default_json(ask), to_json(question.to), question.deadline_at, to_json(question.closing)),
    )  # fmt: skip
    return question


def _default_json(ask: Ask) -> str | None:
    return "null" if ask.default is None else to_json(ask.default)


def close(db: sqlite3.Connection, command: Close, seq: int, at: str) -> tuple[Posted, list[Event]]:
    acting = seat(db, command.channel_id, command.actor)
    check_open(acting, command.channel_id)
    message = _question(db, command.channel_id, command.message_id)
    assert message.question is not None
    rules.check_may_answer(message.question, acting.kind, acting.name, acting.role)
    _check_still_open(message)
    rules.check_answer(command.value, message.question.choices)
    closing = Closing(message.id, "answered", command.value, command.actor, acting.name, at)
    return _close(db, message, closing, acting, Place(command.closing_id, seq, command.client_id))


def withdraw(db: sqlite3.Connection, command: Withdraw, seq: int, at: str) -> tuple[Posted, list[Event]]:
    acting = seat(db, command.channel_id, command.actor)
    message = _question(db, command.channel_id, command.message_id)
    if message.author_id != command.actor:
        raise Forbidden(f"Only its asker, {message.author_name}, may withdraw this question.")
    _check_still_open(message)
    closing = Closing(message.id, "withdrawn", UNSET, command.actor, acting.name, at)
    return _close(db, message, closing, acting, Place(command.closing_id, seq), "I take this question back.")


def expire(db: sqlite3.Connection, command: Expire, seq: int, at: str) -> tuple[Posted | None, list[Event]]:
    message = _question(db, command.channel_id, command.message_id)
    question = message.question
    assert question is not None
    if question.state != "open" or question.deadline_at is None or question.deadline_at > at:
        return None, []
    row = db.execute("SELECT last_seq, clock FROM channels WHERE id = ?", (command.channel_id,)).fetchone()
    acting = Seat(message.author_kind, message.author_name, "member", row[0], row[1], archived=False)
    timed_out = question.default is UNSET
    closing = Closing(
        message.id, "timed_out" if timed_out else "default", question.default, message.author_id, message.author_name, at
    )
    text = "Nobody answered in time." if timed_out else f"Nobody answered in time, so I go on with: {question.default}"
    return _close(db, message, closing, acting, Place(command.closing_id, seq), text)


def consume(db: sqlite3.Connection, command: ConsumeAnswer, seq: int, at: str) -> tuple[None, list[Event]]:
    seat(db, command.channel_id, command.actor)
    message = _question(db, command.channel_id, command.message_id)
    if message.author_id != command.actor:
        raise Forbidden("Only the asker consumes an answer.")
    assert message.question is not None
    if message.question.state == "open":
        raise NotFound(f"The question {command.message_id} has no answer yet.")
    db.execute("UPDATE questions SET consumed = 1 WHERE message_id = ?", (command.message_id,))
    return None, []


def _question(db: sqlite3.Connection, channel_id: str, message_id: str) -> Message:
    message = message_by_id(db, channel_id, message_id)
    if message is None:
        raise NotFound(f"There is no message {message_id} in this channel.")
    if message.question is None:
        raise NotAQuestion(f"The message {message_id} asks nothing, so it cannot be answered: reply to it with parent_id.")
    return message


def _check_still_open(message: Message) -> None:
    closing = message.question and message.question.closing
    if closing:
        raise AlreadyClosed(
            f"This question is closed: {closing.outcome} by {closing.by_name} at {closing.at}.",
            outcome=closing.outcome,
            by_id=closing.by_id,
            by_name=closing.by_name,
            at=closing.at,
        )


@dataclass(frozen=True, slots=True)
class Place:
    """Where the message that closes a question will stand."""

    message_id: str
    seq: int
    client_id: str | None = None


def _close(
    db: sqlite3.Connection, asked: Message, closing: Closing, acting: Seat, place: Place, content: str | None = None
) -> tuple[Posted, list[Event]]:
    """Closes the question and says so in the log, in the closer's name; ``content`` is the value unless given."""
    assert asked.question is not None
    assert closing.by_id is not None
    assert closing.at is not None
    asked.question.end(closing)
    db.execute(
        "UPDATE questions SET state = ?, closing = ? WHERE message_id = ?", (closing.outcome, to_json(closing), asked.id)
    )
    message = Message(
        place.message_id, asked.channel_id, place.seq, closing.by_id, acting.name, acting.kind,
        str(closing.value) if content is None else content, closing.at, place.client_id, asked.id, closes=closing,
    )  # fmt: skip
    event = messages.append(db, message, acting)
    event.asked_at = asked.created_at
    return Posted(message, created=True), [event]
