"""What else becomes of a question: it is handed on, put off, taken back, and its answer is used."""

from __future__ import annotations

import sqlite3

from msgspec import UNSET

from .. import rules
from ..commands import ConsumeAnswer, EndBatch, Event, HandOn, Posted, PutOff, Reopen
from ..errors import AlreadyUsed, Conflict, Forbidden, NotFound
from ..protocol import Closing, Question
from . import approvals, audit, people
from .asked import Place, check_still_open, find, later, tell
from .channels import check_open, seat
from .closing import end


def hand_on(db: sqlite3.Connection, command: HandOn, seq: int, at: str) -> tuple[Posted, list[Event]]:
    """Who may answer gives it to others. The outcome is the question."""
    acting = seat(db, command.channel_id, command.actor)
    check_open(acting, command.channel_id)
    message, question = find(db, command.channel_id, command.message_id)
    rules.check_may_hand_on(question, message.author_id, command.actor, acting.kind, acting.name, acting.role)
    check_still_open(question)
    people.check_named(db, command.channel_id, message.author_id, command.to, at)
    people.check_quorum(
        db, command.channel_id, message.author_id, question.quorum, command.to, at, _voted_otherwise(db, question, command)
    )
    before, question.to = question.to, command.to
    audit.record(
        db, command.channel_id, seq, at, "delegated", command.actor, acting.name, message_id=message.id,
        agent_id=message.author_id, origin=command.origin, detail={"from": before or [], "to": command.to},
    )  # fmt: skip
    return Posted(message, created=False), tell(db, message, seq, acting)


def _voted_otherwise(db: sqlite3.Connection, question: Question, command: HandOn) -> int:
    """How many have voted who will not be asked any more: their votes stand, as long as they are here."""
    writers = people.writers(db, command.channel_id)
    voters = [writers[vote.by_id] for vote in question.votes or () if vote.by_id in writers]
    return sum(not rules.is_named(command.to, *voter) for voter in voters)


def put_off(db: sqlite3.Connection, command: PutOff, seq: int, at: str) -> tuple[None, list[Event]]:
    seat(db, command.channel_id, command.actor)
    _, question = find(db, command.channel_id, command.message_id)
    check_still_open(question)
    if command.seconds:
        db.execute(
            "INSERT INTO snoozes (message_id, participant_id, channel_id, until) VALUES (?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET until = excluded.until",
            (command.message_id, command.actor, command.channel_id, later(at, command.seconds)),
        )
    else:
        db.execute("DELETE FROM snoozes WHERE message_id = ? AND participant_id = ?", (command.message_id, command.actor))
    return None, []


def reopen(db: sqlite3.Connection, command: Reopen, seq: int, at: str) -> tuple[Posted, list[Event]]:
    """Who answered takes it back, unless the asker goes on with it already."""
    acting = seat(db, command.channel_id, command.actor)
    rules.check_may_write(acting.role)
    check_open(acting, command.channel_id)
    message, question = find(db, command.channel_id, command.message_id)
    consumed, closing_id = db.execute(
        "SELECT consumed, closing_id FROM questions WHERE message_id = ?", (message.id,)
    ).fetchone()
    closing = question.closing
    if closing is None:
        raise Conflict("This question is open: there is no answer to take back.")
    if closing.outcome not in ("answered", "escalated") or closing.source or closing.by_id != command.actor:
        raise Forbidden("Only who answered a question may take the answer back.")
    if consumed:
        raise AlreadyUsed(f"{message.author_name} goes on with this answer already: it cannot be taken back any more.")
    if question.deadline_at is not None and question.deadline_at <= at:
        raise Conflict(f"The time for this question was over at {question.deadline_at}: its answer stands.")
    approvals.take_back(db, message, closing_id)
    opening = Closing(message.id, "reopened", UNSET, command.actor, acting.name, at)
    place = Place(command.closing_id, seq, command.client_id, command.origin)
    return end(db, message, opening, acting, place, "I take my answer back.")


def consume(db: sqlite3.Connection, command: ConsumeAnswer, seq: int, at: str) -> tuple[Closing, list[Event]]:
    """The first one gets the answer. That of a batch is the asker's until the batch is finished, however often it is taken."""
    seat(db, command.channel_id, command.actor)
    message, question = find(db, command.channel_id, command.message_id)
    if message.author_id != command.actor:
        raise Forbidden("Only the asker consumes an answer.")
    if question.closing is None:
        raise NotFound(f"The question {command.message_id} has no answer yet.")
    (consumed,) = db.execute("SELECT consumed FROM questions WHERE message_id = ?", (message.id,)).fetchone()
    if consumed > (1 if question.batch else 0):
        raise AlreadyUsed(f"The answer to {command.message_id} was taken already: ask again for another one.")
    db.execute("UPDATE questions SET consumed = 1 WHERE message_id = ?", (command.message_id,))
    return question.closing, []


def end_batch(db: sqlite3.Connection, command: EndBatch, seq: int, at: str) -> tuple[None, list[Event]]:
    """What is closed is used up; what is open stays, and can be taken up."""
    seat(db, command.channel_id, command.actor)
    found = db.execute(
        "UPDATE questions SET consumed = 2 WHERE channel_id = ? AND asker_id = ? AND batch_id = ? AND state <> 'open'",
        (command.channel_id, command.actor, command.batch_id),
    ).rowcount
    if (
        not found
        and not db.execute(
            "SELECT 1 FROM questions WHERE channel_id = ? AND asker_id = ? AND batch_id = ?",
            (command.channel_id, command.actor, command.batch_id),
        ).fetchone()
    ):
        raise NotFound(f"You asked no batch {command.batch_id!r} in this channel.")
    return None, []
