"""One logic for both agents: a generator yields the calls that it needs, and gets what they return or raise.

It runs where its user is: in the thread and the cell of the blocking agent, in the coroutine of the asynchronous one. Only the
calls themselves are made on the agent's own event loop.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Iterator
from typing import Any, TypeVar, Union

T = TypeVar("T")
Call = Callable[[], Awaitable[Any]]
Steps = Generator[Call, Any, T]


class Out:
    """What a generator hands to its user, between its calls."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


async def made(call: Call) -> Any:
    """Makes the call here: for who is on the agent's own event loop."""
    return await call()


Handing = Generator[Union[Call, Out], Any, None]


def waited(steps: Steps[T], call: Callable[[Call], Any]) -> T:
    """What the steps return; ``call`` makes a call and waits for it."""
    result, error = None, None
    try:
        while True:
            step = _on(steps, result, error)
            result, error = None, None
            try:
                result = call(step)
            except BaseException as raised:
                error = raised
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]


async def awaited(steps: Steps[T], call: Callable[[Call], Awaitable[Any]]) -> T:
    """As `waited`, in a coroutine."""
    result, error = None, None
    try:
        while True:
            step = _on(steps, result, error)
            result, error = None, None
            try:
                result = await call(step)
            except BaseException as raised:
                error = raised
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]


def handed(steps: Handing, call: Callable[[Call], Any]) -> Iterator[Any]:
    """What the steps hand out. Left early, it ends them."""
    result, error = None, None
    try:
        while True:
            step = _on(steps, result, error)
            result, error = None, None
            if isinstance(step, Out):
                yield step.value
                continue
            try:
                result = call(step)
            except BaseException as raised:
                error = raised
    except StopIteration:
        return
    finally:
        steps.close()


async def handed_on(steps: Handing, call: Callable[[Call], Awaitable[Any]]) -> AsyncGenerator[Any, None]:
    """As `handed`, in a coroutine."""
    result, error = None, None
    try:
        while True:
            step = _on(steps, result, error)
            result, error = None, None
            if isinstance(step, Out):
                yield step.value
                continue
            try:
                result = await call(step)
            except BaseException as raised:
                error = raised
    except StopIteration:
        return
    finally:
        steps.close()


class Coming(AsyncIterator[Any]):
    """What an asynchronous name hands out; ``for`` instead of ``async for`` is told what to write."""

    def __init__(self, items: AsyncGenerator[Any, None], name: str) -> None:
        self._items, self._name = items, name

    async def __anext__(self) -> Any:
        return await anext(self._items)

    async def aclose(self) -> None:
        """Ends it, as leaving its loop does."""
        await self._items.aclose()

    def __iter__(self) -> Any:
        raise TypeError(
            f"{self._name}: an AsyncAgent's is awaited: write `async for … in agent.{self._name}(…)`, or use Agent."
        )


Step = TypeVar("Step")


def _on(steps: Generator[Step, Any, Any], result: Any, error: BaseException | None) -> Step:
    return steps.send(result) if error is None else steps.throw(error)
