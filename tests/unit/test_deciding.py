"""What people decide together: typed answers, approvals, votes, who else is asked, taking back; and its audit trail."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from jupyter_agentchat import commands as c
from jupyter_agentchat.commands import NewMember
from jupyter_agentchat.errors import (
    AlreadyClosed,
    AlreadyUsed,
    ChannelNotFound,
    Conflict,
    Forbidden,
    InvalidAnswer,
    InvalidRequest,
    MessageTooLarge,
    NotFound,
    QuestionChanged,
)
from jupyter_agentchat.protocol import (
    Ask,
    AskApproval,
    AskBatch,
    Closing,
    Decided,
    Message,
    MessageUpdated,
    Participant,
    Question,
    timestamp,
)
from jupyter_agentchat.state import audit, read
from jupyter_agentchat.state.rows import message_by_id
from tests.unit.machine import ANN, BEN, BOT, EVE, ROOM, WATCHER, Room

FORM = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}, "required": ["n"]}
EDITABLE = AskApproval("delete", {"paths": ["a", "b"], "days": 3}, ["days"], always=True)


def now(room: Room, message: Message) -> Question:
    found = message_by_id(room.db, ROOM, message.id)
    assert found
    assert found.question
    return found.question


def closed(room: Room, message: Message) -> Closing:
    closing = now(room, message).closing
    assert closing
    return closing


def trail(room: Room, message_id: str | None = None) -> list[tuple[str, str]]:
    found, _ = audit.page(room.db, ROOM, BOT, owns_workspace=False, message_id=message_id, before=None, limit=100)
    return [(entry.action, entry.by_name) for entry in reversed(found)]


def join(room: Room, participant_id: str, name: str, kind: Any = "human", role: Any = "member") -> None:
    room.do(c.PutMember(BOT, ROOM, NewMember(participant_id, kind, name, role)))


# ------------------------------------------------------------------------------------------------ typed answers


def test_a_form_is_kept_in_its_normal_form_and_answered_by_what_fits(room: Room) -> None:
    asked = room.ask(schema={"$defs": {"F": FORM}, "$ref": "#/$defs/F"}, initial={"n": 0})
    assert now(room, asked).schema == FORM
    assert now(room, asked).initial == {"n": 0}, "what the form begins with need not be an answer"
    error = room.refuses(InvalidAnswer, room.closing(asked, {"n": 0}))
    assert error.details["problems"] == {"n": "0 is less than 1"}
    room.do(room.closing(asked, {"n": 2}))
    assert closed(room, asked).value == {"n": 2}
    assert room.log()[-1] == "n: 2"


@pytest.mark.parametrize(
    ("ask", "good", "said", "bad"),
    [
        ({"choices": ["a", "b"], "multiple": True}, ["b", "a"], "b, a", [["c"], "a", ["a", "a"], ["a", 1], {"a": 1}, None]),
        ({"choices": ["a"], "multiple": True}, [], "(none of them)", [["a", "a"], [["a"]]]),
        ({"schema": {"type": "boolean"}}, False, "false", ["no", 0, None]),
        ({"schema": {"type": ["number", "null"]}}, None, "null", ["1", [1]]),
        ({"schema": {"type": "array", "items": {"type": "string"}}}, ["x"], '["x"]', [[1], "x"]),
        ({"schema": {"type": "string"}}, "", '""', [1]),
    ],
)
def test_a_typed_question_takes_its_type_only(room: Room, ask: dict[str, Any], good: Any, said: str, bad: list[Any]) -> None:
    asked = room.ask(**ask)
    for value in bad:
        assert room.refuses(InvalidAnswer, room.closing(asked, value)).details["problems"]
    room.do(room.closing(asked, good))
    assert closed(room, asked).value == good
    assert room.log()[-1] == said


def test_an_answer_that_is_huge_or_deep_is_refused_before_anything_else(room: Room) -> None:
    deep: Any = "x"
    for _ in range(100):
        deep = [deep]
    error = room.refuses(InvalidAnswer, room.closing(room.ask(schema={"type": "string"}), deep))
    assert "nested deeper" in error.message
    room.refuses(MessageTooLarge, room.closing(room.ask(schema=FORM), {"n": "x" * 1_100_000}))


BAD_ASKS: dict[str, tuple[dict[str, Any], str]] = {
    "a schema that cannot be drawn": ({"schema": {"type": "object"}}, "without named properties"),
    "choices and a schema": ({"choices": ["a"], "schema": FORM}, "both given"),
    "several of nothing": ({"multiple": True}, "multiple needs choices"),
    "a default that does not fit": ({"schema": FORM, "default": {"n": 0}}, "0 is less than 1"),
    "a default that is one of several": ({"choices": ["a"], "multiple": True, "default": "a"}, "not a list"),
    "an approval of nothing": ({"kind": "approval"}, "what shall be approved"),
    "something to approve in a question": ({"approval": EDITABLE}, "what shall be approved"),
    "an approval with choices": ({"kind": "approval", "approval": EDITABLE, "choices": ["a"]}, "has no choices"),
    "editing what is not there": ({"kind": "approval", "approval": AskApproval("x", {}, ["a"])}, "editable names"),
    "a form of other arguments": (
        {"kind": "approval", "approval": AskApproval("x", {"a": 1, "n": 1}, ["a"], FORM)}, "just the editable",
    ),
    "an approval's default that does not decide": ({"kind": "approval", "approval": EDITABLE, "default": "maybe"}, "decide"),
    "a secret with a default": ({"kind": "secret", "default": "hush-hush"}, "has no default"),
    "a secret with choices": ({"kind": "secret", "choices": ["hush-hush"]}, "has no choices"),
    "a secret that two know": ({"kind": "secret", "quorum": 2}, "has no quorum"),
    "secrets by the dozen": ({"kind": "secret", "batch": AskBatch("b", 0, 12)}, "has no batch"),
    "a secret decided in the open": ({"kind": "secret", "decided": Decided("hush-hush", "file")}, "is not kept"),
    "an approval that nobody gave": ({"decided": Decided("yes", "Always approved by Ann")}, "does not begin with"),
    "an action that reads otherwise": (
        {"kind": "approval", "approval": AskApproval("delete \u202etxt.exe", {})}, "turn the writing round",
    ),
    "the third of two": ({"batch": AskBatch("b", 2, 2)}, "not below"),
    "an escalation after the end": ({"timeout": 5.0, "escalate": [{"after": 5.0, "to": "@ben"}]}, "ends after"),
    "a reminder after the end": ({"timeout": 5.0, "remind": 6.0}, "longer than the timeout"),
    "somebody who is not there": ({"to": ["@ann", "@reviewer"]}, "nobody called '@reviewer'.*Ann, Ben, @owner, @member"),
    "an escalation to nobody": ({"escalate": [{"after": 5.0, "to": "@lead"}]}, "nobody called '@lead'"),
    "the asker": ({"to": ["@bot"]}, "bot is who asks"),
    "who only reads": ({"to": ["@watcher"]}, "only reads"),
    "the role of who only reads": ({"to": ["@observer"]}, "nobody called '@observer'"),
    "more than there are": ({"quorum": 4}, "only 3 could"),
    "more than are named": ({"quorum": 2, "to": ["@ann"]}, "only 1 could"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_ASKS)
def test_what_makes_no_sense_is_refused_before_anybody_is_asked(room: Room, name: str) -> None:
    ask, words = BAD_ASKS[name]
    question = msgspec.convert(msgspec.to_builtins(Ask(**ask)), Ask)
    with pytest.raises((InvalidRequest, InvalidAnswer), match=words) as caught:
        room.do(room.posting("?", question=question))
    assert "hush-hush" not in str(caught.value)
    assert room.log() == []


# ------------------------------------------------------------------------------------------------ approvals


def approval(room: Room, **fields: Any) -> Message:
    return room.ask("Delete 2 files?", kind="approval", **{"approval": EDITABLE, **fields})


@pytest.mark.parametrize(
    ("answer", "kept", "said"),
    [
        (True, {"approved": True}, "Approved."),
        ("approve", {"approved": True}, "Approved."),
        (False, {"approved": False}, "Rejected."),
        ("reject", {"approved": False}, "Rejected."),
        ({"approved": False, "comment": "not on Fridays"}, {"approved": False, "comment": "not on Fridays"},
         "Rejected: not on Fridays"),
        ({"approved": True, "arguments": {"days": 7}}, {"approved": True, "arguments": {"days": 7}}, "Approved with days = 7."),
        ({"approved": True, "arguments": {"days": 3, "paths": ["a", "b"]}, "comment": " "}, {"approved": True}, "Approved."),
        ({"approved": False, "arguments": {"days": 7}}, {"approved": False}, "Rejected."),
        ("always", {"approved": True, "always": True}, "Approved for good."),
    ],
)  # fmt: skip
def test_a_decision_is_kept_as_an_object_whichever_way_it_was_said(room: Room, answer: Any, kept: Any, said: str) -> None:
    asked = approval(room)
    room.do(room.closing(asked, answer))
    assert closed(room, asked).value == kept
    assert room.log()[-1] == said


@pytest.mark.parametrize(
    ("answer", "place"),
    [
        (None, ""), ("yes", ""), ({}, ""), ({"approved": "true"}, ""), ([True], ""), (1, ""),
        ({"approved": True, "arguments": {"paths": ["c"]}}, "arguments.paths"),
        ({"approved": True, "arguments": {"more": 1}}, "arguments.more"),
        ({"approved": True, "arguments": [1]}, "arguments"),
        ({"approved": True, "comment": 1}, "comment"),
        ({"approved": False, "always": True}, "always"),
        ({"approved": True, "sure": True}, "sure"),
    ],
)  # fmt: skip
def test_what_decides_nothing_or_edits_what_may_not_be_edited_is_refused(room: Room, answer: Any, place: str) -> None:
    error = room.refuses(InvalidAnswer, room.closing(approval(room), answer))
    assert list(error.details["problems"]) == [place]


def test_edits_fit_the_form_of_the_editable_arguments(room: Room) -> None:
    asked = approval(room, approval=AskApproval("x", {"n": 5, "path": "a"}, ["n"], FORM))
    for edit in ({"n": 0}, {"n": "5"}, {"n": None}):
        error = room.refuses(InvalidAnswer, room.closing(asked, {"approved": True, "arguments": edit}))
        assert list(error.details["problems"]) == ["arguments.n"]
    room.do(room.closing(asked, {"approved": True, "arguments": {"n": 6}}))


def test_what_is_always_approved_is_born_closed_until_that_is_revoked(room: Room) -> None:
    room.do(room.closing(approval(room), "always", ANN))
    later = approval(room)
    assert later.question
    assert later.question.state == "answered"
    closing = closed(room, later)
    assert (closing.value, closing.by_id, closing.by_name, closing.source) == (
        {"approved": True}, ANN, "Ann", "always approved by Ann",
    )  # fmt: skip
    assert approval(room, approval=AskApproval("other", {}, always=True)).question.state == "open"  # type: ignore[union-attr]
    join(room, "ag_other", "other bot", "agent")
    assert room.ask("?", "ag_other", kind="approval", approval=EDITABLE).question.state == "open"  # type: ignore[union-attr]
    ((approval_id,),) = room.query("SELECT id FROM approvals")
    room.refuses(Forbidden, c.RevokeStanding("ag_other", ROOM, approval_id))
    room.refuses(Forbidden, c.RevokeStanding(WATCHER, ROOM, approval_id))
    room.do(c.RevokeStanding(BEN, ROOM, approval_id))
    room.refuses(NotFound, c.RevokeStanding(BEN, ROOM, approval_id))
    assert now(room, approval(room)).state == "open"
    assert [entry for entry in trail(room) if entry[0] != "answered"] == [("revoked", "Ben")]


@pytest.mark.parametrize(
    "fields",
    [{"to": ["@ben"]}, {"quorum": 2}, {"approval": AskApproval("delete", {}, always=False)}],
    ids=["who approved is not asked", "two must agree", "one by one"],
)
def test_a_standing_approval_decides_nothing_that_its_giver_could_not_decide_alone(room: Room, fields: Any) -> None:
    room.do(room.closing(approval(room), "always", ANN))
    assert now(room, approval(room, **fields)).state == "open"


def test_who_is_gone_or_only_reads_approves_nothing_any_more(room: Room) -> None:
    room.do(room.closing(approval(room), "always", ANN))
    join(room, ANN, "Ann", role="observer")
    assert now(room, approval(room)).state == "open"
    room.do(c.DropMember(ANN, ROOM, ANN))
    assert now(room, approval(room)).state == "open"


def test_always_is_refused_where_it_is_not_offered(room: Room) -> None:
    asked = approval(room, approval=AskApproval("delete", {}))
    room.refuses(InvalidAnswer, room.closing(asked, "always"))


def test_who_takes_an_answer_back_takes_back_what_it_approved_for_good(room: Room) -> None:
    asked = approval(room)
    room.do(room.closing(asked, "always", ANN))
    room.do(c.Reopen(ANN, ROOM, asked.id, room.new_id()))
    assert room.query("SELECT * FROM approvals") == []


# ------------------------------------------------------------------------------------------------ several people


def test_a_quorum_closes_when_as_many_say_the_same_and_everybody_has_one_vote(room: Room) -> None:
    asked = room.ask(choices=["yes", "no"], quorum=2)
    first = room.do(room.closing(asked, "yes", ANN))
    assert (first.message.id, first.created) == (asked.id, False)
    (event,) = room.events
    assert isinstance(event, c.Appended)
    assert isinstance(event.frame, MessageUpdated)
    room.do(room.closing(asked, "no", BEN))
    room.do(room.closing(asked, "no", ANN))
    closing = closed(room, asked)
    assert (closing.value, closing.by_id) == ("no", ANN)
    assert [(vote.by_name, vote.value) for vote in now(room, asked).votes or ()] == [("Ben", "no"), ("Ann", "no")]
    room.refuses(AlreadyClosed, room.closing(asked, "yes", BEN))
    assert trail(room, asked.id) == [("voted", "Ann"), ("voted", "Ben"), ("answered", "Ann")]
    assert room.log() == ["Go on?", "no"], "votes are no messages"


def test_the_same_person_twice_is_one_vote(room: Room) -> None:
    asked = room.ask(quorum=2)
    for _ in range(3):
        room.do(room.closing(asked, "yes", ANN))
    assert now(room, asked).state == "open"
    once = room.closing(asked, "yes", ANN, client_id="c1")
    room.do(once)
    assert room.do(once).message.id == asked.id, "and a repeated one is told again"


def test_numbers_are_the_same_answer_however_they_are_written_and_true_is_no_number(room: Room) -> None:
    asked = room.ask(schema={"type": "number"}, quorum=2)
    room.do(room.closing(asked, 3, ANN))
    room.do(room.closing(asked, 3.0, BEN))
    assert now(room, asked).state == "answered"


def test_a_vote_is_short_for_all_votes_go_to_everybody(room: Room) -> None:
    room.refuses(MessageTooLarge, room.closing(room.ask(quorum=2), "x" * 5000))


def test_the_audit_trail_keeps_of_a_long_answer_how_long_it_was(room: Room) -> None:
    asked = room.ask()
    room.do(room.closing(asked, "x" * 100_000))
    ((entry,), _) = audit.page(room.db, ROOM, BOT, owns_workspace=False, message_id=asked.id, before=None, limit=9)
    assert entry.detail == {"value_bytes": 100_002}


def test_one_rejection_is_enough_and_edits_must_be_the_same(room: Room) -> None:
    asked = approval(room, quorum=2)
    room.do(room.closing(asked, {"approved": True, "arguments": {"days": 5}}, ANN))
    room.do(room.closing(asked, "always", BEN))
    assert now(room, asked).state == "open", "other arguments, another answer"
    room.do(room.closing(asked, {"approved": True, "comment": "as it is"}, ANN))
    assert closed(room, asked).value == {"approved": True, "comment": "as it is"}
    assert room.query("SELECT * FROM approvals") == [], "one of the two said always"
    again = approval(room, quorum=2)
    room.do(room.closing(again, False, ANN))
    assert closed(room, again).value == {"approved": False}


def test_invited_people_and_a_workspaces_owner_count_for_a_quorum(room: Room) -> None:
    room.ask(quorum=3, key="ann, ben, and who owns the workspace")
    until = timestamp(room.now + 60)
    room.do(c.Invite(BOT, ROOM, "inv_1", "h1", until, 2, "Cem"))
    room.ask(quorum=5)
    room.ask(to=["@cem"], quorum=2)
    room.ask(to=["@member"], quorum=4)
    assert "only 2 could" in room.refuses(InvalidRequest, room.posting("?", question=Ask(to=["@Cem"], quorum=3))).message
    room.do(c.UseInvite(c.HUB, ROOM, "h1", NewMember("hu_cem", "human", "Cem")))
    room.ask(to=["@cem"], quorum=2)
    room.now += 61
    assert "only 1 could" in room.refuses(InvalidRequest, room.posting("?", question=Ask(to=["@Cem"], quorum=2))).message
    join(room, "hu_boss", "Boss", role="owner")
    assert "only 4 could" in room.refuses(InvalidRequest, room.posting("?", question=Ask(quorum=5))).message


def test_who_asks_does_not_answer(room: Room) -> None:
    join(room, "hu_boss", "Boss", role="owner")
    asked = room.ask(actor="hu_boss")
    assert "does not answer it" in room.refuses(Forbidden, room.closing(asked, "yes", "hu_boss")).message
    named = room.ask(actor="hu_boss", to=["@owner"])
    room.refuses(Forbidden, room.closing(named, "yes", "hu_boss"))
    assert read.open_questions(room.db, Participant("hu_boss", "human", "Boss"), ROOM) == ([], [], False)


# ------------------------------------------------------------------------------------------------ handing on, putting off


def test_who_is_asked_hands_the_question_on(room: Room) -> None:
    asked = room.ask(to=["@ann"])
    room.refuses(Forbidden, c.HandOn(BEN, ROOM, asked.id, ["@ben"]))
    room.refuses(InvalidRequest, c.HandOn(ANN, ROOM, asked.id, ["@bot"]))
    room.refuses(InvalidRequest, c.HandOn(ANN, ROOM, asked.id, ["@nobody"]))
    handed = room.do(c.HandOn(ANN, ROOM, asked.id, ["@ben"], client_id="h")).message
    assert handed.question.to == ["@ben"]
    assert room.do(c.HandOn(ANN, ROOM, asked.id, ["@ben"], client_id="h")).message.id == asked.id
    room.refuses(Forbidden, room.closing(asked, "yes", ANN))
    room.do(room.closing(asked, "yes", BEN))
    room.refuses(AlreadyClosed, c.HandOn(BEN, ROOM, asked.id, ["@ann"]))
    assert trail(room) == [("delegated", "Ann"), ("answered", "Ben")]


def test_a_question_that_was_handed_on_is_still_the_same_to_its_asker(room: Room) -> None:
    asked = room.ask(key="k", to=["@ann"])
    room.do(c.HandOn(ANN, ROOM, asked.id, ["@ben"]))
    again = room.ask(key="k", to=["@ann"])
    assert again.id == asked.id
    assert again.question
    assert again.question.to == ["@ben"]


def test_a_quorum_is_not_handed_to_fewer_people_than_it_takes(room: Room) -> None:
    asked = room.ask(quorum=2)
    room.refuses(InvalidRequest, c.HandOn(ANN, ROOM, asked.id, ["@ben"]))
    room.do(room.closing(asked, "yes", ANN))
    room.do(c.HandOn(ANN, ROOM, asked.id, ["@ben"]))  # Ann's own vote stands
    room.do(room.closing(asked, "yes", BEN))
    assert now(room, asked).state == "answered"


def test_a_snooze_is_its_readers_own_and_ends(room: Room) -> None:
    asked = room.ask()
    room.do(c.PutOff(ANN, ROOM, asked.id, 60))
    at = timestamp(room.now)
    assert read.snoozed(room.db, ANN, at) == {asked.id: timestamp(room.now + 60)}
    assert read.snoozed(room.db, BEN, at) == {}
    assert read.snoozed(room.db, ANN, timestamp(room.now + 60)) == {}
    room.do(c.PutOff(ANN, ROOM, asked.id, 0))
    assert read.snoozed(room.db, ANN, at) == {}
    room.do(c.PutOff(ANN, ROOM, asked.id, 60))
    room.do(room.closing(asked, "yes", BEN))
    assert room.query("SELECT * FROM snoozes") == []
    room.refuses(AlreadyClosed, c.PutOff(ANN, ROOM, asked.id, 60))
    room.refuses(ChannelNotFound, c.PutOff(EVE, ROOM, asked.id, 60))


# ------------------------------------------------------------------------------------------------ taking back, using up


def test_an_answer_is_taken_back_until_it_is_used(room: Room) -> None:
    asked = room.ask(key="k", batch=AskBatch("b", 0, 1))
    room.refuses(Conflict, c.Reopen(ANN, ROOM, asked.id, room.new_id()))
    room.do(room.closing(asked, "yes", ANN))
    assert closed(room, asked).batch_id == "b"
    room.refuses(Forbidden, c.Reopen(BEN, ROOM, asked.id, room.new_id()))
    opened = room.do(c.Reopen(ANN, ROOM, asked.id, room.new_id(), client_id="r")).message
    assert (opened.closes.outcome, opened.closes.question_id, opened.closes.batch_id) == ("reopened", asked.id, "b")
    assert room.do(c.Reopen(ANN, ROOM, asked.id, room.new_id(), client_id="r")).message.id == opened.id
    assert (now(room, asked).state, now(room, asked).closing) == ("open", None)
    assert room.ask(key="k", batch=AskBatch("b", 0, 1)).id == asked.id
    room.refuses(NotFound, c.ConsumeAnswer(BOT, ROOM, asked.id))
    room.do(room.closing(asked, "no", BEN))
    room.do(c.ConsumeAnswer(BOT, ROOM, asked.id))
    assert "goes on with this answer" in room.refuses(AlreadyUsed, c.Reopen(BEN, ROOM, asked.id, room.new_id())).message
    assert [action for action, _ in trail(room)] == ["answered", "reopened", "answered"]


def test_what_nobody_answered_live_is_not_taken_back(room: Room) -> None:
    decided = room.ask(decided=Decided("yes", "file"))
    room.refuses(Forbidden, c.Reopen(BOT, ROOM, decided.id, room.new_id()))
    expired = room.ask(timeout=1.0, default="no")
    room.now += 1
    room.do(room.expiring(expired))
    room.refuses(Forbidden, c.Reopen(BOT, ROOM, expired.id, room.new_id()))


def test_past_its_deadline_a_question_is_not_opened_again(room: Room) -> None:
    asked = room.ask(timeout=10.0)
    room.do(room.closing(asked, "yes", ANN))
    room.now += 10
    assert "was over" in room.refuses(Conflict, c.Reopen(ANN, ROOM, asked.id, room.new_id())).message


def test_a_vote_is_taken_back_with_the_answer_that_it_made(room: Room) -> None:
    asked = room.ask(quorum=2)
    room.do(room.closing(asked, "yes", ANN))
    room.do(room.closing(asked, "yes", BEN))
    room.do(c.Reopen(BEN, ROOM, asked.id, room.new_id()))
    assert [vote.by_id for vote in now(room, asked).votes or ()] == [ANN]


def test_an_answer_is_used_once(room: Room) -> None:
    asked = room.ask(key="k")
    room.do(room.closing(asked, "yes"))
    mine = c.ConsumeAnswer(BOT, ROOM, asked.id, client_id="mine")
    room.do(mine)
    room.do(mine)
    room.refuses(AlreadyUsed, c.ConsumeAnswer(BOT, ROOM, asked.id, client_id="another process's"))
    room.refuses(AlreadyUsed, c.ConsumeAnswer(BOT, ROOM, asked.id))
    assert room.ask(key="k").id != asked.id


def test_a_batchs_answers_are_given_again_until_the_batch_is_finished(room: Room) -> None:
    asked = [room.ask("Which?", key=f"row {n}", batch=AskBatch("b", n, 3)) for n in range(3)]
    for message in asked[:2]:
        room.do(room.closing(message, "yes"))
        room.do(c.ConsumeAnswer(BOT, ROOM, message.id))
    again = [room.ask("Which?", key=f"row {n}", batch=AskBatch("b", n, 3)) for n in range(3)]
    assert [message.id for message in again] == [message.id for message in asked]
    room.do(c.ConsumeAnswer(BOT, ROOM, asked[0].id))
    room.refuses(NotFound, c.EndBatch(BOT, ROOM, "other"))
    room.refuses(NotFound, c.EndBatch(ANN, ROOM, "b"))
    room.do(c.EndBatch(BOT, ROOM, "b"))
    room.refuses(AlreadyUsed, c.ConsumeAnswer(BOT, ROOM, asked[0].id))
    anew = [room.ask("Which?", key=f"row {n}", batch=AskBatch("b", n, 3)) for n in range(3)]
    assert [message.id == before.id for message, before in zip(anew, asked, strict=True)] == [False, False, True]


def test_a_changed_question_under_the_same_key_is_refused_with_both(room: Room) -> None:
    room.ask("Go on?", key="k", schema=FORM)
    for other in ({"schema": {"type": "string"}}, {"choices": ["a"]}, {"schema": FORM, "quorum": 2}, {}, {"kind": "secret"}):
        error = room.refuses(QuestionChanged, room.posting("Go on?", question=Ask(key="k", **other)))
        assert error.details["asked"] != error.details["asking"]
    assert room.ask("Go on?", key="k", schema=FORM, remind=5.0, timeout=60.0, batch=AskBatch("b", 0, 1)).question


def test_who_answers_may_say_what_they_saw(room: Room) -> None:
    parts = [{"data": {"text/plain": "42"}}]
    asked = room.post("Right?", question=Ask(choices=["yes"]), parts=parts)
    other = room.post("Right?", question=Ask(choices=["yes"]), parts=[{"data": {"text/plain": "43"}}])
    digest = now(room, asked).digest
    assert digest
    assert len(digest) == 64
    assert digest == now(room, room.post("Right?", question=Ask(choices=["yes"]), parts=parts)).digest
    command = room.closing(asked, "yes")
    command.saw = now(room, other).digest
    room.refuses(Conflict, command)
    command.saw, command.origin = digest, "panel · 127.0.0.1"
    room.do(command)
    entries, _ = audit.page(room.db, ROOM, BOT, owns_workspace=False, message_id=asked.id, before=None, limit=9)
    (entry,) = entries
    assert (entry.action, entry.by_id, entry.saw, entry.origin) == ("answered", ANN, digest, "panel · 127.0.0.1")
    assert (entry.detail, entry.agent_id) == ({"value": "yes"}, BOT)


def test_the_audit_trail_is_its_owners_to_read_page_by_page(room: Room) -> None:
    for _ in range(5):
        room.do(room.closing(room.ask(), "yes"))
    with pytest.raises(Forbidden):
        audit.page(room.db, ROOM, ANN, owns_workspace=False, message_id=None, before=None, limit=2)
    with pytest.raises(ChannelNotFound):
        audit.page(room.db, ROOM, EVE, owns_workspace=True, message_id=None, before=None, limit=2)
    seen, before = [], None
    while True:
        entries, more = audit.page(room.db, ROOM, ANN, owns_workspace=True, message_id=None, before=before, limit=2)
        seen += [entry.seq for entry in entries]
        before = seen[-1]
        if not more:
            break
    assert seen == sorted(seen, reverse=True)
    assert len(seen) == 5


# ------------------------------------------------------------------------------------------------ secrets


def test_a_secret_closes_without_its_value(room: Room) -> None:
    asked = room.ask("Password?", kind="secret")
    error = room.refuses(InvalidAnswer, room.closing(asked, "hush-hush"))
    assert "hush-hush" not in str((error.message, error.details))
    room.do(room.closing(asked, None))
    assert room.log() == ["Password?", "(a secret, told to its asker only)"]
    decided = room.ask("Password?", kind="secret", decided=Decided(None, "AGENTCHAT_ANSWERS"))
    assert "value" not in msgspec.to_builtins(closed(room, decided))
