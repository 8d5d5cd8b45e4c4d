"""The control plane: what humans want of agents (intents), and what agents report of their runs. It carries no messages."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from .. import commands as c
from .. import protocol as p
from ..commands import Intended
from ..state import control
from .caller import Caller

if TYPE_CHECKING:
    from . import Hub


class Control:
    """The hub's operations on agents that can be steered.

    Whoever follows a channel over a WebSocket is told at once (frames `intent` and `control`). An event stream and a long-poll
    carry the log alone: who reads those asks `list_intents`.
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def create_intent(self, caller: Caller, request: p.CreateIntent) -> tuple[int, p.IntentReply]:
        intend = c.Intend(
            caller.known.id, request.channel_id, p.new_id("int"), request.agent_id, request.kind, request.text,
            caller.origin(request.via),
        )  # fmt: skip
        intended: Intended = await self._hub.submit(intend, request)
        return (201 if intended.created else 200), p.IntentReply(intended.intent)

    async def list_intents(self, caller: Caller, request: p.ListIntents) -> p.IntentsReply:
        query = partial(
            control.intents_for, reader_id=caller.known.id, channel_id=request.channel_id, agent_id=request.agent_id,
            after=request.after, pending=request.pending, limit=request.limit,
        )  # fmt: skip
        return p.IntentsReply(await self._hub.store.read(query))

    async def report(self, caller: Caller, request: p.Report) -> p.ControlReply:
        report = c.ReportRun(caller.known.id, request.channel_id, request.state, request.run, request.acknowledged)
        told: p.Control = await self._hub.submit(report, request)
        return p.ControlReply(told)

    async def of_agents(self, agent_ids: list[str], channel_ids: set[str] | None) -> dict[str, p.Control]:
        """What `status` tells: of each agent in these channels (None: in any) where it was steered, or reported, last."""
        found = await self._hub.store.read(partial(control.newest, channel_ids=channel_ids))
        return {agent_id: found[agent_id] for agent_id in agent_ids if agent_id in found}
