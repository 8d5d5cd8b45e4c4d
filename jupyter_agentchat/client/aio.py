"""`AsyncAgent`: the one implementation. `blocking.Agent` has the same names and waits for them."""

from __future__ import annotations

import logging
import warnings
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

from msgspec import UNSET

from ..errors import AlreadyUsed, Forbidden, HubUnreachable, MessageTooLarge, OutboxFull
from ..notebook import stage
from ..notebook.parts import said
from ..protocol import (
    CreateInvite,
    Message,
    Participant,
    ReadMessages,
    SendMessage,
)
from . import find
from .approving import Decision, Guard, Request, Terms, deciding, given
from .asking import Asking, changed_here, prepare
from .batches import Plan, conduct
from .conversation import State
from .draft import Draft, Stream
from .link import Link
from .listening import PAGE, After, follow
from .outbox import BYTES, MESSAGES, Outbox, WhenFull
from .progress import Bars, begin, finish
from .question import Question, held_back
from .records import History, Invite
from .runs import Run, said_of
from .secret import Secret, prepare_secret
from .signals import Items, activity, each, length
from .speaking import Records
from .steps import Coming, awaited, handed_on, made
from .waits import interruptible

if TYPE_CHECKING:
    from ..notebook.panel import Panel

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])
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
        self._records: Records | None = None

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
    async def post(
        self, content: Any, *shown: Any, parent: Message | str | None = None, wait: Literal[True] = True
    ) -> Message: ...

    @overload
    async def post(self, content: Any, *shown: Any, parent: Message | str | None = None, wait: bool) -> Message | None: ...

    async def post(self, content: Any, *shown: Any, parent: Message | str | None = None, wait: bool = True) -> Message | None:
        """Posts a message (Markdown, up to 1 MiB of UTF-8) and returns it as soon as it is durable.

        With ``wait=False`` it returns None as soon as the message is in the agent's outbox, in this process' memory: it is sent
        in its order, again after a lost connection, and is there once. `flush` waits until the hub has all of it; `close` and
        the interpreter's exit do for 2 seconds, and warn of what could not be delivered.

        Args:
            content, shown: what to say and to show: texts are Markdown, all else is shown as `ask` shows it
                (``agent.post(df)``, ``agent.post(fig, "caption")``).
            parent: the message, or its id, that this one answers.
            wait: whether to wait until it is durable.

        Raises:
            EmptyMessage, MessageTooLarge, InvalidRequest: the hub does not take it.
            TypeError, ValueError, FileNotFoundError: a thing cannot be shown, or is too large.
            OutboxFull: too much is unconfirmed, and the agent was made with ``when_full="raise"``.
        """
        text, parts = said((content, *shown))
        return await self.say(text, parts, parent, wait=wait)

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
        choices: Any = None,
        multiple: bool = False,
        into: Any = None,
        initial: Any = UNSET,
        show: Any = None,
        key: str | None = None,
        timeout: float | timedelta | datetime | None = None,
        default: Any = UNSET,
        remind: float | timedelta | None = None,
        escalate: Any = None,
        to: str | Sequence[str] | None = None,
        quorum: int = 1,
    ) -> Question:
        """Asks the humans of the channel and returns at once; in a notebook the panel comes up under the cell.

        Args:
            prompt: the question (Markdown).
            choices: 1 to 100 different answers to choose from: strings, other objects with different ``str()``, an Enum, or a
                dict of label to object. The answer is the very object. Without them any text answers.
            multiple: several of the choices may be chosen; the answer is a list.
            into: the answer's type, asked for by a form: bool, int, float, str, date, datetime, time, an Enum, a Literal, a
                list of these, a dataclass, TypedDict, NamedTuple, msgspec Struct, pydantic model, or a JSON Schema (the answer
                is then plain JSON). What does not become the type is asked again by itself, with what was wrong.
            initial: what the form begins with, of that type or as JSON.
            show: what is shown beside the question, as it is now: one thing or a list. DataFrames, arrays, figures, images,
                what shows itself in a notebook, paths of files, diffs, dicts; other texts are Markdown.
            key: the question's name in this notebook: asked again under it, an open question is taken up, and so is
                an answer that nobody took yet. Without one, the question's words, its form and what is shown are its name.
            timeout: seconds (or a timedelta, or until a datetime), kept by the hub, after which it closes: with ``default``, or
                without an answer.
            default: the answer when nobody gave one in time; in a headless run, at once, unless ``AGENTCHAT_ANSWERS`` has one.
            remind: the humans are reminded every so many seconds.
            escalate: who is asked as well after so many seconds: ``[(300, "@lead")]``.
            to: who may answer, by name or role (``"@owner"``); all humans if not given.
            quorum: how many must give the same answer.

        Raises:
            TypeError, ValueError, FileNotFoundError: an argument makes no sense. Nobody was asked.
            InvalidRequest: somebody is asked who is not there, or more must agree than could. Nobody was asked.
            QuestionChanged: another question is open under this key.
            NoHuman: headless, without a default, and ``AGENTCHAT_ANSWERS`` does not answer it.
        """
        await self.connect()
        asking = prepare(
            self.asker(), prompt, choices=choices, multiple=multiple, into=into, initial=initial, show=show, key=key,
            timeout=timeout, default=default, remind=remind, escalate=escalate, to=to, quorum=quorum,
        )  # fmt: skip
        question = await self.pose(asking)
        stage.asked(self.conversation, question.message)
        return question

    async def await_human(
        self,
        prompt: str,
        *,
        choices: Any = None,
        multiple: bool = False,
        into: Any = None,
        initial: Any = UNSET,
        show: Any = None,
        key: str | None = None,
        timeout: float | timedelta | datetime | None = None,
        default: Any = UNSET,
        remind: float | timedelta | None = None,
        escalate: Any = None,
        to: str | Sequence[str] | None = None,
        quorum: int = 1,
    ) -> Any:
        """Asks, waits, and returns the answer's value. See `ask`. Interrupted, it leaves the question open: run again, it
        is taken up. An answer that another process of this agent took first is asked for anew.

        Raises:
            NoAnswer: nobody answered within ``timeout`` and there is no ``default``.
        """
        while True:
            question = await self.ask(
                prompt, choices=choices, multiple=multiple, into=into, initial=initial, show=show, key=key, timeout=timeout,
                default=default, remind=remind, escalate=escalate, to=to, quorum=quorum,
            )  # fmt: skip
            with suppress(AlreadyUsed):
                try:
                    return await question.wait()
                finally:
                    question.release()

    async def secret(
        self,
        prompt: str,
        *,
        key: str | None = None,
        timeout: float | timedelta | datetime | None = None,
        to: str | Sequence[str] | None = None,
    ) -> Secret:
        """Asks for a password, a token: typed masked, told to this agent alone, and kept nowhere: neither in the log nor in the
        hub's database, a transcript or an error. The hub holds it in memory until it is taken; when that was lost, because it
        was restarted in between, it is asked for again.

        Args:
            prompt, key, timeout, to: see `ask`.

        Returns: a `str` whose ``repr`` is masked.

        Raises:
            NoAnswer: nobody gave it within ``timeout``.
            NoHuman: headless, and ``AGENTCHAT_ANSWERS`` does not have it.
        """
        await self.connect()
        while True:
            asking, known = prepare_secret(self.asker(), prompt, key=key, timeout=timeout, to=to)
            question = await self.pose(asking)
            stage.asked(self.conversation, question.message)
            try:
                await question.closing()
                stage.closed(self.conversation)
                if (value := await question.take_secret(known)) is not None:
                    return value
            finally:
                question.release()

    async def approve(
        self,
        action: str,
        arguments: Mapping[str, Any] | None = None,
        *,
        editable: Sequence[str] = (),
        show: Any = None,
        prompt: str | None = None,
        key: str | None = None,
        timeout: float | timedelta | datetime | None = None,
        default: bool | Any = UNSET,
        remind: float | timedelta | None = None,
        escalate: Any = None,
        to: str | Sequence[str] | None = None,
        quorum: int = 1,
        always: bool = True,
    ) -> Decision:
        """Asks a human whether something may be done: ``if await agent.approve("Delete 3 files?", {"files": files}): …``.

        The decision is used once: of two processes that wait for the same one, the other asks anew. One that nobody took in
        time, or that was withdrawn, is no exception but a `Decision` that is false; its ``outcome`` says why.

        Args:
            action: what is to be done, in 1 to 200 characters. A standing approval is for the action of this name.
            arguments: what it is done with, by name, up to 100,000 characters as JSON: numbers, texts, lists, dates,
                dataclasses, pydantic models are shown as they are, tables and pictures too, anything else by its repr.
            editable: the names of those arguments that the human may change; they must have a JSON form.
            show, key, timeout, remind, escalate, to, quorum: see `ask`. Without a key, action and arguments are its name.
            prompt: the question (Markdown); the action, if not given.
            default: True or False: what is decided when nobody did in time; in a headless run, at once.
            always: whether the human may approve this action for good, in this notebook.

        Returns: a `Decision`, true if it was approved; with ``arguments``, what the human
            ``edited`` of them, and their ``comment``.

        Raises:
            TypeError, ValueError: an argument makes no sense, or is too large to show. Nobody was asked.
            NoHuman: headless, without a default, and ``AGENTCHAT_ANSWERS`` does not answer it.
        """
        terms = Terms(show, key, timeout, default, remind, escalate, to, quorum, always)
        request = Request.of(action, prompt, given(arguments, editable), terms)
        return await awaited(deciding(self, request), made)

    @overload
    def approves(self, function: F, /) -> F: ...

    @overload
    def approves(
        self,
        /,
        *,
        when: Callable[..., Any] | None = None,
        editable: Sequence[str] = (),
        to: str | Sequence[str] | None = None,
        prompt: str | Callable[..., str] | None = None,
        always: bool = True,
        timeout: float | timedelta | datetime | None = None,
        default: bool | Any = UNSET,
        remind: float | timedelta | None = None,
        escalate: Any = None,
        quorum: int = 1,
    ) -> Callable[[F], F]: ...

    def approves(
        self,
        function: Callable[..., Any] | None = None,
        /,
        *,
        when: Callable[..., Any] | None = None,
        editable: Sequence[str] = (),
        to: str | Sequence[str] | None = None,
        prompt: str | Callable[..., str] | None = None,
        always: bool = True,
        timeout: float | timedelta | datetime | None = None,
        default: bool | Any = UNSET,
        remind: float | timedelta | None = None,
        escalate: Any = None,
        quorum: int = 1,
    ) -> Any:
        """Each call of the function waits for a human's approval: ``@agent.approves(editable=["limit"])``.

        The human sees the final arguments, defaults included and ``self`` left out, and approves them (some of them changed),
        rejects them, or approves the function for good. What was approved runs, once: the very objects of the call, which must
        still be what they were when the human was asked (by their JSON, else their pickle, else their repr), and what the human
        edited in place of the others. Interrupted and called again with the same arguments, it takes up the same question.

        An AsyncAgent decorates coroutine functions, an Agent plain ones too. The function itself is at ``__wrapped__``.

        Args:
            when: says whether this call needs approval, by those of the function's arguments that it names (``lambda limit:
                limit > 10``); all do if not given.
            editable: the parameters that the human may change, by forms of their annotations (or, without one, of the value).
            prompt: the question, or a function that makes it, as ``when``.
            always: whether the human may approve the function for good, by its name; a lambda has none.
            to, timeout, default, remind, escalate, quorum: see `approve`.

        Raises:
            TypeError, ValueError: at decoration or at the call, before anybody is asked: what makes no sense.
            Rejected: at the call: a human rejected it; ``decision.comment`` says why.
            NoAnswer: at the call: nobody decided in time.
            ArgumentsChanged: at the call: they changed while the human decided. Nothing was run.
        """
        terms = Terms(None, None, timeout, default, remind, escalate, to, quorum, always)
        guard = Guard(when, editable, prompt, terms, None, lambda request: awaited(deciding(self, request), made))
        return guard if function is None else guard(function)

    def ask_each(
        self,
        items: Any,
        *,
        prompt: str | Callable[[Any], str] | None = None,
        choices: Any = None,
        multiple: bool = False,
        into: Any = None,
        initial: Any = UNSET,
        show: Callable[[Any], Any] | None = None,
        key: str | None = None,
        total: int | None = None,
        ahead: int = 50,
        undo: float = 3.0,
        timeout: float | timedelta | datetime | None = None,
        default: Any = UNSET,
        to: str | Sequence[str] | None = None,
    ) -> AsyncIterator[tuple[Any, Any]]:
        """Asks the same about many things, and gives ``(row, answer)`` as they come, in the order of the answers:
        ``async for row, label in agent.ask_each(frame, into=Label)``. Humans get one inbox of all of them.

        Left early (``break``, an interrupt, a restart of the kernel), it leaves its questions open; run again, it gives what
        was answered before without asking, and goes on. When all are answered it is over: run once more, it asks anew. A row is
        known by what it holds, so rows may be added meanwhile.

        Args:
            items: a DataFrame (a row is a Series), a list, a dict (a row is ``(key, value)``), or any other iterable.
            prompt: the question (Markdown), or a function that makes it of a row.
            choices, multiple, into, initial, timeout, default, to: see `ask`; the same for every row.
            show: makes of a row what is shown of it, as `ask` takes it; a small table of the row itself, if not given.
            key: the batch's name in this notebook; without one, what is asked about which items is its name (of an iterator:
                what is asked).
            total: how many there are, where ``items`` has no length.
            ahead: how many questions stand open at the same time, 1 to 1,000.
            undo: for so many seconds its human may take an answer back; then it is final, and given. 0 to 3,600.

        Returns: an iterator. The answer of a row that was not answered in time, or was withdrawn, is a `NoAnswer`, which is not
            raised: it does not touch the others. The next run asks about it again.

        Raises:
            TypeError, ValueError: an argument makes no sense.
            QuestionChanged: another question about a row is open under this key.
            NoHuman: headless, without a default, and ``AGENTCHAT_ANSWERS`` does not answer it.
        """
        plan = Plan.of(
            items, prompt=prompt, choices=choices, multiple=multiple, into=into, initial=initial, show=show, key=key,
            total=total, ahead=ahead, undo=undo, timeout=timeout, default=default, to=to,
        )  # fmt: skip
        return Coming(handed_on(conduct(self, plan), made), "ask_each")

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

    async def checkpoint(self, **values: Any) -> str | None:
        """Where a human's pause, stop or text takes effect: call it where the work may wait, in each step of a loop.

        While the agent is paused it waits, however long; an interrupt ends the wait, and what paused it holds on, to the end of
        the run. While nobody wants anything it costs next to nothing. Where several processes are the same agent, or several
        objects of one process, each obeys for itself.

        Args:
            values: how it stands, shown to the humans ten times a second at most: ``step=3, loss=0.2``. With ``step`` and
                ``total`` they see a bar.

        Returns: what a human sent to steer it, several texts as lines; None if nobody did.

        Raises:
            Stopped: a human stopped the agent; within `run` each further checkpoint raises it too.
        """
        steering = self.steering
        if steering.pace.due():
            steering.tell(said_of(steering.run, values))
        else:
            steering.later = values
        return await steering.attend() if steering.attention else None

    def run(self, name: str) -> Run:
        """A piece of work with a beginning and an end: ``async with agent.run("train"): …``.

        Humans see it start, how it stands (`checkpoint`), and how it ended: after how long, by which error, or who stopped it.
        An agent has one run at a time.

        Args:
            name: 1 to 200 characters.

        Raises:
            RuntimeError: on entering, while another run of this agent goes on.
        """
        return Run(self, name)

    @property
    def log(self) -> Records:
        """A handler for Python's `logging`: ``logging.getLogger("train").addHandler(agent.log)``.

        Records become the status line; those of level ERROR and above are posted with their traceback, a few a minute, the
        others are counted. It never blocks, and works from any thread.
        """
        if self._records is None:
            self._records = Records(self)
        return self._records

    @property
    def tqdm(self) -> Bars:
        """`tqdm.tqdm`'s twin whose bars the humans see: ``for page in agent.tqdm(pages, desc="scraping")``."""
        return Bars(self)

    async def typing(self) -> None:
        """Shows that the agent writes something. It does not wait; while the hub is away nothing is shown."""
        self._begin()
        self._connection.signals.say("typing", {})

    def track(self, items: Items[T], text: str = "working", total: float | None = None) -> AsyncIterator[T]:
        """The items, one by one, while humans see the progress: ``async for page in agent.track(pages, "scraping")``.

        Told ten times a second at most, and at the end. Nothing is printed.

        Args:
            items: iterable, also an asynchronous one.
            text: what is done with them.
            total: how many there are; ``len(items)`` where there is one.
        """
        total = length(items, total)
        activity(text, None, total)
        return Coming(self._tracked(items, text, total), "track")

    async def _tracked(self, items: Items[T], text: str, total: float | None) -> AsyncGenerator[T, None]:
        self._begin()
        count, complete = begin(self, text, total), False
        try:
            async for item in each(items):
                yield item
                count.done += 1
            complete = True
        finally:
            finish(self, count, text, total, complete)

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

    async def say(
        self, text: str, parts: list[dict[str, Any]] | None, parent: Message | str | None, *, wait: bool
    ) -> Message | None:
        """What `post` does with what was taken down already."""
        if isinstance(parent, Message):
            self.conversation.merge(parent.lamport)
        frame = SendMessage("", text, parent_id=parent.id if isinstance(parent, Message) else parent, parts=parts)
        if wait:
            return await self._say(frame)
        await self._say_later(frame)
        return None

    async def pose(self, asking: Asking) -> Question:
        """Sends the question; the hub may give an older one back. Shows nothing."""
        question = await held_back(self, asking) or Question(self, await self.put(asking), asking)
        try:
            if question.state == "open":
                await self.page()
            await self._reached(question.message.seq)
        except BaseException:
            question.put_back()
            raise
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
