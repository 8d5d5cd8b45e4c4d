"""A question that was put to humans, and its answer."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from ..errors import AlreadyClosed, AlreadyUsed, NoAnswer, NotFound
from ..notebook import stage
from ..protocol import ChangeMessage, Closing, Consume, Message, OneMessage, Outcome, QuestionState, Vote, new_id
from .asking import Asking, follow_up
from .secret import Secret
from .waits import changed

if TYPE_CHECKING:
    from .aio import AsyncAgent
    from .conversation import Conversation


_handing: dict[tuple[str, str], Question] = {}
"""Questions whose answer was on its way to its caller when that was interrupted, by asker and key.

Of the module, not the agent: a re-run cell makes a new Agent. Its second consuming is the first one again, so an interrupt
at that very moment loses nothing."""


class Question:
    """What `AsyncAgent.ask` gives: wait for the answer, look at it, or take the question back."""

    def __init__(self, agent: AsyncAgent, message: Message, asking: Asking, consuming: str | None = None) -> None:
        assert message.question is not None
        self.message = message
        self.changed = asyncio.Event()
        self._agent = agent
        self._asking = asking
        self._asked = message.question
        self._consuming = consuming or new_id("c")
        self._earlier: list[Message] = []
        self._fitting: tuple[Closing, Any, str | None] | None = None
        self._again = asyncio.Lock()
        self._taken = False
        self._passed_on = self._was_held = False

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
        """``answered``, ``escalated`` (answered by somebody to whom it was escalated), ``default``, ``timed_out`` or
        ``withdrawn``; None while it is open."""
        return None if self._asked.state == "open" else self._asked.state

    @property
    def answer(self) -> Any:
        """The answer's value, of the type that was asked for; None while there is none."""
        closing = self._asked.closing
        return None if closing is None else self._fit(closing)[0]

    @property
    def by(self) -> str | None:
        """The name of who closed it."""
        return self._asked.closing.by_name if self._asked.closing else None

    @property
    def votes(self) -> list[Vote]:
        """With a ``quorum``: the answers that were given so far."""
        return list(self._asked.votes or ())

    async def wait(self, timeout: float | None = None) -> Any:
        """The answer's value, as soon as there is one.

        Args:
            timeout: seconds that this call waits at most; the question stays open past them.

        Raises:
            NoAnswer: it closed without an answer, or ``timeout`` ran out; ``outcome`` says which.
            AlreadyUsed: another process of this agent took the answer before.
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
        """The hub says how the question ended, or that its answer was taken back."""
        self._asked.end(closing)
        self.changed.set()

    def update(self, message: Message) -> None:
        """The hub says what else changed: votes, reminders, who is asked. How it stands is told by closings alone."""
        if message.question is not None:
            message.question.state, message.question.closing = self._asked.state, self._asked.closing
            self.message, self._asked = message, message.question
            self.changed.set()

    async def closing(self, timeout: float | None = None) -> Closing:
        """Waits until the question is closed; nothing is shown and nothing taken. An answer that does not become the type that
        was asked for is asked again by itself."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            closing = self._asked.closing
            if closing is None:
                await self._change(timeout, deadline)
            elif (wrong := self._fit(closing)[1]) is None:
                return closing
            else:
                await self._ask_again(closing, wrong)

    async def take(self) -> Any:
        """Hands the result out, waiting for it: from now on the same key asks anew.

        Raises:
            NoAnswer: the question closed without one.
            AlreadyUsed: another process of the asker took it.
        """
        self.release()
        closing = await self.closing()
        while not self._taken and closing.value is not UNSET:
            try:
                self._taken = await self._consume()
                closing = await self.closing()
            except asyncio.CancelledError:
                self.hold_back()
                raise
        if closing.outcome in ("answered", "escalated", "default"):
            return self._fit(closing)[0]
        told = "timed out" if closing.outcome == "timed_out" else f"was {closing.outcome}"
        raise NoAnswer(f"The question {self.message.content!r} {told} without an answer.", outcome=closing.outcome)

    async def take_secret(self, known: Secret | None) -> Secret | None:
        """Hands the secret out; None if the hub does not have it any more, so that it must be asked for again."""
        self.release()
        closing = await self.closing()
        if closing.outcome in ("timed_out", "withdrawn"):
            return Secret(await self.take())  # raises
        place = OneMessage(self.message.channel_id, self.id)
        with suppress(NotFound):
            known = known if known is not None else Secret((await self._agent.call("take_secret", place)).value)
        with suppress(NotFound, AlreadyUsed):
            await self._agent.request(Consume(place.channel_id, place.message_id, client_id=self._consuming))
        return known

    def hold_back(self) -> None:
        """The answer may have been taken, and did not reach its caller: who asks the same next, in this process, gets it."""
        if self._asked.closing is not None and not self._passed_on:
            _handing[self._agent.asker(), self._asking.ask.key or ""] = self

    def asks(self, asking: Asking) -> bool:
        """Whether this is the same question. An approval never is: it is for one call."""
        mine = self._asking
        if mine.ask.approval is not None:
            return False
        return (mine.prompt, mine.ask.choices, mine.ask.schema) == (asking.prompt, asking.ask.choices, asking.ask.schema)

    async def once_more(self, agent: AsyncAgent, asking: Asking) -> Question:
        """The question for another call: what it consumes is what this one did."""
        self._passed_on = True
        try:
            reply = await agent.call("get_message", OneMessage(self.message.channel_id, self.id))
        except BaseException:  # interrupted once more, or the hub is away
            self._passed_on = False
            self.hold_back()
            raise
        question = Question(agent, reply.message, asking, self._consuming)
        question._earlier, question._was_held = self._earlier, True
        return question

    def put_back(self) -> None:
        """The call that was to hand on what an earlier, interrupted one had taken, was interrupted too."""
        if self._was_held:
            self.hold_back()

    def release(self) -> None:
        """Nobody here waits for the answer any more: who asks the same now takes this question up."""
        self._asking.claim.released = True

    # ------------------------------------------------------------------------------------------ inside

    async def _change(self, timeout: float | None, deadline: float | None) -> None:
        """Until something happened to the question."""
        if self.conversation.ended is not None:
            raise self.conversation.ended
        self.changed.clear()
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        if not await changed(self.changed, left) and self._asked.closing is None:
            raise NoAnswer(
                f"No answer to {self.message.content!r} within {timeout} seconds. The question stays open.", outcome=None
            )

    async def _consume(self) -> bool:
        """False if the answer was taken back before it could be taken."""
        try:
            done = await self._agent.request(Consume(self.message.channel_id, self.id, client_id=self._consuming))
            if done.closing is not None:
                # Not what we have seen: a human may have changed theirs between that and our taking it.
                self.close(done.closing)
            for earlier in self._earlier:
                await self._agent.tell(Consume(earlier.channel_id, earlier.id))
        except NotFound:
            self._asked.end(Closing(self.id, "reopened"))
            return False
        return True

    def _fit(self, closing: Closing) -> tuple[Any, str | None]:
        """The answer as the type that was asked for, and why it is none."""
        if self._fitting is None or self._fitting[0] is not closing:
            value, wrong = None, None
            if closing.value is not UNSET:
                try:
                    value = self._asking.reply.convert(closing.value)
                except ValueError as error:
                    wrong = str(error)
            self._fitting = closing, value, wrong
        return self._fitting[1:]

    async def _ask_again(self, closing: Closing, wrong: str) -> None:
        """The same, as a reply to the question, with what was wrong; the form begins with what was given."""
        async with self._again:
            if closing is not self._asked.closing:
                return  # another task that waits for this question did
            first = (self._earlier or [self.message])[0]
            further = follow_up(self._asking, len(self._earlier) + 2, first.id, closing.value, wrong)
            message = await self._agent.put(further)
            assert message.question is not None
            self._earlier.append(self.message)
            self.message, self._asked, self._consuming = message, message.question, new_id("c")
            self.conversation.watch(self)


async def held_back(agent: AsyncAgent, asking: Asking) -> Question | None:
    """The question under this key whose answer was on its way to its caller when that was interrupted, if it asks the same."""
    held = _handing.pop((agent.asker(), asking.ask.key or ""), None)
    return None if held is None or not held.asks(asking) else await held.once_more(agent, asking)
