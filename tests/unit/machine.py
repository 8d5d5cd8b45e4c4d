"""The state machine on a fresh database, with a clock that the test sets."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from jupyter_agentchat import commands as c
from jupyter_agentchat.commands import AnyCommand, Event, NewMember, partition_of
from jupyter_agentchat.errors import ChatError
from jupyter_agentchat.protocol import Ask, Message, timestamp
from jupyter_agentchat.state import apply
from jupyter_agentchat.state.store import Store

BOT, ANN, BEN, EVE, WATCHER = "ag_bot", "hu_ann", "hu_ben", "hu_eve", "hu_watcher"
ROOM = "ch_room"


def rows(db: sqlite3.Connection) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table: what must be equal on every hub."""
    tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    return {table: sorted(db.execute(f'SELECT * FROM "{table}"'), key=repr) for table in tables if not table.startswith("_")}


class Machine:
    """``do`` applies one command as a journal would. A refusal that wrote anything fails the test."""

    def __init__(self, path: Path) -> None:
        self.db = Store(path).open_writer()
        self.seqs: dict[str, int] = {}
        self.now = 1_800_000_000.0
        self.events: list[Event] = []

    def do(self, command: AnyCommand) -> Any:
        partition = partition_of(command)
        seq = self.seqs[partition] = self.seqs.get(partition, 0) + 1
        before, changes = rows(self.db), self.db.total_changes
        self.db.execute("BEGIN IMMEDIATE")
        try:
            outcome, self.events = apply(self.db, command, seq, timestamp(self.now))
        except ChatError:
            assert self.db.total_changes == changes
            assert rows(self.db) == before
            raise
        finally:
            self.db.execute("COMMIT")
        return outcome

    def refuses(self, error: type[ChatError], command: AnyCommand) -> ChatError:
        with pytest.raises(error) as caught:
            self.do(command)
        assert type(caught.value) is error
        return caught.value

    def query(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        return self.db.execute(sql, values).fetchall()


class Room(Machine):
    """A channel with an agent that owns it, two humans and somebody who only watches; EVE is outside."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        members = [
            NewMember(BOT, "agent", "bot", "owner"),
            NewMember(ANN, "human", "Ann"),
            NewMember(BEN, "human", "Ben"),
            NewMember(WATCHER, "human", "Watcher", "observer"),
        ]
        self.do(c.FoundChannel(BOT, ROOM, "room", None, members))
        self._made = 0

    def new_id(self) -> str:
        self._made += 1
        return f"msg_{self._made:03}"

    def post(self, content: str = "hello", actor: str = BOT, **fields: Any) -> Message:
        message: Message = self.do(self.posting(content, actor, **fields)).message
        return message

    def posting(self, content: str = "hello", actor: str = BOT, **fields: Any) -> c.Post:
        return c.Post(actor, ROOM, self.new_id(), content, **fields)

    def ask(self, content: str = "Go on?", actor: str = BOT, **ask: Any) -> Message:
        return self.post(content, actor, question=Ask(**ask))

    def closing(self, question: Message, value: Any, actor: str = ANN, client_id: str | None = None) -> c.Close:
        return c.Close(actor, ROOM, question.id, self.new_id(), value, client_id=client_id)

    def expiring(self, question: Message) -> c.Expire:
        return c.Expire(c.HUB, ROOM, question.id, self.new_id())

    def log(self) -> list[str]:
        return [content for (content,) in self.query("SELECT content FROM messages WHERE channel_id = ? ORDER BY seq", ROOM)]
