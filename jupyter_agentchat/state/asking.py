"""Asking: a new question, or the open or unconsumed one under the same key."""

from __future__ import annotations

import sqlite3

from msgspec import UNSET

from .. import questions
from ..commands import Event, Post, Posted
from ..errors import QuestionChanged
from ..protocol import Ask, Closing, Escalation, Message, Question, seconds_of
from . import approvals, audit, messages, people
from .asked import Place, find, later, next_at, tell, value_detail
from .channels import Seat, seat
from .closing import end
from .rows import from_json, terms_json, to_json

ANSWERED = ("answered", "escalated", "default")


def post(db: sqlite3.Connection, command: Post, seq: int, at: str) -> tuple[Posted, list[Event]]:
    """Posts a message, and asks its question; or takes up the one that stands."""
    if command.question is None:
        return messages.post(db, command, seq, at)
    acting, message = messages.placed(db, command, seq, at)
    ask = questions.checked(command.question)
    if taken_up := take_up(db, command, ask, seq, at):
        return taken_up
    message.question = open_question(db, command, ask, acting, seq, at)
    return Posted(message, created=True), [messages.append(db, message, acting)]


def take_up(db: sqlite3.Connection, command: Post, ask: Ask, seq: int, at: str) -> tuple[Posted, list[Event]] | None:
    """The asker's own question under this key, if it is still open or was answered and not yet consumed.

    One of a batch can be taken up until the batch is finished.
    """
    if ask.key is None:
        return None
    row = db.execute(
        "SELECT message_id, asked_to, timeout FROM questions WHERE channel_id = ? AND asker_id = ? AND key = ?"
        " AND consumed < CASE WHEN batch_id IS NULL THEN 1 ELSE 2 END"
        " AND state IN ('open', 'answered', 'escalated', 'default') ORDER BY seq DESC LIMIT 1",
        (command.channel_id, command.actor, ask.key),
    ).fetchone()
    if row is None:
        return None
    message, question = find(db, command.channel_id, row[0])
    to: list[str] | None = from_json(row[1])
    if questions.terms(message.content, question, to) != questions.terms(command.content, ask, ask.to):
        if question.state != "open":
            return None  # what was answered was another question
        asked, asking = questions.wording(message.content, question, to), questions.wording(command.content, ask, ask.to)
        raise QuestionChanged(
            f"A question with the key {ask.key!r} is open and reads differently. Open: {asked}. Now asked: {asking}. "
            "Answer or withdraw the open one, or give another key.",
            asked=asked,
            asking=asking,
        )
    if question.state != "open":
        return Posted(message, created=False), []
    if ask.decided is not None:
        acting = seat(db, command.channel_id, command.actor)
        closing = Closing(message.id, "answered", ask.decided.value, command.actor, acting.name, at, ask.decided.source)
        # Without the client_id, which is the question's.
        _, events = end(db, message, closing, acting, Place(command.message_id, seq))
        return Posted(message, created=False), events
    return Posted(message, created=False), _retime(db, command, ask, message, row[2], seq, at)


def _retime(
    db: sqlite3.Connection, command: Post, ask: Ask, message: Message, timeout: float | None, seq: int, at: str
) -> list[Event]:
    """Asked again with another timeout, default, reminder or escalation, the open question gets it: who adds one to a cell
    that hangs means it. Shown other things, it shows those: what is decided on is what the asker goes on with."""
    question = message.question
    assert question is not None
    before = (question.default, question.remind, question.escalate, timeout)
    if timeout is None and question.deadline_at is not None:  # asked by an older version, which did not keep it
        timeout = seconds_of(question.deadline_at) - seconds_of(message.created_at)
    retimed = ask.timeout is not None and (timeout is None or abs(timeout - ask.timeout) > 0.001)
    if ask.default is not UNSET:
        question.default = ask.default
    if ask.remind is not None:
        question.remind = ask.remind
    if ask.escalate is not None:
        happened = {(each.after, each.to): each.at for each in question.escalate or ()}
        escalate = [Escalation(each.after, each.to, happened.get((each.after, each.to))) for each in ask.escalate]
        if escalate != question.escalate:
            people.check_named(db, command.channel_id, command.actor, [each.to for each in escalate], at)
        question.escalate = escalate or None
    shown_anew = _show(db, command, message)  # it writes: after all that may refuse
    if retimed and ask.timeout is not None:
        timeout, question.deadline_at = ask.timeout, later(at, ask.timeout)
        db.execute("UPDATE questions SET timeout = ? WHERE message_id = ?", (timeout, message.id))
    elif (question.default, question.remind, question.escalate) == before[:3] and not shown_anew:
        return []
    return tell(db, message, seq, seat(db, command.channel_id, command.actor))


def _show(db: sqlite3.Connection, command: Post, message: Message) -> bool:
    """What is shown beside an open question is what was shown with its last asking. Whether that is something else now: then
    votes on what it was are void."""
    question = message.question
    assert question is not None
    if (command.parts or None) == (message.parts or None):
        return False
    message.parts, question.votes = command.parts or None, None
    question.digest = questions.digest(message.content, question, message.parts)
    db.execute("UPDATE messages SET parts = ? WHERE id = ?", (to_json(message.parts), message.id))
    db.execute("UPDATE questions SET digest = ? WHERE message_id = ?", (question.digest, message.id))
    return True


def open_question(db: sqlite3.Connection, command: Post, ask: Ask, acting: Seat, seq: int, at: str) -> Question:
    """Writes the question's row; born closed if the asker brings the answer, or somebody approved its action for good.

    Raises: InvalidRequest for somebody who is not there, and for more than could answer.
    """
    escalate = [Escalation(each.after, each.to) for each in ask.escalate or ()]
    named = [*(ask.to or ()), *(each.to for each in escalate)]
    people.check_named(db, command.channel_id, command.actor, named, at)
    people.check_quorum(db, command.channel_id, command.actor, ask.quorum, named if ask.to else None, at)
    question = Question(
        key=ask.key or command.message_id,
        state="open",
        choices=ask.choices,
        default=ask.default,
        to=ask.to or None,
        deadline_at=None if ask.timeout is None else later(at, ask.timeout),
        kind=ask.kind,
        multiple=ask.multiple,
        schema=ask.schema,
        initial=ask.initial,
        approval=ask.approval,
        batch=questions.batch_of(ask),
        quorum=ask.quorum,
        remind=ask.remind,
        escalate=escalate or None,
        digest=questions.digest(command.content, ask, command.parts),
    )
    closing = _decided(command, ask, acting, at) or approvals.standing(db, command, question, at)
    if closing is not None:
        closing.batch_id = question.batch.id if question.batch else None
        question.end(closing)
        audit.record(
            db, command.channel_id, seq, at, closing.outcome, closing.by_id or "", closing.by_name or "",
            message_id=command.message_id, agent_id=command.actor, detail=value_detail(closing.value, closing.source),
        )  # fmt: skip
    db.execute(
        "INSERT INTO questions (message_id, channel_id, asker_id, key, seq, state, choices,"
        ' "default", "to", deadline_at, closing, kind, terms, batch_id, digest, next_at, timeout, asked_to)'
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (command.message_id, command.channel_id, command.actor, question.key, seq, question.state, to_json(question.choices),
         "null" if question.default is None else to_json(question.default), to_json(question.to), question.deadline_at,
         to_json(question.closing), question.kind, terms_json(question), question.batch and question.batch.id,
         question.digest, next_at(question, at), ask.timeout, to_json(question.to)),
    )  # fmt: skip
    return question


def _decided(command: Post, ask: Ask, acting: Seat, at: str) -> Closing | None:
    if ask.decided is None:
        return None
    return Closing(command.message_id, "answered", ask.decided.value, command.actor, acting.name, at, ask.decided.source)
