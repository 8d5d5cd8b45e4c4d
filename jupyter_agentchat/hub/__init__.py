"""The hub: the service behind every door. Settles who asks, submits commands, reads the state, keeps deadlines."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from .. import commands as c
from .. import logs, metrics
from .. import protocol as p
from ..commands import HUB, AnyCommand, Appended, CredentialRevoked, Event, MembershipChanged, NewMember, Steered
from ..errors import ChannelNotFound, ChatError, Forbidden, RateLimited, Unauthenticated
from ..feed import Feed, Follower
from ..journal import Journal
from ..limits import Limits
from ..state import read
from ..state.store import Store
from .caller import Caller, Principal, hash_of
from .control import Control
from .conversations import Conversations
from .drafts import Drafts
from .intake import Intake
from .people import People, check_kernel
from .presence import Presence
from .questions import Questions
from .signals import Signals

__all__ = ["Caller", "Hub", "Principal", "check_kernel", "hash_of"]

log = logs.named(__name__)


COMMAND_BYTES = 4096


def _sender(caller: Caller) -> str:
    return caller.who.id if caller.who else f"address {caller.address}"


class Hub:
    """One workspace: ``await hub.call(operation, caller, request)``.

    Every operation of `protocol.OPERATIONS` is a method of it, of `People` or of `Conversations`.

    Args:
        kernel_key: the connection key of a kernel of this server (bytes), None for a kernel that it does not know.
        local_secret: what a process of the same user shows to become an agent here.
        workspace_owner_needed: in Jupyter, bootstrap needs a Jupyter user; alone it is open until there is an owner.
        limits: how much it takes; the defaults, if None.
    """

    def __init__(
        self,
        store: Store,
        journal: Journal,
        *,
        kernel_key: Callable[[str], bytes | None] = lambda kernel_id: None,
        local_secret: str | None = None,
        workspace_owner_needed: bool = False,
        limits: Limits | None = None,
    ) -> None:
        self.limits = limits or Limits()
        self.store = store
        self.journal = journal
        self.feed = Feed(store, page_bytes=self.limits.send_buffer_bytes // 2)
        self.signals = Signals(self.feed, store, self.limits.signals_per_second)
        self.presence = Presence(self.feed, store, self.signals, self.limits.presence_grace)
        self.drafts = Drafts(self)
        self.intake = Intake(self.limits.rate, self.limits.burst)
        self.epoch = ""
        self.kernel_key = kernel_key
        self.local_secret = local_secret
        self.workspace_owner_needed = workspace_owner_needed
        self.people = People(self)
        self.conversations = Conversations(self)
        self.questions = Questions(self)
        self.control = Control(self)
        self._operations: dict[str, Callable[[Caller, Any], Awaitable[Any]]] = {
            operation.name: next(
                getattr(part, operation.name)
                for part in (self, self.people, self.conversations, self.questions, self.control)
                if hasattr(part, operation.name)
            )
            for operation in p.OPERATIONS
        }
        self._deadline_moved = asyncio.Event()
        self._deadlines: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Raises: StoreUnavailable, NewerDatabase."""
        try:
            await self.journal.start(self._applied)
            epoch = await self.store.read(read.epoch)
            self.epoch = epoch or await self.journal.submit(c.Found(HUB, p.new_id("epoch")))
        except BaseException:
            await self.journal.close()
            self.store.close()
            raise
        await self.drafts.start()
        self._deadlines = asyncio.create_task(self._keep_deadlines(), name="agentchat-deadlines")

    async def close(self) -> None:
        """Lets what was accepted finish, then closes the store."""
        if self._deadlines:
            self._deadlines.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._deadlines
        self.presence.close()
        await self.drafts.close()
        await self.journal.close()
        self.store.close()

    async def submit(self, command: AnyCommand, request: p.Change) -> Any:
        """The outcome of what ``request`` asks for; what it was the first time, if its client_id was known."""
        if request.client_id is not None:
            command.client_id, command.window = request.client_id, self.limits.dedup_window
        return await self.journal.submit(command)

    async def call(self, operation: p.Operation, caller: Caller, request: Any) -> tuple[int, Any]:
        """(HTTP status, reply). Raises: ChatError."""
        self.check_known(operation, caller)
        who = caller.who
        if operation.method != "GET":
            self.take_in(caller)
        method = self._operations[operation.name]
        try:
            reply = await method(caller, request)
        except ChannelNotFound:
            if not (who and await self.let_owner_in(who, getattr(request, "channel_id", None))):
                raise
            reply = await method(caller, request)
        return reply if isinstance(reply, tuple) else (operation.status, reply)

    def check_known(self, operation: p.Operation, caller: Caller) -> None:
        """Raises: Unauthenticated where only who is known may call."""
        if caller.who is None and operation.who not in {"anyone", "bootstrapper"}:
            raise Unauthenticated("Say who you are: `Authorization: Bearer au_…`, an invite's session, or Jupyter's own login.")

    def take_in(self, caller: Caller) -> None:
        """Counts a command, or a signal, against its sender's rate; strangers count by address. Raises: RateLimited."""
        self.intake.take(_sender(caller))
        if caller.who and caller.who.participant.kind == "agent":
            self.presence.heard(caller.who.id)

    def weigh_in(self, caller: Caller, size: int) -> None:
        """What is long counts for more, before it is looked at: a command for each further 4 KiB. Raises: RateLimited."""
        if size > COMMAND_BYTES:
            self.intake.take(_sender(caller), size // COMMAND_BYTES)

    def check_connections(self, who: Principal) -> None:
        """Raises: RateLimited for one reader more than a participant may have."""
        if self.feed.connections_of(who.id) >= self.limits.connections:
            raise RateLimited(
                f"{who.participant.name} has {self.limits.connections:,} connections already: close one, or wait.",
                retry_after=1.0,
            )

    async def let_owner_in(self, who: Principal, channel_id: str | None) -> bool:
        """Who owns the workspace joins a channel by entering it. Whether that has happened now."""
        if not (channel_id and who.owns_workspace and await self.store.read(lambda db: read.channel_exists(db, channel_id))):
            return False
        member = NewMember(who.id, who.participant.kind, who.participant.name, "owner")
        await self.journal.submit(c.PutMember(HUB, channel_id, member))
        return True

    # ------------------------------------------------------------------ following

    async def follow(self, who: Principal, follower: Follower, channel_id: str, after: int | None) -> int:
        """Follows a channel from a cursor, from now if None. Returns: the log's last seq. Raises: ChannelNotFound."""
        while True:
            # Whoever is taken out between our look and our following would follow for ever: then we look again.
            removals = follower.removals
            try:
                last_seq = await self._last_seq(who, channel_id)
            except ChannelNotFound:
                if not await self.let_owner_in(who, channel_id):
                    raise
                last_seq = await self._last_seq(who, channel_id)
            if follower.removals == removals:
                break
        follower.follow(channel_id, last_seq if after is None else after, fresh=after is None or after >= last_seq)
        return last_seq

    async def _last_seq(self, who: Principal, channel_id: str) -> int:
        _, last_seq, _ = await self.store.read(lambda db: read.page(db, channel_id, who.id, after=2**62, before=None, limit=1))
        return last_seq

    async def follow_everywhere(self, who: Principal, follower: Follower) -> None:
        """Live events of every channel that the participant is in, also of those it joins later."""
        follower.everywhere = True
        while True:
            removals = follower.removals
            channels = await self.store.read(lambda db: read.channel_ids(db, who.id))
            if follower.removals == removals:
                break
        for channel_id, last_seq in channels:
            if not follower.follows(channel_id):
                follower.follow(channel_id, last_seq, fresh=True)

    async def signal(self, who: Principal, frame: p.SendSignal) -> None:
        """Raises: ChannelNotFound, Forbidden, InvalidRequest, MessageTooLarge."""
        await self.signals.send(who, frame)
        if who.participant.kind == "agent" and frame.kind in ("status", "progress"):
            self.presence.note(who.id, frame)

    # ------------------------------------------------------------------ what happens by itself

    def _applied(self, events: list[Event]) -> None:
        durable_at = time.perf_counter()
        self.feed.publish(events)
        for event in events:
            if isinstance(event, Appended):
                self._appended(event, durable_at)
            elif isinstance(event, CredentialRevoked):
                self.presence.revoked(event.credential_id)
            elif not isinstance(event, Steered):
                gone = isinstance(event, MembershipChanged) and not event.joined
                self.signals.reseated(event.channel_id, event.participant_id, gone=gone)
                if isinstance(event, MembershipChanged):
                    self.presence.reseated(event.channel_id, event.participant_id, gone=gone)

    def _appended(self, event: Appended, durable_at: float) -> None:
        if isinstance(event.frame, p.MessageDeleted):
            return
        message = event.frame.message
        asked = message.question
        if asked and (asked.deadline_at or asked.remind or asked.escalate):
            self.something_is_due()
        if isinstance(event.frame, p.NewMessage):
            self.signals.posted(message)
            self.drafts.posted(message)
            if event.arrived:
                metrics.POST_DURABLE.observe(durable_at - event.arrived)
            closing = message.closes
            if closing and closing.outcome == "reopened":
                self.something_is_due()
            elif closing and event.asked_at and closing.outcome in ("answered", "escalated") and closing.source is None:
                # Who answered before it was asked (a recorded decision) is no measure of how long humans take.
                metrics.QUESTION_ANSWERED.observe(p.seconds_of(message.created_at) - p.seconds_of(event.asked_at))

    def something_is_due(self) -> None:
        """Or may be sooner than what was due next."""
        self._deadline_moved.set()

    async def _keep_deadlines(self) -> None:
        """Proposes to do what is due; the state machine decides, by the journal's clock."""
        while True:
            self._deadline_moved.clear()
            longest = 30.0  # never for long: the wall clock may be set while we sleep
            following: str | None = None
            try:
                due, following = await self.store.read(partial(read.due, until=p.timestamp(self.journal.now())))
                for channel_id, message_id in due:
                    logs.log(log, logging.DEBUG, "due", channel_id=channel_id, message_id=message_id)
                expiring = [c.Expire(HUB, channel_id, message_id, p.new_id("msg")) for channel_id, message_id in due]
                # Together, so that they share the disk's waits.
                await asyncio.gather(*map(self.journal.submit, expiring))
            except ChatError as error:
                logs.log(log, logging.WARNING, "a deadline waits", code=error.code, reason=error.message)
                longest = 1.0
            seconds = longest if following is None else min(longest, max(0.01, p.seconds_of(following) - self.journal.now()))
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._deadline_moved.wait(), seconds)

    # ------------------------------------------------------------------ the workspace

    async def me(self, caller: Caller, request: p.Nothing) -> p.MeReply:
        return p.MeReply(caller.known.participant, self.epoch, p.PROTOCOL)

    async def status(self, caller: Caller, request: p.ReadStatus) -> p.StatusReply:
        who = caller.known
        agents = await self.store.read(lambda db: read.acquaintances(db, None if who.owns_workspace else who.id))
        open_counts = await self.store.read(lambda db: read.open_question_counts(db, None if who.owns_workspace else who.id))
        channels = await self.store.read(lambda db: read.channel_ids(db, who.id))
        mine = None if who.owns_workspace else {channel_id for channel_id, _ in channels}
        if request.channel_id is not None:
            members = (await self.conversations.list_members(caller, p.OneChannel(request.channel_id))).members
            seated = {member.participant_id for member in members}
            agents, mine = [agent for agent in agents if agent.id in seated], {request.channel_id}
        controls = await self.control.of_agents([agent.id for agent in agents], mine)
        shown = [
            p.AgentStatus(
                agent.id, agent.name, self.feed.connections_of(agent.id), open_counts.get(agent.id, 0),
                self.presence.is_online(agent.id), *self.presence.last_words(agent.id, mine), controls.get(agent.id),
                self.presence.seen_at(agent.id),
            )
            for agent in agents
            if agent.kind == "agent"
        ]  # fmt: skip
        from .. import __version__

        connections = self.feed.connections if who.owns_workspace else sum(agent.connections for agent in shown)
        return p.StatusReply(__version__, self.epoch, shown, connections, sum(agent.open_questions for agent in shown))

    async def list_participants(self, caller: Caller, request: p.Nothing) -> p.ParticipantsReply:
        who = caller.known
        return p.ParticipantsReply(
            await self.store.read(lambda db: read.acquaintances(db, None if who.owns_workspace else who.id))
        )

    def check_may_create(self, who: Principal, what: str) -> None:
        if who.participant.kind == "human" and not who.owns_workspace:
            raise Forbidden(f"A guest may not create {what}: ask who invited you.")
