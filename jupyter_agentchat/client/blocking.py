"""`Agent`: `AsyncAgent` for code that waits. Its work runs on a thread of its own, so a cell that blocks stops nothing."""

from __future__ import annotations

import atexit
import concurrent.futures
import logging
import os
import warnings
import weakref
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast, overload

from msgspec import UNSET

from ..errors import AlreadyUsed, ChatError
from ..notebook import stage
from ..notebook.parts import said
from ..protocol import Message, Outcome, Participant, QuestionState, Vote
from . import draft, runs
from . import question as aio_question
from .aio import AsyncAgent
from .approving import Decision, Guard, Request, Terms, deciding, given
from .asking import prepare
from .batches import Plan, conduct
from .conversation import State
from .listening import After
from .outbox import BYTES, MESSAGES, WhenFull
from .portal import Portal, refuse_in_loop
from .progress import Bars, tracked
from .records import History, Invite
from .runs import said_of
from .secret import Secret, prepare_secret
from .signals import activity, length
from .speaking import Records
from .steps import awaited, handed, waited

if TYPE_CHECKING:
    from ..notebook.panel import Panel

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])
Items = Iterable[T]
_log = logging.getLogger("jupyter_agentchat")


class Question:
    """What `Agent.ask` gives: wait for the answer, look at it, or take the question back."""

    def __init__(self, portal: Portal, question: aio_question.Question) -> None:
        self._portal = portal
        self._question = question

    def __repr__(self) -> str:
        return repr(self._question)

    @property
    def id(self) -> str:
        """The id of the message that asks (``msg_…``)."""
        return self._question.id

    @property
    def key(self) -> str:
        """Under which asking again takes this question up."""
        return self._question.key

    @property
    def state(self) -> QuestionState:
        """``open``, or how it closed."""
        return self._question.state

    @property
    def outcome(self) -> Outcome | None:
        """``answered``, ``escalated`` (answered by somebody to whom it was escalated), ``default``, ``timed_out`` or
        ``withdrawn``; None while it is open."""
        return self._question.outcome

    @property
    def answer(self) -> Any:
        """The answer's value, of the type that was asked for; None while there is none."""
        return self._question.answer

    @property
    def by(self) -> str | None:
        """The name of who closed it."""
        return self._question.by

    @property
    def votes(self) -> list[Vote]:
        """With a ``quorum``: the answers that were given so far."""
        return self._question.votes

    def wait(self, timeout: float | None = None) -> Any:
        """The answer's value, as soon as there is one.

        Args:
            timeout: seconds that this call waits at most; the question stays open past them.

        Raises:
            NoAnswer: it closed without an answer, or ``timeout`` ran out; ``outcome`` says which.
            AlreadyUsed: another process of this agent took the answer before.
            HubUnreachable: the agent was closed.
        """
        try:
            self._portal.call(self._question.closing, timeout)
            stage.closed(self._question.conversation)  # in the thread of the cell, not the portal's
        except BaseException:
            self._question.put_back()
            raise
        try:
            return self._portal.call(self._question.take)
        except ChatError:
            raise
        except BaseException:  # an interrupt, at the very moment that the answer came
            self._question.hold_back()
            raise

    def withdraw(self) -> None:
        """Takes the question back: nobody can answer it any more. Does nothing if it is closed."""
        self._portal.call(self._question.take_back)
        stage.closed(self._question.conversation)

    def release(self) -> None:
        """Nobody here waits for the answer any more: who asks the same now takes this question up."""
        self._question.release()


class Stream:
    """What `Agent.stream` gives: ``with agent.stream() as stream: stream.write(token)``."""

    def __init__(self, agent: Agent, parent_id: str | None) -> None:
        self._agent = agent
        self._parent_id = parent_id
        self._draft = draft.Draft()
        self._message: Message | None = None

    def __repr__(self) -> str:
        return repr(self._draft)

    @property
    def text(self) -> str:
        """All that was written so far."""
        return self._draft.text

    @property
    def message(self) -> Message | None:
        """The message that was posted at the end; None before, and if nothing was written or it was broken off."""
        return self._message

    def write(self, token: str) -> None:
        """Adds to the message. Who watches sees it grow, ten times a second at most. Never waits for the hub."""
        self._draft.add(token)
        if self._draft.pace.due():
            self._agent._show(self._draft)

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._message = self._agent._finish(self._draft, error, self._parent_id)


class Run:
    """What `Agent.run` gives: ``with agent.run("train") as run: …``."""

    def __init__(self, portal: Portal, run: runs.Run) -> None:
        self._portal = portal
        self._run = run

    def __repr__(self) -> str:
        return repr(self._run)

    @property
    def name(self) -> str:
        """As it was given."""
        return self._run.name

    def __enter__(self) -> Run:
        self._portal.call(self._run.__aenter__)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        # Not waited for: whatever broke the run off must not break this off too.
        self._run.soon(runs.Ending(kind, error, traceback))


class Agent:
    """An agent in its channel: it posts, listens and asks humans. The blocking twin of `AsyncAgent`; it connects at once.

    It finds its hub by itself: ``url=`` and ``key=``, then ``AGENTCHAT_URL`` and ``AGENTCHAT_KEY``, then the Jupyter server
    that started this kernel, else an embedded hub. When the connection is lost it makes a new one; what was sent meanwhile is
    delivered then, once. Every call can be interrupted. It is safe to use from several threads.

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
        HubUnreachable: no hub answers, for 10 seconds.
        Unauthenticated: the hub refuses the key.
        BlockingInLoop: called inside a running event loop, like every method: use `AsyncAgent` there.
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
        refuse_in_loop()
        agent = self._agent = AsyncAgent(
            name,
            url=url,
            key=key,
            channel=channel,
            outbox_messages=outbox_messages,
            outbox_bytes=outbox_bytes,
            when_full=when_full,
        )
        self._steering = agent.steering
        portal = self._portal = Portal()
        # An agent that a re-run cell replaces must not go on for ever; its thread does not know `self`, so it can end.
        self._end = weakref.finalize(self, _abandon, portal, agent)
        self._end.atexit = False
        try:
            self._call(agent.connect)
        except BaseException:
            self.close()
            raise
        # After connecting, because exit runs the last one first: an embedded hub of this process must outlive its agents.
        self._at_exit = partial(_end_at_exit, weakref.ref(self), os.getpid())
        atexit.register(self._at_exit)

    def __repr__(self) -> str:
        return f"<Agent {self._agent.conversation.title()}>"

    @property
    def state(self) -> State:
        return self._agent.state

    def on_state(self, callback: Callable[[State], object]) -> Callable[[], None]:
        return self._agent.on_state(callback)

    @property
    def me(self) -> Participant:
        """Who this agent is."""
        return self._agent.me

    @property
    def channel_id(self) -> str:
        """Its channel (``ch_…``)."""
        return self._agent.channel_id

    def connect(self) -> None:
        """An `Agent` is connected when it is made; this is for the names to be the same."""
        self._call(self._agent.connect)

    @overload
    def post(self, content: Any, *shown: Any, parent: Message | str | None = None, wait: Literal[True] = True) -> Message: ...

    @overload
    def post(self, content: Any, *shown: Any, parent: Message | str | None = None, wait: bool) -> Message | None: ...

    def post(self, content: Any, *shown: Any, parent: Message | str | None = None, wait: bool = True) -> Message | None:
        refuse_in_loop()
        text, parts = said((content, *shown))  # in the caller's thread: figures and frames are the caller's
        return self._call(partial(self._agent.say, text, parts, parent, wait=wait))

    def flush(self, timeout: float | None = None) -> bool:
        return self._call(self._agent.flush, timeout)

    def listen(self, after: After = None) -> Iterator[Message]:
        return self._iterate(self._agent.listen(after))

    def ack(self, message: Message) -> None:
        self._call(self._agent.ack, message)

    def nack(self, message: Message, delay: float = 5.0) -> None:
        self._call(self._agent.nack, message, delay)

    def history(self, limit: int | None = None) -> History:
        return self._call(self._agent.history, limit)

    def ask(
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
        refuse_in_loop()
        # Here and not on the portal's thread: the cell that asks is known here, and its output belongs to this thread.
        asking = prepare(
            self._agent.asker(), prompt, choices=choices, multiple=multiple, into=into, initial=initial, show=show, key=key,
            timeout=timeout, default=default, remind=remind, escalate=escalate, to=to, quorum=quorum,
        )  # fmt: skip
        question = self._call(self._agent.pose, asking)
        try:
            stage.asked(self._agent.conversation, question.message)
            return Question(self._portal, question)
        except BaseException:
            question.put_back()
            raise

    def await_human(
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
        while True:
            question = self.ask(
                prompt, choices=choices, multiple=multiple, into=into, initial=initial, show=show, key=key, timeout=timeout,
                default=default, remind=remind, escalate=escalate, to=to, quorum=quorum,
            )  # fmt: skip
            with suppress(AlreadyUsed):
                try:
                    return question.wait()
                finally:
                    question.release()

    def secret(
        self,
        prompt: str,
        *,
        key: str | None = None,
        timeout: float | timedelta | datetime | None = None,
        to: str | Sequence[str] | None = None,
    ) -> Secret:
        refuse_in_loop()
        agent = self._agent
        while True:
            asking, known = prepare_secret(agent.asker(), prompt, key=key, timeout=timeout, to=to)
            question = self._call(agent.pose, asking)
            stage.asked(agent.conversation, question.message)
            try:
                self._call(question.closing)
                stage.closed(agent.conversation)
                if (value := self._call(question.take_secret, known)) is not None:
                    return value
            finally:
                question.release()

    def approve(
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
        terms = Terms(show, key, timeout, default, remind, escalate, to, quorum, always)
        request = Request.of(action, prompt, given(arguments, editable), terms)
        return self._decide(request)

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
        terms = Terms(None, None, timeout, default, remind, escalate, to, quorum, always)
        agent, call = self._agent, self._portal.awaited
        guard = Guard(when, editable, prompt, terms, self._decide, lambda request: awaited(deciding(agent, request), call))
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
    ) -> Iterator[tuple[Any, Any]]:
        refuse_in_loop()
        plan = Plan.of(
            items, prompt=prompt, choices=choices, multiple=multiple, into=into, initial=initial, show=show, key=key,
            total=total, ahead=ahead, undo=undo, timeout=timeout, default=default, to=to,
        )  # fmt: skip
        return handed(conduct(self._agent, plan), self._call)

    def panel(self) -> Panel:
        from ..notebook.panel import Panel

        self._call(self._agent.page)
        return Panel(self._agent.conversation)

    def invite(self, name: str | None = None, expires_in: float = 7 * 86400.0, max_uses: int = 1) -> Invite:
        return self._call(self._agent.invite, name, expires_in, max_uses)

    def status(self, text: str, *, done: float | None = None, total: float | None = None) -> None:
        activity(text, done, total)  # what makes no sense is refused here, for nobody waits for the rest
        self._portal.soon(partial(self._agent.status, text, done=done, total=total))

    def checkpoint(self, **values: Any) -> str | None:
        # In a tight loop: nothing but two looks, until somebody wants something or it is time to tell again.
        steering = self._steering
        if not steering.attention and not steering.pace.due():
            steering.later = values
            return None
        refuse_in_loop()
        steering.later = None
        self._agent.soon(partial(steering.tell, said_of(steering.run, values)))
        return self._call(steering.attend) if steering.attention else None

    def run(self, name: str) -> Run:
        return Run(self._portal, self._agent.run(name))

    @property
    def log(self) -> Records:
        """A handler for Python's `logging`: ``logging.getLogger("train").addHandler(agent.log)``.

        Records become the status line; those of level ERROR and above are posted with their traceback, a few a minute, the
        others are counted. It never blocks, and works from any thread.
        """
        return self._agent.log

    @property
    def tqdm(self) -> Bars:
        """`tqdm.tqdm`'s twin whose bars the humans see: ``for page in agent.tqdm(pages, desc="scraping")``."""
        return self._agent.tqdm

    def typing(self) -> None:
        self._portal.soon(self._agent.typing)

    def track(self, items: Items[T], text: str = "working", total: float | None = None) -> Iterator[T]:
        total = length(items, total)
        activity(text, None, total)  # what makes no sense is refused here, before the first item
        return tracked(self._agent, items, text, total)

    def stream(self, *, parent: Message | str | None = None) -> Stream:
        return Stream(self, parent.id if isinstance(parent, Message) else parent)

    def close(self) -> None:
        lost = self._portal.close(self._agent)
        self._end.detach()
        if hasattr(self, "_at_exit"):
            atexit.unregister(self._at_exit)
        if lost:
            warnings.warn(lost, RuntimeWarning, stacklevel=2)

    def __enter__(self) -> Agent:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()

    def _call(self, function: Callable[..., Awaitable[T]], *args: Any) -> T:
        return self._portal.call(function, *args)

    def _decide(self, request: Request) -> Decision:
        refuse_in_loop()
        return waited(deciding(self._agent, request), self._call)

    def _iterate(self, messages: AsyncIterator[Message]) -> Iterator[Message]:
        async def following() -> Message | None:
            return await anext(messages, None)

        try:
            while (message := self._call(following)) is not None:
                yield message
        finally:
            # Not waited for: the collector may be what ends this, on any thread.
            self._portal.soon(cast("AsyncGenerator[Message, None]", messages).aclose)

    def _show(self, written: draft.Draft) -> None:
        self._portal.soon(partial(_shown, self._agent, written))

    def _finish(self, written: draft.Draft, error: BaseException | None, parent_id: str | None) -> Message | None:
        return self._call(self._agent.finish_draft, written, error, parent_id)


async def _shown(agent: AsyncAgent, written: draft.Draft) -> None:
    agent.show_draft(written)


def _documented() -> None:
    """What a name does is written once, at `AsyncAgent`; here without its awaiting."""
    for name, member in vars(Agent).items():
        if not name.startswith("_") and member.__doc__ is None:
            told: str = getattr(AsyncAgent, name).__doc__
            member.__doc__ = told.replace("async for", "for").replace("async with", "with").replace("await ", "")


_documented()


def _abandon(portal: Portal, agent: AsyncAgent) -> None:
    def tell(ended: concurrent.futures.Future[str]) -> None:
        if ended.result():
            _log.warning("%s", ended.result())

    portal.end(agent).add_done_callback(tell)


def _end_at_exit(reference: weakref.ref[Agent], pid: int) -> None:
    agent = reference()
    if agent is not None and os.getpid() == pid:
        agent.close()
