"""What happens to a question by itself, by the journal's clock: reminders, escalations, its end, its channel's end."""

from __future__ import annotations

from typing import Any

import pytest

from jupyter_agentchat import commands as c
from jupyter_agentchat.commands import NewMember
from jupyter_agentchat.errors import Forbidden, InvalidRequest
from jupyter_agentchat.protocol import Ask, AskEscalation, Message, MessageUpdated, timestamp
from jupyter_agentchat.state import read
from tests.unit.machine import ANN, BEN, BOT, ROOM, Room
from tests.unit.test_deciding import closed, now


def due(room: Room) -> list[str]:
    """The ids of the questions of which something is due now."""
    return [message_id for _, message_id in read.due(room.db, timestamp(room.now))[0]]


def follow_up(room: Room, message: Message) -> None:
    """As a hub does: while something is due, it says so."""
    rounds = 0
    while message.id in due(room):
        rounds += 1
        assert rounds < 5, "what is done is not due any more"
        room.do(room.expiring(message))


def after(seconds: float, to: str) -> AskEscalation:
    return AskEscalation(seconds, to)


def test_reminders_come_every_so_often_until_it_is_answered(room: Room) -> None:
    asked = room.ask(remind=60.0)
    assert due(room) == []
    for number in (1, 2, 3):
        room.now += 59.9
        assert due(room) == []
        room.now += 0.1
        follow_up(room, asked)
        assert (now(room, asked).reminded, now(room, asked).reminded_at) == (number, timestamp(room.now))
    (event,) = room.events
    assert isinstance(event, c.Appended)
    assert isinstance(event.frame, MessageUpdated)
    room.do(room.closing(asked, "yes"))
    room.now += 60
    assert due(room) == []
    assert room.log() == ["Go on?", "yes"], "a reminder is no message"


def test_a_hub_that_was_away_reminds_once_and_not_for_each_time_missed(room: Room) -> None:
    asked = room.ask(remind=1.0)
    room.now += 3600
    follow_up(room, asked)
    assert now(room, asked).reminded == 1


def test_reminders_end(room: Room) -> None:
    asked = room.ask(remind=1.0)
    for _ in range(120):
        room.now += 1
        follow_up(room, asked)
    assert now(room, asked).reminded == 100
    assert room.query("SELECT next_at FROM questions") == [(None,)]


def test_an_escalation_adds_who_is_asked_and_says_when(room: Room) -> None:
    room.do(c.PutMember(BOT, ROOM, NewMember("hu_lead", "human", "Lead")))
    asked = room.ask(to=["@ann"], escalate=[after(10.0, "@ben"), after(20.0, "@lead")], timeout=60.0)
    room.refuses(Forbidden, room.closing(asked, "yes", BEN))
    room.now += 9.999
    assert due(room) == []
    assert room.do(room.expiring(asked)) is None
    assert now(room, asked).to == ["@ann"], "a hub whose clock runs ahead proposes too early"
    room.now += 0.001
    follow_up(room, asked)
    assert now(room, asked).to == ["@ann", "@ben"]
    assert [each.at for each in now(room, asked).escalate or ()] == [timestamp(room.now), None]
    room.refuses(Forbidden, room.closing(asked, "yes", "hu_lead"))
    room.do(room.closing(asked, "yes", BEN))
    assert (closed(room, asked).outcome, now(room, asked).state) == ("escalated", "escalated")


def test_who_was_asked_at_first_answers_also_after_an_escalation(room: Room) -> None:
    asked = room.ask(to=["@ann"], escalate=[after(10.0, "@ben"), after(10.0, "@ann")])
    room.now += 10
    follow_up(room, asked)
    assert now(room, asked).to == ["@ann", "@ben"]
    room.do(room.closing(asked, "yes", ANN))
    assert closed(room, asked).outcome == "answered"


def test_to_everybody_and_then_to_one_leaves_everybody_asked(room: Room) -> None:
    room.do(c.PutMember(BOT, ROOM, NewMember("ag_critic", "agent", "critic")))
    asked = room.ask(key="k", escalate=[after(10.0, "@critic"), after(10.0, "@ben")])
    room.refuses(Forbidden, room.closing(asked, "yes", "ag_critic"))
    room.now += 10
    follow_up(room, asked)
    assert now(room, asked).to is None
    room.do(room.closing(asked, "yes", "ag_critic"))
    assert closed(room, asked).outcome == "escalated"
    assert room.ask(key="k", escalate=[after(10.0, "@critic"), after(10.0, "@ben")]).id == asked.id, (
        "and is taken up as answered"
    )


def test_everything_that_is_due_at_once_happens_at_once(room: Room) -> None:
    asked = room.ask(to=["@ann"], remind=5.0, escalate=[after(10.0, "@ben")])
    room.now += 3600
    follow_up(room, asked)
    assert (now(room, asked).reminded, now(room, asked).to) == (1, ["@ann", "@ben"])


def test_a_deadline_comes_before_what_else_is_due(room: Room) -> None:
    asked = room.ask(remind=5.0, timeout=10.0, schema={"type": "integer"}, default=3)
    room.now += 10
    follow_up(room, asked)
    assert (closed(room, asked).outcome, closed(room, asked).value, now(room, asked).reminded) == ("default", 3, 0)
    assert room.log()[-1] == "Nobody answered in time, so I go on with: 3"


@pytest.mark.parametrize("again", [{"timeout": 60.0}, {"remind": 5.0}, {"default": "no"}, {"escalate": [after(5.0, "@ben")]}])
def test_asked_again_with_another_time_the_open_question_gets_it_once(room: Room, again: dict[str, Any]) -> None:
    asked = room.ask(key="k", timeout=100.0)
    room.ask(key="k", **again)
    before, seq = now(room, asked), room.seqs[ROOM]
    for _ in range(3):
        room.now += 1
        room.ask(key="k", **again)
        assert room.events == []
    assert now(room, asked) == before, "asking again does not move the deadline each time"
    assert room.query("SELECT changed_seq FROM messages") == [(seq,)]


def test_what_an_open_question_gets_later_is_checked_too(room: Room) -> None:
    room.ask(key="k")
    room.refuses(InvalidRequest, room.posting("Go on?", question=Ask("k", escalate=[after(5.0, "@lead")])))


def test_an_archived_channel_closes_its_questions_in_the_name_of_who_archived_it(room: Room) -> None:
    room.do(c.PutMember(BOT, ROOM, NewMember("hu_boss", "human", "Boss", "owner")))
    first, second = room.ask(), room.ask(timeout=600.0)
    room.do(c.ChangeChannel("hu_boss", ROOM, archived=True))
    assert due(room) == [first.id, second.id]
    for message in (first, second):
        follow_up(room, message)
        assert (closed(room, message).outcome, closed(room, message).by_name) == ("withdrawn", "Boss")
    assert room.log()[-1] == "The channel was archived, so nobody can answer any more."


def test_a_channel_that_is_opened_again_at_once_keeps_its_questions(room: Room) -> None:
    asked = room.ask(timeout=600.0)
    room.do(c.ChangeChannel(BOT, ROOM, archived=True))
    room.do(c.ChangeChannel(BOT, ROOM, archived=False))
    follow_up(room, asked)
    assert now(room, asked).state == "open"
    room.now += 600
    follow_up(room, asked)
    assert closed(room, asked).outcome == "timed_out"


def test_a_question_that_is_open_again_keeps_its_time(room: Room) -> None:
    asked = room.ask(timeout=10.0, remind=4.0)
    room.do(room.closing(asked, "yes", ANN))
    room.now += 3
    room.do(c.Reopen(ANN, ROOM, asked.id, room.new_id()))
    room.now += 1
    follow_up(room, asked)
    assert now(room, asked).reminded == 1
    room.now += 6
    follow_up(room, asked)
    assert closed(room, asked).outcome == "timed_out"


def test_many_that_are_due_at_once_are_told_by_the_thousand(room: Room) -> None:
    for n in range(1003):
        room.db.execute(
            "INSERT INTO questions (message_id, channel_id, asker_id, key, seq, state, next_at)"
            " VALUES (?, ?, ?, ?, ?, 'open', ?)",
            (f"msg_{n}", ROOM, BOT, f"k{n}", n, timestamp(room.now)),
        )
    found, following = read.due(room.db, timestamp(room.now))
    assert (len(found), following) == (1000, timestamp(room.now))
