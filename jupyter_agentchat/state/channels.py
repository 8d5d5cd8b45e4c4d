"""A channel and its members, cursors and invites."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from .. import rules
from ..commands import (
    HUB,
    ChangeChannel,
    DropMember,
    Event,
    FoundChannel,
    Invite,
    MembershipChanged,
    NewMember,
    PutMember,
    Read,
    RoleChanged,
    UseInvite,
)  # fmt: skip
from ..errors import ChannelNotFound, Forbidden, InviteGone, NameTaken, NotFound
from ..protocol import Kind, Role


@dataclass(frozen=True, slots=True)
class Seat:
    """Who acts, as the channel knows them."""

    kind: Kind
    name: str
    role: Role
    last_seq: int
    clock: int
    archived: bool


def seat(db: sqlite3.Connection, channel_id: str, participant_id: str) -> Seat:
    """Raises: ChannelNotFound for an unknown channel and for one that the participant is not in, alike."""
    row = db.execute(
        "SELECT m.kind, m.name, m.role, c.last_seq, c.clock, c.archived FROM members m JOIN channels c ON c.id = m.channel_id"
        " WHERE m.channel_id = ? AND m.participant_id = ?",
        (channel_id, participant_id),
    ).fetchone()
    if row is None:
        raise not_found(channel_id)
    return Seat(*row)


def not_found(channel_id: str) -> ChannelNotFound:
    return ChannelNotFound(f"There is no channel {channel_id}, or you are not a member of it: `GET channels` lists yours.")


def found_channel(db: sqlite3.Connection, command: FoundChannel, seq: int, at: str) -> tuple[None, list[Event]]:
    db.execute(
        "INSERT INTO channels (id, name, topic, created_by, created_at) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (command.channel_id, command.name, command.topic, command.actor, at),
    )
    events: list[Event] = []
    for member in command.members:
        events += _seat_member(db, command.channel_id, member, seq, at)
    return None, events


def _seat_member(db: sqlite3.Connection, channel_id: str, member: NewMember, seq: int, at: str) -> list[Event]:
    added = db.execute(
        "INSERT INTO members (channel_id, participant_id, kind, name, role, joined_at) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        (channel_id, member.participant_id, member.kind, member.name, member.role, at),
    ).rowcount
    return [MembershipChanged(channel_id, member.participant_id, joined=True, seq=seq)] if added else []


def change_channel(db: sqlite3.Connection, command: ChangeChannel, seq: int, at: str) -> tuple[None, list[Event]]:
    rules.check_may_manage(seat(db, command.channel_id, command.actor).role, "change it")
    db.execute(
        "UPDATE channels SET name = coalesce(?, name), topic = coalesce(?, topic), archived = coalesce(?, archived),"
        " archived_by = CASE WHEN ? THEN ? ELSE archived_by END WHERE id = ?",
        (command.name, command.topic, command.archived, command.archived, command.actor, command.channel_id),
    )
    if command.archived:
        # Nobody can answer them any more: each is closed by a command of its own (due.py), for each has its place in the log.
        db.execute("UPDATE questions SET next_at = ? WHERE channel_id = ? AND state = 'open'", (at, command.channel_id))
    return None, []


def put_member(db: sqlite3.Connection, command: PutMember, seq: int, at: str) -> tuple[None, list[Event]]:
    if command.actor != HUB:
        rules.check_may_manage(seat(db, command.channel_id, command.actor).role, "add members")
    elif not db.execute("SELECT 1 FROM channels WHERE id = ?", (command.channel_id,)).fetchone():
        raise not_found(command.channel_id)
    events = _seat_member(db, command.channel_id, command.member, seq, at)
    if not events:  # in already: the role may be another one now
        changed = db.execute(
            "UPDATE members SET role = ?1 WHERE channel_id = ?2 AND participant_id = ?3 AND role <> ?1",
            (command.member.role, command.channel_id, command.member.participant_id),
        ).rowcount
        if changed:
            events.append(RoleChanged(command.channel_id, command.member.participant_id))
    return None, events


def drop_member(db: sqlite3.Connection, command: DropMember, seq: int, at: str) -> tuple[None, list[Event]]:
    acting = seat(db, command.channel_id, command.actor)
    if command.actor != command.participant_id:
        rules.check_may_manage(acting.role, "remove others")
    dropped = db.execute(
        "DELETE FROM members WHERE channel_id = ? AND participant_id = ?", (command.channel_id, command.participant_id)
    ).rowcount
    if not dropped:
        raise NotFound(f"{command.participant_id} is not a member of this channel.")
    # What was wanted of an agent, and how its run stood, is not waiting for it should it come back.
    for table in ("intents", "controls"):
        still = "AND acknowledged_at IS NULL" if table == "intents" else ""
        db.execute(
            f"DELETE FROM {table} WHERE channel_id = ? AND agent_id = ? {still}",  # noqa: S608 (constants)
            (command.channel_id, command.participant_id),
        )
    return None, [MembershipChanged(command.channel_id, command.participant_id, joined=False, seq=seq)]


def read(db: sqlite3.Connection, command: Read, seq: int, at: str) -> tuple[None, list[Event]]:
    """The cursor only rises, and never past the log's end."""
    last_seq = seat(db, command.channel_id, command.actor).last_seq
    db.execute(
        "UPDATE members SET read_seq = max(read_seq, ?) WHERE channel_id = ? AND participant_id = ?",
        (min(command.seq, last_seq), command.channel_id, command.actor),
    )
    return None, []


def invite(db: sqlite3.Connection, command: Invite, seq: int, at: str) -> tuple[None, list[Event]]:
    acting = seat(db, command.channel_id, command.actor)
    # Agents too: who invites could accept in a human's place, and answer as one.
    rules.check_may_manage(acting.role, "invite")
    db.execute(
        "INSERT INTO invites (id, channel_id, hash, name, created_by, created_by_name, created_at, expires_at, max_uses)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (command.invite_id, command.channel_id, command.hash, command.name, command.actor, acting.name, at, command.expires_at,
         command.max_uses),
    )  # fmt: skip
    return None, []


def use_invite(db: sqlite3.Connection, command: UseInvite, seq: int, at: str) -> tuple[None, list[Event]]:
    check_invite(db, command.channel_id, command.hash, at, command.member.participant_id)
    if _is_member(db, command.channel_id, command.member.participant_id):
        return None, []  # in already: opening the link again costs no use
    check_name_free(db, command.channel_id, command.member.name)
    db.execute("UPDATE invites SET uses = uses + 1 WHERE hash = ?", (command.hash,))
    return None, _seat_member(db, command.channel_id, command.member, seq, at)


def _is_member(db: sqlite3.Connection, channel_id: str, participant_id: str | None) -> bool:
    found = db.execute("SELECT 1 FROM members WHERE channel_id = ? AND participant_id = ?", (channel_id, participant_id))
    return found.fetchone() is not None


def check_invite(
    db: sqlite3.Connection, channel_id: str, token_hash: str, at: str, opener_id: str | None = None
) -> tuple[str, str, str | None]:
    """(channel name, inviter's name, the guest's name if the inviter gave one).

    Raises: NotFound; InviteGone, with whom to ask, unless ``opener_id`` is a member: to them a kept link stays open.
    """
    row = db.execute(
        "SELECT c.name, i.created_by_name, i.name, i.expires_at, i.max_uses, i.uses, i.revoked_at, c.archived FROM invites i"
        " JOIN channels c ON c.id = i.channel_id WHERE i.hash = ? AND i.channel_id = ?",
        (token_hash, channel_id),
    ).fetchone()
    if row is None:
        raise NotFound("This invite link is not known here: check that it was copied whole, or ask for a new one.")
    channel_name, inviter, name, expires_at, max_uses, uses, revoked_at, archived = row
    gone = (
        "was revoked" if revoked_at
        else f"expired at {expires_at}" if expires_at <= at
        else "was used already" if uses >= max_uses
        else "leads to a closed channel" if archived
        else None
    )  # fmt: skip
    if gone and not _is_member(db, channel_id, opener_id):
        raise InviteGone(f"This invite {gone}: ask {inviter} for a new one.")
    return channel_name, inviter, name


def check_name_free(db: sqlite3.Connection, channel_id: str, name: str) -> None:
    """A guest chooses a name; it must not be somebody else's, for questions are put to names."""
    taken = {_seen(known) for (known,) in db.execute("SELECT name FROM members WHERE channel_id = ?", (channel_id,))}
    if _seen(name) in taken:
        raise NameTaken(f"There is somebody named {name!r} in this channel already: choose another name.")


_UNSEEN = dict.fromkeys([*range(0x200B, 0x2010), 0x2060, 0xFEFF])


def _seen(name: str) -> str:
    """What a reader sees of a name: characters without a width would make another Ann of it."""
    return name.translate(_UNSEEN).strip().casefold()


def check_open(acting: Seat, channel_id: str) -> None:
    if acting.archived:
        raise Forbidden(f"The channel {channel_id} is archived: it can be read, not written to.")
