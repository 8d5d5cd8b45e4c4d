"""client_id on every command: once within the window, and forgotten after it."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from jupyter_agentchat import commands as c
from jupyter_agentchat.commands import NewCredential, NewMember, NewPerson
from jupyter_agentchat.errors import Conflict, Forbidden
from jupyter_agentchat.protocol import Ask, AskApproval, AskBatch, timestamp
from jupyter_agentchat.state import migrations, read, receipts

from .machine import ANN, BEN, BOT, ROOM, Machine, Room, rows

DAY = 86_400.0


def changes(room: Room) -> dict[str, Callable[[], c.AnyCommand]]:
    """Every command that a participant may give a client_id, made anew at each call, as a retry would make it."""
    message = room.post("old")
    asked, taken_back, answered = room.ask("One?"), room.ask("Two?"), room.ask("Three?")
    room.do(room.closing(answered, "yes"))
    again, one_of_many = room.ask("Four?"), room.ask("Five?", batch=AskBatch("b", 0, 1))
    room.do(room.closing(again, "yes"))
    room.do(room.closing(one_of_many, "yes"))
    standing = room.ask("Six?", kind="approval", approval=AskApproval("drop", {}, always=True))
    room.do(c.Close(ANN, ROOM, standing.id, "msg_always", "always"))
    voted = room.ask("Seven?", quorum=2)
    return {
        "post": lambda: room.posting("new", client_id="x"),
        "edit": lambda: c.Edit(BOT, ROOM, message.id, "changed", client_id="x"),
        "close": lambda: room.closing(asked, "yes", ANN, client_id="x"),
        "withdraw": lambda: c.Withdraw(BOT, ROOM, taken_back.id, room.new_id(), client_id="x"),
        "vote": lambda: room.closing(voted, "yes", ANN, client_id="x"),
        "reopen": lambda: c.Reopen(ANN, ROOM, again.id, room.new_id(), client_id="x"),
        "hand_on": lambda: c.HandOn(ANN, ROOM, asked.id, ["@ben"], client_id="x"),
        "put_off": lambda: c.PutOff(ANN, ROOM, asked.id, 60, client_id="x"),
        "end_batch": lambda: c.EndBatch(BOT, ROOM, "b", client_id="x"),
        "revoke_standing": lambda: c.RevokeStanding(ANN, ROOM, "ok_always", client_id="x"),
        "consume": lambda: c.ConsumeAnswer(BOT, ROOM, answered.id, client_id="x"),
        "change_channel": lambda: c.ChangeChannel(BOT, ROOM, topic="topic", client_id="x"),
        "put_member": lambda: c.PutMember(BOT, ROOM, NewMember("hu_new", "human", "New"), client_id="x"),
        "intend": lambda: c.Intend(ANN, ROOM, room.new_id(), BOT, "steer", "look", client_id="x"),
        "report": lambda: c.ReportRun(BOT, ROOM, "running", "train", client_id="x"),
        "drop_member": lambda: c.DropMember(BOT, ROOM, BEN, client_id="x"),
        "delete": lambda: c.Delete(BOT, ROOM, message.id, client_id="x"),
        "enrol": lambda: c.Enrol(
            BOT, [NewPerson(room.new_id(), "agent", "two", "agent:two")], refuse_known=True, client_id="x"
        ),
    }  # fmt: skip


@pytest.mark.parametrize(
    "kind",
    [
        "post",
        "edit",
        "close",
        "withdraw",
        "vote",
        "reopen",
        "hand_on",
        "put_off",
        "end_batch",
        "revoke_standing",
        "consume",
        "change_channel",
        "put_member",
        "intend",
        "report",
        "drop_member",
        "delete",
        "enrol",
    ],
)
def test_a_repeated_command_gives_what_it_gave_and_changes_nothing(room: Room, kind: str) -> None:
    command = changes(room)[kind]
    first = room.do(command())
    before = rows(room.db)
    again = room.do(command())
    assert room.events == []
    assert rows(room.db) == before
    if kind == "intend":
        assert (again.intent, again.created) == (first.intent, False)
    else:
        assert getattr(again, "message", again) == getattr(first, "message", first) or kind == "enrol"
    if kind == "enrol":
        assert (again.participant_ids, again.created) == (first.participant_ids, False)


def test_a_client_id_that_was_another_commands_is_the_senders_mistake(room: Room) -> None:
    one, two = room.post("one"), room.post("two")
    room.do(c.Edit(BOT, ROOM, one.id, "changed", client_id="x"))
    error = room.refuses(Conflict, c.Edit(BOT, ROOM, two.id, "changed", client_id="x"))
    assert "'x'" in error.message
    room.refuses(Conflict, room.posting("new", client_id="x"))


def test_senders_and_channels_keep_their_client_ids_apart(room: Room) -> None:
    first = room.post("one", BOT, client_id="x")
    assert room.post("two", ANN, client_id="x").id != first.id
    other = c.FoundChannel(BOT, "ch_other", "other", None, [NewMember(BOT, "agent", "bot", "owner")])
    room.do(other)
    posted = room.do(c.Post(BOT, "ch_other", room.new_id(), "three", client_id="x"))
    assert posted.created


def test_a_refused_command_may_be_sent_again_under_its_client_id(room: Room) -> None:
    room.do(c.ChangeChannel(BOT, ROOM, archived=True))
    room.refuses(Forbidden, room.posting("too early", client_id="x"))
    room.do(c.ChangeChannel(BOT, ROOM, archived=False))
    assert room.post("now", client_id="x").content == "now"


def test_the_window_ends_to_the_millisecond(room: Room) -> None:
    first = room.post("one", client_id="x")
    room.now += DAY - 0.001
    assert room.post("two", client_id="x").id == first.id
    room.now += 0.001
    second = room.post("three", client_id="x")
    assert second.id != first.id
    assert room.post("four", client_id="x").id == second.id, "the new one has a window of its own"


def test_the_window_is_the_one_that_the_hub_promised_at_the_first_time(room: Room) -> None:
    first = room.do(room.posting("one", client_id="x", window=10.0)).message
    room.now += 9
    assert room.do(room.posting("two", client_id="x")).message.id == first.id
    room.now += 2
    assert room.do(room.posting("three", client_id="x")).created


def test_sweeping_takes_expired_receipts_alone_and_changes_no_outcome(room: Room) -> None:
    for n in range(3):
        room.post(str(n), client_id=f"old {n}")
    room.now += DAY
    kept = room.post("new", client_id="new")
    assert receipts.sweep(room.db, timestamp(room.now)) == 3
    assert room.query("SELECT client_id FROM receipts") == [("new",)]
    assert receipts.sweep(room.db, timestamp(room.now)) == 0
    assert room.post("new", client_id="new").id == kept.id
    assert room.post("again", client_id="old 1").content == "again"


def test_a_lost_key_is_replaced_not_doubled(room: Room) -> None:
    def make(secret: str) -> c.Enrol:
        agent = NewPerson(room.new_id(), "agent", "helper", "agent:helper")
        credential = NewCredential(f"key_{secret}", agent.id, "key", secret)
        return c.Enrol(ANN, [agent], [credential], refuse_known=True, client_id="x")

    first, again = room.do(make("lost")), room.do(make("got"))
    assert again.participant_ids == first.participant_ids
    assert again.credential_ids == first.credential_ids == ["key_lost"]
    assert room.query("SELECT id, hash FROM credentials") == [("key_lost", "got")]


def test_a_lost_invite_link_is_replaced_not_doubled(room: Room) -> None:
    for token in ("lost", "got"):
        room.do(c.Invite(BOT, ROOM, f"inv_{token}", token, timestamp(room.now + 60), 1, client_id="x"))
    assert room.query("SELECT id, hash FROM invites") == [("inv_lost", "got")]


def test_a_database_of_the_first_release_keeps_its_promises(tmp_path: Path) -> None:
    """Its messages' client_ids are remembered, and its channels' clocks go on where they were."""
    path = tmp_path / "old.db"
    now = time.time()
    with closing(sqlite3.connect(path, isolation_level=None)) as old:
        for statement in migrations.STEPS["0001_conversation"].split(";"):
            if statement.strip():
                old.execute(statement)
        old.execute("INSERT INTO channels VALUES ('ch_room', 'room', NULL, 0, 2, 'ag_bot', ?)", (timestamp(now),))
        old.execute("INSERT INTO members VALUES ('ch_room', 'ag_bot', 'agent', 'bot', 'owner', 0, ?)", (timestamp(now),))
        for seq, client_id, at in ((1, "long ago", "2020-01-01T00:00:00.000Z"), (2, "just now", timestamp(now))):
            old.execute(
                "INSERT INTO messages VALUES ('ch_room', ?, ?, 'ag_bot', 'bot', 'agent', 'said', ?, ?, NULL, 41, NULL, NULL,"
                " NULL, NULL, NULL, NULL)",
                (seq, f"msg_{seq}", at, client_id),
            )
        old.execute("INSERT INTO channels VALUES ('ch_shut', 'shut', NULL, 1, 9, 'ag_bot', ?)", (timestamp(now),))
        for channel_id, seq, state, closing_ in (
            (ROOM, 7, "open", None),
            (ROOM, 8, "answered", '{"question_id":"msg_8","outcome":"answered","value":"yes","by_id":"hu_ann","at":"x"}'),
            ("ch_shut", 9, "open", None),
        ):
            old.execute(
                "INSERT INTO messages VALUES (?, ?, ?, 'ag_bot', 'bot', 'agent', 'Go on?', ?, NULL, NULL, 41, NULL, NULL,"
                " NULL, NULL, NULL, NULL)",
                (channel_id, seq, f"msg_{seq}", timestamp(now)),
            )
            old.execute(
                "INSERT INTO questions VALUES (?, ?, 'ag_bot', ?, ?, ?, '[\"yes\",\"no\"]', '\"no\"', NULL, ?, ?, 0)",
                (f"msg_{seq}", channel_id, f"k{seq}", seq, state, timestamp(now + 60), closing_),
            )
        old.execute("UPDATE channels SET last_seq = 8 WHERE id = 'ch_room'")
        old.execute("CREATE TABLE _sqlite_migrations (id INTEGER PRIMARY KEY, migration_set TEXT, name TEXT, applied_at TEXT)")
        old.execute("INSERT INTO _sqlite_migrations VALUES (1, 'agentchat', '0001_conversation', ?)", (timestamp(now),))
    machine = Machine(path)
    machine.seqs[ROOM], machine.now = 8, now
    with closing(machine.db):
        again = machine.do(c.Post(BOT, ROOM, "msg_3", "said", client_id="just now"))
        assert (again.created, again.message.id) == (False, "msg_2")
        new = machine.do(c.Post(BOT, ROOM, "msg_4", "said", client_id="long ago"))
        assert (new.created, new.message.lamport) == (True, 42)
        assert read.due(machine.db, timestamp(now)) == ([("ch_shut", "msg_9")], timestamp(now + 60))
        gone = machine.do(c.Expire(c.HUB, "ch_shut", "msg_9", "msg_10")).message.closes
        assert (gone.outcome, gone.by_name) == ("withdrawn", "bot")
        for seq in (7, 8):  # the open one, and the one whose answer nobody has taken
            asked = Ask(f"k{seq}", ["yes", "no"], 60.0, "no")
            taken = machine.do(c.Post(BOT, ROOM, f"msg_1{seq}", "Go on?", question=asked))
            assert (taken.message.id, machine.events) == (f"msg_{seq}", [])
        machine.now += 60
        assert machine.do(c.Expire(c.HUB, ROOM, "msg_7", "msg_20")).message.closes.outcome == "default"
