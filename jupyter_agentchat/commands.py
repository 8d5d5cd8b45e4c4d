"""The commands that a journal puts in order, and the events that applying them gives.

A command belongs to one partition (a channel's id, or ``directory``), reads and writes only that partition's rows, and
carries everything random or secret-derived in itself (ids, hashes): applying it again elsewhere gives the same rows.
``actor`` is who asks, settled at the door from a key or session. ``HUB`` acts for itself (deadlines, letting owners in).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Union

from msgspec import Struct

from .errors import ChatError
from .protocol import (
    Ask,
    ControlFrame,
    Intent,
    IntentFrame,
    IntentKind,
    Kind,
    Message,
    MessageDeleted,
    MessageUpdated,
    NewMessage,
    Role,
    RunState,
    encode,
)

DIRECTORY = "directory"
HUB = "hub"
WINDOW = 86_400.0
"""Seconds for which a client_id is remembered, unless the hub says otherwise."""


class NewPerson(Struct, omit_defaults=True):
    """A participant to be enrolled. Who has the same ``identity`` already is that participant."""

    id: str
    kind: Kind
    name: str
    identity: str | None = None
    description: str | None = None
    owner_id: str | None = None


class NewCredential(Struct, omit_defaults=True):
    id: str
    participant_id: str
    kind: Literal["key", "session"]
    hash: str
    expires_at: str | None = None


class NewMember(Struct, omit_defaults=True):
    participant_id: str
    kind: Kind
    name: str
    role: Role = "member"


class Repeatable(Struct, omit_defaults=True, kw_only=True, tag_field="op"):
    """``client_id``: the actor's own id for it. Within ``window`` seconds it is applied once in its partition: sent again, it
    gives what it gave and changes nothing."""

    client_id: str | None = None
    window: float = WINDOW


class Command(Repeatable, omit_defaults=True, tag_field="op"):
    actor: str


# ------------------------------------------------------------------------------------------------ directory


class Found(Command, tag="found"):
    """The first command of a workspace: gives its log an identity."""

    epoch: str


class Enrol(Command, tag="enrol"):
    """Participants, their credentials and a channel's handle, all or nothing.

    ``password`` is ``(participant_id, email, argon2 hash)``; ``first_owner`` refuses once the workspace has an owner.
    ``handle`` is ``(scope, name, channel_id)``: the channel that already has it keeps it.
    """

    people: list[NewPerson] = []
    credentials: list[NewCredential] = []
    handle: tuple[str, str, str] | None = None
    password: tuple[str, str, str] | None = None
    first_owner: bool = False
    refuse_known: bool = False


class Revoke(Command, tag="revoke"):
    credential_id: str


# ------------------------------------------------------------------------------------------------ a channel


class FoundChannel(Command, tag="found_channel"):
    """Makes the channel, or does nothing where it stands already; either way the members are in it afterwards."""

    channel_id: str
    name: str
    topic: str | None = None
    members: list[NewMember] = []


class ChangeChannel(Command, tag="change_channel"):
    channel_id: str
    name: str | None = None
    topic: str | None = None
    archived: bool | None = None


class PutMember(Command, tag="put_member"):
    channel_id: str
    member: NewMember


class DropMember(Command, tag="drop_member"):
    channel_id: str
    participant_id: str


class Post(Command, tag="post"):
    channel_id: str
    message_id: str
    content: str
    parent_id: str | None = None
    lamport: int | None = None
    mentions: list[str] | None = None
    parts: list[dict[str, Any]] | None = None
    question: Ask | None = None


class Edit(Command, tag="edit"):
    channel_id: str
    message_id: str
    content: str


class Delete(Command, tag="delete"):
    channel_id: str
    message_id: str


class Close(Command, tag="close"):
    """Answers a question, or votes where more than one must; ``closing_id`` is the id of the message that closes it. A secret's
    ``value`` is None: the hub that took it holds it. ``saw``: the digest of what was on the screen."""

    channel_id: str
    message_id: str
    closing_id: str
    value: Any
    saw: str | None = None
    origin: str | None = None


class Withdraw(Command, tag="withdraw"):
    channel_id: str
    message_id: str
    closing_id: str
    origin: str | None = None


class Expire(Command, tag="expire"):
    """Does what is due: reminds, escalates, ends. Any hub may propose it; the time that the journal stamped decides."""

    channel_id: str
    message_id: str
    closing_id: str


class Reopen(Command, tag="reopen"):
    """Who answered takes it back; ``closing_id`` is the id of the message that says so."""

    channel_id: str
    message_id: str
    closing_id: str
    origin: str | None = None


class HandOn(Command, tag="hand_on"):
    """Others are asked instead."""

    channel_id: str
    message_id: str
    to: list[str]
    origin: str | None = None


class PutOff(Command, tag="put_off"):
    """The actor does not want to hear of a question for so many seconds; 0: no longer."""

    channel_id: str
    message_id: str
    seconds: float


class ConsumeAnswer(Command, tag="consume"):
    channel_id: str
    message_id: str


class EndBatch(Command, tag="end_batch"):
    channel_id: str
    batch_id: str


class RevokeStanding(Command, tag="revoke_standing"):
    channel_id: str
    approval_id: str
    origin: str | None = None


class Read(Command, tag="read"):
    channel_id: str
    seq: int


class Invite(Command, tag="invite"):
    channel_id: str
    invite_id: str
    hash: str
    expires_at: str
    max_uses: int
    name: str | None = None


class UseInvite(Command, tag="use_invite"):
    channel_id: str
    hash: str
    member: NewMember


class Intend(Command, tag="intend"):
    """Somebody wants something of an agent. ``origin``: for the audit trail."""

    channel_id: str
    intent_id: str
    agent_id: str
    kind: IntentKind
    text: str | None = None
    origin: str | None = None


class BreakOff(Command, tag="break_off"):
    """Posts what there is of a message in the making, in the name of its author, who is gone. ``stream`` is the client_id that
    the whole message would have had."""

    channel_id: str
    message_id: str
    author_id: str
    stream: str
    content: str


class MakeWhole(Command, tag="make_whole"):
    """The whole message is there: what was posted of it before is deleted. Any hub may propose it."""

    channel_id: str
    author_id: str
    stream: str


class ReportRun(Command, tag="report"):
    """An agent says how its run stands, and up to which intent it has done what was asked."""

    channel_id: str
    state: RunState
    run: str | None = None
    acknowledged: int | None = None


AnyCommand = Union[
    Found, Enrol, Revoke,
    FoundChannel, ChangeChannel, PutMember, DropMember, Post, Edit, Delete, Close, Withdraw, Expire, ConsumeAnswer, Read,
    Reopen, HandOn, PutOff, EndBatch, RevokeStanding,
    Invite, UseInvite, Intend, ReportRun, BreakOff, MakeWhole,
]  # fmt: skip


def partition_of(command: AnyCommand) -> str:
    """Where a command belongs: order is promised within a partition only."""
    return DIRECTORY if isinstance(command, (Found, Enrol, Revoke)) else command.channel_id


def size_of(command: AnyCommand) -> int:
    """About how many bytes a command holds: what somebody wrote, and some for the rest."""
    size = 500
    if isinstance(command, (Post, Edit, BreakOff)):
        said: Any = command.content
    else:
        said = command.value if isinstance(command, Close) else command.text if isinstance(command, Intend) else None
    if isinstance(said, str):
        size += len(said) if said.isascii() else len(said.encode(errors="replace"))
    elif said is not None:
        size += len(encode(said))
    if isinstance(command, Post) and command.parts:
        size += len(encode(command.parts))
    if isinstance(command, Post) and command.question:
        size += len(encode(command.question))
    return size


# ------------------------------------------------------------------------------------------------ events


@dataclass(slots=True)
class Appended:
    """A new entry in a channel's log, at ``seq``; the entry before it is at ``prev_seq``.

    ``asked_at``: when the question was asked that this message closes. ``arrived``: when this hub's journal was given the
    command, by `time.perf_counter`; 0 where another hub's was. Both are for metrics, and neither is state.
    """

    channel_id: str
    seq: int
    prev_seq: int
    frame: NewMessage | MessageUpdated | MessageDeleted
    asked_at: str | None = field(default=None, compare=False)
    arrived: float = field(default=0.0, compare=False)


@dataclass(frozen=True, slots=True)
class MembershipChanged:
    """Somebody joined or left at ``seq``: who joined follows the channel from there."""

    channel_id: str
    participant_id: str
    joined: bool
    seq: int


@dataclass(frozen=True, slots=True)
class RoleChanged:
    """A member has another role."""

    channel_id: str
    participant_id: str


@dataclass(frozen=True, slots=True)
class CredentialRevoked:
    credential_id: str


@dataclass(frozen=True, slots=True)
class Steered:
    """The control plane of a channel moved: told to its followers at once, beside the log."""

    channel_id: str
    frames: tuple[IntentFrame | ControlFrame, ...]


Event = Union[Appended, MembershipChanged, RoleChanged, CredentialRevoked, Steered]


# ------------------------------------------------------------------------------------------------ in and out of the state

Placed = tuple[AnyCommand, int, str]
"""A command with its ``seq`` and ``at`` from the journal."""

Applied = tuple[Any, Union[ChatError, None], Sequence[Event]]
"""The outcome or the refusal of a command, and its events."""

# ------------------------------------------------------------------------------------------------ outcomes


@dataclass(frozen=True, slots=True)
class Enrolled:
    """Ids as they stand now, in the command's order: a known identity keeps its first id."""

    participant_ids: list[str]
    channel_id: str | None
    credential_ids: list[str] = field(default_factory=list)
    created: bool = True
    """False where the command was sent again under its client_id."""


@dataclass(frozen=True, slots=True)
class Posted:
    """``created`` is False where the message stood already (same client_id, or a question taken up)."""

    message: Message
    created: bool


@dataclass(frozen=True, slots=True)
class Intended:
    """``created`` is False where it was sent before, under the same client_id."""

    intent: Intent
    created: bool
