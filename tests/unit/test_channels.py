"""A channel: who may do what, its log, its invites."""

from __future__ import annotations

from typing import Any

import pytest

from jupyter_agentchat import commands as c
from jupyter_agentchat.commands import Appended, MembershipChanged
from jupyter_agentchat.errors import (
    ChannelNotFound,
    EmptyMessage,
    Forbidden,
    InvalidRequest,
    InviteGone,
    MessageTooLarge,
    NameTaken,
    NotFound,
)
from jupyter_agentchat.protocol import MAX_MESSAGE_BYTES, timestamp
from jupyter_agentchat.state import read
from tests.unit.machine import ANN, BEN, BOT, EVE, ROOM, WATCHER, Room

STRANGE: list[c.AnyCommand] = [
    c.Post(EVE, ROOM, "msg_x", "hello"),
    c.Edit(EVE, ROOM, "msg_x", "hello"),
    c.Delete(EVE, ROOM, "msg_x"),
    c.Withdraw(EVE, ROOM, "msg_x", "msg_y"),
    c.ConsumeAnswer(EVE, ROOM, "msg_x"),
    c.Read(EVE, ROOM, 1),
    c.ChangeChannel(EVE, ROOM, "mine"),
    c.PutMember(EVE, ROOM, c.NewMember(EVE, "human", "Eve", "owner")),
    c.DropMember(EVE, ROOM, ANN),
    c.DropMember(EVE, ROOM, EVE),
    c.Invite(EVE, ROOM, "inv_1", "hash", timestamp(2e9), 1),
]


@pytest.mark.parametrize("command", STRANGE, ids=lambda command: type(command).__name__)
def test_who_is_not_a_member_cannot_tell_a_channel_from_none(room: Room, command: Any) -> None:
    there = room.refuses(ChannelNotFound, command)
    command.channel_id = "ch_none"
    nowhere = room.refuses(ChannelNotFound, command)
    command.channel_id = ROOM
    assert there.message == nowhere.message.replace("ch_none", ROOM)
    assert there.details == nowhere.details


def test_an_observer_reads_only(room: Room) -> None:
    room.refuses(Forbidden, room.posting(actor=WATCHER))
    room.refuses(Forbidden, c.Invite(WATCHER, ROOM, "inv_1", "hash", timestamp(2e9), 1))
    room.do(c.Read(WATCHER, ROOM, 1))


def test_only_owners_manage(room: Room) -> None:
    room.refuses(Forbidden, c.ChangeChannel(ANN, ROOM, "mine"))
    room.refuses(Forbidden, c.PutMember(ANN, ROOM, c.NewMember(EVE, "human", "Eve")))
    room.refuses(Forbidden, c.DropMember(ANN, ROOM, BEN))
    room.do(c.DropMember(ANN, ROOM, ANN))  # leaving is everybody's own
    room.refuses(ChannelNotFound, room.posting(actor=ANN))


def test_only_owners_invite_agents_too(room: Room) -> None:
    """Who invites could accept in a human's place, and then answer as one."""
    room.do(c.PutMember(BOT, ROOM, c.NewMember("ag_b", "agent", "b")))
    room.refuses(Forbidden, c.Invite("ag_b", ROOM, "inv_1", "hash", timestamp(2e9), 1))
    room.refuses(Forbidden, c.Invite(ANN, ROOM, "inv_1", "hash", timestamp(2e9), 1))


def test_adding_a_member_again_changes_the_role(room: Room) -> None:
    room.do(c.PutMember(BOT, ROOM, c.NewMember(ANN, "human", "Ann", "observer")))
    room.refuses(Forbidden, room.posting(actor=ANN))
    assert room.events == [c.RoleChanged(ROOM, ANN)]
    room.do(c.PutMember(BOT, ROOM, c.NewMember(ANN, "human", "Ann", "observer")))
    assert room.events == []


def test_who_became_an_observer_edits_nothing_anymore(room: Room) -> None:
    message = room.post(actor=ANN)
    room.do(c.PutMember(BOT, ROOM, c.NewMember(ANN, "human", "Ann", "observer")))
    room.refuses(Forbidden, c.Edit(ANN, ROOM, message.id, "changed"))
    room.refuses(Forbidden, c.Delete(ANN, ROOM, message.id))


def test_an_archived_channel_is_read_only(room: Room) -> None:
    message, question = room.post(), room.ask()
    room.do(c.ChangeChannel(BOT, ROOM, archived=True))
    room.refuses(Forbidden, room.posting())
    room.refuses(Forbidden, c.Edit(BOT, ROOM, message.id, "changed"))
    room.refuses(Forbidden, c.Delete(BOT, ROOM, message.id))
    room.refuses(Forbidden, room.closing(question, "yes"))
    assert read.message(room.db, ROOM, message.id, ANN) is not None
    room.do(c.ChangeChannel(BOT, ROOM, archived=False))
    room.post()


def test_a_removed_member_is_a_stranger(room: Room) -> None:
    room.do(c.DropMember(BOT, ROOM, ANN))
    assert room.events == [MembershipChanged(ROOM, ANN, joined=False, seq=room.seqs[ROOM])]
    room.refuses(ChannelNotFound, room.posting(actor=ANN))
    room.refuses(NotFound, c.DropMember(BOT, ROOM, ANN))


# ------------------------------------------------------------------------------------------------ the log


def test_a_retry_gets_the_first_message(room: Room) -> None:
    first = room.post("one", client_id="c1")
    again = room.do(room.posting("another text", client_id="c1"))
    assert (again.created, again.message.id, again.message.content) == (False, first.id, "one")
    assert room.events == []
    assert room.post("two", ANN, client_id="c1").id != first.id, "a client_id is its sender's own"


def test_a_reply_follows_its_parent_in_the_same_channel(room: Room) -> None:
    parent = room.post()
    reply = room.post("yes", ANN, parent_id=parent.id, lamport=3)
    assert (reply.parent_id, reply.lamport) == (parent.id, 3)
    assert reply.seq > parent.seq
    room.do(c.FoundChannel(BOT, "ch_other", "other", None, [c.NewMember(BOT, "agent", "bot", "owner")]))
    room.refuses(InvalidRequest, c.Post(BOT, "ch_other", "msg_x", "hello", parent_id=parent.id))


@pytest.mark.parametrize("content", ["", " ", "\n\t", "\u2003"])
def test_an_empty_message_is_refused(room: Room, content: str) -> None:
    room.refuses(EmptyMessage, room.posting(content))


@pytest.mark.parametrize(("letter", "bytes_"), [("a", 1), ("é", 2), ("😀", 4)])
def test_the_limit_is_in_bytes_of_utf8(room: Room, letter: str, bytes_: int) -> None:
    assert room.post(letter * (MAX_MESSAGE_BYTES // bytes_)).content
    error = room.refuses(MessageTooLarge, room.posting(letter * (MAX_MESSAGE_BYTES // bytes_) + "a"))
    assert error.details == {"limit_bytes": MAX_MESSAGE_BYTES}


def test_a_lone_surrogate_is_no_text(room: Room) -> None:
    room.refuses(InvalidRequest, room.posting("\ud800"))


def test_what_is_nested_too_deep_to_be_read_again_is_refused(room: Room) -> None:
    deep: dict[str, Any] = {}
    for _ in range(300):
        deep = {"in": deep}
    room.refuses(InvalidRequest, room.posting(parts=[deep]))
    room.refuses(MessageTooLarge, room.posting(parts=[{"text": "x" * (5 * MAX_MESSAGE_BYTES)}]))
    assert room.post(parts=[{"type": "table", "rows": [[1, None], [2.5, "x"]]}]).parts


def test_an_edit_and_a_deletion_have_a_place_in_the_log(room: Room) -> None:
    first, second = room.post("one"), room.post("two")
    edited = room.do(c.Edit(BOT, ROOM, first.id, "One"))
    assert (edited.content, edited.seq) == ("One", first.seq)
    [event] = room.events
    assert isinstance(event, Appended)
    assert (event.prev_seq, event.seq) == (second.seq, room.seqs[ROOM])
    room.do(c.Delete(BOT, ROOM, second.id))
    told = [(entry.seq, type(entry.frame).__name__) for entry in read.log_after(room.db, ROOM, second.seq, 100)[0]]
    assert told == [(room.seqs[ROOM] - 1, "MessageUpdated"), (room.seqs[ROOM], "MessageDeleted")]
    assert room.query("SELECT content, deleted_at IS NOT NULL FROM messages WHERE id = ?", second.id) == [("", 1)]
    assert read.channel(room.db, ROOM, ANN).last_seq == room.seqs[ROOM]


def test_only_its_author_edits_and_deletes(room: Room) -> None:
    message = room.post(actor=ANN)
    room.refuses(Forbidden, c.Edit(BOT, ROOM, message.id, "changed"))
    room.refuses(Forbidden, c.Delete(BOT, ROOM, message.id))
    room.do(c.Delete(ANN, ROOM, message.id))
    room.refuses(NotFound, c.Edit(ANN, ROOM, message.id, "back"))
    room.refuses(NotFound, c.Delete(ANN, ROOM, message.id))


def test_a_question_and_its_answer_stay_as_they_are(room: Room) -> None:
    question = room.ask()
    answer = room.do(room.closing(question, "yes")).message
    room.refuses(InvalidRequest, c.Edit(BOT, ROOM, question.id, "changed"))
    room.refuses(InvalidRequest, c.Delete(BOT, ROOM, question.id))
    room.refuses(InvalidRequest, c.Edit(ANN, ROOM, answer.id, "no"))
    room.refuses(InvalidRequest, c.Delete(ANN, ROOM, answer.id))


def test_a_read_cursor_only_rises_and_stays_in_the_log(room: Room) -> None:
    last = [room.post() for _ in range(3)][-1]
    assert read.channel(room.db, ROOM, ANN).unread == 3
    room.do(c.Read(ANN, ROOM, last.seq - 1))
    room.do(c.Read(ANN, ROOM, 1))
    assert read.channel(room.db, ROOM, ANN).unread == 1
    room.do(c.Read(ANN, ROOM, 10**6))
    room.post()
    assert read.channel(room.db, ROOM, ANN).unread == 1
    assert read.channel(room.db, ROOM, BOT).unread == 0, "one's own words are read"


# ------------------------------------------------------------------------------------------------ invites


def invite(room: Room, max_uses: int = 1, seconds: float = 60) -> None:
    room.do(c.Invite(BOT, ROOM, "inv_1", "hash", timestamp(room.now + seconds), max_uses))


def using(participant_id: str, name: str, token_hash: str = "hash", channel_id: str = ROOM) -> c.UseInvite:
    return c.UseInvite(c.HUB, channel_id, token_hash, c.NewMember(participant_id, "human", name))


def test_an_invite_is_used_once_and_stays_open_for_who_used_it(room: Room) -> None:
    invite(room)
    room.do(using("hu_1", "Cleo"))
    assert room.post(actor="hu_1").author_name == "Cleo"
    room.do(using("hu_1", "Cleo"))  # who is in already opens the link again
    assert "used" in room.refuses(InviteGone, using("hu_2", "Dan")).message


def test_an_invite_for_two_lets_two_in_and_the_known_cost_nothing(room: Room) -> None:
    invite(room, max_uses=2)
    room.do(using(ANN, "Ann"))
    room.do(using("hu_1", "Cleo"))
    room.do(using("hu_1", "Cleo"))
    room.do(using("hu_2", "Dan"))
    room.refuses(InviteGone, using("hu_3", "Eli"))


def test_an_invite_expires_by_the_journals_clock(room: Room) -> None:
    invite(room, seconds=60)
    room.now += 60
    assert "expired" in room.refuses(InviteGone, using("hu_1", "Cleo")).message


def test_a_revoked_invite_and_one_to_an_archived_channel_say_whom_to_ask(room: Room) -> None:
    invite(room, max_uses=9)
    room.do(c.ChangeChannel(BOT, ROOM, archived=True))
    assert "bot" in room.refuses(InviteGone, using("hu_1", "Cleo")).message
    room.do(c.ChangeChannel(BOT, ROOM, archived=False))
    room.db.execute("UPDATE invites SET revoked_at = ?", (timestamp(room.now),))
    assert "revoked" in room.refuses(InviteGone, using("hu_1", "Cleo")).message


def test_an_invite_opens_its_own_channel_only(room: Room) -> None:
    invite(room)
    room.do(c.FoundChannel(BOT, "ch_other", "other", None, [c.NewMember(BOT, "agent", "bot", "owner")]))
    room.refuses(NotFound, using("hu_1", "Cleo", channel_id="ch_other"))
    room.refuses(NotFound, using("hu_1", "Cleo", token_hash="another"))


@pytest.mark.parametrize("name", ["Ann", "ann", "BOT", " Ann ", "A\u200bnn", "Ann\u2060\ufeff"])
def test_a_guest_does_not_take_the_name_of_who_is_there(room: Room, name: str) -> None:
    invite(room)
    room.refuses(NameTaken, using("hu_1", name))
