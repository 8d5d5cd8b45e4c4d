"""What is asked: answering, handing on, putting off, taking back; secrets on their way to their asker; the audit trail."""

from __future__ import annotations

import sqlite3
import time
from typing import TYPE_CHECKING

from .. import commands as c
from .. import protocol as p
from .. import questions
from ..errors import AlreadyUsed, NotFound
from ..state import approvals, audit, read
from .caller import Caller
from .secrets import Secrets

if TYPE_CHECKING:
    from . import Hub


class Questions:
    """The hub's operations on questions."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._secrets = Secrets()

    async def answer(self, caller: Caller, request: p.Answer) -> p.MessageReply:
        """The closing; the question itself, with its votes, where more people must agree."""
        who, closing_id = caller.known, p.new_id("msg")
        kind, asker_id, _ = await self._question(caller, request)
        # No secret's value gets into a command, not even one that is refused; so neither does what answers an unknown question.
        kept = None if kind in (None, "secret") else request.value
        close = c.Close(
            who.id, request.channel_id, request.message_id, closing_id, kept, request.saw, caller.origin(request.via)
        )
        if kind == "secret":
            # Before it is closed, for its asker is told at once; taken away again if it is closed otherwise.
            self._secrets.hold(closing_id, questions.check_secret(request.value), asker_id or "")
        closed_here = False
        try:
            posted = await self._hub.submit(close, request)
            closed_here = posted.message.id == closing_id
        finally:
            if not closed_here:
                self._secrets.take(closing_id)
        return p.MessageReply(posted.message)

    async def _question(
        self, caller: Caller, request: p.Answer | p.ChangeMessage | p.OneMessage
    ) -> tuple[p.AskKind | None, str | None, str | None]:
        """See `read.question`."""
        who = caller.known
        return await self._hub.store.read(lambda db: read.question(db, request.channel_id, request.message_id, who.id))

    async def withdraw(self, caller: Caller, request: p.ChangeMessage) -> p.MessageReply:
        withdraw = c.Withdraw(caller.known.id, request.channel_id, request.message_id, p.new_id("msg"), caller.origin())
        posted = await self._hub.submit(withdraw, request)
        return p.MessageReply(posted.message)

    async def reopen(self, caller: Caller, request: p.ChangeMessage) -> p.MessageReply:
        reopen = c.Reopen(caller.known.id, request.channel_id, request.message_id, p.new_id("msg"), caller.origin())
        kind, _, closing_id = await self._question(caller, request)
        if kind == "secret" and closing_id and closing_id not in self._secrets:
            raise AlreadyUsed("Its asker was told this secret already: change it where it opens something.")
        posted = await self._hub.submit(reopen, request)
        self._secrets.take(closing_id)
        return p.MessageReply(posted.message)

    async def consume(self, caller: Caller, request: p.ChangeMessage) -> p.ConsumedReply:
        consume = c.ConsumeAnswer(caller.known.id, request.channel_id, request.message_id)
        return p.ConsumedReply(ok=True, closing=await self._hub.submit(consume, request))

    async def delegate(self, caller: Caller, request: p.Delegate) -> p.MessageReply:
        hand_on = c.HandOn(caller.known.id, request.channel_id, request.message_id, request.to, caller.origin(request.via))
        posted = await self._hub.submit(hand_on, request)
        return p.MessageReply(posted.message)

    async def snooze(self, caller: Caller, request: p.Snooze) -> p.Done:
        put_off = c.PutOff(caller.known.id, request.channel_id, request.message_id, request.seconds)
        await self._hub.submit(put_off, request)
        return p.Done(ok=True)

    async def take_secret(self, caller: Caller, request: p.OneMessage) -> p.SecretReply:
        """Once, and by the asker only."""
        _, asker_id, closing_id = await self._question(caller, request)
        value = self._secrets.take(closing_id) if asker_id == caller.known.id else None
        if value is None:
            raise NotFound(
                f"No secret of yours is held for {request.message_id}: it was taken, is older than an hour, or was lost with a"
                " restart. Ask for it again."
            )
        return p.SecretReply(value)

    async def list_questions(self, caller: Caller, request: p.ListQuestions) -> p.QuestionsReply:
        who, now = caller.known, p.timestamp(time.time())

        def found(db: sqlite3.Connection) -> p.QuestionsReply:
            questions, without, more = read.open_questions(
                db, who.participant, request.channel_id, all_of_them=who.owns_workspace
            )
            return p.QuestionsReply(questions, read.snoozed(db, who.id, now), without, more)

        return await self._hub.store.read(found)

    async def finish_batch(self, caller: Caller, request: p.FinishBatch) -> p.Done:
        await self._hub.submit(c.EndBatch(caller.known.id, request.channel_id, request.batch_id), request)
        return p.Done(ok=True)

    async def list_approvals(self, caller: Caller, request: p.OneChannel) -> p.ApprovalsReply:
        who = caller.known
        return p.ApprovalsReply(await self._hub.store.read(lambda db: approvals.of_channel(db, request.channel_id, who.id)))

    async def revoke_approval(self, caller: Caller, request: p.RevokeApproval) -> p.Done:
        revoke = c.RevokeStanding(caller.known.id, request.channel_id, request.approval_id, caller.origin())
        await self._hub.submit(revoke, request)
        return p.Done(ok=True)

    async def read_audit(self, caller: Caller, request: p.ReadAudit) -> p.AuditReply:
        who = caller.known
        entries, has_more = await self._hub.store.read(
            lambda db: audit.page(
                db, request.channel_id, who.id, owns_workspace=who.owns_workspace, message_id=request.message_id,
                before=request.before, limit=request.limit,
            )
        )  # fmt: skip
        return p.AuditReply(entries, has_more)
