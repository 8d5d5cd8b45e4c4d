"""An answer is taken once, and nothing on its way is lost: interrupts, second processes, humans who change their mind."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyter_agentchat import Agent, AlreadyUsed, AsyncAgent, InvalidRequest
from jupyter_agentchat.protocol import Consume
from tests.client.human import Human

pytestmark = pytest.mark.anyio


def until(true: Callable[[], Any]) -> None:
    while not true():
        pass


def test_of_two_processes_that_wait_one_gets_the_answer(make_agent: Callable[..., Agent], human: Human) -> None:
    one, other = make_agent().ask("Which?", key="k"), make_agent().ask("Which?", key="k")
    assert one.id == other.id
    human.answer("this")
    until(lambda: other.state == "answered")
    assert one.wait() == "this"
    with pytest.raises(AlreadyUsed):
        other.wait()
    assert one.wait() == "this", "who has it keeps it"


def test_who_came_second_asks_anew_by_itself(make_agent: Callable[..., Agent], human: Human) -> None:
    first, answers = make_agent().ask("Which?", key="k"), []
    second = make_agent()
    waiting = threading.Thread(target=lambda: answers.append(second.await_human("Which?", key="k")))
    waiting.start()
    until(lambda: any(second._agent.conversation._questions.values()))
    human.answer("this")
    with suppress(AlreadyUsed):
        first.wait()
    until(lambda: answers or human.questions())
    if not answers:  # the first was first
        human.answer("that")
    waiting.join()
    assert answers in (["this"], ["that"])


def test_both_of_one_agent_that_wait_for_one_question_learn_of_its_answer(agent: Agent, human: Human) -> None:
    one, other = agent.ask("Which?", key="k"), agent.ask("Which?", key="k")
    human.answer("this")
    until(lambda: one.state == other.state == "answered")


def test_an_answer_that_was_taken_back_is_waited_for_again(agent: Agent, human: Human) -> None:
    question = agent.ask("Which?", choices=["a", "b"])
    human.answer("a", question.id)
    until(lambda: question.state == "answered")
    human.reopen(question.id)
    until(lambda: question.state == "open")
    human.answer("b", question.id)
    assert question.wait() == "b"


def test_the_last_word_counts_also_when_its_news_are_late(agent: Agent, human: Human, monkeypatch: pytest.MonkeyPatch) -> None:
    question = agent.ask("Which?", choices=["a", "b"])
    human.answer("a", question.id)
    until(lambda: question.state == "answered")
    monkeypatch.setattr(agent._agent.conversation, "receive", lambda frame: False)  # the connection lags from now on
    human.reopen(question.id)
    human.answer("b", question.id)
    assert question.wait() == "b"


def test_an_answer_taken_back_before_it_is_taken_and_unheard_of_is_no_answer(
    agent: Agent, human: Human, monkeypatch: pytest.MonkeyPatch
) -> None:
    question = agent.ask("Which?", choices=["a", "b"])
    human.answer("a", question.id)
    until(lambda: question.state == "answered")
    receive = agent._agent.conversation.receive
    late: list[Any] = []

    def wait(frame: Any) -> bool:
        late.append(frame)
        return False

    monkeypatch.setattr(agent._agent.conversation, "receive", wait)
    human.reopen(question.id)
    answers: list[Any] = []
    waiting = threading.Thread(target=lambda: answers.append(question.wait()))
    waiting.start()
    until(lambda: question.state == "open")
    monkeypatch.undo()
    for frame in late:
        receive(frame)
    human.answer("b", question.id)
    waiting.join()
    assert answers == ["b"]


async def test_an_interrupt_while_the_answer_is_taken_loses_nothing(hub: object, monkeypatch: pytest.MonkeyPatch) -> None:
    async with AsyncAgent("research-bot") as agent:
        question = await agent.ask("Which?", key="k")
        with Human(await agent.invite(), "Ann") as ann:
            ann.answer("this", question.id)
            await question.closing()
            send = agent.request

            async def interrupted(frame: Consume) -> Any:
                await send(frame)
                raise asyncio.CancelledError

            monkeypatch.setattr(agent, "request", interrupted)
            with pytest.raises(asyncio.CancelledError):
                await question.wait()
            async with AsyncAgent("research-bot") as again:  # as a re-run cell makes it
                assert await again.await_human("Which?", key="k") == "this"
                assert (await again.ask("Which?", key="k")).state == "open", "once"


@pytest.mark.parametrize("step", ["call", "_reached"])
async def test_who_interrupts_twice_loses_nothing_either(hub: object, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    async with AsyncAgent("research-bot") as agent:
        question = await agent.ask("Which?", key="k")
        with Human(await agent.invite(), "Ann") as ann:
            ann.answer("this", question.id)
            await question.wait()
            question.hold_back()  # the first interrupt came just as the answer did

            async def interrupted(*_: object) -> Any:
                raise asyncio.CancelledError

            with monkeypatch.context() as patch:
                patch.setattr(agent, step, interrupted)
                with pytest.raises(asyncio.CancelledError):
                    await agent.await_human("Which?", key="k")
            assert await agent.await_human("Which?", key="k") == "this"
            assert (await agent.ask("Which?", key="k")).state == "open", "once"


async def test_what_was_on_its_way_is_no_answer_to_another_question(hub: object, monkeypatch: pytest.MonkeyPatch) -> None:
    async with AsyncAgent("research-bot") as agent:
        question = await agent.ask("Which?", key="k")
        with Human(await agent.invite(), "Ann") as ann:
            ann.answer("this", question.id)
            await question.closing()
            await question.take()
            question.hold_back()
            assert (await agent.ask("Whither?", key="k")).state == "open"


STEPS = st.lists(st.sampled_from(["ask", "answer", "reopen", "take", "break", "restart"]), min_size=3, max_size=12)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, automatic=st.booleans())
def test_whatever_happens_in_whatever_order_each_answer_is_given_once(
    make_agent: Callable[..., Agent], human: Human, steps: list[str], automatic: bool
) -> None:
    """A notebook whose one question is asked, answered, taken back, taken, interrupted and re-run in another process."""
    number = next(NUMBERS)
    told: dict[str, Any] = {"prompt": f"Question {number}?", **({} if automatic else {"key": f"k{number}"})}
    agent, question, model = make_agent(), None, Model()
    for count, step in enumerate(steps):
        if step == "ask":
            if question is not None:
                question.release()  # the cell was interrupted, and is run again
            question = agent.ask(**told)
            assert (question.id == model.asked) is (model.asked is not None)
            model.asked = question.id
        elif step == "answer" and model.asked and model.answer is None:
            model.answer = f"answer {count}"
            human.answer(model.answer, model.asked)
        elif step == "reopen" and model.asked and model.answer is not None:
            human.reopen(model.asked)
            model.answer = None
        elif step == "take" and question is not None and model.answer is not None and question.id == model.asked:
            assert question.wait() == model.answer
            model, question = Model(), None
        elif step == "break" and question is not None and question.id == model.asked and model.answer is not None:
            held, question = question, None
            assert held.wait() == model.answer
            held._question.hold_back()  # the interrupt came just as the answer did: nobody has it
            human_cannot_take_back(human, model.asked)
            question = agent.ask(**told)
            assert question.wait() == model.answer
            model, question = Model(), None
        elif step == "restart":
            agent.close()
            agent, question = make_agent(), None


@dataclass
class Model:
    """What the hub must hold: the question, and its answer that nobody took yet."""

    asked: str | None = None
    answer: str | None = None


NUMBERS = itertools.count()


def human_cannot_take_back(human: Human, question_id: str) -> None:
    with pytest.raises(AssertionError, match="already_used"):
        human.reopen(question_id)


def test_votes_are_seen_while_they_come_in(agent: Agent, human: Human) -> None:
    with Human(agent.invite(), "Bob") as bob:
        question = agent.ask("Go on?", choices=["yes", "no"], quorum=2)
        human.answer("yes")
        until(lambda: [vote.by_name for vote in question.votes] == ["Ann"])
        assert question.state == "open"
        bob.answer("yes", question.id)
        assert question.wait() == "yes"


def test_who_is_not_there_cannot_be_asked(agent: Agent, human: Human) -> None:
    with pytest.raises(InvalidRequest, match="nobody"):
        agent.ask("Go on?", to="@nobody")
    with pytest.raises(InvalidRequest, match=r"quorum|agree|could"):
        agent.ask("Go on?", quorum=50)
    assert human.questions() == []
    assert agent.ask("Go on?", to=["@Ann"]).state == "open"


def test_who_it_was_escalated_to_may_answer(agent: Agent, human: Human) -> None:
    with Human(agent.invite(), "Bob") as bob:
        question = agent.ask("Go on?", to="@Ann", escalate=[(0.2, "@Bob")], remind=1)
        until(bob.questions)
        bob.answer("yes", question.id)
        assert question.wait() == "yes"
        assert (question.outcome, question.by) == ("escalated", "Bob")
