"""What a listener has handled is told to the hub; what was not comes again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from itertools import islice

import pytest

from jupyter_agentchat import Agent, Message
from jupyter_agentchat.client import acks
from jupyter_agentchat.errors import Overloaded
from jupyter_agentchat.protocol import OneChannel
from tests.client.human import Human
from tests.client.scripted import Line, Scripted

pytestmark = pytest.mark.anyio
Make = Callable[..., Agent]


def say(human: Human, *words: str) -> list[int]:
    return [human.say(word)["seq"] for word in words]


def told(agent: Agent) -> int:
    """The cursor of this agent that the hub has."""
    agent.flush()
    channel = agent._call(agent._agent.call, "get_channel", OneChannel(agent.channel_id)).channel
    found: int = next(member.read_seq for member in channel.members if member.participant_id == agent.me.id)
    return found


def contents(listener: Iterator[Message], count: int) -> list[str]:
    return [message.content for message in islice(listener, count)]


def test_a_message_is_handled_when_the_next_one_is_asked_for(agent: Agent, human: Human) -> None:
    listener = agent.listen(after=0)
    seqs = say(human, "one", "two", "three")
    assert contents(listener, 1) == ["one"]
    assert told(agent) < seqs[0]
    assert contents(listener, 2) == ["two", "three"]
    assert told(agent) == seqs[1]


def test_a_new_process_goes_on_after_what_was_handled(make_agent: Make, agent: Agent, human: Human) -> None:
    say(human, "one", "two", "three")
    crashed = make_agent()
    for message in crashed.listen(after="acked"):
        if message.content == "two":
            break  # not handled: neither asked for the next one, nor acked
    crashed.close()
    again = make_agent().listen(after="acked")
    assert contents(again, 2) == ["two", "three"]


def test_the_message_at_which_a_loop_ends_is_handled_if_its_user_says_so(make_agent: Make, agent: Agent, human: Human) -> None:
    say(human, "one", "stop", "three")
    first = make_agent()
    for message in first.listen(after="acked"):
        if message.content == "stop":
            first.ack(message)
            break
    first.close()
    assert contents(make_agent().listen(after="acked"), 1) == ["three"]


def test_a_message_put_back_comes_again_and_holds_no_other_up(agent: Agent, human: Human) -> None:
    say(human, "one", "two", "three")
    listener = agent.listen(after=0)
    agent.nack(next(listener), delay=0.3)
    assert contents(listener, 3) == ["two", "three", "one"]


def test_a_message_put_back_and_not_handled_is_there_after_a_crash(make_agent: Make, agent: Agent, human: Human) -> None:
    first, *_ = say(human, "one", "two", "three")
    crashed = make_agent()
    listener = crashed.listen(after="acked")
    crashed.nack(next(listener), delay=3600)
    assert contents(listener, 2) == ["two", "three"]
    assert told(crashed) < first
    crashed.close()
    again = make_agent()
    listener = again.listen(after="acked")
    assert contents(listener, 3) == ["one", "two", "three"]


def test_once_a_message_that_was_put_back_is_handled_the_ack_goes_on(agent: Agent, human: Human) -> None:
    *_, last, end = say(human, "one", "two", "three", "end")
    listener = agent.listen(after=0)
    agent.nack(next(listener), delay=0)
    assert contents(listener, 3) == ["one", "two", "three"]
    assert told(agent) < last
    next(listener)
    assert last <= told(agent) < end


def test_a_message_can_be_put_back_again_and_again_until_it_is_acked(agent: Agent, human: Human) -> None:
    (seq,) = say(human, "one")
    listener = agent.listen(after=0)
    for _ in range(3):
        message = next(listener)
        agent.nack(message, delay=0)
    agent.ack(message)
    assert told(agent) == seq
    say(human, "two")
    assert contents(listener, 1) == ["two"]


def test_who_leaves_a_message_that_was_put_back_leaves_it_to_the_next_listener(agent: Agent, human: Human) -> None:
    say(human, "one", "two")
    listener = agent.listen(after=0)
    agent.nack(next(listener), delay=0)
    assert contents(listener, 1) == ["one"]
    del listener
    assert sorted(contents(agent.listen(after=0), 3)) == ["one", "one", "two"]


def test_a_listener_that_waits_gets_what_is_put_back_meanwhile(agent: Agent, human: Human) -> None:
    say(human, "one")
    listener = agent.listen(after=0)
    one = next(listener)
    heard: list[str] = []
    waiting = threading.Thread(target=lambda: heard.extend(contents(listener, 1)))
    waiting.start()
    while agent._agent._acks.handled_up_to < one.seq:
        time.sleep(0.01)
    agent.nack(one, delay=0.1)
    waiting.join(20)
    assert heard == ["one"]


def test_a_listener_that_waits_gets_what_another_leaves(agent: Agent, human: Human) -> None:
    say(human, "one")
    leaving = agent.listen(after=0)
    agent.nack(next(leaving), delay=0)
    assert contents(leaving, 1) == ["one"]
    waiting = agent.listen()
    heard: list[str] = []
    thread = threading.Thread(target=lambda: heard.extend(contents(waiting, 1)))
    thread.start()
    while len(agent._agent._acks._readings) < 2:
        time.sleep(0.01)
    del leaving
    thread.join(20)
    assert heard == ["one"]


def test_the_hub_is_told_the_lowest_of_two_listeners(agent: Agent, human: Human) -> None:
    seqs = say(human, "one", "two", "three")
    slow, fast = agent.listen(after=0), agent.listen(after=0)
    contents(slow, 2)
    contents(fast, 3)
    assert told(agent) == seqs[0]
    contents(slow, 1)
    assert told(agent) == seqs[1]


def test_what_is_put_back_is_bounded(agent: Agent, human: Human, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acks, "PUT_BACK", 2)
    say(human, "one", "two", "three")
    one, two, three = islice(agent.listen(after=0), 3)
    agent.nack(one, delay=60)
    agent.nack(two, delay=60)
    agent.nack(two, delay=60)
    with pytest.raises(Overloaded, match="2 messages are put back already"):
        agent.nack(three)
    for wrong in (-1, float("nan"), 1e9):
        with pytest.raises(ValueError, match=r"^delay"):
            agent.nack(one, delay=wrong)


def test_a_cursor_that_is_none_is_an_error(agent: Agent) -> None:
    for wrong in (-1, 1.5, "read", True):
        with pytest.raises(ValueError, match=r"^after"):
            agent.listen(after=wrong)  # type: ignore[arg-type]


async def test_acks_are_few_and_the_last_one_is_flushed() -> None:
    async def talkative(line: Line) -> None:
        for seq in range(1, 1001):
            await line.message(seq)
        await line.serve()

    async with Scripted(talkative) as hub:
        async with hub.agent() as agent:
            async for message in agent.listen(after=0):
                if message.seq == 1000:
                    await agent.ack(message)
                    break
        cursors = [frame["seq"] for frame in hub.of("ack")]
        assert cursors == sorted(cursors)
        assert cursors[-1] == 1000
        assert len(cursors) < 100


async def test_an_ack_whose_confirmation_was_lost_is_told_again() -> None:
    async def deaf_at_first(line: Line) -> None:
        if line.number == 1:
            await line.message(1)
            await line.message(2)
            while (await line.hear())["type"] != "ack":
                pass
            return
        await line.serve()

    async with Scripted(deaf_at_first) as hub, hub.agent() as agent:
        listener = agent.listen(after=0)
        await anext(listener)
        await anext(listener)
        await hub.until(lambda: len(hub.of("ack")) == 2)
        assert [frame["seq"] for frame in hub.of("ack")] == [1, 1]
        assert await agent.flush(20)
