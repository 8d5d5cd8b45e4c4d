"""The state machine: ``apply`` one command to the database. Same input, same rows and same outcome, on every hub.

It reads no clock, makes no id and knows no network: ``seq`` and ``at`` come from the journal, all else from the command.
A refusal (ChatError) is raised before anything is written, so the command leaves no trace but its place in the order.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import Any

from .. import commands as c
from ..commands import AnyCommand, Applied, Event, Placed
from ..errors import ChatError
from . import approvals, asking, channels, closing, control, directory, drafts, due, handing, messages, receipts
from .together import goes_together, post_together


def apply(db: sqlite3.Connection, command: AnyCommand, seq: int, at: str) -> tuple[Any, list[Event]]:
    """Applies one command inside the caller's transaction.

    Args:
        seq: the command's place in its partition, strictly rising.
        at: when the journal took it, as `protocol.timestamp`.

    Returns: the outcome for who submitted it, and the events for who follows.
    Raises: ChatError for a refusal.
    """
    if command.client_id is None:
        return _APPLY[type(command)](db, command, seq, at)
    if known := receipts.recall(db, command, at):
        return known[0], []
    outcome, events = _APPLY[type(command)](db, command, seq, at)
    receipts.keep(db, command, at, outcome)
    return outcome, events


def apply_all(db: sqlite3.Connection, placed: Sequence[Placed]) -> list[Applied]:
    """Applies commands in their order, inside the caller's transaction: `apply_each`, faster for posts side by side.

    Raises: sqlite3.IntegrityError if a post may have been sent before: roll back, and call `apply_each`.
    """
    results: list[Applied] = []
    for together, group in groupby(placed, lambda one: goes_together(one[0])):
        run = list(group)
        results += post_together(db, run) if together else apply_each(db, run)
    return results


def apply_each(db: sqlite3.Connection, placed: Iterable[Placed]) -> list[Applied]:
    """Applies commands in their order, inside the caller's transaction."""
    results: list[Applied] = []
    for command, seq, at in placed:
        try:
            outcome, events = apply(db, command, seq, at)
            results.append((outcome, None, events))
        except ChatError as refusal:
            results.append((None, refusal, ()))
    return results


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
    c.Post: asking.post,
    c.Edit: messages.edit,
    c.Delete: messages.delete,
    c.Close: closing.close,
    c.Withdraw: closing.withdraw,
    c.Expire: due.expire,
    c.Reopen: handing.reopen,
    c.HandOn: handing.hand_on,
    c.PutOff: handing.put_off,
    c.ConsumeAnswer: handing.consume,
    c.EndBatch: handing.end_batch,
    c.RevokeStanding: approvals.revoke,
    c.Intend: control.intend,
    c.ReportRun: control.report,
    c.BreakOff: drafts.break_off,
    c.MakeWhole: drafts.make_whole,
}
