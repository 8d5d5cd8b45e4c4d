"""Standing approvals: somebody approved an agent's action for good, in one channel, until it is revoked."""

from __future__ import annotations

import sqlite3

from .. import questions, rules
from ..commands import Event, Post, RevokeStanding
from ..errors import Forbidden, NotFound
from ..protocol import Closing, Message, Question, StandingApproval
from . import audit
from .channels import seat

COLUMNS = "id, channel_id, agent_id, action, by_id, by_name, created_at"


def standing(db: sqlite3.Connection, command: Post, question: Question, at: str) -> Closing | None:
    """How a question is closed at birth: its action was approved for good by somebody who could approve this one too."""
    approval = question.approval
    if approval is None or not approval.always or question.quorum > 1:
        return None
    row = db.execute(
        "SELECT a.by_id, m.kind, m.name, m.role FROM approvals a"
        " JOIN members m ON m.channel_id = a.channel_id AND m.participant_id = a.by_id"
        " WHERE a.channel_id = ? AND a.agent_id = ? AND a.action = ?",
        (command.channel_id, command.actor, approval.action),
    ).fetchone()
    if row is None:
        return None
    by_id, kind, name, role = row
    try:
        rules.check_may_answer(question, command.actor, by_id, kind, name, role)
    except Forbidden:
        return None
    return Closing(command.message_id, "answered", {"approved": True}, by_id, name, at, f"{questions.STANDING} by {name}")


def leave(db: sqlite3.Connection, message: Message, closing: Closing, closing_id: str) -> None:
    """The approval stands from now on; the first one's does, where two said so."""
    assert message.question is not None
    assert message.question.approval is not None
    db.execute(
        f"INSERT INTO approvals ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",  # noqa: S608 (a constant)
        (_id(closing_id), message.channel_id, message.author_id, message.question.approval.action, closing.by_id,
         closing.by_name, closing.at),
    )  # fmt: skip


def take_back(db: sqlite3.Connection, message: Message, closing_id: str | None) -> None:
    """Who takes the answer back takes back what it left."""
    if closing_id is not None:
        db.execute("DELETE FROM approvals WHERE channel_id = ? AND id = ?", (message.channel_id, _id(closing_id)))


def _id(closing_id: str) -> str:
    """Made of the id of the message that approved: the same on every hub."""
    return f"ok_{closing_id.removeprefix('msg_')}"


def revoke(db: sqlite3.Connection, command: RevokeStanding, seq: int, at: str) -> tuple[None, list[Event]]:
    acting = seat(db, command.channel_id, command.actor)
    rules.check_may_write(acting.role)
    found = db.execute(
        "SELECT agent_id, action, by_name FROM approvals WHERE channel_id = ? AND id = ?",
        (command.channel_id, command.approval_id),
    ).fetchone()
    if found is None:
        raise NotFound(f"There is no standing approval {command.approval_id} in this channel: it may have been revoked.")
    agent_id, action, by_name = found
    if acting.kind == "agent" and command.actor != agent_id:
        raise Forbidden("An agent gives up its own standing approvals only.")
    db.execute("DELETE FROM approvals WHERE channel_id = ? AND id = ?", (command.channel_id, command.approval_id))
    audit.record(
        db, command.channel_id, seq, at, "revoked", command.actor, acting.name, agent_id=agent_id, origin=command.origin,
        detail={"action": action, "approved_by": by_name},
    )  # fmt: skip
    return None, []


def of_channel(db: sqlite3.Connection, channel_id: str, reader_id: str) -> list[StandingApproval]:
    """Raises: ChannelNotFound."""
    seat(db, channel_id, reader_id)
    rows = db.execute(f"SELECT {COLUMNS} FROM approvals WHERE channel_id = ? ORDER BY created_at, id", (channel_id,))  # noqa: S608
    return [StandingApproval(*row) for row in rows]
