"""A message in the making: what is said so far is shown as it comes, and posted once when it is complete."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, NoReturn

from ..protocol import Message, SendMessage, new_id
from .signals import STREAM_SHOWN, Pace

if TYPE_CHECKING:
    from .aio import AsyncAgent


class Draft:
    """The words so far. ``id`` becomes the ``client_id`` of the message."""

    def __init__(self) -> None:
        self.id = new_id("c")
        self.pace = Pace()
        self._written: list[str] = []

    def __repr__(self) -> str:
        return f"<Stream of {len(self.text)} characters>"

    @property
    def text(self) -> str:
        """All that was written."""
        if len(self._written) > 1:
            self._written = ["".join(self._written)]
        return self._written[0] if self._written else ""

    def add(self, token: str) -> None:
        if not isinstance(token, str):
            raise TypeError(f"token: a string is needed, not {type(token).__name__}.")
        self._written.append(token)

    def shown(self) -> str:
        """As much of it as a signal holds."""
        text = self.text
        return text if len(text) <= STREAM_SHOWN else f"…{text[1 - STREAM_SHOWN :]}"

    def frame(self, error: BaseException | None, parent_id: str | None) -> SendMessage | None:
        """The message; None if nothing was said. What an exception broke off says so."""
        text = self.text
        if not text.strip():
            return None
        if error is not None:
            text += f"\n\n*(broken off: {type(error).__name__})*"
        return SendMessage("", text, parent_id=parent_id, client_id=self.id)


class Stream:
    """What `AsyncAgent.stream` gives: ``async with agent.stream() as stream: await stream.write(token)``."""

    def __init__(self, agent: AsyncAgent, parent_id: str | None) -> None:
        self._agent = agent
        self._parent_id = parent_id
        self._draft = Draft()
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

    async def write(self, token: str) -> None:
        """Adds to the message. Who watches sees it grow, ten times a second at most. Never waits for the hub."""
        self._draft.add(token)
        if self._draft.pace.due():
            self._agent.show_draft(self._draft)

    def __enter__(self) -> NoReturn:
        raise TypeError("This stream is an AsyncAgent's: write `async with agent.stream() as stream:`.")

    def __exit__(self, *_: object) -> None:
        """Never called; it makes Python call `__enter__`, which says what to write."""

    async def __aenter__(self) -> Stream:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._message = await self._agent.finish_draft(self._draft, error, self._parent_id)
