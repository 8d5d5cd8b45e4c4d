"""Closing: the first valid answer wins; where several must agree, each has one vote. Or the asker takes the question back."""

from __future__ import annotations

import sqlite3
from typing import Any

from msgspec import UNSET

from .. import questions, rules
from ..commands import Close, Event, Posted, Withdraw
from ..errors import Conflict, Forbidden
from ..protocol import Closing, Ending, Message, Question, Vote
from . import approvals, audit, messages, people
from .asked import Place, check_still_open, find, tell, value_detail, write
from .channels import Seat, check_open, seat
from .rows import from_json


def close(db: sqlite3.Connection, command: Close, seq: int, at: str) -> tuple[Posted, list[Event]]:
    """Answers, or votes: then the outcome is the question with its votes."""
    acting = seat(db, command.channel_id, command.actor)
    check_open(acting, command.channel_id)
    message, question = find(db, command.channel_id, command.message_id)
    rules.check_may_answer(question, message.author_id, command.actor, acting.kind, acting.name, acting.role)
    check_still_open(question)
    if command.saw is not None and question.digest is not None and command.saw != question.digest:
        raise Conflict("What you saw is not what this question shows: load it again, look, and answer then.")
    value = questions.answered(question, command.value)
    if question.quorum > 1:
        questions.check_vote(value)
        _drop_votes_of_the_gone(db, command.channel_id, question)
        value = _agreed(question, Vote(command.actor, acting.name, at, value))
        if value is UNSET:
            audit.record(
                db, command.channel_id, seq, at, "voted", command.actor, acting.name, message_id=message.id,
                agent_id=message.author_id, origin=command.origin, saw=command.saw,
                detail=value_detail(_own_vote(question, command.actor)),
            )  # fmt: skip
            return Posted(message, created=False), tell(db, message, seq, acting)
    outcome = _outcome(db, message, acting)
    closing = Closing(message.id, outcome, value, command.actor, acting.name, at)
    place = Place(command.closing_id, seq, command.client_id, command.origin, command.saw)
    posted, events = end(db, message, closing, acting, place)
    if question.approval is not None and value.get("always"):
        approvals.leave(db, message, closing, command.closing_id)
    return posted, events


def _drop_votes_of_the_gone(db: sqlite3.Connection, channel_id: str, question: Question) -> None:
    """Who was taken out of the channel, or may only read there, decides nothing any more; nor twice, coming back as another."""
    if question.votes:
        writers = people.writers(db, channel_id)
        question.votes = [vote for vote in question.votes if vote.by_id in writers]


def _agreed(question: Question, vote: Vote) -> Any:
    """The answer that is reached with this vote; UNSET while there is none. One rejection is enough."""
    question.votes = [*(each for each in question.votes or () if each.by_id != vote.by_id), vote]
    if question.approval is not None and not vote.value["approved"]:
        return vote.value
    alike = [each for each in question.votes if questions.same(each.value, vote.value)]
    if len(alike) < question.quorum:
        return UNSET
    if question.approval is not None and not all(each.value.get("always") for each in alike):
        return {name: each for name, each in vote.value.items() if name != "always"}
    return vote.value


def _own_vote(question: Question, participant_id: str) -> Any:
    return next(each.value for each in question.votes or () if each.by_id == participant_id)


def _outcome(db: sqlite3.Connection, message: Message, acting: Seat) -> Ending:
    """``escalated``: by somebody whom an escalation brought in."""
    question = message.question
    assert question is not None
    if not rules.is_named(rules.escalated_to(question), acting.kind, acting.name, acting.role):
        return "answered"
    (asked_to,) = db.execute("SELECT asked_to FROM questions WHERE message_id = ?", (message.id,)).fetchone()
    return "answered" if rules.is_named(from_json(asked_to), acting.kind, acting.name, acting.role) else "escalated"


def withdraw(db: sqlite3.Connection, command: Withdraw, seq: int, at: str) -> tuple[Posted, list[Event]]:
    acting = seat(db, command.channel_id, command.actor)
    message, question = find(db, command.channel_id, command.message_id)
    if message.author_id != command.actor:
        raise Forbidden(f"Only its asker, {message.author_name}, may withdraw this question.")
    check_still_open(question)
    closing = Closing(message.id, "withdrawn", UNSET, command.actor, acting.name, at)
    place = Place(command.closing_id, seq, origin=command.origin)
    return end(db, message, closing, acting, place, "I take this question back.")


def end(
    db: sqlite3.Connection,
    asked: Message,
    closing: Closing,
    acting: Seat,
    place: Place,
    content: str | None = None,
) -> tuple[Posted, list[Event]]:
    """Closes the question, or opens it again, and says so in the log in the closer's name; ``content`` is the value unless
    given."""
    assert asked.question is not None
    assert closing.by_id is not None
    assert closing.at is not None
    closing.batch_id = asked.question.batch.id if asked.question.batch else None
    asked.question.end(closing)
    write(db, asked)
    closing_id = None if asked.question.state == "open" else place.message_id
    db.execute("UPDATE questions SET closing_id = ? WHERE message_id = ?", (closing_id, asked.id))
    db.execute("DELETE FROM snoozes WHERE message_id = ?", (asked.id,))
    audit.record(
        db, asked.channel_id, place.seq, closing.at, closing.outcome, closing.by_id, acting.name, message_id=asked.id,
        agent_id=asked.author_id, origin=place.origin, saw=place.saw, detail=value_detail(closing.value, closing.source),
    )  # fmt: skip
    message = Message(
        place.message_id, asked.channel_id, place.seq, closing.by_id, acting.name, acting.kind,
        questions.said(asked.question, closing.value) if content is None else content, closing.at, place.client_id, asked.id,
        closes=closing,
    )  # fmt: skip
    event = messages.append(db, message, acting)
    event.asked_at = asked.created_at
    return Posted(message, created=True), [event]
