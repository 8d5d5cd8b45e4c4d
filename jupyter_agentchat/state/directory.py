"""The directory: who is known, by which keys, sessions and passwords, and which channel has which handle."""

from __future__ import annotations

import sqlite3

from ..commands import CredentialRevoked, Enrol, Enrolled, Event, Found, NewPerson, Revoke
from ..errors import Conflict, NameTaken, NotFound


def found(db: sqlite3.Connection, command: Found, seq: int, at: str) -> tuple[str, list[Event]]:
    """The workspace's epoch: the first one stands."""
    row = db.execute("SELECT epoch FROM workspace").fetchone()
    if row:
        return str(row[0]), []
    db.execute("INSERT INTO workspace VALUES (?, ?)", (command.epoch, at))
    return command.epoch, []


def enrol(db: sqlite3.Connection, command: Enrol, seq: int, at: str) -> tuple[Enrolled, list[Event]]:
    _check_owner(db, command)
    known = {person.id: _known(db, person) for person in command.people}
    if command.refuse_known:
        for person in command.people:
            if known[person.id]:
                raise NameTaken(f"There is an agent named {person.name!r} already: choose another name, or make it a new key.")
    ids = {person.id: known[person.id] or person.id for person in command.people}
    for person in command.people:
        if known[person.id] is None:
            db.execute(
                "INSERT INTO participants (id, kind, name, description, owner_id, identity, created_at) VALUES (?,?,?,?,?,?,?)",
                (person.id, person.kind, person.name, person.description,
                 ids.get(person.owner_id, person.owner_id) if person.owner_id else None, person.identity, at),
            )  # fmt: skip
    for new in command.credentials:
        db.execute(
            "INSERT INTO credentials (id, participant_id, kind, hash, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)",
            (new.id, ids.get(new.participant_id, new.participant_id), new.kind, new.hash, at, new.expires_at),
        )
    if command.password:
        owner_id, email, password_hash = command.password
        db.execute("INSERT INTO passwords VALUES (?, ?, ?)", (ids.get(owner_id, owner_id), email, password_hash))
    channel_id = None
    if command.handle:
        scope, name, proposed = command.handle
        scope = ids.get(scope, scope)
        db.execute("INSERT INTO handles VALUES (?, ?, ?) ON CONFLICT DO NOTHING", (scope, name, proposed))
        (channel_id,) = db.execute("SELECT channel_id FROM handles WHERE scope = ? AND name = ?", (scope, name)).fetchone()
    credential_ids = [new.id for new in command.credentials]
    return Enrolled([ids[person.id] for person in command.people], channel_id, credential_ids), []


def _check_owner(db: sqlite3.Connection, command: Enrol) -> None:
    if command.first_owner and db.execute("SELECT 1 FROM passwords").fetchone():
        raise Conflict("This workspace has an owner already: bootstrap with that owner's e-mail address and password.")
    if command.password and db.execute("SELECT 1 FROM passwords WHERE email = ?", (command.password[1],)).fetchone():
        raise Conflict(f"{command.password[1]} owns this workspace already: sign in with that owner's password.")


def _known(db: sqlite3.Connection, person: NewPerson) -> str | None:
    if person.identity is None:
        return None
    row = db.execute("SELECT id FROM participants WHERE identity = ?", (person.identity,)).fetchone()
    return str(row[0]) if row else None


def revoke(db: sqlite3.Connection, command: Revoke, seq: int, at: str) -> tuple[None, list[Event]]:
    changed = db.execute(
        "UPDATE credentials SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL", (at, command.credential_id)
    ).rowcount
    if not changed:
        raise NotFound(f"There is no live key {command.credential_id}: it was revoked already, or never was.")
    return None, [CredentialRevoked(command.credential_id)]
