"""What a decision rests on: who still belongs here, and what was shown last. And a page of questions has a bound."""

from __future__ import annotations

from typing import Any

from jupyter_agentchat import commands as c
from jupyter_agentchat.commands import Appended, NewMember
from jupyter_agentchat.errors import Conflict, Forbidden, InvalidRequest
from jupyter_agentchat.protocol import Ask, AskApproval, AskEscalation, MessageUpdated, Participant, Question
from jupyter_agentchat.state import read
from jupyter_agentchat.state.rows import message_by_id
from tests.unit.machine import ANN, BEN, BOT, ROOM, WATCHER, Room

OWNER = "hu_owner"


def now(room: Room, message_id: str) -> Question:
    found = message_by_id(room.db, ROOM, message_id)
    assert found
    assert found.question
    return found.question


def shown(text: str) -> list[dict[str, Any]]:
    return [{"data": {"text/plain": text}}]


def test_the_vote_of_who_is_gone_or_only_reads_counts_no_more(room: Room) -> None:
    room.do(c.PutMember(BOT, ROOM, NewMember("hu_cy", "human", "Cy")))
    asked = room.ask(kind="approval", approval=AskApproval("deploy"), quorum=2)
    room.do(room.closing(asked, True, ANN))
    room.do(c.DropMember(BOT, ROOM, ANN))
    room.do(room.closing(asked, True, "hu_cy"))
    assert [vote.by_name for vote in now(room, asked.id).votes or ()] == ["Cy"]
    room.do(c.PutMember(BOT, ROOM, NewMember("hu_cy", "human", "Cy", "observer")))
    room.do(c.PutMember(BOT, ROOM, NewMember("hu_new", "human", "Ann")))
    room.do(room.closing(asked, True, BEN))
    assert now(room, asked.id).state == "open", "a removed one, a reader, and Ben: one vote"
    room.do(room.closing(asked, True, "hu_new"))
    assert now(room, asked.id).state == "answered"


def test_a_quorum_is_not_handed_on_by_the_votes_of_the_gone(room: Room) -> None:
    asked = room.ask(quorum=2)
    room.do(room.closing(asked, "yes", ANN))
    room.do(c.DropMember(BOT, ROOM, ANN))
    room.refuses(InvalidRequest, c.HandOn(BEN, ROOM, asked.id, ["@ben"]))


def test_a_human_owner_gets_back_what_was_handed_to_somebody_else(room: Room) -> None:
    room.do(c.PutMember(BOT, ROOM, NewMember(OWNER, "human", "Olga", "owner")))
    asked = room.ask(kind="approval", approval=AskApproval("publish"))
    room.do(c.HandOn(ANN, ROOM, asked.id, ["@ben"]))
    room.do(c.DropMember(BOT, ROOM, BEN))
    room.refuses(Forbidden, room.closing(asked, False, OWNER))
    for other in (ANN, WATCHER, BOT):
        room.refuses(Forbidden, c.HandOn(other, ROOM, asked.id, ["@owner"]))
    room.do(c.HandOn(OWNER, ROOM, asked.id, ["@owner"]))
    room.do(room.closing(asked, False, OWNER))
    assert now(room, asked.id).state == "answered"


def test_a_question_that_is_asked_again_shows_what_was_shown_last_and_voids_votes_on_what_was_before(room: Room) -> None:
    ask = Ask("k", ["yes", "no"], quorum=2)
    asked = room.post("Publish?", question=ask, parts=shown("one"))
    assert asked.question
    first = asked.question.digest
    room.do(room.closing(asked, "yes", ANN))
    again = room.post("Publish?", question=ask, parts=shown("two"))
    assert (again.id, again.parts) == (asked.id, shown("two"))
    (event,) = room.events
    assert isinstance(event, Appended)
    assert isinstance(event.frame, MessageUpdated)
    assert now(room, asked.id).votes is None
    seen = room.closing(asked, "yes", BEN)
    seen.saw = first
    room.refuses(Conflict, seen)
    room.post("Publish?", question=ask, parts=shown("two"))
    assert room.events == [], "the same again changes nothing"
    room.post("Publish?", question=ask, parts=shown("one"))
    assert now(room, asked.id).digest == first
    refused = Ask("k", ["yes", "no"], quorum=2, escalate=[AskEscalation(5, "@nobody")])
    room.refuses(InvalidRequest, room.posting("Publish?", question=refused, parts=shown("two")))


def test_a_page_is_bounded_by_what_its_questions_hold_too(room: Room) -> None:
    large = AskApproval("write", {"text": "x" * 900_000})
    for _ in range(8):
        room.ask(kind="approval", approval=large)
    found, _, more = read.page(room.db, ROOM, BOT, after=0, before=None, limit=1000)
    entries, rest = read.log_after(room.db, ROOM, 0, 1000)
    assert (len(found), more) == (len(entries), rest) == (5, True)


def test_an_inbox_of_huge_questions_is_bounded_and_says_that_there_are_more(room: Room) -> None:
    asked = [room.ask(f"{n}" + "x" * 1_000_000).id for n in range(12)]
    found, without, more = read.open_questions(room.db, Participant(ANN, "human", "Ann"), ROOM)
    assert ([message.id for message in found], without, more) == (asked[:9], [], True)
    for id_ in asked[:4]:
        room.do(c.Close(ANN, ROOM, id_, room.new_id(), "yes"))
    found, _, more = read.open_questions(room.db, Participant(ANN, "human", "Ann"), ROOM)
    assert ([message.id for message in found], more) == (asked[4:], False)
