"""A question that was put to humans, and its answer."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from ..errors import AlreadyClosed, NoAnswer
from ..notebook import stage
from ..protocol import ChangeMessage, Closing, Consume, Message, Outcome, QuestionState
from .asking import Claim
from .waits import changed

if TYPE_CHECKING:
    from .aio import AsyncAgent
    from .conversation import Conversation


class Question:
    """What `AsyncAgent.ask` gives: wait for the answer, look at it, or take the question back."""

    def __init__(self, agent: AsyncAgent, message: Message, claim: Claim) -> None:
        assert message.question is not None
        self.message = message
        self.changed = asyncio.Event()
        self._agent = agent
        self._claim = claim
        self._asked = message.question
        self._taken = False

    def __repr__(self) -> str:
        return f"<Question {self.message.content!r}: {self.state}>"

    @property
    def conversation(self) -> Conversation:
        """What a panel shows of the agent that asked."""
        return self._agent.conversation

    @property
    def id(self) -> str:
        """The id of the message that asks (``msg_…``)."""
        return self.message.id

    @property
    def key(self) -> str:
        """Under which asking again takes this question up."""
        return self._asked.key

    @property
    def state(self) -> QuestionState:
        """``open``, or how it closed."""
        return self._asked.state

    @property
    def outcome(self) -> Outcome | None:
        """``answered``, ``default``, ``timed_out`` or ``withdrawn``; None while it is open."""
        return None if self._asked.state == "open" else self._asked.state

    @property
    def answer(self) -> Any:
        """The answer's value; None while there is none."""
        closing = self._asked.closing
        return None if closing is None or closing.value is UNSET else closing.value

    @property
    def by(self) -> str | None:
        """The name of who closed it."""
        return self._asked.closing.by_name if self._asked.closing else None

    async def wait(self, timeout: float | None = None) -> Any:
        """The answer's value, as soon as there is one.

        Args:
            timeout: seconds that this call waits at most; the question stays open past them.

        Raises:
            NoAnswer: it closed without an answer, or ``timeout`` ran out; ``outcome`` says which.
            HubUnreachable: the agent was closed.
        """
        await self.closing(timeout)
        stage.closed(self.conversation)
        return await self.take()

    async def withdraw(self) -> None:
        """Takes the question back: nobody can answer it any more. Does nothing if it is closed."""
        await self.take_back()
        stage.closed(self.conversation)

    # ------------------------------------------------------------------------------------------ for the agent

    async def take_back(self) -> None:
        """Withdraws without showing it."""
        if self.state == "open":
            try:
                reply = await self._agent.call("withdraw", ChangeMessage(self.message.channel_id, self.id))
                if reply.message.closes is not None:
                    self.close(reply.message.closes)
            except AlreadyClosed:
                await self.closing()

    def close(self, closing: Closing) -> None:
        """The hub says how the question ended."""
        self._asked.end(closing)
        self.changed.set()

    async def closing(self, timeout: float | None = None) -> Closing:
        """Waits until the question is closed; nothing is shown and nothing taken."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while self._asked.closing is None:
            if self.conversation.ended is not None:
                raise self.conversation.ended
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            if not await changed(self.changed, left) and self._asked.closing is None:
                raise NoAnswer(
                    f"No answer to {self.message.content!r} within {timeout} seconds. The question stays open.", outcome=None
                )
        return self._asked.closing

    async def take(self) -> Any:
        """Hands the result out: from now on the same key asks anew."""
        self.release()
        closing = self._asked.closing
        assert closing is not None
        if not self._taken:
            self._taken = True
            await self._agent.tell(Consume(self.message.channel_id, self.id))
        if closing.outcome in ("answered", "default"):
            return None if closing.value is UNSET else closing.value
        told = "timed out" if closing.outcome == "timed_out" else f"was {closing.outcome}"
        raise NoAnswer(f"The question {self.message.content!r} {told} without an answer.", outcome=closing.outcome)

    def release(self) -> None:
        """Nobody here waits for the answer any more: who asks the same now takes this question up."""
        self._claim.released = True
