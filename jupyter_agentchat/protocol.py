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
Ending = Literal["answered", "default", "timed_out", "withdrawn", "escalated", "reopened"]
"""What a message that closes a question says of it; ``reopened``: who answered took that back, and it is open again."""
AskKind = Literal["question", "approval", "secret"]
IntentKind = Literal["pause", "resume", "stop", "steer"]
RunState = Literal["idle", "running", "paused", "stopped", "finished", "failed"]
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
    """How a question ended. ``value`` is absent when there is none (a secret's never is here); ``source`` is set when no human
    did it live. ``escalated``: answered by whom it was escalated to. ``batch_id``: the `Batch` of the question, if it is of
    one, for readers who do not have the question."""

    question_id: str
    outcome: Ending
    value: Any = UNSET
    by_id: str | None = None
    by_name: str | None = None
    at: str | None = None
    source: str | None = None
    batch_id: str | None = None


class Approval(Record):
    """What an approval is about: ``arguments`` (JSON) of ``action``; the human may change those in ``editable``, within
    ``schema``, an object's form (`forms.normal`) of them. ``always``: whether the human may approve the action once for all."""

    action: Annotated[str, Meta(min_length=1, max_length=200)]
    arguments: dict[str, Any] = {}
    editable: list[str] = []
    schema: dict[str, Any] | None = None
    always: bool = False


class Batch(Record):
    """One of many questions that are answered in one go: the ``index``-th (from 0) of ``total``."""

    id: Annotated[str, Meta(min_length=1, max_length=200)]
    index: Annotated[int, Meta(ge=0)]
    total: Annotated[int, Meta(ge=1)]
    name: Annotated[str, Meta(max_length=200)] = ""


class Escalation(Record):
    """Unanswered ``after`` seconds, the question is put to ``to`` as well; ``at``: when that happened."""

    after: Annotated[float, Meta(gt=0, le=10 * 365 * 86400)]
    to: Annotated[str, Meta(min_length=1, max_length=200)]
    at: str | None = None


class Vote(Record):
    """One of the answers that a ``quorum`` needs."""

    by_id: str
    by_name: str
    at: str
    value: Any


class Question(Record):
    """The question in a message. Without ``choices`` and ``schema`` any text answers it. ``to`` names who may answer now (all
    humans if empty): delegating and escalating change it.

    ``kind``: an ``approval`` is answered by ``{"approved", "arguments"?, "comment"?, "always"?}``, ``arguments`` being those
    that were edited; a ``secret``'s answer is told to its asker alone. ``multiple``: a list of choices answers. ``schema``: a
    JSON value of this form answers (`forms.normal`). ``quorum``: so many people must give the same answer. ``digest``: SHA-256
    of all that is shown, in hexadecimal; who answers may say which they ``saw``.
    """

    key: str
    state: QuestionState
    choices: list[str] | None = None
    default: Any = UNSET
    to: list[str] | None = None
    deadline_at: str | None = None
    closing: Closing | None = None
    kind: AskKind = "question"
    multiple: bool = False
    schema: dict[str, Any] | None = None
    initial: Any = UNSET
    approval: Approval | None = None
    batch: Batch | None = None
    quorum: int = 1
    votes: list[Vote] | None = None
    remind: float | None = None
    reminded: int = 0
    reminded_at: str | None = None
    escalate: list[Escalation] | None = None
    digest: str | None = None

    def end(self, closing: Closing) -> None:
        """The question is as this closing leaves it: one that took an answer back leaves it open."""
        if closing.outcome == "reopened":
            self.state, self.closing = "open", None
            self.votes = [vote for vote in self.votes or () if vote.by_id != closing.by_id] or None
        else:
            self.state, self.closing = closing.outcome, closing


class Message(Record):
    """One durable entry of a channel's log. ``prev_seq`` (live events only) is the seq before it in this channel.

    ``parts``: what is shown beside the content, each ``{"data": {mimetype: …}, "name"?}`` as in a notebook's outputs: pictures
    in base64, ``text/x-diff``, ``application/vnd.agentchat.table+json`` (see `notebook.parts`), ``application/json``.
    """

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
    """What an agent last said of itself, by a `status` or `progress` signal; ``done`` of ``total`` in its own units.
    ``ended``: there is nothing more to come of it."""

    text: str
    at: str
    done: float | None = None
    total: float | None = None
    ended: bool = False


class Intent(Record):
    """What somebody wants of an agent; ``seq`` orders the intents of a channel. ``acknowledged_at``: when the agent
    did it, or something else was wanted instead: a later pause or stop, or a resume."""

    id: str
    seq: int
    channel_id: str
    agent_id: str
    kind: IntentKind
    by_id: str
    by_name: str
    created_at: str
    text: str | None = None
    acknowledged_at: str | None = None


class Control(Record):
    """The control plane's view of an agent in one channel: what it said of its run, since when, and what it is still asked."""

    channel_id: str
    agent_id: str
    state: RunState
    run: str | None = None
    at: str | None = None
    pending: list[Intent] = []


class StandingApproval(Record):
    """Somebody approved an agent's action for good in a channel ("always for this notebook")."""

    id: str
    channel_id: str
    agent_id: str
    action: str
    by_id: str
    by_name: str
    created_at: str


class AuditEntry(Record):
    """One decision, or one intent: who, when, from where (``origin``: the front end and the address), about which message or
    agent, with the digest of what they ``saw``."""

    seq: int
    at: str
    action: str
    by_id: str
    by_name: str
    message_id: str | None = None
    agent_id: str | None = None
    origin: str | None = None
    saw: str | None = None
    detail: Any = UNSET


class AgentStatus(Record):
    """An agent now. ``status``, ``progress`` and ``seen_at`` are gone when the hub restarts: signals are never stored.

    ``seen_at``: its last sign of life, a signal, a report or a message; of one that went, when its last connection did.
    """

    participant_id: str
    name: str
    connections: int
    open_questions: int
    online: bool = False
    status: Activity | None = None
    progress: Activity | None = None
    control: Control | None = None
    seen_at: str | None = None


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


class AskApproval(Approval, forbid_unknown_fields=True):
    """As it is asked."""


class AskBatch(Batch, forbid_unknown_fields=True):
    """As it is asked."""


class AskEscalation(Request):
    """As it is asked: ``[{"after": 300, "to": "@lead"}]``."""

    after: Annotated[float, Meta(gt=0, le=10 * 365 * 86400)]
    to: Name


class Ask(Request):
    """The question that a message asks. What is shown beside it are the message's ``parts``.

    ``key`` is the asker's own name for it: while a question with that key is open, or closed and not yet consumed, asking
    again takes it up. ``timeout`` counts from when the hub takes the question; then ``default`` closes it, or nothing does
    and the outcome is ``timed_out``. ``remind``: every so many seconds until it is answered. ``initial``: what a form begins
    with. The rest: see `Question`.
    """

    key: Annotated[str, Meta(min_length=1, max_length=200)] | None = None
    choices: Annotated[list[Annotated[str, Meta(min_length=1, max_length=500)]], Meta(min_length=1, max_length=100)] | None = (
        None
    )
    timeout: Seconds | None = None
    default: Any = UNSET
    to: Annotated[list[Name], Meta(max_length=100)] | None = None
    decided: Decided | None = None
    kind: AskKind = "question"
    multiple: bool = False
    schema: dict[str, Any] | None = None
    initial: Any = UNSET
    remind: Annotated[float, Meta(ge=1, le=10 * 365 * 86400)] | None = None
    escalate: Annotated[list[AskEscalation], Meta(max_length=20)] | None = None
    quorum: Annotated[int, Meta(ge=1, le=100)] = 1
    approval: AskApproval | None = None
    batch: AskBatch | None = None


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


Via = Annotated[str, Meta(min_length=1, max_length=40, pattern=r"^[\w .:/-]*$")]
"""The front end, as it calls itself."""
Digest = Annotated[str, Meta(max_length=100)]


class Answer(Change):
    """``saw``: the `Question.digest` of what was on the screen; another one is refused. ``via``: for the audit trail."""

    channel_id: Id
    message_id: Id
    value: Any
    saw: Digest | None = None
    via: Via | None = None


class Delegate(Change):
    """Who may answer hands the question to others instead."""

    channel_id: Id
    message_id: Id
    to: Annotated[list[Name], Meta(min_length=1, max_length=100)]
    via: Via | None = None


class Snooze(Change):
    """The caller wants to be left alone with this question for so many seconds; 0: no longer."""

    channel_id: Id
    message_id: Id
    seconds: Annotated[float, Meta(ge=0, le=365 * 86400)]


class FinishBatch(Change):
    """The asker has all answers of the batch: asked again under the same keys, it is asked anew."""

    channel_id: Id
    batch_id: Annotated[str, Meta(max_length=200)]


class RevokeApproval(Change):
    channel_id: Id
    approval_id: Id


class ReadAudit(Request):
    """The newest first, those before ``before``; of one message, if that is given."""

    channel_id: Id
    message_id: Id | None = None
    before: Seq | None = None
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100


class ListQuestions(Request):
    state: Literal["open"] = "open"
    channel_id: Id | None = None


class CreateIntent(Change):
    """``text`` is what a ``steer`` says; the other kinds may give a reason."""

    channel_id: Id
    agent_id: Id
    kind: IntentKind
    text: Annotated[str, Meta(min_length=1, max_length=10_000)] | None = None
    via: Via | None = None


class ListIntents(Request):
    """In their order, after ``after``: those of one agent, if that is given, and those that it has not acknowledged, if
    ``pending``. A WebSocket is told of new ones at once; who reads by event stream or long-poll asks here."""

    channel_id: Id
    agent_id: Id | None = None
    after: Seq = 0
    pending: bool = False
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100


class Report(Change):
    """An agent says of itself how its run stands. ``acknowledged``: the ``seq`` up to which it has done what was asked."""

    channel_id: Id
    state: RunState
    run: Name | None = None
    acknowledged: Seq | None = None


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
    """``snoozed``: until when the caller wants to be left alone, by message id. Past 4 MiB the questions come without what is
    shown beside them: those ``without_parts``, by message id, have more to show, which `get_message` gives. Past 8 MiB of
    questions ``has_more`` says that others come when some of these are closed."""

    questions: list[Message]
    snoozed: dict[str, str] = {}
    without_parts: list[str] = []
    has_more: bool = False


class ConsumedReply(Record):
    """The answer that was taken: whoever gave it may have changed theirs just before."""

    ok: bool
    closing: Closing


class SecretReply(Record):
    value: str


class ApprovalsReply(Record):
    approvals: list[StandingApproval]


class AuditReply(Record):
    entries: list[AuditEntry]
    has_more: bool


class IntentReply(Record):
    intent: Intent


class IntentsReply(Record):
    intents: list[Intent]


class ControlReply(Record):
    control: Control


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
    problems: dict[str, str] | None = None


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
    Operation("consume", "POST", "channels/{channel_id}/messages/{message_id}/consume", ChangeMessage, ConsumedReply),
    Operation("delegate", "POST", "channels/{channel_id}/messages/{message_id}/delegate", Delegate, MessageReply),
    Operation("snooze", "POST", "channels/{channel_id}/messages/{message_id}/snooze", Snooze, Done),
    Operation("reopen", "POST", "channels/{channel_id}/messages/{message_id}/reopen", ChangeMessage, MessageReply),
    Operation("take_secret", "POST", "channels/{channel_id}/messages/{message_id}/secret", OneMessage, SecretReply),
    Operation("list_questions", "GET", "questions", ListQuestions, QuestionsReply),
    Operation("finish_batch", "POST", "channels/{channel_id}/batches/{batch_id}/finish", FinishBatch, Done),
    Operation("list_approvals", "GET", "channels/{channel_id}/approvals", OneChannel, ApprovalsReply),
    Operation("revoke_approval", "DELETE", "channels/{channel_id}/approvals/{approval_id}", RevokeApproval, Done),
    Operation("read_audit", "GET", "channels/{channel_id}/audit", ReadAudit, AuditReply),
    Operation("create_intent", "POST", "channels/{channel_id}/intents", CreateIntent, IntentReply, 201),
    Operation("list_intents", "GET", "channels/{channel_id}/intents", ListIntents, IntentsReply),
    Operation("report", "POST", "channels/{channel_id}/report", Report, ControlReply),
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

    ``status`` takes ``{"text"}``; ``progress`` ``{"text", "done", "total", "ended"?}``; ``stream`` ``{"id", "text"}``, a
    message in the making, its whole text each time, until one with that ``client_id`` is posted. If its author's connection is
    lost for good, the hub posts what there is. ``presence`` comes from connections: what a client says of it
    (``{"state": "away"}``) goes along.
    """

    channel_id: Id
    kind: SignalKind
    data: dict[str, Any] = field(default_factory=dict)
    request_id: Id | None = None


class SendAnswer(Change, tag_field="type", tag="answer"):
    message_id: Id
    value: Any
    channel_id: Id | None = None
    saw: Digest | None = None
    via: Via | None = None
    request_id: Id | None = None


class Consume(Change, tag_field="type", tag="consume"):
    """The asker has taken its question's answer: asking with the same key now asks anew."""

    channel_id: Id
    message_id: Id
    request_id: Id | None = None


class SendReport(Report, tag_field="type", tag="report"):
    """An agent says of itself how its run stands: as `report`, in its place among what this connection sends."""

    request_id: Id | None = None


class Ping(Request, tag_field="type", tag="ping"):
    request_id: Id | None = None


ClientFrame = Union[SendMessage, Subscribe, Unsubscribe, Ack, SendSignal, SendAnswer, Consume, SendReport, Ping]

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
    """The reply to a frame that has no other. ``closing``: what a `Consume` took."""

    request_id: str | None = None
    closing: Closing | None = None


class Signal(Record, tag_field="type", tag="signal"):
    channel_id: str
    participant_id: str
    kind: SignalKind
    data: dict[str, Any]


class IntentFrame(Intent, tag_field="type", tag="intent"):
    """Somebody wants something of an agent. A connection that was away, or ``lagged``, asks for the `ListIntents` it missed."""


class ControlFrame(Control, tag_field="type", tag="control"):
    """An agent reported how its run stands, or was asked for something."""


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
    Connected,
    NewMessage,
    MessageUpdated,
    MessageDeleted,
    Sent,
    Subscribed,
    DoneFrame,
    Signal,
    IntentFrame,
    ControlFrame,
    Lagged,
    Reset,
    ErrorFrame,
    Pong,
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
