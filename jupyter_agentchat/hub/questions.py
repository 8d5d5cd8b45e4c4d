"""What is asked: answering, handing on, putting off, taking back; secrets on their way to their asker; the audit trail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import commands as c
from .. import protocol as p
from ..errors import NotFound
from ..state import read
from .caller import Caller

if TYPE_CHECKING:
    from . import Hub


class Questions:
    """The hub's operations on questions."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def answer(self, caller: Caller, request: p.Answer) -> p.MessageReply:
        close = c.Close(caller.known.id, request.channel_id, request.message_id, p.new_id("msg"), request.value)
        posted = await self._hub.submit(close, request)
        return p.MessageReply(posted.message)

    async def withdraw(self, caller: Caller, request: p.ChangeMessage) -> p.MessageReply:
        withdraw = c.Withdraw(caller.known.id, request.channel_id, request.message_id, p.new_id("msg"))
        posted = await self._hub.submit(withdraw, request)
        return p.MessageReply(posted.message)

    async def consume(self, caller: Caller, request: p.ChangeMessage) -> p.Done:
        await self._hub.submit(c.ConsumeAnswer(caller.known.id, request.channel_id, request.message_id), request)
        return p.Done(ok=True)

    async def list_questions(self, caller: Caller, request: p.ListQuestions) -> p.QuestionsReply:
        who = caller.known
        return p.QuestionsReply(
            await self._hub.store.read(
                lambda db: read.open_questions(db, who.id, request.channel_id, all_of_them=who.owns_workspace)
            )
        )

    async def delegate(self, caller: Caller, request: p.Delegate) -> p.MessageReply:
        raise NotFound("not built yet")

    async def snooze(self, caller: Caller, request: p.Snooze) -> p.Done:
        raise NotFound("not built yet")

    async def reopen(self, caller: Caller, request: p.ChangeMessage) -> p.MessageReply:
        raise NotFound("not built yet")

    async def take_secret(self, caller: Caller, request: p.OneMessage) -> p.SecretReply:
        raise NotFound("not built yet")

    async def finish_batch(self, caller: Caller, request: p.FinishBatch) -> p.Done:
        raise NotFound("not built yet")

    async def list_approvals(self, caller: Caller, request: p.OneChannel) -> p.ApprovalsReply:
        raise NotFound("not built yet")

    async def revoke_approval(self, caller: Caller, request: p.RevokeApproval) -> p.Done:
        raise NotFound("not built yet")

    async def read_audit(self, caller: Caller, request: p.ReadAudit) -> p.AuditReply:
        raise NotFound("not built yet")
