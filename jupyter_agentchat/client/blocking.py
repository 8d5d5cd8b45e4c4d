"""`Agent`: `AsyncAgent` for code that waits. Its work runs on a thread of its own, so a cell that blocks stops nothing."""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures
import inspect
import os
import sys
import threading
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec import UNSET

from ..errors import BlockingInLoop, ChatError, HubUnreachable
from ..notebook import stage
from ..protocol import Message, Outcome, Participant, QuestionState
from . import question as aio_question
from .aio import AsyncAgent
from .asking import prepare
from .records import History, Invite

if TYPE_CHECKING:
    from anyio.from_thread import BlockingPortal

    from ..notebook.panel import Panel

T = TypeVar("T")
TICK = 0.25
"""Seconds: a longer wait may not let an interrupt through on every platform."""
EXIT_GRACE = 2.0
"""Seconds that a script's exit waits for what was sent last."""


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
        """``answered``, ``default``, ``timed_out`` or ``withdrawn``; None while it is open."""
        return self._question.outcome

    @property
    def answer(self) -> Any:
        """The answer's value; None while there is none."""
        return self._question.answer

    @property
    def by(self) -> str | None:
        """The name of who closed it."""
        return self._question.by

    def wait(self, timeout: float | None = None) -> Any:
        """The answer's value, as soon as there is one. See `client.question.Question.wait`."""
        self._portal.call(self._question.closing, timeout)
        stage.closed(self._question.conversation)  # in the thread of the cell, not the portal's
        return self._portal.call(self._question.take)

    def withdraw(self) -> None:
        """Takes the question back: nobody can answer it any more. Does nothing if it is closed."""
        self._portal.call(self._question.take_back)
        stage.closed(self._question.conversation)

    def release(self) -> None:
        """Nobody here waits for the answer any more: who asks the same now takes this question up."""
        self._question.release()


class Agent:
    """An agent in its channel: it posts, listens and asks humans. The blocking twin of `AsyncAgent`; it connects at once.

    Every call can be interrupted. It is safe to use from several threads.

    Args:
        name: who it is in its notebook: the same name in the same notebook is the same agent. A key has a name already.
        url: the hub's root, ``http://host:port/`` or a Jupyter server's ``…/agentchat/``.
        key: the agent's API key (``au_…``) there.
        channel: a channel id, instead of the notebook's own channel (with a key: of the first one).

    Raises:
        ValueError: a url without a key, or the reverse.
        HubUnreachable: no hub answers, for 10 seconds.
        Unauthenticated: the hub refuses the key.
        BlockingInLoop: called inside a running event loop, like every method: use `AsyncAgent` there.
    """

    def __init__(
        self, name: str | None = None, *, url: str | None = None, key: str | None = None, channel: str | None = None
    ) -> None:
        refuse_in_loop()
        agent = self._agent = AsyncAgent(name, url=url, key=key, channel=channel)
        portal = self._portal = Portal()
        # An agent that a re-run cell replaces must not go on for ever; its thread does not know `self`, so it can end.
        self._end = weakref.finalize(self, portal.end, agent)
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
        return f"<Agent {self.state}>"

    @property
    def state(self) -> str:
        """The connection: ``connecting``, ``live``, ``retrying`` or ``closed``."""
        return self._agent.state

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

    def post(self, content: str, *, parent: Message | str | None = None) -> Message:
        """Posts a message and returns it as soon as it is durable. See `AsyncAgent.post`."""
        return self._call(partial(self._agent.post, content, parent=parent))

    def listen(self, after: int | None = None) -> Iterator[Message]:
        """The messages of others, as they come: ``for message in agent.listen()``. See `AsyncAgent.listen`."""
        return self._iterate(self._agent.listen(after))

    def history(self, limit: int | None = None) -> History:
        """All messages of the channel, or the last ``limit`` of them. See `AsyncAgent.history`."""
        return self._call(self._agent.history, limit)

    def ask(
        self,
        prompt: str,
        *,
        choices: Sequence[str] | None = None,
        key: str | None = None,
        timeout: float | None = None,
        default: Any = UNSET,
        to: str | Sequence[str] | None = None,
    ) -> Question:
        """Asks the humans of the channel and returns at once. See `AsyncAgent.ask`."""
        refuse_in_loop()
        # Here and not on the portal's thread: the cell that asks is known here, and its output belongs to this thread.
        asking = prepare(self._agent.asker(), prompt, choices=choices, key=key, timeout=timeout, default=default, to=to)
        question = self._call(self._agent.pose, asking)
        stage.asked(self._agent.conversation, question.message)
        return Question(self._portal, question)

    def await_human(
        self,
        prompt: str,
        *,
        choices: Sequence[str] | None = None,
        key: str | None = None,
        timeout: float | None = None,
        default: Any = UNSET,
        to: str | Sequence[str] | None = None,
    ) -> Any:
        """Asks, blocks until the answer is there, and returns its value. See `AsyncAgent.await_human`."""
        question = self.ask(prompt, choices=choices, key=key, timeout=timeout, default=default, to=to)
        try:
            return question.wait()
        finally:
            question.release()

    def panel(self) -> Panel:
        """The chat panel, an ipywidget: the last expression of a cell displays it."""
        from ..notebook.panel import Panel

        self._call(self._agent.page)
        return Panel(self._agent.conversation)

    def invite(self, name: str | None = None, expires_in: float = 7 * 86400.0, max_uses: int = 1) -> Invite:
        """A link that lets a human into this channel. See `AsyncAgent.invite`."""
        return self._call(self._agent.invite, name, expires_in, max_uses)

    def close(self) -> None:
        """Ends the connection. Open questions stay open."""
        self._portal.close(self._agent)
        self._end.detach()
        if hasattr(self, "_at_exit"):
            atexit.unregister(self._at_exit)

    def __enter__(self) -> Agent:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()

    def _call(self, function: Callable[..., Awaitable[T]], *args: Any) -> T:
        return self._portal.call(function, *args)

    def _iterate(self, messages: AsyncIterator[Message]) -> Iterator[Message]:
        async def following() -> Message | None:
            return await anext(messages, None)

        while (message := self._call(following)) is not None:
            yield message


class Portal:
    """One thread with an event loop. Calls into it can be interrupted."""

    def __init__(self) -> None:
        self._pid = os.getpid()
        self._started: concurrent.futures.Future[tuple[BlockingPortal, asyncio.AbstractEventLoop]] = concurrent.futures.Future()
        # A daemon: a script that never closes its agent must still be able to end.
        self._thread = threading.Thread(target=self._run, name="agentchat-agent", daemon=True)
        self._thread.start()
        self._portal, self._loop = self._started.result()

    def _run(self) -> None:
        from anyio.from_thread import BlockingPortal

        async def serve() -> None:
            async with BlockingPortal() as portal:
                self._started.set_result((portal, asyncio.get_running_loop()))
                await portal.sleep_until_stopped()

        asyncio.run(serve())

    def call(self, function: Callable[..., Awaitable[T]], *args: Any) -> T:
        """The result of the coroutine function, which is cancelled when this wait is interrupted.

        Raises:
            BlockingInLoop: called inside a running event loop.
            HubUnreachable: the agent was closed, or this process was forked off.
        """
        refuse_in_loop()
        if os.getpid() != self._pid:
            raise HubUnreachable("This agent was made before the process forked: make a new one here.")
        try:
            future = self._portal.start_task_soon(function, *args)
        except RuntimeError as error:
            raise HubUnreachable("This agent is closed: make a new one.") from error
        try:
            # Not result(timeout=…): it raises TimeoutError, which the call itself may raise too (NoAnswer is one).
            while not concurrent.futures.wait([future], timeout=TICK).done:
                pass
        except BaseException:
            future.cancel()
            raise
        return future.result()

    def end(self, agent: AsyncAgent) -> None:
        """Closes the agent and ends the thread, soon. From any thread, also from the garbage collector's."""

        async def ending() -> None:
            with suppress(ChatError):
                await agent.close()
            await self._portal.stop(cancel_remaining=True)

        if os.getpid() == self._pid:
            with suppress(RuntimeError):  # it has ended
                self._loop.call_soon_threadsafe(lambda: _ending.add(self._loop.create_task(ending())))

    def close(self, agent: AsyncAgent) -> None:
        """As `end`, and waits for it, `EXIT_GRACE` seconds at most."""
        self.end(agent)
        if os.getpid() == self._pid and threading.current_thread() is not self._thread:
            self._thread.join(EXIT_GRACE)


_ending: set[asyncio.Task[None]] = set()
"""A loop holds its tasks weakly; a portal that ends leaves its last one here."""


def _end_at_exit(reference: weakref.ref[Agent], pid: int) -> None:
    agent = reference()
    if agent is not None and os.getpid() == pid:
        agent.close()


def refuse_in_loop() -> None:
    """Raises BlockingInLoop where blocking would stop the caller's own event loop.

    In ipykernel every cell runs inside the kernel's loop. A plain cell or a widget's callback may block it, as any long
    computation does; a coroutine may not. So the caller's frames tell: is there a coroutine, up to where the kernel's begin?
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        module = str(frame.f_globals.get("__name__", ""))
        if module.partition(".")[0] in ("IPython", "ipykernel", "comm", "ipywidgets", "traitlets"):
            return
        if frame.f_code.co_flags & (inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR):
            break
        frame = frame.f_back
    raise BlockingInLoop(
        "Agent blocks, and an event loop runs here: it would stop. Use AsyncAgent, whose names are the same: "
        "`agent = AsyncAgent(…)`, `await agent.await_human(…)`."
    )
