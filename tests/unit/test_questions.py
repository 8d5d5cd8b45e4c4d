"""Questions: taken up by key, closed once, by whom it was put to, within the deadline."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import UNSET

from jupyter_agentchat import commands as c
from jupyter_agentchat.errors import (
    AlreadyClosed,
    Conflict,
    Forbidden,
    InvalidAnswer,
    InvalidRequest,
    NotAQuestion,
    NotFound,
    QuestionChanged,
)
from jupyter_agentchat.protocol import Ask, Decided
from tests.unit.machine import ANN, BEN, BOT, EVE, ROOM, WATCHER, Room


def test_an_open_question_is_taken_up_by_its_key(room: Room) -> None:
    first = room.ask(key="go")
    again = room.do(room.posting("Go on?", question=Ask(key="go")))
    assert not again.created
    assert again.message.id == first.id
    assert room.events == []


def test_an_answer_that_nobody_consumed_is_taken_up(room: Room) -> None:
    first = room.ask(key="go")
    room.do(room.closing(first, "yes"))
    again = room.ask(key="go")
    assert again.id == first.id
    assert again.question
    assert again.question.closing
    assert again.question.closing.value == "yes"


def test_a_default_that_nobody_consumed_is_taken_up(room: Room) -> None:
    first = room.ask(key="go", timeout=1.0, default="no")
    room.now += 2
    room.do(room.expiring(first))
    assert room.ask(key="go", timeout=1.0, default="no").id == first.id


def test_a_consumed_answer_is_asked_for_anew(room: Room) -> None:
    first = room.ask(key="go")
    room.do(room.closing(first, "yes"))
    room.do(c.ConsumeAnswer(BOT, ROOM, first.id))
    second = room.ask(key="go")
    assert second.id != first.id
    assert second.question
    assert second.question.state == "open"


def test_after_a_timeout_the_same_key_asks_anew(room: Room) -> None:
    first = room.ask(key="go", timeout=1.0)
    room.now += 2
    room.do(room.expiring(first))
    assert room.ask(key="go", timeout=1.0).id != first.id


def test_after_a_withdrawal_the_same_key_asks_anew(room: Room) -> None:
    first = room.ask(key="go")
    room.do(c.Withdraw(BOT, ROOM, first.id, room.new_id()))
    assert room.ask(key="go").id != first.id


@pytest.mark.parametrize("other", [{"choices": ["yes", "no"]}, {"to": ["@ann"]}])
def test_an_open_question_that_reads_differently_is_refused_with_both_wordings(room: Room, other: dict[str, Any]) -> None:
    room.ask("Go on?", key="go")
    error = room.refuses(QuestionChanged, room.posting("Go on?", question=Ask(key="go", **other)))
    assert error.details["asked"] == "Go on?"
    assert error.details["asking"].startswith("Go on? ")
    reworded = room.refuses(QuestionChanged, room.posting("Stop?", question=Ask(key="go")))
    assert reworded.details == {"asked": "Go on?", "asking": "Stop?"}


def test_an_answered_question_with_another_wording_is_asked_anew(room: Room) -> None:
    first = room.ask("Go on?", key="go")
    room.do(room.closing(first, "yes"))
    assert room.ask("Stop?", key="go").id != first.id


def test_a_key_is_its_askers_own(room: Room) -> None:
    first = room.ask(key="go")
    assert room.ask(actor=ANN, key="go").id != first.id


def test_a_question_without_a_key_is_always_a_new_one(room: Room) -> None:
    assert room.ask().id != room.ask().id


def test_a_decided_question_is_born_closed_and_says_so(room: Room) -> None:
    question = room.ask(key="go", choices=["yes", "no"], decided=Decided("yes", "AGENTCHAT_ANSWERS")).question
    assert question
    assert question.state == "answered"
    assert question.closing
    assert (question.closing.value, question.closing.source) == ("yes", "AGENTCHAT_ANSWERS")
    room.refuses(InvalidAnswer, room.posting("?", question=Ask(choices=["yes"], decided=Decided("no", "x"))))


def test_a_decision_closes_the_open_question_that_it_takes_up(room: Room) -> None:
    first = room.ask(key="go")
    command = room.posting("Go on?", question=Ask(key="go", decided=Decided("yes", "ledger")), client_id="c1")
    taken = room.do(command)
    assert (taken.message.id, taken.message.question.state) == (first.id, "answered")
    command.message_id = room.new_id()
    retried = room.do(command)
    assert retried.message.id == first.id, "the retry of a lost reply gets the question again, not what closed it"
    assert len(room.log()) == 2


def test_the_first_closing_wins_and_the_second_is_told_who(room: Room) -> None:
    question = room.ask(choices=["yes", "no"])
    room.do(room.closing(question, "yes", ANN))
    error = room.refuses(AlreadyClosed, room.closing(question, "no", BEN))
    assert error.details["by_name"] == "Ann"
    assert error.details["outcome"] == "answered"
    assert error.details["at"]
    room.refuses(AlreadyClosed, c.Withdraw(BOT, ROOM, question.id, room.new_id()))
    room.now += 1000
    assert room.do(room.expiring(question)) is None
    assert room.log() == ["Go on?", "yes"]


def test_an_answer_with_the_same_client_id_is_the_same_answer(room: Room) -> None:
    question = room.ask()
    first = room.do(room.closing(question, "yes", client_id="c1"))
    again = room.do(room.closing(question, "yes", client_id="c1"))
    assert (again.created, again.message.id) == (False, first.message.id)
    assert room.log() == ["Go on?", "yes"]


def test_a_client_id_of_another_message_is_no_answer(room: Room) -> None:
    question = room.ask()
    room.post("by the way", ANN, client_id="c1")
    room.refuses(Conflict, room.closing(question, "yes", client_id="c1"))
    assert room.query("SELECT state FROM questions") == [("open",)]


@pytest.mark.parametrize("value", ["maybe", "", None, 1, True, ["yes"], {"yes": 1}, "YES"])
def test_what_is_not_among_the_choices_is_no_answer(room: Room, value: Any) -> None:
    error = room.refuses(InvalidAnswer, room.closing(room.ask(choices=["yes", "no"]), value))
    assert error.details["choices"] == ["yes", "no"]


@pytest.mark.parametrize("value", ["", " \n", None, 1, ["text"]])
def test_a_free_question_is_answered_by_text(room: Room, value: Any) -> None:
    room.refuses(InvalidAnswer, room.closing(room.ask(), value))


def test_a_refusal_does_not_repeat_a_huge_answer(room: Room) -> None:
    error = room.refuses(InvalidAnswer, room.closing(room.ask(choices=["yes"]), "x" * 100_000))
    assert len(error.message) < 1000


def test_a_message_that_asks_nothing_cannot_be_answered(room: Room) -> None:
    message = room.post()
    room.refuses(NotAQuestion, room.closing(message, "yes"))
    room.refuses(NotFound, c.Close(ANN, ROOM, "msg_none", room.new_id(), "yes"))


def test_an_agent_answers_only_what_was_put_to_it_by_name(room: Room) -> None:
    room.do(c.PutMember(BOT, ROOM, c.NewMember("ag_critic", "agent", "critic")))
    room.refuses(Forbidden, room.closing(room.ask(), "yes", "ag_critic"))
    room.refuses(Forbidden, room.closing(room.ask(to=["@ann"]), "yes", "ag_critic"))
    assert room.do(room.closing(room.ask(to=["@Critic"]), "yes", "ag_critic")).created


def test_only_who_is_named_answers(room: Room) -> None:
    room.refuses(Forbidden, room.closing(room.ask(to=["@ann"]), "yes", BEN))
    assert room.do(room.closing(room.ask(to=["@ann"]), "yes", ANN)).created


def test_a_role_that_is_named_is_not_a_name(room: Room) -> None:
    """Somebody who calls themself "owner" is not one."""
    for participant_id, kind in (("hu_owner", "human"), ("ag_owner", "agent")):
        room.do(c.PutMember(BOT, ROOM, c.NewMember(participant_id, kind, "Owner")))  # type: ignore[arg-type] # Kind
        room.refuses(Forbidden, room.closing(room.ask(to=["@owner"]), "yes", participant_id))
    room.do(c.PutMember(BOT, ROOM, c.NewMember("hu_boss", "human", "Boss", "owner")))
    assert room.do(room.closing(room.ask(to=["@owner"]), "yes", "hu_boss")).created


def test_an_observer_answers_nothing(room: Room) -> None:
    room.refuses(Forbidden, room.closing(room.ask(), "yes", WATCHER))
    assert "Watcher only reads" in room.refuses(InvalidRequest, room.posting("?", question=Ask(to=["watcher"]))).message


def test_only_the_asker_withdraws_and_consumes(room: Room) -> None:
    question = room.ask()
    room.refuses(Forbidden, c.Withdraw(ANN, ROOM, question.id, room.new_id()))
    room.refuses(NotFound, c.ConsumeAnswer(BOT, ROOM, question.id))
    room.do(room.closing(question, "yes"))
    room.refuses(Forbidden, c.ConsumeAnswer(ANN, ROOM, question.id))


def test_a_deadline_is_the_journals_to_judge(room: Room) -> None:
    question = room.ask(timeout=10.0)
    assert question.question
    assert question.question.deadline_at == "2027-01-15T08:00:10.000Z"
    room.now += 9.999
    assert room.do(room.expiring(question)) is None, "a hub whose clock runs ahead proposes too early"
    room.now += 0.001
    closing = room.do(room.expiring(question)).message.closes
    assert (closing.outcome, closing.value) == ("timed_out", UNSET)
    assert room.do(room.expiring(question)) is None, "every hub proposes; it happens once"


def test_an_answer_before_the_deadline_fires_still_wins(room: Room) -> None:
    question = room.ask(timeout=10.0)
    room.now += 11
    assert room.do(room.closing(question, "yes")).created
    assert room.do(room.expiring(question)) is None


def test_a_deadline_with_a_default_goes_on_with_it(room: Room) -> None:
    question = room.ask(choices=["yes", "no"], timeout=10.0, default="no")
    room.now += 10
    closing = room.do(room.expiring(question)).message.closes
    assert (closing.outcome, closing.value) == ("default", "no")
    assert room.log()[-1] == "Nobody answered in time, so I go on with: no"


def test_a_default_must_answer_the_question(room: Room) -> None:
    room.refuses(InvalidRequest, room.posting("?", question=Ask(choices=["yes"], default="no")))
    room.refuses(InvalidRequest, room.posting("?", question=Ask(default=" ")))
    room.refuses(InvalidRequest, room.posting("?", question=Ask(choices=["yes", "yes"])))


def test_a_stranger_learns_nothing_of_a_question(room: Room) -> None:
    from jupyter_agentchat.errors import ChannelNotFound

    question = room.ask()
    known = room.refuses(ChannelNotFound, room.closing(question, "yes", EVE)).message
    unknown = room.refuses(ChannelNotFound, c.Close(EVE, "ch_none", question.id, "msg_x", "yes")).message
    assert known == unknown.replace("ch_none", ROOM)
