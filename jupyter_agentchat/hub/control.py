"""The control plane: what humans want of agents (intents), and what agents report of their runs. It carries no messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import protocol as p
from ..errors import NotFound
from .caller import Caller

if TYPE_CHECKING:
    from . import Hub


class Control:
    """The hub's operations on agents that can be steered."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def create_intent(self, caller: Caller, request: p.CreateIntent) -> p.IntentReply:
        raise NotFound("not built yet")

    async def list_intents(self, caller: Caller, request: p.ListIntents) -> p.IntentsReply:
        raise NotFound("not built yet")

    async def report(self, caller: Caller, request: p.Report) -> p.ControlReply:
        raise NotFound("not built yet")
