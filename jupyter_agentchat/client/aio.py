"""`AsyncAgent`: the one implementation. `blocking.Agent` has the same names and waits for them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET

from ..errors import Forbidden, HubUnreachable
from ..notebook import stage
from ..protocol import (
    ClientFrame,
    Consume,
    CreateInvite,
    Message,
    Participant,
    ReadMessages,
    SendMessage,
    Sent,
    new_id,
)
from . import find
from .asking import Asking, prepare
from .connection import Connection, changed, interruptible
from .conversation import Conversation
from .question import Question
from .records import History, Invite
from .rest import Rest

if TYPE_CHECKING:
    from ..notebook.panel import Panel

PAGE = 1000
TRIES = 5


class AsyncAgent:
    """An agent in its channel: it posts, listens and asks humans.

    It finds its hub by itself: ``url=`` and ``key=``, then ``AGENTCHAT_URL`` and ``AGENTCHAT_KEY``, then the Jupyter server
    that started this kernel, else an embedded hub. It connects at its first use, and again whenever the connection is lost;
    what it sent meanwhile is delivered then, once.

    Args:
        name: who it is in its notebook: the same name in the same notebook is the same agent. A key has a name already.
        url: the hub's root, ``http://host:port/`` or a Jupyter server's ``…/agentchat/``.
        key: the agent's API key (``au_…``) there.
        channel: a channel id, instead of the notebook's own channel (with a key: of the first one).

    Raises:
        ValueError: a url without a key, or the reverse.
    """

    def __init__(
        self, name: str | None = None, *, url: str | None = None, key: str | None = None, channel: str | None = None
    ) -> None:
        self.conversation = Conversation()
        self._way = find.find(name, url, key, channel)
        self._connection = Connection(self._way, self.conversation)
        self._connecting: asyncio.Task[None] | None = None
        self._rest: Rest | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.state}>"

    @property
    def state(self) -> str:
        """The connection: ``connecting``, ``live``, ``retrying`` or ``closed``."""
        return self.conversation.state

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
        if self._connecting is None:
            self._connecting = asyncio.ensure_future(self._connection.open())
        await interruptible(self._connecting)

    async def post(self, content: str, *, parent: Message | str | None = None) -> Message:
        """Posts a message (Markdown, up to 1 MiB of UTF-8) and returns it as soon as it is durable.

        Args:
            content: what to say.
            parent: the message, or its id, that this one answers.

        Raises:
            EmptyMessage, MessageTooLarge, InvalidRequest: the hub does not take it.
        """
        if not isinstance(content, str):
            raise TypeError(f"content: a string is needed, not {type(content).__name__}.")
        parent_id = parent.id if isinstance(parent, Message) else parent
        return await self._say(SendMessage("", content, parent_id=parent_id))

    def listen(self, after: int | None = None) -> AsyncIterator[Message]:
        """The messages of others, as they come: ``async for message in agent.listen()``. The agent's own are skipped.

        Args:
            after: a seq: first everything after it, then live, nothing twice. None: from now on.
        """
        return self._follow(self.conversation.log.last if after is None else after)

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
            page = await self.call("read_messages", ReadMessages(self.channel_id, before=before, limit=wanted))
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
            default: the answer when nobody gave one in time.
            to: who may answer, by name; all humans if not given.

        Raises:
            TypeError, ValueError: an argument makes no sense. Nobody was asked.
            QuestionChanged: another question is open under this key.
            NoHuman: headless, and ``AGENTCHAT_ANSWERS`` does not answer it.
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

    async def close(self) -> None:
        """Ends the connection. Open questions stay open."""
        await self._connection.close()
        if self._rest is not None:
            await self._rest.close()

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
        message = await self._say(SendMessage("", asking.prompt, question=asking.ask))
        question = Question(self, message, asking.claim)
        if question.state == "open":
            await self.page()
        await self._reached(message.seq)
        self.conversation.watch(question)
        return question

    async def page(self) -> None:
        """Makes sure that humans have a page to answer, where the notebook's front end cannot be it."""
        await self.connect()
        if self._way.needs_page and self.conversation.page_url is None:
            with suppress(Forbidden):  # the key of another hub may not let this agent invite
                self.conversation.page_url = str(await self.invite(max_uses=5))

    async def call(self, name: str, request: msgspec.Struct) -> Any:
        """An HTTP call to the hub; it outlives a short absence of the hub."""
        for left in reversed(range(TRIES)):
            try:
                hub = await self._hub()
                return await interruptible(asyncio.ensure_future(hub.call(name, request)))
            except HubUnreachable:
                if left == 0 or self.conversation.ended is not None:
                    raise
                await asyncio.sleep(0.2 * 2 ** (TRIES - left))
        raise AssertionError("unreachable")

    async def tell(self, frame: Consume) -> None:
        """Sends the frame without waiting for its reply."""
        await self._connection.post(frame)

    # ------------------------------------------------------------------------------------------ inside

    async def _hub(self) -> Rest:
        place, old = self.conversation.place, self._rest
        if old is None or (old.url, old.key) != (place.url, place.key):
            self._rest = Rest(place.url, place.key)
            if old is not None:
                await old.close()
        assert self._rest is not None
        return self._rest

    async def _say(self, frame: SendMessage) -> Message:
        await self.connect()
        frame.channel_id, frame.client_id, frame.lamport = self.channel_id, new_id("c"), self.conversation.tick()
        sent: Sent = await self._request(frame)
        if sent.message is not None:
            return sent.message
        if (echo := self.conversation.log.get(sent.message_id)) is not None:
            return echo
        me = self.me
        return Message(
            sent.message_id, frame.channel_id, sent.seq, me.id, me.name, me.kind, frame.content, sent.created_at or "",
            client_id=frame.client_id, parent_id=frame.parent_id, lamport=frame.lamport,
        )  # fmt: skip

    async def _request(self, frame: ClientFrame) -> Any:
        return await self._connection.request(frame)

    async def _follow(self, cursor: int | None) -> AsyncIterator[Message]:
        await self.connect()
        log, me = self.conversation.log, self.me
        cursor = (log.last or 0) if cursor is None else cursor
        restarts = log.restarts
        while True:
            event = log.changed  # taken before the read
            if log.restarts != restarts:
                restarts, cursor = log.restarts, 0
            messages = log.after(cursor)
            if messages is None:
                page = await self.call("read_messages", ReadMessages(self.channel_id, after=cursor, limit=PAGE))
                messages = page.messages
                if not messages:
                    cursor = log.base or 0
                    continue
            for message in messages:
                cursor = message.seq
                if message.author_id != me.id:
                    yield message
            if not messages:
                if self.conversation.ended is not None:
                    return
                await changed(event)

    async def _reached(self, seq: int) -> None:
        """Until the live log has come to this seq, so that a transcript holds what was said before. At most a second."""
        log = self.conversation.log
        while True:
            event = log.changed
            if (log.last or 0) >= seq or not await changed(event, 1.0):
                return
