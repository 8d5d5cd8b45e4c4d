"""Receipts: what a command with a client_id gave, so that sent again it gives the same and changes nothing.

A receipt holds until ``until``, by the journal's clock. Past that it is as good as not there, on every hub alike; so each hub
may sweep such rows away whenever it likes (`sweep`), and that changes no outcome.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import msgspec

from .. import commands as c
from ..commands import AnyCommand, Enrolled, Intended, Posted
from ..errors import Conflict, NotFound
from ..protocol import seconds_of, timestamp
from . import control
from .channels import seat
from .rows import message_by_id

INTO = 'INTO receipts ("partition", actor, client_id, subject, until, outcome)'
SWEPT = 500
"""Rows that one sweep takes away at most: more than a batch adds, and soon done."""


_ABOUT = ("participant_id", "credential_id", "batch_id", "approval_id")


@lru_cache(maxsize=64)
def until(at: str, window: float) -> str:
    return timestamp(seconds_of(at) + window)


def subject(command: AnyCommand) -> str:
    """What the command is about: another one under the same client_id is the sender's mistake. Any post is like any other,
    for a sender that repeats one may have lost what it said before."""
    about = next((getattr(command, name) for name in _ABOUT if getattr(command, name, None)), None)
    if isinstance(command, c.Enrol):  # an agent, a channel's name, or a key of somebody's
        about = "agent" if command.people else "channel" if command.handle else command.credentials[0].participant_id
    if isinstance(command, c.Intend):
        about = f"{command.kind} {command.agent_id}"
    if not isinstance(command, c.Post):
        about = about or getattr(command, "message_id", None)
    tag = str(command.__struct_config__.tag)
    return f"{tag} {about}" if about else tag


def recall(db: sqlite3.Connection, command: AnyCommand, at: str) -> tuple[Any] | None:
    """What this command gave when it came first, as a tuple of one; None if it is new.

    Raises: Conflict if the client_id was another command's.
    """
    row = db.execute(
        'SELECT subject, until, outcome FROM receipts WHERE "partition" = ? AND actor = ? AND client_id = ?', _key(command)
    ).fetchone()
    if row is None or row[1] <= at:
        return None
    if row[0] != subject(command):
        raise Conflict(
            f"You sent another command ({row[0]}) as client_id {command.client_id!r} already: give each a client_id of its own."
        )
    return (_RECALL.get(type(command), _nothing)(db, command, row[2]),)


def keep(db: sqlite3.Connection, command: AnyCommand, at: str, outcome: Any) -> None:
    """Remembers the outcome, in place of an expired receipt under the same client_id."""
    db.execute(
        f'INSERT {INTO} VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT ("partition", actor, client_id)'  # noqa: S608 (a constant)
        " DO UPDATE SET subject = excluded.subject, until = excluded.until, outcome = excluded.outcome",
        (*_key(command), subject(command), until(at, command.window), _told(command, outcome)),
    )


def sweep(db: sqlite3.Connection, now: str) -> int:
    """Takes the oldest expired receipts away, at most `SWEPT`. Returns: how many.

    Args:
        now: a time that no command to come will be stamped before, in any partition: a receipt that is past its window by
            the clock of one partition may still be asked for in another, which this hub follows more slowly.
    """
    # In the order in which they came, so without an index over their ages. After the window was made shorter, those that
    # were promised the longer one hold the newer ones up.
    oldest = db.execute("SELECT rowid, until FROM receipts ORDER BY rowid LIMIT ?", (SWEPT,)).fetchall()
    last = None
    for rowid, ends in oldest:
        if ends > now:
            break
        last = rowid
    return 0 if last is None else db.execute("DELETE FROM receipts WHERE rowid <= ?", (last,)).rowcount


def _key(command: AnyCommand) -> tuple[str, str, str | None]:
    return c.partition_of(command), command.actor, command.client_id


# ------------------------------------------------------------------------------------------------ outcomes as text


def _told(command: AnyCommand, outcome: Any) -> str | None:
    if isinstance(outcome, Posted):
        return outcome.message.id
    if isinstance(outcome, Enrolled):
        return msgspec.json.encode(outcome).decode()
    if isinstance(command, c.Intend):
        return command.intent_id
    return command.invite_id if isinstance(command, c.Invite) else None


def _nothing(db: sqlite3.Connection, command: AnyCommand, told: str | None) -> None:
    return None


def _posted(db: sqlite3.Connection, command: c.Post | c.Close | c.Withdraw | c.Reopen | c.HandOn, told: str) -> Posted:
    seat(db, command.channel_id, command.actor)  # what became of it since, an answer for one, is for members only
    message = message_by_id(db, command.channel_id, told)
    if message is None:
        raise NotFound(f"The message {told}, which you sent as {command.client_id!r}, is not there any more.")
    return Posted(message, created=False)


def _consumed(db: sqlite3.Connection, command: c.ConsumeAnswer, told: None) -> Any:
    seat(db, command.channel_id, command.actor)
    message = message_by_id(db, command.channel_id, command.message_id)
    return message and message.question and message.question.closing


def _edited(db: sqlite3.Connection, command: c.Edit, told: None) -> Any:
    seat(db, command.channel_id, command.actor)
    return message_by_id(db, command.channel_id, command.message_id)


def _enrolled(db: sqlite3.Connection, command: c.Enrol, told: str) -> Enrolled:
    """The secret behind a hash was in the reply that got lost: the one of this reply takes its place."""
    first = msgspec.json.decode(told, type=Enrolled)
    for credential_id, new in zip(first.credential_ids, command.credentials, strict=False):
        db.execute("UPDATE credentials SET hash = ? WHERE id = ? AND revoked_at IS NULL", (new.hash, credential_id))
    return Enrolled(first.participant_ids, first.channel_id, first.credential_ids, created=False)


def _invited(db: sqlite3.Connection, command: c.Invite, told: str) -> None:
    db.execute("UPDATE invites SET hash = ? WHERE id = ?", (command.hash, told))


def _intended(db: sqlite3.Connection, command: c.Intend, told: str) -> Intended:
    seat(db, command.channel_id, command.actor)
    return Intended(control.intent_by_id(db, told), created=False)


def _reported(db: sqlite3.Connection, command: c.ReportRun, told: None) -> Any:
    seat(db, command.channel_id, command.actor)
    return control.of_agent(db, command.channel_id, command.actor)


_RECALL: dict[type, Callable[[sqlite3.Connection, Any, Any], Any]] = {
    c.Post: _posted,
    c.Close: _posted,
    c.Withdraw: _posted,
    c.Reopen: _posted,
    c.HandOn: _posted,
    c.ConsumeAnswer: _consumed,
    c.Edit: _edited,
    c.Enrol: _enrolled,
    c.Invite: _invited,
    c.Intend: _intended,
    c.ReportRun: _reported,
}
