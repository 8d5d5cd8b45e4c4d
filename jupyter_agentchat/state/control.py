"""The control plane: what is wanted of agents, in order, and what they report of their runs. Beside the log, never in it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Any

from msgspec import UNSET

from .. import rules
from ..commands import Event, Intend, Intended, ReportRun, Steered
from ..errors import Conflict, Forbidden, InvalidRequest, NotFound
from ..protocol import Control, ControlFrame, Intent, IntentFrame, IntentKind, RunState
from . import audit
from .channels import check_open, seat

# ruff: noqa: S608 — the composed statements are made of the constants here, never of input.

INTENT_COLUMNS = "id, seq, channel_id, agent_id, kind, by_id, by_name, created_at, text, acknowledged_at"
MAX_TEXTS = 50
"""What may wait for an agent, of texts: all that waits is told with each change."""
MAX_OF_ONE = 10
"""Of one person's: so that nobody keeps the others out."""
SUPERSEDES: dict[IntentKind, tuple[IntentKind, ...]] = {
    "pause": ("pause",), "stop": ("pause", "stop"), "resume": ("pause", "stop", "resume"), "steer": (),
}  # fmt: skip
"""What of the same agent need not be done any more once this is asked. So few of these wait, and none keeps another out."""


def intend(db: sqlite3.Connection, command: Intend, seq: int, at: str) -> tuple[Intended, list[Event]]:
    acting = seat(db, command.channel_id, command.actor)
    check_open(acting, command.channel_id)
    rules.check_may_steer(acting.kind, acting.role)
    if command.text is not None:
        rules.check_content(command.text)
    elif command.kind == "steer":
        raise InvalidRequest("To steer is to say something: give `text`. Or say pause, resume or stop.")
    agent = db.execute(
        "SELECT kind, name FROM members WHERE channel_id = ? AND participant_id = ?", (command.channel_id, command.agent_id)
    ).fetchone()
    if agent is None:
        raise NotFound(f"There is no agent {command.agent_id} in this channel: `GET status?channel_id=` lists them.")
    if agent[0] != "agent":
        raise InvalidRequest(f"{agent[1]} is a human: only an agent is steered. Post a message instead.")
    if command.kind == "steer":
        _check_room(db, command, agent[1])
    for kind in SUPERSEDES[command.kind]:
        db.execute(
            "UPDATE intents SET acknowledged_at = ?"
            " WHERE channel_id = ? AND agent_id = ? AND kind = ? AND acknowledged_at IS NULL",
            (at, command.channel_id, command.agent_id, kind),
        )
    intent = Intent(
        command.intent_id, seq, command.channel_id, command.agent_id, command.kind, command.actor, acting.name, at, command.text
    )
    db.execute(f"INSERT INTO intents ({INTENT_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", _fields(intent))
    audit.record(
        db, command.channel_id, seq, at, command.kind, command.actor, acting.name, agent_id=command.agent_id,
        origin=command.origin, detail=UNSET if command.text is None else {"text": command.text},
    )  # fmt: skip
    return Intended(intent, created=True), [
        Steered(
            command.channel_id,
            (IntentFrame(*_fields(intent)), _frame(of_agent(db, command.channel_id, command.agent_id))),
        )
    ]


def _check_room(db: sqlite3.Connection, command: Intend, name: str) -> None:
    texts, own = db.execute(
        "SELECT count(*), total(by_id = ?) FROM intents"
        " WHERE channel_id = ? AND agent_id = ? AND kind = 'steer' AND acknowledged_at IS NULL",
        (command.actor, command.channel_id, command.agent_id),
    ).fetchone()
    if texts >= MAX_TEXTS or own >= MAX_OF_ONE:
        raise Conflict(
            f"{texts} texts wait for {name} already ({own:.0f} of yours), which has not asked for them: it may be gone, or have"
            " no checkpoint."
        )


def report(db: sqlite3.Connection, command: ReportRun, seq: int, at: str) -> tuple[Control, list[Event]]:
    """Also in an archived channel: an agent must be able to say that its run ended."""
    acting = seat(db, command.channel_id, command.actor)
    if acting.kind != "agent":
        raise Forbidden("Only an agent reports of its run: to steer one, create an intent.")
    rules.check_may_write(acting.role)
    before = of_agent(db, command.channel_id, command.actor)
    if before.at is None or (before.state, before.run) != (command.state, command.run):
        db.execute(
            "INSERT INTO controls (channel_id, agent_id, state, run, at) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET state = excluded.state, run = excluded.run, at = excluded.at",
            (command.channel_id, command.actor, command.state, command.run, at),
        )
    if command.acknowledged is not None:
        db.execute(
            "UPDATE intents SET acknowledged_at = ?"
            " WHERE channel_id = ? AND agent_id = ? AND seq <= ? AND acknowledged_at IS NULL",
            (at, command.channel_id, command.actor, command.acknowledged),
        )
    control = of_agent(db, command.channel_id, command.actor)
    return control, [] if control == before else [Steered(command.channel_id, (_frame(control),))]


# ------------------------------------------------------------------------------------------------ reading


def of_agent(db: sqlite3.Connection, channel_id: str, agent_id: str) -> Control:
    """An agent that said nothing of a run is idle, since no particular time."""
    row: tuple[RunState, str | None, str | None] | None = db.execute(
        "SELECT state, run, at FROM controls WHERE channel_id = ? AND agent_id = ?", (channel_id, agent_id)
    ).fetchone()
    state, run, at = row or ("idle", None, None)
    return Control(channel_id, agent_id, state, run, at, intents(db, channel_id, agent_id, pending=True))


def intents(
    db: sqlite3.Connection, channel_id: str, agent_id: str | None, *, after: int = 0, pending: bool = False, limit: int = 1000
) -> list[Intent]:
    """In their order. Who asks is checked by the caller."""
    rows = db.execute(
        f"SELECT {INTENT_COLUMNS} FROM intents WHERE channel_id = ?1 AND seq > ?2 AND (?3 IS NULL OR agent_id = ?3)"
        f"{' AND acknowledged_at IS NULL' if pending else ''} ORDER BY seq LIMIT ?4",
        (channel_id, after, agent_id, limit),
    )
    return [Intent(*row) for row in rows]


def intents_for(
    db: sqlite3.Connection, reader_id: str, channel_id: str, agent_id: str | None, *, after: int, pending: bool, limit: int
) -> list[Intent]:
    """Raises: ChannelNotFound unless the reader is a member."""
    seat(db, channel_id, reader_id)
    return intents(db, channel_id, agent_id, after=after, pending=pending, limit=limit)


def intent_by_id(db: sqlite3.Connection, intent_id: str) -> Intent:
    return Intent(*db.execute(f"SELECT {INTENT_COLUMNS} FROM intents WHERE id = ?", (intent_id,)).fetchone())


def newest(db: sqlite3.Connection, channel_ids: Iterable[str] | None) -> dict[str, Control]:
    """Of each agent, where it was steered or said something of a run last, in these channels; in any if None."""
    found: dict[str, Control] = {}
    for channel_id in (None,) if channel_ids is None else channel_ids:
        for control in _controls(db, channel_id):
            if control.agent_id not in found or _moved_at(control) > _moved_at(found[control.agent_id]):
                found[control.agent_id] = control
    return found


def _controls(db: sqlite3.Connection, channel_id: str | None) -> Iterable[Control]:
    """All that there is anything to say of, in one channel or in all."""
    within, which = ("", ()) if channel_id is None else (" AND channel_id = ?", (channel_id,))
    found = {
        (row[0], row[1]): Control(*row)
        for row in db.execute(f"SELECT channel_id, agent_id, state, run, at FROM controls WHERE 1{within}", which)
    }
    for row in db.execute(
        f"SELECT {INTENT_COLUMNS} FROM intents WHERE acknowledged_at IS NULL{within} ORDER BY channel_id, seq", which
    ):
        intent = Intent(*row)
        place = intent.channel_id, intent.agent_id
        found.setdefault(place, Control(*place, "idle")).pending.append(intent)
    return found.values()


def _moved_at(control: Control) -> str:
    return max(control.at or "", control.pending[-1].created_at if control.pending else "")


def _fields(intent: Intent) -> tuple[Any, ...]:
    return (
        intent.id, intent.seq, intent.channel_id, intent.agent_id, intent.kind, intent.by_id, intent.by_name,
        intent.created_at, intent.text, intent.acknowledged_at,
    )  # fmt: skip


def _frame(control: Control) -> ControlFrame:
    return ControlFrame(control.channel_id, control.agent_id, control.state, control.run, control.at, control.pending)
