"""The journal: puts commands in one order, durably, and says so. The only thing that differs between one machine and many."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from ..commands import AnyCommand, Event

OnApplied = Callable[[list[Event]], None]


class Journal(Protocol):
    """What a hub needs of an engine.

    Whatever the engine, state is ``state.apply`` over the commands of each partition in their order, and nothing else.
    An engine stamps each command with its partition's next ``seq`` (strictly rising) and a time ``at`` (never falling within
    a partition), makes that durable, applies it to the hub's SQLite, tells ``on_applied`` on the event loop, in order, and
    answers.
    """

    async def start(self, on_applied: OnApplied) -> None:
        """Opens the engine and catches up with what is in it. Raises: StoreUnavailable, NewerDatabase."""

    async def submit(self, command: AnyCommand) -> Any:
        """Returns the command's outcome once it is durable and applied here.

        Raises: ChatError as `apply` refused it (it left no trace); StoreUnavailable if it could not be made durable.
        Cancelled: the command may or may not happen, as with any lost reply.
        """

    def now(self) -> float:
        """The time that a command would be stamped with, in Unix seconds. By it deadlines come due."""

    async def close(self) -> None:
        """Lets what was submitted finish, then closes. Submitting later raises StoreUnavailable."""
