"""What happens to a question by itself: reminders, escalations, its deadline, and its channel's end."""

from __future__ import annotations

import sqlite3

from msgspec import UNSET

from .. import questions, rules
from ..commands import Event, Expire, Posted
from ..protocol import Closing, Ending, Message, Question
from .asked import REMINDERS, Place, find, later, next_at, seat_of_author, tell, write
from .channels import Seat
from .closing import end


def expire(db: sqlite3.Connection, command: Expire, seq: int, at: str) -> tuple[Posted | None, list[Event]]:
    """Does all that is due at ``at``; nothing, if nothing is."""
    message, question = find(db, command.channel_id, command.message_id)
    if question.state != "open":
        return None, []
    acting, place = seat_of_author(db, message), Place(command.closing_id, seq)
    if acting.archived:
        closer_id, closer = _who_archived(db, message, acting)
        closing = Closing(message.id, "withdrawn", UNSET, closer_id, closer.name, at)
        return end(db, message, closing, closer, place, "The channel was archived, so nobody can answer any more.")
    if question.deadline_at is not None and question.deadline_at <= at:
        outcome: Ending = "timed_out" if question.default is UNSET else "default"
        closing = Closing(message.id, outcome, question.default, message.author_id, message.author_name, at)
        return end(db, message, closing, acting, place, _last_words(question))
    if not _called(question, message.created_at, at):
        _put_right(db, message)
        return None, []
    return None, tell(db, message, seq, acting)


def _last_words(question: Question) -> str:
    if question.default is UNSET:
        return "Nobody answered in time."
    return f"Nobody answered in time, so I go on with: {questions.said(question, question.default)}"


def _called(question: Question, asked_at: str, at: str) -> bool:
    """Reminds and escalates. Whether anything was due."""
    due = [each for each in question.escalate or () if each.at is None and later(asked_at, each.after) <= at]
    for each in due:
        each.at = at
        # To nobody in particular is to all humans: to name one would take it from the others.
        if question.to and rules.bare(each.to) not in map(rules.bare, question.to):
            question.to = [*question.to, each.to]
    remind = question.remind is not None and question.reminded < REMINDERS
    if remind and question.remind is not None and later(question.reminded_at or asked_at, question.remind) <= at:
        question.reminded, question.reminded_at = question.reminded + 1, at
        return True
    return bool(due)


def _put_right(db: sqlite3.Connection, message: Message) -> None:
    """A channel that was archived, and opened again before anything came of it, left its questions marked as due."""
    assert message.question is not None
    (marked,) = db.execute("SELECT next_at FROM questions WHERE message_id = ?", (message.id,)).fetchone()
    if marked != next_at(message.question, message.created_at):
        write(db, message)


def _who_archived(db: sqlite3.Connection, message: Message, author: Seat) -> tuple[str, Seat]:
    row = db.execute(
        "SELECT m.participant_id, m.kind, m.name FROM channels c JOIN members m ON m.channel_id = c.id"
        " AND m.participant_id = c.archived_by WHERE c.id = ?",
        (message.channel_id,),
    ).fetchone()
    if row is None:  # gone since, or archived by a version that did not keep who
        return message.author_id, author
    return row[0], Seat(row[1], row[2], author.role, author.last_seq, author.clock, author.archived)
