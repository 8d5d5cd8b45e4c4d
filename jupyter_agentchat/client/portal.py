"""The thread that a blocking agent's work runs on, so that a cell that blocks stops nothing."""

from __future__ import annotations

import asyncio
import concurrent.futures
import inspect
import os
import sys
import threading
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from types import FrameType
from typing import TYPE_CHECKING, Any, TypeVar

from ..errors import BlockingInLoop, ChatError, HubUnreachable
from .aio import AsyncAgent
from .link import CLOSE_GRACE
from .waits import interruptible

if TYPE_CHECKING:
    from anyio.from_thread import BlockingPortal

T = TypeVar("T")
TICK = 0.25
"""Seconds: a longer wait may not let an interrupt through on every platform."""
EXIT_GRACE = CLOSE_GRACE + 2.0
"""Seconds that `close`, and a script's exit, wait for the agent's thread."""


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
        refused = future.exception()
        if isinstance(refused, ChatError):
            # Without the frames of the agent's thread, nor those of its HTTP library.
            raise refused.with_traceback(None) from None
        return future.result()

    async def awaited(self, function: Callable[[], Awaitable[T]]) -> T:
        """As `call`, for who waits in an event loop of their own."""
        if os.getpid() != self._pid:
            raise HubUnreachable("This agent was made before the process forked: make a new one here.")
        try:
            future = self._portal.start_task_soon(function)
        except RuntimeError as error:
            raise HubUnreachable("This agent is closed: make a new one.") from error
        try:
            return await interruptible(asyncio.wrap_future(future))
        except BaseException:
            future.cancel()
            raise

    def soon(self, function: Callable[[], Awaitable[Any]]) -> None:
        """Runs the coroutine function, and does not wait for it. Nothing happens if the agent was closed. From any thread."""

        async def running() -> None:
            with suppress(ChatError, RuntimeError):  # closed meanwhile; a generator that an interrupt is ending already
                await function()

        self._start(running)

    def end(self, agent: AsyncAgent) -> concurrent.futures.Future[str]:
        """Closes the agent and ends the thread, soon. From any thread, also from the garbage collector's.

        Returns: what could not be delivered, as a sentence.
        """
        ended: concurrent.futures.Future[str] = concurrent.futures.Future()

        async def ending() -> None:
            lost = ""
            with suppress(ChatError):
                lost = await agent.end()
            ended.set_result(lost)
            await self._portal.stop(cancel_remaining=True)

        self._start(ending)
        return ended

    def close(self, agent: AsyncAgent) -> str:
        """As `end`, and waits for it, `EXIT_GRACE` seconds at most."""
        ended = self.end(agent)
        if os.getpid() == self._pid and threading.current_thread() is not self._thread:
            self._thread.join(EXIT_GRACE)
        return ended.result() if ended.done() else ""

    def _start(self, function: Callable[[], Coroutine[Any, Any, None]]) -> None:
        def start() -> None:
            task = self._loop.create_task(function())
            _running.add(task)
            task.add_done_callback(_running.discard)

        if os.getpid() == self._pid:
            with suppress(RuntimeError):  # it has ended
                self._loop.call_soon_threadsafe(start)


_running: set[asyncio.Task[None]] = set()
"""A loop holds its tasks only weakly."""


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
