"""The state machine: ``apply`` one command to the database. Same input, same rows and same outcome, on every hub.

It reads no clock, makes no id and knows no network: ``seq`` and ``at`` come from the journal, all else from the command.
A refusal (ChatError) is raised before anything is written, so the command leaves no trace but its place in the order.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

from .. import commands as c
from ..commands import AnyCommand, Event
from . import channels, directory, messages, questions


def apply(db: sqlite3.Connection, command: AnyCommand, seq: int, at: str) -> tuple[Any, list[Event]]:
    """Applies one command inside the caller's transaction.

    Args:
        seq: the command's place in its partition, strictly rising.
        at: when the journal took it, as `protocol.timestamp`.

    Returns: the outcome for who submitted it, and the events for who follows.
    Raises: ChatError for a refusal.
    """
    return _APPLY[type(command)](db, command, seq, at)


_APPLY: dict[type, Callable[[sqlite3.Connection, Any, int, str], tuple[Any, list[Event]]]] = {
    c.Found: directory.found,
    c.Enrol: directory.enrol,
    c.Revoke: directory.revoke,
    c.FoundChannel: channels.found_channel,
    c.ChangeChannel: channels.change_channel,
    c.PutMember: channels.put_member,
    c.DropMember: channels.drop_member,
    c.Read: channels.read,
    c.Invite: channels.invite,
    c.UseInvite: channels.use_invite,
    c.Post: messages.post,
    c.Edit: messages.edit,
    c.Delete: messages.delete,
    c.Close: questions.close,
    c.Withdraw: questions.withdraw,
    c.Expire: questions.expire,
    c.ConsumeAnswer: questions.consume,
}
