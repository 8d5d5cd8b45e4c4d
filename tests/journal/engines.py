"""The engines that the journal's contract is tested on. Another one is a line in ``ENGINES``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from jupyter_agentchat.commands import HUB, Event, FoundChannel, NewMember, Post
from jupyter_agentchat.journal import Journal
from jupyter_agentchat.journal.local import LocalJournal
from jupyter_agentchat.state.store import Store

ROOM = "ch_room"
MEMBERS = [
    NewMember("ag_bot", "agent", "bot", "owner"),
    NewMember("hu_ann", "human", "Ann"),
    NewMember("hu_ben", "human", "Ben"),
]

Open = Callable[[Path], tuple[Journal, Store]]


def local(folder: Path) -> tuple[Journal, Store]:
    store = Store(folder / "workspace.db")
    return LocalJournal(store), store


ENGINES: dict[str, Open] = {"local": local}


class Run:
    """An engine from start to close, and the events that it told. ``async with``."""

    def __init__(self, journal: Journal, store: Store) -> None:
        self.journal = journal
        self.store = store
        self.events: list[Event] = []

    async def __aenter__(self) -> Run:
        await self.journal.start(self.events.extend)
        await self.journal.submit(FoundChannel(HUB, ROOM, "room", None, MEMBERS))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.journal.close()
        self.store.close()

    async def log(self, channel_id: str = ROOM) -> list[tuple[int, str]]:
        """(seq, content) of the messages, in order."""
        query = "SELECT seq, content FROM messages WHERE channel_id = ? ORDER BY seq"
        return await self.store.read(lambda db: db.execute(query, (channel_id,)).fetchall())


def post(number: int, channel_id: str = ROOM, **fields: object) -> Post:
    command = Post("ag_bot", channel_id, f"msg_{channel_id}_{number}", f"message {number}")
    for name, value in fields.items():
        setattr(command, name, value)
    return command
