"""The audit trail of a channel: who decided what, when, from where, and what they saw. One entry a command, never changed."""

from __future__ import annotations

import sqlite3
from typing import Any

from msgspec import UNSET

from .. import rules
from ..protocol import AuditEntry
from .channels import seat
from .rows import from_json, to_json


def record(
    db: sqlite3.Connection,
    channel_id: str,
    seq: int,
    at: str,
    action: str,
    by_id: str,
    by_name: str,
    *,
    message_id: str | None = None,
    agent_id: str | None = None,
    origin: str | None = None,
    saw: str | None = None,
    detail: Any = UNSET,
) -> None:
    """Writes what the command at ``seq`` decided. ``detail`` is JSON, and never a secret's value."""
    db.execute(
        "INSERT INTO audit (channel_id, seq, at, action, by_id, by_name, message_id, agent_id, origin, saw, detail)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (channel_id, seq, at, action, by_id, by_name, message_id, agent_id, origin, saw,
         "null" if detail is None else to_json(detail)),
    )  # fmt: skip


def page(
    db: sqlite3.Connection,
    channel_id: str,
    reader_id: str,
    *,
    owns_workspace: bool,
    message_id: str | None,
    before: int | None,
    limit: int,
) -> tuple[list[AuditEntry], bool]:
    """(entries, the newest first; whether there are more).

    Raises: ChannelNotFound; Forbidden for who owns neither the channel nor the workspace.
    """
    role = seat(db, channel_id, reader_id).role
    if not owns_workspace:
        rules.check_may_manage(role, "read its audit trail")
    rows = db.execute(
        "SELECT seq, at, action, by_id, by_name, message_id, agent_id, origin, saw, detail FROM audit"
        " WHERE channel_id = ? AND (? IS NULL OR message_id = ?) AND seq < ? ORDER BY seq DESC LIMIT ?",
        (channel_id, message_id, message_id, 2**63 - 1 if before is None else before, limit + 1),
    ).fetchall()
    return [_entry(row) for row in rows[:limit]], len(rows) > limit


def _entry(row: tuple[Any, ...]) -> AuditEntry:
    entry = AuditEntry(*row[:9])
    if row[9] is not None:
        entry.detail = from_json(row[9])
    return entry
