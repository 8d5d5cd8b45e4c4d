"""Posts that go in together leave what they would have left one by one."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from jupyter_agentchat import commands as c
from jupyter_agentchat.commands import Applied, NewMember, Placed
from jupyter_agentchat.protocol import Ask, encode
from jupyter_agentchat.state import apply_all, apply_each
from jupyter_agentchat.state.store import Store
from tests.unit.machine import ANN, BOT, EVE, WATCHER, rows

AT = "2026-11-21T06:00:00.000Z"
ROOMS = ("ch_a", "ch_b")
MEMBERS = [
    NewMember(BOT, "agent", "bot", "owner"),
    NewMember(ANN, "human", "Ann"),
    NewMember(WATCHER, "human", "W", "observer"),
]


def placed(*commands: c.AnyCommand) -> list[Placed]:
    return [(command, seq, AT) for seq, command in enumerate(commands, 1)]


def posts(count: int) -> list[Placed]:
    """In two channels, with all that decides about a post: who, where, what, and who may not."""
    made: list[c.AnyCommand] = [c.FoundChannel(BOT, room, room, None, MEMBERS) for room in ROOMS]
    for n in range(count):
        actor = (BOT, ANN, BOT, EVE, ANN, WATCHER)[n % 6]
        content = " " if n % 11 == 10 else f"message {n}\0ä"
        client_id = None if n % 3 else f"client {n}"
        made.append(c.Post(actor, ROOMS[n % 2], f"msg_{n:03}", content, None, n, ["x"], [{"a": [n]}], client_id=client_id))
        if n == 20:
            made.append(c.Post(BOT, ROOMS[0], "msg_question", "Which?", question=Ask("key", ["one", "two"])))
        if n == 40:
            made.append(c.Post(BOT, ROOMS[0], "msg_reply", "That.", parent_id="msg_000"))
            made.append(c.DropMember(BOT, ROOMS[0], ANN))
    return placed(*made)


def told(applied: list[Applied]) -> list[object]:
    return [
        (
            encode(outcome.message) if isinstance(outcome, c.Posted) else outcome,
            refusal and (type(refusal), refusal.message),
            [encode(event.frame) if isinstance(event, c.Appended) else event for event in events],
            [(event.seq, event.prev_seq) for event in events if isinstance(event, c.Appended)],
        )
        for outcome, refusal, events in applied
    ]


@pytest.mark.parametrize("count", [1, 2, 7, 150])
def test_rows_outcomes_and_events_are_those_of_one_by_one(tmp_path: Path, count: int) -> None:
    with (
        closing(Store(tmp_path / "together.db").open_writer()) as together,
        closing(Store(tmp_path / "singly.db").open_writer()) as singly,
    ):
        together.execute("BEGIN")
        assert told(apply_all(together, posts(count))) == told(apply_each(singly, posts(count)))
        assert rows(together) == rows(singly)


def test_a_post_that_was_sent_before_is_left_to_one_by_one(tmp_path: Path) -> None:
    with closing(Store(tmp_path / "one.db").open_writer()) as db:
        founding, first, again = placed(
            c.FoundChannel(BOT, ROOMS[0], "a", None, MEMBERS),
            c.Post(BOT, ROOMS[0], "msg_1", "first", client_id="same"),
            c.Post(BOT, ROOMS[0], "msg_2", "again", client_id="same"),
        )
        apply_each(db, [founding])
        before = rows(db)
        db.execute("BEGIN")
        with pytest.raises(sqlite3.IntegrityError):
            apply_all(db, [first, again])
        db.execute("ROLLBACK")
        assert rows(db) == before
        (one, _, _), (two, _, events) = apply_each(db, [first, again])
        assert (one.created, two.created, two.message, list(events)) == (True, False, one.message, [])
