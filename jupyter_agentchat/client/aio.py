"""`AsyncAgent`: the one implementation. `blocking.Agent` has the same names and waits for them."""

from __future__ import annotations

import logging
import warnings
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

from msgspec import UNSET

from ..errors import Forbidden, HubUnreachable, MessageTooLarge, OutboxFull
from ..notebook import stage
from ..protocol import (
    CreateInvite,
    Message,
    Participant,
    ReadMessages,
    SendMessage,
)
from . import find
from .asking import Asking, changed_here, prepare
from .conversation import State
from .draft import Draft, Stream
from .link import Link
from .listening import PAGE, After, follow
from .outbox import BYTES, MESSAGES, Outbox, WhenFull
from .question import Question, held_back
from .records import History, Invite
from .signals import Items, Pace, activity, each, length
from .waits import interruptible

if TYPE_CHECKING:
    from ..notebook.panel import Panel

T = TypeVar("T")
_log = logging.getLogger("jupyter_agentchat")


class AsyncAgent(Link):
    """An agent in its channel: it posts, listens and asks humans.

    It finds its hub by itself: ``url=`` and ``key=``, then ``AGENTCHAT_URL`` and ``AGENTCHAT_KEY``, then the Jupyter server
    that started this kernel, else an embedded hub. It connects at its first use, and again whenever the connection is lost;
    what it sent meanwhile is delivered then, once.

    Args:
        name: who it is in its notebook: the same name in the same notebook is the same agent. A key has a name already.
        url: the hub's root, ``http://host:port/`` or a Jupyter server's ``…/agentchat/``.
        key: the agent's API key (``au_…``) there.
        channel: a channel id, instead of the notebook's own channel (with a key: of the first one).
        outbox_messages: how many messages may be sent and not confirmed by the hub yet.
        outbox_bytes: how many bytes they may have together, as sent.
        when_full: past either limit `post` waits until there is room (``"wait"``), or raises OutboxFull (``"raise"``).

    Raises:
        ValueError: a url without a key, or the reverse; a limit that is none.
    """

    def __init__(
        self,
        name: str | None = None,
        *,
        url: str | None = None,
        key: str | None = None,
        channel: str | None = None,
        outbox_messages: int = MESSAGES,
        outbox_bytes: int = BYTES,
        when_full: WhenFull = "wait",
    ) -> None:
        super().__init__(find.find(name, url, key, channel), Outbox(outbox_messages, outbox_bytes, when_full))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.conversation.title()}>"

    @property
    def state(self) -> State:
        """The connection: ``connecting``, ``live``, ``retrying`` or ``closed``."""
        return self.conversation.state

    def on_state(self, callback: Callable[[State], object]) -> Callable[[], None]:
        """Calls ``callback(state)`` at every change of `state`, on the agent's event loop: it must not block.

        Returns: a function that ends it.
        """
        watchers = self.conversation.watchers
        watchers.append(callback)

        def end() -> None:
            with suppress(ValueError):  # it was ended before
                watchers.remove(callback)

        return end

    @property
    def me(self) -> Participant:
        """Who this agent is. Raises: HubUnreachable before it is connected."""
        return self.conversation.me

    @property
    def channel_id(self) -> str:
        """Its channel (``ch_…``). Raises: HubUnreachable before it is connected."""
        return self.conversation.channel_id

    async def connect(self) -> None:
        """Connects now instead of at the first use. Nothing happens if it is connected.

        Raises:
            HubUnreachable: no hub answers, for 10 seconds.
            Unauthenticated: the hub refuses the key.
            ChannelNotFound: there is no such channel for this agent.
        """
        await interruptible(self._begin())

    @overload
    async def post(self, content: str, *, parent: Message | str | None = None, wait: Literal[True] = True) -> Message: ...

    @overload
    async def post(self, content: str, *, parent: Message | str | None = None, wait: bool) -> Message | None: ...

    async def post(self, content: str, *, parent: Message | str | None = None, wait: bool = True) -> Message | None:
        """Posts a message (Markdown, up to 1 MiB of UTF-8) and returns it as soon as it is durable.

        With ``wait=False`` it returns None as soon as the message is in the agent's outbox, in this process' memory: it is sent
        in its order, again after a lost connection, and is there once. `flush` waits until the hub has all of it; `close` and
        the interpreter's exit do for 2 seconds, and warn of what could not be delivered.

        Args:
            content: what to say.
            parent: the message, or its id, that this one answers.
            wait: whether to wait until it is durable.

        Raises:
            EmptyMessage, MessageTooLarge, InvalidRequest: the hub does not take it.
            OutboxFull: too much is unconfirmed, and the agent was made with ``when_full="raise"``.
        """
        if not isinstance(content, str):
            raise TypeError(f"content: a string is needed, not {type(content).__name__}.")
        parent_id = parent.id if isinstance(parent, Message) else parent
        if isinstance(parent, Message):
            self.conversation.merge(parent.lamport)
        frame = SendMessage("", content, parent_id=parent_id)
        if wait:
            return await self._say(frame)
        await self._say_later(frame)
        return None

    async def flush(self, timeout: float | None = None) -> bool:
        """Waits until the hub has confirmed all that was sent before: posts, and what listeners have handled.

        Args:
            timeout: seconds, at most.

        Returns: False if something is still unconfirmed.
        """
        self._acks.flush()
        return await self._connection.flush(timeout)

    def listen(self, after: After = None) -> AsyncIterator[Message]:
        """The messages of others, as they come: ``async for message in agent.listen()``. The agent's own are skipped.

        A message counts as handled when the loop asks for the next one, or by `ack`; the hub is told about ten times a second.
        One at which the loop is left (by ``break`` or an exception) is not handled, unless `ack` says so. With several
        listeners of one agent the hub is told the lowest of them.

        Args:
            after: a seq: first everything after it, then live, nothing twice. ``"acked"``: after what this agent has handled,
                also in an earlier process. None: from now on.
        """
        given: Any = after
        if given is not None and given != "acked" and (type(given) is not int or given < 0):
            raise ValueError(f'after: {after!r}; give a seq (a whole number), "acked", or None for from now on.')
        return follow(self, self._acks, after, self.conversation.log.last)

    async def ack(self, message: Message) -> None:
        """This message of `listen`, and what came before it, is handled: ``listen(after="acked")`` goes on after it."""
        self._acks.ack(message)

    async def nack(self, message: Message, delay: float = 5.0) -> None:
        """Puts the message back: `listen` gives it again after ``delay`` seconds, later ones meanwhile; after a crash
        ``listen(after="acked")`` begins with it. With several listeners of this agent, one of them gets it.

        Raises:
            ValueError: the delay is not 0 to 86,400 seconds.
            Overloaded: 1,000 messages are put back already.
        """
        self._acks.put_back(message, delay)

    async def history(self, limit: int | None = None) -> History:
        """All messages of the channel, or the last ``limit`` of them, in seq order, the agent's own too."""
        given: Any = limit
        if given is not None and (type(given) is not int or given < 1):
            raise ValueError(f"limit: {limit!r}; give a whole number from 1 on, or None for all.")
        await self.connect()
        found: list[Message] = []
        before = 2**53  # past every seq
        while limit is None or len(found) < limit:
            wanted = PAGE if limit is None else min(PAGE, limit - len(found))
            page = await self.read(ReadMessages(self.channel_id, before=before, limit=wanted))
            found[:0] = page.messages
            if not page.has_more or not page.messages:
                break
            before = page.messages[0].seq
        return History(found)

    async def ask(
        self,
        prompt: str,
        *,
        choices: Sequence[str] | None = None,
        key: str | None = None,
        timeout: float | None = None,
        default: Any = UNSET,
        to: str | Sequence[str] | None = None,
    ) -> Question:
        """Asks the humans of the channel and returns at once; in a notebook the panel comes up under the cell.

        Args:
            prompt: the question (Markdown).
            choices: 1 to 100 different answers to choose from; without them any text answers.
            key: the question's name in this notebook: asked again under it, an open question is taken up, and so is
                an answer that nobody took yet. Without one, the question's words are its name.
            timeout: seconds, kept by the hub, after which it closes: with ``default``, or without an answer.
            default: the answer when nobody gave one in time; in a headless run, at once, unless ``AGENTCHAT_ANSWERS`` has one.
            to: who may answer, by name; all humans if not given.

        Raises:
            TypeError, ValueError: an argument makes no sense. Nobody was asked.
            QuestionChanged: another question is open under this key.
            NoHuman: headless, without a default, and ``AGENTCHAT_ANSWERS`` does not answer it.
        """
        await self.connect()
        asking = prepare(self.asker(), prompt, choices=choices, key=key, timeout=timeout, default=default, to=to)
        question = await self.pose(asking)
        stage.asked(self.conversation, question.message)
        return question

    async def await_human(
        self,
        prompt: str,
        *,
        choices: Sequence[str] | None = None,
        key: str | None = None,
        timeout: float | None = None,
        default: Any = UNSET,
        to: str | Sequence[str] | None = None,
    ) -> Any:
        """Asks, waits, and returns the answer's value. See `ask`. Interrupted, it leaves the question open: run again, it
        is taken up.

        Raises:
            NoAnswer: nobody answered within ``timeout`` and there is no ``default``.
        """
        question = await self.ask(prompt, choices=choices, key=key, timeout=timeout, default=default, to=to)
        try:
            return await question.wait()
        finally:
            question.release()

    async def panel(self) -> Panel:
        """The chat panel, an ipywidget: the last expression of a cell displays it."""
        from ..notebook.panel import Panel

        await self.page()
        return Panel(self.conversation)

    async def invite(self, name: str | None = None, expires_in: float = 7 * 86400.0, max_uses: int = 1) -> Invite:
        """A link that lets a human into this channel, with a browser and nothing else.

        Args:
            name: how the guest is called; they say it themselves if not given.
            expires_in: seconds.
            max_uses: how many humans may join by it.
        """
        await self.connect()
        request = CreateInvite(self.channel_id, name=name, expires_in=expires_in, max_uses=max_uses)
        return Invite.of(await self.call("create_invite", request))

    async def status(self, text: str, *, done: float | None = None, total: float | None = None) -> None:
        """Says what the agent does now, and how far it is: shown, never stored. It does not wait; while the hub is away the
        last one is kept and told when it is back.

        Args:
            text: up to 500 characters.
            done, total: in the agent's own units; one may be unknown.
        """
        kind, said = activity(text, done, total)
        self._begin()
        self._connection.signals.say(kind, said)

    async def typing(self) -> None:
        """Shows that the agent writes something. It does not wait; while the hub is away nothing is shown."""
        self._begin()
        self._connection.signals.say("typing", {})

    async def track(self, items: Items[T], text: str = "working", total: float | None = None) -> AsyncIterator[T]:
        """The items, one by one, while humans see the progress: ``async for page in agent.track(pages, "scraping")``.

        Told ten times a second at most, and at the end. Nothing is printed.

        Args:
            items: iterable, also an asynchronous one.
            text: what is done with them.
            total: how many there are; ``len(items)`` where there is one.
        """
        total, done, pace = length(items, total), 0, Pace()
        try:
            async for item in each(items):
                if pace.due():
                    await self.status(text, done=done, total=total)
                yield item
                done += 1
        finally:
            await self.status(text, done=done, total=total)

    def stream(self, *, parent: Message | str | None = None) -> Stream:
        """A message in the making: ``async with agent.stream() as stream: await stream.write(token)``.

        Humans see it grow; at the end it is posted, once. If the block is left by an exception, what was said so far is posted
        and says that it was broken off (without waiting for the hub).

        Args:
            parent: the message, or its id, that this one answers.
        """
        return Stream(self, parent.id if isinstance(parent, Message) else parent)

    async def close(self) -> None:
        """Ends the connection, after 2 seconds at most for what is not confirmed yet. Open questions stay open.

        Warns:
            RuntimeWarning: some posts could not be delivered.
        """
        if lost := await self.end():
            warnings.warn(lost, RuntimeWarning, stacklevel=2)

    async def __aenter__(self) -> AsyncAgent:
        await self.connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    # ------------------------------------------------------------------------------------------ for blocking.Agent and Question

    def asker(self) -> str:
        """Who asks where: a question's key is unique within it."""
        return f"{self.me.id} {self.channel_id}"

    async def pose(self, asking: Asking) -> Question:
        """Sends the question; the hub may give an older one back. Shows nothing."""
        question = await held_back(self, asking) or Question(self, await self.put(asking), asking)
        if question.state == "open":
            await self.page()
        await self._reached(question.message.seq)
        self.conversation.watch(question)
        return question

    async def put(self, asking: Asking) -> Message:
        """The message that asks, sent and nothing else."""
        with changed_here(asking):
            frame = SendMessage("", asking.prompt, parent_id=asking.parent_id, parts=asking.parts, question=asking.ask)
            return await self._say(frame)

    async def page(self) -> None:
        """Makes sure that humans have a page to answer, where the notebook's front end cannot be it."""
        await self.connect()
        if self._way.needs_page and self.conversation.page_url is None:
            with suppress(Forbidden):  # the key of another hub may not let this agent invite
                self.conversation.page_url = str(await self.invite(max_uses=5))

    def show_draft(self, draft: Draft) -> None:
        """Lets who watches see the draft as it is now."""
        self._begin()
        self._connection.signals.say("stream", {"id": draft.id, "text": draft.shown()}, draft.id)

    async def finish_draft(self, draft: Draft, error: BaseException | None, parent_id: str | None) -> Message | None:
        """Posts the draft; one that an exception broke off without waiting for it."""
        self._connection.signals.forget(draft.id)
        frame = draft.frame(error, parent_id)
        if frame is None:
            return None
        if error is None:
            return await self._say(frame)
        try:
            await self._say_later(frame)
        except (OutboxFull, MessageTooLarge, HubUnreachable) as lost:
            _log.warning("What was said before %s is lost: %s", type(error).__name__, lost)  # the error itself matters more
        return None
