"""What the agent remembers of what comes in, frame by frame."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from jupyter_agentchat.client import conversation as module
from jupyter_agentchat.client import seen
from jupyter_agentchat.client.asking import Asking, Claim
from jupyter_agentchat.client.conversation import Conversation
from jupyter_agentchat.client.find import Place
from jupyter_agentchat.client.question import Question
from jupyter_agentchat.client.seen import Seen
from jupyter_agentchat.protocol import (
    MAX_CLOCK,
    Ask,
    Closing,
    Connected,
    Lagged,
    Message,
    MessageDeleted,
    MessageUpdated,
    NewMessage,
    Participant,
    Reset,
    Subscribed,
)
from jupyter_agentchat.protocol import Question as Asked

ME = Participant("ag_1", "agent", "bot")


@pytest.fixture
def conversation() -> Conversation:
    joined = Conversation()
    joined.joined(Place("http://h/", "au_1", "ch_1", "work"))
    joined.receive(Connected(ME, 1, "e1", 30.0))
    joined.receive(Subscribed("ch_1", 10))
    return joined


def message(seq: int, **fields: Any) -> Message:
    at = f"2026-11-21T06:00:{seq:02}.000Z"
    return Message(f"msg_{seq}", "ch_1", seq, "hu_1", "Ann", "human", str(seq), at, **fields)


def seqs(conversation: Conversation) -> list[int]:
    return [message.seq for message in conversation.log.messages()]


def test_what_was_seen_is_not_taken_twice(conversation: Conversation) -> None:
    for seq in (9, 10, 11, 12, 11, 12, 13):
        conversation.receive(NewMessage(message(seq)))
    assert seqs(conversation) == [11, 12, 13]
    assert conversation.subscription().after == 13


def test_a_gap_is_asked_for_once_and_filled_by_the_replay(conversation: Conversation) -> None:
    conversation.receive(NewMessage(message(11, prev_seq=10)))
    assert conversation.receive(NewMessage(message(13, prev_seq=12)))
    assert not conversation.receive(NewMessage(message(14, prev_seq=13))), "it is being asked for"
    assert conversation.subscription().after == 11
    conversation.receive(Subscribed("ch_1", 14))
    for seq in (12, 13, 14):
        conversation.receive(NewMessage(message(seq)))
    assert seqs(conversation) == [11, 12, 13, 14]


def test_who_lagged_asks_again_from_the_cursor(conversation: Conversation) -> None:
    conversation.receive(NewMessage(message(11)))
    assert conversation.receive(Lagged("ch_1", 11))
    assert not conversation.receive(Lagged("ch_other", 11))


def test_a_restored_log_is_read_from_its_beginning_without_telling_twice(conversation: Conversation) -> None:
    for seq in (11, 12):
        conversation.receive(NewMessage(message(seq)))
    conversation.receive(Reset("ch_1", "e2", "restored"))
    assert conversation.subscription().epoch == "e2"
    again = [message(11), message(12), message(15)]
    for place, each in enumerate(again, 1):
        each.seq = place
        conversation.receive(NewMessage(each))
    assert [each.id for each in conversation.log.messages()] == ["msg_15"]
    assert conversation.subscription().after == 3


def test_changes_and_deletions_move_the_cursor(conversation: Conversation) -> None:
    conversation.receive(NewMessage(message(11)))
    changed = message(11)
    changed.content, changed.edited_at = "better", "2026-11-21T06:01:00.000Z"
    conversation.receive(MessageUpdated(changed, 12))
    [kept] = conversation.log.messages()
    assert (kept.content, kept.edited_at) == ("better", changed.edited_at)
    conversation.receive(MessageDeleted("ch_1", "msg_11", 13))
    assert (kept.content, bool(kept.deleted_at)) == ("", True)
    assert conversation.subscription().after == 13


def test_another_channels_messages_are_not_this_conversations(conversation: Conversation) -> None:
    other = message(11)
    other.channel_id = "ch_2"
    conversation.receive(NewMessage(other))
    assert seqs(conversation) == []


def test_the_clock_is_above_all_that_was_seen(conversation: Conversation) -> None:
    assert conversation.tick() == 1
    conversation.receive(NewMessage(message(11, lamport=40)))
    assert conversation.tick() == 41


def test_the_clock_stays_within_what_a_hub_takes(conversation: Conversation) -> None:
    conversation.receive(NewMessage(message(11, lamport=MAX_CLOCK)))
    assert [conversation.tick(), conversation.tick()] == [MAX_CLOCK, MAX_CLOCK]


def test_what_was_seen_is_remembered_up_to_a_number_and_for_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seen, "REMEMBERED", 3)
    remembered = Seen()
    for name in "abcd":
        remembered.add(name)
    assert [name in remembered for name in "abcde"] == [False, True, True, True, False]
    monkeypatch.setattr(seen, "FOR_SECONDS", -1.0)
    remembered.add("e")
    assert "e" not in remembered


def test_a_restored_log_is_not_told_twice_though_some_of_it_was_dropped_here(
    conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jupyter_agentchat.client.log.KEPT", 1)
    for seq in (11, 12, 13):
        conversation.receive(NewMessage(message(seq)))
    conversation.receive(Reset("ch_1", "e2", "restored"))
    monkeypatch.setattr("jupyter_agentchat.client.log.KEPT", 100)
    for place, seq in enumerate((9, 11, 12, 13, 14), 1):  # 9 is older than this agent's joining
        each = message(seq)
        each.seq = place
        conversation.receive(NewMessage(each))
    assert [each.id for each in conversation.log.messages()] == ["msg_14"]


def closing(question_id: str) -> Closing:
    return Closing(question_id, "answered", "a", "hu_1", "Ann", "2026-11-21T06:00:59.000Z")


def question(seq: int = 11) -> Question:
    asked = message(seq, question=Asked("k", "open", choices=["a", "b"]))
    return Question(cast("Any", None), asked, Asking("Which?", Ask("k"), Claim("k", None)))


def test_a_closing_that_overtakes_the_reply_to_its_asking_is_not_lost(conversation: Conversation) -> None:
    conversation.receive(NewMessage(message(12, closes=closing("msg_11"))))
    late = question()
    conversation.watch(late)
    assert (late.state, late.answer, late.by) == ("answered", "a", "Ann")


def test_closings_are_remembered_up_to_a_limit(conversation: Conversation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CLOSINGS", 2)
    watched = question(30)
    conversation.watch(watched)
    for seq in range(11, 16):
        conversation.receive(NewMessage(message(seq, closes=closing(f"msg_of_{seq}"))))
    assert list(conversation._closings) == ["msg_of_14", "msg_of_15"]
    conversation.receive(NewMessage(message(31, closes=closing("msg_30"))))
    assert watched.state == "answered"


def test_the_transcript_holds_the_question_that_was_taken_up(conversation: Conversation) -> None:
    old = question(5)
    conversation.watch(old)
    conversation.receive(NewMessage(message(11)))
    conversation.receive(NewMessage(message(12, closes=closing("msg_5"))))
    assert [each.id for each in conversation.transcript()] == ["msg_5", "msg_11", "msg_12"]
    taken_up = conversation.transcript()[0].question
    assert taken_up
    assert taken_up.state == "answered"


@pytest.mark.anyio
async def test_a_reader_that_takes_its_wake_up_before_it_reads_misses_none(conversation: Conversation) -> None:
    log = conversation.log
    event = log.changed
    assert log.after(10) == []
    conversation.receive(NewMessage(message(11)))  # between the read and the wait
    await asyncio.wait_for(event.wait(), 5)
    assert [each.seq for each in log.after(10) or []] == [11]


def test_who_is_behind_what_is_kept_is_told_so(conversation: Conversation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jupyter_agentchat.client.log.KEPT", 2)
    for seq in range(11, 16):
        conversation.receive(NewMessage(message(seq)))
    assert conversation.log.after(12) is None
    assert [each.seq for each in conversation.log.after(13) or []] == [14, 15]
    assert [each.seq for each in conversation.log.after(13, limit=1) or []] == [14]
