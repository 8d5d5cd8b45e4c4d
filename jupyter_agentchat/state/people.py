"""Who can be asked in a channel: its members, roles, and those whose invites are still open."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from .. import rules
from ..errors import InvalidRequest
from ..protocol import Kind, Role

WORDS = ("owner", "member")
LISTED = 20


def check_named(db: sqlite3.Connection, channel_id: str, asker_id: str, named: Iterable[str], at: str) -> None:
    """Each must be a member who may answer, a role's word, or whom an open invite is for.

    Raises: InvalidRequest, with the name that is unknown and those that there are.
    """
    members = db.execute("SELECT participant_id, name, role FROM members WHERE channel_id = ?", (channel_id,)).fetchall()
    asked = [name for participant_id, name, role in members if participant_id != asker_id and role != "observer"]
    asked += [name for name, _ in _invited(db, channel_id, at) if name]
    # Who is called like a role is not meant by it.
    asked = sorted({name for name in asked if rules.bare(name) not in rules.ROLES})
    known = set(map(rules.bare, asked))
    for who in named:
        name = rules.bare(who)
        if name in known or name in WORDS:
            continue
        there = [*asked[:LISTED], *(["…"] if len(asked) > LISTED else []), "@owner", "@member"]
        others = {rules.bare(each): (participant_id, each) for participant_id, each, _ in members}
        if name in others and name not in rules.ROLES:
            asker = others[name][0] == asker_id
            why = f"{others[name][1]} is who asks" if asker else f"{others[name][1]} only reads in this channel"
        else:
            why = f"There is nobody called {who!r} in this channel"
        raise InvalidRequest(f"{why}: to is any of {', '.join(there)}.")


def count(db: sqlite3.Connection, channel_id: str, asker_id: str, to: list[str] | None, at: str) -> int:
    """How many people could answer what is put to ``to``, those included who have been invited and have not come yet."""
    names = {rules.bare(who) for who in to or ()}
    found = owners = 0
    for participant_id, kind, name, role in db.execute(
        "SELECT participant_id, kind, name, role FROM members WHERE channel_id = ?", (channel_id,)
    ):
        owners += kind == "human" and role == "owner"
        if participant_id != asker_id and role != "observer":
            found += rules.is_named(to, kind, name, role) if names else kind == "human"
    for invited, uses in _invited(db, channel_id, at):
        if not names or "member" in names or (invited and rules.bare(invited) in names - rules.ROLES):
            found += uses
    # Who owns the workspace enters when there is something to do.
    return found + (not owners and (not names or "owner" in names))


def writers(db: sqlite3.Connection, channel_id: str) -> dict[str, tuple[Kind, str, Role]]:
    """(kind, name, role) of the members who may write, by id."""
    return {
        participant_id: (kind, name, role)
        for participant_id, kind, name, role in db.execute(
            "SELECT participant_id, kind, name, role FROM members WHERE channel_id = ? AND role <> 'observer'", (channel_id,)
        )
    }


def check_quorum(
    db: sqlite3.Connection, channel_id: str, asker_id: str, quorum: int, to: list[str] | None, at: str, voted: int = 0
) -> None:
    """Raises: InvalidRequest where fewer people could answer than must. ``voted``: who did, and is not asked any more."""
    if quorum > 1 and quorum > (there := count(db, channel_id, asker_id, to, at) + voted):
        raise InvalidRequest(
            f"quorum: {quorum} must give the same answer, and only {there} could answer this: ask for fewer, or invite more."
        )


def _invited(db: sqlite3.Connection, channel_id: str, at: str) -> list[tuple[str | None, int]]:
    """(name, uses left) of the invites that are open."""
    return db.execute(
        "SELECT name, max_uses - uses FROM invites WHERE channel_id = ? AND revoked_at IS NULL AND expires_at > ?"
        " AND uses < max_uses",
        (channel_id, at),
    ).fetchall()
