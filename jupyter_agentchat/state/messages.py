"""A channel's log: post, edit, delete."""

from __future__ import annotations

import sqlite3
from typing import Any

from .. import rules
from ..commands import Appended, Delete, Edit, Event, Post, Posted
from ..errors import Forbidden, InvalidRequest, NotFound
from ..protocol import Message, MessageDeleted, MessageUpdated, NewMessage
from .channels import Seat, check_open, seat
from .rows import message_by_id, to_json


def post(db: sqlite3.Connection, command: Post, seq: int, at: str) -> tuple[Posted, list[Event]]:
    """A message that asks nothing; see `asking.post`."""
    acting, message = placed(db, command, seq, at)
    return Posted(message, created=True), [append(db, message, acting)]


def placed(db: sqlite3.Connection, command: Post, seq: int, at: str) -> tuple[Seat, Message]:
    """Who posts, and the message as it would stand in the log: nothing is written yet."""
    acting = seat(db, command.channel_id, command.actor)
    admit(command, acting, acting.clock)
    parent = message_by_id(db, command.channel_id, command.parent_id) if command.parent_id else None
    if command.parent_id and parent is None:
        raise InvalidRequest(f"parent_id {command.parent_id} is not a message of this channel: a reply follows its parent.")
    message = message_of(command, acting, seq, at)
    message.lamport = rules.tick(command.lamport, acting.clock, parent.lamport if parent else None)
    return acting, message


def admit(command: Post, acting: Seat, clock: int) -> None:
    """Refuses what may not be posted, whatever stands in the log."""
    rules.check_may_write(acting.role)
    check_open(acting, command.channel_id)
    rules.check_content(command.content)
    rules.check_parts(command.parts)
    if command.lamport is not None:
        rules.check_clock(command.lamport, clock)


def message_of(command: Post, acting: Seat, seq: int, at: str) -> Message:
    return Message(
        command.message_id, command.channel_id, seq, command.actor, acting.name, acting.kind, command.content, at,
        command.client_id, command.parent_id, command.lamport, command.mentions, command.parts,
    )  # fmt: skip


INTO = (
    "INTO messages (channel_id, seq, id, author_id, author_name, author_kind, content, created_at, client_id,"
    " parent_id, lamport, mentions, parts, closes)"
)


def row_of(message: Message) -> tuple[Any, ...]:
    """The values for `INTO`."""
    return (
        message.channel_id, message.seq, message.id, message.author_id, message.author_name, message.author_kind,
        message.content, message.created_at, message.client_id, message.parent_id, message.lamport, to_json(message.mentions),
        to_json(message.parts), to_json(message.closes),
    )  # fmt: skip


def append(db: sqlite3.Connection, message: Message, acting: Seat) -> Appended:
    """Writes the message at the end of its channel's log; ``acting.last_seq`` is where the log ended until now."""
    message.lamport = rules.tick(message.lamport, acting.clock)
    row = row_of(message)
    db.execute(f"INSERT {INTO} VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)  # noqa: S608 (a constant)
    advance(db, message.channel_id, message.seq, message.lamport)
    return Appended(message.channel_id, message.seq, acting.last_seq, NewMessage(message))


def advance(db: sqlite3.Connection, channel_id: str, seq: int, clock: int) -> None:
    """The end of a channel's log, and its clock, which never goes back."""
    db.execute("UPDATE channels SET last_seq = ?, clock = max(clock, ?) WHERE id = ?", (seq, clock, channel_id))


def edit(db: sqlite3.Connection, command: Edit, seq: int, at: str) -> tuple[Message, list[Event]]:
    rules.check_content(command.content)
    acting, message = _own(db, command, "edit")
    if message.question or message.closes:
        raise InvalidRequest("A question and its answer cannot be edited: withdraw the question and ask anew.")
    message.content, message.edited_at = command.content, at
    db.execute(
        "UPDATE messages SET content = ?, edited_at = ?, changed_seq = ? WHERE id = ?", (message.content, at, seq, message.id)
    )
    return message, [changed(db, message.channel_id, seq, acting, MessageUpdated(message, seq))]


def delete(db: sqlite3.Connection, command: Delete, seq: int, at: str) -> tuple[None, list[Event]]:
    """The row stays, so that history keeps that something stood there; the words go."""
    acting, message = _own(db, command, "delete")
    if message.question or message.closes:
        raise InvalidRequest("A question and its answer cannot be deleted: they are the record of a decision.")
    db.execute(
        "UPDATE messages SET content = '', parts = NULL, mentions = NULL, deleted_at = ?, changed_seq = ? WHERE id = ?",
        (at, seq, message.id),
    )
    return None, [changed(db, message.channel_id, seq, acting, MessageDeleted(message.channel_id, message.id, seq))]


def _own(db: sqlite3.Connection, command: Edit | Delete, what: str) -> tuple[Seat, Message]:
    acting = seat(db, command.channel_id, command.actor)
    rules.check_may_write(acting.role)
    check_open(acting, command.channel_id)
    message = message_by_id(db, command.channel_id, command.message_id)
    if message is None or message.deleted_at:
        raise NotFound(f"There is no message {command.message_id} in this channel.")
    if message.author_id != command.actor:
        raise Forbidden(f"Only its author, {message.author_name}, may {what} this message.")
    return acting, message


def changed(db: sqlite3.Connection, channel_id: str, seq: int, acting: Seat, frame: MessageUpdated | MessageDeleted) -> Event:
    """A change has a place in the log too: so a reader with a cursor learns of it like of a message."""
    advance(db, channel_id, seq, 0)
    return Appended(channel_id, seq, acting.last_seq, frame)
