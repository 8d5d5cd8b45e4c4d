"""Everything that crosses a process, defined once: records, requests, replies and WebSocket frames.

The handlers, the OpenAPI document and ``labextension/src/protocol.ts`` are generated from this file (``schema.py``).

Three kinds of struct:

- **records** (`Message`, `Channel`, ...) go out. Readers ignore fields that they do not know.
- **requests** come in: a field that is not defined is refused. One struct holds a call's path, query and body fields.
- **frames** are the WebSocket's, told apart by ``type``.

Times are RFC 3339 strings in UTC with milliseconds (they sort as text). Durations are seconds.
msgspec's ``Meta`` limits act on decoding, not on construction; so sizes are checked in ``rules.py``.
"""

from __future__ import annotations

import base64
import os
import random
import time
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Annotated, Any, Literal, Union

import msgspec
from msgspec import UNSET, Meta, Struct, field

PROTOCOL = 1
MAX_MESSAGE_BYTES = 1024 * 1024
"""A message's content, as UTF-8. The parts of a message together may have four times as much."""

MAX_SIGNAL_BYTES = 64 * 1024

Kind = Literal["agent", "human"]
Role = Literal["owner", "member", "observer"]
Outcome = Literal["answered", "default", "timed_out", "withdrawn", "escalated"]
QuestionState = Literal["open", "answered", "default", "timed_out", "withdrawn", "escalated"]
SignalKind = Literal["typing", "presence", "status", "progress", "stream"]

# ---------------------------------------------------------------------------------------------- ids and times


_DIGITS = "0123456789abcdefghijklmnopqrstuv"
_PAIRS = [high + low for high in _DIGITS for low in _DIGITS]
_chance = random.Random()  # noqa: S311 (ids are no secrets)
"""Of our own: a notebook that seeds Python's would make its ids again. Asking the system for each id
lets go of the interpreter's lock, which a busy hub gets back late."""
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_chance.seed)


def new_id(prefix: str) -> str:
    """An opaque id: prefix, 48 bits of time and 80 random bits in base32, so ids sort by age and fit a NATS subject."""
    # 26 digits hold 130 bits, so two are left over. By pairs: base64.b32hexencode takes three times as long.
    number = (int(time.time() * 1000) << 80 | _chance.getrandbits(80)) << 2
    return f"{prefix}_{''.join([_PAIRS[number >> bits & 1023] for bits in range(120, -1, -10)])}"


def new_secret(prefix: str) -> str:
    """A bearer secret with 32 random bytes; only its hash is ever stored."""
    return f"{prefix}_{base64.urlsafe_b64encode(os.urandom(32)).decode().rstrip('=')}"


def timestamp(seconds: float) -> str:
    """Unix time in seconds → ``2026-11-21T06:00:00.000Z``."""
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def seconds_of(at: str) -> float:
    """The reverse of `timestamp`."""
    return datetime.fromisoformat(at.replace("Z", "+00:00")).timestamp()


# ---------------------------------------------------------------------------------------------- records


class Record(Struct, omit_defaults=True, repr_omit_defaults=True):
    """What a hub tells. Unknown fields are ignored, so an older reader understands a newer hub.

    A field without a default is always there; one with a default is left out while it has it.
    """


class Participant(Record):
    id: str
    kind: Kind
    name: str
    description: str | None = None
    owner_id: str | None = None
    created_at: str | None = None


class Member(Record):
    """A participant in one channel. ``read_seq`` is the reader's cursor there; ``online``: connected now, or a moment ago."""

    participant_id: str
    kind: Kind
    name: str
    role: Role
    read_seq: int
    joined_at: str
    online: bool = False


class Channel(Record):
    id: str
    name: str
    last_seq: int
    unread: int
    members: list[Member]
    created_at: str
    topic: str | None = None
    archived: bool = False


class Closing(Record):
    """How a question ended. ``value`` is absent when there is none; ``source`` is set when no human did it live."""

    question_id: str
    outcome: Outcome
    value: Any = UNSET
    by_id: str | None = None
    by_name: str | None = None
    at: str | None = None
    source: str | None = None


class Question(Record):
    """The question in a message. Without ``choices`` any text answers it. ``to`` names who may answer (all humans if empty)."""

    key: str
    state: QuestionState
    choices: list[str] | None = None
    default: Any = UNSET
    to: list[str] | None = None
    deadline_at: str | None = None
    closing: Closing | None = None


class Message(Record):
    """One durable entry of a channel's log. ``prev_seq`` (live events only) is the seq before it in this channel."""

    id: str
    channel_id: str
    seq: int
    author_id: str
    author_name: str
    author_kind: Kind
    content: str
    created_at: str
    client_id: str | None = None
    parent_id: str | None = None
    lamport: int | None = None
    mentions: list[str] | None = None
    parts: list[dict[str, Any]] | None = None
    question: Question | None = None
    closes: Closing | None = None
    edited_at: str | None = None
    deleted_at: str | None = None
    prev_seq: int | None = None

    def __repr__(self) -> str:
        """Short, for it is what a cell shows whose last line posts."""
        said = self.content if len(self.content) <= 60 else f"{self.content[:59]}…"
        return f"<Message {self.seq} by {self.author_name}: {said!r}>"


class Activity(Record):
    """What an agent last said of itself, by a `status` or `progress` signal; ``done`` of ``total`` in its own units."""

    text: str
    at: str
    done: float | None = None
    total: float | None = None


class AgentStatus(Record):
    """An agent now. ``status`` and ``progress`` are gone when the hub restarts: signals are never stored."""

    participant_id: str
    name: str
    connections: int
    open_questions: int
    online: bool = False
    status: Activity | None = None
    progress: Activity | None = None


# ---------------------------------------------------------------------------------------------- requests


class Request(Struct, omit_defaults=True, forbid_unknown_fields=True):
    """What a client sends. An unknown field is refused: a typo must not pass for a wish."""


Name = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^(?=.*\S)[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*$")]
"""One line that can be seen: no control characters, and none that turn the writing round and so show another name."""
Id = Annotated[str, Meta(max_length=100)]
Seq = Annotated[int, Meta(ge=0, le=2**63 - 1)]
MAX_CLOCK = 2**53 - 1
"""A logical clock is a whole number that JavaScript can hold too."""
Clock = Annotated[int, Meta(ge=0, le=MAX_CLOCK)]
ClientId = Annotated[str, Meta(min_length=1, max_length=128)]
Seconds = Annotated[float, Meta(ge=0, le=10 * 365 * 86400)]


class Nothing(Request):
    pass


class Change(Request, kw_only=True):
    """Changes something. Sent again under the same ``client_id`` by the same participant in the same channel, within the
    window (24 h unless set), it changes nothing more and gives what it gave: so a lost reply can be asked for again.

    A secret (a key, a link) is kept as its hash only, so it cannot be given twice: the repeated call gives a new one in place
    of the one that was lost.
    """

    client_id: ClientId | None = None


class Bootstrap(Request):
    owner_email: Annotated[str, Meta(min_length=3, max_length=254)]
    owner_password: Annotated[str, Meta(min_length=8, max_length=1024)]
    agent_name: Name
    agent_description: Annotated[str, Meta(max_length=2000)] | None = None


class Login(Request):
    email: Annotated[str, Meta(max_length=254)]
    password: Annotated[str, Meta(max_length=1024)]


class AcceptInvite(Change):
    """``client_id``, 16 random characters or more, is a secret here: who accepts again under it is the same guest."""

    token: Id
    name: Name | None = None


class LookUpInvite(Request):
    token: Id


class CreateChannel(Change):
    name: Name
    topic: Annotated[str, Meta(max_length=2000)] | None = None


class OneChannel(Request):
    channel_id: Id


class ArchiveChannel(Change):
    channel_id: Id


class UpdateChannel(Change):
    channel_id: Id
    name: Name | None = None
    topic: Annotated[str, Meta(max_length=2000)] | None = None


class AddMember(Change):
    channel_id: Id
    participant_id: Id
    role: Role = "member"


class RemoveMember(Change):
    channel_id: Id
    participant_id: Id


class ReadMessages(Request):
    """A page in seq order: the first after ``after``, or the last before ``before``. ``wait`` seconds for the first."""

    channel_id: Id
    after: Seq | None = None
    before: Seq | None = None
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100
    wait: Annotated[float, Meta(ge=0, le=60)] = 0


class FollowChannel(Request):
    """An event stream: the channel from after ``after``, from now on if absent. A cursor of another ``epoch`` starts anew."""

    channel_id: Id
    after: Seq | None = None
    epoch: Id | None = None


class Decided(Request):
    """An answer that the asker already holds (``AGENTCHAT_ANSWERS``, a ledger): the question is born closed, and says so."""

    value: Any
    source: Annotated[str, Meta(min_length=1, max_length=200)]


class Ask(Request):
    """The question that a message asks.

    ``key`` is the asker's own name for it: while a question with that key is open, or closed and not yet consumed, asking
    again takes it up. ``timeout`` counts from when the hub takes the question; then ``default`` closes it, or nothing does
    and the outcome is ``timed_out``.
    """

    key: Annotated[str, Meta(min_length=1, max_length=200)] | None = None
    choices: Annotated[list[Annotated[str, Meta(min_length=1, max_length=500)]], Meta(min_length=1, max_length=100)] | None = (
        None
    )
    timeout: Seconds | None = None
    default: Any = UNSET
    to: Annotated[list[Name], Meta(max_length=100)] | None = None
    decided: Decided | None = None


class PostMessage(Change):
    channel_id: Id
    content: str
    parent_id: Id | None = None
    lamport: Clock | None = None
    mentions: Annotated[list[Name], Meta(max_length=100)] | None = None
    parts: list[dict[str, Any]] | None = None
    question: Ask | None = None


class EditMessage(Change):
    channel_id: Id
    message_id: Id
    content: str


class OneMessage(Request):
    channel_id: Id
    message_id: Id


class ChangeMessage(Change):
    channel_id: Id
    message_id: Id


class MarkRead(Change):
    channel_id: Id
    seq: Seq


class Answer(Change):
    channel_id: Id
    message_id: Id
    value: Any


class ListQuestions(Request):
    state: Literal["open"] = "open"
    channel_id: Id | None = None


class ReadStatus(Request):
    """With ``channel_id``: its agents, and what they last said there."""

    channel_id: Id | None = None


class CreateAgent(Change):
    name: Name
    description: Annotated[str, Meta(max_length=2000)] | None = None


class RevokeKey(Change):
    agent_id: Id
    key_id: Id


class CreateKey(Change):
    agent_id: Id


class CreateInvite(Change):
    channel_id: Id
    name: Name | None = None
    email: Annotated[str, Meta(max_length=254)] | None = None
    expires_in: Annotated[float, Meta(gt=0, le=365 * 86400)] = 7 * 86400.0
    max_uses: Annotated[int, Meta(ge=1, le=10_000)] = 1


class ProveKernel(Request):
    """A kernel asks its own server for a key: ``proof`` is HMAC-SHA256 under its connection key of the other fields.

    The signed text is ``agentchat-kernel\\n{kernel_id}\\n{agent_name}\\n{notebook}\\n{at}``; ``at`` may be 60 seconds off.
    """

    kernel_id: Id
    agent_name: Name
    notebook: Annotated[str, Meta(max_length=4096)]
    at: int
    proof: Annotated[str, Meta(max_length=200)]


class ProveUser(Request):
    """Another server of the same operating system user vouches for whom it let in, by the same secret."""

    secret: Annotated[str, Meta(max_length=200)]
    username: Annotated[str, Meta(min_length=1, max_length=500)]
    name: Annotated[str, Meta(max_length=500)]


class ProveLocal(Request):
    """A process of the same operating system user shows the secret that lies, mode 0600, beside the database."""

    secret: Annotated[str, Meta(max_length=200)]
    agent_name: Name
    notebook: Annotated[str, Meta(max_length=4096)]


# ---------------------------------------------------------------------------------------------- replies


class Done(Record):
    ok: bool


class Bootstrapped(Record):
    api_key: str
    channel_id: str
    invite_url: str
    agent_id: str
    owner_id: str | None = None


class SignedIn(Record):
    participant: Participant
    session_token: str
    channel_id: str | None = None


class InviteState(Record):
    """What an invite page may know before anyone joined."""

    channel_name: str
    invited_by: str
    name: str | None = None


class OneChannelReply(Record):
    channel: Channel


class ChannelsReply(Record):
    channels: list[Channel]


class MembersReply(Record):
    members: list[Member]


class MessageReply(Record):
    message: Message


class MessagesReply(Record):
    messages: list[Message]
    last_seq: int
    has_more: bool
    epoch: str


class QuestionsReply(Record):
    questions: list[Message]


class AgentReply(Record):
    agent: Participant
    api_key: str
    key_id: str


class AgentsReply(Record):
    agents: list[Participant]


class KeyReply(Record):
    api_key: str
    key_id: str


class KernelReply(Record):
    """A kernel's agent: its key, and the channel of its notebook.

    ``hub_url`` is there when the hub is not at the server that was asked but at another of the same user.
    """

    agent: Participant
    api_key: str
    channel_id: str
    channel_name: str
    hub_url: str | None = None


class InviteReply(Record):
    invite_url: str
    token: str
    expires_at: str


class MeReply(Record):
    participant: Participant
    epoch: str
    protocol: int


class ParticipantsReply(Record):
    participants: list[Participant]


class StatusReply(Record):
    version: str
    epoch: str
    agents: list[AgentStatus]
    connections: int
    open_questions: int


class ErrorBody(Record):
    """The inside of ``{"error": ...}``. Beside code and message, what the code's row in errors.py says."""

    code: str
    message: str
    retry_after: float | None = None
    limit_bytes: int | None = None
    outcome: Outcome | None = None
    by_id: str | None = None
    by_name: str | None = None
    at: str | None = None
    choices: list[str] | None = None
    asked: str | None = None
    asking: str | None = None


class ErrorReply(Record):
    error: ErrorBody


# ---------------------------------------------------------------------------------------------- operations

Who = Literal["anyone", "participant", "human", "bootstrapper"]


@dataclass(frozen=True)
class Operation:
    """One call: the hub's method of that ``name`` takes the request and gives the reply."""

    name: str
    method: str
    path: str
    request: type[Struct]
    reply: type[Struct]
    status: int = 200
    who: Who = "participant"


OPERATIONS: tuple[Operation, ...] = (
    Operation("bootstrap", "POST", "bootstrap", Bootstrap, Bootstrapped, 201, "bootstrapper"),
    Operation("login", "POST", "login", Login, SignedIn, 200, "anyone"),
    Operation("logout", "POST", "logout", Nothing, Done, 200, "participant"),
    Operation("look_up_invite", "GET", "invites/{token}", LookUpInvite, InviteState, 200, "anyone"),
    Operation("accept_invite", "POST", "invites/{token}/accept", AcceptInvite, SignedIn, 200, "anyone"),
    Operation("prove_kernel", "POST", "kernels/{kernel_id}/agent", ProveKernel, KernelReply, 201, "anyone"),
    Operation("prove_local", "POST", "local/agent", ProveLocal, KernelReply, 201, "anyone"),
    Operation("prove_user", "POST", "local/session", ProveUser, SignedIn, 201, "anyone"),
    Operation("list_channels", "GET", "channels", Nothing, ChannelsReply),
    Operation("create_channel", "POST", "channels", CreateChannel, OneChannelReply, 201),
    Operation("get_channel", "GET", "channels/{channel_id}", OneChannel, OneChannelReply),
    Operation("update_channel", "PATCH", "channels/{channel_id}", UpdateChannel, OneChannelReply),
    Operation("archive_channel", "DELETE", "channels/{channel_id}", ArchiveChannel, Done),
    Operation("list_members", "GET", "channels/{channel_id}/members", OneChannel, MembersReply),
    Operation("add_member", "POST", "channels/{channel_id}/members", AddMember, MembersReply, 201),
    Operation("remove_member", "DELETE", "channels/{channel_id}/members/{participant_id}", RemoveMember, Done),
    Operation("read_messages", "GET", "channels/{channel_id}/messages", ReadMessages, MessagesReply),
    Operation("post_message", "POST", "channels/{channel_id}/messages", PostMessage, MessageReply, 201),
    Operation("get_message", "GET", "channels/{channel_id}/messages/{message_id}", OneMessage, MessageReply),
    Operation("edit_message", "PATCH", "channels/{channel_id}/messages/{message_id}", EditMessage, MessageReply),
    Operation("delete_message", "DELETE", "channels/{channel_id}/messages/{message_id}", ChangeMessage, Done),
    Operation("mark_read", "POST", "channels/{channel_id}/read", MarkRead, Done),
    Operation("answer", "POST", "channels/{channel_id}/messages/{message_id}/answer", Answer, MessageReply),
    Operation("withdraw", "POST", "channels/{channel_id}/messages/{message_id}/withdraw", ChangeMessage, MessageReply),
    Operation("consume", "POST", "channels/{channel_id}/messages/{message_id}/consume", ChangeMessage, Done),
    Operation("list_questions", "GET", "questions", ListQuestions, QuestionsReply),
    Operation("list_agents", "GET", "agents", Nothing, AgentsReply),
    Operation("create_agent", "POST", "agents", CreateAgent, AgentReply, 201),
    Operation("create_key", "POST", "agents/{agent_id}/keys", CreateKey, KeyReply, 201),
    Operation("revoke_key", "DELETE", "agents/{agent_id}/keys/{key_id}", RevokeKey, Done),
    Operation("create_invite", "POST", "invites", CreateInvite, InviteReply, 201),
    Operation("me", "GET", "me", Nothing, MeReply),
    Operation("list_participants", "GET", "participants", Nothing, ParticipantsReply),
    Operation("status", "GET", "status", ReadStatus, StatusReply),
)

# ---------------------------------------------------------------------------------------------- frames, client → server


class SendMessage(PostMessage, tag_field="type", tag="send_message"):
    request_id: Id | None = None


class Subscribe(Request, tag_field="type", tag="subscribe"):
    """Replays the channel from after ``after`` (from now on, if absent), then goes live."""

    channel_id: Id
    after: Seq | None = None
    epoch: Id | None = None
    request_id: Id | None = None


class Unsubscribe(Request, tag_field="type", tag="unsubscribe"):
    channel_id: Id
    request_id: Id | None = None


class Ack(Request, tag_field="type", tag="ack"):
    """Everything up to ``seq`` was handled; sending it again changes nothing."""

    channel_id: Id
    seq: Seq
    request_id: Id | None = None


class SendSignal(Request, tag_field="type", tag="signal"):
    """Ephemeral: coalesced per sender and kind, dropped where a reader is busy, never in the log.

    ``status`` takes ``{"text"}``; ``progress`` ``{"text", "done", "total"}``; ``stream`` ``{"id", "text"}``, a message in
    the making, its whole text each time, until one with that ``client_id`` is posted. ``presence`` comes from connections: what
    a client says of it (``{"state": "away"}``) goes along.
    """

    channel_id: Id
    kind: SignalKind
    data: dict[str, Any] = field(default_factory=dict)
    request_id: Id | None = None


class SendAnswer(Change, tag_field="type", tag="answer"):
    message_id: Id
    value: Any
    channel_id: Id | None = None
    request_id: Id | None = None


class Consume(Change, tag_field="type", tag="consume"):
    """The asker has taken its question's answer: asking with the same key now asks anew."""

    channel_id: Id
    message_id: Id
    request_id: Id | None = None


class Ping(Request, tag_field="type", tag="ping"):
    request_id: Id | None = None


ClientFrame = Union[SendMessage, Subscribe, Unsubscribe, Ack, SendSignal, SendAnswer, Consume, Ping]

# ---------------------------------------------------------------------------------------------- frames, server → client


class Connected(Record, tag_field="type", tag="connected"):
    """``heartbeat``: seconds between the server's pings; silence for three of them means that the connection is dead."""

    participant: Participant
    protocol: int
    epoch: str
    heartbeat: float


class NewMessage(Record, tag_field="type", tag="new_message"):
    message: Message


class MessageUpdated(Record, tag_field="type", tag="message_updated"):
    """``seq`` is the update's own place in the log, the cursor behind it."""

    message: Message
    seq: int


class MessageDeleted(Record, tag_field="type", tag="message_deleted"):
    channel_id: str
    message_id: str
    seq: int


class Sent(Record, tag_field="type", tag="sent"):
    """The message is durable. ``message`` comes along for a question, which may be an older one taken up."""

    message_id: str
    seq: int
    client_id: str | None = None
    created_at: str | None = None
    request_id: str | None = None
    message: Message | None = None


class Subscribed(Record, tag_field="type", tag="subscribed"):
    channel_id: str
    last_seq: int
    request_id: str | None = None


class DoneFrame(Record, tag_field="type", tag="done"):
    """The reply to a frame that has no other."""

    request_id: str | None = None


class Signal(Record, tag_field="type", tag="signal"):
    channel_id: str
    participant_id: str
    kind: SignalKind
    data: dict[str, Any]


class Lagged(Record, tag_field="type", tag="lagged"):
    """This connection did not read, and its send buffer is full: it no longer gets the channel. `subscribe` with
    ``after=resume_after`` goes on where it stopped, nothing missed and nothing twice; its other channels go on by themselves.
    """

    channel_id: str
    resume_after: int


class Reset(Record, tag_field="type", tag="reset"):
    channel_id: str
    epoch: str
    reason: str


class ErrorFrame(ErrorBody, tag_field="type", tag="error"):
    request_id: str | None = None


class Pong(Record, tag_field="type", tag="pong"):
    request_id: str | None = None


ServerFrame = Union[
    Connected, NewMessage, MessageUpdated, MessageDeleted, Sent, Subscribed, DoneFrame, Signal, Lagged, Reset, ErrorFrame, Pong
]

# ---------------------------------------------------------------------------------------------- the panel in a notebook

PANEL_MIME = "application/vnd.agentchat.v1+json"


class PanelData(Record):
    """The data of ``PANEL_MIME``: which channel a panel shows; never a secret.

    ``page_url`` is where a browser may answer too.
    """

    channel_id: str
    channel_name: str
    question_id: str | None = None
    page_url: str | None = None


encode = msgspec.json.Encoder().encode
decode_client_frame = msgspec.json.Decoder(ClientFrame).decode
decode_server_frame = msgspec.json.Decoder(ServerFrame).decode
